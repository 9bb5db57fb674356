#include "plugin.hpp"

#include "address.hpp"

#include <algorithm>

namespace ruststream::memory {
namespace {

ConnectionOptions connection_options(const sdk::Options& options) {
  ConnectionOptions made;
  made.topics = topic_options(options);
  made.creates_topics = options[kTopicsOption].text() == "create";
  made.max_payload = options[kMaxPayloadOption].bytes();
  made.request_timeout_ns = options[kOpTimeoutOption].nanoseconds();
  made.disconnect_after_ns = options[kDisconnectAfterOption].nanoseconds();
  made.disconnect_messages = options[kDisconnectMessagesOption].u64();
  made.reconnect_delay_ns = options[kReconnectDelayOption].nanoseconds();
  return made;
}

}  // namespace

std::string_view broker_name(std::string_view url) noexcept {
  const auto colon = url.find(':');
  auto name = colon == std::string_view::npos ? std::string_view{} : url.substr(colon + 1);
  name = name.substr(0, name.find('?'));  // what follows are options, which the host has passed as such
  if (name.starts_with("//")) name.remove_prefix(2);
  return name;
}

TopicOptions topic_options(const sdk::Options& options, const TopicOptions* fallback) {
  const auto value = [&](std::size_t index, std::uint64_t inherited) {
    return fallback != nullptr && !options[index].given() ? inherited : options[index].u64();
  };
  TopicOptions made;
  made.capacity_messages = value(kCapacityOption, fallback != nullptr ? fallback->capacity_messages : 0);
  made.capacity_bytes = value(kCapacityBytesOption, fallback != nullptr ? fallback->capacity_bytes : 0);
  made.partitions =
      static_cast<std::uint32_t>(value(kPartitionsOption, fallback != nullptr ? fallback->partitions : 0));
  const bool inherits = fallback != nullptr && !options[kAssignOption].given();
  made.assigns = inherits ? fallback->assigns : options[kAssignOption].text() == "partitions";
  return made;
}

Instance::Instance(sdk::Host host)
    : clock(host), timer(clock, [this] {
        std::uint64_t pending = 0;
        return run_due(clock.monotonic_ns(), pending);
      }) {}

Broker& Instance::broker_of(std::string_view url) {
  const auto name = broker_name(url);
  const std::lock_guard lock(mutex);
  const auto found =
      std::find_if(brokers.begin(), brokers.end(), [&](const auto& each) { return each->name() == name; });
  if (found != brokers.end()) return **found;
  if (brokers.size() == kMaxBrokers) {
    throw sdk::Failure{RST_E_EXHAUSTED, "this instance has ", kMaxBrokers, " brokers already; reuse a name"};
  }
  brokers.push_back(std::make_unique<Broker>(std::string(name), static_cast<std::uint32_t>(brokers.size()), clock,
                                             [this](std::int64_t due_ns) { timer.wake_by(due_ns); }));
  return *brokers.back();
}

Broker* Instance::giver_of(std::uint64_t id) {
  const auto number = id & ((std::uint64_t{1} << Broker::kNumberBits) - 1);
  const std::lock_guard lock(mutex);
  return number < brokers.size() ? brokers[number].get() : nullptr;
}

std::int32_t Instance::commit(std::uint64_t tx, std::uint64_t /*op*/, sdk::ErrorOut error) {
  Broker* const broker = giver_of(tx);
  return broker != nullptr ? broker->commit(tx, error) : error(RST_E_STALE, "transaction ", tx, " never began");
}

std::int32_t Instance::abort(std::uint64_t tx, std::uint64_t /*op*/, sdk::ErrorOut error) {
  Broker* const broker = giver_of(tx);
  return broker != nullptr ? broker->abort(tx, error) : error(RST_E_STALE, "transaction ", tx, " never began");
}

std::int32_t Instance::answer(std::uint64_t answer, std::int32_t /*status*/,
                              std::span<const rst_position> /*positions*/, sdk::ErrorOut error) {
  Broker* const broker = giver_of(answer);
  return broker != nullptr ? broker->answer(answer, error) : error(RST_E_STALE, "no event waits for this answer");
}

std::int64_t Instance::run_due(std::int64_t now_ns, std::uint64_t& pending) {
  std::vector<Broker*> all;
  {
    const std::lock_guard lock(mutex);
    for (const auto& broker : brokers) all.push_back(broker.get());
  }
  auto next = kNever;
  for (Broker* broker : all) next = std::min(next, broker->run_due(now_ns, pending));
  return next;
}

std::int32_t Instance::step(std::int64_t now_ns, std::int64_t& next_due_ns, std::uint64_t& pending,
                            sdk::ErrorOut error) {
  if (clock.simulated() && now_ns < clock.monotonic_ns()) {
    return error(RST_E_INVALID, "time does not fall: it was ", clock.monotonic_ns(), " already, not ", now_ns);
  }
  clock.step(now_ns);
  pending = 0;
  next_due_ns = run_due(now_ns, pending);
  return RST_DONE;
}

Instance::Connection::Connection(const sdk::Birth& birth, Instance& instance, const rst_connection_spec& spec)
    : sdk::Connection(birth), broker(instance.broker_of(sdk::view(spec.url))), state(*this) {
  state.options = connection_options({kOptionTable, spec.options, spec.option_count});
}

void Instance::Connection::on_close(bool /*abort*/, std::uint64_t /*timeout_ns*/) { broker.close(state); }

/// Everything accepted has its final status when publish returns (rule P5).
std::int32_t Instance::Connection::flush(std::uint64_t /*timeout_ns*/, std::uint64_t /*op*/, sdk::ErrorOut /*error*/) {
  return RST_DONE;
}

struct Instance::Subscription::Opening {
  SubscriptionOptions options;
  rst_position start{};
  std::uint32_t credit_messages = 0;
  std::uint64_t credit_bytes = 0;
  bool completes = false;  // there is an operation to complete
};

void Instance::Subscription::Delete::operator()(Opening* opening) const noexcept { delete opening; }

Instance::Subscription::Subscription(const sdk::Birth& birth, Instance& /*instance*/, Connection& parent,
                                     const rst_subscription_spec& spec)
    : sdk::Subscription(birth), broker(parent.broker), state(*this, parent.state), opening_(new Opening) {
  auto& options = opening_->options;
  options.group = sdk::view(spec.group.len > 0 ? spec.group : spec.durable);
  for (std::uint32_t i = 0; i < spec.address_count; ++i) options.addresses.emplace_back(sdk::view(spec.addresses[i]));
  std::sort(options.addresses.begin(), options.addresses.end());  // their order does not tell groups apart
  options.log = spec.kind == kLog;
  options.window =
      std::min(spec.window_messages != 0 ? spec.window_messages : InFlight::kMaxWindow, InFlight::kMaxWindow);
  options.max_batch = std::min(spec.max_batch != 0 ? spec.max_batch : kDefaultBatch, Batches::kMaxMessages);
  options.max_attempts = spec.max_attempts;
  options.dead_letter = sdk::view(spec.dead_letter);
  const sdk::Options given{kOptionTable, spec.options, spec.option_count};
  options.ack_timeout_ns = static_cast<std::int64_t>(given[kAckTimeoutOption].nanoseconds());
  options.revoke_timeout_ns = given[kRevokeTimeoutOption].nanoseconds();
  if (spec.start_count > 0) {
    opening_->start = spec.start[0];
    options.start = &opening_->start;
  }
  opening_->credit_messages = spec.credit_messages;
  opening_->credit_bytes = spec.credit_bytes;
  opening_->completes = spec.op != 0;
}

/// With credit from the start the completion is made here, so that it precedes the first delivery (rule C4).
std::int32_t Instance::Subscription::open(sdk::ErrorOut error) {
  const auto result = broker.subscribe(state, opening_->options, error);
  if (result != RST_DONE || opening_->credit_messages == 0 || !opening_->completes) return result;
  const auto opening = std::move(opening_);
  opened();
  broker.join(state);
  broker.credit(state, opening->credit_messages, opening->credit_bytes);
  return RST_PENDING;
}

void Instance::Subscription::on_open() {
  const auto opening = std::move(opening_);
  broker.join(state);
  broker.credit(state, opening->credit_messages, opening->credit_bytes);
}

void Instance::Subscription::on_close(bool /*abort*/, std::uint64_t /*timeout_ns*/) { broker.close(state); }

std::int32_t Instance::Subscription::on_credit(const rst_credit& call, sdk::ErrorOut error) {
  const auto result =
      call.flags == RST_CREDIT_DRAIN ? broker.drain(state, call.op) : broker.credit(state, call.messages, call.bytes);
  return result >= 0 ? result : error(-result, "the subscription is closing");
}

std::int32_t Instance::Subscription::settle(const rst_settle& call, sdk::ErrorOut error) {
  const auto result = broker.settle(state, call);
  return result >= 0 ? result : error(-result, "the subscription is closing");
}

std::int32_t Instance::Subscription::seek(std::span<const rst_position> positions, std::uint64_t op,
                                          sdk::ErrorOut error) {
  if (positions.size() != 1) return error(RST_E_INVALID, "a log has one order of offsets: seek takes one position");
  return broker.seek(state, positions.front(), op, error);
}

Instance::Publisher::Publisher(const sdk::Birth& birth, Instance& /*instance*/, Connection& parent,
                               const rst_publisher_spec& spec)
    : sdk::Publisher(birth),
      broker(parent.broker),
      state(*this, parent.state),
      destination_(sdk::view(spec.destination)) {
  state.makes_logs = spec.kind == kLog;
  state.transactional = (spec.flags & RST_PUBLISHER_TRANSACTIONAL) != 0;
}

std::int32_t Instance::Publisher::begin(Subscription* only, std::uint64_t timeout_ns, std::uint64_t& tx,
                                        std::uint64_t /*op*/, sdk::ErrorOut error) {
  return broker.begin(state, only != nullptr ? &only->state : nullptr, timeout_ns, tx, error);
}

std::int32_t Instance::Publisher::open(sdk::ErrorOut error) { return broker.open(state, destination_, error); }

void Instance::Publisher::on_close(bool /*abort*/, std::uint64_t /*timeout_ns*/) { broker.close(state); }

std::int32_t Instance::Publisher::flush(std::uint64_t /*timeout_ns*/, std::uint64_t /*op*/, sdk::ErrorOut /*error*/) {
  return RST_DONE;
}

}  // namespace ruststream::memory

RUSTSTREAM_PLUGIN(ruststream::memory::Instance, "org.ruststream.memory", "0.1.0", "memory");
