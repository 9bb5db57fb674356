// Publishing: what travels with a message, what is refused, and what happens while there is no room.
#include "client/client_testing.hpp"

#include <array>
#include <map>
#include <thread>

namespace ruststream::testing {
namespace {

struct Publish : OnMemory {
  Subscription in = good(broker.subscribe(">").get());
  Publisher out = good(broker.publisher("to.us").get());
  Publisher free = good(broker.publisher().get());
};
INSTANTIATE_TEST_SUITE_P(Memory, Publish, ::testing::Values(Form::embedded, Form::loaded), name_of);

struct Order {
  std::uint64_t id;
  std::string text;
};

TEST_P(Publish, EverythingThatTheBuilderSetsArrives) {
  auto sent = free.message(Order{7, "tea"})
                  .to("orders.7")
                  .key("k")
                  .header("a", "1")
                  .header("b", "")
                  .header("a", "2")
                  .reply_to("answers")
                  .correlation_id("c-1")
                  .message_id("m-1")
                  .content_type("application/json")
                  .timeout(kSoon)
                  .publish();
  good(sent.get());
  auto delivery = receive(in);
  const Message message = delivery.message();
  EXPECT_EQ(good(delivery.decode<Order>()).text, "tea");
  EXPECT_EQ(message.address(), "orders.7");
  EXPECT_EQ(message.key(), "k");
  std::string headers;
  for (const Header header : message.headers())
    headers.append(header.name).append("=").append(header.value).append(";");
  EXPECT_EQ(headers, "a=1;b=;a=2;");
  EXPECT_EQ(message.headers().find("a"), "1");
  EXPECT_EQ(message.headers().find("A"), std::nullopt);
  EXPECT_EQ(message.reply_to(), "answers");
  EXPECT_EQ(message.correlation_id(), "c-1");
  EXPECT_EQ(message.message_id(), "m-1");
  EXPECT_EQ(message.content_type(), "application/json");
  EXPECT_TRUE(message.timestamp_ns());
  good(std::move(delivery).ack());
}

TEST_P(Publish, WhatIsNotSetIsAbsentAndNullIsNotEmpty) {
  good(out.publish(Payload("")).get());
  good(out.publish(Payload::null()).get());
  good(free.message(Payload("x")).to("to.us").key("").publish().get());
  const auto empty = receive(in);
  EXPECT_FALSE(empty.message().payload().is_null());
  EXPECT_EQ(empty.message().payload().size(), 0U);
  EXPECT_EQ(empty.message().key(), std::nullopt);
  EXPECT_EQ(empty.message().headers().size(), 0U);
  EXPECT_EQ(empty.message().reply_to(), "");
  EXPECT_TRUE(receive(in).message().payload().is_null());
  EXPECT_EQ(receive(in).message().key(), "");
}

TEST_P(Publish, UnconfirmedAndDroppedPublishesArriveToo) {
  PublisherOptions options;
  options.confirm = false;
  auto quick = good(broker.publisher("to.us", options).get());
  good(quick.publish(Payload("1")).get());
  good(out.message(Payload("2")).unconfirmed().publish().get());
  (void)out.publish(Payload("3"));
  good(quick.publish_all(std::array{Payload("4"), Payload("5")}).get());
  good(out.publish_all({}).get());
  good(out.flush().get());
  {
    auto never = out.message(Payload("never published"));
  }
  for (const char* each : {"1", "2", "3", "4", "5"}) EXPECT_EQ(take(in), each);
  EXPECT_EQ(take(in, 0ms), "(nothing)");
}

TEST_P(Publish, ThreadsShareAPublisherAndEachKeepsItsOrder) {
  constexpr int kThreads = 4, kEach = 500;
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kEach; ++i) good(out.publish(Payload(std::to_string(t * kEach + i))).get());
    });
  }
  std::map<int, int> next;
  for (int i = 0; i < kThreads * kEach; ++i) {
    const int number = std::stoi(take(in));
    ASSERT_EQ(number % kEach, next[number / kEach]++);
  }
}

struct Bad {
  const char* name;
  std::function<Publishing(Publisher&)> publish;
  Code code;
  std::vector<const char*> says;
};

TEST_P(Publish, BadMessagesAreRefusedByNameAndNothingIsSent) {
  const std::string large(2048, 'x');
  auto small = good(connect("memory:small?max_payload=1KiB", connect_options()).get());
  auto narrow = good(small.publisher("to.us").get());
  const Bad cases[] = {
      {"no destination", [](Publisher& p) { return p.message(Payload("x")).publish(); }, Code::invalid, {".to("}},
      {"empty", [](Publisher& p) { return p.message(Payload("x")).to("").publish(); }, Code::invalid, {"empty"}},
      {"malformed", [](Publisher& p) { return p.message(Payload("x")).to("a..b").publish(); }, Code::invalid, {"a..b"}},
      {"wildcard", [](Publisher& p) { return p.message(Payload("x")).to("a.*").publish(); }, Code::invalid, {"a.*"}},
      {"header",
       [](Publisher& p) { return p.message(Payload("x")).to("a").header("", "v").publish(); },
       Code::invalid,
       {"header"}},
      {"option",
       [](Publisher& p) { return p.message(Payload("x")).to("a").option("tt1", "5s").publish(); },
       Code::option,
       {"tt1"}},
      {"not UTF-8",
       [](Publisher& p) { return p.message(Order{1, "\xff"}).to("a").publish(); },
       Code::invalid,
       {"text"}},
      {"too large",
       [&](Publisher&) { return narrow.publish(Payload(large)); },
       Code::too_large,
       {"to.us", "max_payload"}},
  };
  for (const Bad& each : cases) {
    const auto result = each.publish(free).get();
    ASSERT_FALSE(result) << each.name;
    EXPECT_EQ(result.error().code, each.code) << each.name << ": " << result.error().text;
    for (const char* word : each.says) {
      EXPECT_NE(result.error().text.find(word), std::string::npos) << each.name << ": " << result.error().text;
    }
    EXPECT_EQ(result.error().text.find("xxxx"), std::string::npos) << "a payload in an error";
    (void)each.publish(free);  // nobody waits: logged, no more
  }
  EXPECT_EQ(take(in, kNot), "(nothing)");
}

TEST_P(Publish, OneBadMessageOfManyIsNamedAndTheOthersArrive) {
  auto small = good(connect("memory:few?max_payload=1KiB", connect_options()).get());
  auto there = good(small.subscribe("q").get());
  auto narrow = good(small.publisher("q").get());
  const std::string large(2048, 'x');
  const auto result = narrow.publish_all(std::array{Payload("a"), Payload(large), Payload("b")}).get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::too_large);
  EXPECT_NE(result.error().text.find("number 1 of 3"), std::string::npos) << result.error().text;
  EXPECT_EQ(take(there), "a");
  EXPECT_EQ(take(there), "b");
}

TEST_P(Publish, AfterItsConnectionClosedItSaysSo) {
  good(broker.close().get());
  for (const Result<void>& result : {out.publish(Payload("x")).get(), out.publish_all(std::array{Payload("x")}).get(),
                                     free.message(Payload("x")).to("y").publish().get()}) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::closed) << result.error().text;
  }
  (void)out.publish(Payload("dropped"));
}

/// A topic that holds two messages.
/// Each test has a broker of its own: a publish that still waits for room when its test ends keeps the broker, and
/// would come to the next one's.
struct Bounded : OnMemory {
  static std::string own_name() {
    static int count = 0;
    return "memory:tight-" + std::to_string(++count);
  }
  std::string url = own_name();
  Broker tight = open(url + "?capacity=2");
  Subscription in = good(tight.subscribe("q").get());
  Publisher out = good(tight.publisher("q").get());
};
INSTANTIATE_TEST_SUITE_P(Memory, Bounded, ::testing::Values(Form::embedded, Form::loaded), name_of);

TEST_P(Bounded, PublishesWaitForRoomAndKeepTheirOrder) {
  PublisherOptions options;
  options.confirm = false;
  auto quick = good(tight.publisher("q", options).get());
  for (Publisher* const publisher : {&out, &quick}) {
    std::vector<Publishing> under_way;
    for (int i = 0; i < 50; ++i) under_way.push_back(publisher->publish(Payload(std::to_string(i))));
    EXPECT_TRUE(under_way[1].await_ready());
    EXPECT_FALSE(under_way[2].await_ready());
    for (int i = 0; i < 50; ++i) ASSERT_EQ(take(in), std::to_string(i));
    for (Publishing& each : under_way) good(each.get());
  }
}

TEST_P(Bounded, ManyInOneCallWaitForRoomTooAndBorrowNothing) {
  PublisherOptions options;
  options.confirm = false;
  auto quick = good(tight.publisher("q", options).get());
  for (Publisher* const publisher : {&out, &quick}) {
    std::vector<std::string> texts;
    for (int i = 0; i < 50; ++i) texts.push_back("a payload that is no small string " + std::to_string(i));
    const std::vector<std::string> sent = texts;
    auto under_way = publisher->publish_all(std::vector<Payload>(texts.begin(), texts.end()));
    texts.clear();
    auto behind = publisher->publish(Payload("last"));
    EXPECT_FALSE(under_way.await_ready());
    for (const std::string& each : sent) ASSERT_EQ(take(in), each);
    EXPECT_EQ(take(in), "last");
    good(under_way.get());
    good(behind.get());
  }
}

TEST_P(Bounded, ThreadsThatPublishMoreThanFitsLoseNothing) {
  constexpr int kThreads = 3, kEach = 300;
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kEach; ++i) good(out.publish(Payload(std::to_string(t * kEach + i))).get());
    });
  }
  std::map<int, int> next;
  for (int i = 0; i < kThreads * kEach; ++i) {
    const int number = std::stoi(take(in));
    ASSERT_EQ(number % kEach, next[number / kEach]++);
  }
}

Task<Result<void>> publish_three(Publisher& out, bool block) {
  for (const char* each : {"a", "b"}) {
    if (auto done = co_await out.publish(Payload(each)); !done) co_return done;
  }
  auto third = out.message(Payload("c")).timeout(200ms).publish();
  if (block) co_return third.get();
  co_return co_await third;
}

TEST_P(Bounded, BlockingALoopThreadIsRefused) {
  const auto result = run(publish_three(out, true));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::state);
  EXPECT_NE(result.error().text.find("co_await"), std::string::npos);
}

TEST_P(Bounded, WaitingForRoomEndsAtTheMessagesOwnTimeout) {
  const auto begin = std::chrono::steady_clock::now();
  const auto result = run(publish_three(out, false));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::backpressure) << result.error().text;
  EXPECT_TRUE(result.error().retryable());
  const auto awaited = std::chrono::steady_clock::now();
  EXPECT_GE(awaited - begin, 200ms);
  EXPECT_LT(awaited - begin, 2s) << "a plugin's grace is not for what it never got";
  EXPECT_EQ(out.message(Payload("d")).timeout(50ms).publish().get().error().code, Code::backpressure);
  EXPECT_LT(std::chrono::steady_clock::now() - awaited, 2s);
  for (const char* each : {"a", "b"}) EXPECT_EQ(take(in), each);
  good(out.publish(Payload("e")).get());
  EXPECT_EQ(take(in), "e") << "what has timed out is not published after all";
}

TEST_P(Bounded, ClosingThePublishersConnectionEndsTheWait) {
  auto other = open(url);
  auto theirs = good(other.publisher("q").get());
  good(theirs.publish_all(std::array{Payload("a"), Payload("b")}).get());
  auto stuck = theirs.publish(Payload("stuck"));
  EXPECT_FALSE(stuck.await_ready());
  good(other.close().get());
  {
    auto gone = std::move(theirs);
  }
  const auto result = stuck.get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::closed) << result.error().text;
}

}  // namespace
}  // namespace ruststream::testing
