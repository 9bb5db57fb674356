// What arrives: content, routing, groups, credit.
#include "test_host.hpp"

#include <thread>

namespace ruststream::memory::test {
namespace {

using Payloads = std::vector<std::string>;

struct Delivery : MemoryTest {
  Delivery() { client.connect(); }
};
RUSTSTREAM_MEMORY_BOTH(Delivery);

TEST_P(Delivery, RoundTripsEverythingAMessageCarries) {
  const auto subscription = client.subscribe({{"orders"}});
  const auto publisher = client.publisher("orders");
  std::string arbitrary(1000, '\0');
  for (std::size_t i = 0; i < arbitrary.size(); ++i) arbitrary[i] = static_cast<char>(i * 7);
  const std::vector<Header> headers{{"Name", "v\x01\xff"},
                                    {"name", ""},
                                    {"name", {}, RST_HEADER_NULL},
                                    {"", "x"},
                                    {"n", std::string(8, '\2'), RST_HEADER_I64}};
  const std::string reply_to = "replies", correlation("\0\1", 2), id = "m-1", type = "text/plain";
  rst_out_props props{};
  props.struct_size = sizeof props;
  props.priority = props.partition = -1;
  props.reply_to = reinterpret_cast<const std::uint8_t*>(reply_to.data());
  props.reply_to_len = 7;
  props.correlation = reinterpret_cast<const std::uint8_t*>(correlation.data());
  props.correlation_len = 2;
  props.message_id = reinterpret_cast<const std::uint8_t*>(id.data());
  props.message_id_len = 3;
  props.content_type = type.data();
  props.content_type_len = 10;
  std::vector<std::int32_t> statuses;
  ASSERT_EQ(
      client.publish(publisher,
                     {{arbitrary, "key", headers, "", 0, props}, {"", ""}, {"", {}, {}, "", RST_OUT_NULL_PAYLOAD}},
                     &statuses),
      RST_DONE);
  EXPECT_EQ(statuses, (std::vector<std::int32_t>{0, 0, 0}));
  const auto taken = client.take(subscription);
  ASSERT_EQ(taken.size(), 3U);
  EXPECT_EQ(taken[0].payload, arbitrary);
  EXPECT_EQ(taken[0].key, "key");
  EXPECT_EQ(taken[0].headers, headers);
  EXPECT_EQ(taken[0].reply_to, reply_to);
  EXPECT_EQ(taken[0].correlation, correlation);
  EXPECT_EQ(taken[0].message_id, id);
  EXPECT_EQ(taken[0].content_type, type);
  EXPECT_EQ(taken[0].address, "orders");
  EXPECT_EQ(taken[0].attempt, 1);
  EXPECT_GT(taken[0].timestamp_ns, 0);
  EXPECT_EQ(taken[1].flags, RST_MESSAGE_PADDED);
  EXPECT_EQ(taken[1].key, "");
  EXPECT_EQ(taken[2].flags, RST_MESSAGE_NULL_PAYLOAD);
  EXPECT_EQ(taken[2].key, std::nullopt);
}

TEST_P(Delivery, TakesEverySizeUpToTheLimitAndRefusesOneMore) {
  client.connect("memory:limited", {{"max_payload", std::uint64_t{1} << 20}});
  const auto subscription = client.subscribe({{"big"}});
  const auto publisher = client.publisher("big");
  for (const std::size_t size : {0U, 1U, 63U, 64U, 65U, 16'000U, 17'000U, 70'000U, 1U << 20}) {
    const std::string payload(size, 'x');
    EXPECT_EQ(client.publish(publisher, {{payload}}), RST_DONE);
    EXPECT_EQ(client.payloads(subscription), Payloads{payload}) << size;
  }
  EXPECT_EQ(client.publish(publisher, {{std::string((1U << 20) + 1, 'x')}}), -RST_E_TOO_LARGE);
  EXPECT_NE(client.error_text().find("max_payload"), std::string::npos) << client.error_text();
  EXPECT_TRUE(client.take(subscription).empty());
}

TEST_P(Delivery, RoutesByPatternAndNamesTheTopic) {
  const auto exact = client.subscribe({{"quakes.event.nc"}});
  const auto token = client.subscribe({{"quakes.event.*"}});
  const auto rest = client.subscribe({{"quakes.>", "other"}});
  const auto publisher = client.publisher("");
  client.publish(publisher, {{"1", {}, {}, "quakes.event.nc"},
                             {"2", {}, {}, "quakes.event.us"},
                             {"3", {}, {}, "quakes.alert"},
                             {"4", {}, {}, "other"},
                             {"5", {}, {}, "nobody"}});
  EXPECT_EQ(client.payloads(exact), Payloads{"1"});
  const auto by_token = client.take(token);
  ASSERT_EQ(by_token.size(), 2U);
  EXPECT_EQ(by_token[1].address, "quakes.event.us");
  EXPECT_EQ(client.payloads(rest), (Payloads{"1", "2", "3", "4"}));
}

TEST_P(Delivery, GivesEachGroupAllAndItsMembersAShare) {
  const auto a1 = client.subscribe({{"work"}, "a"}), a2 = client.subscribe({{"work"}, "a"});
  const auto b = client.subscribe({{"work"}, "b"});
  const auto alone = client.subscribe({{"work"}});
  const auto publisher = client.publisher("work");
  for (int i = 0; i < 10; ++i) client.publish(publisher, {{std::to_string(i)}});
  const auto first = client.payloads(a1), second = client.payloads(a2);
  EXPECT_EQ(first.size() + second.size(), 10U);
  EXPECT_FALSE(first.empty());
  EXPECT_FALSE(second.empty());
  Payloads united = first;
  united.insert(united.end(), second.begin(), second.end());
  std::sort(united.begin(), united.end());
  EXPECT_EQ(client.payloads(b), united);
  EXPECT_EQ(client.payloads(alone), united);
}

TEST_P(Delivery, KeepsWhatIsPublishedForAGroupNobodyHasJoined) {
  ASSERT_EQ(client.admin(RST_ADMIN_CREATE, "billing", "orders"), RST_DONE) << client.error_text();
  const auto publisher = client.publisher("orders");
  client.publish(publisher, {{"a"}, {"b"}});
  auto member = client.subscribe({{"orders"}, "billing"});
  EXPECT_EQ(client.payloads(member), (Payloads{"a", "b"}));
  client.close(member.handle, 0);
  client.publish(publisher, {{"c"}});
  member = client.subscribe({{"orders"}, "billing"});
  EXPECT_EQ(client.payloads(member), (Payloads{"a", "b", "c"}));  // it outlived its member, unsettled and all
}

TEST_P(Delivery, StaysWithinCreditBatchAndWindow) {
  const auto subscription = client.subscribe({.addresses = {"orders"}, .credit = 0, .max_batch = 4, .window = 6});
  const auto publisher = client.publisher("orders");
  for (int i = 0; i < 20; ++i) client.publish(publisher, {{std::string(10, 'x')}});
  EXPECT_TRUE(client.take(subscription).empty());
  client.credit(subscription, 3);
  EXPECT_EQ(client.take(subscription).size(), 3U);
  client.credit(subscription, 10);
  const auto taken = client.take(subscription);
  ASSERT_EQ(taken.size(), 3U);  // six are unsettled: the window
  for (const auto& message : taken) EXPECT_LE(message.batch_size, 4U);
  client.settle(subscription, taken[0].token, RST_VERDICT_ACK);
  EXPECT_EQ(client.take(subscription).size(), 1U);
}

TEST_P(Delivery, LetsBytesGoBelowZeroByOneMessageOnly) {
  const auto subscription = client.subscribe({.addresses = {"orders"}, .credit = 100, .credit_bytes = 1});
  const auto publisher = client.publisher("orders");
  for (int i = 0; i < 3; ++i) client.publish(publisher, {{std::string(10, 'x')}});
  EXPECT_EQ(client.take(subscription).size(), 1U);
  client.credit(subscription, 0, 9);
  EXPECT_EQ(client.take(subscription).size(), 0U);
  client.credit(subscription, 0, 1);
  EXPECT_EQ(client.take(subscription).size(), 1U);
}

TEST_P(Delivery, CompletesSubscribeBeforeTheFirstDelivery) {
  client.admin(RST_ADMIN_CREATE, "g", "orders");
  client.publish(client.publisher("orders"), {{"a"}});
  bool completed_first = false;
  client.host.on_deliver = [&](rst_batch* batch) {
    completed_first = client.host.is_complete(77);
    batch->ops->release(batch);
    return RST_DONE;
  };
  EXPECT_EQ(client.try_subscribe({.addresses = {"orders"}, .group = "g", .op = 77}), RST_PENDING);
  EXPECT_TRUE(completed_first);
}

TEST_P(Delivery, TakesARefusedBatchBackUnprocessed) {
  bool refuse = true;
  Payloads seen;
  std::vector<std::uint16_t> attempts;
  client.host.on_deliver = [&](rst_batch* batch) -> std::int32_t {
    if (std::exchange(refuse, false)) return -RST_E_EXHAUSTED;
    for (const auto& message : copy(batch)) {
      seen.push_back(message.payload);
      attempts.push_back(message.attempt);
    }
    batch->ops->release(batch);
    return RST_DONE;
  };
  const auto subscription = client.subscribe({.addresses = {"orders"}, .credit = 2});
  client.publish(client.publisher("orders"), {{"a"}, {"b"}, {"c"}});
  EXPECT_TRUE(seen.empty());
  client.credit(subscription, 0);
  EXPECT_EQ(seen, (Payloads{"a", "b"}));  // in order, and the refused delivery cost no credit
  EXPECT_EQ(attempts, (std::vector<std::uint16_t>{1, 1}));
}

TEST_P(Delivery, TellsGroupsApartByNameAndAddressesButNotByTheirOrder) {
  const auto first = client.subscribe({{"a", "b"}, "g"}), second = client.subscribe({{"b", "a"}, "g"});
  const auto other = client.subscribe({{"a"}, "g"});
  const auto publisher = client.publisher("a");
  for (int i = 0; i < 4; ++i) client.publish(publisher, {{"x"}});
  EXPECT_EQ(client.take(first).size() + client.take(second).size(), 4U);
  EXPECT_EQ(client.take(other).size(), 4U);
}

TEST_P(Delivery, KeepsOrderAndContentOverManySlabsAndBlocks) {
  constexpr std::size_t kMessages = 4000;
  const auto text = [](std::size_t i) { return std::to_string(i) + std::string(i * 7 % 1500, 'x'); };
  const auto subscription = client.subscribe({.addresses = {"orders"}, .credit = 0, .max_batch = 100});
  const auto publisher = client.publisher("orders");
  for (std::size_t i = 0; i < kMessages;) {
    std::vector<Out> array;
    for (; array.size() < 7 && i < kMessages; ++i) array.push_back({text(i)});
    ASSERT_EQ(client.publish(publisher, array), RST_DONE);
  }
  for (std::size_t next = 0; next < kMessages;) {
    client.credit(subscription, 333, 1U << 30);
    const auto taken = client.take(subscription);
    ASSERT_FALSE(taken.empty());
    for (const auto& message : taken) {
      ASSERT_EQ(message.payload, text(next++));
      ASSERT_EQ(client.settle(subscription, message.token, RST_VERDICT_ACK), RST_OK);
    }
  }
  EXPECT_EQ(client.stats(client.connection, "orders")[RST_STAT_VENDOR], 0U);
}

TEST_P(Delivery, SharesOneBrokerPerNameAndSurvivesTheCloseOfOneConnection) {
  const auto first = client.connection;
  const auto second = client.connect();
  const auto elsewhere = client.connect("memory:other");
  const auto here = client.subscribe({.addresses = {"orders"}, .connection = second});
  const auto there = client.subscribe({.addresses = {"orders"}, .connection = elsewhere});
  client.publish(client.publisher("orders", 0, first), {{"a"}});
  EXPECT_EQ(client.payloads(here), Payloads{"a"});
  EXPECT_TRUE(client.take(there).empty());
  client.close(first, 0);
  client.publish(client.publisher("orders", 0, second), {{"b"}});
  EXPECT_EQ(client.payloads(here), Payloads{"b"});
}

TEST_P(Delivery, AddsAPartitionForKeysOnly) {
  client.connect("memory:parts", {{"partitions", std::uint64_t{4}}});
  const auto subscription = client.subscribe({{"keyed"}});
  const auto publisher = client.publisher("keyed");
  client.publish(publisher, {{"1", "red"}, {"2", "green"}, {"3", "red"}, {"4"}});
  const auto taken = client.take(subscription);
  ASSERT_EQ(taken.size(), 4U);
  EXPECT_EQ(taken[0].partition, 1U);  // by FNV-1a: the same in every process and version
  EXPECT_EQ(taken[1].partition, 1U);
  EXPECT_EQ(taken[2].partition, taken[0].partition);
  EXPECT_EQ(taken[3].partition, 0U);
}

}  // namespace
}  // namespace ruststream::memory::test
