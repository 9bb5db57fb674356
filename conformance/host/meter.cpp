#include "host/meter.hpp"

#include <array>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

namespace conformance {
namespace {

/// Kept open for the life of the thread: it is read around each verb.
class SchedStat {
 public:
  SchedStat() noexcept : file_(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}
  ~SchedStat() {
    if (file_ >= 0) ::close(file_);
  }
  SchedStat(const SchedStat&) = delete;
  SchedStat& operator=(const SchedStat&) = delete;

  /// Nanoseconds on a processor plus nanoseconds in line for one.
  [[nodiscard]] std::int64_t busy_ns() const noexcept {
    std::array<char, 96> text{};
    if (file_ < 0 || ::pread(file_, text.data(), text.size() - 1, 0) <= 0) return 0;
    char* end = nullptr;
    const long long running = std::strtoll(text.data(), &end, 10);
    return running + std::strtoll(end, nullptr, 10);
  }

 private:
  int file_;
};

thread_local std::int64_t t_excused_ns = 0;

}  // namespace

Meter::Reading Meter::read() noexcept {
  static thread_local const SchedStat stat;
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return {std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec, stat.busy_ns() + t_excused_ns};
}

void Meter::excuse(std::chrono::nanoseconds time) noexcept { t_excused_ns += time.count(); }

Meter::Meter() noexcept : begin_(read()) {}

std::chrono::nanoseconds Meter::asleep() const noexcept {
  const Reading end = read();
  return std::chrono::nanoseconds((end.wall_ns - begin_.wall_ns) - (end.busy_ns - begin_.busy_ns));
}

}  // namespace conformance
