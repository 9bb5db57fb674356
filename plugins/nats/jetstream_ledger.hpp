// What a subscription has asked the server for and not got yet: all its pull requests counted together, since a
// delivery does not say which of them it is for.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace ruststream::nats {

/// Not synchronised: its subscription's lock guards it.
///
/// Each request names its epoch and size in its inbox, so that a status says what ends. A new epoch begins when the
/// server may have forgotten all requests: after a loss, or when its heartbeats stay away.
class PullLedger {
 public:
  static constexpr std::uint32_t kMostRequests = 16;       // under way at once; a server keeps 512 for a whole consumer
  static constexpr std::uint32_t kMostAtOnce = 1U << 14U;  // messages of one request

  /// How many to ask for now, when there is room for `room` more than are here already; 0: none yet. Small rooms wait
  /// until a quarter of what is under way has come, so that requests are few.
  [[nodiscard]] std::uint32_t want(std::uint64_t room) const noexcept {
    if (room <= outstanding_ || requests_ == kMostRequests) return 0;
    const auto more = room - outstanding_;
    if (outstanding_ != 0 && more < room / 4) return 0;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(more, kMostAtOnce));
  }
  void asked(std::uint32_t messages) noexcept {
    left_[(first_ + requests_++) % kMostRequests] = messages;
    outstanding_ += messages;
    heard_ = true;
  }
  /// Deliveries came. They are taken off the oldest request: the server serves them in turn, but only the sum matters,
  /// and about how many there are.
  void arrived(std::uint64_t messages) noexcept {
    messages = std::min(messages, outstanding_);
    outstanding_ -= messages;
    while (requests_ != 0) {
      std::uint32_t& oldest = left_[first_];
      const auto taken = static_cast<std::uint32_t>(std::min<std::uint64_t>(oldest, messages));
      oldest -= taken;
      messages -= taken;
      if (oldest != 0) break;
      first_ = (first_ + 1) % kMostRequests;
      --requests_;
    }
    heard_ = true;
  }
  /// A request of this epoch is over, so many of its messages short.
  void ended(std::uint32_t epoch, std::uint64_t messages) noexcept {
    if (epoch == epoch_) arrived(messages);
  }
  void heard() noexcept { heard_ = true; }

  /// Called once for each span in which something must be heard: whether the server was silent for a whole one.
  [[nodiscard]] bool silent() noexcept {
    const bool silent = outstanding_ != 0 && !heard_;
    heard_ = false;
    return silent;
  }
  /// Nothing is under way any more.
  void forget() noexcept {
    ++epoch_;
    outstanding_ = 0;
    requests_ = 0;
    first_ = 0;
  }

  [[nodiscard]] std::uint32_t epoch() const noexcept { return epoch_; }
  [[nodiscard]] std::uint64_t outstanding() const noexcept { return outstanding_; }

 private:
  std::array<std::uint32_t, kMostRequests> left_{};  // messages of each request, a ring from first_ on
  std::uint32_t first_ = 0, requests_ = 0;
  std::uint64_t outstanding_ = 0;  // messages: the sum of left_
  std::uint32_t epoch_ = 0;
  bool heard_ = false;
};

}  // namespace ruststream::nats
