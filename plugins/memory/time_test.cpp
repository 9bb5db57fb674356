// What time and rank do to messages: TTL, delayed publishing, priority.
#include "test_host.hpp"

namespace ruststream::memory::test {
namespace {

using Payloads = std::vector<std::string>;
constexpr std::int64_t kSecond = 1'000'000'000;

rst_out_props props(std::uint64_t ttl_s, std::uint64_t delay_s = 0, std::int32_t priority = -1) {
  rst_out_props made{};
  made.struct_size = sizeof made;
  made.ttl_ns = ttl_s * kSecond;
  made.delay_ns = delay_s * kSecond;
  made.priority = priority;
  made.partition = -1;
  return made;
}

struct Time : MemoryTest {
  Time() {
    client.host.fixed_now_ns = kSecond;
    client.step(kSecond);
    client.connect();
    publisher = client.publisher("orders");
  }
  Out out(const std::string& payload, const rst_out_props& with) { return {.payload = payload, .props = with}; }
  void at(std::int64_t second) { client.step((1 + second) * kSecond); }

  std::uint64_t publisher;
};
RUSTSTREAM_MEMORY_BOTH(Time);

TEST_P(Time, DropsWhatExpiredWhereverItWaits) {
  for (const std::uint32_t kind : {0U, 1U}) {
    const std::string topic = kind == 0 ? "queue" : "log";
    const auto sink = client.publisher(topic, kind);
    const auto idle = client.subscribe({.addresses = {topic}, .group = "g", .kind = kind, .credit = 1});
    client.publish(sink, {out("in hand", props(5)), {"a"}, out("gone", props(5)), out("b", props(60))});
    const auto held = client.take(idle);
    at(6 + kind * 10);
    EXPECT_EQ(client.settle(idle, held.at(0).token, RST_VERDICT_RELEASE), RST_OK);  // expired in the host's hands
    client.credit(idle, 10);
    EXPECT_EQ(client.payloads(idle), (Payloads{"a", "b"}));
    EXPECT_EQ(client.stats(idle.handle)[RST_STAT_EXPIRED], 2U);
  }
}

TEST_P(Time, MakesRoomForPublishersWhenSomethingExpires) {
  client.connect("memory:small", {{"capacity", 2U}});
  const auto sink = client.publisher("orders");
  client.subscribe({.addresses = {"orders"}, .group = "g", .credit = 0});
  client.publish(sink, {out("a", props(5)), out("b", props(7))});
  EXPECT_EQ(client.publish(sink, {{"c"}}), -RST_E_BACKPRESSURE);
  EXPECT_EQ(client.stats(client.connection, "orders")[0x10000], 2U);
  at(5);
  EXPECT_EQ(client.stats(client.connection, "orders")[0x10000], 1U);
  EXPECT_EQ(client.publish(sink, {{"c"}}), RST_DONE);
}

TEST_P(Time, PublishesWhenTheDelayIsOver) {
  const auto early = client.subscribe({{"orders"}});
  std::vector<std::int32_t> statuses;
  client.publish(publisher, {out("b", props(0, 5)), out("a", props(0, 3)), {"now"}, out("short", props(1, 3))},
                 &statuses);
  EXPECT_EQ(statuses, (std::vector<std::int32_t>(4, RST_OK)));
  EXPECT_EQ(client.payloads(early), Payloads{"now"});
  EXPECT_EQ(client.stats(client.connection)[RST_STAT_DELAYED], 3U);
  const auto late = client.subscribe({.addresses = {"orders"}, .group = "late", .credit = 0});
  at(3);
  EXPECT_EQ(client.payloads(early), (Payloads{"a", "short"}));  // a TTL begins when it is published
  at(5);
  EXPECT_EQ(client.payloads(early), Payloads{"b"});
  client.credit(late, 10);
  EXPECT_EQ(client.payloads(late), (Payloads{"a", "b"}));
}

TEST_P(Time, AppendsADelayedMessageToALogWhenItIsDue) {
  const auto sink = client.publisher("events", 1);
  const auto reader = client.subscribe({.addresses = {"events"}, .kind = 1});
  client.publish(sink, {out("later", props(0, 3)), {"now"}});
  at(3);
  const auto taken = client.take(reader);
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].payload, "now");
  EXPECT_EQ(taken[1].position.data[0], 1);
}

TEST_P(Time, ForgetsDelayedMessagesOfWhatIsPurgedOrDeleted) {
  client.subscribe({{"orders"}, "g"});
  client.publish(publisher, {out("a", props(0, 3))});
  EXPECT_EQ(client.admin(RST_ADMIN_PURGE, "orders", {}, 0, {}, 7), RST_PENDING);
  EXPECT_EQ(client.host.await(7).value, 1U);
  EXPECT_EQ(client.stats(client.connection, "orders")[0x10000], 0U);
  client.publish(publisher, {out("b", props(0, 3))});  // still there when the instance ends
}

TEST_P(Time, DeliversTheHighestPriorityFirst) {
  const auto subscription = client.subscribe({.addresses = {"orders"}, .credit = 1, .max_batch = 1});
  client.publish(publisher, {{"held"}});
  const auto held = client.take(subscription);
  client.publish(
      publisher,
      {out("d", props(0, 0, 0)), out("a", props(0, 0, 9)), {"e"}, out("b", props(0, 0, 9)), out("c", props(0, 0, 3))});
  client.settle(subscription, held.at(0).token, RST_VERDICT_RETRY);  // in front, but of those of its own priority
  Payloads order;
  for (int i = 0; i < 6; ++i) {
    client.credit(subscription, 1);
    for (const auto& each : client.payloads(subscription)) order.push_back(each);
  }
  EXPECT_EQ(order, (Payloads{"a", "b", "c", "held", "d", "e"}));
  EXPECT_EQ(client.publish(publisher, {out("x", props(0, 0, 10))}), -RST_E_UNSUPPORTED);
  EXPECT_EQ(client.publish(client.publisher("log", 1), {out("x", props(0, 0, 1))}), -RST_E_UNSUPPORTED);
}

}  // namespace
}  // namespace ruststream::memory::test
