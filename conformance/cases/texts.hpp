#pragma once
#include <algorithm>
#include <cstddef>
#include <string_view>

namespace conformance {

/// Whole characters of UTF-8, none over-long, none a surrogate.
[[nodiscard]] constexpr bool is_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
    if (size == 0 || i + size > text.size()) return false;
    for (std::size_t more = 1; more < size; ++more) {
      if ((static_cast<unsigned char>(text[i + more]) & 0xC0U) != 0x80U) return false;
    }
    const auto second = size > 1 ? static_cast<unsigned char>(text[i + 1]) : 0x80U;
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return false;
    if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return false;
    i += size;
  }
  return true;
}

/// A name as users write it: small letters and digits, parts between `.`, `_`, `-`.
[[nodiscard]] constexpr bool is_name(std::string_view text) noexcept {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const auto fits = [&](char c) { return letter(c) || c == '.' || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= 64 && text[0] >= 'a' && text[0] <= 'z' && letter(text.back()) &&
         std::ranges::all_of(text, fits);
}

/// A sentence for people: one line, no control characters, not a page.
[[nodiscard]] constexpr bool is_line(std::string_view text) noexcept {
  return text.size() <= 400 && is_utf8(text) &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace conformance
