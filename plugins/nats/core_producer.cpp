#include "core_producer.hpp"

#include "errors.hpp"
#include "message.hpp"

namespace ruststream::nats {
namespace {

constexpr auto kLookAgain = 5ms;  // whether a closing publisher has nothing left

}  // namespace

CoreProducer::CoreProducer(sdk::Publisher& of, Link& on, const rst_publisher_spec& spec)
    : Producer(of, on), destination_(sdk::view(spec.destination)) {}

std::int32_t CoreProducer::publish(rst_publish& call, sdk::ErrorOut error) {
  Outgoings outgoings(destination_);
  std::shared_ptr<Publication> waiting;
  std::uint64_t published = 0;
  Outbox::Batch batch(link.outbox);
  const auto hold = [&](const Outgoing& out, std::uint32_t index) {
    Message copy = copy_of(out);
    if (copy == nullptr) return Outbox::Sent::kFailed;
    if (waiting == nullptr) waiting = std::make_shared<Publication>();
    const Time deadline = after(call.timeout_ns, link.settings.op_timeout);
    const auto sent = batch.hold({std::move(copy), waiting, index, wire_size(out), deadline});
    if (sent == Outbox::Sent::kHeld) ++waiting->left;
    return sent;
  };
  const auto send = [&](const Outgoing& out) {
    if (!out.has_headers) return batch.publish(out.subject, out.reply, out.payload);
    const Message copy = copy_of(out);
    return copy == nullptr ? Outbox::Sent::kFailed : batch.publish(*copy, wire_size(out));
  };
  const std::int32_t result = sdk::publish_each(
      call, owner, link.outbox.refusals, error, [&](const rst_out_message& message, std::uint32_t index) {
        Outgoing out;
        if (const auto refused = outgoings.make(message, out); refused != RST_OK) return refused;
        const auto status = Outbox::status_of(batch.session() != nullptr ? send(out) : hold(out, index));
        if (status == RST_OK) ++published;
        return status;
      });
  published_.fetch_add(published, std::memory_order_relaxed);
  if (result < 0 || waiting == nullptr) return result;
  waiting->op = call.op;
  waiting->publisher = owner.id();
  waiting->statuses = call.op != 0 ? call.statuses : nullptr;
  return call.op != 0 && waiting->left != 0 ? RST_PENDING : RST_DONE;
}

std::int32_t CoreProducer::request(rst_publish& call, sdk::ErrorOut error) {
  const rst_out_message& message = *call.messages;
  const auto pending = [&] {
    call.accepted = 1;
    if (call.statuses != nullptr) call.statuses[0] = RST_OK;
    return RST_PENDING;
  };
  Outgoings outgoings(destination_);
  Outgoing out;
  std::int32_t refused = owner.profile().check(message);
  if (refused == RST_OK) refused = outgoings.make(message, out);
  if (refused != RST_OK) return error(-refused, "the request's subject or headers cannot be sent as they are");
  const Time deadline = after(call.timeout_ns, link.settings.op_timeout);
  const Requests::Asked asked = link.requests.add(owner, call.op, deadline);
  if (asked.token == 0) {
    return error.flagged(RST_E_EXHAUSTED, RST_ERROR_RETRYABLE, Requests::kMost, " requests wait for their replies");
  }
  if (ended_.load()) {  // beside this call: nobody would fail it any more, or somebody has
    return link.requests.forget(asked.token) ? error(RST_E_CLOSED, "the publisher was closed") : pending();
  }
  out.reply = asked.reply.c_str();
  const Message copy = out.has_headers ? copy_of(out) : nullptr;
  Outbox::Batch batch(link.outbox);
  Outbox::Sent sent = Outbox::Sent::kFailed;
  if (batch.session() == nullptr || !link.requests.has_inbox()) {
    sent = batch.hold({copy_of(out), nullptr, 0, wire_size(out), deadline});
  } else {
    sent = out.has_headers ? batch.publish(*copy, wire_size(out)) : batch.publish(out.subject, out.reply, out.payload);
  }
  if (sent == Outbox::Sent::kHandedOver || sent == Outbox::Sent::kHeld) {
    published_.fetch_add(1, std::memory_order_relaxed);
    return pending();
  }
  if (!link.requests.forget(asked.token)) return pending();
  if (sent == Outbox::Sent::kTooLarge) {
    return error(RST_E_TOO_LARGE, "the request has ", wire_size(out), " bytes, ", batch.max_payload(), " are allowed");
  }
  if (sent == Outbox::Sent::kFailed) return error.flagged(RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE, "cnats refuses it");
  owner.refused(link.outbox.refusals);
  return error.flagged(RST_E_BACKPRESSURE, RST_ERROR_RETRYABLE, "no room; request again after PUB_WRITABLE");
}

std::int32_t CoreProducer::flush(std::uint64_t timeout_ns, std::uint64_t op, sdk::ErrorOut /*error*/) {
  link.io.post(owner.connection_id(),
               [deadline = after(timeout_ns, link.settings.op_timeout), op](Link& self) { self.flush(deadline, op); });
  return RST_PENDING;
}

/// What it had accepted is sent, what it asked is answered, until the deadline.
void CoreProducer::close(bool abort, Time deadline) {
  link.io.timers.cancel(timer_);
  if (abort || Clock::now() >= deadline) return end();
  if (!link.requests.any(owner) && !link.outbox.holds(owner.id())) return end();
  timer_ = link.io.timers.at(std::min(deadline, Clock::now() + kLookAgain), [this, deadline] {
    timer_ = Timers::kNone;
    close(false, deadline);
  });
}

/// One message to a subject that this connection may not publish to, of this publisher as far as can be known.
void CoreProducer::refused(std::string_view what) {
  if (!destination_.empty() && what.find('"' + destination_ + '"') == std::string_view::npos) return;
  const auto error = error_of(NATS_NOT_PERMITTED, "publish", what);
  rst_event event = sdk::Host::event(RST_EVENT_PUB_FAILED, owner.about());
  event.error = &error;
  event.value = 1;
  owner.host().send(event);
}

void CoreProducer::snapshot(std::vector<rst_stat>& stats) const {
  stats.push_back({RST_STAT_PUBLISHED, 0, published_.load(std::memory_order_relaxed)});
}

void CoreProducer::end() {
  const auto why = make_error(RST_E_CANCELLED, RST_ERROR_MAYBE_APPLIED, "the publisher was closed");
  ended_.store(true);
  link.requests.fail(owner, why);
  const auto dropped = link.drop(owner.id());
  link.producers.erase(owner.id());
  owner.closed(dropped);  // it may be gone
}

}  // namespace ruststream::nats
