// What becomes of deliveries.
#include "test_host.hpp"

#include <filesystem>
#include <thread>

namespace ruststream::memory::test {
namespace {

using Payloads = std::vector<std::string>;
constexpr std::int64_t kSecond = 1'000'000'000;

struct Settle : MemoryTest {
  Settle() {
    client.connect();
    publisher = client.publisher("orders");
  }
  Message take_one(const Client::Subscription& subscription) {
    const auto taken = client.take(subscription);
    EXPECT_EQ(taken.size(), 1U);
    return taken.empty() ? Message{} : taken[0];
  }
  std::uint64_t publisher;
};
RUSTSTREAM_MEMORY_BOTH(Settle);

TEST_P(Settle, AckIsFinal) {
  const auto subscription = client.subscribe({{"orders"}, "g"});
  client.publish(publisher, {{"a"}});
  const auto message = take_one(subscription);
  EXPECT_EQ(client.settle(subscription, message.token, RST_VERDICT_ACK), RST_OK);
  EXPECT_EQ(client.settle(subscription, message.token, RST_VERDICT_ACK), -RST_E_SETTLED);
  client.close(subscription.handle, 0);
  EXPECT_TRUE(client.take(client.subscribe({{"orders"}, "g"})).empty());
  EXPECT_EQ(client.stats(client.connection, "orders")[0x10000], 0U);
}

TEST_P(Settle, RetryComesNextInLineCountsAndHasNoHiddenLimit) {
  const auto subscription = client.subscribe({.addresses = {"orders"}, .credit = 1});
  client.publish(publisher, {{"a"}, {"b"}});
  for (std::uint16_t attempt = 1; attempt <= 300; ++attempt) {
    const auto message = take_one(subscription);
    ASSERT_EQ(message.payload, "a");
    ASSERT_EQ(message.attempt, attempt);
    EXPECT_EQ((message.flags & RST_MESSAGE_REDELIVERED) != 0, attempt > 1);
    EXPECT_EQ(client.settle(subscription, message.token, RST_VERDICT_RETRY), RST_OK);
    client.credit(subscription, 1);
  }
}

TEST_P(Settle, ReleaseDoesNotCountAndKeepsTheOrder) {
  const auto subscription = client.subscribe({.addresses = {"orders"}, .credit = 3});
  client.publish(publisher, {{"a"}, {"b"}, {"c"}, {"d"}});
  const auto taken = client.take(subscription);
  for (const auto i : {2U, 0U, 1U}) client.settle(subscription, taken.at(i).token, RST_VERDICT_RELEASE);
  client.credit(subscription, 4);
  const auto again = client.take(subscription);
  ASSERT_EQ(again.size(), 4U);
  const Payloads order{again[0].payload, again[1].payload, again[2].payload, again[3].payload};
  EXPECT_EQ(order, (Payloads{"a", "b", "c", "d"}));
  EXPECT_EQ(again[0].attempt, 1);
  EXPECT_NE(again[0].flags & RST_MESSAGE_REDELIVERED, 0U);
}

TEST_P(Settle, RejectErasesOrMovesWithReasonHeaders) {
  const auto dead = client.subscribe({{"dead.*"}});
  const auto plain = client.subscribe({{"orders"}});
  const auto moved = client.subscribe({.addresses = {"orders"}, .group = "g", .dead_letter = "dead.letters"});
  client.publish(publisher, {{"a", "k", {{"h", "v"}}}, {"b"}});
  const auto first = client.take(plain);
  EXPECT_EQ(client.settle(plain, first.at(0).token, RST_VERDICT_REJECT), RST_OK);
  EXPECT_TRUE(client.take(dead).empty());

  const auto second = client.take(moved);
  EXPECT_EQ(client.settle(moved, second.at(0).token, RST_VERDICT_REJECT), RST_OK);
  auto letter = take_one(dead);
  EXPECT_EQ(letter.payload, "a");
  EXPECT_EQ(letter.key, "k");
  EXPECT_EQ(letter.address, "dead.letters");
  EXPECT_EQ(letter.header("h"), "v");
  EXPECT_EQ(letter.header("x-dead-letter-reason"), "rejected");
  EXPECT_EQ(letter.header("x-dead-letter-source"), "orders");
  EXPECT_EQ(letter.header("x-dead-letter-group"), "g");
  EXPECT_EQ(letter.header("x-dead-letter-attempts"), "1");

  const rst_header extra{"x", reinterpret_cast<const std::uint8_t*>("y"), 1, 1, RST_HEADER_UTF8, 0};
  const rst_settle_detail detail{sizeof detail, 1, str("no such customer"), str("dead.other"), &extra};
  EXPECT_EQ(client.settle(moved, second.at(1).token, RST_VERDICT_REJECT, 0, &detail), RST_OK);
  letter = take_one(dead);
  EXPECT_EQ(letter.address, "dead.other");
  EXPECT_EQ(letter.header("x-dead-letter-detail"), "no such customer");
  EXPECT_EQ(letter.header("x"), "y");
}

TEST_P(Settle, RejectToAWrongDestinationLeavesItUnsettled) {
  const auto subscription = client.subscribe({{"orders"}});
  client.publish(publisher, {{"a"}});
  const auto message = take_one(subscription);
  const rst_settle_detail detail{sizeof detail, 0, {}, str("not a topic"), nullptr};
  EXPECT_EQ(client.settle(subscription, message.token, RST_VERDICT_REJECT, 0, &detail), -RST_E_INVALID);
  EXPECT_EQ(client.settle(subscription, message.token, RST_VERDICT_ACK), RST_OK);
}

TEST_P(Settle, MovesToTheDeadLetterAfterTheLastAttemptButNotForReleases) {
  const auto dead = client.subscribe({{"dead"}});
  const auto subscription = client.subscribe({.addresses = {"orders"}, .max_attempts = 2, .dead_letter = "dead"});
  client.publish(publisher, {{"a"}});
  for (int i = 0; i < 5; ++i) client.settle(subscription, take_one(subscription).token, RST_VERDICT_RELEASE);
  client.settle(subscription, take_one(subscription).token, RST_VERDICT_RETRY);
  const auto last = take_one(subscription);
  EXPECT_EQ(last.attempt, 2);
  client.settle(subscription, last.token, RST_VERDICT_RETRY);
  EXPECT_TRUE(client.take(subscription).empty());
  EXPECT_EQ(take_one(dead).header("x-dead-letter-reason"), "max_attempts");
}

TEST_P(Settle, RefusesWhatItDoesNotKnowAndTokensOfThePast) {
  const auto subscription = client.subscribe({{"orders"}, "g"});
  client.publish(publisher, {{"a"}});
  const auto token = take_one(subscription).token;
  EXPECT_EQ(client.settle(subscription, 0, RST_VERDICT_ACK), -RST_E_INVALID);
  EXPECT_EQ(client.settle(subscription, token + 1000, RST_VERDICT_ACK), -RST_E_STALE);
  EXPECT_EQ(client.settle(subscription, token, 9), -RST_E_UNSUPPORTED);
  EXPECT_EQ(client.settle(subscription, token, RST_VERDICT_ACK, 5), -RST_E_INVALID);
  EXPECT_EQ(client.settle(subscription, token, RST_VERDICT_ACK), RST_OK);
}

TEST_P(Settle, HoldsADelayedRetryUntilItsTimeOnTheSteppedClock) {
  client.host.fixed_now_ns = kSecond;
  EXPECT_EQ(client.step(kSecond), (std::pair<std::int64_t, std::uint64_t>{RST_SIM_NEVER, 0}));
  const auto subscription = client.subscribe({{"orders"}});
  client.publish(publisher, {{"a"}, {"b"}});
  const auto taken = client.take(subscription);
  client.settle(subscription, taken.at(0).token, RST_VERDICT_RETRY, 5 * kSecond);
  client.settle(subscription, taken.at(1).token, RST_VERDICT_RETRY, 3 * kSecond);
  EXPECT_EQ(client.step(3 * kSecond), std::pair(4 * kSecond, std::uint64_t{2}));
  EXPECT_TRUE(client.take(subscription).empty());
  EXPECT_EQ(client.step(4 * kSecond), std::pair(6 * kSecond, std::uint64_t{1}));
  const auto second = take_one(subscription);
  EXPECT_EQ(second.payload, "b");
  EXPECT_EQ(second.attempt, 2);
  EXPECT_EQ(client.step(6 * kSecond).first, RST_SIM_NEVER);
  EXPECT_EQ(take_one(subscription).payload, "a");
  std::int64_t next = 0;
  std::uint64_t pending = 0;
  const rst_sim& sim = client.extension<rst_sim>(RST_EXT_SIM);
  EXPECT_EQ(sim.step(client.instance, 5 * kSecond, &next, &pending, &client.error), -RST_E_INVALID);
}

TEST_P(Settle, DeliversADelayedRetryInRealTimeNoEarlierThanAsked) {
  const auto subscription = client.subscribe({{"orders"}});
  client.publish(publisher, {{"a"}});
  const auto begun = std::chrono::steady_clock::now();
  client.settle(subscription, take_one(subscription).token, RST_VERDICT_RETRY, 30'000'000);
  EXPECT_EQ(client.host.await_messages(subscription.id, 1).at(0).attempt, 2);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(30));
}

TEST_P(Settle, StartsNoThreadBeforeSomethingIsDelayed) {
  const auto threads = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  const auto before = threads();
  const auto subscription = client.subscribe({{"orders"}});
  client.publish(publisher, {{"a"}});
  const auto message = take_one(subscription);
  EXPECT_EQ(threads(), before);
  client.settle(subscription, message.token, RST_VERDICT_RETRY, 60'000'000'000);
  EXPECT_EQ(threads(), before + 1);
}

TEST_P(Settle, TakesBackWhatIsNotSettledInTimeUnlessExtended) {
  client.host.fixed_now_ns = kSecond;
  client.step(kSecond);
  const auto subscription = client.subscribe(
      {.addresses = {"orders"}, .max_attempts = 2, .options = {{"ack_timeout", 10 * 1'000'000'000ULL}}});
  client.publish(publisher, {{"a"}});
  const auto first = take_one(subscription);
  client.step(6 * kSecond);
  EXPECT_EQ(client.settle(subscription, first.token, RST_VERDICT_EXTEND), RST_OK);
  EXPECT_EQ(client.step(12 * kSecond).first, 16 * kSecond);
  EXPECT_TRUE(client.take(subscription).empty());
  client.step(16 * kSecond);
  EXPECT_EQ(take_one(subscription).attempt, 2);
  EXPECT_EQ(client.settle(subscription, first.token, RST_VERDICT_ACK), -RST_E_STALE);
  client.step(26 * kSecond);  // the second attempt was the last
  EXPECT_TRUE(client.take(subscription).empty());
  EXPECT_EQ(client.stats(subscription.handle)[RST_STAT_REJECTED], 1U);
  EXPECT_EQ(client.stats(subscription.handle)[RST_STAT_RETRIED], 1U);
}

TEST_P(Settle, GivesOneOfConcurrentAttemptsTheToken) {
  const auto subscription = client.subscribe({{"orders"}});
  for (int round = 0; round < 50; ++round) {
    client.publish(publisher, {{"a"}});
    const auto token = take_one(subscription).token;
    std::int32_t other = 0;
    std::thread thread([&] { other = client.settle(subscription, token, RST_VERDICT_ACK); });
    const auto mine = client.settle(subscription, token, RST_VERDICT_ACK);
    thread.join();
    EXPECT_EQ(std::min(mine, other), -RST_E_SETTLED);
    EXPECT_EQ(std::max(mine, other), RST_OK);
  }
}

TEST_P(Settle, MayHappenBeforeDeliverReturnsAndAfterTheBatchIsReleased) {
  Client::Subscription subscription;
  std::uint64_t kept = 0;
  client.host.on_deliver = [&](rst_batch* batch) -> std::int32_t {
    for (const auto& message : copy(batch)) {
      if (message.payload == "later") {
        kept = message.token;
      } else {
        EXPECT_EQ(client.settle(subscription, message.token, RST_VERDICT_ACK), RST_OK);
      }
    }
    batch->ops->release(batch);
    return RST_DONE;
  };
  subscription = client.subscribe({.addresses = {"orders"}, .credit = 0});
  client.publish(publisher, {{"a"}, {"later"}, {"b"}});
  client.credit(subscription, 10);
  EXPECT_EQ(client.stats(subscription.handle)[RST_STAT_ACKED], 2U);
  EXPECT_EQ(client.settle(subscription, kept, RST_VERDICT_ACK), RST_OK);
}

}  // namespace
}  // namespace ruststream::memory::test
