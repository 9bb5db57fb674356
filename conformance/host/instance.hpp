#pragma once
#include "host/guarded.hpp"
#include "host/host.hpp"
#include "host/options.hpp"
#include "runner/testkit.hpp"

#include <ruststream/abi.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace conformance {

class Instance;
class Test;
using namespace std::chrono_literals;

/// What a verb came to, its completion included.
struct Outcome {
  std::int32_t code = 0;  // 0: OK
  std::uint32_t flags = 0;
  std::uint64_t value = 0;
  std::string text;  // of the error

  [[nodiscard]] bool ok() const noexcept { return code == 0; }
  [[nodiscard]] std::string said() const;  // "OK", or the code and its text
};

/// A verb that was called and may not be complete yet.
class Pending {
 public:
  Pending(Instance& instance, std::uint64_t op, std::int32_t returned, Outcome now, std::chrono::nanoseconds timeout)
      : instance_(&instance), op_(op), returned_(returned), now_(std::move(now)), timeout_(timeout) {}

  [[nodiscard]] Instance& instance() const noexcept { return *instance_; }
  [[nodiscard]] std::int32_t returned() const noexcept { return returned_; }
  [[nodiscard]] bool done() const;
  [[nodiscard]] std::uint64_t order() const;  // its completion's among all of the instance; 0: there was none
  /// Waits for the completion, at most its timeout and the second that rule C1 adds; fails the case by C1 then.
  Outcome wait();

 private:
  Instance* instance_;
  std::uint64_t op_;
  std::int32_t returned_;
  Outcome now_;  // when it did not return PENDING
  std::chrono::nanoseconds timeout_;
};

struct Connect {
  std::optional<std::string> url = {};  // else the testkit's, through the fault proxy when the case has one
  OptionTexts options = {};             // besides the testkit's
  std::uint32_t flags = 0;
  std::chrono::nanoseconds timeout = 5s;
};

struct Connection {
  Instance* instance = nullptr;
  std::uint64_t id = 0, handle = 0;

  Pending close(std::uint32_t flags = 0, std::chrono::nanoseconds timeout = 5s) const;
};

struct Subscribe {
  std::vector<std::string> addresses = {};  // none: the case's own
  /// Group and durable get the case's name in front. No group: the same one for all of the case where the kind has
  /// groups; "": none.
  std::optional<std::string> group = {};
  std::string durable = {};
  std::optional<std::uint32_t> kind = {};  // else the case's
  std::uint32_t credit = 256;
  std::uint64_t credit_bytes = 8U << 20U, window_bytes = 8U << 20U;
  std::uint32_t max_batch = 0, window = 0, max_attempts = 0;
  std::string dead_letter = {};
  std::optional<rst_position> start = {};
  OptionTexts options = {};
  std::optional<Connection> connection = {};
  std::uint32_t flags = 0;
  std::chrono::nanoseconds timeout = 5s;
  bool completes = true;  // false: no op; PENDING is as DONE then, without a handle
};

struct Verdict {
  std::uint64_t token;
  std::uint16_t verdict;
  std::chrono::nanoseconds delay = 0ns;
  std::string reason = {}, dead_letter = {};
  std::uint16_t flags = 0;
};

/// What statuses are before a call: one that no plugin writes.
inline constexpr std::int32_t kUnwritten = -0x7EED;

/// What came of the first item of a call: the verb's code where it failed, else that of the item's status; 0 for OK.
[[nodiscard]] inline std::int32_t first_code(const Outcome& verb, const std::vector<std::int32_t>& statuses) {
  return verb.ok() && !statuses.empty() ? rst_status_code(statuses.front()) : verb.code;
}

/// What a settle came to: the verb, and each item.
struct Settled {
  Outcome verb;
  std::vector<std::int32_t> statuses;

  [[nodiscard]] std::int32_t code() const { return first_code(verb, statuses); }
};

struct Subscription {
  Instance* instance = nullptr;
  std::uint64_t id = 0, handle = 0;
  const Kind* kind = nullptr;

  /// The next delivery. When none comes in time the case fails by `rule`.
  [[nodiscard]] Message next(std::string_view rule = "P1",
                             std::string_view expected = "the published message is delivered") const;
  [[nodiscard]] std::optional<Message> try_next(std::chrono::nanoseconds at_most) const;
  [[nodiscard]] std::vector<Message> next(std::size_t count, std::string_view rule = "P1") const;
  /// Fails the case by `rule` when something comes within the testkit's quiet time, or `at_least` of simulated time.
  void nothing(std::string_view rule, std::string_view expected, std::chrono::nanoseconds at_least = 0ns) const;

  /// Settles one; confirmed where the kind can. Its code, 0 for OK.
  std::int32_t settle(const Message& message, std::uint16_t verdict, std::chrono::nanoseconds delay = 0ns) const;
  /// These must succeed. A refusal fails the case by S2; by S1 or S3 where it says that the token is settled or stale.
  void ack(const Message& message) const { must(message, RST_VERDICT_ACK, 0ns); }
  void retry(const Message& message, std::chrono::nanoseconds delay = 0ns) const {
    must(message, RST_VERDICT_RETRY, delay);
  }
  void release(const Message& message) const { must(message, RST_VERDICT_RELEASE, 0ns); }
  void reject(const Message& message) const { must(message, RST_VERDICT_REJECT, 0ns); }
  void extend(const Message& message) const { must(message, RST_VERDICT_EXTEND, 0ns); }
  Settled settle(std::span<const Verdict> verdicts, std::uint32_t flags = 0, std::uint64_t tx = 0) const;
  Settled settle(const Verdict& one, std::uint32_t flags = 0, std::uint64_t tx = 0) const {
    return settle(std::span(&one, 1), flags, tx);
  }

  std::int32_t credit(std::uint32_t messages, std::uint64_t bytes = 8U << 20U) const;
  /// Through rst.seek, of all partitions; earlier tokens are stale from then on. `seek` must succeed.
  [[nodiscard]] Outcome try_seek(const rst_position& to) const;
  void seek(const rst_position& to) const;
  Pending drain() const;
  Pending close(std::uint32_t flags = 0, std::chrono::nanoseconds timeout = 5s) const;

 private:
  void must(const Message& message, std::uint16_t verdict, std::chrono::nanoseconds delay) const;
};

struct OpenPublisher {
  std::optional<std::string> destination = {};  // else the case's own address; "": each message names its own
  std::optional<std::uint32_t> kind = {};       // else the one that reaches the case's kind
  OptionTexts options = {};
  std::optional<Connection> connection = {};
  std::uint32_t flags = 0;
  std::chrono::nanoseconds timeout = 5s;
};

struct Out {
  std::string payload = {};
  std::optional<std::string> key = {};
  std::vector<Header> headers = {};
  std::string destination = {}, reply_to = {}, correlation = {}, message_id = {}, content_type = {};
  std::int32_t priority = -1, partition = -1;
  std::chrono::nanoseconds ttl = 0ns, delay = 0ns;
  std::int64_t timestamp_ns = 0;  // of the event, since the epoch; 0: none
  std::uint16_t flags = 0;
};

struct PublishOptions {
  bool confirm = true;    // where the kind can
  bool completes = true;  // false: no op, no statuses; the borrow ends when the verb returns
  bool wants_receipts = false;
  std::uint64_t tx = 0;
  std::uint32_t flags = 0;  // besides CONFIRM
  std::chrono::nanoseconds timeout = 5s;
};

/// What a publish came to.
struct Published {
  Outcome verb;
  std::uint32_t accepted = 0;
  std::vector<std::int32_t> statuses;
  std::vector<rst_position> receipts;

  [[nodiscard]] std::int32_t code() const { return first_code(verb, statuses); }
};

/// A publish that was called and may not be complete yet.
class Publishing {
 public:
  [[nodiscard]] const Pending& verb() const noexcept { return verb_; }
  [[nodiscard]] std::uint32_t accepted() const noexcept { return accepted_; }
  /// As Pending has it. Once.
  Published wait();

 private:
  friend struct Publisher;
  struct Borrow;
  Publishing(Pending verb, std::shared_ptr<Borrow> borrow, std::uint32_t accepted)
      : verb_(std::move(verb)), borrow_(std::move(borrow)), accepted_(accepted) {}

  Pending verb_;
  std::shared_ptr<Borrow> borrow_;
  std::uint32_t accepted_;
};

/// Of rst.tx. Publishes and settlements join by `id`.
struct Transaction {
  static constexpr std::chrono::nanoseconds kTimeout = 5s;

  Instance* instance = nullptr;
  std::uint64_t id = 0;

  [[nodiscard]] Outcome commit() const;
  [[nodiscard]] Outcome abort() const;
};

struct Publisher {
  Instance* instance = nullptr;
  std::uint64_t id = 0, handle = 0;
  std::uint64_t connection = 0;  // the host's id
  const Kind* kind = nullptr;

  /// Publishes, waits until all is known, and again while the broker has no room. Must succeed: else the case fails by
  /// P1.
  void send(const Out& message) const { send(std::span(&message, 1)); }
  void send(std::string payload) const { send(Out{.payload = std::move(payload)}); }
  void send(std::span<const Out> messages) const;
  /// One call of the verb.
  [[nodiscard]] Publishing start(std::span<const Out> messages, const PublishOptions& options = {}) const;
  /// The same, its completion awaited.
  Published publish(std::span<const Out> messages, const PublishOptions& options = {}) const {
    return start(messages, options).wait();
  }
  Published publish(const Out& message, const PublishOptions& options = {}) const {
    return publish(std::span(&message, 1), options);
  }
  /// For settlements of one subscription, or of any of the connection. Must succeed: else the case fails.
  [[nodiscard]] Transaction begin(const Subscription* only = nullptr, std::chrono::nanoseconds timeout = 30s) const;
  std::pair<Transaction, Pending> try_begin(const Subscription* only = nullptr,
                                            std::chrono::nanoseconds timeout = 30s) const;
  Pending flush(std::chrono::nanoseconds timeout = 5s) const;
  Pending close(std::uint32_t flags = 0, std::chrono::nanoseconds timeout = 5s) const;
};

/// One instance of the plugin and its verbs in short. Every struct and every byte that is lent lies in guarded memory,
/// every verb is watched (rule B1), and every error is read. When anything that the host has seen is against the
/// contract, the next call here ends the case. [the case's threads]
class Instance {
 public:
  explicit Instance(Test& test, Shape shape = Shape::usual);
  /// Closes what is open, releases what is held and ends the instance, all within the rules.
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  Connection connect(const Connect& wanted = {});
  Subscription subscribe(const Subscribe& wanted = {});
  Publisher publisher(const OpenPublisher& wanted = {});
  // The same where failing is what a case is about; the object is usable only when the outcome is OK.
  std::pair<Connection, Pending> try_connect(const Connect& wanted);
  std::pair<Subscription, Pending> try_subscribe(const Subscribe& wanted);
  std::pair<Publisher, Pending> try_publisher(const OpenPublisher& wanted);
  Pending close(std::uint64_t id, std::uint64_t connection, std::uint64_t handle, std::uint32_t flags,
                std::chrono::nanoseconds timeout);
  /// Answers an event that waits for it (rule H4). The code, 0 for OK.
  std::int32_t answer(std::uint64_t answer, std::int32_t status = RST_OK);
  /// Waits for an event and takes it, as Host::take_event does; none when none comes within that time.
  std::optional<Event> await_event(std::uint32_t kind, std::uint64_t subject, std::chrono::nanoseconds at_most,
                                   std::uint32_t outdated = 0);
  /// The connection that is made when a case names none.
  Connection& connection();

  /// Calls a verb: `verb(op, value, error)`.
  Pending call(std::string name, std::uint64_t connection, std::chrono::nanoseconds timeout,
               const std::function<std::int32_t(std::uint64_t op, std::uint64_t& value, rst_error* error)>& verb,
               Host::WhenOver when_over = {});
  /// The same for a verb without a completion.
  std::int32_t call(std::string_view name, const std::function<std::int32_t(rst_error* error)>& verb,
                    Outcome* told = nullptr);

  Outcome deinit();  // early; the destructor does nothing more then
  [[nodiscard]] void* raw() const noexcept { return instance_; }
  [[nodiscard]] const rst_plugin& table() const noexcept;

  Test& test;
  Host& host;

 private:
  std::unique_ptr<Host> owned_{&host};  // left where the instance cannot be ended: the plugin's threads go on with it
  void* instance_ = nullptr;
  std::optional<Connection> connection_;
  std::mutex open_mutex_;
  std::vector<Connection> open_;
};

}  // namespace conformance
