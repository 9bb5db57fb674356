#include "client/prepare.hpp"
#include "client/publisher_core.hpp"

#include <ruststream/publish.hpp>

#include <limits>

namespace ruststream {
inline namespace v0 {

bool Publishing::done() const noexcept { return op_->done(); }
bool Publishing::await_suspend(std::coroutine_handle<> waiter) noexcept {
  if (!op_->waited) return op_->op->resume(waiter);
  op_->op->context = op_;
  const auto give_up = [](void* self) noexcept {
    auto& op = *static_cast<detail::PublishOp*>(static_cast<detail::Op*>(self)->context);
    op.publisher->give_up_waiting(op);
  };
  return op_->op->resume_by(waiter, give_up, {});
}
Result<void> Publishing::take() { return std::exchange(op_, nullptr)->take(); }

Result<void> Publishing::wait_and_take() {
  Error error;
  if (op_->waited && !op_->op->wait(error, {}) && error.code == Code::timeout) op_->publisher->give_up_waiting(*op_);
  // Handed over, now or meanwhile: the plugin has its own time for it.
  if (op_->op != nullptr && !op_->op->wait(error)) return std::unexpected(std::move(error));
  return take();
}

void Publishing::drop() noexcept { op_->call != nullptr ? op_->call->attach(*op_) : op_->detach(); }

PublishBuilder::PublishBuilder(detail::PublisherCore& publisher, detail::Call* call)
    : op_(&detail::PublishOp::acquire(publisher.shared_from_this(), call)) {}

void PublishBuilder::abandon() noexcept { op_->recycle(); }

PublishBuilder&& PublishBuilder::to(std::string_view destination) && {
  op_->destination = op_->add(destination);
  return std::move(*this);
}

PublishBuilder&& PublishBuilder::key(std::string_view key) && {
  op_->key = op_->add(key);
  return std::move(*this);
}

PublishBuilder&& PublishBuilder::header(std::string_view name, std::string_view value) && {
  if (name.empty() || name.size() > std::numeric_limits<std::uint16_t>::max()) {
    op_->fail(Error(Code::invalid, "a header's name has 1 to 65,535 bytes"));
  } else if (op_->header_pieces.size() == std::numeric_limits<std::uint16_t>::max()) {
    op_->fail(Error(Code::invalid, "a message has at most 65,535 headers"));
  } else {
    op_->header_pieces.push_back({op_->add(name), op_->add(value)});
  }
  return std::move(*this);
}

PublishBuilder&& PublishBuilder::reply_to(std::string_view destination) && {
  op_->reply_to = op_->add(destination);
  return std::move(*this);
}

PublishBuilder&& PublishBuilder::correlation_id(std::string_view id) && {
  op_->correlation = op_->add(id);
  return std::move(*this);
}

PublishBuilder&& PublishBuilder::message_id(std::string_view id) && {
  op_->message_id = op_->add(id);
  return std::move(*this);
}

PublishBuilder&& PublishBuilder::content_type(std::string_view type) && {
  op_->content_type = op_->add(type);
  return std::move(*this);
}

PublishBuilder&& PublishBuilder::option(std::string_view name, std::string_view value) && {
  op_->options.emplace_back(name, value);
  return std::move(*this);
}

PublishBuilder&& PublishBuilder::unconfirmed() && {
  op_->confirm = false;
  return std::move(*this);
}

PublishBuilder&& PublishBuilder::timeout(std::chrono::milliseconds timeout) && {
  op_->timeout = timeout;
  return std::move(*this);
}

PublishBuilder&& PublishBuilder::payload(Payload bytes) && {
  op_->payload = op_->add(bytes.text());
  op_->null_payload = bytes.is_null();
  return std::move(*this);
}

PublishBuilder&& PublishBuilder::value(const TypeTable& table, const void* object, const Codec& codec) && {
  const auto at = static_cast<std::uint32_t>(op_->text.size());
  if (Error error; !codec.encode(table, object, op_->text, error)) {
    op_->fail(std::move(error));
    return std::move(*this);
  }
  op_->payload = {at, static_cast<std::uint32_t>(op_->text.size()) - at, true};
  return std::move(*this);
}

Publishing PublishBuilder::publish() && {
  detail::PublishOp& op = *std::exchange(op_, nullptr);
  detail::PublisherCore& publisher = *op.publisher;
  if (!publisher.bound()) {
    op.fail(Error(Code::state, "nothing can be published before the app has started"));
    return Publishing(&op);
  }
  if (!op.destination.set && !publisher.has_destination()) {
    op.fail(Error(Code::invalid, "the message has no destination: name one with .to(…), or give the publisher one"));
  } else if (op.destination.set && op.destination.size == 0) {
    op.fail(Error(Code::invalid, "the destination is empty: name one with .to(…)"));
  }
  op.props.option_count = 0;
  op.props.options = nullptr;
  if (!op.options.empty()) {
    auto set = options::resolve(publisher.connection().plugin(), RST_SCOPE_MESSAGE, publisher.kind(),
                                detail::to_settings(op.options, "this message"));
    if (set) {
      auto storage = std::make_shared<options::OptionSet>(std::move(*set));
      op.props.options = storage->options().data();
      op.props.option_count = static_cast<std::uint32_t>(storage->options().size());
      op.option_storage = std::move(storage);
    } else {
      op.fail(std::move(set.error()));
    }
  }
  if (op.failed) return Publishing(&op);
  op.seal();
  return Publishing(publisher.submit(op));
}

Publisher::Publisher() : core_(std::make_shared<detail::PublisherCore>()) {}

PublishBuilder Publisher::begin() { return {*core_, nullptr}; }

namespace {
/// Apart from the short way, so that these cost the other no registers.
[[gnu::noinline]] Publishing publish_copy(detail::PublisherCore& publisher, Payload bytes) {
  return PublishBuilder(publisher, nullptr).payload(bytes).publish();
}
[[gnu::noinline]] Publishing refused(detail::PublisherCore& publisher, std::int32_t status) {
  detail::PublishOp& op = detail::PublishOp::acquire(publisher.shared_from_this(), nullptr);
  op.statuses.assign(1, status);
  op.read_statuses();
  return Publishing(&op);
}
}  // namespace

Publishing Publisher::publish(Payload bytes) {
  if (core_->confirm() || !core_->has_destination()) return publish_copy(*core_, bytes);
  const std::int32_t status = core_->try_hand_over(bytes);
  if (status >= 0) return Publishing(nullptr);
  return status == -RST_E_BACKPRESSURE ? publish_copy(*core_, bytes) : refused(*core_, status);
}

Publishing Publisher::publish_all(std::span<const Payload> payloads) {
  if (payloads.empty()) return Publishing(nullptr);
  detail::PublishOp& op = detail::PublishOp::acquire(core_, nullptr);
  if (!core_->bound()) {
    op.fail(Error(Code::state, "nothing can be published before the app has started"));
    return Publishing(&op);
  }
  if (!core_->has_destination()) {
    op.fail(Error(Code::invalid, "publish_all needs a publisher with a destination of its own"));
    return Publishing(&op);
  }
  for (const Payload& payload : payloads) {
    rst_out_message message{};
    message.payload = static_cast<const std::uint8_t*>(payload.data());
    message.payload_len = payload.size();
    message.flags = payload.is_null() ? RST_OUT_NULL_PAYLOAD : 0;
    op.messages.push_back(message);
  }
  op.borrows = true;
  if (core_->confirm()) op.own();  // the plugin may keep them until it confirms; without, the call is all
  return Publishing(core_->submit(op));
}

Operation<void> Publisher::flush(std::chrono::milliseconds timeout) {
  if (!core_->bound()) return fail(Code::state, "nothing can be flushed before the app has started");
  return {core_->flush(timeout), [core = core_](Result<std::uint64_t> done) -> Result<void> {
            if (!done) return std::unexpected(std::move(done.error()));
            return {};
          }};
}

}  // namespace v0
}  // namespace ruststream
