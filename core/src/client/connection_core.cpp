#include "client/connection_core.hpp"

#include "client/stream_core.hpp"

namespace ruststream {
inline namespace v0 {
namespace detail {

void EventLog::add(Event event) {
  const std::scoped_lock lock(mutex_);
  if (events_.size() == Subscription::kMaxEvents) events_.pop_front();
  events_.push_back(std::move(event));
}

std::optional<Event> EventLog::take() {
  const std::scoped_lock lock(mutex_);
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

ConnectionCore::ConnectionCore(std::shared_ptr<Environment> environment, Instance& instance, std::string display_url)
    : environment_(std::move(environment)),
      instance_(instance),
      display_url_(std::move(display_url)),
      id_(instance.name(*this)) {}

ConnectionCore::~ConnectionCore() {
  if (handle() != 0 && !closed_.exchange(true)) {
    instance_.close_later(
        instance_.call(Instance::kCloseWait, [this](std::uint64_t op, std::uint64_t&, rst_error& error) {
          constexpr std::uint64_t kTimeout = 5'000'000'000;
          return plugin().close(instance_.handle(), handle(), 0, kTimeout, op, &error);
        }));
  }
  instance_.forget(id_);
}

void ConnectionCore::on_event(const rst_event& event) noexcept {
  const EventNode copy(event, instance_.now());
  events_.add(copy.event);
  if (const auto listener = listener_.load(std::memory_order_acquire); listener != nullptr) listener->on_event(event);
}

OpRef ConnectionCore::connect(rst_connection_spec spec) {
  return instance_.open(std::chrono::nanoseconds(spec.timeout_ns),
                        [&](std::uint64_t op, std::uint64_t& handle, rst_error& error) {
                          spec.id = id_;
                          spec.op = op;
                          return plugin().connect(instance_.handle(), &spec, &handle, &error);
                        });
}

void ConnectionCore::join(StreamCore& stream) {
  const std::scoped_lock lock(streams_mutex_);
  streams_.push_back(&stream);
}

void ConnectionCore::leave(StreamCore& stream) {
  const std::scoped_lock lock(streams_mutex_);
  std::erase(streams_, &stream);
}

OpRef ConnectionCore::close(std::uint32_t flags, std::chrono::nanoseconds timeout) {
  closed_ = true;
  {
    const std::scoped_lock lock(streams_mutex_);
    for (StreamCore* const stream : streams_) stream->end();
  }
  return instance_.call(timeout, [&](std::uint64_t op, std::uint64_t&, rst_error& error) {
    return plugin().close(instance_.handle(), handle(), flags, static_cast<std::uint64_t>(timeout.count()), op, &error);
  });
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
