// From a publisher into topics: routing, capacity, logs, replies.
#include "broker.hpp"

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

// A payload, perhaps a key, to the publisher's own destination. Keys over the bound take the way that checks all sizes.
bool is_plain(const rst_out_message& message) noexcept {
  constexpr std::uint32_t kMaxKey = 1U << 16;
  return message.destination == nullptr && message.props == nullptr && (message.header_count | message.flags) == 0 &&
         (message.key == nullptr || message.key_len <= kMaxKey);
}

const rst_out_message& message_at(const rst_publish& call, std::uint32_t index) noexcept {
  const auto* bytes = reinterpret_cast<const std::byte*>(call.messages) + std::size_t{index} * call.stride;
  return *reinterpret_cast<const rst_out_message*>(bytes);
}

const char* explain(std::int32_t code) noexcept {
  switch (code) {
    case RST_E_INVALID: return "is malformed, or names no topic or partition; correct it";
    case RST_E_NOT_FOUND: return "does not exist, and the connection has topics=existing; create it by rst.admin";
    case RST_E_PRECONDITION: return "exists and is no log; publish with kind 'topic'";
    case RST_E_TOO_LARGE: return "takes no message of this size; see the option max_payload";
    case RST_E_UNSUPPORTED: return "takes no TTL, delay, priority, RETAIN or unknown flag at this version; remove it";
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

void Broker::append_to_log(Topic& topic, Record& record) {
  Log& log = *topic.log;
  log.reserve_one();
  record.sequence = log.end();
  if (log.size() > 0) record.timestamp_ns = std::max(record.timestamp_ns, log.at(log.end() - 1)->timestamp_ns);
  log.append(&record);
  ++record.holds;
}

/// The topic has room, and somebody takes the record.
void Broker::store_record(Topic& topic, Record& record, std::int64_t now_ns) {
  record.timestamp_ns = now_ns;
  record.sequence = ++sequence_;
  ++topic.records;
  ++topic.stored;
  ++topic.published;
  topic.stored_bytes += record.bytes;
  if (topic.log != nullptr) append_to_log(topic, record);
  for (Group* group : topic.groups) {
    if (!group->is_log()) {
      group->waiting.push(&record);
      ++record.holds;
    }
    mark_ready(*group);
  }
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
        if (group->log == &topic) lowest = std::min(lowest, group->lowest_needed());
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

/// Exactly one PUB_WRITABLE follows a refusal (rule P4).
void Broker::refuse(Publisher& publisher, Topic& topic) {
  if (publisher.refused_by != nullptr) return;
  publisher.refused_by = &topic;
  topic.refused.push_back(&publisher);
}

void Broker::tell_writable(Turn& turn, Topic& topic) {
  for (Publisher* publisher : topic.refused) {
    publisher->refused_by = nullptr;
    turn.event(publisher->object, sdk::Host::event(RST_EVENT_PUB_WRITABLE, publisher->object.about()));
  }
  topic.refused.clear();
}

/// A message that carries more than a payload and a key, or is not sure to be taken.
std::int32_t Broker::store(Turn& turn, Publisher& publisher, Topic& topic, const rst_out_message& message,
                           std::int64_t now_ns, rst_position* receipt) {
  if (const auto refused = publisher.object.profile().check(message); refused != RST_OK) return refused;
  if (message.payload_len > publisher.max_payload) return -RST_E_TOO_LARGE;
  if (message.props != nullptr) {
    if (const auto code = check_props(*message.props, topic.options); code != RST_OK) return -code;
  }
  const auto parts = parts_of(message);
  if (record_size(parts) > Record::kMaxBytes) return -RST_E_TOO_LARGE;
  const auto bytes = credit_bytes(parts);
  gather_routes(topic);
  if (topic.groups.empty() && topic.log == nullptr) {
    if ((message.flags & RST_OUT_MANDATORY) != 0) return -RST_E_NO_ROUTE;
    ++topic.published;
    return RST_OK_UNROUTED;
  }
  if (!topic.has_room(bytes) && !(topic.log != nullptr && trim_log(turn, topic, bytes))) return -RST_E_BACKPRESSURE;
  Record* record = make_record(slabs_, topic, topic.name, parts);
  record->tail.partition = message.props != nullptr && message.props->partition >= 0
                               ? static_cast<std::uint32_t>(message.props->partition) + 1
                               : topic.partition_of(message.key, message.key_len);
  store_record(topic, *record, now_ns);
  if (receipt != nullptr) *receipt = topic.log != nullptr ? position_of(*record) : rst_position{};
  return RST_OK;
}

Record* Broker::make_keyed_record(Topic& topic, const rst_out_message& message) {
  Record* const record = make_record(slabs_, topic, topic.name, parts_of(message));
  record->tail.partition = topic.partition_of(message.key, message.key_len);
  return record;
}

/// The common case: payloads, perhaps with keys, one after another to a topic with one group, room and no log.
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
      if (!is_plain(message) || message.payload_len > max_payload) break;
      const auto more = message.payload_len + (message.key != nullptr ? message.key_len : 0U);
      if (bytes + more > most_bytes) break;
      Record* const record = message.key == nullptr ? make_bare_record(slabs_, topic, message.payload,
                                                                       static_cast<std::uint32_t>(message.payload_len))
                                                    : make_keyed_record(topic, message);
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

/// The same for a call of one message without a key, where the publisher's destination is sure to take it.
inline bool Broker::store_single(Publisher& publisher, rst_publish& call, std::int64_t now_ns) {
  Topic* const topic = publisher.topic;
  if (topic == nullptr || topic->sole == nullptr || topic->routes_version != routes_version_) return false;
  const auto& message = *call.messages;
  const auto bytes = message.payload_len;
  if (!is_plain(message) || message.key != nullptr || bytes > publisher.max_payload || call.receipts != nullptr ||
      topic->stored >= topic->capacity_messages || topic->stored_bytes + bytes > topic->capacity_bytes) {
    return false;
  }
  Record* const record = make_bare_record(slabs_, *topic, message.payload, static_cast<std::uint32_t>(bytes));
  record->timestamp_ns = now_ns;
  record->sequence = ++sequence_;
  record->holds = 1;
  ++topic->records;
  ++topic->stored;
  ++topic->published;
  topic->stored_bytes += bytes;
  ++publisher.published;
  topic->sole->waiting.push(record);
  mark_ready(*topic->sole);
  if (call.statuses != nullptr) *call.statuses = RST_OK;
  call.accepted = 1;
  return true;
}

/// One message; its status as rst_publish.statuses has it.
std::int32_t Broker::publish_one(Turn& turn, Publisher& publisher, const rst_out_message& message, std::int64_t now_ns,
                                 rst_position* receipt) {
  const std::string_view destination{message.destination,
                                     message.destination != nullptr ? message.destination_len : 0U};
  if (Requests::is_inbox(destination)) [[unlikely]] {
    if (const auto refused = publisher.object.profile().check(message); refused != RST_OK) return refused;
    if (message.payload_len > publisher.max_payload) return -RST_E_TOO_LARGE;
    if (record_size(parts_of(message)) > Record::kMaxBytes) return -RST_E_TOO_LARGE;
    if (receipt != nullptr) *receipt = rst_position{};
    if (reply(turn, message, destination, now_ns)) return RST_OK;
    return (message.flags & RST_OUT_MANDATORY) != 0 ? -RST_E_NO_ROUTE : RST_OK_UNROUTED;
  }
  std::int32_t code = RST_OK;
  Topic* topic = resolve(publisher, destination, code);
  if (topic == nullptr) return -code;
  const auto status = store(turn, publisher, *topic, message, now_ns, receipt);
  if (status == -RST_E_BACKPRESSURE) refuse(publisher, *topic);
  return status;
}

std::int32_t Broker::publish(Publisher& publisher, rst_publish& call, sdk::ErrorOut error) {
  const auto now_ns = clock_.wall_ns();
  Turn turn(*this);
  if (publisher.closing) [[unlikely]]
    return error(RST_E_CLOSED, "the publisher is closing");
  if (call.count != 1 || !store_single(publisher, call, now_ns)) [[unlikely]] {
    return publish_many(turn, publisher, call, now_ns, error);
  }
  pump_ready(turn);
  return RST_DONE;
}

std::int32_t Broker::publish_many(Turn& turn, Publisher& publisher, rst_publish& call, std::int64_t now_ns,
                                  sdk::ErrorOut error) {
  Topic* const fixed = publisher.topic != nullptr && !publisher.topic->deleted ? publisher.topic : nullptr;
  if (fixed != nullptr) gather_routes(*fixed);
  std::uint32_t failed = 0, accepted = 0;
  std::int32_t failure = RST_OK, status = RST_OK;
  for (;; ++accepted) {
    if (fixed != nullptr) accepted += store_run(*fixed, call, accepted, publisher.max_payload, now_ns);
    if (accepted == call.count) break;
    auto* receipt = call.receipts != nullptr ? &call.receipts[accepted] : nullptr;
    status = publish_one(turn, publisher, message_at(call, accepted), now_ns, receipt);
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
    return error.flagged(code, flags, "destination '", sdk::subject(named.empty() ? publisher.destination : named),
                         "' ", explain(code));
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
