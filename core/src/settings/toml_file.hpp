#pragma once

#include "settings/settings.hpp"

#include <ruststream/error.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace ruststream::inline v0::settings {

inline constexpr std::size_t kMaxFileBytes = 1U << 20U;  ///< of a settings file

/// Reads `path` and puts what it says into `settings`. Errors name the file, and the line and column where there is
/// one.
[[nodiscard]] Result<void> apply_toml_file(const std::string& path, Settings& settings);

/// The same for a text in memory; `name` stands for the path in sources and errors.
[[nodiscard]] Result<void> apply_toml(std::string_view text, const std::string& name, Settings& settings);

}  // namespace ruststream::inline v0::settings
