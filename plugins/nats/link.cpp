#include "link.hpp"

#include "errors.hpp"

#include <algorithm>

namespace ruststream::nats {
namespace {

constexpr nanoseconds kDialGrace = 250ms;  // beyond its timeout; an operation has a second (C1)
constexpr auto kRefusalGrace = 100ms;      // for cnats' callback thread, on a busy machine too
constexpr auto kSweepEvery = 20ms;         // for what waits past its deadline while it cannot be sent

/// Each may take itself out of the table.
template <typename Table, typename Body>
void for_each(Table& table, Body&& body) {
  for (auto at = table.begin(); at != table.end();) {
    const auto each = at++;
    body(*each->second);
  }
}

}  // namespace

Link::Link(sdk::Connection& of, Io& given, Settings said, bool keeps_trying, std::uint64_t timeout_ns)
    : owner(of),
      io(given),
      settings(std::move(said)),
      outbox(given, settings),
      requests(*this, settings.inbox_prefix),
      keeps_trying_(keeps_trying),
      timeout_ns_(timeout_ns),
      servers_(settings.servers, settings.randomize),
      backoff_(settings.reconnect_delay, settings.reconnect_max_delay),
      barriers_(given, of.id()) {
  barriers_.longest_silence = 2 * settings.keepalive;
}

void Link::open() {
  io.run([this] { begin(); });  // it cannot end before this has run
}

void Link::begin() {
  io.links.emplace(owner.id(), this);
  worker_ = std::make_unique<sdk::IoThread>("nats-work");
  barriers_.worker = worker_.get();
  open_deadline_ = after(timeout_ns_, settings.connect_timeout * static_cast<std::int64_t>(servers_.size()));
  if (closing_) return end_when_idle();
  dial();
}

void Link::dial() {
  state_ = State::kDialing;
  next_attempt_ = Timers::kNone;
  auto limited = settings;
  if (!was_up_) {
    const auto left = open_deadline_ - Clock::now();
    if (left <= 0ns && why_.code != 0) return fail_opening(why_);
    limited.connect_timeout = std::clamp<nanoseconds>(left, 1ms, limited.connect_timeout);
  }
  dialing_ = true;
  const Server& next = servers_.next();
  guard_ = std::make_unique<DialGuard>(next.port);
  guard_after_ = limited.connect_timeout + kDialGrace;
  worker_->post([&io = io, id = owner.id(), limited = std::move(limited), server = next] {
    rst_error why{};
    const std::shared_ptr<Session> made = Session::dial(io, id, limited, server, why);
    io.post(id, [made, why](Link& self) { self.dialed(made, why); });
  });
}

void Link::connecting() {
  if (dialing_) guard_later(guard_after_);
}

/// From then on the dial is cut short, again and again until it ends.
void Link::guard_later(nanoseconds wait) {
  guard_timer_ = io.timers.at(Clock::now() + wait, [this] {
    guard_->cut();
    guard_later(kDialGrace);
  });
}

void Link::dialed(std::shared_ptr<Session> session, const rst_error& why) {
  dialing_ = false;
  io.timers.cancel(guard_timer_);
  session_ = std::move(session);
  if (session_ == nullptr && closing_) return end_when_idle();
  if (session_ == nullptr && guard_->has_cut()) {
    return attempt_failed(make_error(RST_E_TIMEOUT, RST_ERROR_RETRYABLE, "no answer to the greeting in time"));
  }
  if (session_ == nullptr) return attempt_failed(why);
  if (closing_) return natsConnection_Close(session_->nc());  // nothing was sent on it: this does not wait
  greet();
}

/// A server that says PONG is one indeed, and the PONG shows whether the connection is plain.
void Link::greet() {
  up_ = true;
  greeted_ = false;
  socket_is_full_ = false;
  barriers_.add(session_.get(), Clock::now() + settings.connect_timeout, [this](natsStatus status) {
    if (status == NATS_OK) return session_up();
    if (status == NATS_TIMEOUT) session_->cut();
  });
}

void Link::attempt_failed(const rst_error& why) {
  why_ = why;
  const bool refused = (why.flags & RST_ERROR_AUTH) != 0;
  refusals_ = refused ? refusals_ + 1 : 0;
  if (refused && refusals_ >= settings.auth_attempts) return fail_for_good(why);
  if (!was_up_ && !keeps_trying_ && servers_.round_is_over()) return fail_opening(why);
  try_later();
}

void Link::try_later() {
  state_ = State::kWaiting;
  const bool again = servers_.round_is_over();
  if (again) servers_.begin_round();
  Time due = Clock::now() + (again || refusals_ != 0 ? backoff_.next() : nanoseconds{0});
  if (!was_up_) due = std::min(due, open_deadline_);
  next_attempt_ = io.timers.at(due, [this] { dial(); });
  if (was_up_) tell(RST_EVENT_CONN_RETRYING, nullptr, backoff_.attempts());
}

void Link::session_up() {
  state_ = State::kUp;
  greeted_ = true;
  socket_is_full_ = !session_->is_plain();
  if (!std::exchange(was_up_, true)) owner.opened();
  std::uint64_t most = session_->max_payload();
  if (settings.max_payload != 0) most = std::min(most, settings.max_payload);
  const rst_capability effective = sdk::cap(RST_CAP_MAX_PAYLOAD, RST_LEVEL_NATIVE, most, RST_CAP_CONDITIONAL);
  rst_event event = sdk::Host::event(RST_EVENT_CONN_UP, owner.about());
  const std::string server = session_->server().text();
  event.text = sdk::rst(server);
  event.caps = &effective;
  event.cap_count = 1;
  owner.host().send(event);
  discover(session_->discovered());
  outbox.up(*session_, most);
  replies.up(*session_);
  for_each(consumers, [this](Consumer& each) { each.session_up(*session_); });
  for_each(producers, [this](Producer& each) { each.session_up(*session_); });
  keep_alive();
  written();
}

void Link::discover(const std::vector<std::string>& urls) {
  if (!settings.discover) return;
  for (const std::string& each : urls) servers_.discovered(each);
}

void Link::keep_alive() {
  next_ping_ = io.timers.at(Clock::now() + settings.keepalive, [this] {
    if (!barriers_.busy()) barrier(kNever, [](natsStatus) {});
    keep_alive();
  });
}

void Link::ponged(natsStatus status) {
  if (!up_ || !session_->was_refused()) return pong_counts(status);
  // What the server refused goes another way, by cnats' callback thread, and shall be known first.
  io.timers.at(Clock::now() + kRefusalGrace, [&all = io, id = owner.id(), status] {
    if (const auto found = all.links.find(id); found != all.links.end()) found->second->pong_counts(status);
  });
}

void Link::pong_counts(natsStatus status) {
  barriers_.ponged(status);
  if (status == NATS_OK) {  // it is a session indeed
    refusals_ = 0;
    backoff_.reset();
    servers_.begin_round();
  }
  if (status == NATS_TIMEOUT && up_) session_->cut();
  if (session_ != nullptr && session_->is_closed()) session_closed();
}

void Link::session_over() {
  up_ = false;
  io.timers.cancel(next_ping_);
  why_ = session_->why();
  if (!greeted_) return barriers_.session_down();
  outbox.down();
  requests.session_down();
  if (!ends_session_) tell(RST_EVENT_CONN_DOWN, &why_);
  barriers_.session_down();
  replies.down();
  for_each(consumers, [this](Consumer& each) { each.session_down(why_); });
  for_each(producers, [this](Producer& each) { each.session_down(why_); });
  sweep_later();
}

/// cnats has forgotten it; a worker that waits for its PONG is on its way out.
void Link::session_closed() {
  if (up_) session_over();
  if (barriers_.busy()) return;  // ponged comes back here
  session_.reset();
  if (closing_) return end_when_idle();
  if (!greeted_) return attempt_failed(std::exchange(why_, {}));
  if ((why_.flags & RST_ERROR_AUTH) != 0 && ++refusals_ >= settings.auth_attempts) return fail_for_good(why_);
  try_later();
}

void Link::fail_opening(const rst_error& why) {
  stop_timers();
  io.links.erase(owner.id());
  owner.open_failed(why);  // it may be gone
}

void Link::fail_for_good(const rst_error& why) {
  if (!was_up_) return fail_opening(why);
  state_ = State::kFailed;
  why_ = why;
  why_.flags = (why_.flags | RST_ERROR_FATAL) & ~RST_ERROR_RETRYABLE;
  tell(RST_EVENT_CONN_FAILED, &why_);
  Outbox::Finished over;
  outbox.fail(rst_status(why_.code, why_.flags), over);
  finish(over);
  for_each(consumers, [this](Consumer& each) { each.session_down(why_); });
  for_each(producers, [this](Producer& each) { each.session_down(why_); });
  flush_waiting();
}

void Link::close(bool abort, Time deadline) {
  const bool first = !std::exchange(closing_, true);
  io.timers.cancel(next_attempt_);
  if (dialing_) guard_->cut();
  if (!up_) return end_when_idle();
  if (abort || !first) return end_session();
  barrier(deadline, [this](natsStatus) {
    if (up_) end_session();
  });
}

/// As somebody asked: no loss to tell.
void Link::end_session() {
  ends_session_ = true;
  session_->cut();
}

/// Nothing is under way any more: the connection ends, and may be gone when this returns.
void Link::end_when_idle() {
  if (dialing_ || session_ != nullptr || barriers_.busy() || worker_ == nullptr) return;
  stop_timers();
  const auto why = make_error(RST_E_CLOSED, 0, "the connection was closed");
  for (const Flush& each : std::exchange(flushes_, {})) owner.host().fail(each.op, why);
  io.links.erase(owner.id());
  owner.closed();
}

void Link::stop_timers() {
  for (Timers::Key* const each : {&next_attempt_, &next_ping_, &next_sweep_}) io.timers.cancel(*each);
  requests.stop_timer();
}

void Link::add(Consumer& consumer, Time deadline) {
  consumers.emplace(consumer.owner.id(), &consumer);
  consumer.open(deadline);
}

void Link::add(Producer& producer) {
  producers.emplace(producer.owner.id(), &producer);
  if (session() != nullptr) producer.session_up(*session());
}

void Link::flush(Time deadline, std::uint64_t op) {
  flushes_.push_back({deadline, op});
  flush_waiting();
  sweep_later();
}

/// Those that need not wait for a session, or for what is held: PING. Those past their time fail.
void Link::flush_waiting() {
  const bool ready = session() != nullptr && !outbox.holds_any();
  const Time now = Clock::now();
  for (const Flush& each : std::exchange(flushes_, {})) {
    if (ready) {
      barrier(each.deadline, [this, each](natsStatus status) {
        if (status == NATS_OK) return owner.host().complete(each.op);
        if (status == NATS_CONNECTION_DISCONNECTED) return flush(each.deadline, each.op);  // the next session
        owner.host().fail(each.op, error_of(status, "flush", "the server did not answer in time"));
      });
    } else if (is_final()) {
      owner.host().fail(each.op, why_);
    } else if (now >= each.deadline) {
      owner.host().fail(each.op, make_error(RST_E_TIMEOUT, RST_ERROR_RETRYABLE, "flush: no server took it in time"));
    } else {
      flushes_.push_back(each);
    }
  }
}

int Link::descriptor() const noexcept { return up_ ? session_->fd() : -1; }

short Link::wanted() const noexcept {
  return static_cast<short>(POLLIN | (up_ && socket_is_full_ && session_->wants_write() ? POLLOUT : 0));
}

/// When to write what there is. What is held is taken once nothing is before it: whoever held it woke a thread that did
/// not sleep yet.
Time Link::next_write() noexcept {
  if (!up_) return kNever;
  if (!session_->wants_write()) return greeted_ && outbox.holds_any() ? Time{} : kNever;
  if (socket_is_full_) return kNever;
  const Time next = session_->next_write();
  return !outbox.hurries() && next > Clock::now() && outbox.gathers() ? next : Time{};
}

void Link::serve(short ready) {
  if (!up_) return;
  if (outbox.holds_any()) written();
  if (session_->wants_write() && (socket_is_full_ ? (ready & POLLOUT) != 0 : Clock::now() >= next_write())) write();
  if (up_ && (ready & (POLLIN | POLLHUP | POLLERR)) != 0) read();
  if (up_ && session_->is_over()) session_over();
}

void Link::read() {
  session_->read();
  for_each(consumers, [](Consumer& each) { each.drain(); });
  for_each(producers, [](Producer& each) { each.drain(); });
  replies.drain();
}

void Link::write() {
  const bool empty = session_->write(outbox.writes());
  socket_is_full_ = !empty || !session_->is_plain();  // with TLS it is asked each time
  if (empty) written();
}

/// There may be room again, or something that is held.
void Link::written() {
  if (session() == nullptr) return;
  requests.open_inbox(*session_);
  Outbox::Finished over;
  outbox.pump(over);
  finish(over);
  if (!flushes_.empty()) flush_waiting();
  if (outbox.holds_any()) sweep_later();
}

void Link::sweep_later() {
  if (next_sweep_ != Timers::kNone) return;
  next_sweep_ = io.timers.at(Clock::now() + kSweepEvery, [this] {
    next_sweep_ = Timers::kNone;
    Outbox::Finished over;
    outbox.expire(Clock::now(), rst_status(RST_E_TIMEOUT, RST_ERROR_RETRYABLE), over);
    finish(over);
    flush_waiting();
    if ((!up_ && !is_final()) || !flushes_.empty() || outbox.holds_any()) sweep_later();
  });
}

std::uint64_t Link::drop(std::uint64_t publisher) {
  Outbox::Finished over;
  const auto dropped = outbox.drop(publisher, -RST_E_CANCELLED, over);
  finish(over);
  return dropped;
}

void Link::finish(const Outbox::Finished& publications) {
  for (const auto& each : publications) {
    if (each->op != 0) {
      owner.host().complete(each->op);
      continue;
    }
    if (each->failed == 0 || !producers.contains(each->publisher)) continue;
    rst_event event = sdk::Host::event(RST_EVENT_PUB_FAILED, {owner.id(), each->publisher});
    const auto error = make_error(rst_status_code(each->status), rst_status_flags(each->status),
                                  "messages that waited for the connection were not sent");
    event.error = &error;
    event.value = each->failed;
    owner.host().send(event);
  }
}

/// The server's words end in a subject in quotes.
void Link::refused(const std::string& what) {
  owner.host().log(RST_LOG_WARN, owner.about(), "nats", what);
  if (what.find("ubscription") != std::string::npos) {
    for_each(consumers, [&](Consumer& each) { each.refused(what); });
  } else {
    replies.refused(what);
    for_each(consumers, [&](Consumer& each) { each.publish_refused(what); });
    for_each(producers, [&](Producer& each) { each.refused(what); });
  }
}

void Link::leaving() { tell(RST_EVENT_CONN_LEAVING, nullptr); }

void Link::tell(std::uint32_t kind, const rst_error* error, std::uint64_t value) {
  rst_event event = sdk::Host::event(kind, owner.about());
  event.error = error;
  event.value = value;
  owner.host().send(event);
}

}  // namespace ruststream::nats
