#include <ruststream/arena.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace ruststream {
inline namespace v0 {

struct Arena::Block {
  Block* older;
  std::size_t size;  // of the room behind this header

  char* room() noexcept { return reinterpret_cast<char*>(this + 1); }
};

Arena::Arena(Arena&& other) noexcept
    : blocks_(std::exchange(other.blocks_, nullptr)),
      at_(std::exchange(other.at_, nullptr)),
      end_(std::exchange(other.end_, nullptr)) {}

Arena& Arena::operator=(Arena&& other) noexcept {
  std::swap(blocks_, other.blocks_);
  std::swap(at_, other.at_);
  std::swap(end_, other.end_);
  return *this;
}

Arena::~Arena() { release(blocks_); }

void Arena::release(Block* from) noexcept {
  while (from != nullptr) ::operator delete(std::exchange(from, from->older));
}

void Arena::grow(std::size_t size) {
  const std::size_t doubled = blocks_ == nullptr ? kFirstBlockBytes : std::min(2 * blocks_->size, kKeepBytes);
  const std::size_t room = std::max(size, doubled);
  void* const memory = ::operator new(sizeof(Block) + room);
  blocks_ = new (memory) Block{blocks_, room};
  at_ = blocks_->room();
  end_ = at_ + room;
}

void Arena::rewind() noexcept {
  // The newest block is the largest one that is worth keeping, unless one string was larger than kKeepBytes.
  release(std::exchange(blocks_->older, nullptr));
  if (blocks_->size > kKeepBytes) {
    release(std::exchange(blocks_, nullptr));
    at_ = end_ = nullptr;
    return;
  }
  at_ = blocks_->room();
}

}  // namespace v0
}  // namespace ruststream
