// What one subscription has been given and has not settled: tokens and what they stand for.
#pragma once

#include <cstdint>
#include <vector>

namespace ruststream::memory {

struct Record;

/// Tokens count up and are never reused; each has the slot of its low bits, and a number whose slot is still taken is
/// left out. So finding one is a mask and a compare. Not synchronised: the broker's lock guards it.
class InFlight {
 public:
  struct Slot {
    Record* record = nullptr;  // nullptr: free
    std::uint64_t token = 0;
    std::int64_t deadline_ns = 0;  // of the acknowledgement, where the subscription has a timeout
    std::uint32_t attempt = 0;
    std::uint32_t reserved = 0;
  };

  static constexpr std::uint32_t kMaxWindow = 1U << 20;  // most unsettled of one subscription

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

  /// Makes room for `count` more, so that add cannot fail.
  void reserve(std::uint32_t count) {
    if ((std::uint64_t{size_} + count) * 2 > slots_.size()) grow(size_ + count);
  }

  /// Adds a run of deliveries, what it needs at hand; the count is right again when it ends. reserve() came before.
  class Adder {
   public:
    explicit Adder(InFlight& table) noexcept
        : table_(table), slots_(table.slots_.data()), mask_(table.mask_), next_(table.next_token_) {}
    Adder(const Adder&) = delete;
    Adder& operator=(const Adder&) = delete;
    ~Adder() {
      table_.next_token_ = next_;
      table_.size_ += added_;
    }

    /// The token of the delivery.
    std::uint64_t add(Record* record, std::uint32_t attempt, std::int64_t deadline_ns) noexcept {
      while (slots_[next_ & mask_].record != nullptr) [[unlikely]]
        ++next_;
      Slot& slot = slots_[next_ & mask_];
      slot.record = record;
      slot.token = next_;
      slot.deadline_ns = deadline_ns;
      slot.attempt = attempt;
      ++added_;
      return next_++;
    }

   private:
    InFlight& table_;
    Slot* const slots_;
    const std::uint64_t mask_;
    std::uint64_t next_;
    std::uint32_t added_ = 0;
  };

  /// The unsettled delivery of this token, or nullptr: ask why_not.
  [[nodiscard]] Slot* find(std::uint64_t token) noexcept { return Finder(*this).find(token); }

  /// Finds many in a row. Slots that are emptied by hand are counted by removed().
  class Finder {
   public:
    explicit Finder(InFlight& table) noexcept : slots_(table.slots_.data()), mask_(table.mask_) {}

    [[nodiscard]] Slot* find(std::uint64_t token) const noexcept {
      Slot& slot = slots_[token & mask_];
      return slot.token == token && slot.record != nullptr ? &slot : nullptr;
    }

   private:
    Slot* const slots_;
    const std::uint64_t mask_;
  };
  void removed(std::uint32_t count) noexcept { size_ -= count; }

  /// The code for a token that find does not know: INVALID for 0, STALE when it was voided or never given out, SETTLED
  /// otherwise.
  [[nodiscard]] std::int32_t why_not(std::uint64_t token) const noexcept;

  /// Frees the slot of a settled delivery.
  void remove(Slot& slot) noexcept {
    slot.record = nullptr;
    --size_;
  }

  /// Frees the slot of one that came back by itself: its token is stale from now on.
  void expire(Slot& slot) {
    note_stale(slot.token);
    remove(slot);
  }

  /// Frees the slot of one that is settled by a transaction, which still counts as unsettled until that ends.
  void enlist(Slot& slot) noexcept {
    slot.record = nullptr;
    ++enlisted_;
  }
  void enlisted_settled() noexcept {
    --enlisted_;
    --size_;
  }
  void enlisted_expired(std::uint64_t token) {
    note_stale(token);
    enlisted_settled();
  }

  /// Empties the table but for what is enlisted; every token given out so far is stale from now on.
  template <typename Visit>
  void void_all(Visit&& visit) {
    for (std::uint64_t token = next_token_ - slots_.size(); size_ > enlisted_; ++token) {
      Slot& slot = slots_[token & mask_];
      if (slot.record == nullptr) continue;
      visit(slot);
      remove(slot);
    }
    stale_before_ = next_token_;
  }

  /// Visits every unsettled delivery; the visitor may remove or expire the one it is given.
  template <typename Visit>
  void each(Visit&& visit) {
    for (Slot& slot : slots_) {
      if (slot.record != nullptr) visit(slot);
    }
  }

 private:
  static constexpr std::size_t kMaxStale = 1024;  // runs of stale tokens that are told from settled ones
  struct Run {
    std::uint64_t first, last;
  };

  void grow(std::uint32_t needed);
  void note_stale(std::uint64_t token);

  std::vector<Slot> slots_ = std::vector<Slot>(1);  // a power of two; at most half of them taken
  std::vector<Run> stale_;                          // a ring
  std::size_t stale_newest_ = 0;
  std::uint64_t mask_ = 0;
  std::uint64_t next_token_ = 1;
  std::uint64_t stale_before_ = 1;
  std::uint32_t size_ = 0;
  std::uint32_t enlisted_ = 0;  // of them
};

}  // namespace ruststream::memory
