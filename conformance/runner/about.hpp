#pragma once
#include "host/plugin.hpp"
#include "runner/sandbox.hpp"

#include <expected>
#include <string>
#include <vector>

namespace conformance {

/// What a plugin says of itself, as a child process read it.
struct About {
  std::string name, version, vendor;
  std::vector<std::string> schemes;
  std::vector<Kind> kinds;
  std::vector<std::string> secrets;  // names of options that are not to be shown
};

/// Loads the plugin in a child and asks it. What stands against that, in one sentence that names the file, the reason
/// and the remedy.
[[nodiscard]] std::expected<About, std::string> describe(Sandbox& sandbox, const Errand& errand);

}  // namespace conformance
