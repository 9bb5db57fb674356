// The host's life and its objects; what the plugin calls is in host_calls.cpp.
#include "host/host.hpp"

#include "host/guarded.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <ctime>

namespace conformance {
namespace {

std::int64_t real_now(std::uint32_t clock) {
  timespec at{};
  ::clock_gettime(clock == RST_CLOCK_WALL ? CLOCK_REALTIME : CLOCK_MONOTONIC, &at);
  return std::int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
}

constexpr std::size_t kShorter = offsetof(rst_host, get_extension);
constexpr std::size_t kLonger = sizeof(rst_host) + 128;

std::size_t size_of(Shape shape) {
  if (shape == Shape::shorter) return kShorter;
  return shape == Shape::longer ? kLonger : sizeof(rst_host);
}

}  // namespace

Host& Host::of(const rst_host* table) noexcept { return *static_cast<Host*>(table->ctx); }

Host::Host(const Plugin& plugin, Ledger& to, Shape shape)
    : ledger(to), table_(static_cast<rst_host*>(Guarded::lend(size_of(shape), "rst_host"))) {
  for (const Kind& kind : plugin.kinds()) settles_anywhere_ = settles_anywhere_ || kind.can(RST_CAP_SETTLE);
  rst_host full{};
  full.abi_major = RST_ABI_MAJOR;
  full.abi_minor = RST_ABI_MINOR;
  full.ctx = this;
  full.name = str("ruststream-conformance");
  full.version = str(RUSTSTREAM_VERSION);
  full.log_level = &log_level;
  full.deliver = [](const rst_host* host, rst_batch* batch) { return of(host).deliver(batch); };
  full.complete = [](const rst_host* host, const rst_completion* all, std::uint32_t count, std::uint32_t stride) {
    for (std::uint32_t i = 0; i < count; ++i) of(host).complete(at_stride(all, stride, i));
  };
  full.event = [](const rst_host* host, const rst_event* event) { of(host).event(*event); };
  full.log = [](const rst_host* host, const rst_log* line) { of(host).log(*line); };
  full.now = [](const rst_host* host, std::uint32_t clock) {
    const std::int64_t simulated = of(host).simulated_ns.load();
    return simulated != 0 ? simulated : real_now(clock);
  };
  full.get_extension = [](const rst_host*, rst_str) -> const void* { return nullptr; };
  full.struct_size = static_cast<std::uint32_t>(size_of(shape));
  std::memcpy(static_cast<void*>(table_), &full, std::min(sizeof full, size_of(shape)));
  if (shape == Shape::longer) std::memset(reinterpret_cast<char*>(table_) + sizeof full, 0x5A, kLonger - sizeof full);
}

Host::~Host() { Guarded::take_back(table_); }

std::uint64_t Host::start_operation(std::string verb, std::uint64_t connection) {
  const std::scoped_lock lock(mutex_);
  const std::uint64_t id = ++last_id_;
  Operation& operation = operations_[id];
  operation.verb = std::move(verb);
  operation.connection = connection;
  return id;
}

void Host::returned(std::uint64_t op, std::int32_t status, WhenOver when_over) {
  std::unique_lock lock(mutex_);
  Operation& operation = operations_.at(op);
  operation.returned = status;
  operation.when_over = std::move(when_over);
  if (status != RST_PENDING && operation.completions != 0) {
    ledger.note("C1",
                "no completion follows a " + operation.verb + " that returned " +
                    (status == RST_DONE ? "DONE" : code_name(-status)),
                "one came");
  }
  over(op, lock);
}

/// Gives back what the operation lent, when that is due. The lock is free while it does.
void Host::over(std::uint64_t op, std::unique_lock<std::mutex>& lock) {
  Operation& operation = operations_.at(op);
  const bool pending = operation.returned == RST_PENDING;
  if (!operation.returned || (pending && operation.completions == 0)) return;
  const std::int32_t code = pending ? operation.result.code() : std::max(0, -*operation.returned);
  const WhenOver when_over = std::exchange(operation.when_over, nullptr);
  lock.unlock();
  if (when_over) when_over(code);
  lock.lock();
  operation.over = true;
  ++news_;
  changed_.notify_all();
}

std::optional<Completed> Host::completed(std::uint64_t op) const {
  const std::scoped_lock lock(mutex_);
  const Operation& operation = operations_.at(op);
  if (operation.completions == 0 || !operation.over) return std::nullopt;
  return operation.result;
}

std::uint64_t Host::name_connection() {
  const std::scoped_lock lock(mutex_);
  const std::uint64_t id = ++last_id_;
  named_.insert({id, {Object::connection, id}});
  return id;
}

std::uint64_t Host::name_publisher(std::uint64_t connection) {
  const std::scoped_lock lock(mutex_);
  const std::uint64_t id = ++last_id_;
  named_.insert({id, {Object::publisher, connection}});
  return id;
}

std::uint64_t Host::name_subscription(std::uint64_t connection, std::uint64_t op, Balance credit,
                                      std::uint32_t max_batch, bool settles) {
  const std::scoped_lock lock(mutex_);
  const std::uint64_t id = ++last_id_;
  operations_.at(op).subscription = id;
  Subscription& subscription = subscriptions_[id];
  subscription.connection = connection;
  subscription.messages = credit.messages;
  subscription.bytes = static_cast<std::int64_t>(credit.bytes);
  subscription.max_batch = max_batch;
  subscription.settles = settles;
  return id;
}

void Host::forget(std::uint64_t id) {
  const std::scoped_lock lock(mutex_);
  const bool connection = named_.contains(id);
  for (auto& [each, named] : named_) named.gone = named.gone || each == id || named.connection == id;
  for (auto& [each, subscription] : subscriptions_) {
    if (each != id && (!connection || subscription.connection != id)) continue;
    subscription.gone = true;
    *subscription.closed = true;
  }
}

void Host::add_credit(std::uint64_t id, Balance credit) {
  const std::scoped_lock lock(mutex_);
  Subscription& subscription = subscriptions_.at(id);
  subscription.messages += credit.messages;
  subscription.bytes += static_cast<std::int64_t>(credit.bytes);
  if (credit.messages != 0 || credit.bytes != 0) subscription.drained = false;
}

void Host::drained(std::uint64_t id) {
  const std::scoped_lock lock(mutex_);
  Subscription& subscription = subscriptions_.at(id);
  subscription.messages = 0;
  subscription.bytes = 0;
  subscription.drained = true;
}

std::optional<Message> Host::take(std::uint64_t id) {
  const std::scoped_lock lock(mutex_);
  std::deque<Message>& arrived = subscriptions_.at(id).arrived;
  if (arrived.empty()) return std::nullopt;
  Message message = std::move(arrived.front());
  arrived.pop_front();
  return message;
}

std::size_t Host::waiting(std::uint64_t id) const {
  const std::scoped_lock lock(mutex_);
  return subscriptions_.at(id).arrived.size();
}

std::uint64_t Host::delivered(std::uint64_t id) const {
  const std::scoped_lock lock(mutex_);
  return subscriptions_.at(id).delivered;
}

std::pair<std::int64_t, std::int64_t> Host::balance(std::uint64_t id) const {
  const std::scoped_lock lock(mutex_);
  const Subscription& subscription = subscriptions_.at(id);
  return {subscription.messages, subscription.bytes};
}

void Host::settled(std::uint64_t id, std::uint64_t token) {
  const std::scoped_lock lock(mutex_);
  subscriptions_.at(id).tokens.erase(token);
}

void Host::void_tokens(std::uint64_t id) {
  const std::scoped_lock lock(mutex_);
  subscriptions_.at(id).tokens.clear();
}

void Host::drop_messages() {
  std::deque<Message> dropped;  // released with the lock free
  const std::scoped_lock lock(mutex_);
  for (auto& [id, subscription] : subscriptions_) {
    for (Message& message : subscription.arrived) dropped.push_back(std::move(message));
    subscription.arrived.clear();
  }
}

std::vector<Event> Host::events() const {
  const std::scoped_lock lock(mutex_);
  return events_;
}

std::optional<Event> Host::take_event(std::uint32_t kind, std::uint64_t subject, std::uint32_t outdated) {
  const std::scoped_lock lock(mutex_);
  const auto concerns = [subject](const Event& event) {
    return event.subject == subject || (event.subject == 0 && event.connection == subject);
  };
  const auto found = std::ranges::find_if(events_, [&](const Event& e) { return e.kind == kind && concerns(e); });
  if (found == events_.end()) return std::nullopt;
  Event event = std::move(*found);
  const auto kept =
      std::remove_if(events_.begin(), found, [&](const Event& e) { return e.kind == outdated && concerns(e); });
  events_.erase(kept, found + 1);
  return event;
}

std::vector<Event> Host::unanswered() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(unanswered_, {});
}

std::vector<std::string> Host::log_lines() const {
  const std::scoped_lock lock(mutex_);
  return log_lines_;
}

std::uint64_t Host::news() const {
  const std::scoped_lock lock(mutex_);
  return news_;
}

std::uint64_t Host::wait_for_news(std::uint64_t seen, std::chrono::nanoseconds at_most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, at_most, [&] { return news_ != seen; });
  return news_;
}

}  // namespace conformance
