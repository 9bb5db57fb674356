#pragma once

#include "log/log.hpp"
#include "platform/stderr.hpp"

#include <string>

namespace ruststream::inline v0::log {

/// The longest line, time and newline included: what a pipe takes whole.
inline constexpr std::size_t kMaxLine = platform::kMaxUnbroken;
inline constexpr std::size_t kMaxStamp = 64;                      ///< of that, what write() puts around a payload
inline constexpr std::size_t kMaxPayload = kMaxLine - kMaxStamp;  ///< what the functions below make
inline constexpr std::size_t kMaxText = 3072;                     ///< of that, the record's text; fields share the rest

/// The record without its time, as one line: `warn  nats.reconnect: gone broker=main attempt=3`. Control characters and
/// what is not UTF-8 are escaped, so a plugin's text cannot forge a line. A text that is too long ends in `…`, a field
/// that does not fit is left out and ` (cut)` says so.
[[nodiscard]] std::string text_payload(const Record& record);

/// The inside of a JSON object: `"level":"warn","target":"nats.reconnect","msg":"gone","broker":"main","attempt":3`,
/// valid JSON whatever the record holds (bytes that are no UTF-8 become U+FFFD). Cut like the text, with `"cut":true`.
[[nodiscard]] std::string json_payload(const Record& record);

}  // namespace ruststream::inline v0::log
