// The host rules on the streaming client.
#include "trial.hpp"

#include <algorithm>
#include <fcntl.h>
#include <future>
#include <unistd.h>

namespace host_rules {
namespace {

struct Streaming : Trial {
  std::optional<rs::Broker> broker;

  rs::Subscription subscribe(const char* kind = "all", std::uint32_t in_flight = 0) {
    if (!broker) broker = open();
    rs::SubscribeOptions wanted;
    wanted.kind = kind;
    wanted.in_flight = in_flight;
    return good(broker->subscribe("in", wanted).get());
  }
  rs::Publisher publisher() {
    if (!broker) broker = open();
    return good(broker->publisher("out").get());
  }
  std::uint64_t subscription() { return judge.newest(kSubscribe); }
  void TearDown() override {
    broker.reset();
    Trial::TearDown();
  }
};

struct Moment {
  const char* name;
  std::uint32_t early, aside, noisy;
};
struct Verbs : Streaming, ::testing::WithParamInterface<Moment> {};
INSTANTIATE_TEST_SUITE_P(H5, Verbs,
                         ::testing::Values(Moment{"Early", kAllVerbs, 0, 0}, Moment{"Aside", 0, kAllVerbs, 0},
                                           Moment{"Noisy", 0, 0, kAllVerbs},
                                           Moment{"EarlyAndNoisy", kAllVerbs, 0, kAllVerbs},
                                           Moment{"AsideAndNoisy", 0, kAllVerbs, kAllVerbs}),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(Verbs, CompleteInsideAndMakeEveryHostCallInside) {
  judge.manners.early = GetParam().early;
  judge.manners.aside = GetParam().aside;
  judge.manners.noisy = GetParam().noisy;
  judge.manners.budget = 40;
  rs::Subscription in = subscribe();
  rs::Publisher out = publisher();
  good(out.publish(rs::Payload("one")).get());
  const rs::Payload two[] = {rs::Payload("two"), rs::Payload("three")};
  good(out.publish_all(two).get());
  good(out.flush().get());
  for (const rs::Verdict verdict : {rs::Verdict::ack, rs::Verdict::retry, rs::Verdict::release, rs::Verdict::reject}) {
    EXPECT_EQ(judge.deliver(subscription(), {}), RST_DONE);
    rs::Delivery taken = good(in.receive(kSoon));
    good(taken.extend());
    good(std::move(taken).settle({verdict, {}, "why"}));
    EXPECT_GE(count(verdict), 1U);
  }
  while (auto rest = in.receive(0ms)) good(std::move(*rest).ack());  // of the noise
  EXPECT_TRUE(answer_to(judge.event(RST_EVENT_SUB_REVOKING, subscription(), 1, 30s)));
  good(in.close().get());
  good(broker->close().get());
}

TEST_F(Streaming, EveryBatchIsReleasedHoweverTheStreamEnds) {
  for (int ended = 0; ended < 6; ++ended) {
    std::optional<rs::Delivery> kept;
    std::optional<rs::DeliveryBatch> batch;
    {
      rs::Subscription in = subscribe(ended % 2 == 0 ? "all" : "plain");
      for (int i = 0; i < 3; ++i) EXPECT_EQ(judge.deliver(subscription(), {.count = 3, .larger = i != 1}), RST_DONE);
      if (ended >= 1) (void)good(in.receive(kSoon));  // forgotten
      if (ended >= 2) kept = good(in.receive(kSoon));
      if (ended >= 3) batch.emplace(good(in.receive_batch(2, kSoon)));
      if (ended >= 4) good(in.close().get());
      if (ended >= 5) good(broker->close().get());
      broker.reset();
    }
    EXPECT_EQ(judge.instances(), kept || batch ? 1 : 0) << "what is held holds the instance";
    if (!kept) continue;
    EXPECT_EQ(kept->message().payload().text().substr(0, 5), "{\"id\"") << "readable to its end (M2)";
    EXPECT_FALSE(std::move(*kept).ack());
  }
}

TEST_F(Streaming, TheWindowIsTheUsersElseTwoBatchesOrTheKinds) {
  constexpr struct {
    std::uint32_t of_kind, of_user, window;
  } kCases[] = {{0, 0, 128}, {100, 0, 128}, {300, 0, 300}, {300, 100, 100}};
  for (const auto& each : kCases) {
    judge.manners.default_window = each.of_kind;
    const rs::Subscription in = subscribe("all", each.of_user);
    EXPECT_EQ(judge.deliver(subscription(), {.count = each.window + 1}), -RST_E_EXHAUSTED);
    EXPECT_EQ(judge.deliver(subscription(), {.count = each.window}), RST_DONE);
  }
}

TEST_F(Streaming, WhatMayNotBeDeliveredIsRefusedAndStaysThePlugins) {
  {
    rs::Subscription in = subscribe();
    EXPECT_EQ(judge.deliver(subscription(), {.count = 129}), -RST_E_EXHAUSTED) << "over the window of 128";
    EXPECT_EQ(judge.deliver(subscription(), {.bytes = 1U << 30}), RST_DONE) << "bytes may go below zero once";
    EXPECT_EQ(judge.deliver(subscription(), {}), -RST_E_EXHAUSTED) << "and not again";
    EXPECT_EQ(judge.deliver(judge.newest(kConnect), {}), -RST_E_STALE);
    good(std::move(good(in.receive(kSoon))).ack());
    EXPECT_EQ(judge.deliver(subscription(), {.count = 127}), RST_DONE) << "the bytes are back";
  }
  EXPECT_EQ(judge.deliver(subscription(), {}), -RST_E_STALE);
}

TEST_F(Streaming, EveryEventThatWaitsIsAnsweredThoughNobodyTakes) {
  const rs::Subscription in = subscribe();
  const rs::Publisher out = publisher();
  const std::uint64_t subjects[] = {subscription(), judge.newest(kPublisher), judge.newest(kConnect), 12345, 0};
  for (const std::uint64_t subject : subjects) {
    for (const int kind : {RST_EVENT_SUB_ASSIGNING, RST_EVENT_SUB_REVOKING, RST_EVENT_SUB_LOST, 777777}) {
      const auto answer = answer_to(judge.event(static_cast<std::uint32_t>(kind), subject, 1, 30s));
      ASSERT_TRUE(answer) << kind << " about " << subject;
      const bool known =
          subject == subscription() && (kind == RST_EVENT_SUB_ASSIGNING || kind == RST_EVENT_SUB_REVOKING);
      EXPECT_TRUE(subject != subscription() || (answer->status == RST_OK) == known) << kind;
    }
  }
}

TEST_F(Streaming, AnEventOfAConnectionThatIsBeingClosedIsAnswered) {
  std::optional<rs::Subscription> in = subscribe();
  judge.manners.hold = kClose;
  const std::uint64_t connection = judge.newest(kConnect);
  std::thread closing([&] {
    in.reset();
    broker.reset();  // waits for the closes
  });
  EXPECT_TRUE(soon([&] { return judge.held(kClose) == 2; }));
  EXPECT_TRUE(answer_to(judge.event(RST_EVENT_SUB_REVOKING, subscription(), 1, 30s)));
  EXPECT_TRUE(answer_to(judge.event(777777, connection, 0, 30s)));
  judge.complete(kClose, RST_OK, 1, false);
  closing.join();
}

TEST_F(Streaming, WhatWaitsOfAPartitionThatGoesIsReleasedAndNotHandedOut) {
  rs::Subscription in = subscribe();
  for (const int kind : {RST_EVENT_SUB_LOST, RST_EVENT_SUB_REVOKING}) {
    const std::size_t before = judge.released();
    for (const std::uint32_t partition : {1U, 2U, 1U}) {
      EXPECT_EQ(judge.deliver(subscription(), {.count = 2, .partition = partition}), RST_DONE);
    }
    const std::uint64_t event = judge.event(static_cast<std::uint32_t>(kind), subscription(), 1, 30s);
    EXPECT_TRUE(answer_to(event));
    EXPECT_EQ(judge.deliver(subscription(), {.partition = 1}), RST_DONE) << "of the next generation";
    for (int i = 0; i < 3; ++i) good(std::move(good(in.receive(kSoon))).ack());
    EXPECT_FALSE(in.receive(0ms));
    EXPECT_EQ(judge.released(), before + 4);
  }
  EXPECT_EQ(count(rs::Verdict::ack, 1), 2U);
  EXPECT_EQ(count(rs::Verdict::ack, 2), 4U);
}

TEST_F(Streaming, WhatOpensAfterItsTimeIsAborted) {
  broker = open();
  const rs::Subscription other = subscribe();
  judge.manners.hold = kConnect | kSubscribe | kPublisher;
  const auto late = [](auto operation) {
    return std::async(std::launch::async, [operation = std::move(operation)]() mutable {
      const auto result = operation.get();
      EXPECT_FALSE(result);
      return result.error().code == rs::Code::timeout;
    });
  };
  rs::ConnectOptions connecting = options();
  rs::SubscribeOptions subscribing;
  rs::PublisherOptions opening;
  connecting.timeout = subscribing.timeout = opening.timeout = 50ms;
  auto first = late(rs::connect("trial:", connecting));
  auto second = late(broker->subscribe("in", subscribing));
  auto third = late(broker->publisher("out", opening));
  EXPECT_TRUE(first.get() && second.get() && third.get());
  for (const Verb verb : {kConnect, kSubscribe, kPublisher}) {
    const std::uint64_t handle = judge.handle_of(judge.newest(verb));
    EXPECT_EQ(judge.complete(verb, RST_OK, 3, false), 1U) << "late, and thrice";
    EXPECT_TRUE(soon([&] { return std::ranges::count(judge.closes(), std::pair{handle, RST_CLOSE_ABORT}) == 1; }));
  }
}

TEST_F(Streaming, SecondCompletionsChangeNothing) {
  judge.manners.hold = kAllVerbs;
  const auto twice = [&](auto&& operation, Verb verb) {
    EXPECT_TRUE(soon([&] { return judge.held(verb) == 1; }));
    EXPECT_EQ(judge.complete(verb, RST_OK, 2, false), 1U);
    return operation.get();
  };
  broker = good(twice(rs::connect("trial:", options()), kConnect));
  rs::Subscription in = good(twice(broker->subscribe("in"), kSubscribe));
  rs::Publisher out = good(twice(broker->publisher("out"), kPublisher));
  for (int i = 0; i < 100; ++i) good(twice(out.publish(rs::Payload("text")), kPublish));
  good(twice(out.flush(), kFlush));
  good(twice(in.close(), kClose));
  judge.manners.hold = 0;
}

TEST_F(Streaming, ErrorsWithoutATextAndStatusesWithFlagsAreTold) {
  rs::Publisher out = publisher();
  judge.manners.hold = kPublish;
  for (const bool text : {false, true}) {
    rs::Publishing sent = out.publish(rs::Payload("x"));
    judge.complete(kPublish, rst_status(RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE | RST_ERROR_MAYBE_APPLIED), 1, text);
    const auto failed = sent.get();
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, rs::Code::unavailable);
    EXPECT_TRUE(failed.error().retryable());
    EXPECT_NE(failed.error().text.find(text ? "refused!" : "gave no text"), std::string::npos) << failed.error().text;
  }
  judge.manners.hold = 0;
  judge.manners.message_status = rst_status(RST_E_TOO_LARGE, RST_ERROR_MAYBE_APPLIED | RST_ERROR_USER);
  const auto refused = out.publish(rs::Payload("x")).get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, rs::Code::too_large);
  EXPECT_EQ(refused.error().flags, RST_ERROR_MAYBE_APPLIED | RST_ERROR_USER);
  judge.manners.message_status = RST_OK_UNROUTED;
  EXPECT_TRUE(out.publish(rs::Payload("x")).get());
}

TEST_F(Streaming, WhatIsLentToAPublishStaysUntilItsCompletion) {
  rs::Publisher out = publisher();
  judge.manners.hold = kPublish;
  for (int i = 0; i < 50; ++i) (void)out.publish(rs::Payload("dropped " + std::to_string(i)));
  std::string lent = "only for the call";
  const rs::Payload payloads[] = {rs::Payload(lent), rs::Payload(lent)};
  rs::Publishing several = out.publish_all(payloads);
  rs::Publishing one = out.publish(payloads[0]);
  lent.assign(lent.size(), '-');
  EXPECT_EQ(judge.held(kPublish), 52U);
  EXPECT_EQ(judge.complete(kPublish, RST_OK, 1, false), 52U);
  good(several.get());
  good(one.get());
}

TEST_F(Streaming, AFlushBehindWhatWaitsForRoomSaysSo) {
  rs::Publisher out = publisher();
  judge.manners.noisy = kPublish | kFlush;
  judge.manners.full = true;
  rs::Publishing waits = out.publish(rs::Payload("x"));
  const auto flushed = out.flush(20ms).get();
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().code, rs::Code::timeout);
  EXPECT_NE(flushed.error().text.find("room"), std::string::npos) << flushed.error().text;
  judge.manners.full = false;
  judge.event(RST_EVENT_PUB_WRITABLE, judge.newest(kPublisher), 0, {});
  good(waits.get());
}

TEST_F(Streaming, AFloodOfLinesNeverWaitsForWhoeverReadsThem) {
  broker = open();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const int before = ::dup(STDERR_FILENO);
  ASSERT_GE(before, 0);
  ::dup2(ends[1], STDERR_FILENO);  // nobody reads it
  judge.log(RST_LOG_ERROR, 1000);
  ::dup2(before, STDERR_FILENO);
  for (const int each : {before, ends[0], ends[1]}) ::close(each);
}

TEST_F(Streaming, AStormOfCallsFindsAHostThatKeepsItsRules) {
  broker = open();
  std::vector<std::jthread> takers;
  judge.storm(2);
  for (int taker = 0; taker < 2; ++taker) {
    takers.emplace_back([this, taker] {
      for (int round = 0; round < 8; ++round) {
        rs::SubscribeOptions wanted;
        wanted.kind = taker == 0 ? "all" : "plain";
        rs::Subscription in = good(broker->subscribe("in", wanted).get());
        for (int i = 0; i < 60; ++i) {
          auto taken = in.receive(5ms);
          if (taken && i % 3 != 0) (void)std::move(*taken).settle(i % 3 == 1 ? rs::ack() : rs::retry());
        }
        if (round % 2 == 0) good(in.close().get());
      }
    });
  }
  takers.clear();
  judge.calm();
}

}  // namespace
}  // namespace host_rules
