#pragma once
#include <chrono>
#include <optional>
#include <string_view>

namespace conformance {

/// "250ms", "30s", "2min"; nothing when it is none of these. A bare number has no unit and is none.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;

}  // namespace conformance
