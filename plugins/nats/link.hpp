// The I/O thread's side of a connection: one session after the other, and what outlives them.
#pragma once

#include "barriers.hpp"
#include "dial_guard.hpp"
#include "outbox.hpp"
#include "replies.hpp"
#include "requests.hpp"
#include "roles.hpp"
#include "servers.hpp"

#include <map>
#include <vector>

namespace ruststream::nats {

/// Belongs to its sdk::Connection. All on the I/O thread, but where it says otherwise.
class Link {
 public:
  Link(sdk::Connection& of, Io& io, Settings settings, bool keeps_trying, std::uint64_t timeout_ns);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Brings about owner.opened() or owner.open_failed(). [any thread]
  void open();
  /// Brings about owner.closed(). Its subscriptions and publishers have ended.
  void close(bool abort, Time deadline);

  void add(Consumer& consumer, Time deadline);
  void add(Producer& producer);
  /// The one of this id, of whatever class its kind makes; nullptr: it has ended.
  template <class T = Consumer>
  [[nodiscard]] T* consumer(std::uint64_t id) const {
    const auto found = consumers.find(id);
    return found != consumers.end() ? static_cast<T*>(found->second) : nullptr;
  }
  template <class T = Producer>
  [[nodiscard]] T* producer(std::uint64_t id) const {
    const auto found = producers.find(id);
    return found != producers.end() ? static_cast<T*>(found->second) : nullptr;
  }

  /// The session while the connection is up, else nullptr.
  [[nodiscard]] Session* session() noexcept { return up_ && greeted_ ? session_.get() : nullptr; }
  /// Why there is none; `is_final`: and there will be none.
  [[nodiscard]] const rst_error& why_away() const noexcept { return why_; }
  [[nodiscard]] bool is_final() const noexcept { return state_ == State::kFailed; }

  /// `done(status)` when the server has processed all that was sent so far: NATS_OK; NATS_TIMEOUT at the deadline; or
  /// NATS_CONNECTION_DISCONNECTED, at once where there is no session. What the server refused has been told by then.
  void barrier(Time deadline, Barriers::Done done) { barriers_.add(session(), deadline, std::move(done)); }
  /// Completes `op` when all that was accepted before has its final status and the server has processed it.
  void flush(Time deadline, std::uint64_t op);

  /// Takes back what a publisher's calls still hold; how many messages.
  std::uint64_t drop(std::uint64_t publisher);

  // For Io.
  [[nodiscard]] int descriptor() const noexcept;
  [[nodiscard]] short wanted() const noexcept;
  [[nodiscard]] Time next_write() noexcept;
  void serve(short ready);
  // For Session and Barriers.
  void connecting();
  void refused(const std::string& what);
  void leaving();
  void discover(const std::vector<std::string>& urls);
  void session_closed();
  void ponged(natsStatus status);

  sdk::Connection& owner;
  Io& io;
  const Settings settings;
  Outbox outbox;                                 // any thread
  Requests requests;                             // any thread
  std::map<std::uint64_t, Consumer*> consumers;  // by the host's ids, like the next
  std::map<std::uint64_t, Producer*> producers;
  Replies replies{*this};

 private:
  enum class State : std::uint8_t { kDialing, kUp, kWaiting, kFailed };
  struct Flush {
    Time deadline;
    std::uint64_t op;
  };

  void begin();
  void dial();
  void guard_later(nanoseconds wait);
  void dialed(std::shared_ptr<Session> session, const rst_error& why);
  void greet();
  void attempt_failed(const rst_error& why);
  void session_up();
  void end_session();
  void session_over();
  void try_later();
  void fail_for_good(const rst_error& why);
  void fail_opening(const rst_error& why);
  void end_when_idle();
  void keep_alive();
  void pong_counts(natsStatus status);
  void read();
  void write();
  void written();
  void tell(std::uint32_t kind, const rst_error* error, std::uint64_t value = 0);
  void finish(const Outbox::Finished& publications);
  void flush_waiting();
  void sweep_later();
  void stop_timers();

  const bool keeps_trying_;  // RST_CONNECT_RETRY_INITIAL
  const std::uint64_t timeout_ns_;
  State state_ = State::kDialing;
  bool up_ = false, greeted_ = false, was_up_ = false, closing_ = false, ends_session_ = false, dialing_ = false,
       socket_is_full_ = false;
  Time open_deadline_;
  std::uint64_t refusals_ = 0;  // of the credentials, in a row
  rst_error why_{};
  Servers servers_;
  std::unique_ptr<DialGuard> guard_;
  Timers::Key guard_timer_ = Timers::kNone;
  nanoseconds guard_after_{};
  sdk::Backoff backoff_;
  Timers::Key next_attempt_ = Timers::kNone, next_ping_ = Timers::kNone, next_sweep_ = Timers::kNone;
  std::vector<Flush> flushes_;        // that wait for a session, or for what is held
  std::shared_ptr<Session> session_;  // until cnats has closed it; up_ says whether it is of use
  Barriers barriers_;
  std::unique_ptr<sdk::IoThread> worker_;  // dials and waits for PONGs: what blocks. Idle when the link ends
};

}  // namespace ruststream::nats
