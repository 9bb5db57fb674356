#pragma once
#include <cstddef>
#include <cstdint>
#include <malloc.h>

// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): the name is the sanitizers'
extern "C" [[gnu::weak]] std::size_t __sanitizer_get_current_allocated_bytes();

namespace conformance {

/// What the process has allocated and not freed; 0 where the C library's allocator, or a sanitizer's, is not in use.
[[nodiscard]] inline std::int64_t heap_bytes() noexcept {
  if (&__sanitizer_get_current_allocated_bytes != nullptr)
    return static_cast<std::int64_t>(__sanitizer_get_current_allocated_bytes());
  const struct mallinfo2 now = ::mallinfo2();
  return static_cast<std::int64_t>(now.uordblks + now.hblkhd);
}

}  // namespace conformance
