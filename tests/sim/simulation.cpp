#include "simulation.hpp"

#include "log/log.hpp"
#include "runtime/app_core.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace ruststream::sim {
namespace {

constexpr Duration kPatience = 20min;  // for what has begun to come to an end
constexpr Duration kLook = 5ms;        // between two looks whether it has
constexpr const char* kUrl = "memory:";

std::chrono::milliseconds ms(std::uint32_t count) { return std::chrono::milliseconds(count); }

FailurePolicy policy_of(std::uint32_t number, std::uint32_t backoff_ms) {
  if (number == 1) return kReject;
  if (number == 2) return kSkip;
  return retry_with_backoff(ms(backoff_ms), ms(backoff_ms * 8));
}

}  // namespace

/// A coroutine that nobody awaits.
struct Simulation::Job : detail::Ready {
  Simulation* simulation = nullptr;
  Task<void> task;
  explicit Job(Simulation& owner, Task<void> work) : simulation(&owner), task(std::move(work)) {
    run = [](Ready* self) noexcept { static_cast<Job*>(self)->end(); };
  }
  void end() noexcept {
    try {
      task.take();
    } catch (const std::exception& exception) {
      simulation->world_.violated(std::string("the simulation itself threw: ") + exception.what());
    }
    simulation->jobs_.remove_if([this](const Job& job) { return &job == this; });
  }
};

Simulation::Simulation(std::uint64_t seed, bool verbose)
    : scenario_(seed),
      random_(scenario_.random),
      world_(verbose),
      ledger_(world_, scenario_),
      boundary_(world_, ledger_, random_, scenario_.faults),
      loop_(&world_),
      environment_(detail::Environment::shared()) {
  world_.add(loop_);
  environment_->simulate(loop_, seed);
  environment_->logger().set_sink([this](const log::Record& record) {
    if (world_.history().verbose()) {
      std::printf("              %.*s: %.*s\n", static_cast<int>(record.target.size()), record.target.data(),
                  static_cast<int>(record.text.size()), record.text.data());
    }
  });
}

Simulation::~Simulation() = default;

void Simulation::spawn(Task<void> task) {
  Job& job = jobs_.emplace_back(*this, std::move(task));
  if (job.task.start(job)) job.end();
}

Task<void> Simulation::wait_for_jobs(std::size_t left) {
  const Point end = world_.now() + kPatience;
  while (jobs_.size() > left && world_.now() < end) co_await sleep_for(kLook);
  if (jobs_.size() > left) world_.violated(std::to_string(jobs_.size() - left) + " parties have not come to an end");
}

Outcome Simulation::decide(const Mood& mood) {
  if (calm_) return ack();
  std::uint64_t draw = random_.below(100);
  const auto falls_in = [&draw](std::uint32_t percent) {
    const bool in = draw < percent;
    draw -= percent;
    return in;
  };
  if (falls_in(mood.retry)) return retry();
  if (falls_in(mood.retry_after)) return retry_after(std::chrono::microseconds(random_.between(1, 100'000)));
  if (falls_in(mood.release)) return release();
  if (falls_in(mood.reject)) return reject("unwanted");
  if (falls_in(mood.fail)) throw std::runtime_error("it failed");
  if (falls_in(mood.fatal) && random_.chance(10)) throw Fatal("no more");
  return ack();
}

Duration Simulation::pause(const Mood& mood) {
  // A connection that is lost again and again must be up for long enough to get something done.
  const bool quick = mood.longest_ms == 0 || (calm_ && scenario_.faults.loses());
  return quick ? Duration(0) : std::chrono::microseconds(random_.between(0, mood.longest_ms * 1000));
}

void Simulation::stall(const Mood& mood) {
  if (!calm_ && random_.chance(mood.stall)) world_.stall(pause(mood));
}

bool Simulation::publishes(const Mood& mood) { return !calm_ && random_.chance(mood.publish); }

Result Simulation::run() {
  struct Start : detail::Ready {
    Simulation* simulation = nullptr;
  } start;
  start.simulation = this;
  start.run = [](detail::Ready* self) noexcept {
    Simulation& simulation = *static_cast<Start*>(self)->simulation;
    simulation.spawn(simulation.script());
  };
  loop_.post(start);
  world_.run(random_);
  if (!world_.stuck()) {
    broker_.reset();
    environment_->logger().set_sink({});
    environment_.reset();  // ends the instance
    boundary_.check_balances();
    ledger_.check_ends();
  }
  return {world_.violations(), world_.history().digest(), world_.history().lines(),
          world_.stuck() || !boundary_.ended()};
}

Task<void> Simulation::script() {
  co_await set_up();
  for (const auto& lives : scenario_.services) spawn(service(lives));
  const std::size_t services = jobs_.size();
  for (const PublisherPlan& plan : scenario_.publishers) spawn(publish(plan));
  for (const MemberPlan& plan : scenario_.members) spawn(take_part(plan));
  co_await wait_for_jobs(services);
  if (!scenario_.cut_short) co_await settle_down();
  stopping_ = true;
  for (detail::AppCore* const app : std::exchange(apps_, {})) app->request_stop();
  co_await wait_for_jobs(1);
  calm_ = true;
  boundary_.calm();
  co_await empty();
  auto closing = broker_->close();
  if (const auto closed = co_await closing; !closed) world_.violated("close: " + closed.error().text);
  world_.end();
}

Task<void> Simulation::set_up() {
  auto connecting = connect(kUrl);
  auto connected = co_await connecting;
  if (!connected) {
    world_.violated("connect: " + connected.error().text);
    co_return;
  }
  broker_.emplace(std::move(*connected));
  const auto create = [this](std::string kind, std::string name, std::string parent, PluginOptions options) {
    return broker_->admin("create", kind, std::move(name), std::move(parent), std::move(options));
  };
  std::vector<Operation<void>> creations;
  for (const Topic& topic : scenario_.topics) {
    PluginOptions options;
    if (topic.capacity != 0) options.emplace_back("capacity", std::to_string(topic.capacity));
    if (topic.partitions != 0) options.emplace_back("partitions", std::to_string(topic.partitions));
    if (topic.assigned) options.emplace_back("assign", "partitions");
    creations.push_back(create(topic.log ? "log" : "topic", topic.name, {}, std::move(options)));
  }
  creations.push_back(create("topic", Scenario::kGraves, {}, {}));
  for (const Group& group : scenario_.groups) {
    const Topic& topic = scenario_.topics[group.topic];
    creations.push_back(create(topic.log ? "log" : "topic", group.name, topic.name, {}));
  }
  creations.push_back(create("topic", Scenario::kGraves, Scenario::kGraves, {}));
  for (Operation<void>& creation : creations) {
    if (const auto created = co_await creation; !created) world_.violated("create: " + created.error().text);
  }
}

Task<void> Simulation::service(std::vector<LifePlan> lives) {
  for (const LifePlan& plan : lives) {
    co_await sleep_for(ms(plan.starts_ms) + 1us);
    if (!stopping_) co_await live(plan);
    if (&plan != &lives.back()) continue;
    // A handler that gave up took the service with it: somebody starts it again.
    while (!stopping_) {
      co_await sleep_for(10ms);
      if (!stopping_) co_await live(plan);
    }
  }
}

void Simulation::declare(App& app) {
  const FaultPlan& faults = scenario_.faults;
  std::string url = std::string(kUrl) + "?reconnect_delay=" + std::to_string(faults.lost_for_ms) + "ms";
  if (faults.lost_after_ms != 0) url += "&disconnect_after=" + std::to_string(faults.lost_after_ms) + "ms";
  if (faults.lost_after_messages != 0) url += "&disconnect_messages=" + std::to_string(faults.lost_after_messages);
  app.broker(url, [this](Scope& scope) {
    for (const Group& group : scenario_.groups) {
      if (!group.served) continue;
      const Topic& topic = scenario_.topics[group.topic];
      Registration registration = subscribe_group(scope, *this, group, topic);
      registration.name(group.name).group(group.name).kind(topic.log ? "log" : "topic");
      if (group.keyed) {
        registration.workers(group.workers, by_key);
      } else {
        registration.workers(group.workers);
      }
      if (group.batch != 0) registration.batch(group.batch, ms(group.batch_wait_ms));
      if (group.in_flight != 0) registration.in_flight(group.in_flight);
      if (group.max_attempts != 0) registration.max_attempts(group.max_attempts);
      if (group.dead_letter) registration.dead_letter(Scenario::kGraves);
      if (group.ack_timeout_ms != 0) registration.option("ack_timeout", std::to_string(group.ack_timeout_ms) + "ms");
      if (group.revoke_timeout_ms != 0) {
        registration.option("revoke_timeout", std::to_string(group.revoke_timeout_ms) + "ms");
      }
      registration.on_failure(policy_of(group.on_failure, group.backoff_ms));
      registration.on_decode_failure(policy_of(group.on_undecoded, group.backoff_ms));
    }
  });
}

Task<void> Simulation::live(LifePlan plan) {
  detail::Loop loop(&world_);
  App app({.title = "simulated", .version = "1"});
  declare(app);
  app.set("drain_timeout", std::to_string(plan.drain_ms) + "ms");
  detail::AppCore& core = detail::AppCore::of(app);
  if (const auto configured = core.configure(); !configured) {
    world_.violated("the service does not start: " + configured.error().text);
    stopping_ = true;
    co_return;
  }
  struct Ended : detail::Ready {
    bool ended = false;
  } ended;
  ended.run = [](detail::Ready* self) noexcept { static_cast<Ended*>(self)->ended = true; };
  world_.note("begin", {});
  core.begin(
      app, loop,
      [this](const ruststream::Result<void>& up) {
        world_.note("up", {{"good", up ? 1U : 0U}});
        if (!up && !scenario_.faults.loses()) world_.violated("the service does not start: " + up.error().text);
      },
      ended);
  apps_.push_back(&core);
  world_.add(loop);
  const Point end = plan.lives_ms != 0 ? world_.now() + ms(plan.lives_ms) : Point::max();
  Point patience = world_.now() + 2 * kPatience;
  bool asked = false;
  while (!ended.ended) {
    if (!asked && world_.now() >= end) {
      asked = true;
      core.request_stop();
    }
    if (world_.now() > patience) {
      world_.violated("a service does not stop");
      patience = Point::max();
    }
    co_await sleep_for(1ms);
  }
  world_.remove(loop);
  const int code = core.finish(app);
  std::erase(apps_, &core);
  world_.note("exit", {{"code", static_cast<std::uint64_t>(code)}});
  const bool unavailable = code == kExitUnavailable && scenario_.faults.loses();
  if (code != kExitOk && code != kExitUnfinished && code != kExitFatal && !unavailable) {
    world_.violated("the service ended with " + std::to_string(code));
  }
}

Task<void> Simulation::publish(PublisherPlan plan) {
  const Topic& topic = scenario_.topics[plan.topic];
  PublisherOptions options;
  options.kind = topic.log ? "log" : "topic";
  options.confirm = plan.confirm;
  auto opening = broker_->publisher(topic.name, options);
  auto publisher = co_await opening;
  if (!publisher) {
    world_.violated("publisher: " + publisher.error().text);
    co_return;
  }
  std::vector<std::pair<std::uint64_t, Publishing>> under_way;
  const auto tell = [this, &plan](std::uint64_t id, const ruststream::Result<void>& result) {
    const bool maybe = !result && (result.error().flags & kMaybeApplied) != 0;
    if (plan.confirm || !result) ledger_.told(id, result.has_value(), maybe);
  };
  for (std::uint32_t i = 0; i < plan.messages; ++i) {
    const std::string key = plan.keys != 0 ? "key" + std::to_string(random_.below(plan.keys)) : std::string();
    const bool broken = random_.chance(plan.broken);
    const std::uint64_t id = ledger_.new_message(plan.topic, key, broken);
    auto builder = broken ? publisher->message(Payload("#" + std::to_string(id))) : publisher->message(Item{id});
    if (!key.empty()) builder = std::move(builder).key(key);
    auto publishing = std::move(builder).publish();
    if (plan.awaits) {
      const auto result = co_await publishing;
      tell(id, result);
    } else {
      under_way.emplace_back(id, std::move(publishing));
    }
    if (plan.gap_us != 0) co_await sleep_for(std::chrono::microseconds(plan.gap_us));
  }
  for (auto& [id, publishing] : under_way) {
    const auto result = co_await publishing;
    tell(id, result);
  }
}

Task<void> Simulation::leave(ruststream::Subscription& subscription, Duration after) {
  co_await sleep_for(after);
  auto closing = subscription.close();
  if (const auto closed = co_await closing; !closed) world_.violated("leave: " + closed.error().text);
}

Task<void> Simulation::take_part(MemberPlan plan) {
  co_await sleep_for(ms(plan.joins_ms) + 1us);
  const Group& group = scenario_.groups[plan.group];
  SubscribeOptions options;
  options.kind = scenario_.topics[group.topic].log ? "log" : "topic";
  options.group = group.name;
  options.in_flight = plan.in_flight;
  options.max_batch = plan.max_batch;
  options.window_bytes = plan.window_bytes;
  options.max_attempts = group.max_attempts;
  if (group.dead_letter) options.dead_letter = Scenario::kGraves;
  if (group.ack_timeout_ms != 0) {
    options.options.emplace_back("ack_timeout", std::to_string(group.ack_timeout_ms) + "ms");
  }
  auto subscribing = broker_->subscribe(scenario_.topics[group.topic].name, options);
  auto joined = co_await subscribing;
  if (!joined) {
    world_.violated("join: " + joined.error().text);
    co_return;
  }
  auto leaving = leave(*joined, ms(plan.stays_ms));
  spawn(std::move(leaving));
  std::vector<Delivery> kept;
  for (;;) {
    ruststream::Result<Delivery> delivery = co_await joined->next();
    if (!delivery) break;
    if (const Duration pause = this->pause(plan.mood); pause.count() > 0) co_await sleep_for(pause);
    if (random_.chance(plan.forget)) continue;
    if (random_.chance(2)) {
      kept.push_back(std::move(*delivery));
      continue;
    }
    Outcome outcome = ack();
    try {
      outcome = decide(plan.mood);
    } catch (const std::exception&) {
      outcome = retry();
    }
    (void)std::move(*delivery).settle(outcome);
  }
}

/// Nothing fails any more: the services come to the end of what there is.
Task<void> Simulation::settle_down() {
  calm_ = true;
  boundary_.calm();
  const auto left = [this] {
    std::uint64_t sum = 0;
    for (const Group& group : scenario_.groups) {
      const Topic& topic = scenario_.topics[group.topic];
      if (group.served) sum += boundary_.left(group.name, topic.name, topic.log);
    }
    return sum;
  };
  const Point end = world_.now() + kPatience;
  while (left() != 0 && world_.now() < end) co_await sleep_for(kLook);
  if (const std::uint64_t still = left(); still != 0) {
    world_.violated(std::to_string(still) + " messages stay with services that have nothing else to do");
  }
  co_await sleep_for(1s);  // for batches that wait for company
  ledger_.check_credit();
  boundary_.check_counts();
}

/// Takes everything out of the broker.
Task<void> Simulation::empty() {
  for (const Group& group : scenario_.groups) {
    const Topic& topic = scenario_.topics[group.topic];
    co_await empty_group(group.name, topic.name, topic.log);
  }
  co_await empty_group(Scenario::kGraves, Scenario::kGraves, false);
}

Task<void> Simulation::empty_group(std::string group, std::string topic, bool log) {
  SubscribeOptions options;
  options.kind = log ? "log" : "topic";
  options.group = group;
  auto subscribing = broker_->subscribe(topic, options);
  auto subscription = co_await subscribing;
  if (!subscription) {
    world_.violated("empty: " + subscription.error().text);
    co_return;
  }
  struct Taking {
    static Task<void> all(ruststream::Subscription& from) {
      for (;;) {
        ruststream::Result<Delivery> delivery = co_await from.next();
        if (!delivery) break;
        (void)std::move(*delivery).ack();
      }
    }
  };
  spawn(Taking::all(*subscription));
  const Point end = world_.now() + kPatience;
  while (boundary_.left(group, topic, log) != 0 && world_.now() < end) co_await sleep_for(kLook);
  if (boundary_.left(group, topic, log) != 0) world_.violated("the broker keeps messages of " + group + " to itself");
  auto closing = subscription->close();
  if (const auto closed = co_await closing; !closed) world_.violated("close: " + closed.error().text);
  co_await wait_for_jobs(1);
}

}  // namespace ruststream::sim
