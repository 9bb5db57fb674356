#pragma once
// A networked plugin as small as it can be while it keeps every rule: the client of server.py.
//
// One I/O thread owns the sockets and all state of connections; verbs encode what they want and post it there, by the
// host's ids, so that whatever has ended meanwhile is not found. What a verb itself must know is in atomics and in the
// SDK's tables.

#include "frames.hpp"
#include "variant.hpp"

#include <ruststream/abi/option_names.h>
#include <ruststream/sdk.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <poll.h>
#include <string>
#include <unordered_map>

namespace tcp {

namespace sdk = ruststream::sdk;
using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using namespace std::chrono_literals;

inline constexpr std::uint32_t kMostOutstanding = 1024;  // messages published and not confirmed, per connection
inline constexpr std::uint64_t kMostOutstandingBytes = 8U << 20U;
inline constexpr std::uint32_t kWindow = 256;  // unsettled messages of a subscription, unless it says so
inline constexpr std::uint64_t kLongestPayload = 1U << 20U;
inline constexpr auto kOpTimeout = 5s;
inline constexpr auto kAttemptLimit = 2s;  // of connecting and greeting

inline constexpr auto kCaps =
    sdk::caps(RST_CAP_SETTLE, RST_CAP_RETRY, RST_CAP_REJECT, RST_CAP_ATTEMPT, RST_CAP_GROUP,
              sdk::cap(RST_CAP_RELEASE, RST_LEVEL_NATIVE, 0, RST_CAP_LOSES_ORDER), RST_CAP_PUBLISH_ORDER,
              RST_CAP_PUBLISH_CONFIRM, sdk::cap(RST_CAP_RETRY_POSITION, RST_LEVEL_NATIVE, RST_RETRY_FRONT),
              sdk::cap(RST_CAP_OVERFLOW, RST_LEVEL_NATIVE, RST_OVERFLOW_BLOCK),
              sdk::cap(RST_CAP_MAX_PAYLOAD, RST_LEVEL_NATIVE, kLongestPayload),
              sdk::cap(RST_CAP_PAYLOAD, RST_LEVEL_NATIVE, RST_PAYLOAD_EMPTY | RST_PAYLOAD_BYTES));

/// What a token stands for.
struct Delivery {
  std::uint64_t number = 0;  // the server's, of one session
  std::uint64_t session = 0;
  std::uint16_t attempt = 0;
  std::string payload;  // the batch has a copy; this one is for a batch that is refused
};

/// One call of publish, until each of its messages has its final status.
struct Publication {
  std::uint64_t op, publisher;
  std::int32_t* statuses;  // the host's, until the completion
  std::uint32_t left = 0, failed = 0;
  Time deadline;
};
struct Outgoing {
  std::shared_ptr<Publication> of;
  std::uint32_t index;
  std::string frame;
  bool sent = false;  // at least once: the server may have it
};

struct Broker {
  struct Connection;
  struct Subscription;
  struct Publisher;

  static constexpr rst_kind kKinds[] = {sdk::kind("queue", RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER, kCaps,
                                                  "each group of an address gets each message")};
  static constexpr sdk::Option kOptions[] = {
      sdk::option(RST_OPT_TOKEN, RST_TYPE_STRING, RST_SCOPE_CONNECTION, "what the server wants to hear").secret(),
      sdk::option(RST_OPT_RECONNECT_DELAY, RST_TYPE_DURATION, RST_SCOPE_CONNECTION, "before the first attempt")
          .defaults("20ms"),
      sdk::option(RST_OPT_RECONNECT_MAX_DELAY, RST_TYPE_DURATION, RST_SCOPE_CONNECTION, "longest between two attempts")
          .defaults("500ms"),
      sdk::option(RST_OPT_RECONNECT_AUTH_ATTEMPTS, RST_TYPE_U64, RST_SCOPE_CONNECTION,
                  "attempts with credentials that are refused")
          .defaults("3")
          .range(1, 100),
      sdk::option(RST_OPT_KEEPALIVE, RST_TYPE_DURATION, RST_SCOPE_CONNECTION, "how often the server is asked for life")
          .defaults("1s")};

  explicit Broker(sdk::Host given) : host(given), io("tcp", [this](int descriptor) { wait(descriptor); }) {}

  static void validate(const rst_connection_spec& spec, sdk::Plan& plan, sdk::Report& report);
  static void validate(const rst_subscription_spec& spec, sdk::Plan& plan, sdk::Report& report);

  /// `body(Connection&)` on the I/O thread, unless the connection has ended by then. [any thread]
  template <class Body>
  void post(std::uint64_t connection, Body body) {
    io.post([this, connection, body = std::move(body)]() mutable {
      if (const auto found = connections.find(connection); found != connections.end()) body(*found->second);
    });
  }
  void wait(int descriptor);              // [I/O thread]
  [[nodiscard]] bool publishing() const;  // [I/O thread]

  sdk::Host host;
  std::unordered_map<std::uint64_t, Connection*> connections;  // [I/O thread], like all that they hold
  sdk::IoThread io;                                            // last: it uses the rest
};

struct Broker::Subscription : sdk::Subscription {
  Subscription(const sdk::Birth& birth, Broker& owner, Broker::Connection& on, const rst_subscription_spec& spec);

  std::int32_t open(sdk::ErrorOut error);
  void on_credit();
  std::int32_t settle(const rst_settle& call, sdk::ErrorOut error);
  void on_close(bool abort, std::uint64_t timeout_ns) override;

  void pump();          // [I/O thread]
  void session_over();  // its deliveries come again, with new tokens

  Broker& broker;
  const std::uint64_t on;  // the connection
  const std::uint32_t window;
  const std::string address, group;
  sdk::Tokens<Delivery> tokens;
  sdk::BatchPool<>::Owner pool;
  const std::uint64_t timeout_ns;
  const std::pair<std::uint32_t, std::uint64_t> first_credit;
  std::atomic<bool> close_told{false};
  // [I/O thread]
  std::deque<Delivery> waiting;  // within the window, unsettled
  bool is_open = false, closing = false;
  Time deadline;  // of opening, then of closing
};

struct Broker::Publisher : sdk::Publisher {
  Publisher(const sdk::Birth& birth, Broker& owner, Broker::Connection& on, const rst_publisher_spec& spec);

  void on_open() noexcept;
  std::int32_t publish(rst_publish& call, sdk::ErrorOut error);
  std::int32_t flush(std::uint64_t timeout_ns, std::uint64_t op, sdk::ErrorOut error);
  void on_close(bool abort, std::uint64_t timeout_ns) override;

  Broker& broker;
  Broker::Connection& on;  // its children end before it
  const std::string destination;
  // [I/O thread]
  struct Flush {
    std::uint64_t op, up_to;  // complete when no message before this number is left
    Time deadline;
  };
  std::vector<Flush> flushes;
  bool closing = false;
  std::uint64_t dropped = 0;
  Time deadline;
};

struct Broker::Connection : sdk::Connection {
  Connection(const sdk::Birth& birth, Broker& owner, const rst_connection_spec& spec);
  ~Connection() override;

  std::int32_t open(sdk::ErrorOut error);
  void on_close(bool abort, std::uint64_t timeout_ns) override;

  // Commands [I/O thread].
  void begin();
  void add(Subscription& subscription);
  void close(Subscription& subscription, std::uint64_t timeout_ns);
  void add(Publisher& publisher) { publishers.emplace(publisher.id(), &publisher); }
  void close(Publisher& publisher, bool abort, std::uint64_t timeout_ns);
  void publish(std::vector<Outgoing> messages);
  void flush(std::uint64_t publisher, std::uint64_t timeout_ns, std::uint64_t op);
  struct Verdict {
    std::uint64_t number, session;
    std::uint16_t verdict;
  };
  void settle(const std::vector<Verdict>& verdicts);
  [[nodiscard]] bool publishing() const { return !unconfirmed_.empty(); }

  // The socket [I/O thread].
  [[nodiscard]] pollfd wanted() const;
  [[nodiscard]] Time next_deadline() const;
  void serve(short ready);
  void look_at_the_clock();

  Broker& broker;
  std::mutex room_mutex;  // of the next two and of what is refused for want of them; held for copying, never for I/O
  std::uint32_t outstanding = 0;
  std::uint64_t outstanding_bytes = 0;
  sdk::Refusals refusals;
  std::map<std::uint64_t, Subscription*> subscriptions;  // by the host's ids
  std::map<std::uint64_t, Publisher*> publishers;

 private:
  enum class State : std::uint8_t { away, connecting, greeting, up, failed };

  void attempt();
  void up();
  void refused();
  void lost(std::string_view why);
  void try_later();
  void fail_for_good(std::int32_t code, std::uint32_t flags, std::string_view why);
  bool ended_while_opening(std::int32_t code, std::uint32_t flags, std::string_view why);
  void read();
  void write();
  void frame(char type, std::string_view body);
  void deliver(std::string_view body);
  void subscribe(const Subscription& subscription);
  void subscribed(std::uint64_t id);
  void unsubscribed(std::uint64_t id);
  void final_status(std::map<std::uint64_t, Outgoing>::iterator message, std::int32_t status);
  void published();  // some have their final status: who waits for that
  void expire(Time now);

  const std::string host_name_;
  const std::uint16_t port_;
  const std::string token_;
  const std::uint64_t auth_attempts_;
  const std::chrono::nanoseconds keepalive_;
  const bool keeps_trying_;  // RST_CONNECT_RETRY_INITIAL
  const std::chrono::nanoseconds timeout_;
  sdk::Backoff backoff_;
  State state_ = State::away;
  bool was_up_ = false;
  int socket_ = -1;
  std::uint64_t session_ = 0;  // rises with each
  std::uint64_t refusals_in_a_row_ = 0;
  Time open_deadline_{}, next_attempt_{}, attempt_deadline_{}, heard_{}, asked_{};
  std::string in_, out_;
  std::string held_;                               // of one variant
  std::map<std::uint64_t, Outgoing> unconfirmed_;  // by number, which rises
  std::uint64_t last_number_ = 0;
};

}  // namespace tcp
