// Topics, groups, and which group takes what.
#include "address.hpp"
#include "broker.hpp"

#include <algorithm>
#include <utility>

namespace ruststream::memory {

Topic* Broker::find_topic(std::string_view name) noexcept {
  const auto found = topics_.find(name);
  return found != topics_.end() ? found->second.get() : nullptr;
}

Topic* Broker::find_or_make_topic(const Connection& connection, std::string_view name, bool as_log,
                                  std::int32_t& code) {
  Topic* topic = find_topic(name);
  if (topic == nullptr) {
    if (check_destination(name) != AddressFault::kNone || Requests::is_inbox(name))
      return code = RST_E_INVALID, nullptr;
    if (!connection.options.creates_topics) return code = RST_E_NOT_FOUND, nullptr;
    return make_topic(name, connection.options.topics, as_log, code);
  }
  if (as_log && topic->log == nullptr) {
    // A topic that was only published to so far has promised nothing yet: it may become a log.
    gather_routes(*topic);
    if (topic->declared || topic->stored > 0 || !topic->groups.empty()) return code = RST_E_PRECONDITION, nullptr;
    topic->log = std::make_unique<Log>();
    topic->routes_version = 0;
  }
  return topic;
}

Topic* Broker::make_topic(std::string_view name, const TopicOptions& options, bool as_log, std::int32_t& code) {
  if (topics_.size() >= kMaxTopics) forget_idle_topics();
  if (topics_.size() >= kMaxTopics) return code = RST_E_EXHAUSTED, nullptr;
  auto topic = std::make_unique<Topic>(std::string(name), options);
  if (as_log) topic->log = std::make_unique<Log>();
  Topic* made = topic.get();
  topics_.emplace(made->name, std::move(topic));
  return made;
}

void Broker::forget_idle_topics() {
  collect_returned();
  std::erase_if(topics_, [](const auto& entry) {
    const Topic& topic = *entry.second;
    return !topic.declared && topic.log == nullptr && topic.pins == 0 && topic.records == 0;
  });
}

void Broker::forget_topic(Topic& topic) {
  auto owner = std::move(topics_.extract(topic.name).mapped());
  topic.deleted = true;
  topic.sole = nullptr;
  // While batches of the host show its records, or a publisher points to it, it is a name without a table entry.
  if (topic.records > 0 || topic.pins > 0) static_cast<void>(owner.release());
}

void Broker::unpin(Topic& topic) noexcept {
  if (--topic.pins == 0 && topic.deleted && topic.records == 0) delete &topic;
}

void Broker::gather_routes_again(Topic& topic) {
  topic.groups.clear();
  for (const auto& group : groups_) {
    if (group->is_log() ? group->log == &topic : group->takes(topic.name)) topic.groups.push_back(group.get());
  }
  topic.routes_version = routes_version_;
  const bool one_queue = topic.groups.size() == 1 && topic.log == nullptr && !topic.deleted;
  topic.sole = one_queue ? topic.groups.front() : nullptr;
}

Group* Broker::find_group(std::string_view name, std::string_view addresses, bool log) noexcept {
  const auto found = std::find_if(groups_.begin(), groups_.end(), [&](const auto& group) {
    return group->name == name && group->key == addresses && group->is_log() == log;
  });
  return name.empty() || found == groups_.end() ? nullptr : found->get();
}

Group& Broker::make_group(std::string name, std::vector<std::string> addresses, Topic* log, std::uint64_t offset) {
  const Topic* const topic = addresses.size() == 1 ? find_topic(addresses.front()) : nullptr;
  const auto assigned = topic != nullptr && topic->options.assigns ? topic->options.partitions : 0;
  auto group = std::make_unique<Group>(std::move(name), std::move(addresses), log, assigned);
  if (log != nullptr) {
    ++log->pins;
    log->trim_before = 0;
    group->next_offset = offset;
    if (!group->has_cursor()) group->move_cursor_to_end();
  }
  groups_.push_back(std::move(group));
  ++routes_version_;
  return *groups_.back();
}

std::uint64_t Broker::empty_group(Turn& turn, Group& group, const Topic* only) {
  std::uint64_t dropped = 0;
  group.remove([&](const Record* record) { return only == nullptr || record->topic == only; },
               [&](Record* record) {
                 ++dropped;
                 let_go(turn, *record);
               });
  if (group.is_log() && (only == nullptr || only == group.log)) {
    dropped += group.log->log->end() - group.next_offset;
    group.next_offset = group.log->log->end();
  }
  arm(group, group.next_due());
  return dropped;
}

std::uint64_t Broker::destroy_group(Turn& turn, Group& group) {
  const auto dropped = empty_group(turn, group, nullptr);
  arm(group, kNever);
  if (group.log != nullptr) {
    --group.log->pins;
    group.log->trim_before = 0;
  }
  if (group.marked_ready) {
    Group** link = &ready_;
    while (*link != &group) link = &(*link)->next_ready;
    *link = group.next_ready;
  }
  ++routes_version_;
  const auto at =
      std::find_if(groups_.begin(), groups_.end(), [&](const auto& owned) { return owned.get() == &group; });
  auto owner = std::move(*at);
  groups_.erase(at);
  if (group.pumps > 0) {
    group.deleted = true;  // the thread that is pumping it deletes it
    static_cast<void>(owner.release());
  }
  return dropped;
}

}  // namespace ruststream::memory
