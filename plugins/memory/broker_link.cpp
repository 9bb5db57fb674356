// The emulated loss of a connection, for tests: sessions end and come back as the options say (rules R1, R2, F1).
#include "broker.hpp"

#include <utility>

namespace ruststream::memory {
namespace {

constexpr const char* kLost = "the connection was cut, as its options ask for; it comes back by itself";

}  // namespace

std::int32_t Broker::is_down(sdk::ErrorOut error) noexcept {
  return error.flagged(RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE, "the connection is down; it comes back by itself");
}

void Broker::tell_up(Turn& turn, Connection& connection) const {
  Told told{sdk::Host::event(RST_EVENT_CONN_UP, connection.object.about())};
  told.text = "memory:" + name_;
  told.caps.push_back(sdk::cap(RST_CAP_MAX_PAYLOAD, RST_LEVEL_NATIVE, connection.options.max_payload));
  turn.event(connection.object, std::move(told));
}

/// Tokens die with the session: what was unsettled goes back and comes again (rule G2). Balances stay.
void Broker::cut(Turn& turn, Subscription& subscription) {
  Group& group = *subscription.group;
  end_transactions_of(turn, subscription, "the connection was lost");
  subscription.in_flight.void_all([&](const InFlight::Slot& slot) { group.give_back(slot.record, slot.attempt); });
  arm(subscription, kNever);
  ++subscription.generation;
  subscription.window = 0;
  Told told{sdk::Host::event(RST_EVENT_SUB_DOWN, subscription.object.about()), RST_E_UNAVAILABLE, kLost};
  turn.event(subscription.object, std::move(told));
  mark_ready(group);
}

void Broker::cut(Turn& turn, Connection& connection) {
  connection.down = true;
  turn.event(connection.object,
             {sdk::Host::event(RST_EVENT_CONN_DOWN, connection.object.about()), RST_E_UNAVAILABLE, kLost});
  for (Publisher* publisher : connection.publishers) {
    publisher->barrier = Publisher::Barrier::kDown;
    if (publisher->transaction != nullptr) end(turn, *publisher->transaction, "the connection was lost");
  }
  for (const auto& group : groups_) {
    for (Subscription* member : group->members) {
      if (&member->connection == &connection) cut(turn, *member);
    }
  }
  std::vector<Revocation*> unanswerable;
  for (const auto& [id, revocation] : revocations_) {
    if (&revocation->member.connection == &connection) unanswerable.push_back(revocation.get());
  }
  for (Revocation* each : unanswerable) end_revocation(turn, *each, true);
  for (const auto& request : requests_.take_all(connection)) {
    arm(*request, kNever);
    turn.complete(connection.object, request->op, 0, RST_E_UNAVAILABLE, kLost);
  }
  auto retrying = sdk::Host::event(RST_EVENT_CONN_RETRYING, connection.object.about());
  retrying.value = 1;
  turn.event(connection.object, {retrying});
  arm(connection, later(clock_.monotonic_ns(), connection.options.reconnect_delay_ns));
}

void Broker::restore(Turn& turn, Connection& connection) {
  const auto& options = connection.options;
  connection.down = false;
  connection.published = 0;
  tell_up(turn, connection);
  for (Publisher* publisher : connection.publishers) {
    publisher->barrier = options.disconnect_messages != 0 ? Publisher::Barrier::kCounted : Publisher::Barrier::kNone;
  }
  for (const auto& group : groups_) {
    for (Subscription* member : group->members) {
      if (&member->connection != &connection) continue;
      member->window = member->full_window;
      Told told{sdk::Host::event(RST_EVENT_SUB_UP, member->object.about())};
      for (std::uint32_t partition = 1; partition <= group->lane_count; ++partition) {
        if (group->lanes[partition - 1].owner == member)
          told.partitions.push_back({{}, partition, member->generation, 0});
      }
      turn.event(member->object, std::move(told));
      mark_ready(*group);
    }
  }
  if (options.disconnect_after_ns != 0) arm(connection, later(clock_.monotonic_ns(), options.disconnect_after_ns));
}

/// Cuts the connection behind the last publish that its options allow: whether that was stored is not known to the host
/// (rule R2).
std::int32_t Broker::publish_counted(Turn& turn, Publisher& publisher, rst_publish& call, std::int64_t now_ns,
                                     sdk::ErrorOut error) {
  const auto result = publish_many(turn, publisher, call, now_ns, nullptr, error);
  Connection& connection = publisher.connection;
  connection.published += call.accepted;
  if (result < 0 || connection.down || connection.published < connection.options.disconnect_messages) return result;
  cut(turn, connection);
  constexpr auto kFlags = RST_ERROR_RETRYABLE | RST_ERROR_MAYBE_APPLIED;
  for (std::uint32_t i = 0; call.statuses != nullptr && i < call.accepted; ++i) {
    if (call.statuses[i] >= 0) call.statuses[i] = rst_status(RST_E_UNAVAILABLE, kFlags);
  }
  if (call.statuses == nullptr && call.op == 0) {
    Told told{sdk::Host::event(RST_EVENT_PUB_FAILED, publisher.object.about()), RST_E_UNAVAILABLE, kLost};
    told.event.value = call.accepted;
    told.flags = kFlags;
    turn.event(publisher.object, std::move(told));
  }
  if (call.op != 0) turn.complete(publisher.object, call.op, 0, RST_E_UNAVAILABLE, kLost);
  pump_ready(turn);
  return call.op != 0 ? RST_PENDING : RST_DONE;
}

}  // namespace ruststream::memory
