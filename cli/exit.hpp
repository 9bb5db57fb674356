#pragma once
#include <string_view>

namespace ruststream::cli {

/// What the program ends with; of several the largest.
enum Exit : int {
  kDone = 0,
  kFault = 1,    // something is wrong with a plugin
  kUsage = 2,    // the command line is not understood
  kNotDone = 3,  // something was not there, or could not be read or written
};

/// Says on standard error, in one sentence, why it ends so.
[[nodiscard]] Exit stop(Exit code, std::string_view sentence);

}  // namespace ruststream::cli
