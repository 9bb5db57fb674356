// Where records live: slabs filled from the front, given back when the last record in them is gone.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ruststream::memory {

/// A bump allocator with a live count per slab. Not synchronised: the broker's lock guards it.
class Slabs {
 public:
  static constexpr std::uint32_t kSlabBytes = 64 * 1024;
  static constexpr std::uint32_t kMaxSpareSlabs = 256;  // empty slabs kept for the next records: 16 MiB; more are freed

  struct Place {
    void* memory = nullptr;
    std::uint32_t offset = 0;  // from the slab's start; give it back with the memory
  };

  Slabs() : current_(make(kSlabBytes)) {}
  Slabs(const Slabs&) = delete;
  Slabs& operator=(const Slabs&) = delete;
  ~Slabs();

  /// `bytes` is a multiple of 8. What does not fit a quarter of a slab gets one of its own. Throws std::bad_alloc.
  Place allocate(std::uint32_t bytes) {
    if (bytes > kSlabBytes - current_->used) [[unlikely]]
      return allocate_elsewhere(bytes);
    return take(*current_, bytes);
  }

  struct Slab {
    Slab* next_spare;
    std::uint32_t live;
    std::uint32_t used;  // bytes from the slab's start
    std::uint32_t size;
    std::uint32_t reserved;
  };

  [[nodiscard]] static Slab* slab_of(void* memory, std::uint32_t offset) noexcept {
    return reinterpret_cast<Slab*>(static_cast<std::byte*>(memory) - offset);
  }
  /// Gives `count` places of one slab back.
  void release(Slab* slab, std::uint32_t count) noexcept {
    slab->live -= count;
    if (slab->live == 0) retire(slab);
  }

 private:
  static Place take(Slab& slab, std::uint32_t bytes) noexcept {
    const Place place{reinterpret_cast<std::byte*>(&slab) + slab.used, slab.used};
    slab.used += bytes;
    ++slab.live;
    return place;
  }

  static Slab* make(std::uint32_t size);
  Place allocate_elsewhere(std::uint32_t bytes);
  void retire(Slab* slab) noexcept;

  Slab* current_;
  Slab* spare_ = nullptr;
  std::uint32_t spare_count_ = 0;
};

}  // namespace ruststream::memory
