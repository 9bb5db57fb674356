#include "proxy/proxy.hpp"

#include "proxy/link.hpp"
#include "proxy/socket.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <deque>
#include <future>
#include <list>
#include <mutex>
#include <pthread.h>
#include <sys/eventfd.h>
#include <thread>
#include <type_traits>
#include <unistd.h>

namespace conformance {

using namespace std::chrono_literals;

std::string_view name_of(Fault fault) noexcept {
  switch (fault) {
    case Fault::cut: return "cut";
    case Fault::reset: return "reset";
    case Fault::half_open: return "half-open";
    case Fault::stall: return "stall";
    case Fault::restart: return "restart";
  }
  return "";
}

/// All state, and the thread that alone touches it: calls run on it, between two rounds of poll.
class Proxy::Loop final : Watcher {
 public:
  Loop(Address server, Socket guard)
      : server_(server),
        guard_(std::move(guard)),
        port_(port_of(guard_)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() override {
    if (thread_.joinable()) {
      call([this] { ending_ = true; });
      thread_.join();
    }
  }

  bool start() {
    if (!wake_ || !listen()) return false;
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // what the case does with signals is not this thread's business
    thread_ = std::thread([this] { run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(thread_.native_handle(), "fault-proxy");
    return true;
  }

  /// Runs it on the thread, and returns when that is done.
  template <class Body>
  std::invoke_result_t<Body> call(Body&& body) {
    std::packaged_task<std::invoke_result_t<Body>()> task(std::forward<Body>(body));
    auto done = task.get_future();
    {
      const std::scoped_lock lock(mutex_);
      calls_.emplace_back([&task] { task(); });
    }
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
    return done.get();
  }

  void make(Fault fault, std::chrono::milliseconds lasts) {
    const auto until = lasts == 0ms ? Clock::time_point::max() : Clock::now() + lasts;
    if (fault == Fault::stall) stalled_until_ = until;
    if (fault == Fault::restart) {
      listener_.close();
      away_until_ = until;
    }
    for (Link& each : links_)
      if (!each.half_open()) each.make(fault == Fault::restart ? Fault::cut : fault);
  }
  bool listen() {
    away_until_ = {};
    if (listener_) return true;
    auto made = bound_socket(port_);
    if (!made || ::listen(made->get(), SOMAXCONN) != 0) return false;
    listener_ = std::move(*made);
    return true;
  }
  void refuse() {
    listener_.close();
    away_until_ = {};
  }
  void resume() { stalled_until_ = {}; }
  void arm(Strike strike) { armed_.push_back(std::move(strike)); }
  void disarm() { armed_.clear(); }
  [[nodiscard]] std::size_t open() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        links_, [](const Link& each) { return each.connected() && !each.over() && !each.half_open(); }));
  }
  [[nodiscard]] std::uint64_t forwarded(Way way) const {
    std::uint64_t all = gone_[way == Way::to_server ? 0 : 1];
    for (const Link& each : links_) all += each.forwarded(way);
    return all;
  }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  bool turns_away = false;
  std::uint64_t slow = 0;
  std::size_t struck = 0;
  std::vector<Clock::time_point> accepted;

 private:
  static constexpr std::size_t kMostAccepted = 1U << 16U;  // times of them are kept
  static constexpr auto kTick = 5ms;                       // while something goes by time

  Verdict inspect(Way way, std::string_view before, std::string_view read) override;
  void run();
  void round();
  void take_new();
  [[nodiscard]] std::chrono::milliseconds next_tick() const;

  const Address server_;
  Socket guard_;  // bound and never listening: nobody else gets the port while the proxy refuses
  const std::uint16_t port_;
  Socket listener_;
  Socket wake_;
  std::list<Link> links_;
  std::deque<Strike> armed_;
  std::uint64_t seen_ = 0;  // bytes since the first of them was armed
  std::chrono::milliseconds striking_lasts_{0};
  std::array<std::uint64_t, 2> gone_{};  // forwarded by links that are over
  Clock::time_point stalled_until_{}, away_until_{};
  bool ending_ = false;
  std::mutex mutex_;  // of calls_
  std::vector<std::function<void()>> calls_;
  std::thread thread_;
};

/// Where the strike that is due falls within these bytes.
Watcher::Verdict Proxy::Loop::inspect(Way way, std::string_view before, std::string_view read) {
  if (armed_.empty() || armed_.front().way != way) return {read.size(), {}};
  const Strike& strike = armed_.front();
  std::size_t pass = read.size();
  bool strikes = false;
  if (strike.text.empty()) {
    strikes = seen_ + read.size() >= strike.keep;
    if (strikes) pass = strike.keep - std::min(seen_, strike.keep);
    seen_ += read.size();
  } else {
    std::string all(before.substr(before.size() - std::min(before.size(), strike.text.size() - 1)));
    const std::size_t earlier = all.size();
    all += read;
    const std::size_t at = all.find(strike.text);
    strikes = at != std::string::npos;
    const std::size_t until = at + std::min<std::size_t>(strike.keep, strike.text.size());
    if (strikes) pass = until - std::min(until, earlier);
  }
  if (!strikes) return {pass, {}};
  const Fault fault = strike.fault;
  striking_lasts_ = strike.lasts;
  armed_.pop_front();
  seen_ = 0;
  return {pass, fault};
}

void Proxy::Loop::take_new() {
  while (Socket client = accept_from(listener_)) {
    if (accepted.size() < kMostAccepted) accepted.push_back(Clock::now());
    if (turns_away) {
      client.end();
    } else {
      links_.emplace_back(std::move(client), begin_connect(server_), Clock::now());
    }
  }
}

std::chrono::milliseconds Proxy::Loop::next_tick() const {
  const bool timed = (slow != 0 && !links_.empty()) ||
                     (stalled_until_ != Clock::time_point{} && stalled_until_ != Clock::time_point::max()) ||
                     (away_until_ != Clock::time_point{} && away_until_ != Clock::time_point::max());
  return timed ? std::chrono::milliseconds(kTick) : -1ms;
}

void Proxy::Loop::round() {
  std::vector<pollfd> wait{{wake_.get(), POLLIN, 0}, {listener_ ? listener_.get() : -1, POLLIN, 0}};
  const bool stalled = stalled_until_ != Clock::time_point{};
  std::array<pollfd, 2> two{};
  for (const Link& each : links_) {
    each.wait_for(two, slow);
    for (pollfd& one : two) wait.push_back(stalled ? pollfd{-1, 0, 0} : one);
  }
  (void)::poll(wait.data(), wait.size(), static_cast<int>(next_tick().count()));
  const auto now = Clock::now();
  std::size_t at = 2;
  for (Link& each : links_) {
    two = {wait[at], wait[at + 1]};
    at += 2;
    if (stalled) continue;
    each.serve(two, slow, now, *this);
    if (const auto fault = each.struck()) {
      ++struck;
      if (*fault == Fault::restart || *fault == Fault::stall) {
        make(*fault, striking_lasts_);
        break;
      }
      each.make(*fault);
    }
  }
  if (stalled && now >= stalled_until_) stalled_until_ = {};
  if (away_until_ != Clock::time_point{} && now >= away_until_) (void)listen();
  if (listener_) take_new();
  std::erase_if(links_, [this](const Link& each) {
    if (each.over()) {
      gone_[0] += each.forwarded(Way::to_server);
      gone_[1] += each.forwarded(Way::to_client);
    }
    return each.over();
  });
}

void Proxy::Loop::run() {
  while (!ending_) {
    round();
    std::uint64_t woken = 0;
    (void)!::read(wake_.get(), &woken, sizeof woken);
    std::vector<std::function<void()>> calls;
    {
      const std::scoped_lock lock(mutex_);
      calls.swap(calls_);
    }
    for (const auto& each : calls) each();
  }
}

std::expected<std::unique_ptr<Proxy>, std::string> Proxy::to(const std::string& host, std::uint16_t port) {
  auto server = resolve(host, port);
  if (!server) return std::unexpected(std::move(server.error()));
  auto guard = bound_socket(0);
  if (!guard) return std::unexpected(std::move(guard.error()));
  auto loop = std::make_unique<Loop>(*server, std::move(*guard));
  if (!loop->start()) return std::unexpected(std::string("the fault proxy cannot listen"));
  return std::unique_ptr<Proxy>(new Proxy(std::move(loop)));
}

Proxy::Proxy(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
Proxy::~Proxy() = default;

std::uint16_t Proxy::port() const noexcept { return loop_->port(); }
void Proxy::make(Fault fault, std::chrono::milliseconds lasts) {
  loop_->call([&] { loop_->make(fault, lasts); });
}
void Proxy::resume() {
  loop_->call([&] { loop_->resume(); });
}
void Proxy::refuse() {
  loop_->call([&] { loop_->refuse(); });
}
void Proxy::listen() {
  loop_->call([&] { (void)loop_->listen(); });
}
void Proxy::turn_away(bool on) {
  loop_->call([&] { loop_->turns_away = on; });
}
void Proxy::slow(std::uint64_t bytes_per_second) {
  loop_->call([&] { loop_->slow = bytes_per_second; });
}
void Proxy::arm(Strike strike) {
  loop_->call([&] { loop_->arm(std::move(strike)); });
}
void Proxy::disarm() {
  loop_->call([&] { loop_->disarm(); });
}
std::size_t Proxy::struck() const {
  return loop_->call([&] { return loop_->struck; });
}
std::vector<Proxy::Clock::time_point> Proxy::accepted() const {
  return loop_->call([&] { return loop_->accepted; });
}
std::size_t Proxy::open() const {
  return loop_->call([&] { return loop_->open(); });
}
std::uint64_t Proxy::forwarded(Way way) const {
  return loop_->call([&] { return loop_->forwarded(way); });
}

}  // namespace conformance
