#include "platform/platform.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

namespace ruststream::inline v0::platform {
namespace {

constexpr int kSignals = 64;  // the kernel's _NSIG

// What a fault in the program itself raises; a language runtime that declares itself may take these.
constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};

bool is_function(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
}

bool same_handler(const struct sigaction& a, const struct sigaction& b) {
  const bool informed = (a.sa_flags & SA_SIGINFO) != 0;
  if (informed != ((b.sa_flags & SA_SIGINFO) != 0)) return false;
  return informed ? a.sa_sigaction == b.sa_sigaction : a.sa_handler == b.sa_handler;
}

}  // namespace

struct SignalTable::Dispositions {
  std::array<struct sigaction, kSignals + 1> actions{};  // by number; zero for the two that the C library keeps

  [[nodiscard]] const struct sigaction& of(int signal) const { return actions.at(static_cast<std::size_t>(signal)); }
};

SignalTable SignalTable::now() {
  auto dispositions = std::make_shared<Dispositions>();
  for (int signal = 1; signal <= kSignals; ++signal) {
    ::sigaction(signal, nullptr, &dispositions->actions.at(static_cast<std::size_t>(signal)));
  }
  SignalTable table;
  table.then_ = std::move(dispositions);
  return table;
}

std::vector<int> SignalTable::changed() const {
  const SignalTable current = now();
  std::vector<int> signals;
  for (int signal = 1; signal <= kSignals; ++signal) {
    const struct sigaction& action = current.then_->of(signal);
    const bool ignores_pipe = signal == SIGPIPE && !is_function(action) && action.sa_handler == SIG_IGN;
    if (!ignores_pipe && !same_handler(action, then_->of(signal))) signals.push_back(signal);
  }
  return signals;
}

std::vector<int> SignalTable::handled(std::span<const int> signals) const {
  std::vector<int> kept;
  std::ranges::copy_if(signals, std::back_inserter(kept), [&](int signal) {
    return std::ranges::find(kFaults, signal) == std::end(kFaults) && is_function(then_->of(signal));
  });
  return kept;
}

void SignalTable::restore(std::span<const int> signals) const {
  for (const int signal : signals) ::sigaction(signal, &then_->of(signal), nullptr);
}

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

void ignore_broken_pipe() {
  struct sigaction action{};
  if (::sigaction(SIGPIPE, nullptr, &action) == 0 && !is_function(action) && action.sa_handler == SIG_DFL) {
    ::signal(SIGPIPE, SIG_IGN);
  }
}

void move_handlers_to_alternate_stack() {
  for (int signal = 1; signal <= kSignals; ++signal) {
    struct sigaction action{};
    if (::sigaction(signal, nullptr, &action) != 0) continue;
    if (!is_function(action) || (action.sa_flags & SA_ONSTACK) != 0) continue;
    action.sa_flags |= SA_ONSTACK;
    ::sigaction(signal, &action, nullptr);
  }
}

}  // namespace ruststream::inline v0::platform
