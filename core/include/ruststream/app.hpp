#pragma once
#include <ruststream/client.hpp>
#include <ruststream/context.hpp>
#include <ruststream/handler.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace ruststream {
inline namespace v0 {
namespace detail {
class AppCore;
struct BrokerDeclaration;
struct SubscriptionDeclaration;
}  // namespace detail

/// What App::run returns and the process ends with; the numbers of sysexits.h where it has one.
inline constexpr int kExitOk = 0;
inline constexpr int kExitUsage = 64;          ///< wrong flags
inline constexpr int kExitUnavailable = 69;    ///< the broker could not be reached or refused at startup
inline constexpr int kExitFatal = 70;          ///< a handler or a hook gave up (rs::Fatal, fail_fast)
inline constexpr int kExitUnfinished = 75;     ///< the drain deadline passed with work left
inline constexpr int kExitConfiguration = 78;  ///< refused before any connection: settings, plugins, capabilities

/// What happens to a delivery that failed: by exception, error result or failed publish; or that did not decode.
struct FailurePolicy {
  enum class Action : std::uint8_t { retry, reject, skip, fail_fast };
  Action action = Action::retry;
  /// The first delay of a retry; doubled with each attempt up to `longest`, half of it jitter.
  std::chrono::milliseconds backoff{100};
  std::chrono::milliseconds longest{30'000};
};

/// Retry with back-off: until max_attempts, then the dead letter or a reject. The default for exceptions.
[[nodiscard]] constexpr FailurePolicy retry_with_backoff(
    std::chrono::milliseconds first = std::chrono::milliseconds(100),
    std::chrono::milliseconds longest = std::chrono::seconds(30)) {
  return {FailurePolicy::Action::retry, first, longest};
}
/// Never again: the dead letter, or gone. The default for what does not decode.
inline constexpr FailurePolicy kReject{FailurePolicy::Action::reject};
/// Acknowledged without the handler's consent.
inline constexpr FailurePolicy kSkip{FailurePolicy::Action::skip};
/// Released; the service stops gracefully with kExitFatal.
inline constexpr FailurePolicy kFailFast{FailurePolicy::Action::fail_fast};

struct ByKey {};
/// workers(n, by_key): what shares a key never runs at the same time nor out of order.
inline constexpr ByKey by_key{};  // NOLINT(readability-identifier-naming): read as a word, workers(4, by_key)

/// One registered handler, to be described further. A reference into the app; any order, each at most once.
class RUSTSTREAM_EXPORT Registration {
 public:
  explicit Registration(detail::SubscriptionDeclaration& declaration) noexcept : declaration_(&declaration) {}

  /// Under which settings and logs know it: `[subscription.NAME]`. Default: the address, `-` for what is no letter,
  /// digit or underscore.
  Registration& name(std::string name);
  Registration& kind(std::string kind);
  Registration& group(std::string group);
  Registration& durable(std::string name);
  /// A setting of the plugin's own.
  Registration& option(std::string name, std::string value);
  /// How many handlers run at the same time; more than 1 makes sense for coroutines.
  Registration& workers(std::uint32_t count);
  Registration& workers(std::uint32_t count, ByKey keyed);
  /// Of a batch handler: at most `size` elements, called as soon as they are there, or when `wait` has passed since the
  /// first. Of others: how many messages the plugin may deliver at once.
  Registration& batch(std::uint32_t size, std::chrono::milliseconds wait = std::chrono::milliseconds(0));
  /// Most unsettled messages; default 2 × batch × workers, or what the kind says suits it.
  Registration& in_flight(std::uint32_t messages);
  Registration& max_attempts(std::uint32_t attempts);
  Registration& dead_letter(std::string destination);
  /// Longest handling of one message, for brokers that must know. Refused where it is longer than the broker waits for
  /// a verdict and the kind has no way to ask for more time.
  Registration& max_processing(std::chrono::milliseconds longest);
  /// Where the handler's values are published; default: where each message wants its reply.
  Registration& reply_to(std::string destination);
  Registration& on_failure(FailurePolicy policy);
  Registration& on_decode_failure(FailurePolicy policy);
  /// Accepts a kind that cannot redeliver although a policy here would need it: what fails is lost, and counted.
  Registration& at_most_once();
  Registration& codec(const Codec& codec);
  Registration& start_at(const rst_position& position);

 private:
  detail::SubscriptionDeclaration* declaration_;
};

/// Where the handlers and publishers of one broker are declared. Valid during the function that gets it.
class RUSTSTREAM_EXPORT Scope {
 public:
  explicit Scope(detail::BrokerDeclaration& declaration) noexcept : declaration_(declaration) {}

  /// A handler for what arrives at an address: a function, functor or lambda, plain or a coroutine (Task), that takes
  ///  - `const T&` (decoded), `Payload` (bytes), `Message`, or `std::span<const T>` (a batch), and perhaps a `Context&`
  ///  - and returns void (acknowledge), Outcome, Settle, std::expected<void, E>, a value (published as the reply) or
  ///    std::expected<value, Outcome>; a batch handler void, one Outcome for all, or std::vector<Outcome>.
  template <class F>
  Registration subscribe(std::string address, F&& handler) {
    return add(std::move(address), detail::make_handler(std::forward<F>(handler)));
  }

  /// The same for a source that a plugin's header describes, as nats::JetStream("orders.*").durable("w"): only data.
  template <class Source, class F>
    requires requires(const Source& source, Registration& registration) {
      std::string(source.address());
      source.describe(registration);
    }
  Registration subscribe(const Source& source, F&& handler) {
    Registration registration = subscribe(std::string(source.address()), std::forward<F>(handler));
    source.describe(registration);
    return registration;
  }

  /// A publisher, `[publisher.NAME]` in the settings; the handle works once the app has started.
  [[nodiscard]] Publisher publisher(std::string name, std::string destination = {}, PublisherOptions options = {});

 private:
  Registration add(std::string address, std::unique_ptr<detail::Handler> handler);
  detail::BrokerDeclaration& declaration_;
};

struct AppInfo {
  std::string title;
  std::string version;
};

/// A service: brokers, handlers, hooks, and what runs them. Movable until it runs. Not thread-safe but for stop() and
/// publisher handles.
class RUSTSTREAM_EXPORT App {
 public:
  using Hook = std::function<Task<Result<void>>(App&)>;

  explicit App(AppInfo info);
  App(App&&) noexcept;
  App& operator=(App&&) noexcept;
  ~App();

  /// Declares a broker by URL; settings may replace it (`--broker URL`, `--broker NAME=URL` where there are several).
  App& broker(std::string url, const std::function<void(Scope&)>& declare);
  App& broker(std::string name, std::string url, const std::function<void(Scope&)>& declare);

  /// Before any connection; an error ends the start.
  App& on_startup(Hook hook);
  /// Everything is subscribed and runs. A failure stops the app.
  App& after_startup(Hook hook);
  /// Handlers have ended; brokers are still connected.
  App& on_shutdown(Hook hook);
  /// Everything is closed: the last word.
  App& after_shutdown(std::function<void(App&)> hook);

  /// How many loop threads the subscriptions are spread over, one after the other; default 1. Handlers of subscriptions
  /// on different shards run at the same time, so what they share needs a lock then.
  App& shards(std::uint32_t count);

  /// A setting from code, the weakest of all: `app.set("log.level", "debug")`.
  App& set(std::string key, std::string value);
  /// What `[app]` of the settings file, `RUSTSTREAM_APP__KEY` or `--set app.KEY=…` says, once the app has its settings.
  [[nodiscard]] std::optional<std::string> setting(std::string_view key) const;

  /// Owns the process: flags, settings, signals (the first stops gracefully, the second ends at once), logs, and the
  /// exit code. Returns when the service has stopped. Call it once, on the main thread, before other threads start.
  int run(int argc, const char* const* argv);

  /// Inside somebody else's program: starts on a thread of its own, without flags or signals; settings come from code.
  /// Blocks until the service runs, or says why it does not.
  Result<void> start();
  /// Asks for a graceful stop. [any thread, any number of times]
  void stop() noexcept;
  /// Blocks until the service that start() started has stopped; its exit code.
  int wait();

  /// A publisher on a broker of the app (the first one, or by name), for whoever is outside of its handlers;
  /// Code::state before the app runs. [any thread]
  [[nodiscard]] Result<Publisher> publisher(std::string_view broker = {}) const;

 private:
  friend class detail::AppCore;
  std::unique_ptr<detail::AppCore> core_;
};

/// Builds the app, runs it, and turns what it throws into an exit code: the body of RUSTSTREAM_MAIN.
[[nodiscard]] RUSTSTREAM_EXPORT int run_main(App (*make)(), int argc, const char* const* argv) noexcept;

}  // namespace v0
}  // namespace ruststream

/// `int main` of a service: `App make_app()` in, process out.
#define RUSTSTREAM_MAIN(make_app) \
  int main(int argc, char** argv) { return ::ruststream::run_main(make_app, argc, argv); }
