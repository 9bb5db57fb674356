#pragma once
#include "host/ledger.hpp"
#include "host/message.hpp"
#include "host/plugin.hpp"

#include <ruststream/abi.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace conformance {

/// Which rst_host a plugin is shown.
enum class Shape {
  usual,
  shorter,  // ends before `get_extension`, an unreadable page behind it: an older host of the same draft
  longer,   // has fields that nobody knows yet
};

/// A completion, copied.
struct Completed {
  std::int32_t status = RST_OK;  // as rst_status packs it
  std::uint64_t value = 0;
  std::string text;         // the error's
  std::uint64_t order = 0;  // among all completions, from 1

  [[nodiscard]] std::int32_t code() const noexcept { return rst_status_code(status); }
  [[nodiscard]] std::uint32_t flags() const noexcept { return rst_status_flags(status); }
};

/// An event, copied.
struct Event {
  std::uint32_t kind = 0;
  std::uint64_t connection = 0, subject = 0, answer = 0, value = 0, deadline_ns = 0;
  std::int32_t code = 0;  // of the error
  std::string text;       // of the error, else the event's
  std::vector<rst_partition> partitions;
  std::vector<std::string> partition_names;
  std::vector<rst_capability> capabilities;
};

/// The host's table and its memory of everything that came through it. Whatever a plugin does wrong in a call of the
/// host is noted in the ledger by the call itself, in every case, whatever the case is about. The plugin's calls: [any
/// thread; never blocks, never calls a verb: H2]. The others: [the case's threads].
class Host {
 public:
  Host(const Plugin& plugin, Ledger& ledger, Shape shape);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  [[nodiscard]] const rst_host* table() const noexcept { return table_; }

  /// Gives back what was lent. Called once, when the verb has returned and completed: with its code, RST_OK where it
  /// did what it was asked for.
  using WhenOver = std::function<void(std::int32_t code)>;

  // Names, never given twice (rule C3).
  struct Operation {
    std::string verb;
    std::uint64_t connection = 0;          // the host's id; 0: none
    std::uint64_t subscription = 0;        // of subscribe
    std::optional<std::int32_t> returned;  // by the verb, once it has
    std::uint32_t completions = 0;
    bool over = false;  // complete, and what it lent is given back
    Completed result;
    WhenOver when_over;
  };
  [[nodiscard]] std::uint64_t start_operation(std::string verb, std::uint64_t connection);
  /// The verb returned `returned`: what it owes follows from that (rule C1).
  void returned(std::uint64_t op, std::int32_t returned, WhenOver when_over);
  [[nodiscard]] std::optional<Completed> completed(std::uint64_t op) const;

  [[nodiscard]] std::uint64_t name_connection();
  [[nodiscard]] std::uint64_t name_publisher(std::uint64_t connection);
  struct Balance {
    std::uint32_t messages = 0;
    std::uint64_t bytes = 0;
  };
  /// `settles`: its kind declares SETTLE, so each delivery carries a token.
  [[nodiscard]] std::uint64_t name_subscription(std::uint64_t connection, std::uint64_t op, Balance credit,
                                                std::uint32_t max_batch, bool settles);
  /// Its close has completed: nothing may carry the id any more (rules L6, F3).
  void forget(std::uint64_t id);

  // Subscriptions.
  void add_credit(std::uint64_t subscription, Balance credit);  // before the verb
  void drained(std::uint64_t subscription);                     // its completion is seen: nothing more until new credit
  [[nodiscard]] std::optional<Message> take(std::uint64_t subscription);
  [[nodiscard]] std::size_t waiting(std::uint64_t subscription) const;
  [[nodiscard]] std::uint64_t delivered(std::uint64_t subscription) const;  // messages in all
  /// What is left of the credit; the bytes are below zero where a delivery cost more than there was.
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> balance(std::uint64_t subscription) const;
  /// The token is finally settled, or void: it may be given again.
  void settled(std::uint64_t subscription, std::uint64_t token);
  void void_tokens(std::uint64_t subscription);
  void drop_messages();  // what nobody took: its batches are released

  [[nodiscard]] std::vector<Event> events() const;
  /// The first such event; those of the kind `outdated` (0: none) that came before it about the same are forgotten.
  [[nodiscard]] std::optional<Event> take_event(std::uint32_t kind, std::uint64_t subject, std::uint32_t outdated = 0);
  /// Ids of events that wait for an answer, each given once.
  [[nodiscard]] std::vector<Event> unanswered();
  [[nodiscard]] std::vector<std::string> log_lines() const;

  /// Waits until something came in since `seen`, or the time is over; the new count.
  std::uint64_t wait_for_news(std::uint64_t seen, std::chrono::nanoseconds at_most);
  [[nodiscard]] std::uint64_t news() const;

  // What an adversarial case sets before the plugin may call.
  /// Called for each valid batch, on the plugin's thread; gives what deliver returns. Refused: it stays the plugin's
  /// and costs nothing. It may let go of the messages, which releases the batch. Empty: the batch is taken.
  std::function<std::int32_t(rst_batch& batch, std::vector<Message>& messages)> on_deliver;
  /// Of a case that measures: takes each batch as it comes, and the host looks at none.
  std::function<std::int32_t(rst_batch* batch)> takes_all;
  /// Strings that no log line, error or event may contain (rule O2), in any of their encodings.
  std::vector<std::string> secrets;
  std::uint32_t log_level = RST_LOG_TRACE;  // a plugin that logs must do it well
  /// Not 0: simulated time, for both clocks.
  std::atomic<std::int64_t> simulated_ns{0};
  /// The verbs of each instance are called between these two; see Instance.
  void check_error(std::string_view where, std::int32_t returned, const rst_error& error);
  void check_secrets(std::string_view where, std::string_view text);

  Ledger& ledger;

 private:
  struct Subscription {
    std::uint64_t connection = 0;
    std::int64_t messages = 0, bytes = 0;
    std::uint32_t max_batch = 0;
    bool settles = false;
    bool complete = false;  // subscribe is
    bool early = false;     // something came before that
    bool drained = false, gone = false;
    std::shared_ptr<std::atomic<bool>> closed = std::make_shared<std::atomic<bool>>(false);  // gone, for its batches
    std::uint32_t generation = 0;
    std::uint64_t delivered = 0;
    std::deque<Message> arrived;
    std::map<std::uint64_t, bool> tokens;  // unsettled
  };
  enum class Object { connection, publisher };
  struct Named {
    Object object;
    std::uint64_t connection;
    bool gone = false;
  };

  static Host& of(const rst_host* table) noexcept;
  std::int32_t deliver(rst_batch* batch);
  bool check_batch(const rst_batch& batch);
  std::int32_t book(Subscription& subscription, const rst_batch& batch);
  static void unbook(Subscription& subscription, const rst_batch& batch);
  void check_messages(Subscription& subscription, const rst_batch& batch);
  void complete(const rst_completion& completion);
  void event(const rst_event& event);
  void log(const rst_log& line);
  bool known(std::uint64_t id, std::string_view what);
  void over(std::uint64_t op, std::unique_lock<std::mutex>& lock);

  bool settles_anywhere_ = false;
  rst_host* table_;
  mutable std::mutex mutex_;  // never held while a verb is called (rule H5)
  std::condition_variable changed_;
  std::uint64_t news_ = 0;
  std::uint64_t last_id_ = 100;
  std::uint64_t completions_ = 0;
  std::map<std::uint64_t, Operation> operations_;
  std::map<std::uint64_t, Named> named_;
  std::map<std::uint64_t, Subscription> subscriptions_;
  std::vector<Event> events_;
  std::vector<Event> unanswered_;
  std::vector<std::string> log_lines_;
};

}  // namespace conformance
