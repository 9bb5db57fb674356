#include "measure.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <valgrind/callgrind.h>

namespace bench {
namespace {

std::atomic<bool> counting{false};
std::atomic<std::uint64_t> allocated{0};

void count() noexcept {
  if (counting.load(std::memory_order_relaxed)) allocated.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

void Measure::begin() noexcept {
  counting.store(true);
  CALLGRIND_START_INSTRUMENTATION;
}

void Measure::end() noexcept {
  CALLGRIND_STOP_INSTRUMENTATION;
  counting.store(false);
}

std::uint64_t Measure::allocations() noexcept { return allocated.load(); }

}  // namespace bench

// The program's own allocator functions come first for every library that it loads: each counts and goes on to glibc's.
extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

__attribute__((visibility("default"))) void* malloc(std::size_t size) {
  bench::count();
  return __libc_malloc(size);
}

__attribute__((visibility("default"))) void* calloc(std::size_t count, std::size_t size) {
  bench::count();
  return __libc_calloc(count, size);
}

__attribute__((visibility("default"))) void* realloc(void* block, std::size_t size) {
  bench::count();
  return __libc_realloc(block, size);
}

__attribute__((visibility("default"))) void* aligned_alloc(std::size_t alignment, std::size_t size) {
  bench::count();
  return __libc_memalign(alignment, size);
}

__attribute__((visibility("default"))) int posix_memalign(void** block, std::size_t alignment, std::size_t size) {
  bench::count();
  *block = __libc_memalign(alignment, size);
  return *block != nullptr ? 0 : ENOMEM;
}

}  // extern "C"
