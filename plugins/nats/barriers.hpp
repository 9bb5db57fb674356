// Waiting until the server has processed what was sent: PING and PONG.
#pragma once

#include "io.hpp"
#include "session.hpp"

#include <functional>
#include <list>

namespace ruststream::nats {

/// One PING is under way at a time; whoever comes meanwhile waits for the next one. The waiting itself blocks, so the
/// worker does it. [I/O thread]
class Barriers {
 public:
  using Done = std::function<void(natsStatus)>;

  Barriers(Io& io, std::uint64_t link) : io_(io), link_(link) {}

  void add(Session* session, Time deadline, Done done);
  /// The worker is waiting for a PONG of the session: it must not be destroyed.
  [[nodiscard]] bool busy() const noexcept { return busy_; }
  /// The session is over: all fail.
  void session_down();
  /// The worker's answer.
  void ponged(natsStatus status);

  sdk::IoThread* worker = nullptr;
  nanoseconds longest_silence{};  // without a PONG the session is lost

 private:
  struct Waiting {
    Done done;
    Timers::Key timer;
    bool sent = false;
  };

  void ping();

  Io& io_;
  const std::uint64_t link_;
  std::list<Waiting> waiting_;  // those that were sent first
  Session* session_ = nullptr;
  bool busy_ = false;
};

}  // namespace ruststream::nats
