#pragma once
// Publishing: walking the messages, the accepted prefix, and the one PUB_WRITABLE that follows a refusal (rules P1,
// P4).

#include <ruststream/sdk/objects.hpp>

namespace ruststream::sdk {

/// The destination of a message: its own, or what its publisher was opened with.
[[nodiscard]] inline std::string_view destination_of(const rst_out_message& message,
                                                     std::string_view otherwise) noexcept {
  return message.destination != nullptr ? std::string_view{message.destination, message.destination_len} : otherwise;
}
[[nodiscard]] inline std::string_view payload_of(const rst_out_message& message) noexcept {
  return {reinterpret_cast<const char*>(message.payload), static_cast<std::size_t>(message.payload_len)};
}

/// Whether it has a reply address, correlation, message id or content type: what no capability declares, so a broker
/// that cannot carry it refuses the message (rule P3).
[[nodiscard]] inline bool has_meta(const rst_out_message& message) noexcept {
  const rst_out_props* const props = message.props;
  return props != nullptr &&
         (props->reply_to_len | props->correlation_len | props->message_id_len | props->content_type_len) != 0;
}

/// Walks the messages, whatever their stride. Those that the kind cannot carry get their status; for the others
/// `accept(const rst_out_message&, index)` gives it, or -RST_E_BACKPRESSURE when there is no room: then the prefix
/// before it is accepted and the publisher owes a PUB_WRITABLE. Writes statuses and `accepted`.
/// @return RST_DONE, or -RST_E_BACKPRESSURE when nothing was accepted.
template <typename Accept>
std::int32_t publish_each(rst_publish& call, Publisher& publisher, Refusals& refusals, ErrorOut error,
                          Accept&& accept) {
  const auto* at = reinterpret_cast<const std::byte*>(call.messages);
  std::uint32_t index = 0;
  for (; index != call.count; ++index, at += call.stride) {
    const auto& message = *reinterpret_cast<const rst_out_message*>(at);
    std::int32_t status = publisher.profile().check(message);
    if (status == RST_OK) status = accept(message, index);
    if (status == -RST_E_BACKPRESSURE) break;
    if (call.statuses != nullptr) call.statuses[index] = status;
  }
  call.accepted = index;
  if (index != call.count) publisher.refused(refusals);
  if (index != 0 || call.count == 0) return RST_DONE;
  return error.flagged(RST_E_BACKPRESSURE, RST_ERROR_RETRYABLE, "no room; publish again after PUB_WRITABLE");
}

}  // namespace ruststream::sdk
