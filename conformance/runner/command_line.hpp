#pragma once
#include "runner/plan.hpp"

#include <expected>
#include <string>

namespace conformance {

enum Exit : int { kNothingFailed = 0, kSomethingFailed = 1, kUsage = 2, kCouldNotRun = 3 };

/// What was asked for on the command line.
struct CommandLine {
  Errand errand;  // of all cases: plugin, testkit, url, options, timeout
  Selection selection;
  unsigned jobs = 1;
  bool list = false;
  std::string json, junit, html;  // files for the reports, "-" standard output; empty: not wanted
  bool strict = false;
};

/// Or the code to exit with: the help, the version or what is wrong has been printed then.
[[nodiscard]] std::expected<CommandLine, Exit> read_command_line(int argc, char** argv);

}  // namespace conformance
