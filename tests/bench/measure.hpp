// The measured region of a scenario, and the allocations inside it.
#pragma once

#include <cstdint>

namespace bench {

/// From begin() to end() callgrind counts the instructions of every thread, and every call of the allocator is counted
/// too. One region per process; the two calls may come from different threads.
class Measure {
 public:
  static void begin() noexcept;
  static void end() noexcept;
  /// Calls of malloc and its relatives inside the region, of all threads, the plugin's included.
  [[nodiscard]] static std::uint64_t allocations() noexcept;
};

}  // namespace bench
