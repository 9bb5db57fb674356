#include "proxy/proxy.hpp"

#include "proxy/socket.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <netinet/in.h>
#include <poll.h>
#include <thread>

namespace conformance {
namespace {

using namespace std::chrono_literals;
constexpr auto kSoon = 5s;       // what must happen has happened by then
constexpr auto kNothing = 50ms;  // what must not happen does not until then

bool ready(const Socket& socket, std::chrono::milliseconds at_most, short events = POLLIN) {
  pollfd one{socket.get(), events, 0};
  return ::poll(&one, 1, static_cast<int>(at_most.count())) == 1;
}

void send(const Socket& to, std::string_view text) {
  while (!text.empty()) {
    ASSERT_TRUE(ready(to, kSoon, POLLOUT));
    const ssize_t put = ::send(to.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (put > 0) text.remove_prefix(static_cast<std::size_t>(put));
    if (put < 0 && errno != EAGAIN) return;
  }
}

/// So many bytes, or what came before the end; `end` is 0 for FIN, else the errno.
std::string receive(const Socket& from, std::size_t count, int* end = nullptr) {
  std::string all;
  while (all.size() < count && ready(from, kSoon)) {
    char buffer[4096];
    const ssize_t got = ::recv(from.get(), buffer, std::min(sizeof buffer, count - all.size()), 0);
    if (got <= 0) {
      if (end != nullptr) *end = got == 0 ? 0 : errno;
      break;
    }
    all.append(buffer, static_cast<std::size_t>(got));
  }
  return all;
}

constexpr int kStill = -1;
int end_of(const Socket& socket) {
  int end = kStill;
  (void)receive(socket, 1, &end);
  return end;
}

/// A client through the proxy, and the server's side of its connection.
struct Pair {
  Socket client, server;
};

class ProxyTest : public testing::Test {
 protected:
  ProxyTest() : listener_(std::move(bound_socket(0).value())) {
    (void)::listen(listener_.get(), 16);
    proxy_ = std::move(Proxy::to("localhost", port_of(listener_)).value());
  }
  [[nodiscard]] Socket try_connect() const {
    Socket made = begin_connect(resolve("127.0.0.1", proxy_->port()).value());
    if (!ready(made, kSoon, POLLOUT) || !is_connected(made)) made.close();
    return made;
  }
  [[nodiscard]] Pair connect() const {
    Pair made{try_connect(), {}};
    EXPECT_TRUE(ready(listener_, kSoon));
    made.server = accept_from(listener_);
    return made;
  }
  static void expect_passes(const Pair& pair) {
    send(pair.client, "ping");
    EXPECT_EQ(receive(pair.server, 4), "ping");
    send(pair.server, "pong");
    EXPECT_EQ(receive(pair.client, 4), "pong");
  }
  void wait_for_strikes(std::size_t count) const {
    for (int i = 0; i < 1000 && proxy_->struck() < count; ++i) std::this_thread::sleep_for(5ms);
    EXPECT_EQ(proxy_->struck(), count);
  }

  Socket listener_;
  std::unique_ptr<Proxy> proxy_;
};

TEST_F(ProxyTest, PassesEverythingOfSeveralConnections) {
  const Pair one = connect(), two = connect();
  const std::string large(1U << 20U, 'x');
  std::thread sends([&] { send(one.client, large); });
  expect_passes(two);
  EXPECT_EQ(receive(one.server, large.size()), large);
  sends.join();
  EXPECT_EQ(proxy_->open(), 2U);
  EXPECT_EQ(proxy_->accepted().size(), 2U);
  EXPECT_EQ(proxy_->forwarded(Way::to_server), large.size() + 4);
  EXPECT_EQ(proxy_->forwarded(Way::to_client), 4U);
}

TEST_F(ProxyTest, PassesTheEndOfOneSideAndGoesOnWithTheOther) {
  Pair pair = connect();
  send(pair.client, "last");
  pair.client.end_output();
  EXPECT_EQ(receive(pair.server, 4), "last");
  EXPECT_EQ(end_of(pair.server), 0);
  send(pair.server, "answer");
  EXPECT_EQ(receive(pair.client, 6), "answer");
}

TEST_F(ProxyTest, CutsAndResetsAllThatThereIs) {
  const Pair one = connect(), two = connect();
  expect_passes(one);
  proxy_->cut();
  for (const Socket* each : {&one.client, &one.server, &two.client, &two.server}) EXPECT_EQ(end_of(*each), 0);
  const Pair three = connect();
  expect_passes(three);
  proxy_->reset();
  EXPECT_EQ(end_of(three.client), ECONNRESET);
  EXPECT_EQ(end_of(three.server), ECONNRESET);
  expect_passes(connect());
}

TEST_F(ProxyTest, LeavesAHalfOpenConnectionWithoutAWord) {
  const Pair pair = connect();
  expect_passes(pair);
  proxy_->half_open();
  send(pair.client, "lost");
  send(pair.server, "lost");
  EXPECT_FALSE(ready(pair.client, kNothing));
  EXPECT_FALSE(ready(pair.server, kNothing));
  EXPECT_EQ(proxy_->open(), 0U);
  expect_passes(connect());
}

TEST_F(ProxyTest, StallsAndLosesNothing) {
  const Pair pair = connect();
  proxy_->stall();
  send(pair.client, "later");
  EXPECT_FALSE(ready(pair.server, kNothing));
  proxy_->resume();
  EXPECT_EQ(receive(pair.server, 5), "later");
  proxy_->make(Fault::stall, kNothing);
  const auto before = Proxy::Clock::now();
  send(pair.client, "later");
  EXPECT_EQ(receive(pair.server, 5), "later");
  EXPECT_GE(Proxy::Clock::now() - before, kNothing - 1ms);
}

TEST_F(ProxyTest, IsAsSlowAsItIsTold) {
  const Pair pair = connect();
  proxy_->slow(10'000);
  const auto before = Proxy::Clock::now();
  send(pair.client, std::string(3000, 'x'));
  EXPECT_EQ(receive(pair.server, 3000).size(), 3000U);
  EXPECT_GE(Proxy::Clock::now() - before, 150ms);  // a tenth of a second's bytes may come at once
  proxy_->slow(0);
  expect_passes(pair);
}

TEST_F(ProxyTest, RefusesAndListensAgainOnItsPort) {
  const Pair pair = connect();
  proxy_->refuse();
  EXPECT_FALSE(try_connect());
  expect_passes(pair);  // refusing is about new ones
  proxy_->listen();
  expect_passes(connect());
  proxy_->make(Fault::restart, kNothing);
  EXPECT_EQ(end_of(pair.client), 0);
  Socket again = try_connect();
  for (int i = 0; i < 1000 && !again; ++i) {
    std::this_thread::sleep_for(5ms);
    again = try_connect();
  }
  EXPECT_TRUE(again);
}

TEST_F(ProxyTest, CountsWhomItTurnsAway) {
  proxy_->turn_away(true);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(end_of(try_connect()), 0);
  EXPECT_EQ(proxy_->accepted().size(), 3U);
  EXPECT_FALSE(ready(listener_, kNothing));
  proxy_->turn_away(false);
  expect_passes(connect());
}

TEST_F(ProxyTest, ResetsAClientWhoseServerIsNotThere) {
  listener_.close();
  const Socket client = begin_connect(resolve("127.0.0.1", proxy_->port()).value());
  EXPECT_TRUE(ready(client, kSoon, POLLOUT));  // it may be reset before anybody looks whether it is connected
  EXPECT_EQ(end_of(client), ECONNRESET);
}

TEST_F(ProxyTest, StrikesBehindTheByteThatIsNamedOneAfterTheOther) {
  const Pair one = connect(), two = connect();
  proxy_->arm({.keep = 7});
  proxy_->arm({.fault = Fault::reset, .way = Way::to_client, .keep = 2});
  send(one.client, "abcdefghij");
  EXPECT_EQ(receive(one.server, 10), "abcdefg");
  EXPECT_EQ(end_of(one.client), 0);
  wait_for_strikes(1);
  send(two.client, "all of it");
  EXPECT_EQ(receive(two.server, 9), "all of it");
  send(two.server, "abc");
  wait_for_strikes(2);
  EXPECT_EQ(end_of(two.server), ECONNRESET);
  proxy_->arm({.keep = 1});
  proxy_->disarm();
  expect_passes(connect());
}

TEST_F(ProxyTest, StrikesWhereATextPassesInOneReadOrTwo) {
  for (const std::uint64_t keep : {0U, 2U, 99U}) {
    const Pair pair = connect();
    proxy_->arm({.text = "needle", .keep = keep});
    send(pair.client, "hay needle hay");
    EXPECT_EQ(receive(pair.server, 99), std::string("hay needle").substr(0, 4 + std::min<std::size_t>(keep, 6)));
  }
  const Pair pair = connect();
  proxy_->arm({.text = "needle", .keep = 6});
  send(pair.client, "hay nee");
  EXPECT_EQ(receive(pair.server, 7), "hay nee");
  send(pair.client, "dle hay");
  EXPECT_EQ(receive(pair.server, 99), "dle");
  wait_for_strikes(4);
}

TEST_F(ProxyTest, LosesNothingByAStallThatStrikes) {
  const Pair pair = connect();
  proxy_->arm({.fault = Fault::stall, .keep = 3});
  send(pair.client, "abcdef");
  EXPECT_EQ(receive(pair.server, 3), "abc");
  wait_for_strikes(1);
  EXPECT_FALSE(ready(pair.server, kNothing));
  proxy_->resume();
  EXPECT_EQ(receive(pair.server, 3), "def");
}

}  // namespace
}  // namespace conformance
