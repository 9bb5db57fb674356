// What a topic of kind log retains: records by offset, the oldest trimmed first.
#pragma once

#include <cstdint>
#include <vector>

namespace ruststream::memory {

struct Record;

/// A ring that doubles. Not synchronised: the broker's lock guards it. Does not own the records.
class Log {
 public:
  [[nodiscard]] std::uint64_t begin() const noexcept { return begin_; }  // offset of the oldest that is kept
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }      // offset of the next to come
  [[nodiscard]] std::uint64_t size() const noexcept { return end_ - begin_; }

  /// begin() <= offset < end().
  [[nodiscard]] Record* at(std::uint64_t offset) const noexcept { return ring_[offset & (ring_.size() - 1)]; }

  /// Makes room for one more, so that append cannot fail.
  void reserve_one() {
    if (size() == ring_.size()) grow();
  }
  void append(Record* record) noexcept { ring_[end_++ & (ring_.size() - 1)] = record; }

  /// Takes the oldest out; size() > 0.
  Record* trim() noexcept { return ring_[begin_++ & (ring_.size() - 1)]; }

  /// The first offset at or after a moment; end() when all are older.
  [[nodiscard]] std::uint64_t offset_at(std::int64_t time_ns) const noexcept;

 private:
  void grow();

  std::vector<Record*> ring_;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace ruststream::memory
