#pragma once
#include "client/prepare.hpp"
#include "client/publisher_core.hpp"
#include "client/subscription_core.hpp"
#include "log/log.hpp"
#include "log/rate_limit.hpp"
#include "loop/loop.hpp"
#include "runtime/lanes.hpp"

#include <ruststream/app.hpp>
#include <ruststream/handler.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ruststream {
inline namespace v0 {
namespace detail {

/// What a consumer may ask of its app. [loop thread]
class AppControl {
 public:
  /// A policy said fail_fast, or a handler threw Fatal.
  virtual void fail_fast(const std::string& why) noexcept = 0;
  virtual void stop() noexcept = 0;
  /// True once the app has begun to stop. Lives as long as the app.
  [[nodiscard]] virtual const std::atomic<bool>& stop_flag() const noexcept = 0;
  [[nodiscard]] bool stopping() const noexcept { return stop_flag().load(std::memory_order_acquire); }

 protected:
  ~AppControl() = default;
};

struct ConsumerConfig {
  std::string name;  // the registration's
  Handler* handler = nullptr;
  const Codec* codec = nullptr;
  std::uint32_t workers = 1;
  bool keyed = false;
  std::uint32_t batch = 1;
  std::chrono::nanoseconds batch_wait{0};
  FailurePolicy on_failure;
  FailurePolicy on_decode_failure;
  std::uint32_t max_attempts = 0;  // of the failure policy; 0: no limit
  std::string dead_letter;
  Plan plan;
  std::shared_ptr<PublisherCore> publisher;  // of the broker, without a destination
  bool deduplicates = false;                 // what it publishes, by message id
  std::shared_ptr<PublisherCore> replies;    // of reply_to; null: each message's own
  std::uint64_t seed = 0;                    // of the jitter
};

struct ConsumerCounts {
  std::uint64_t handled = 0;  // calls that ended, by message
  std::uint64_t failed = 0;   // of these by exception, error or failed publish
  std::uint64_t undecoded = 0;
  std::uint64_t lost = 0;      // failed where the kind cannot redeliver
  std::uint64_t released = 0;  // given back unhandled at the end
  std::uint64_t refused = 0;   // verdicts that came too late for the broker
};

/// The longest delay of a retry that this service keeps for a plan: a message that is back before the broker takes it
/// back by itself. 0: the broker keeps it.
[[nodiscard]] std::chrono::nanoseconds longest_kept_delay(const Plan& plan) noexcept;

/// One running registration: takes what its subscription delivers, calls the handler, settles. Everything happens on
/// one loop thread, wake() apart; it is destroyed when that loop has ended, so that no node of it or of a handler that
/// still waits is ever run after it. In the steady state it allocates nothing: settlements, lanes and decoded values
/// are reused.
class Consumer final : public Waker {
 public:
  Consumer(Loop& loop, SubscriptionCore& subscription, ConsumerConfig config, AppControl& app, log::Logger& logger);
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  void wake() noexcept override {
    if (!wake_posted_.exchange(true, std::memory_order_acq_rel)) loop_.post(woken_);
  }

  /// The app has started: handlers may begin. What was delivered before it waits, and its deadline is extended.
  void begin() noexcept;
  /// Has a turn posted, unless one is.
  void again() noexcept;
  /// Starts no more handlers; what was not started goes back as RELEASE, now and whatever still arrives.
  void stop_starting();
  /// No handler runs and no publish of one is pending.
  [[nodiscard]] bool idle() const noexcept { return running_ == 0; }
  [[nodiscard]] std::uint32_t running() const noexcept { return running_; }
  void flush() noexcept;
  /// Hands over what is left to settle and answers every revoke that still waits: the close that follows waits for
  /// none.
  void give_up() noexcept;

  [[nodiscard]] const ConsumerConfig& config() const noexcept { return config_; }
  [[nodiscard]] const ConsumerCounts& counts() const noexcept { return counts_; }
  [[nodiscard]] SubscriptionCore& subscription() const noexcept { return subscription_; }
  [[nodiscard]] AppControl& app() const noexcept { return app_; }

  // For Invocation.
  [[nodiscard]] bool decode(const TypeTable& table, Arena& arena, void* object, const MessageRef& ref);
  void undecoded(Invocation& invocation, const MessageRef& ref, bool element) noexcept;
  void finish(Invocation& invocation, const Outcome& outcome, const std::function<void()>* then) noexcept;
  void finish(Invocation& invocation, std::span<const Outcome> outcomes) noexcept;
  void failed(Invocation& invocation, const Error& why) noexcept;
  void threw(Invocation& invocation, const std::exception_ptr& what) noexcept;
  void reply(Invocation& invocation, const TypeTable& table, const void* value) noexcept;
  [[nodiscard]] Arena& stack_arena() noexcept { return arena_; }
  [[nodiscard]] Arena borrow_arena();
  void return_arena(Arena arena);
  void track(RunningCall& call) noexcept;
  void untrack(RunningCall& call) noexcept;

 private:
  static constexpr std::uint32_t kPerTurn = 1024;  // messages started before other subscriptions get their turn
  static constexpr std::size_t kSettleAtOnce = 256;
  static constexpr std::uint32_t kNoLane = 0xFFFF'FFFF;  // of a call that holds none: nothing can run beside it

  struct Deferred;
  /// A retry whose delay the broker cannot keep.
  struct Delayed {
    MessageRef ref;
    std::string_view reason;
    std::chrono::steady_clock::time_point due;
    friend bool operator<(const Delayed& a, const Delayed& b) noexcept { return a.due > b.due; }  // the next on top
  };

  void turn();
  void flush_soon() noexcept;
  bool next(MessageRef& ref);
  bool pull();
  void take_event(EventNode& node);
  void look_ahead();
  void let_partitions_go(const std::vector<rst_partition>& partitions);
  [[nodiscard]] bool gone(const MessageRef& ref) const noexcept;
  [[nodiscard]] std::size_t running_of(const std::vector<rst_partition>& partitions) const noexcept;
  void answer_revokes();
  void start(const MessageRef& ref, std::uint32_t lane);
  std::uint32_t start_run(std::uint32_t most);
  void close_run(const Invocation& invocation, rst_batch& batch) noexcept;
  void start_in_lane(const MessageRef& ref);
  bool start_keyed();
  bool start_batch();
  void ended(std::uint32_t lane, std::size_t messages) noexcept;

  void settle(const MessageRef& ref, const Outcome& outcome) noexcept;
  /// What was not processed goes back to the broker.
  void put_back(const MessageRef& ref) noexcept;
  void retry_later(const MessageRef& ref, const Outcome& outcome) noexcept;
  void retry_due() noexcept;
  void retry_now(bool all) noexcept;
  [[nodiscard]] bool reply_in_line(Invocation& invocation, const TypeTable& table, const void* value) noexcept;
  void acknowledge(const rst_message& message) noexcept;
  void finish_many(Invocation& invocation, const Outcome& outcome, const std::function<void()>* then) noexcept;
  void acknowledge_all(std::span<const MessageRef> messages) noexcept;
  [[nodiscard]] std::size_t unsettled() const noexcept {
    return static_cast<std::size_t>(room_.next - settlements_.data());
  }
  void push(const MessageRef& ref, Verdict verdict, std::chrono::nanoseconds delay, std::string_view reason) noexcept;
  bool unref(rst_batch& batch, std::uint64_t messages) noexcept;
  [[nodiscard]] Outcome on_failure(const FailurePolicy& policy, const MessageRef& ref, std::string_view what) noexcept;
  [[nodiscard]] bool copy_to(const std::string& destination, const MessageRef& ref, std::string_view reason) noexcept;
  void defer(Invocation& invocation, PublishOp* attached, std::vector<std::pair<MessageRef, Outcome>> verdicts,
             const std::function<void()>* then) noexcept;
  void wait_for(Deferred& deferred, PublishOp* attached) noexcept;
  void log(log::Level level, std::int64_t code, std::string text) noexcept;
  void extend_all() noexcept;
  void watch_deadline() noexcept;

  Loop& loop_;
  SubscriptionCore& subscription_;
  ConsumerConfig config_;
  AppControl& app_;
  log::Logger& logger_;
  log::RateLimit rate_;
  const bool coroutine_;  // what the handler is
  const bool batches_;

  struct Node : Ready {
    Consumer* consumer = nullptr;
  };
  // Written by who wakes: in a cache line without what a turn writes.
  alignas(64) Node woken_;  // posted by wake()
  std::atomic<bool> wake_posted_{
      false};              // a turn may empty the inbox before woken_ runs, and the next edge wakes again
  alignas(64) Node turn_;  // posted by again(): when a handler ended outside of a turn
  Node flush_;             // at the end of the loop's turn, so that what ends in one turn is settled in one call
  bool turn_posted_ = false;
  bool flush_posted_ = false;
  bool in_turn_ = false;
  bool begun_ = false;
  bool stopping_ = false;

  std::uint64_t chain_ = 0;     // inbox words taken and not looked at
  rst_batch* batch_ = nullptr;  // being started
  std::uint32_t index_ = 0;
  std::uint32_t running_ = 0;
  RunningCall* suspended_ = nullptr;
  Deferred* deferred_ = nullptr;
  Lanes lanes_;

  std::vector<MessageRef> gathered_;  // of a batch handler, not full yet
  bool gathered_due_ = false;
  std::optional<Timer> batch_timer_;

  std::vector<rst_settlement> settlements_;  // kSettleAtOnce of them; those before room_.next are to be settled
  VerdictRoom room_;
  std::vector<rst_settle_detail> details_;  // one for each settlement with a reason; never reallocated while in use
  std::vector<rst_batch*> finished_;        // to be released after the settlements
  std::vector<std::function<void()>> continuations_;
  Arena arena_;
  std::vector<Arena> spare_arenas_;
  Error error_;
  PublishOp* line_ = nullptr;  // of replies; null until the first, and while the last one is under way

  std::vector<MessageRef> held_;  // taken before their turn, to look for what goes; these come before the inbox
  std::size_t held_at_ = 0;
  std::vector<Delayed> delayed_;  // a heap; at most the window
  std::optional<Timer> delay_timer_;

  std::vector<std::unique_ptr<EventNode>> revoking_;  // to be answered when none of theirs runs (rule G1)
  std::optional<Timer> revoke_timer_;
  std::vector<rst_partition> gone_;  // revoked or lost, each once: what is older than its generation is not started
  std::uint32_t newest_gone_ = 0;    // the largest of these generations: no later batch can hold such a message

  std::vector<rst_batch*> live_;  // taken and not finished; a batch's place is in its host[0]
  std::optional<Timer> extend_timer_;

  ConsumerCounts counts_;
  std::uint64_t random_;
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
