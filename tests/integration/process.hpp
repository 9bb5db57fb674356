#pragma once
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <fcntl.h>
#include <mutex>
#include <poll.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace ruststream::testing {

/// A child process and what it writes to standard output and error. Killed with this object.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    std::vector<char*> argv;
    for (std::string& each : arguments) argv.push_back(each.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      dup2(ends[1], STDERR_FILENO);
      for (std::string& each : environment) putenv(each.data());
      execv(argv.front(), argv.data());
      _exit(126);
    }
    close(ends[1]);
    from_ = ends[0];
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(from_);
  }

  /// Reads until the output holds `text`; false when it ends, or 20 s pass, without it.
  bool says(const std::string& text) {
    while (output_.find(text) == std::string::npos) {
      if (!read_more(deadline())) return false;
    }
    return true;
  }
  void signal(int number) const { kill(pid_, number); }
  /// Reads to the end; the exit code, or 1000 + the signal that ended it, or -1 when it does not end.
  int wait() {
    const auto until = deadline();
    while (read_more(until)) {
    }
    if (std::chrono::steady_clock::now() >= until) return -1;
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  [[nodiscard]] const std::string& output() const { return output_; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  static Time deadline() { return std::chrono::steady_clock::now() + std::chrono::seconds(20); }
  bool read_more(Time until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd waiting{from_, POLLIN, 0};
    if (left <= 0 || poll(&waiting, 1, static_cast<int>(left)) <= 0) return false;
    char buffer[4096];
    const ssize_t got = read(from_, buffer, sizeof buffer);
    if (got <= 0) return false;
    output_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  pid_t pid_ = -1;
  int from_ = -1;
  std::string output_;
};

/// Runs a program to its end and expects an exit code and words of its output.
inline std::string expect_run(const std::vector<std::string>& arguments, int code,
                              const std::vector<std::string>& words = {},
                              const std::vector<std::string>& environment = {}) {
  Process process(arguments, environment);
  EXPECT_EQ(process.wait(), code) << process.output();
  for (const std::string& word : words) {
    EXPECT_NE(process.output().find(word), std::string::npos) << word << " in:\n" << process.output();
  }
  return process.output();
}

}  // namespace ruststream::testing
