// Settlements and transactions.
#include "instance.hpp"

#include <cstdlib>

namespace plain {
namespace {

constexpr std::uint32_t capability_of(std::uint16_t verdict) {
  switch (verdict) {
    case RST_VERDICT_RETRY: return RST_CAP_RETRY;
    case RST_VERDICT_RELEASE: return RST_CAP_RELEASE;
    case RST_VERDICT_REJECT: return RST_CAP_REJECT;
    case RST_VERDICT_EXTEND: return RST_CAP_EXTEND;
    default: return RST_CAP_SETTLE;
  }
}

}  // namespace

std::int32_t Instance::settle(const rst_settle* call, rst_error* error) {
  const rst_settle settle = known(call);
  if ((settle.flags & ~RST_SETTLE_CONFIRM) != 0 && !is(unknown_settle_flag_is_taken))
    return fail(error, RST_E_UNSUPPORTED, "unknown flag of settle");
  if (is(settle_has_no_room) && settle.count > 2)
    return fail(error, RST_E_BACKPRESSURE, "too many settlements", RST_ERROR_RETRYABLE);
  if (is(longer_structs_are_refused) && call->struct_size > sizeof settle)
    return fail(error, RST_E_INVALID, "a call of another draft");
  if (settle.stride < sizeof(rst_settlement)) return fail(error, RST_E_INVALID, "there is no room for a status");
  std::int32_t status = RST_DONE;
  Lock lock(mutex_);
  Subscription* const sub = find(subscriptions_, settle.subscription, error, &status);
  if (sub == nullptr) return status;
  if (sub->settler == std::thread::id()) sub->settler = std::this_thread::get_id();
  if (is(one_thread_settles) && sub->settler != std::this_thread::get_id())
    return fail(error, RST_E_INTERNAL, "another thread settles");
  if (is(settle_waits_for_publishers) &&
      std::ranges::any_of(publishers_, [](const auto& each) { return each.second.full != nullptr; }))
    return fail(error, RST_E_UNAVAILABLE, "publishers come first");
  if (settle.tx != 0 && (!transactions_.contains(settle.tx) || !can(sub->kind, RST_CAP_TX_SETTLE)))
    return fail(error, RST_E_STALE, "no such transaction");
  std::vector<std::int32_t> statuses;
  for (std::uint32_t i = 0; i < settle.count; ++i) {
    rst_settlement item = element(settle.items, settle.stride, i);
    const bool skipped = is(tx_takes_the_first_of_a_call) && settle.tx != 0 && i > 0;
    statuses.push_back(skipped ? RST_OK : settle_one(*sub, item, settle.tx));
  }
  const auto write = [settle, statuses] {
    for (std::uint32_t i = 0; i < settle.count; ++i) {
      auto* const at =
          reinterpret_cast<rst_settlement*>(reinterpret_cast<char*>(settle.items) + std::size_t{i} * settle.stride);
      at->status = statuses[i];
    }
  };
  if (!is(writes_settlement_late) || (settle.flags & RST_SETTLE_CONFIRM) == 0) write();
  status = (settle.flags & RST_SETTLE_CONFIRM) != 0 ? finish(settle.op) : RST_DONE;
  if (is(completes_after_done) && status == RST_DONE && settle.op != 0) finish(settle.op);
  if (is(writes_settlement_late) && status == RST_PENDING) post(write);
  lock.unlock();
  wake();
  return status;
}

/// The status of one verdict. What it does is done when it is RST_OK.
std::int32_t Instance::settle_one(Subscription& sub, rst_settlement& item, std::uint64_t tx) {
  if (item.token == 0) return is(token_zero_is_taken) ? RST_OK : -RST_E_INVALID;
  if (item.flags != 0 && !is(unknown_item_flag_is_taken)) return -RST_E_UNSUPPORTED;
  if (item.verdict == 0 || item.verdict > RST_VERDICT_EXTEND) {
    if (!is(unknown_verdict_acknowledges)) return -RST_E_UNSUPPORTED;
    item.verdict = RST_VERDICT_ACK;
  }
  if (!can(sub.kind, capability_of(item.verdict))) {
    if (is(undeclared_verdict_is_a_no_op)) return RST_OK;
    if (!is(undeclared_verdict_acknowledges)) return -RST_E_UNSUPPORTED;
    item.verdict = RST_VERDICT_ACK;
  }
  if (item.delay_ns != 0 && item.verdict != RST_VERDICT_RETRY) return -RST_E_INVALID;
  if (item.delay_ns > kLongest && !is(delays_have_no_limit)) return -RST_E_UNSUPPORTED;
  const auto found = sub.unsettled.find(item.token);
  if (found == sub.unsettled.end()) {
    if (item.token > sub.last_token) return is(unknown_token_is_taken) ? RST_OK : -RST_E_STALE;
    if (sub.voided.contains(item.token)) return -RST_E_STALE;
    return is(settles_twice) || sub.late.contains(item.token) ? RST_OK : -RST_E_SETTLED;
  }
  Delivered& delivered = found->second;
  if (delivered.tx != 0 && !is(enlisted_token_is_free)) return -RST_E_SETTLED;
  if (item.verdict == RST_VERDICT_EXTEND && !is(extend_settles)) {
    if (delivered.deadline_ns != 0 && !is(extend_does_nothing))
      delivered.deadline_ns = now() + static_cast<std::int64_t>(sub.ack_timeout_ns);
    return RST_OK;
  }
  if (tx != 0 && !is(tx_settles_at_once)) {
    delivered.tx = tx;
    delivered.verdict = item.verdict;
    return RST_OK;
  }
  Delivered taken = std::move(delivered);
  sub.unsettled.erase(found);
  --sub.group->unsettled;
  if (is(payload_is_reused)) std::ranges::fill(*taken.lent, '#');
  const std::int64_t at = item.delay_ns == 0 ? 0 : now() + static_cast<std::int64_t>(item.delay_ns);
  std::optional<rst_settle_detail> detail;
  if (item.detail != nullptr) detail = known(item.detail);
  if (is(frees_the_reason) && detail) std::free(const_cast<char*>(detail->reason.ptr));
  apply_verdict(sub, std::move(taken), item.verdict, at, detail ? &*detail : nullptr);
  return RST_OK;
}

void Instance::apply_verdict(Subscription& sub, Delivered delivered, std::uint16_t verdict, std::int64_t at_ns,
                             const rst_settle_detail* detail) {
  Item item = std::move(delivered.item);
  if (is(abort_undoes_settlements) && verdict == RST_VERDICT_ACK) sub.acknowledged.push_back(item);
  if (verdict == RST_VERDICT_RETRY && is(retry_acknowledges)) verdict = RST_VERDICT_ACK;
  if (verdict == RST_VERDICT_RELEASE && is(release_acknowledges)) verdict = RST_VERDICT_ACK;
  if (verdict == RST_VERDICT_ACK && is(ack_comes_again) && sub.last_token > 100) verdict = RST_VERDICT_RELEASE;
  if (verdict == RST_VERDICT_REJECT && is(reject_comes_again)) verdict = RST_VERDICT_RELEASE;
  if (is(retry_alters_the_message) && verdict == RST_VERDICT_RETRY) {
    Record altered = *item.record;
    altered.headers.clear();
    altered.payload.insert(0, "again ");
    altered.payload_size += 6;
    item.record = std::make_shared<const Record>(std::move(altered));
  }
  if (verdict == RST_VERDICT_RETRY) {
    if (sub.max_attempts != 0 && item.attempts + 1U >= sub.max_attempts && !is(ignores_max_attempts))
      return dead_letter(sub, item, nullptr);
    if (at_ns != 0 && is(retry_comes_early)) at_ns = now() + (at_ns - now()) / 2;
    if (at_ns != 0 && is(retry_comes_late)) at_ns += 3 * (at_ns - now()) + 60'000'000'000;
    put_back(*sub.group, std::move(item), true, at_ns);
  } else if (verdict == RST_VERDICT_RELEASE) {
    put_back(*sub.group, std::move(item), is(release_counts));
  } else if (verdict == RST_VERDICT_REJECT) {
    dead_letter(sub, item, detail);
  }
}

std::int32_t Instance::begin(std::uint64_t publisher, std::uint64_t subscription, std::uint64_t timeout_ns,
                             std::uint64_t op, std::uint64_t* tx, rst_error* error) {
  std::int32_t status = RST_DONE;
  Lock lock(mutex_);
  Publisher* const on = find(publishers_, publisher, error, &status);
  if (on == nullptr) return status;
  if (subscription != 0 && find(subscriptions_, subscription, error, &status) == nullptr) return status;
  if (!can(on->kind, RST_CAP_TX_PUBLISH)) return fail(error, RST_E_UNSUPPORTED, "this kind has no transactions");
  if (on->tx != 0 && !is(second_transaction_begins))
    return fail(error, RST_E_STATE, "a transaction is open on this publisher");
  on->tx = new_handle();
  const bool ends = timeout_ns != 0 && !is(timeout_is_ignored);
  transactions_[on->tx] = {publisher, ends ? now() + static_cast<std::int64_t>(timeout_ns) : INT64_MAX, {}};
  const std::uint64_t made = on->tx;
  if (op == 0) *tx = made;
  status = finish(op, made);
  lock.unlock();
  wake();
  return status;
}

/// Everything enlisted, together (rule X1).
std::int32_t Instance::commit(std::uint64_t tx, std::uint64_t op, rst_error* error) {
  Lock lock(mutex_);
  const auto found = transactions_.find(tx);
  if (found == transactions_.end())
    return fail(error, is(ended_transaction_is_not_found) ? RST_E_NOT_FOUND : RST_E_STALE, "no such transaction");
  for (auto& [handle, sub] : subscriptions_) {
    if (sub.kind != log_kind || is(commits_over_a_gap)) continue;
    std::set<std::uint32_t> gaps;  // partitions with something unsettled before what is enlisted
    for (const auto& [token, delivered] : sub.unsettled) {
      const std::uint32_t partition = delivered.item.record->partition;
      if (delivered.tx != tx) gaps.insert(partition);
      if (delivered.tx == tx && gaps.contains(partition)) {
        if (is(gap_ends_the_transaction)) end_transaction(tx);
        return fail(error, RST_E_PRECONDITION, "an earlier message of the partition is unsettled");
      }
    }
  }
  const std::uint32_t kind = publishers_.at(found->second.publisher).kind;
  for (Record& record : found->second.records) {
    if (is(commit_loses_the_last) && &record == &found->second.records.back()) break;
    if (!is(tx_publishes_at_once)) route(kind, std::move(record), 0, false);
  }
  for (auto& [handle, sub] : subscriptions_) {
    for (auto each = sub.unsettled.begin(); each != sub.unsettled.end();) {
      if (each->second.tx != tx) {
        ++each;
        continue;
      }
      Delivered delivered = std::move(each->second);
      each = sub.unsettled.erase(each);
      --sub.group->unsettled;
      std::uint16_t verdict = is(commit_releases) ? RST_VERDICT_RELEASE : delivered.verdict;
      if (is(commit_gives_nothing_back)) verdict = RST_VERDICT_ACK;
      apply_verdict(sub, std::move(delivered), verdict, 0, nullptr);
    }
  }
  end_transaction(tx);
  const std::int32_t status = finish(op);
  lock.unlock();
  wake();
  return status;
}

/// Nothing enlisted happens; its tokens are stale and their messages come again (rule X3).
std::int32_t Instance::abort(std::uint64_t tx, std::uint64_t op, rst_error* error) {
  Lock lock(mutex_);
  if (!transactions_.contains(tx)) return fail(error, RST_E_STALE, "no such transaction");
  roll_back(tx);
  const std::int32_t status = finish(op);
  lock.unlock();
  wake();
  return status;
}

void Instance::roll_back(std::uint64_t tx) {
  Transaction& ended = transactions_.at(tx);
  for (Record& record : ended.records) {
    if (is(abort_publishes)) route(publishers_.at(ended.publisher).kind, std::move(record), 0, false);
  }
  for (auto& [handle, sub] : subscriptions_) {
    for (auto each = sub.unsettled.begin(); each != sub.unsettled.end();) {
      if (each->second.tx != tx) {
        ++each;
        continue;
      }
      if (is(abort_keeps_tokens)) {
        (each++)->second.tx = 0;
        continue;
      }
      --sub.group->unsettled;
      sub.voided.insert(each->first);
      if (!is(abort_settles)) put_back(*sub.group, std::move(each->second.item), false);
      each = sub.unsettled.erase(each);
    }
  }
  end_transaction(tx);
}

void Instance::end_transaction(std::uint64_t tx) {
  if (const auto publisher = publishers_.find(transactions_.at(tx).publisher); publisher != publishers_.end())
    publisher->second.tx = 0;
  transactions_.erase(tx);
}

}  // namespace plain
