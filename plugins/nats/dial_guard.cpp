#include "dial_guard.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <dirent.h>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <set>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace ruststream::nats {
namespace {

// Descriptors are the process's, so this is too. It is not destroyed: the I/O thread may still run while a process that
// never closed ends.
std::mutex owned_mutex;
std::set<int>& owned() {
  union Kept {
    Kept() : all() {}
    ~Kept() {}
    std::set<int> all;
  };
  static Kept kept;
  return kept.all;
}

using Descriptor = std::pair<int, std::uint64_t>;

/// With their inodes: numbers come again. What the links say is read, since the descriptors are other people's.
std::vector<Descriptor> open_sockets() {
  constexpr std::string_view kSocket = "socket:[";  // and the inode
  const std::string path = "/proc/self/fd/";
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), &closedir);
  std::vector<Descriptor> found;
  while (const dirent* const each = folder == nullptr ? nullptr : readdir(folder.get())) {
    std::array<char, 64> link{};
    if (readlink((path + each->d_name).c_str(), link.data(), link.size() - 1) <= 0) continue;
    const std::string_view what = link.data();
    if (!what.starts_with(kSocket)) continue;
    found.emplace_back(std::atoi(each->d_name), std::strtoull(link.data() + kSocket.size(), nullptr, 10));
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// Of the other end of a TCP connection; 0: it is none.
std::uint16_t peer_port(int socket) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return 0;
  if (peer.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(peer).sin_port);
  if (peer.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(peer).sin6_port);
  return 0;
}

}  // namespace

DialGuard::DialGuard(std::uint16_t port) : port_(port), before_(open_sockets()) {}

void DialGuard::cut() {
  has_cut_ = true;
  const std::lock_guard lock(owned_mutex);
  for (const Descriptor& each : open_sockets()) {
    if (std::binary_search(before_.begin(), before_.end(), each) || owned().contains(each.first)) continue;
    if (peer_port(each.first) == port_) (void)shutdown(each.first, SHUT_RDWR);
  }
}

void DialGuard::own(int socket) {
  const std::lock_guard lock(owned_mutex);
  owned().insert(socket);
}

void DialGuard::disown(int socket) {
  const std::lock_guard lock(owned_mutex);
  owned().erase(socket);
}

}  // namespace ruststream::nats
