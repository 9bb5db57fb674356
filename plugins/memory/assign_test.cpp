// Partitions that are assigned to members, and move.
#include "test_host.hpp"

#include <algorithm>
#include <set>

namespace ruststream::memory::test {
namespace {

using Numbers = std::vector<std::uint32_t>;
constexpr std::int64_t kSecond = 1'000'000'000;

struct Assign : testing::TestWithParam<std::uint32_t> {  // the kind
  Assign() {
    client.host.fixed_now_ns = kSecond;
    client.step(kSecond);
    client.connect("memory:", {{"partitions", 4U}, {"assign", "partitions"}});
    publisher = client.publisher("orders", GetParam());
    a = join();
    publish();
    messages = client.take(a);
  }
  Client::Subscription join() { return client.subscribe({.addresses = {"orders"}, .group = "g", .kind = GetParam()}); }
  /// One message to each partition, and one without.
  void publish() {
    for (std::int32_t partition = -1; partition < 4; ++partition) {
      rst_out_props props{};
      props.struct_size = sizeof props;
      props.priority = -1;
      props.partition = partition;
      client.publish(publisher, {{.payload = std::to_string(partition + 1), .props = props}});
    }
  }
  /// What was told since the last time, of one kind.
  Event told(std::uint32_t kind, const Client::Subscription& about) {
    for (auto& each : client.host.take_events()) events.push_back(std::move(each));
    const auto found = std::find_if(events.begin(), events.end(), [&](const Event& event) {
      return event.kind == kind && event.subject == about.id;
    });
    if (found == events.end()) return {};
    Event event = *found;
    events.erase(found);
    return event;
  }
  std::int32_t answer(std::uint64_t id) {
    return client.table.answer(client.instance, id, RST_OK, nullptr, 0, &client.error);
  }
  std::multiset<std::uint32_t> partitions(const Client::Subscription& of) {
    std::multiset<std::uint32_t> all;
    for (const auto& message : client.take(of)) all.insert(message.partition);
    return all;
  }
  std::uint64_t token_of(std::uint32_t partition) {
    const auto found = std::find_if(messages.begin(), messages.end(),
                                    [&](const Message& message) { return message.partition == partition; });
    return found != messages.end() ? found->token : 0;
  }

  Client client{embedded_table()};
  std::uint64_t publisher = 0;
  Client::Subscription a;
  std::vector<Message> messages;
  std::vector<Event> events;
};
INSTANTIATE_TEST_SUITE_P(Memory, Assign, testing::Values(0U, 1U),
                         [](const auto& kind) { return std::string(kind.param == 0 ? "Topic" : "Log"); });

TEST_P(Assign, GivesAllToTheFirstMember) {
  EXPECT_EQ(told(RST_EVENT_SUB_ASSIGNED, a).partitions, (Numbers{1, 2, 3, 4}));
  EXPECT_EQ(messages.size(), 5U);
}

TEST_P(Assign, MovesPartitionsOnceTheRevokeIsAnswered) {
  const auto b = join();
  const auto revoking = told(RST_EVENT_SUB_REVOKING, a);
  EXPECT_EQ(revoking.partitions, (Numbers{3, 4}));
  EXPECT_EQ(revoking.deadline_ns, 10'000'000'000ULL);
  EXPECT_EQ(revoking.generation, 2U);
  publish();
  EXPECT_EQ(client.settle(a, token_of(3), RST_VERDICT_ACK), RST_OK);
  const auto meanwhile = partitions(a);
  EXPECT_EQ(meanwhile.count(3) + meanwhile.count(4), 0U);
  EXPECT_EQ(partitions(b).count(3), 0U);

  EXPECT_EQ(answer(revoking.answer), RST_DONE);
  EXPECT_EQ(answer(revoking.answer), -RST_E_STALE);
  EXPECT_EQ(told(RST_EVENT_SUB_LOST, a).kind, 0U);
  EXPECT_EQ(told(RST_EVENT_SUB_ASSIGNED, b).partitions, (Numbers{3, 4}));
  EXPECT_EQ(partitions(b), (std::multiset<std::uint32_t>{3, 4, 4}));
  EXPECT_EQ(client.settle(a, token_of(4), RST_VERDICT_ACK), -RST_E_STALE);
  for (const std::uint32_t kept : {0U, 1U, 2U}) EXPECT_EQ(client.settle(a, token_of(kept), RST_VERDICT_ACK), RST_OK);
  publish();
  for (const auto& each : client.take(a)) EXPECT_EQ(each.generation, 2U);
}

TEST_P(Assign, TakesPartitionsAwayWhenTheDeadlinePasses) {
  const auto b = join();
  const auto revoking = told(RST_EVENT_SUB_REVOKING, a);
  EXPECT_EQ(client.step(10 * kSecond).first, 11 * kSecond);
  EXPECT_TRUE(partitions(b).empty());
  client.step(11 * kSecond);
  const auto lost = told(RST_EVENT_SUB_LOST, a);
  EXPECT_EQ(lost.partitions, (Numbers{3, 4}));
  EXPECT_EQ(lost.generation, 2U);
  EXPECT_EQ(partitions(b), (std::multiset<std::uint32_t>{3, 4}));
  EXPECT_EQ(answer(revoking.answer), -RST_E_STALE);
}

TEST_P(Assign, LeavesPartitionsOfWhoeverGoesToTheOthers) {
  const auto b = join();
  client.close(a.handle, 0);  // waits for no answer
  EXPECT_EQ(told(RST_EVENT_SUB_ASSIGNED, b).partitions, (Numbers{1, 2, 3, 4}));
  EXPECT_EQ(partitions(b), (std::multiset<std::uint32_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(answer(told(RST_EVENT_SUB_REVOKING, a).answer), -RST_E_STALE);
}

TEST_P(Assign, ReturnsWhatCameBackToItsOwnPartition) {
  client.settle(a, token_of(2), RST_VERDICT_RETRY, 5U * kSecond);
  client.settle(a, token_of(4), RST_VERDICT_RETRY, 5U * kSecond);
  const auto b = join();
  answer(told(RST_EVENT_SUB_REVOKING, a).answer);
  EXPECT_EQ(partitions(b), std::multiset<std::uint32_t>{3});
  client.step(6 * kSecond);
  EXPECT_EQ(partitions(a), std::multiset<std::uint32_t>{2});
  EXPECT_EQ(partitions(b), std::multiset<std::uint32_t>{4});
}

TEST_P(Assign, MovesWithSeek) {
  if (GetParam() == 0) return;
  rst_position earliest{};
  earliest.kind = RST_POSITION_EARLIEST;
  EXPECT_EQ(client.seek(a, earliest), RST_DONE);
  EXPECT_EQ(partitions(a), (std::multiset<std::uint32_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(client.settle(a, token_of(1), RST_VERDICT_ACK), -RST_E_STALE);
}

TEST(AssignOption, NeedsPartitions) {
  Client client{embedded_table()};
  EXPECT_EQ(client.try_connect("memory:", {{"assign", "partitions"}}), -RST_E_OPTION);
  EXPECT_EQ(client.try_connect("memory:", {{"assign", "partitions"}, {"partitions", 1025U}}), -RST_E_OPTION);
  client.connect();
  EXPECT_EQ(client.admin(RST_ADMIN_CREATE, "orders", {}, 0, {{"assign", "partitions"}}), -RST_E_OPTION);
  EXPECT_EQ(client.admin(RST_ADMIN_CREATE, "orders", {}, 0, {{"assign", "partitions"}, {"partitions", 2U}}), RST_DONE);
}

}  // namespace
}  // namespace ruststream::memory::test
