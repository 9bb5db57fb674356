#include "address.hpp"

namespace ruststream::memory {
namespace {

// Splits the next token off `rest`. The caller has made sure that there is one.
std::string_view take_token(std::string_view& rest) noexcept {
  const auto dot = rest.find('.');
  const auto token = rest.substr(0, dot);
  rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
  return token;
}

AddressFault check_token(std::string_view token, bool last) noexcept {
  if (token.empty()) return AddressFault::kEmptyToken;
  if (token == ">") return last ? AddressFault::kNone : AddressFault::kRestNotLast;
  if (token == "*") return AddressFault::kNone;
  for (const char c : token) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7F) return AddressFault::kBadCharacter;
    if (c == '*' || c == '>') return AddressFault::kPartWildcard;
  }
  return AddressFault::kNone;
}

}  // namespace

AddressFault check_pattern(std::string_view pattern) noexcept {
  if (pattern.empty()) return AddressFault::kEmpty;
  if (pattern.size() > kMaxAddressBytes) return AddressFault::kTooLong;
  if (pattern.back() == '.') return AddressFault::kEmptyToken;
  for (std::string_view rest = pattern; !rest.empty();) {
    const auto token = take_token(rest);
    if (const auto fault = check_token(token, rest.empty()); fault != AddressFault::kNone) return fault;
  }
  return AddressFault::kNone;
}

AddressFault check_destination(std::string_view address) noexcept {
  const auto fault = check_pattern(address);
  if (fault == AddressFault::kRestNotLast) return AddressFault::kWildcard;
  return fault == AddressFault::kNone && has_wildcard(address) ? AddressFault::kWildcard : fault;
}

const char* describe(AddressFault fault) noexcept {
  switch (fault) {
    case AddressFault::kNone: return "is well formed";
    case AddressFault::kEmpty: return "is empty; name a topic, for example `orders.placed`";
    case AddressFault::kTooLong: return "is longer than 1024 bytes; shorten it";
    case AddressFault::kEmptyToken: return "has an empty token; put text on both sides of every `.`";
    case AddressFault::kBadCharacter: return "has a space or control character; use printable characters";
    case AddressFault::kPartWildcard: return "has a wildcard inside a token; `*` and `>` stand alone between dots";
    case AddressFault::kRestNotLast: return "has `>` before its end; `>` stands for the rest and comes last";
    case AddressFault::kWildcard: return "is a pattern; a destination is one topic without `*` or `>`";
  }
  return "is malformed";
}

bool has_wildcard(std::string_view pattern) noexcept { return pattern.find_first_of("*>") != std::string_view::npos; }

bool matches(std::string_view pattern, std::string_view destination) noexcept {
  while (!pattern.empty() && !destination.empty()) {
    const auto expected = take_token(pattern);
    if (expected == ">") return true;
    if (const auto token = take_token(destination); expected != "*" && expected != token) return false;
  }
  return pattern.empty() && destination.empty();
}

std::string join_addresses(std::span<const std::string> addresses) {
  std::string joined;
  for (const auto& address : addresses) {
    if (!joined.empty()) joined += ' ';
    joined += address;
  }
  return joined;
}

}  // namespace ruststream::memory
