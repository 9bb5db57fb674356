// Taking and settling: what a Subscription gives, and what each verdict does.
#include "client/client_testing.hpp"

#include <thread>

namespace ruststream::testing {
namespace {

struct Streaming : OnMemory {
  Subscription orders = good(broker.subscribe("orders").get());
  Publisher out = good(broker.publisher("orders").get());
};
INSTANTIATE_TEST_SUITE_P(Memory, Streaming, ::testing::Values(Form::embedded, Form::loaded), name_of);

Task<Result<std::vector<std::string>>> trade(ConnectOptions options) {
  std::vector<std::string> taken;
  auto broker = co_await connect("memory:", std::move(options));
  if (!broker) co_return std::unexpected(broker.error());
  auto orders = co_await broker->subscribe("trade.*");
  if (!orders) co_return std::unexpected(orders.error());
  auto out = co_await broker->publisher();
  if (!out) co_return std::unexpected(out.error());
  for (const char* name : {"a", "b", "c", "d"}) {
    const std::string to = std::string("trade.") + name;
    auto sent = out->message(Payload(name)).to(to).publish();
    if (auto done = co_await sent; !done) co_return std::unexpected(done.error());
  }
  auto one = co_await orders->next();
  if (!one) co_return std::unexpected(one.error());
  taken.emplace_back(one->message().address());
  if (auto settled = std::move(*one).ack(); !settled) co_return std::unexpected(settled.error());
  while (taken.size() < 4) {
    auto batch = co_await orders->next_batch(2);
    if (!batch) co_return std::unexpected(batch.error());
    EXPECT_LE(batch->size(), 2U);
    for (std::uint32_t i = 0; i < batch->size(); ++i) taken.emplace_back((*batch)[i].address());
    if (auto settled = std::move(*batch).ack(); !settled) co_return std::unexpected(settled.error());
  }
  if (auto closed = co_await orders->close(); !closed) co_return std::unexpected(closed.error());
  auto after = co_await orders->next();
  EXPECT_FALSE(after);
  EXPECT_EQ(after.error().code, Code::closed);
  if (auto closed = co_await broker->close(); !closed) co_return std::unexpected(closed.error());
  co_return taken;
}

TEST_P(Streaming, WorksFromACoroutineToItsEnd) {
  const auto taken = run(trade(connect_options()));
  ASSERT_TRUE(taken) << taken.error().text;
  EXPECT_EQ(*taken, (std::vector<std::string>{"trade.a", "trade.b", "trade.c", "trade.d"}));
}

Task<Result<std::string>> wait_for_one(Subscription& orders) {
  auto delivery = co_await orders.next();
  if (!delivery) co_return std::unexpected(delivery.error());
  std::string text(delivery->message().payload().text());
  if (auto settled = std::move(*delivery).ack(); !settled) co_return std::unexpected(settled.error());
  co_return text;
}

TEST_P(Streaming, ACoroutineThatWaitsIsWokenByWhatAnotherThreadPublishes) {
  std::jthread publisher([&] {
    std::this_thread::sleep_for(20ms);
    good(out.publish(Payload("late")).get());
  });
  EXPECT_EQ(good(run(wait_for_one(orders))), "late");
}

TEST_P(Streaming, AThreadThatWaitsIsWokenAndATimeoutSaysSo) {
  EXPECT_EQ(orders.receive(10ms).error().code, Code::timeout);
  EXPECT_TRUE(orders.receive(0ms).error().retryable());
  std::jthread publisher([&] {
    std::this_thread::sleep_for(20ms);
    good(out.publish(Payload("late")).get());
  });
  EXPECT_EQ(take(orders), "late");
}

TEST_P(Streaming, BatchesKeepTheOrderAndTheirSizeIsBounded) {
  std::vector<std::string> texts;
  std::vector<Payload> payloads;
  for (int i = 0; i < 100; ++i) texts.push_back(std::to_string(i));
  for (const std::string& each : texts) payloads.emplace_back(each);
  good(out.publish_all(payloads).get());
  std::vector<std::string> taken;
  while (taken.size() < texts.size()) {
    auto batch = good(orders.receive_batch(7, kSoon));
    ASSERT_GE(batch.size(), 1U);
    ASSERT_LE(batch.size(), 7U);
    for (std::uint32_t i = 0; i < batch.size(); ++i) taken.emplace_back(batch[i].payload().text());
    good(std::move(batch).ack());
  }
  EXPECT_EQ(taken, texts);
}

TEST_P(Streaming, EachMemberOfABatchMayHaveItsOwnVerdictAndAWrongNumberRetriesAll) {
  const std::vector<Payload> payloads{Payload("a"), Payload("b")};
  good(out.publish_all(payloads).get());
  auto batch = good(orders.receive_batch(2, kSoon));
  ASSERT_EQ(batch.size(), 2U);
  const std::vector<Outcome> three{ack(), ack(), ack()};
  EXPECT_EQ(std::move(batch).settle(three).error().code, Code::invalid);
  auto again = good(orders.receive_batch(2, kSoon));
  ASSERT_EQ(again.size(), 2U);
  EXPECT_EQ(again[0].attempt(), 2);
  const std::vector<Outcome> two{ack(), release()};
  good(std::move(again).settle(two));
  auto last = receive(orders);
  EXPECT_EQ(text(last), "b");
  EXPECT_EQ(last.message().attempt(), 2);
  good(std::move(last).ack());
  EXPECT_EQ(take(orders, kNot), "(nothing)");
}

struct Case {
  const char* name;
  Outcome outcome;
  int attempt;  // of the delivery that follows; 0: none
  std::chrono::milliseconds after;
  bool dead;  // goes to the dead letter
};

TEST_P(Streaming, EachVerdictDoesWhatItSays) {
  const Case cases[] = {{"ack", ack(), 0, 0ms, false},
                        {"retry", retry(), 2, 0ms, false},
                        {"later", retry_after(60ms), 2, 60ms, false},
                        {"release", release(), 1, 0ms, false},
                        {"reject", reject("bad"), 0, 0ms, true}};
  SubscribeOptions options;
  options.dead_letter = "dead";
  auto jobs = good(broker.subscribe("jobs", options).get());
  auto dead = good(broker.subscribe("dead").get());
  auto to = good(broker.publisher("jobs").get());
  for (const Case& each : cases) {
    good(to.publish(Payload(each.name)).get());
    auto delivery = receive(jobs);
    EXPECT_EQ(delivery.message().attempt(), 1) << each.name;
    EXPECT_FALSE(delivery.message().redelivered()) << each.name;
    const auto begin = std::chrono::steady_clock::now();
    good(std::move(delivery).settle(each.outcome), each.name);
    if (each.attempt == 0) {
      EXPECT_EQ(take(jobs, kNot), "(nothing)") << each.name;
    } else {
      auto again = receive(jobs);
      EXPECT_EQ(again.message().attempt(), each.attempt) << each.name;
      EXPECT_TRUE(again.message().redelivered()) << each.name;
      EXPECT_GE(std::chrono::steady_clock::now() - begin, each.after) << each.name;
      good(std::move(again).ack());
    }
    EXPECT_EQ(take(dead, each.dead ? kSoon : 0s), each.dead ? each.name : "(nothing)") << each.name;
  }
}

TEST_P(Streaming, ADeliveryIsSettledOnce) {
  good(out.publish(Payload("once")).get());
  auto delivery = receive(orders);
  auto moved = std::move(delivery);
  // NOLINTBEGIN(bugprone-use-after-move): what has been moved from is what this is about
  EXPECT_EQ(std::move(delivery).ack().error().code, Code::settled);
  EXPECT_EQ(delivery.extend().error().code, Code::settled);
  good(std::move(moved).ack());
  EXPECT_EQ(std::move(moved).retry().error().code, Code::settled);
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_EQ(take(orders, kNot), "(nothing)");
}

TEST_P(Streaming, WhatIsDestroyedUnsettledIsRetriedAndCounted) {
  good(out.publish(Payload("lost?")).get());
  {
    auto forgotten = receive(orders);
  }
  {
    auto forgotten = good(orders.receive_batch(8, kSoon));
  }
  EXPECT_EQ(orders.forgotten(), 2U);
  auto delivery = receive(orders);
  EXPECT_EQ(delivery.message().attempt(), 3);
  good(std::move(delivery).ack());
  EXPECT_EQ(orders.forgotten(), 2U);
}

TEST_P(Streaming, ExtendingKeepsADeliveryBeyondItsDeadlineAndALateVerdictIsStale) {
  SubscribeOptions options;
  options.options = {{"ack_timeout", "300ms"}};
  auto slow = good(broker.subscribe("slow", options).get());
  auto to = good(broker.publisher("slow").get());
  good(to.publish(Payload("x")).get());
  auto kept = receive(slow);
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(100ms);
    good(kept.extend(), "extend");
  }
  good(std::move(kept).ack(), "after 500 ms");
  good(to.publish(Payload("y")).get());
  auto late = receive(slow);
  auto again = receive(slow);  // the deadline passed
  EXPECT_EQ(again.message().attempt(), 2);
  const auto verdict = std::move(late).ack();
  ASSERT_FALSE(verdict);
  EXPECT_TRUE(verdict.error().code == Code::stale || verdict.error().code == Code::settled) << verdict.error().text;
  good(std::move(again).ack());
}

struct Note {
  std::string_view text;
};

TEST_P(Streaming, DecodedViewsLiveAsLongAsTheDeliveryWhereverItIsMoved) {
  good(out.publish(Payload(R"({"text":"a\n\"quoted\" line that is longer than a small string"})")).get());
  std::vector<Delivery> kept;
  Note note;
  {
    auto delivery = receive(orders);
    note = good(delivery.decode<Note>());
    kept.push_back(std::move(delivery));
  }
  EXPECT_EQ(note.text, "a\n\"quoted\" line that is longer than a small string");
  good(std::move(kept.front()).ack());
}

TEST_P(Streaming, DeliveriesOutliveSubscriptionAndConnection) {
  good(out.publish_all(std::vector<Payload>(3, Payload("kept"))).get());
  std::vector<Delivery> kept;
  for (int i = 0; i < 3; ++i) kept.push_back(receive(orders));
  good(orders.close().get());
  EXPECT_EQ(text(kept[0]), "kept");
  EXPECT_FALSE(std::move(kept[0]).ack());
  good(broker.close().get());
  EXPECT_EQ(text(kept[1]), "kept");
  EXPECT_FALSE(std::move(kept[1]).retry());
  {
    auto gone = std::move(orders);
  }
  {
    auto gone = std::move(out);
  }
  {
    auto gone = std::move(broker);
  }
  EXPECT_EQ(text(kept[2]), "kept");
  kept.clear();
  broker = open();
}

TEST_P(Streaming, ClosingGivesBackWhatIsUnsettledAndEndsWaiting) {
  SubscribeOptions grouped;
  grouped.group = "workers";
  auto first = good(broker.subscribe("jobs", grouped).get());
  auto second = good(broker.subscribe("jobs", grouped).get());
  auto to = good(broker.publisher("jobs").get());
  good(to.publish(Payload("job")).get());
  auto held = first.receive(kNot);
  Subscription& other = held ? second : first;
  if (!held) held = receive(second);
  ASSERT_TRUE(held);
  good((held && &other == &second ? first : second).close().get());
  auto again = receive(other);
  EXPECT_EQ(text(again), "job");
  EXPECT_EQ(again.message().attempt(), 1) << "a release is no attempt";
  good(std::move(again).ack());
  std::jthread closer([&] {
    std::this_thread::sleep_for(20ms);
    good(other.close().get());
  });
  EXPECT_EQ(other.receive(kSoon).error().code, Code::closed);
}

TEST_P(Streaming, ASubscriptionMayEndWhileOthersPublishToIt) {
  std::atomic<bool> done{false};
  std::jthread publisher([&] {
    while (!done) {
      good(out.publish(Payload("x")).get());
      std::this_thread::sleep_for(20us);  // so that a slow run does not fill the topic, which nobody empties here
    }
  });
  std::jthread counting([&, counted = good(broker.subscribe("orders").get())]() mutable {
    while (!done) (void)take(counted, 20ms);
  });
  for (int i = 0; i < 200; ++i) {
    auto brief = good(broker.subscribe("orders").get());
    if (i % 2 == 0) (void)brief.receive(1ms);
  }
  done = true;
}

TEST_P(Streaming, TheConnectionSaysWhatHappenedToIt) {
  const auto up = broker.poll_event();
  ASSERT_TRUE(up);
  EXPECT_EQ(up->kind, static_cast<std::uint32_t>(RST_EVENT_CONN_UP));
  EXPECT_FALSE(broker.poll_event());
  EXPECT_FALSE(orders.poll_event());
}

Task<Result<int>> block(Subscription& orders, Publisher& out) {
  EXPECT_EQ(orders.receive(kSoon).error().code, Code::state);
  EXPECT_EQ(orders.receive_batch(3, kSoon).error().code, Code::state);
  auto sleep = sleep_for(1ms);
  co_await sleep;
  const auto sent = out.publish(Payload("x")).get();  // the memory broker is done at once: nothing to wait for
  EXPECT_TRUE(sent);
  co_return 0;
}

TEST_P(Streaming, NothingBlocksALoopThread) { EXPECT_TRUE(run(block(orders, out))); }

TEST_P(Streaming, TwoConnectionsMeetAndClosingOneLeavesTheOtherAlive) {
  Broker other = open();
  auto theirs = good(other.publisher("orders").get());
  good(theirs.publish(Payload("from the other")).get());
  EXPECT_EQ(take(orders), "from the other");
  good(other.close().get());
  EXPECT_FALSE(theirs.publish(Payload("too late")).get());
  EXPECT_EQ(theirs.publish(Payload("too late")).get().error().code, Code::closed);
  EXPECT_FALSE(other.subscribe("orders").get());
  good(out.publish(Payload("alive")).get());
  EXPECT_EQ(take(orders), "alive");
}

}  // namespace
}  // namespace ruststream::testing
