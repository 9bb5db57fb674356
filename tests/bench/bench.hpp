// What the scenarios share: the broker in the dlopened memory plugin, its queues, payloads, and a service on it.
#pragma once

#include <ruststream/ruststream.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>

namespace bench {

namespace rs = ruststream;

inline constexpr const char* kTopic = "orders";
inline constexpr const char* kGroup = "workers";
inline constexpr std::size_t kPayloadBytes = 100;  // of the scenarios without JSON
inline constexpr std::uint64_t kChunk = 1024;      // messages published before any of them is consumed

/// The two fields that the JSON scenarios read.
struct Order {
  std::uint64_t id;
  std::uint32_t quantity;
};

/// Ends the process when there is an error: no figure is better than a wrong one.
template <class T>
T need(rs::Result<T> result, const char* what) {
  if (!result) {
    std::fprintf(stderr, "bench: %s: %s\n", what, result.error().text.c_str());
    std::exit(EXIT_FAILURE);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// A connection to the broker `memory:bench` of the plugin file; services of this process meet it there.
class Broker {
 public:
  /// `options` as in a URL's query: "capacity=1024".
  Broker(std::string plugin, const std::string& options = {});

  /// Makes a group that keeps what is published to the topic, before anybody subscribes.
  void make_group(const std::string& topic, const std::string& group);
  void fill(const std::string& topic, const std::string& payload, std::uint64_t count);
  /// The same, with sixteen keys in turn.
  void fill_keyed(const std::string& topic, const std::string& payload, std::uint64_t count);
  /// Puts messages in and takes them out again, so that the store has its memory already.
  void warm(const std::string& topic, const std::string& group, const std::string& payload, std::uint64_t count);

  /// A service on the same broker, through the same file.
  [[nodiscard]] rs::App service(const std::function<void(rs::Scope&)>& declare) const;
  [[nodiscard]] rs::Broker& client() noexcept { return broker_; }
  /// A publisher to the topic that hands over without waiting for a confirmation.
  [[nodiscard]] rs::Publisher publisher(const std::string& topic);

 private:
  std::string plugin_;
  std::string url_;
  rs::Broker broker_;
};

/// Counts messages down; the last one stops the service.
struct Countdown {
  std::uint64_t left = 0;
  std::uint64_t bytes = 0;  // so that the payload is looked at
  rs::App* app = nullptr;

  void one(std::uint64_t seen) noexcept {
    bytes += seen;
    if (--left == 0) app->stop();
  }
  void many(std::uint64_t count, std::uint64_t seen) noexcept {
    bytes += seen;
    left -= count;
    if (left == 0) app->stop();
  }
};

/// Lets the loop run what else is ready before it goes on: one suspension.
class Yield : rs::detail::Resume {
 public:
  Yield() noexcept {}
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept {
    handle = waiter;
    rs::detail::post(*rs::detail::current_loop(), *this);
  }
  void await_resume() const noexcept {}
};

[[nodiscard]] std::string read_file(const std::string& path);

}  // namespace bench
