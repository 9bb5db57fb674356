#include "options/utf8.hpp"

#include <cstddef>

namespace ruststream::inline v0::options {
namespace {

struct Lead {
  std::size_t length;       // of the whole character, 0 when no character begins so
  unsigned char low, high;  // what the second byte may be
};

constexpr Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {.length = 1, .low = 0, .high = 0};
  if (byte < 0xC2) return {.length = 0, .low = 0, .high = 0};
  if (byte < 0xE0) return {.length = 2, .low = 0x80, .high = 0xBF};
  if (byte < 0xF0) {
    const unsigned char low = byte == 0xE0 ? 0xA0 : 0x80;
    const unsigned char high = byte == 0xED ? 0x9F : 0xBF;
    return {.length = 3, .low = low, .high = high};
  }
  if (byte > 0xF4) return {.length = 0, .low = 0, .high = 0};
  const unsigned char low = byte == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = byte == 0xF4 ? 0x8F : 0xBF;
  return {.length = 4, .low = low, .high = high};
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    const Lead lead = lead_of(static_cast<unsigned char>(text[at]));
    if (lead.length == 0 || text.size() - at < lead.length) return false;
    for (std::size_t i = 1; i < lead.length; ++i) {
      const unsigned char byte = static_cast<unsigned char>(text[at + i]);
      const unsigned char low = i == 1 ? lead.low : 0x80;
      const unsigned char high = i == 1 ? lead.high : 0xBF;
      if (byte < low || byte > high) return false;
    }
    at += lead.length;
  }
  return true;
}

}  // namespace ruststream::inline v0::options
