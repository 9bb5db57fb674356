#include "log/rate_limit.hpp"

#include <functional>
#include <utility>

namespace ruststream::inline v0::log {

std::size_t RateLimit::Hash::operator()(const Pair& pair) const noexcept {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio: spreads small ids over all bits
  return std::hash<std::uint64_t>()(pair.subject * kOdd ^ static_cast<std::uint64_t>(pair.code));
}

RateLimit::Window& RateLimit::window_of(const Pair& pair, Clock::time_point now) {
  if (const auto at = windows_.find(pair); at != windows_.end()) return at->second;
  if (windows_.size() == kMaxRatePairs && now - swept_ >= kRateWindow) forget_silent(now);
  return windows_.size() < kMaxRatePairs ? windows_[pair] : shared_;
}

void RateLimit::forget_silent(Clock::time_point now) {
  swept_ = now;
  std::erase_if(windows_, [this, now](const auto& entry) {
    const bool silent = now - entry.second.start >= kRateWindow;
    if (silent) shared_.suppressed += entry.second.suppressed;
    return silent;
  });
}

RateLimit::Pass RateLimit::admit(std::uint64_t subject, std::int64_t code, Clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  Window& window = window_of(Pair{subject, code}, now);
  if (window.lines == 0 || now - window.start >= kRateWindow) {
    window.start = now;
    window.lines = 0;
  }
  if (window.lines == kLinesPerWindow) {
    ++window.suppressed;
    return {};
  }
  ++window.lines;
  return {.admitted = true, .suppressed = std::exchange(window.suppressed, 0)};
}

std::uint64_t RateLimit::untold() const {
  const std::scoped_lock lock(mutex_);
  std::uint64_t total = shared_.suppressed;
  for (const auto& [pair, window] : windows_) total += window.suppressed;
  return total;
}

}  // namespace ruststream::inline v0::log
