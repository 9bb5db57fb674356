#pragma once
#include "client/inbox.hpp"

#include <ruststream/abi.h>
#include <ruststream/outcome.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace ruststream {
inline namespace v0 {
namespace detail {

class ConnectionCore;
class Instance;

/// The host's side of one subscription: inbox, balances, settlement. It lives in a slot of its instance and is reused,
/// so a late call of a plugin always meets live memory. Ends when its owner and every batch have let go and its close
/// has completed.
class SubscriptionCore {
 public:
  struct Window {
    std::uint32_t messages = 0;
    std::uint64_t bytes = 0;
  };

  /// Before the verb `subscribe`: takes the slot into use with one reference, its owner's. `forgotten` is the verdict
  /// of a delivery that is destroyed without one; none: it is left to the broker.
  void open(std::shared_ptr<ConnectionCore> connection, std::uint64_t id, std::string address, Window window,
            std::optional<Verdict> forgotten = {});
  void set_handle(std::uint64_t handle) noexcept { handle_.store(handle, std::memory_order_release); }
  /// With null, the one before is not called any more once this returns.
  void set_waker(Waker* waker) noexcept;

  // The plugin's calls. [any thread; never blocks: rule H2]
  [[nodiscard]] std::int32_t accept(rst_batch& batch) noexcept;
  /// False when `id` is not its name any more.
  [[nodiscard]] bool accept(std::uint64_t id, const rst_event& event) noexcept;

  // The consumer's. [any thread]
  [[nodiscard]] Inbox& inbox() noexcept { return inbox_; }
  /// Whether partitions were revoked or lost since it was asked last: those events are in the inbox.
  [[nodiscard]] bool partitions_went() noexcept {
    return partitions_went_.load(std::memory_order_relaxed) &&
           partitions_went_.exchange(false, std::memory_order_acquire);
  }
  [[nodiscard]] std::string_view address() const noexcept { return address_; }
  [[nodiscard]] std::uint64_t handle() const noexcept { return handle_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  [[nodiscard]] ConnectionCore& connection() const noexcept { return *connection_; }
  [[nodiscard]] Window window() const noexcept { return window_; }

  /// Hands verdicts over and takes back the credit of those that are final. Per-item statuses are in the array, and
  /// `refused` is set when one of them is an error; the result is the verb's error when no item was looked at.
  [[nodiscard]] Result<void> settle(std::span<rst_settlement> items, bool* refused = nullptr);
  /// Returns a batch's memory to the plugin, its bytes to the balance, and drops its reference. `batch` is gone after.
  void release(rst_batch& batch) noexcept { release(std::array{&batch}); }
  void release(std::span<rst_batch* const> batches) noexcept;
  /// For messages that nobody will settle: hands them over with this one verdict, or leaves them to the broker when the
  /// kind has it not. Their credit comes back in every case. Of `items` only the tokens matter.
  void put_back(std::span<rst_settlement> items, std::optional<Verdict> as);
  void forget(std::span<rst_settlement> items) { put_back(items, forgotten_verdict_); }

  /// Credit for messages and bytes that are dealt with; the plugin gets it when half the window has come together.
  void give_back(std::uint32_t messages, std::uint64_t bytes) noexcept;

  /// Withdraws all credit; nothing is delivered once the operation has completed (rule F5).
  [[nodiscard]] OpRef drain();
  [[nodiscard]] OpRef close(std::uint32_t flags, std::chrono::nanoseconds timeout);
  void answer(std::uint64_t answer, std::int32_t status) noexcept;
  /// The owner's last call: nothing is accepted any more, and what is in the inbox is returned unsettled, for the close
  /// gives it back (rule S4).
  void drop_reference() noexcept;

  /// Deliveries that were destroyed without a verdict.
  std::atomic<std::uint64_t> forgotten{0};

 private:
  static constexpr std::size_t kLine = 64;  // of the cache: what two threads write for each message lies apart

  /// Keeps the slot from being given up while a plugin's thread is in it. A few instructions, none of which waits.
  class Visit {
   public:
    explicit Visit(SubscriptionCore& core) noexcept : core_(core) {
      core_.visitors_.fetch_add(1, std::memory_order_seq_cst);
    }
    ~Visit() { core_.visitors_.fetch_sub(1, std::memory_order_release); }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    SubscriptionCore& core_;
  };
  void await_visitors() const noexcept;
  void unref(std::uint32_t count) noexcept;
  void let_go(Instance& instance) noexcept;

  Inbox inbox_;
  // Written by the plugin's threads for each batch.
  alignas(kLine) std::atomic<std::int64_t> balance_messages_{0};  // what the plugin may still deliver (rule F1)
  std::atomic<std::int64_t> balance_bytes_{0};
  std::atomic<std::uint32_t> references_{0};  // its owner and its batches: they need the connection
  std::atomic<std::uint32_t> visitors_{0};
  // Written by the consumer.
  alignas(kLine) std::atomic<std::uint32_t> returned_messages_{0};  // settled, not yet given as credit again
  std::atomic<std::uint64_t> returned_bytes_{0};
  // Hardly ever written.
  alignas(kLine) std::atomic<Waker*> waker_{nullptr};
  std::atomic<std::uint64_t> accepts_{0};  // its id while it takes deliveries, else 0
  std::atomic<std::uint32_t> holds_{0};    // all references together, and each close under way: they need the slot
  std::atomic<bool> partitions_went_{false};
  std::atomic<bool> withdrawn_{false};  // draining or closing: gives no more credit
  std::atomic<std::uint64_t> handle_{0};
  Window window_;
  std::optional<Verdict> forgotten_verdict_;
  std::uint64_t id_ = 0;
  std::shared_ptr<ConnectionCore> connection_;
  std::string address_;
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
