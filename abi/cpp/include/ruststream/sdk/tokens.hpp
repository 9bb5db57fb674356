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

/// The unsettled deliveries of one subscription, each with a T of the plugin's. One thread at a time issues, any thread
/// settles: taking a token is a mask and one compare-exchange. A token is generation and slot, and never 0; the slots
/// go round, so that a batch's tokens lie side by side.
template <typename T>
class Tokens {
 public:
  static constexpr std::uint32_t kSlotBits = 24;
  static constexpr std::uint32_t kDefaultMost = 1U << 16U;

 private:
  static constexpr std::uint32_t kChunk = 256;
  static constexpr std::uint64_t kOneGeneration = std::uint64_t{1} << kSlotBits;

  static constexpr std::uint64_t kNoToken = std::uint64_t{3}
                                            << 62U;  // bits that no token has: a word has no room for them

  // A slot's word: its token, with the generation to come while it is free, and two bits for what became of it.
  static constexpr std::uint64_t kFree = 0, kLive = 1, kTaken = 2, kStateMask = 3;
  struct Slot {
    std::atomic<std::uint64_t> word{0};
    T value{};
  };
  struct Chunk {
    explicit Chunk(std::uint32_t first) {
      for (std::uint32_t index = 0; index < kChunk; ++index)
        slots[index].word = (kOneGeneration | (first + index)) << 2U;
    }
    std::array<Slot, kChunk> slots;
    std::array<std::atomic<std::uint64_t>, kChunk>
        stale_before{};  // tokens of the slot below this were voided, not settled
  };

 public:
  /// `most`: the window; issue gives 0 when that many are unsettled. Memory grows with use, in chunks.
  explicit Tokens(std::uint32_t most = kDefaultMost)
      : window_(most),
        most_((most + kChunk - 1) / kChunk * kChunk),
        chunks_(std::make_unique<std::atomic<Chunk*>[]>(most_ / kChunk)) {
    if (most == 0 || most > (1U << kSlotBits)) throw std::length_error("a window of no or too many tokens");
  }
  Tokens(const Tokens&) = delete;
  Tokens& operator=(const Tokens&) = delete;
  ~Tokens() {
    for (std::uint32_t chunk = 0; chunk < size_ / kChunk; ++chunk)
      delete chunks_[chunk].load(std::memory_order_relaxed);
  }

  /// Names a delivery, before it is handed to the host. 0 when the window is full. [one thread at a time]
  [[nodiscard]] std::uint64_t issue(T value) {
    const auto issued = issued_.load(std::memory_order_relaxed);
    if (issued == limit_ && !find_room(issued)) return 0;
    for (;;) {
      if (cursor_ % kChunk == 0) next_chunk();
      Slot& slot = current_->slots[cursor_++ % kChunk];
      const auto word = slot.word.load(std::memory_order_acquire);
      if ((word & kStateMask) != kFree) continue;  // a long unsettled one; there are free ones, or a new chunk comes
      slot.value = std::move(value);
      slot.word.store(word | kLive, std::memory_order_release);
      issued_.store(issued + 1, std::memory_order_relaxed);
      return word >> 2U;
    }
  }

  /// Takes a token for settling: of concurrent attempts one gets it. Then read value(), act, and call settled() or
  /// put_back().
  /// @return RST_OK, or minus INVALID (0), SETTLED, STALE. [any-thread]
  [[nodiscard]] std::int32_t take(std::uint64_t token) noexcept {
    Slot* const slot = at(token);
    if (slot != nullptr && take(*slot, token)) return RST_OK;
    return why_not(token);
  }
  /// Whether a token could be taken now; for EXTEND, which settles nothing.
  [[nodiscard]] std::int32_t peek(std::uint64_t token) const noexcept {
    const Slot* const slot = at(token);
    if (slot != nullptr && slot->word.load(std::memory_order_acquire) == (token << 2U | kLive)) return RST_OK;
    return why_not(token);
  }

  /// Of a token that this thread has taken.
  [[nodiscard]] T& value(std::uint64_t token) noexcept { return at(token)->value; }
  void settled(std::uint64_t token) noexcept {
    free(*at(token), token);
    settled_.fetch_add(1, std::memory_order_relaxed);
  }
  void put_back(std::uint64_t token) noexcept { put_back(*at(token), token); }

  /// Many at once: `act(T&)` gives a status; an error leaves the token unsettled, as does `keep`. Counted by
  /// end_settling.
  template <typename Act>
  [[nodiscard, gnu::always_inline]] std::int32_t settle_one(std::uint64_t token, bool keep, std::uint64_t& count,
                                                            Act&& act) {
    Slot* const slot = at(token);
    if (slot == nullptr || !take(*slot, token)) return why_not(token);
    const std::int32_t status = act(slot->value);
    if (status < 0 || keep) {
      put_back(*slot, token);
    } else {
      free(*slot, token);
      ++count;
    }
    return status;
  }
  void end_settling(std::uint64_t count) noexcept { settled_.fetch_add(count, std::memory_order_relaxed); }

  /// Voids every unsettled token that `pick(const T&)` names: stale from now on. Calls `visit(T&&)` for each. No token
  /// is issued meanwhile; settling may go on, and wins or loses per token. [one thread at a time]
  template <typename Pick, typename Visit>
  void void_if(Pick&& pick, Visit&& visit) {
    for (std::uint32_t index = 0; index < size_; ++index) {
      Chunk& chunk = *chunks_[index / kChunk].load(std::memory_order_acquire);
      Slot& slot = chunk.slots[index % kChunk];
      const auto word = slot.word.load(std::memory_order_acquire);
      const auto token = word >> 2U;
      if ((word & kStateMask) != kLive || !take(slot, token)) continue;
      if (!pick(std::as_const(slot.value))) {
        put_back(slot, token);
        continue;
      }
      chunk.stale_before[index % kChunk].store(token + 1, std::memory_order_relaxed);
      visit(std::move(slot.value));
      free(slot, token);
      end_settling(1);
    }
  }
  template <typename Visit>
  void void_all(Visit&& visit) {
    void_if([](const T&) { return true; }, std::forward<Visit>(visit));
  }

  /// `visit(token, const T&)` for each that is unsettled, where settling changes no T. [the issuing thread]
  template <typename Visit>
  void each_live(Visit&& visit) const {
    for (std::uint32_t index = 0; index < size_; ++index) {
      const Slot& slot = chunks_[index / kChunk].load(std::memory_order_acquire)->slots[index % kChunk];
      const auto word = slot.word.load(std::memory_order_acquire);
      if ((word & kStateMask) == kLive) visit(word >> 2U, slot.value);
    }
  }
  /// Voids one token: false where it was settled or voided before. [one thread at a time]
  bool make_stale(std::uint64_t token) noexcept {
    Slot* const slot = at(token);
    if (slot == nullptr || !take(*slot, token)) return false;
    const auto index = static_cast<std::uint32_t>(token & (kOneGeneration - 1));
    chunks_[index / kChunk]
        .load(std::memory_order_acquire)
        ->stale_before[index % kChunk]
        .store(token + 1, std::memory_order_relaxed);
    free(*slot, token);
    end_settling(1);
    return true;
  }

  [[nodiscard]] std::uint64_t unsettled() const noexcept {
    const auto settled = settled_.load(std::memory_order_relaxed);
    const auto issued = issued_.load(std::memory_order_relaxed);
    return issued > settled ? issued - settled : 0;  // two reads: the difference may be of two moments
  }
  [[nodiscard]] bool full() const noexcept { return unsettled() >= window_; }

 private:
  [[nodiscard]] Slot* at(std::uint64_t token) const noexcept {
    const std::uint64_t index = token & (kNoToken | (kOneGeneration - 1));
    if (index >= most_) return nullptr;
    Chunk* const chunk = chunks_[index / kChunk].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : &chunk->slots[index % kChunk];
  }
  static bool take(Slot& slot, std::uint64_t token) noexcept {
    auto expected = token << 2U | kLive;
    return slot.word.compare_exchange_strong(expected, token << 2U | kTaken, std::memory_order_acquire,
                                             std::memory_order_relaxed);
  }
  static void put_back(Slot& slot, std::uint64_t token) noexcept {
    slot.word.store(token << 2U | kLive, std::memory_order_release);
  }
  static void free(Slot& slot, std::uint64_t token) noexcept {
    slot.word.store((token + kOneGeneration) << 2U, std::memory_order_release);
  }

  [[nodiscard]] std::int32_t why_not(std::uint64_t token) const noexcept {
    const Slot* const slot = at(token);
    if (token == 0) return -RST_E_INVALID;
    if (slot == nullptr || token < kOneGeneration) return -RST_E_STALE;
    const auto word = slot->word.load(std::memory_order_acquire);
    const bool issued = token < word >> 2U || (token == word >> 2U && (word & kStateMask) != kFree);
    const auto index = static_cast<std::uint32_t>(token & (kOneGeneration - 1));
    const auto& stale = chunks_[index / kChunk].load(std::memory_order_acquire)->stale_before[index % kChunk];
    return !issued || token < stale.load(std::memory_order_relaxed) ? -RST_E_STALE : -RST_E_SETTLED;
  }

  [[nodiscard]] bool find_room(std::uint64_t issued) noexcept {
    limit_ = settled_.load(std::memory_order_relaxed) + window_;
    return issued != limit_;
  }

  // Round again, or on into a new chunk when half of what there is is taken.
  void next_chunk() {
    if (cursor_ == size_ && size_ != most_ && (unsettled() * 2 >= size_)) {
      chunks_[size_ / kChunk].store(new Chunk(size_), std::memory_order_release);
      size_ += kChunk;
    }
    if (cursor_ == size_) cursor_ = 0;
    current_ = chunks_[cursor_ / kChunk].load(std::memory_order_relaxed);
  }

  const std::uint32_t window_;
  const std::uint32_t most_;  // slots: the window, rounded up to whole chunks
  std::unique_ptr<std::atomic<Chunk*>[]> chunks_;
  Chunk* current_ = nullptr;  // of the issuing thread, like the next three
  std::uint32_t size_ = 0;
  std::uint32_t cursor_ = 0;
  std::uint64_t limit_ = 0;  // issuing may go on up to this many in all without looking at settled_
  std::atomic<std::uint64_t> issued_{0};
  std::atomic<std::uint64_t> settled_{0};
};

}  // namespace ruststream::sdk
