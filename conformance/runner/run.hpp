#pragma once
#include "runner/command_line.hpp"

namespace conformance {

/// The whole of the program but for its children: the exit code.
[[nodiscard]] int run(const CommandLine& line);

}  // namespace conformance
