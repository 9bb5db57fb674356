#include "core_producer.hpp"

#include "message.hpp"

namespace ruststream::nats {

CoreProducer::CoreProducer(sdk::Publisher& of, Link& on, const rst_publisher_spec& spec)
    : Producer(of, on), destination_(sdk::view(spec.destination)) {}

std::int32_t CoreProducer::publish(rst_publish& call, sdk::ErrorOut error) {
  Outgoings outgoings(destination_);
  std::shared_ptr<Publication> waiting;
  Outbox::Batch batch(link.outbox);
  const auto hold = [&](const Outgoing& out, std::uint32_t index) {
    Message copy = copy_of(out);
    if (copy == nullptr) return Outbox::Sent::kFailed;
    if (waiting == nullptr) waiting = std::make_shared<Publication>();
    const auto sent = batch.hold({std::move(copy), waiting, index, wire_size(out)});
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
        switch (batch.session() != nullptr ? send(out) : hold(out, index)) {
          case Outbox::Sent::kNoRoom: return -RST_E_BACKPRESSURE;
          case Outbox::Sent::kTooLarge: return -RST_E_TOO_LARGE;
          case Outbox::Sent::kFailed: return rst_status(RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE);
          default: return RST_OK;
        }
      });
  if (result < 0 || waiting == nullptr) return result;
  waiting->op = call.op;
  waiting->publisher = owner.id();
  waiting->statuses = call.op != 0 ? call.statuses : nullptr;
  waiting->deadline = after(call.timeout_ns, link.settings.op_timeout);
  return call.op != 0 && waiting->left != 0 ? RST_PENDING : RST_DONE;
}

std::int32_t CoreProducer::request(rst_publish& /*call*/, sdk::ErrorOut error) {
  return error(RST_E_UNSUPPORTED, "not yet");
}

std::int32_t CoreProducer::flush(std::uint64_t timeout_ns, std::uint64_t op, sdk::ErrorOut /*error*/) {
  link.io.post(owner.connection_id(),
               [deadline = after(timeout_ns, link.settings.op_timeout), op](Link& self) { self.flush(deadline, op); });
  return RST_PENDING;
}

void CoreProducer::close(bool /*abort*/, Time /*deadline*/) {
  link.producers.erase(owner.id());
  owner.closed();
}

}  // namespace ruststream::nats
