// First in, first out, of records: blocks of pointers, eight bytes for each that waits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace ruststream::memory {

struct Record;

/// Not synchronised: the broker's lock guards it. Does not own the records.
class RecordQueue {
 public:
  RecordQueue() = default;
  RecordQueue(const RecordQueue&) = delete;
  RecordQueue& operator=(const RecordQueue&) = delete;
  ~RecordQueue() {
    while (head_block_ != nullptr) head_block_ = std::move(head_block_->next);  // not recursive
    while (spare_ != nullptr) spare_ = std::move(spare_->next);
  }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  void push(Record* record) {
    if (tail_ == tail_end_) [[unlikely]]
      add_block();
    *tail_++ = record;
    ++size_;
  }

  /// The oldest that lie side by side, at least one; the queue is not empty.
  [[nodiscard]] std::span<Record* const> front() const noexcept {
    return {head_, std::min<std::uint64_t>(size_, static_cast<std::uint64_t>(head_end() - head_))};
  }

  /// Takes `count` of front() out.
  void pop(std::uint32_t count) noexcept {
    head_ += count;
    size_ -= count;
    if (size_ == 0) {
      head_ = tail_ = head_block_->records;  // head and tail share the block: start over in it
    } else if (head_ == head_end()) {
      drop_head_block();
    }
  }

 private:
  static constexpr std::uint32_t kBlockRecords = 510;
  static constexpr std::uint32_t kMaxSpareBlocks = 128;  // kept for reuse: 64 Ki records; more are freed
  struct Block {
    std::unique_ptr<Block> next;
    Record* records[kBlockRecords];
  };

  [[nodiscard]] Record** head_end() const noexcept { return head_block_->records + kBlockRecords; }

  [[gnu::cold, gnu::noinline]] void add_block() {
    std::unique_ptr<Block> block;
    if (spare_ != nullptr) {
      block = std::move(spare_);
      spare_ = std::move(block->next);
      --spare_count_;
    } else {
      block = std::make_unique_for_overwrite<Block>();
    }
    Block* added = block.get();
    (tail_block_ == nullptr ? head_block_ : tail_block_->next) = std::move(block);
    tail_block_ = added;
    tail_ = added->records;
    tail_end_ = tail_ + kBlockRecords;
    if (size_ == 0) head_ = tail_;
  }

  // Some blocks are kept, so that a queue that breathes does not allocate.
  void drop_head_block() noexcept {
    auto dropped = std::move(head_block_);
    head_block_ = std::move(dropped->next);
    head_ = head_block_->records;
    if (spare_count_ == kMaxSpareBlocks) return;
    dropped->next = std::move(spare_);
    spare_ = std::move(dropped);
    ++spare_count_;
  }

  std::unique_ptr<Block> head_block_;
  Block* tail_block_ = nullptr;
  std::unique_ptr<Block> spare_;
  std::uint32_t spare_count_ = 0;
  Record** head_ = nullptr;  // the oldest
  Record** tail_ = nullptr;  // where the next goes
  Record** tail_end_ = nullptr;
  std::uint64_t size_ = 0;
};

}  // namespace ruststream::memory
