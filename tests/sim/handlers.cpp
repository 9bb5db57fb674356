// The handlers of the simulated services: one for each shape.
#include "simulation.hpp"

namespace ruststream::sim {
namespace {

/// One message in a handler's hands, from call to return.
class Handling {
 public:
  Handling(Simulation& simulation, const Group& group, const Message& message, std::uint64_t call)
      : ledger_(simulation.ledger()), subscription_(message.batch().subscription), token_(message.raw().token) {
    ledger_.started(subscription_, token_, group.order(), call);
  }
  Handling(Simulation& simulation, const Group& group, const Context& context)
      : Handling(simulation, group, context.message(), simulation.new_call()) {}
  Handling(Handling&& other) noexcept
      : ledger_(other.ledger_), subscription_(std::exchange(other.subscription_, 0)), token_(other.token_) {}
  ~Handling() {
    if (subscription_ != 0) ledger_.ended(subscription_, token_);
  }

 private:
  Ledger& ledger_;
  std::uint64_t subscription_;
  std::uint64_t token_;
};

PublishBuilder follow_up(Simulation& simulation, const Group& group, Context& context) {
  const std::string key(context.message().key().value_or(""));
  const Item item{simulation.new_message(group.topic + 1, key)};
  auto builder = context.outgoing(item).to(simulation.topic_after(group).name);
  return key.empty() ? std::move(builder) : std::move(builder).key(key);
}

Outcome plain(Simulation& simulation, const Group& group, Context& context) {
  const Handling handling(simulation, group, context);
  simulation.stall(group.mood);
  // Dropped: the delivery is settled when it is known.
  if (simulation.publishes(group.mood)) (void)follow_up(simulation, group, context).publish();
  return simulation.decide(group.mood);
}

Task<Outcome> coroutine(Simulation& simulation, const Group& group, Context& context) {
  const Handling handling(simulation, group, context);
  if (const Duration pause = simulation.pause(group.mood); pause.count() > 0) co_await sleep_for(pause);
  if (simulation.publishes(group.mood)) {
    auto publishing = follow_up(simulation, group, context).publish();
    const ruststream::Result<void> published = co_await publishing;
    if (!published) co_return retry();
  }
  if (simulation.publishes(group.mood)) (void)follow_up(simulation, group, context).publish();
  simulation.stall(group.mood);
  co_return simulation.decide(group.mood);
}

std::vector<Outcome> batch(Simulation& simulation, const Group& group, std::size_t count, Context& context) {
  std::vector<Handling> handling;
  const std::uint64_t call = simulation.new_call();
  for (std::uint32_t i = 0; i < count; ++i) handling.emplace_back(simulation, group, context.message(i), call);
  simulation.stall(group.mood);
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < count; ++i) outcomes.push_back(simulation.decide(group.mood));
  if (simulation.publishes(group.mood)) (void)follow_up(simulation, group, context).publish();
  return outcomes;
}

Task<Outcome> batch_coroutine(Simulation& simulation, const Group& group, std::size_t count, Context& context) {
  std::vector<Handling> handling;
  const std::uint64_t call = simulation.new_call();
  for (std::uint32_t i = 0; i < count; ++i) handling.emplace_back(simulation, group, context.message(i), call);
  if (const Duration pause = simulation.pause(group.mood); pause.count() > 0) co_await sleep_for(pause);
  co_return simulation.decide(group.mood);
}

}  // namespace

Registration subscribe_group(Scope& scope, Simulation& simulation, const Group& group, const Topic& topic) {
  Simulation* const sim = &simulation;
  const Group* const of = &group;
  switch (group.shape) {
    case Shape::silent:
      return scope.subscribe(topic.name, [sim, of](const Item&, Context& context) {
        const Handling handling(*sim, *of, context);
        sim->stall(of->mood);
        if (sim->decide(of->mood).verdict() != Verdict::ack) throw std::runtime_error("not this time");
      });
    case Shape::coroutine:
      return scope.subscribe(topic.name,
                             [sim, of](const Item&, Context& context) { return coroutine(*sim, *of, context); });
    case Shape::batch:
      return scope.subscribe(topic.name, [sim, of](std::span<const Item> items, Context& context) {
        return batch(*sim, *of, items.size(), context);
      });
    case Shape::batch_coroutine:
      return scope.subscribe(topic.name, [sim, of](std::span<const Item> items, Context& context) {
        return batch_coroutine(*sim, *of, items.size(), context);
      });
    case Shape::reply:
      return scope
          .subscribe(topic.name,
                     [sim, of](const Item&, Context& context) {
                       const Handling handling(*sim, *of, context);
                       if (sim->decide(of->mood).verdict() != Verdict::ack) throw std::runtime_error("no reply");
                       return Item{sim->new_message(of->topic + 1, {})};
                     })
          .reply_to(sim->topic_after(group).name);
    default:
      return scope.subscribe(topic.name,
                             [sim, of](const Item&, Context& context) { return plain(*sim, *of, context); });
  }
}

}  // namespace ruststream::sim
