// Opening, draining, closing and administration, also while everything else goes on.
#include "test_host.hpp"

#include <cstring>
#include <thread>

namespace ruststream::memory::test {
namespace {

using Payloads = std::vector<std::string>;

struct Lifecycle : MemoryTest {
  Lifecycle() { client.connect(); }
};
RUSTSTREAM_MEMORY_BOTH(Lifecycle);

TEST_P(Lifecycle, HandsUnsettledWorkOnWhenAMemberLeaves) {
  const auto leaving =
      client.subscribe({.addresses = {"orders"}, .group = "g", .max_attempts = 1, .dead_letter = "dead"});
  client.publish(client.publisher("orders"), {{"a"}, {"b"}, {"c"}});
  const auto taken = client.take(leaving);
  client.settle(leaving, taken.at(1).token, RST_VERDICT_ACK);
  const auto staying = client.subscribe({{"orders"}, "g"});
  client.close(leaving.handle, 7);
  EXPECT_EQ(client.host.await(7).value, 0U);
  const auto handed = client.take(staying);
  ASSERT_EQ(handed.size(), 2U);
  EXPECT_EQ(handed[0].payload, "a");
  EXPECT_EQ(handed[0].attempt, 1);
  EXPECT_EQ(client.settle(leaving, taken[0].token, RST_VERDICT_ACK), -RST_E_CLOSED);
  EXPECT_EQ(client.settle(staying, handed[0].token, RST_VERDICT_ACK), RST_OK);
}

TEST_P(Lifecycle, ReleasesBatchesLongAfterTheirConnectionClosed) {
  client.host.keep_batches = true;
  client.subscribe({{"orders", "more.*"}});
  client.publish(client.publisher(""), {{"a", "k", {{"h", "v"}}, "more.a"}});
  client.close(client.connection, 8);
  client.host.await(8);
  auto* batch = client.host.batches.at(0);
  const auto late = copy(batch);
  EXPECT_EQ(late.at(0).payload, "a");
  EXPECT_EQ(late[0].address, "more.a");
  EXPECT_EQ(late[0].header("h"), "v");
}

TEST_P(Lifecycle, DrainsToZeroAndGoesOnWithNewCredit) {
  const auto subscription = client.subscribe({{"orders"}});
  const auto publisher = client.publisher("orders");
  client.publish(publisher, {{"a"}});
  EXPECT_EQ(client.drain(subscription, 9), RST_DONE);
  client.publish(publisher, {{"b"}});
  const auto taken = client.take(subscription);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(client.settle(subscription, taken[0].token, RST_VERDICT_ACK), RST_OK);
  client.credit(subscription, 1);
  EXPECT_EQ(client.payloads(subscription), Payloads{"b"});
}

TEST_P(Lifecycle, EndsDrainAndCloseOnlyWhenAnotherThreadsDeliveryIsOver) {
  std::atomic<int> stage{0};
  client.host.on_deliver = [&](rst_batch* batch) -> std::int32_t {
    stage = 1;
    while (stage == 1) std::this_thread::yield();
    batch->ops->release(batch);
    return RST_DONE;
  };
  const auto subscription = client.subscribe({{"orders"}, "g"});
  const auto publisher = client.publisher("orders");
  std::thread thread([&] { client.publish(publisher, {{"a"}}); });
  while (stage == 0) std::this_thread::yield();
  EXPECT_EQ(client.drain(subscription, 10), RST_PENDING);
  EXPECT_EQ(client.close(subscription.handle, 11), RST_PENDING);
  EXPECT_FALSE(client.host.is_complete(10));
  EXPECT_FALSE(client.host.is_complete(11));
  stage = 2;
  client.host.await(10);
  client.host.await(11);
  thread.join();
  EXPECT_EQ(client.stats(client.connection, "g", "orders")[RST_STAT_WAITING], 1U);
}

TEST_P(Lifecycle, RefusesVerbsOnClosedHandles) {
  const auto subscription = client.subscribe({{"orders"}});
  const auto publisher = client.publisher("orders");
  client.close(subscription.handle, 0);
  client.close(publisher, 0);
  EXPECT_EQ(client.credit(subscription, 1), -RST_E_CLOSED);
  EXPECT_EQ(client.publish(publisher, {{"a"}}), -RST_E_CLOSED);
  EXPECT_EQ(client.close(subscription.handle, 0), -RST_E_CLOSED);
}

TEST_P(Lifecycle, ManagesTopicsAndGroups) {
  const OptionList small{{"capacity", std::uint64_t{5}}};
  EXPECT_EQ(client.admin(RST_ADMIN_CREATE, "orders", "", 0, small), RST_DONE);
  EXPECT_EQ(client.admin(RST_ADMIN_CREATE, "orders", "", 0, small), RST_DONE);
  EXPECT_EQ(client.admin(RST_ADMIN_CREATE, "orders"), -RST_E_EXISTS);
  EXPECT_EQ(client.admin(RST_ADMIN_CREATE, "a..b"), -RST_E_INVALID);
  EXPECT_EQ(client.admin(RST_ADMIN_CREATE, "g", "orders"), RST_DONE);
  const auto publisher = client.publisher("orders");
  client.publish(publisher, {{"a"}, {"b"}, {"c"}});
  auto stats = client.stats(client.connection, "orders");
  EXPECT_EQ(stats[RST_STAT_CAPACITY], 5U);
  EXPECT_EQ(stats[RST_STAT_PUBLISHED], 3U);
  EXPECT_EQ(client.stats(client.connection, "g", "orders")[RST_STAT_WAITING], 3U);

  EXPECT_EQ(client.admin(RST_ADMIN_PURGE, "orders", "", 0, {}, 12), RST_PENDING);
  EXPECT_EQ(client.host.await(12).value, 3U);
  const auto member = client.subscribe({{"orders"}, "g"});
  EXPECT_EQ(client.admin(RST_ADMIN_DELETE, "orders"), -RST_E_PRECONDITION);
  EXPECT_EQ(client.admin(RST_ADMIN_DELETE, "g", "orders"), -RST_E_PRECONDITION);
  client.close(member.handle, 0);
  EXPECT_EQ(client.admin(RST_ADMIN_DELETE, "g", "orders"), RST_DONE);
  EXPECT_EQ(client.admin(RST_ADMIN_DELETE, "g", "orders"), -RST_E_NOT_FOUND);
  EXPECT_EQ(client.admin(RST_ADMIN_DELETE, "orders"), RST_DONE);
  EXPECT_EQ(client.admin(RST_ADMIN_DELETE, "orders"), -RST_E_NOT_FOUND);
  EXPECT_EQ(client.publish(publisher, {{"d"}}), RST_DONE);  // the fixed destination is made again
}

TEST_P(Lifecycle, DescribesInJsonWhateverTheName) {
  const std::string name = "a\"\\\n\x1f";
  EXPECT_EQ(client.admin(RST_ADMIN_CREATE, name, "orders"), RST_DONE);
  std::string told;
  rst_report report{};
  report.struct_size = sizeof report;
  report.ctx = &told;
  report.text = [](void* ctx, std::uint32_t, rst_str text) {
    static_cast<std::string*>(ctx)->assign(text.ptr, text.len);
  };
  rst_admin_request request{};
  request.struct_size = sizeof request;
  request.connection = client.connection;
  request.action = RST_ADMIN_DESCRIBE;
  request.name = str(name);
  request.parent = str("orders");
  request.report = &report;
  EXPECT_EQ(client.extension<rst_admin>(RST_EXT_ADMIN).apply(client.instance, &request, nullptr), RST_DONE);
  EXPECT_EQ(told.find(R"({"name":"a\"\\\u000a\u001f","kind":"topic","parent":"orders","waiting":0,)"), 0U) << told;
}

TEST_P(Lifecycle, CountsExactly) {
  const auto subscription = client.subscribe({.addresses = {"orders"}, .group = "g", .credit = 4});
  const auto publisher = client.publisher("orders");
  for (int i = 0; i < 6; ++i) client.publish(publisher, {{"x"}});
  const auto taken = client.take(subscription);
  client.settle(subscription, taken.at(0).token, RST_VERDICT_ACK);
  client.settle(subscription, taken.at(1).token, RST_VERDICT_RETRY);
  client.settle(subscription, taken.at(2).token, RST_VERDICT_REJECT);
  client.credit(subscription, 1);
  auto stats = client.stats(subscription.handle);
  const std::map<std::uint32_t, std::uint64_t> expected{
      {RST_STAT_WAITING, 2},     {RST_STAT_UNSETTLED, 2},     {RST_STAT_DELAYED, 0}, {RST_STAT_DELIVERED, 5},
      {RST_STAT_REDELIVERED, 1}, {RST_STAT_ACKED, 1},         {RST_STAT_RETRIED, 1}, {RST_STAT_RELEASED, 0},
      {RST_STAT_REJECTED, 1},    {RST_STAT_DEAD_LETTERED, 0}, {RST_STAT_MEMBERS, 1}, {RST_STAT_CREDIT, 0},
      {RST_STAT_EXPIRED, 0}};
  EXPECT_EQ(stats, expected);
  EXPECT_EQ(client.stats(publisher)[RST_STAT_PUBLISHED], 6U);
  auto whole = client.stats(client.connection);
  EXPECT_EQ(whole[RST_STAT_WAITING], 2U);
  EXPECT_EQ(whole[0x10000], 4U);  // stored: what waits or is unsettled
  EXPECT_GE(whole[0x10001], 4U);  // their bytes
  EXPECT_LT(whole[0x10001], 1000U);
}

TEST_P(Lifecycle, ForgetsIdleTopicsThatNobodyDeclared) {
  constexpr int kMore = 100'100;  // than may exist
  client.host.fixed_now_ns = 1;
  client.step(1);
  EXPECT_EQ(client.admin(RST_ADMIN_CREATE, "declared"), RST_DONE);
  const auto publisher = client.publisher("");
  rst_out_props later{};
  later.struct_size = sizeof later;
  later.delay_ns = 1000;
  later.priority = later.partition = -1;
  EXPECT_EQ(client.publish(publisher, {{.payload = "a", .destination = "used", .props = later}}), RST_DONE);
  std::vector<Out> messages(1);
  for (int i = 0; i < kMore; ++i) {
    messages[0].destination = "t" + std::to_string(i);
    ASSERT_EQ(client.publish(publisher, messages), RST_DONE) << i;
  }
  EXPECT_LT(client.stats(client.connection)[0x10002], 1000U);  // topics
  const auto subscription = client.subscribe({{"used"}});
  client.step(1001);
  EXPECT_EQ(client.payloads(subscription), std::vector<std::string>{"a"});
  EXPECT_EQ(client.admin(RST_ADMIN_DELETE, "declared"), RST_DONE);
}

TEST_P(Lifecycle, ReportsEveryProblemOfASpecAtOnce) {
  const std::vector<rst_str> addresses{str("a..b"), str("a.>.b"), str("ok.*"), str(""), str("more.>")};
  rst_option option{};
  option.name = str("ack_timeot");
  option.decl = RST_OPTION_PASS_THROUGH;
  rst_subscription_spec spec{};
  spec.struct_size = sizeof spec;
  spec.kind = 1;
  spec.addresses = addresses.data();
  spec.address_count = 5;
  spec.dead_letter = str("ok.letters");
  spec.options = &option;
  spec.option_count = 1;
  std::vector<std::string> issues;
  rst_report report{};
  report.struct_size = sizeof report;
  report.ctx = &issues;
  report.issue = [](void* ctx, const rst_error* issue) {
    static_cast<std::vector<std::string>*>(ctx)->emplace_back(issue->text, issue->text_len);
  };
  rst_plan plan{};
  plan.struct_size = sizeof plan;
  EXPECT_EQ(client.table.validate(RST_SCOPE_SUBSCRIPTION, &spec, &plan, &report, nullptr), -RST_E_OPTION);
  std::string all;
  for (const auto& issue : issues) all += issue + '\n';
  for (const auto* named : {"`ack_timeot`", "`a..b`", "`a.>.b`", "``", "`ok.*` is a pattern", "`more.>` is a pattern",
                            "exactly one topic", "`ok.letters`"}) {
    EXPECT_NE(all.find(named), std::string::npos) << named << " is not in:\n" << all;
  }
  EXPECT_EQ(plan.flags, RST_PLAN_BROKER_MOVES);
  EXPECT_EQ(plan.max_batch, 1024U);
}

TEST_P(Lifecycle, MatchesWithoutAnInstance) {
  const auto& match = client.extension<rst_match>(RST_EXT_MATCH);
  const rst_str address = str("a.*");
  rst_subscription_spec to{};
  to.struct_size = sizeof to;
  to.addresses = &address;
  to.address_count = 1;
  rst_publisher_spec from{};
  from.struct_size = sizeof from;
  from.destination = str("a.b");
  rst_out_message message{};
  message.destination = "b.a";
  message.destination_len = 3;
  EXPECT_EQ(match.match(&to, &from, nullptr, nullptr), 1);
  EXPECT_EQ(match.match(&to, &from, &message, nullptr), 0);
  message.destination = "b..";
  EXPECT_EQ(match.match(&to, &from, &message, nullptr), -RST_E_INVALID);
}

// Publishers, consumers that settle on the delivering thread, and subscriptions that come and go, all at once: the
// group gets everything, each message is acknowledged once.
TEST_P(Lifecycle, LosesNothingWhileMembersComeAndGo) {
  constexpr int kPublishers = 2, kEach = 2000;
  std::mutex mutex;
  std::map<std::string, int> acked;
  std::map<std::uint64_t, std::uint64_t> handles;
  std::vector<rst_batch*> waiting;
  client.host.on_deliver = [&](rst_batch* batch) -> std::int32_t {
    const std::lock_guard lock(mutex);
    waiting.push_back(batch);
    return RST_DONE;
  };
  ASSERT_EQ(client.admin(RST_ADMIN_CREATE, "g", "orders"), RST_DONE);
  std::atomic<bool> publishing{true};
  const auto settle_all = [&] {
    std::vector<rst_batch*> batches;
    std::map<std::uint64_t, std::uint64_t> known;
    {
      const std::lock_guard lock(mutex);
      batches.swap(waiting);
      known = handles;
    }
    for (auto* batch : batches) {
      for (const auto& message : copy(batch)) {
        const Client::Subscription from{message.subscription, known[message.subscription]};
        if (client.settle(from, message.token, RST_VERDICT_ACK) != RST_OK) continue;
        const std::lock_guard lock(mutex);
        ++acked[message.payload];
      }
      batch->ops->release(batch);
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(kPublishers);
  for (int p = 0; p < kPublishers; ++p) {
    threads.emplace_back([&, p] {
      const auto publisher = client.publisher("orders");
      for (int i = 0; i < kEach; ++i) client.publish(publisher, {{std::to_string(p) + ':' + std::to_string(i)}});
    });
  }
  std::thread settler([&] {
    while (publishing) settle_all();
  });
  for (int round = 0; round < 200; ++round) {
    const auto member = client.subscribe({.addresses = {"orders"}, .group = "g", .credit = 0});
    {
      const std::lock_guard lock(mutex);
      handles[member.id] = member.handle;
    }
    client.credit(member, 100);
    std::this_thread::yield();
    client.close(member.handle, 0);
  }
  for (auto& thread : threads) thread.join();
  publishing = false;
  settler.join();
  const auto last = client.subscribe({.addresses = {"orders"}, .group = "g", .credit = 0});
  handles[last.id] = last.handle;
  client.credit(last, 100'000, std::uint64_t{1} << 40);
  for (int round = 0; round < 100; ++round) settle_all();
  EXPECT_EQ(acked.size(), static_cast<std::size_t>(kPublishers * kEach));
  for (const auto& [payload, times] : acked) EXPECT_EQ(times, 1) << payload;
}

}  // namespace
}  // namespace ruststream::memory::test
