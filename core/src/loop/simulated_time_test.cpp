#include "loop/loop.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace ruststream::inline v0::detail {
namespace {

using namespace std::chrono_literals;

struct Time final : SimulatedTime {
  Point at{};
  [[nodiscard]] Point now() const noexcept override { return at; }
};

/// Until nothing is left, however late.
void run(Time& time, Loop& loop) {
  do {
    while (loop.ready()) loop.step();
    if (loop.simulated_timers()->next() == Time::Point::max()) return;
    time.at = loop.simulated_timers()->next();
  } while (true);
}

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
  Alarm last(loop, [&] { order += 'd'; });
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
  run(time, loop);
  EXPECT_EQ(order, "abcd");
  EXPECT_EQ(loop.now(), Time::Point(24h));
  EXPECT_FALSE(last.timer.active());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1min);
}

TEST(SimulatedTime, EachLoopHasItsOwnTurnsAndTimers) {
  Time time;
  Loop one(&time);
  Loop other(&time);
  std::string order;
  Act posted([&] {
    order += current_loop() == &other ? 'b' : 'x';
    EXPECT_TRUE(other.on_thread());
    EXPECT_FALSE(one.on_thread());
  });
  Alarm alarm(one, [&] {
    order += current_loop() == &one ? 'a' : 'x';
    other.post(posted);
  });
  alarm.timer.start(1s);
  EXPECT_FALSE(one.ready());
  time.at = Time::Point(1s);
  EXPECT_TRUE(one.ready());
  one.step();
  EXPECT_FALSE(one.ready());
  EXPECT_TRUE(other.ready());
  other.step();
  EXPECT_EQ(order, "ab");
  EXPECT_EQ(current_loop(), nullptr);
}

TEST(SimulatedTime, ATimerMayBeStartedAgainOrGoAwayWhileItFires) {
  Time time;
  Loop loop(&time);
  int fired = 0;
  std::unique_ptr<Alarm> gone;
  Alarm again(loop, [&] {
    if (++fired == 3) return;
    gone = std::make_unique<Alarm>(loop, [&] { gone.reset(); });
    gone->timer.start(1ms);
    again.timer.start(1s);
  });
  again.timer.start(1s);
  run(time, loop);
  EXPECT_EQ(fired, 3);
  EXPECT_EQ(gone, nullptr);
  EXPECT_EQ(loop.now(), Time::Point(3s));
}

}  // namespace
}  // namespace ruststream::inline v0::detail
