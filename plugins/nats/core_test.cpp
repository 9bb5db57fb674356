// Kind `core` on a real server.
#include "test_host.hpp"

#include <ruststream/abi/ext/stats.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>

namespace ruststream::nats::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kSecond = 1'000'000'000;

std::vector<std::string> payloads(const std::vector<Message>& messages) {
  std::vector<std::string> all;
  for (const Message& each : messages) all.push_back(each.payload);
  return all;
}

struct Core : ::testing::Test {
  static void SetUpTestSuite() {
    server = std::make_unique<NatsServer>(
        "max_payload: 4096\n"
        "authorization { users: [ { user: all }, { user: few, permissions: { publish: [ok, also.>], "
        "subscribe: [ok, \"_INBOX.>\"] } } ] }");
  }
  static void TearDownTestSuite() { server.reset(); }
  void connect(const OptionList& options = {{"user", "all"}}) {
    const Outcome outcome = client.connect(server->url(), options);
    ASSERT_TRUE(outcome.ok()) << outcome.text;
  }
  static std::unique_ptr<NatsServer> server;
  Client client;
};
std::unique_ptr<NatsServer> Core::server;

TEST_F(Core, AWildcardShowsWhereEachMessageWasPublished) {
  connect();
  const auto all = client.listen("a.*.c");
  const auto out = client.publisher("");
  for (const std::string subject : {"a.1.c", "a.2.d", "a.3.c"})
    client.publish(out, {.payload = "x", .destination = subject});
  const auto got = client.host.take(all.id, 2);
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].address, "a.1.c");
  EXPECT_EQ(got[1].address, "a.3.c");
}

TEST_F(Core, AQueueGroupSharesAndOthersGetAll) {
  connect();
  const auto one = client.subscribe({.addresses = {"work"}, .group = "g"});
  const auto two = client.subscribe({.addresses = {"work"}, .group = "g"});
  const auto alone = client.listen("work");
  const auto out = client.publisher("work");
  for (int i = 0; i < 200; ++i) client.publish(out, {std::to_string(i)});
  EXPECT_EQ(client.host.take(alone.id, 200).size(), 200U);
  EXPECT_TRUE(client.flush(client.connection).ok());
  const auto first = client.host.take(one.id).size();
  const auto second = client.host.take(two.id).size();
  EXPECT_EQ(first + second, 200U);
  EXPECT_GT(first, 0U);
  EXPECT_GT(second, 0U);
}

TEST_F(Core, NoEchoKeepsOwnMessagesAway) {
  connect({{"user", "all"}, {"no_echo", true}});
  const auto own = client.listen("echo");
  client.publish(client.publisher("echo"), {"mine"});
  connect();
  client.publish(client.publisher("echo"), {"another's"});
  EXPECT_EQ(payloads(client.host.take(own.id, 1)), std::vector<std::string>{"another's"});
}

/// Bursts while the handler takes nothing more than a service grants it at first.
TEST_F(Core, ABurstWaitsForASlowConsumerAndWhatIsTooMuchIsCounted) {
  constexpr std::size_t kBurst = 50'000, kCredit = 128;
  connect();
  struct Limit {
    OptionList options;
    std::size_t waits;
  };
  for (const Limit& limit : {Limit{{}, kBurst - kCredit},
                             {{{"pending_messages", std::uint64_t{1000}}}, 1000},
                             {{{"pending_bytes", std::uint64_t{50'000}}}, 10'000}}) {
    const auto slow =
        client.subscribe({.addresses = {"flood"}, .credit = kCredit, .window = kCredit, .options = limit.options});
    const auto quick = client.listen("flood");
    const auto out = client.publisher("flood");
    for (std::size_t i = 0; i < kBurst; ++i) {
      while (client.publish(out, {std::to_string(10'000 + i)}).code == RST_E_BACKPRESSURE) std::this_thread::yield();
    }
    EXPECT_EQ(client.host.take(quick.id, kBurst).size(), kBurst);
    EXPECT_TRUE(client.flush(client.connection).ok());
    EXPECT_EQ(client.stats(out.handle)[RST_STAT_PUBLISHED], kBurst);
    const std::size_t lost = kBurst - kCredit - limit.waits;
    std::uint64_t told = 0;
    for (const auto until = Clock::now() + std::chrono::seconds(10); told < lost && Clock::now() < until;) {
      for (const Event& each : client.host.take_events()) told += each.kind == RST_EVENT_SUB_DROPPED ? each.value : 0;
    }
    EXPECT_EQ(told, lost);
    auto stats = client.stats(slow.handle);
    EXPECT_EQ(stats[RST_STAT_DROPPED], lost);
    EXPECT_EQ(stats[RST_STAT_WAITING], limit.waits);
    EXPECT_EQ(stats[RST_STAT_DELIVERED], kCredit);
    client.credit(slow, kBurst);
    EXPECT_EQ(client.host.take(slow.id, kCredit + limit.waits).size(), kCredit + limit.waits);
    stats = client.stats(slow.handle);
    EXPECT_EQ(stats[RST_STAT_WAITING], 0U);
    EXPECT_EQ(stats[RST_STAT_DELIVERED], kCredit + limit.waits);
    client.close(slow.handle);
    client.close(quick.handle);
  }
}

TEST_F(Core, HeadersAndWhatTravelsInThemComeOut) {
  connect();
  const auto in = client.listen("h");
  const auto out = client.publisher("h");
  const Out sent{.payload = "x",
                 .reply_to = "answers",
                 .message_id = "7",
                 .content_type = "text/plain",
                 .correlation = "c",
                 .headers = {{"X-A", "1"}, {"x-a", "two words"}, {"X-A", "3"}}};
  ASSERT_TRUE(client.publish(out, sent).ok());
  const auto got = client.host.take(in.id, 1);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].reply_to, "answers");
  EXPECT_EQ(got[0].message_id, "7");
  EXPECT_EQ(got[0].text("Nats-Msg-Id"), "7");
  EXPECT_EQ(got[0].content_type, "text/plain");
  EXPECT_EQ(got[0].correlation, "c");
  EXPECT_EQ(got[0].text("x-a"), "two words");
  EXPECT_EQ(std::count(got[0].headers.begin(), got[0].headers.end(), std::pair<std::string, std::string>{"X-A", "3"}),
            1);
}

TEST_F(Core, WhatWouldNotComeOutTheSameIsRefused) {
  connect();
  const auto in = client.listen("r");
  const auto out = client.publisher("r");
  for (const auto& header :
       Headers{{"a:b", "1"}, {"a b", "1"}, {"", "1"}, {"a", ""}, {"a", " 1"}, {"a", "1 "}, {"a", "1\n"}}) {
    EXPECT_EQ(client.publish(out, {.payload = "x", .headers = {header}}).code, RST_E_UNSUPPORTED) << header.first;
  }
  EXPECT_EQ(client.publish(out, {.payload = "x", .destination = "with space"}).code, RST_E_INVALID);
  EXPECT_EQ(client.publish(out, {.payload = "x", .destination = "a.*"}).code, RST_E_INVALID);
  EXPECT_EQ(client.publish(out, {.payload = std::string(4097, 'x')}).code, RST_E_TOO_LARGE);
  EXPECT_TRUE(client.publish(out, {.payload = std::string(4096, 'x')}).ok());
  EXPECT_EQ(client.publish(out, {.payload = std::string(4090, 'x'), .headers = {{"a", "b"}}}).code, RST_E_TOO_LARGE);
  EXPECT_EQ(client.host.take(in.id, 1).size(), 1U);
}

TEST_F(Core, SubjectsAreNamedWhereTheyAreWrong) {
  connect();
  for (const std::string subject : {"with space", "a..b", ".a", "a.", ">.a"}) {
    const auto sub = client.listen(subject);
    EXPECT_EQ(sub.outcome.code, RST_E_INVALID);
    EXPECT_NE(sub.outcome.text.find('`' + subject + '`'), std::string::npos) << sub.outcome.text;
  }
  const auto out = client.publisher("a.*");
  EXPECT_EQ(out.outcome.code, RST_E_INVALID);
  EXPECT_NE(out.outcome.text.find("`a.*`"), std::string::npos) << out.outcome.text;
  const auto durable = client.subscribe({.addresses = {"a"}, .durable = "d"});
  EXPECT_EQ(durable.outcome.code, RST_E_UNSUPPORTED);
  EXPECT_NE(durable.outcome.text.find("jetstream"), std::string::npos) << durable.outcome.text;
}

TEST_F(Core, RequestsGetTheirReplyOrLearnThatNobodyListens) {
  connect();
  const auto service = client.listen("ask");
  const auto out = client.publisher("ask");
  const auto nobody = client.request(client.publisher("nobody"), {"?"}, 5 * kSecond);
  EXPECT_EQ(nobody.first.code, RST_E_NO_ROUTE);
  const auto silent = client.request(out, {"?"}, kSecond / 10);
  EXPECT_EQ(silent.first.code, RST_E_TIMEOUT);
  EXPECT_EQ(client.host.take(service.id, 1).size(), 1U);
  std::jthread answers([&] {
    const auto question = client.host.take(service.id, 1);
    Client other;
    if (!other.connect(server->url(), {{"user", "all"}}).ok()) return;
    other.publish(
        other.publisher(""),
        {.payload = "re:" + question.at(0).payload, .destination = question.at(0).reply_to, .headers = {{"k", "v"}}});
    other.flush(other.connection);
  });
  const auto [outcome, reply] = client.request(out, {.payload = "q", .headers = {{"a", "b"}}}, 10 * kSecond);
  EXPECT_TRUE(outcome.ok()) << outcome.text;
  EXPECT_EQ(reply.payload, "re:q");
  EXPECT_EQ(reply.text("k"), "v");
}

/// Both write, as does the I/O thread, and each is told of room that another's write made.
TEST_F(Core, PublishersBesideEachOtherKeepTheirOrderAndHearOfRoom) {
  constexpr std::size_t kMessages = 40'000;
  connect({{"user", "all"}, {"write_buffer", std::uint64_t{256 << 10}}});
  Client other;
  ASSERT_TRUE(other.connect(server->url(), {{"user", "all"}}).ok());
  struct One {
    Client::Publisher out;
    Client::Subscription in;
    std::atomic<bool> room{false};
  };
  std::array<One, 2> both;
  for (One& one : both) {
    const std::string subject = &one == both.data() ? "first" : "second";
    one.in = other.listen(subject);
    one.out = client.publisher(subject);
  }
  ASSERT_TRUE(other.flush(other.connection).ok());
  const auto until = Clock::now() + std::chrono::seconds(30);
  std::atomic<int> at_work = 2;
  std::vector<std::jthread> threads;
  for (One& one : both) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < kMessages;) {
        const Outcome done = client.publish(one.out, {std::to_string(i) + std::string(500, ' ')});
        if (done.ok()) ++i;
        while (done.code == RST_E_BACKPRESSURE && !one.room && Clock::now() < until) std::this_thread::yield();
        one.room = false;
        if (Clock::now() >= until) return;
      }
      --at_work;
    });
  }
  while (at_work != 0 && Clock::now() < until) {
    for (const Event& each : client.host.take_events()) {
      if (each.kind == RST_EVENT_PUB_WRITABLE) both[each.subject == both[0].out.id ? 0 : 1].room = true;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  ASSERT_EQ(at_work, 0) << "somebody still waits for room";
  threads.clear();
  for (const One& one : both) {
    const auto taken = other.host.take(one.in.id, kMessages);
    ASSERT_EQ(taken.size(), kMessages);
    for (std::size_t i = 0; i < kMessages; ++i) ASSERT_EQ(std::stoul(taken[i].payload), i);
  }
}

/// The server has sent them all when it takes UNSUB; a member of a group would lose them for all.
TEST_F(Core, ASubscriptionThatClosesTakesWhatIsOnItsWay) {
  constexpr std::size_t kMessages = 30'000;
  connect();
  const auto in = client.listen("s");
  Client other;
  ASSERT_TRUE(other.connect(server->url(), {{"user", "all"}}).ok());
  const auto out = other.publisher("s");
  for (std::size_t i = 0; i < kMessages; ++i) {
    while (!other.publish(out, {std::string(100, 'x')}).ok()) ASSERT_TRUE(other.flush(other.connection).ok());
  }
  ASSERT_TRUE(other.flush(other.connection).ok());
  ASSERT_TRUE(client.close(in.handle).ok());
  EXPECT_EQ(client.host.take(in.id).size(), kMessages);
}

TEST_F(Core, PermissionsAreNamedWhereTheyAreMissing) {
  connect({{"user", "few"}});
  EXPECT_TRUE(client.listen("ok").outcome.ok());
  const auto denied = client.listen("secret");
  EXPECT_EQ(denied.outcome.code, RST_E_DENIED) << denied.outcome.text;
  EXPECT_NE(denied.outcome.text.find("secret"), std::string::npos) << denied.outcome.text;
  const auto out = client.publisher("other");
  client.host.take_events();
  EXPECT_TRUE(client.publish(out, {"x"}).ok());  // handed over: the server says no later
  const Event event = client.host.await_event(RST_EVENT_PUB_FAILED, out.id);
  EXPECT_EQ(event.code, RST_E_DENIED);
  EXPECT_NE(event.text.find("\"other\""), std::string::npos) << event.text;
}

}  // namespace
}  // namespace ruststream::nats::test
