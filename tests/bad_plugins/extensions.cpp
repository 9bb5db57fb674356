// The verbs of extensions but transactions: seek, requests, administration, numbers; and the answer to a revoke.
#include "instance.hpp"

#include <utility>

namespace plain {

std::int32_t Instance::answer(std::uint64_t answer, rst_error* error) {
  Lock lock(mutex_);
  if (!revokes_.contains(answer)) return fail(error, RST_E_STALE, "nothing waits for that answer");
  if (!is(answer_is_ignored)) finish_revoke(answer, false);
  lock.unlock();
  wake();
  return RST_DONE;
}

std::int32_t Instance::seek(std::uint64_t handle, const rst_position* positions, std::uint32_t count, std::uint64_t op,
                            rst_error* error) {
  std::int32_t status = RST_DONE;
  Lock lock(mutex_);
  Subscription* const sub = find(subscriptions_, handle, error, &status);
  if (sub == nullptr) return status;
  if (!can(sub->kind, RST_CAP_SEEK)) return fail(error, RST_E_UNSUPPORTED, "this kind has no positions");
  if (count != 1 || positions == nullptr) return fail(error, RST_E_INVALID, "a log has one order: give one position");
  rst_position to = positions[0];
  const bool names = to.kind == RST_POSITION_AT || to.kind == RST_POSITION_AFTER;
  if (to.kind < RST_POSITION_EARLIEST || to.kind > RST_POSITION_TIME)
    return fail(error, RST_E_UNSUPPORTED, "unknown kind of position");
  if (names && to.len != 8) return fail(error, RST_E_INVALID, "a position of another log");
  if (names && is(seek_misses_by_one)) ++to.data[0];
  for (const std::uint64_t member : sub->group->members) {
    Subscription& each = subscriptions_.at(member);
    if (!is(seek_keeps_tokens)) void_tokens(each, ~std::uint64_t{0});
    if (!is(generation_stays_after_seek)) ++each.generation;
  }
  if (is(seek_takes_the_credit)) sub->messages = 0;
  fill(*sub->group, to);
  status = finish(op);
  lock.unlock();
  wake();
  return status;
}

std::int32_t Instance::request(rst_publish* from, rst_error* error) {
  const rst_publish call = known(from);
  from->accepted = 0;
  if ((call.flags & ~RST_PUBLISH_CONFIRM) != 0) return fail(error, RST_E_UNSUPPORTED, "unknown flag of publish");
  if (call.count != 1 || call.op == 0) return fail(error, RST_E_INVALID, "a request is one message with an op");
  std::int32_t status = RST_DONE;
  Lock lock(mutex_);
  Publisher* const publisher = find(publishers_, call.publisher, error, &status);
  if (publisher == nullptr) return status;
  if (!can(publisher->kind, RST_CAP_REQUEST)) return fail(error, RST_E_UNSUPPORTED, "this kind has no requests");
  const auto message = element(call.messages, call.stride, 0);
  if (const std::int32_t bad = check_message(publisher->kind, message); bad != RST_OK)
    return fail(error, -bad, "this kind cannot carry the message");
  Record record = record_of(*publisher, message);
  if (const auto group = full(publisher->kind, record.address); group != nullptr) {
    if (!is(refused_request_is_forgotten)) publisher->full = group;
    return fail(error, RST_E_BACKPRESSURE, "no room; publish again after PUB_WRITABLE", RST_ERROR_RETRYABLE);
  }
  from->accepted = 1;
  record.reply_to = "_reply." + std::to_string(new_handle());
  const std::int64_t timeout = call.timeout_ns == 0 ? 30'000'000'000 : static_cast<std::int64_t>(call.timeout_ns);
  requests_[record.reply_to] = {call.op, call.publisher, call.statuses,
                                is(request_never_times_out) ? INT64_MAX : now() + timeout};
  const std::string reply_to = record.reply_to;
  const std::int32_t routed = route(publisher->kind, std::move(record), 0, true);
  post([to = call.statuses, routed] {
    if (to != nullptr) *to = routed;
  });
  if (routed < 0 && !is(no_responder_is_not_told)) {
    requests_.erase(reply_to);
    finish(call.op, 0, RST_E_NO_ROUTE, "nobody listens there");
  }
  lock.unlock();
  wake();
  return RST_PENDING;
}

std::int32_t Instance::apply(const rst_admin_request* from, rst_error* error) {
  const rst_admin_request request = known(from);
  if (request.flags != 0) return fail(error, RST_E_UNSUPPORTED, "unknown flag of rst.admin");
  if (request.action < RST_ADMIN_CREATE || request.action > RST_ADMIN_DESCRIBE)
    return fail(error, RST_E_UNSUPPORTED, "unknown action");
  if (request.kind >= table().kind_count) return fail(error, RST_E_INVALID, "no such kind");
  Issues issues;
  check_options(RST_SCOPE_ADMIN, kind_of(request.kind), request.options, request.option_count, issues);
  if (!issues.all.empty()) return issues.first(error);
  std::int32_t status = RST_DONE;
  Lock lock(mutex_);
  if (find(connections_, request.connection, error, &status) == nullptr) return status;
  const std::uint32_t kind = kind_of(request.kind);
  const bool of_group = request.parent.len != 0;
  const std::string topic(view(of_group ? request.parent : request.name));
  const auto concerns = [&](const auto& each) {
    return each.second->kind == kind && (each.second->patterns == std::vector{topic} || is(purges_every_address)) &&
           (!of_group || each.second->name == view(request.name));
  };
  const bool there = of_group ? std::ranges::any_of(groups_, concerns) : topics_.contains({kind, topic});
  std::uint64_t value = 0;
  if (request.action == RST_ADMIN_CREATE) {
    if (of_group) return fail(error, RST_E_UNSUPPORTED, "a group is made by its first subscription");
    topics_.insert({kind, topic});
  } else if (!there) {
    if (!is(deletes_what_is_not_there)) return fail(error, RST_E_NOT_FOUND, "there is no such topic or group");
  } else if (request.action == RST_ADMIN_DESCRIBE) {
    if (request.report != nullptr) {
      post([report = request.report] {
        const rst_report to = known(report);
        if (to.text != nullptr) to.text(to.ctx, RST_TEXT_DESCRIPTION_JSON, str("{}"));
      });
    }
  } else {
    for (auto& [key, group] : groups_) {
      if (!concerns(std::pair{key, group})) continue;
      value += group->waiting.size() + (is(purge_counts_nothing_delayed) ? 0 : group->delayed.size());
      if (is(purge_removes_nothing)) continue;
      group->waiting.clear();
      group->delayed.clear();
    }
    if (!of_group && !is(delete_keeps_the_log)) logs_.erase(topic);
    if (request.action == RST_ADMIN_DELETE && !of_group) topics_.erase({kind, topic});
    if (request.action == RST_ADMIN_DELETE && !of_group) deleted_.insert(topic);
    if (request.action == RST_ADMIN_DELETE)
      std::erase_if(groups_, [&](const auto& each) { return concerns(each) && each.second->members.empty(); });
  }
  status = finish(request.op, value);
  lock.unlock();
  wake();
  return status;
}

std::int32_t Instance::snapshot(const rst_stats_query* from, rst_stat* stats, std::uint32_t capacity,
                                std::uint32_t* count, rst_error* error) {
  const rst_stats_query query = known(from);
  std::int32_t status = RST_DONE;
  const Lock lock(mutex_);
  std::vector<rst_stat> all;
  if (const auto sub = subscriptions_.find(query.handle); sub != subscriptions_.end()) {
    const Subscription& s = sub->second;
    const auto keyless = [](const Item& each) { return each.record->partition == 0; };
    all = {{RST_STAT_WAITING, 0,
            is(stats_miss_partitions) ? static_cast<std::uint64_t>(std::ranges::count_if(s.group->waiting, keyless))
                                      : s.group->waiting.size()},
           {RST_STAT_UNSETTLED, 0, is(stats_count_nothing) ? 0 : s.unsettled.size()},
           {RST_STAT_CREDIT, 0, static_cast<std::uint64_t>(std::max<std::int64_t>(s.messages, 0))}};
  } else if (connections_.contains(query.handle) && query.name.len == 0) {
    std::uint64_t delayed = 0;
    for (const auto& [key, group] : groups_) delayed += is(stats_miss_what_is_delayed) ? 0 : group->delayed.size();
    all = {{RST_STAT_PUBLISHED, 0, published_}, {RST_STAT_DELAYED, 0, delayed}};
  } else if (const auto publisher = publishers_.find(query.handle); publisher != publishers_.end()) {
    all = {{RST_STAT_PUBLISHED, 0, publisher->second.published}};
  } else if (connections_.contains(query.handle)) {
    return fail(error, RST_E_UNSUPPORTED, "nothing is counted there");
  } else {
    (void)find(subscriptions_, query.handle, error, &status);
    return status;
  }
  *count = static_cast<std::uint32_t>(all.size());
  std::copy_n(all.begin(), std::min<std::size_t>(capacity, all.size()), stats);
  return RST_DONE;
}

}  // namespace plain
