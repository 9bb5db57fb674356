#pragma once
#include <cstddef>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace conformance {

/// A descriptor, closed with this.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() noexcept;
  [[nodiscard]] int get() const noexcept { return number_; }
  [[nodiscard]] explicit operator bool() const noexcept { return number_ >= 0; }

 private:
  int number_ = -1;
};

/// A pipe of close-on-exec descriptors whose reading end does not block. Throws std::system_error.
struct Pipe {
  Pipe();
  Descriptor read, write;
};

/// How this program is started again, as its own process group with its standard streams replaced.
struct Spawn {
  std::vector<std::string> arguments = {};            // without argv[0]
  std::vector<std::string> environment = {};          // whole; NAME=value
  int output = -1;                                    // becomes descriptor 1
  int errors = -1;                                    // becomes descriptor 2; -1: kept
  std::vector<std::pair<int, int>> descriptors = {};  // {here, there}
  int on_parent_death = 0;                            // a signal
  long cpu_seconds = 0;                               // 0: no limit
  std::vector<std::string> under = {};                // a program of PATH that runs this one, and its arguments
};
/// Executes /proc/self/exe: a clean memory baseline, no blocked or ignored signal, no core file, standard input from
/// /dev/null. Call it from a process with one thread. Throws std::system_error.
[[nodiscard]] pid_t spawn(const Spawn& wanted);

/// This process's, as Spawn has it.
[[nodiscard]] std::vector<std::string> own_environment();

/// Everything below a process now, orphans of its subtree included when it is a subreaper.
[[nodiscard]] std::vector<pid_t> descendants_of(pid_t process);
[[nodiscard]] std::size_t resident_bytes(pid_t process);
/// How long a thread has stood in line for a processor.
[[nodiscard]] double seconds_in_line(pid_t process, pid_t thread);
/// From here on orphans below this process become its children.
void become_subreaper() noexcept;
/// Kills and reaps all that is below this process; bounded, also when it forks meanwhile.
void end_descendants() noexcept;

/// Appends what is there to read, up to `limit` bytes in all; what is past it is thrown away. False at the end.
bool drain(int from, std::string& into, std::size_t limit);

}  // namespace conformance
