#pragma once
#include "command_line.hpp"

namespace ruststream::cli {

/// `plugins list`.
[[nodiscard]] Exit list(const CommandLine& line);

}  // namespace ruststream::cli
