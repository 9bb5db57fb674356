// What a connection has opened: subscriptions and publishers, as the broker sees them.
#pragma once

#include "alarms.hpp"
#include "connection.hpp"
#include "in_flight.hpp"

#include <ruststream/sdk/objects.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace ruststream::memory {

struct Group;
struct Topic;
struct Transaction;

/// One member of a group; part of the host's object. Guarded by the broker's lock. The object ends only after
/// Object::closed, which the broker calls when no thread is inside host.deliver with a batch of it.
struct Subscription : Alarm {
  Subscription(sdk::Subscription& owner, Connection& parent) noexcept
      : Alarm(Kind::kAckTimeout), object(owner), connection(parent) {}

  /// May be given more now; not while a batch of it is on its way into the host, so that deliveries stay in order.
  [[nodiscard]] bool ready() const noexcept {
    return credit_messages > 0 && credit_bytes > 0 && in_flight.size() < window && !delivering && !refused;
  }

  sdk::Subscription& object;
  Connection& connection;
  Group* group = nullptr;
  InFlight in_flight;

  std::int64_t credit_messages = 0;
  std::int64_t credit_bytes = 0;
  std::uint32_t window = 0;  // most unsettled; 0 while the connection is down
  std::uint32_t full_window = 0;
  std::uint32_t max_batch = 0;  // messages
  std::uint32_t generation = 1;
  bool delivering = false;   // one thread is inside host.deliver with a batch of it
  bool refused = false;      // the host did not take the last batch: wait for its next credit
  bool closing = false;      // refuses verbs; no delivery is begun
  bool names_topic = false;  // a pattern or several addresses: each message says where it was published

  std::int64_t ack_timeout_ns = 0;  // 0: none
  std::uint64_t revoke_timeout_ns = 0;
  std::uint32_t max_attempts = 0;  // 0: no limit
  std::string dead_letter;         // empty: none

  std::uint64_t dropped = 0;             // by the close
  std::uint64_t drains = 0;              // a batch refused after one is not credited back
  std::vector<std::uint64_t> drain_ops;  // complete when `delivering` ends

  struct {
    std::uint64_t delivered = 0, redelivered = 0, acked = 0, retried = 0, released = 0, rejected = 0, dead_lettered = 0;
  } counts;
};

/// Part of the host's object. Guarded by the broker's lock.
struct Publisher {
  Publisher(sdk::Publisher& owner, Connection& parent) noexcept
      : object(owner), connection(parent), max_payload(parent.options.max_payload) {}

  sdk::Publisher& object;
  Connection& connection;
  const std::uint64_t max_payload;
  Topic* topic = nullptr;              // the fixed destination, pinned; nullptr: each message names its own
  std::string destination;             // its name
  Transaction* transaction = nullptr;  // the open one
  bool makes_logs = false;             // topics that it names first are of kind log
  bool transactional = false;
  enum class Barrier : std::uint8_t { kNone, kCounted, kDown, kClosing };
  Barrier barrier = Barrier::kNone;  // in front of each publish; kCounted: the connection counts them
  [[nodiscard]] bool closing() const noexcept { return barrier == Barrier::kClosing; }
  Topic* refused_by = nullptr;  // a PUB_WRITABLE is owed when it has room
  std::uint64_t published = 0;
};

}  // namespace ruststream::memory
