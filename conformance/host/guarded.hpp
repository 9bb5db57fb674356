#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace conformance {

/// Memory that the host lends to a plugin, placed so that a misuse faults at once: each piece ends at an unreadable
/// page (rule V3) and becomes unreadable itself when it is taken back (rule M4). [any thread]
class Guarded {
 public:
  /// Zeroed, 8-aligned when `size` is a multiple of 8. `what` names it in a fault and lives for ever.
  [[nodiscard]] static void* lend(std::size_t size, const char* what);
  static void take_back(const void* piece) noexcept;

  struct Fault {
    const char* what;
    bool taken_back;  // else its end was passed
  };
  /// What a fault at `address` was about; nothing when it is not the host's memory. [async-signal-safe]
  [[nodiscard]] static std::optional<Fault> explain(const void* address) noexcept;
};

/// One lent object, or array of them, taken back with this.
template <class T>
class Lent {
 public:
  explicit Lent(const char* what, std::size_t count = 1)
      : piece_(static_cast<T*>(Guarded::lend(count * sizeof(T), what))), count_(count) {}
  Lent(Lent&& other) noexcept : piece_(std::exchange(other.piece_, nullptr)), count_(other.count_) {}
  Lent& operator=(Lent&& other) noexcept {
    std::swap(piece_, other.piece_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~Lent() {
    if (piece_ != nullptr) Guarded::take_back(piece_);
  }

  [[nodiscard]] T* get() const noexcept { return piece_; }
  T* operator->() const noexcept { return piece_; }
  T& operator*() const noexcept { return *piece_; }
  T& operator[](std::size_t i) const noexcept { return piece_[i]; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }

 private:
  T* piece_;
  std::size_t count_;
};

/// A struct that begins with its struct_size as a peer of another draft has it: so many bytes longer, with a tail that
/// nobody knows, or shorter, with an unreadable page behind it (rule V3).
template <class T>
[[nodiscard]] Lent<char> resized(const T& from, std::ptrdiff_t by, const char* what) {
  const auto size = static_cast<std::uint32_t>(static_cast<std::ptrdiff_t>(sizeof(T)) + by);
  Lent<char> made(what, size);
  std::memset(made.get(), 0x5A, size);
  std::memcpy(made.get(), &from, std::min<std::size_t>(sizeof(T), size));
  std::memcpy(made.get(), &size, sizeof size);
  return made;
}

/// A copy of bytes to lend.
[[nodiscard]] Lent<char> lend_bytes(std::string_view bytes, const char* what);

}  // namespace conformance
