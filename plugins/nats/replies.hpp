// Requests of the plugin's own, each with its reply: JetStream's API and confirmed settlements.
#pragma once

#include "outbox.hpp"
#include "timers.hpp"
#include "unrouted.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace ruststream::nats {

class Link;

/// A link's one inbox for them. All on the I/O thread.
class Replies {
 public:
  static constexpr std::size_t kMostWaiting = 1U << 17U;  // asked and not answered

  /// NATS_OK with the reply, borrowed for the call; NATS_NO_RESPONDERS; NATS_NOT_PERMITTED; NATS_TIMEOUT at the
  /// deadline; NATS_CONNECTION_DISCONNECTED when the session ends, or there is none.
  using Done = std::function<void(natsStatus status, natsMsg* reply)>;

  explicit Replies(Link& link) : link_(link) {}
  Replies(const Replies&) = delete;
  Replies& operator=(const Replies&) = delete;
  ~Replies() = default;  // the last session is over by then, and with it down() has run

  /// `done` runs once, never within this call. Bound by kMostWaiting: beyond that NATS_INSUFFICIENT_BUFFER.
  void ask(const std::string& subject, std::string_view payload, Time deadline, Done done);

  void up(Session& session);
  void down();
  void drain();
  /// The server's words: who asked on the subject in quotes there gets no answer.
  void refused(std::string_view what);

 private:
  struct Waiting {
    std::string subject;
    Time deadline;
    Done done;
  };

  void finish(std::uint64_t number, natsStatus status, natsMsg* reply);
  void later(natsStatus status, Done done);
  void watch();
  void end_unrouted();

  Link& link_;
  std::string inbox_;  // with a dot at its end
  natsSubscription* subscription_ = nullptr;
  std::map<std::uint64_t, Waiting> waiting_;
  std::uint64_t last_ = 0;
  Unrouted unrouted_;
  Timers::Key timer_ = Timers::kNone;  // of the first deadline
};

/// A new inbox, unlike any other, with a dot at its end.
[[nodiscard]] std::string new_inbox(std::string_view prefix);

/// Subscribes without any bound of cnats': the caller has one of its own. Null when the session is over. [I/O thread]
[[nodiscard]] natsSubscription* subscribe_inbox(Session& session, const std::string& inbox);

}  // namespace ruststream::nats
