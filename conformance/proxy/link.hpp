#pragma once
#include "proxy/proxy.hpp"
#include "proxy/socket.hpp"

#include <array>
#include <optional>
#include <poll.h>

namespace conformance {

/// Decides how many of the bytes that were just read may pass; fewer than there are: the link's end is `*fault`.
class Watcher {
 public:
  struct Verdict {
    std::size_t pass;
    std::optional<Fault> fault;
  };
  virtual ~Watcher() = default;
  virtual Verdict inspect(Way way, std::string_view before, std::string_view read) = 0;
};

/// One connection of the plugin's and the one to the server that belongs to it. [the proxy's thread]
class Link {
 public:
  using Clock = Proxy::Clock;
  Link(Socket client, Socket server, Clock::time_point now);

  /// Which of the two descriptors to wait for; {-1, 0} for none. `slow`: bytes per second, 0 for any.
  void wait_for(std::array<pollfd, 2>& out, std::uint64_t slow) const;
  void serve(const std::array<pollfd, 2>& ready, std::uint64_t slow, Clock::time_point now, Watcher& watcher);
  void make(Fault fault);
  [[nodiscard]] bool over() const noexcept { return over_; }
  [[nodiscard]] bool half_open() const noexcept { return half_open_; }
  [[nodiscard]] bool connected() const noexcept { return connected_; }
  /// What struck it and takes effect now that what was to pass has passed; given once.
  [[nodiscard]] std::optional<Fault> struck();
  [[nodiscard]] std::uint64_t forwarded(Way way) const noexcept { return streams_[index(way)].passed; }

 private:
  static constexpr std::size_t kBuffer = 64 * 1024;
  struct Stream {         // one direction
    std::string waiting;  // read and not yet written
    std::string held;     // read, to be written when a stall is over
    std::string before;   // the last bytes that were read, for what begins in one read and ends in the next
    std::uint64_t passed = 0;
    std::uint64_t allowance = 0;  // when it is slow
    bool ended = false;           // FIN was read
    bool told = false;            // and passed on
  };
  static constexpr std::size_t index(Way way) noexcept { return way == Way::to_server ? 0 : 1; }
  [[nodiscard]] Socket& from(Way way) noexcept { return sides_[index(way)]; }
  [[nodiscard]] Socket& to(Way way) noexcept { return sides_[1 - index(way)]; }
  [[nodiscard]] bool reads(const Stream& stream) const noexcept;
  bool read(Way way, Watcher& watcher);
  bool write(Way way, std::uint64_t slow);

  std::array<Socket, 2> sides_;  // client, server
  std::array<Stream, 2> streams_;
  bool connected_ = false;  // to the server
  bool half_open_ = false;
  bool over_ = false;
  std::optional<Fault> fault_;
  Clock::time_point allowed_at_;
};

}  // namespace conformance
