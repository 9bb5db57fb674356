#pragma once
#include <ruststream/export.hpp>

#include <cstddef>

namespace ruststream {
inline namespace v0 {

/// Memory of one delivery for what a codec cannot borrow from the payload (strings with escapes, decoded base64).
/// Everything in it lives until reset(), which the runtime calls when the delivery has been settled. Allocates nothing
/// before it is used; keeps one block for the next delivery. One thread at a time.
class RUSTSTREAM_EXPORT Arena {
 public:
  /// The block kept by reset() is at most this large.
  static constexpr std::size_t kKeepBytes = 64 * 1024;
  static constexpr std::size_t kFirstBlockBytes = 1024;

  Arena() noexcept = default;
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&& other) noexcept;
  ~Arena();

  /// Room for `size` bytes, unaligned. Throws std::bad_alloc.
  [[nodiscard]] char* allocate(std::size_t size) {
    if (size > static_cast<std::size_t>(end_ - at_)) grow(size);
    char* const room = at_;
    at_ += size;
    return room;
  }

  /// Ends the life of everything allocated.
  void reset() noexcept {
    if (blocks_ != nullptr) rewind();
  }

 private:
  struct Block;

  void grow(std::size_t size);
  void rewind() noexcept;
  void release(Block* from) noexcept;

  Block* blocks_ = nullptr;  // newest first
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace v0
}  // namespace ruststream
