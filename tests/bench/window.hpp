// What the loops that measure time share: what came, what did not, what came twice, how long it took, and what it cost.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <sys/resource.h>
#include <vector>

namespace bench {

inline constexpr std::uint64_t kSampleEvery = 1021;  // prime: the samples wander through the chunks

inline std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

/// Of this process, all threads.
inline double cpu_us() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto us = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return us(used.ru_utime) + us(used.ru_stime);
}

struct Window {
  std::uint64_t begin_ns = now_ns();
  double begin_cpu_us = cpu_us();
};

/// Takes messages, whose sequence numbers begin at 0 and have no gaps, and the times of some of them.
struct Tally {
  std::uint64_t received = 0, expected = 0, lost = 0, duplicates = 0;
  std::vector<double> latency_us;

  void take(std::uint64_t sequence) {
    ++received;
    if (sequence < expected) {
      ++duplicates;
    } else {
      lost += sequence - expected;
      expected = sequence + 1;
    }
  }
  void took(std::uint64_t sent_ns) { latency_us.push_back(static_cast<double>(now_ns() - sent_ns) / 1e3); }

  /// One line of JSON about the time since `window` began; `lost` counts what is missing of `target` messages too.
  void print(const Window& window, std::uint64_t target) {
    const double seconds = static_cast<double>(now_ns() - window.begin_ns) / 1e9;
    const double cpu = cpu_us() - window.begin_cpu_us;
    const auto messages = static_cast<double>(received);
    lost += target - std::min(target, expected);
    std::printf(
        R"({"messages_per_second": %.0f, "p50": %.3f, "p99": %.3f, "p999": %.3f, "lost": %llu, "duplicates": %llu, )"
        R"("cpu_us_per_message": %.4f})"
        "\n",
        messages / seconds, percentile(0.5), percentile(0.99), percentile(0.999), static_cast<unsigned long long>(lost),
        static_cast<unsigned long long>(duplicates), cpu / messages);
  }

 private:
  double percentile(double part) {
    if (latency_us.empty()) return 0;
    std::ranges::sort(latency_us);
    return latency_us[static_cast<std::size_t>(part * static_cast<double>(latency_us.size() - 1))];
  }
};

}  // namespace bench
