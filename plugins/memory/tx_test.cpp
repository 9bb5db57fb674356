// Transactions: what becomes effective together, or not at all.
#include "test_host.hpp"

#include <ruststream/abi/ext/tx.h>

#include <functional>

namespace ruststream::memory::test {
namespace {

using Payloads = std::vector<std::string>;
constexpr std::int64_t kSecond = 1'000'000'000;

struct Transactions : MemoryTest {
  Transactions() {
    client.host.fixed_now_ns = kSecond;
    client.step(kSecond);
    client.connect();
    out = open("out");
    results = client.subscribe({{"out"}});
  }
  std::uint64_t open(std::string_view destination, std::uint32_t kind = 0) {
    return client.publisher(destination, kind, 0, RST_PUBLISHER_TRANSACTIONAL);
  }
  std::int32_t begin(std::uint64_t publisher, std::uint64_t& tx, std::uint64_t only = 0, std::uint64_t timeout_ns = 0) {
    return table().begin(client.instance, publisher, only, timeout_ns, &tx, 0, &client.error);
  }
  std::uint64_t begin() {
    std::uint64_t tx = 0;
    EXPECT_EQ(begin(out, tx), RST_DONE) << client.error_text();
    return tx;
  }
  std::int32_t commit(std::uint64_t tx) { return table().commit(client.instance, tx, 0, &client.error); }
  std::int32_t abort(std::uint64_t tx) { return table().abort(client.instance, tx, 0, &client.error); }
  std::int32_t publish(std::uint64_t tx, const std::vector<Out>& messages) {
    client.tx = tx;
    const auto result = client.publish(out, messages);
    client.tx = 0;
    return result;
  }
  std::int32_t settle(std::uint64_t tx, const Client::Subscription& from, std::uint64_t token, std::uint16_t verdict,
                      const rst_settle_detail* detail = nullptr) {
    client.tx = tx;
    const auto result = client.settle(from, token, verdict, 0, detail);
    client.tx = 0;
    return result;
  }
  const rst_tx& table() { return client.extension<rst_tx>(RST_EXT_TX); }

  std::uint64_t out = 0;
  Client::Subscription results;
};
RUSTSTREAM_MEMORY_BOTH(Transactions);

TEST_P(Transactions, PublishAndSettleTogetherOrNotAtAll) {
  const auto in = client.subscribe({.addresses = {"in"}, .credit = 2});
  client.publish(client.publisher("in"), {{"a"}, {"b"}});
  auto taken = client.take(in);
  const auto tx = begin();
  EXPECT_EQ(publish(tx, {{"r1"}, {"r2"}}), RST_DONE);
  for (const auto& each : taken) EXPECT_EQ(settle(tx, in, each.token, RST_VERDICT_ACK), RST_OK);
  client.credit(in, 10);
  EXPECT_TRUE(client.take(results).empty());
  EXPECT_EQ(client.stats(in.handle)[RST_STAT_UNSETTLED], 2U);
  EXPECT_EQ(client.settle(in, taken[0].token, RST_VERDICT_RELEASE), -RST_E_SETTLED);

  EXPECT_EQ(abort(tx), RST_DONE);
  EXPECT_TRUE(client.take(results).empty());
  EXPECT_EQ(client.settle(in, taken[0].token, RST_VERDICT_ACK), -RST_E_STALE);
  EXPECT_EQ(commit(tx), -RST_E_STALE);
  taken = client.take(in);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].payload, "a");
  EXPECT_EQ(taken[0].attempt, 1);  // an abort is nobody's failure

  const auto second = begin();
  publish(second, {{"r3"}});
  for (const auto& each : taken) settle(second, in, each.token, RST_VERDICT_ACK);
  EXPECT_EQ(commit(second), RST_DONE);
  EXPECT_EQ(client.payloads(results), Payloads{"r3"});
  EXPECT_TRUE(client.take(in).empty());
  EXPECT_EQ(client.stats(client.connection, "in")[0x10000], 0U);
}

TEST_P(Transactions, AppliesEveryVerdictAtCommit) {
  const auto in = client.subscribe({.addresses = {"in"}, .max_attempts = 2, .dead_letter = "dead"});
  const auto dead = client.subscribe({{"dead"}});
  client.publish(client.publisher("in"), {{"ack"}, {"retry"}, {"release"}, {"reject"}, {"wrong"}});
  const auto taken = client.take(in);
  const auto tx = begin();
  const rst_settle_detail nowhere{sizeof nowhere, 0, {}, str("not a topic"), nullptr};
  EXPECT_EQ(settle(tx, in, taken[4].token, RST_VERDICT_REJECT, &nowhere), -RST_E_INVALID);
  const std::uint16_t verdicts[] = {RST_VERDICT_ACK, RST_VERDICT_RETRY, RST_VERDICT_RELEASE, RST_VERDICT_REJECT};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(settle(tx, in, taken[i].token, verdicts[i]), RST_OK);
  EXPECT_EQ(settle(tx, in, taken[4].token, RST_VERDICT_EXTEND), RST_OK);
  EXPECT_TRUE(client.take(dead).empty());
  EXPECT_TRUE(client.take(in).empty());
  EXPECT_EQ(commit(tx), RST_DONE);
  EXPECT_EQ(client.payloads(dead), Payloads{"reject"});
  const auto again = client.take(in);
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again[0].payload, "retry");
  EXPECT_EQ(again[0].attempt, 2);
  EXPECT_EQ(again[1].payload, "release");
  EXPECT_EQ(again[1].attempt, 1);
  EXPECT_EQ(client.settle(in, taken[4].token, RST_VERDICT_ACK), RST_OK);
}

TEST_P(Transactions, RefuseAGapInALogAndStayOpen) {
  const auto in = client.subscribe({.addresses = {"in"}, .kind = 1});
  client.publish(client.publisher("in", 1), {{"a"}, {"b"}, {"c"}});
  const auto taken = client.take(in);
  const auto tx = begin();
  publish(tx, {{"r"}});
  settle(tx, in, taken[2].token, RST_VERDICT_ACK);
  EXPECT_EQ(commit(tx), -RST_E_PRECONDITION);
  EXPECT_NE(client.error_text().find("offset 0"), std::string::npos) << client.error_text();
  EXPECT_TRUE(client.take(results).empty());
  client.settle(in, taken[0].token, RST_VERDICT_ACK);
  EXPECT_EQ(commit(tx), -RST_E_PRECONDITION);
  settle(tx, in, taken[1].token, RST_VERDICT_ACK);
  EXPECT_EQ(commit(tx), RST_DONE);
  EXPECT_EQ(client.payloads(results), Payloads{"r"});
}

TEST_P(Transactions, AreAbortedByTheirTimeoutAndByTheLossOfWhatTheySettle) {
  const auto in = client.subscribe({.addresses = {"in"}, .group = "g", .kind = 1});
  client.publish(client.publisher("in", 1), {{"a"}});
  std::int64_t now = kSecond;
  rst_position earliest{};
  earliest.kind = RST_POSITION_EARLIEST;
  const std::function<void()> ends[] = {
      [&] { client.step(now += 31 * kSecond); },
      [&] { client.seek(in, earliest); },
      [&] { client.close(in.handle, 0); },
  };
  for (const auto& end : ends) {
    const auto tx = begin();
    const auto taken = client.take(in);
    ASSERT_EQ(taken.size(), 1U);
    publish(tx, {{"r"}});
    settle(tx, in, taken[0].token, RST_VERDICT_ACK);
    end();
    EXPECT_EQ(commit(tx), -RST_E_ABORTED);
    EXPECT_NE(client.error.flags & RST_ERROR_ABORT_TX, 0U);
    EXPECT_EQ(publish(tx, {{"late"}}), -RST_E_ABORTED);
    std::uint64_t next = 0;
    EXPECT_EQ(begin(out, next), -RST_E_STATE);  // the host has yet to abort it
    EXPECT_EQ(abort(tx), RST_DONE);
  }
  EXPECT_TRUE(client.take(results).empty());
  EXPECT_EQ(client.payloads(client.subscribe({.addresses = {"in"}, .group = "g", .kind = 1})), Payloads{"a"});
}

TEST_P(Transactions, EndWithTheirPublisherAndConnection) {
  const auto keeper = client.connection;
  const auto in = client.subscribe({{"in"}, "g"});
  client.publish(client.publisher("in"), {{"a"}});
  const auto tx = begin();
  publish(tx, {{"r"}});
  settle(tx, in, client.take(in).at(0).token, RST_VERDICT_ACK);
  client.close(out, 0);
  EXPECT_EQ(commit(tx), -RST_E_STALE);
  EXPECT_EQ(client.payloads(in), Payloads{"a"});
  EXPECT_EQ(client.stats(keeper, "out")[0x10000], 0U);
  out = open("out");
  publish(begin(), {{"r"}});  // open when the instance ends
}

TEST_P(Transactions, RefuseWhatIsNotTheirs) {
  const auto in = client.subscribe({{"in"}}), other = client.subscribe({{"in"}});
  client.publish(client.publisher("in"), {{"a"}});
  const auto token = client.take(in).at(0).token;
  std::uint64_t tx = 0;
  EXPECT_EQ(begin(client.publisher("plain"), tx), -RST_E_STATE);
  EXPECT_EQ(begin(out, tx, other.handle), RST_DONE);
  EXPECT_EQ(settle(tx, in, token, RST_VERDICT_ACK), -RST_E_INVALID);
  const auto theirs = std::exchange(out, open("out"));
  EXPECT_EQ(publish(tx, {{"x"}}), -RST_E_INVALID);
  EXPECT_EQ(publish(tx + (1U << 20), {{"x"}}), -RST_E_STALE);
  EXPECT_EQ(begin(theirs, tx), -RST_E_STATE);
  const auto connection = client.connection;
  client.connect();
  const auto elsewhere = client.subscribe({{"in"}});
  EXPECT_EQ(begin(out, tx, elsewhere.handle), -RST_E_INVALID);
  client.connection = connection;
  EXPECT_EQ(client.settle(in, token, RST_VERDICT_ACK), RST_OK);
}

TEST_P(Transactions, TakeTheirRoomWhenTheyArePublishedAndGiveItBack) {
  client.connect("memory:small", {{"capacity", 2U}});
  client.subscribe({.addresses = {"out"}, .group = "g", .credit = 0});
  out = open("out");
  const auto tx = begin();
  EXPECT_EQ(publish(tx, {{"a"}, {"b"}}), RST_DONE);
  EXPECT_EQ(publish(tx, {{"c"}}), -RST_E_BACKPRESSURE);
  EXPECT_EQ(abort(tx), RST_DONE);
  EXPECT_EQ(publish(begin(), {{"c"}}), RST_DONE);
}

TEST_P(Transactions, KeepWhatTheySettleInAFullLog) {
  client.connect("memory:small", {{"capacity", 2U}});
  const auto in = client.subscribe({.addresses = {"in"}, .group = "g", .kind = 1});
  out = open("out");
  const auto to = client.publisher("in", 1);
  client.publish(to, {{"a"}, {"b"}});
  const auto tx = begin();
  for (const auto& each : client.take(in)) EXPECT_EQ(settle(tx, in, each.token, RST_VERDICT_ACK), RST_OK);
  EXPECT_EQ(client.publish(to, {{"c"}}), -RST_E_BACKPRESSURE);
  EXPECT_EQ(abort(tx), RST_DONE);
  EXPECT_EQ(client.payloads(in), (Payloads{"a", "b"}));
  rst_position earliest{};
  earliest.kind = RST_POSITION_EARLIEST;
  EXPECT_EQ(client.seek(in, earliest), RST_DONE);
  EXPECT_EQ(client.payloads(in), (Payloads{"a", "b"}));
}

}  // namespace
}  // namespace ruststream::memory::test
