// What some variants do to the process that they are loaded into.
#include "instance.hpp"

#include <chrono>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace plain {
namespace {

[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

struct AtExit {
  ~AtExit() {
    if (is(crashes_at_exit)) std::abort();
  }
} g_at_exit;

}  // namespace

std::thread start_thread(const char* name, bool blocks_signals, std::function<void()> body) {
  sigset_t blocked, before;
  blocks_signals ? ::sigfillset(&blocked) : ::sigemptyset(&blocked);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);  // a thread begins with the mask of its maker
  std::thread made(std::move(body));
  ::pthread_setname_np(made.native_handle(), name);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return made;
}

void on_init() {
  if (is(leaks_a_thread)) start_thread("rst-stray", true, sleep_for_ever).detach();
  if (is(leaks_a_descriptor)) (void)::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (is(descriptor_is_inherited)) {
    static const int once = ::open("/dev/null", O_RDONLY);
    static_cast<void>(once);
  }
  if (is(takes_sigint)) std::signal(SIGINT, SIG_IGN);
  if (is(resets_sigpipe)) std::signal(SIGPIPE, SIG_DFL);
  if (is(changes_umask)) ::umask(0123);
  if (is(changes_locale)) std::setlocale(LC_ALL, "C.UTF-8");
  if (is(changes_directory)) (void)!::chdir("/");
  if (is(changes_environment)) ::setenv("PLAIN_WAS_HERE", "1", 1);
  if (is(changes_limits)) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur /= 2;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (is(closes_standard_input)) ::close(0);
  if (is(blocks_the_hosts_signals)) {
    sigset_t some;
    ::sigemptyset(&some);
    ::sigaddset(&some, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &some, nullptr);
  }
}

void on_connect() {
  if (is(connect_waits)) std::this_thread::sleep_for(std::chrono::milliseconds(60));
  if (is(forks_and_stays)) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::usleep(100'000);
      ::_exit(0);
    }
    start_thread("rst-wait", true, [child] { ::waitpid(child, nullptr, 0); }).detach();
  }
}

}  // namespace plain
