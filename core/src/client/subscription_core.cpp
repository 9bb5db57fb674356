#include "client/subscription_core.hpp"

#include "client/connection_core.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace ruststream {
inline namespace v0 {
namespace detail {

namespace {
/// A verdict that the kind has not leaves its token open (rule S2).
bool left_open(const rst_settlement& item) noexcept {
  return item.status < 0 && rst_status_code(item.status) == RST_E_UNSUPPORTED && item.verdict != RST_VERDICT_EXTEND;
}
}  // namespace

void SubscriptionCore::open(std::shared_ptr<ConnectionCore> connection, std::uint64_t id, std::string address,
                            Window window, std::optional<Verdict> forgotten_verdict) {
  connection_ = std::move(connection);
  id_ = id;
  address_ = std::move(address);
  window_ = window;
  forgotten_verdict_ = forgotten_verdict;
  balance_messages_ = window.messages;
  balance_bytes_ = static_cast<std::int64_t>(window.bytes);
  returned_messages_ = 0;
  returned_bytes_ = 0;
  withdrawn_ = false;
  partitions_went_ = false;
  forgotten = 0;
  handle_ = 0;
  references_ = 1;
  holds_ = 1;
  accepts_.store(id, std::memory_order_seq_cst);
}

std::int32_t SubscriptionCore::accept(rst_batch& batch) noexcept {
  const Visit visit(*this);
  // The slot may have been given to another between the look-up and here.
  if (accepts_.load(std::memory_order_seq_cst) != batch.subscription) return -RST_E_STALE;
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
  if (inbox_.push(Inbox::word(batch))) {
    if (Waker* const waker = waker_.load(std::memory_order_seq_cst); waker != nullptr) waker->wake();
  }
  return RST_DONE;
}

bool SubscriptionCore::accept(std::uint64_t id, const rst_event& event) noexcept {
  const Visit visit(*this);
  if (accepts_.load(std::memory_order_seq_cst) != id) return false;
  auto node = std::make_unique<EventNode>(event, connection_->instance().now());
  Waker* const waker = waker_.load(std::memory_order_seq_cst);
  if (waker != nullptr && waker->on_event(*node)) return true;
  const bool urgent = event.kind == RST_EVENT_SUB_REVOKING || event.kind == RST_EVENT_SUB_LOST;
  const bool first = inbox_.push(Inbox::word(*node.release()));  // the consumer's from here on
  if (urgent) partitions_went_.store(true, std::memory_order_release);
  if ((first || urgent) && waker != nullptr) waker->wake();
  return true;
}

void SubscriptionCore::set_waker(Waker* waker) noexcept {
  waker_.store(waker, std::memory_order_seq_cst);
  // A plugin's thread that has found the one before may be about to call it.
  if (waker == nullptr) await_visitors();
}

void SubscriptionCore::await_visitors() const noexcept {
  while (visitors_.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
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
      ended -= static_cast<std::uint32_t>(std::ranges::count_if(items, left_open));
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
  unref(static_cast<std::uint32_t>(batches.size()));
}

void SubscriptionCore::put_back(std::span<rst_settlement> items, std::optional<Verdict> as) {
  const auto none = std::ranges::partition(items, [](const rst_settlement& item) { return item.token != 0; });
  const std::span<rst_settlement> due = items.first(items.size() - none.size());
  auto open = static_cast<std::uint32_t>(due.size());
  if (as && !due.empty()) {
    for (rst_settlement& item : due) {
      const std::uint64_t token = item.token;
      item = {};
      item.token = token;
      item.verdict = static_cast<std::uint16_t>(*as);
    }
    const Result<void> handed = settle(due);  // refused: the broker takes them back by itself (rule S4)
    open = handed ? static_cast<std::uint32_t>(std::ranges::count_if(due, left_open)) : 0;
  }
  give_back(open + static_cast<std::uint32_t>(none.size()), 0);
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
  holds_.fetch_add(1, std::memory_order_relaxed);
  Instance& instance = connection_->instance();
  OpRef closing = instance.call(timeout, [&](std::uint64_t op, std::uint64_t&, rst_error& error) {
    return instance.plugin().close(instance.handle(), handle(), flags, static_cast<std::uint64_t>(timeout.count()), op,
                                   &error);
  });
  closing.get()->context = this;
  closing.get()->on_end = [](Op& op) noexcept {
    Instance& where = *op.instance;
    static_cast<SubscriptionCore*>(op.context)->let_go(where);
    where.release(op);
  };
  return closing;
}

void SubscriptionCore::answer(std::uint64_t answer, std::int32_t status) noexcept {
  const Instance& instance = connection_->instance();
  if (instance.plugin().answer != nullptr) {
    instance.plugin().answer(instance.handle(), answer, status, nullptr, 0, nullptr);
  }
}

void SubscriptionCore::drop_reference() noexcept {
  accepts_.store(0, std::memory_order_seq_cst);
  set_waker(nullptr);
  for (std::uint64_t node = inbox_.take(); node != 0;) {
    const std::uint64_t next = Inbox::next(node);
    if (const std::unique_ptr<EventNode> event(Inbox::event(node)); event == nullptr) {
      release(*Inbox::batch(node));
    } else if (event->answer != 0) {
      answer(event->answer, rst_status(RST_E_UNSUPPORTED, 0));
    }
    node = next;
  }
  unref(1);
}

void SubscriptionCore::unref(std::uint32_t count) noexcept {
  if (references_.fetch_sub(count, std::memory_order_acq_rel) != count) return;
  const std::shared_ptr<ConnectionCore> connection = std::move(connection_);
  let_go(connection->instance());
}

void SubscriptionCore::let_go(Instance& instance) noexcept {
  if (holds_.fetch_sub(1, std::memory_order_acq_rel) == 1) instance.subscriptions.release(id_);
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
