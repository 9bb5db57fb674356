#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace ruststream::inline v0::log {

/// Keeps what repeats from filling the log: of one (subject, code) it lets kLinesPerWindow lines through in each
/// kRateWindow and counts the rest. Subjects and codes are whatever the caller tells lines apart by (a subscription's
/// id and an error code). Any thread; no allocation for a pair that is known.
inline constexpr std::uint32_t kLinesPerWindow = 5;
inline constexpr std::chrono::seconds kRateWindow{10};
/// Pairs told apart; beyond them, all new ones share one budget until old ones fall silent for a window.
inline constexpr std::size_t kMaxRatePairs = 1024;

class RateLimit {
 public:
  using Clock = std::chrono::steady_clock;

  struct Pass {
    bool admitted = false;
    std::uint64_t suppressed = 0;  ///< lines of this pair that were kept back since the last admitted one: say so
  };

  [[nodiscard]] Pass admit(std::uint64_t subject, std::int64_t code, Clock::time_point now);

  /// How many kept-back lines no later line has told of; asked once, at the end.
  [[nodiscard]] std::uint64_t untold() const;

 private:
  struct Pair {
    std::uint64_t subject = 0;
    std::int64_t code = 0;
    bool operator==(const Pair&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Pair& pair) const noexcept;
  };
  struct Window {
    Clock::time_point start;
    std::uint32_t lines = 0;
    std::uint64_t suppressed = 0;
  };

  Window& window_of(const Pair& pair, Clock::time_point now);
  void forget_silent(Clock::time_point now);

  mutable std::mutex mutex_;
  std::unordered_map<Pair, Window, Hash> windows_;
  Window shared_;  ///< of the pairs that found no place, and what is untold of those that lost theirs
  Clock::time_point swept_;
};

}  // namespace ruststream::inline v0::log
