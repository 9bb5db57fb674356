#pragma once
#include "runner/testkit.hpp"

#include <cstdint>
#include <string>

namespace conformance {

/// What a child process is started for.
struct Errand {
  std::string plugin;  // path
  std::string testkit;
  std::string url;  // overrides the testkit's
  OptionTexts options;
  std::string name;  // of the case; empty: describe the plugin
  std::string kind;
  std::uint64_t seed = 1;
  int report = -1;  // descriptor that the report goes to, one JSON document
};

/// Runs one case, or describes the plugin, in this process, and ends it.
[[noreturn]] void run_child(const Errand& errand);

}  // namespace conformance
