// A group: the one queue, or the one cursor in a log, that its members share.
#pragma once

#include "alarms.hpp"
#include "lane.hpp"
#include "subscription.hpp"
#include "topic.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ruststream::memory {

/// Guarded by the broker's lock. It is itself the lane that all of its members share.
struct Group : Alarm, Lane {
  /// `partitions` are assigned to members; 0: all of it is shared.
  Group(std::string group_name, std::vector<std::string> group_addresses, Topic* log_topic, std::uint32_t partitions);
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  [[nodiscard]] bool is_log() const noexcept { return log != nullptr; }
  /// Of a log, delivered from where the cursor stands.
  [[nodiscard]] bool has_cursor() const noexcept { return log != nullptr && lane_count == 0; }
  [[nodiscard]] bool takes(std::string_view destination) const noexcept;

  /// Messages that could be delivered now.
  [[nodiscard]] std::uint64_t available() const noexcept;
  [[nodiscard]] bool has_work() const noexcept { return plain ? !waiting.empty() : has_other_work(); }

  /// Something was published: it waits behind the others of its lane. Of a log: behind the cursor.
  void take_in(Record& record);
  /// Puts a delivery back in front of what waits; its hold stays with it.
  void give_back(Record* record, std::uint32_t attempt);
  void hold_until(std::int64_t due_ns, Record* record, std::uint32_t attempt);
  /// Moves delayed retries that are due to the front.
  void take_due(std::int64_t now_ns);
  /// When time has something to do here, or kNever.
  [[nodiscard]] std::int64_t next_due() const noexcept;

  /// What the member may be given from now: one lane, or nullptr where it has none with work. Lanes take turns, so that
  /// none waits behind the others for ever.
  [[nodiscard]] Lane* lane_for(const Subscription& member) noexcept;
  void served(const Lane& lane) noexcept { lane_turn = index_of(lane) + 1; }
  [[nodiscard]] std::uint64_t available_in(const Lane& lane) const noexcept;
  Next take_next(Lane& lane) noexcept;

  /// Drops what expired in its lanes; what moves with the cursor is looked at when it is delivered.
  template <typename Drop>
  void sweep(std::int64_t now_ns, Drop&& drop);
  /// Takes out every record that waits, or is held for a later retry, and goes.
  template <typename Goes, typename Drop>
  void remove(Goes&& goes, Drop&& drop);
  /// Where partitions are assigned: from the log into the lanes.
  void move_cursor_to_end();
  void refresh() noexcept;  // `plain` and `sole`, after what they depend on has changed

  /// The lowest offset that is still needed, `unsettled` of the members included; for groups of a log.
  [[nodiscard]] std::uint64_t lowest_needed() const;

  /// False when surely no member may be given more.
  [[nodiscard]] bool may_deliver() const noexcept { return sole != nullptr ? sole->ready() : !members.empty(); }
  /// The member whose turn it is among those that may be given more, or nullptr.
  Subscription* next_ready_member() noexcept {
    if (sole == nullptr) return next_ready_of_many();
    return sole->ready() ? sole : nullptr;
  }

  [[nodiscard]] std::span<Lane> assigned_lanes() const noexcept { return {lanes.get(), lane_count}; }
  [[nodiscard]] Lane& lane_of(const Record& record) noexcept {
    const auto partition = record.tail.partition;
    return partition == 0 || partition > lane_count ? static_cast<Lane&>(*this) : lanes[partition - 1];
  }

  const std::string name;  // empty: of one subscription alone, and ends with it
  const std::vector<std::string> addresses;
  const std::string key;  // the addresses, separated by spaces
  Topic* const log;       // the topic whose log it reads, or nullptr for a queue

  bool plain;                     // all of its work is in `waiting`, which no time touches
  Subscription* sole = nullptr;   // the only member, where partitions are not assigned
  std::uint64_t next_offset = 0;  // of a log
  struct Delayed {
    std::int64_t due_ns;
    Returned delivery;
  };
  std::vector<Delayed> delayed;    // a heap, earliest first
  std::int64_t sweep_ns = kNever;  // when something that waits expires
  std::uint64_t expired = 0;

  const std::uint32_t lane_count;
  const std::unique_ptr<Lane[]> lanes;  // by partition, from 1
  std::uint32_t lane_turn = 0;          // whose turn it is among them, 0 for the shared one

  std::vector<Subscription*> members;
  std::size_t turn = 0;         // whose turn it is among the members
  Group* next_ready = nullptr;  // in the broker's list of groups to pump
  bool marked_ready = false;
  bool deleted = false;     // gone, but for the thread that is pumping it
  std::uint32_t pumps = 0;  // threads that are

 private:
  static constexpr std::int64_t kSweepEveryNs = 1'000'000'000;  // at most, each looks at all that waits

  [[nodiscard]] bool has_other_work() const noexcept;
  [[nodiscard]] std::uint32_t index_of(const Lane& lane) const noexcept {
    return &lane == this ? 0 : static_cast<std::uint32_t>(&lane - lanes.get()) + 1;
  }
  Subscription* next_ready_of_many() noexcept;
  void note_life(Record& record) noexcept;
};

template <typename Goes, typename Drop>
void Group::remove(Goes&& goes, Drop&& drop) {
  Lane::remove(goes, drop);
  for (Lane& lane : assigned_lanes()) lane.remove(goes, drop);
  const auto held = std::exchange(delayed, {});
  for (const auto& each : held) {
    goes(each.delivery.record) ? drop(each.delivery.record)
                               : hold_until(each.due_ns, each.delivery.record, each.delivery.attempt);
  }
  refresh();
}

template <typename Drop>
void Group::sweep(std::int64_t now_ns, Drop&& drop) {
  sweep_ns = kNever;
  remove(
      [&](Record* record) {
        if (record->expired(now_ns)) return true;
        note_life(*record);
        return false;
      },
      [&](Record* record) {
        ++expired;
        drop(record);
      });
  if (sweep_ns != kNever) sweep_ns = std::max(sweep_ns, now_ns + kSweepEveryNs);
  refresh();
}

}  // namespace ruststream::memory
