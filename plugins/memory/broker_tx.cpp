// Transactions: publishes that nobody sees and settlements that end nothing, until commit (rules X1 to X3).
#include "settling.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace ruststream::memory {
namespace {

constexpr auto kNoOffset = std::numeric_limits<std::uint64_t>::max();

/// The lowest offset that the subscription was given and has not settled, in one partition of its log.
std::uint64_t lowest_unsettled(Subscription& subscription, std::uint32_t partition) {
  auto lowest = kNoOffset;
  const auto see = [&](const Record& record) {
    if (record.tail.partition == partition) lowest = std::min(lowest, record.sequence);
  };
  subscription.in_flight.each([&](const InFlight::Slot& slot) { see(*slot.record); });
  // What came back is this member's gap only where nobody else may be given it.
  Group& group = *subscription.group;
  if (group.members.size() > 1 && (group.lane_count == 0 || partition == 0)) return lowest;
  const auto& lane = partition == 0 || group.lane_count == 0 ? static_cast<Lane&>(group) : group.lanes[partition - 1];
  for (const auto& back : lane.returned) see(*back.record);
  for (const auto& held : group.delayed) see(*held.delivery.record);
  return lowest;
}

/// Rule X2: the offset before the last one settled that is still unsettled, or kNoOffset.
std::uint64_t gap_in(const Transaction& transaction) {
  std::map<std::pair<Subscription*, std::uint32_t>, std::uint64_t> last;
  for (const auto& each : transaction.settlements) {
    if (!each.subscription->group->is_log() || each.end > Transaction::End::kReject) continue;
    auto& highest = last[{each.subscription, each.record->tail.partition}];
    highest = std::max(highest, each.record->sequence);
  }
  auto gap = kNoOffset;
  for (const auto& [where, highest] : last) {
    const auto lowest = lowest_unsettled(*where.first, where.second);
    if (lowest < highest) gap = std::min(gap, lowest);
  }
  return gap;
}

}  // namespace

std::int32_t Broker::begin(Publisher& publisher, Subscription* only, std::uint64_t timeout_ns, std::uint64_t& tx,
                           sdk::ErrorOut error) {
  Turn turn(*this);
  if (const auto refused = may_publish(publisher, error); refused != RST_DONE) return refused;
  if (!publisher.transactional) {
    return error(RST_E_STATE, "the publisher was not opened for transactions; open it with TRANSACTIONAL");
  }
  if (publisher.transaction != nullptr) {
    return error(RST_E_STATE, "a transaction is open on this publisher; commit or abort it first");
  }
  if (only != nullptr && &only->connection != &publisher.connection) {
    return error(RST_E_INVALID, "publisher and subscription are of two connections; use those of one");
  }
  if (only != nullptr && only->closing) return error(RST_E_CLOSED, "the subscription is closing");
  auto made = std::make_unique<Transaction>(next_id(), publisher, only);
  publisher.transaction = made.get();
  tx = made->id;
  const auto longest = timeout_ns != 0 ? timeout_ns : publisher.connection.options.request_timeout_ns;
  arm(*made, later(clock_.monotonic_ns(), longest));
  transactions_.emplace(tx, std::move(made));
  return RST_DONE;
}

std::int32_t Broker::find_open(std::uint64_t tx, Transaction*& found, sdk::ErrorOut error) noexcept {
  const auto at = transactions_.find(tx);
  if (at == transactions_.end()) return error(RST_E_STALE, "transaction ", tx, " is over, or never began");
  found = at->second.get();
  if (found->ended_by == nullptr) return RST_DONE;
  return error.flagged(RST_E_ABORTED, RST_ERROR_ABORT_TX, "the broker aborted the transaction: ", found->ended_by,
                       "; abort it, then begin anew");
}

std::int32_t Broker::enlist(Publisher& publisher, rst_publish& call, sdk::ErrorOut error) {
  const auto now_ns = clock_.wall_ns();
  Turn turn(*this);
  if (const auto refused = may_publish(publisher, error); refused != RST_DONE) return refused;
  Transaction* transaction = nullptr;
  if (const auto refused = find_open(call.tx, transaction, error); refused != RST_DONE) return refused;
  if (transaction != publisher.transaction) {
    return error(RST_E_INVALID, "transaction ", call.tx, " is another publisher's");
  }
  return publish_many(turn, publisher, call, now_ns, transaction, error);
}

std::int32_t Broker::enlist(Subscription& subscription, const rst_settle& call, sdk::ErrorOut error) {
  Turn turn(*this);
  if (subscription.closing) return error(RST_E_CLOSED, "the subscription is closing");
  Transaction* transaction = nullptr;
  if (const auto refused = find_open(call.tx, transaction, error); refused != RST_DONE) return refused;
  if (&transaction->publisher.connection != &subscription.connection ||
      (transaction->only != nullptr && transaction->only != &subscription)) {
    return error(RST_E_INVALID, "transaction ", call.tx, " takes no settlements of this subscription");
  }
  auto* at = reinterpret_cast<std::byte*>(call.items);
  for (auto left = call.count; left > 0; --left, at += call.stride) {
    auto& item = *reinterpret_cast<rst_settlement*>(at);
    item.status = enlist_one(turn, *transaction, subscription, item);
  }
  return RST_DONE;
}

std::int32_t Broker::enlist_one(Turn& turn, Transaction& transaction, Subscription& subscription,
                                const rst_settlement& item) {
  auto* const slot = subscription.in_flight.find(item.token);
  if (slot == nullptr) return -subscription.in_flight.why_not(item.token);
  if (const auto refused = subscription.object.verdicts().check(item); refused != RST_OK) return refused;
  if (item.verdict == RST_VERDICT_EXTEND) return settle_otherwise(turn, subscription, *slot, item);
  Transaction::Enlisted settled{
      &subscription, slot->record, slot->token, item.delay_ns, slot->attempt, Transaction::End::kFinish, false};
  const bool last = subscription.max_attempts > 0 && slot->attempt >= subscription.max_attempts;
  const bool gives_up = item.verdict == RST_VERDICT_REJECT || (item.verdict == RST_VERDICT_RETRY && last);
  if (item.verdict == RST_VERDICT_RELEASE) settled.end = Transaction::End::kRelease;
  if (item.verdict == RST_VERDICT_RETRY && !last) settled.end = Transaction::End::kRetry;
  if (gives_up) {
    settled.end = Transaction::End::kReject;
    const auto named = item.detail != nullptr ? sdk::view(item.detail->dead_letter) : std::string_view{};
    const auto destination = named.empty() ? std::string_view(subscription.dead_letter) : named;
    if (!destination.empty()) {
      Record* letter = nullptr;
      const auto reason = item.verdict == RST_VERDICT_REJECT ? "rejected" : "max_attempts";
      const auto status = dead_letter(subscription, *slot, destination, reason, item.detail, letter);
      if (status != RST_OK) return status;
      transaction.publishes.push_back({letter, 0});
      settled.moved = true;
    }
  }
  transaction.settlements.push_back(settled);
  subscription.in_flight.enlist(*slot);
  return RST_OK;
}

std::int32_t Broker::commit(std::uint64_t tx, sdk::ErrorOut error) {
  const auto now_ns = clock_.wall_ns();
  Turn turn(*this);
  Transaction* transaction = nullptr;
  if (const auto refused = find_open(tx, transaction, error); refused != RST_DONE) return refused;
  if (const auto gap = gap_in(*transaction); gap != kNoOffset) {
    return error(RST_E_PRECONDITION, "offset ", gap, " is unsettled, and later ones are settled in this transaction; ",
                 "settle it and commit again, or abort");
  }
  for (const auto& settled : transaction->settlements) apply(turn, settled);
  for (const auto& held : transaction->publishes) place_after(turn, *held.record, held.delay_ns, now_ns);
  forget(*transaction);
  pump_ready(turn);
  return RST_DONE;
}

void Broker::apply(Turn& turn, const Transaction::Enlisted& settled) {
  auto& [subscription, record, token, delay_ns, attempt, end, moved] = settled;
  Group& group = *subscription->group;
  auto& counts = subscription->counts;
  subscription->in_flight.enlisted_settled();
  switch (end) {
    case Transaction::End::kFinish:
      let_go(turn, *record);
      ++counts.acked;
      break;
    case Transaction::End::kReject:
      let_go(turn, *record);
      ++counts.rejected;
      counts.dead_lettered += moved ? 1 : 0;
      break;
    case Transaction::End::kRelease:
      group.give_back(record, attempt);
      ++counts.released;
      break;
    case Transaction::End::kRetry:
      come_again(group, *record, attempt + 1, delay_ns);
      ++counts.retried;
      break;
  }
  if (group.is_log() && !group.log->refused.empty()) make_room(turn, *group.log);
  if (group.has_work()) mark_ready(group);
}

/// The broker has aborted a transaction already that it ended by itself: then this is the host's word that it knows.
std::int32_t Broker::abort(std::uint64_t tx, sdk::ErrorOut error) {
  Turn turn(*this);
  const auto at = transactions_.find(tx);
  if (at == transactions_.end()) return error(RST_E_STALE, "transaction ", tx, " is over, or never began");
  undo(turn, *at->second);
  forget(*at->second);
  pump_ready(turn);
  return RST_DONE;
}

/// Nothing was published; what was settled comes again as it was, by new tokens (rule X3).
void Broker::undo(Turn& turn, Transaction& transaction) {
  for (const auto& held : std::exchange(transaction.publishes, {})) discard(turn, *held.record);
  for (const auto& settled : std::exchange(transaction.settlements, {})) {
    settled.subscription->in_flight.enlisted_expired(settled.token);
    Group& group = *settled.subscription->group;
    group.give_back(settled.record, settled.attempt);
    mark_ready(group);
  }
  arm(transaction, kNever);
}

void Broker::end(Turn& turn, Transaction& transaction, const char* why) {
  if (transaction.ended_by != nullptr) return;
  undo(turn, transaction);
  transaction.ended_by = why;
}

void Broker::end_transactions_of(Turn& turn, const Subscription& subscription, const char* why) {
  for (const auto& [id, transaction] : transactions_) {
    const auto& settled = transaction->settlements;
    const bool has = transaction->only == &subscription || std::any_of(settled.begin(), settled.end(), [&](auto& each) {
                       return each.subscription == &subscription;
                     });
    if (has) end(turn, *transaction, why);
  }
}

void Broker::forget(Transaction& transaction) {
  arm(transaction, kNever);
  transaction.publisher.transaction = nullptr;
  transactions_.erase(transaction.id);
}

std::uint64_t Broker::lowest_enlisted(const Group& group) const noexcept {
  auto lowest = kNoOffset;
  for (const auto& [id, transaction] : transactions_) {
    for (const auto& settled : transaction->settlements) {
      if (settled.subscription->group == &group) lowest = std::min(lowest, settled.record->sequence);
    }
  }
  return lowest;
}

}  // namespace ruststream::memory
