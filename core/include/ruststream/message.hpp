#pragma once
#include <ruststream/abi.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ruststream {
inline namespace v0 {

/// The bytes of a message, undecoded. Borrowed: valid until the delivery that it came from is settled (in a handler:
/// until the handler ends, also across its suspensions). A null payload (a tombstone) is not an empty one.
class Payload {
 public:
  constexpr Payload() noexcept = default;
  constexpr Payload(const void* data, std::size_t size) noexcept : data_(data), size_(size) {}
  constexpr Payload(std::string_view text) noexcept : data_(text.data()), size_(text.size()) {}
  constexpr Payload(std::span<const std::byte> bytes) noexcept : data_(bytes.data()), size_(bytes.size()) {}

  [[nodiscard]] static constexpr Payload null() noexcept {
    Payload payload;
    payload.null_ = true;
    return payload;
  }

  [[nodiscard]] constexpr bool is_null() const noexcept { return null_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr const void* data() const noexcept { return data_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return {static_cast<const std::byte*>(data_), size_};
  }
  [[nodiscard]] std::string_view text() const noexcept { return {static_cast<const char*>(data_), size_}; }

 private:
  const void* data_ = nullptr;
  std::size_t size_ = 0;
  bool null_ = false;
};

namespace detail {
inline Payload payload_of(const rst_message& message) noexcept {
  if ((message.flags & RST_MESSAGE_NULL_PAYLOAD) != 0) return Payload::null();
  return {message.payload, message.payload_len};
}
}  // namespace detail

/// One header as the broker gave it: `value` is bytes, or the text of what the broker typed. Borrowed like Payload.
struct Header {
  std::string_view name;
  std::string_view value;
};

/// The headers of a message in the broker's order; duplicates are kept. Borrowed like Payload.
class Headers {
 public:
  class Iterator {
   public:
    using value_type = Header;
    using difference_type = std::ptrdiff_t;
    Iterator() noexcept = default;
    explicit Iterator(const rst_header* at) noexcept : at_(at) {}
    Header operator*() const noexcept {
      return {{at_->name, at_->name_len}, {reinterpret_cast<const char*>(at_->value), at_->value_len}};
    }
    Iterator& operator++() noexcept {
      ++at_;
      return *this;
    }
    Iterator operator++(int) noexcept { return Iterator(at_++); }
    friend bool operator==(Iterator, Iterator) noexcept = default;

   private:
    const rst_header* at_ = nullptr;
  };

  Headers() noexcept = default;
  Headers(const rst_header* first, std::size_t count) noexcept : first_(first), count_(count) {}

  [[nodiscard]] Iterator begin() const noexcept { return Iterator(first_); }
  [[nodiscard]] Iterator end() const noexcept { return Iterator(first_ + count_); }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  /// The first header of that name, compared byte for byte.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept {
    for (const Header header : *this) {
      if (header.name == name) return header.value;
    }
    return std::nullopt;
  }

 private:
  const rst_header* first_ = nullptr;
  std::size_t count_ = 0;
};

/// A delivered message: two pointers into the plugin's memory, read in place. Borrowed like Payload.
class Message {
 public:
  Message(const rst_batch& batch, const rst_message& message, std::string_view subscription_address) noexcept
      : batch_(&batch), message_(&message), subscription_address_(subscription_address) {}

  [[nodiscard]] Payload payload() const noexcept { return detail::payload_of(*message_); }
  /// Where it was published, as the broker names it.
  [[nodiscard]] std::string_view address() const noexcept {
    const rst_message_meta* meta = message_->meta;
    if (meta == nullptr || meta->address == nullptr) return subscription_address_;
    return {meta->address, meta->address_len};
  }
  [[nodiscard]] std::optional<std::string_view> key() const noexcept {
    if (message_->key == nullptr) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(message_->key), message_->key_len);
  }
  [[nodiscard]] Headers headers() const noexcept { return {message_->headers, message_->header_count}; }
  /// Where an answer is wanted: a destination of the same broker. Empty when none is.
  [[nodiscard]] std::string_view reply_to() const noexcept {
    return meta(&rst_message_meta::reply_to, &rst_message_meta::reply_to_len);
  }
  [[nodiscard]] std::string_view correlation_id() const noexcept {
    return meta(&rst_message_meta::correlation, &rst_message_meta::correlation_len);
  }
  [[nodiscard]] std::string_view message_id() const noexcept {
    return meta(&rst_message_meta::message_id, &rst_message_meta::message_id_len);
  }
  [[nodiscard]] std::string_view content_type() const noexcept {
    return meta(&rst_message_meta::content_type, &rst_message_meta::content_type_len);
  }
  /// How often the broker has tried, from 1; 0 where it does not count.
  [[nodiscard]] std::uint16_t attempt() const noexcept { return message_->attempt; }
  [[nodiscard]] bool redelivered() const noexcept { return (message_->flags & RST_MESSAGE_REDELIVERED) != 0; }
  /// The ordering domain, 0 when the broker has none.
  [[nodiscard]] std::uint32_t partition() const noexcept { return message_->partition; }
  /// Nanoseconds since the epoch by the producer's or the broker's clock; absent where the broker keeps none.
  [[nodiscard]] std::optional<std::int64_t> timestamp_ns() const noexcept {
    if (batch_->timestamps == nullptr) return std::nullopt;
    return batch_->timestamps[index()];
  }
  /// A place in the stream that seek and `start_at` accept; absent where the kind has none.
  [[nodiscard]] std::optional<rst_position> position() const noexcept {
    rst_position out{};
    if (batch_->ops->position == nullptr ||
        batch_->ops->position(const_cast<rst_batch*>(batch_), index(), &out) != RST_DONE)
      return std::nullopt;
    return out;
  }
  /// The contract's own view, for what is not named here.
  [[nodiscard]] const rst_message& raw() const noexcept { return *message_; }
  [[nodiscard]] const rst_batch& batch() const noexcept { return *batch_; }

 private:
  template <class Pointer>
  [[nodiscard]] std::string_view meta(Pointer rst_message_meta::* text,
                                      std::uint32_t rst_message_meta::* len) const noexcept {
    if (message_->meta == nullptr || message_->meta->*text == nullptr) return {};
    return {reinterpret_cast<const char*>(message_->meta->*text), message_->meta->*len};
  }
  [[nodiscard]] std::uint32_t index() const noexcept {
    const auto offset = reinterpret_cast<const char*>(message_) - reinterpret_cast<const char*>(batch_->messages);
    return static_cast<std::uint32_t>(offset) / batch_->stride;
  }

  const rst_batch* batch_;
  const rst_message* message_;
  std::string_view subscription_address_;
};

}  // namespace v0
}  // namespace ruststream
