#include "host/secrets.hpp"

#include <array>
#include <cstdint>

namespace conformance {
namespace {

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
    }
  }
  return out;
}

/// The base64 digits of `text` that do not depend on what stands around it, when `before` bytes stand before it.
std::string base64_core(std::string_view text, std::size_t before) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string padded = std::string(before, '\0') + std::string(text);
  std::string out;
  for (std::size_t bit = (before * 8 + 5) / 6 * 6; bit + 6 <= padded.size() * 8; bit += 6) {
    const auto high = static_cast<unsigned char>(padded[bit / 8]);
    const auto low = bit / 8 + 1 < padded.size() ? static_cast<unsigned char>(padded[bit / 8 + 1]) : 0U;
    out += kDigits[(((static_cast<std::uint32_t>(high) << 8U) | low) >> (10U - bit % 8)) & 63U];
  }
  return out;
}

}  // namespace

std::vector<std::string> forms_of_secret(std::string_view secret) {
  std::vector<std::string> forms{std::string(secret)};
  if (std::string encoded = percent_encoded(secret); encoded != secret) forms.push_back(std::move(encoded));
  for (std::size_t before = 0; before < 3; ++before) forms.push_back(base64_core(secret, before));
  return forms;
}

}  // namespace conformance
