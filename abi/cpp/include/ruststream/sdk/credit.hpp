#pragma once
// A subscription's balances of messages and bytes (rules F1, F5).

#include <ruststream/sdk/host.hpp>

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace ruststream::sdk {

/// Any thread adds and drains; one thread at a time takes. Its lock is held for a few instructions, once per batch.
class Credit {
 public:
  /// What one delivery may use. Give it back by Credit::end, whatever became of it.
  struct Turn {
    std::uint32_t messages = 0;  // 0: no credit, nothing to end
    std::uint64_t epoch = 0;
  };

  void add(std::uint32_t messages, std::uint64_t bytes) {
    const std::lock_guard lock{mutex_};
    messages_ += messages;
    bytes_ += static_cast<std::int64_t>(std::min<std::uint64_t>(bytes, INT64_MAX / 2));
  }

  /// Sets both balances to zero. DONE: nothing more is delivered; PENDING: a delivery is under way, `op` completes
  /// behind it.
  std::int32_t drain(std::uint64_t op) {
    const std::lock_guard lock{mutex_};
    messages_ = 0;
    bytes_ = 0;
    ++epoch_;
    if (!busy_) return RST_DONE;
    drains_.push_back(op);
    return RST_PENDING;
  }

  /// Begins a delivery of at most `want` messages. A second one at the same time gets none; the first learns of it at
  /// its end.
  [[nodiscard]] Turn begin(std::uint32_t want) {
    const std::lock_guard lock{mutex_};
    again_ |= busy_;
    if (busy_ || messages_ <= 0 || bytes_ <= 0 || want == 0) return {};
    const auto messages = static_cast<std::uint32_t>(std::min<std::int64_t>(want, messages_));
    messages_ -= messages;
    busy_ = true;
    return {messages, epoch_};
  }

  /// Ends it: `used` messages of `bytes` were accepted by the host. The bytes may go below zero by what one batch
  /// holds.
  /// @return whether another delivery was turned away meanwhile: look again, it may have seen more than this one.
  bool end(const Turn& turn, std::uint32_t used, std::uint64_t bytes, const Host& host) {
    if (turn.messages == 0) return false;
    bool again = false;
    std::vector<std::uint64_t> drained;
    {
      const std::lock_guard lock{mutex_};
      busy_ = false;
      again = std::exchange(again_, false);
      if (turn.epoch == epoch_) {
        messages_ += turn.messages - used;
        bytes_ -= static_cast<std::int64_t>(bytes);
      }
      drained.swap(drains_);
    }
    for (const auto op : drained) host.complete(op);
    return again;
  }

  /// How many messages may come, beside a delivery that is under way.
  [[nodiscard]] std::uint64_t room() const {
    const std::lock_guard lock{mutex_};
    return messages_ > 0 && bytes_ > 0 ? static_cast<std::uint64_t>(messages_) : 0;
  }

  [[nodiscard]] bool available() const {
    const std::lock_guard lock{mutex_};
    return !busy_ && messages_ > 0 && bytes_ > 0;
  }

 private:
  mutable std::mutex mutex_;
  std::int64_t messages_ = 0;
  std::int64_t bytes_ = 0;
  std::uint64_t epoch_ = 0;  // rises with each drain: a turn from before owes nothing
  bool busy_ = false;
  bool again_ = false;
  std::vector<std::uint64_t> drains_;
};

}  // namespace ruststream::sdk
