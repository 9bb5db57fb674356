#include "message.hpp"

#include "subjects.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace ruststream::nats {
namespace {

constexpr std::size_t kPreamble = 12;  // NATS/1.0 and the empty line
constexpr std::size_t kPerHeader = 4;  // colon, space, line end
constexpr std::size_t kMostHeaders = UINT16_MAX;

std::string_view text_of(const void* text, std::size_t length) { return {static_cast<const char*>(text), length}; }

bool is_name(std::string_view name) noexcept {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return c > 0x20 && c < 0x7F && c != ':'; });
}

/// Clients trim values, and cnats reads an empty one wrongly: what would not come out the same is refused.
bool is_value(std::string_view value) noexcept {
  return !value.empty() && value.front() != ' ' && value.back() != ' ' &&
         std::all_of(value.begin(), value.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
}

/// The three that travel in headers.
template <typename Body>
void each_meta_header(const rst_out_message& message, Body&& body) {
  if (message.props == nullptr) return;
  const rst_out_props& props = *message.props;
  if (props.message_id_len != 0) body(kMessageIdHeader, text_of(props.message_id, props.message_id_len));
  if (props.content_type_len != 0) body(kContentTypeHeader, text_of(props.content_type, props.content_type_len));
  if (props.correlation_len != 0) body(kCorrelationHeader, text_of(props.correlation, props.correlation_len));
}

}  // namespace

std::int32_t Outgoings::make(const rst_out_message& message, Outgoing& out) {
  out = {};
  out.source = &message;
  out.payload = sdk::payload_of(message);
  if (message.destination == nullptr) {
    if (destination_.empty()) return -RST_E_INVALID;
    out.subject = destination_.c_str();
  } else {
    const std::string_view own{message.destination, message.destination_len};
    if (own != subject_) {
      if (check_subject(own) != SubjectFault::kNone) return -RST_E_INVALID;
      subject_ = own;
    }
    out.subject = subject_.c_str();
  }
  if (message.header_count == 0 && message.props == nullptr) return RST_OK;
  for (const rst_header& header : std::span{message.headers, message.header_count}) {
    if (!is_name({header.name, header.name_len}) || !is_value(text_of(header.value, header.value_len))) {
      return -RST_E_UNSUPPORTED;
    }
  }
  bool carried = true;
  out.has_headers = message.header_count != 0;
  each_meta_header(message, [&](const char*, std::string_view value) {
    carried &= is_value(value);
    out.has_headers = true;
  });
  if (!carried) return -RST_E_UNSUPPORTED;
  if (message.props == nullptr || message.props->reply_to_len == 0) return RST_OK;
  const auto reply = text_of(message.props->reply_to, message.props->reply_to_len);
  if (check_subject(reply) != SubjectFault::kNone) return -RST_E_INVALID;
  reply_ = reply;
  out.reply = reply_.c_str();
  return RST_OK;
}

Message copy_of(const Outgoing& message) {
  natsMsg* made = nullptr;
  natsStatus status = natsMsg_Create(&made, message.subject, message.reply, message.payload.data(),
                                     static_cast<int>(message.payload.size()));
  Message copy(made);
  std::string name;
  std::string value;
  const auto add = [&](std::string_view given_name, std::string_view given_value) {
    if (status != NATS_OK) return;
    name = given_name;
    value = given_value;
    status = natsMsgHeader_Add(made, name.c_str(), value.c_str());
  };
  if (message.has_headers) {
    const rst_out_message& source = *message.source;
    for (const rst_header& header : std::span{source.headers, source.header_count}) {
      add({header.name, header.name_len}, text_of(header.value, header.value_len));
    }
    each_meta_header(source, add);
  }
  if (status != NATS_OK) copy.reset();
  return copy;
}

std::size_t wire_size(const Outgoing& message) noexcept {
  std::size_t size = message.payload.size();
  if (!message.has_headers) return size;
  size += kPreamble;
  for (const rst_header& header : std::span{message.source->headers, message.source->header_count}) {
    size += header.name_len + header.value_len + kPerHeader;
  }
  each_meta_header(*message.source, [&](std::string_view name, std::string_view value) {
    size += name.size() + value.size() + kPerHeader;
  });
  return size;
}

Headers headers_of(natsMsg* received, const char** keys, int key_count, sdk::Slab& slab) {
  Headers found;
  const auto each_value = [&](auto&& body) {
    for (int key = 0; key < key_count; ++key) {
      const char** values = nullptr;
      int count = 0;
      if (natsMsgHeader_Values(received, keys[key], &values, &count) != NATS_OK) continue;
      for (int value = 0; value < count; ++value) body(std::string_view{keys[key]}, std::string_view{values[value]});
      std::free(static_cast<void*>(values));
    }
  };
  // cnats has lost their order; that of names is at least the same each time.
  std::sort(keys, keys + key_count, [](std::string_view a, std::string_view b) { return a < b; });
  std::size_t count = 0;
  each_value([&](std::string_view, std::string_view) { ++count; });
  auto* const headers = reinterpret_cast<rst_header*>(slab.allocate(count * sizeof(rst_header)));
  each_value([&](std::string_view name, std::string_view value) {
    found.bytes += name.size() + value.size();
    std::string_view* const meta = name == kMessageIdHeader     ? &found.message_id
                                   : name == kContentTypeHeader ? &found.content_type
                                   : name == kCorrelationHeader ? &found.correlation
                                                                : nullptr;
    if (meta != nullptr && meta->empty()) *meta = value;
    if (found.count == kMostHeaders) return;
    headers[found.count++] = {name.data(),
                              reinterpret_cast<const std::uint8_t*>(value.data()),
                              static_cast<std::uint32_t>(value.size()),
                              static_cast<std::uint16_t>(name.size()),
                              RST_HEADER_BYTES,
                              0};
  });
  std::free(static_cast<void*>(keys));
  if (found.count != 0) found.first = headers;
  return found;
}

}  // namespace ruststream::nats
