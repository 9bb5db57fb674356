// Request and reply: a request is a message with a reply address that exists as long as it waits.
#include "broker.hpp"

namespace ruststream::memory {

std::int32_t Broker::request(Publisher& publisher, rst_publish& call, sdk::ErrorOut error) {
  const auto timeout_ns = call.timeout_ns != 0 ? call.timeout_ns : publisher.connection.options.request_timeout_ns;
  rst_out_message message = *call.messages;
  const std::string_view named{message.destination, message.destination != nullptr ? message.destination_len : 0U};
  rst_out_props props{};
  props.struct_size = sizeof props;
  props.priority = props.partition = -1;
  if (message.props != nullptr) props = *message.props;
  const auto now_ns = clock_.wall_ns();
  Turn turn(*this);
  if (const auto refused = may_publish(publisher, error); refused != RST_DONE) return refused;
  if (requests_.full()) return error(RST_E_EXHAUSTED, Requests::kMostWaiting, " requests are waiting for their reply");
  std::int32_t code = RST_OK;
  Topic* topic = resolve(publisher, named, code);
  if (topic == nullptr) return error(code, "destination `", sdk::subject(named), "` takes no request: no such topic");
  Request& request = requests_.add(publisher.connection, call.op);
  const auto inbox = Requests::inbox(request);
  props.reply_to = reinterpret_cast<const std::uint8_t*>(inbox.data());
  props.reply_to_len = static_cast<std::uint32_t>(inbox.size());
  message.props = &props;
  message.flags |= RST_OUT_MANDATORY;
  const auto status = store(turn, publisher, *topic, message, now_ns, call.receipts, nullptr);
  if (status < 0) {
    requests_.take(request);
    code = -status;
    if (code == RST_E_BACKPRESSURE) refuse(publisher, *topic);
    return error(
        code, "nobody takes requests at `", sdk::subject(topic->name),
        code == RST_E_NO_ROUTE ? "`: it has no subscription and no group" : "` in this form or at this moment");
  }
  ++publisher.published;
  call.accepted = 1;
  if (call.statuses != nullptr) call.statuses[0] = status;
  arm(request, later(clock_.monotonic_ns(), timeout_ns));
  pump_ready(turn);
  return RST_PENDING;
}

/// Hands a reply to whom it is for; unrouted when nobody waits at this address (any more).
std::int32_t Broker::reply(Turn& turn, const rst_out_message& message, std::string_view inbox, std::int64_t now_ns) {
  const auto parts = parts_of(message);
  const RecordLayout layout(parts);
  if (!layout.fits()) return -RST_E_TOO_LARGE;
  const auto request = requests_.take(inbox);
  if (request == nullptr) return (message.flags & RST_OUT_MANDATORY) != 0 ? -RST_E_NO_ROUTE : RST_OK_UNROUTED;
  arm(*request, kNever);
  Record* record = make_record(slabs_, replies_, replies_.name, parts, layout);
  ++replies_.records;
  record->timestamp_ns = now_ns;
  record->sequence = ++sequence_;
  if (!batches_.has_spare(1)) collect_returned();
  Batch& batch = batches_.take(1);
  fill_reply(batch, *record);
  turn.complete(request->connection.object, request->op, reinterpret_cast<std::uintptr_t>(&batch.head));
  return RST_OK;
}

}  // namespace ruststream::memory
