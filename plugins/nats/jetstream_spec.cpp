// What a subscription of a stream asks for: checked without I/O, and turned into a consumer's configuration.
#include "declarations.hpp"
#include "jetstream_consumer.hpp"
#include "subjects.hpp"

#include <algorithm>

namespace ruststream::nats {
namespace {

constexpr auto kStreamOption = sdk::index_of(kOptionTable, "stream");
constexpr auto kDeliverOption = sdk::index_of(kOptionTable, "deliver");
constexpr auto kStartSequenceOption = sdk::index_of(kOptionTable, "start_sequence");
constexpr auto kStartTimeOption = sdk::index_of(kOptionTable, "start_time");
constexpr auto kAckWaitOption = sdk::index_of(kOptionTable, "ack_wait");
constexpr auto kBackoffOption = sdk::index_of(kOptionTable, "backoff");
constexpr auto kMaxDeliverOption = sdk::index_of(kOptionTable, "max_deliver");
constexpr auto kMaxInFlightOption = sdk::index_of(kOptionTable, "max_in_flight");
constexpr auto kInactiveOption = sdk::index_of(kOptionTable, "inactive_threshold");
constexpr auto kReplayOption = sdk::index_of(kOptionTable, "replay");
constexpr auto kHeadersOnlyOption = sdk::index_of(kOptionTable, "headers_only");
constexpr auto kReplicasOption = sdk::index_of(kOptionTable, "consumer_replicas");
constexpr auto kMemoryOption = sdk::index_of(kOptionTable, "consumer_memory");
constexpr auto kExpiresOption = sdk::index_of(kOptionTable, "pull_expires");
constexpr auto kHeartbeatOption = sdk::index_of(kOptionTable, "heartbeat");

constexpr std::uint64_t kInactive = 300'000'000'000;  // of a consumer that is not durable

nanoseconds duration(std::uint64_t ns) { return nanoseconds(static_cast<std::int64_t>(ns)); }

/// A group's consumer is named by the group and what it reads: two groups of one name on other subjects are two.
std::string group_consumer(std::string_view group, const std::vector<std::string>& filters) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  const auto mix = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  };
  mix(group);
  for (const auto& each : filters) {
    mix(" ");
    mix(each);
  }
  std::string name;
  for (const char c : group.substr(0, kMostNameBytes - 20)) name += is_stream_name({&c, 1}) ? c : '_';
  name += '-';
  for (int digit = 0; digit < 16; ++digit, hash >>= 4U) name += "0123456789abcdef"[hash & 15U];
  return name;
}

void check_start(const rst_subscription_spec& spec, const sdk::Options& options, sdk::Report& report) {
  int said = 0;
  for (const auto option : {kDeliverOption, kStartSequenceOption, kStartTimeOption}) said += options[option].given();
  if (said > 1) {
    report.issue(RST_E_OPTION, "option `", sdk::subject("deliver"),
                 "`, `start_sequence` and `start_time` each say where to begin: give one of them");
  }
  if (options[kStartTimeOption].given() && !from_rfc3339(options[kStartTimeOption].text())) {
    report.issue(RST_E_OPTION, "option `", sdk::subject("start_time"), "` is not a time as 2026-01-31T12:00:00Z");
  }
  if (spec.start_count > 1) report.issue(RST_E_INVALID, "a stream has one order: give one start position");
  ConsumerConfig unused;
  if (spec.start_count == 1 && !start_at(spec.start[0], unused)) {
    report.issue(RST_E_INVALID, "the start position is none of a stream");
  }
}

void check_names(const rst_subscription_spec& spec, const sdk::Options& options, sdk::Report& report) {
  const auto group = sdk::view(spec.group);
  const auto durable = sdk::view(spec.durable);
  if (spec.kind == kOrdered && !durable.empty()) {
    report.issue(RST_E_UNSUPPORTED, "durable `", sdk::subject(durable),
                 "`: kind `ordered` keeps nothing at the server; use kind `jetstream`");
  }
  if (!durable.empty() && !is_stream_name(durable)) {
    report.issue(RST_E_INVALID, "durable `", sdk::subject(durable),
                 "` has spaces, dots, wildcards or slashes, or over 200 bytes, which a consumer's name must not");
  }
  if (!group.empty() && !durable.empty() && group != durable) {
    report.issue(
        RST_E_INVALID, "durable `", sdk::subject(durable),
        "` is not the group; all subscriptions of a durable consumer share its messages, name only the durable");
  }
  check_stream_option(options, report);
}

void check_numbers(const sdk::Options& options, sdk::Report& report) {
  const auto delays = options[kBackoffOption].items().size();
  if (delays != 0 && options[kMaxDeliverOption].u64() <= delays) {
    report.issue(RST_E_OPTION, "option `", sdk::subject("backoff"), "` needs `max_deliver` greater than its ", delays,
                 " delays");
  }
  if (options[kHeartbeatOption].nanoseconds() > options[kExpiresOption].nanoseconds() / 2) {
    report.issue(RST_E_OPTION, "option `", sdk::subject("heartbeat"), "` is more than half of `pull_expires`");
  }
}

}  // namespace

void read_delivery(const sdk::Options& options, ConsumerConfig& into) {
  into.deliver = options[kDeliverOption].text();
  if (const auto sequence = options[kStartSequenceOption]; sequence.given()) {
    into.deliver = "by_start_sequence";
    into.start_sequence = sequence.u64();
  }
  if (const auto time = options[kStartTimeOption]; time.given()) {
    into.deliver = "by_start_time";
    into.start_time_ns = from_rfc3339(time.text());
  }
  into.original_replay = options[kReplayOption].text() == "original";
  into.headers_only = options[kHeadersOnlyOption].boolean();
}

void read_settling(const sdk::Options& options, ConsumerConfig& into) {
  into.ack_wait_ns = options[kAckWaitOption].nanoseconds();
  for (const rst_value& each : options[kBackoffOption].items()) into.backoff_ns.push_back(each.as.u64);
  into.max_deliver = options[kMaxDeliverOption].u64();
  into.max_ack_pending = options[kMaxInFlightOption].u64();
  into.replicas = options[kReplicasOption].u64();
  into.memory = options[kMemoryOption].boolean();
}

void check_stream_option(const sdk::Options& options, sdk::Report& report) {
  const auto stream = options[kStreamOption];
  if (!stream.given() || is_stream_name(stream.text())) return;
  report.issue(RST_E_OPTION, "option `", sdk::subject("stream"),
               "` has spaces, dots, wildcards or slashes, or over 200 bytes, which a stream's name must not");
}

bool start_at(const rst_position& position, ConsumerConfig& config) {
  config.start_sequence = 0;
  config.start_time_ns.reset();
  switch (position.kind) {
    case RST_POSITION_EARLIEST: config.deliver = "all"; return true;
    case RST_POSITION_LATEST: config.deliver = "new"; return true;
    case RST_POSITION_TIME:
      config.deliver = "by_start_time";
      config.start_time_ns = position.time_ns;
      return true;
    case RST_POSITION_AT:
    case RST_POSITION_AFTER: {
      const auto sequence = sequence_of(position);
      config.deliver = "by_start_sequence";
      config.start_sequence = sequence.value_or(0);
      return sequence.has_value();
    }
    default: return false;
  }
}

StreamSpec stream_spec_of(const rst_subscription_spec& spec) {
  const sdk::Options options{kOptionTable, spec.options, spec.option_count};
  StreamSpec made;
  ConsumerConfig& config = made.config;
  config.settles = spec.kind == kJetStream;
  config.stream = options[kStreamOption].text();
  for (std::uint32_t i = 0; i < spec.address_count; ++i) config.filters.emplace_back(sdk::view(spec.addresses[i]));
  std::sort(config.filters.begin(), config.filters.end());  // their order does not tell groups apart
  config.durable = spec.durable.len != 0;
  if (config.durable) {
    config.name = sdk::view(spec.durable);
  } else if (spec.group.len != 0) {
    config.name = group_consumer(sdk::view(spec.group), config.filters);
  }
  read_delivery(options, config);
  if (spec.start_count != 0) (void)start_at(spec.start[0], config);
  config.inactive_ns = options[kInactiveOption].given() ? options[kInactiveOption].nanoseconds()
                       : config.durable                 ? 0
                                                        : kInactive;
  made.strict = {"ack_policy", "filter_subject", "filter_subjects"};
  made.window = spec.window_messages != 0 ? spec.window_messages : kStreamDefaultWindow;
  if (config.settles) {
    read_settling(options, config);
    made.strict.insert(made.strict.end(), {"ack_wait", "backoff"});  // what the plan has promised
    const std::pair<std::size_t, const char*> named[] = {{kMaxDeliverOption, "max_deliver"},
                                                         {kMaxInFlightOption, "max_ack_pending"},
                                                         {kReplicasOption, "num_replicas"},
                                                         {kMemoryOption, "mem_storage"}};
    for (const auto& [option, name] : named) {
      if (options[option].given()) made.strict.emplace_back(name);
    }
    made.window = std::min<std::uint32_t>(made.window, static_cast<std::uint32_t>(config.max_ack_pending));
  } else {
    config.replicas = 1;
    config.memory = true;
  }
  const std::pair<std::size_t, const char*> named[] = {
      {kReplayOption, "replay_policy"}, {kHeadersOnlyOption, "headers_only"}, {kInactiveOption, "inactive_threshold"}};
  for (const auto& [option, name] : named) {
    if (options[option].given()) made.strict.emplace_back(name);
  }
  made.expires = duration(options[kExpiresOption].nanoseconds());
  made.heartbeat = duration(options[kHeartbeatOption].nanoseconds());
  made.max_batch = spec.max_batch != 0 ? spec.max_batch : kStreamDefaultBatch;
  made.window_bytes = spec.window_bytes != 0 ? spec.window_bytes : kStreamDefaultBytes;
  made.shows_address = config.filters.size() > 1 || has_wildcard(config.filters.front());
  return made;
}

void validate_stream(const rst_subscription_spec& spec, sdk::Plan& plan, sdk::Report& report) {
  const sdk::Options options{kOptionTable, spec.options, spec.option_count};
  check_names(spec, options, report);
  check_start(spec, options, report);
  check_numbers(options, report);
  plan.default_window = kStreamDefaultWindow;
  plan.max_batch = sdk::BatchPool<StreamItem>::kMaxBatch;
  const bool settles = spec.kind == kJetStream;
  if (settles) {
    const auto backoff = options[kBackoffOption].items();
    plan.ack_deadline_ns = backoff.empty() ? options[kAckWaitOption].nanoseconds() : backoff.front().as.u64;
    plan.max_unsettled = static_cast<std::uint32_t>(options[kMaxInFlightOption].u64());
  }
  if (report.result() != RST_DONE || spec.address_count == 0) return;
  const StreamSpec made = stream_spec_of(spec);
  nlohmann::json binding{{"kind", settles ? "jetstream" : "ordered"}};
  if (!made.config.stream.empty()) binding["stream"] = made.config.stream;
  if (!made.config.name.empty()) binding["consumer"] = made.config.name;
  report.text(RST_TEXT_BINDINGS_JSON, written({{"x-nats", binding}}));
  if (!made.config.name.empty()) {
    report.text(RST_TEXT_GROUP_KEY, "jetstream " + made.config.stream + ' ' + made.config.name);
  }
}

}  // namespace ruststream::nats
