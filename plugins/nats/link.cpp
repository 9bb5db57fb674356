#include "link.hpp"

#include "errors.hpp"

namespace ruststream::nats {

Link::Link(sdk::Connection& of, Io& given, Settings said, bool keeps_trying, std::uint64_t timeout_ns)
    : owner(of),
      io(given),
      settings(std::move(said)),
      outbox(given, settings),
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
  dial();
}

void Link::dial() {
  state_ = State::kDialing;
  dialing_ = true;
  auto limited = settings;
  if (!was_up_)
    limited.connect_timeout = std::clamp<nanoseconds>(open_deadline_ - Clock::now(), 1ms, limited.connect_timeout);
  worker_->post([&io = io, id = owner.id(), limited = std::move(limited), server = servers_.next()] {
    rst_error why{};
    std::shared_ptr<Session> made = Session::dial(io, id, limited, server, why);
    io.post(id, [made, why](Link& self) { self.dialed(made, why); });
  });
}

void Link::dialed(std::shared_ptr<Session> session, const rst_error& why) {
  dialing_ = false;
  session_ = std::move(session);
  if (session_ == nullptr) return closing_ ? end_when_idle() : attempt_failed(why);
  session_up();
  if (closing_) session_->cut();
}

void Link::attempt_failed(const rst_error& why) {
  why_ = why;
  const bool refused = (why.flags & RST_ERROR_AUTH) != 0;
  refusals_ = refused ? refusals_ + 1 : 0;
  const bool over = !was_up_ && (Clock::now() >= open_deadline_ || (!keeps_trying_ && servers_.round_is_over()));
  if (refused && refusals_ >= settings.auth_attempts) return fail_for_good(why);
  if (over) return fail_opening(why);
  try_later();
}

void Link::try_later() {
  state_ = State::kWaiting;
  const bool waits = servers_.round_is_over() || was_up_;
  if (servers_.round_is_over()) servers_.begin_round();
  const auto delay = waits ? backoff_.next() : nanoseconds{0};
  next_attempt_ = io.timers.at(Clock::now() + delay, [this] { dial(); });
  if (was_up_) tell(RST_EVENT_CONN_RETRYING, nullptr, backoff_.attempts());
}

void Link::session_up() {
  state_ = State::kUp;
  up_ = true;
  socket_is_full_ = false;
  refusals_ = 0;
  backoff_.reset();
  servers_.begin_round();
  if (!std::exchange(was_up_, true)) owner.opened();
  std::uint64_t most = static_cast<std::uint64_t>(natsConnection_GetMaxPayload(session_->nc()));
  if (settings.max_payload != 0) most = std::min(most, settings.max_payload);
  const rst_capability effective = sdk::cap(RST_CAP_MAX_PAYLOAD, RST_LEVEL_NATIVE, most, RST_CAP_CONDITIONAL);
  rst_event event = sdk::Host::event(RST_EVENT_CONN_UP, owner.about());
  const std::string server = session_->server().text();
  event.text = sdk::rst(server);
  event.caps = &effective;
  event.cap_count = 1;
  owner.host().send(event);
  outbox.up(*session_, most);
  for (const auto& [id, consumer] : consumers) consumer->session_up(*session_);
  for (const auto& [id, producer] : producers) producer->session_up(*session_);
  keep_alive();
  written();
}

void Link::keep_alive() {
  next_ping_ = io.timers.at(Clock::now() + settings.keepalive, [this] {
    if (!barriers_.busy()) barrier(kNever, [](natsStatus) {});
    keep_alive();
  });
}

void Link::ponged(natsStatus status) {
  barriers_.ponged(status);
  if (status == NATS_TIMEOUT && up_) session_->cut();
  if (session_ != nullptr && session_->is_closed()) session_closed();
}

void Link::session_over() {
  up_ = false;
  io.timers.cancel(next_ping_);
  why_ = session_->why();
  outbox.down();
  tell(RST_EVENT_CONN_DOWN, &why_);
  barriers_.session_down();
  for (const auto& [id, consumer] : consumers) consumer->session_down(why_);
  for (const auto& [id, producer] : producers) producer->session_down(why_);
}

/// cnats has forgotten it; a worker that waits for its PONG is on its way out.
void Link::session_closed() {
  if (barriers_.busy()) return;  // ponged comes back here
  if (up_) session_over();
  session_.reset();
  if (closing_) return end_when_idle();
  const bool refused = (why_.flags & RST_ERROR_AUTH) != 0;
  refusals_ = refused ? 1 : 0;
  if (refused && refusals_ >= settings.auth_attempts) return fail_for_good(why_);
  try_later();
}

void Link::fail_opening(const rst_error& why) {
  const bool late = Clock::now() >= open_deadline_ && rst_status_code(rst_status(why.code, 0)) == RST_E_TIMEOUT;
  (void)late;
  io.links.erase(owner.id());
  owner.open_failed(why);  // it may be gone
}

void Link::fail_for_good(const rst_error& why) {
  if (!was_up_) return fail_opening(why);
  state_ = State::kFailed;
  why_ = why;
  why_.flags |= RST_ERROR_FATAL;
  tell(RST_EVENT_CONN_FAILED, &why_);
  std::vector<std::shared_ptr<Publication>> over;
  outbox.expire(Clock::now(), rst_status(why_.code, why_.flags), true, over);
  finish(over);
  for (const auto& [id, consumer] : consumers) consumer->session_down(why_);
}

void Link::close(bool abort, Time deadline) {
  const bool first = !std::exchange(closing_, true);
  io.timers.cancel(next_attempt_);
  if (!up_) return end_when_idle();
  if (abort || !first) return session_->cut();
  barrier(deadline, [this](natsStatus) {
    if (up_) session_->cut();
  });
}

/// Nothing is under way any more: the connection ends, and may be gone when this returns.
void Link::end_when_idle() {
  if (dialing_ || session_ != nullptr || barriers_.busy()) return;
  io.links.erase(owner.id());
  owner.closed();
}

void Link::add(Consumer& consumer, Time deadline) {
  consumers.emplace(consumer.owner.id(), &consumer);
  consumer.open(deadline);
}

void Link::add(Producer& producer) { producers.emplace(producer.owner.id(), &producer); }

void Link::flush(Time deadline, std::uint64_t op) {
  barrier(deadline, [this, op](natsStatus status) {
    if (status == NATS_OK) return owner.host().complete(op);
    owner.host().fail(op, error_of(status, "flush", ""));
  });
}

pollfd Link::wanted() const noexcept {
  if (!up_) return {-1, 0, 0};
  return {session_->fd(), static_cast<short>(POLLIN | (socket_is_full_ ? POLLOUT : 0)), 0};
}

bool Link::writes_now() const noexcept { return up_ && !socket_is_full_ && session_->wants_write(); }

void Link::serve(short ready) {
  if (!up_) return;
  if (session_->wants_write() && (!socket_is_full_ || (ready & POLLOUT) != 0)) write();
  if (up_ && (ready & (POLLIN | POLLHUP | POLLERR)) != 0) read();
  if (up_ && session_->is_over()) session_over();
}

void Link::read() {
  session_->read();
  for (const auto& [id, consumer] : consumers) consumer->drain();
}

void Link::write() {
  session_->write();
  socket_is_full_ = session_->wants_write();
  if (!socket_is_full_) written();
}

/// There may be room again.
void Link::written() {
  std::vector<std::shared_ptr<Publication>> over;
  outbox.pump(over);
  finish(over);
}

void Link::finish(std::vector<std::shared_ptr<Publication>>& publications) {
  for (const auto& each : publications) {
    if (each->op != 0) {
      owner.host().complete(each->op);
      continue;
    }
    if (each->failed == 0) continue;
    rst_event event = sdk::Host::event(RST_EVENT_PUB_FAILED, {owner.id(), each->publisher});
    const rst_error error =
        make_error(rst_status_code(each->status), rst_status_flags(each->status), "messages were not sent");
    event.error = &error;
    event.value = each->failed;
    if (producers.contains(each->publisher)) owner.host().send(event);
  }
}

void Link::tell(std::uint32_t kind, const rst_error* error, std::uint64_t value) {
  rst_event event = sdk::Host::event(kind, owner.about());
  event.error = error;
  event.value = value;
  owner.host().send(event);
}

}  // namespace ruststream::nats
