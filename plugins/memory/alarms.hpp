// What is due when: a heap of alarms that sit inside the things they wake.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace ruststream::memory {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

/// Base of whatever waits for a moment. Disarm before it is destroyed.
struct Alarm {
  enum class Kind : std::uint8_t { kGroup, kAckTimeout, kRequest, kSchedule, kTransaction, kRevocation, kLink };

  explicit Alarm(Kind alarm_kind) noexcept : kind(alarm_kind) {}

  std::int64_t due_ns = kNever;
  std::uint32_t place = kNowhere;  // index in the heap
  Kind kind;

  static constexpr std::uint32_t kNowhere = 0xFFFFFFFF;
};

/// A binary heap by due time. Not synchronised: the broker's lock guards it.
class Alarms {
 public:
  /// Sets or moves the alarm; kNever takes it out.
  void arm(Alarm& alarm, std::int64_t due_ns);
  void disarm(Alarm& alarm) { arm(alarm, kNever); }

  /// The earliest alarm that is due by `now_ns`, taken out; nullptr when there is none.
  Alarm* take_due(std::int64_t now_ns);

  [[nodiscard]] std::int64_t next_due_ns() const noexcept { return heap_.empty() ? kNever : heap_.front()->due_ns; }

 private:
  void put(std::uint32_t place, Alarm* alarm) noexcept {
    heap_[place] = alarm;
    alarm->place = place;
  }
  void sift_up(std::uint32_t place) noexcept;
  void sift_down(std::uint32_t place) noexcept;
  void remove(Alarm& alarm) noexcept;

  std::vector<Alarm*> heap_;
};

}  // namespace ruststream::memory
