// Time as an instance sees it: the host's, or what rst.sim said last.
#pragma once

#include <ruststream/sdk/host.hpp>

#include <atomic>
#include <cstdint>
#include <limits>

namespace ruststream::memory {

/// Any thread.
class Clock {
 public:
  explicit Clock(sdk::Host host) noexcept : host_(host) {}

  [[nodiscard]] std::int64_t wall_ns() const noexcept { return host_.wall_ns(); }
  [[nodiscard]] std::int64_t monotonic_ns() const noexcept {
    const auto stepped = stepped_ns_.load(std::memory_order_acquire);
    return stepped != kReal ? stepped : host_.monotonic_ns();
  }

  /// From the first step on monotonic time is what the steps say.
  void step(std::int64_t now_ns) noexcept { stepped_ns_.store(now_ns, std::memory_order_release); }
  [[nodiscard]] bool simulated() const noexcept { return stepped_ns_.load(std::memory_order_acquire) != kReal; }

 private:
  static constexpr std::int64_t kReal = std::numeric_limits<std::int64_t>::min();

  sdk::Host host_;
  std::atomic<std::int64_t> stepped_ns_{kReal};
};

/// `delay_ns` after `now_ns`, without wrapping.
[[nodiscard]] inline std::int64_t later(std::int64_t now_ns, std::uint64_t delay_ns) noexcept {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max() - 1;
  return delay_ns > static_cast<std::uint64_t>(kMost - now_ns) ? kMost : now_ns + static_cast<std::int64_t>(delay_ns);
}

}  // namespace ruststream::memory
