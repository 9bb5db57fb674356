// Requests of a connection and the replies that they wait for: one inbox for all of them.
#pragma once

#include "message.hpp"
#include "session.hpp"
#include "time.hpp"
#include "timers.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace ruststream::nats {

class Link;

/// The inbox is a cnats subscription with a callback, hence a thread of cnats': a polled one hides whom a 503 is for.
class Requests {
 public:
  static constexpr std::uint32_t kMost = 1U << 16U;  // that wait at the same time

  Requests(Link& link, const std::string& inbox_prefix);
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;
  ~Requests();

  struct Asked {
    std::uint64_t token = 0;  // 0: kMost wait already
    std::string reply;        // subject
  };
  /// A request is about to be sent. [any thread]
  Asked add(sdk::Publisher& publisher, std::uint64_t op, Time deadline);
  /// It was not sent after all: nothing completes. False: it has been completed. [any thread]
  bool forget(std::uint64_t token);
  /// The inbox is there: what is sent now finds its way back. Else it is there before anything that the outbox holds
  /// is sent. [any thread]
  [[nodiscard]] bool has_inbox() const noexcept { return has_inbox_.load(std::memory_order_acquire); }

  // [I/O thread]
  /// Opens the inbox where one is wanted.
  void open_inbox(Session& session);
  void session_down();
  /// All of one publisher, which adds no more that it does not forget.
  void fail(const sdk::Publisher& publisher, const rst_error& why);
  [[nodiscard]] bool any(const sdk::Publisher& publisher);
  /// The link ends.
  void stop_timer();

 private:
  struct Slot {
    sdk::Publisher* publisher = nullptr;  // nullptr: free
    std::uint64_t op = 0, token = 0;
    Time deadline;
  };
  struct Due {
    Time deadline;
    std::uint64_t token;
    bool operator>(const Due& other) const noexcept { return deadline > other.deadline; }
  };
  /// What cnats' threads share with this, which they may outlive.
  struct Inbox {
    std::mutex mutex;  // held while a reply is handed to its host
    Requests* of;
  };

  static void received(natsConnection*, natsSubscription*, natsMsg* message, void* inbox);
  /// Whose it was, pinned.
  [[nodiscard]] sdk::Publisher* replied(natsMsg* message);
  Slot* find(std::uint64_t token) noexcept;
  void free(Slot& slot);
  void arm();
  void expire();

  Link& link_;
  const std::string prefix_;  // of the reply subjects, up to the token
  std::atomic<bool> wanted_{false}, has_inbox_{false};
  std::mutex mutex_;  // of the next five; held for a look-up
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<Due> due_;                     // a heap, the earliest first; what was answered stays in it for a while
  std::uint64_t rounds_ = 0;                 // of tokens
  Time armed_ = kNever;                      // when the timer looks at due_
  sdk::BatchPool<Received>::Owner replies_;  // under the inbox's lock
  std::shared_ptr<Inbox> shared_;
  // [I/O thread]
  natsSubscription* subscription_ = nullptr;
  Timers::Key timer_ = Timers::kNone;
};

}  // namespace ruststream::nats
