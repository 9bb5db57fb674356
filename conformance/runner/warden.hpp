#pragma once
#include "runner/errand.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

// Limits that a Go plugin survives: nothing is limited that it reserves in advance (addresses, threads).
inline constexpr std::size_t kMemoryLimit = std::size_t{2} << 30U;  // resident, of a case's processes together
inline constexpr std::chrono::seconds kVerbLimit{10};   // a verb that has not returned by then never will (rule B1)
inline constexpr std::size_t kOutputLimit = 64 * 1024;  // of what a plugin prints; the rest is thrown away

/// How a case's process ended.
struct Ended {
  enum class How : std::uint8_t {
    exited,
    signalled,
    crashed,  // the crash handler said so
    timed_out,
    stuck,  // in a verb
    grew,   // past the memory limit
    lost,   // its warden ended without a word
  };
  How how = How::lost;
  int code = 0;                       // exit code, or signal
  std::string report;                 // lines of JSON
  std::string output;                 // of standard output and standard error
  std::vector<std::string> doing;     // what its threads were in, the longest first
  std::vector<std::string> leftover;  // programs of processes left behind; empty: this one
  std::string backtrace;              // of a crash or a hang
  std::chrono::milliseconds took{0};

  [[nodiscard]] std::string to_json() const;  // without the backtrace
  /// What a warden wrote, whole or in part.
  [[nodiscard]] static Ended from_json(std::string_view lines);
};

/// Runs one child process from birth to the last of its grandchildren, and writes to standard output how it ended. A
/// process of its own for each case: it is the subreaper, so every process that it finds below itself belongs to the
/// case, and reading the debug information of a broken file can end no one else. [a process with one thread]
[[noreturn]] void run_warden(const Errand& errand);

}  // namespace conformance
