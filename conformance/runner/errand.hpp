#pragma once
#include "runner/testkit.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace conformance {

/// What a child process is started for.
struct Errand {
  std::string plugin;  // path
  std::string testkit;
  std::string url;  // overrides the testkit's
  OptionTexts options;
  std::string name;  // of the case; empty: describe the plugin
  std::string kind;
  std::string apart;   // what another process of the case does; empty: this is the case
  std::string unique;  // the name of the case's addresses; empty: made of case, kind, seed and process
  std::uint64_t seed = 1;
  std::chrono::milliseconds timeout{30'000};
  int report = 1;  // descriptor that the report goes to, lines of JSON
  int doing = -1;  // of the DoingBoard; -1: nobody reads it

  /// One line of JSON and back; throws on what this program has not written.
  [[nodiscard]] std::string to_json() const;
  [[nodiscard]] static Errand from_json(std::string_view text);
};

}  // namespace conformance
