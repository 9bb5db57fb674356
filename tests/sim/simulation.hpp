#pragma once
#include "boundary.hpp"
#include "client/environment.hpp"

#include <ruststream/app.hpp>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ruststream::sim {

struct Item {
  std::uint64_t id = 0;
};

struct Result {
  std::vector<std::string> violations;
  std::uint64_t digest = 0;
  std::uint64_t lines = 0;
  bool stuck = false;  // the process cannot go on
};

/// One seed: the world, the boundary, services and streaming members on one loop, and the checks at the end.
class Simulation {
 public:
  Simulation(std::uint64_t seed, bool verbose);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  Result run();

  // For handlers.
  [[nodiscard]] World& world() noexcept { return world_; }
  [[nodiscard]] Ledger& ledger() noexcept { return ledger_; }
  [[nodiscard]] Random& random() noexcept { return random_; }
  /// What a handler or a member makes of one message; throws when it fails.
  Outcome decide(const Mood& mood);
  /// How long it takes; a plain one may block the loop for it.
  [[nodiscard]] Duration pause(const Mood& mood);
  void stall(const Mood& mood);
  [[nodiscard]] bool publishes(const Mood& mood);
  [[nodiscard]] const Topic& topic_after(const Group& group) const { return scenario_.topics[group.topic + 1]; }
  std::uint64_t new_call() noexcept { return ++last_call_; }
  std::uint64_t new_message(std::uint32_t topic, std::string_view key) {
    return ledger_.new_message(topic, key, false);
  }

 private:
  struct Job;
  void spawn(Task<void> task);
  [[nodiscard]] Task<void> wait_for_jobs(std::size_t left);

  Task<void> script();
  Task<void> set_up();
  Task<void> service(std::vector<LifePlan> lives);
  Task<void> live(LifePlan plan);
  void declare(App& app);
  Task<void> publish(PublisherPlan plan);
  Task<void> take_part(MemberPlan plan);
  Task<void> leave(ruststream::Subscription& subscription, Duration after);
  Task<void> settle_down();
  Task<void> empty();
  Task<void> empty_group(std::string group, std::string topic, bool log);

  Scenario scenario_;
  Random& random_;
  World world_;
  Ledger ledger_;
  Boundary boundary_;
  detail::Loop loop_;
  std::shared_ptr<detail::Environment> environment_;
  std::optional<Broker> broker_;
  std::list<Job> jobs_;
  std::vector<detail::AppCore*> apps_;
  std::uint64_t last_call_ = 0;
  bool calm_ = false;      // nothing fails any more
  bool stopping_ = false;  // no life begins any more
  bool drained_ = false;   // the services have nothing left to do
};

/// Declares the service of a scenario's group; handlers.cpp.
Registration subscribe_group(Scope& scope, Simulation& simulation, const Group& group, const Topic& topic);

}  // namespace ruststream::sim
