#include "barriers.hpp"

#include "link.hpp"

namespace ruststream::nats {

void Barriers::add(Session* session, Time deadline, Done done) {
  if (session == nullptr) return done(NATS_CONNECTION_DISCONNECTED);
  session_ = session;
  const auto added = waiting_.insert(waiting_.end(), {std::move(done), Timers::kNone});
  added->timer = io_.timers.at(deadline, [this, added] {
    const Done late = std::move(added->done);
    waiting_.erase(added);
    late(NATS_TIMEOUT);
  });
  if (!busy_) ping();
}

void Barriers::ping() {
  busy_ = true;
  for (Waiting& each : waiting_) each.sent = true;
  const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(longest_silence).count();
  worker->post([&io = io_, link = link_, nc = session_->nc(), timeout] {
    const natsStatus status = natsConnection_FlushTimeout(nc, timeout);
    io.post(link, [status](Link& self) { self.ponged(status); });
  });
}

void Barriers::ponged(natsStatus status) {
  busy_ = false;
  std::list<Waiting> over;
  while (!waiting_.empty() && waiting_.front().sent) over.splice(over.end(), waiting_, waiting_.begin());
  if (session_ != nullptr && !waiting_.empty()) ping();
  for (Waiting& each : over) {
    io_.timers.cancel(each.timer);
    each.done(status);
  }
}

void Barriers::session_down() {
  session_ = nullptr;
  std::list<Waiting> over = std::exchange(waiting_, {});
  for (Waiting& each : over) {
    io_.timers.cancel(each.timer);
    each.done(NATS_CONNECTION_DISCONNECTED);
  }
}

}  // namespace ruststream::nats
