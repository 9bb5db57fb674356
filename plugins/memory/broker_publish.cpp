// From a publisher into topics: routing, capacity, logs, replies.
#include "broker.hpp"
#include "prefetch.hpp"

#include <algorithm>
#include <cstring>

namespace ruststream::memory {
namespace {

// What the profile of a kind does not know.
std::int32_t check_props(const rst_out_props& props, const TopicOptions& options) noexcept {
  if (props.option_count != 0) return RST_E_OPTION;
  if (props.partition < -1 ||
      (props.partition >= 0 && static_cast<std::uint32_t>(props.partition) >= options.partitions)) {
    return RST_E_INVALID;
  }
  return RST_OK;
}

// Of a small record and its padding. Records lie one behind the other: behind a small one the next begins here.
constexpr std::size_t kRecordLines = 4;

// Nothing but a payload.
bool is_bare(const rst_out_message& message) noexcept {
  return message.key == nullptr && message.props == nullptr && (message.header_count | message.flags) == 0;
}

const rst_out_message& message_at(const rst_publish& call, std::uint32_t index) noexcept {
  const auto* bytes = reinterpret_cast<const std::byte*>(call.messages) + std::size_t{index} * call.stride;
  return *reinterpret_cast<const rst_out_message*>(bytes);
}

const char* explain(std::int32_t code) noexcept {
  switch (code) {
    case RST_E_INVALID: return "is malformed, or names no topic or partition; correct it";
    case RST_E_NOT_FOUND: return "does not exist, and the connection has topics=existing; create it by rst.admin";
    case RST_E_PRECONDITION: return "exists and is no log; publish with kind `topic`";
    case RST_E_TOO_LARGE: return "takes no message of this size; see the option max_payload";
    case RST_E_UNSUPPORTED: return "cannot take this priority or flag, or a reply in a transaction; remove it";
    case RST_E_OPTION: return "takes no options per message; remove them";
    case RST_E_NO_ROUTE: return "has no subscription and no group";
    case RST_E_EXHAUSTED: return "is one topic too many; reuse or delete some";
    case RST_E_BACKPRESSURE: return "is full; go on after PUB_WRITABLE";
    default: return "did not take the message";
  }
}

}  // namespace

Topic* Broker::resolve(Publisher& publisher, std::string_view destination, std::int32_t& code) {
  if (destination.data() != nullptr) {
    return find_or_make_topic(publisher.connection, destination, publisher.makes_logs, code);
  }
  if (publisher.topic != nullptr && !publisher.topic->deleted) return publisher.topic;
  if (publisher.destination.empty()) return code = RST_E_INVALID, nullptr;
  return find_or_make_topic(publisher.connection, publisher.destination, publisher.makes_logs, code);
}

/// The topic had room. From here on the record takes some, whether it is published at once or later.
void Broker::count_in(Topic& topic, const Record& record) noexcept {
  ++topic.records;
  ++topic.stored;
  ++topic.published;
  topic.stored_bytes += record.bytes;
}

/// Publishes a record that was counted in: it gets its place, its number, its time. Dropped where nobody takes it.
void Broker::place(Turn& turn, Record& record, std::int64_t now_ns) {
  Topic& topic = *record.topic;
  if (!topic.deleted) gather_routes(topic);
  if (topic.deleted || (topic.groups.empty() && topic.log == nullptr)) return discard(turn, record);
  record.timestamp_ns = now_ns;
  record.sequence = ++sequence_;
  if (auto* life = record.life(); life != nullptr) life->expires_ns = later(clock_.monotonic_ns(), life->ttl_ns);
  if (topic.log != nullptr) append_to_log(topic, record);
  for (Group* group : topic.groups) {
    group->take_in(record);
    if (group->next_due() < group->due_ns) arm(*group, group->next_due());
    mark_ready(*group);
  }
}

void Broker::place_after(Turn& turn, Record& record, std::uint64_t delay_ns, std::int64_t now_ns) {
  if (delay_ns == 0) return place(turn, record, now_ns);
  schedule_.add(later(clock_.monotonic_ns(), delay_ns), record);
  arm(schedule_, schedule_.next_due());
}

/// A record that was counted in and is not published after all.
void Broker::discard(Turn& turn, Record& record) noexcept {
  record.holds = 1;
  let_go(turn, record);
}

/// Exactly one PUB_WRITABLE follows a refusal (rule P4).
void Broker::refuse(Publisher& publisher, Topic& topic) {
  if (publisher.refused_by != nullptr) return;
  publisher.refused_by = &topic;
  topic.refused.push_back(&publisher);
}

void Broker::tell_writable(Turn& turn, Topic& topic) {
  for (Publisher* publisher : topic.refused) {
    publisher->refused_by = nullptr;
    turn.event(publisher->object, {sdk::Host::event(RST_EVENT_PUB_WRITABLE, publisher->object.about())});
  }
  topic.refused.clear();
}

/// A message that carries more than a payload, or is not sure to be taken.
std::int32_t Broker::store(Turn& turn, Publisher& publisher, Topic& topic, const rst_out_message& message,
                           std::int64_t now_ns, rst_position* receipt, Transaction* transaction) {
  if (const auto refused = publisher.object.profile().check(message); refused != RST_OK) return refused;
  if (message.payload_len > publisher.max_payload) return -RST_E_TOO_LARGE;
  std::uint64_t delay_ns = 0;
  if (message.props != nullptr) {
    if (const auto code = check_props(*message.props, topic.options); code != RST_OK) return -code;
    delay_ns = message.props->delay_ns;
  }
  const auto parts = parts_of(message);
  const RecordLayout layout(parts);
  if (!layout.fits()) return -RST_E_TOO_LARGE;
  gather_routes(topic);
  if (topic.groups.empty() && topic.log == nullptr) {
    if ((message.flags & RST_OUT_MANDATORY) != 0) return -RST_E_NO_ROUTE;
    if (delay_ns == 0 && transaction == nullptr) {
      ++topic.published;
      return RST_OK_UNROUTED;
    }
  }
  if (!topic.has_room(layout.bytes) && !(topic.log != nullptr && trim_log(turn, topic, layout.bytes))) {
    return -RST_E_BACKPRESSURE;
  }
  Record* record = make_record(slabs_, topic, topic.name, parts, layout);
  record->tail.partition = message.props != nullptr && message.props->partition >= 0
                               ? static_cast<std::uint32_t>(message.props->partition) + 1
                               : topic.partition_of(message.key, message.key_len);
  count_in(topic, *record);
  if (transaction != nullptr) {
    transaction->publishes.push_back({record, delay_ns});
  } else {
    place_after(turn, *record, delay_ns, now_ns);
  }
  const bool placed = topic.log != nullptr && delay_ns == 0 && transaction == nullptr;
  if (receipt != nullptr) *receipt = placed ? position_of(*record) : rst_position{};
  return RST_OK;
}

/// The common case: bare payloads, one after another, to a topic with one group, room and no log.
/// @return how many were stored, from `from` on; what stopped it is for publish_one.
std::uint32_t Broker::store_run(Topic& topic, const rst_publish& call, std::uint32_t from, std::uint64_t max_payload,
                                std::int64_t now_ns) {
  if (topic.sole == nullptr || topic.stored >= topic.capacity_messages) return 0;
  Group& group = *topic.sole;
  const auto most = std::min<std::uint64_t>(call.count - from, topic.capacity_messages - topic.stored);
  const auto most_bytes = topic.capacity_bytes - std::min(topic.capacity_bytes, topic.stored_bytes);
  const auto stride = call.stride;
  const auto* at = reinterpret_cast<const std::byte*>(call.messages) + std::size_t{from} * stride;
  auto sequence = sequence_;
  std::uint64_t bytes = 0;
  std::uint32_t count = 0;
  const auto count_in = [&] {
    sequence_ = sequence;
    topic.records += count;
    topic.stored += count;
    topic.published += count;
    topic.stored_bytes += bytes;
  };
  try {
    for (; count < most; ++count, at += stride) {
      const auto& message = *reinterpret_cast<const rst_out_message*>(at);
      const auto more = message.payload_len;
      if (message.destination != nullptr || !is_bare(message) || more > max_payload || bytes + more > most_bytes) break;
      Record* const record = make_bare_record(slabs_, topic, message.payload, static_cast<std::uint32_t>(more));
      record->timestamp_ns = now_ns;
      record->sequence = ++sequence;
      record->holds = 1;
      group.waiting.push(record);
      bytes += more;
    }
  } catch (...) {
    count_in();
    throw;
  }
  count_in();
  if (count > 0) mark_ready(group);
  for (std::uint32_t i = from; call.statuses != nullptr && i < from + count; ++i) call.statuses[i] = RST_OK;
  for (std::uint32_t i = from; call.receipts != nullptr && i < from + count; ++i) call.receipts[i] = {};
  return count;
}

/// The same for one message. False: nothing was done, see store.
inline bool Broker::store_bare(Topic& topic, const rst_out_message& message, std::uint64_t max_payload,
                               std::int64_t now_ns) {
  const auto bytes = message.payload_len;
  if (topic.sole == nullptr || topic.routes_version != routes_version_ || !is_bare(message) || bytes > max_payload ||
      topic.stored >= topic.capacity_messages || topic.stored_bytes + bytes > topic.capacity_bytes) {
    return false;
  }
  Record* const record = make_bare_record(slabs_, topic, message.payload, static_cast<std::uint32_t>(bytes));
  prefetch_to_write<kRecordLines>(record + kRecordLines);  // where the next one goes
  record->timestamp_ns = now_ns;
  record->sequence = ++sequence_;
  record->holds = 1;
  ++topic.records;
  ++topic.stored;
  ++topic.published;
  topic.stored_bytes += bytes;
  topic.sole->waiting.push(record);
  mark_ready(*topic.sole);
  return true;
}

/// One message; its status as rst_publish.statuses has it.
std::int32_t Broker::publish_one(Turn& turn, Publisher& publisher, const rst_out_message& message, std::int64_t now_ns,
                                 rst_position* receipt, Transaction* transaction) {
  const std::string_view destination{message.destination,
                                     message.destination != nullptr ? message.destination_len : 0U};
  if (Requests::is_inbox(destination)) [[unlikely]] {
    if (const auto refused = publisher.object.profile().check(message); refused != RST_OK) return refused;
    if (message.payload_len > publisher.max_payload) return -RST_E_TOO_LARGE;
    if (transaction != nullptr) return -RST_E_UNSUPPORTED;
    if (receipt != nullptr) *receipt = {};
    return reply(turn, message, destination, now_ns);
  }
  std::int32_t code = RST_OK;
  Topic* topic = resolve(publisher, destination, code);
  if (topic == nullptr) return -code;
  const bool at_once = receipt == nullptr && transaction == nullptr;
  if (at_once && store_bare(*topic, message, publisher.max_payload, now_ns)) return RST_OK;
  const auto status = store(turn, publisher, *topic, message, now_ns, receipt, transaction);
  if (status == -RST_E_BACKPRESSURE) refuse(publisher, *topic);
  return status;
}

std::int32_t Broker::publish(Publisher& publisher, rst_publish& call, sdk::ErrorOut error) {
  const auto now_ns = clock_.wall_ns();
  Turn turn(*this);
  if (publisher.barrier != Publisher::Barrier::kNone) [[unlikely]] {
    if (const auto refused = may_publish(publisher, error); refused != RST_DONE) return refused;
    return publish_counted(turn, publisher, call, now_ns, error);
  }
  const auto& first = *call.messages;
  if (call.count != 1 || first.destination != nullptr || publisher.topic == nullptr || call.receipts != nullptr ||
      !store_bare(*publisher.topic, first, publisher.max_payload, now_ns)) [[unlikely]] {
    return publish_many(turn, publisher, call, now_ns, nullptr, error);
  }
  ++publisher.published;
  call.accepted = 1;
  if (call.statuses != nullptr) *call.statuses = RST_OK;
  pump_ready(turn);
  return RST_DONE;
}

std::int32_t Broker::may_publish(const Publisher& publisher, sdk::ErrorOut error) {
  switch (publisher.barrier) {
    case Publisher::Barrier::kClosing: return error(RST_E_CLOSED, "the publisher is closing");
    case Publisher::Barrier::kDown: return is_down(error);
    default: return RST_DONE;
  }
}

std::int32_t Broker::publish_many(Turn& turn, Publisher& publisher, rst_publish& call, std::int64_t now_ns,
                                  Transaction* transaction, sdk::ErrorOut error) {
  const bool runs = publisher.topic != nullptr && !publisher.topic->deleted && transaction == nullptr;
  Topic* const fixed = runs ? publisher.topic : nullptr;
  if (fixed != nullptr) gather_routes(*fixed);
  std::uint32_t failed = 0, accepted = 0;
  std::int32_t failure = RST_OK, status = RST_OK;
  for (;; ++accepted) {
    if (fixed != nullptr && call.count - accepted > 1)
      accepted += store_run(*fixed, call, accepted, publisher.max_payload, now_ns);
    if (accepted == call.count) break;
    auto* receipt = call.receipts != nullptr ? &call.receipts[accepted] : nullptr;
    status = publish_one(turn, publisher, message_at(call, accepted), now_ns, receipt, transaction);
    if (status == -RST_E_BACKPRESSURE) break;
    if (call.statuses != nullptr) call.statuses[accepted] = status;
    if (status >= 0) continue;
    ++failed;
    if (failure == RST_OK) failure = -status;
  }
  publisher.published += accepted - failed;
  call.accepted = accepted;
  pump_ready(turn);
  if (accepted == 0 && status == -RST_E_BACKPRESSURE) failure = RST_E_BACKPRESSURE;
  if (failure == RST_OK) return RST_DONE;
  return report_failure(turn, publisher, call, failed, failure, error);
}

/// Says what failed by the one way that is open: the verb's error, the statuses, or an event.
std::int32_t Broker::report_failure(Turn& turn, Publisher& publisher, rst_publish& call, std::uint32_t failed,
                                    std::int32_t code, sdk::ErrorOut error) {
  const auto flags = code == RST_E_BACKPRESSURE ? RST_ERROR_RETRYABLE : RST_ERROR_USER;
  const bool none = failed == call.accepted && (call.count == 1 || call.statuses == nullptr);
  if (code == RST_E_BACKPRESSURE || none) {
    const auto& first = message_at(call, 0);
    const std::string_view named{first.destination, first.destination != nullptr ? first.destination_len : 0U};
    call.accepted = 0;
    return error.flagged(code, flags, "destination `", sdk::subject(named.empty() ? publisher.destination : named),
                         "` ", explain(code));
  }
  if (call.statuses == nullptr) {
    rst_error problem;
    sdk::fill_error(problem, code, flags, "some messages were not published; ask for statuses to learn which");
    auto event = sdk::Host::event(RST_EVENT_PUB_FAILED, publisher.object.about());
    event.value = failed;
    event.error = &problem;
    turn.leave();  // the verb's pin keeps the publisher's ids valid
    publisher.object.host().send(event);
  }
  return RST_DONE;
}

}  // namespace ruststream::memory
