#pragma once

#include "settings/settings.hpp"

#include <string>
#include <vector>

namespace ruststream::inline v0::settings {

struct Variable {
  std::string name;
  std::string value;
};
using Environment = std::vector<Variable>;

inline constexpr std::string_view kEnvironmentPrefix = "RUSTSTREAM_";

/// The `RUSTSTREAM_*` variables of a null-terminated `environ`. A process that runs with more rights than who started
/// it (AT_SECURE) must not be steered by its environment: give it null.
[[nodiscard]] Environment read_environment(const char* const* environ);

/// Puts the variables into `settings`.
///
/// A double underscore is the dot: `RUSTSTREAM_SUBSCRIPTION__BILLING__MAX_ATTEMPTS` is
/// `subscription.billing.max_attempts`. The few keys that are no section have a plain name too: `RUSTSTREAM_LOG_LEVEL`,
/// `RUSTSTREAM_LOG_FORMAT`. `RUSTSTREAM_CONFIG` names the file and `RUSTSTREAM_PLUGIN_PATH` is the loader's own; both
/// are skipped here, as `plugin.path` is in any spelling: code is loaded from where a flag or a file says.
/// @return warnings, one sentence each, for variables that are no setting. They are no errors, because others make
/// variables with our prefix (Kubernetes does for a service of that name).
[[nodiscard]] std::vector<std::string> apply_environment(const Environment& environment, Settings& settings);

}  // namespace ruststream::inline v0::settings
