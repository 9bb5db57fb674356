// Publishes that wait for their moment.
#pragma once

#include "alarms.hpp"

#include <cstdint>
#include <vector>

namespace ruststream::memory {

struct Record;

/// A heap by due time, then by the order in which they came. Guarded by the broker's lock. Does not own the records.
class Schedule : public Alarm {
 public:
  Schedule() noexcept : Alarm(Kind::kSchedule) {}

  [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }
  [[nodiscard]] std::int64_t next_due() const noexcept { return heap_.empty() ? kNever : heap_.front().due_ns; }

  void add(std::int64_t at_ns, Record& record);
  /// The next that is due by `now_ns`, taken out; nullptr when there is none.
  Record* take_due(std::int64_t now_ns) noexcept;
  /// Takes out those for which `goes(record)` is true.
  template <typename Goes>
  std::vector<Record*> take_if(Goes&& goes) {
    std::vector<Record*> taken;
    for (const Entry& each : heap_) {
      if (goes(*each.record)) taken.push_back(each.record);
    }
    std::erase_if(heap_, [&](const Entry& each) { return goes(*each.record); });
    restore();
    return taken;
  }

 private:
  struct Entry {
    std::int64_t due_ns;
    std::uint64_t number;
    Record* record;
  };

  static bool later(const Entry& a, const Entry& b) noexcept {
    return a.due_ns != b.due_ns ? a.due_ns > b.due_ns : a.number > b.number;
  }
  void restore() noexcept;

  std::vector<Entry> heap_;
  std::uint64_t last_number_ = 0;
};

}  // namespace ruststream::memory
