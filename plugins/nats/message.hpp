// Messages between the contract and cnats.
#pragma once

#include <ruststream/sdk.hpp>

#include <memory>
#include <nats/nats.h>
#include <string>
#include <string_view>

namespace ruststream::nats {

namespace sdk = ruststream::sdk;

struct MessageDelete {
  void operator()(natsMsg* message) const noexcept { natsMsg_Destroy(message); }
};
using Message = std::unique_ptr<natsMsg, MessageDelete>;

// Where NATS has no field of its own, these headers carry it.
inline constexpr const char* kMessageIdHeader = "Nats-Msg-Id";
inline constexpr const char* kContentTypeHeader = "Content-Type";
inline constexpr const char* kCorrelationHeader = "Correlation-Id";

/// An outgoing message as cnats takes it.
struct Outgoing {
  const char* subject = nullptr;  // ends in NUL
  const char* reply = nullptr;    // likewise, or nullptr
  std::string_view payload;
  const rst_out_message* source = nullptr;
  bool has_headers = false;
};

/// Makes an Outgoing of one message after the other: checks subject, reply and headers, and keeps what must end in NUL
/// until the next. One per call of publish.
class Outgoings {
 public:
  explicit Outgoings(const std::string& destination) : destination_(destination) {}

  /// RST_OK, or the message's status: minus INVALID, UNSUPPORTED.
  [[nodiscard]] std::int32_t make(const rst_out_message& message, Outgoing& out);

 private:
  const std::string& destination_;
  std::string subject_;  // the last that a message named itself
  std::string reply_;
};

/// A copy, with its headers. nullptr: out of memory.
[[nodiscard]] Message copy_of(const Outgoing& message);
/// What headers and payload take, against max_payload; as cnats writes them.
[[nodiscard]] std::size_t wire_size(const Outgoing& message) noexcept;

/// Takes what cnats has received for a subscription. To say that there is nothing cnats formats a text, which costs
/// more than a message does: so it is asked first how many there are. [the thread that reads]
class Arrived {
 public:
  /// NATS_OK, or what natsSubscription_NextMsg says; NATS_TIMEOUT: nothing more.
  natsStatus next(natsSubscription* of, natsMsg*& message) {
    if (left_ == 0 && (natsSubscription_GetPending(of, &left_, nullptr) != NATS_OK || left_ == 0)) return NATS_TIMEOUT;
    const natsStatus status = natsSubscription_NextMsg(&message, of, 0);
    left_ = status == NATS_OK || status == NATS_NO_RESPONDERS ? left_ - 1 : 0;
    return status;
  }

 private:
  int left_ = 0;
};

/// What a batch keeps of a message until it is released.
struct Received {
  natsMsg* message = nullptr;

  static void release(std::span<Received> all) noexcept {
    for (const Received& each : all) natsMsg_Destroy(each.message);
  }
};

/// The headers of the message added last, and what travels in headers, into its cold line.
struct Headers {
  const rst_header* first = nullptr;
  std::uint16_t count = 0;
  std::uint64_t bytes = 0;
  std::string_view message_id, content_type, correlation;
};
/// `keys` are what natsMsgHeader_Keys gave, and freed.
[[nodiscard]] Headers headers_of(natsMsg* received, const char** keys, int key_count, sdk::Slab& slab);

/// Adds a received message to a batch of an Item that is or derives from Received; the batch owns it from here on.
/// `shows_address`: the subscription has a pattern, or several addresses. `reply_is_ack`: what stands in the reply is
/// no reply address.
template <typename Item>
rst_message& add_received(sdk::Batch<Item>& batch, natsMsg* received, bool shows_address, bool reply_is_ack = false) {
  const auto length = static_cast<std::uint64_t>(natsMsg_GetDataLength(received));
  rst_message& message = batch.add(reinterpret_cast<const std::uint8_t*>(natsMsg_GetData(received)), length);
  batch.item().message = received;
  const char** keys = nullptr;
  int key_count = 0;
  const bool has_headers = natsMsgHeader_Keys(received, &keys, &key_count) == NATS_OK;
  const char* const reply = reply_is_ack ? nullptr : natsMsg_GetReply(received);
  if (!has_headers && reply == nullptr && !shows_address) return message;
  const Headers headers = has_headers ? headers_of(received, keys, key_count, batch.slab()) : Headers{};
  message.headers = headers.first;
  message.header_count = headers.count;
  batch.add_bytes(headers.bytes);
  rst_message_meta& meta = batch.meta();
  const auto set = [](auto*& at, std::uint32_t& size, std::string_view text) {
    if (text.empty()) return;
    at = reinterpret_cast<std::remove_reference_t<decltype(at)>>(text.data());
    size = static_cast<std::uint32_t>(text.size());
  };
  set(meta.address, meta.address_len, natsMsg_GetSubject(received));
  if (reply != nullptr) set(meta.reply_to, meta.reply_to_len, reply);
  set(meta.message_id, meta.message_id_len, headers.message_id);
  set(meta.content_type, meta.content_type_len, headers.content_type);
  set(meta.correlation, meta.correlation_len, headers.correlation);
  return message;
}

}  // namespace ruststream::nats
