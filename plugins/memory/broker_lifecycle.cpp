// How subscriptions and publishers come and go, and what time does.
#include "address.hpp"
#include "broker.hpp"

#include <algorithm>
#include <utility>

namespace ruststream::memory {

Broker::Broker(std::string name, std::uint32_t number, const Clock& clock, std::function<void(std::int64_t)> wake_by)
    : name_(std::move(name)),
      number_(number),
      clock_(clock),
      wake_by_(std::move(wake_by)),
      batches_(*this),
      replies_("_inbox", {}) {}

Broker::~Broker() {
  // The host has closed its connections and released its batches; what waits goes with the slabs it lies in.
  Turn turn(*this);
  collect_returned();
  for (Record* record : schedule_.take_if([](const Record&) { return true; })) discard(turn, *record);
  while (!groups_.empty()) destroy_group(turn, *groups_.back());
  for (auto& [name, topic] : topics_) {
    while (topic->log != nullptr && topic->log->size() > 0) let_go(turn, *topic->log->trim());
  }
}

std::int32_t Broker::subscribe(Subscription& subscription, const SubscriptionOptions& options, sdk::ErrorOut error) {
  Turn turn(*this);
  if (subscription.closing) return error(RST_E_CLOSED, "the connection is closing");
  const auto& connection = subscription.connection;
  if (connection.down) return is_down(error);
  std::int32_t code = RST_OK;
  Topic* log = nullptr;
  for (const auto& address : options.addresses) {
    if (has_wildcard(address)) continue;
    Topic* topic = find_or_make_topic(connection, address, options.log, code);
    if (topic == nullptr) return cannot_use(address, code, error);
    if (options.log) log = topic;
  }
  if (!options.dead_letter.empty() && find_or_make_topic(connection, options.dead_letter, false, code) == nullptr) {
    return cannot_use(options.dead_letter, code, error);
  }
  Group* group = find_group(options.group, join_addresses(options.addresses), options.log);
  if (group == nullptr) {
    if (groups_.size() >= kMaxGroups) return too_many_groups(error);
    std::uint64_t offset = log != nullptr ? log->log->begin() : 0;
    if (log != nullptr && options.start != nullptr && !locate(*log, *options.start, offset)) {
      return error(RST_E_NOT_FOUND, "topic `", sdk::subject(log->name), "` does not keep the start position; it has ",
                   log->log->begin(), " to ", log->log->end());
    }
    group = &make_group(options.group, options.addresses, log, offset);
  }
  subscription.group = group;
  subscription.window = subscription.full_window = options.window;
  subscription.max_batch = options.max_batch;
  subscription.max_attempts = options.max_attempts;
  subscription.dead_letter = options.dead_letter;
  subscription.ack_timeout_ns = options.ack_timeout_ns;
  subscription.revoke_timeout_ns = options.revoke_timeout_ns;
  subscription.names_topic = options.addresses.size() > 1 || has_wildcard(options.addresses.front());
  group->members.push_back(&subscription);
  group->refresh();
  return RST_DONE;
}

std::int32_t Broker::too_many_groups(sdk::ErrorOut error) {
  return error(RST_E_EXHAUSTED, "the broker has ", kMaxGroups, " groups; delete some by rst.admin");
}

std::int32_t Broker::cannot_use(std::string_view topic, std::int32_t code, sdk::ErrorOut error) {
  switch (code) {
    case RST_E_NOT_FOUND:
      return error(code, "topic `", sdk::subject(topic),
                   "` does not exist, and the connection has topics=existing; create it by rst.admin");
    case RST_E_PRECONDITION: return error(code, "topic `", sdk::subject(topic), "` exists and is no log");
    case RST_E_EXHAUSTED:
      return error(code, "topic `", sdk::subject(topic), "` is one too many, ", kMaxTopics, " exist");
    default: return error(code, "address `", sdk::subject(topic), "` ", describe(check_destination(topic)));
  }
}

/// Unsettled deliveries go back unprocessed (rule S4); a group of its own ends with it.
void Broker::close(Subscription& subscription) {
  Turn turn(*this);
  if (subscription.closing) return;
  subscription.closing = true;
  // Its connection may close while it is being opened on another thread: then it has no group, and gets none.
  if (subscription.group == nullptr) return turn.closed(subscription.object, 0);
  Group& group = *subscription.group;
  end_transactions_of(turn, subscription, "a subscription that it settles was closed");
  subscription.in_flight.void_all([&](const InFlight::Slot& slot) { group.give_back(slot.record, slot.attempt); });
  leave(turn, group, subscription);
  arm(subscription, kNever);
  Topic* log = group.log;
  if (group.name.empty()) {
    subscription.dropped = destroy_group(turn, group);
  } else if (group.has_work()) {
    mark_ready(group);
  }
  if (log != nullptr && !log->refused.empty()) make_room(turn, *log);
  // A thread that is inside host.deliver with a batch of it ends the close when it comes back.
  if (!subscription.delivering) turn.closed(subscription.object, subscription.dropped);
  pump_ready(turn);
}

std::int32_t Broker::open(Publisher& publisher, std::string_view destination, sdk::ErrorOut error) {
  Turn turn(*this);
  auto& connection = publisher.connection;
  if (publisher.closing()) return error(RST_E_CLOSED, "the connection is closing");
  if (connection.down) return is_down(error);
  if (connection.options.disconnect_messages != 0) publisher.barrier = Publisher::Barrier::kCounted;
  connection.publishers.push_back(&publisher);
  if (destination.empty()) return RST_DONE;
  std::int32_t code = RST_OK;
  Topic* topic = find_or_make_topic(publisher.connection, destination, publisher.makes_logs, code);
  if (topic == nullptr) {
    connection.publishers.pop_back();
    return cannot_use(destination, code, error);
  }
  ++topic->pins;
  publisher.topic = topic;
  publisher.destination = destination;
  return RST_DONE;
}

void Broker::close(Publisher& publisher) {
  Turn turn(*this);
  if (publisher.closing()) return;
  publisher.barrier = Publisher::Barrier::kClosing;
  if (publisher.refused_by != nullptr) std::erase(publisher.refused_by->refused, &publisher);
  std::erase(publisher.connection.publishers, &publisher);
  if (publisher.transaction != nullptr) {
    undo(turn, *publisher.transaction);
    forget(*publisher.transaction);
  }
  if (publisher.topic != nullptr) unpin(*publisher.topic);
  turn.closed(publisher.object, 0);
  pump_ready(turn);
}

void Broker::open(Connection& connection) {
  Turn turn(*this);
  tell_up(turn, connection);
  if (connection.options.disconnect_after_ns != 0) {
    arm(connection, later(clock_.monotonic_ns(), connection.options.disconnect_after_ns));
  }
}

void Broker::close(Connection& connection) {
  Turn turn(*this);
  arm(connection, kNever);
  for (const auto& request : requests_.take_all(connection)) {
    arm(*request, kNever);
    turn.complete(connection.object, request->op, 0, RST_E_CANCELLED,
                  "the connection was closed before the reply came");
  }
  turn.closed(connection.object, 0);
}

void Broker::arm(Alarm& alarm, std::int64_t due_ns) {
  alarms_.arm(alarm, due_ns);
  if (alarms_.next_due_ns() >= announced_ns_) return;
  announced_ns_ = alarms_.next_due_ns();
  wake_needed_ = true;
}

void Broker::fire(Turn& turn, Alarm& alarm, std::int64_t now_ns) {
  switch (alarm.kind) {
    case Alarm::Kind::kAckTimeout: return expire_acks(turn, static_cast<Subscription&>(alarm), now_ns);
    case Alarm::Kind::kGroup: {
      auto& group = static_cast<Group&>(alarm);
      group.take_due(now_ns);
      if (group.sweep_ns <= now_ns) group.sweep(now_ns, [&](Record* record) { let_go(turn, *record); });
      arm(group, group.next_due());
      return mark_ready(group);
    }
    case Alarm::Kind::kRequest: {
      const auto request = requests_.take(static_cast<Request&>(alarm));
      return turn.complete(request->connection.object, request->op, 0, RST_E_TIMEOUT, "no reply came in time");
    }
    case Alarm::Kind::kSchedule:
      while (Record* record = schedule_.take_due(now_ns)) place(turn, *record, clock_.wall_ns());
      return arm(schedule_, schedule_.next_due());
    case Alarm::Kind::kTransaction: return end(turn, static_cast<Transaction&>(alarm), "its time was over");
    case Alarm::Kind::kRevocation: return end_revocation(turn, static_cast<Revocation&>(alarm), true);
    case Alarm::Kind::kLink: {
      auto& connection = static_cast<Connection&>(alarm);
      return connection.down ? restore(turn, connection) : cut(turn, connection);
    }
  }
}

std::int64_t Broker::run_due(std::int64_t now_ns, std::uint64_t& waiting) {
  Turn turn(*this);
  while (Alarm* alarm = alarms_.take_due(now_ns)) fire(turn, *alarm, now_ns);
  pump_ready(turn);
  waiting += requests_.size() + schedule_.size() + transactions_.size() + revocations_.size();
  for (const auto& group : groups_) {
    waiting += group->delayed.size();
    for (const Subscription* member : group->members) {
      if (member->ack_timeout_ns > 0) waiting += member->in_flight.size();
    }
  }
  announced_ns_ = alarms_.next_due_ns();
  return announced_ns_;
}

}  // namespace ruststream::memory
