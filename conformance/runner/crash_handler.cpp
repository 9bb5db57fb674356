#include "runner/crash_handler.hpp"

#include "host/guarded.hpp"

#include <array>
#include <charconv>
#include <csignal>
#include <cstring>
#include <string_view>
#include <sys/syscall.h>
#include <unistd.h>

namespace conformance {
namespace {

int g_report = -1;
constexpr std::size_t kStack = 64 * 1024;
alignas(16) std::array<char, kStack> g_stack;

/// Formats without anything that a signal handler may not call.
class Line {
 public:
  Line& add(std::string_view text) {
    const std::size_t room = std::min(text.size(), text_.size() - size_);
    std::memcpy(text_.data() + size_, text.data(), room);
    size_ += room;
    return *this;
  }
  Line& add(long number) {
    size_ = static_cast<std::size_t>(std::to_chars(text_.data() + size_, text_.data() + text_.size(), number).ptr -
                                     text_.data());
    return *this;
  }
  void write(int to) const { (void)!::write(to, text_.data(), size_); }

 private:
  std::array<char, 512> text_{};
  std::size_t size_ = 0;
};

void on_signal(int signal, siginfo_t* info, void*) {
  Line line;
  line.add(R"({"crash":{"signal":)").add(long{signal}).add(R"(,"thread":)").add(::syscall(SYS_gettid));
  if (signal == SIGSEGV || signal == SIGBUS) {
    if (const auto fault = Guarded::explain(info->si_addr); fault) {
      line.add(R"(,"lent":")").add(fault->what).add(R"(","taken_back":)").add(fault->taken_back ? "true" : "false");
    }
  }
  line.add("}}\n").write(g_report);
  for (;;) ::pause();
}

}  // namespace

void install_crash_handler(int report) {
  g_report = report;
  stack_t stack{};
  stack.ss_sp = g_stack.data();
  stack.ss_size = kStack;
  ::sigaltstack(&stack, nullptr);
  struct sigaction action{};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND;
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}) ::sigaction(signal, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);  // rule H7
}

}  // namespace conformance
