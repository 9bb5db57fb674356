#pragma once
#include "command_line.hpp"

namespace ruststream::cli {

/// `plugins verify`.
[[nodiscard]] Exit verify(const CommandLine& line);

}  // namespace ruststream::cli
