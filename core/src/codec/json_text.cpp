#include "codec/json_text.hpp"

#include <charconv>
#include <cmath>
#include <cstring>

namespace ruststream::inline v0::codec {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

const char* skip_digits(const char* at, const char* end) noexcept {
  while (at != end && is_digit(*at)) ++at;
  return at;
}

/// Whether a number of the grammar is below one: then one that fits nowhere is too small, not too large.
bool is_below_one(const char* at, const char* end) noexcept {
  if (*at == '-') ++at;
  const char* const digits = at;
  const char* const point = skip_digits(at, end);
  const char* const fraction = point != end && *point == '.' ? point + 1 : point;
  const char* const exponent = skip_digits(fraction, end);
  // The power of ten of the first digit that is not zero.
  std::int64_t power = point - digits - 1;
  if (*digits == '0') {
    const char* first = fraction;
    while (first != exponent && *first == '0') ++first;
    power = fraction - first - 1;
  }
  if (exponent == end) return power < 0;
  const bool negative = exponent[1] == '-';
  std::int64_t written = 0;
  constexpr std::int64_t kEnough = std::int64_t{1} << 40;  // more than a document has digits
  for (const char* c = exponent + 1; c != end; ++c) {
    if (is_digit(*c) && written < kEnough) written = written * 10 + (*c - '0');
  }
  return power + (negative ? -written : written) < 0;
}

template <class Float>
NumberError parse(const char* begin, const char* end, Float& value) noexcept {
  if (!is_number(begin, end)) return NumberError::malformed;
  const auto [stop, problem] = std::from_chars(begin, end, value);
  if (problem == std::errc() && std::isfinite(value)) return NumberError::none;
  if (!is_below_one(begin, end)) return NumberError::too_large;
  value = *begin == '-' ? -Float{0} : Float{0};
  return NumberError::none;
}

/// The four digits of a \u escape, or a value above 0xffff.
std::uint32_t hex4(const char* at, const char* end) noexcept {
  constexpr std::uint32_t kBad = 0x10000;
  if (end - at < 4) return kBad;
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = at[i];
    const int digit = is_digit(c)              ? c - '0'
                      : (c >= 'a' && c <= 'f') ? c - 'a' + 10
                      : (c >= 'A' && c <= 'F') ? c - 'A' + 10
                                               : -1;
    if (digit < 0) return kBad;
    value = value * 16 + static_cast<std::uint32_t>(digit);
  }
  return value;
}

/// Reads what follows `\u`, a surrogate pair as one. @return the code point, or a value above 0x10ffff.
std::uint32_t read_code_point(const char*& at, const char* end) noexcept {
  constexpr std::uint32_t kBad = 0x110000;
  const std::uint32_t first = hex4(at, end);
  if (first > 0xffff || (first >= 0xdc00 && first < 0xe000)) return kBad;
  at += 4;
  if (first < 0xd800 || first >= 0xe000) return first;
  if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return kBad;
  const std::uint32_t second = hex4(at + 2, end);
  if (second < 0xdc00 || second >= 0xe000) return kBad;
  at += 6;
  return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

char* write_utf8(std::uint32_t code, char* out) noexcept {
  const auto byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
  if (code < 0x80) {
    *out++ = byte(code);
  } else if (code < 0x800) {
    *out++ = byte(0xc0 | (code >> 6));
    *out++ = byte(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    *out++ = byte(0xe0 | (code >> 12));
    *out++ = byte(0x80 | ((code >> 6) & 0x3f));
    *out++ = byte(0x80 | (code & 0x3f));
  } else {
    *out++ = byte(0xf0 | (code >> 18));
    *out++ = byte(0x80 | ((code >> 12) & 0x3f));
    *out++ = byte(0x80 | ((code >> 6) & 0x3f));
    *out++ = byte(0x80 | (code & 0x3f));
  }
  return out;
}

/// What a one-letter escape stands for, 0 where there is none.
char simple_escape(char letter) noexcept {
  switch (letter) {
    case '"':
    case '\\':
    case '/': return letter;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
  }
}

/// Reads one escape behind its backslash and writes at most four bytes. @return where it went, null if malformed.
char* read_escape(const char*& at, const char* end, char* out) noexcept {
  const char letter = at == end ? '\0' : *at++;
  if (letter == 'u') {
    const std::uint32_t code = read_code_point(at, end);
    return code > 0x10ffff ? nullptr : write_utf8(code, out);
  }
  const char meant = simple_escape(letter);
  if (meant == 0) return nullptr;
  *out = meant;
  return out + 1;
}

const char* find_escape(const char* at, const char* end) noexcept {
  const void* const found = at == end ? nullptr : std::memchr(at, '\\', static_cast<std::size_t>(end - at));
  return found == nullptr ? end : static_cast<const char*>(found);
}

}  // namespace

bool is_number(const char* begin, const char* end) noexcept {
  const char* at = begin;
  if (at != end && *at == '-') ++at;
  const char* const digits = at;
  at = skip_digits(at, end);
  if (at == digits || (*digits == '0' && at - digits > 1)) return false;
  if (at != end && *at == '.') {
    const char* const fraction = ++at;
    at = skip_digits(at, end);
    if (at == fraction) return false;
  }
  if (at != end && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at != end && (*at == '+' || *at == '-')) ++at;
    const char* const exponent = at;
    at = skip_digits(at, end);
    if (at == exponent) return false;
  }
  return at == end;
}

bool parse_digits(std::string_view digits, std::uint64_t& value) noexcept {
  constexpr std::size_t kAlwaysFits = 19;
  if (digits.empty() || digits.size() > kAlwaysFits + 1 || (digits[0] == '0' && digits.size() > 1)) return false;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (!is_digit(digits[i])) return false;
    const auto digit = static_cast<std::uint64_t>(digits[i] - '0');
    if (i < kAlwaysFits) {
      sum = sum * 10 + digit;
    } else if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, digit, &sum)) {
      return false;
    }
  }
  value = sum;
  return true;
}

NumberError parse_number(const char* begin, const char* end, double& value) noexcept {
  return parse(begin, end, value);
}

NumberError parse_number(const char* begin, const char* end, float& value) noexcept { return parse(begin, end, value); }

std::size_t unescape(const char* begin, const char* end, char* out) noexcept {
  char* to = out;
  for (const char* at = begin;;) {
    const char* const escape = find_escape(at, end);
    const auto plain = static_cast<std::size_t>(escape - at);
    std::memcpy(to, at, plain);
    to += plain;
    if (escape == end) return static_cast<std::size_t>(to - out);
    at = escape + 1;
    to = read_escape(at, end, to);
    if (to == nullptr) return kBadEscape;
  }
}

bool valid_escapes(const char* begin, const char* end) noexcept {
  char ignored[4];
  for (const char* at = find_escape(begin, end); at != end; at = find_escape(at, end)) {
    ++at;
    if (read_escape(at, end, ignored) == nullptr) return false;
  }
  return true;
}

}  // namespace ruststream::inline v0::codec
