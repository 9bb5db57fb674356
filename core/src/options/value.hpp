#pragma once

#include <ruststream/abi.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::inline v0::options {

constexpr std::size_t kMaxValue = 65536;

/// Where the bytes of text values live; the addresses stay when the store is moved.
using TextStore = std::deque<std::string>;

/// One value of the declared type out of a user's text, checked against choices and range. Types that point keep their
/// bytes in `store`. The error says what is expected, and never repeats the text.
[[nodiscard]] std::expected<rst_value, std::string> parse_value(const rst_option_decl& decl, std::string_view text,
                                                                TextStore& store);

/// `true`/`false`, also `on`/`off`, `yes`/`no`, `1`/`0`, in any case.
[[nodiscard]] std::optional<bool> parse_bool(std::string_view text);

/// The parts between commas, without the blanks around them; none for a blank text.
[[nodiscard]] std::vector<std::string> split_list(std::string_view text);

/// `250ms`, `1m30s`, `1.5s`; a bare number counts in `unit` (RST_UNIT_), which must then be one of time. Nanoseconds.
[[nodiscard]] std::expected<std::uint64_t, std::string> parse_duration(std::string_view text, std::uint16_t unit);

/// `512`, `64KiB`, `10MB`; a bare number counts in `unit`, bytes when that is none. Bytes.
[[nodiscard]] std::expected<std::uint64_t, std::string> parse_size(std::string_view text, std::uint16_t unit);

/// The shortest exact way to write it: `1500ms`, `2m`; `64KiB`.
[[nodiscard]] std::string format_duration(std::uint64_t nanoseconds);
[[nodiscard]] std::string format_size(std::uint64_t bytes);

/// `duration (250ms, 5s, 1m)` and so on, for help and errors.
[[nodiscard]] std::string_view type_name(std::uint16_t type) noexcept;

/// `millisecond`; empty for RST_UNIT_NONE.
[[nodiscard]] std::string_view unit_name(std::uint16_t unit) noexcept;

}  // namespace ruststream::inline v0::options
