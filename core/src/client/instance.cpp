#include "client/instance.hpp"

#include "client/errands.hpp"
#include "log/log.hpp"

#include <ctime>
#include <new>

namespace ruststream {
inline namespace v0 {
namespace detail {
namespace {

constexpr rst_str text(std::string_view from) noexcept { return {from.data(), from.size()}; }

std::int64_t now(const rst_host*, std::uint32_t clock) noexcept {
  timespec at{};
  clock_gettime(clock == RST_CLOCK_WALL ? CLOCK_REALTIME : CLOCK_MONOTONIC, &at);
  return static_cast<std::int64_t>(at.tv_sec) * 1'000'000'000 + at.tv_nsec;
}

}  // namespace

Instance::Instance(const rst_plugin& plugin, log::Logger& logger, Loop* simulated)
    : plugin_(plugin), logger_(logger), simulated_(simulated), errands_(std::make_unique<Errands>(*this, simulated)) {
  host_.struct_size = sizeof(host_);
  host_.abi_major = RST_ABI_MAJOR;
  host_.abi_minor = RST_ABI_MINOR;
  host_.ctx = this;
  host_.name = text("libruststream");
  host_.version = text(RUSTSTREAM_VERSION);
  host_.log_level = logger.level_address();
  host_.now = detail::now;
  if (simulated != nullptr) {
    host_.now = [](const rst_host* host, std::uint32_t) -> std::int64_t {
      return std::chrono::nanoseconds(of(host).now().time_since_epoch()).count();
    };
  }
  host_.get_extension = [](const rst_host*, rst_str) -> const void* { return nullptr; };
  host_.deliver = [](const rst_host* host, rst_batch* batch) -> std::int32_t {
    SubscriptionCore* const subscription = of(host).subscriptions.find(batch->subscription);
    return subscription != nullptr ? subscription->accept(*batch) : -RST_E_STALE;
  };
  host_.complete = [](const rst_host* host, const rst_completion* first, std::uint32_t count, std::uint32_t stride) {
    const auto* at = reinterpret_cast<const char*>(first);
    for (; count > 0; --count, at += stride) {
      const auto& completion = *reinterpret_cast<const rst_completion*>(at);
      Op* const op = of(host).ops_.find(completion.op);
      if (op != nullptr) op->complete(completion.status, completion.value, completion.error);
    }
  };
  host_.event = [](const rst_host* host, const rst_event* event) { of(host).on_event(*event); };
  host_.log = [](const rst_host* host, const rst_log* line) { of(host).on_log(*line); };
}

Result<std::unique_ptr<Instance>> Instance::create(const rst_plugin& plugin, log::Logger& logger, Loop* simulated) {
  std::unique_ptr<Instance> instance(new Instance(plugin, logger, simulated));
  rst_init_args args{};
  args.struct_size = sizeof(args);
  rst_error error{};
  const std::int32_t status = plugin.init(&instance->host_, &args, &instance->handle_, &error);
  if (status < 0) {
    instance->handle_ = nullptr;
    return std::unexpected(to_error(status, error));
  }
  return instance;
}

Instance::~Instance() {
  await_closes();  // events that come meanwhile are answered (rule H4)
  errands_->stop();
  await_closes();  // of what the last errands closed
  rst_error error{};
  if (handle_ != nullptr && plugin_.deinit(handle_, &error) < 0) {
    logger_.write(log::Level::warn, "plugin", "deinit: " + std::string(error.text, error.text_len));
  }
}

void Instance::await_closes() {
  std::vector<OpRef> closing;
  {
    const std::scoped_lock lock(closing_mutex_);
    closing.swap(closing_);
  }
  for (OpRef& op : closing) {
    if (Error error; !op.get()->block(error)) logger_.write(log::Level::warn, "plugin", error.text);
  }
}

Op* Instance::start(std::chrono::nanoseconds timeout) {
  std::uint64_t id = 0;
  Op* const op = ops_.acquire(id);
  if (op == nullptr) throw std::bad_alloc();
  op->instance = this;
  op->id = id;
  op->on_end = nullptr;
  op->value = 0;
  op->timeout_ns = static_cast<std::uint64_t>(timeout.count());
  op->state.store(Op::kPending, std::memory_order_release);
  return op;
}

void Instance::release(Op& op) noexcept { ops_.release(op.id); }

void Instance::abort_unclaimed(Op& op) noexcept {
  if (op.value != 0) errands_->abort(op.value);
  release(op);
}

void Instance::close_later(OpRef op) {
  const std::scoped_lock lock(closing_mutex_);
  std::erase_if(closing_, [](const OpRef& pending) { return pending.done(); });
  closing_.push_back(std::move(op));
}

std::uint64_t Instance::name(EventSink& sink) {
  const std::scoped_lock lock(names_mutex_);
  const std::uint64_t id = ++last_name_ | kNamedByCounter;
  names_.emplace(id, &sink);
  return id;
}

void Instance::forget(std::uint64_t id) {
  const std::scoped_lock lock(names_mutex_);
  names_.erase(id);
}

void Instance::on_event(const rst_event& event) noexcept {
  const std::uint64_t subject = event.subject != 0 ? event.subject : event.connection;
  if ((subject & kNamedByCounter) == 0) {
    SubscriptionCore* const subscription = subscriptions.find(subject);
    if (subscription != nullptr && subscription->accept(subject, event)) return;
  } else {
    const std::scoped_lock lock(names_mutex_);
    if (const auto found = names_.find(subject); found != names_.end()) found->second->on_event(event);
  }
  // Nobody here knows what to say, and a verb may not be called on this stack (rules H2, H4).
  if (event.answer != 0) errands_->answer(event.answer, rst_status(RST_E_UNSUPPORTED, 0));
}

void Instance::on_log(const rst_log& line) noexcept {
  const auto level = static_cast<log::Level>(line.level);
  if (!logger_.enabled(level)) return;
  logger_.write(level, {line.target.ptr, line.target.len}, {line.text.ptr, line.text.len},
                {{"plugin", std::string_view(plugin_.name.ptr, plugin_.name.len)}, {"code", line.code}});
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
