// Kinds `jetstream` and `ordered` on a real server.
#include "declarations.hpp"
#include "test_host.hpp"

#include <ruststream/abi/ext/admin.h>

#include <chrono>
#include <functional>
#include <thread>

namespace ruststream::nats::test {
namespace {

struct JetStream : ::testing::Test {
  static void SetUpTestSuite() {
    server = std::make_unique<NatsServer>(
        "max_payload: 4096\n"
        "authorization { users: [ { user: all }, { user: few, permissions: { "
        "publish: [ok.x, \"$JS.API.STREAM.NAMES\", \"$JS.API.CONSUMER.INFO.>\", "
        "\"$JS.API.CONSUMER.CREATE.OK.pulls.>\"], "
        "subscribe: [\"_INBOX.>\"] } } ] }");
    Client client;
    ASSERT_TRUE(client.connect(server->url(), {{"user", "all"}}).ok());
    const auto api = client.publisher("$JS.API.STREAM.CREATE.OK");
    const Out stream{R"({"name":"OK","subjects":["ok.*"],"storage":"memory"})"};
    ASSERT_TRUE(client.request(api, stream, std::chrono::nanoseconds(std::chrono::seconds(5)).count()).first.ok());
  }
  static void TearDownTestSuite() { server.reset(); }
  void connect(const std::string& user = "all") {
    const Outcome outcome = client.connect(server->url(), {{"user", user}});
    ASSERT_TRUE(outcome.ok()) << outcome.text;
  }
  Outcome subscribe(std::vector<std::string> addresses, const std::string& durable = "",
                    const OptionList& options = {}) {
    return client
        .subscribe({.addresses = std::move(addresses), .durable = durable, .kind = kJetStream, .options = options})
        .outcome;
  }
  Outcome publish(const std::string& destination, const std::string& payload) {
    const auto out = client.publisher(destination, kJetStream);
    return out.outcome.ok() ? client.publish(out, {payload}) : out.outcome;
  }
  static std::unique_ptr<NatsServer> server;
  Client client;
};
std::unique_ptr<NatsServer> JetStream::server;

TEST_F(JetStream, BadInputIsNamed) {
  connect();
  ASSERT_TRUE(subscribe({"ok.w"}, "w", {{"ack_wait", std::uint64_t{10'000'000'000}}}).ok());
  struct Row {
    std::function<Outcome()> run;
    std::int32_t code;
    std::string says;
  };
  const std::vector<Row> rows{
      {[&] { return subscribe({"nowhere.x"}); }, RST_E_NOT_FOUND, "no stream stores subject `nowhere.x`"},
      {[&] { return subscribe({"ok.x"}, "", {{"stream", "NONE"}}); }, RST_E_NOT_FOUND, "`NONE`"},
      {[&] { return subscribe({"ok.w"}, "w", {{"ack_wait", std::uint64_t{20'000'000'000}}}); }, RST_E_PRECONDITION,
       "consumer `w` is there with other settings: ack_wait is 10000000000, not 20000000000"},
      {[&] { return subscribe({"ok.y"}, "w", {{"ack_wait", std::uint64_t{10'000'000'000}}}); }, RST_E_PRECONDITION,
       "filter_subject"},
      {[&] { return subscribe({"ok .x"}); }, RST_E_INVALID, "`ok .x`"},
      {[&] { return subscribe({"ok.x"}, "a b"); }, RST_E_INVALID, "`a b`"},
      {[&] { return publish("ok .x", ""); }, RST_E_INVALID, "`ok .x`"},
      {[&] { return publish("ok.x", std::string(4097, 'x')); }, RST_E_TOO_LARGE, ""},
      {[&] { return client.admin(RST_ADMIN_CREATE, "a b"); }, RST_E_INVALID, "`a b`"},
      {[&] { return client.admin(RST_ADMIN_CREATE, "OK", {{"storage", "file"}}); }, RST_E_EXISTS, "`OK`"},
      {[&] { return client.admin(RST_ADMIN_DELETE, "NONE"); }, RST_E_NOT_FOUND, "`NONE`"},
      {[&] { return client.admin(RST_ADMIN_PURGE, "w", {}, "OK"); }, RST_E_UNSUPPORTED, "consumer"},
  };
  for (const Row& row : rows) {
    const Outcome seen = row.run();
    EXPECT_EQ(seen.code, row.code) << row.says << ": " << seen.text;
    EXPECT_NE(seen.text.find(row.says), std::string::npos) << seen.text;
  }
}

TEST_F(JetStream, WhatPermissionsRefuseIsNamedAtOnce) {
  connect("few");
  const Outcome create = subscribe({"ok.x"}, "refused");
  EXPECT_EQ(create.code, RST_E_DENIED);
  EXPECT_NE(create.text.find("`$JS.API.CONSUMER.CREATE.OK.refused.ok.x`"), std::string::npos) << create.text;
  const Outcome admin = client.admin(RST_ADMIN_DELETE, "OK");
  EXPECT_EQ(admin.code, RST_E_DENIED);
  EXPECT_NE(admin.text.find("`$JS.API.STREAM.DELETE.OK`"), std::string::npos) << admin.text;

  const auto pulls = client.subscribe({.addresses = {"ok.x"}, .durable = "pulls", .kind = kJetStream});
  ASSERT_TRUE(pulls.outcome.ok()) << pulls.outcome.text;
  const Event ended = client.host.await_event(RST_EVENT_SUB_ENDED, pulls.id);
  EXPECT_EQ(ended.code, RST_E_DENIED);

  const auto out = client.publisher("ok.y", kJetStream);
  client.publish(out, {"not allowed"});
  const Event failed = client.host.await_event(RST_EVENT_PUB_FAILED, out.id);
  EXPECT_EQ(failed.code, RST_E_DENIED);
}

/// Several filters came with 2.10: an older server drops them silently.
TEST_F(JetStream, ASettingThatTheServerDoesNotKeepIsNamed) {
  connect();
  const auto two = client.subscribe({.addresses = {"ok.1", "ok.2"}, .durable = "two", .kind = kJetStream});
  if (!two.outcome.ok()) {
    EXPECT_EQ(two.outcome.code, RST_E_PRECONDITION);
    EXPECT_NE(two.outcome.text.find("filter_subjects"), std::string::npos) << two.outcome.text;
    return;
  }
  for (const std::string subject : {"ok.1", "ok.2", "ok.3"}) EXPECT_TRUE(publish(subject, subject).ok());
  EXPECT_EQ(client.host.take(two.id, 2).size(), 2U);
}

/// The server keeps one pull request of this consumer: the one that it refuses comes again when there is room.
TEST_F(JetStream, ARefusedPullIsTriedAgain) {
  using namespace std::chrono_literals;
  connect();
  const auto api = client.publisher("$JS.API.CONSUMER.DURABLE.CREATE.OK.one");
  const Out one{R"({"stream_name":"OK","config":{"durable_name":"one","ack_policy":"explicit","max_waiting":1,)"
                R"("deliver_policy":"new","filter_subject":"ok.one"}})"};
  ASSERT_TRUE(client.request(api, one, std::chrono::nanoseconds(std::chrono::seconds(5)).count()).first.ok());
  const auto join = [&] {
    return client.subscribe({.addresses = {"ok.one"},
                             .durable = "one",
                             .kind = kJetStream,
                             .options = {{"deliver", "new"}, {"heartbeat", std::uint64_t{15'000'000'000}}}});
  };
  const auto first = join();
  ASSERT_TRUE(first.outcome.ok()) << first.outcome.text;
  std::this_thread::sleep_for(2500ms);  // its request is there, and so was the server's first PING, which would help
  const auto second = join();
  ASSERT_TRUE(second.outcome.ok()) << second.outcome.text;
  EXPECT_TRUE(publish("ok.one", "1").ok());
  EXPECT_EQ(client.host.take(first.id, 1).size(), 1U);
  EXPECT_TRUE(client.close(first.handle).ok());
  EXPECT_TRUE(publish("ok.one", "2").ok());
  EXPECT_FALSE(client.host.take(second.id, 1).empty());  // the first gives its message back
}

/// What a publisher waited for must not be looked at when the publisher is gone.
TEST_F(JetStream, AClosedPublisherLeavesNothingBehind) {
  using namespace std::chrono_literals;
  connect();
  const auto out = client.publisher("ok.x", kJetStream);
  EXPECT_TRUE(client.publish(out, {"stored"}, std::chrono::nanoseconds(300ms).count()).ok());
  EXPECT_TRUE(client.flush(out.handle).ok());
  EXPECT_TRUE(client.close(out.handle).ok());
  std::this_thread::sleep_for(400ms);
  EXPECT_TRUE(publish("ok.x", "another's").ok());
}

}  // namespace
}  // namespace ruststream::nats::test
