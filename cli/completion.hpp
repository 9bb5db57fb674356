#pragma once
#include "exit.hpp"

namespace ruststream::cli {

/// `completion bash`: the script, made of what the command line declares.
[[nodiscard]] Exit print_completion();

}  // namespace ruststream::cli
