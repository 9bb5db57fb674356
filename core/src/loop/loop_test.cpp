#include "loop/loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <thread>
#include <vector>

namespace ruststream::inline v0::detail {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// A node that runs a function, as often as it is posted.
struct Act : Ready {
  std::function<void()> function;
  explicit Act(std::function<void()> f) : function(std::move(f)) {
    run = [](Ready* self) noexcept { static_cast<Act*>(self)->function(); };
  }
};

/// A one-shot timer that calls a function.
struct Alarm {
  std::function<void()> function;
  Timer timer;
  Alarm(Loop& loop, std::function<void()> f)
      : function(std::move(f)), timer(loop, [](void* self) noexcept { static_cast<Alarm*>(self)->function(); }, this) {}
};

TEST(Loop, KeepsTheOrderOfEachPostingThread) {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kEach = 5000;
  Loop loop;
  std::array<std::vector<std::size_t>, kThreads> seen;
  std::size_t left = kThreads * kEach;
  std::array<std::vector<std::unique_ptr<Act>>, kThreads> nodes;
  for (std::size_t t = 0; t < kThreads; ++t) {
    for (std::size_t i = 0; i < kEach; ++i) {
      nodes[t].push_back(std::make_unique<Act>([&, t, i] {
        EXPECT_EQ(current_loop(), &loop);
        seen[t].push_back(i);
        if (--left == 0) loop.stop();
      }));
    }
  }
  std::vector<std::jthread> threads;
  for (auto& each : nodes) {
    threads.emplace_back([&each, &loop] {
      for (const auto& node : each) post(loop, *node);
    });
  }
  loop.run();
  for (const auto& each : seen) {
    ASSERT_EQ(each.size(), kEach);
    EXPECT_TRUE(std::ranges::is_sorted(each));
  }
  EXPECT_EQ(current_loop(), nullptr);
}

TEST(Loop, EndsATurnWithWhatAskedForItAndGoesOnWithWhatThatPosts) {
  Loop loop;
  std::string order;
  Act posted([&] { order += 'd', loop.stop(); });
  Act end([&] {
    EXPECT_TRUE(loop.in_turn());
    order += 'c';
    loop.post(posted);
  });
  Act first([&] {
    loop.at_end_of_turn(end);
    order += 'a';
  });
  Act second([&] { order += 'b'; });
  loop.post(first);
  loop.post(second);
  EXPECT_FALSE(loop.in_turn());
  loop.run();
  EXPECT_EQ(order, "abcd");
}

TEST(Loop, RunsWhatItsOwnTurnPostsBehindWhatWaitsAlready) {
  Loop loop;
  std::string order;
  Act last([&] { order += 'd', loop.stop(); });
  Act inner([&] { order += 'c', loop.post(last); });
  Act first([&] {
    EXPECT_TRUE(loop.on_thread());
    order += 'a';
    loop.post(inner);
  });
  Act second([&] { order += 'b'; });
  loop.post(first);
  loop.post(second);
  loop.run();
  EXPECT_EQ(order, "abcd");
  EXPECT_FALSE(loop.on_thread());
}

TEST(Loop, ATurnThatNeverEndsLeavesTimersTheirShare) {
  Loop loop;
  std::uint64_t spins = 0;
  bool fired = false;
  Act spin([&] {
    ++spins;
    if (!fired) loop.post(spin);
  });
  Alarm alarm(loop, [&] {
    fired = true;
    loop.stop();
  });
  alarm.timer.start(milliseconds(5));
  loop.post(spin);
  loop.run();
  EXPECT_TRUE(fired);
  EXPECT_GT(spins, 1U);
}

TEST(Loop, StopFromAnotherThreadEndsAnIdleRunAndItCanRunAgain) {
  Loop loop;
  for (int round = 0; round < 2; ++round) {
    Act stopper_started([&] {});
    std::jthread stopper([&] {
      std::this_thread::sleep_for(milliseconds(20));
      loop.stop();
    });
    loop.run();
  }
  bool ran = false;
  Act act([&] {
    ran = true;
    loop.stop();
  });
  loop.post(act);
  loop.run();
  EXPECT_TRUE(ran);
}

TEST(Timer, FiresInOrderOfDueTimeNeverEarlyAndNotOnceStopped) {
  Loop loop;
  std::string order;
  const auto begin = Clock::now();
  Alarm late(loop, [&] {
    order += 'l';
    EXPECT_GE(Clock::now() - begin, milliseconds(30));
    loop.stop();
  });
  Alarm soon(loop, [&] {
    order += 's';
    EXPECT_GE(Clock::now() - begin, milliseconds(10));
  });
  Alarm never(loop, [&] { order += 'n'; });
  late.timer.start(milliseconds(30));
  soon.timer.start(std::chrono::microseconds(9500));  // rounded up to whole milliseconds
  never.timer.start(milliseconds(1));
  EXPECT_TRUE(never.timer.active());
  never.timer.stop();
  EXPECT_FALSE(never.timer.active());
  {
    Alarm destroyed(loop, [&] { order += 'x'; });
    destroyed.timer.start(milliseconds(1));
  }
  loop.run();
  EXPECT_EQ(order, "sl");
}

TEST(Timer, StartingAgainPostponesIt) {
  Loop loop;
  const auto begin = Clock::now();
  Alarm alarm(loop, [&] { loop.stop(); });
  Alarm pusher(loop, [&] { alarm.timer.start(milliseconds(40)); });
  alarm.timer.start(milliseconds(20));
  pusher.timer.start(milliseconds(10));
  loop.run();
  EXPECT_GE(Clock::now() - begin, milliseconds(50));
}

TEST(FramePool, GivesAFreedFrameOfThatSizeAgainAndNeverOneOfAnother) {
  void* const small = frame_allocate(100);
  frame_free(small, 100);
  void* const other = frame_allocate(300);
  EXPECT_NE(other, small);
  void* const again = frame_allocate(128);  // the same step of 64 bytes
  EXPECT_EQ(again, small);
  frame_free(again, 128);
  frame_free(other, 300);
}

TEST(FramePool, FramesOfEverySizeAreWholeAndMayEndOnAnotherThread) {
  std::vector<std::pair<char*, std::size_t>> frames;
  for (std::size_t bytes = 1; bytes < 5000; bytes += 37) {
    frames.emplace_back(static_cast<char*>(frame_allocate(bytes)), bytes);
    std::fill_n(frames.back().first, bytes, 'x');  // ASan sees a frame that is too short
  }
  std::jthread([&] {
    for (const auto& [frame, bytes] : frames) frame_free(frame, bytes);
  }).join();
}

Task<int> add(int depth) {
  if (depth == 0) co_return 0;
  auto below = add(depth - 1);
  co_return 1 + co_await below;
}

TEST(Task, AwaitsTasksDeeplyAndGivesTheirValueAndTheirException) {
  Loop loop;
  const auto fail = [](bool really) -> Task<int> {
    if (really) throw std::runtime_error("no");
    co_return 7;
  };
  const auto whole = [](auto failing) -> Task<int> {
    auto deep = add(500);
    int sum = co_await deep;
    auto well = failing(false);
    sum += co_await well;
    auto ill = failing(true);
    try {
      sum += co_await ill;
    } catch (const std::runtime_error&) {
      sum += 1000;
    }
    co_return sum;
  };
  Task<int> task = whole(fail);
  Act done([&] { loop.stop(); });
  Act begin([&] {
    if (task.start(done)) loop.stop();
  });
  loop.post(begin);
  loop.run();
  EXPECT_EQ(task.take(), 1507);
}

}  // namespace
}  // namespace ruststream::inline v0::detail
