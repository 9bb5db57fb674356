#include "stats.hpp"

#include <algorithm>
#include <mutex>

namespace ruststream::memory {
namespace {

void add(std::vector<rst_stat>& stats, std::uint32_t id, std::uint64_t value) { stats.push_back({id, 0, value}); }

std::uint64_t unsettled(const Group& group) {
  std::uint64_t sum = 0;
  for (const Subscription* member : group.members) sum += member->in_flight.size();
  return sum;
}

std::uint64_t credit(const Subscription& subscription) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, subscription.credit_messages));
}

void add_group(std::vector<rst_stat>& stats, const Group& group) {
  add(stats, RST_STAT_WAITING, group.available());
  add(stats, RST_STAT_DELAYED, group.delayed.size());
  add(stats, RST_STAT_MEMBERS, group.members.size());
  add(stats, RST_STAT_EXPIRED, group.expired);
}

}  // namespace

void Stats::of(Broker& broker, std::vector<rst_stat>& stats) {
  const std::lock_guard lock(broker.lock_);
  std::uint64_t waiting = 0, in_flight = 0, delayed = 0, stored = 0, published = 0, stored_bytes = 0;
  for (const auto& group : broker.groups_) {
    waiting += group->available();
    in_flight += unsettled(*group);
    delayed += group->delayed.size();
  }
  for (const auto& [name, topic] : broker.topics_) {
    stored += topic->stored;
    stored_bytes += topic->stored_bytes;
    published += topic->published;
  }
  add(stats, RST_STAT_WAITING, waiting);
  add(stats, RST_STAT_UNSETTLED, in_flight);
  add(stats, RST_STAT_DELAYED, delayed + broker.schedule_.size());
  add(stats, RST_STAT_PUBLISHED, published);
  add(stats, kStatStored, stored);
  add(stats, kStatStoredBytes, stored_bytes);
  add(stats, kStatTopics, broker.topics_.size());
  add(stats, kStatGroups, broker.groups_.size());
}

std::int32_t Stats::of(Broker& broker, const ObjectName& object, std::vector<rst_stat>& stats, sdk::ErrorOut error) {
  const std::lock_guard lock(broker.lock_);
  if (!object.parent.empty()) {
    const Group* group = broker.find_group(object);
    if (group == nullptr) return error(RST_E_NOT_FOUND, "there is no group `", sdk::subject(object.name), "`");
    add_group(stats, *group);
    add(stats, RST_STAT_UNSETTLED, unsettled(*group));
    std::uint64_t sum = 0;
    for (const Subscription* member : group->members) sum += credit(*member);
    add(stats, RST_STAT_CREDIT, sum);
    return RST_DONE;
  }
  const Topic* topic = broker.find_topic(object.name);
  if (topic == nullptr) return error(RST_E_NOT_FOUND, "there is no topic `", sdk::subject(object.name), "`");
  add(stats, RST_STAT_PUBLISHED, topic->published);
  add(stats, RST_STAT_CAPACITY, topic->options.capacity_messages);
  add(stats, kStatStored, topic->stored);
  add(stats, kStatStoredBytes, topic->stored_bytes);
  return RST_DONE;
}

std::int32_t Stats::of(Broker& broker, const Subscription& subscription, std::vector<rst_stat>& stats,
                       sdk::ErrorOut error) {
  const std::lock_guard lock(broker.lock_);
  if (subscription.closing) return error(RST_E_CLOSED, "the subscription is closing");
  add_group(stats, *subscription.group);
  add(stats, RST_STAT_UNSETTLED, subscription.in_flight.size());
  add(stats, RST_STAT_CREDIT, credit(subscription));
  add(stats, RST_STAT_DELIVERED, subscription.counts.delivered);
  add(stats, RST_STAT_REDELIVERED, subscription.counts.redelivered);
  add(stats, RST_STAT_ACKED, subscription.counts.acked);
  add(stats, RST_STAT_RETRIED, subscription.counts.retried);
  add(stats, RST_STAT_RELEASED, subscription.counts.released);
  add(stats, RST_STAT_REJECTED, subscription.counts.rejected);
  add(stats, RST_STAT_DEAD_LETTERED, subscription.counts.dead_lettered);
  return RST_DONE;
}

void Stats::of(Broker& broker, const Publisher& publisher, std::vector<rst_stat>& stats) {
  const std::lock_guard lock(broker.lock_);
  add(stats, RST_STAT_PUBLISHED, publisher.published);
}

}  // namespace ruststream::memory
