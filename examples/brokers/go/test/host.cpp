// A program of C++ with natsd in it, for the tests:
//   host echo PLUGIN         tells the server's URL. Until standard input ends it sends what comes to echo.> on, to
//                            where header `To` says, and what is stored in `orders` to `done`, on its second attempt
//   host leave PLUGIN STORE  leaves messages of a durable behind, some in the hands of a handler
//   host again PLUGIN STORE  gets them, long before ack_wait
//   host storm PLUGIN        messages go through the server while signals hit every thread of the process
#include <ruststream/client.hpp>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <set>
#include <string>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace rs = ruststream;

namespace {

using namespace std::chrono_literals;

template <class T>
T good(rs::Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "host: %s\n", result.error().text.c_str());
  std::exit(1);
}
void good(const rs::Result<void>& result) {
  if (result) return;
  std::fprintf(stderr, "host: %s\n", result.error().text.c_str());
  std::exit(1);
}

[[noreturn]] void fail(const char* text) {
  std::fprintf(stderr, "host: %s\n", text);
  std::exit(1);
}

rs::ConnectOptions options_of(const char* plugin) {
  rs::ConnectOptions options;
  options.plugin_path = plugin;
  return options;
}

rs::Broker connect(const char* plugin) { return good(rs::connect("natsd:", options_of(plugin)).get()); }

rs::Subscription durable(rs::Broker& broker, const char* address, const char* name) {
  rs::SubscribeOptions options;
  options.kind = "stored";
  options.durable = name;
  return good(broker.subscribe(address, options).get());
}

rs::Publisher stored(rs::Broker& broker, const char* address) {
  rs::PublisherOptions options;
  options.kind = "stored";
  return good(broker.publisher(address, options).get());
}

/// Where other clients reach the server: what CONN_UP says.
std::string server_of(rs::Broker& broker) {
  for (int tries = 0; tries < 500; ++tries, std::this_thread::sleep_for(10ms)) {
    while (const auto event = broker.poll_event()) {
      if (event->kind == RST_EVENT_CONN_UP) return event->text;
    }
  }
  fail("no CONN_UP");
}

void echo_one(rs::Subscription& in, rs::Publisher& out) {
  const auto delivery = in.receive(100ms);
  if (!delivery) return;
  const rs::Message message = delivery->message();
  auto answer = out.message(message.payload());
  for (const rs::Header header : message.headers()) answer = std::move(answer).header(header.name, header.value);
  good(std::move(answer).to(message.headers().find("To").value_or("echoed")).publish().get());
}

void work_one(rs::Subscription& orders, rs::Publisher& done) {
  auto delivery = orders.receive(100ms);
  if (!delivery) return;
  const rs::Message message = delivery->message();
  if (message.attempt() < 2) return good(std::move(*delivery).retry());
  good(done.message(message.payload()).header("Attempt", std::to_string(message.attempt())).publish().get());
  good(std::move(*delivery).ack());
}

int echo(const char* plugin) {
  rs::Broker broker = connect(plugin);
  rs::Subscription in = good(broker.subscribe("echo.>").get());
  rs::Publisher out = good(broker.publisher().get());
  rs::Subscription orders = durable(broker, "orders", "workers");
  rs::Publisher done = stored(broker, "done");
  std::printf("%s\n", server_of(broker).c_str());
  std::fflush(stdout);
  std::atomic<bool> over{false};
  std::thread input([&] {
    while (std::cin.get() != EOF) {
    }
    over = true;
  });
  std::thread worker([&] {
    while (!over) work_one(orders, done);
  });
  while (!over) echo_one(in, out);
  worker.join();
  input.join();
  good(broker.close().get());
  return 0;
}

/// A second server on the store, a server elsewhere, and a name so long that the server would end the connection.
void expect_refusals(rs::ConnectOptions options, rs::Broker& broker) {
  if (rs::connect("natsd://127.0.0.1:4222", options).get()) fail("it took the address of a server");
  options.options.emplace_back("listen", "localhost:0");
  if (rs::connect("natsd:", options).get()) fail("two servers have one store");
  if (broker.publisher(std::string(4000, 'a')).get()) fail("it took a name of 4000 bytes");
}

constexpr std::size_t kLeft = 20;

int leave(const char* plugin, const char* store) {
  rs::ConnectOptions options = options_of(plugin);
  options.options = {{"store", store}};
  rs::Broker broker = good(rs::connect("natsd:", options).get());
  expect_refusals(options, broker);
  rs::Subscription in = durable(broker, "left", "kept");
  rs::Publisher out = stored(broker, "left");
  for (std::size_t i = 0; i < kLeft; ++i) good(out.publish(rs::Payload(std::to_string(i))).get());
  std::vector<rs::Delivery> held;
  while (held.size() < kLeft / 2) held.push_back(good(in.receive(5s)));
  good(broker.close().get());
  return 0;
}

int again(const char* plugin, const char* store) {
  rs::ConnectOptions options = options_of(plugin);
  options.options = {{"store", store}};
  rs::Broker broker = good(rs::connect("natsd:", options).get());
  rs::Subscription in = durable(broker, "left", "kept");
  std::set<std::string> got;
  for (std::size_t i = 0; i < kLeft; ++i) {
    rs::Delivery delivery = good(in.receive(10s));
    got.emplace(delivery.message().payload().text());
    good(std::move(delivery).ack());
  }
  if (got.size() != kLeft || in.receive(500ms)) fail("something came twice");
  good(broker.close().get());
  return 0;
}

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGCHLD};
std::atomic<std::uint64_t> caught{0};

void send_signals(const std::atomic<bool>& over, std::uint64_t& sent) {
  while (!over) {
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
      const pid_t id = std::stoi(thread.path().filename());
      for (const int number : kSignals) sent += ::syscall(SYS_tgkill, ::getpid(), id, number) == 0 ? 1U : 0U;
    }
    std::this_thread::sleep_for(200us);
  }
}

/// Numbered messages whose bytes all follow from their number, some short, some long.
std::string body_of(std::uint32_t number) {
  std::string body(16 + number * 37 % 5000, static_cast<char>('a' + number % 26));
  std::memcpy(body.data(), &number, sizeof number);
  return body;
}

int storm(const char* plugin) {
  constexpr std::uint32_t kRounds = 500, kBurst = 50;
  struct sigaction action{};
  action.sa_handler = [](int) { caught.fetch_add(1, std::memory_order_relaxed); };
  action.sa_flags = SA_RESTART;  // and no SA_ONSTACK: the loader puts it there
  for (const int number : kSignals) ::sigaction(number, &action, nullptr);
  rs::Broker broker = connect(plugin);
  rs::Subscription in = good(broker.subscribe("storm").get());
  rs::Publisher out = good(broker.publisher("storm").get());
  std::atomic<bool> over{false};
  std::uint64_t sent = 0;
  std::thread sender([&] { send_signals(over, sent); });
  std::uint32_t wrong = 0, expected = 0;
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    for (std::uint32_t i = 0; i < kBurst; ++i) good(out.publish(rs::Payload(body_of(round * kBurst + i))).get());
    for (std::uint32_t i = 0; i < kBurst; ++i, ++expected) {
      const rs::Delivery delivery = good(in.receive(20s));
      wrong += delivery.message().payload().text() == body_of(expected) ? 0U : 1U;
    }
  }
  over = true;
  sender.join();
  good(broker.close().get());
  std::printf("%u messages, %u wrong; %lu signals sent, %lu handled\n", expected, wrong, sent, caught.load());
  return wrong == 0 && caught > kRounds ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "echo") return echo(argv[2]);
  if (argc == 3 && std::string_view(argv[1]) == "storm") return storm(argv[2]);
  if (argc == 4 && std::string_view(argv[1]) == "leave") return leave(argv[2], argv[3]);
  if (argc == 4 && std::string_view(argv[1]) == "again") return again(argv[2], argv[3]);
  std::fprintf(stderr, "usage: host echo|storm PLUGIN, host leave|again PLUGIN STORE\n");
  return 2;
}
