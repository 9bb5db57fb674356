// Settling, and giving back at close: messages to the reply subjects of deliveries.
#include "errors.hpp"
#include "jetstream_consumer.hpp"
#include "link.hpp"

#include <cstdio>

namespace ruststream::nats {
namespace {

/// What is published to a delivery's reply subject. The text lives in `delayed` where there is a delay.
std::string_view body_of(const rst_settlement& item, std::array<char, 48>& delayed) {
  switch (item.verdict) {
    case RST_VERDICT_ACK: return "+ACK";
    case RST_VERDICT_REJECT: return "+TERM";  // with a reason servers before 2.10.4 take it for nothing at all
    case RST_VERDICT_EXTEND: return "+WPI";
    default: break;
  }
  if (item.delay_ns == 0) return "-NAK";
  const int length = std::snprintf(delayed.data(), delayed.size(), R"(-NAK {"delay": %llu})",
                                   static_cast<unsigned long long>(item.delay_ns));
  return {delayed.data(), static_cast<std::size_t>(length)};
}

}  // namespace

/// Confirmed settlements of one call, until each has its status. The I/O thread's, once it is there.
struct StreamConsumer::Confirming {
  struct Item {
    rst_settlement* item;
    std::string subject, body;
    bool pending = true;
  };
  std::uint64_t op = 0;
  Time deadline;
  Timers::Key timer = Timers::kNone;
  std::vector<Item> items;
  std::size_t left = 0;
};

std::int32_t StreamConsumer::settle(const rst_settle& call, sdk::ErrorOut /*error*/) {
  if ((call.flags & RST_SETTLE_CONFIRM) != 0 && call.op != 0) return settle_confirmed(call);
  AckPlace::Buffer subject;
  std::array<char, 48> delayed;
  std::uint64_t counts[RST_VERDICT_EXTEND + 1] = {};
  bool unsent = false;
  std::int32_t result = RST_DONE;
  {
    Outbox::Batch batch(link.outbox);
    result =
        sdk::settle_each(call, owner.verdicts(), tokens_, [&](const rst_settlement& item, const Delivery& delivery) {
          const char* const to = delivery.place.write(subject);
          if (to == nullptr) return -RST_E_INTERNAL;
          const auto body = body_of(item, delayed);
          if (!batch.control(to, nullptr, body)) {
            if (item.verdict == RST_VERDICT_EXTEND) return rst_status(RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE);
            const std::lock_guard lock(unsent_mutex_);
            unsent_.push_back({to, std::string(body)});
            unsent = true;
          }
          ++counts[item.verdict];
          return RST_OK;
        });
  }
  counters_.add(counts);
  if (unsent) send_unsent_later();
  made_room();
  return result;
}

/// There may be room for a pull request by now.
void StreamConsumer::made_room() {
  const auto below = poke_below_.load(std::memory_order_acquire);
  if (below == 0 || tokens_.unsettled() >= below || poke_below_.exchange(0) == 0) return;
  post([](StreamConsumer& self) { self.drain(); });
}

template <class Body>
void StreamConsumer::post(Body body) {
  link.io.post(owner.connection_id(), [id = owner.id(), body = std::move(body)](Link& self) mutable {
    if (auto* const found = self.consumer<StreamConsumer>(id)) body(*found);
  });
}

/// The next session sends them; where there is one already, now.
void StreamConsumer::send_unsent_later() {
  post([](StreamConsumer& self) { self.send_unsent(); });
}

void StreamConsumer::send(const std::vector<Out>& settlements) {
  Outbox::Batch batch(link.outbox);
  for (const Out& each : settlements) (void)batch.control(each.subject.c_str(), nullptr, each.body);
}

void StreamConsumer::send_unsent() {
  if (link.session() == nullptr) return;
  std::vector<Out> out;
  {
    const std::lock_guard lock(unsent_mutex_);
    out.swap(unsent_);
  }
  send(out);
  auto again = std::exchange(unconfirmed_, {});
  for (auto& [of, index] : again) confirm(of, index);
}

/// Each item is published with an inbox: the server answers when it has it.
std::int32_t StreamConsumer::settle_confirmed(const rst_settle& call) {
  auto of = std::make_shared<Confirming>();
  of->op = call.op;
  of->deadline = after(call.timeout_ns, link.settings.op_timeout);
  AckPlace::Buffer subject;
  std::array<char, 48> delayed;
  (void)sdk::settle_each(call, owner.verdicts(), [&](rst_settlement& item) {
    const auto taken = tokens_.take(item.token);
    if (taken != RST_OK) return taken;
    const char* const to = tokens_.value(item.token).place.write(subject);
    if (to == nullptr) {
      tokens_.put_back(item.token);
      return -RST_E_INTERNAL;
    }
    of->items.push_back({&item, to, std::string(body_of(item, delayed))});
    return RST_OK;
  });
  if (of->items.empty()) return RST_DONE;
  of->left = of->items.size();
  link.io.post(owner.connection_id(), [id = owner.id(), of](Link& self) {
    auto* const found = self.consumer<StreamConsumer>(id);
    if (found == nullptr) {  // closed meanwhile: what was unsettled has gone back
      for (auto& each : of->items) each.item->status = -RST_E_CLOSED;
      return self.owner.host().complete(of->op);
    }
    found->confirming_.push_back(of);
    if (found->state_ == State::kClosing) return found->fail_confirming();
    for (std::size_t index = 0; index != of->items.size(); ++index) found->confirm(of, index);
  });
  return RST_PENDING;
}

void StreamConsumer::confirm(const std::shared_ptr<Confirming>& of, std::size_t index) {
  const auto& item = of->items[index];
  link.replies.ask(item.subject, item.body, of->deadline,
                   [&link = link, id = owner.id(), of, index](natsStatus status, natsMsg*) {
                     auto* const self = link.consumer<StreamConsumer>(id);
                     if (self == nullptr) return;
                     const bool away = status == NATS_CONNECTION_DISCONNECTED && self->state_ != State::kClosing &&
                                       !link.is_final() && Clock::now() < of->deadline;
                     if (away) return self->confirm_later(of, index);
                     self->confirmed(of, index, status);
                   });
}

/// With the next session, if it comes in time.
void StreamConsumer::confirm_later(const std::shared_ptr<Confirming>& of, std::size_t index) {
  if (link.session() != nullptr) return confirm(of, index);
  unconfirmed_.emplace_back(of, index);
  if (of->timer == Timers::kNone) {
    of->timer = link.io.timers.at(of->deadline, [this, of] {
      of->timer = Timers::kNone;
      std::erase_if(unconfirmed_, [&](const auto& each) { return each.first == of; });
      for (std::size_t each = 0; each != of->items.size(); ++each) confirmed(of, each, NATS_TIMEOUT);
    });
  }
}

void StreamConsumer::confirmed(const std::shared_ptr<Confirming>& of, std::size_t index, natsStatus status) {
  auto& [item, subject, body, pending] = of->items[index];
  if (!std::exchange(pending, false)) return;
  std::uint64_t counts[RST_VERDICT_EXTEND + 1] = {};
  if (status == NATS_OK ||
      status == NATS_NO_RESPONDERS) {  // the latter: the consumer is gone, and nobody has the message
    item->status = status == NATS_OK ? RST_OK : -RST_E_STALE;
    ++counts[item->verdict];
  } else {
    const auto code = status == NATS_TIMEOUT             ? RST_E_TIMEOUT
                      : status == NATS_CONNECTION_CLOSED ? RST_E_CLOSED
                                                         : RST_E_UNAVAILABLE;
    item->status = status == NATS_NOT_PERMITTED ? rst_status(RST_E_DENIED, RST_ERROR_AUTH | RST_ERROR_USER)
                                                : rst_status(code, RST_ERROR_RETRYABLE | RST_ERROR_MAYBE_APPLIED);
  }
  if (item->status == RST_OK) counters_.add(counts);
  const bool settled = item->status == RST_OK || item->status == -RST_E_STALE;
  if (settled && item->verdict != RST_VERDICT_EXTEND) {
    tokens_.settled(item->token);
  } else {
    tokens_.put_back(item->token);
  }
  if (--of->left != 0) return;
  link.io.timers.cancel(of->timer);
  std::erase(confirming_, of);
  owner.host().complete(of->op);
  made_room();
}

void StreamConsumer::fail_confirming() {
  unconfirmed_.clear();
  while (!confirming_.empty()) {
    const auto of = confirming_.front();
    for (std::size_t index = 0; index != of->items.size(); ++index) confirmed(of, index, NATS_CONNECTION_CLOSED);
  }
}

void StreamConsumer::Counters::add(const std::uint64_t (&counts)[RST_VERDICT_EXTEND + 1]) noexcept {
  const std::pair<std::atomic<std::uint64_t>*, std::uint16_t> all[] = {{&acked, RST_VERDICT_ACK},
                                                                       {&retried, RST_VERDICT_RETRY},
                                                                       {&released, RST_VERDICT_RELEASE},
                                                                       {&rejected, RST_VERDICT_REJECT}};
  for (const auto& [counter, verdict] : all) {
    if (counts[verdict] != 0) counter->fetch_add(counts[verdict], std::memory_order_relaxed);
  }
}

void StreamConsumer::snapshot(std::vector<rst_stat>& stats) const {
  const auto add = [&](std::uint32_t id, std::uint64_t value) { stats.push_back({id, 0, value}); };
  add(RST_STAT_UNSETTLED, settles_ ? tokens_.unsettled() : 0);
  add(RST_STAT_CREDIT, owner.credit().room());
  add(RST_STAT_DELIVERED, counters_.delivered.load(std::memory_order_relaxed));
  add(RST_STAT_REDELIVERED, counters_.redelivered.load(std::memory_order_relaxed));
  add(RST_STAT_ACKED, counters_.acked.load(std::memory_order_relaxed));
  add(RST_STAT_RETRIED, counters_.retried.load(std::memory_order_relaxed));
  add(RST_STAT_RELEASED, counters_.released.load(std::memory_order_relaxed));
  add(RST_STAT_REJECTED, counters_.rejected.load(std::memory_order_relaxed));
  const auto waiting = waiting_.load(std::memory_order_relaxed);
  if (waiting != kUnknown) add(RST_STAT_WAITING, waiting);
}

void StreamConsumer::refused(std::string_view what) { failed_if(what, inbox_, "listen to an inbox"); }

void StreamConsumer::publish_refused(std::string_view what) { failed_if(what, pull_subject_, "pull"); }

void StreamConsumer::failed_if(std::string_view what, const std::string& subject, std::string_view doing) {
  if (subject.empty() || what.find(subject) == std::string_view::npos) return;
  failed(error_of(NATS_NOT_PERMITTED, std::string(doing) + " for stream `" + spec_.config.stream + '`', what));
}

/// What is unsettled goes back to the server, which knows it when the PONG has come; after a loss it is told again.
/// Behind the PONG before that nothing more comes: what was on its way goes back as well.
void StreamConsumer::close(bool abort, Time deadline) {
  const bool first = state_ != State::kClosing;
  if (first) {
    take();
    ++turn_;
    for (auto* const each : {&timer_, &pulse_, &later_}) link.io.timers.cancel(*each);
    const auto closed = make_error(RST_E_CLOSED, 0, "the subscription was closed");
    if (seeking_) end_seek(&closed);
    state_ = State::kClosing;
  }
  fail_confirming();
  deadline_ = deadline;
  if (abort || !first || !settles_) return finish_close();
  AckPlace::Buffer subject;
  tokens_.void_all([&](Delivery&& each) {
    if (const char* const to = each.place.write(subject)) given_back_.push_back({to, "-NAK"});
  });
  send_unsent();
  timer_ = link.io.timers.at(deadline, [this] {
    nak();
    finish_close();
  });
  if (subscription_ != nullptr) (void)natsSubscription_DrainTimeout(subscription_, 0);  // UNSUB; takes what comes yet
  link.barrier(deadline, [&link = link, id = owner.id()](natsStatus) {
    if (auto* const self = link.consumer<StreamConsumer>(id)) self->hand_back();
  });
}

void StreamConsumer::hand_back() {
  take();
  natsSubscription_Destroy(std::exchange(subscription_, nullptr));
  if (given_back_.empty() && held_.empty()) return finish_close();
  give_back();
}

void StreamConsumer::give_back() {
  if (link.session() == nullptr) {
    if (link.is_final()) finish_close();
    return;  // the next session, or the deadline
  }
  // A server before 2.10 mislays what is given back while it keeps a pull request of somebody who is gone. It looks at
  // those when it is asked about the consumer.
  ask("CONSUMER.INFO." + spec_.config.stream + '.' + spec_.config.name, "", "close",
      [](StreamConsumer& self, const Answered& answered) {
        if (!answered.away) self.send_back();
      });
}

void StreamConsumer::nak() {
  for (const Held& each : held_) given_back_.push_back({natsMsg_GetReply(each.message.get()), "-NAK"});
  held_.clear();
  send(given_back_);
}

void StreamConsumer::send_back() {
  nak();
  link.barrier(deadline_, [&link = link, id = owner.id()](natsStatus status) {
    auto* const self = link.consumer<StreamConsumer>(id);
    if (self != nullptr && status != NATS_CONNECTION_DISCONNECTED) self->finish_close();
  });
}

/// A consumer without a name was for this subscription alone. No other state of the server is deleted (F4).
/// Whoever has the last pin destroys this, on whatever thread: nothing of the I/O thread's is left in it.
void StreamConsumer::finish_close() {
  for (auto* const each : {&timer_, &pulse_, &later_}) link.io.timers.cancel(*each);
  natsSubscription_Destroy(std::exchange(subscription_, nullptr));
  const auto& name = settles_ ? spec_.config.name : ordered_name_;
  if (own_ && !name.empty() && link.session() != nullptr) {
    ask_api(link, "CONSUMER.DELETE." + spec_.config.stream + '.' + name, "", Clock::now() + link.settings.op_timeout,
            "", [](const Answered&) {});
  }
  link.consumers.erase(owner.id());
  owner.closed();  // it may be gone
}

}  // namespace ruststream::nats
