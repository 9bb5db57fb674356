#include "loop/loop.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace ruststream {
inline namespace v0 {
namespace detail {
namespace {

constinit thread_local Loop* t_loop = nullptr;

}  // namespace

Loop* current_loop() noexcept { return t_loop; }
void post(Loop& loop, Ready& node) noexcept { loop.post(node); }

Loop::Loop(SimulatedTime* simulated)
    : simulated_(simulated), simulated_timers_(simulated != nullptr ? std::make_unique<SimulatedTimers>() : nullptr) {
  if (uv_loop_init(&uv_) != 0) std::abort();  // no descriptors or memory left: nothing can run
  if (uv_async_init(&uv_, &wake_, [](uv_async_t* handle) { static_cast<Loop*>(handle->data)->turn(); }) != 0) {
    std::abort();
  }
  wake_.data = this;
}

Loop::~Loop() {
  uv_walk(
      &uv_,
      [](uv_handle_t* handle, void*) {
        if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
      },
      nullptr);
  uv_run(&uv_, UV_RUN_DEFAULT);
  uv_loop_close(&uv_);
}

void Loop::run() {
  Loop* const outer = t_loop;
  t_loop = this;
  stopping_.store(false, std::memory_order_relaxed);
  while (!stopping_.load(std::memory_order_acquire)) {
    turn();
    if (stopping_.load(std::memory_order_acquire)) break;
    uv_run(&uv_, UV_RUN_ONCE);
  }
  t_loop = outer;
}

bool Loop::ready() const noexcept {
  return local_first_ != nullptr || posted_.load(std::memory_order_relaxed) != nullptr ||
         simulated_timers_->next() <= now();
}

void Loop::step() {
  Loop* const outer = std::exchange(t_loop, this);
  SimulatedTimers::Key key;
  SimulatedTimers::Entry due{};
  while (simulated_timers_->take_due(now(), key, due)) due.callback(due.context);
  turn();
  t_loop = outer;
}

void Loop::stop() noexcept {
  stopping_.store(true, std::memory_order_release);
  uv_async_send(&wake_);
}

bool Loop::on_thread() const noexcept { return t_loop == this; }

void Loop::post(Ready& node) noexcept {
  if (t_loop == this && in_turn_) {  // in_turn_ is the loop thread's own
    node.next = nullptr;
    append(node, node);
    return;
  }
  Ready* head = posted_.load(std::memory_order_relaxed);
  do {
    node.next = head;
  } while (!posted_.compare_exchange_weak(head, &node, std::memory_order_release, std::memory_order_relaxed));
  if (head == nullptr) uv_async_send(&wake_);
}

void Loop::append(Ready& first, Ready& last) noexcept {
  (local_last_ != nullptr ? local_last_->next : local_first_) = &first;
  local_last_ = &last;
}

void Loop::take_posted() noexcept {
  if (posted_.load(std::memory_order_relaxed) == nullptr) return;
  Ready* newest = posted_.exchange(nullptr, std::memory_order_acquire);
  Ready& last = *newest;
  Ready* first = nullptr;
  do {  // the list is newest first: turn it round
    Ready* const older = newest->next;
    newest->next = first;
    first = newest;
    newest = older;
  } while (newest != nullptr);
  append(*first, last);
}

void Loop::turn() {
  in_turn_ = true;
  take_posted();
  std::uint32_t ran = 0;
  do {
    for (; local_first_ != nullptr && ran < kNodesPerTurn; ++ran) {
      Ready* const node = local_first_;
      local_first_ = node->next;
      if (local_first_ == nullptr) local_last_ = nullptr;
      node->run(node);
      if (local_first_ == nullptr && posted_.load(std::memory_order_relaxed) != nullptr) take_posted();
    }
    end_turn();
  } while (local_first_ != nullptr && ran < kNodesPerTurn);
  in_turn_ = false;
  if (local_first_ != nullptr) uv_async_send(&wake_);
}

void Loop::end_turn() noexcept {
  while (ends_ != nullptr) {
    Ready* const node = ends_;
    ends_ = node->next;
    node->run(node);
  }
}

void Loop::at_end_of_turn(Ready& node) noexcept {
  node.next = ends_;
  ends_ = &node;
}

struct Timer::Handle {
  uv_timer_t uv{};
  Callback callback = nullptr;
  void* context = nullptr;
  Loop* simulated = nullptr;  // then there is no uv timer
  SimulatedTimers::Key key;
  bool active = false;
};

Timer::Timer(Loop& loop, Callback callback, void* context) : handle_(new Handle) {
  handle_->callback = callback;
  handle_->context = context;
  if (loop.simulated_timers() != nullptr) {
    handle_->simulated = &loop;
    return;
  }
  uv_timer_init(loop.uv(), &handle_->uv);
  handle_->uv.data = handle_;
}

Timer::~Timer() {
  if (handle_->simulated != nullptr) {
    stop();
    delete handle_;
    return;
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->uv),
           [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
}

void Timer::start(std::chrono::nanoseconds delay) noexcept {
  constexpr std::chrono::nanoseconds kLongest = std::chrono::hours(24 * 365);
  if (Loop* const loop = handle_->simulated; loop != nullptr) {
    stop();
    const auto due = loop->now() + std::clamp(delay, std::chrono::nanoseconds(0), kLongest);
    handle_->key = loop->simulated_timers()->start(due, {[](void* fired) noexcept {
                                                           auto* self = static_cast<Handle*>(fired);
                                                           self->active = false;
                                                           self->callback(self->context);
                                                         },
                                                         handle_});
    handle_->active = true;
    return;
  }
  uv_update_time(handle_->uv.loop);  // a long turn must not shorten the delay
  // The loop's clock has lost its part of a millisecond: counted from it, a timer would fire that much early.
  const auto due = std::chrono::nanoseconds(uv_hrtime()) + std::min(delay, kLongest);
  const auto now = static_cast<std::int64_t>(uv_now(handle_->uv.loop));
  const auto ms = delay.count() > 0 ? std::chrono::ceil<std::chrono::milliseconds>(due).count() - now : 0;
  uv_timer_start(
      &handle_->uv,
      [](uv_timer_t* fired) {
        auto* self = static_cast<Handle*>(fired->data);
        self->callback(self->context);
      },
      static_cast<std::uint64_t>(ms > 0 ? ms : 0), 0);
}

void Timer::stop() noexcept {
  if (handle_->simulated == nullptr) {
    uv_timer_stop(&handle_->uv);
  } else if (std::exchange(handle_->active, false)) {
    handle_->simulated->simulated_timers()->stop(handle_->key);
  }
}

bool Timer::active() const noexcept {
  return handle_->simulated != nullptr ? handle_->active
                                       : uv_is_active(reinterpret_cast<const uv_handle_t*>(&handle_->uv)) != 0;
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
