#include "group.hpp"

#include "address.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace ruststream::memory {
namespace {

// Heaps of the standard library have the greatest in front.
bool due_later(const Group::Delayed& a, const Group::Delayed& b) noexcept {
  return a.due_ns != b.due_ns ? a.due_ns > b.due_ns : a.delivery.record->sequence > b.delivery.record->sequence;
}

}  // namespace

Group::Group(std::string group_name, std::vector<std::string> group_addresses, Topic* log_topic,
             std::uint32_t partitions)
    : Alarm(Kind::kGroup),
      name(std::move(group_name)),
      addresses(std::move(group_addresses)),
      key(join_addresses(addresses)),
      log(log_topic),
      plain(log_topic == nullptr && partitions == 0),
      lane_count(partitions),
      lanes(partitions != 0 ? std::make_unique<Lane[]>(partitions) : nullptr) {}

void Group::refresh() noexcept {
  plain = log == nullptr && lane_count == 0 && returned.empty() && !has_urgent() && sweep_ns == kNever;
  sole = members.size() == 1 && lane_count == 0 ? members.front() : nullptr;
}

std::uint64_t Group::available() const noexcept {
  const auto lanes_hold = [](std::uint64_t sum, const Lane& lane) { return sum + lane.size(); };
  const auto all = assigned_lanes();
  return std::accumulate(all.begin(), all.end(), available_in(*this), lanes_hold);
}

bool Group::has_other_work() const noexcept {
  const auto holds = [](const Lane& lane) { return !lane.empty(); };
  const auto all = assigned_lanes();
  return !empty() || (has_cursor() && next_offset < log->log->end()) || std::any_of(all.begin(), all.end(), holds);
}

Subscription* Group::next_ready_of_many() noexcept {
  const auto count = members.size();
  for (std::size_t tried = 0; tried < count; ++tried) {
    if (++turn >= count) turn = 0;
    if (members[turn]->ready() && (lane_count == 0 || lane_for(*members[turn]) != nullptr)) return members[turn];
  }
  return nullptr;
}

Lane* Group::lane_for(const Subscription& member) noexcept {
  if (lane_count == 0) return this;
  for (std::uint32_t tried = 0; tried <= lane_count; ++tried) {
    const auto index = (lane_turn + tried) % (lane_count + 1);
    Lane& lane = index == 0 ? static_cast<Lane&>(*this) : lanes[index - 1];
    const bool may_have = index == 0 || (lane.owner == &member && !lane.revoking);
    if (may_have && !lane.empty()) return &lane;
  }
  return nullptr;
}

std::uint64_t Group::available_in(const Lane& lane) const noexcept {
  return lane.size() + (has_cursor() ? log->log->end() - next_offset : 0);
}

Next Group::take_next(Lane& lane) noexcept {
  if (!has_cursor() || !lane.returned.empty()) return lane.take();
  if (next_offset == log->log->end()) return {nullptr, 0, false};
  Record* record = log->log->at(next_offset++);
  ++record->holds;
  return {record, 1, false};
}

bool Group::takes(std::string_view destination) const noexcept {
  return std::any_of(addresses.begin(), addresses.end(),
                     [&](const std::string& address) { return matches(address, destination); });
}

void Group::note_life(Record& record) noexcept {
  if (const auto* life = record.life(); life != nullptr) sweep_ns = std::min(sweep_ns, life->expires_ns);
}

void Group::take_in(Record& record) {
  if (is_log()) {
    if (lane_count != 0) move_cursor_to_end();
    return;
  }
  lane_of(record).add(record, record.priority());
  if (record.features < Record::kHasLife) return;  // nor has it a priority
  note_life(record);
  refresh();
}

void Group::move_cursor_to_end() {
  for (; next_offset < log->log->end(); ++next_offset) {
    Record& record = *log->log->at(next_offset);
    lane_of(record).add(record, 0);
    note_life(record);
  }
}

/// A log has one order, whatever priority its messages were published with.
void Group::give_back(Record* record, std::uint32_t attempt) {
  lane_of(*record).give_back(record, attempt, is_log() ? 0 : record->priority());
  plain = false;
}

void Group::hold_until(std::int64_t due, Record* record, std::uint32_t attempt) {
  delayed.push_back({due, {record, attempt, 0}});
  std::push_heap(delayed.begin(), delayed.end(), due_later);
}

void Group::take_due(std::int64_t now_ns) {
  while (!delayed.empty() && delayed.front().due_ns <= now_ns) {
    std::pop_heap(delayed.begin(), delayed.end(), due_later);
    const Returned delivery = delayed.back().delivery;
    delayed.pop_back();
    give_back(delivery.record, delivery.attempt);
  }
}

std::int64_t Group::next_due() const noexcept {
  return std::min(sweep_ns, delayed.empty() ? kNever : delayed.front().due_ns);
}

std::uint64_t Group::lowest_needed() const {
  auto lowest = Lane::lowest(next_offset);
  for (const Lane& lane : assigned_lanes()) lowest = lane.lowest(lowest);
  for (const auto& held : delayed) lowest = std::min(lowest, held.delivery.record->sequence);
  for (Subscription* member : members) {
    member->in_flight.each([&](const InFlight::Slot& slot) { lowest = std::min(lowest, slot.record->sequence); });
  }
  return lowest;
}

}  // namespace ruststream::memory
