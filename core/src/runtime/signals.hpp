#pragma once
#include "runtime/app_core.hpp"

namespace ruststream {
inline namespace v0 {
namespace detail {

/// The signals of a process that a service owns: the first SIGINT or SIGTERM asks for a graceful stop, the second ends
/// the process at once with 128 + its number, even while a handler blocks the loop. Made before any plugin is loaded,
/// SIGCHLD of libuv included: a handler installed after a Go plugin would run on a goroutine's stack. One at a time.
class Signals {
 public:
  Signals(Loop& loop, AppCore& core);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  struct Handles;
  Handles* handles_;
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
