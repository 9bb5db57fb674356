#include "client/prepare.hpp"
#include "client/publisher_core.hpp"
#include "client/stream_core.hpp"
#include "options/nearest.hpp"
#include "options/table.hpp"
#include "options/url.hpp"

#include <ruststream/client.hpp>

#include <array>

namespace ruststream {
inline namespace v0 {
namespace {

/// What the completion of a verb without a result is worth.
Result<void> nothing(Result<std::uint64_t> done) {
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

Result<std::uint32_t> word(std::string_view word, std::span<const std::string_view> words, std::string_view what) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word) return static_cast<std::uint32_t>(i);
  }
  return fail(Code::invalid,
              "`" + std::string(word) + "` is no " + std::string(what) + options::did_you_mean(word, words));
}

}  // namespace

Operation<Broker> connect(std::string url, ConnectOptions wanted) {
  auto environment = detail::Environment::shared();
  const auto parsed = options::parse_url(url);
  if (!parsed) return std::unexpected(parsed.error());
  const auto plugin = environment->plugin(*parsed, wanted.plugin_path);
  if (!plugin) return std::unexpected(plugin.error());
  const auto plan =
      detail::plan_connection(**plugin, url, wanted, detail::to_settings(wanted.options, "ConnectOptions"));
  if (!plan) return std::unexpected(plan.error());
  const auto instance = environment->instance(**plugin);
  if (!instance) return std::unexpected(instance.error());
  auto core = std::make_shared<detail::ConnectionCore>(std::move(environment), **instance, plan->display);
  detail::OpRef op = core->connect(plan->spec());
  return {std::move(op), [core = std::move(core)](Result<std::uint64_t> handle) mutable -> Result<Broker> {
            if (!handle) return std::unexpected(std::move(handle.error()));
            core->set_handle(*handle);
            return Broker(std::move(core));
          }};
}

Operation<Subscription> Broker::subscribe(std::string address, SubscribeOptions wanted) {
  auto settings = detail::to_settings(wanted.options, "SubscribeOptions");
  const auto plan =
      detail::plan_subscription(core_->plugin(), std::move(address), std::move(wanted), std::move(settings));
  if (!plan) return std::unexpected(plan.error());
  std::optional<Verdict> forgotten;  // else the broker takes it back in its own time
  if (plan->plan.can(RST_CAP_RELEASE)) forgotten = Verdict::release;
  if (plan->plan.can(RST_CAP_RETRY)) forgotten = Verdict::retry;
  auto core = std::make_shared<detail::StreamCore>(
      core_, plan->address, detail::SubscriptionCore::Window{plan->window, plan->wanted.window_bytes}, forgotten);
  const rst_str where{plan->address.data(), plan->address.size()};
  detail::OpRef op = core->subscribe(plan->spec(where));
  return {std::move(op), [core = std::move(core)](Result<std::uint64_t> handle) mutable -> Result<Subscription> {
            if (!handle) return std::unexpected(std::move(handle.error()));
            core->opened(*handle);
            return Subscription(std::move(core));
          }};
}

Operation<Publisher> Broker::publisher(std::string destination, PublisherOptions wanted) {
  auto settings = detail::to_settings(wanted.options, "PublisherOptions");
  const auto plan =
      detail::plan_publisher(core_->plugin(), std::move(destination), std::move(wanted), std::move(settings));
  if (!plan) return std::unexpected(plan.error());
  auto core = std::make_shared<detail::PublisherCore>();
  core->bind(core_, plan->kind, plan->wanted.confirm, plan->wanted.timeout, !plan->destination.empty());
  detail::OpRef op = core->open(plan->spec());
  return {std::move(op), [core = std::move(core)](Result<std::uint64_t> handle) mutable -> Result<Publisher> {
            if (!handle) return std::unexpected(std::move(handle.error()));
            core->set_handle(*handle);
            return Publisher(std::move(core));
          }};
}

Operation<void> Broker::admin(std::string_view action, std::string_view object, std::string name, std::string parent,
                              PluginOptions pairs) {
  constexpr std::array<std::string_view, 3> kActions{"create", "delete", "purge"};
  const rst_plugin& plugin = core_->plugin();
  const auto* table =
      plugin.get_extension == nullptr
          ? nullptr
          : static_cast<const rst_admin*>(plugin.get_extension({RST_EXT_ADMIN, sizeof(RST_EXT_ADMIN) - 1}));
  if (table == nullptr) {
    return fail(Code::unsupported,
                std::string(options::view(plugin.name)) + " has no administration (" RST_EXT_ADMIN ")");
  }
  const auto act = word(action, kActions, "administrative action");
  if (!act) return std::unexpected(act.error());
  std::vector<std::string_view> kinds;
  for (std::uint32_t i = 0; i < plugin.kind_count; ++i)
    kinds.push_back(options::view(options::kind_at(plugin, i).name));
  const auto kind = word(object, kinds, "kind of object here");
  if (!kind) return std::unexpected(kind.error());
  const auto set = options::resolve(plugin, RST_SCOPE_ADMIN, *kind, detail::to_settings(pairs, "admin()"));
  if (!set) return std::unexpected(set.error());
  rst_admin_request request{};
  request.struct_size = sizeof(request);
  request.connection = core_->handle();
  request.action = *act + 1;
  request.kind = *kind;
  request.name = {name.data(), name.size()};
  request.parent = {parent.data(), parent.size()};
  request.options = set->options().data();
  request.option_count = static_cast<std::uint32_t>(set->options().size());
  detail::Instance& instance = core_->instance();
  return {instance.call(std::chrono::seconds(10),
                        [&](std::uint64_t op, std::uint64_t&, rst_error& error) {
                          request.op = op;
                          return table->apply(instance.handle(), &request, &error);
                        }),
          nothing};
}

std::optional<Event> Broker::poll_event() { return core_->poll_event(); }

Operation<void> Broker::close(std::chrono::milliseconds timeout) {
  return {core_->close(0, timeout), [core = core_](Result<std::uint64_t> done) { return nothing(std::move(done)); }};
}

std::string Broker::display_url() const { return core_->display_url(); }

Subscription::Subscription(std::shared_ptr<detail::StreamCore> core) noexcept : core_(std::move(core)) {}
Subscription::Subscription(Subscription&&) noexcept = default;
Subscription& Subscription::operator=(Subscription&&) noexcept = default;
Subscription::~Subscription() = default;

bool Subscription::Next::await_ready() const { return core_.available(); }
bool Subscription::Next::await_suspend(std::coroutine_handle<> waiter) noexcept { return core_.suspend(waiter); }
Result<Delivery> Subscription::Next::await_resume() { return core_.take(); }

bool Subscription::NextBatch::await_ready() const { return core_.available(); }
bool Subscription::NextBatch::await_suspend(std::coroutine_handle<> waiter) noexcept { return core_.suspend(waiter); }
Result<DeliveryBatch> Subscription::NextBatch::await_resume() { return core_.take(most_); }

namespace {
std::unexpected<Error> on_loop(std::string_view verb) {
  return fail(Code::state, std::string(verb) + " would block this loop thread: co_await next() instead");
}
}  // namespace

Result<Delivery> Subscription::receive(std::chrono::milliseconds timeout) {
  if (detail::current_loop() != nullptr) return on_loop("receive()");
  core_->wait(timeout);
  return core_->take();
}

Result<DeliveryBatch> Subscription::receive_batch(std::uint32_t most, std::chrono::milliseconds timeout) {
  if (detail::current_loop() != nullptr) return on_loop("receive_batch()");
  core_->wait(timeout);
  return core_->take(most);
}

std::optional<Event> Subscription::poll_event() { return core_->poll_event(); }
std::uint64_t Subscription::forgotten() const noexcept { return core_->forgotten(); }

Operation<void> Subscription::close(std::chrono::milliseconds timeout) {
  return {core_->close(0, timeout), [core = core_](Result<std::uint64_t> done) { return nothing(std::move(done)); }};
}

namespace detail {

void run_on_loop(bool (*start)(void*, Ready&), void* task) {
  Loop loop;
  struct Done : Ready {
    Loop* loop;
  } done;
  done.loop = &loop;
  done.run = [](Ready* self) noexcept { static_cast<Done*>(self)->loop->stop(); };
  struct Begin : Ready {
    Done* done;
    bool (*start)(void*, Ready&);
    void* task;
  } first;
  first.done = &done;
  first.start = start;
  first.task = task;
  first.run = [](Ready* self) noexcept {
    auto* const begun = static_cast<Begin*>(self);
    if (begun->start(begun->task, *begun->done)) begun->done->loop->stop();
  };
  loop.post(first);
  loop.run();
}

}  // namespace detail

namespace {

class Sleep {
 public:
  explicit Sleep(std::chrono::nanoseconds duration) noexcept : duration_(duration) {}
  bool await_ready() const noexcept { return duration_.count() <= 0; }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    timer_.emplace(
        *detail::current_loop(), [](void* self) noexcept { static_cast<Sleep*>(self)->waiter_.resume(); }, this);
    timer_->start(duration_);
  }
  void await_resume() const noexcept {}

 private:
  std::chrono::nanoseconds duration_;
  std::coroutine_handle<> waiter_;
  std::optional<detail::Timer> timer_;
};

}  // namespace

Task<void> sleep_for(std::chrono::nanoseconds duration) {
  Sleep sleep(duration);
  co_await sleep;
}

}  // namespace v0
}  // namespace ruststream
