// Starting and stopping inside a host's program.
#include "runtime/runtime_testing.hpp"

#include <csignal>
#include <ctime>
#include <thread>

namespace ruststream::testing {
namespace {

struct Lifecycle : OnApp {
  Seen<std::string> order;
  App::Hook note(const std::string& what, Result<void> result = {}) {
    return [this, what, result](App&) { return hook(order, what, result); };
  }
  static Task<Result<void>> hook(Seen<std::string>& order, std::string what, Result<void> result) {
    order.add(std::move(what));
    co_await sleep_for(1ms);
    co_return result;
  }
  void hooks() {
    app.on_startup(note("on_startup")).after_startup(note("after_startup")).on_shutdown(note("on_shutdown"));
    app.after_shutdown([this](App&) { order.add("after_shutdown"); });
  }
};
INSTANTIATE_TEST_SUITE_P(Memory, Lifecycle, ::testing::Values(Form::embedded, Form::loaded), name_of);

TEST_P(Lifecycle, HooksRunInTheirOrderAroundTheWork) {
  hooks();
  start([&](Scope& b) { b.subscribe("in", [&](Payload) { order.add("handled"); }); });
  EXPECT_EQ(app.start().error().code, Code::state);
  publish("in", "x");
  (void)order.wait(3);
  EXPECT_EQ(stop(), kExitOk);
  EXPECT_EQ(order.wait(0),
            (std::vector<std::string>{"on_startup", "after_startup", "handled", "on_shutdown", "after_shutdown"}));
}

TEST_P(Lifecycle, WhatWaitedInTheBrokerIsHandledBehindTheBeginOfAfterStartup) {
  hooks();
  good(broker.admin("create", "topic", "g", "in").get());
  for (int i = 0; i < 10; ++i) publish("in", "waits");
  start([&](Scope& b) {
    b.subscribe("in", [&](Payload) { order.add("handled"); }).group("g");
    b.subscribe("other", [](Payload) {});
  });
  const std::vector<std::string> seen = order.wait(12);
  EXPECT_EQ(stop(), kExitOk);
  ASSERT_EQ(seen.size(), 12U);
  EXPECT_EQ(seen[1], "after_startup");
}

TEST_P(Lifecycle, AHookThatFailsOrThrowsEndsTheStartWithItsWords) {
  const Result<void> no = std::unexpected(Error(Code::denied, "no licence"));
  const struct {
    const char* name;
    std::function<void(App&)> add;
  } cases[] = {{"on_startup", [&](App& a) { a.on_startup(note("fails", no)); }},
               {"after_startup", [&](App& a) { a.after_startup(note("fails", no)); }},
               {"on_startup", [&](App& a) {
                  a.on_startup([](App&) -> Task<Result<void>> { throw std::runtime_error("no licence"); });
                }}};
  good(broker.admin("create", "topic", "g", "in").get());
  for (const auto& each : cases) {
    for (int i = 0; i < 10; ++i) publish("in", "waits");
    App failing{{.title = each.name, .version = "1"}};
    if (GetParam() == Form::loaded) failing.set("plugin.path", MEMORY_PLUGIN);
    failing.broker("memory:", [&](Scope& b) { b.subscribe("in", [](Payload) { return release(); }).group("g"); });
    each.add(failing);
    const auto result = failing.start();
    ASSERT_FALSE(result) << each.name;
    EXPECT_EQ(result.error().text, std::string(each.name) + ": no licence");
    EXPECT_EQ(failing.wait(), kExitFatal);
  }
  EXPECT_TRUE(broker.admin("delete", "topic", "g", "in").get()) << "no subscription is left behind";
}

TEST_P(Lifecycle, StoppingUnderLoadLosesAndDeadLettersNothing) {
  constexpr int kMessages = 3000;
  good(broker.admin("create", "topic", "g", "in").get());
  auto dead = good(broker.subscribe("dead").get());
  Seen<std::string> handled;
  struct Work {
    Seen<std::string>& handled;
    Task<Outcome> operator()(Payload payload) const {
      std::string text(payload.text());
      co_await sleep_for(1ms);
      handled.add(std::move(text));
      co_return ack();
    }
  };
  std::jthread load([&] {
    for (int i = 0; i < kMessages; ++i) publish("in", std::to_string(i));
  });
  std::size_t services = 0;
  while (handled.wait(0).size() < kMessages) {  // one service after another, each stopped in the middle
    ASSERT_LT(++services, 200U);
    App service{{.title = "drained", .version = "1"}};
    if (GetParam() == Form::loaded) service.set("plugin.path", MEMORY_PLUGIN);
    service.broker("memory:", [&](Scope& b) {
      b.subscribe("in", Work{handled}).group("g").workers(32).max_attempts(1).dead_letter("dead");
    });
    good(service.start());
    (void)handled.wait(handled.wait(0).size() + 200, 200ms);
    service.stop();
    EXPECT_EQ(service.wait(), kExitOk);
  }
  std::vector<int> numbers;
  for (const std::string& each : handled.exactly(kMessages)) numbers.push_back(std::stoi(each));
  std::ranges::sort(numbers);
  ASSERT_EQ(numbers.size(), static_cast<std::size_t>(kMessages)) << "none twice";
  for (int i = 0; i < kMessages; ++i) EXPECT_EQ(numbers[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(take(dead, 0ms), "(nothing)");
  EXPECT_GT(services, 2U) << "the load was too light to stop under";
}

struct Forgotten {
  bool& destroyed;
  ~Forgotten() { destroyed = true; }
};
Task<Result<void>> never_ends(bool& destroyed, bool through_library) {
  const Forgotten witness{destroyed};
  if (through_library) co_await sleep_for(1h);
  co_await std::suspend_always{};
  co_return Result<void>();
}

TEST_P(Lifecycle, AHookThatNeverEndsFailsAtItsDeadlineAndIsDestroyedOnlyWhenEverythingIsOver) {
  using Add = App& (App::*)(App::Hook);
  const struct {
    const char* name;
    Add add;
    bool starts;
  } cases[] = {{"on_startup", &App::on_startup, false},
               {"after_startup", &App::after_startup, false},
               {"on_shutdown", &App::on_shutdown, true}};
  for (const auto& each : cases) {
    for (const bool through_library : {true, false}) {
      bool destroyed = false, destroyed_at_the_end = true;
      App late{{.title = each.name, .version = "1"}};
      late.set("hook_timeout", "50ms");
      if (GetParam() == Form::loaded) late.set("plugin.path", MEMORY_PLUGIN);
      late.broker("memory:", [](Scope& b) { b.subscribe("in", [](Payload) {}); });
      (late.*each.add)([&](App&) { return never_ends(destroyed, through_library); });
      late.after_shutdown([&](App&) { destroyed_at_the_end = destroyed; });
      const auto begin = std::chrono::steady_clock::now();
      const auto result = late.start();
      EXPECT_EQ(result.has_value(), each.starts) << each.name;
      late.stop();
      EXPECT_EQ(late.wait(), kExitFatal);
      EXPECT_GE(std::chrono::steady_clock::now() - begin, 50ms);
      const std::string why = std::string(each.name) + ": a hook has not ended within hook_timeout, 50 ms";
      EXPECT_TRUE(logged(why));
      EXPECT_EQ(result ? why : result.error().text.substr(0, why.size()), why);
      EXPECT_FALSE(destroyed_at_the_end);
      EXPECT_TRUE(destroyed);
    }
  }
}

struct Stuck {
  Seen<std::string>& order;
  Task<void> operator()(Payload) const {
    order.add("begun");
    co_await sleep_for(30s);
    order.add("never");
  }
};

TEST_P(Lifecycle, TheDrainDeadlineReleasesWhatWasNotStartedAndSaysWhatIsLeft) {
  SubscribeOptions grouped;
  grouped.group = "g";
  app.set("drain_timeout", "100ms");
  start([&](Scope& b) { b.subscribe("in", Stuck{order}).group("g"); });
  for (const char* each : {"a", "b", "c"}) publish("in", each);
  (void)order.wait(1);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(stop(), kExitUnfinished);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kSoon);
  EXPECT_EQ(order.wait(0).size(), 1U);
  EXPECT_TRUE(logged("2 given back unstarted, 1 left unsettled"));
  auto left = good(broker.subscribe("in", grouped).get());
  for (const char* each : {"a", "b", "c"}) {
    auto back = receive(left);
    EXPECT_EQ(text(back), each);
    EXPECT_EQ(back.message().attempt(), 1) << "none of it has failed";
    good(std::move(back).ack());
  }
}

TEST_P(Lifecycle, StopComesFromAnywhereAnyNumberOfTimesAndLeavesSignalsAlone) {
  struct sigaction before[2], after[2];
  const int signals[] = {SIGINT, SIGTERM};
  for (int i = 0; i < 2; ++i) sigaction(signals[i], nullptr, &before[i]);
  start([&](Scope& b) {
    b.subscribe("in", [&](Payload, Context& ctx) {
      EXPECT_FALSE(ctx.stopping());
      ctx.stop();
      EXPECT_TRUE(ctx.stopping());
      for (int i = 0; i < 2; ++i) sigaction(signals[i], nullptr, &after[i]);
    });
  });
  publish("in", "stop");
  EXPECT_EQ(app.wait(), kExitOk);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(before[i].sa_handler, after[i].sa_handler);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back([&] { app.stop(); });
  threads.clear();
  EXPECT_EQ(app.wait(), kExitOk);
}

TEST_P(Lifecycle, WhatStopsWhileItStartsWaitsWithoutWorking) {
  std::chrono::nanoseconds worked{};
  const auto cpu = [] {
    timespec at{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec);
  };
  struct Hook {
    static Task<Result<void>> run(App& app, std::function<std::chrono::nanoseconds()> cpu,
                                  std::chrono::nanoseconds& worked) {
      co_await sleep_for(1ms);  // the consumer has looked for messages
      const auto before = cpu();
      app.stop();
      (void)app.publisher()->message(Payload("x")).to("in").publish();  // there is something, and it may not start
      co_await sleep_for(200ms);
      worked = cpu() - before;
      co_return Result<void>();
    }
  };
  app.after_startup([&](App& self) { return Hook::run(self, cpu, worked); });
  start([&](Scope& b) { b.subscribe("in", [&](Payload) { order.add("handled"); }); });
  EXPECT_EQ(stop(), kExitOk);
  EXPECT_LT(worked, 50ms) << "a turn asked for another one, again and again";
  EXPECT_TRUE(order.wait(0).empty());
}

TEST_P(Lifecycle, AnAppThatIsDestroyedWhileItRunsStopsFirst) {
  for (int i = 0; i < 20; ++i) {
    App brief{{.title = "brief", .version = "1"}};
    if (GetParam() == Form::loaded) brief.set("plugin.path", MEMORY_PLUGIN);
    brief.broker("memory:", [&](Scope& b) { b.subscribe("in", [&](Payload) { order.add("handled"); }); });
    good(brief.start());
    publish("in", "x");
  }
}

TEST_P(Lifecycle, TwoAppsRunSideBySideAndTalk) {
  App second{{.title = "second", .version = "1"}};
  if (GetParam() == Form::loaded) second.set("plugin.path", MEMORY_PLUGIN);
  second.broker("memory:", [&](Scope& b) { b.subscribe("out", [&](Payload p) { order.add(std::string(p.text())); }); });
  good(second.start());
  start([&](Scope& b) { b.subscribe("in", [&](Payload p, Context& ctx) { (void)ctx.publish("out", p); }); });
  for (int i = 0; i < 100; ++i) publish("in", std::to_string(i));
  EXPECT_EQ(order.wait(100).size(), 100U);
  second.stop();
  EXPECT_EQ(second.wait(), kExitOk);
  publish("in", "still works");
  EXPECT_EQ(stop(), kExitOk);
}

}  // namespace
}  // namespace ruststream::testing
