#include "scenario.hpp"

#include <algorithm>

namespace ruststream::sim {
namespace {

Mood draw_mood(Random& random) {
  Mood mood;
  if (random.chance(70)) mood.retry = random.between(0, 15);
  if (random.chance(50)) mood.retry_after = random.between(0, 15);
  if (random.chance(30)) mood.release = random.between(0, 10);
  if (random.chance(50)) mood.reject = random.between(0, 10);
  if (random.chance(60)) mood.fail = random.between(0, 15);
  if (random.chance(5)) mood.fatal = 1;
  if (random.chance(20)) mood.stall = random.between(1, 4);
  static constexpr std::uint32_t kLongest[] = {0, 1, 5, 20, 60};
  mood.longest_ms = random.one_of(kLongest);
  return mood;
}

Group draw_group(Random& random, std::uint32_t number, std::uint32_t topics) {
  static constexpr Shape kShapes[] = {Shape::plain,     Shape::silent, Shape::coroutine,       Shape::coroutine,
                                      Shape::coroutine, Shape::batch,  Shape::batch_coroutine, Shape::reply};
  static constexpr std::uint32_t kWindows[] = {0, 1, 2, 3, 8, 40};
  static constexpr std::uint32_t kBackoffs[] = {1, 1, 5, 20};
  Group group;
  group.name = "group" + std::to_string(number);
  group.topic = number < topics ? number : static_cast<std::uint32_t>(random.below(topics));
  group.shape = random.one_of(kShapes);
  group.workers = random.chance(60) ? random.between(1, 6) : 1;
  const bool batches = group.shape == Shape::batch || group.shape == Shape::batch_coroutine;
  group.keyed = !batches && random.chance(55);
  group.batch = random.chance(60) ? random.between(1, 20) : 0;
  if (batches && random.chance(50)) group.batch_wait_ms = random.between(1, 10);
  group.in_flight = random.one_of(kWindows);
  if (batches) group.in_flight = std::max(group.in_flight, 20U);
  if (random.chance(50)) group.max_attempts = random.between(1, 4);
  group.dead_letter = random.chance(50);
  if (random.chance(30)) {
    group.ack_timeout_ms = random.between(10, 120);
    group.max_attempts = std::max(group.max_attempts, 2U);
    group.dead_letter = true;
  }
  if (random.chance(30)) group.revoke_timeout_ms = random.between(1, 100);
  group.backoff_ms = random.one_of(kBackoffs);
  group.on_failure = random.chance(70) ? 0 : random.between(1, 2);
  group.on_undecoded = random.between(0, 2);
  group.mood = draw_mood(random);
  const bool last = group.topic + 1 == topics;  // it has nowhere to publish to
  if (last && group.shape == Shape::reply) group.shape = Shape::plain;
  if (!last && random.chance(60)) group.mood.publish = random.between(5, 40);
  return group;
}

}  // namespace

Group::Order Group::order() const noexcept {
  if (workers == 1 && !keyed) return Order::all;
  return keyed ? Order::by_key : Order::none;
}

bool Scenario::blocks() const noexcept {
  return std::ranges::any_of(groups, [](const Group& group) { return group.mood.stall != 0; });
}

Scenario::Scenario(std::uint64_t seed) : random(seed) {
  const std::uint32_t topic_count = random.between(1, 3);
  for (std::uint32_t i = 0; i < topic_count; ++i) {
    Topic& topic = topics.emplace_back();
    topic.name = "topic" + std::to_string(i);
    topic.log = random.chance(35);
    if (random.chance(30)) topic.capacity = random.between(5, 60);
    if (random.chance(40)) topic.partitions = random.between(1, 8);
    topic.assigned = topic.partitions != 0 && random.chance(60);
  }
  const std::uint32_t group_count = random.between(topic_count, topic_count + 2);
  for (std::uint32_t i = 0; i < group_count; ++i) {
    groups.push_back(draw_group(random, i, topic_count));
    // Otherwise what nobody takes from a full topic ends the publishers.
    if (topics[groups.back().topic].capacity == 0 && random.chance(10)) groups.back().served = false;
  }
  std::uint32_t left = random.between(200, 500);
  while (left > 0) {
    PublisherPlan& publisher = publishers.emplace_back();
    publisher.topic = static_cast<std::uint32_t>(random.below(topic_count));
    publisher.messages = publishers.size() == 4 ? left : random.between(1, left);
    left -= publisher.messages;
    publisher.keys = random.chance(80) ? random.between(1, 12) : 0;
    static constexpr std::uint32_t kGaps[] = {0, 0, 100, 1000, 4000};
    publisher.gap_us = random.one_of(kGaps);
    if (random.chance(25)) publisher.broken = random.between(1, 10);
    publisher.confirm = random.chance(75);
    publisher.awaits = random.chance(50);
  }
  for (std::uint32_t i = random.between(0, 3); i > 0; --i) {
    MemberPlan& member = members.emplace_back();
    member.group = static_cast<std::uint32_t>(random.below(group_count));
    member.joins_ms = random.between(0, 300);
    member.stays_ms = random.between(1, 300);
    member.in_flight = random.between(1, 30);
    member.max_batch = random.between(1, 10);
    member.window_bytes = random.chance(30) ? random.between(1, 100) : 1U << 20U;
    if (random.chance(30)) member.forget = random.between(1, 20);
    member.mood = draw_mood(random);
  }
  for (std::uint32_t i = random.chance(30) ? 2 : 1; i > 0; --i) {
    std::vector<LifePlan>& lives = services.emplace_back();
    static constexpr std::uint32_t kDrains[] = {0, 5, 1000, 30'000, 30'000};
    while (lives.size() < 4 && random.chance(40)) {
      lives.push_back({random.between(0, 50), random.between(1, 300), random.one_of(kDrains)});
    }
    lives.push_back({random.between(0, 50), 0, random.one_of(kDrains)});
  }
  if (random.chance(50)) faults.late = random.between(1, 50);
  if (random.chance(30)) faults.refused = random.between(1, 5);
  if (random.chance(30)) faults.maybe = random.between(1, 5);
  faults.latest_ms = random.between(1, 50);
  // Seldom enough that a service gets through what died with one session before the next one ends.
  if (random.chance(15)) {
    faults.lost_after_ms = random.between(300, 1000);
  } else if (random.chance(10)) {
    faults.lost_after_messages = random.between(150, 400);
  }
  faults.lost_for_ms = random.between(1, 100);
  for (Group& group : groups) {
    if (!faults.loses()) break;
    group.mood.longest_ms = std::min(group.mood.longest_ms, 5U);
    if (group.in_flight == 0) group.in_flight = 20;
  }
  cut_short = random.chance(25);
}

}  // namespace ruststream::sim
