#pragma once
#include <ruststream/message.hpp>
#include <ruststream/publish.hpp>

#include <cstdint>
#include <string_view>

namespace ruststream {
inline namespace v0 {
namespace detail {
class Invocation;
}

/// What a handler may know and do besides its message: the second parameter of a handler that wants it. Lives as long
/// as the handler runs, suspensions included; never on another thread. [loop thread]
class RUSTSTREAM_EXPORT Context {
 public:
  explicit Context(detail::Invocation& invocation) noexcept : invocation_(invocation) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// The message being handled; in a batch handler the first one.
  [[nodiscard]] Message message() const noexcept;
  /// Of a batch handler's messages, the one behind element `index` of its span.
  [[nodiscard]] Message message(std::uint32_t index) const noexcept;

  /// Publishes on the broker that the message came from. What is not awaited still counts: the delivery is settled when
  /// its publishes are known, and a failed one is the handler's failure.
  template <class T>
  Publishing publish(std::string_view destination, const T& value) {
    return outgoing(value).to(destination).publish();
  }
  /// Publishes on a declared publisher, to its own destination.
  template <class T>
  Publishing publish(const Publisher& publisher, const T& value) {
    return fill(begin(publisher), value, json()).publish();
  }
  /// Begins a message: `.to(…)`, headers, key, then `.publish()`.
  template <class T>
  PublishBuilder outgoing(const T& value, const Codec& codec = json()) {
    return fill(begin(), value, codec);
  }

  /// True once the service has begun to stop.
  [[nodiscard]] bool stopping() const noexcept;
  /// Asks the service to stop gracefully. Returns at once.
  void stop() noexcept;

 private:
  template <class T>
  static PublishBuilder fill(PublishBuilder builder, const T& value, const Codec& codec) {
    if constexpr (std::is_convertible_v<const T&, Payload>) {
      return std::move(builder).payload(value);
    } else {
      return std::move(builder).value(type_table<T>(), &value, codec);
    }
  }
  PublishBuilder begin();
  PublishBuilder begin(const Publisher& publisher);

  detail::Invocation& invocation_;
};

}  // namespace v0
}  // namespace ruststream
