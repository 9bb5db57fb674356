// What becomes of a handled message: failure policy, settlement, replies.
#include "runtime/deferred.hpp"

#include <algorithm>
#include <string>

namespace ruststream {
inline namespace v0 {
namespace detail {
namespace {

bool gives_back(const rst_settlement& item) noexcept { return item.verdict == RST_VERDICT_RELEASE; }

/// What was to be given back went back by itself, with its partition or its session: nothing is lost by it.
bool is_back_already(const rst_settlement& item) noexcept {
  return gives_back(item) && rst_status_code(item.status) == RST_E_STALE;
}

}  // namespace

void Consumer::log(log::Level level, std::int64_t code, std::string text) noexcept {
  const auto pass = rate_.admit(subscription_.id(), code, loop_.now());
  if (!pass.admitted) return;
  if (pass.suppressed != 0) text += " (and " + std::to_string(pass.suppressed) + " more like it)";
  logger_.write(level, "runtime", text, {{"subscription", config_.name}});
}

bool Consumer::decode(const TypeTable& table, Arena& arena, void* object, const MessageRef& ref) {
  if (config_.codec->decode(table, {ref.message->payload, ref.message->payload_len, &arena}, object, error_))
    return true;
  ++counts_.undecoded;
  return false;
}

void Consumer::undecoded(Invocation& invocation, const MessageRef& ref, bool element) noexcept {
  const Outcome outcome = on_failure(config_.on_decode_failure, ref, "the payload does not decode: " + error_.text);
  settle(ref, outcome);
  if (!element) ended(invocation.lane(), 0);
}

void Consumer::finish(Invocation& invocation, const Outcome& outcome, const std::function<void()>* then) noexcept {
  if (invocation.is_batch() || invocation.has_attached()) return finish_many(invocation, outcome, then);
  const MessageRef ref = invocation.message();
  if (outcome.verdict() == Verdict::ack) {
    acknowledge(*ref.message);
    if (unref(*ref.batch, 1) && finished_.size() >= kSettleAtOnce) flush();
  } else {
    settle(ref, outcome);
  }
  if (then != nullptr) continuations_.push_back(*then);
  ended(invocation.lane(), 1);
}

/// A batch, or publishes that have to be known first.
void Consumer::finish_many(Invocation& invocation, const Outcome& outcome, const std::function<void()>* then) noexcept {
  const MessageRef one = invocation.message();
  const std::span<const MessageRef> messages =
      invocation.is_batch() ? std::span<const MessageRef>(invocation.messages()) : std::span(&one, 1);
  if (PublishOp* const attached = invocation.take_attached(); attached != nullptr) {
    std::vector<std::pair<MessageRef, Outcome>> verdicts;
    for (const MessageRef& ref : messages) verdicts.emplace_back(ref, outcome);
    return defer(invocation, attached, std::move(verdicts), then);
  }
  if (outcome.verdict() == Verdict::ack) {
    acknowledge_all(messages);
  } else {
    for (const MessageRef& ref : messages) settle(ref, outcome);
  }
  if (then != nullptr) continuations_.push_back(*then);
  ended(kNoLane, messages.size());
}

void Consumer::finish(Invocation& invocation, std::span<const Outcome> outcomes) noexcept {
  const std::vector<MessageRef>& messages = invocation.messages();
  if (outcomes.size() != messages.size()) {
    log(log::Level::error, RST_E_INVALID,
        "the handler returned " + std::to_string(outcomes.size()) + " outcomes for " + std::to_string(messages.size()) +
            " messages: all of them are retried");
    return finish(invocation, retry(), nullptr);
  }
  std::vector<std::pair<MessageRef, Outcome>> verdicts;
  PublishOp* const attached = invocation.take_attached();
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (attached != nullptr) {
      verdicts.emplace_back(messages[i], outcomes[i]);
    } else {
      settle(messages[i], outcomes[i]);
    }
  }
  if (attached != nullptr) return defer(invocation, attached, std::move(verdicts), nullptr);
  ended(kNoLane, messages.size());
}

void Consumer::acknowledge(const rst_message& message) noexcept {
  if (message.token == 0) return subscription_.give_back(1, 0);
  if (room_.next == room_.end) flush();
  *room_.next++ = ack_of(message.token);
}

void Consumer::acknowledge_all(std::span<const MessageRef> messages) noexcept {
  for (std::size_t at = 0; at < messages.size();) {
    rst_batch& batch = *messages[at].batch;
    const std::size_t first = at;
    for (; at < messages.size() && messages[at].batch == &batch; ++at) acknowledge(*messages[at].message);
    unref(batch, at - first);
  }
  if (finished_.size() >= kSettleAtOnce) flush();
}

void Consumer::failed(Invocation& invocation, const Error& why) noexcept {
  const auto outcome_of = [&](const MessageRef& ref) { return on_failure(config_.on_failure, ref, why.text); };
  std::vector<std::pair<MessageRef, Outcome>> verdicts;
  if (invocation.is_batch()) {
    for (const MessageRef& ref : invocation.messages()) verdicts.emplace_back(ref, outcome_of(ref));
  } else {
    verdicts.emplace_back(invocation.message(), outcome_of(invocation.message()));
  }
  defer(invocation, invocation.take_attached(), std::move(verdicts), nullptr);
}

void Consumer::threw(Invocation& invocation, const std::exception_ptr& what) noexcept {
  std::string text;
  try {
    std::rethrow_exception(what);
  } catch (const Fatal& fatal) {
    app_.fail_fast("subscription `" + config_.name + "`: " + fatal.what());
    return finish(invocation, release(), nullptr);
  } catch (const std::exception& exception) {
    text = std::string("the handler threw: ") + exception.what();
  } catch (...) {
    text = "the handler threw something that is no std::exception";
  }
  failed(invocation, Error(Code::aborted, std::move(text)));
}

Outcome Consumer::on_failure(const FailurePolicy& policy, const MessageRef& ref, std::string_view what) noexcept {
  ++counts_.failed;
  const std::uint16_t attempt = ref.message->attempt;
  const bool last = config_.max_attempts != 0 && attempt >= config_.max_attempts;
  const char* then = "it is retried";
  Outcome outcome = retry();
  switch (policy.action) {
    case FailurePolicy::Action::fail_fast:
      app_.fail_fast("subscription `" + config_.name + "`: " + std::string(what));
      outcome = release();
      then = "the service stops";
      break;
    case FailurePolicy::Action::skip:
      outcome = ack();
      then = "it is skipped";
      break;
    case FailurePolicy::Action::reject:
      outcome = &policy == &config_.on_decode_failure ? reject("undecodable") : reject("failed");
      then = "it is rejected";
      break;
    case FailurePolicy::Action::retry:
      if (last) {
        outcome = reject("attempts used up");
        then = "its attempts are used up and it is rejected";
        break;
      }
      random_ ^= random_ << 13U;
      random_ ^= random_ >> 7U;
      random_ ^= random_ << 17U;
      const unsigned doublings = std::min<unsigned>(attempt > 1 ? attempt - 1U : 0U, 20U);
      const auto whole = std::min<std::chrono::nanoseconds>(policy.backoff * (1LL << doublings), policy.longest);
      const auto half = static_cast<std::uint64_t>(whole.count()) / 2;
      outcome = retry_after(std::chrono::nanoseconds(half + (half == 0 ? 0 : random_ % half)));
      break;
  }
  log(log::Level::warn, static_cast<std::int64_t>(policy.action),
      std::string(what) + "; attempt " + std::to_string(attempt) + ", " + then);
  return outcome;
}

void Consumer::push(const MessageRef& ref, Verdict verdict, std::chrono::nanoseconds delay,
                    std::string_view reason) noexcept {
  if (ref.message->token == 0) {
    subscription_.give_back(1, 0);
  } else {
    if (room_.next == room_.end) flush();
    rst_settlement& item = *room_.next++;
    item.token = ref.message->token;
    item.delay_ns = static_cast<std::uint64_t>(delay.count());
    item.detail = nullptr;
    item.verdict = static_cast<std::uint16_t>(verdict);
    item.flags = 0;
    item.status = 0;
    if (!reason.empty()) {
      rst_settle_detail& detail = details_.emplace_back();
      detail.struct_size = sizeof(detail);
      detail.reason = {reason.data(), reason.size()};
      item.detail = &detail;
    }
  }
  if (ref.batch != nullptr) unref(*ref.batch, 1);
  if (finished_.size() >= kSettleAtOnce) flush();
}

/// So many messages of the batch are over, perhaps all (true); with the last one its memory goes back, after their
/// settlement.
bool Consumer::unref(rst_batch& batch, std::uint64_t messages) noexcept {
  batch.host[1] -= messages;
  if (batch.host[1] != 0) return false;
  const std::uint64_t place = batch.host[0];
  live_[place] = live_.back();
  live_[place]->host[0] = place;
  live_.pop_back();
  finished_.push_back(&batch);
  return true;
}

void Consumer::flush() noexcept {
  if (const std::span due(settlements_.data(), unsettled()); !due.empty()) {
    bool some_refused = false;
    if (const Result<void> handed = subscription_.settle(due, &some_refused); !handed) {
      if (!std::ranges::all_of(due, gives_back)) {
        counts_.refused += due.size();
        log(log::Level::warn, static_cast<std::int64_t>(handed.error().code),
            "verdicts were refused, the broker will redeliver: " + handed.error().text);
      }
    } else if (some_refused) {
      for (const rst_settlement& item : due) {
        if (item.status >= 0 || item.verdict == RST_VERDICT_EXTEND || is_back_already(item)) continue;
        ++counts_.refused;
        const auto code = static_cast<Code>(rst_status_code(item.status));
        log(log::Level::warn, item.status,
            std::string("a verdict came too late, the broker may redeliver: ") + to_string(code));
      }
    }
    room_.next = settlements_.data();
    details_.clear();
  }
  subscription_.release(finished_);
  finished_.clear();
  while (!continuations_.empty()) {
    std::vector<std::function<void()>> due;
    due.swap(continuations_);
    for (const std::function<void()>& then : due) {
      try {
        then();
      } catch (const std::exception& exception) {
        log(log::Level::error, RST_E_INTERNAL, std::string("a continuation threw: ") + exception.what());
      } catch (...) {
        log(log::Level::error, RST_E_INTERNAL, "a continuation threw something that is no std::exception");
      }
    }
  }
}

void Consumer::defer(Invocation& invocation, PublishOp* attached, std::vector<std::pair<MessageRef, Outcome>> verdicts,
                     const std::function<void()>* then) noexcept {
  std::uint32_t lane = invocation.lane();
  if (config_.keyed && lane == kNoLane && !invocation.is_batch()) {  // all lanes are free: it takes its own now
    lane = lanes_.lane_of(*invocation.message().message);
    (void)lanes_.enter(lane, invocation.message());
  }
  auto* const deferred = new Deferred{.consumer = this,
                                      .lane = lane,
                                      .error = {},
                                      .verdicts = std::move(verdicts),
                                      .then = then != nullptr ? *then : std::function<void()>()};
  wait_for(*deferred, attached);
}

void Consumer::wait_for(Deferred& deferred, PublishOp* attached) noexcept {
  deferred.waiting = 1;
  deferred.link();
  while (attached != nullptr) {
    PublishOp& op = *std::exchange(attached, attached->beside);
    if (!op.done()) {
      op.op->context = &op;
      op.owner = &deferred;
      op.op->run = [](Ready* self) noexcept {
        auto& known = *static_cast<PublishOp*>(static_cast<Op*>(self)->context);
        auto& owner = *static_cast<Deferred*>(known.owner);
        owner.waited_for(known);
        owner.one_known(known);
        if (owner.waiting == 0) owner.conclude();
      };
      if (op.waited) {
        op.op->deadline = std::make_unique<Timer>(
            loop_,
            [](void* self) noexcept {
              auto& late = *static_cast<PublishOp*>(static_cast<Op*>(self)->context);
              late.publisher->give_up_waiting(late);
            },
            op.op);
        op.op->deadline->start(op.timeout);
      }
      if (op.op->notify(loop_)) {
        deferred.wait_for(op);
        continue;
      }
    }
    deferred.one_known(op);
  }
  if (--deferred.waiting == 0) deferred.conclude();
}

/// The common reply: to the registration's own destination, known when the call returns. False: nothing was done.
bool Consumer::reply_in_line(Invocation& invocation, const TypeTable& table, const void* value) noexcept {
  if (line_ == nullptr) line_ = &config_.replies->make_line();
  line_->text.clear();
  if (!config_.codec->encode(table, value, line_->text, error_)) return false;
  const std::int32_t status = config_.replies->send_line(*line_);
  if (status == RST_PENDING) {
    invocation.attach(*std::exchange(line_, nullptr));
    return true;
  }
  return status == RST_DONE;
}

void Consumer::reply(Invocation& invocation, const TypeTable& table, const void* value) noexcept {
  std::shared_ptr<PublisherCore> publisher = config_.replies;
  std::string_view destination;
  const MessageRef ref = invocation.message();
  const Message message(*ref.batch, *ref.message, subscription_.address());
  if (publisher == nullptr) {
    publisher = config_.publisher;
    destination = message.reply_to();
    if (destination.empty()) {
      log(log::Level::debug, 0, "a reply was not published: nobody asked for one, and no reply_to is set");
      return;
    }
  }
  if (destination.empty() && message.correlation_id().empty() && reply_in_line(invocation, table, value)) return;
  PublishBuilder builder(*publisher, &invocation);
  builder = std::move(builder).value(table, value, *config_.codec);
  if (!destination.empty()) builder = std::move(builder).to(destination);
  if (!message.correlation_id().empty()) builder = std::move(builder).correlation_id(message.correlation_id());
  (void)std::move(builder).publish();  // dropped: it attaches itself to the invocation unless it is done and well
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
