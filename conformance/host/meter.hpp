#pragma once
#include <chrono>
#include <cstdint>

namespace conformance {

/// How long this thread has been asleep since the meter was made: time that passed, less time on a processor, less time
/// in line for one; less the same of the process's other threads, since one of them may hold a lock that this thread
/// needs for a moment. What is left is a wait for something outside: a time, a file, a peer. So a busy machine does not
/// look like a verb that waits (rule B1); nor does a machine whose own machine stands still, because a thread that
/// never gave its processor away did not sleep. [one thread]
class Meter {
 public:
  Meter() noexcept;
  [[nodiscard]] std::chrono::nanoseconds asleep() const noexcept;
  /// The same, whatever the other threads did meanwhile.
  [[nodiscard]] std::chrono::nanoseconds away() const noexcept;
  /// This thread slept for so long by the host's doing, within a call that the plugin made: no meter of it counts that.
  static void excuse(std::chrono::nanoseconds time) noexcept;

 private:
  struct Reading {
    std::int64_t wall_ns = 0;
    std::int64_t busy_ns = 0;    // on a processor, in line for one, or excused
    std::int64_t others_ns = 0;  // on a processor or in line: all other threads of the process
    std::int64_t sleeps = 0;     // how often it gave its processor away, but for memory that was to be read in
  };
  static Reading begin() noexcept;
  static Reading end() noexcept;
  static std::chrono::nanoseconds between(const Reading& begin, const Reading& end) noexcept;
  Reading begin_;
};

/// Whether this program is built for a sanitizer.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
inline constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif

/// What rule B1 allows a verb; ten times that where the build slows everything down.
inline constexpr std::chrono::milliseconds kMayWait{kSanitized ? 200 : 20};

}  // namespace conformance
