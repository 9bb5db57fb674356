#include "core_consumer.hpp"

#include "declarations.hpp"
#include "errors.hpp"
#include "subjects.hpp"

namespace ruststream::nats {
namespace {

constexpr auto kReportEvery = 100ms;  // of losses: a flood of messages is no flood of events

std::vector<std::string> addresses_of(const rst_subscription_spec& spec) {
  std::vector<std::string> addresses;
  for (std::uint32_t i = 0; i < spec.address_count; ++i) addresses.emplace_back(sdk::view(spec.addresses[i]));
  return addresses;
}

std::uint64_t option(const rst_subscription_spec& spec, std::size_t index) {
  return sdk::Options{kOptionTable, spec.options, spec.option_count}[index].u64();
}

/// Of a number that one thread writes.
void add(std::atomic<std::uint64_t>& number, std::uint64_t more) {
  number.store(number.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

}  // namespace

CoreConsumer::CoreConsumer(sdk::Subscription& of, Link& on, const rst_subscription_spec& spec)
    : Consumer(of, on),
      addresses_(addresses_of(spec)),
      group_(sdk::view(spec.group)),
      shows_address_(addresses_.size() > 1 || has_wildcard(addresses_.front())),
      most_messages_(option(spec, sdk::index_of(kOptionTable, "pending_messages"))),
      most_bytes_(option(spec, sdk::index_of(kOptionTable, "pending_bytes"))),
      pool_(sdk::BatchPool<Received>::make(spec.max_batch == 0 ? kCoreDefaultBatch : spec.max_batch)) {}

CoreConsumer::~CoreConsumer() {
  for (natsMsg* const each : waiting_) natsMsg_Destroy(each);
}

void CoreConsumer::open(Time deadline) {
  if (link.is_final()) return open_failed(link.why_away());
  deadline_ = deadline;
  timer_ = link.io.timers.at(deadline, [this] {
    open_failed(make_error(RST_E_TIMEOUT, RST_ERROR_RETRYABLE, "no server answered in time to subscribe to `",
                           sdk::subject(addresses_.front()), "`"));
  });
  if (Session* const session = link.session(); session != nullptr) subscribe(*session);
}

void CoreConsumer::session_up(Session& session) { subscribe(session); }

/// SUB for each address, then PING: its PONG says that the server has them.
void CoreConsumer::subscribe(Session& session) {
  for (const std::string& address : addresses_) {
    natsSubscription* made = nullptr;
    const natsStatus status =
        group_.empty() ? natsConnection_SubscribeSync(&made, session.nc(), address.c_str())
                       : natsConnection_QueueSubscribeSync(&made, session.nc(), address.c_str(), group_.c_str());
    if (status != NATS_OK) return subscribed(status);
    (void)natsSubscription_SetPendingLimits(made, -1, -1);  // it is emptied after each read; the bound is here
    subscriptions_.push_back(made);
  }
  link.barrier(is_open_ ? kNever : deadline_, [this, id = owner.id(), &on = link](natsStatus status) {
    if (on.consumers.contains(id)) subscribed(status);
  });
}

void CoreConsumer::subscribed(natsStatus status) {
  if (status == NATS_CONNECTION_DISCONNECTED || status == NATS_TIMEOUT) return;  // the next session, or the timer
  if (closing_) return;
  if (status != NATS_OK) return ended(error_of(status, "subscribing to " + addresses_.front(), ""));
  if (is_open_) {
    if (std::exchange(resuming_, false)) owner.host().send(sdk::Host::event(RST_EVENT_SUB_UP, owner.about()));
    return;
  }
  link.io.timers.cancel(timer_);
  is_open_ = true;
  owner.opened();
  drain();
}

void CoreConsumer::session_down(const rst_error& why) {
  for (natsSubscription* const each : subscriptions_) natsSubscription_Destroy(each);
  subscriptions_.clear();
  if (closing_) return end();
  if (!is_open_) {
    if (link.is_final()) open_failed(why);
    return;
  }
  rst_event event = sdk::Host::event(link.is_final() ? RST_EVENT_SUB_ENDED : RST_EVENT_SUB_DOWN, owner.about());
  event.error = &why;
  resuming_ = !link.is_final();
  owner.host().send(event);
}

/// The server refuses one of the subjects, now or later: permissions may change.
void CoreConsumer::refused(std::string_view what) {
  for (const std::string& address : addresses_) {
    if (what.find('"' + address + '"') == std::string_view::npos) continue;
    return ended(error_of(NATS_NOT_PERMITTED, "subscription to `" + address + '`', what));
  }
}

void CoreConsumer::ended(const rst_error& why) {
  if (closing_) return;
  if (!is_open_) return open_failed(why);
  unsubscribe();
  rst_event event = sdk::Host::event(RST_EVENT_SUB_ENDED, owner.about());
  event.error = &why;
  owner.host().send(event);
}

void CoreConsumer::open_failed(const rst_error& why) {
  link.io.timers.cancel(timer_);
  unsubscribe();
  link.consumers.erase(owner.id());
  owner.open_failed(why);  // it may be gone
}

void CoreConsumer::unsubscribe() {
  for (natsSubscription* const each : subscriptions_) natsSubscription_Destroy(each);  // which sends UNSUB
  subscriptions_.clear();
}

/// The last messages of this subscription may be on their way: they are delivered as long as there is credit.
void CoreConsumer::close(bool abort, Time deadline) {
  const bool first = !std::exchange(closing_, true);
  link.io.timers.cancel(timer_);
  if (first) drain();
  if (!first || abort || link.session() == nullptr) return end();
  for (natsSubscription* const each : subscriptions_) {
    (void)natsSubscription_DrainTimeout(each, 0);  // UNSUB, and yet takes what comes
  }
  link.barrier(deadline, [this, id = owner.id(), &on = link](natsStatus) {
    if (!on.consumers.contains(id)) return;
    drain();
    end();
  });
}

void CoreConsumer::end() {
  link.io.timers.cancel(report_);
  report_losses();
  unsubscribe();
  const auto dropped = waiting_.size();
  link.consumers.erase(owner.id());
  owner.closed(dropped);  // it may be gone
}

void CoreConsumer::drain() {
  if (!is_open_) return;
  pump();
  keep_the_rest();
  while (!waiting_.empty() && starve()) pump();
}

void CoreConsumer::pump() {
  if (!owner.try_pin()) return;
  sdk::pump(
      owner, *pool_, [this](sdk::Batch<Received>& batch, std::uint32_t most) { fill(batch, most); },
      [this](sdk::Batch<Received>& batch) { take_back(batch); });
  owner.unpin();
}

void CoreConsumer::fill(sdk::Batch<Received>& batch, std::uint32_t most) {
  for (; batch.size() != most && !waiting_.empty(); waiting_.pop_front()) {
    waiting_bytes_ -= static_cast<std::uint64_t>(natsMsg_GetDataLength(waiting_.front()));
    add_received(batch, waiting_.front(), shows_address_);
  }
  while (batch.size() != most) {
    natsMsg* const message = next();
    if (message == nullptr) break;
    add_received(batch, message, shows_address_);
  }
  const std::uint32_t anew = batch.size() - std::min(batch.size(), counted_before_);
  counted_before_ -= batch.size() - anew;
  add(delivered_, anew);
  pending_.store(waiting_.size(), std::memory_order_relaxed);
}

/// What cnats has received; nullptr: nothing.
natsMsg* CoreConsumer::next() {
  for (std::size_t tried = 0; tried < subscriptions_.size();) {
    natsMsg* message = nullptr;
    const natsStatus status = arrived_.next(subscriptions_[next_subscription_], message);
    if (status == NATS_OK) return message;
    if (status == NATS_NO_RESPONDERS) continue;  // the server's own note to somebody who used this subject for replies
    next_subscription_ = (next_subscription_ + 1) % subscriptions_.size();
    ++tried;
  }
  return nullptr;
}

void CoreConsumer::take_back(sdk::Batch<Received>& batch) {
  counted_before_ += batch.size();
  for (std::uint32_t i = batch.size(); i-- > 0;) {
    natsMsg* const message = std::exchange(batch.item(i).message, nullptr);
    waiting_bytes_ += static_cast<std::uint64_t>(natsMsg_GetDataLength(message));
    waiting_.push_front(message);
  }
}

/// Without credit: as many as may wait do, and what is more is lost.
void CoreConsumer::keep_the_rest() {
  while (natsMsg* const message = next()) {
    const auto bytes = static_cast<std::uint64_t>(natsMsg_GetDataLength(message));
    if (waiting_.size() >= most_messages_ || waiting_bytes_ + bytes > most_bytes_) {
      natsMsg_Destroy(message);
      add(dropped_, 1);
      ++unreported_;
      continue;
    }
    waiting_.push_back(message);
    waiting_bytes_ += bytes;
  }
  pending_.store(waiting_.size(), std::memory_order_relaxed);
  if (unreported_ == 0 || report_ != Timers::kNone) return;
  report_ = link.io.timers.at(Clock::now() + kReportEvery, [this] {
    report_ = Timers::kNone;
    report_losses();
  });
}

void CoreConsumer::report_losses() {
  if (unreported_ == 0) return;
  rst_event event = sdk::Host::event(RST_EVENT_SUB_DROPPED, owner.about());
  event.value = std::exchange(unreported_, 0);
  owner.host().send(event);
}

void CoreConsumer::snapshot(std::vector<rst_stat>& stats) const {
  stats.push_back({RST_STAT_WAITING, 0, pending_.load(std::memory_order_relaxed)});
  stats.push_back({RST_STAT_DELIVERED, 0, delivered_.load(std::memory_order_relaxed)});
  stats.push_back({RST_STAT_DROPPED, 0, dropped_.load(std::memory_order_relaxed)});
}

std::int32_t CoreConsumer::settle(const rst_settle& call, sdk::ErrorOut /*error*/) {
  return sdk::settle_each(call, owner.verdicts(), [](const rst_settlement& item) {
    return item.token == 0 ? -RST_E_INVALID : -RST_E_STALE;  // every token of this kind is 0
  });
}

std::int32_t CoreConsumer::seek(std::span<const rst_position> /*positions*/, std::uint64_t /*op*/,
                                sdk::ErrorOut error) {
  return error(RST_E_UNSUPPORTED, "kind `core` keeps nothing to seek in");
}

}  // namespace ruststream::nats
