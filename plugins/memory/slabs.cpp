#include "slabs.hpp"

#include <new>

namespace ruststream::memory {

Slabs::~Slabs() {
  while (spare_ != nullptr) {
    Slab* next = spare_->next_spare;
    ::operator delete(spare_);
    spare_ = next;
  }
  ::operator delete(current_);
}

Slabs::Slab* Slabs::make(std::uint32_t size) {
  return new (::operator new(size)) Slab{nullptr, 0, sizeof(Slab), size, 0};
}

Slabs::Place Slabs::allocate_elsewhere(std::uint32_t bytes) {
  if (bytes > kSlabBytes / 4) return take(*make(static_cast<std::uint32_t>(sizeof(Slab)) + bytes), bytes);
  Slab* slab = spare_;
  if (slab != nullptr) {
    spare_ = slab->next_spare;
    --spare_count_;
  } else {
    slab = make(kSlabBytes);
  }
  // A full slab that is no longer current is found again through the offsets of its records. An empty one cannot
  // be replaced here: retire() has reset it, so it had room.
  current_ = slab;
  return take(*slab, bytes);
}

void Slabs::retire(Slab* slab) noexcept {
  slab->used = sizeof(Slab);
  if (slab == current_) return;  // starts over in memory that is still in the cache
  if (slab->size == kSlabBytes && spare_count_ < kMaxSpareSlabs) {
    slab->next_spare = spare_;
    spare_ = slab;
    ++spare_count_;
    return;
  }
  ::operator delete(slab);
}

}  // namespace ruststream::memory
