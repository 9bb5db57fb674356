#include "loop/loop.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace ruststream::inline v0::detail {
namespace {

using namespace std::chrono_literals;

/// Jumps to the next timer, or to what happens elsewhere before it.
struct Time final : SimulatedTime {
  Point at{};
  Point elsewhere = Point::max();
  std::function<void()> happens;

  [[nodiscard]] Point now() const noexcept override { return at; }
  void pass(Point next_timer) override {
    at = std::min(next_timer, elsewhere);
    if (at == elsewhere) elsewhere = Point::max(), happens();
  }
};

struct Alarm {
  std::function<void()> function;
  Timer timer;
  Alarm(Loop& loop, std::function<void()> f)
      : function(std::move(f)), timer(loop, [](void* self) noexcept { static_cast<Alarm*>(self)->function(); }, this) {}
};

struct Act : Ready {
  std::function<void()> function;
  explicit Act(std::function<void()> f) : function(std::move(f)) {
    run = [](Ready* self) noexcept { static_cast<Act*>(self)->function(); };
  }
};

TEST(SimulatedTime, StandsStillWhileAnythingIsLeftAndJumpsToTheNextTimer) {
  Time time;
  Loop loop(&time);
  std::string order;
  const auto begin = std::chrono::steady_clock::now();
  Alarm last(loop, [&] { order += 'd', loop.stop(); });
  Alarm first(loop, [&] { order += 'b'; });
  Alarm second(loop, [&] { order += 'c'; });
  Alarm stopped(loop, [&] { order += 'x'; });
  Act posted([&] {
    EXPECT_EQ(loop.now(), Time::Point());
    order += 'a';
  });
  last.timer.start(24h);
  stopped.timer.start(1h);
  first.timer.start(2h);
  second.timer.start(2h);  // of the same time, in the order of their start
  EXPECT_TRUE(stopped.timer.active());
  stopped.timer.stop();
  EXPECT_FALSE(stopped.timer.active());
  loop.post(posted);
  loop.run();
  EXPECT_EQ(order, "abcd");
  EXPECT_EQ(loop.now(), Time::Point(24h));
  EXPECT_FALSE(last.timer.active());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1min);
}

TEST(SimulatedTime, WhatHappensElsewhereIsRunBeforeALaterTimer) {
  Time time;
  Loop loop(&time);
  std::string order;
  Act posted([&] { order += 'a'; });
  Alarm late(loop, [&] { order += 'b', loop.stop(); });
  time.elsewhere = Time::Point(1s);
  time.happens = [&] { loop.post(posted); };
  late.timer.start(2s);
  loop.run();
  EXPECT_EQ(order, "ab");
}

TEST(SimulatedTime, ATimerMayBeStartedAgainOrGoAwayWhileItFires) {
  Time time;
  Loop loop(&time);
  int fired = 0;
  std::unique_ptr<Alarm> gone;
  Alarm again(loop, [&] {
    if (++fired == 3) return loop.stop();
    gone = std::make_unique<Alarm>(loop, [&] { gone.reset(); });
    gone->timer.start(1ms);
    again.timer.start(1s);
  });
  again.timer.start(1s);
  loop.run();
  EXPECT_EQ(fired, 3);
  EXPECT_EQ(gone, nullptr);
  EXPECT_EQ(loop.now(), Time::Point(3s));
}

}  // namespace
}  // namespace ruststream::inline v0::detail
