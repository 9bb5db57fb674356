#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <sys/socket.h>
#include <utility>

namespace conformance {

/// A descriptor of a socket that does not block and is closed on exec.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) noexcept : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Socket() { close(); }

  [[nodiscard]] int get() const noexcept { return descriptor_; }
  [[nodiscard]] explicit operator bool() const noexcept { return descriptor_ >= 0; }
  void close() noexcept;
  void reset() noexcept;       // closes with RST: the peer's next read fails
  void end() noexcept;         // closes in order: unread input is thrown away first, which would make it an RST
  void end_output() noexcept;  // FIN; input goes on

 private:
  int descriptor_ = -1;
};

struct Address {
  sockaddr_storage of{};
  socklen_t size = 0;
};
/// What is against it, in one sentence, where the host has no address.
[[nodiscard]] std::expected<Address, std::string> resolve(const std::string& host, std::uint16_t port);

/// Bound to 127.0.0.1, shared with other sockets of this process by SO_REUSEPORT. Port 0: the system's choice.
[[nodiscard]] std::expected<Socket, std::string> bound_socket(std::uint16_t port);
[[nodiscard]] std::uint16_t port_of(const Socket& socket) noexcept;
/// Begins to connect; the socket is writable when that is over.
[[nodiscard]] Socket begin_connect(const Address& to);
[[nodiscard]] bool is_connected(const Socket& socket) noexcept;  // when it became writable
[[nodiscard]] Socket accept_from(const Socket& listener);        // none: nobody waits

}  // namespace conformance
