// What waits in one order: all of a group's messages, or those of one partition where partitions are assigned.
#pragma once

#include "record.hpp"
#include "record_queue.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace ruststream::memory {

struct Subscription;

/// A delivery that came back.
struct Returned {
  Record* record;
  std::uint32_t attempt;  // of the next delivery
  std::uint32_t priority;
};

/// A delivery about to be made.
struct Next {
  Record* record;  // nullptr: there is none; else it carries a hold
  std::uint32_t attempt;
  bool again;  // it was delivered before
};

/// Not synchronised: the broker's lock guards it. Each record carries a hold.
struct Lane {
  RecordQueue waiting;             // of priority 0
  std::vector<Returned> returned;  // a heap: highest priority, then lowest sequence first

  // Where partitions are assigned; nullptr, false in the lane that all members share.
  Subscription* owner = nullptr;
  bool revoking = false;  // nothing new is delivered

  [[nodiscard]] bool empty() const noexcept { return waiting.empty() && returned.empty() && urgent_count_ == 0; }
  [[nodiscard]] std::uint64_t size() const noexcept { return waiting.size() + returned.size() + urgent_count_; }
  [[nodiscard]] bool has_urgent() const noexcept { return urgent_count_ != 0; }

  void add(Record& record, std::uint32_t priority);
  void give_back(Record* record, std::uint32_t attempt, std::uint32_t priority);
  /// What comes next, taken out.
  Next take() noexcept;
  /// The next of what came back.
  Next take_returned() noexcept;
  /// Takes out each record of which `goes(record)` is true, and passes it to `drop`. The others keep their order.
  template <typename Goes, typename Drop>
  void remove(Goes&& goes, Drop&& drop);
  /// The lowest sequence that waits, or `otherwise`.
  [[nodiscard]] std::uint64_t lowest(std::uint64_t otherwise) const noexcept;

 private:
  using Urgent = std::array<RecordQueue, Record::kHighestPriority>;  // by priority, from 1

  [[nodiscard]] RecordQueue& queue_of(std::uint32_t priority);

  std::unique_ptr<Urgent> urgent_;  // made for the first that has a priority
  std::uint64_t urgent_count_ = 0;
};

template <typename Goes, typename Drop>
void Lane::remove(Goes&& goes, Drop&& drop) {
  const auto sift = [&](RecordQueue& queue) {
    const auto before = queue.size();
    for (auto left = before; left > 0; --left) {
      Record* record = queue.front().front();
      queue.pop(1);
      goes(record) ? drop(record) : queue.push(record);
    }
    return before - queue.size();
  };
  sift(waiting);
  if (urgent_count_ != 0) {
    for (auto& queue : *urgent_) urgent_count_ -= sift(queue);
  }
  const auto back = std::exchange(returned, {});
  for (const auto& each : back) {
    goes(each.record) ? drop(each.record) : give_back(each.record, each.attempt, each.priority);
  }
}

}  // namespace ruststream::memory
