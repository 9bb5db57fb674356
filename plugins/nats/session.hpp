// One natsConnection: from a successful dial to its loss. It never reconnects by itself.
#pragma once

#include "settings.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <nats/nats.h>

namespace ruststream::nats {

class Io;

/// cnats runs in its event loop mode, with this plugin's I/O thread as the loop: then no call but those that dial or
/// wait for a PONG blocks, on any thread, since nothing is held while a socket is waited for. Its own reconnecting is
/// off, because it holds the connection's lock while it dials.
///
/// Whatever ends a session ends it through the read side: cut() shuts the socket down, reading then fails, cnats closes
/// the connection and says so last of all by its closed callback. Only then the session may be destroyed.
class Session {
 public:
  /// Dials one server. Blocks for at most the connect timeout, and name resolution. A signature that the server did not
  /// like is made anew twice in that time. [worker]
  static std::shared_ptr<Session> dial(Io& io, std::uint64_t link, const Settings& settings, const Server& server,
                                       rst_error& why);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  [[nodiscard]] natsConnection* nc() const noexcept { return nc_; }
  [[nodiscard]] const Server& server() const noexcept { return server_; }
  /// Plain TCP: publishing appends to cnats' buffer on any thread. With TLS cnats waits for the socket inside, so that
  /// only the I/O thread publishes, as until it is known. [any thread]
  [[nodiscard]] bool is_plain() const noexcept { return speaks_ == Speaks::kPlain; }

  // The socket. [I/O thread]
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] bool wants_write() const noexcept { return wants_write_.load(); }
  void read();
  /// With TLS cnats waits for the socket while it is full, so what is handed to it at once is little. A message may be
  /// longer: then the kernel ends the waiting, by ending a connection whose peer takes nothing for two keepalives
  /// (TCP_USER_TIMEOUT).
  static constexpr std::uint64_t kMostTlsBytes = 32U << 10U;
  /// cnats has closed the connection: why() says why, and the closed callback follows.
  [[nodiscard]] bool is_over() const noexcept { return over_.load(std::memory_order_acquire); }
  [[nodiscard]] rst_error why() const;
  /// The last error was one of permissions: Link::refused may still be on its way.
  [[nodiscard]] bool was_refused() const;
  [[nodiscard]] std::uint64_t max_payload() const;
  /// URLs of servers that the cluster told of.
  [[nodiscard]] std::vector<std::string> discovered() const;
  /// Whether a write would send something, and find no error. [any thread]
  [[nodiscard]] bool takes() const noexcept;
  /// Whether all went out, by this call or another thread's; more may be there by now. Does not wait. [any thread]
  bool write(bool hurries);
  /// When to write what there is: small writes are dear, and hold up those who publish, so that what comes behind a
  /// large one that did not hurry gathers, in proportion to it, and at the rate of that write no more than
  /// kGatherBytes. [any thread]
  [[nodiscard]] Time next_write() const noexcept { return Time(nanoseconds(next_write_.load())); }
  static constexpr std::int64_t kGatherBytes = 192 << 10;
  /// Bytes that cnats has not handed to the socket yet. [any thread]
  [[nodiscard]] std::uint64_t buffered() const;
  void cut() noexcept;

  /// The closed callback has come: nothing of cnats knows this session any more. [I/O thread]
  void closed() noexcept { closed_ = true; }
  [[nodiscard]] bool is_closed() const noexcept { return closed_; }

 private:
  Session(Io& io, std::uint64_t link, Server server, Tls tls)
      : io_(io), link_(link), server_(std::move(server)), tls_(tls) {}

  static std::shared_ptr<Session> dial_once(Io& io, std::uint64_t link, const Settings& settings, const Server& server,
                                            rst_error& why);
  /// `what` is what failed.
  natsStatus set_options(natsOptions* options, const Settings& settings, std::string& what);
  [[nodiscard]] Time after_this_write();
  void end_when_dead(nanoseconds keepalive) noexcept;
  void learn() noexcept;
  [[nodiscard]] bool has_whole_record() noexcept;
  natsStatus set_tls(natsOptions* options, const Settings& settings, std::string& what);

  Io& io_;
  const std::uint64_t link_;
  const Server server_;
  const Tls tls_;
  natsConnection* nc_ = nullptr;
  int fd_ = -1;
  int least_ = 1;  // bytes that make the socket readable
  enum class Speaks : std::uint8_t { kNotYetKnown, kPlain, kTls };
  std::atomic<Speaks> speaks_{Speaks::kNotYetKnown};
  std::atomic<bool> wants_write_{false}, all_written_{false};
  std::mutex write_mutex_;  // of the next two; cnats takes a write of nothing for the peer's end
  Time last_write_{};
  std::atomic<std::int64_t> next_write_{0};  // ns of Time
  std::atomic<bool> over_{false};
  bool closed_ = false;
  std::atomic<bool> left_{false};  // cnats' thread, the closed callback

  friend struct Hooks;  // cnats' callbacks
};

}  // namespace ruststream::nats
