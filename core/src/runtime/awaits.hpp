#pragma once
#include "client/op.hpp"
#include "loop/loop.hpp"

#include <ruststream/task.hpp>

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <utility>

/// What the life of an app waits for. [loop threads]
namespace ruststream {
inline namespace v0 {
namespace detail {

/// Awaits an operation of the client core; bounded by the operation's own deadline.
class Await {
 public:
  explicit Await(OpRef op) noexcept : op_(std::move(op)) {}
  bool await_ready() const noexcept { return op_.done(); }
  bool await_suspend(std::coroutine_handle<> waiter) noexcept { return op_.suspend(waiter); }
  Result<std::uint64_t> await_resume() noexcept { return op_.take(); }

 private:
  OpRef op_;
};

/// Goes on, on that loop's thread: at once when it is there already. A task that hops to another loop must come home
/// before it ends.
class Hop {
 public:
  explicit Hop(Loop& to) noexcept : to_(to) {}
  bool await_ready() const noexcept { return to_.on_thread(); }
  void await_suspend(std::coroutine_handle<> waiter) noexcept {
    resume_.handle = waiter;
    to_.post(resume_);
  }
  void await_resume() const noexcept {}

 private:
  Loop& to_;
  Resume resume_;
};

/// Suspends until somebody resumes the stored handle.
class Park {
 public:
  explicit Park(std::coroutine_handle<>& place) noexcept : place_(place) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { place_ = waiter; }
  void await_resume() const noexcept {}

 private:
  std::coroutine_handle<>& place_;
};

/// A hook under way: whoever awaits it goes on when the hook has ended or its time is up. A hook that never suspends
/// blocks the loop, which no timer can end.
class HookCall final : private Ready {
 public:
  HookCall(Loop& loop, Task<Result<void>> task, std::chrono::nanoseconds timeout)
      : task_(std::move(task)),
        timer_(
            loop, [](void* self) noexcept { static_cast<HookCall*>(self)->go_on(); }, this),
        timeout_(timeout) {
    run = [](Ready* self) noexcept {
      auto& call = *static_cast<HookCall*>(self);
      call.ended_ = true;
      call.go_on();
    };
  }
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiter) {
    ended_ = task_.start(*this);
    if (ended_) return false;
    waiter_ = waiter;
    timer_.start(timeout_);
    return true;
  }
  /// Whether it has ended. One that has not may go on as long as this object lives.
  bool await_resume() noexcept {
    timer_.stop();
    return ended_;
  }
  Result<void> take() { return task_.take(); }

 private:
  void go_on() noexcept {
    if (waiter_) std::exchange(waiter_, {}).resume();
  }

  Task<Result<void>> task_;
  Timer timer_;
  std::chrono::nanoseconds timeout_;
  std::coroutine_handle<> waiter_;
  bool ended_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
