#include "runner/process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace conformance {
namespace {

[[noreturn]] void throw_errno(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (const std::string& each : texts) all.push_back(const_cast<char*>(each.c_str()));
  all.push_back(nullptr);
  return all;
}

/// Between fork and exec.
void prepare(const Spawn& wanted, pid_t parent) {
  ::setpgid(0, 0);
  if (wanted.on_parent_death != 0) {
    ::prctl(PR_SET_PDEATHSIG, wanted.on_parent_death);
    if (::getppid() != parent) ::_exit(127);  // it has gone meanwhile
  }
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (wanted.cpu_seconds != 0) {
    const auto seconds = static_cast<rlim_t>(wanted.cpu_seconds);
    const rlimit cpu{seconds, seconds + 1};
    ::setrlimit(RLIMIT_CPU, &cpu);
  }
  for (const auto& [here, there] : wanted.descriptors) ::dup2(here, there);
  const int null = ::open("/dev/null", O_RDWR);
  ::dup2(null, 0);
  ::dup2(wanted.output >= 0 ? wanted.output : null, 1);
  if (wanted.errors >= 0) ::dup2(wanted.errors, 2);
  if (null > 2) ::close(null);
}

}  // namespace

void Descriptor::close() noexcept {
  if (number_ >= 0) ::close(std::exchange(number_, -1));
}

Pipe::Pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe2");
  read = Descriptor(ends[0]);
  write = Descriptor(ends[1]);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

std::vector<std::string> own_environment() {
  std::vector<std::string> all;
  for (char** each = environ; *each != nullptr; ++each) all.emplace_back(*each);
  return all;
}

pid_t spawn(const Spawn& wanted) {
  std::vector<std::string> arguments = wanted.under;
  arguments.push_back(wanted.under.empty() ? program_invocation_short_name
                                           : std::filesystem::read_symlink("/proc/self/exe").string());
  arguments.insert(arguments.end(), wanted.arguments.begin(), wanted.arguments.end());
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> environment = pointers(wanted.environment);
  std::fflush(nullptr);
  const pid_t parent = ::getpid();
  const pid_t made = ::fork();
  if (made < 0) throw_errno("fork");
  if (made != 0) return made;
  prepare(wanted, parent);
  if (wanted.under.empty()) {
    ::execve("/proc/self/exe", argv.data(), environment.data());
  } else {
    ::execvpe(argv[0], argv.data(), environment.data());
  }
  ::_exit(127);
}

std::vector<pid_t> descendants_of(pid_t process) {
  std::vector<pid_t> all{process};
  for (std::size_t i = 0; i < all.size(); ++i) {  // grows while it is walked
    std::error_code gone;
    const std::string tasks = "/proc/" + std::to_string(all[i]) + "/task";
    for (std::filesystem::directory_iterator task(tasks, gone), end; !gone && task != end; task.increment(gone)) {
      std::ifstream children(task->path() / "children");
      for (pid_t child = 0; children >> child;) all.push_back(child);
    }
  }
  all.erase(all.begin());
  return all;
}

std::size_t resident_bytes(pid_t process) {
  std::ifstream statm("/proc/" + std::to_string(process) + "/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

double seconds_in_line(pid_t process, pid_t thread) {
  std::ifstream schedstat("/proc/" + std::to_string(process) + "/task/" + std::to_string(thread) + "/schedstat");
  double running_ns = 0;
  double waiting_ns = 0;
  schedstat >> running_ns >> waiting_ns;
  return waiting_ns * 1e-9;
}

void become_subreaper() noexcept { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

void end_descendants() noexcept {
  constexpr int kRounds = 1000;  // of a millisecond
  for (int round = 0; round < kRounds; ++round) {
    for (const pid_t each : descendants_of(::getpid())) ::kill(each, SIGKILL);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    if (::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD) return;
    const timespec pause{0, 1'000'000};
    ::nanosleep(&pause, nullptr);
  }
}

bool drain(int from, std::string& into, std::size_t limit) {
  constexpr int kTurns = 64;  // so that one who writes without end is not read without end
  std::array<char, 16384> buffer;
  for (int turn = 0; turn < kTurns; ++turn) {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    into.append(buffer.data(), std::min(static_cast<std::size_t>(got), limit - std::min(limit, into.size())));
  }
  return true;
}

}  // namespace conformance
