#pragma once
#include "scenario.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ruststream::sim {

/// What was published, delivered and settled, as seen at the boundary between host and plugin, and what must be true of
/// it at each step (README.md says what). Nothing here asks core or the plugin.
class Ledger {
 public:
  Ledger(World& world, const Scenario& scenario);

  // Of messages. A message is known by the number in its payload.
  std::uint64_t new_message(std::uint32_t topic, std::string_view key, bool broken);
  /// The plugin took it, or not.
  void published(std::uint64_t publisher, std::uint64_t id, bool stored);
  /// What whoever published it was told.
  void told(std::uint64_t id, bool good, bool maybe);

  // Of subscriptions.
  struct Opening {
    std::string_view group;
    std::uint32_t window = 0;
    std::uint64_t window_bytes = 0;
    std::uint32_t max_attempts = 0;
    bool dead_letter = false;
    Duration ack_timeout{0};
    bool serves = false;  // a service takes from it: extends in time (H8), lets partitions go in order
  };
  void subscribing(std::uint64_t subscription, const Opening& opening);
  void closed(std::uint64_t subscription);
  void drained(std::uint64_t subscription);
  void credited(std::uint64_t subscription, std::uint64_t messages, std::uint64_t bytes);

  struct Delivered {
    std::uint64_t token = 0;
    std::uint64_t id = 0;  // of a dead letter: of the message that it was
    std::uint64_t sequence = 0;
    std::uint32_t attempt = 0;
    std::uint32_t partition = 0;
    std::uint32_t generation = 0;
    std::string buried_by;  // the group, of a dead letter
  };
  void delivering(std::uint64_t subscription, const std::vector<Delivered>& messages, std::uint64_t bytes);
  void refused(std::uint64_t subscription, const std::vector<Delivered>& messages, std::uint64_t bytes);
  void settled(std::uint64_t subscription, std::uint64_t token, std::uint16_t verdict, Duration delay,
               std::int32_t status);

  // Of partitions. `from`: the generation of the first deliveries that are not meant.
  using Partitions = std::vector<std::uint32_t>;
  /// They are asked for: what was not started goes back.
  void asked(std::uint64_t subscription, const Partitions& partitions, std::uint32_t from);
  /// Whoever takes from it agrees to let them go, and was not late.
  void agreed(std::uint64_t subscription, const Partitions& partitions, std::uint32_t from);
  /// They went: what was unsettled is back in its place.
  void went(std::uint64_t subscription, const Partitions& partitions, std::uint32_t from);
  /// Its connection was lost, and all that was unsettled with it.
  void lost(std::uint64_t subscription);

  // Of handlers. `call`: what runs together, a batch.
  void started(std::uint64_t subscription, std::uint64_t token, Group::Order order, std::uint64_t call);
  void ended(std::uint64_t subscription, std::uint64_t token);

  /// Nothing is under way at an open subscription: all its credit is at the plugin but for what waits for company.
  void check_credit() const;
  /// Everything was taken out of the broker: each message has had exactly one end in each group.
  void check_ends() const;
  /// Counts of verdicts of a subscription, to compare with the plugin's own.
  struct Counts {
    std::uint64_t delivered = 0, acked = 0, retried = 0, released = 0;
  };
  [[nodiscard]] const Counts* counts(std::uint64_t subscription) const;

 private:
  struct Known {
    std::uint32_t topic = 0;
    std::string key;
    bool broken = false;
    std::uint32_t stored = 0;
  };
  enum class State { absent, waiting, held, delayed, final };
  struct Copy {
    State state = State::absent;
    std::uint64_t place = 0;  // in the order of the group
    std::uint32_t attempt = 1;
    std::uint32_t ends = 0;
    std::uint32_t buried = 0;                   // ends of it that ought to be in the graves
    std::uint64_t subscription = 0, token = 0;  // held
    Point due{};                                // delayed
  };
  struct Queue {
    std::string name;
    std::uint32_t topic = 0;
    std::map<std::uint64_t, Copy> copies;
    std::set<std::pair<std::uint64_t, std::uint64_t>> waiting;  // place, id
  };
  struct Token {
    std::uint64_t id = 0;
    std::uint32_t attempt = 1;
    Point deadline = Point::max();
    bool decided = false;  // the host gave its verdict
    bool settled = false;  // the plugin took it
    bool broken = false;
    bool ended = false;      // its handler
    std::uint64_t call = 0;  // of its handler, while it runs
    std::uint32_t partition = 0, generation = 0;
    bool goes = false;  // its partition was asked for, or went
  };
  struct Session {
    Queue* queue = nullptr;
    Opening opening;
    std::int64_t credit = 0, credit_bytes = 0;
    std::int64_t open = 0;  // delivered, without a verdict of the host
    std::unordered_map<std::uint64_t, Token> tokens;
    std::map<std::string, std::deque<std::uint64_t>, std::less<>> by_key;
    std::deque<std::uint64_t> all;
    bool drained = false;
    bool closed = false;
    Counts counts;
  };

  void deliver(Session& session, std::uint64_t subscription, const Delivered& message);
  [[nodiscard]] bool expired(const Copy& copy) const;
  void expire(Queue& queue, Copy& copy, std::uint64_t id);
  void check_order(const Queue& queue, const Copy& copy, std::uint64_t id) const;
  void take_back(Session& session, std::uint64_t number);
  void end(Queue& queue, Copy& copy, std::uint64_t id, bool buried);
  void give_back(Queue& queue, Copy& copy, std::uint64_t id);
  [[nodiscard]] bool passed(const Session& session, std::uint64_t token, std::uint64_t call) const;
  void violated(const std::string& what, std::uint64_t id, const std::string& where) const;

  World& world_;
  const Scenario& scenario_;
  std::uint64_t last_id_ = 0;
  std::uint64_t last_place_ = 0;
  std::unordered_map<std::uint64_t, Known> known_;
  std::deque<Queue> queues_;  // of the scenario's groups; the graves are the last
  std::map<std::uint64_t, Session> sessions_;
  std::map<std::uint64_t, std::uint64_t> last_of_publisher_;
  std::map<std::pair<std::string, std::uint64_t>, std::set<std::uint64_t>> graves_;  // group and id; sequences
};

}  // namespace ruststream::sim
