// Which requests had no responders.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace ruststream::nats {

/// cnats says of a synchronous subscription that a reply was "no responders", but not to what. Requests are numbered,
/// and such a reply is to one that was sent before it came: as soon as no other of those waits, it is known.
class Unrouted {
 public:
  /// One came, when the last request was `last`.
  void came(std::uint64_t last) { up_to_.push_back(last); }
  [[nodiscard]] bool empty() const noexcept { return up_to_.empty(); }
  void clear() noexcept { up_to_.clear(); }

  /// `waiting`: the numbers that still have no reply, rising. How many of the first of them had no responders.
  [[nodiscard]] std::size_t known(std::span<const std::uint64_t> waiting) {
    for (std::size_t came = up_to_.size(); came != 0; --came) {
      const auto behind = std::upper_bound(waiting.begin(), waiting.end(), up_to_[came - 1]);
      const auto before = static_cast<std::size_t>(behind - waiting.begin());
      if (before > came) continue;
      up_to_.erase(up_to_.begin(), up_to_.begin() + static_cast<std::ptrdiff_t>(came));
      return before;
    }
    return 0;
  }

 private:
  std::vector<std::uint64_t> up_to_;  // rising; at most as many as wait
};

}  // namespace ruststream::nats
