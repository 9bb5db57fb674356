#include "group.hpp"

#include "address.hpp"

#include <algorithm>
#include <utility>

namespace ruststream::memory {
namespace {

// Heaps of the standard library have the greatest in front.
bool comes_later(const Returned& a, const Returned& b) noexcept { return a.record->sequence > b.record->sequence; }
bool due_later(const Group::Delayed& a, const Group::Delayed& b) noexcept {
  return a.due_ns != b.due_ns ? a.due_ns > b.due_ns : comes_later(a.delivery, b.delivery);
}

}  // namespace

Group::Group(std::string group_name, std::vector<std::string> group_addresses, Topic* log_topic)
    : Alarm(Kind::kDelayed),
      name(std::move(group_name)),
      addresses(std::move(group_addresses)),
      key(join_addresses(addresses)),
      log(log_topic) {}

Subscription* Group::next_ready_of_many() noexcept {
  const auto count = members.size();
  for (std::size_t tried = 0; tried < count; ++tried) {
    if (++turn >= count) turn = 0;
    if (members[turn]->ready()) return members[turn];
  }
  return nullptr;
}

bool Group::takes(std::string_view destination) const noexcept {
  return std::any_of(addresses.begin(), addresses.end(),
                     [&](const std::string& address) { return matches(address, destination); });
}

void Group::give_back(Record* record, std::uint32_t attempt) {
  returned.push_back({record, attempt});
  std::push_heap(returned.begin(), returned.end(), comes_later);
}

Returned Group::take_returned() noexcept {
  std::pop_heap(returned.begin(), returned.end(), comes_later);
  const Returned next = returned.back();
  returned.pop_back();
  return next;
}

void Group::hold_until(std::int64_t due, Record* record, std::uint32_t attempt) {
  delayed.push_back({due, {record, attempt}});
  std::push_heap(delayed.begin(), delayed.end(), due_later);
}

std::int64_t Group::take_due(std::int64_t now_ns) {
  while (!delayed.empty() && delayed.front().due_ns <= now_ns) {
    std::pop_heap(delayed.begin(), delayed.end(), due_later);
    const Returned delivery = delayed.back().delivery;
    delayed.pop_back();
    give_back(delivery.record, delivery.attempt);
  }
  return delayed.empty() ? kNever : delayed.front().due_ns;
}

std::uint64_t Group::lowest_needed() const {
  auto lowest = next_offset;
  for (const auto& back : returned) lowest = std::min(lowest, back.record->sequence);
  for (const auto& held : delayed) lowest = std::min(lowest, held.delivery.record->sequence);
  for (Subscription* member : members) {
    member->in_flight.each([&](const InFlight::Slot& slot) { lowest = std::min(lowest, slot.record->sequence); });
  }
  return lowest;
}

}  // namespace ruststream::memory
