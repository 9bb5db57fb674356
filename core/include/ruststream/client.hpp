#pragma once
#include <ruststream/codec.hpp>
#include <ruststream/message.hpp>
#include <ruststream/operation.hpp>
#include <ruststream/outcome.hpp>
#include <ruststream/publish.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The streaming client: a broker, its subscriptions and publishers, without an app. Every verb works from a coroutine
/// on a loop thread (`co_await`) and from a plain thread (`.get()`, `receive()`).
namespace ruststream {
inline namespace v0 {
namespace detail {
class ConnectionCore;
class StreamCore;
class SubscriptionCore;
}  // namespace detail

/// Settings of a plugin's own, by name, as text: `{"durable", "worker"}`. The plugin's declarations say which there
/// are.
using PluginOptions = std::vector<std::pair<std::string, std::string>>;

// The constructors below are there because g++ 12 destroys an aggregate twice that is made inside a co_await
// expression.

struct ConnectOptions {
  ConnectOptions() {}
  std::string plugin_path;  ///< load this file instead of searching by the URL's scheme
  std::string client_name;  ///< shown to the broker; default: the program's name
  PluginOptions options;    ///< besides those in the URL's query
  std::chrono::milliseconds timeout{10'000};
  bool retry_initial = false;  ///< keep trying until the timeout instead of failing at the first refusal
};

struct SubscribeOptions {
  SubscribeOptions() {}
  std::string kind;     ///< the plugin's word (`topic`, `log`, `jetstream`); empty: its default kind
  std::string group;    ///< members of a group share its messages; empty: a private copy of each
  std::string durable;  ///< a name for broker-side state that outlives the session, where the kind has one
  PluginOptions options;
  std::uint32_t max_batch = 64;  ///< most messages in one delivery of the plugin
  std::uint32_t in_flight = 0;   ///< most unsettled messages; 0: 2 × max_batch, or what the kind says suits it
  std::uint64_t window_bytes = 8U << 20U;
  std::uint32_t max_attempts = 0;  ///< 0: no limit
  std::string dead_letter;         ///< where a message goes after max_attempts or a reject; empty: nowhere
  std::optional<rst_position> start_at;
  std::chrono::milliseconds max_processing{0};  ///< longest handling of one message, for brokers that must know
  std::chrono::milliseconds timeout{10'000};
};

struct PublisherOptions {
  PublisherOptions() {}
  std::string kind;
  PluginOptions options;
  bool confirm = true;  ///< a publish ends when the broker has the message, not when it was handed over
  std::chrono::milliseconds timeout{10'000};
};

/// One message that waits for its verdict. Move-only; destroyed unsettled it is retried and counted as forgotten. May
/// be settled on any thread.
class RUSTSTREAM_EXPORT Delivery {
 public:
  Delivery(detail::SubscriptionCore& subscription, rst_batch& batch, const rst_message& message) noexcept
      : subscription_(&subscription), batch_(&batch), message_(&message) {}
  Delivery(Delivery&& other) noexcept
      : subscription_(other.subscription_),
        batch_(std::exchange(other.batch_, nullptr)),
        message_(other.message_),
        arena_(std::move(other.arena_)) {}
  Delivery& operator=(Delivery&& other) noexcept;
  ~Delivery();

  [[nodiscard]] Message message() const noexcept;
  /// The payload as a T, by JSON unless another codec is given. Views in the T live as long as this delivery.
  template <class T>
  [[nodiscard]] Result<T> decode(const Codec& codec = json()) {
    T value{};
    if (Error error; !decode_into(type_table<T>(), codec, &value, error)) return std::unexpected(std::move(error));
    return value;
  }

  /// Settling hands the verdict over; an error says that the broker will redeliver all the same (`stale`). A verdict
  /// that the kind has not is Code::unsupported, and the delivery goes the way of one destroyed without a verdict: it
  /// is retried, else released, else left to the broker, by what the kind has.
  Result<void> ack() && { return std::move(*this).settle(ruststream::ack()); }
  Result<void> retry() && { return std::move(*this).settle(ruststream::retry()); }
  Result<void> retry_after(std::chrono::nanoseconds delay) && {
    return std::move(*this).settle(ruststream::retry_after(delay));
  }
  Result<void> release() && { return std::move(*this).settle(ruststream::release()); }
  Result<void> reject() && { return std::move(*this).settle(ruststream::reject()); }
  Result<void> settle(Outcome outcome) &&;
  /// Restarts the broker's acknowledgement deadline. Not a settlement.
  Result<void> extend();

 private:
  bool decode_into(const TypeTable& table, const Codec& codec, void* object, Error& error);

  detail::SubscriptionCore* subscription_;
  rst_batch* batch_;  // null once settled or moved from
  const rst_message* message_;
  std::unique_ptr<Arena> arena_;  // made when a text needs unescaping
};

/// Some messages that came together, settled together. Move-only; destroyed unsettled they are retried.
class RUSTSTREAM_EXPORT DeliveryBatch {
 public:
  DeliveryBatch(detail::SubscriptionCore& subscription, rst_batch& batch, std::uint32_t first,
                std::uint32_t count) noexcept
      : subscription_(&subscription), batch_(&batch), first_(first), count_(count) {}
  DeliveryBatch(DeliveryBatch&& other) noexcept
      : subscription_(other.subscription_),
        batch_(std::exchange(other.batch_, nullptr)),
        first_(other.first_),
        count_(other.count_) {}
  DeliveryBatch& operator=(DeliveryBatch&&) = delete;
  ~DeliveryBatch();

  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }
  [[nodiscard]] Message operator[](std::uint32_t index) const noexcept;
  Result<void> ack() && { return std::move(*this).settle(ruststream::ack()); }
  /// One verdict for all.
  Result<void> settle(Outcome outcome) &&;
  /// One verdict each, in order; another number of them is Code::invalid, and all are as if destroyed without one.
  Result<void> settle(std::span<const Outcome> outcomes) &&;

 private:
  void forget() noexcept;
  template <class OutcomeOf>
  Result<void> settle_each(OutcomeOf&& outcome_of);

  detail::SubscriptionCore* subscription_;
  rst_batch* batch_;
  std::uint32_t first_;
  std::uint32_t count_;
};

/// What happened to a connection or a subscription: the numbers of `RST_EVENT_*`.
struct Event {
  std::uint32_t kind = 0;
  std::uint64_t value = 0;
  std::string text;
  std::optional<Error> error;
};

/// A subscription of one kind. One thread or coroutine at a time takes from it. Destroyed, it closes: what is unsettled
/// goes back to the broker. Move-only.
class RUSTSTREAM_EXPORT Subscription {
 public:
  explicit Subscription(std::shared_ptr<detail::StreamCore> core) noexcept;
  Subscription(Subscription&&) noexcept;
  Subscription& operator=(Subscription&&) noexcept;
  ~Subscription();

  class RUSTSTREAM_EXPORT Next {
   public:
    explicit Next(detail::StreamCore& core) noexcept : core_(core) {}
    bool await_ready() const;
    bool await_suspend(std::coroutine_handle<> waiter) noexcept;
    Result<Delivery> await_resume();

   private:
    detail::StreamCore& core_;
  };
  class RUSTSTREAM_EXPORT NextBatch {
   public:
    NextBatch(detail::StreamCore& core, std::uint32_t most) noexcept : core_(core), most_(most) {}
    bool await_ready() const;
    bool await_suspend(std::coroutine_handle<> waiter) noexcept;
    Result<DeliveryBatch> await_resume();

   private:
    detail::StreamCore& core_;
    std::uint32_t most_;
  };

  /// The next delivery; Code::closed once the subscription has ended and everything delivered was taken. [loop thread]
  [[nodiscard]] Next next() noexcept { return Next(*core_); }
  /// From 1 to `most` messages that the plugin delivered together. [loop thread]
  [[nodiscard]] NextBatch next_batch(std::uint32_t most) noexcept { return {*core_, most}; }
  /// Blocks until a delivery is there; Code::timeout when none came. [not a loop thread]
  [[nodiscard]] Result<Delivery> receive(std::chrono::milliseconds timeout);
  [[nodiscard]] Result<DeliveryBatch> receive_batch(std::uint32_t most, std::chrono::milliseconds timeout);
  /// The oldest event that nobody took yet; the last kMaxEvents are kept.
  [[nodiscard]] std::optional<Event> poll_event();
  /// Deliveries that were destroyed without a verdict, and so given back. [any thread]
  [[nodiscard]] std::uint64_t forgotten() const noexcept;
  /// Ends it: everything unsettled is released. Deliveries still held keep their memory; settling them says `stale`.
  [[nodiscard]] Operation<void> close(std::chrono::milliseconds timeout = std::chrono::seconds(10));

  static constexpr std::size_t kMaxEvents = 256;

 private:
  std::shared_ptr<detail::StreamCore> core_;
};

/// A connection to a broker. A handle: copies speak of the same connection, which ends with close() or the last of
/// them. [any thread]
class RUSTSTREAM_EXPORT Broker {
 public:
  explicit Broker(std::shared_ptr<detail::ConnectionCore> core) noexcept : core_(std::move(core)) {}

  [[nodiscard]] Operation<Subscription> subscribe(std::string address, SubscribeOptions options = {});
  /// A publisher; with a destination, messages need none of their own.
  [[nodiscard]] Operation<Publisher> publisher(std::string destination = {}, PublisherOptions options = {});
  /// Administration by the plugin's own kinds (`rst.admin`): `admin("create", "topic", "orders")`, with a parent where
  /// the object lives in another (a group in its topic). Actions: create, delete, purge. Code::unsupported where the
  /// plugin has no administration.
  [[nodiscard]] Operation<void> admin(std::string_view action, std::string_view kind, std::string name,
                                      std::string parent = {}, PluginOptions options = {});
  [[nodiscard]] std::optional<Event> poll_event();
  /// Flushes and closes subscriptions, publishers and the connection, within the timeout.
  [[nodiscard]] Operation<void> close(std::chrono::milliseconds timeout = std::chrono::seconds(10));
  /// The URL without its secrets.
  [[nodiscard]] std::string display_url() const;

 private:
  std::shared_ptr<detail::ConnectionCore> core_;
};

/// Connects by URL: the scheme finds the plugin. Everything that can be refused before I/O is, with every problem in
/// one error. [any thread]
[[nodiscard]] RUSTSTREAM_EXPORT Operation<Broker> connect(std::string url, ConnectOptions options = {});

namespace detail {
/// Runs `start` (true: ended already) on a new loop of this thread until `done` is posted.
RUSTSTREAM_EXPORT void run_on_loop(bool (*start)(void* task, Ready& done), void* task);
}  // namespace detail

/// Runs a coroutine to its end on a loop of this thread and gives its result.
template <class T>
T run(Task<T> task) {
  detail::run_on_loop([](void* self, detail::Ready& done) { return static_cast<Task<T>*>(self)->start(done); }, &task);
  return task.take();
}

/// Suspends the coroutine for a while. [loop thread]
[[nodiscard]] RUSTSTREAM_EXPORT Task<void> sleep_for(std::chrono::nanoseconds duration);

}  // namespace v0
}  // namespace ruststream
