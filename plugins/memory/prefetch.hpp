// Hiding what it costs to write to memory that another core wrote last.
#pragma once

#include <cstddef>

namespace ruststream::memory {

/// Asks for cache lines that will be written soon, so that they come while other work goes on. A hint: any address will
/// do, and where the processor has no such instruction nothing happens. (GCC's __builtin_prefetch asks to read unless
/// built for a newer processor, and then the first write waits all the same.)
template <std::size_t kLines>
inline void prefetch_to_write([[maybe_unused]] const void* from) noexcept {
#if defined(__x86_64__)
  constexpr std::size_t kLine = 64;
  const auto* at = static_cast<const std::byte*>(from);
  for (std::size_t line = 0; line < kLines; ++line) asm volatile("prefetchw %0" : : "m"(at[line * kLine]));
#endif
}

}  // namespace ruststream::memory
