#include "client/publisher_core.hpp"

#include <algorithm>

namespace ruststream {
inline namespace v0 {
namespace detail {

PublisherCore::PublisherCore() {
  resubmit_.run = [](Ready* self) noexcept {
    auto& posted = static_cast<Resubmit*>(self)->publisher;
    std::shared_ptr<PublisherCore> publisher;
    {
      const std::scoped_lock lock(posted->backlog_mutex_);  // an event may look whether it is posted
      publisher = std::move(posted);
    }
    publisher->resubmit();
  };
}

PublisherCore::~PublisherCore() {
  if (connection_ == nullptr) return;
  connection_->instance().forget(id_);
  if (handle_ != 0 && !closed_) connection_->instance().close_later(close(0, std::chrono::seconds(5)));
}

void PublisherCore::bind(std::shared_ptr<ConnectionCore> connection, std::uint32_t kind, bool confirm,
                         std::chrono::nanoseconds timeout, bool has_destination) {
  connection_ = std::move(connection);
  id_ = connection_->instance().name(*this);
  kind_ = kind;
  confirm_ = confirm;
  timeout_ = timeout;
  has_destination_ = has_destination;
  bound_.store(true, std::memory_order_release);
}

OpRef PublisherCore::open(rst_publisher_spec spec) {
  Instance& instance = connection_->instance();
  return instance.open(timeout_, [&](std::uint64_t op, std::uint64_t& handle, rst_error& error) {
    spec.id = id_;
    spec.op = op;
    spec.timeout_ns = static_cast<std::uint64_t>(timeout_.count());
    return instance.plugin().open_publisher(instance.handle(), connection_->handle(), &spec, &handle, &error);
  });
}

OpRef PublisherCore::close(std::uint32_t flags, std::chrono::nanoseconds timeout) {
  {
    const std::scoped_lock lock(backlog_mutex_);
    closed_ = true;  // nothing waits for room after this
  }
  fail_backlog();
  Instance& instance = connection_->instance();
  return instance.call(timeout, [&](std::uint64_t op, std::uint64_t&, rst_error& error) {
    return instance.plugin().close(instance.handle(), handle_, flags, static_cast<std::uint64_t>(timeout.count()), op,
                                   &error);
  });
}

OpRef PublisherCore::flush(std::chrono::nanoseconds timeout) {
  if (backlog_size_.load(std::memory_order_acquire) == 0) {
    return connection_->instance().call(
        timeout, [&](std::uint64_t op, std::uint64_t&, rst_error& error) { return flush_now(timeout, op, error); });
  }
  // Asked of the plugin when what waits before it has been sent (rule P5): it waits in the same line.
  PublishOp& marker = PublishOp::acquire(shared_from_this(), nullptr);
  marker.timeout = timeout;
  marker.outstanding.store(1, std::memory_order_relaxed);
  marker.op = connection_->instance().start(timeout);
  marker.op->waits_for_room.store(true, std::memory_order_relaxed);
  OpRef flushing(marker.op);
  (void)wait_for_room(marker);
  return flushing;
}

std::int32_t PublisherCore::flush_now(std::chrono::nanoseconds timeout, std::uint64_t op, rst_error& error) {
  const Instance& instance = connection_->instance();
  if (instance.plugin().flush == nullptr) return RST_DONE;  // every publish is final when it returns
  return instance.plugin().flush(instance.handle(), handle_, static_cast<std::uint64_t>(timeout.count()), op, &error);
}

std::int32_t PublisherCore::try_flush(PublishOp& marker) {
  rst_error error{};
  marker.op->waits_for_room.store(false, std::memory_order_relaxed);
  const std::int32_t status = flush_now(marker.timeout, marker.op->id, error);
  if (status == RST_PENDING) {  // the plugin's to complete, and its waiter's to free
    marker.op = nullptr;
    marker.recycle();
  } else if (status < 0) {
    marker.fail(to_error(status, error));
    return -RST_E_INTERNAL;  // whatever it was, nobody waits for room because of it
  }
  return status;
}

std::int32_t PublisherCore::try_hand_over(const Payload& bytes) noexcept {
  if (backlog_size_.load(std::memory_order_acquire) != 0) return -RST_E_BACKPRESSURE;
  const Instance& instance = connection_->instance();
  rst_out_message message{};
  message.payload = static_cast<const std::uint8_t*>(bytes.data());
  message.payload_len = bytes.size();
  message.flags = bytes.is_null() ? RST_OUT_NULL_PAYLOAD : 0;
  std::int32_t status = RST_OK;
  rst_publish call{};
  call.struct_size = sizeof(call);
  call.publisher = handle_.load(std::memory_order_relaxed);
  call.messages = &message;
  call.statuses = &status;
  call.count = 1;
  call.stride = sizeof(message);
  return instance.plugin().publish(instance.handle(), &call, nullptr) < 0 ? -RST_E_BACKPRESSURE : status;
}

PublishOp& PublisherCore::make_line() {
  PublishOp& line = PublishOp::acquire(shared_from_this(), nullptr);
  line.messages.emplace_back();
  line.statuses.assign(1, RST_OK);
  line.outstanding.store(1, std::memory_order_relaxed);
  if (line.confirm) line.op = connection_->instance().start(line.timeout);
  return line;
}

std::int32_t PublisherCore::send_line(PublishOp& line) {
  if (backlog_size_.load(std::memory_order_acquire) != 0) return -RST_E_BACKPRESSURE;
  const Instance& instance = connection_->instance();
  (void)line.text.reserve(1);  // so that an empty payload has an address
  rst_out_message& message = line.messages.front();
  message.payload = reinterpret_cast<const std::uint8_t*>(line.text.data());
  message.payload_len = line.text.size();
  line.statuses.front() = RST_OK;
  rst_publish call{};
  call.struct_size = sizeof(call);
  call.flags = line.confirm ? RST_PUBLISH_CONFIRM : 0;
  call.publisher = handle_.load(std::memory_order_relaxed);
  call.op = line.confirm ? line.op->id : 0;
  call.messages = &message;
  call.statuses = line.statuses.data();
  call.count = 1;
  call.stride = sizeof(message);
  call.timeout_ns = static_cast<std::uint64_t>(line.timeout.count());
  const std::int32_t status = instance.plugin().publish(instance.handle(), &call, nullptr);
  if (status == RST_PENDING && line.confirm) return RST_PENDING;
  if (status < 0 || line.statuses.front() >= 0) return std::min(status, RST_DONE);
  line.read_statuses();  // the broker may have it all the same: it is not sent again
  line.forget_op();
  return RST_PENDING;
}

PublishOp* PublisherCore::submit(PublishOp& op) {
  if (op.failed) return &op;
  op.statuses.assign(op.messages.size(), RST_OK);
  op.outstanding.store(1, std::memory_order_relaxed);
  if (backlog_size_.load(std::memory_order_acquire) != 0) return wait_for_room(op);
  const std::int32_t status = try_publish(op);
  if (status == RST_PENDING) return &op;
  if (status == -RST_E_BACKPRESSURE) return wait_for_room(op);
  op.read_statuses();
  op.forget_op();
  if (op.failed) return &op;
  op.recycle();
  return nullptr;
}

std::int32_t PublisherCore::try_publish(PublishOp& op) {
  if (op.messages.size() != 1) return op.is_flush() ? try_flush(op) : try_part(op);
  const Instance& instance = connection_->instance();
  if (op.confirm && op.op == nullptr) op.op = connection_->instance().start(op.timeout);
  rst_publish call{};
  call.struct_size = sizeof(call);
  call.flags = op.confirm ? RST_PUBLISH_CONFIRM : 0;
  call.publisher = handle_.load(std::memory_order_acquire);
  call.op = op.confirm ? op.op->id : 0;
  call.messages = op.messages.data();
  call.statuses = op.statuses.data();
  call.count = 1;
  call.stride = sizeof(rst_out_message);
  call.timeout_ns = static_cast<std::uint64_t>(op.timeout.count());
  rst_error error{};
  const std::int32_t status = instance.plugin().publish(instance.handle(), &call, &error);
  if (status < 0 && status != -RST_E_BACKPRESSURE) op.fail(to_error(status, error));
  if (status == RST_PENDING && !op.confirm) return RST_DONE;  // no operation was given: nothing follows
  return status;
}

std::int32_t PublisherCore::try_part(PublishOp& op) {
  Instance& instance = connection_->instance();
  const auto left = static_cast<std::uint32_t>(op.messages.size()) - op.first;
  Op* part = nullptr;
  if (op.confirm) {
    if (op.op == nullptr) op.op = instance.start(op.timeout);
    part = instance.start(op.timeout);
    part->context = &op;
    part->on_end = [](Op& ended) noexcept {
      auto* const whole = static_cast<PublishOp*>(ended.context);
      ended.instance->release(ended);
      whole->publisher->part_done(*whole);
    };
    part->state.store(Op::kAbandoned, std::memory_order_release);
    op.outstanding.fetch_add(1, std::memory_order_relaxed);
  }
  rst_publish call{};
  call.struct_size = sizeof(call);
  call.flags = op.confirm ? RST_PUBLISH_CONFIRM : 0;
  call.publisher = handle_.load(std::memory_order_acquire);
  call.op = part != nullptr ? part->id : 0;
  call.messages = op.messages.data() + op.first;
  call.statuses = op.statuses.data() + op.first;
  call.count = left;
  call.stride = sizeof(rst_out_message);
  call.timeout_ns = static_cast<std::uint64_t>(op.timeout.count());
  rst_error error{};
  const std::int32_t status = instance.plugin().publish(instance.handle(), &call, &error);
  const bool pending = part != nullptr && status == RST_PENDING;
  if (part != nullptr && !pending) {
    instance.release(*part);
    op.outstanding.fetch_sub(1, std::memory_order_relaxed);
  }
  if (status < 0) {
    if (status != -RST_E_BACKPRESSURE) op.fail(to_error(status, error));
    return status;
  }
  op.first += call.accepted;
  if (call.accepted < left) return -RST_E_BACKPRESSURE;
  // All is sent: whoever takes the count to zero, this call or the last part's completion, ends the whole.
  return op.outstanding.fetch_sub(1, std::memory_order_acq_rel) == 1 ? RST_DONE : RST_PENDING;
}

/// One part less, or no more to come: the last one ends the whole. `op` may be gone after it.
void PublisherCore::part_done(PublishOp& op) noexcept {
  if (op.outstanding.fetch_sub(1, std::memory_order_acq_rel) == 1) end(op);
}

void PublisherCore::end(PublishOp& op) noexcept {
  if (!op.is_flush()) return op.op->complete(RST_DONE, 0, nullptr);  // the statuses speak
  Op& flushed = *std::exchange(op.op, nullptr);
  flushed.waits_for_room.store(false, std::memory_order_relaxed);
  rst_error why{};
  if (op.failed) {
    why.code = static_cast<std::int32_t>(op.error.code);
    why.flags = op.error.flags;
    why.text_len = static_cast<std::uint16_t>(op.error.text.copy(why.text, sizeof(why.text)));
  }
  flushed.complete(op.failed ? -why.code : RST_DONE, 0, &why);
  op.recycle();
}

PublishOp* PublisherCore::wait_for_room(PublishOp& op) {
  if (op.op == nullptr) op.op = connection_->instance().start(op.timeout);
  const std::scoped_lock lock(backlog_mutex_);
  const bool full = backlog_size_.load(std::memory_order_relaxed) >= kMaxBacklog;
  if (closed_ || full) {
    op.fail(closed_ ? closed()
                    : Error(Code::backpressure,
                            "the broker takes no more and too many publishes wait already: slow down", kRetryable));
    part_done(op);
    return &op;
  }
  op.own();
  op.next = nullptr;
  op.waited = true;
  const bool alone = backlog_first_ == nullptr;
  (backlog_last_ != nullptr ? backlog_last_->next : backlog_first_) = &op;
  backlog_last_ = &op;
  backlog_size_.fetch_add(1, std::memory_order_release);
  if (home_ == nullptr) home_ = &connection_->environment().service_loop();
  // Its refusal's PUB_WRITABLE may have come, and been used up by another's turn, before it stood here: the first of a
  // queue is always tried once more, and only then waits for an event.
  if ((alone || writable_) && resubmit_.publisher == nullptr) {
    resubmit_.publisher = shared_from_this();
    home_->post(resubmit_);
  }
  return &op;
}

void PublisherCore::give_up_waiting(PublishOp& op) noexcept {
  {
    const std::scoped_lock lock(backlog_mutex_);
    PublishOp* before = nullptr;
    PublishOp* at = backlog_first_;
    while (at != nullptr && at != &op) before = std::exchange(at, at->next);
    // One of which a part was sent must go on: the rest would be lost silently otherwise.
    if (at == nullptr || op.first != 0) return;
    (before != nullptr ? before->next : backlog_first_) = op.next;
    if (backlog_last_ == &op) backlog_last_ = before;
    backlog_size_.fetch_sub(1, std::memory_order_release);
  }
  op.fail(Error(Code::backpressure, "the broker had no room for the message within the publish timeout", kRetryable));
  op.op->complete(RST_DONE, 0, nullptr);
}

void PublisherCore::on_event(const rst_event& event) noexcept {
  if (event.kind == RST_EVENT_PUB_WRITABLE) {
    const std::scoped_lock lock(backlog_mutex_);
    writable_ = true;
    if (backlog_first_ != nullptr && resubmit_.publisher == nullptr) {
      resubmit_.publisher = shared_from_this();
      home_->post(resubmit_);
    }
    return;
  }
  connection_->on_event(event);
}

void PublisherCore::fail_backlog() {
  PublishOp* op = nullptr;
  {
    const std::scoped_lock lock(backlog_mutex_);
    op = std::exchange(backlog_first_, nullptr);
    backlog_last_ = nullptr;
  }
  while (op != nullptr) {
    PublishOp* const next = op->next;
    backlog_size_.fetch_sub(1, std::memory_order_release);
    op->fail(closed());
    part_done(*op);
    op = next;
  }
}

Error PublisherCore::closed() {
  return Error(Code::closed, "the publisher was closed while the broker took no messages", kRetryable);
}

void PublisherCore::resubmit() {
  for (;;) {
    PublishOp* op = nullptr;
    {
      const std::scoped_lock lock(backlog_mutex_);
      writable_ = false;
      op = backlog_first_;
      if (op == nullptr) return;
      backlog_first_ = op->next;  // out of the list: once it is pending it may end, and be reused, at any moment
      if (backlog_first_ == nullptr) backlog_last_ = nullptr;
    }
    const std::int32_t status = try_publish(*op);
    if (status == -RST_E_BACKPRESSURE && !closed_) {
      const std::scoped_lock lock(backlog_mutex_);
      op->next = backlog_first_;
      backlog_first_ = op;
      if (backlog_last_ == nullptr) backlog_last_ = op;
      if (!writable_) return;  // else the event of this refusal is here already
      continue;
    }
    backlog_size_.fetch_sub(1, std::memory_order_release);
    if (status == -RST_E_BACKPRESSURE) op->fail(closed());
    if (status < 0) {
      part_done(*op);
    } else if (status == RST_DONE) {
      end(*op);
    }
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
