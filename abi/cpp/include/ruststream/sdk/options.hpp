#pragma once
// The user's options, read by declared index, with the declared default where none is given.

#include <ruststream/sdk/declare.hpp>

#include <optional>

namespace ruststream::sdk {

namespace detail {

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};
inline constexpr std::array kDurationUnits{Unit{"ns", 1},
                                           Unit{"us", 1'000},
                                           Unit{"ms", 1'000'000},
                                           Unit{"s", 1'000'000'000},
                                           Unit{"m", 60'000'000'000},
                                           Unit{"h", 3'600'000'000'000}};
inline constexpr std::array kSizeUnits{
    Unit{"B", 1},           Unit{"KB", 1'000},      Unit{"MB", 1'000'000}, Unit{"GB", 1'000'000'000},
    Unit{"KiB", 1U << 10U}, Unit{"MiB", 1U << 20U}, Unit{"GiB", 1U << 30U}};

/// What a bare number counts in.
constexpr std::uint64_t bare_factor(std::uint16_t unit) noexcept {
  switch (unit) {
    case RST_UNIT_MICROSECOND: return 1'000;
    case RST_UNIT_MILLISECOND: return 1'000'000;
    case RST_UNIT_SECOND: return 1'000'000'000;
    case RST_UNIT_KIBIBYTE: return 1U << 10U;
    case RST_UNIT_MEBIBYTE: return 1U << 20U;
    default: return 1;
  }
}

constexpr std::optional<std::uint64_t> parse_units(std::string_view text, std::span<const Unit> units,
                                                   std::uint16_t bare) noexcept {
  std::uint64_t number = 0;
  std::size_t at = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    if (__builtin_mul_overflow(number, 10U, &number)) return std::nullopt;
    if (__builtin_add_overflow(number, static_cast<std::uint64_t>(text[at] - '0'), &number)) return std::nullopt;
  }
  if (at == 0) return std::nullopt;
  const auto suffix = text.substr(at);
  std::uint64_t factor = suffix.empty() ? bare_factor(bare) : 0;
  for (const Unit& unit : units) {
    if (unit.suffix == suffix) factor = unit.factor;
  }
  if (factor == 0 || __builtin_mul_overflow(number, factor, &number)) return std::nullopt;
  return number;
}

/// A declared default as a value; the text outlives it. Empty: type NONE. The SDK checks at compile time that it
/// parses.
constexpr std::optional<rst_value> parse_default(const rst_option_decl& decl) noexcept {
  const auto text = view(decl.default_text);
  rst_value value{};
  if (text.empty()) return value;
  value.type = decl.type;
  switch (decl.type) {
    case RST_TYPE_BOOL:
      if (text != "true" && text != "false") return std::nullopt;
      value.as.i64 = text == "true" ? 1 : 0;
      return value;
    case RST_TYPE_I64: {
      const bool negative = text.front() == '-';
      const auto number = parse_units(text.substr(negative ? 1 : 0), {}, 0);
      if (!number || *number > INT64_MAX) return std::nullopt;
      value.as.i64 = negative ? -static_cast<std::int64_t>(*number) : static_cast<std::int64_t>(*number);
      return value;
    }
    case RST_TYPE_U64:
    case RST_TYPE_DURATION:
    case RST_TYPE_SIZE: {
      const auto units = decl.type == RST_TYPE_DURATION ? std::span<const Unit>{kDurationUnits}
                         : decl.type == RST_TYPE_SIZE   ? std::span<const Unit>{kSizeUnits}
                                                        : std::span<const Unit>{};
      const auto number = parse_units(text, units, decl.unit);
      if (!number) return std::nullopt;
      value.as.u64 = *number;
      return value;
    }
    case RST_TYPE_F64: return std::nullopt;  // std::from_chars of floating point is no constant expression
    default:
      value.as.ptr = text.data();
      value.len = static_cast<std::uint32_t>(text.size());
      return value;
  }
}

}  // namespace detail

/// One value, given or default.
class OptionValue {
 public:
  OptionValue(const rst_option* given, const rst_value& value) noexcept : given_(given), value_(value) {}

  /// The user wrote it, or at least the host passed it.
  [[nodiscard]] bool given() const noexcept { return given_ != nullptr; }
  [[nodiscard]] bool is_explicit() const noexcept {
    return given_ != nullptr && (given_->flags & RST_OPTION_VALUE_EXPLICIT) != 0;
  }
  /// Neither given nor declared with a default.
  [[nodiscard]] bool empty() const noexcept { return value_.type == RST_TYPE_NONE; }

  [[nodiscard]] bool boolean() const noexcept { return value_.as.i64 != 0; }
  [[nodiscard]] std::int64_t i64() const noexcept { return value_.as.i64; }
  [[nodiscard]] std::uint64_t u64() const noexcept { return value_.as.u64; }
  [[nodiscard]] double f64() const noexcept { return value_.as.f64; }
  [[nodiscard]] std::uint64_t nanoseconds() const noexcept { return value_.as.u64; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return value_.as.u64; }
  /// Strings, bytes, enums, paths, URLs. Borrowed like the spec it came with.
  [[nodiscard]] std::string_view text() const noexcept {
    return empty() ? std::string_view{} : std::string_view{static_cast<const char*>(value_.as.ptr), value_.len};
  }
  /// Of a list; a default is one item.
  [[nodiscard]] std::span<const rst_value> items() const noexcept {
    if (given_ != nullptr) return {given_->items, given_->item_count};
    return {&value_, empty() ? std::size_t{0} : std::size_t{1}};
  }

 private:
  const rst_option* given_;
  rst_value value_;
};

/// Options of one spec, validated before the author sees them. Borrowed for the call.
class Options {
 public:
  Options(std::span<const Option> declared, const rst_option* given, std::uint32_t count) noexcept
      : declared_(declared), given_(given, count) {}

  [[nodiscard]] OptionValue operator[](std::size_t index) const noexcept {
    for (const rst_option& option : given_) {
      if (option.decl == index) return {&option, option.value};
    }
    return {nullptr, detail::parse_default(declared_[index].decl).value_or(rst_value{})};
  }
  /// All that were given, those passed through under a PREFIX among them.
  [[nodiscard]] std::span<const rst_option> given() const noexcept { return given_; }

 private:
  std::span<const Option> declared_;
  std::span<const rst_option> given_;
};

}  // namespace ruststream::sdk
