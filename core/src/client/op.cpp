#include "client/op.hpp"

#include "client/instance.hpp"

#include <algorithm>

namespace ruststream {
inline namespace v0 {
namespace detail {

namespace {
Error late(const Op& op) {
  if (op.waits_for_room.load(std::memory_order_relaxed)) {
    return Error(Code::timeout, "publishes before this flush still wait for the broker to have room for them",
                 kRetryable);
  }
  return Error(Code::timeout, "the plugin did not complete the operation within its own deadline (rule C1)",
               kRetryable | kMaybeApplied);
}
}  // namespace

Error to_error(std::int32_t status, const rst_error& error) {
  const std::int32_t code = error.code != 0 ? error.code : rst_status_code(status);
  Error out(static_cast<Code>(code), std::string(error.text, std::min<std::size_t>(error.text_len, sizeof(error.text))),
            error.flags | rst_status_flags(status));
  if (out.text.empty()) out.text = std::string("the plugin gave no text for ") + to_string(out.code);
  out.native = error.native;
  out.retry_after = std::chrono::milliseconds(error.retry_after_ms);
  return out;
}

void Op::complete(std::int32_t result, std::uint64_t result_value, const rst_error* result_error) noexcept {
  // Claimed before it is written: a deadline that passes meanwhile finds it taken, one that has passed keeps it.
  std::uint32_t before = state.load(std::memory_order_acquire);
  do {
    if (before == kDone || before == kCompleting) return;  // a second completion
  } while (!state.compare_exchange_weak(before, kCompleting, std::memory_order_acq_rel, std::memory_order_acquire));
  if (before == kExpired) {  // its waiter has the error or is about to take it, and will find this when it goes
    value = result >= 0 ? result_value : 0;
    return state.store(kDone, std::memory_order_release);
  }
  status = result;
  value = result >= 0 ? result_value : 0;
  if (result < 0) error = to_error(result, result_error != nullptr ? *result_error : empty_error());
  state.store(kDone, std::memory_order_release);
  switch (before) {
    case kCoroutine: loop->post(*this); break;
    case kThread: thread->release(); break;
    case kAbandoned: end(); break;
    default: break;
  }
}

void Op::finish(std::int32_t result, std::uint64_t result_value, const rst_error& result_error) {
  status = result;
  value = result >= 0 ? result_value : 0;
  if (result < 0) error = to_error(result, result_error);
  state.store(kDone, std::memory_order_release);
}

bool Op::done() const noexcept {
  std::uint32_t now = state.load(std::memory_order_acquire);
  while (now == kCompleting) now = state.load(std::memory_order_acquire);  // a few stores on another thread
  return now == kDone || now == kExpired;
}

bool Op::notify(Loop& to) noexcept {
  loop = &to;
  std::uint32_t expected = kPending;
  return state.compare_exchange_strong(expected, kCoroutine, std::memory_order_acq_rel) || !done();
}

bool Op::resume_by(std::coroutine_handle<> coroutine, Timer::Callback expired,
                   std::chrono::nanoseconds grace) noexcept {
  deadline = std::make_unique<Timer>(*current_loop(), expired, this);
  deadline->start(std::chrono::nanoseconds(timeout_ns) + grace);
  return resume(coroutine);
}

void Op::unwait() noexcept {
  std::uint32_t expected = kCoroutine;
  (void)state.compare_exchange_strong(expected, kPending, std::memory_order_acq_rel);
}

bool Op::abandon() noexcept {
  std::uint32_t before = state.load(std::memory_order_acquire);
  do {
    while (before == kCompleting) before = state.load(std::memory_order_acquire);
    if (before == kDone) return true;
  } while (!state.compare_exchange_weak(before, kAbandoned, std::memory_order_acq_rel, std::memory_order_acquire));
  return false;
}

void Op::expire(Error because) noexcept {
  std::uint32_t expected = kCoroutine;
  if (!state.compare_exchange_strong(expected, kCompleting, std::memory_order_acq_rel)) return;
  status = rst_status(static_cast<std::int32_t>(because.code), because.flags);
  error = std::move(because);
  state.store(kExpired, std::memory_order_release);
  loop->post(*this);
}

void Op::end() noexcept { on_end != nullptr ? on_end(*this) : instance->release(*this); }

bool OpRef::done() const noexcept { return op_->done(); }

bool Op::resume(std::coroutine_handle<> coroutine) noexcept {
  waiter = coroutine;
  run = [](Ready* self) noexcept { static_cast<Op*>(self)->waiter.resume(); };
  return notify(*current_loop());
}

bool Op::wait(Error& why, std::chrono::nanoseconds grace) noexcept {
  if (done()) return true;
  if (current_loop() != nullptr) {
    why = Error(Code::state, "get() would block this loop thread: co_await the operation instead");
    return false;
  }
  return block(why, grace);
}

bool Op::block(Error& why, std::chrono::nanoseconds grace) noexcept {
  if (done()) return true;
  std::binary_semaphore wake{0};
  thread = &wake;
  std::uint32_t expected = kPending;
  if (!state.compare_exchange_strong(expected, kThread, std::memory_order_acq_rel)) return done();
  if (wake.try_acquire_for(std::chrono::nanoseconds(timeout_ns) + grace)) return true;
  expected = kThread;
  if (state.compare_exchange_strong(expected, kPending, std::memory_order_acq_rel)) {
    why = late(*this);
    return false;
  }
  wake.acquire();  // it completed just now: `wake` must outlive the release
  return true;
}

bool OpRef::suspend(std::coroutine_handle<> waiter) noexcept {
  return op_->resume_by(waiter, [](void* self) noexcept {
    Op& op = *static_cast<Op*>(self);
    op.expire(late(op));
  });
}
bool OpRef::wait(Error& error) noexcept { return op_->wait(error); }

Result<std::uint64_t> OpRef::take() noexcept {
  if (op_->status < 0) return std::unexpected(std::move(op_->error));
  return std::exchange(op_->value, 0);  // a handle is the taker's to close from here
}

void OpRef::drop() noexcept {
  Op& op = *std::exchange(op_, nullptr);
  op.deadline.reset();
  if (op.abandon()) op.end();
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
