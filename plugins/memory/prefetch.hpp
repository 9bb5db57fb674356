// Hiding what it costs to write to memory that another core wrote last.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ruststream::memory {

/// Asks for cache lines that will be written soon, so that they come while other work goes on. A hint: any address will
/// do, and where the processor has no such instruction nothing happens. (GCC's __builtin_prefetch asks to read unless
/// built for a newer processor, and then the first write waits all the same.)
template <std::size_t Lines>
inline void prefetch_to_write([[maybe_unused]] const void* from) noexcept {
#if defined(__x86_64__)
  constexpr std::size_t kLine = 64;
  const auto first = reinterpret_cast<std::uintptr_t>(from);  // perhaps null: pointers must not be reckoned with then
  for (std::size_t line = 0; line < Lines; ++line) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): nothing is read there
    asm volatile("prefetchw %0" : : "m"(*reinterpret_cast<const char*>(first + line * kLine)));
  }
#endif
}

}  // namespace ruststream::memory
