// rst.admin and rst.stats: which object a request names, and what it asks of the broker.
#include "plugin.hpp"

namespace ruststream::memory {
namespace {

std::string quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string json = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (byte < 0x20) {
      json += "\\u00";
      json += kHex[byte >> 4U];
      json += kHex[byte & 15U];
    } else {
      json += c;
    }
  }
  return json + '"';
}

std::string description(const rst_admin_request& request, const std::vector<rst_stat>& stats) {
  auto json = "{\"name\":" + quoted(sdk::view(request.name));
  json += request.kind == kLog ? R"(,"kind":"log")" : R"(,"kind":"topic")";
  if (request.parent.len > 0) json += ",\"parent\":" + quoted(sdk::view(request.parent));
  for (const auto& stat : stats) {
    for (const auto& decl : kStatDecls) {
      if (decl.id == stat.id) json += ',' + quoted(sdk::view(decl.name)) + ':' + std::to_string(stat.value);
    }
  }
  return json + '}';
}

}  // namespace

std::int32_t Instance::Connection::apply(const rst_admin_request& request, sdk::ErrorOut error) {
  const ObjectName object{sdk::view(request.name), sdk::view(request.parent), request.kind == kLog};
  if (object.name.empty())
    return error(RST_E_INVALID, "the name is empty; name a topic, or a group with its topic as parent");
  const sdk::Options options{kOptionTable, request.options, request.option_count};
  switch (request.action) {
    case RST_ADMIN_CREATE: {
      rst_position start{};
      start.kind = options[kStartOption].text() == "latest" ? RST_POSITION_LATEST : RST_POSITION_EARLIEST;
      const auto topic = topic_options(options, &state.options.topics);
      if (topic.assigns && (topic.partitions == 0 || topic.partitions > kMostAssigned)) {
        return error(RST_E_OPTION, "option `", sdk::subject("assign"), "` needs `partitions` from 1 to ",
                     kMostAssigned);
      }
      return broker.create(state, object, topic, start, error);
    }
    case RST_ADMIN_DELETE: return broker.remove(object, error);
    case RST_ADMIN_PURGE: {
      std::uint64_t removed = 0;
      const auto result = broker.purge(object, removed, error);
      if (result != RST_DONE || request.op == 0) return result;
      host().complete(request.op, removed);
      return RST_PENDING;
    }
    case RST_ADMIN_DESCRIBE: {
      std::vector<rst_stat> stats;
      const auto result = Stats::of(broker, object, stats, error);
      if (result == RST_DONE && request.report != nullptr && request.report->text != nullptr) {
        request.report->text(request.report->ctx, RST_TEXT_DESCRIPTION_JSON, sdk::rst(description(request, stats)));
      }
      return result;
    }
    default: return error(RST_E_UNSUPPORTED, "action ", request.action, " is not known");
  }
}

/// Exact and of this moment: nothing is cached.
std::int32_t Instance::snapshot(sdk::Object& object, const rst_stats_query& query, std::vector<rst_stat>& stats,
                                std::uint64_t& age_ns, sdk::ErrorOut error) {
  age_ns = 0;
  if (object.type() == sdk::ObjectType::kSubscription) {
    auto& subscription = static_cast<Subscription&>(object);
    return Stats::of(subscription.broker, subscription.state, stats, error);
  }
  if (object.type() == sdk::ObjectType::kPublisher) {
    auto& publisher = static_cast<Publisher&>(object);
    Stats::of(publisher.broker, publisher.state, stats);
    return RST_DONE;
  }
  auto& broker = static_cast<Connection&>(object).broker;
  if (query.name.len > 0) {
    return Stats::of(broker, {sdk::view(query.name), sdk::view(query.parent), query.kind == kLog}, stats, error);
  }
  Stats::of(broker, stats);
  return RST_DONE;
}

}  // namespace ruststream::memory
