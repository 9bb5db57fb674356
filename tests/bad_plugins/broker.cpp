// Messages and groups: where what is published goes, and where what comes back goes.
#include "instance.hpp"

namespace plain {

bool matches(std::string_view pattern, std::string_view address) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == address;
  if (address.substr(0, star) != pattern.substr(0, star)) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t from = star; from <= address.size(); ++from) {
    if (matches(rest, address.substr(from))) return true;
  }
  return false;
}

namespace {

std::string bytes(const void* from, std::size_t size) {
  return from == nullptr ? std::string() : std::string(static_cast<const char*>(from), size);
}

/// FNV-1a: the same partition for the same key.
std::uint32_t partition_of(const std::string& key) {
  std::uint32_t state = 2166136261U;
  for (const char c : key) state = (state ^ static_cast<unsigned char>(c)) * 16777619U;
  return 1 + state % kPartitions;
}

Header header_of(const rst_header& from) {
  Header to{bytes(from.name, from.name_len), bytes(from.value, from.value_len), from.type};
  if (is(header_name_in_lower_case))
    std::ranges::transform(to.name, to.name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (is(null_header_becomes_empty) && to.type == RST_HEADER_NULL) to.type = RST_HEADER_BYTES;
  if (is(header_type_is_lost) && to.type > RST_HEADER_NULL) to.type = RST_HEADER_BYTES;
  if (is(controls_are_stripped)) std::erase_if(to.value, [](char c) { return c >= 0 && c < 32; });
  return to;
}

/// The same key lies in the same partition, but for one variant.
std::uint32_t partition_for(const std::string& key, std::uint64_t number) {
  return is(partition_is_left_to_chance) ? 1 + static_cast<std::uint32_t>(number + number / 7) % kPartitions
                                         : partition_of(key);
}

}  // namespace

Record Instance::record_of(const Publisher& publisher, const rst_out_message& message) {
  Record record;
  record.address = message.destination == nullptr || is(messages_have_no_destination_of_their_own)
                       ? publisher.destination
                       : bytes(message.destination, message.destination_len);
  record.payload = bytes(message.payload, message.payload_len);
  if (is(long_payload_is_cut) && record.payload.size() > 65536) record.payload.resize(65536);
  if (is(payload_ends_at_a_zero)) record.payload.resize(std::min(record.payload.size(), record.payload.find('\0')));
  record.payload_size = record.payload.size();
  record.payload.append(64, '\0');
  record.null_payload = (message.flags & RST_OUT_NULL_PAYLOAD) != 0;
  if (message.key != nullptr && (!is(empty_key_is_lost) || message.key_len != 0))
    record.key = bytes(message.key, message.key_len);
  if (message.key == nullptr && is(no_key_becomes_an_empty_one)) record.key = "";
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(message.header_count, kMaxHeaders); ++i) {
    Header header = header_of(message.headers[i]);
    if (is(empty_header_is_swallowed) && header.value.empty() && header.type != RST_HEADER_NULL) continue;
    const auto same = [&](const Header& other) { return other.name == header.name; };
    if (is(duplicate_header_is_lost)) std::erase_if(record.headers, same);
    record.headers.push_back(std::move(header));
  }
  if (is(headers_are_sorted)) std::ranges::sort(record.headers, {}, &Header::name);
  record.time_ns = host_->now(host_, RST_CLOCK_WALL);
  if (record.key) record.partition = partition_for(*record.key, last_number_);
  if (message.props == nullptr) return record;
  const rst_out_props props = known(message.props);
  record.reply_to = bytes(props.reply_to, props.reply_to_len);
  if (is(reply_address_is_altered) && !record.reply_to.empty()) record.reply_to.insert(0, "plain.");
  record.correlation = is(correlation_is_lost) ? "" : bytes(props.correlation, props.correlation_len);
  record.message_id = bytes(props.message_id, props.message_id_len);
  record.content_type = bytes(props.content_type, props.content_type_len);
  record.priority = is(lowest_priorities_are_one) && props.priority > 1 ? props.priority : 0;
  if (props.ttl_ns != 0) record.expires_ns = now() + static_cast<std::int64_t>(props.ttl_ns);
  if (props.partition > 0) record.partition = static_cast<std::uint32_t>(props.partition);
  return record;
}

/// The group that has no room for one more message to that address.
std::shared_ptr<Group> Instance::full(std::uint32_t kind, const std::string& address) {
  if (kind == pubsub) return nullptr;
  for (auto& [key, group] : groups_) {
    if (group->kind != kind || group->load() < capacity_) continue;
    if (std::ranges::any_of(group->patterns, [&](const auto& each) { return matches(each, address); })) return group;
  }
  return nullptr;
}

/// Stores a message for everyone whom it reaches, to be seen from `at_ns` on.
std::int32_t Instance::route(std::uint32_t kind, Record record, std::int64_t at_ns, bool mandatory) {
  if (auto request = requests_.find(record.address); request != requests_.end()) {
    if (is(replies_are_mixed)) request = requests_.begin();
    const Request answered = request->second;
    requests_.erase(request);
    Batch* const batch = make_batch(nullptr, {Item{std::make_shared<Record>(std::move(record))}});
    finish(answered.op, reinterpret_cast<std::uint64_t>(batch));
    return RST_OK;
  }
  ++published_;
  if (is(deleted_address_swallows) && deleted_.contains(record.address)) return RST_OK;
  if (kind != log_kind) record.partition = 0;
  record.offset = ++last_number_;
  topics_.insert({kind, record.address});
  auto& log = logs_[record.address];
  if (kind == log_kind) record.offset = log.empty() ? 0 : log.back()->offset + 1;
  const auto shared = std::make_shared<const Record>(std::move(record));
  if (kind == log_kind) log.push_back(shared);
  if (log.size() > kKeptInLog) log.pop_front();
  bool reached = kind == log_kind;
  for (auto& [key, group] : groups_) {
    if (group->kind != kind) continue;
    if (std::ranges::none_of(group->patterns, [&](const auto& each) { return matches(each, shared->address); }))
      continue;
    reached = true;
    const Item item{shared, ++place_, 0, false};
    if (is(confirmed_is_lost) && group->members.empty()) continue;
    if (kind == pubsub && group->waiting.size() >= kDropBeyond) {
      for (const std::uint64_t member : group->members) ++subscriptions_.at(member).dropped;
      continue;
    }
    if (kind != pubsub && is(drops_beyond_a_bound) && group->waiting.size() >= 300) continue;
    if (is(refused_overtakes) && group->load() + 1 == capacity_) {
      group->waiting.push_front(item);
    } else if (at_ns != 0 && !is(ignores_delay)) {
      if (is(delays_queue_up) && !group->delayed.empty()) at_ns = std::max(at_ns, group->delayed.rbegin()->first);
      group->delayed.insert({at_ns, item});
    } else {
      const auto behind = [&](const Item& other) { return other.record->priority < shared->priority; };
      group->waiting.insert(std::ranges::find_if(group->waiting, behind), item);
    }
    const bool comes_twice = (is(every_member_gets_it) && group->members.size() > 1) ||
                             (is(doubles_under_load) && group->waiting.size() > 185);
    if (comes_twice) group->waiting.push_back(item);
    for (const std::uint64_t member : group->members) {
      if (is(hoards_what_waits) && subscriptions_.at(member).messages <= 0)
        subscriptions_.at(member).hoarded.push_back(shared->payload);
    }
    if (is(mixes_subscriptions) && groups_.size() > 10) groups_.begin()->second->waiting.push_back(item);
    if (is(only_first_group_gets_it)) break;
  }
  if (reached || is(unrouted_is_ok)) return RST_OK;
  return mandatory ? -RST_E_NO_ROUTE : RST_OK_UNROUTED;
}

/// To where it was in line.
void Instance::enqueue(Group& group, Item item) {
  const auto behind = [&](const Item& other) { return other.place > item.place; };
  auto at = std::ranges::find_if(group.waiting, behind);
  if (is(retry_goes_to_the_back) && item.again) at = group.waiting.end();
  group.waiting.insert(at, std::move(item));
}

void Instance::put_back(Group& group, Item item, bool counts, std::int64_t at_ns) {
  if (counts && item.attempts < UINT16_MAX - 1) ++item.attempts;
  item.again = true;
  if (at_ns > now()) {
    if (is(delays_queue_up) && !group.delayed.empty()) at_ns = std::max(at_ns, group.delayed.rbegin()->first);
    group.delayed.insert({at_ns, std::move(item)});
  } else {
    enqueue(group, std::move(item));
  }
}

void Instance::dead_letter(const Subscription& sub, const Item& item, const rst_settle_detail* detail) {
  std::string to = sub.dead_letter;
  if (detail != nullptr && detail->dead_letter.len != 0) to = view(detail->dead_letter);
  if (to.empty() || is(dead_letter_is_lost)) return;
  Record record = *item.record;
  record.address = to;
  if (is(dead_letter_has_no_content_type)) record.content_type.clear();
  for (std::uint32_t i = 0; detail != nullptr && i < detail->header_count; ++i) {
    record.headers.push_back(header_of(detail->headers[i]));
  }
  route(sub.kind, std::move(record), 0, false);
}

std::shared_ptr<Group> Instance::group_of(const rst_subscription_spec& spec, std::uint64_t handle) {
  const std::uint32_t kind = kind_of(spec.kind);
  auto made = std::make_shared<Group>();
  made->kind = kind;
  for (std::uint32_t i = 0; i < spec.address_count; ++i) made->patterns.emplace_back(view(spec.addresses[i]));
  std::ranges::sort(made->patterns);
  made->name = view(spec.group);
  if (spec.durable.len != 0) made->name += "/" + std::string(view(spec.durable));
  std::string key = std::to_string(kind);
  for (const auto& pattern : made->patterns) key += "\n" + pattern;
  key += "\n" + (made->name.empty() && !is(all_are_one_group) ? "\n" + std::to_string(handle) : made->name);
  const auto [at, fresh] = groups_.insert({key, made});
  for (const auto& pattern : made->patterns) topics_.insert({kind, pattern});
  rst_position from{};
  from.kind = RST_POSITION_EARLIEST;
  if (spec.start_count != 0) from = spec.start[0];
  if (spec.start_count != 0 && is(earliest_is_latest) && from.kind == RST_POSITION_EARLIEST)
    from.kind = RST_POSITION_LATEST;
  if (is(latest_is_earliest) && from.kind == RST_POSITION_LATEST) from.kind = RST_POSITION_EARLIEST;
  if (fresh && kind == log_kind) fill(*at->second, from);
  return at->second;
}

/// Whether a log has the message with which a subscription is to begin.
bool Instance::keeps(const rst_subscription_spec& spec) const {
  if (spec.start_count == 0 || (spec.start[0].kind != RST_POSITION_AT && spec.start[0].kind != RST_POSITION_AFTER))
    return true;
  std::uint64_t offset = 0;
  std::memcpy(&offset, spec.start[0].data, sizeof offset);
  const auto log = logs_.find(std::string(view(spec.addresses[0])));
  return log != logs_.end() && !log->second.empty() && offset <= log->second.back()->offset;
}

/// What a log holds from a position on.
void Instance::fill(Group& group, const rst_position& from) {
  std::uint64_t offset = 0;
  std::memcpy(&offset, from.data, sizeof offset);
  if (from.kind == RST_POSITION_AFTER) ++offset;
  group.waiting.clear();
  group.delayed.clear();
  if (from.kind == RST_POSITION_LATEST) return;
  for (const auto& record : logs_[group.patterns.front()]) {
    const std::int64_t time_ns = from.time_ns + (is(time_finds_the_next) ? 1 : 0);
    const bool before = from.kind == RST_POSITION_TIME ? record->time_ns < time_ns
                                                       : from.kind != RST_POSITION_EARLIEST && record->offset < offset;
    if (!before) group.waiting.push_back({record, ++place_, 0, false});
  }
}

/// The tokens of these partitions (bits) are stale from now on; their messages are not given back.
void Instance::void_tokens(Subscription& sub, std::uint64_t partitions) {
  for (auto each = sub.unsettled.begin(); each != sub.unsettled.end();) {
    if ((partitions >> each->second.item.record->partition & 1U) == 0) {
      ++each;
      continue;
    }
    --sub.group->unsettled;
    sub.voided.insert(each->first);
    each = sub.unsettled.erase(each);
  }
}

/// All that is unsettled, to the group; transactions that it is part of cannot commit any more.
void Instance::give_back(Subscription& sub, bool counts) {
  std::set<std::uint64_t> broken;
  for (const auto& [token, delivered] : sub.unsettled) broken.insert(delivered.tx);
  for (const std::uint64_t tx : broken) {
    if (tx != 0 && !is(close_breaks_no_transaction)) roll_back(tx);
  }
  for (auto& [token, delivered] : sub.unsettled) {
    --sub.group->unsettled;
    sub.voided.insert(token);
    if (!is(close_acknowledges)) put_back(*sub.group, std::move(delivered.item), counts);
  }
  sub.unsettled.clear();
}

void Instance::close_subscription(std::uint64_t handle) {
  Subscription& sub = subscriptions_.at(handle);
  const auto group = sub.group;
  give_back(sub, is(close_counts));
  std::erase(group->members, handle);
  std::erase_if(revokes_, [&](const auto& each) {
    if (is(revoke_is_forgotten_with_another)) return each.second.group == group && each.second.subscription != handle;
    if (each.second.subscription != handle) return false;
    for (auto& answer : group->revoking) answer = answer == each.first ? 0 : answer;
    return !is(revoke_outlives_its_member);
  });
  for (auto& owner : group->owner) owner = owner == handle ? 0 : owner;
  if (group->members.empty() && (group->name.empty() || is(close_deletes_group))) {
    std::erase_if(groups_, [&](const auto& each) { return each.second == group; });
  } else if (!is(leaver_keeps_its_partitions)) {
    assign(group);
  }
  subscriptions_.erase(handle);
}

void Instance::close_publisher(std::uint64_t handle) {
  if (const std::uint64_t tx = publishers_.at(handle).tx; tx != 0) {
    is(publisher_close_forgets_its_transaction) ? end_transaction(tx) : roll_back(tx);
  }
  for (auto each = requests_.begin(); each != requests_.end();) {
    const Request request = each->second;
    if (request.publisher != handle) {
      ++each;
      continue;
    }
    each = requests_.erase(each);
    if (!is(close_forgets_requests)) finish(request.op, 0, RST_E_CANCELLED, "its publisher was closed");
  }
  publishers_.erase(handle);
}

/// Spreads a log's partitions over the members of a group; who has to give one up is asked first (rule G1).
void Instance::assign(const std::shared_ptr<Group>& group) {
  if (group->kind != log_kind || group->members.empty()) return;
  std::map<std::uint64_t, std::vector<std::uint32_t>> gained, revoked;
  for (std::uint32_t p = 1; p <= kPartitions; ++p) {
    const std::uint64_t wanted = group->members[p % group->members.size()];
    if (group->owner[p] == wanted || group->revoking[p] != 0) continue;
    if (group->owner[p] == 0) {
      group->owner[p] = wanted;
      gained[wanted].push_back(p);
    } else {
      revoked[group->owner[p]].push_back(p);
    }
  }
  const auto named = [](const std::vector<std::uint32_t>& numbers, std::uint32_t generation) {
    static constexpr std::string_view kNames = "01234";
    std::vector<rst_partition> partitions;
    for (const std::uint32_t p : numbers) partitions.push_back({str(kNames.substr(p, 1)), p, generation, 0});
    return partitions;
  };
  for (const auto& [member, numbers] : gained) {
    const Subscription& sub = subscriptions_.at(member);
    tell(RST_EVENT_SUB_ASSIGNED, sub, named(numbers, sub.generation));
  }
  for (const auto& [member, numbers] : revoked) {
    const Subscription& sub = subscriptions_.at(member);
    const std::uint64_t answer = new_handle();
    for (const std::uint32_t p : numbers) group->revoking[p] = answer;
    revokes_[answer] = {member, group, is(revoke_waits_for_ever) ? INT64_MAX : now() + 3'000'000'000};
    tell(RST_EVENT_SUB_REVOKING, sub, named(numbers, sub.generation + 1), 0, answer);
    if (is(revoke_does_not_wait)) finish_revoke(answer, false);
  }
}

/// Everything of it is as after a close, but that it comes back.
void Instance::lose(Connection& connection) {
  connection.lost_at_ns = 0;
  connection.back_at_ns = now() + kAway;
  connection.down = true;
  if (!is(loss_is_not_told)) tell(RST_EVENT_CONN_DOWN, connection);
  for (auto& [handle, sub] : subscriptions_) {
    if (sub.connection != connection.id) continue;
    sub.down = true;
    if (is(loss_takes_from_the_balance)) sub.messages /= 2;
    if (is(loss_adds_to_the_balance)) sub.messages += 2;
    if (!sub.unsettled.empty() && !is(generation_stays_after_loss)) ++sub.generation;
    if (is(loss_loses_what_was_unsettled)) void_tokens(sub, ~std::uint64_t{0});
    give_back(sub, false);
    tell(RST_EVENT_SUB_DOWN, sub);
  }
  for (auto& [handle, publisher] : publishers_) publisher.down |= publisher.connection == connection.id;
  std::erase_if(requests_, [&](const auto& each) {
    if (!is(loss_of_a_request_is_final) || publishers_.at(each.second.publisher).connection != connection.id)
      return false;
    finish(each.second.op, 0, RST_E_UNAVAILABLE, "the connection is lost");
    return true;
  });
}

void Instance::resume(Connection& connection) {
  connection.back_at_ns = 0;
  connection.down = false;
  tell(RST_EVENT_CONN_UP, connection, {}, 0, 0, "plain");
  for (auto& [handle, sub] : subscriptions_) {
    if (sub.connection != connection.id) continue;
    sub.down = is(subscription_stays_down);
    tell(RST_EVENT_SUB_UP, sub);
  }
  for (auto& [handle, publisher] : publishers_) publisher.down &= publisher.connection != connection.id;
}

/// Answered, or (lost) its deadline is over: the partitions' tokens are stale and their messages go to the next owner.
void Instance::finish_revoke(std::uint64_t answer, bool lost) {
  const Revoke revoke = revokes_.at(answer);
  revokes_.erase(answer);
  if (!subscriptions_.contains(revoke.subscription)) return;
  Group& group = *revoke.group;
  Subscription& sub = subscriptions_.at(revoke.subscription);
  std::uint64_t bits = 0;
  std::vector<rst_partition> partitions;
  if (!is(generation_stays_after_revoke)) ++sub.generation;
  for (std::uint32_t p = 1; p <= kPartitions; ++p) {
    if (group.revoking[p] != answer) continue;
    group.revoking[p] = 0;
    group.owner[p] = 0;
    bits |= std::uint64_t{1} << p;
    partitions.push_back({{}, p, sub.generation, 0});
  }
  if (is(revoke_voids_all_partitions)) bits = ~std::uint64_t{0};
  std::set<std::uint64_t> broken;
  for (const auto& [token, delivered] : sub.unsettled) {
    const bool gone = (bits >> delivered.item.record->partition & 1U) != 0;
    if (delivered.tx != 0 && (gone || is(revoke_breaks_every_transaction))) broken.insert(delivered.tx);
  }
  for (const std::uint64_t tx : broken) {
    if (!is(revoke_breaks_no_transaction)) roll_back(tx);
  }
  for (auto& [token, delivered] : sub.unsettled) {
    if ((bits >> delivered.item.record->partition & 1U) != 0) put_back(group, delivered.item, false);
  }
  if (!is(revoked_tokens_still_settle)) void_tokens(sub, bits);
  if (lost) tell(RST_EVENT_SUB_LOST, sub, std::move(partitions));
  assign(revoke.group);
}

}  // namespace plain
