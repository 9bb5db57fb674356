#include "session.hpp"

#include "dial_guard.hpp"
#include "errors.hpp"
#include "io.hpp"
#include "link.hpp"

#include <ruststream/abi/option_names.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace ruststream::nats {

namespace {

constexpr int kMoreSignatures = 2;
constexpr int kReadBytes = 128 << 10;  // at once; each read costs a poll and, of a subscription, a waking of its host

// How long what is published waits for more to be sent with it; see Session::next_write().
constexpr std::int64_t kGatherNsPerByte = 10;  // a sender at work: 16 KB after 160 us; a lone message: 1 us
constexpr nanoseconds kGatherMost = 500us;

std::vector<std::string> discovered_by(natsConnection* nc) {
  std::vector<std::string> urls;
  char** servers = nullptr;
  int count = 0;
  if (natsConnection_GetDiscoveredServers(nc, &servers, &count) != NATS_OK) return urls;
  for (int i = 0; i < count; ++i) {
    urls.emplace_back(servers[i]);
    std::free(servers[i]);
  }
  std::free(static_cast<void*>(servers));
  return urls;
}

}  // namespace

/// What cnats calls. Each closure is the session, which ends only after the closed callback.
struct Hooks {
  static natsStatus attach(void** user_data, void* loop, natsConnection* /*nc*/, natsSock socket) {
    *user_data = loop;
    static_cast<Session*>(loop)->fd_ = socket;
    (void)::fcntl(socket, F_SETFD, FD_CLOEXEC);  // T3
    DialGuard::own(socket);
    return NATS_OK;
  }
  static natsStatus read(void* /*session*/, bool /*add*/) { return NATS_OK; }
  static natsStatus write(void* session, bool add) {
    auto& self = *static_cast<Session*>(session);
    self.wants_write_.store(add);
    if (!add) self.all_written_.store(true);
    if (add && !self.io_.is_this_thread()) self.io_.wake();
    return NATS_OK;
  }
  static natsStatus detach(void* session) {
    auto& self = *static_cast<Session*>(session);
    DialGuard::disown(self.fd_);
    self.over_.store(true, std::memory_order_release);
    return NATS_OK;
  }
  // On cnats' callback thread, closed last. `nc` may be known before the session knows it.
  static void error(natsConnection* nc, natsSubscription* /*subscription*/, natsStatus status, void* session) {
    const char* text = nullptr;
    if (status != NATS_NOT_PERMITTED) return;
    if (natsConnection_GetLastError(nc, &text) == NATS_OK && text == nullptr) return;
    auto& self = *static_cast<Session*>(session);
    self.io_.post(self.link_, [what = std::string(text)](Link& link) { link.refused(what); });
  }
  static void discovered(natsConnection* nc, void* session) {
    auto& self = *static_cast<Session*>(session);
    self.io_.post(self.link_, [urls = discovered_by(nc)](Link& link) { link.discover(urls); });
  }
  static void lame_duck(natsConnection* /*nc*/, void* session) {
    auto& self = *static_cast<Session*>(session);
    self.io_.post(self.link_, [](Link& link) { link.leaving(); });
  }
  static void closed(natsConnection* /*nc*/, void* session) {
    auto& self = *static_cast<Session*>(session);
    self.io_.post(self.link_, [&self](Link& link) {
      self.closed();
      link.session_closed();
    });
    self.left_.store(true, std::memory_order_release);
  }
};

namespace {

struct OptionsDelete {
  void operator()(natsOptions* options) const noexcept { natsOptions_Destroy(options); }
};

/// cnats says of a file that it cannot read no more than that.
bool can_read(std::string_view option, const std::string& path, rst_error& why) {
  if (path.empty() || ::access(path.c_str(), R_OK) == 0) return true;
  why = make_error(errno == ENOENT ? RST_E_NOT_FOUND : RST_E_DENIED, RST_ERROR_USER, "option `", sdk::subject(option),
                   "`: cannot read ", path, ": ", std::strerror(errno));
  return false;
}

std::int64_t milliseconds(nanoseconds time) { return std::chrono::ceil<std::chrono::milliseconds>(time).count(); }

}  // namespace

/// cnats 3.4.1 sends no signature where its first byte is 0, as it is of one nonce in 256.
std::shared_ptr<Session> Session::dial(Io& io, std::uint64_t link, const Settings& settings, const Server& server,
                                       rst_error& why) {
  for (const auto& [option, path] : {std::pair{"creds", &settings.creds},
                                     {"nkey.seed", &settings.nkey_seed},
                                     {RST_OPT_TLS_CA, &settings.ca},
                                     {RST_OPT_TLS_CERT, &settings.cert},
                                     {RST_OPT_TLS_KEY, &settings.key}}) {
    if (!can_read(option, *path, why)) return nullptr;
  }
  io.post(link, [](Link& self) { self.connecting(); });
  const Time deadline = Clock::now() + settings.connect_timeout;
  auto session = dial_once(io, link, settings, server, why);
  if (settings.creds.empty() && settings.nkey.empty()) return session;
  auto again = settings;
  for (int more = kMoreSignatures; session == nullptr && (why.flags & RST_ERROR_AUTH) != 0 && more > 0; --more) {
    again.connect_timeout = deadline - Clock::now();
    if (again.connect_timeout < 1ms) break;
    session = dial_once(io, link, again, server, why);
  }
  return session;
}

std::shared_ptr<Session> Session::dial_once(Io& io, std::uint64_t link, const Settings& settings, const Server& server,
                                            rst_error& why) {
  std::shared_ptr<Session> session(new Session(io, link, server, settings.tls));
  natsOptions* made = nullptr;
  std::string what = "connecting to " + server.text();
  natsStatus status = natsOptions_Create(&made);
  const std::unique_ptr<natsOptions, OptionsDelete> options(made);
  if (status == NATS_OK) status = session->set_options(made, settings, what);
  if (status == NATS_OK) status = natsConnection_Connect(&session->nc_, made);
  if (status == NATS_OK) {
    session->end_when_dead(settings.keepalive);
    return session;
  }
  natsStatus last = NATS_OK;
  const char* text = nats_GetLastError(&last);
  const std::string_view said = last == status && text != nullptr ? text : "";
  why = error_of(status, what, said);
  if (settings.tls == Tls::kOff && status == NATS_SSL_ERROR) {
    why = make_error(RST_E_UNAVAILABLE, RST_ERROR_USER, what, ": the server wants TLS; set option `",
                     sdk::subject(RST_OPT_TLS), "` to verify, or use a tls:// url");
  } else if (status == NATS_PROTOCOL_ERROR && said.ends_with("got ''")) {
    const bool lacks = settings.tls != Tls::kOff && settings.cert.empty();
    why = make_error(RST_E_UNAVAILABLE, RST_ERROR_RETRYABLE, what, ": the server closed the connection",
                     lacks ? "; it may want a client certificate, options `tls.cert` and `tls.key`" : "");
  }
  return nullptr;
}

/// The kernel ends a connection whose peer answers nothing for two keepalives: cnats may be inside a read or a write of
/// TLS that waits for the peer, and the I/O thread in it.
void Session::end_when_dead(nanoseconds keepalive) noexcept {
  const auto longest = static_cast<unsigned>(milliseconds(2 * keepalive));
  const int on = 1;
  const int idle = std::max<int>(1, static_cast<int>(std::chrono::floor<std::chrono::seconds>(keepalive).count()));
  (void)::setsockopt(fd_, IPPROTO_TCP, TCP_USER_TIMEOUT, &longest, sizeof longest);
  (void)::setsockopt(fd_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  (void)::setsockopt(fd_, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  (void)::setsockopt(fd_, IPPROTO_TCP, TCP_KEEPINTVL, &on, sizeof on);
}

natsStatus Session::set_options(natsOptions* options, const Settings& settings, std::string& what) {
  natsStatus status = NATS_OK;
  const auto set = [&status](auto&& body) {
    if (status == NATS_OK) status = body();
  };
  const std::string url = "nats://" + server_.text();
  set([&] { return natsOptions_SetURL(options, url.c_str()); });
  set([&] { return natsOptions_SetTimeout(options, milliseconds(settings.connect_timeout)); });
  set([&] { return natsOptions_SetAllowReconnect(options, false); });
  set([&] {
    return natsOptions_SetPingInterval(options, 0);
  });                                                           // its timer would close the socket under the I/O thread
  set([&] { return natsOptions_SetSendAsap(options, true); });  // no flusher thread: writing is the I/O thread's
  set([&] { return natsOptions_SetIOBufSize(options, kReadBytes); });
  set([&] { return natsOptions_SetNoEcho(options, settings.no_echo); });
  if (!settings.name.empty()) set([&] { return natsOptions_SetName(options, settings.name.c_str()); });
  if (!settings.user.empty()) {
    set([&] { return natsOptions_SetUserInfo(options, settings.user.c_str(), settings.password.c_str()); });
  }
  if (!settings.token.empty()) set([&] { return natsOptions_SetToken(options, settings.token.c_str()); });
  if (!settings.creds.empty()) {
    set([&] { return natsOptions_SetUserCredentialsFromFiles(options, settings.creds.c_str(), nullptr); });
  }
  if (!settings.nkey.empty()) {
    set([&] { return natsOptions_SetNKeyFromSeed(options, settings.nkey.c_str(), settings.nkey_seed.c_str()); });
  }
  if (tls_ != Tls::kOff) {
    set([&] { return set_tls(options, settings, what); });
  }
  set([&] {
    return natsOptions_SetEventLoop(options, this, &Hooks::attach, &Hooks::read, &Hooks::write, &Hooks::detach);
  });
  set([&] { return natsOptions_SetErrorHandler(options, &Hooks::error, this); });
  set([&] { return natsOptions_SetDiscoveredServersCB(options, &Hooks::discovered, this); });
  set([&] { return natsOptions_SetLameDuckModeCB(options, &Hooks::lame_duck, this); });
  set([&] { return natsOptions_SetClosedCB(options, &Hooks::closed, this); });
  return status;
}

natsStatus Session::set_tls(natsOptions* options, const Settings& settings, std::string& what) {
  natsStatus status = natsOptions_SetSecure(options, true);
  const auto set = [&](std::string_view doing, auto&& body) {
    if (status != NATS_OK) return;
    status = body();
    if (status != NATS_OK) what = doing;
  };
  if (!settings.ca.empty()) {
    set("reading `tls.ca`", [&] { return natsOptions_LoadCATrustedCertificates(options, settings.ca.c_str()); });
  }
  if (!settings.cert.empty()) {
    set("reading `tls.cert` and `tls.key`",
        [&] { return natsOptions_LoadCertificatesChain(options, settings.cert.c_str(), settings.key.c_str()); });
  }
  if (tls_ == Tls::kOn) {
    set("tls", [&] { return natsOptions_SkipServerVerification(options, true); });
  } else {
    const std::string& name = settings.server_name.empty() ? server_.host : settings.server_name;
    set("tls", [&] { return natsOptions_SetExpectedHostname(options, name.c_str()); });
  }
  return status;
}

/// cnats' thread may still be inside post(): instance and queue must not end before it has left.
Session::~Session() {
  while (closed_ && !left_.load(std::memory_order_acquire)) std::this_thread::yield();
  if (nc_ != nullptr) natsConnection_Destroy(nc_);
}

/// With TLS cnats spins inside SSL_read until a whole record is there, so it is not called before.
void Session::read() {
  if (speaks_ == Speaks::kNotYetKnown) learn();
  if (speaks_ != Speaks::kTls || has_whole_record()) natsConnection_ProcessReadEvent(nc_);
}

/// cnats goes over to TLS by itself where the server wants it, and does not tell: the first byte of the PONG that every
/// session begins with does.
void Session::learn() noexcept {
  constexpr unsigned char kAlert = 0x15;
  constexpr unsigned char kData = 0x17;
  unsigned char first = 0;
  if (::recv(fd_, &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1) return;
  speaks_ = first == kAlert || first == kData ? Speaks::kTls : Speaks::kPlain;
}

/// What is not whole yet wakes the I/O thread when it is: the socket is not readable before. It is so all the same once
/// the kernel has no room for the rest, which a sender at work follows up as soon as this part is read.
bool Session::has_whole_record() noexcept {
  constexpr int kHead = 5;  // type, version, length
  std::array<unsigned char, kHead> head{};
  const auto seen = ::recv(fd_, head.data(), head.size(), MSG_PEEK | MSG_DONTWAIT);
  if (seen <= 0) return true;  // its end, or an error: cnats' to tell
  const int whole = seen < kHead ? kHead : kHead + (head[3] << 8 | head[4]);
  int waiting = 0;
  if (::ioctl(fd_, FIONREAD, &waiting) != 0) return true;
  pollfd hung_up{fd_, POLLRDHUP, 0};
  const bool ends = ::poll(&hung_up, 1, 0) > 0;  // no more will come
  const bool has_no_room = least_ == whole;      // it was waited for
  least_ = waiting >= whole || ends || has_no_room ? 1 : whole;
  (void)::setsockopt(fd_, SOL_SOCKET, SO_RCVLOWAT, &least_, sizeof least_);
  return least_ == 1;
}

Time Session::after_this_write() {
  const nanoseconds bytes{std::max<std::uint64_t>(buffered(), 1)};
  const Time now = Clock::now();
  const auto since = std::min<nanoseconds>(now - std::exchange(last_write_, now), 1s);
  return now + std::min({bytes * kGatherNsPerByte, kGatherMost, since * kGatherBytes / bytes.count()});
}

bool Session::takes() const noexcept {
  pollfd socket{fd_, POLLOUT, 0};
  return ::poll(&socket, 1, 0) == 1 && socket.revents == POLLOUT;
}

bool Session::write(bool hurries) {
  const std::lock_guard lock(write_mutex_);
  if (!wants_write()) return true;
  next_write_.store(hurries ? 0 : after_this_write().time_since_epoch().count());
  all_written_.store(false);
  natsConnection_ProcessWriteEvent(nc_);
  return all_written_.load();
}

rst_error Session::why() const {
  const char* text = nullptr;
  const natsStatus status = natsConnection_GetLastError(nc_, &text);
  return error_of(status, server_.text(), text == nullptr ? "" : text);
}

std::uint64_t Session::max_payload() const { return static_cast<std::uint64_t>(natsConnection_GetMaxPayload(nc_)); }

std::uint64_t Session::buffered() const {
  return static_cast<std::uint64_t>(std::max(natsConnection_Buffered(nc_), 0));
}

std::vector<std::string> Session::discovered() const { return discovered_by(nc_); }

bool Session::was_refused() const {
  const char* text = nullptr;
  return natsConnection_GetLastError(nc_, &text) == NATS_NOT_PERMITTED;
}

void Session::cut() noexcept {
  if (!is_over()) (void)::shutdown(fd_, SHUT_RDWR);
}

}  // namespace ruststream::nats
