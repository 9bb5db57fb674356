#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

namespace ruststream {
inline namespace v0 {
namespace detail {

/// Time of loops in a simulation: whoever owns it moves it, when none of them has anything left to run. [one thread]
class SimulatedTime {
 public:
  using Point = std::chrono::steady_clock::time_point;

  [[nodiscard]] virtual Point now() const noexcept = 0;

 protected:
  ~SimulatedTime() = default;
};

/// The timers of a simulated loop: by time, then in the order of their start.
class SimulatedTimers {
 public:
  using Point = SimulatedTime::Point;
  using Callback = void (*)(void* context) noexcept;
  struct Entry {
    Callback callback;
    void* context;
  };
  using Key = std::pair<Point, std::uint64_t>;

  Key start(Point due, Entry entry) { return timers_.emplace(Key(due, ++last_), entry).first->first; }
  void stop(const Key& key) noexcept { timers_.erase(key); }
  [[nodiscard]] Point next() const noexcept { return timers_.empty() ? Point::max() : timers_.begin()->first.first; }
  /// The first that is due, taken out: its owner may be gone once it has been called.
  [[nodiscard]] bool take_due(Point now, Key& key, Entry& entry) noexcept {
    if (next() > now || timers_.empty()) return false;
    std::tie(key, entry) = *timers_.begin();
    timers_.erase(timers_.begin());
    return true;
  }

 private:
  std::map<Key, Entry> timers_;
  std::uint64_t last_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
