#pragma once
#include "client/environment.hpp"
#include "runtime/app_plan.hpp"
#include "runtime/consumer.hpp"
#include "runtime/declarations.hpp"
#include "settings/settings.hpp"

#include <ruststream/app.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace ruststream {
inline namespace v0 {
namespace detail {

class HookCall;

/// One connected broker of a running app. Ends in reverse order of its members.
struct RunningBroker {
  std::shared_ptr<ConnectionCore> connection;
  std::shared_ptr<PublisherCore> publisher;                // without a destination
  std::vector<std::shared_ptr<PublisherCore>> publishers;  // in order of opening, the one above included
  struct Subscription {
    Loop* loop = nullptr;  // its shard's: everything about the consumer happens there
    std::uint64_t id = 0;
    SubscriptionCore* core = nullptr;
    std::unique_ptr<Consumer> consumer;
  };
  std::deque<Subscription> subscriptions;
};

/// A further loop thread. Its loop runs from construction to stop().
class Shard {
 public:
  Shard() : thread_([this] { loop.run(); }) {}
  ~Shard() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    loop.stop();
    thread_.join();
  }
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  Loop loop;

 private:
  std::thread thread_;
};

/// What an App is behind its handle: declarations, then plan, then the first shard's loop thread on which all of this
/// happens but for the handlers of subscriptions on other shards, fail_fast(), request_stop() and find_publisher().
class AppCore final : public AppControl, private EventSink {
 public:
  explicit AppCore(AppInfo info);
  ~AppCore();

  AppInfo info;
  std::deque<BrokerDeclaration> brokers;
  std::vector<App::Hook> on_startup, after_startup, on_shutdown;
  std::vector<std::function<void(App&)>> after_shutdown;
  settings::Settings settings;
  std::uint32_t shards = 1;

  // AppControl. [any loop thread]
  void fail_fast(const std::string& why) noexcept override;
  void stop() noexcept override { request_stop(); }
  [[nodiscard]] const std::atomic<bool>& stop_flag() const noexcept override { return stopping_; }

  /// [any thread]
  void request_stop() noexcept;
  [[nodiscard]] Result<Publisher> find_publisher(std::string_view broker) const;

  /// Reads `log.*` and the timeouts; plans. Nothing is connected.
  Result<void> configure();
  [[nodiscard]] const AppPlan& plan() const noexcept { return plan_; }
  [[nodiscard]] Environment& environment() noexcept { return *environment_; }

  /// Runs the whole life on this thread and this loop, to the exit code. `started` is told once, when everything is up
  /// or has failed.
  int live(App& app, Loop& loop, std::function<void(const Result<void>&)> started);
  /// The same for who runs the loop: `ended` is posted there when all that needs the loop is over, and finish(), when
  /// it does not run any more, gives the exit code.
  void begin(App& app, Loop& loop, std::function<void(const Result<void>&)> started, Ready& ended);
  [[nodiscard]] int finish(App& app);
  [[nodiscard]] static AppCore& of(App& app) noexcept { return *app.core_; }

  std::thread thread;  // of App::start
  int exit_code = kExitOk;

 private:
  void on_event(const rst_event& event) noexcept override;  // of a connection [plugin threads]
  Task<int> whole_life(App& app, Loop& loop);
  Task<Result<void>> bring_up(App& app, Loop& loop);
  Task<Result<void>> connect(PlannedBroker& planned, Loop& loop);
  Task<Result<void>> open_publisher(PlannedPublisher& planned, RunningBroker& broker, Loop& loop);
  /// `own` is opened for the subscription's handlers alone.
  Task<Result<void>> subscribe(PlannedSubscription& planned, PlannedPublisher& own, RunningBroker& broker, Loop& loop);
  Task<void> start_consumers();
  Task<bool> drain();
  Task<void> bring_down();
  void let_go();
  Task<bool> idle();
  Task<Result<void>> run_hooks(const std::vector<App::Hook>& hooks, App& app, const char* when);
  void log(log::Level level, const std::string& text);
  int farewell(App& app, int code);
  void say_goodbye();
  [[nodiscard]] std::string fatal() const;
  Loop& next_shard(Loop& first);

  std::shared_ptr<Environment> environment_;
  AppPlan plan_;
  std::chrono::nanoseconds drain_timeout_;
  std::chrono::nanoseconds hook_timeout_;              // of each hook
  std::vector<std::unique_ptr<HookCall>> late_hooks_;  // left behind suspended, destroyed once the loop has ended
  std::deque<RunningBroker> running_;
  mutable std::mutex publishers_mutex_;  // find_publisher against start and end
  std::vector<std::pair<std::string, std::shared_ptr<PublisherCore>>> outside_;
  std::atomic<bool> stopping_{false};
  std::deque<Shard> more_shards_;
  bool started_up_ = false;   // on_startup went well
  bool drained_ = true;       // within drain_timeout
  std::uint32_t placed_ = 0;  // subscriptions, for the round of shards
  ConsumerCounts counts_;     // of consumers that are gone
  std::uint32_t unsettled_ = 0;
  struct StopNode : Ready {
    AppCore* core = nullptr;
  } stop_node_;
  mutable std::mutex stop_mutex_;
  std::string fatal_;
  struct BeginNode : Ready {
    AppCore* core = nullptr;
    Ready* ended = nullptr;
  } begin_;
  std::function<void(const Result<void>&)> started_;
  std::optional<Task<int>> life_;
  Loop* loop_ = nullptr;          // from begin() to finish()
  std::coroutine_handle<> main_;  // whole_life while it waits for the stop
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
