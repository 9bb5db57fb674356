#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

// What stands inside the tokens of a JSON document: numbers and escapes. All ranges are [begin, end).
namespace ruststream::inline v0::codec {

/// Whether the range is a number of RFC 8259 and nothing else.
[[nodiscard]] bool is_number(const char* begin, const char* end) noexcept;

/// A JSON integer without a sign: one to twenty digits, no leading zero, at most 2^64 - 1. False for everything else.
[[nodiscard]] inline bool parse_digits(std::string_view digits, std::uint64_t& value) noexcept {
  constexpr std::size_t kAlwaysFits = 19;
  if (digits.empty() || digits.size() > kAlwaysFits + 1 || (digits[0] == '0' && digits.size() > 1)) return false;
  std::uint64_t sum = 0;
  for (const char c : digits.substr(0, kAlwaysFits)) {
    const unsigned digit = static_cast<unsigned char>(c) - unsigned{'0'};
    if (digit > 9) return false;
    sum = sum * 10 + digit;
  }
  if (digits.size() > kAlwaysFits) {
    const unsigned digit = static_cast<unsigned char>(digits[kAlwaysFits]) - unsigned{'0'};
    if (digit > 9 || __builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, digit, &sum)) return false;
  }
  value = sum;
  return true;
}

enum class NumberError : std::uint8_t { none, malformed, too_large };

/// The nearest double or float; what is too small becomes zero, what is too large is an error.
[[nodiscard]] NumberError parse_number(const char* begin, const char* end, double& value) noexcept;
[[nodiscard]] NumberError parse_number(const char* begin, const char* end, float& value) noexcept;

/// Copies the inside of a string without its escapes to `out`, which has room for as many bytes as the range.
/// @return how many bytes were written, or kBadEscape.
inline constexpr std::size_t kBadEscape = static_cast<std::size_t>(-1);
[[nodiscard]] std::size_t unescape(const char* begin, const char* end, char* out) noexcept;

/// Whether every escape in the inside of a string is one of JSON's.
[[nodiscard]] bool valid_escapes(const char* begin, const char* end) noexcept;

}  // namespace ruststream::inline v0::codec
