// The one I/O thread of an instance: it reads and writes all sockets, and owns what belongs to connections.
#pragma once

#include "timers.hpp"

#include <ruststream/sdk.hpp>

#include <atomic>
#include <poll.h>
#include <unordered_map>
#include <vector>

namespace ruststream::nats {

namespace sdk = ruststream::sdk;
class Link;

class Io {
 public:
  Io();
  Io(const Io&) = delete;
  Io& operator=(const Io&) = delete;

  /// `body(Link&)` on the I/O thread, unless the connection of this id has ended by then. [any thread]
  template <class Body>
  void post(std::uint64_t link, Body body) {
    thread_.post([this, link, body = std::move(body)]() mutable {
      if (const auto found = links.find(link); found != links.end()) body(*found->second);
    });
  }
  /// `body()` on the I/O thread. [any thread]
  template <class Body>
  void run(Body body) {
    thread_.post(std::move(body));
  }
  /// There is something to write. Costs a system call only while the thread sleeps. [any thread]
  void wake() noexcept;
  [[nodiscard]] bool is_this_thread() const noexcept;

  Timers timers;                                   // [I/O thread]
  std::unordered_map<std::uint64_t, Link*> links;  // [I/O thread] by the host's ids of their connections

 private:
  void wait(int descriptor);

  std::atomic<bool> sleeps_{false};
  std::vector<pollfd> polled_;  // [I/O thread] kept from round to round, like the next
  std::vector<std::uint64_t> polled_links_;
  sdk::IoThread thread_;  // last: it uses the rest
};

}  // namespace ruststream::nats
