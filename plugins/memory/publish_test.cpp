// What publishing answers: statuses, limits, back-pressure, logs, requests.
#include "test_host.hpp"

#include <cstring>
#include <thread>

namespace ruststream::memory::test {
namespace {

using Payloads = std::vector<std::string>;
using Statuses = std::vector<std::int32_t>;
constexpr std::uint32_t kLogKind = 1;

rst_position at(std::uint16_t kind, std::int64_t time_ns = 0) {
  rst_position position{};
  position.kind = kind;
  position.time_ns = time_ns;
  return position;
}

std::size_t count(const std::vector<Event>& events, std::uint32_t kind) {
  return static_cast<std::size_t>(
      std::count_if(events.begin(), events.end(), [&](const Event& event) { return event.kind == kind; }));
}

struct Publish : MemoryTest {
  Publish() { client.connect(); }
};
RUSTSTREAM_MEMORY_BOTH(Publish);

TEST_P(Publish, ReportsTheOneBadEntryOfABatch) {
  const auto subscription = client.subscribe({{"orders"}});
  const auto publisher = client.publisher("orders");
  rst_out_props urgent{};
  urgent.struct_size = sizeof urgent;
  urgent.priority = 10;
  urgent.partition = -1;
  Statuses statuses;
  std::uint32_t accepted = 0;
  EXPECT_EQ(client.publish(publisher,
                           {{"a"},
                            {"b", {}, {}, "not a topic"},
                            {"c", {}, {}, "*"},
                            {"d", {}, {}, "", 0, urgent},
                            {"e", {}, {}, "", RST_OUT_RETAIN},
                            {"f", {}, {}, "nobody"},
                            {"g", {}, {}, "nobody", RST_OUT_MANDATORY},
                            {"h"}},
                           &statuses, &accepted),
            RST_DONE);
  EXPECT_EQ(accepted, 8U);
  EXPECT_EQ(statuses, (Statuses{RST_OK, -RST_E_INVALID, -RST_E_INVALID, -RST_E_UNSUPPORTED, -RST_E_UNSUPPORTED,
                                RST_OK_UNROUTED, -RST_E_NO_ROUTE, RST_OK}));
  EXPECT_EQ(client.payloads(subscription), (Payloads{"a", "h"}));
}

TEST_P(Publish, TellsOfFailuresByEventWhereNoStatusesAreAskedFor) {
  const auto publisher = client.publisher("orders");
  client.host.take_events();
  EXPECT_EQ(client.publish(publisher, {{"a"}, {"b", {}, {}, "a..b"}, {"c", {}, {}, "."}}), RST_DONE);
  const auto events = client.host.take_events();
  ASSERT_EQ(count(events, RST_EVENT_PUB_FAILED), 1U);
  EXPECT_EQ(events[0].value, 2U);
}

TEST_P(Publish, NamesAMalformedDestination) {
  EXPECT_EQ(client.publish(client.publisher(""), {{"a", {}, {}, "a..b"}}), -RST_E_INVALID);
  EXPECT_NE(client.error_text().find("`a..b`"), std::string::npos) << client.error_text();
  EXPECT_EQ(client.publish(client.publisher(""), {{"a"}}), -RST_E_INVALID);
}

TEST_P(Publish, RefusesUnknownTopicsWhereTheyAreNotMadeOnDemand) {
  client.connect("memory:fixed", {{"topics", std::string("existing")}});
  const auto publisher = client.publisher("");
  EXPECT_EQ(client.publish(publisher, {{"a", {}, {}, "orders"}}), -RST_E_NOT_FOUND);
  EXPECT_EQ(client.try_subscribe({{"orders"}}), -RST_E_NOT_FOUND);
  EXPECT_NE(client.error_text().find("`orders`"), std::string::npos);
  ASSERT_EQ(client.admin(RST_ADMIN_CREATE, "orders"), RST_DONE);
  const auto subscription = client.subscribe({{"orders"}});
  EXPECT_EQ(client.publish(publisher, {{"a", {}, {}, "orders"}}), RST_DONE);
  EXPECT_EQ(client.payloads(subscription), Payloads{"a"});
}

TEST_P(Publish, AcceptsAPrefixWhenFullAndSaysOnceWhenThereIsRoom) {
  client.connect("memory:small", {{"capacity", std::uint64_t{3}}});
  const auto subscription = client.subscribe({.addresses = {"orders"}, .group = "g", .credit = 2});
  const auto publisher = client.publisher("orders");
  std::uint32_t accepted = 0;
  EXPECT_EQ(client.publish(publisher, {{"a"}, {"b"}, {"c"}, {"d"}, {"e"}}, nullptr, &accepted), RST_DONE);
  EXPECT_EQ(accepted, 3U);
  EXPECT_EQ(client.publish(publisher, {{"d"}}, nullptr, &accepted), -RST_E_BACKPRESSURE);
  EXPECT_EQ(accepted, 0U);
  client.host.take_events();
  for (const auto& message : client.take(subscription)) client.settle(subscription, message.token, RST_VERDICT_ACK);
  EXPECT_EQ(count(client.host.take_events(), RST_EVENT_PUB_WRITABLE), 1U);
  EXPECT_EQ(client.publish(publisher, {{"d"}, {"e"}}, nullptr, &accepted), RST_DONE);
  client.credit(subscription, 3);
  EXPECT_EQ(client.payloads(subscription), (Payloads{"c", "d", "e"}));
}

TEST_P(Publish, BoundsATopicByBytesButAlwaysTakesOneMessage) {
  client.connect("memory:bytes", {{"capacity_bytes", std::uint64_t{10}}});
  client.subscribe({.addresses = {"orders"}, .credit = 0});
  const auto publisher = client.publisher("orders");
  EXPECT_EQ(client.publish(publisher, {{std::string(100, 'x')}}), RST_DONE);
  EXPECT_EQ(client.publish(publisher, {{"y"}}), -RST_E_BACKPRESSURE);
}

TEST_P(Publish, FreesTheRoomOfASubscriptionThatCloses) {
  client.connect("memory:one", {{"capacity", std::uint64_t{1}}});
  const auto subscription = client.subscribe({.addresses = {"orders"}, .credit = 0});
  const auto publisher = client.publisher("orders");
  client.publish(publisher, {{"a"}});
  EXPECT_EQ(client.publish(publisher, {{"b"}}), -RST_E_BACKPRESSURE);
  client.close(subscription.handle, 5);
  EXPECT_EQ(client.host.await(5).value, 1U);  // dropped with the subscription's own group
  EXPECT_EQ(count(client.host.take_events(), RST_EVENT_PUB_WRITABLE), 1U);
}

TEST_P(Publish, RetainsALogAndReadsItFromAnyPosition) {
  const auto publisher = client.publisher("log", kLogKind);
  std::vector<rst_position> receipts;
  client.publish(publisher, {{"0"}, {"1"}, {"2"}}, nullptr, nullptr, &receipts);
  ASSERT_EQ(receipts.at(1).kind, RST_POSITION_AT);
  auto after = receipts[1];
  after.kind = RST_POSITION_AFTER;
  struct Row {
    std::optional<rst_position> start;
    Payloads expected;
  };
  for (const auto& [start, expected] :
       {Row{{}, {"0", "1", "2"}}, Row{at(RST_POSITION_EARLIEST), {"0", "1", "2"}}, Row{at(RST_POSITION_LATEST), {}},
        Row{receipts[1], {"1", "2"}}, Row{after, {"2"}},
        Row{at(RST_POSITION_TIME, receipts[0].time_ns), {"0", "1", "2"}}, Row{at(RST_POSITION_TIME, INT64_MAX), {}}}) {
    EXPECT_EQ(client.payloads(client.subscribe({.addresses = {"log"}, .kind = kLogKind, .start = start})), expected);
  }
  auto beyond = receipts[2];
  beyond.data[0] = 9;
  EXPECT_EQ(client.try_subscribe({.addresses = {"log"}, .kind = kLogKind, .start = beyond}), -RST_E_NOT_FOUND);
}

TEST_P(Publish, SeeksALogAndVoidsWhatWasDelivered) {
  const auto publisher = client.publisher("log", kLogKind);
  const auto subscription = client.subscribe({.addresses = {"log"}, .group = "g", .kind = kLogKind});
  client.publish(publisher, {{"0"}, {"1"}, {"2"}});
  const auto taken = client.take(subscription);
  client.settle(subscription, taken.at(0).token, RST_VERDICT_ACK);
  EXPECT_EQ(client.seek(subscription, taken.at(1).position, 9), RST_PENDING);
  EXPECT_EQ(client.host.await(9).status, RST_OK);
  const auto again = client.take(subscription);
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again[0].payload, "1");
  EXPECT_EQ(again[0].attempt, 1);
  EXPECT_GT(again[0].generation, taken[0].generation);
  EXPECT_EQ(client.settle(subscription, taken[2].token, RST_VERDICT_ACK), -RST_E_STALE);
  EXPECT_EQ(client.settle(subscription, again[1].token, RST_VERDICT_RETRY), RST_OK);
  EXPECT_EQ(client.take(subscription).at(0).attempt, 2);
  const auto queue = client.subscribe({{"orders"}});
  EXPECT_EQ(client.seek(queue, at(RST_POSITION_EARLIEST)), -RST_E_UNSUPPORTED);
}

TEST_P(Publish, KeepsTheCursorOfALogsGroupBetweenMembers) {
  const auto publisher = client.publisher("log", kLogKind);
  auto member = client.subscribe({.addresses = {"log"}, .group = "g", .kind = kLogKind});
  client.publish(publisher, {{"0"}, {"1"}, {"2"}});
  const auto taken = client.take(member);
  client.settle(member, taken.at(0).token, RST_VERDICT_ACK);
  client.settle(member, taken.at(2).token, RST_VERDICT_ACK);
  client.close(member.handle, 0);
  member = client.subscribe({.addresses = {"log"}, .group = "g", .kind = kLogKind});
  EXPECT_EQ(client.payloads(member), Payloads{"1"});
}

TEST_P(Publish, TrimsAFullLogOnlyOfWhatNoGroupNeeds) {
  client.connect("memory:log", {{"capacity", std::uint64_t{3}}});
  const auto publisher = client.publisher("log", kLogKind);
  const auto subscription = client.subscribe({.addresses = {"log"}, .kind = kLogKind, .credit = 1});
  std::uint32_t accepted = 0;
  EXPECT_EQ(client.publish(publisher, {{"0"}, {"1"}, {"2"}, {"3"}}, nullptr, &accepted), RST_DONE);
  EXPECT_EQ(accepted, 3U);
  client.host.take_events();
  client.settle(subscription, client.take(subscription).at(0).token, RST_VERDICT_ACK);
  EXPECT_EQ(count(client.host.take_events(), RST_EVENT_PUB_WRITABLE), 1U);
  EXPECT_EQ(client.publish(publisher, {{"3"}}), RST_DONE);
  const auto reader = client.subscribe({.addresses = {"log"}, .kind = kLogKind});
  EXPECT_EQ(client.payloads(reader), (Payloads{"1", "2", "3"}));
}

TEST_P(Publish, RefusesALogWhereAQueueIs) {
  client.subscribe({{"orders"}});
  EXPECT_EQ(client.try_subscribe({.addresses = {"orders"}, .kind = kLogKind}), -RST_E_PRECONDITION);
  client.publish(client.publisher("log", kLogKind), {{"a"}});
  const auto queue = client.subscribe({{"log"}});  // a queue on a log takes what comes from now on
  client.publish(client.publisher("log"), {{"b"}});
  EXPECT_EQ(client.payloads(queue), Payloads{"b"});
}

TEST_P(Publish, BringsAReplyToTheRequestThatAskedForIt) {
  const auto responder = client.subscribe({{"adder"}});
  const auto publisher = client.publisher("adder");
  const auto replies = client.publisher("");
  ASSERT_EQ(client.request(publisher, {"1+1"}, 31, 1'000'000'000), RST_PENDING) << client.error_text();
  ASSERT_EQ(client.request(publisher, {"2+2"}, 32, 1'000'000'000), RST_PENDING);
  const auto asked = client.take(responder);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(client.publish(replies, {{"4", {}, {{"h", "v"}}, asked[1].reply_to}}), RST_DONE);
  EXPECT_FALSE(client.host.is_complete(31));
  EXPECT_EQ(client.publish(replies, {{"2", {}, {}, asked[0].reply_to}}), RST_DONE);
  for (const auto& [op, payload] : {std::pair{31U, "2"}, std::pair{32U, "4"}}) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): how a completion carries a reply.
    auto* batch = reinterpret_cast<rst_batch*>(client.host.await(op).value);
    const auto reply = copy(batch);
    EXPECT_EQ(reply.at(0).payload, payload);
    EXPECT_EQ(reply[0].token, 0U);
    EXPECT_EQ(reply[0].subscription, 0U);
    batch->ops->release(batch);
  }
  Statuses statuses;
  client.publish(replies, {{"again", {}, {}, asked[0].reply_to}}, &statuses);
  EXPECT_EQ(statuses, Statuses{RST_OK_UNROUTED});
}

TEST_P(Publish, EndsARequestThatNobodyAnswers) {
  const auto publisher = client.publisher("adder");
  EXPECT_EQ(client.request(publisher, {"1+1"}, 41, 1'000'000), -RST_E_NO_ROUTE);
  client.subscribe({{"adder"}});
  ASSERT_EQ(client.request(publisher, {"1+1"}, 42, 1'000'000), RST_PENDING);
  EXPECT_EQ(rst_status_code(client.host.await(42).status), RST_E_TIMEOUT);
  ASSERT_EQ(client.request(publisher, {"1+1"}, 43, 60'000'000'000), RST_PENDING);
  client.close(client.connection, 44);
  EXPECT_EQ(rst_status_code(client.host.await(43).status), RST_E_CANCELLED);
  client.host.await(44);
}

}  // namespace
}  // namespace ruststream::memory::test
