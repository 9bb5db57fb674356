#pragma once
#include <ruststream/codec.hpp>
#include <ruststream/error.hpp>
#include <ruststream/message.hpp>
#include <ruststream/operation.hpp>
#include <ruststream/type_table.hpp>

#include <chrono>
#include <coroutine>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ruststream {
inline namespace v0 {
class Publisher;
namespace detail {
class PublisherCore;
struct PublishOp;

/// The invocation of a handler, as far as a publish inside it is concerned.
class Call {
 public:
  /// Takes over a publish that the handler dropped: the delivery is settled once it is known. [loop thread]
  virtual void attach(PublishOp& op) noexcept = 0;

 protected:
  ~Call() = default;
};

[[nodiscard]] PublisherCore* core_of(const Publisher& publisher) noexcept;
}  // namespace detail

/// A publish that has been handed to the plugin. `co_await` it on a loop thread or `get()` it elsewhere; the error has
/// ErrorFlag::kMaybeApplied where the broker may hold the message all the same. Dropped inside a handler, its failure
/// counts as the handler's: the delivery is settled only once it is known. Dropped elsewhere, a failure is logged.
/// Move-only.
class RUSTSTREAM_EXPORT Publishing {
 public:
  /// Null means: done, and well.
  explicit Publishing(detail::PublishOp* op) noexcept : op_(op) {}
  Publishing(Publishing&& other) noexcept : op_(std::exchange(other.op_, nullptr)) {}
  Publishing& operator=(Publishing&&) = delete;
  ~Publishing() {
    if (op_ != nullptr) drop();
  }

  [[nodiscard]] bool await_ready() const noexcept { return op_ == nullptr || done(); }
  bool await_suspend(std::coroutine_handle<> waiter) noexcept;
  Result<void> await_resume() { return op_ == nullptr ? Result<void>() : take(); }
  /// Blocks until it is done. Code::state on a loop thread.
  Result<void> get() { return op_ == nullptr ? Result<void>() : wait_and_take(); }
  /// For the runtime: the operation, which is its now; null when it is done and well.
  [[nodiscard]] detail::PublishOp* detach_op() noexcept { return std::exchange(op_, nullptr); }

 private:
  [[nodiscard]] bool done() const noexcept;
  Result<void> take();
  Result<void> wait_and_take();
  void drop() noexcept;

  detail::PublishOp* op_;
};

/// One message on its way to publish(): what is set here is copied at once, so nothing needs to outlive the call.
/// Move-only; one that is never published costs nothing.
class RUSTSTREAM_EXPORT PublishBuilder {
 public:
  PublishBuilder(detail::PublisherCore& publisher, detail::Call* call);
  PublishBuilder(PublishBuilder&& other) noexcept : op_(std::exchange(other.op_, nullptr)) {}
  PublishBuilder& operator=(PublishBuilder&& other) noexcept {
    std::swap(op_, other.op_);
    return *this;
  }
  ~PublishBuilder() {
    if (op_ != nullptr) abandon();
  }

  PublishBuilder&& to(std::string_view destination) &&;
  PublishBuilder&& key(std::string_view key) &&;
  PublishBuilder&& header(std::string_view name, std::string_view value) &&;
  PublishBuilder&& reply_to(std::string_view destination) &&;
  PublishBuilder&& correlation_id(std::string_view id) &&;
  PublishBuilder&& message_id(std::string_view id) &&;
  PublishBuilder&& content_type(std::string_view type) &&;
  /// A setting of the plugin's own for this message, by name.
  PublishBuilder&& option(std::string_view name, std::string_view value) &&;
  /// Done when handed over: nobody learns whether the broker has it.
  PublishBuilder&& unconfirmed() &&;
  PublishBuilder&& timeout(std::chrono::milliseconds timeout) &&;
  Publishing publish() &&;

  PublishBuilder&& payload(Payload bytes) &&;
  PublishBuilder&& value(const TypeTable& table, const void* object, const Codec& codec) &&;

 private:
  void abandon() noexcept;
  detail::PublishOp* op_;
};

/// Where messages are published. A handle: copies speak of the same publisher. Messages of one publisher keep their
/// order per destination and key where the plugin declares it. [any thread]
class RUSTSTREAM_EXPORT Publisher {
 public:
  /// Of no broker yet: publishing says Code::state.
  Publisher();
  explicit Publisher(std::shared_ptr<detail::PublisherCore> core) noexcept : core_(std::move(core)) {}

  /// Begins a message: its value encoded by the codec, or its bytes.
  template <class T>
    requires(!std::is_convertible_v<const T&, Payload>)
  PublishBuilder message(const T& value, const Codec& codec = json()) {
    return begin().value(type_table<T>(), &value, codec);
  }
  PublishBuilder message(Payload bytes) { return begin().payload(bytes); }

  /// Publishes to the publisher's own destination.
  template <class T>
    requires(!std::is_convertible_v<const T&, Payload>)
  Publishing publish(const T& value) {
    return message(value).publish();
  }
  /// Bytes as they are; with an unconfirmed publisher nothing is copied but by the plugin.
  Publishing publish(Payload bytes);
  /// Many at once in one call of the plugin, in order. Done when all are; the error is the first one's.
  Publishing publish_all(std::span<const Payload> payloads);
  /// Done when everything accepted before it has its final status, or at the timeout.
  [[nodiscard]] Operation<void> flush(std::chrono::milliseconds timeout = std::chrono::seconds(10));

 private:
  friend detail::PublisherCore* detail::core_of(const Publisher& publisher) noexcept;
  PublishBuilder begin();
  std::shared_ptr<detail::PublisherCore> core_;
};

inline detail::PublisherCore* detail::core_of(const Publisher& publisher) noexcept { return publisher.core_.get(); }

}  // namespace v0
}  // namespace ruststream
