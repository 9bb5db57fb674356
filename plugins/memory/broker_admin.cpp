// What outlives a session: topics and groups, made, emptied and deleted on request (rule F4).
#include "address.hpp"
#include "broker.hpp"

#include <algorithm>

namespace ruststream::memory {
namespace {

std::vector<std::string> split(std::string_view addresses) {
  std::vector<std::string> parts;
  while (!addresses.empty()) {
    const auto space = addresses.find(' ');
    parts.emplace_back(addresses.substr(0, space));
    addresses = space == std::string_view::npos ? std::string_view{} : addresses.substr(space + 1);
  }
  std::sort(parts.begin(), parts.end());
  return parts;
}

bool is_exactly(const Group& group, std::string_view topic) noexcept { return group.key == topic; }

}  // namespace

std::int32_t Broker::create(const Connection& connection, const ObjectName& object, const TopicOptions& options,
                            const rst_position& start, sdk::ErrorOut error) {
  Turn turn(*this);
  std::int32_t code = RST_OK;
  if (object.parent.empty()) {
    Topic* topic = find_topic(object.name);
    if (topic == nullptr) {
      const auto fault = check_destination(object.name);
      if (fault != AddressFault::kNone) {
        return error(RST_E_INVALID, "topic `", sdk::subject(object.name), "` ", describe(fault));
      }
      topic = make_topic(object.name, options, object.log, code);
      if (topic == nullptr) return cannot_use(object.name, code, error);
    } else if (topic->options != options || (topic->log != nullptr) != object.log) {
      return error(RST_E_EXISTS, "topic `", sdk::subject(object.name), "` exists with another kind or other options");
    }
    topic->declared = true;
    return RST_DONE;
  }
  auto addresses = split(object.parent);
  for (const auto& address : addresses) {
    if (const auto fault = check_pattern(address); fault != AddressFault::kNone) {
      return error(RST_E_INVALID, "address `", sdk::subject(address), "` ", describe(fault));
    }
  }
  if (find_group(object.name, join_addresses(addresses), object.log) != nullptr) return RST_DONE;
  if (groups_.size() >= kMaxGroups) return too_many_groups(error);
  Topic* log = nullptr;
  std::uint64_t offset = 0;
  for (const auto& address : addresses) {
    if (has_wildcard(address) && !object.log) continue;
    Topic* topic = find_or_make_topic(connection, address, object.log, code);
    if (topic == nullptr) return cannot_use(address, code, error);
    if (object.log) log = topic;
  }
  if (object.log && addresses.size() != 1) return error(RST_E_INVALID, "a group of a log reads exactly one topic");
  if (log != nullptr && !locate(*log, start, offset)) return error(RST_E_NOT_FOUND, "the log has no such position");
  make_group(std::string(object.name), std::move(addresses), log, offset);
  return RST_DONE;
}

Group* Broker::find_group(const ObjectName& object) {
  return find_group(object.name, join_addresses(split(object.parent)), object.log);
}

std::int32_t Broker::remove(const ObjectName& object, sdk::ErrorOut error) {
  Turn turn(*this);
  if (!object.parent.empty()) {
    Group* group = find_group(object);
    if (group == nullptr) return error(RST_E_NOT_FOUND, "there is no group `", sdk::subject(object.name), "`");
    if (!group->members.empty()) {
      return error(RST_E_PRECONDITION, "group `", sdk::subject(object.name), "` has ", group->members.size(),
                   " subscriptions; close them first");
    }
    Topic* const log = group->log;
    destroy_group(turn, *group);
    if (log != nullptr && !log->refused.empty()) make_room(turn, *log);
    return RST_DONE;
  }
  Topic* topic = find_topic(object.name);
  if (topic == nullptr) return error(RST_E_NOT_FOUND, "there is no topic `", sdk::subject(object.name), "`");
  const auto used = [&](const auto& group) { return is_exactly(*group, topic->name) && !group->members.empty(); };
  if (std::any_of(groups_.begin(), groups_.end(), used)) {
    return error(RST_E_PRECONDITION, "topic `", sdk::subject(object.name), "` has subscriptions; close them first");
  }
  for (auto left = groups_.size(); left > 0; --left) {
    if (is_exactly(*groups_[left - 1], topic->name)) destroy_group(turn, *groups_[left - 1]);
  }
  empty_topic(turn, *topic);
  tell_writable(turn, *topic);
  forget_topic(*topic);
  return RST_DONE;
}

std::int32_t Broker::purge(const ObjectName& object, std::uint64_t& removed, sdk::ErrorOut error) {
  Turn turn(*this);
  if (!object.parent.empty()) {
    Group* group = find_group(object);
    if (group == nullptr) return error(RST_E_NOT_FOUND, "there is no group `", sdk::subject(object.name), "`");
    removed = empty_group(turn, *group, nullptr);
    if (group->is_log() && !group->log->refused.empty()) make_room(turn, *group->log);
    return RST_DONE;
  }
  Topic* topic = find_topic(object.name);
  if (topic == nullptr) return error(RST_E_NOT_FOUND, "there is no topic `", sdk::subject(object.name), "`");
  const auto stored = topic->stored;
  empty_topic(turn, *topic);
  removed = stored - topic->stored;
  return RST_DONE;
}

/// Removes what waits; what the host has unsettled stays until it is settled.
void Broker::empty_topic(Turn& turn, Topic& topic) {
  for (const auto& group : groups_) empty_group(turn, *group, &topic);
  for (Record* record : schedule_.take_if([&](const Record& each) { return each.topic == &topic; })) {
    discard(turn, *record);
  }
  arm(schedule_, schedule_.next_due());
  while (topic.log != nullptr && topic.log->size() > 0) let_go(turn, *topic.log->trim());
}

}  // namespace ruststream::memory
