// Addresses: tokens separated by '.', and the patterns that subscriptions match them with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ruststream::memory {

inline constexpr std::size_t kMaxAddressBytes = 1024;

enum class AddressFault : std::uint8_t {
  kNone,
  kEmpty,         // no text at all
  kTooLong,       // over kMaxAddressBytes
  kEmptyToken,    // "a..b", ".a", "a."
  kBadCharacter,  // space, control character, DEL
  kPartWildcard,  // '*' or '>' inside a longer token
  kRestNotLast,   // '>' anywhere but at the end
  kWildcard,      // a wildcard where a single destination is needed
};

/// What is wrong with a destination (no wildcards). Pure.
[[nodiscard]] AddressFault check_destination(std::string_view address) noexcept;

/// What is wrong with a subscription's address: '*' is one token, '>' as the last token is one or more. Pure.
[[nodiscard]] AddressFault check_pattern(std::string_view pattern) noexcept;

/// The rest of the sentence "address `x` ...".
[[nodiscard]] const char* describe(AddressFault fault) noexcept;

[[nodiscard]] bool has_wildcard(std::string_view pattern) noexcept;

/// Whether a well-formed pattern takes in a well-formed destination.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view destination) noexcept;

/// Several addresses as one text; a space cannot be part of one.
[[nodiscard]] std::string join_addresses(std::span<const std::string> addresses);

}  // namespace ruststream::memory
