#include "runtime/deferred.hpp"

#include <algorithm>

namespace ruststream {
inline namespace v0 {
namespace detail {

Consumer::Consumer(Loop& loop, SubscriptionCore& subscription, ConsumerConfig config, AppControl& app,
                   log::Logger& logger)
    : loop_(loop),
      subscription_(subscription),
      config_(std::move(config)),
      app_(app),
      logger_(logger),
      coroutine_(config_.handler->is_coroutine()),
      batches_(config_.handler->takes_batch()),
      lanes_(config_.keyed ? config_.workers : 1, config_.keyed ? subscription.window().messages : 0),
      random_((config_.seed ^ subscription.id()) | 1) {
  for (Node* node : {&woken_, &turn_, &flush_}) node->consumer = this;
  woken_.run = [](Ready* self) noexcept {
    Consumer& consumer = *static_cast<Node*>(self)->consumer;
    consumer.wake_posted_.exchange(false, std::memory_order_seq_cst);  // before the inbox is looked at
    consumer.turn();
  };
  turn_.run = [](Ready* self) noexcept {
    Consumer& consumer = *static_cast<Node*>(self)->consumer;
    consumer.turn_posted_ = false;
    consumer.turn();
  };
  flush_.run = [](Ready* self) noexcept {
    Consumer& consumer = *static_cast<Node*>(self)->consumer;
    consumer.flush_posted_ = false;
    consumer.flush();
  };
  settlements_.resize(kSettleAtOnce);
  room_ = {settlements_.data(), settlements_.data() + kSettleAtOnce, &app_.stop_flag()};
  details_.reserve(kSettleAtOnce);
  finished_.reserve(kSettleAtOnce);
  if (batches_) {
    gathered_.reserve(config_.batch);
    batch_timer_.emplace(
        loop_,
        [](void* self) noexcept {
          static_cast<Consumer*>(self)->gathered_due_ = true;
          static_cast<Consumer*>(self)->turn();
        },
        this);
  }
  if (config_.plan.ack_deadline.count() > 0 && config_.plan.can(RST_CAP_EXTEND)) {
    extend_timer_.emplace(loop_, [](void* self) noexcept { static_cast<Consumer*>(self)->extend_all(); }, this);
    extend_timer_->start(config_.plan.ack_deadline / 2);  // for what is delivered before begin()
  }
}

Consumer::~Consumer() {
  give_up();
  if (line_ != nullptr) line_->recycle();
  while (suspended_ != nullptr) {
    RunningCall& call = *suspended_;
    untrack(call);
    call.destroy(&call);
  }
  while (deferred_ != nullptr) std::exchange(deferred_, deferred_->after)->give_up();
  for (rst_batch* const batch : live_) subscription_.release(*batch);  // of calls that never ended
}

void Consumer::track(RunningCall& call) noexcept {
  call.before = nullptr;
  call.after = suspended_;
  if (suspended_ != nullptr) suspended_->before = &call;
  suspended_ = &call;
}

void Consumer::untrack(RunningCall& call) noexcept {
  (call.before != nullptr ? call.before->after : suspended_) = call.after;
  if (call.after != nullptr) call.after->before = call.before;
}

void Consumer::begin() noexcept {
  begun_ = true;
  again();
}

void Consumer::again() noexcept {
  if (in_turn_ || turn_posted_) return;
  turn_posted_ = true;
  loop_.post(turn_);
}

void Consumer::turn() {
  in_turn_ = true;
  if (subscription_.partitions_went()) look_ahead();
  if (stopping_) {
    stop_starting();
  } else {
    std::uint32_t started = 0;
    bool more = true;
    // Between the app's stop and stop_starting() there is nothing to do, and asking for a turn again would never end.
    const auto starts = [this] { return !stopping_ && !room_.stopping->load(std::memory_order_acquire); };
    while (more && started < kPerTurn && starts()) {
      if (batches_) {
        more = start_batch();
        started += config_.batch;
      } else if (config_.keyed && (running_ != 0 || lanes_.waiting())) {
        more = start_keyed();
        ++started;
      } else {
        const std::uint32_t ran = running_ < config_.workers ? start_run(kPerTurn - started) : 0;
        more = ran != 0 && running_ < config_.workers;
        started += ran;
      }
    }
    in_turn_ = false;
    if (more && starts()) again();
  }
  in_turn_ = false;
  flush_soon();
  if (!revoking_.empty()) answer_revokes();
  watch_deadline();
}

void Consumer::flush_soon() noexcept {
  if (flush_posted_ || (unsettled() == 0 && finished_.empty() && continuations_.empty())) return;
  // Half the window is what the broker needs back to go on.
  if (!loop_.in_turn() || unsettled() * 2 >= subscription_.window().messages) return flush();
  flush_posted_ = true;
  loop_.at_end_of_turn(flush_);
}

bool Consumer::next(MessageRef& ref) {
  for (;;) {
    if (batch_ != nullptr) {
      ref = {batch_, &message_at(*batch_, index_)};
      if (++index_ == batch_->count) batch_ = nullptr;
    } else if (held_at_ != held_.size()) {
      ref = held_[held_at_++];
    } else if (pull()) {
      continue;
    } else {
      return false;
    }
    if (ref.batch->generation >= newest_gone_ || !gone(ref)) return true;
    put_back(ref);  // rule H6
  }
}

bool Consumer::pull() {
  for (;;) {
    if (chain_ == 0) chain_ = subscription_.inbox().take();
    if (chain_ == 0) return false;
    const std::uint64_t node = chain_;
    chain_ = Inbox::next(node);
    if (EventNode* const event = Inbox::event(node); event != nullptr) {
      take_event(*event);
      continue;
    }
    rst_batch& batch = *Inbox::batch(node);
    if (batch.count == 0) {
      subscription_.release(batch);
      continue;
    }
    batch.host[1] = batch.count;
    batch.host[0] = live_.size();
    live_.push_back(&batch);
    batch_ = &batch;
    index_ = 0;
    return true;
  }
}

void Consumer::start(const MessageRef& ref, std::uint32_t lane) {
  ++running_;
  Invocation invocation(*this, ref, lane, room_);
  config_.handler->call(invocation);
  if (!coroutine_) close_run(invocation, *ref.batch);
}

/// Books what the call acknowledged by itself; anything else has booked itself.
void Consumer::close_run(const Invocation& invocation, rst_batch& batch) noexcept {
  if (invocation.run_over()) {
    --running_;
    if (invocation.lane() != kNoLane) lanes_.leave(invocation.lane());
  }
  if (invocation.acknowledged() == 0) return;
  counts_.handled += invocation.acknowledged();
  if (invocation.without_token() != 0) subscription_.give_back(invocation.without_token(), 0);
  if (unref(batch, invocation.acknowledged()) && finished_.size() >= kSettleAtOnce) flush();
  arena_.reset();
}

/// Starts messages of one batch in one call of the handler; how many.
std::uint32_t Consumer::start_run(std::uint32_t most) {
  MessageRef ref;
  if (!next(ref)) return 0;
  if (coroutine_) {  // it may go on beside the next message
    config_.keyed ? start_in_lane(ref) : start(ref, kNoLane);
    return 1;
  }
  // What is gone is found message by message.
  const bool alone = batch_ == nullptr || batch_->generation < newest_gone_;
  const std::uint32_t run = alone ? 1 : std::min(most, batch_->count - index_ + 1);
  ++running_;
  Invocation invocation(*this, ref, kNoLane, room_, run);
  config_.handler->call(invocation);
  const std::uint32_t ran = invocation.acknowledged() + (invocation.run_over() ? 0 : 1);
  index_ += ran - 1;
  if (batch_ != nullptr && index_ == batch_->count) batch_ = nullptr;
  close_run(invocation, *ref.batch);
  return ran;
}

bool Consumer::start_keyed() {
  MessageRef ref;
  std::uint32_t lane = 0;
  if (lanes_.next(ref, lane)) {
    start(ref, lane);
    return true;
  }
  if (!next(ref)) return false;
  start_in_lane(ref);
  return true;
}

void Consumer::start_in_lane(const MessageRef& ref) {
  const std::uint32_t lane = lanes_.lane_of(*ref.message);
  if (lanes_.enter(lane, ref)) start(ref, lane);
}

bool Consumer::start_batch() {
  if (running_ >= config_.workers) return false;
  MessageRef ref;
  while (gathered_.size() < config_.batch && next(ref)) gathered_.push_back(ref);
  if (gathered_.empty()) return false;
  if (gathered_.size() < config_.batch && config_.batch_wait.count() > 0 && !gathered_due_) {
    if (!batch_timer_->active()) batch_timer_->start(config_.batch_wait);
    return false;
  }
  batch_timer_->stop();
  gathered_due_ = false;
  ++running_;
  Invocation invocation(*this, gathered_, room_);
  config_.handler->call(invocation);
  gathered_.clear();
  return true;
}

void Consumer::ended(std::uint32_t lane, std::size_t messages) noexcept {
  --running_;
  counts_.handled += messages;
  if (lane != kNoLane) lanes_.leave(lane);
  arena_.reset();
  again();
}

void Consumer::stop_starting() {
  stopping_ = true;
  retry_now(true);
  const auto give_up = [this](const MessageRef& ref) {
    ++counts_.released;
    put_back(ref);
  };
  MessageRef ref;
  for (const MessageRef& gathered : gathered_) give_up(gathered);
  gathered_.clear();
  while (lanes_.drop(ref)) give_up(ref);
  while (next(ref)) give_up(ref);
  if (!in_turn_) flush();
}

void Consumer::take_event(EventNode& node) {
  std::unique_ptr<EventNode> event(&node);
  switch (event->event.kind) {
    case RST_EVENT_SUB_REVOKING:
      let_partitions_go(event->partitions);
      revoking_.push_back(std::move(event));
      return;
    case RST_EVENT_SUB_LOST: let_partitions_go(event->partitions); break;
    case RST_EVENT_SUB_ASSIGNING: break;
    case RST_EVENT_SUB_ENDED:
      log(log::Level::error, RST_E_CLOSED,
          "the broker ended the subscription" + (event->event.error ? ": " + event->event.error->text : std::string()));
      app_.fail_fast("subscription `" + config_.name + "` was ended by the broker");
      break;
    case RST_EVENT_SUB_DROPPED:
      log(log::Level::warn, 0, std::to_string(event->event.value) + " messages were dropped: the consumer is too slow");
      counts_.lost += event->event.value;
      break;
    case RST_EVENT_SETTLE_FAILED:
      log(log::Level::warn, 0,
          "settlements failed later and will be redelivered" +
              (event->event.error ? ": " + event->event.error->text : std::string()));
      break;
    default: break;
  }
  if (event->answer != 0) {
    const bool known = event->event.kind == RST_EVENT_SUB_ASSIGNING;
    subscription_.answer(event->answer, known ? RST_OK : rst_status(RST_E_UNSUPPORTED, 0));
  }
}

Arena Consumer::borrow_arena() {
  if (spare_arenas_.empty()) return {};
  Arena arena = std::move(spare_arenas_.back());
  spare_arenas_.pop_back();
  return arena;
}

void Consumer::return_arena(Arena arena) {
  arena.reset();
  if (spare_arenas_.size() < config_.workers) spare_arenas_.push_back(std::move(arena));
}

void Consumer::watch_deadline() noexcept {
  if (extend_timer_ && !live_.empty() && !extend_timer_->active()) extend_timer_->start(config_.plan.ack_deadline / 2);
}

void Consumer::extend_all() noexcept {
  // Whatever was delivered and is not over, running or waiting its turn. One that was settled already says so and is
  // none the worse for it (rule S1).
  const auto extend = [this](const rst_batch& batch) {
    for (std::uint32_t i = 0; i < batch.count; ++i) {
      if (message_at(batch, i).token != 0) push({nullptr, &message_at(batch, i)}, Verdict::extend, {}, {});
    }
  };
  for (const rst_batch* const batch : live_) extend(*batch);
  // What nobody has looked at yet waits too: behind a handler that takes its time.
  std::uint64_t* end = &chain_;
  while (*end != 0) end = &Inbox::next(*end);
  *end = subscription_.inbox().take();
  const bool opened = subscription_.handle() != 0;  // else there is nothing yet to name in a call
  for (std::uint64_t node = opened ? chain_ : 0; node != 0; node = Inbox::next(node)) {
    if (Inbox::event(node) == nullptr) extend(*Inbox::batch(node));
  }
  flush();
  if (!live_.empty() || chain_ != 0 || !begun_) extend_timer_->start(config_.plan.ack_deadline / 2);
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
