#pragma once
#include "runner/testkit.hpp"

#include <expected>
#include <string>
#include <string_view>

namespace conformance {

/// The text of a testkit.toml, or every problem of it, each with `path`, its line and the nearest known name, one on a
/// line.
[[nodiscard]] std::expected<Testkit, std::string> parse_testkit(std::string_view text, const std::string& path);

}  // namespace conformance
