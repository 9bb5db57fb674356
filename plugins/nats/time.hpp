// The plugin's clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace ruststream::nats {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using std::chrono::nanoseconds;
using namespace std::chrono_literals;

inline constexpr Time kNever = Time::max();
inline constexpr nanoseconds kLongestWait = std::chrono::hours{24};  // of any option, so that sums do not overflow

/// When a wait that begins now is over. `timeout_ns` 0: the plugin's default.
inline Time after(std::uint64_t timeout_ns, nanoseconds otherwise) {
  const auto most = static_cast<std::uint64_t>(kLongestWait.count());
  return Clock::now() +
         (timeout_ns == 0 ? otherwise : nanoseconds{static_cast<std::int64_t>(std::min(timeout_ns, most))});
}

}  // namespace ruststream::nats
