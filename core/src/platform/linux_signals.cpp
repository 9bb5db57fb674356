#include "platform/platform.hpp"

#include <algorithm>
#include <cstring>
#include <signal.h>
#include <string>

namespace ruststream::inline v0::platform {
namespace {

constexpr int kSignals = 64;  // the kernel's _NSIG

// What a fault in the program itself raises; a language runtime that declares itself may take these.
constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};

std::uintptr_t handler_of(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 ? reinterpret_cast<std::uintptr_t>(action.sa_sigaction)
                                             : reinterpret_cast<std::uintptr_t>(action.sa_handler);
}

bool is_function(std::uintptr_t handler) {
  return handler != reinterpret_cast<std::uintptr_t>(SIG_DFL) && handler != reinterpret_cast<std::uintptr_t>(SIG_IGN);
}

}  // namespace

SignalTable SignalTable::now() {
  SignalTable table;
  table.dispositions_.resize(kSignals + 1);
  for (int signal = 1; signal <= kSignals; ++signal) {
    struct sigaction action{};
    if (::sigaction(signal, nullptr, &action) != 0) continue;  // the two that the C library keeps for itself
    Disposition& entry = table.dispositions_[static_cast<std::size_t>(signal)];
    entry.handler = handler_of(action);
    entry.flags = action.sa_flags;
    std::memcpy(&entry.mask, &action.sa_mask, sizeof entry.mask);
  }
  return table;
}

std::vector<int> SignalTable::changed() const {
  const SignalTable current = now();
  std::vector<int> signals;
  for (int signal = 1; signal <= kSignals; ++signal) {
    const std::size_t index = static_cast<std::size_t>(signal);
    const std::uintptr_t handler = current.dispositions_[index].handler;
    const bool ignores_pipe = signal == SIGPIPE && handler == reinterpret_cast<std::uintptr_t>(SIG_IGN);
    if (handler != dispositions_[index].handler && !ignores_pipe) signals.push_back(signal);
  }
  return signals;
}

std::vector<int> SignalTable::handled(std::span<const int> signals) const {
  std::vector<int> kept;
  std::ranges::copy_if(signals, std::back_inserter(kept), [&](int signal) {
    return std::ranges::find(kFaults, signal) == std::end(kFaults) &&
           is_function(dispositions_[static_cast<std::size_t>(signal)].handler);
  });
  return kept;
}

void SignalTable::restore(std::span<const int> signals) const {
  for (const int signal : signals) {
    const Disposition& entry = dispositions_[static_cast<std::size_t>(signal)];
    struct sigaction action{};
    action.sa_flags = entry.flags;
    std::memcpy(&action.sa_mask, &entry.mask, sizeof entry.mask);
    if ((entry.flags & SA_SIGINFO) != 0) {
      action.sa_sigaction = reinterpret_cast<void (*)(int, siginfo_t*, void*)>(entry.handler);
    } else {
      action.sa_handler = reinterpret_cast<void (*)(int)>(entry.handler);
    }
    ::sigaction(signal, &action, nullptr);
  }
}

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

void ignore_broken_pipe() {
  struct sigaction action{};
  if (::sigaction(SIGPIPE, nullptr, &action) == 0 && handler_of(action) == reinterpret_cast<std::uintptr_t>(SIG_DFL)) {
    ::signal(SIGPIPE, SIG_IGN);
  }
}

void move_handlers_to_alternate_stack() {
  for (int signal = 1; signal <= kSignals; ++signal) {
    struct sigaction action{};
    if (::sigaction(signal, nullptr, &action) != 0) continue;
    if (!is_function(handler_of(action)) || (action.sa_flags & SA_ONSTACK) != 0) continue;
    action.sa_flags |= SA_ONSTACK;
    ::sigaction(signal, &action, nullptr);
  }
}

}  // namespace ruststream::inline v0::platform
