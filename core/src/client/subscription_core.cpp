#include "client/subscription_core.hpp"

#include "client/connection_core.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

namespace ruststream {
inline namespace v0 {
namespace detail {

void SubscriptionCore::open(std::shared_ptr<ConnectionCore> connection, std::uint64_t id, std::string address,
                            Window window) {
  connection_ = std::move(connection);
  id_ = id;
  address_ = std::move(address);
  window_ = window;
  balance_messages_ = window.messages;
  balance_bytes_ = static_cast<std::int64_t>(window.bytes);
  returned_messages_ = 0;
  returned_bytes_ = 0;
  withdrawn_ = false;
  partitions_went_ = false;
  forgotten = 0;
  handle_ = 0;
  references_ = 1;
}

std::int32_t SubscriptionCore::accept(rst_batch& batch) noexcept {
  const auto messages = static_cast<std::int64_t>(batch.count);
  const auto bytes = static_cast<std::int64_t>(batch.bytes);
  const std::int64_t messages_before = balance_messages_.fetch_sub(messages, std::memory_order_relaxed);
  const std::int64_t bytes_before = balance_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  if (messages_before < messages || bytes_before <= 0) {
    balance_messages_.fetch_add(messages, std::memory_order_relaxed);
    balance_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    return -RST_E_EXHAUSTED;
  }
  references_.fetch_add(1, std::memory_order_relaxed);
  if (inbox_.push(Inbox::word(batch))) wake();
  return RST_DONE;
}

void SubscriptionCore::accept(EventNode& event) noexcept {
  const bool urgent = event.event.kind == RST_EVENT_SUB_REVOKING || event.event.kind == RST_EVENT_SUB_LOST;
  const bool first = inbox_.push(Inbox::word(event));  // the consumer's from here on
  if (urgent) partitions_went_.store(true, std::memory_order_release);
  if (first || urgent) wake();
}

void SubscriptionCore::wake() noexcept {
  waking_.fetch_add(1, std::memory_order_seq_cst);
  if (Waker* const waker = waker_.load(std::memory_order_seq_cst); waker != nullptr) waker->wake();
  waking_.fetch_sub(1, std::memory_order_release);
}

void SubscriptionCore::set_waker(Waker* waker) noexcept {
  waker_.store(waker, std::memory_order_seq_cst);
  // A plugin's thread that has found the one before may be about to call it: a few instructions, none of which waits.
  while (waker == nullptr && waking_.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
}

Result<void> SubscriptionCore::settle(std::span<rst_settlement> items, bool* refused) {
  const Instance& instance = connection_->instance();
  rst_settle call{};
  call.struct_size = sizeof(call);
  call.subscription = handle();
  call.items = items.data();
  call.count = static_cast<std::uint32_t>(items.size());
  call.stride = sizeof(rst_settlement);
  rst_error error{};
  const std::int32_t status = instance.plugin().settle(instance.handle(), &call, &error);
  std::uint32_t ended = 0;
  if (status < 0) {
    ended = call.count;  // closed or lost: their window is of no use any more
  } else {
    std::int32_t signs = 0;
    for (const rst_settlement& item : items) {
      signs |= item.status;
      ended += item.verdict != RST_VERDICT_EXTEND ? 1 : 0;
    }
    if (signs < 0) {
      if (refused != nullptr) *refused = true;
      for (const rst_settlement& item : items) {
        const bool open = item.status < 0 && rst_status_code(item.status) == RST_E_UNSUPPORTED;
        if (open && item.verdict != RST_VERDICT_EXTEND) --ended;
      }
    }
  }
  give_back(ended, 0);
  if (status < 0) return std::unexpected(to_error(status, error));
  return {};
}

void SubscriptionCore::release(std::span<rst_batch* const> batches) noexcept {
  if (batches.empty()) return;
  std::uint64_t bytes = 0;
  for (rst_batch* const batch : batches) {
    bytes += batch->bytes;
    batch->ops->release(batch);
  }
  give_back(0, bytes);
  drop_references(static_cast<std::uint32_t>(batches.size()));
}

void SubscriptionCore::give_up(rst_batch& batch) {
  constexpr std::size_t kAtOnce = 64;
  std::array<rst_settlement, kAtOnce> items{};
  const auto* at = reinterpret_cast<const char*>(batch.messages);
  std::size_t filled = 0;
  for (std::uint32_t i = 0; i < batch.count; ++i, at += batch.stride) {
    const auto& message = *reinterpret_cast<const rst_message*>(at);
    if (message.token != 0) {
      items[filled] = {.token = message.token,
                       .delay_ns = 0,
                       .detail = nullptr,
                       .verdict = RST_VERDICT_RELEASE,
                       .flags = 0,
                       .status = 0};
      ++filled;
    }
    if (filled == kAtOnce || (filled > 0 && i + 1 == batch.count)) {
      (void)settle(std::span(items).first(filled));  // refused: the broker takes them back by itself (rule S4)
      filled = 0;
    }
  }
  release(batch);
}

void SubscriptionCore::give_back(std::uint32_t messages, std::uint64_t bytes) noexcept {
  const std::uint32_t all_messages = returned_messages_.fetch_add(messages, std::memory_order_relaxed) + messages;
  const std::uint64_t all_bytes = returned_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  const bool due = all_messages >= std::max<std::uint32_t>(1, window_.messages / 2) ||
                   all_bytes >= std::max<std::uint64_t>(1, window_.bytes / 2);
  if (!due || withdrawn_.load(std::memory_order_acquire)) return;
  rst_credit credit{};
  credit.struct_size = sizeof(credit);
  credit.flags = RST_CREDIT_ADD;
  credit.subscription = handle();
  credit.messages = returned_messages_.exchange(0, std::memory_order_relaxed);
  credit.bytes = returned_bytes_.exchange(0, std::memory_order_relaxed);
  if (credit.messages == 0 && credit.bytes == 0) return;
  balance_messages_.fetch_add(credit.messages, std::memory_order_relaxed);
  balance_bytes_.fetch_add(static_cast<std::int64_t>(credit.bytes), std::memory_order_relaxed);
  const Instance& instance = connection_->instance();
  instance.plugin().credit(instance.handle(), &credit, nullptr);  // refused only when closed
}

OpRef SubscriptionCore::drain() {
  withdrawn_.store(true, std::memory_order_release);
  Instance& instance = connection_->instance();
  return instance.call(std::chrono::seconds(10), [&](std::uint64_t op, std::uint64_t&, rst_error& error) {
    rst_credit credit{};
    credit.struct_size = sizeof(credit);
    credit.flags = RST_CREDIT_DRAIN;
    credit.subscription = handle();
    credit.op = op;
    return instance.plugin().credit(instance.handle(), &credit, &error);
  });
}

OpRef SubscriptionCore::close(std::uint32_t flags, std::chrono::nanoseconds timeout) {
  withdrawn_.store(true, std::memory_order_release);
  Instance& instance = connection_->instance();
  return instance.call(timeout, [&](std::uint64_t op, std::uint64_t&, rst_error& error) {
    return instance.plugin().close(instance.handle(), handle(), flags, static_cast<std::uint64_t>(timeout.count()), op,
                                   &error);
  });
}

void SubscriptionCore::answer(std::uint64_t answer, std::int32_t status) noexcept {
  const Instance& instance = connection_->instance();
  if (instance.plugin().answer != nullptr) {
    instance.plugin().answer(instance.handle(), answer, status, nullptr, 0, nullptr);
  }
}

void SubscriptionCore::drop_references(std::uint32_t count) noexcept {
  if (references_.fetch_sub(count, std::memory_order_acq_rel) != count) return;
  const std::shared_ptr<ConnectionCore> connection = std::move(connection_);
  connection->instance().subscriptions.release(id_);
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
