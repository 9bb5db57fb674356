#pragma once
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace ruststream::testing {

/// A real nats-server with JetStream on loopback, by nats_server.py, which says what its options and configuration may
/// be. It ends with this object, and also when this process does.
class NatsServer {
 public:
  explicit NatsServer(const std::string& config = {}, const std::vector<std::string>& options = {}) {
    std::vector<std::string> words = {"python3", NATS_SERVER_SCRIPT, "--config", config};
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    int in[2];
    int out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    script_ = fork();
    if (script_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      execvp(argv.front(), argv.data());
      _exit(126);
    }
    close(in[0]);
    close(out[1]);
    to_ = fdopen(in[1], "w");
    from_ = fdopen(out[0], "r");
    listen();
  }
  NatsServer(const NatsServer&) = delete;
  NatsServer& operator=(const NatsServer&) = delete;
  ~NatsServer() {
    std::fclose(to_);  // the script stops the server and ends
    waitpid(script_, nullptr, 0);
    std::fclose(from_);
  }

  [[nodiscard]] std::string url() const { return "nats://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] int monitor_port() const { return monitor_; }          // HTTP: /connz, /jsz …
  [[nodiscard]] const std::string& folder() const { return folder_; }  // certificates, credentials, server.log
  [[nodiscard]] pid_t pid() const { return pid_; }                     // 0 while it is stopped

  /// SIGSTOP freezes it until SIGCONT, SIGHUP makes it read its configuration, SIGUSR2 is lame duck mode.
  void signal(int number) const { kill(pid_, number); }
  /// Returns when the process has ended; SIGKILL is a crash.
  void stop(int number = SIGTERM) {
    std::fprintf(to_, "stop %d\n", number);
    listen();
  }
  /// Starts it again with its ports and its store; returns when clients can connect.
  void start() {
    std::fprintf(to_, "start\n");
    listen();
  }

 private:
  void listen() {
    std::fflush(to_);
    char folder[4096];
    if (std::fscanf(from_, "%d %d %d %4095s", &pid_, &port_, &monitor_, folder) != 4) {
      throw std::runtime_error("nats_server.py failed; standard error says why");
    }
    folder_ = folder;
  }

  pid_t script_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
  pid_t pid_ = 0;
  int port_ = 0;
  int monitor_ = 0;
  std::string folder_;
};

}  // namespace ruststream::testing
