#include "client/mutant.hpp"
#include "client/stream_core.hpp"

#include "client/errands.hpp"

#include <algorithm>
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

/// Hands over verdicts of messages that nobody holds any more. What the kind refuses is as good as forgotten.
Result<void> settle_all(SubscriptionCore& subscription, std::span<rst_settlement> items) {
  bool refused = false;
  Result<void> result = subscription.settle(items, &refused);
  if (!result || !refused) return result;
  for (auto item = items.begin(); result && item != items.end(); ++item) result = status_of(*item);
  const auto ended = std::ranges::remove_if(items, [](const rst_settlement& item) {
    return item.status >= 0 || rst_status_code(item.status) != RST_E_UNSUPPORTED;
  });
  subscription.forget(items.first(items.size() - ended.size()));
  return result;
}

}  // namespace

StreamCore::StreamCore(std::shared_ptr<ConnectionCore> connection, std::string address, SubscriptionCore::Window window,
                       std::optional<Verdict> forgotten)
    : connection_(std::move(connection)), subscription_(acquire(*connection_, id_)) {
  subscription_.open(connection_, id_, std::move(address), window, forgotten);
  connection_->join(*this);
  subscription_.set_waker(this);
  run = [](Ready* self) noexcept {
    StreamCore& core = *static_cast<StreamCore*>(self);
    if (!core.suspend(core.waiter_)) core.waiter_.resume();  // a batch may be lost before it is taken: it sleeps again
  };
}

StreamCore::~StreamCore() {
  connection_->leave(*this);
  if (subscription_.handle() != 0 && !closed_) {
    connection_->instance().close_later(subscription_.close(0, Instance::kCloseWait));
  }
  if (batch_ != nullptr) drop(subscription_, *batch_, batch_->count - index_);
  while (pull()) drop(subscription_, *batch_, batch_->count);
  subscription_.drop_reference();
}

OpRef StreamCore::subscribe(rst_subscription_spec spec) {
  Instance& instance = connection_->instance();
  return instance.open(
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

bool StreamCore::ready() {
  while (batch_ != nullptr || pull()) {
    const rst_message& message = message_at(*batch_, index_);
    if (!lost(*batch_, message)) return true;
    rst_settlement item{};
    item.token = message.token;
    subscription_.put_back({&item, 1}, Verdict::release);
    rst_batch& batch = *batch_;
    if (++index_ == batch.count) batch_ = nullptr;
    drop(subscription_, batch, 1);
  }
  return false;
}

bool StreamCore::pull() {
  for (;;) {
    if (chain_ == 0) chain_ = subscription_.inbox().take();
    if (chain_ == 0) return false;
    rst_batch& batch = *Inbox::batch(chain_);  // on_event() lets no event in
    chain_ = Inbox::next(chain_);
    index_ = 0;
    batch.host[1] = batch.count;
    batch_ = batch.count != 0 ? &batch : nullptr;
    if (batch_ != nullptr) return true;
    subscription_.release(batch);
  }
}

bool StreamCore::on_event(EventNode& node) noexcept {
  // Whoever takes deliveries by hand keeps no list of them, so a revoke is agreed to at once (rule G1): what it still
  // holds of those partitions will be stale.
  const std::uint32_t kind = node.event.kind;
  if (kind == RST_EVENT_SUB_REVOKING || kind == RST_EVENT_SUB_LOST) {
    for (const rst_partition& partition : node.partitions) lose(partition);
  }
  const bool known = kind == RST_EVENT_SUB_ASSIGNING || kind == RST_EVENT_SUB_REVOKING;
  if (node.answer != 0) {
    connection_->instance().errands().answer(node.answer, known ? RST_OK : rst_status(RST_E_UNSUPPORTED, 0));
  }
  events_.add(std::move(node.event));
  if (kind == RST_EVENT_SUB_ENDED) end();
  return true;
}

void StreamCore::lose(const rst_partition& partition) {
  const std::scoped_lock lock(lost_mutex_);
  const auto known = std::ranges::find(lost_, partition.partition, &rst_partition::partition);
  if (known == lost_.end()) {
    lost_.push_back(partition);
  } else {
    known->generation = std::max(known->generation, partition.generation);
  }
  any_lost_.store(true, std::memory_order_release);
}

bool StreamCore::lost(const rst_batch& batch, const rst_message& message) const {
  if (mutant(13) || !any_lost_.load(std::memory_order_acquire)) return false;
  const std::scoped_lock lock(lost_mutex_);
  return std::ranges::any_of(lost_, [&](const rst_partition& partition) {
    return partition.partition == message.partition && batch.generation < partition.generation;
  });
}

bool StreamCore::available() { return ready() || ended_; }

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
  const std::uint32_t end = first + std::min(most == 0 ? 1 : most, batch.count - first);
  do {
    ++index_;
  } while (index_ != end && !lost(batch, message_at(batch, index_)));
  const std::uint32_t count = index_ - first;
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
  rst_settlement item{};
  item.token = message_->token;
  subscription_->forget({&item, 1});
  detail::drop(*subscription_, *batch_, 1);
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
    result = detail::settle_all(*subscription_, {&item, 1});
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
  if (batch_ != nullptr) forget();
}

void DeliveryBatch::forget() noexcept {
  subscription_->forgotten.fetch_add(count_, std::memory_order_relaxed);
  rst_batch& batch = *std::exchange(batch_, nullptr);
  std::vector<rst_settlement> items(count_);
  for (std::uint32_t i = 0; i < count_; ++i) items[i].token = detail::message_at(batch, first_ + i).token;
  subscription_->forget(items);
  detail::drop(*subscription_, batch, count_);
}

Message DeliveryBatch::operator[](std::uint32_t index) const noexcept {
  return {*batch_, detail::message_at(*batch_, first_ + index), subscription_->address()};
}

Result<void> DeliveryBatch::settle(Outcome outcome) && {
  return settle_each([&](std::uint32_t) -> const Outcome& { return outcome; });
}

Result<void> DeliveryBatch::settle(std::span<const Outcome> outcomes) && {
  if (batch_ != nullptr && outcomes.size() != count_) {
    forget();
    return fail(Code::invalid, "a batch of " + std::to_string(count_) + " got " + std::to_string(outcomes.size()) +
                                   " outcomes: all were given back");
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
  if (!items.empty()) result = detail::settle_all(*subscription_, items);
  subscription_->give_back(count_ - static_cast<std::uint32_t>(items.size()), 0);
  detail::drop(*subscription_, batch, count_);
  return result;
}

}  // namespace v0
}  // namespace ruststream
