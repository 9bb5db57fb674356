// The host rules on services.
#include "trial.hpp"

#include <functional>
#include <map>

namespace host_rules {
namespace {

struct Order {
  std::uint64_t id;
};

struct Service : Trial {
  std::atomic<int> handled{0};
  std::atomic<bool> open_gate{false};
  std::optional<rs::App> app;

  void start(const std::function<void(rs::Scope&)>& declare, const char* drain = "10s", std::uint32_t shards = 1) {
    app.emplace(rs::AppInfo{.title = "tried", .version = "1"});
    app->set("plugin.path", HOST_RULES_PLUGIN).set("drain_timeout", drain).shards(shards);
    app->broker("trial:", declare);
    good(app->start());
  }
  int stop() {
    app->stop();
    app->stop();
    return app->wait();
  }
  bool was_handled(int count) {
    return soon([&] { return handled >= count; });
  }
  std::uint64_t subscription() { return judge.newest(kSubscribe); }
  void TearDown() override {
    app.reset();
    Trial::TearDown();
  }

  /// Handlers of every form, each of which tells the judge on whose stack it runs.
  struct Suspends {
    Service& test;
    std::chrono::milliseconds time;
    rs::Task<rs::Outcome> operator()(rs::Payload) const {
      test.judge.in_handler();
      co_await rs::sleep_for(time);
      ++test.handled;
      co_return test.handled % 7 == 0 ? rs::retry_after(1ms) : rs::ack();
    }
  };
  auto blocks(std::chrono::milliseconds longest) {
    return [this, longest](rs::Payload) {
      judge.in_handler();
      const auto until = std::chrono::steady_clock::now() + longest;
      while (!open_gate && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(1ms);
      ++handled;
    };
  }
};

TEST_F(Service, AHandlerThatBlocksHoldsNoHostCallUp) {
  start([&](rs::Scope& b) { b.subscribe("in", blocks(5s)); });
  judge.manners.noisy = kSettle | kCredit;
  judge.manners.budget = 20;
  EXPECT_EQ(judge.deliver(subscription(), {.count = 2}), RST_DONE);
  for (int i = 0; i < 5; ++i) {  // while the first message is being handled
    std::this_thread::sleep_for(10ms);
    EXPECT_EQ(judge.deliver(subscription(), {}), RST_DONE);
    judge.event(RST_EVENT_SUB_REVOKING, subscription(), 3, 30s);
    judge.event(RST_EVENT_CONN_BLOCKED, judge.newest(kConnect), 0, {});
    judge.log(RST_LOG_TRACE, 10);
  }
  EXPECT_EQ(handled, 0);
  open_gate = true;
  EXPECT_TRUE(was_handled(2));
  EXPECT_EQ(stop(), rs::kExitOk);
}

struct End {
  const char* name;
  int code;
  const char* drain;
  std::chrono::milliseconds suspends;
  void (*end)(rs::App&, Judge&);
};
struct Ends : Service, ::testing::WithParamInterface<End> {};
INSTANTIATE_TEST_SUITE_P(
    H3, Ends,
    ::testing::Values(
        End{"Drained", rs::kExitOk, "10s", 1ms, [](rs::App& app, Judge&) { app.stop(); }},
        End{"PastTheDeadline", rs::kExitUnfinished, "20ms", 60s, [](rs::App& app, Judge&) { app.stop(); }},
        End{"FailFast", rs::kExitFatal, "10s", 1ms,
            [](rs::App&, Judge& judge) { judge.event(RST_EVENT_SUB_ENDED, judge.newest(kSubscribe), 0, 30s); }},
        End{"ConnectionFailed", rs::kExitFatal, "20ms", 60s,
            [](rs::App&, Judge& judge) { judge.event(RST_EVENT_CONN_FAILED, judge.newest(kConnect), 0, 30s); }}),
    [](const auto& tested) { return tested.param.name; });

TEST_P(Ends, InAStormEveryBatchIsReleasedAndEveryEventAnswered) {
  const rs::Broker keeps = open();  // the instance, for the storm's last calls
  for (const std::uint32_t shards : {1U, 3U}) {
    start(
        [&](rs::Scope& b) {
          b.subscribe("a", Suspends{*this, GetParam().suspends}).workers(4);
          b.subscribe("b", Suspends{*this, GetParam().suspends}).workers(4, rs::by_key);
          b.subscribe("c", [&](rs::Payload) { judge.in_handler(); });
          b.subscribe("d", [&](rs::Payload) { judge.in_handler(); }).kind("plain");
          b.subscribe("e", [&](std::span<const Order>) { judge.in_handler(); }).batch(8, 2ms);
        },
        GetParam().drain, shards);
    judge.storm(2);
    std::this_thread::sleep_for(200ms);
    GetParam().end(*app, judge);
    std::this_thread::sleep_for(1ms);
    app->stop();
    EXPECT_EQ(app->wait(), GetParam().code);
    app.reset();
    judge.calm();
  }
}

TEST_F(Service, AFatalHandlerEndsItCleanly) {
  start([&](rs::Scope& b) { b.subscribe("in", [](rs::Payload) { throw rs::Fatal("the disk is gone"); }); });
  EXPECT_EQ(judge.deliver(subscription(), {.count = 20}), RST_DONE);
  EXPECT_EQ(app->wait(), rs::kExitFatal);
}

struct Gated {
  std::atomic<int>& begun;
  const std::atomic<bool>& open;
  rs::Task<void> operator()(rs::Payload) const {
    ++begun;
    while (!open) co_await rs::sleep_for(1ms);
  }
};

struct Goes : Service, ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(H6, Goes, ::testing::Values("all", "plain"), [](const auto& kind) { return kind.param; });

TEST_P(Goes, WhatWaitsOfAPartitionIsReleasedAndNotHandledAndItsCreditIsGivenBack) {
  start(
      [&](rs::Scope& b) { b.subscribe("in", Gated{handled, open_gate}).kind(GetParam()).in_flight(8).at_most_once(); });
  EXPECT_EQ(judge.deliver(subscription(), {.partition = 2}), RST_DONE);
  EXPECT_TRUE(was_handled(1));
  EXPECT_EQ(judge.deliver(subscription(), {.count = 2, .partition = 2}), RST_DONE);
  Capture lines;
  for (std::size_t round = 1; round <= 6; ++round) {  // more than the window
    EXPECT_EQ(judge.deliver(subscription(), {.count = 4, .partition = 1}), RST_DONE);
    judge.event(round % 2 == 0 ? RST_EVENT_SUB_LOST : RST_EVENT_SUB_REVOKING, subscription(), 1, 30s);
    EXPECT_TRUE(soon([&] { return judge.released() == round; })) << "while another is handled";
  }
  open_gate = true;
  EXPECT_TRUE(was_handled(3));
  EXPECT_EQ(stop(), rs::kExitOk);
  EXPECT_EQ(handled, 3);
  EXPECT_EQ(count(rs::Verdict::ack, 1), 0U);
  const std::string said = lines.take();
  EXPECT_EQ(said.find("came too late"), std::string::npos) << said;
  EXPECT_EQ(said.find("refused"), std::string::npos) << said;
}

TEST_F(Service, ARevokeThatStillWaitsIsAnsweredWhenTheDrainDeadlineEndsTheService) {
  start([&](rs::Scope& b) { b.subscribe("in", Gated{handled, open_gate}); }, "50ms");
  EXPECT_EQ(judge.deliver(subscription(), {.partition = 1}), RST_DONE);
  EXPECT_TRUE(was_handled(1));
  const std::uint64_t event = judge.event(RST_EVENT_SUB_REVOKING, subscription(), 1, 60s);
  EXPECT_EQ(stop(), rs::kExitUnfinished);
  const auto answer = answer_to(event);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, RST_OK);
}

TEST_F(Service, ARevokeThatComesWhileTheSubscriptionIsClosedIsAnswered) {
  start([&](rs::Scope& b) { b.subscribe("in", [](rs::Payload) {}); });
  judge.manners.hold = kClose;
  app->stop();
  EXPECT_TRUE(soon([&] { return judge.held(kClose) == 1; }));
  const std::uint64_t event = judge.event(RST_EVENT_SUB_REVOKING, subscription(), 1, 30s);
  EXPECT_TRUE(answer_to(event));
  judge.manners.hold = 0;
  EXPECT_EQ(judge.complete(kClose, RST_OK, 1, false), 1U);
  EXPECT_EQ(stop(), rs::kExitOk);
}

/// Its end completes a publish that another handler awaits.
struct Completes {
  Judge* judge;
  explicit Completes(Judge& of) : judge(&of) {}
  Completes(Completes&& other) noexcept : judge(std::exchange(other.judge, nullptr)) {}
  Completes& operator=(Completes&&) = delete;
  ~Completes() {
    if (judge != nullptr) judge->complete(kPublish, RST_OK, 1, false);
  }
};
struct Awaits {
  std::atomic<int>& begun;
  std::atomic<int>& resumed;
  Judge& judge;
  rs::Task<void> operator()(rs::Payload, rs::Context& ctx) const {
    if (begun.fetch_add(1) == 1) {  // the last to begin is the first to be destroyed
      const Completes at_the_end(judge);
      co_await rs::sleep_for(60s);
    }
    auto sent = ctx.publish("elsewhere", rs::Payload("x"));
    (void)co_await sent;
    ++resumed;
  }
};

TEST_F(Service, AHandlerThatIsDestroyedIsNotResumedByWhatCompletesMeanwhile) {
  std::atomic<int> resumed{0};
  start([&](rs::Scope& b) { b.subscribe("in", Awaits{handled, resumed, judge}).workers(2); }, "20ms");
  judge.manners.hold = kPublish;
  EXPECT_EQ(judge.deliver(subscription(), {.count = 2}), RST_DONE);
  EXPECT_TRUE(was_handled(2));
  EXPECT_EQ(stop(), rs::kExitUnfinished);
  EXPECT_EQ(resumed, 0);
}

TEST_F(Service, APublishThatNobodyAwaitedMayBeCompletedWhenTheServiceIsGone) {
  std::optional<rs::Broker> keeps = open();
  start(
      [&](rs::Scope& b) {
        b.subscribe("in", [&](rs::Payload, rs::Context& ctx) {
           (void)ctx.publish("elsewhere", rs::Payload("x"));
           ++handled;
         }).workers(3);
      },
      "20ms");
  judge.manners.hold = kPublish;
  EXPECT_EQ(judge.deliver(subscription(), {.count = 3}), RST_DONE);
  EXPECT_TRUE(was_handled(3));
  EXPECT_EQ(stop(), rs::kExitUnfinished);
  app.reset();
  EXPECT_EQ(judge.complete(kPublish, RST_OK, 1, false), 3U);
}

TEST_F(Service, PublishesOfOneCallThatWaitForRoomAreAllSent) {
  start([&](rs::Scope& b) {
    b.subscribe("in", [&](rs::Payload, rs::Context& ctx) {
       for (int i = 0; i < 3; ++i) (void)ctx.publish("elsewhere", rs::Payload("x"));
       ++handled;
     }).workers(2);
  });
  judge.manners.full = true;
  EXPECT_EQ(judge.deliver(subscription(), {.count = 2}), RST_DONE);
  EXPECT_TRUE(was_handled(2));
  judge.manners.full = false;
  judge.event(RST_EVENT_PUB_WRITABLE, judge.newest(kPublisher), 0, {});
  EXPECT_TRUE(soon([&] { return count(rs::Verdict::ack) == 2; }));
  EXPECT_EQ(stop(), rs::kExitOk);
}

TEST_F(Service, ALongHandlerIsExtendedAtHalfTheDeadline) {
  judge.manners.ack_deadline_ns = 1'000'000'000;
  start([&](rs::Scope& b) { b.subscribe("in", Gated{handled, open_gate}); });
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(judge.deliver(subscription(), {}), RST_DONE) << "the second waits for the first";
  EXPECT_TRUE(soon([&] { return count(rs::Verdict::extend) == 4; }));
  open_gate = true;
  EXPECT_EQ(stop(), rs::kExitOk);
  std::map<std::uint64_t, std::chrono::steady_clock::time_point> last;
  for (const Settled& each : judge.settled()) {
    const auto since = each.at - (last.contains(each.token) ? last[each.token] : began);
    EXPECT_LT(since, 1s) << "its deadline has passed";
    EXPECT_TRUE(each.verdict != RST_VERDICT_EXTEND || since > 400ms) << "extended before half of it";
    last[each.token] = each.at;
  }
}

TEST_F(Service, WhereNothingExtendsTheDeadlineALongerHandlerIsRefused) {
  judge.manners.ack_deadline_ns = 1'000'000'000;
  const char* const arguments[] = {"tried", "check"};
  const struct {
    const char* kind;
    std::chrono::milliseconds longest;
    int code;
    bool by_setting = false;
  } cases[] = {{"plain", 1001ms, rs::kExitConfiguration},
               {"plain", 1000ms, rs::kExitOk},
               {"plain", 1000ms, rs::kExitConfiguration, true},
               {"all", 1001ms, rs::kExitOk}};
  for (const auto& each : cases) {
    rs::App checked{{.title = "tried", .version = "1"}};
    checked.set("plugin.path", HOST_RULES_PLUGIN);
    if (each.by_setting) checked.set("subscription.billing.max_processing", "1001ms");
    checked.broker("trial:", [&](rs::Scope& b) {
      b.subscribe("in", [](rs::Payload) {}).name("billing").kind(each.kind).max_processing(each.longest).at_most_once();
    });
    ::testing::internal::CaptureStdout();
    Capture errors;
    EXPECT_EQ(checked.run(2, arguments), each.code) << each.kind;
    (void)::testing::internal::GetCapturedStdout();
    const std::string said = errors.take();
    for (const char* word : {"billing", "max_processing", "1001 ms", "1000 ms"}) {
      EXPECT_EQ(said.find(word) != std::string::npos, each.code != rs::kExitOk) << said;
    }
  }
}

}  // namespace
}  // namespace host_rules
