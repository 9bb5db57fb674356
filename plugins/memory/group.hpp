// A group: the one queue, or the one cursor in a log, that its members share.
#pragma once

#include "alarms.hpp"
#include "record_queue.hpp"
#include "subscription.hpp"
#include "topic.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ruststream::memory {

/// A delivery that came back, or one about to be made.
struct Returned {
  Record* record;
  std::uint32_t attempt;  // of the next delivery
};

/// Guarded by the broker's lock.
struct Group : Alarm {
  Group(std::string group_name, std::vector<std::string> group_addresses, Topic* log_topic);
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  [[nodiscard]] bool is_log() const noexcept { return log != nullptr; }
  [[nodiscard]] bool takes(std::string_view destination) const noexcept;

  /// Messages that could be delivered now.
  [[nodiscard]] std::uint64_t available() const noexcept {
    return returned.size() + (is_log() ? log->log->end() - next_offset : waiting.size());
  }
  [[nodiscard]] bool has_work() const noexcept {
    return !returned.empty() || (is_log() ? next_offset < log->log->end() : !waiting.empty());
  }

  /// The next of what came back, in its old order; returned is not empty. The record carries a hold.
  Returned take_returned() noexcept;

  /// Puts a delivery back in front of what waits; its hold stays with it.
  void give_back(Record* record, std::uint32_t attempt);
  void hold_until(std::int64_t due_ns, Record* record, std::uint32_t attempt);
  /// Moves what is due to the front; the moment of the next one, or kNever.
  std::int64_t take_due(std::int64_t now_ns);

  /// The lowest offset that is still needed, `unsettled` of the members included; for groups of a log.
  [[nodiscard]] std::uint64_t lowest_needed() const;

  /// False when surely no member may be given more.
  [[nodiscard]] bool may_deliver() const noexcept {
    return members.size() == 1 ? members.front()->ready() : !members.empty();
  }
  /// The member whose turn it is among those that may be given more, or nullptr.
  Subscription* next_ready_member() noexcept {
    if (members.size() != 1) return next_ready_of_many();
    return members.front()->ready() ? members.front() : nullptr;
  }

  const std::string name;  // empty: of one subscription alone, and ends with it
  const std::vector<std::string> addresses;
  const std::string key;  // the addresses, separated by spaces
  Topic* const log;       // the topic whose log it reads, or nullptr for a queue

  RecordQueue waiting;             // of a queue
  std::uint64_t next_offset = 0;   // of a log
  std::vector<Returned> returned;  // a heap, lowest sequence first
  struct Delayed {
    std::int64_t due_ns;
    Returned delivery;
  };
  std::vector<Delayed> delayed;  // a heap, earliest first; `due_ns` of the alarm is its front

  std::vector<Subscription*> members;
  std::size_t turn = 0;         // whose turn it is among the members
  Group* next_ready = nullptr;  // in the broker's list of groups to pump
  bool marked_ready = false;
  bool deleted = false;     // gone, but for the thread that is pumping it
  std::uint32_t pumps = 0;  // threads that are

 private:
  Subscription* next_ready_of_many() noexcept;
};

}  // namespace ruststream::memory
