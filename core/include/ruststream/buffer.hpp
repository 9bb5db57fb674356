#pragma once
#include <ruststream/export.hpp>

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

namespace ruststream {
inline namespace v0 {

/// Bytes that grow at the end: where a codec encodes to. Keeps its memory between uses, so the steady state allocates
/// nothing. One thread at a time.
class RUSTSTREAM_EXPORT Buffer {
 public:
  /// Nothing longer can be encoded; growing beyond it throws std::length_error.
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 30;
  /// What clear() keeps at most, so that one huge message does not hold its memory for ever.
  static constexpr std::size_t kKeepBytes = std::size_t{1} << 20;

  Buffer() noexcept = default;
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  [[nodiscard]] const char* data() const noexcept { return begin_; }
  [[nodiscard]] std::string_view text() const noexcept { return {begin_, size()}; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return {reinterpret_cast<const std::byte*>(begin_), size()};
  }

  void clear() noexcept {
    if (static_cast<std::size_t>(end_ - begin_) > kKeepBytes) release();
    at_ = begin_;
  }

  /// Room for `size` more bytes at the end; what was written there becomes part of the buffer with resize().
  [[nodiscard]] char* reserve(std::size_t size) {
    if (size > static_cast<std::size_t>(end_ - at_)) grow(size);
    return at_;
  }
  /// Moves the end: back to an earlier one, or forward into what reserve() gave.
  void resize(std::size_t size) noexcept { at_ = begin_ + size; }
  /// The memory there is without growing, null before anything was written.
  [[nodiscard]] char* begin() noexcept { return begin_; }
  [[nodiscard]] const char* limit() const noexcept { return end_; }

  void append(char c) {
    *reserve(1) = c;
    ++at_;
  }
  void append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(reserve(text.size()), text.data(), text.size());
    at_ += text.size();
  }

 private:
  void grow(std::size_t size);
  void release() noexcept;

  char* begin_ = nullptr;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace v0
}  // namespace ruststream
