#pragma once
#include "client/connection_core.hpp"
#include "client/subscription_core.hpp"

#include <ruststream/client.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <vector>

namespace ruststream {
inline namespace v0 {
namespace detail {

/// What a Subscription handle takes from: the consumer of one SubscriptionCore. One thread or coroutine at a time
/// takes; wake() comes from any.
class StreamCore final : public Waker, private Ready {
 public:
  /// `forgotten`: the verdict of deliveries that are destroyed without one.
  StreamCore(std::shared_ptr<ConnectionCore> connection, std::string address, SubscriptionCore::Window window,
             std::optional<Verdict> forgotten);
  ~StreamCore();

  void wake() noexcept override;
  /// As it comes, whether anybody takes or not: a revoke must be answered in time (rules G1, H4).
  bool on_event(EventNode& node) noexcept override;

  [[nodiscard]] OpRef subscribe(rst_subscription_spec spec);
  /// Nothing more will come: who waits is told. [any thread]
  void end() noexcept {
    ended_ = true;
    wake();
  }
  [[nodiscard]] OpRef close(std::uint32_t flags, std::chrono::nanoseconds timeout);
  void opened(std::uint64_t handle) noexcept { subscription_.set_handle(handle); }

  /// True when something can be taken, or nothing ever will be.
  [[nodiscard]] bool available();
  bool suspend(std::coroutine_handle<> waiter) noexcept;
  bool wait(std::chrono::milliseconds timeout);
  [[nodiscard]] Result<Delivery> take();
  [[nodiscard]] Result<DeliveryBatch> take(std::uint32_t most);
  [[nodiscard]] std::optional<Event> poll_event() { return events_.take(); }
  [[nodiscard]] std::uint64_t forgotten() const noexcept { return subscription_.forgotten; }

 private:
  enum Waiting : std::uint32_t { kNobody, kCoroutine, kThread };

  /// True when batch_ has a message to hand out at index_.
  bool ready();
  bool pull();
  /// Whether its partition has been lost since it was delivered: nobody may have it any more (rules G2, H6).
  [[nodiscard]] bool lost(const rst_batch& batch, const rst_message& message) const;
  void lose(const rst_partition& partition);
  [[nodiscard]] std::unexpected<Error> nothing() const;

  std::shared_ptr<ConnectionCore> connection_;
  std::uint64_t id_ = 0;  // written by what initialises the next member
  SubscriptionCore& subscription_;
  std::uint64_t chain_ = 0;     // taken from the inbox, not yet looked at
  rst_batch* batch_ = nullptr;  // being handed out
  std::uint32_t index_ = 0;
  std::atomic<bool> ended_{false};
  std::atomic<bool> closed_{false};
  EventLog events_;
  mutable std::mutex lost_mutex_;    // taken only once a partition has been lost
  std::vector<rst_partition> lost_;  // each once, with its newest generation
  std::atomic<bool> any_lost_{false};
  std::atomic<std::uint32_t> waiting_{kNobody};
  std::coroutine_handle<> waiter_;
  Loop* loop_ = nullptr;
  std::counting_semaphore<> wake_{0};
};

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
