#pragma once
#include "random.hpp"
#include "world.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace ruststream::sim {

/// What a seed makes of the world before it begins. Plain data.

struct Topic {
  std::string name;
  bool log = false;
  std::uint32_t capacity = 0;  // 0: the plugin's default
  std::uint32_t partitions = 0;
  bool assigned = false;  // each partition has one member of a group, and moves
};

/// How often a handler does what else than acknowledging, in percent, and how long it takes.
struct Mood {
  std::uint32_t retry = 0, retry_after = 0, release = 0, reject = 0, fail = 0, fatal = 0;
  std::uint32_t publish = 0;  // to the next topic
  std::uint32_t stall = 0;    // blocks the loop
  std::uint32_t longest_ms = 0;
};

enum class Shape { plain, silent, coroutine, batch, batch_coroutine, reply };

/// A group of a topic, and the registration of the service that is a member of it.
struct Group {
  std::string name;
  std::uint32_t topic = 0;
  bool served = true;  // by the service; else only the streaming members take from it
  Shape shape = Shape::plain;
  std::uint32_t workers = 1;
  bool keyed = false;
  std::uint32_t batch = 0;
  std::uint32_t batch_wait_ms = 0;
  std::uint32_t in_flight = 0;
  std::uint32_t max_attempts = 0;
  bool dead_letter = false;
  std::uint32_t ack_timeout_ms = 0;
  std::uint32_t revoke_timeout_ms = 0;  // 0: the plugin's default
  std::uint32_t backoff_ms = 1;
  std::uint32_t on_failure = 0;    // 0: retry, 1: reject, 2: skip
  std::uint32_t on_undecoded = 0;  // the same
  Mood mood;

  /// What its handlers keep in order; see README.md.
  enum class Order { none, by_key, all };
  [[nodiscard]] Order order() const noexcept;
};

struct PublisherPlan {
  std::uint32_t topic = 0;
  std::uint32_t messages = 0;
  std::uint32_t keys = 0;
  std::uint32_t gap_us = 0;  // between two
  std::uint32_t broken = 0;  // percent that do not decode
  bool confirm = true;
  bool awaits = true;  // each before the next
};

/// A member that joins a group by the streaming client, and leaves.
struct MemberPlan {
  std::uint32_t group = 0;
  std::uint32_t joins_ms = 0;
  std::uint32_t stays_ms = 0;
  std::uint32_t in_flight = 0;
  std::uint32_t max_batch = 0;
  std::uint32_t window_bytes = 0;
  std::uint32_t forget = 0;  // percent that it drops without a verdict
  Mood mood;
};

/// One life of the service.
struct LifePlan {
  std::uint32_t starts_ms = 0;  // after the one before, or the beginning
  std::uint32_t lives_ms = 0;   // 0: to the end
  std::uint32_t drain_ms = 0;
};

/// What the boundary does to calls, in percent.
struct FaultPlan {
  std::uint32_t late = 0;     // a completion comes later
  std::uint32_t refused = 0;  // a publish fails, nothing is stored
  std::uint32_t maybe = 0;    // a publish fails, it is stored all the same
  std::uint32_t latest_ms = 0;
  // Of the connections of services: the plugin's own emulation, for ever.
  std::uint32_t lost_after_ms = 0;
  std::uint32_t lost_after_messages = 0;
  std::uint32_t lost_for_ms = 0;
  [[nodiscard]] bool loses() const noexcept { return lost_after_ms != 0 || lost_after_messages != 0; }
};

struct Scenario {
  static constexpr const char* kGraves = "graves";  // topic and group of dead letters

  explicit Scenario(std::uint64_t seed);
  /// Whether some handler blocks its loop, so that no EXTEND may be in time.
  [[nodiscard]] bool blocks() const noexcept;

  Random random;  // for what is decided later
  std::vector<Topic> topics;
  std::vector<Group> groups;
  std::vector<PublisherPlan> publishers;
  std::vector<MemberPlan> members;
  std::vector<std::vector<LifePlan>> services;  // of each that runs beside the others, its lives
  FaultPlan faults;
  bool cut_short = false;  // the end comes with work under way
};

}  // namespace ruststream::sim
