// First in, first out, of records: blocks of pointers, eight bytes for each that waits.
#pragma once

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
    if (tail_ == kBlockRecords || tail_block_ == nullptr) add_block();
    tail_block_->records[tail_++] = record;
    ++size_;
  }

  /// The oldest that lie side by side, at least one; the queue is not empty.
  [[nodiscard]] std::span<Record* const> front() const noexcept {
    const auto end = head_block_.get() == tail_block_ ? tail_ : kBlockRecords;
    return {head_block_->records + head_, end - head_};
  }

  /// Takes `count` of front() out.
  void pop(std::uint32_t count) noexcept {
    head_ += count;
    size_ -= count;
    if (size_ == 0) {
      head_ = tail_ = 0;  // head and tail share the block: start over in it
    } else if (head_ == kBlockRecords) {
      drop_head_block();
    }
  }

 private:
  static constexpr std::uint32_t kBlockRecords = 510;
  static constexpr std::uint32_t kMaxSpareBlocks = 8;
  struct Block {
    std::unique_ptr<Block> next;
    Record* records[kBlockRecords];
  };

  void add_block() {
    std::unique_ptr<Block> block;
    if (spare_ != nullptr) {
      block = std::move(spare_);
      spare_ = std::move(block->next);
      --spare_count_;
    } else {
      block.reset(new Block);
    }
    Block* added = block.get();
    (tail_block_ == nullptr ? head_block_ : tail_block_->next) = std::move(block);
    tail_block_ = added;
    tail_ = 0;
  }

  // Some blocks are kept, so that a queue that breathes does not allocate.
  void drop_head_block() noexcept {
    auto dropped = std::move(head_block_);
    head_block_ = std::move(dropped->next);
    head_ = 0;
    if (spare_count_ == kMaxSpareBlocks) return;
    dropped->next = std::move(spare_);
    spare_ = std::move(dropped);
    ++spare_count_;
  }

  std::unique_ptr<Block> head_block_;
  Block* tail_block_ = nullptr;
  std::unique_ptr<Block> spare_;
  std::uint32_t spare_count_ = 0;
  std::uint32_t head_ = 0;
  std::uint32_t tail_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace ruststream::memory
