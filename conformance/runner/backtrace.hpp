#pragma once
#include <string>
#include <sys/types.h>

namespace conformance {

/// Functions with file and line of all threads of another process, `first` before the others; bounded. The process
/// stands still when this returns. It reads the files that the process has mapped, so it runs where a crash costs
/// nothing else: in the warden. Empty when the process cannot be traced.
[[nodiscard]] std::string backtrace(pid_t process, pid_t first);

}  // namespace conformance
