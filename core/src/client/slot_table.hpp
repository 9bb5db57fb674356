#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace ruststream {
inline namespace v0 {
namespace detail {

/// Objects that the contract names by number. An id is generation << 20 | index, bit 63 clear: never 0, never given
/// twice (a slot whose 2^43 generations are used up retires), so a late call with an old one finds nothing (rule C3).
/// Objects stay at their address and are reused, never freed before the table, so a lookup that races a release reads a
/// live object at worst. Lock-free but for growth. [any thread]
template <class T>
class SlotTable {
 public:
  static constexpr std::uint32_t kChunk = 256;
  static constexpr std::uint32_t kMaxChunks = 4096;  // 1,048,576 objects at a time

  /// A free object, or null when kMaxChunks are in use. `id` names it until release().
  T* acquire(std::uint64_t& id) {
    std::uint64_t head = free_.load(std::memory_order_acquire);
    for (;;) {
      const auto index = static_cast<std::uint32_t>(head);
      if (index == kNone) {
        if (!grow()) return nullptr;
        head = free_.load(std::memory_order_acquire);
        continue;
      }
      Slot& slot = at(index);
      const std::uint64_t next = (head & kTagMask) + kTagStep + slot.next.load(std::memory_order_relaxed);
      if (free_.compare_exchange_weak(head, next, std::memory_order_acq_rel, std::memory_order_acquire)) {
        id = slot.generation.load(std::memory_order_relaxed) << kIndexBits | index;
        return &slot.object;
      }
    }
  }

  /// The object that `id` names now, or null.
  [[nodiscard]] T* find(std::uint64_t id) noexcept {
    const std::uint32_t index = index_of(id);
    if (index >= count_.load(std::memory_order_acquire)) return nullptr;
    Slot& slot = at(index);
    if (slot.generation.load(std::memory_order_acquire) != id >> kIndexBits) return nullptr;
    return &slot.object;
  }

  /// Ends what `id` names; the caller held it.
  void release(std::uint64_t id) noexcept {
    const std::uint32_t index = index_of(id);
    Slot& slot = at(index);
    const std::uint64_t generation = slot.generation.load(std::memory_order_relaxed) + 1;
    slot.generation.store(generation, std::memory_order_release);
    if (generation < kGenerations) push(index, slot);
  }

 private:
  static constexpr unsigned kIndexBits = 20;
  static constexpr std::uint64_t kGenerations = 1ULL << 43;
  static_assert(kChunk * kMaxChunks == 1U << kIndexBits);
  static constexpr std::uint32_t index_of(std::uint64_t id) noexcept {
    return static_cast<std::uint32_t>(id) & ((1U << kIndexBits) - 1);
  }
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;
  static constexpr std::uint64_t kTagStep = 1ULL << 32;  // the free list's head carries a tag against ABA
  static constexpr std::uint64_t kTagMask = ~0ULL << 32;

  struct Slot {
    T object{};
    std::atomic<std::uint64_t> generation{1};
    std::atomic<std::uint32_t> next{kNone};
  };
  using Chunk = std::array<Slot, kChunk>;

  Slot& at(std::uint32_t index) noexcept { return (*chunks_[index / kChunk])[index % kChunk]; }

  void push(std::uint32_t index, Slot& slot) noexcept {
    std::uint64_t head = free_.load(std::memory_order_relaxed);
    do {
      slot.next.store(static_cast<std::uint32_t>(head), std::memory_order_relaxed);
    } while (!free_.compare_exchange_weak(head, (head & kTagMask) + kTagStep + index, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
  }

  bool grow() {
    const std::scoped_lock lock(growing_);
    if (static_cast<std::uint32_t>(free_.load(std::memory_order_acquire)) != kNone) return true;
    const std::uint32_t first = count_.load(std::memory_order_relaxed);
    if (first / kChunk == kMaxChunks) return false;
    chunks_[first / kChunk] = std::make_unique<Chunk>();
    count_.store(first + kChunk, std::memory_order_release);
    for (std::uint32_t index = first + kChunk; index-- > first;) push(index, at(index));
    return true;
  }

  std::atomic<std::uint64_t> free_{kNone};
  std::atomic<std::uint32_t> count_{0};
  std::mutex growing_;
  std::array<std::unique_ptr<Chunk>, kMaxChunks> chunks_;
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
