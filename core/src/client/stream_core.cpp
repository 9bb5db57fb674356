#include "client/stream_core.hpp"

#include <new>

namespace ruststream {
inline namespace v0 {
namespace detail {
namespace {

SubscriptionCore& acquire(ConnectionCore& connection, std::uint64_t& id) {
  SubscriptionCore* const core = connection.instance().subscriptions.acquire(id);
  if (core == nullptr) throw std::bad_alloc();
  return *core;
}

/// One reference for each delivery that will be made of the batch; the last one to go releases it.
std::atomic_ref<std::uint64_t> references(rst_batch& batch) noexcept { return std::atomic_ref(batch.host[1]); }

void drop(SubscriptionCore& subscription, rst_batch& batch, std::uint64_t count) noexcept {
  if (references(batch).fetch_sub(count, std::memory_order_acq_rel) == count) subscription.release(batch);
}

const rst_message& message_at(const rst_batch& batch, std::uint32_t index) noexcept {
  return *reinterpret_cast<const rst_message*>(reinterpret_cast<const char*>(batch.messages) +
                                               static_cast<std::size_t>(index) * batch.stride);
}

rst_settle_detail detail_of(const Outcome& outcome) noexcept {
  rst_settle_detail detail{};
  detail.struct_size = sizeof(detail);
  detail.reason = {outcome.reason().data(), outcome.reason().size()};
  return detail;
}

rst_settlement settlement_of(const rst_message& message, const Outcome& outcome, const rst_settle_detail& detail) {
  rst_settlement item{};
  item.token = message.token;
  item.delay_ns = static_cast<std::uint64_t>(outcome.delay().count());
  item.detail = outcome.reason().empty() ? nullptr : &detail;
  item.verdict = static_cast<std::uint16_t>(outcome.verdict());
  return item;
}

Result<void> status_of(const rst_settlement& item) {
  if (item.status >= 0) return {};
  const auto code = static_cast<Code>(rst_status_code(item.status));
  return fail(code, std::string("the broker did not take the verdict: ") + to_string(code),
              rst_status_flags(item.status));
}

}  // namespace

StreamCore::StreamCore(std::shared_ptr<ConnectionCore> connection, std::string address, SubscriptionCore::Window window)
    : connection_(std::move(connection)), subscription_(acquire(*connection_, id_)) {
  subscription_.open(connection_, id_, std::move(address), window);
  connection_->join(*this);
  subscription_.set_waker(this);
  run = [](Ready* self) noexcept {
    StreamCore& core = *static_cast<StreamCore*>(self);
    if (!core.suspend(core.waiter_)) core.waiter_.resume();  // an event alone is nothing to take: it sleeps again
  };
}

StreamCore::~StreamCore() {
  connection_->leave(*this);
  if (subscription_.handle() != 0 && !closed_) {
    connection_->instance().close_later(subscription_.close(0, Instance::kCloseWait));
  }
  subscription_.set_waker(nullptr);
  if (batch_ != nullptr) drop(subscription_, *batch_, batch_->count - index_);
  while (pull()) drop(subscription_, *batch_, batch_->count);
  subscription_.drop_reference();
}

OpRef StreamCore::subscribe(rst_subscription_spec spec) {
  Instance& instance = connection_->instance();
  return instance.call(
      std::chrono::nanoseconds(spec.timeout_ns), [&](std::uint64_t op, std::uint64_t& handle, rst_error& error) {
        spec.id = id_;
        spec.op = op;
        return instance.plugin().subscribe(instance.handle(), connection_->handle(), &spec, &handle, &error);
      });
}

OpRef StreamCore::close(std::uint32_t flags, std::chrono::nanoseconds timeout) {
  closed_ = true;
  end();
  return subscription_.close(flags, timeout);
}

void StreamCore::wake() noexcept {
  switch (waiting_.exchange(kNobody, std::memory_order_seq_cst)) {
    case kCoroutine: loop_->post(*this); break;
    case kThread: wake_.release(); break;
    default: break;
  }
}

bool StreamCore::pull() {
  for (;;) {
    if (chain_ == 0) chain_ = subscription_.inbox().take();
    if (chain_ == 0) return false;
    const std::uint64_t node = chain_;
    chain_ = Inbox::next(node);
    if (EventNode* const event = Inbox::event(node); event != nullptr) {
      handle_event(*event);
      delete event;
      continue;
    }
    batch_ = Inbox::batch(node);
    index_ = 0;
    batch_->host[1] = batch_->count;
    if (batch_->count != 0) return true;
    subscription_.release(*batch_);
    batch_ = nullptr;
  }
}

void StreamCore::handle_event(EventNode& node) {
  // Whoever takes deliveries by hand keeps no list of them, so a revoke is agreed to at once (rule G1): what it still
  // holds of those partitions will be stale.
  const bool known = node.event.kind == RST_EVENT_SUB_ASSIGNING || node.event.kind == RST_EVENT_SUB_REVOKING;
  if (node.answer != 0) subscription_.answer(node.answer, known ? RST_OK : rst_status(RST_E_UNSUPPORTED, 0));
  if (node.event.kind == RST_EVENT_SUB_ENDED) ended_ = true;
  events_.add(std::move(node.event));
}

bool StreamCore::available() { return batch_ != nullptr || pull() || ended_; }

bool StreamCore::suspend(std::coroutine_handle<> waiter) noexcept {
  waiter_ = waiter;
  loop_ = current_loop();
  while (!available()) {
    waiting_.store(kCoroutine, std::memory_order_seq_cst);
    if (subscription_.inbox().empty() && !ended_) return true;
    // Something came in between: wake() has taken the word and posts, or nobody has and there is no need to sleep.
    if (waiting_.exchange(kNobody, std::memory_order_seq_cst) == kNobody) return true;
  }
  return false;
}

bool StreamCore::wait(std::chrono::milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (!available()) {
    waiting_.store(kThread, std::memory_order_seq_cst);
    const bool woken = !subscription_.inbox().empty() || ended_ || wake_.try_acquire_until(until);
    if (waiting_.exchange(kNobody, std::memory_order_seq_cst) == kNobody) {
      if (!woken) return available();
      (void)wake_.try_acquire();  // the release that belongs to the word that wake() took
    }
    if (!woken) return available();
  }
  return true;
}

std::unexpected<Error> StreamCore::nothing() const {
  if (ended_) return fail(Code::closed, "the subscription to `" + std::string(subscription_.address()) + "` has ended");
  return fail(Code::timeout, "no message came in time", kRetryable);
}

Result<Delivery> StreamCore::take() {
  if (!available() || batch_ == nullptr) return nothing();
  rst_batch& batch = *batch_;
  const rst_message& message = message_at(batch, index_);
  if (++index_ == batch.count) batch_ = nullptr;
  return Delivery(subscription_, batch, message);
}

Result<DeliveryBatch> StreamCore::take(std::uint32_t most) {
  if (!available() || batch_ == nullptr) return nothing();
  rst_batch& batch = *batch_;
  const std::uint32_t first = index_;
  const std::uint32_t count = std::min(most == 0 ? 1 : most, batch.count - index_);
  index_ += count;
  if (index_ == batch.count) batch_ = nullptr;
  return DeliveryBatch(subscription_, batch, first, count);
}

}  // namespace detail

Delivery& Delivery::operator=(Delivery&& other) noexcept {
  std::swap(subscription_, other.subscription_);
  std::swap(batch_, other.batch_);
  std::swap(message_, other.message_);
  std::swap(arena_, other.arena_);
  return *this;
}

Delivery::~Delivery() {
  if (batch_ == nullptr) return;
  subscription_->forgotten.fetch_add(1, std::memory_order_relaxed);
  (void)std::move(*this).retry();
}

Message Delivery::message() const noexcept { return {*batch_, *message_, subscription_->address()}; }

Result<void> Delivery::settle(Outcome outcome) && {
  if (batch_ == nullptr) return fail(Code::settled, "this delivery has been settled or moved from");
  rst_batch& batch = *std::exchange(batch_, nullptr);
  Result<void> result;
  if (message_->token == 0) {
    subscription_->give_back(1, 0);
  } else {
    const rst_settle_detail detail = detail::detail_of(outcome);
    rst_settlement item = detail::settlement_of(*message_, outcome, detail);
    result = subscription_->settle({&item, 1});
    if (result) result = detail::status_of(item);
  }
  detail::drop(*subscription_, batch, 1);
  return result;
}

Result<void> Delivery::extend() {
  if (batch_ == nullptr) return fail(Code::settled, "this delivery has been settled or moved from");
  if (message_->token == 0) return fail(Code::unsupported, "there is nothing to extend: this kind has no settlement");
  rst_settlement item{};
  item.token = message_->token;
  item.verdict = RST_VERDICT_EXTEND;
  if (Result<void> handed = subscription_->settle({&item, 1}); !handed) return handed;
  return detail::status_of(item);
}

bool Delivery::decode_into(const TypeTable& table, const Codec& codec, void* object, Error& error) {
  if (arena_ == nullptr) arena_ = std::make_unique<Arena>();
  return codec.decode(table, {message_->payload, message_->payload_len, arena_.get()}, object, error);
}

DeliveryBatch::~DeliveryBatch() {
  if (batch_ == nullptr) return;
  subscription_->forgotten.fetch_add(count_, std::memory_order_relaxed);
  (void)std::move(*this).settle(ruststream::retry());
}

Message DeliveryBatch::operator[](std::uint32_t index) const noexcept {
  return {*batch_, detail::message_at(*batch_, first_ + index), subscription_->address()};
}

Result<void> DeliveryBatch::settle(Outcome outcome) && {
  return settle_each([&](std::uint32_t) -> const Outcome& { return outcome; });
}

Result<void> DeliveryBatch::settle(std::span<const Outcome> outcomes) && {
  if (outcomes.size() != count_) {
    (void)std::move(*this).settle(ruststream::retry());
    return fail(Code::invalid, "a batch of " + std::to_string(count_) + " got " + std::to_string(outcomes.size()) +
                                   " outcomes: all were retried");
  }
  return settle_each([&](std::uint32_t i) -> const Outcome& { return outcomes[i]; });
}

template <class OutcomeOf>
Result<void> DeliveryBatch::settle_each(OutcomeOf&& outcome_of) {
  if (batch_ == nullptr) return fail(Code::settled, "this batch has been settled or moved from");
  rst_batch& batch = *std::exchange(batch_, nullptr);
  std::vector<rst_settlement> items;
  std::vector<rst_settle_detail> details(count_);
  items.reserve(count_);
  for (std::uint32_t i = 0; i < count_; ++i) {
    const rst_message& message = detail::message_at(batch, first_ + i);
    details[i] = detail::detail_of(outcome_of(i));
    if (message.token != 0) items.push_back(detail::settlement_of(message, outcome_of(i), details[i]));
  }
  Result<void> result;
  if (!items.empty()) result = subscription_->settle(items);
  subscription_->give_back(count_ - static_cast<std::uint32_t>(items.size()), 0);
  for (auto item = items.begin(); result && item != items.end(); ++item) result = detail::status_of(*item);
  detail::drop(*subscription_, batch, count_);
  return result;
}

}  // namespace v0
}  // namespace ruststream
