// What is reported, not asserted: how fast messages go through a service, and what waiting ones cost in memory.
//   bench_throughput one_thread|two_threads|resident MESSAGES PLUGIN       prints one line of JSON
#include "bench.hpp"
#include "window.hpp"

#include <cstring>
#include <fstream>
#include <semaphore>
#include <span>
#include <string_view>
#include <unistd.h>

namespace bench {
namespace {

/// The head of every payload.
struct Stamp {
  std::uint64_t sequence = 0;  // from 0, without gaps
  std::uint64_t sent_ns = 0;   // 0: no sample
};

/// Writes payloads.
class Sender {
 public:
  [[nodiscard]] rs::Payload next() {
    Stamp stamp{.sequence = sequence_++};
    if (stamp.sequence % kSampleEvery == 0) stamp.sent_ns = now_ns();
    std::memcpy(payload_.data(), &stamp, sizeof stamp);
    return rs::Payload(payload_);
  }

 private:
  std::uint64_t sequence_ = 0;
  std::string payload_ = std::string(kPayloadBytes, 'x');
};

/// Reads them.
struct Receiver : Tally {
  explicit Receiver(std::uint64_t messages) : target(messages) {}

  std::uint64_t target;
  std::binary_semaphore all{0};  // released when `target` came

  void take(rs::Payload bytes) {
    Stamp stamp;
    std::memcpy(&stamp, bytes.data(), sizeof stamp);
    Tally::take(stamp.sequence);
    if (stamp.sent_ns != 0) took(stamp.sent_ns);
    if (received == target) all.release();
  }
};

rs::App receiving(Broker& broker, Receiver& receiver, rs::Publisher& out) {
  return broker.service([&](rs::Scope& scope) {
    rs::PublisherOptions options;
    options.confirm = false;
    out = scope.publisher("out", kTopic, options);
    scope.subscribe(kTopic, [&](rs::Payload bytes) { receiver.take(bytes); }).group(kGroup);
  });
}

rs::Task<rs::Result<void>> fill_and_drain(rs::Publisher& out, Receiver& receiver, std::uint64_t messages) {
  Sender sender;
  for (std::uint64_t sent = 0; sent < messages;) {
    for (std::uint64_t i = 0; i < kChunk; ++i, ++sent) {
      auto publishing = out.publish(sender.next());
      if (auto done = co_await publishing; !done) co_return done;
    }
    while (receiver.received < sent) {
      Yield yield;
      co_await yield;
    }
  }
  co_return rs::Result<void>();
}

/// The loop thread publishes a chunk of kChunk and handles it, over and over.
void one_thread(Broker& broker, std::uint64_t messages) {
  Receiver receiver(messages);
  rs::Publisher out;
  rs::App app = receiving(broker, receiver, out);
  app.after_startup([&](rs::App&) { return fill_and_drain(out, receiver, messages); });
  const Window window;
  need(app.start(), "start");
  receiver.print(window, messages);
  app.stop();
  app.wait();
}

/// This thread publishes, the loop thread handles.
void two_threads(Broker& broker, std::uint64_t messages) {
  Receiver receiver(messages);
  rs::Publisher out;
  rs::App app = receiving(broker, receiver, out);
  need(app.start(), "start");
  Sender sender;
  const Window window;
  for (std::uint64_t i = 0; i < messages; ++i) need(out.publish(sender.next()).get(), "publish");
  receiver.all.acquire();
  receiver.print(window, messages);
  app.stop();
  app.wait();
}

std::uint64_t resident_bytes() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;  // the second number
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

/// Messages that wait in a bounded topic: no key, nobody takes them.
void resident(Broker& broker, std::uint64_t messages) {
  rs::Publisher out = broker.publisher(kTopic);
  const std::string payload(kPayloadBytes, 'x');
  const std::uint64_t before = resident_bytes();
  for (std::uint64_t i = 0; i < messages; ++i) need(out.publish(rs::Payload(payload)).get(), "publish");
  std::printf("{\"bytes_per_message\": %.1f}\n",
              static_cast<double>(resident_bytes() - before) / static_cast<double>(messages));
}

int main_of(std::span<char* const> arguments) {
  const std::string_view mode = arguments.size() == 4 ? arguments[1] : "";
  const std::uint64_t messages = arguments.size() == 4 ? std::strtoull(arguments[2], nullptr, 10) / kChunk * kChunk : 0;
  if (mode != "one_thread" && mode != "two_threads" && mode != "resident") {
    std::fprintf(stderr, "usage: bench_throughput one_thread|two_threads|resident MESSAGES PLUGIN\n");
    return EXIT_FAILURE;
  }
  Broker broker(arguments[3], "capacity=1048576");
  broker.make_group(kTopic, kGroup);
  if (mode == "one_thread") one_thread(broker, messages);
  if (mode == "two_threads") two_threads(broker, messages);
  if (mode == "resident") resident(broker, messages);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::main_of({argv, static_cast<std::size_t>(argc)}); }
