#pragma once
#include "loop/simulated_time.hpp"

#include <ruststream/task.hpp>

#include <uv.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

namespace ruststream {
inline namespace v0 {
namespace detail {

/// One uv loop and a queue of things to run on its thread.
///
/// Posting from elsewhere pushes on a lock-free list and wakes the thread only when the list was empty; posting from
/// the loop's own turn appends to a plain list that the same turn runs. A turn is bounded, so timers and signals get
/// their share whatever is posted.
class Loop {
 public:
  /// With a simulation's time nobody runs it: whoever moves that time steps it.
  explicit Loop(SimulatedTime* simulated = nullptr);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs on the calling thread until stop(). What is still posted when it returns is not run.
  void run();
  /// [any thread]
  void stop() noexcept;
  /// [any thread; never blocks]
  void post(Ready& node) noexcept;

  /// Runs `node` when the turn that is running has nothing else left to do, or its bound is reached. [in a turn of this
  /// loop; a node once until it ran]
  void at_end_of_turn(Ready& node) noexcept;
  /// Whether the calling thread is in a turn of this loop, rather than in a callback of a timer.
  [[nodiscard]] bool in_turn() const noexcept { return in_turn_ && on_thread(); }

  [[nodiscard]] bool on_thread() const noexcept;
  [[nodiscard]] uv_loop_t* uv() noexcept { return &uv_; }
  /// The machine's monotonic clock, or the simulation's. What a loop runs reads no other. [any thread]
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept {
    return simulated_ == nullptr ? std::chrono::steady_clock::now() : simulated_->now();
  }

  // Of a simulation only. [its thread]
  [[nodiscard]] SimulatedTimers* simulated_timers() const noexcept { return simulated_timers_.get(); }
  /// Whether something is left to run now.
  [[nodiscard]] bool ready() const noexcept;
  /// Runs the timers that are due and one turn.
  void step();

 private:
  static constexpr std::uint32_t kNodesPerTurn = 1024;

  void turn();
  void end_turn() noexcept;
  void take_posted() noexcept;
  void append(Ready& first, Ready& last) noexcept;

  uv_loop_t uv_{};
  uv_async_t wake_{};
  Ready* local_first_ = nullptr;  // loop thread only
  Ready* local_last_ = nullptr;
  Ready* ends_ = nullptr;  // for the end of this turn
  bool in_turn_ = false;
  SimulatedTime* const simulated_;
  const std::unique_ptr<SimulatedTimers> simulated_timers_;
  std::atomic<bool> stopping_{false};
  alignas(64) std::atomic<Ready*> posted_{nullptr};
};

/// A one-shot timer of a loop. All calls on the loop thread; stop() (or the destructor) guarantees that it will not
/// fire. The uv handle outlives this object until the loop has closed it.
class Timer {
 public:
  using Callback = void (*)(void* context) noexcept;
  Timer(Loop& loop, Callback callback, void* context);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void start(std::chrono::nanoseconds delay) noexcept;
  void stop() noexcept;
  [[nodiscard]] bool active() const noexcept;

 private:
  struct Handle;
  Handle* handle_;
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
