#pragma once
// Tokens: 64-bit names of unsettled deliveries, each settled at most once (rules S1, S3).

#include <ruststream/abi/error.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>

namespace ruststream::sdk {

/// The unsettled deliveries of one subscription, each with a T of the plugin's. One thread at a time issues; any thread
/// settles: taking a token is a mask and one compare-exchange. A token is generation and slot; it is never 0.
template <typename T>
class Tokens {
 public:
  static constexpr std::uint32_t kSlotBits = 24;
  static constexpr std::uint32_t kChunk = 256;
  static constexpr std::uint32_t kDefaultMost = 1U << 16U;

  /// `most`: the window; issue gives 0 when that many are unsettled. Memory grows with use, in chunks.
  explicit Tokens(std::uint32_t most = kDefaultMost)
      : most_((most + kChunk - 1) / kChunk * kChunk), chunks_(std::make_unique<std::atomic<Slot*>[]>(most_ / kChunk)) {
    if (most == 0 || most > (1U << kSlotBits)) throw std::length_error("a window of no or too many tokens");
  }
  Tokens(const Tokens&) = delete;
  Tokens& operator=(const Tokens&) = delete;
  ~Tokens() {
    for (std::uint32_t chunk = 0; chunk < size_ / kChunk; ++chunk)
      delete[] chunks_[chunk].load(std::memory_order_relaxed);
  }

  /// Names a delivery, before it is handed to the host. 0 when the window is full. [one thread at a time]
  [[nodiscard]] std::uint64_t issue(T value) {
    Slot* free = find_free();
    if (free == nullptr) return 0;
    free->value = std::move(value);
    const auto word = free->word.load(std::memory_order_relaxed);
    free->word.store(word | kLive, std::memory_order_release);
    unsettled_.fetch_add(1, std::memory_order_relaxed);
    const auto index = cursor_ == 0 ? size_ - 1 : cursor_ - 1;
    return (word >> 2U) << kSlotBits | index;
  }

  /// Takes a token for settling: of concurrent attempts one gets it. Then read value(), act, and call settled() or
  /// put_back().
  /// @return RST_OK, or minus INVALID (0), SETTLED, STALE. [any-thread]
  [[nodiscard]] std::int32_t take(std::uint64_t token) noexcept {
    Slot* slot = at(token);
    if (slot == nullptr) return token == 0 ? -RST_E_INVALID : -RST_E_STALE;
    auto expected = live_word(token);
    if (slot->word.compare_exchange_strong(expected, expected ^ (kLive | kTaken), std::memory_order_acquire)) {
      return RST_OK;
    }
    return why_not(*slot, token, expected);
  }
  /// Whether a token could be taken now; for EXTEND, which settles nothing.
  [[nodiscard]] std::int32_t peek(std::uint64_t token) const noexcept {
    Slot* slot = at(token);
    if (slot == nullptr) return token == 0 ? -RST_E_INVALID : -RST_E_STALE;
    const auto word = slot->word.load(std::memory_order_acquire);
    return word == live_word(token) ? RST_OK : why_not(*slot, token, word);
  }

  /// Of a token that this thread has taken.
  [[nodiscard]] T& value(std::uint64_t token) noexcept { return at(token)->value; }
  void settled(std::uint64_t token) noexcept {
    at(token)->word.store(((token >> kSlotBits) + 1) << 2U, std::memory_order_release);
    unsettled_.fetch_sub(1, std::memory_order_relaxed);
  }
  void put_back(std::uint64_t token) noexcept { at(token)->word.store(live_word(token), std::memory_order_release); }

  /// Voids every unsettled token that `pick(value)` names (all by default): stale from now on. Calls `visit(T&&)` for
  /// each. No token is issued meanwhile; settling may go on, and wins or loses per token. [one thread at a time]
  template <typename Visit>
  void void_all(Visit&& visit) {
    void_if([](const T&) { return true; }, std::forward<Visit>(visit));
  }
  template <typename Pick, typename Visit>
  void void_if(Pick&& pick, Visit&& visit) {
    for (std::uint32_t index = 0; index < size_; ++index) {
      Slot& slot = slot_at(index);
      auto word = slot.word.load(std::memory_order_acquire);
      if ((word & kStateMask) != kLive) continue;
      if (!slot.word.compare_exchange_strong(word, word ^ (kLive | kTaken), std::memory_order_acquire)) continue;
      const auto generation = word >> 2U;
      const std::uint64_t token = generation << kSlotBits | index;
      if (!pick(std::as_const(slot.value))) {
        put_back(token);
        continue;
      }
      slot.stale_before.store(generation + 1, std::memory_order_relaxed);
      visit(std::move(slot.value));
      settled(token);
    }
  }

  [[nodiscard]] std::uint32_t unsettled() const noexcept { return unsettled_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool full() const noexcept { return unsettled() >= most_; }

 private:
  // A slot's word: generation from 1, then one bit each for unsettled and for being settled just now.
  static constexpr std::uint64_t kLive = 1, kTaken = 2, kStateMask = 3;

  struct Slot {
    std::atomic<std::uint64_t> word{std::uint64_t{1} << 2U};
    std::atomic<std::uint64_t> stale_before{0};  // generations below were voided, not settled
    T value{};
  };

  static constexpr std::uint64_t live_word(std::uint64_t token) noexcept { return (token >> kSlotBits) << 2U | kLive; }

  [[nodiscard]] Slot& slot_at(std::uint32_t index) const noexcept {
    return chunks_[index / kChunk].load(std::memory_order_acquire)[index % kChunk];
  }
  [[nodiscard]] Slot* at(std::uint64_t token) const noexcept {
    const auto index = static_cast<std::uint32_t>(token & ((1U << kSlotBits) - 1));
    if (token == 0 || index >= most_) return nullptr;
    Slot* chunk = chunks_[index / kChunk].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : &chunk[index % kChunk];
  }
  static std::int32_t why_not(const Slot& slot, std::uint64_t token, std::uint64_t word) noexcept {
    const auto generation = token >> kSlotBits;
    if (generation > word >> 2U || generation == 0) return -RST_E_STALE;            // never issued
    if (generation == word >> 2U && (word & kStateMask) == 0) return -RST_E_STALE;  // not issued yet
    return generation < slot.stale_before.load(std::memory_order_relaxed) ? -RST_E_STALE : -RST_E_SETTLED;
  }

  // The next slot in a ring, so that a batch's tokens lie side by side; long unsettled ones are left out.
  Slot* find_free() {
    if (full()) return nullptr;
    for (std::uint32_t looked = 0; looked < size_; ++looked) {
      if (unsettled_.load(std::memory_order_relaxed) * 2 >= size_ && size_ < most_)
        break;  // grow before it gets crowded
      Slot& slot = slot_at(cursor_);
      cursor_ = cursor_ + 1 == size_ ? 0 : cursor_ + 1;
      if ((slot.word.load(std::memory_order_acquire) & kStateMask) == 0) return &slot;
    }
    if (size_ == most_) return nullptr;
    chunks_[size_ / kChunk].store(new Slot[kChunk], std::memory_order_release);
    cursor_ = size_ + 1;
    size_ += kChunk;
    return &slot_at(cursor_ - 1);
  }

  const std::uint32_t most_;
  std::unique_ptr<std::atomic<Slot*>[]> chunks_;
  std::uint32_t size_ = 0;    // of the issuing thread
  std::uint32_t cursor_ = 0;  // of the issuing thread
  std::atomic<std::uint32_t> unsettled_{0};
};

}  // namespace ruststream::sdk
