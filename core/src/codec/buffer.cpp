#include <ruststream/buffer.hpp>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

namespace ruststream {
inline namespace v0 {

namespace {
constexpr std::size_t kFirstBytes = 256;
}

Buffer::Buffer(Buffer&& other) noexcept
    : begin_(std::exchange(other.begin_, nullptr)),
      at_(std::exchange(other.at_, nullptr)),
      end_(std::exchange(other.end_, nullptr)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(begin_, other.begin_);
  std::swap(at_, other.at_);
  std::swap(end_, other.end_);
  return *this;
}

Buffer::~Buffer() { release(); }

void Buffer::grow(std::size_t size) {
  const std::size_t used = this->size();
  if (size > kMaxBytes - used) throw std::length_error("ruststream::Buffer: more than 1 GiB in one message");
  const std::size_t capacity = std::max({kFirstBytes, used + size, 2 * static_cast<std::size_t>(end_ - begin_)});
  char* const memory = static_cast<char*>(::operator new(capacity));
  if (used > 0) std::memcpy(memory, begin_, used);
  ::operator delete(begin_);
  begin_ = memory;
  at_ = memory + used;
  end_ = memory + capacity;
}

void Buffer::release() noexcept {
  ::operator delete(begin_);
  begin_ = at_ = end_ = nullptr;
}

}  // namespace v0
}  // namespace ruststream
