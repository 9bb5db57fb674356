#include "host/text.hpp"

#include <array>
#include <cstdio>

namespace conformance {
namespace {

constexpr std::array<std::string_view, 23> kCodes{
    "OK",        "INVALID",      "OPTION",          "UNSUPPORTED", "STATE",       "NOT_FOUND",
    "EXISTS",    "PRECONDITION", "UNAUTHENTICATED", "DENIED",      "UNAVAILABLE", "TIMEOUT",
    "CANCELLED", "BACKPRESSURE", "TOO_LARGE",       "CORRUPT",     "NO_ROUTE",    "EXHAUSTED",
    "ABORTED",   "SETTLED",      "STALE",           "CLOSED",      "INTERNAL"};

constexpr std::array<std::string_view, 36> kCapabilities{"",
                                                         "SETTLE",
                                                         "SETTLE_CONFIRM",
                                                         "RETRY",
                                                         "RETRY_AFTER",
                                                         "RETRY_POSITION",
                                                         "RELEASE",
                                                         "REJECT",
                                                         "REJECT_TO",
                                                         "EXTEND",
                                                         "ATTEMPT",
                                                         "OVERFLOW",
                                                         "PARTITIONS",
                                                         "BATCH",
                                                         "GROUP",
                                                         "WILDCARD",
                                                         "SEEK",
                                                         "POSITION",
                                                         "PUBLISH_CONFIRM",
                                                         "PUBLISH_ORDER",
                                                         "RECEIPT",
                                                         "UNROUTED",
                                                         "KEY",
                                                         "TTL",
                                                         "DELAY",
                                                         "PRIORITY",
                                                         "HEADERS",
                                                         "PAYLOAD",
                                                         "MAX_PAYLOAD",
                                                         "MAX_HEADERS",
                                                         "TX_PUBLISH",
                                                         "TX_SETTLE",
                                                         "REQUEST",
                                                         "DEDUPLICATE",
                                                         "MATCH",
                                                         "RETAINED"};

constexpr std::array<std::string_view, 6> kVerdicts{"verdict 0", "ACK", "RETRY", "RELEASE", "REJECT", "EXTEND"};
constexpr std::size_t kShown = 64;

}  // namespace

std::string code_name(std::int32_t code) {
  if (code >= 0 && static_cast<std::size_t>(code) < kCodes.size())
    return std::string(kCodes.at(static_cast<std::size_t>(code)));
  return "code " + std::to_string(code);
}

std::string capability_name(std::uint32_t id) {
  return id != 0 && id < kCapabilities.size() ? std::string(kCapabilities.at(id)) : "capability " + std::to_string(id);
}

std::string_view verdict_name(std::uint16_t verdict) {
  return verdict < kVerdicts.size() ? kVerdicts.at(verdict) : "an unknown verdict";
}

std::string quoted(std::string_view bytes) {
  std::string out = "\"";
  for (const char c : bytes.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F && c != '"' && c != '\\') {
      out += c;
    } else {
      std::array<char, 5> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\x%02x", byte);
      out += escaped.data();
    }
  }
  out += '"';
  if (bytes.size() > kShown) out += " (" + std::to_string(bytes.size()) + " bytes)";
  return out;
}

}  // namespace conformance
