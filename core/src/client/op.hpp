#pragma once
#include "loop/loop.hpp"

#include <ruststream/abi.h>
#include <ruststream/operation.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <semaphore>

namespace ruststream {
inline namespace v0 {
namespace detail {

class Instance;

/// One asynchronous verb under way: registered before the verb is called, completed exactly once from any thread
/// (rules C1, H5), freed by whichever of completion and waiter comes last.
struct Op : Ready {
  enum State : std::uint32_t { kPending, kCoroutine, kThread, kExpired, kCompleting, kDone, kAbandoned };
  static constexpr std::chrono::seconds kGrace{2};  // rule C1 gives the plugin one second past the timeout

  Instance* instance = nullptr;
  std::uint64_t id = 0;
  std::uint64_t timeout_ns = 0;
  std::atomic<bool> waits_for_room{false};  // a flush that the plugin has not been asked for yet
  std::atomic<std::uint32_t> state{kPending};
  // Written by the completion before kDone, read after it.
  std::int32_t status = RST_DONE;
  std::uint64_t value = 0;
  Error error;
  // Written by the waiter before it enters kCoroutine or kThread.
  Loop* loop = nullptr;
  std::coroutine_handle<> waiter;
  std::binary_semaphore* thread = nullptr;
  /// Called instead of the release once the completion has come and nobody waits any more, by whichever was last; null:
  /// just release. May be on the plugin's stack.
  void (*on_end)(Op&) noexcept = nullptr;
  void* context = nullptr;  // of `run` or `on_end`
  /// Ends the wait of a coroutine whose completion never comes; made and destroyed on its loop thread.
  std::unique_ptr<Timer> deadline;

  /// The completion: stores the outcome and wakes who waits. [any thread; never blocks]
  void complete(std::int32_t result, std::uint64_t result_value, const rst_error* result_error) noexcept;
  /// For a verb that did not return PENDING: `result` is final and nobody waits yet.
  void finish(std::int32_t result, std::uint64_t result_value, const rst_error& result_error);
  /// Resumes `coroutine` on this thread's loop when done; false when it is done already.
  bool resume(std::coroutine_handle<> coroutine) noexcept;
  /// The same, and calls `expired` when nothing came within the operation's timeout and `grace`. For what is not on the
  /// message path: it costs a timer.
  bool resume_by(std::coroutine_handle<> coroutine, Timer::Callback expired,
                 std::chrono::nanoseconds grace = kGrace) noexcept;
  /// Ends a coroutine's wait with an error, unless the completion is there already. [its loop thread]
  void expire(Error because) noexcept;
  [[nodiscard]] bool done() const noexcept;
  /// Takes notify() back, unless the completion is there: what was to be posted for it is posted then, or about to be.
  void unwait() noexcept;
  /// Nobody waits any more. True when it is done: its end is the caller's; else the completion's.
  bool abandon() noexcept;
  void end() noexcept;
  /// Blocks until done; false with `error` on a loop thread, or when nothing came within the timeout and `grace`.
  bool wait(Error& error, std::chrono::nanoseconds grace = kGrace) noexcept;
  /// The same on a loop thread too: for ends that somebody's last handle brings about there.
  bool block(Error& error, std::chrono::nanoseconds grace = kGrace) noexcept;
  /// Posts this to `to` when done; false when it is done already.
  bool notify(Loop& to) noexcept;
};

/// The C++ error of a contract's error; `status` is the verb's or the completion's (−code).
[[nodiscard]] Error to_error(std::int32_t status, const rst_error& error);
[[nodiscard]] inline rst_error empty_error() noexcept { return rst_error{}; }

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
