// From a group's queue into the host: batches, credit, and what is lent until release.
#include "prefetch.hpp"
#include "settling.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <mutex>
#include <utility>

namespace ruststream::memory {
namespace {

constexpr std::size_t kBatchLines = 5;  // of a batch of one: head, message, columns

void release_entry(rst_batch* head) {
  Batch& batch = Batch::of(head);
  batch.broker->release(batch);
}

std::int32_t read_field(rst_batch* head, std::uint32_t index, std::uint32_t field, rst_value* out) {
  if (index >= head->count || field != kFieldSequence) return -RST_E_INVALID;
  *out = rst_value{};
  out->type = RST_TYPE_U64;
  out->as.u64 = Batch::of(head).records[index]->sequence;
  return RST_DONE;
}

std::int32_t read_position(rst_batch* head, std::uint32_t index, rst_position* out) {
  if (index >= head->count) return -RST_E_INVALID;
  *out = position_of(*Batch::of(head).records[index]);
  return RST_DONE;
}

}  // namespace

const rst_batch_ops Broker::kQueueOps{sizeof(rst_batch_ops), 0, release_entry, read_field, nullptr, nullptr};
const rst_batch_ops Broker::kLogOps{sizeof(rst_batch_ops), 0, release_entry, read_field, read_position, nullptr};

void Broker::fill_rest(rst_message& message, const Record& record) noexcept {
  message.headers = (record.features & Record::kHasHeaders) != 0 ? record.headers().data() : nullptr;
  message.key = record.key();
  if (const auto* meta = record.meta(); meta != nullptr) message.meta = meta;
  if ((record.features & Record::kNullPayload) != 0) message.payload = nullptr;
}

namespace {

/// The columns of a batch that is being filled, at hand.
struct Filling {
  explicit Filling(Batch& batch) noexcept
      : messages(batch.messages), records(batch.records), timestamps(batch.timestamps) {}

  /// Points the next message at the record, as a first delivery.
  rst_message& add(Record& record, std::uint64_t token, bool names_topic) noexcept {
    ++record.pins;
    records[count] = &record;
    timestamps[count] = record.timestamp_ns;
    rst_message& message = messages[count++];
    message.payload = record.payload();
    message.payload_len = record.payload_len;
    message.token = token;
    message.headers = nullptr;
    message.key = nullptr;
    message.meta = names_topic ? &record.topic->meta : nullptr;
    std::memcpy(&message.key_len, &record.tail, sizeof record.tail);
    bytes += record.bytes;
    if (record.features != 0) [[unlikely]]
      Broker::fill_rest(message, record);
    return message;
  }

  rst_message* const messages;
  Record** const records;
  std::int64_t* const timestamps;
  std::uint32_t count = 0;
  std::int64_t bytes = 0;
};

/// The next in line of what is not a plain queue; what expired is passed to `drop`.
template <typename Drop>
void fill_slowly(Filling& filling, std::uint32_t most, Group& group, Subscription& subscription,
                 std::int64_t deadline_ns, std::int64_t now_ns, Drop&& drop) {
  Lane& lane = *group.lane_for(subscription);
  InFlight::Adder adder(subscription.in_flight);
  while (filling.count < most && filling.bytes < subscription.credit_bytes) {
    const Next next = group.take_next(lane);
    if (next.record == nullptr) break;
    if (next.record->expired(now_ns)) {
      ++group.expired;
      drop(*next.record);
      continue;
    }
    auto& message =
        filling.add(*next.record, adder.add(next.record, next.attempt, deadline_ns), subscription.names_topic);
    if (!next.again) continue;
    message.attempt =
        static_cast<std::uint16_t>(std::min<std::uint32_t>(next.attempt, std::numeric_limits<std::uint16_t>::max()));
    message.flags |= RST_MESSAGE_REDELIVERED;
    ++subscription.counts.redelivered;
  }
  group.served(lane);
}

}  // namespace

/// The group has work, and the subscription is ready. An empty batch: all of it had expired.
inline Batch& Broker::fill(Turn& turn, Group& group, Subscription& subscription) {
  const auto room = std::min<std::uint64_t>(static_cast<std::uint64_t>(subscription.credit_messages),
                                            subscription.window - subscription.in_flight.size());
  const bool plain = group.plain;
  const auto available = plain ? group.waiting.size() : group.available();
  const auto most = static_cast<std::uint32_t>(std::min({room, available, std::uint64_t{subscription.max_batch}}));
  subscription.in_flight.reserve(most);
  if (!batches_.has_spare(most)) collect_returned();
  Batch& batch = batches_.take(most);
  prefetch_to_write<kBatchLines>(batch.next_spare);  // the next delivery's
  const auto deadline =
      subscription.ack_timeout_ns > 0 ? clock_.monotonic_ns() + subscription.ack_timeout_ns : std::int64_t{0};
  Filling filling(batch);
  if (!plain) {
    fill_slowly(filling, most, group, subscription, deadline, clock_.monotonic_ns(),
                [&](Record& record) { let_go(turn, record); });
    group.refresh();
  } else {
    InFlight::Adder adder(subscription.in_flight);
    // Bytes are soft (rule F1): the message that uses them up is still delivered.
    const auto most_bytes = subscription.credit_bytes;
    const bool names_topic = subscription.names_topic;
    while (filling.count < most && filling.bytes < most_bytes) {
      const auto front = group.waiting.front();
      const auto run = std::min<std::size_t>(front.size(), most - filling.count);
      std::uint32_t taken = 0;
      while (taken < run && filling.bytes < most_bytes) {
        Record* const record = front[taken++];
        filling.add(*record, adder.add(record, 1, deadline), names_topic);
      }
      group.waiting.pop(taken);
    }
  }
  const auto count = filling.count;
  subscription.credit_messages -= count;
  subscription.credit_bytes -= filling.bytes;
  subscription.counts.delivered += count;
  if (deadline != 0 && subscription.due_ns == kNever) arm(subscription, deadline);
  batch.head.count = count;
  batch.head.bytes = static_cast<std::uint64_t>(filling.bytes);
  batch.head.subscription = subscription.object.id();
  batch.head.generation = subscription.generation;
  batch.head.ops = group.is_log() ? &kLogOps : &kQueueOps;
  return batch;
}

void Broker::fill_reply(Batch& batch, Record& record) noexcept {
  Filling(batch).add(record, 0, false);
  batch.head.count = 1;
  batch.head.bytes = record.bytes;
  batch.head.subscription = 0;
  batch.head.generation = 0;
  batch.head.ops = &kQueueOps;
}

inline void Broker::deliver(Turn& turn, Group& group, Subscription& subscription) {
  Batch& batch = fill(turn, group, subscription);
  if (batch.head.count == 0) [[unlikely]]
    return batches_.give_back(batch);
  const auto drains = subscription.drains;
  subscription.delivering = true;
  turn.leave();
  // From here on the host may settle and release all of it, on any thread, before the call returns (rule M6).
  const auto result = subscription.object.host().deliver(batch.head);
  turn.enter();
  subscription.delivering = false;
  if (result != RST_DONE) take_back(subscription, batch, drains);
  if (!subscription.drain_ops.empty()) [[unlikely]] {
    for (const auto op : subscription.drain_ops) turn.complete(subscription.object, op, 0);
    subscription.drain_ops.clear();
  }
  if (subscription.closing) turn.closed(subscription.object, subscription.dropped);
}

/// A batch that the host refused goes back unprocessed and costs no credit (rule M1).
void Broker::take_back(Subscription& subscription, Batch& batch, std::uint64_t drains) {
  for (std::uint32_t i = 0; i < batch.head.count; ++i) {
    auto* slot = subscription.in_flight.find(batch.messages[i].token);
    if (slot == nullptr) continue;  // the subscription was closed or moved meanwhile, which gave it back
    subscription.group->give_back(slot->record, slot->attempt);
    subscription.in_flight.remove(*slot);
  }
  if (subscription.drains == drains) {
    subscription.credit_messages += batch.head.count;
    subscription.credit_bytes += static_cast<std::int64_t>(batch.head.bytes);
  }
  subscription.refused = true;
  release_batch(batch);
}

/// Small ones without the lock, which publishers want: the host releases batch by batch. What they hold is kept until
/// somebody collects, so a large one is worth the lock.
void Broker::release(Batch& batch) noexcept {
  constexpr std::uint64_t kMostKept = 16 * 1024;  // bytes
  if (batch.head.bytes > kMostKept) [[unlikely]] {
    const std::lock_guard lock(lock_);
    return release_batch(batch);
  }
  Batch* newest = returned_.load(std::memory_order_relaxed);
  do {
    batch.next_spare = newest;
  } while (!returned_.compare_exchange_weak(newest, &batch, std::memory_order_release, std::memory_order_relaxed));
}

void Broker::collect_returned() noexcept {
  if (returned_.load(std::memory_order_relaxed) == nullptr) return;
  Batch* batch = returned_.exchange(nullptr, std::memory_order_acquire);
  while (batch != nullptr) release_batch(*std::exchange(batch, batch->next_spare));
}

void Broker::release_batch(Batch& batch) noexcept {
  Record** const records = batch.records;
  Dropping dropping(*this);
  for (std::uint32_t left = batch.head.count, i = 0; left > 0; --left, ++i) {
    Record* const record = records[i];
    if (--record->pins == 0 && record->holds == 0) dropping.drop(*record);
  }
  dropping.finish();
  batches_.give_back(batch);
}

void Broker::pump_all_ready(Turn& turn) {
  while (ready_ != nullptr) {
    Group& group = *ready_;
    ready_ = group.next_ready;
    group.marked_ready = false;
    pump(turn, group);
  }
}

/// Delivers until the group is empty or no member may be given more. A member that another thread is delivering to is
/// left to that thread, which comes back for more.
void Broker::pump(Turn& turn, Group& group) {
  ++group.pumps;
  while (!group.deleted && group.has_work()) {
    Subscription* member = group.next_ready_member();
    if (member == nullptr) break;
    deliver(turn, group, *member);
  }
  if (--group.pumps == 0 && group.deleted) delete &group;
}

std::int32_t Broker::credit(Subscription& subscription, std::uint32_t messages, std::uint64_t bytes) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max() / 2;
  Turn turn(*this);
  if (subscription.closing) return -RST_E_CLOSED;
  subscription.credit_messages = std::min(subscription.credit_messages + std::int64_t{messages}, kMost);
  subscription.credit_bytes += static_cast<std::int64_t>(std::min<std::uint64_t>(bytes, kMost));
  subscription.credit_bytes = std::min(subscription.credit_bytes, kMost);
  subscription.refused = false;
  if (subscription.group->has_work()) {
    mark_ready(*subscription.group);
    pump_ready(turn);
  }
  return RST_DONE;
}

std::int32_t Broker::drain(Subscription& subscription, std::uint64_t op) {
  Turn turn(*this);
  if (subscription.closing) return -RST_E_CLOSED;
  subscription.credit_messages = 0;
  subscription.credit_bytes = 0;
  ++subscription.drains;
  if (!subscription.delivering) return RST_DONE;
  subscription.drain_ops.push_back(op);
  return RST_PENDING;
}

}  // namespace ruststream::memory
