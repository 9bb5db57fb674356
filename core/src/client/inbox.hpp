#pragma once
#include <ruststream/abi.h>
#include <ruststream/client.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ruststream {
inline namespace v0 {
namespace detail {

/// A copy of an rst_event, owned by whoever takes it from an inbox.
struct EventNode {
  std::uint64_t next = 0;  // an inbox word
  std::uint64_t answer = 0;
  std::chrono::steady_clock::time_point answer_by = std::chrono::steady_clock::time_point::max();
  std::vector<rst_partition> partitions;  // names are not kept: the index tells them apart within a subscription
  Event event;

  EventNode(const rst_event& source, std::chrono::steady_clock::time_point now);
};

/// What a plugin handed over about one subscription, batches and events, in call order (rule C4).
///
/// A lock-free list of words: a word is the address of a batch, or of an EventNode with bit 0 set. Batches link through
/// their own `host[0]`, so nothing is allocated. Any number of threads push; one takes.
class Inbox {
 public:
  // NOLINTBEGIN(performance-no-int-to-ptr): a word carries a tag bit, and the contract's host[0] is an integer
  static std::uint64_t word(rst_batch& batch) noexcept { return reinterpret_cast<std::uint64_t>(&batch); }
  static std::uint64_t word(EventNode& event) noexcept { return reinterpret_cast<std::uint64_t>(&event) | 1U; }
  static EventNode* event(std::uint64_t word) noexcept {
    return (word & 1U) != 0 ? reinterpret_cast<EventNode*>(word - 1) : nullptr;
  }
  static rst_batch* batch(std::uint64_t word) noexcept { return reinterpret_cast<rst_batch*>(word); }
  static std::uint64_t& next(std::uint64_t word) noexcept {
    return (word & 1U) != 0 ? event(word)->next : batch(word)->host[0];
  }
  // NOLINTEND(performance-no-int-to-ptr)

  /// True when the inbox was empty: its consumer has to be woken.
  bool push(std::uint64_t node) noexcept {
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    do {
      next(node) = head;
    } while (!head_.compare_exchange_weak(head, node, std::memory_order_seq_cst, std::memory_order_relaxed));
    return head == 0;
  }

  [[nodiscard]] bool empty() const noexcept { return head_.load(std::memory_order_seq_cst) == 0; }

  /// Everything pushed so far, oldest first; 0 when there is nothing.
  std::uint64_t take() noexcept {
    if (head_.load(std::memory_order_seq_cst) == 0) return 0;
    std::uint64_t node = head_.exchange(0, std::memory_order_acquire);
    std::uint64_t first = 0;
    while (node != 0) {
      const std::uint64_t older = next(node);
      next(node) = first;
      first = node;
      node = older;
    }
    return first;
  }

 private:
  alignas(64) std::atomic<std::uint64_t> head_{0};
};

/// Message `index` of a batch, whose records may be larger than the host knows.
[[nodiscard]] inline const rst_message& message_at(const rst_batch& batch, std::uint32_t index) noexcept {
  return *reinterpret_cast<const rst_message*>(reinterpret_cast<const char*>(batch.messages) +
                                               static_cast<std::size_t>(index) * batch.stride);
}

/// Who is told that an inbox is no longer empty. [any thread; never blocks, never runs user code: rule H2]
class Waker {
 public:
  virtual void wake() noexcept = 0;
  /// Takes an event as it comes, past the inbox and what is queued there, and answers it; false: it is queued too.
  virtual bool on_event(EventNode&) noexcept { return false; }

 protected:
  ~Waker() = default;
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
