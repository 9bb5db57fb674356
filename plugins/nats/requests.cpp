#include "requests.hpp"

#include "errors.hpp"
#include "link.hpp"

#include <algorithm>
#include <charconv>

namespace ruststream::nats {
namespace {

constexpr std::uint64_t kIndexMask = Requests::kMost - 1;

/// The number behind the last dot.
std::uint64_t token_of(std::string_view subject) {
  std::uint64_t token = 0;
  const auto digits = subject.substr(subject.rfind('.') + 1);
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), token);
  return failed == std::errc() && end == digits.data() + digits.size() ? token : 0;
}

}  // namespace

Requests::Requests(Link& link, const std::string& inbox_prefix)
    : link_(link),
      prefix_(new_inbox(inbox_prefix)),
      replies_(sdk::BatchPool<Received>::make(1)),
      shared_(std::make_shared<Inbox>()) {
  shared_->of = this;
}

Requests::~Requests() {
  const std::lock_guard lock(shared_->mutex);
  shared_->of = nullptr;
}

Requests::Asked Requests::add(sdk::Publisher& publisher, std::uint64_t op, Time deadline) {
  wanted_.store(true, std::memory_order_release);
  const std::lock_guard lock(mutex_);
  if (free_.empty()) {
    if (slots_.size() == kMost) return {};
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  const std::uint64_t token = ++rounds_ * kMost | index;
  slots_[index] = {&publisher, op, token, deadline};
  due_.push_back({deadline, token});
  std::push_heap(due_.begin(), due_.end(), std::greater{});
  if (deadline < armed_) {
    armed_ = deadline;
    link_.io.post(link_.owner.id(), [this](Link&) { arm(); });
  }
  return {token, prefix_ + std::to_string(token)};
}

bool Requests::forget(std::uint64_t token) {
  const std::lock_guard lock(mutex_);
  Slot* const slot = find(token);
  if (slot != nullptr) free(*slot);
  return slot != nullptr;
}

Requests::Slot* Requests::find(std::uint64_t token) noexcept {
  const std::uint64_t index = token & kIndexMask;
  if (index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  return slot.publisher != nullptr && slot.token == token ? &slot : nullptr;
}

void Requests::free(Slot& slot) {
  free_.push_back(static_cast<std::uint32_t>(slot.token & kIndexMask));
  slot = {};
  const std::size_t waiting = slots_.size() - free_.size();
  if (due_.size() <= 2 * waiting + 64) return;
  std::erase_if(due_, [this](const Due& due) { return find(due.token) == nullptr; });
  std::make_heap(due_.begin(), due_.end(), std::greater{});
}

void Requests::received(natsConnection* /*nc*/, natsSubscription* /*subscription*/, natsMsg* message, void* inbox) {
  const auto& shared = *static_cast<std::shared_ptr<Inbox>*>(inbox);
  sdk::Publisher* pinned = nullptr;
  {
    const std::lock_guard lock(shared->mutex);
    if (shared->of == nullptr) return natsMsg_Destroy(message);
    pinned = shared->of->replied(message);
  }
  // It may have been closed meanwhile: then it ends here, maybe with its connection, whose Requests take the lock.
  if (pinned != nullptr) pinned->unpin();
}

sdk::Publisher* Requests::replied(natsMsg* message) {
  Message owned(message);
  Slot slot;
  {
    const std::lock_guard lock(mutex_);
    Slot* const found = find(token_of(natsMsg_GetSubject(message)));
    if (found == nullptr) return nullptr;  // late, or not for us
    slot = *found;
    free(*found);
    if (!slot.publisher->try_pin()) return nullptr;
  }
  const sdk::Host& host = slot.publisher->host();
  if (natsMsg_IsNoResponders(message)) {
    host.fail(slot.op, make_error(RST_E_NO_ROUTE, RST_ERROR_RETRYABLE, "nobody listens to the request's subject"));
  } else {
    auto& batch = replies_->acquire();
    add_received(batch, owned.release(), true);
    host.complete(slot.op, reinterpret_cast<std::uint64_t>(&batch.raw()));
  }
  return slot.publisher;
}

void Requests::open_inbox(Session& session) {
  if (subscription_ != nullptr || !wanted_.load(std::memory_order_acquire)) return;
  auto* const closure = new std::shared_ptr<Inbox>(shared_);
  natsSubscription* made = nullptr;
  const natsStatus status =
      natsConnection_Subscribe(&made, session.nc(), (prefix_ + '*').c_str(), &Requests::received, closure);
  if (status != NATS_OK) {
    delete closure;  // requests time out; the session is on its way down
    return;
  }
  (void)natsSubscription_SetPendingLimits(made, -1, -1);  // one reply for each of kMost requests
  (void)natsSubscription_SetOnCompleteCB(
      made, [](void* inbox) { delete static_cast<std::shared_ptr<Inbox>*>(inbox); }, closure);
  subscription_ = made;
  has_inbox_.store(true, std::memory_order_release);
}

void Requests::session_down() {
  has_inbox_.store(false, std::memory_order_release);
  natsSubscription_Destroy(std::exchange(subscription_, nullptr));
}

void Requests::fail(const sdk::Publisher& publisher, const rst_error& why) {
  std::vector<std::uint64_t> ops;
  {
    const std::lock_guard lock(mutex_);
    for (Slot& slot : slots_) {
      if (slot.publisher != &publisher) continue;
      ops.push_back(slot.op);
      free(slot);
    }
  }
  for (const std::uint64_t op : ops) publisher.host().fail(op, why);
}

bool Requests::any(const sdk::Publisher& publisher) {
  const std::lock_guard lock(mutex_);
  return std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.publisher == &publisher; });
}

void Requests::stop_timer() { link_.io.timers.cancel(timer_); }

void Requests::arm() {
  const std::lock_guard lock(mutex_);
  while (!due_.empty() && find(due_.front().token) == nullptr) {
    std::pop_heap(due_.begin(), due_.end(), std::greater{});
    due_.pop_back();
  }
  link_.io.timers.cancel(timer_);
  armed_ = due_.empty() ? kNever : due_.front().deadline;
  if (armed_ != kNever) timer_ = link_.io.timers.at(armed_, [this] { expire(); });
}

void Requests::expire() {
  std::vector<std::uint64_t> ops;
  const Time now = Clock::now();
  {
    const std::lock_guard lock(mutex_);
    while (!due_.empty() && due_.front().deadline <= now) {
      const std::uint64_t token = due_.front().token;
      std::pop_heap(due_.begin(), due_.end(), std::greater{});
      due_.pop_back();
      Slot* const slot = find(token);
      if (slot == nullptr) continue;
      ops.push_back(slot->op);
      free(*slot);
    }
  }
  const auto late = make_error(RST_E_TIMEOUT, RST_ERROR_RETRYABLE | RST_ERROR_MAYBE_APPLIED, "no reply came in time");
  for (const std::uint64_t op : ops) link_.owner.host().fail(op, late);
  arm();
}

}  // namespace ruststream::nats
