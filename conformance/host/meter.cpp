#include "host/meter.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

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
    const auto [running, in_line] = read(file_);
    return running + in_line;
  }

  static std::pair<std::int64_t, std::int64_t> read(int file) noexcept {
    std::array<char, 96> text{};
    if (file < 0 || ::pread(file, text.data(), text.size() - 1, 0) <= 0) return {0, 0};
    char* end = nullptr;
    const long long running = std::strtoll(text.data(), &end, 10);
    return {running, std::strtoll(end, nullptr, 10)};
  }

 private:
  int file_;
};

thread_local std::int64_t t_excused_ns = 0;

/// Of all other threads. Nothing is read where there is none.
std::int64_t others_busy_ns() noexcept {
  constexpr nlink_t kAlone = 3;  // ".", ".." and the one
  struct stat tasks{};
  if (::stat("/proc/self/task", &tasks) != 0 || tasks.st_nlink <= kAlone) return 0;
  DIR* const folder = ::opendir("/proc/self/task");
  if (folder == nullptr) return 0;
  const pid_t self = ::gettid();
  std::int64_t sum = 0;
  const int place = ::dirfd(folder);
  while (const dirent* const task = place >= 0 ? ::readdir(folder) : nullptr) {
    if (task->d_name[0] == '.' || std::atoi(task->d_name) == self) continue;
    std::array<char, sizeof task->d_name + sizeof "/schedstat"> path{};
    std::snprintf(path.data(), path.size(), "%s/schedstat", task->d_name);
    const int file = ::openat(place, path.data(), O_RDONLY | O_CLOEXEC);
    const auto [running, in_line] = SchedStat::read(file);
    sum += running + in_line;
    if (file >= 0) ::close(file);
  }
  ::closedir(folder);
  return sum;
}

std::int64_t wall_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::int64_t sleeps() noexcept {
  rusage used{};
  ::getrusage(RUSAGE_THREAD, &used);
  return used.ru_nvcsw - used.ru_majflt;
}

std::int64_t busy_ns() noexcept {
  static thread_local const SchedStat stat;
  return stat.busy_ns() + t_excused_ns;
}

}  // namespace

// The wall clock is read last at the beginning and first at the end: this thread may stand in line between two
// readings, and what it does there is not to look like sleep.
Meter::Reading Meter::begin() noexcept {
  Reading made;
  made.others_ns = others_busy_ns();
  made.busy_ns = busy_ns();
  made.sleeps = sleeps();
  made.wall_ns = wall_ns();
  return made;
}

Meter::Reading Meter::end() noexcept {
  Reading made;
  made.wall_ns = wall_ns();
  made.sleeps = sleeps();
  made.busy_ns = busy_ns();
  made.others_ns = others_busy_ns();
  return made;
}

void Meter::excuse(std::chrono::nanoseconds time) noexcept { t_excused_ns += time.count(); }

Meter::Meter() noexcept : begin_(begin()) {}

std::chrono::nanoseconds Meter::asleep() const noexcept {
  const Reading end = Meter::end();
  if (end.sleeps == begin_.sleeps) return {};
  const std::int64_t others = std::max<std::int64_t>(0, end.others_ns - begin_.others_ns);  // one may have ended
  return between(begin_, end) - std::chrono::nanoseconds(others);
}

std::chrono::nanoseconds Meter::away() const noexcept { return between(begin_, end()); }

std::chrono::nanoseconds Meter::between(const Reading& begin, const Reading& end) noexcept {
  if (end.busy_ns < begin.busy_ns) return std::chrono::nanoseconds(0);  // the plugin closed the file: nobody knows
  return std::chrono::nanoseconds((end.wall_ns - begin.wall_ns) - (end.busy_ns - begin.busy_ns));
}

}  // namespace conformance
