// Outcome × plan: what the broker is told, or what is done in its stead where it cannot.
#include "runtime/deferred.hpp"

#include <algorithm>
#include <string>

namespace ruststream {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::chrono::nanoseconds kLongestDelay = std::chrono::hours(1);

}  // namespace

std::chrono::nanoseconds longest_kept_delay(const Plan& plan) noexcept {
  if (plan.can(RST_CAP_RETRY_AFTER)) return {};
  const bool expires = plan.ack_deadline.count() > 0 && !plan.can(RST_CAP_EXTEND);
  return expires ? std::min(kLongestDelay, plan.ack_deadline / 2) : kLongestDelay;
}

void Consumer::put_back(const MessageRef& ref) noexcept {
  if (ref.message->token == 0 || config_.plan.can(RST_CAP_RELEASE)) return push(ref, Verdict::release, {}, {});
  subscription_.give_back(1, 0);  // left unsettled: the broker takes it back in its own time (rule S4)
  unref(*ref.batch, 1);
}

void Consumer::settle(const MessageRef& ref, const Outcome& outcome) noexcept {
  const Plan& plan = config_.plan;
  if (outcome.verdict() == Verdict::ack) return push(ref, Verdict::ack, {}, {});
  if (ref.message->token == 0) {
    if (outcome.verdict() == Verdict::retry) {
      ++counts_.lost;
      log(log::Level::warn, RST_E_UNSUPPORTED,
          "a message is lost: it was to be retried, and this kind cannot redeliver");
    }
    return push(ref, outcome.verdict(), {}, {});
  }
  if (outcome.verdict() == Verdict::retry) {
    if (outcome.delay().count() > 0 && plan.can(RST_CAP_RETRY_AFTER)) {
      const auto longest = std::chrono::nanoseconds(plan.max_delay_ns);
      const auto delay = longest.count() > 0 ? std::min(outcome.delay(), longest) : outcome.delay();
      return push(ref, Verdict::retry, delay, outcome.reason());
    }
    if (outcome.delay().count() > 0 && !stopping_) return retry_later(ref, outcome);
    if (plan.can(RST_CAP_RETRY)) return push(ref, Verdict::retry, {}, outcome.reason());
    if ((plan.flags & RST_PLAN_COPY_PRIVATE) != 0 && copy_to(plan.copy_address, ref, outcome.reason())) return;
    return settle(ref, release());
  }
  if (outcome.verdict() == Verdict::release && !plan.can(RST_CAP_RELEASE)) {
    if (outcome.delay().count() > 0 && !stopping_) return retry_later(ref, outcome);
    if (plan.can(RST_CAP_RETRY)) return push(ref, Verdict::retry, {}, {});
    return put_back(ref);
  }
  if (outcome.verdict() == Verdict::reject && !config_.dead_letter.empty() && !plan.can(RST_CAP_REJECT_TO) &&
      copy_to(config_.dead_letter, ref, outcome.reason())) {
    return;
  }
  if (outcome.verdict() == Verdict::reject && !plan.can(RST_CAP_REJECT)) {
    ++counts_.lost;
    log(log::Level::warn, RST_E_UNSUPPORTED, "a rejected message is acknowledged: this kind cannot reject");
    return push(ref, Verdict::ack, {}, {});
  }
  push(ref, outcome.verdict(), {}, outcome.reason());
}

/// Of partitions that go, or all: at their time the broker would hear of it too late.
void Consumer::retry_now(bool all) noexcept {
  for (const Delayed& each : std::exchange(delayed_, {})) {
    if (all || gone(each.ref)) {
      settle(each.ref, Outcome(Verdict::retry, {}, each.reason));
    } else {
      delayed_.push_back(each);
    }
  }
  std::ranges::make_heap(delayed_, std::less{});
}

/// It stays unsettled, so it holds its place in the window, and EXTEND keeps it where there is one.
void Consumer::retry_later(const MessageRef& ref, const Outcome& outcome) noexcept {
  const auto delay = std::min(outcome.delay(), longest_kept_delay(config_.plan));
  delayed_.push_back({ref, outcome.reason(), loop_.now() + delay});
  std::ranges::push_heap(delayed_, std::less{});
  if (!delay_timer_) {
    delay_timer_.emplace(loop_, [](void* self) noexcept { static_cast<Consumer*>(self)->retry_due(); }, this);
  }
  if (delayed_.front().ref.message == ref.message) delay_timer_->start(delay);
}

void Consumer::retry_due() noexcept {
  const auto now = loop_.now();
  while (!delayed_.empty() && delayed_.front().due <= now) {
    std::ranges::pop_heap(delayed_, std::less{});
    const Delayed due = delayed_.back();
    delayed_.pop_back();
    settle(due.ref, Outcome(Verdict::retry, {}, due.reason));
  }
  if (!delayed_.empty()) delay_timer_->start(delayed_.front().due - now);
  flush_soon();
}

bool Consumer::copy_to(const std::string& destination, const MessageRef& ref, std::string_view reason) noexcept {
  if (config_.publisher == nullptr || destination.empty()) return false;
  const Message message(*ref.batch, *ref.message, subscription_.address());
  PublishBuilder builder(*config_.publisher, nullptr);
  builder = std::move(builder).payload(message.payload()).to(destination);
  if (message.key()) builder = std::move(builder).key(*message.key());
  for (const Header header : message.headers()) builder = std::move(builder).header(header.name, header.value);
  if (!message.reply_to().empty()) builder = std::move(builder).reply_to(message.reply_to());
  if (!message.correlation_id().empty()) builder = std::move(builder).correlation_id(message.correlation_id());
  if (!message.content_type().empty()) builder = std::move(builder).content_type(message.content_type());
  if (const std::string_view id = message.message_id(); !id.empty()) {
    // As its id the broker would take the copy for the message that it has seen already, and drop it.
    builder = config_.deduplicates ? std::move(builder).header("x-ruststream-message-id", id)
                                   : std::move(builder).message_id(id);
  }
  builder = std::move(builder).header("x-ruststream-from", message.address());
  builder = std::move(builder).header("x-ruststream-attempt", std::to_string(message.attempt()));
  if (!reason.empty()) builder = std::move(builder).header("x-ruststream-reason", reason);
  // Confirmed first, acknowledged then; failing that the original stays with the broker.
  ++running_;
  Invocation copying(*this, ref, kNoLane, room_);
  if (PublishOp* const op = std::move(builder).publish().detach_op(); op != nullptr) copying.attach(*op);
  PublishOp* const attached = copying.take_attached();
  if (attached == nullptr) {
    --running_;
    push(ref, Verdict::ack, {}, {});
    return true;
  }
  auto* const deferred = new Deferred{
      .consumer = this, .lane = kNoLane, .copies = true, .error = {}, .verdicts = {{ref, ack()}}, .then = {}};
  wait_for(*deferred, attached);
  return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
