// Topics of kind log: appending, trimming, and where groups stand in them.
#include "broker.hpp"

#include <algorithm>
#include <cstring>

namespace ruststream::memory {

void Broker::append_to_log(Topic& topic, Record& record) {
  Log& log = *topic.log;
  log.reserve_one();
  record.sequence = log.end();
  if (log.size() > 0) record.timestamp_ns = std::max(record.timestamp_ns, log.at(log.end() - 1)->timestamp_ns);
  log.append(&record);
  ++record.holds;
}

/// Trims what no group needs until `bytes` more fit; whether they do.
bool Broker::trim_log(Turn& turn, Topic& topic, std::uint64_t bytes) {
  Log& log = *topic.log;
  for (;;) {
    if (topic.has_room(bytes)) return true;
    if (log.size() == 0) return false;
    if (log.begin() >= topic.trim_before) {
      auto lowest = log.end();
      for (const auto& group : groups_) {
        if (group->log == &topic) lowest = std::min({lowest, group->lowest_needed(), lowest_enlisted(*group)});
      }
      if (lowest <= log.begin()) return false;
      topic.trim_before = lowest;
    }
    let_go(turn, *log.trim());
  }
}

/// Something of a full log was settled: tells the publishers that wait, if that makes room.
void Broker::make_room(Turn& turn, Topic& topic) {
  if (trim_log(turn, topic, 0) && !topic.refused.empty()) tell_writable(turn, topic);
}

bool Broker::locate(const Topic& topic, const rst_position& position, std::uint64_t& offset) const noexcept {
  const Log& log = *topic.log;
  std::uint64_t named = 0;
  switch (position.kind) {
    case RST_POSITION_EARLIEST: offset = log.begin(); return true;
    case RST_POSITION_LATEST: offset = log.end(); return true;
    case RST_POSITION_TIME: offset = log.offset_at(position.time_ns); return true;
    case RST_POSITION_AT:
    case RST_POSITION_AFTER:
      if (position.len != sizeof named) return false;
      std::memcpy(&named, position.data, sizeof named);
      offset = position.kind == RST_POSITION_AFTER ? named + 1 : named;
      return named < log.end() && offset >= log.begin();
    default: return false;
  }
}

std::int32_t Broker::seek(Subscription& subscription, const rst_position& position, std::uint64_t op,
                          sdk::ErrorOut error) {
  Turn turn(*this);
  if (subscription.closing) return error(RST_E_CLOSED, "the subscription is closing");
  Group& group = *subscription.group;
  if (subscription.connection.down) return is_down(error);
  if (!group.is_log()) return error(RST_E_UNSUPPORTED, "only a subscription of kind `log` can seek");
  std::uint64_t offset = 0;
  if (!locate(*group.log, position, offset)) {
    return error(RST_E_NOT_FOUND, "topic `", sdk::subject(group.log->name), "` keeps offsets from ",
                 group.log->log->begin(), " to ", group.log->log->end(), "; the position is not one of them");
  }
  // The cursor is the group's: every member moves, and what they had is void (rule G2).
  for (Subscription* member : group.members) {
    end_transactions_of(turn, *member, "the subscription was moved by seek");
    member->in_flight.void_all([&](InFlight::Slot& slot) { let_go(turn, *slot.record); });
    ++member->generation;
  }
  group.remove([](Record*) { return true; }, [&](Record* record) { let_go(turn, *record); });
  group.next_offset = offset;
  if (!group.has_cursor()) group.move_cursor_to_end();
  arm(group, group.next_due());
  group.log->trim_before = 0;
  if (!group.log->refused.empty()) make_room(turn, *group.log);
  if (group.has_work()) mark_ready(group);
  // The completion goes first: what is delivered behind it carries the new generation.
  if (op != 0) {
    turn.complete(subscription.object, op, 0);
    turn.leave();
    turn.enter();
  }
  pump_ready(turn);
  return op != 0 ? RST_PENDING : RST_DONE;
}

}  // namespace ruststream::memory
