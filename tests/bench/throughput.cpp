// What is reported, not asserted: how fast messages go through a service, and what waiting ones cost in memory.
//   bench_throughput one_thread|two_threads|resident MESSAGES PLUGIN       prints one line of JSON
#include "bench.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <semaphore>
#include <span>
#include <string_view>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace bench {
namespace {

constexpr std::uint64_t kSampleEvery = 1021;  // prime: the samples wander through the chunks

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

double cpu_us() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto us = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return us(used.ru_utime) + us(used.ru_stime);
}

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

/// Reads them: what came, what did not, what came twice, and how long it took.
struct Receiver {
  explicit Receiver(std::uint64_t messages) : target(messages) {}

  std::uint64_t target;
  std::binary_semaphore all{0};  // released when `target` came
  std::uint64_t received = 0, expected = 0, lost = 0, duplicates = 0;
  std::vector<double> latency_us;

  void take(rs::Payload bytes) {
    Stamp stamp;
    std::memcpy(&stamp, bytes.data(), sizeof stamp);
    ++received;
    if (stamp.sequence < expected) {
      ++duplicates;
    } else {
      lost += stamp.sequence - expected;
      expected = stamp.sequence + 1;
    }
    if (stamp.sent_ns != 0) latency_us.push_back(static_cast<double>(now_ns() - stamp.sent_ns) / 1e3);
    if (received == target) all.release();
  }

  [[nodiscard]] double percentile(double part) {
    if (latency_us.empty()) return 0;
    std::ranges::sort(latency_us);
    return latency_us[static_cast<std::size_t>(part * static_cast<double>(latency_us.size() - 1))];
  }
};

struct Window {
  std::uint64_t begin_ns = now_ns();
  double begin_cpu_us = cpu_us();

  void print(Receiver& receiver) const {
    const auto messages = static_cast<double>(receiver.received);
    const double seconds = static_cast<double>(now_ns() - begin_ns) / 1e9;
    const double cpu = (cpu_us() - begin_cpu_us) / messages;
    std::printf(
        R"({"messages_per_second": %.0f, "p50": %.3f, "p99": %.3f, "p999": %.3f, "lost": %llu, "duplicates": %llu, )"
        R"("cpu_us_per_message": %.4f})"
        "\n",
        messages / seconds, receiver.percentile(0.5), receiver.percentile(0.99), receiver.percentile(0.999),
        static_cast<unsigned long long>(receiver.lost), static_cast<unsigned long long>(receiver.duplicates), cpu);
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
  window.print(receiver);
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
  window.print(receiver);
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
