#pragma once
#include <string>
#include <vector>

namespace conformance {

/// What of this process's environment a plugin sees: where things are, and what runtimes and sanitizers are told.
[[nodiscard]] std::vector<std::string> plugin_environment();

}  // namespace conformance
