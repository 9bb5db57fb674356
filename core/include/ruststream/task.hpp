#pragma once
#include <ruststream/export.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace ruststream {
inline namespace v0 {
namespace detail {

class Loop;

/// One thing that a loop will run on its own thread. Intrusive: whoever posts it owns it and posts it once until it
/// ran.
struct Ready {
  Ready* next = nullptr;
  void (*run)(Ready*) noexcept = nullptr;
};

/// The loop that this thread runs, or null. [any thread]
[[nodiscard]] RUSTSTREAM_EXPORT Loop* current_loop() noexcept;
/// Runs `node` on `loop` in a later turn, in post order per thread. [any thread; never blocks]
RUSTSTREAM_EXPORT void post(Loop& loop, Ready& node) noexcept;
/// Coroutine frames come from a free list of the thread that frees them. [any thread]
[[nodiscard]] RUSTSTREAM_EXPORT void* frame_allocate(std::size_t bytes);
RUSTSTREAM_EXPORT void frame_free(void* frame, std::size_t bytes) noexcept;

/// Resumes a coroutine from a loop's ready queue.
struct Resume : Ready {
  std::coroutine_handle<> handle;
  Resume() noexcept {
    run = [](Ready* self) noexcept { static_cast<Resume*>(self)->handle.resume(); };
  }
};

struct PromiseBase {
  Ready* waiting = nullptr;  // posted when the coroutine ends; null until somebody waits
  Loop* loop = nullptr;      // where it is posted
  std::exception_ptr exception;

  static void* operator new(std::size_t bytes) { return frame_allocate(bytes); }
  static void operator delete(void* frame, std::size_t bytes) noexcept { frame_free(frame, bytes); }

  struct Final {
    Final() noexcept {}
    bool await_ready() const noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> self) noexcept {
      // Through the queue and not by symmetric transfer: g++ without optimisation would grow the stack.
      PromiseBase& promise = self.promise();
      if (promise.waiting != nullptr) post(*promise.loop, *promise.waiting);
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  auto get_return_object() noexcept { return std::coroutine_handle<Promise>::from_promise(*this); }
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  auto get_return_object() noexcept { return std::coroutine_handle<Promise>::from_promise(*this); }
  void return_void() const noexcept {}
  void take() const {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace detail

/// A coroutine that runs on a loop thread. It starts when it is awaited (or when the runtime runs it as a handler) and
/// is destroyed with this object; an exception reaches whoever awaits it. Parameters by reference must outlive it.
/// Move-only. [loop thread]
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using value_type = T;

  Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> parent) {
    resume_.handle = parent;
    return !start(resume_);
  }
  T await_resume() { return handle_.promise().take(); }

  /// For the runtime: runs until the first suspension. True when it ended already; else `done` is posted to the
  /// current loop when it ends.
  bool start(detail::Ready& done) {
    handle_.resume();
    if (handle_.done()) return true;
    handle_.promise().loop = detail::current_loop();
    handle_.promise().waiting = &done;
    return false;
  }
  T take() { return handle_.promise().take(); }

 private:
  std::coroutine_handle<promise_type> handle_;
  detail::Resume resume_;
};

}  // namespace v0
}  // namespace ruststream
