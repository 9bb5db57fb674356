// What JetStream writes into subjects, status headers and acknowledgements: parsed, without any connection.
#pragma once

#include <ruststream/abi/position.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace ruststream::nats {

/// What the reply subject of a delivery says: `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<numbers>`.
struct AckSubject {
  std::string_view stream, consumer;
  std::uint64_t delivered = 0;  // how often, from 1
  std::uint64_t stream_sequence = 0;
  std::uint64_t consumer_sequence = 0;
  std::int64_t time_ns = 0;    // when the stream stored it, since the epoch
  std::uint64_t pending = 0;   // of this consumer, behind it
  std::size_t numbers_at = 0;  // what is before is the same for all deliveries of the consumer
};
[[nodiscard]] std::optional<AckSubject> parse_ack_subject(std::string_view subject) noexcept;

/// The numbers alone, from numbers_at on.
[[nodiscard]] inline bool parse_ack_numbers(std::string_view text, AckSubject& into) noexcept {
  std::size_t at = 0;
  const auto number = [&](auto& value) {
    std::uint64_t sum = 0;
    const std::size_t begin = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      sum = sum * 10 + static_cast<std::uint64_t>(text[at] - '0');
    }
    value = static_cast<std::remove_reference_t<decltype(value)>>(sum);
    if (at == begin || (at != text.size() && text[at] != '.')) return false;
    at = std::min(at + 1, text.size());
    return true;
  };
  return number(into.delivered) && number(into.stream_sequence) && number(into.consumer_sequence) &&
         number(into.time_ns) && number(into.pending);
}

/// A message of the server's own on the inbox of a pull: no payload, no reply subject, a status in its headers.
enum class PullEnd : std::uint8_t {
  kAlive,     // 100: an idle heartbeat, nothing ends
  kExpired,   // 404, 408, and a 409 about size: the rest of the request is over
  kRefused,   // 409, 423: the server did not take the request
  kMoved,     // 409: the leader changes or the server shuts down
  kDeleted,   // 409: the consumer is gone
  kUnusable,  // 409 and others: asking again gives the same
};
[[nodiscard]] PullEnd pull_end(std::string_view code, std::string_view description) noexcept;

/// The answer to a publish.
struct PublishAck {
  std::uint64_t sequence = 0;
  bool duplicate = false;
  std::int32_t code = 0;        // of the error, as HTTP has them; 0: stored
  std::int32_t error_code = 0;  // JetStream's own number
  std::string error;
};
/// nullopt: this is no such answer.
[[nodiscard]] std::optional<PublishAck> parse_publish_ack(std::string_view text);

/// What a JetStream error is in the contract's terms.
struct ApiFault {
  std::int32_t code;
  std::uint32_t flags;
};
[[nodiscard]] ApiFault fault_of(std::int32_t code, std::int32_t error_code) noexcept;

/// A place in a stream: its sequence number, little-endian, in `data`.
[[nodiscard]] rst_position position_at(std::uint64_t sequence, std::int64_t time_ns = 0) noexcept;
/// The sequence of an AT or AFTER position; nullopt where `data` is not ours.
[[nodiscard]] std::optional<std::uint64_t> sequence_of(const rst_position& position) noexcept;

/// Nanoseconds since the epoch as RFC 3339 in UTC, and back; nullopt where the text is no such time.
[[nodiscard]] std::string to_rfc3339(std::int64_t time_ns);
[[nodiscard]] std::optional<std::int64_t> from_rfc3339(std::string_view text) noexcept;

}  // namespace ruststream::nats
