#include "runtime/app_core.hpp"

#include "runtime/awaits.hpp"
#include "settings/convert.hpp"
#include "settings/keys.hpp"

#include <algorithm>

namespace ruststream {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::chrono::seconds kDrainTimeout{30};
constexpr std::chrono::seconds kHookTimeout{60};
constexpr std::chrono::seconds kOperationTimeout{10};
constexpr std::chrono::seconds kCloseTimeout{5};
constexpr std::chrono::milliseconds kDrainPoll{2};

/// Runs what is the user's; what it throws becomes the error.
template <class F>
Result<void> guarded(F&& users) {
  try {
    users();
    return {};
  } catch (const std::exception& exception) {
    return fail(Code::aborted, exception.what());
  } catch (...) {
    return fail(Code::aborted, "something was thrown that is no std::exception");
  }
}

}  // namespace

AppCore::AppCore(AppInfo about)
    : info(std::move(about)),
      environment_(Environment::shared()),
      drain_timeout_(kDrainTimeout),
      hook_timeout_(kHookTimeout) {
  stop_node_.core = this;
  stop_node_.run = [](Ready* self) noexcept {
    AppCore& core = *static_cast<StopNode*>(self)->core;
    if (core.main_) std::exchange(core.main_, {}).resume();
  };
}

AppCore::~AppCore() {
  request_stop();
  if (thread.joinable()) thread.join();
}

void AppCore::log(log::Level level, const std::string& text) {
  environment_->logger().write(level, "app", text, {{"app", info.title}});
}

void AppCore::fail_fast(const std::string& why) noexcept {
  bool first = false;
  {
    const std::scoped_lock lock(stop_mutex_);
    first = fatal_.empty();
    if (first) fatal_ = why;
  }
  if (first) log(log::Level::error, why + "; stopping");
  request_stop();
}

void AppCore::on_event(const rst_event& event) noexcept {
  const std::string why = event.error != nullptr ? ": " + std::string(event.error->text, event.error->text_len) : "";
  switch (event.kind) {
    case RST_EVENT_CONN_FAILED: fail_fast("the connection has failed for good" + why); break;
    case RST_EVENT_PUB_ENDED: fail_fast("the broker ended a publisher" + why); break;
    case RST_EVENT_CONN_DOWN: log(log::Level::warn, "the connection is lost" + why); break;
    case RST_EVENT_CONN_LEAVING: log(log::Level::warn, "the server is about to leave" + why); break;
    case RST_EVENT_CONN_BLOCKED: log(log::Level::warn, "the server takes no publishes for now" + why); break;
    case RST_EVENT_CONN_UP: log(log::Level::debug, "connected: " + std::string(event.text.ptr, event.text.len)); break;
    case RST_EVENT_PUB_FAILED:
      log(log::Level::error, std::to_string(event.value) + " unconfirmed messages failed" + why);
      break;
    default: break;
  }
}

std::string AppCore::fatal() const {
  const std::scoped_lock lock(stop_mutex_);
  return fatal_;
}

Loop& AppCore::next_shard(Loop& first) {
  const std::uint32_t place = placed_++ % std::max<std::uint32_t>(1, shards);
  if (place == 0) return first;
  while (more_shards_.size() < place) more_shards_.emplace_back();
  return more_shards_[place - 1].loop;
}

void AppCore::request_stop() noexcept {
  if (stopping_.exchange(true, std::memory_order_acq_rel)) return;
  const std::scoped_lock lock(stop_mutex_);
  if (loop_ != nullptr) loop_->post(stop_node_);
}

Result<Publisher> AppCore::find_publisher(std::string_view broker) const {
  const std::scoped_lock lock(publishers_mutex_);
  for (const auto& [name, publisher] : outside_) {
    if (broker.empty() || name == broker) return Publisher(publisher);
  }
  if (outside_.empty()) return fail(Code::state, "the app does not run: publish between its start and its stop");
  return fail(Code::not_found, "the app has no broker called `" + std::string(broker) + "`");
}

Result<void> AppCore::configure() {
  if (const auto* level = settings.find("log.level"); level != nullptr) {
    const auto choice = settings::as_choice(*level, settings::kLogLevels);
    if (!choice) return std::unexpected(choice.error());
    environment_->logger().set_level(static_cast<log::Level>(*choice + 1));
  }
  if (const auto* format = settings.find("log.format"); format != nullptr) {
    const auto choice = settings::as_choice(*format, settings::kLogFormats);
    if (!choice) return std::unexpected(choice.error());
    environment_->logger().set_format(*choice == 0 ? log::Format::text : log::Format::json);
  }
  for (const auto& [key, timeout] : {std::pair{"drain_timeout", &drain_timeout_}, {"hook_timeout", &hook_timeout_}}) {
    const auto* setting = settings.find(key);
    if (setting == nullptr) continue;
    const auto duration = settings::as_duration(*setting);
    if (!duration) return std::unexpected(duration.error());
    *timeout = *duration;
  }
  if (const auto* paths = settings.find("plugin.path"); paths != nullptr) {
    for (const std::string& path : settings::as_list(*paths)) {
      if (const auto loaded = environment_->plugin({}, path); !loaded) return std::unexpected(loaded.error());
    }
  }
  auto plan = plan_app(brokers, settings, *environment_, info.title);
  if (!plan) return std::unexpected(std::move(plan.error()));
  plan_ = std::move(*plan);
  return {};
}

int AppCore::live(App& app, Loop& loop, std::function<void(const Result<void>&)> started) {
  struct Done : Ready {
    Loop* loop = nullptr;
  } done;
  done.loop = &loop;
  done.run = [](Ready* self) noexcept { static_cast<Done*>(self)->loop->stop(); };
  begin(app, loop, std::move(started), done);
  loop.run();
  return finish(app);
}

void AppCore::begin(App& app, Loop& loop, std::function<void(const Result<void>&)> started, Ready& ended) {
  {
    const std::scoped_lock lock(stop_mutex_);
    loop_ = &loop;
  }
  started_ = std::move(started);
  life_.emplace(whole_life(app, loop));
  begin_.core = this;
  begin_.ended = &ended;
  begin_.run = [](Ready* self) noexcept {
    const auto& at = *static_cast<BeginNode*>(self);
    if (at.core->life_->start(*at.ended)) at.core->loop_->post(*at.ended);
  };
  loop.post(begin_);
}

int AppCore::finish(App& app) {
  let_go();
  const int code = farewell(app, life_->take());
  life_.reset();
  late_hooks_.clear();  // nothing resumes them any more, and the loop of their timers is still there
  const std::scoped_lock lock(stop_mutex_);
  loop_ = nullptr;
  return code;
}

Task<int> AppCore::whole_life(App& app, Loop& loop) {
  Result<void> up = co_await bring_up(app, loop);
  started_(up);
  int code = kExitOk;
  if (!up) {
    code = fatal().empty() ? kExitUnavailable : kExitFatal;
    if (fatal().empty()) log(log::Level::error, up.error().text);  // a hook's failure has been logged
  } else if (!stopping()) {
    Park park(main_);
    co_await park;
  }
  stopping_ = true;
  drained_ = co_await drain();
  if (started_up_) (void)co_await run_hooks(on_shutdown, app, "on_shutdown");  // a failure of it is fatal()
  co_await bring_down();
  co_return code;
}

int AppCore::farewell(App& app, int code) {
  say_goodbye();
  for (const auto& hook : after_shutdown) {
    if (const Result<void> said = guarded([&] { hook(app); }); !said) fail_fast("after_shutdown: " + said.error().text);
  }
  if (!fatal().empty()) return kExitFatal;
  return code == kExitOk && !drained_ ? kExitUnfinished : code;
}

Task<Result<void>> AppCore::run_hooks(const std::vector<App::Hook>& hooks, App& app, const char* when) {
  for (const App::Hook& hook : hooks) {
    Result<void> result;
    try {
      auto call = std::make_unique<HookCall>(*loop_, hook(app), hook_timeout_);
      HookCall& running = *call;  // g++ 12 copies `*call` in a co_await
      if (const bool ended = co_await running; ended) {
        result = call->take();
      } else {
        late_hooks_.push_back(std::move(call));
        const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(hook_timeout_);
        result = fail(Code::timeout, "a hook has not ended within hook_timeout, " + std::to_string(waited.count()) +
                                         " ms: the app stops without it");
      }
    } catch (...) {
      result = guarded([] { throw; });
    }
    if (result) continue;
    result.error().text = std::string(when) + ": " + result.error().text;
    fail_fast(result.error().text);
    co_return result;
  }
  co_return Result<void>();
}

Task<Result<void>> AppCore::bring_up(App& app, Loop& loop) {
  for (const std::string& warning : plan_.warnings) log(log::Level::warn, warning);
  if (Result<void> hooks = co_await run_hooks(on_startup, app, "on_startup"); !hooks) co_return hooks;
  started_up_ = true;
  for (PlannedBroker& planned : plan_.brokers) {
    if (stopping()) co_return Result<void>();
    if (Result<void> connected = co_await connect(planned, loop); !connected) co_return connected;
  }
  for (std::size_t i = 0; i < plan_.brokers.size(); ++i) {
    PlannedPublisher& own = plan_.brokers[i].publishers.front();
    for (PlannedSubscription& planned : plan_.brokers[i].subscriptions) {
      if (stopping()) co_return Result<void>();
      if (Result<void> subscribed = co_await subscribe(planned, own, running_[i], loop); !subscribed) {
        co_return subscribed;
      }
    }
  }
  if (stopping()) co_return Result<void>();
  log(log::Level::info, "started");
  co_await start_consumers();
  co_return co_await run_hooks(after_startup, app, "after_startup");
}

Task<Result<void>> AppCore::connect(PlannedBroker& planned, Loop& loop) {
  const auto instance = environment_->instance(*planned.plugin);
  if (!instance) co_return std::unexpected(instance.error());
  RunningBroker& broker = running_.emplace_back();
  broker.connection = std::make_shared<ConnectionCore>(environment_, **instance, planned.connection.display);
  broker.connection->listen(this);
  Await connecting(broker.connection->connect(planned.connection.spec()));
  const Result<std::uint64_t> handle = co_await connecting;
  if (!handle) {
    Error error = handle.error();
    error.text = planned.connection.display + ": " + error.text;
    co_return std::unexpected(std::move(error));
  }
  broker.connection->set_handle(*handle);
  for (PlannedPublisher& publisher : planned.publishers) {
    if (Result<void> opened = co_await open_publisher(publisher, broker, loop); !opened) co_return opened;
  }
  const std::scoped_lock lock(publishers_mutex_);
  outside_.emplace_back(planned.declaration->name, broker.publisher);
  co_return Result<void>();
}

Task<Result<void>> AppCore::open_publisher(PlannedPublisher& planned, RunningBroker& broker, Loop& loop) {
  auto core = planned.declaration != nullptr ? planned.declaration->core : std::make_shared<PublisherCore>();
  const PublisherPlan& plan = planned.plan;
  core->bind(broker.connection, plan.kind, plan.wanted.confirm, plan.wanted.timeout, !plan.destination.empty());
  core->set_home(loop);
  Await opening(core->open(plan.spec()));
  const Result<std::uint64_t> handle = co_await opening;
  if (!handle) {
    Error error = handle.error();
    error.text = "publisher `" + (planned.declaration != nullptr ? planned.declaration->name : plan.destination) +
                 "`: " + error.text;
    co_return std::unexpected(std::move(error));
  }
  core->set_handle(*handle);
  broker.publishers.push_back(core);
  if (planned.declaration == nullptr && plan.destination.empty()) broker.publisher = core;
  co_return Result<void>();
}

Task<Result<void>> AppCore::subscribe(PlannedSubscription& planned, PlannedPublisher& own, RunningBroker& broker,
                                      Loop& loop) {
  const SubscriptionDeclaration& declared = *planned.declaration;
  ConsumerConfig config;
  config.name = declared.name;
  config.handler = declared.handler.get();
  config.codec = declared.codec;
  config.workers = planned.workers;
  config.keyed = planned.keyed;
  config.batch = planned.batch;
  config.batch_wait = planned.batch_wait;
  config.on_failure = declared.on_failure.value_or(FailurePolicy{});
  config.on_decode_failure = declared.on_decode_failure;
  config.max_attempts = planned.max_attempts;
  config.dead_letter = planned.plan.wanted.dead_letter;
  config.plan = planned.plan.plan;
  // A publish that waits for room holds back what was published after it: with one publisher for all, a full topic
  // would stop the very handlers that empty it.
  const std::shared_ptr<PublisherCore> outside = broker.publisher;
  if (Result<void> opened = co_await open_publisher(own, broker, loop); !opened) co_return opened;
  config.publisher = std::exchange(broker.publisher, outside);
  config.seed = environment_->seed();
  config.deduplicates = own.plan.plan.can(RST_CAP_DEDUPLICATE);
  if (planned.replies) {
    PlannedPublisher replies{nullptr, std::move(*planned.replies)};
    if (Result<void> opened = co_await open_publisher(replies, broker, loop); !opened) co_return opened;
    config.replies = broker.publishers.back();
  }
  Instance& instance = broker.connection->instance();
  RunningBroker::Subscription& running = broker.subscriptions.emplace_back();
  running.core = instance.subscriptions.acquire(running.id);
  if (running.core == nullptr) {
    broker.subscriptions.pop_back();
    co_return fail(Code::exhausted, "too many subscriptions");
  }
  running.core->open(broker.connection, running.id, planned.plan.address,
                     {planned.plan.window, planned.plan.wanted.window_bytes});
  running.loop = &next_shard(loop);
  Hop there(*running.loop);
  co_await there;
  running.consumer =
      std::make_unique<Consumer>(*running.loop, *running.core, std::move(config), *this, environment_->logger());
  Hop home(loop);
  co_await home;
  const rst_str where{planned.plan.address.data(), planned.plan.address.size()};
  rst_subscription_spec spec = planned.plan.spec(where);
  Await subscribing(
      instance.open(planned.plan.wanted.timeout, [&](std::uint64_t op, std::uint64_t& handle, rst_error& error) {
        spec.id = running.id;
        spec.op = op;
        return instance.plugin().subscribe(instance.handle(), broker.connection->handle(), &spec, &handle, &error);
      }));
  const Result<std::uint64_t> handle = co_await subscribing;
  if (!handle) {
    Error error = handle.error();
    error.text = "subscription `" + declared.name + "`: " + error.text;
    co_return std::unexpected(std::move(error));
  }
  running.core->set_handle(*handle);
  co_return Result<void>();
}

/// Handlers begin only when everything is subscribed, and behind what after_startup does before it first waits.
Task<void> AppCore::start_consumers() {
  for (RunningBroker& broker : running_) {
    for (RunningBroker::Subscription& subscription : broker.subscriptions) {
      Hop there(*subscription.loop);
      co_await there;
      subscription.core->set_waker(subscription.consumer.get());
      subscription.consumer->begin();
      Hop home(*loop_);
      co_await home;
    }
  }
}

Task<bool> AppCore::drain() {
  const auto deadline = loop_->now() + drain_timeout_;
  std::vector<OpRef> drains;  // all are asked before one is awaited, so that nobody goes on for another's sake
  for (RunningBroker& broker : running_) {
    for (RunningBroker::Subscription& subscription : broker.subscriptions) {
      if (subscription.core->handle() == 0) continue;
      drains.push_back(subscription.core->drain());
      Hop there(*subscription.loop);
      co_await there;
      subscription.consumer->stop_starting();
      Hop home(*loop_);
      co_await home;
    }
  }
  for (OpRef& op : drains) {
    Await draining(std::move(op));
    (void)co_await draining;  // refused when it has ended already: then nothing follows either
  }
  bool all = co_await idle();
  while (!all && loop_->now() < deadline) {
    co_await sleep_for(kDrainPoll);
    all = co_await idle();
  }
  co_return all;
}

Task<bool> AppCore::idle() {
  bool all = true;
  for (RunningBroker& broker : running_) {
    for (RunningBroker::Subscription& subscription : broker.subscriptions) {
      if (subscription.consumer == nullptr) continue;
      Hop there(*subscription.loop);
      co_await there;
      all = all && subscription.consumer->idle();
      Hop home(*loop_);
      co_await home;
    }
  }
  co_return all;
}

Task<void> AppCore::bring_down() {
  {
    const std::scoped_lock lock(publishers_mutex_);
    outside_.clear();
  }
  for (auto broker = running_.rbegin(); broker != running_.rend(); ++broker) {
    for (const auto& publisher : broker->publishers) {
      Await flushing(publisher->flush(kOperationTimeout));
      (void)co_await flushing;
    }
    for (RunningBroker::Subscription& subscription : broker->subscriptions) {
      if (subscription.core->handle() == 0) continue;
      Hop there(*subscription.loop);
      co_await there;
      subscription.consumer->give_up();
      Hop home(*loop_);
      co_await home;
      Await closing(subscription.core->close(0, kCloseTimeout));
      (void)co_await closing;
    }
    for (const auto& publisher : broker->publishers) {
      Await closing(publisher->close(0, kCloseTimeout));
      (void)co_await closing;
    }
    if (broker->connection->handle() == 0) continue;
    Await closing(broker->connection->close(0, kCloseTimeout));
    (void)co_await closing;
  }
}

/// The loops have ended: nothing resumes a handler that still waits, whatever it waits for, so it can be destroyed.
void AppCore::let_go() {
  for (Shard& shard : more_shards_) shard.stop();
  for (RunningBroker& broker : running_) {
    for (RunningBroker::Subscription& subscription : broker.subscriptions) {
      if (subscription.consumer != nullptr) {
        subscription.core->set_waker(nullptr);
        subscription.consumer->stop_starting();  // what came since the drain; the verdicts are refused, nobody minds
        const ConsumerCounts& counts = subscription.consumer->counts();
        counts_.handled += counts.handled;
        counts_.failed += counts.failed;
        counts_.lost += counts.lost;
        counts_.released += counts.released;
        unsettled_ += subscription.consumer->running();
        subscription.consumer.reset();
      }
      subscription.core->drop_reference();
    }
  }
  for (const RunningBroker& broker : running_) broker.connection->listen(nullptr);
  running_.clear();
  more_shards_.clear();
}

void AppCore::say_goodbye() {
  std::string text = "stopped: " + std::to_string(counts_.handled) + " handled, " + std::to_string(counts_.failed) +
                     " failed, " + std::to_string(counts_.lost) + " lost, " + std::to_string(counts_.released) +
                     " given back unstarted, " + std::to_string(unsettled_) + " left unsettled";
  if (!drained_) text += ": the drain deadline has passed, the broker will redeliver them";
  log(drained_ ? log::Level::info : log::Level::warn, text);
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
