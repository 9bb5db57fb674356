// Ends a dial that would not end by itself.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace ruststream::nats {

/// cnats 3.4.1 waits for the PONG of its greeting without looking at its timeout: with a server that falls silent there
/// natsConnection_Connect spins until the socket is shut down, and nothing gives out the socket before it returns. So
/// it is found: the stream socket to that port which came since the dial began, and belongs to no session. Another dial
/// of this process to the same port may be hit as well; it tries again.
class DialGuard {
 public:
  explicit DialGuard(std::uint16_t port);

  void cut();
  [[nodiscard]] bool has_cut() const noexcept { return has_cut_; }

  /// The socket of a session, from the end of its dial until it is closed. [any thread]
  static void own(int socket);
  static void disown(int socket);

 private:
  const std::uint16_t port_;
  bool has_cut_ = false;
  const std::vector<std::pair<int, std::uint64_t>> before_;  // sockets and their inodes, sorted
};

}  // namespace ruststream::nats
