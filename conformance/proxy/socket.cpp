#include "proxy/socket.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

namespace conformance {
namespace {

void without_delay(const Socket& socket) noexcept {
  const int on = 1;
  (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

std::unexpected<std::string> failed(const char* what) {
  return std::unexpected(std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

void Socket::close() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void Socket::reset() noexcept {
  if (descriptor_ < 0) return;
  const linger at_once{1, 0};
  (void)::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void Socket::end() noexcept {
  if (descriptor_ < 0) return;
  end_output();
  constexpr int kMostReads = 64;
  std::array<char, 65536> thrown_away;
  for (int i = 0; i < kMostReads && ::recv(descriptor_, thrown_away.data(), thrown_away.size(), MSG_DONTWAIT) > 0;
       ++i) {
  }
  close();
}

void Socket::end_output() noexcept {
  if (descriptor_ >= 0) (void)::shutdown(descriptor_, SHUT_WR);
}

std::expected<Address, std::string> resolve(const std::string& host, std::uint16_t port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int why = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found); why != 0) {
    return std::unexpected("`" + host + "` has no address: " + ::gai_strerror(why));
  }
  Address address;
  address.size = found->ai_addrlen;
  std::memcpy(&address.of, found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return address;
}

std::expected<Socket, std::string> bound_socket(std::uint16_t port) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return failed("no socket");
  const int on = 1;
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return failed("no port");
  return socket;
}

std::uint16_t port_of(const Socket& socket) noexcept {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  (void)::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

Socket begin_connect(const Address& to) {
  Socket socket(::socket(to.of.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return socket;
  without_delay(socket);
  const int made = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to.of), to.size);
  if (made != 0 && errno != EINPROGRESS) socket.close();
  return socket;
}

bool is_connected(const Socket& socket) noexcept {
  int why = 0;
  socklen_t size = sizeof why;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &why, &size) == 0 && why == 0;
}

Socket accept_from(const Socket& listener) {
  Socket socket(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket) without_delay(socket);
  return socket;
}

}  // namespace conformance
