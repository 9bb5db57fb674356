#include "options/value.hpp"

#include "base64/base64.hpp"
#include "options/nearest.hpp"
#include "options/table.hpp"
#include "options/url.hpp"
#include "options/utf8.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <span>

namespace ruststream::inline v0::options {
namespace {

using Parsed = std::expected<rst_value, std::string>;
using Amount = std::expected<std::uint64_t, std::string>;

std::unexpected<std::string> expected(std::string what) { return std::unexpected("expects " + std::move(what)); }

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// From large to small, so that formatting finds the largest that divides.
constexpr Unit kTimes[] = {{"d", 86'400'000'000'000},
                           {"h", 3'600'000'000'000},
                           {"m", 60'000'000'000},
                           {"s", 1'000'000'000},
                           {"ms", 1'000'000},
                           {"us", 1'000},
                           {"ns", 1}};
constexpr Unit kSizes[] = {
    {"TiB", 1ULL << 40},   {"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"TB", 1'000'000'000'000},
    {"GB", 1'000'000'000}, {"MB", 1'000'000},   {"kB", 1'000},       {"KB", 1'000},       {"B", 1}};
constexpr std::size_t kBinarySizes = 4;

std::uint64_t factor_of_unit(std::uint16_t unit) {
  switch (unit) {
    case RST_UNIT_NANOSECOND: return 1;
    case RST_UNIT_MICROSECOND: return 1'000;
    case RST_UNIT_MILLISECOND: return 1'000'000;
    case RST_UNIT_SECOND: return 1'000'000'000;
    case RST_UNIT_BYTE: return 1;
    case RST_UNIT_KIBIBYTE: return 1ULL << 10;
    case RST_UNIT_MEBIBYTE: return 1ULL << 20;
    default: return 0;
  }
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_while(std::string_view& text, bool (*belongs)(char)) {
  const auto end = std::ranges::find_if_not(text, belongs);
  const std::string_view taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(taken.size());
  return taken;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

// One number with its unit off the front of `text`; a fraction finer than the smallest unit is rounded.
std::optional<std::uint64_t> take_amount(std::string_view& text, std::span<const Unit> units, std::uint64_t bare) {
  constexpr std::size_t kFractionDigits = 9;
  const auto whole = number<std::uint64_t>(take_while(text, is_digit));
  if (!whole) return std::nullopt;
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_while(text, is_digit);
    if (fraction.empty() || fraction.size() > kFractionDigits) return std::nullopt;
  }
  const std::string_view name = take_while(text, [](char c) { return !is_digit(c); });
  const auto unit = std::ranges::find(units, name, &Unit::name);
  const std::uint64_t factor = unit != units.end() ? unit->factor : name.empty() && text.empty() ? bare : 0;
  std::uint64_t total = 0;
  if (factor == 0 || __builtin_mul_overflow(*whole, factor, &total)) return std::nullopt;
  if (!fraction.empty()) {
    const long double part = static_cast<long double>(number<std::uint64_t>(fraction).value_or(0)) /
                             std::pow(10.0L, static_cast<long double>(fraction.size()));
    if (__builtin_add_overflow(total, static_cast<std::uint64_t>(std::llround(part * static_cast<long double>(factor))),
                               &total)) {
      return std::nullopt;
    }
  }
  return total;
}

std::string format(std::uint64_t amount, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (amount != 0 && amount % unit.factor == 0) return std::to_string(amount / unit.factor) + std::string(unit.name);
  }
  return std::to_string(amount);
}

std::string show(std::int64_t bound, std::uint16_t type) {
  if (type == RST_TYPE_DURATION) return format_duration(static_cast<std::uint64_t>(bound));
  if (type == RST_TYPE_SIZE) return format_size(static_cast<std::uint64_t>(bound));
  return std::to_string(bound);
}

template <class Number>
std::expected<Number, std::string> in_range(const rst_option_decl& decl, Number value) {
  const bool ranged = decl.min != 0 || decl.max != 0;
  if (!ranged || (!std::cmp_less(value, decl.min) && !std::cmp_greater(value, decl.max))) return value;
  return expected("a value from " + show(decl.min, decl.type) + " to " + show(decl.max, decl.type));
}

rst_value value_of_type(std::uint16_t type) {
  rst_value value{};
  value.type = type;
  return value;
}

Parsed from_unsigned(const rst_option_decl& decl, const Amount& amount) {
  if (!amount) return std::unexpected(amount.error());
  const auto checked = in_range(decl, *amount);
  if (!checked) return std::unexpected(checked.error());
  rst_value value = value_of_type(decl.type);
  value.as.u64 = *checked;
  return value;
}

Parsed from_bool(std::optional<bool> truth) {
  if (!truth) return expected("true or false");
  rst_value value = value_of_type(RST_TYPE_BOOL);
  value.as.i64 = *truth ? 1 : 0;
  return value;
}

Parsed parse_signed(const rst_option_decl& decl, std::string_view text) {
  const auto parsed = number<std::int64_t>(text);
  if (!parsed) return expected("a whole number");
  const auto checked = in_range(decl, *parsed);
  if (!checked) return std::unexpected(checked.error());
  rst_value value = value_of_type(decl.type);
  value.as.i64 = *checked;
  return value;
}

Amount parse_unsigned(std::string_view text) {
  const auto parsed = number<std::uint64_t>(text);
  if (!parsed) return expected("a whole number that is not negative");
  return *parsed;
}

Parsed parse_float(std::string_view text) {
  const auto parsed = number<double>(text);
  if (!parsed || !std::isfinite(*parsed)) return expected("a number");
  rst_value value = value_of_type(RST_TYPE_F64);
  value.as.f64 = *parsed;
  return value;
}

Parsed keep(std::uint16_t type, std::string text, TextStore& store) {
  const std::string& kept = store.emplace_back(std::move(text));
  rst_value value = value_of_type(type);
  value.as.ptr = kept.data();
  value.len = static_cast<std::uint32_t>(kept.size());
  return value;
}

// Both alphabets of RFC 4648, with or without padding: tokens come in either.
std::optional<std::string> decode_base64(std::string text) {
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  while (text.size() % 4 != 0) text += '=';
  std::string out(base64_bytes(text), '\0');
  return base64_decode(text, out.data()) ? std::optional(std::move(out)) : std::nullopt;
}

Parsed parse_bytes(std::string_view text, TextStore& store) {
  constexpr std::string_view kBase64 = "base64:";
  if (!text.starts_with(kBase64)) return keep(RST_TYPE_BYTES, std::string(text), store);
  auto decoded = decode_base64(std::string(text.substr(kBase64.size())));
  if (!decoded) return expected("bytes as they are, or base64:… as RFC 4648 has it");
  return keep(RST_TYPE_BYTES, std::move(*decoded), store);
}

Parsed parse_text(const rst_option_decl& decl, std::string_view text, TextStore& store) {
  if (!is_utf8(text) || text.find('\0') != std::string_view::npos) return expected("UTF-8 text");
  if (decl.type == RST_TYPE_PATH && text.empty()) return expected("the path of a file or folder");
  if (decl.type == RST_TYPE_URL && !parse_url(text)) return expected("a URL (scheme://host:port)");
  return keep(decl.type, std::string(text), store);
}

// The hint compares with the declared words only, and repeats one of those, never the text.
std::optional<std::string> not_a_choice(const rst_option_decl& decl, std::string_view text) {
  std::vector<std::string_view> choices;
  std::string list;
  for (std::uint32_t i = 0; i < decl.choice_count; ++i) {
    choices.push_back(view(decl.choices[i]));
    list += (i == 0 ? "" : ", ") + std::string(choices.back());
  }
  if (choices.empty() || std::ranges::find(choices, text) != choices.end()) return std::nullopt;
  const bool hint = (decl.flags & RST_OPTION_SECRET) == 0;
  return "one of " + list + (hint ? did_you_mean(text, choices) : std::string());
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::optional<bool> parse_bool(std::string_view text) {
  constexpr std::string_view kTrue[] = {"true", "on", "yes", "1"};
  constexpr std::string_view kFalse[] = {"false", "off", "no", "0"};
  const auto is_text = [text](std::string_view word) { return std::ranges::equal(text, word, {}, lower); };
  if (std::ranges::any_of(kTrue, is_text)) return true;
  return std::ranges::any_of(kFalse, is_text) ? std::optional(false) : std::nullopt;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!trim(text).empty()) {
    const std::size_t comma = text.find(',');
    parts.emplace_back(trim(text.substr(0, comma)));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return parts;
}

Amount parse_duration(std::string_view text, std::uint16_t unit) {
  const std::string_view all = text;
  const std::uint64_t bare = unit <= RST_UNIT_SECOND ? factor_of_unit(unit) : 0;
  std::uint64_t total = 0;
  if (all == "0") return 0;
  do {
    const auto part = take_amount(text, kTimes, text.size() == all.size() ? bare : 0);
    if (!part || __builtin_add_overflow(total, *part, &total)) return expected("a duration such as 250ms, 5s or 1m30s");
  } while (!text.empty());
  return total;
}

Amount parse_size(std::string_view text, std::uint16_t unit) {
  const std::uint64_t bare = unit >= RST_UNIT_BYTE ? factor_of_unit(unit) : 1;
  const auto size = take_amount(text, kSizes, bare);
  if (!size || !text.empty()) return expected("a size such as 512, 64KiB or 8MiB");
  return *size;
}

std::string format_duration(std::uint64_t nanoseconds) { return format(nanoseconds, kTimes); }

std::string format_size(std::uint64_t bytes) { return format(bytes, std::span(kSizes).first(kBinarySizes)); }

std::string_view type_name(std::uint16_t type) noexcept {
  constexpr std::string_view kNames[] = {"nothing", "bool",     "i64",  "u64",  "f64",  "string",
                                         "bytes",   "duration", "size", "enum", "path", "url"};
  return type < std::size(kNames) ? kNames[type] : "unknown";
}

std::string_view unit_name(std::uint16_t unit) noexcept {
  constexpr std::string_view kNames[] = {"",     "nanosecond", "microsecond", "millisecond", "second",
                                         "byte", "kibibyte",   "mebibyte",    "message"};
  return unit < std::size(kNames) ? kNames[unit] : "unknown";
}

Parsed parse_value(const rst_option_decl& decl, std::string_view text, TextStore& store) {
  if (text.size() > kMaxValue) return expected("at most " + std::to_string(kMaxValue) + " bytes");
  if (auto wrong = not_a_choice(decl, text)) return expected(std::move(*wrong));
  switch (decl.type) {
    case RST_TYPE_BOOL: return from_bool(parse_bool(text));
    case RST_TYPE_I64: return parse_signed(decl, text);
    case RST_TYPE_U64: return from_unsigned(decl, parse_unsigned(text));
    case RST_TYPE_F64: return parse_float(text);
    case RST_TYPE_DURATION: return from_unsigned(decl, parse_duration(text, decl.unit));
    case RST_TYPE_SIZE: return from_unsigned(decl, parse_size(text, decl.unit));
    case RST_TYPE_BYTES: return parse_bytes(text, store);
    default: return parse_text(decl, text, store);
  }
}

}  // namespace ruststream::inline v0::options
