#pragma once
#include <ruststream/error.hpp>
#include <ruststream/task.hpp>

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <utility>

namespace ruststream {
inline namespace v0 {
namespace detail {

struct Op;

/// The waiting end of one asynchronous verb. Dropping it abandons the waiter, never the verb.
class RUSTSTREAM_EXPORT OpRef {
 public:
  OpRef() noexcept = default;
  explicit OpRef(Op* op) noexcept : op_(op) {}
  OpRef(OpRef&& other) noexcept : op_(std::exchange(other.op_, nullptr)) {}
  OpRef& operator=(OpRef&& other) noexcept {
    std::swap(op_, other.op_);
    return *this;
  }
  ~OpRef() {
    if (op_ != nullptr) drop();
  }

  [[nodiscard]] bool done() const noexcept;
  /// False when it is done already; else the coroutine is resumed on this thread's loop when it is.
  [[nodiscard]] bool suspend(std::coroutine_handle<> waiter) noexcept;
  /// Blocks this thread until it is done. False when this thread runs a loop, or the verb's own deadline passed without
  /// its completion; then `error` says so.
  [[nodiscard]] bool wait(Error& error) noexcept;
  /// The outcome of a done operation: the completion's value, or its error.
  [[nodiscard]] Result<std::uint64_t> take() noexcept;
  [[nodiscard]] Op* get() const noexcept { return op_; }

 private:
  void drop() noexcept;
  Op* op_ = nullptr;
};

}  // namespace detail

/// The result of a verb that may take a while: `co_await` it on a loop thread or `get()` it on any other. It has
/// started already; dropping it does not undo it, but what it opens then is closed again. Move-only.
template <class T>
class [[nodiscard]] Operation {
 public:
  using Finish = std::move_only_function<Result<T>(Result<std::uint64_t>)>;

  /// Ends at once with an error that was found before anything was asked of the plugin.
  Operation(std::unexpected<Error> refused)
      : finish_([error = std::move(refused)](Result<std::uint64_t>) mutable -> Result<T> { return std::move(error); }) {
  }
  Operation(detail::OpRef op, Finish finish) : finish_(std::move(finish)), op_(std::move(op)) {}

  bool await_ready() const noexcept { return op_.get() == nullptr || op_.done(); }
  bool await_suspend(std::coroutine_handle<> waiter) noexcept { return op_.suspend(waiter); }
  Result<T> await_resume() { return finish_(op_.get() == nullptr ? Result<std::uint64_t>(0) : op_.take()); }

  /// Blocks until the result is there, at most the verb's own deadline and a second. Not on a loop thread
  /// (Code::state).
  Result<T> get() {
    if (Error error; op_.get() != nullptr && !op_.wait(error)) return finish_(std::unexpected(std::move(error)));
    return await_resume();
  }

 private:
  Finish finish_;     // may be the last that holds the instance,
  detail::OpRef op_;  // which this needs to the end
};

}  // namespace v0
}  // namespace ruststream
