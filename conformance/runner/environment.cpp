#include "runner/environment.hpp"

#include <array>
#include <cstdlib>

namespace conformance {
namespace {

// A sanitizer's report ends the process by SIGABRT, which the crash handler takes like any other crash: with the verb,
// the thread and a backtrace. Signals and the stack for them are that handler's. What the user says comes later and
// wins.
#define RUSTSTREAM_SANITIZER_OPTIONS                                                                               \
  "abort_on_error=1:halt_on_error=1:handle_abort=0:handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:" \
  "use_sigaltstack=0"
struct Told {
  const char* name;
  const char* options;
};
constexpr std::array kTold{Told{"ASAN_OPTIONS", RUSTSTREAM_SANITIZER_OPTIONS},
                           Told{"LSAN_OPTIONS", RUSTSTREAM_SANITIZER_OPTIONS},
                           Told{"UBSAN_OPTIONS", RUSTSTREAM_SANITIZER_OPTIONS ":print_stacktrace=1"},
                           Told{"TSAN_OPTIONS", RUSTSTREAM_SANITIZER_OPTIONS ":second_deadlock_stack=1"},
                           // What a thread keeps for its next allocations would count as in use (heap_bytes).
                           Told{"GLIBC_TUNABLES", "glibc.malloc.tcache_count=0"}};
#undef RUSTSTREAM_SANITIZER_OPTIONS

constexpr std::array kKept{"PATH",
                           "HOME",
                           "TMPDIR",
                           "LD_LIBRARY_PATH",
                           "LD_PRELOAD",
                           "GODEBUG",
                           "GOTRACEBACK",
                           "SSL_CERT_FILE",
                           "LLVM_SYMBOLIZER_PATH",
                           "ASAN_SYMBOLIZER_PATH",
                           "TSAN_SYMBOLIZER_PATH"};

}  // namespace

std::vector<std::string> plugin_environment() {
  std::vector<std::string> environment{"LANG=C.UTF-8"};
  for (const char* const name : kKept) {
    if (const char* const value = std::getenv(name); value != nullptr)
      environment.push_back(std::string(name) + "=" + value);
  }
  for (const Told& each : kTold) {
    const char* const value = std::getenv(each.name);
    environment.push_back(std::string(each.name) + "=" + each.options + (value != nullptr ? ":" : "") +
                          (value != nullptr ? value : ""));
  }
  return environment;
}

}  // namespace conformance
