#include "proxy/link.hpp"

#include <algorithm>
#include <cerrno>

namespace conformance {
namespace {

constexpr std::size_t kLongestText = 256;  // of a strike, as far as it may begin in an earlier read
constexpr Way kWays[] = {Way::to_server, Way::to_client};

bool would_block() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Link::Link(Socket client, Socket server, Clock::time_point now)
    : sides_{std::move(client), std::move(server)}, allowed_at_(now) {
  if (!sides_[1]) make(Fault::reset);  // the server is not there
}

bool Link::reads(const Stream& stream) const noexcept {
  return !stream.ended && !fault_ && stream.waiting.size() < kBuffer;
}

void Link::wait_for(std::array<pollfd, 2>& out, std::uint64_t slow) const {
  for (std::size_t side = 0; side < 2; ++side) {
    const Stream& in = streams_[side];
    const Stream& back = streams_[1 - side];
    short events = 0;
    if (connected_ && reads(in)) events |= POLLIN;
    const bool may = slow == 0 || back.allowance != 0;
    if (connected_ ? !back.waiting.empty() && may : side == 1) events |= POLLOUT;
    const bool waits = !over_ && !half_open_ && events != 0;
    out[side] = {waits ? sides_[side].get() : -1, events, 0};
  }
}

void Link::serve(const std::array<pollfd, 2>& ready, std::uint64_t slow, Clock::time_point now, Watcher& watcher) {
  if (over_ || half_open_) return;
  if (!connected_) {
    if (ready[1].revents == 0) return;
    if (!is_connected(sides_[1])) return make(Fault::reset);
    connected_ = true;
  }
  if (slow != 0) {
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now - allowed_at_).count();
    const auto gained = static_cast<std::uint64_t>(since) * slow / 1'000'000;
    for (Stream& each : streams_)
      each.allowance = std::min(each.allowance + gained, std::max<std::uint64_t>(1, slow / 10));
    if (gained != 0) allowed_at_ = now;
  }
  for (const Way way : kWays) {
    const bool input = (ready[index(way)].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
    if ((input && !read(way, watcher)) || !write(way, slow)) return make(Fault::reset);
  }
  if (streams_[0].told && streams_[1].told) make(Fault::cut);
}

/// False: the connection is broken.
bool Link::read(Way way, Watcher& watcher) {
  Stream& stream = streams_[index(way)];
  if (!reads(stream)) return true;
  std::array<char, kBuffer> buffer;
  const ssize_t got = ::recv(from(way).get(), buffer.data(), kBuffer - stream.waiting.size(), 0);
  if (got < 0) return would_block();
  if (got == 0) {
    stream.ended = true;
    return true;
  }
  const std::string_view read(buffer.data(), static_cast<std::size_t>(got));
  const Watcher::Verdict verdict = watcher.inspect(way, stream.before, read);
  stream.waiting.append(read.substr(0, verdict.pass));
  fault_ = verdict.fault;
  if (fault_ == Fault::stall) stream.held = read.substr(verdict.pass);
  stream.before.append(read.substr(read.size() - std::min(read.size(), kLongestText)));
  if (stream.before.size() > kLongestText) stream.before.erase(0, stream.before.size() - kLongestText);
  return true;
}

/// False: the connection is broken.
bool Link::write(Way way, std::uint64_t slow) {
  Stream& stream = streams_[index(way)];
  const std::size_t most =
      slow == 0 ? stream.waiting.size() : std::min<std::size_t>(stream.waiting.size(), stream.allowance);
  if (most != 0) {
    const ssize_t put = ::send(to(way).get(), stream.waiting.data(), most, MSG_NOSIGNAL);
    if (put < 0) return would_block();
    const auto count = static_cast<std::uint64_t>(put);
    stream.waiting.erase(0, count);
    stream.passed += count;
    if (slow != 0) stream.allowance -= count;
  }
  if (stream.ended && !stream.told && stream.waiting.empty()) {
    to(way).end_output();
    stream.told = true;
  }
  return true;
}

std::optional<Fault> Link::struck() {
  if (!fault_ || !streams_[0].waiting.empty() || !streams_[1].waiting.empty()) return std::nullopt;
  for (Stream& each : streams_) each.waiting = std::exchange(each.held, {});
  return std::exchange(fault_, std::nullopt);
}

void Link::make(Fault fault) {
  if (fault == Fault::stall || over_) return;  // stalling is the proxy's
  if (fault == Fault::half_open) {
    half_open_ = true;
    return;
  }
  over_ = true;
  for (Socket& side : sides_) fault == Fault::reset ? side.reset() : side.end();
}

}  // namespace conformance
