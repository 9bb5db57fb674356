#pragma once
#include "client/environment.hpp"
#include "client/instance.hpp"

#include <ruststream/client.hpp>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace ruststream {
inline namespace v0 {
namespace detail {

/// The last events that nobody took yet. [any thread]
class EventLog {
 public:
  void add(Event event);
  [[nodiscard]] std::optional<Event> take();

 private:
  std::mutex mutex_;
  std::deque<Event> events_;
};

/// The host's side of one connection. Shared by the handles on it, its subscriptions and its publishers; the last one
/// that lets go closes it.
class ConnectionCore final : public EventSink, public std::enable_shared_from_this<ConnectionCore> {
 public:
  ConnectionCore(std::shared_ptr<Environment> environment, Instance& instance, std::string display_url);
  ~ConnectionCore();

  void on_event(const rst_event& event) noexcept override;

  /// Besides the log of events: the app's, which outlives the connection or takes itself away first.
  void listen(EventSink* listener) noexcept { listener_.store(listener, std::memory_order_release); }

  /// The streams that end with the connection. [any thread]
  void join(StreamCore& stream);
  void leave(StreamCore& stream);

  [[nodiscard]] OpRef connect(rst_connection_spec spec);
  [[nodiscard]] OpRef close(std::uint32_t flags, std::chrono::nanoseconds timeout);

  [[nodiscard]] Environment& environment() const noexcept { return *environment_; }
  [[nodiscard]] Instance& instance() const noexcept { return instance_; }
  [[nodiscard]] const rst_plugin& plugin() const noexcept { return instance_.plugin(); }
  [[nodiscard]] std::uint64_t handle() const noexcept { return handle_.load(std::memory_order_acquire); }
  void set_handle(std::uint64_t handle) noexcept { handle_.store(handle, std::memory_order_release); }
  [[nodiscard]] const std::string& display_url() const noexcept { return display_url_; }
  [[nodiscard]] std::optional<Event> poll_event() { return events_.take(); }

 private:
  std::shared_ptr<Environment> environment_;
  Instance& instance_;
  std::string display_url_;
  std::uint64_t id_;
  std::atomic<std::uint64_t> handle_{0};
  std::atomic<bool> closed_{false};
  std::atomic<EventSink*> listener_{nullptr};
  EventLog events_;
  std::mutex streams_mutex_;
  std::vector<StreamCore*> streams_;
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
