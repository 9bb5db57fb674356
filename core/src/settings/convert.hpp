#pragma once

#include "settings/settings.hpp"

#include <ruststream/error.hpp>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Typed reading of a Setting. Every refusal is Code::option and one sentence with the key, its source, what was
/// written and what is expected; as_text and as_list, the only ones used for what may be a secret, never repeat the
/// value.
namespace ruststream::inline v0::settings {

/// `key` (source): how every message names a setting.
[[nodiscard]] std::string where(const Setting& setting);

/// One text; a list is refused.
[[nodiscard]] Result<std::string> as_text(const Setting& setting);

/// A list as it is, one text split at its commas.
[[nodiscard]] std::vector<std::string> as_list(const Setting& setting);

/// `true`/`false`, also `on`/`off`, `yes`/`no`, `1`/`0`, in any case.
[[nodiscard]] Result<bool> as_bool(const Setting& setting);

/// A whole decimal number from `min` to `max`, both included.
[[nodiscard]] Result<std::int64_t> as_integer(const Setting& setting, std::int64_t min, std::int64_t max);

/// `250ms`, `1m30s`, `1.5s`, as options::parse_duration has it; only `0` may go without a unit.
[[nodiscard]] Result<std::chrono::nanoseconds> as_duration(const Setting& setting);

/// One of `choices`; the index of it.
[[nodiscard]] Result<std::size_t> as_choice(const Setting& setting, std::span<const std::string_view> choices);

}  // namespace ruststream::inline v0::settings
