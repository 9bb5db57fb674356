#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

enum class Fault : std::uint8_t {
  cut,        // both sides are closed in order
  reset,      // both sides are closed with RST
  half_open,  // nothing is read or forwarded any more, and nobody is told
  stall,      // nothing moves, on connections to come either, until resume()
  restart,    // the server goes away with all its connections, and comes back on the same port
};
[[nodiscard]] std::string_view name_of(Fault fault) noexcept;

enum class Way : std::uint8_t { to_server, to_client };

/// A fault and where it strikes: a place in the stream of bytes, so that it is the same in each run, however fast.
struct Strike {
  Fault fault = Fault::cut;
  Way way = Way::to_server;
  /// Not empty: strikes where this passes, and `keep` of its bytes still arrive (more, where they came in an earlier
  /// read). Else strikes behind so many bytes, counted from when it is its turn: in the middle of a frame as well.
  std::string text = {};
  std::uint64_t keep = 0;
  /// Of stall and restart: how long. 0: until resume(), listen().
  std::chrono::milliseconds lasts{0};
};

/// Stands between a plugin and its server, and makes the faults of networks. Any number of connections; each loses,
/// delays or keeps bytes, never alters one. Its thread does everything: a call returns when what it asks for is done.
/// [any thread]
class Proxy {
 public:
  /// Listens on a port of 127.0.0.1 that stays its own, whether it listens or not, as long as it lives.
  [[nodiscard]] static std::expected<std::unique_ptr<Proxy>, std::string> to(const std::string& host,
                                                                             std::uint16_t port);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept;

  // Now, to all connections that there are.
  void make(Fault fault, std::chrono::milliseconds lasts = {});
  void cut() { make(Fault::cut); }
  void reset() { make(Fault::reset); }
  void half_open() { make(Fault::half_open); }
  void stall() { make(Fault::stall); }
  void resume();  // after stall
  /// Nobody listens: connections are refused. Those that there are go on.
  void refuse();
  void listen();  // again, on the same port
  /// Connections are accepted and closed before a byte has passed, and counted.
  void turn_away(bool on);
  /// So many bytes in a second, in each direction of each connection, those to come too; 0: as fast as it goes.
  void slow(std::uint64_t bytes_per_second);

  /// Strikes once, at the first connection that comes so far; a second one waits until the first has struck. A restart
  /// strikes all connections, anything else that one.
  void arm(Strike strike);
  void disarm();  // what has not struck
  [[nodiscard]] std::size_t struck() const;

  using Clock = std::chrono::steady_clock;
  /// When each connection was accepted, in order, those that were turned away included.
  [[nodiscard]] std::vector<Clock::time_point> accepted() const;
  [[nodiscard]] std::size_t open() const;                // connections that both sides have, half-open ones not
  [[nodiscard]] std::uint64_t forwarded(Way way) const;  // bytes, of all connections

 private:
  class Loop;
  explicit Proxy(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace conformance
