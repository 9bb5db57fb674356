// The emulated loss of a connection.
#include "test_host.hpp"

#include <ruststream/abi/ext/tx.h>

namespace ruststream::memory::test {
namespace {

using Payloads = std::vector<std::string>;
constexpr std::int64_t kSecond = 1'000'000'000;

struct Link : MemoryTest {
  void connect(const OptionList& options) {
    client.host.fixed_now_ns = kSecond;
    client.step(kSecond);
    client.connect("memory:", options);
    publisher = client.publisher("orders");
  }
  std::vector<std::uint32_t> told() {
    std::vector<std::uint32_t> kinds;
    for (const auto& event : client.host.take_events()) kinds.push_back(event.kind);
    return kinds;
  }
  std::uint64_t publisher = 0;
};
RUSTSTREAM_MEMORY_BOTH(Link);

TEST_P(Link, GoesDownAndComesBackAsTheOptionsSay) {
  connect({{"disconnect_after", 5'000'000'000ULL}, {"reconnect_delay", 2'000'000'000ULL}});
  const auto subscription = client.subscribe({.addresses = {"orders"}, .credit = 3});
  client.publish(publisher, {{"a"}, {"b"}});
  const auto taken = client.take(subscription);
  client.settle(subscription, taken.at(0).token, RST_VERDICT_ACK);
  told();
  EXPECT_EQ(client.step(6 * kSecond).first, 8 * kSecond);
  EXPECT_EQ(told(), (std::vector<std::uint32_t>{RST_EVENT_CONN_DOWN, RST_EVENT_SUB_DOWN, RST_EVENT_CONN_RETRYING}));
  EXPECT_EQ(client.publish(publisher, {{"x"}}), -RST_E_UNAVAILABLE);
  EXPECT_NE(client.error.flags & RST_ERROR_RETRYABLE, 0U);
  EXPECT_EQ(client.error.flags & RST_ERROR_MAYBE_APPLIED, 0U);
  EXPECT_EQ(client.try_subscribe({.addresses = {"orders"}}), -RST_E_UNAVAILABLE);
  EXPECT_EQ(client.settle(subscription, taken.at(1).token, RST_VERDICT_ACK), -RST_E_STALE);
  EXPECT_TRUE(client.take(subscription).empty());

  EXPECT_EQ(client.step(8 * kSecond).first, 13 * kSecond);
  EXPECT_EQ(told(), (std::vector<std::uint32_t>{RST_EVENT_CONN_UP, RST_EVENT_SUB_UP}));
  client.publish(publisher, {{"c"}, {"d"}});
  const auto again = client.take(subscription);
  ASSERT_EQ(again.size(), 1U);  // the balance was 3
  EXPECT_EQ(again[0].payload, "b");
  EXPECT_EQ(again[0].generation, 2U);
  EXPECT_EQ(again[0].attempt, 1);
}

TEST_P(Link, LeavesTheWorkToOtherConnections) {
  connect({{"disconnect_after", 5'000'000'000ULL}});
  const auto lost = client.subscribe({{"orders"}, "g"});
  client.publish(publisher, {{"a"}});
  client.connect("memory:");
  const auto other = client.subscribe({{"orders"}, "g"});
  client.step(6 * kSecond);
  EXPECT_EQ(client.payloads(other), Payloads{"a"});
  EXPECT_EQ(client.payloads(lost), Payloads{"a"});  // before
}

TEST_P(Link, EndsWhatIsPending) {
  connect({{"disconnect_after", 5'000'000'000ULL}});
  client.subscribe({{"orders"}});
  EXPECT_EQ(client.request(publisher, {"question"}, 9, 60U * kSecond), RST_PENDING);
  const auto out = client.publisher("orders", 0, 0, RST_PUBLISHER_TRANSACTIONAL);
  const auto& table = client.extension<rst_tx>(RST_EXT_TX);
  std::uint64_t tx = 0;
  EXPECT_EQ(table.begin(client.instance, out, 0, 60U * kSecond, &tx, 0, &client.error), RST_DONE);
  client.step(6 * kSecond);
  EXPECT_EQ(client.host.await(9).status, rst_status(RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE | RST_ERROR_MAYBE_APPLIED));
  EXPECT_EQ(table.commit(client.instance, tx, 0, &client.error), -RST_E_ABORTED);
  EXPECT_EQ(table.abort(client.instance, tx, 0, &client.error), RST_DONE);
}

TEST_P(Link, MayHaveStoredThePublishThatItWasCutBehind) {
  connect({{"disconnect_messages", 3U}});
  const auto subscription = client.subscribe({{"orders"}});
  std::vector<std::int32_t> statuses;
  EXPECT_EQ(client.publish(publisher, {{"a"}, {"b"}}, &statuses), RST_DONE);
  EXPECT_EQ(statuses, (std::vector<std::int32_t>(2, RST_OK)));
  EXPECT_EQ(client.publish(publisher, {{"c"}}, &statuses), RST_DONE);
  EXPECT_EQ(statuses.at(0), rst_status(RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE | RST_ERROR_MAYBE_APPLIED));
  EXPECT_EQ(client.payloads(subscription), (Payloads{"a", "b", "c"}));
  EXPECT_EQ(client.publish(publisher, {{"c"}}), -RST_E_UNAVAILABLE);
  client.step(2 * kSecond);
  EXPECT_EQ(client.publish(publisher, {{"c"}}), RST_DONE);
  EXPECT_EQ(client.payloads(subscription), (Payloads{"a", "b", "c", "c"}));
}

}  // namespace
}  // namespace ruststream::memory::test
