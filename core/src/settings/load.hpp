#pragma once

#include "settings/command_line.hpp"
#include "settings/environment.hpp"
#include "settings/settings.hpp"

#include <ruststream/error.hpp>

#include <string>
#include <vector>

namespace ruststream::inline v0::settings {

struct Loaded {
  Settings settings;
  std::vector<std::string> warnings;  ///< to be logged once there is a logger
};

/// Reads the settings file (`--config`, else `RUSTSTREAM_CONFIG`), the environment and the flags, in this order, over
/// what `defaults` holds, and checks every key against the schema of keys.hpp. Blocks on the file; call it before the
/// loop.
/// @return the settings, or Code::option with every problem, one per line.
[[nodiscard]] Result<Loaded> load(const CommandLine& line, const Environment& environment, Settings defaults = {});

}  // namespace ruststream::inline v0::settings
