#pragma once
#include "runtime/app_core.hpp"

#include <array>

namespace ruststream {
inline namespace v0 {
namespace detail {

/// The signals of a process that a service owns: the first SIGINT or SIGTERM asks for a graceful stop, the second ends
/// the process at once with 128 + its number. Made before any plugin is loaded, SIGCHLD included: a handler installed
/// after a Go plugin would run on a goroutine's stack.
class Signals {
 public:
  Signals(Loop& loop, AppCore& core);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  struct Handle;
  std::array<Handle*, 3> handles_{};
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
