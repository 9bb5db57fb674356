#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

// What stands inside the tokens of a JSON document: numbers and escapes. All ranges are [begin, end).
namespace ruststream::inline v0::codec {

/// Whether the range is a number of RFC 8259 and nothing else.
[[nodiscard]] bool is_number(const char* begin, const char* end) noexcept;

/// A JSON integer without a sign: one to twenty digits, no leading zero, at most 2^64 - 1. False for everything else.
[[nodiscard]] bool parse_digits(std::string_view digits, std::uint64_t& value) noexcept;

/// The same for one to eight digits in one step; `before` is how many bytes can be read in front of them. Also false
/// where this step cannot be done. `digits` is not empty.
[[nodiscard]] inline bool parse_short_digits(std::string_view digits, std::size_t before,
                                             std::uint64_t& value) noexcept {
  constexpr std::size_t kStep = sizeof value;
  const std::size_t size = digits.size();
  if (size > kStep || size + before < kStep || std::endian::native != std::endian::little) return false;
  if (digits[0] == '0' && size > 1) return false;
  // The digits are the high bytes, zeros go in front of them; then pairs, quadruples and all eight are joined.
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, digits.data() + size - kStep, kStep);
  bytes = (bytes ^ 0x3030303030303030) & (~std::uint64_t{0} << (64 - 8 * size));
  if ((((bytes + 0x7676767676767676) | bytes) & 0x8080808080808080) != 0) return false;
  bytes = bytes * 10 + (bytes >> 8);
  value = ((bytes & 0xff000000ff) * 0xf424000000064 + ((bytes >> 16) & 0xff000000ff) * 0x271000000001) >> 32;
  return true;
}

/// Writes a number below a hundred million in decimal. `out` has room for eight bytes. @return the end.
[[nodiscard]] inline char* write_short_digits(std::uint32_t value, char* out) noexcept {
  static_assert(std::endian::native == std::endian::little);
  // Two halves of four digits, four quarters of two, eight digits, each split at once; the first digit is the low byte.
  const std::uint64_t halves = value / 10000 | std::uint64_t{value % 10000} << 32;
  const std::uint64_t hundreds = ((halves * 10486) >> 20) & 0x7f0000007f;
  const std::uint64_t quarters = hundreds | (halves - 100 * hundreds) << 16;
  const std::uint64_t tens = ((quarters * 103) >> 10) & 0xf000f000f000f;
  const std::uint64_t digits = tens | (quarters - 10 * tens) << 8;
  const int zeros = std::countr_zero(digits | std::uint64_t{1} << 56) / 8;  // in front; zero itself keeps one digit
  const std::uint64_t text = (digits + 0x3030303030303030) >> (8 * zeros);
  std::memcpy(out, &text, sizeof text);
  return out + 8 - zeros;
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
