// A mutex of one word for sections of nanoseconds: six instructions when nobody else wants it.
#pragma once

#include <atomic>
#include <cstdint>

namespace ruststream::memory {

/// Guards the broker's tables. Never held across a call into the host, so a waiter waits for memory only
/// (rule B1). Meets BasicLockable: use it with std::unique_lock.
class ShortLock {
 public:
  void lock() noexcept {
    std::uint32_t expected = kFree;
    if (!state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire)) lock_contended();
  }

  void unlock() noexcept {
    if (state_.exchange(kFree, std::memory_order_release) == kAwaited) state_.notify_one();
  }

 private:
  static constexpr std::uint32_t kFree = 0, kHeld = 1, kAwaited = 2;
  static constexpr int kSpins = 30;  // about as long as a batch of 64 is held

  // Leaves the line of the lock to its holder for a moment.
  static void pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  void lock_contended() noexcept {
    for (int spin = 0; spin < kSpins; ++spin) {
      std::uint32_t expected = kFree;
      if (state_.load(std::memory_order_relaxed) == kFree &&
          state_.compare_exchange_weak(expected, kHeld, std::memory_order_acquire)) {
        return;
      }
      pause();
    }
    // Once somebody waited, the lock is taken as "awaited": whoever unlocks it then wakes the next.
    while (state_.exchange(kAwaited, std::memory_order_acquire) != kFree)
      state_.wait(kAwaited, std::memory_order_relaxed);
  }

  std::atomic<std::uint32_t> state_{kFree};
};

}  // namespace ruststream::memory
