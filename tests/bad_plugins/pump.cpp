// The way out: completions, events, log lines and batches, in one order.
#include "instance.hpp"

#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>

namespace plain {
namespace {

constexpr std::int64_t kPause = 10'000'000;  // after the host refused a batch
constexpr std::int64_t kTick = 1'000'000;

void release(rst_batch* raw) {
  auto* const batch = reinterpret_cast<Batch*>(raw);
  static const std::thread::id releaser = std::this_thread::get_id();
  if (is(one_thread_releases) && releaser != std::this_thread::get_id()) std::abort();
  batch->instance->released(*batch);
  delete batch;
}
std::int32_t field(rst_batch* raw, std::uint32_t index, std::uint32_t id, rst_value* out) {
  auto* const batch = reinterpret_cast<Batch*>(raw);
  if (index >= batch->items.size() || id != 1) return -RST_E_INVALID;
  *out = {};
  out->as.u64 = batch->items[index].record->offset;
  out->type = is(field_has_another_type) ? RST_TYPE_I64 : RST_TYPE_U64;
  return RST_DONE;
}
std::int32_t position(rst_batch* raw, std::uint32_t index, rst_position* out) {
  auto* const batch = reinterpret_cast<Batch*>(raw);
  if (index >= batch->items.size()) return -RST_E_INVALID;
  const Record& record = *batch->items[index].record;
  *out = {};
  out->kind = RST_POSITION_AT;
  out->len = 8;
  out->time_ns = record.time_ns;
  const std::uint64_t offset = record.offset + (is(position_of_the_next) ? 1U : 0U);
  std::memcpy(out->data, &offset, 8);
  return RST_DONE;
}
constexpr rst_batch_ops kLogOps = {sizeof(rst_batch_ops), 0, release, field, position, nullptr};
constexpr rst_batch_ops kOps = {sizeof(rst_batch_ops), 0, release, field, nullptr, nullptr};
constexpr rst_batch_ops kLeastOps = {sizeof(rst_batch_ops), 0, release, nullptr, nullptr, nullptr};

constexpr std::size_t kPage = 4096;

const std::uint8_t* at_the_end_of_a_page(Batch& batch, const Record& record) {
  void* const pages = ::mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ::mprotect(static_cast<char*>(pages) + kPage, kPage, PROT_NONE);
  batch.pages.emplace_back(pages, [](void* at) { ::munmap(at, 2 * kPage); });
  char* const to = static_cast<char*>(pages) + kPage - record.payload_size;
  std::memcpy(to, record.payload.data(), record.payload_size);
  return reinterpret_cast<const std::uint8_t*>(to);
}

template <class T>
void put(T*& at, std::uint32_t& size, const std::string& text) {
  if (text.empty()) return;
  at = reinterpret_cast<T*>(text.data());
  size = static_cast<std::uint32_t>(text.size());
}

void lend_headers(Batch& batch, std::uint32_t i) {
  rst_message& message = batch.message(i);
  const Record& record = *batch.items[i].record;
  for (const Header& header : record.headers) {
    const bool null = header.type == RST_HEADER_NULL;
    batch.headers[i].push_back({header.name.data(),
                                null ? nullptr : reinterpret_cast<const std::uint8_t*>(header.value.data()),
                                static_cast<std::uint32_t>(header.value.size()),
                                static_cast<std::uint16_t>(header.name.size()), header.type, 0});
    batch.raw.bytes += is(bytes_without_headers) ? 0 : header.name.size() + header.value.size();
  }
  message.headers = batch.headers[i].empty() ? nullptr : batch.headers[i].data();
  message.header_count = static_cast<std::uint16_t>(batch.headers[i].size());
}

void lend_meta(Batch& batch, std::uint32_t i, const Subscription* sub) {
  const Record& record = *batch.items[i].record;
  rst_message_meta& meta = batch.metas[i];
  meta.struct_size = sizeof meta;
  const bool shows_pattern = is(address_is_the_pattern) && sub != nullptr;
  if (shows_pattern) batch.pages.emplace_back(sub->group);  // so that the pattern lives as long
  put(meta.address, meta.address_len, shows_pattern ? sub->group->patterns.front() : record.address);
  put(meta.reply_to, meta.reply_to_len, record.reply_to);
  put(meta.correlation, meta.correlation_len, record.correlation);
  put(meta.message_id, meta.message_id_len, record.message_id);
  put(meta.content_type, meta.content_type_len, record.content_type);
  batch.message(i).meta = &meta;
}

}  // namespace

std::int64_t Instance::now() const { return stepped_ns_ != 0 ? stepped_ns_ : host_->now(host_, RST_CLOCK_MONOTONIC); }

std::int32_t Instance::finish(std::uint64_t op, std::uint64_t value, std::int32_t code, std::string text, Call then) {
  if (op == 0) {
    if (then) then();
    return code == 0 ? RST_DONE : -code;
  }
  if (is(completes_foreign_op)) {
    post([this] {
      const rst_completion foreign{last_handle_ + 1'000'000, RST_OK, 0, 0, nullptr};
      host_->complete(host_, &foreign, 1, sizeof foreign);
    });
  }
  post([this, op, value, code, text = std::move(text), then = std::move(then)] {
    rst_error error{};
    set_error(&error, code, text);
    const bool told = code != 0 && !is(fails_without_error);
    const rst_completion completion{op, code == 0 ? RST_OK : rst_status(code, error.flags), 0, value,
                                    told ? &error : nullptr};
    if (then) {
      const Lock lock(mutex_);
      then();
    }
    host_->complete(host_, &completion, 1, sizeof completion);
  });
  return RST_PENDING;
}

void Instance::tell(std::uint32_t kind, const Object& about, std::vector<rst_partition> partitions, std::uint64_t value,
                    std::uint64_t answer, std::string text) {
  const std::uint64_t connection = about.connection == 0 ? about.id : about.connection;
  const std::uint64_t subject = about.connection == 0 ? 0 : about.id;
  post([=, this, partitions = std::move(partitions), text = std::move(text)] {
    rst_event event{};
    event.struct_size = is(event_size_too_small) ? 64 : sizeof event;
    event.kind = kind;
    event.connection = connection;
    event.subject = is(event_of_nobody) ? 0xDEADU : subject;
    event.answer = answer;
    event.value = value;
    event.deadline_ns = answer == 0 ? 0 : 3'000'000'000;
    event.partitions = partitions.empty() ? nullptr : partitions.data();
    event.partition_count = static_cast<std::uint32_t>(partitions.size());
    event.text = str(text);
    host_->event(host_, &event);
  });
}

void Instance::say(const Object& about, std::string text) {
  if (*host_->log_level < RST_LOG_INFO) return;
  post([=, this, text = std::move(text)] {
    rst_log line{};
    line.struct_size = sizeof line;
    line.level = RST_LOG_INFO;
    line.connection = about.connection == 0 ? about.id : about.connection;
    line.subject = about.connection == 0 ? 0 : about.id;
    line.target = str("plain");
    line.text = str(text);
    host_->log(host_, &line);
  });
}

void Instance::wake() {
  work_.notify_all();
  if (!is(good_completes_within_the_verb)) return;
  Lock lock(mutex_);
  pump(lock);
}

/// Tells the host all that there is to tell.
void Instance::pump(Lock& lock) {
  if (pumping_) return;
  pumping_ = true;
  due(now());
  for (auto each = subscriptions_.begin(); is(delivers_before_subscribed) && each != subscriptions_.end(); ++each) {
    if (!each->second.open && deliver(lock, each->second)) break;  // which lets go of the lock
  }
  do {
    while (!outbox_.empty()) {
      const Call call = std::move(outbox_.front());
      outbox_.pop_front();
      lock.unlock();
      call();
      lock.lock();
    }
  } while (deliver_next(lock) && !is(good_delivers_from_four_threads));
  pumping_ = false;
}

/// The thread's life.
void Instance::run() {
  Lock lock(mutex_);
  while (!stop_) {
    pump(lock);
    if (stop_) return;
    if (!outbox_.empty() && !pumping_) continue;
    std::int64_t wait = std::min<std::int64_t>(std::max<std::int64_t>(next_due() - now(), 0), 50 * kTick);
    if (is(good_delivers_from_four_threads)) wait = kTick / 4;
    if (is(thread_takes_signals)) wait = 0;  // it calls the host while a failed case ends, too
    work_.wait_for(lock, std::chrono::nanoseconds(wait));
  }
}

std::int32_t Instance::step(std::int64_t now_ns, std::int64_t* next_due_ns, std::uint64_t* pending, rst_error* error) {
  Lock lock(mutex_);
  if (now_ns < stepped_ns_) return fail(error, RST_E_INVALID, "time does not go back");
  stepped_ns_ = now_ns;
  pump(lock);
  *next_due_ns = outbox_.empty() ? next_due() : now_ns;
  *pending = outbox_.size() + requests_.size() + revokes_.size();
  return RST_DONE;
}

bool Instance::deliver_next(Lock& lock) {
  for (std::size_t tried = subscriptions_.size(); tried > 0; --tried) {
    auto next = subscriptions_.upper_bound(last_served_);
    if (next == subscriptions_.end()) next = subscriptions_.begin();
    last_served_ = next->first;
    if (deliver(lock, next->second)) return true;
  }
  return !outbox_.empty();
}

/// What may go to a subscription now.
std::vector<Item> Instance::take(Subscription& sub) {
  std::vector<Item> items;
  Group& group = *sub.group;
  std::int64_t messages = sub.messages;
  if (is(delivers_past_message_credit) && messages == 0 && sub.last_token != 0) messages = 1;
  if (!sub.open && !is(delivers_before_subscribed)) return items;
  const bool stalled =
      is(slow_stalls_fast) && std::ranges::any_of(subscriptions_, [&](const auto& each) {
        return each.second.group != sub.group && each.second.messages <= 0 && each.second.group->waiting.size() > 100;
      });
  if (stalled || messages <= 0 || sub.down || sub.paused_until > now()) return items;
  std::int64_t room = sub.window == 0 || is(ignores_window)
                          ? messages
                          : std::min<std::int64_t>(messages, static_cast<std::int64_t>(sub.window) -
                                                                 static_cast<std::int64_t>(sub.unsettled.size()));
  if (is(settlement_makes_room_for_two) && sub.last_token > sub.unsettled.size() && room < messages) ++room;
  room = std::min<std::int64_t>(room, is(exceeds_max_batch)           ? kMaxBatch
                                      : is(delivers_past_byte_credit) ? 1
                                                                      : sub.max_batch);
  std::int64_t bytes = is(delivers_past_byte_credit) ? INT64_MAX : sub.bytes;
  for (auto at = group.waiting.begin(); at != group.waiting.end() && room > 0 && bytes > 0;) {
    const std::uint32_t partition = at->record->partition;
    const bool mine = partition == 0 || (group.owner[partition] == sub.handle &&
                                         (group.revoking[partition] == 0 || is(delivers_while_revoking)));
    if (at->record->expires_ns != 0 && at->record->expires_ns <= now() && !is(ignores_ttl)) {
      at = group.waiting.erase(at);
      continue;
    }
    const bool another_has_it = is(every_member_has_its_share) && group.kind == queue &&
                                group.members[at->record->offset % group.members.size()] != sub.handle;
    if (!mine || another_has_it) {
      ++at;
      continue;
    }
    --room;
    bytes -= static_cast<std::int64_t>(at->record->payload_size);
    items.push_back(std::move(*at));
    at = group.waiting.erase(at);
  }
  if (is(swaps_neighbours) && group.kind == queue && items.size() > 1) std::swap(items[0], items[1]);
  return items;
}

bool Instance::deliver(Lock& lock, Subscription& sub) {
  std::vector<Item> items = take(sub);
  if (items.empty()) return false;
  const std::uint64_t handle = sub.handle, drains = sub.drains;
  const auto group = sub.group;
  Batch* const batch = make_batch(&sub, items);
  const auto count = static_cast<std::int64_t>(items.size());
  const auto bytes = static_cast<std::int64_t>(batch->raw.bytes);
  sub.messages -= count;
  sub.bytes -= bytes;
  const rst_message* const messages = batch->raw.messages;
  if (!is(delivers_under_its_lock)) lock.unlock();
  std::int32_t status = host_->deliver(host_, &batch->raw);
  if (is(reads_batch_after_deliver) && status == RST_DONE && batch->raw.messages[batch->raw.count - 1].token == 1)
    std::puts("1");
  if (!is(delivers_under_its_lock)) lock.lock();
  static_cast<void>(messages);
  if (status == RST_DONE) return true;
  const auto found = subscriptions_.find(handle);
  if (found != subscriptions_.end()) {
    Subscription& still = found->second;
    if (drains == still.drains && !is(refusal_debits)) {
      still.messages += count;
      still.bytes += bytes;
    }
    still.paused_until = now() + kPause;
    for (std::uint32_t i = 0; i < items.size(); ++i) {
      if (!can(still.kind, RST_CAP_SETTLE) && !is(refused_is_lost)) put_back(*group, items[i], false);
      const auto token = still.unsettled.find(batch->message(i).token);
      if (token == still.unsettled.end()) continue;
      --group->unsettled;
      still.voided.insert(token->first);
      if (!is(refused_is_lost)) put_back(*group, std::move(token->second.item), is(refusal_counts));
      still.unsettled.erase(token);
    }
  }
  delete batch;
  return true;
}

/// `sub` null: the reply of a request.
Batch* Instance::make_batch(Subscription* sub, std::vector<Item> items) {
  auto* const batch = new Batch;
  const std::uint32_t count = static_cast<std::uint32_t>(items.size());
  batch->instance = this;
  batch->raw.struct_size = sizeof(rst_batch) + (is(good_has_larger_structs) ? sizeof batch->beyond : 0);
  batch->raw.stride = sizeof(rst_message) * (is(good_has_larger_structs) ? 2U : 1U);
  batch->messages = std::make_unique<char[]>(std::size_t{count} * batch->raw.stride);
  batch->raw.messages = reinterpret_cast<rst_message*>(batch->messages.get());
  batch->raw.count = count;
  batch->raw.ops = is(good_has_nothing_optional)             ? &kLeastOps
                   : sub != nullptr && sub->kind == log_kind ? &kLogOps
                                                             : &kOps;
  if (sub != nullptr) {
    batch->subscription = sub->handle;
    batch->raw.subscription = is(delivers_to_nobody) ? sub->id + 1'000'000 : sub->id;
    batch->raw.generation =
        is(generation_falls) ? 1'000'000U - static_cast<std::uint32_t>(sub->last_token) : sub->generation;
  }
  if (is(batch_reserved_set)) batch->raw.reserved1[2] = 7;
  if (is(batch_host_words_set)) batch->raw.host[1] = 7;
  batch->items = std::move(items);
  batch->headers.resize(count);
  batch->metas.resize(count);
  for (const Item& item : batch->items)
    batch->timestamps.push_back(is(first_timestamp_is_of_all) ? batch->items[0].record->time_ns : item.record->time_ns);
  if (is(timestamps_are_zero)) batch->timestamps.assign(count, 0);
  if (is(time_is_of_the_delivery)) batch->timestamps.assign(count, host_->now(host_, RST_CLOCK_WALL));
  if (is(create_time_is_the_brokers)) batch->raw.flags = RST_BATCH_TIME_IS_CREATE;
  batch->raw.timestamps = batch->timestamps.data();
  for (std::uint32_t i = 0; i < count; ++i) {
    const Item& item = batch->items[i];
    const Record& record = *item.record;
    rst_message& message = batch->message(i);
    batch->payloads.push_back(std::make_shared<std::string>(record.payload));
    message.payload = reinterpret_cast<const std::uint8_t*>(batch->payloads[i]->data());
    if (is(padded_is_a_lie) && record.payload_size < kPage) message.payload = at_the_end_of_a_page(*batch, record);
    message.payload_len = record.payload_size;
    message.flags = RST_MESSAGE_PADDED | (item.again ? RST_MESSAGE_REDELIVERED : 0U);
    if (record.null_payload && !is(null_payload_becomes_empty)) {
      message.payload = nullptr;
      message.flags = (message.flags & ~RST_MESSAGE_PADDED) | RST_MESSAGE_NULL_PAYLOAD;
    }
    if (record.key) {
      message.key = reinterpret_cast<const std::uint8_t*>(record.key->data());
      message.key_len = static_cast<std::uint32_t>(record.key->size());
    }
    lend_headers(*batch, i);
    message.partition = record.partition;
    lend_meta(*batch, i, sub);
    batch->raw.bytes += record.payload_size + message.key_len;
    if (sub == nullptr || !can(sub->kind, RST_CAP_SETTLE)) continue;
    const std::uint32_t counted = item.attempts + (is(attempt_begins_at_zero) ? 0U : 1U);
    message.attempt = static_cast<std::uint16_t>(is(attempt_never_rises) ? 1U : counted);
    message.token = is(token_is_given_twice) && sub->last_token == 2 ? 1 : ++sub->last_token;
    const std::int64_t deadline = sub->ack_timeout_ns == 0 ? 0 : now() + static_cast<std::int64_t>(sub->ack_timeout_ns);
    sub->unsettled[message.token] = {item, deadline, 0, 0, batch->payloads[i]};
    ++sub->group->unsettled;
  }
  if (is(payload_is_reused_by_the_next) && sub != nullptr) {
    for (const auto& each : sub->last_lent) std::ranges::fill(*each, '#');
    sub->last_lent = batch->payloads;
  }
  return batch;
}

void Instance::released(Batch& batch) {
  if (!is(release_settles) && !is(release_fails_after_close)) return;
  const Lock lock(mutex_);
  const auto sub = subscriptions_.find(batch.subscription);
  if (is(release_fails_after_close) && batch.subscription != 0 && sub == subscriptions_.end()) std::abort();
  if (is(release_fails_after_close) || sub == subscriptions_.end()) return;
  for (std::uint32_t i = 0; i < batch.items.size(); ++i) {
    if (sub->second.unsettled.erase(batch.message(i).token) != 0) --sub->second.group->unsettled;
  }
}

/// What time alone brings about.
void Instance::due(std::int64_t now_ns) {
  for (auto& [key, group] : groups_) {
    while (!group->delayed.empty() && group->delayed.begin()->first <= now_ns) {
      enqueue(*group, std::move(group->delayed.begin()->second));
      group->delayed.erase(group->delayed.begin());
    }
  }
  for (auto& [handle, connection] : connections_) {
    if (connection.lost_at_ns != 0 && connection.lost_at_ns <= now_ns) lose(connection);
    if (connection.back_at_ns != 0 && connection.back_at_ns <= now_ns) resume(connection);
  }
  for (auto& [key, group] : groups_) {
    const bool resumed = std::ranges::any_of(
        connections_, [&](const auto& each) { return now_ns - each.second.since_ns > 1'000'000'000; });
    if (is(session_drops_what_nobody_takes) && resumed && group->members.empty()) group->waiting.clear();
  }
  for (auto each = transactions_.begin(); each != transactions_.end();) {
    const auto [tx, transaction] = *each++;
    if (transaction.deadline_ns <= now_ns) roll_back(tx);
  }
  due_of_subscriptions(now_ns);
  const auto answers = revokes_;
  for (const auto& [answer, revoke] : answers) {
    if (revoke.deadline_ns <= now_ns) finish_revoke(answer, true);
  }
  for (auto each = requests_.begin(); each != requests_.end();) {
    const Request request = each->second;
    if (request.deadline_ns > now_ns) {
      ++each;
      continue;
    }
    each = requests_.erase(each);
    finish(request.op, 0, RST_E_TIMEOUT, "nobody replied in time");
  }
  for (auto& [handle, publisher] : publishers_) {
    if (publisher.full == nullptr || publisher.full->load() >= capacity_ || is(never_writable)) continue;
    publisher.full = nullptr;
    tell(RST_EVENT_PUB_WRITABLE, publisher);
    if (is(writable_twice)) tell(RST_EVENT_PUB_WRITABLE, publisher);
  }
}

void Instance::due_of_subscriptions(std::int64_t now_ns) {
  for (auto& [handle, sub] : subscriptions_) {
    for (auto each = sub.unsettled.begin(); each != sub.unsettled.end();) {
      if (each->second.deadline_ns == 0 || each->second.deadline_ns > now_ns || each->second.tx != 0) {
        ++each;
        continue;
      }
      --sub.group->unsettled;
      if (!is(late_ack_counts)) (is(late_ack_is_ok) ? sub.late : sub.voided).insert(each->first);
      const Item& item = each->second.item;
      if (sub.max_attempts == 0 || item.attempts + 1U < sub.max_attempts || is(deadline_ignores_max_attempts))
        put_back(*sub.group, item, true);
      else if (!is(deadline_loses_the_last_attempt))
        dead_letter(sub, item, nullptr);
      each = sub.unsettled.erase(each);
    }
    if (sub.dropped != 0 && !is(drops_unreported)) {
      tell(RST_EVENT_SUB_DROPPED, sub, {}, sub.dropped);
      sub.dropped = 0;
    }
  }
}

std::int64_t Instance::next_due() const {
  std::int64_t next = RST_SIM_NEVER;
  for (const auto& [key, group] : groups_) {
    if (!group->delayed.empty()) next = std::min(next, group->delayed.begin()->first);
  }
  for (const auto& [handle, sub] : subscriptions_) {
    if (sub.paused_until > now()) next = std::min(next, sub.paused_until);
    for (const auto& [token, each] : sub.unsettled) {
      if (each.deadline_ns != 0 && each.tx == 0) next = std::min(next, each.deadline_ns);
    }
    if (sub.dropped != 0 && !is(drops_unreported)) next = std::min(next, now());
  }
  for (const auto& [handle, connection] : connections_) {
    for (const std::int64_t at : {connection.lost_at_ns, connection.back_at_ns})
      next = at == 0 ? next : std::min(next, at);
  }
  for (const auto& [tx, transaction] : transactions_) next = std::min(next, transaction.deadline_ns);
  for (const auto& [answer, revoke] : revokes_) next = std::min(next, revoke.deadline_ns);
  for (const auto& [address, request] : requests_) next = std::min(next, request.deadline_ns);
  for (const auto& [handle, publisher] : publishers_) {
    if (publisher.full != nullptr && publisher.full->load() < capacity_ && !is(never_writable))
      next = std::min(next, now());
  }
  return next;
}

}  // namespace plain
