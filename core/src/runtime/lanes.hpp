#pragma once
#include <ruststream/handler.hpp>

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace ruststream {
inline namespace v0 {
namespace detail {

/// Keyed workers: a key belongs to one lane, a lane runs one message at a time in order. The window of the subscription
/// bounds how many wait. One thread.
class Lanes {
 public:
  Lanes(std::uint32_t count, std::uint32_t window) : lanes_(count) { waiting_.reserve(window); }

  [[nodiscard]] std::uint32_t lane_of(const rst_message& message) noexcept {
    const auto count = static_cast<std::uint32_t>(lanes_.size());
    if (message.key != nullptr) return hash({reinterpret_cast<const char*>(message.key), message.key_len}) % count;
    if (message.partition != 0) return message.partition % count;
    return ++round_ % count;  // nothing to keep in order
  }

  /// True when the lane was free: the caller starts the message. Else it waits in the lane.
  bool enter(std::uint32_t lane, const MessageRef& ref) {
    Lane& at = lanes_[lane];
    if (!at.busy) {
      at.busy = true;
      return true;
    }
    std::uint32_t place = free_;
    if (place == kNone) {
      place = static_cast<std::uint32_t>(waiting_.size());
      waiting_.push_back({});
    } else {
      free_ = waiting_[place].next;
    }
    waiting_[place] = {ref, kNone};
    (at.last == kNone ? at.first : waiting_[at.last].next) = place;
    at.last = place;
    ++count_;
    return false;
  }

  /// Whether any message waits for its lane.
  [[nodiscard]] bool waiting() const noexcept { return count_ != 0; }

  /// The lane's message ended.
  void leave(std::uint32_t lane) {
    lanes_[lane].busy = false;
    if (lanes_[lane].first != kNone) ready_.push_back(lane);
  }

  /// A message of a lane that became free; the lane is busy with it.
  bool next(MessageRef& ref, std::uint32_t& lane) {
    if (ready_.empty()) return false;
    lane = ready_.back();
    ready_.pop_back();
    take(lane, ref);
    lanes_[lane].busy = true;
    return true;
  }

  /// Takes out the messages that wait and of which `goes` is true; the others keep their order.
  template <class F>
  void remove_if(F goes) {
    for (Lane& lane : lanes_) {
      std::uint32_t* link = &lane.first;
      lane.last = kNone;
      while (*link != kNone) {
        const std::uint32_t place = *link;
        if (!goes(waiting_[place].ref)) {
          lane.last = place;
          link = &waiting_[place].next;
          continue;
        }
        *link = waiting_[place].next;
        free(place);
      }
    }
    std::erase_if(ready_, [this](std::uint32_t lane) { return lanes_[lane].first == kNone; });
  }

  /// Any message that waits, its lane's order kept, for giving everything back.
  bool drop(MessageRef& ref) {
    ready_.clear();
    for (std::uint32_t lane = 0; lane < lanes_.size(); ++lane) {
      if (lanes_[lane].first != kNone) return take(lane, ref), true;
    }
    return false;
  }

 private:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  struct Lane {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
    bool busy = false;
  };
  struct Waiting {
    MessageRef ref;
    std::uint32_t next = kNone;
  };

  void take(std::uint32_t lane, MessageRef& ref) {
    Lane& at = lanes_[lane];
    const std::uint32_t place = at.first;
    ref = waiting_[place].ref;
    at.first = waiting_[place].next;
    if (at.first == kNone) at.last = kNone;
    free(place);
  }

  void free(std::uint32_t place) {
    waiting_[place].next = free_;
    free_ = place;
    --count_;
  }

  /// Eight bytes at a time; good enough to spread keys over lanes, and a few instructions for a short key.
  static std::uint32_t hash(std::string_view key) noexcept {
    constexpr std::uint64_t kMix = 0x9E37'79B9'7F4A'7C15ULL;
    std::uint64_t state = key.size() * kMix;
    while (key.size() >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, key.data(), 8);
      state = (state ^ word) * kMix;
      state ^= state >> 29;
      key.remove_prefix(8);
    }
    state = (state ^ tail(key)) * kMix;
    return static_cast<std::uint32_t>(state >> 32);
  }

  /// Less than eight bytes without a loop; no two texts of one length give the same.
  static std::uint64_t tail(std::string_view key) noexcept {
    const std::size_t size = key.size();
    if (size >= 4) {
      std::uint32_t first = 0, last = 0;  // they overlap
      std::memcpy(&first, key.data(), 4);
      std::memcpy(&last, key.data() + size - 4, 4);
      return std::uint64_t{last} << 32 | first;
    }
    std::uint64_t word = 0;
    for (const char each : key) word = word << 8 | static_cast<unsigned char>(each);
    return word;
  }

  std::vector<Lane> lanes_;
  std::vector<Waiting> waiting_;
  std::vector<std::uint32_t> ready_;
  std::uint32_t free_ = kNone;
  std::uint32_t count_ = 0;  // of those that wait
  std::uint32_t round_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
