#include "base64/base64.hpp"

#include <array>
#include <cstdint>

namespace ruststream::inline v0 {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> kDigits = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return digits;
}();

std::size_t padding_of(std::string_view text) noexcept {
  return text.ends_with("==") ? 2 : (text.ends_with('=') ? 1 : 0);
}

}  // namespace

void base64_encode(const void* data, std::size_t size, char* out) noexcept {
  const auto* const bytes = static_cast<const std::uint8_t*>(data);
  for (std::size_t i = 0; i < size; i += 3) {
    const std::size_t rest = size - i;
    const std::uint32_t bits = (std::uint32_t{bytes[i]} << 16) | (rest > 1 ? std::uint32_t{bytes[i + 1]} << 8 : 0) |
                               (rest > 2 ? std::uint32_t{bytes[i + 2]} : 0);
    *out++ = kAlphabet[bits >> 18];
    *out++ = kAlphabet[(bits >> 12) & 63];
    *out++ = rest > 1 ? kAlphabet[(bits >> 6) & 63] : '=';
    *out++ = rest > 2 ? kAlphabet[bits & 63] : '=';
  }
}

std::size_t base64_bytes(std::string_view text) noexcept {
  return text.empty() || text.size() % 4 != 0 ? 0 : text.size() / 4 * 3 - padding_of(text);
}

bool base64_decode(std::string_view text, void* out) noexcept {
  if (text.size() % 4 != 0) return false;
  auto* to = static_cast<std::uint8_t*>(out);
  const std::size_t padding = padding_of(text);
  const std::size_t digits = text.size() - padding;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const std::uint8_t digit = kDigits[static_cast<unsigned char>(text[i])];
    if (digit == kNoDigit) return false;
    bits = (bits << 6) | digit;
    if (i % 4 == 1) *to++ = static_cast<std::uint8_t>(bits >> 4);
    if (i % 4 == 2) *to++ = static_cast<std::uint8_t>(bits >> 2);
    if (i % 4 == 3) *to++ = static_cast<std::uint8_t>(bits);
  }
  // What the last digit says beyond the last byte must be zero, else one value would have several texts.
  if (padding == 2) return (bits & 0xf) == 0;
  if (padding == 1) return (bits & 0x3) == 0;
  return true;
}

}  // namespace ruststream::inline v0
