#pragma once
// Batches from a pool: no allocation once it is warm, released on any thread (rules M1, M2, M5, M6).

#include <ruststream/abi/batch.h>
#include <ruststream/abi/error.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace ruststream::sdk {

/// Memory for one batch's payloads and texts: filled from the front, kept for the next batch.
class Slab {
 public:
  static constexpr std::size_t kChunkBytes = 16 * 1024;
  static constexpr std::size_t kKeptChunks = 16;
  static constexpr std::size_t kPadding = 64;  // behind each piece, readable (PADDED)

  /// Uninitialised, 8-aligned, with kPadding readable bytes behind it.
  std::byte* allocate(std::size_t bytes) {
    const std::size_t needed = (bytes + kPadding + 7) / 8 * 8;
    while (current_ < chunks_.size() && chunks_[current_].size - used_ < needed) {
      ++current_;
      used_ = 0;
    }
    if (current_ == chunks_.size()) {
      const auto size = std::max(needed, kChunkBytes);
      chunks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size});
      used_ = 0;
    }
    std::byte* const place = chunks_[current_].memory.get() + used_;
    used_ += needed;
    return place;
  }
  const std::uint8_t* copy(const void* data, std::size_t bytes) {
    std::byte* const place = allocate(bytes);
    if (bytes != 0) std::memcpy(place, data, bytes);
    return reinterpret_cast<const std::uint8_t*>(place);
  }
  const char* copy(std::string_view text) { return reinterpret_cast<const char*>(copy(text.data(), text.size())); }

  /// Forgets everything; kKeptChunks of the usual size stay for the next batch.
  void clear() noexcept {
    std::erase_if(chunks_, [](const Chunk& chunk) { return chunk.size > kChunkBytes; });
    if (chunks_.size() > kKeptChunks) chunks_.resize(kKeptChunks);
    current_ = 0;
    used_ = 0;
  }

 private:
  struct Chunk {
    std::unique_ptr<std::byte[]> memory;
    std::size_t size;
  };
  std::vector<Chunk> chunks_;
  std::size_t current_ = 0;
  std::size_t used_ = 0;
};

struct NoItem {};

template <typename Item>
class BatchPool;

/// One batch: up to capacity() messages, each with an Item of the plugin's that lives until release: what payload, key
/// and headers point into. An Item may have `int32_t field(const rst_message&, uint32_t id, rst_value& out) const
/// noexcept` and `int32_t position(const rst_message&, rst_position& out) const noexcept`; both are then offered to the
/// host.
template <typename Item = NoItem>
class Batch {
 public:
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::uint32_t size() const noexcept { return raw_.count; }
  [[nodiscard]] bool full() const noexcept { return raw_.count == capacity_; }

  /// The next message, all zero. Set payload, payload_len, token; count it by add_bytes.
  rst_message& add() noexcept {
    rst_message& message = messages_[raw_.count++];
    std::memset(&message, 0, sizeof message);
    return message;
  }
  /// The common case in one step: no headers, no key, not yet a token.
  rst_message& add(const std::uint8_t* payload, std::uint64_t payload_len) noexcept {
    rst_message& message = add();
    message.payload = payload;
    message.payload_len = payload_len;
    raw_.bytes += payload_len;
    return message;
  }
  /// Payload, key and header bytes debit the byte balance.
  void add_bytes(std::uint64_t bytes) noexcept { raw_.bytes += bytes; }

  [[nodiscard]] std::span<rst_message> messages() noexcept { return {messages_, raw_.count}; }
  [[nodiscard]] rst_message& back() noexcept { return messages_[raw_.count - 1]; }
  [[nodiscard]] Item& item(std::uint32_t index) noexcept { return items_[index]; }
  /// Of the message added last.
  [[nodiscard]] Item& item() noexcept { return items_[raw_.count - 1]; }
  [[nodiscard]] Slab& slab() noexcept { return slab_; }

  /// The cold line of the message added last.
  rst_message_meta& meta() {
    if (metas_ == nullptr) metas_ = std::make_unique<rst_message_meta[]>(capacity_);
    rst_message_meta& meta = metas_[raw_.count - 1];
    std::memset(&meta, 0, sizeof meta);
    meta.struct_size = sizeof meta;
    back().meta = &meta;
    return meta;
  }
  /// The time of the message added last: ns since the epoch. Of all messages of a batch or of none.
  void timestamp(std::int64_t time_ns) {
    if (timestamps_ == nullptr) timestamps_ = std::make_unique<std::int64_t[]>(capacity_);
    timestamps_[raw_.count - 1] = time_ns;
    raw_.timestamps = timestamps_.get();
  }

  [[nodiscard]] rst_batch& raw() noexcept { return raw_; }

 private:
  friend class BatchPool<Item>;
  static constexpr std::size_t kLine = 64;

  explicit Batch(BatchPool<Item>& pool, std::uint32_t capacity)
      : pool_(&pool),
        capacity_(capacity),
        messages_(static_cast<rst_message*>(::operator new(capacity * sizeof(rst_message), std::align_val_t{kLine}))) {
    try {
      items_ = std::make_unique<Item[]>(capacity);
    } catch (...) {
      ::operator delete(messages_, std::align_val_t{kLine});
      throw;
    }
  }
  ~Batch() { ::operator delete(messages_, std::align_val_t{kLine}); }

  alignas(kLine) rst_batch raw_;
  BatchPool<Item>* pool_;
  Batch* next_ = nullptr;
  std::uint32_t capacity_;
  rst_message* messages_;
  std::unique_ptr<Item[]> items_;
  std::unique_ptr<rst_message_meta[]> metas_;
  std::unique_ptr<std::int64_t[]> timestamps_;
  Slab slab_;
};

/// A pool of batches, usually one per subscription. One thread at a time acquires, any thread releases. It may end
/// before its batches are back: the last one frees it. `PoolOwner` is how to hold it.
template <typename Item = NoItem>
class BatchPool {
 public:
  static constexpr std::uint32_t kMaxBatch = 1U << 14U;

  struct Closer {
    void operator()(BatchPool* pool) const noexcept { pool->unref(); }
  };
  using Owner = std::unique_ptr<BatchPool, Closer>;

  /// Batches of at most `max_batch` messages (0: 64).
  static Owner make(std::uint32_t max_batch) {
    return Owner{new BatchPool(max_batch == 0 ? 64 : std::min(max_batch, kMaxBatch))};
  }
  BatchPool(const BatchPool&) = delete;
  BatchPool& operator=(const BatchPool&) = delete;

  [[nodiscard]] std::uint32_t max_batch() const noexcept { return max_batch_; }

  /// An empty batch. Give it to Subscription::deliver, or to release. [one thread at a time]
  [[nodiscard]] Batch<Item>& acquire() {
    if (ready_ == nullptr) ready_ = returned_.exchange(nullptr, std::memory_order_acquire);
    Batch<Item>* batch = ready_;
    if (batch != nullptr) {
      ready_ = batch->next_;
    } else {
      batch = new Batch<Item>(*this, max_batch_);
    }
    refs_.fetch_add(1, std::memory_order_relaxed);
    rst_batch& raw = batch->raw_;
    std::memset(&raw, 0, sizeof raw);
    raw.struct_size = sizeof raw;
    raw.stride = sizeof(rst_message);
    raw.messages = batch->messages_;
    raw.ops = &kOps;
    raw.plugin = batch;
    return *batch;
  }

  /// Takes a batch back that no host has. [any-thread]
  static void release(Batch<Item>& batch) noexcept { release_raw(&batch.raw_); }

 private:
  explicit BatchPool(std::uint32_t max_batch) : max_batch_(max_batch) {}
  ~BatchPool() {
    free_list(ready_);
    free_list(returned_.load(std::memory_order_acquire));
  }

  static void free_list(Batch<Item>* batch) noexcept {
    while (batch != nullptr) delete std::exchange(batch, batch->next_);
  }
  void unref() noexcept {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  static void release_raw(rst_batch* raw) noexcept {
    auto* batch = static_cast<Batch<Item>*>(raw->plugin);
    if constexpr (requires(std::span<Item> items) { Item::release(items); }) {
      Item::release(std::span<Item>{batch->items_.get(), raw->count});
    } else if constexpr (!std::is_trivially_destructible_v<Item>) {
      for (std::uint32_t index = 0; index < raw->count; ++index) batch->items_[index] = Item{};
    }
    batch->slab_.clear();
    BatchPool* const pool = batch->pool_;
    Batch<Item>* head = pool->returned_.load(std::memory_order_relaxed);
    do {
      batch->next_ = head;
    } while (!pool->returned_.compare_exchange_weak(head, batch, std::memory_order_release, std::memory_order_relaxed));
    pool->unref();
  }
  static std::int32_t field_raw(rst_batch* raw, std::uint32_t index, std::uint32_t field, rst_value* out) noexcept {
    if constexpr (requires(const Item& item) { item.field(*raw->messages, field, *out); }) {
      if (index >= raw->count) return -RST_E_INVALID;
      auto* batch = static_cast<Batch<Item>*>(raw->plugin);
      return std::as_const(batch->items_[index]).field(raw->messages[index], field, *out);
    } else {
      return -RST_E_UNSUPPORTED;
    }
  }
  static std::int32_t position_raw(rst_batch* raw, std::uint32_t index, rst_position* out) noexcept {
    if constexpr (requires(const Item& item) { item.position(*raw->messages, *out); }) {
      if (index >= raw->count) return -RST_E_INVALID;
      auto* batch = static_cast<Batch<Item>*>(raw->plugin);
      return std::as_const(batch->items_[index]).position(raw->messages[index], *out);
    } else {
      return -RST_E_UNSUPPORTED;
    }
  }

  static constexpr bool kHasField =
      requires(const Item& item, rst_message& message, rst_value& out) { item.field(message, 0U, out); };
  static constexpr bool kHasPosition =
      requires(const Item& item, rst_message& message, rst_position& out) { item.position(message, out); };
  static constexpr rst_batch_ops kOps{sizeof(rst_batch_ops),
                                      0,
                                      &release_raw,
                                      kHasField ? &field_raw : nullptr,
                                      kHasPosition ? &position_raw : nullptr,
                                      nullptr};

  const std::uint32_t max_batch_;
  std::atomic<std::uint32_t> refs_{1};  // its owner, and each batch that is out
  Batch<Item>* ready_ = nullptr;        // of the acquiring thread
  alignas(64) std::atomic<Batch<Item>*> returned_{nullptr};
};

}  // namespace ruststream::sdk
