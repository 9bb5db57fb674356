#pragma once
// Publishing: walking the messages, the accepted prefix, and the one PUB_WRITABLE that follows a refusal (rules P1,
// P4).

#include <ruststream/sdk/objects.hpp>

namespace ruststream::sdk {

/// Publishers that were cut short and wait for room. Where the room is limited: one per broker, connection or queue.
class Refusals {
 public:
  /// publish_each does it, under the lock of whatever was full; so room that comes later is not missed.
  void add(Publisher& publisher) {
    const std::lock_guard lock{mutex_};
    if (std::find(waiting_.begin(), waiting_.end(), &publisher) == waiting_.end()) waiting_.push_back(&publisher);
    any_.store(true, std::memory_order_release);
  }
  /// For Publisher::on_close.
  void remove(Publisher& publisher) noexcept {
    const std::lock_guard lock{mutex_};
    std::erase(waiting_, &publisher);
  }
  /// There is room: one PUB_WRITABLE to each that waits. No lock held. [any-thread]
  void wake() {
    if (!any_.load(std::memory_order_acquire)) return;
    std::vector<Publisher*> woken;
    {
      const std::lock_guard lock{mutex_};
      any_.store(false, std::memory_order_relaxed);
      woken.swap(waiting_);
      std::erase_if(woken, [](Publisher* publisher) { return !publisher->try_pin(); });
    }
    for (Publisher* publisher : woken) {
      publisher->host().send(Host::event(RST_EVENT_PUB_WRITABLE, publisher->about()));
      publisher->unpin();
    }
  }

 private:
  std::mutex mutex_;
  std::vector<Publisher*> waiting_;
  std::atomic<bool> any_{false};
};

/// The destination of a message: its own, or what its publisher was opened with.
[[nodiscard]] inline std::string_view destination_of(const rst_out_message& message,
                                                     std::string_view otherwise) noexcept {
  return message.destination != nullptr ? std::string_view{message.destination, message.destination_len} : otherwise;
}
[[nodiscard]] inline std::string_view payload_of(const rst_out_message& message) noexcept {
  return {reinterpret_cast<const char*>(message.payload), static_cast<std::size_t>(message.payload_len)};
}

/// Walks the messages, whatever their stride. Those that the kind cannot carry get their status; for the others
/// `accept(const rst_out_message&, index)` gives it, or -RST_E_BACKPRESSURE when there is no room: then the prefix
/// before it is accepted and the publisher owes a PUB_WRITABLE. Writes statuses and `accepted`.
/// @return RST_DONE, or -RST_E_BACKPRESSURE when nothing was accepted.
template <typename Accept>
std::int32_t publish_each(rst_publish& call, Publisher& publisher, Refusals& refusals, ErrorOut error,
                          Accept&& accept) {
  const auto* at = reinterpret_cast<const std::byte*>(call.messages);
  std::uint32_t index = 0;
  for (; index != call.count; ++index, at += call.stride) {
    const auto& message = *reinterpret_cast<const rst_out_message*>(at);
    std::int32_t status = publisher.profile().check(message);
    if (status == RST_OK) status = accept(message, index);
    if (status == -RST_E_BACKPRESSURE) break;
    if (call.statuses != nullptr) call.statuses[index] = status;
  }
  call.accepted = index;
  if (index != call.count) refusals.add(publisher);
  if (index != 0 || call.count == 0) return RST_DONE;
  return error.flagged(RST_E_BACKPRESSURE, RST_ERROR_RETRYABLE, "no room; publish again after PUB_WRITABLE");
}

}  // namespace ruststream::sdk
