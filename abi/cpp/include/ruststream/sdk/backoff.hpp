#pragma once
// How long to wait before the next attempt (rule R1).

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace ruststream::sdk {

/// Delays that double from the first to the most, each drawn between its half and the whole: clients that lost the same
/// server do not come back to it at the same moment. [one thread]
class Backoff {
 public:
  using Duration = std::chrono::nanoseconds;

  Backoff(Duration first, Duration most, std::uint64_t seed = std::random_device{}())
      : first_(std::max(first, kLeast)), most_(std::max(most, first_)), next_(first_), random_(seed) {}

  /// The delay before the next attempt.
  Duration next() {
    const Duration whole = next_;
    next_ = whole < most_ / 2 ? whole * 2 : most_;
    ++attempts_;
    return Duration{std::uniform_int_distribution<std::int64_t>{whole.count() / 2, whole.count()}(random_)};
  }
  /// Since the beginning, or the last reset.
  [[nodiscard]] std::uint64_t attempts() const noexcept { return attempts_; }
  /// It worked.
  void reset() noexcept {
    next_ = first_;
    attempts_ = 0;
  }

 private:
  static constexpr Duration kLeast = std::chrono::milliseconds{1};  // whatever the user writes: never without spacing

  Duration first_;
  Duration most_;
  Duration next_;
  std::uint64_t attempts_ = 0;
  std::mt19937_64 random_;
};

}  // namespace ruststream::sdk
