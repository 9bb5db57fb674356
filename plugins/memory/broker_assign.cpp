// Partitions that are assigned to the members of a group, and move when members come and go (rules G1, G2).
#include "broker.hpp"

#include <algorithm>
#include <utility>

namespace ruststream::memory {
namespace {

Told about(std::uint32_t kind, const Subscription& member, const std::vector<std::uint32_t>& partitions,
           std::uint32_t generation) {
  Told told{sdk::Host::event(kind, member.object.about())};
  for (const auto partition : partitions) told.partitions.push_back({{}, partition, generation, 0});
  return told;
}

}  // namespace

/// It is open, and the host knows it: it takes part.
void Broker::join(Subscription& subscription) {
  if (subscription.group->lane_count == 0) return;
  Turn turn(*this);
  if (!subscription.closing) balance(turn, *subscription.group);
  pump_ready(turn);
}

/// The closing member's partitions are free at once: close waits for no answer.
void Broker::leave(Turn& turn, Group& group, Subscription& member) {
  std::erase(group.members, &member);
  group.refresh();
  if (group.lane_count == 0) return;
  std::erase_if(revocations_, [&](const auto& entry) {
    if (&entry.second->member != &member) return false;
    arm(*entry.second, kNever);
    return true;
  });
  for (Lane& lane : group.assigned_lanes()) {
    if (lane.owner != &member) continue;
    lane.owner = nullptr;
    lane.revoking = false;
  }
  balance(turn, group);
}

/// Each member has as many as each other, give or take one, the older ones more. Only what has to move moves.
void Broker::balance(Turn& turn, Group& group) {
  const auto count = group.members.size();
  if (group.lane_count == 0 || count == 0) return;
  for (std::size_t i = 0; i < count; ++i) {
    Subscription& member = *group.members[i];
    const auto share = group.lane_count / count + (i < group.lane_count % count ? 1 : 0);
    std::vector<std::uint32_t> owned, gained;
    for (std::uint32_t partition = 1; partition <= group.lane_count; ++partition) {
      const Lane& lane = group.lanes[partition - 1];
      if (lane.owner == &member && !lane.revoking) owned.push_back(partition);
      if (lane.owner == nullptr) gained.push_back(partition);
    }
    if (owned.size() > share) {
      owned.erase(owned.begin(), owned.begin() + static_cast<std::ptrdiff_t>(share));
      revoke(turn, group, member, std::move(owned));
    } else {
      gained.resize(std::min(gained.size(), share - owned.size()));
      if (!gained.empty()) assign(turn, group, member, gained);
    }
  }
}

void Broker::assign(Turn& turn, Group& group, Subscription& member, const std::vector<std::uint32_t>& partitions) {
  for (const auto partition : partitions) group.lanes[partition - 1].owner = &member;
  turn.event(member.object, about(RST_EVENT_SUB_ASSIGNED, member, partitions, member.generation));
  mark_ready(group);
}

/// Nothing new of them is delivered; what it has may be settled until it answers, or until the deadline.
void Broker::revoke(Turn& turn, Group& group, Subscription& member, std::vector<std::uint32_t> partitions) {
  for (const auto partition : partitions) group.lanes[partition - 1].revoking = true;
  auto made = std::make_unique<Revocation>(next_id(), group, member, std::move(partitions));
  Revocation& revocation = *made;
  revocations_.emplace(revocation.id, std::move(made));
  if (member.connection.down) return end_revocation(turn, revocation, true);  // nobody is there to answer
  arm(revocation, later(clock_.monotonic_ns(), member.revoke_timeout_ns));
  auto told = about(RST_EVENT_SUB_REVOKING, member, revocation.partitions, member.generation + 1);
  told.event.answer = revocation.id;
  told.event.deadline_ns = member.revoke_timeout_ns;
  turn.event(member.object, std::move(told));
}

std::int32_t Broker::answer(std::uint64_t answer, sdk::ErrorOut error) {
  Turn turn(*this);
  const auto at = revocations_.find(answer);
  if (at == revocations_.end()) return error(RST_E_STALE, "no event waits for this answer (any more)");
  end_revocation(turn, *at->second, false);
  pump_ready(turn);
  return RST_DONE;
}

/// Its tokens of these partitions are stale from here on; others are untouched.
void Broker::end_revocation(Turn& turn, Revocation& revocation, bool lost) {
  arm(revocation, kNever);
  const auto owner = std::move(revocations_.extract(revocation.id).mapped());
  Group& group = revocation.group;
  Subscription& member = revocation.member;
  const auto& partitions = revocation.partitions;
  const auto gone = [&](const Record& record) {
    return std::binary_search(partitions.begin(), partitions.end(), record.tail.partition);
  };
  for (const auto& [id, transaction] : transactions_) {
    const auto& settled = transaction->settlements;
    const auto has = [&](const auto& each) { return each.subscription == &member && gone(*each.record); };
    if (std::any_of(settled.begin(), settled.end(), has))
      end(turn, *transaction, "a partition that it settles was revoked");
  }
  member.in_flight.each([&](InFlight::Slot& slot) {
    if (!gone(*slot.record)) return;
    group.give_back(slot.record, slot.attempt);
    member.in_flight.expire(slot);
  });
  ++member.generation;
  for (const auto partition : partitions) {
    group.lanes[partition - 1].owner = nullptr;
    group.lanes[partition - 1].revoking = false;
  }
  if (lost) turn.event(member.object, about(RST_EVENT_SUB_LOST, member, partitions, member.generation));
  balance(turn, group);
  mark_ready(group);
}

}  // namespace ruststream::memory
