#pragma once

#include "settings/settings.hpp"

#include <ruststream/error.hpp>

#include <array>
#include <span>
#include <string_view>

/// The schema: which keys exist. Sections hold names that only the app knows (sections.hpp), and below a name what only
/// a plugin knows; the rest is listed here, once.
namespace ruststream::inline v0::settings {

/// Sections whose next part is a name: `broker`, `subscription`, `publisher`; below `app` the service keeps its own
/// settings, which nobody checks.
inline constexpr std::array<std::string_view, 4> kSections{"broker", "subscription", "publisher", "app"};

/// Keys with a fixed name.
inline constexpr std::array<std::string_view, 5> kKeys{"log.level", "log.format", "drain_timeout", "hook_timeout",
                                                       "plugin.path"};

inline constexpr std::array<std::string_view, 5> kLogLevels{"error", "warn", "info", "debug", "trace"};
inline constexpr std::array<std::string_view, 2> kLogFormats{"text", "json"};

/// Read before the settings are: which file, and where the loader searches.
inline constexpr std::string_view kConfigVariable = "RUSTSTREAM_CONFIG";
inline constexpr std::string_view kPluginPathVariable = "RUSTSTREAM_PLUGIN_PATH";

/// Whether the key is one of kKeys or begins with a section.
[[nodiscard]] bool is_known(std::string_view key);

/// Nothing, or why this setting's key or value cannot be: unknown keys with the nearest one, mistyped values.
[[nodiscard]] Result<void> check(const Setting& setting);

}  // namespace ruststream::inline v0::settings
