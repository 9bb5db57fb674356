// What becomes of deliveries: the five verdicts, dead letters, deadlines, and moving in a log.
#include "settling.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace ruststream::memory {
namespace {

rst_header text_header(std::string_view name, std::string_view value) noexcept {
  rst_header header{};
  header.name = name.data();
  header.name_len = static_cast<std::uint16_t>(name.size());
  header.value = reinterpret_cast<const std::uint8_t*>(value.data());
  header.value_len = static_cast<std::uint32_t>(value.size());
  header.type = RST_HEADER_UTF8;
  return header;
}

}  // namespace

void Broker::let_go(Turn& turn, Record& record) noexcept {
  Settling settling(*this, turn);
  settling.let_go(record);
  settling.finish();
}

std::int32_t Broker::settle(Subscription& subscription, const rst_settle& call) {
  Turn turn(*this);
  if (subscription.closing) return -RST_E_CLOSED;
  collect_returned();
  auto* at = reinterpret_cast<std::byte*>(call.items);
  const auto stride = call.stride;
  std::uint32_t acked = 0;
  {
    InFlight::Finder finder(subscription.in_flight);
    Settling settling(*this, turn);
    for (auto left = call.count; left > 0; --left, at += stride) {
      auto& item = *reinterpret_cast<rst_settlement*>(at);
      auto* const slot = finder.find(item.token);
      if (slot != nullptr && item.verdict == RST_VERDICT_ACK && (item.flags | item.delay_ns) == 0) [[likely]] {
        settling.let_go(*slot->record);
        slot->record = nullptr;
        ++acked;
        item.status = RST_OK;
      } else if (slot == nullptr) {
        item.status = -subscription.in_flight.why_not(item.token);
      } else {
        item.status = settle_otherwise(turn, subscription, *slot, item);
      }
    }
    settling.finish();
    subscription.in_flight.removed(acked);
  }
  subscription.counts.acked += acked;
  Group& group = *subscription.group;
  if (group.is_log() && !group.log->refused.empty()) make_room(turn, *group.log);
  if (group.has_work()) mark_ready(group);
  pump_ready(turn);
  return RST_DONE;
}

std::int32_t Broker::settle_otherwise(Turn& turn, Subscription& subscription, InFlight::Slot& slot,
                                      const rst_settlement& item) {
  if (const auto refused = subscription.object.verdicts().check(item); refused != RST_OK) return refused;
  switch (item.verdict) {
    case RST_VERDICT_RETRY: return retry(turn, subscription, slot, item.delay_ns, item.detail);
    case RST_VERDICT_RELEASE:
      subscription.group->give_back(slot.record, slot.attempt);
      subscription.in_flight.remove(slot);
      ++subscription.counts.released;
      return RST_OK;
    case RST_VERDICT_REJECT: return reject(turn, subscription, slot, "rejected", item.detail);
    case RST_VERDICT_EXTEND:
      if (subscription.ack_timeout_ns > 0) slot.deadline_ns = clock_.monotonic_ns() + subscription.ack_timeout_ns;
      return RST_OK;
    default: return -RST_E_UNSUPPORTED;
  }
}

std::int32_t Broker::retry(Turn& turn, Subscription& subscription, InFlight::Slot& slot, std::uint64_t delay_ns,
                           const rst_settle_detail* detail) {
  if (subscription.max_attempts > 0 && slot.attempt >= subscription.max_attempts) {
    return reject(turn, subscription, slot, "max_attempts", detail);
  }
  come_again(*subscription.group, *slot.record, slot.attempt + 1, delay_ns);
  subscription.in_flight.remove(slot);
  ++subscription.counts.retried;
  return RST_OK;
}

void Broker::come_again(Group& group, Record& record, std::uint32_t attempt, std::uint64_t delay_ns) {
  if (delay_ns == 0) return group.give_back(&record, attempt);
  group.hold_until(later(clock_.monotonic_ns(), delay_ns), &record, attempt);
  arm(group, group.next_due());
}

std::int32_t Broker::reject(Turn& turn, Subscription& subscription, InFlight::Slot& slot, std::string_view reason,
                            const rst_settle_detail* detail) {
  const auto named = detail != nullptr ? sdk::view(detail->dead_letter) : std::string_view{};
  const auto destination = named.empty() ? std::string_view(subscription.dead_letter) : named;
  if (!destination.empty()) {
    Record* letter = nullptr;
    const auto status = dead_letter(subscription, slot, destination, reason, detail, letter);
    if (status != RST_OK) return status;  // it stays unsettled: nothing is lost by a wrong destination
    place(turn, *letter, clock_.wall_ns());
    ++subscription.counts.dead_lettered;
  }
  Record* record = slot.record;
  subscription.in_flight.remove(slot);
  let_go(turn, *record);
  ++subscription.counts.rejected;
  return RST_OK;
}

/// Makes the dead letter and counts it in; it is still to be placed.
std::int32_t Broker::dead_letter(Subscription& subscription, const InFlight::Slot& slot, std::string_view destination,
                                 std::string_view reason, const rst_settle_detail* detail, Record*& letter) {
  std::int32_t code = RST_OK;
  Topic* topic = find_or_make_topic(subscription.connection, destination, false, code);
  if (topic == nullptr) return -code;
  std::array<char, 10> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), slot.attempt).ptr;
  std::vector<rst_header> headers{
      text_header(kReasonHeader, reason), text_header(kSourceHeader, slot.record->topic->name),
      text_header(kAttemptsHeader, {digits.data(), static_cast<std::size_t>(end - digits.data())})};
  if (!subscription.group->name.empty()) headers.push_back(text_header(kGroupHeader, subscription.group->name));
  if (detail != nullptr) {
    if (detail->reason.len > 0) headers.push_back(text_header(kDetailHeader, sdk::view(detail->reason)));
    headers.insert(headers.end(), detail->headers, detail->headers + detail->header_count);
  }
  auto parts = slot.record->parts();
  if (parts.headers.size() + headers.size() <= Record::kMaxHeaders) parts.more_headers = headers;
  const RecordLayout layout(parts);
  if (!layout.fits()) return -RST_E_TOO_LARGE;
  // A full topic takes it all the same: its capacity slows publishers, and there is none here.
  letter = make_record(slabs_, *topic, topic->name, parts, layout);
  letter->tail.partition = topic->partition_of(parts.key, parts.key_len);
  count_in(*topic, *letter);
  return RST_OK;
}

void Broker::expire_acks(Turn& turn, Subscription& subscription, std::int64_t now_ns) {
  auto next = kNever;
  std::vector<InFlight::Slot*> expired;
  subscription.in_flight.each([&](InFlight::Slot& slot) {
    if (slot.deadline_ns <= now_ns) {
      expired.push_back(&slot);
    } else {
      next = std::min(next, slot.deadline_ns);
    }
  });
  Group& group = *subscription.group;
  for (auto* slot : expired) {
    Record* record = slot->record;
    const auto attempt = slot->attempt;
    if (subscription.max_attempts > 0 && attempt >= subscription.max_attempts) {
      Record* letter = nullptr;
      const auto& destination = subscription.dead_letter;
      if (destination.empty() ||
          dead_letter(subscription, *slot, destination, "ack_timeout", nullptr, letter) == RST_OK) {
        if (letter != nullptr) place(turn, *letter, clock_.wall_ns());
        subscription.in_flight.expire(*slot);
        let_go(turn, *record);
        ++subscription.counts.rejected;
        continue;
      }
    }
    subscription.in_flight.expire(*slot);
    group.give_back(record, attempt + 1);
    ++subscription.counts.retried;
  }
  arm(subscription, next);
  if (group.has_work()) mark_ready(group);
}

}  // namespace ruststream::memory
