#include "record.hpp"

#include "alarms.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace ruststream::memory {
namespace {

constexpr std::uint64_t align8(std::uint64_t bytes) noexcept { return (bytes + 7) & ~std::uint64_t{7}; }

std::uint64_t header_text(std::span<const rst_header> headers) noexcept {
  std::uint64_t bytes = 0;
  for (const auto& header : headers) bytes += std::uint64_t{header.name_len} + header.value_len;
  return bytes;
}

bool needs_meta(const RecordParts& parts) noexcept {
  return parts.reply_to.data() != nullptr || parts.correlation.data() != nullptr ||
         parts.message_id.data() != nullptr || parts.content_type.data() != nullptr;
}

// Writes bytes one after another. Every size was counted before, by record_size.
class Writer {
 public:
  explicit Writer(std::byte* at) noexcept : at_(at) {}

  const char* put(const void* from, std::size_t bytes) noexcept {
    if (from == nullptr) return nullptr;
    auto* placed = at_;
    if (bytes > 0) std::memcpy(at_, from, bytes);
    at_ += bytes;
    return reinterpret_cast<const char*>(placed);
  }
  const std::uint8_t* put_bytes(const void* from, std::size_t bytes) noexcept {
    return reinterpret_cast<const std::uint8_t*>(put(from, bytes));
  }

  template <typename T>
  T* reserve(std::size_t count) noexcept {
    auto* placed = reinterpret_cast<T*>(at_);
    at_ += count * sizeof(T);
    return placed;
  }

  void align() noexcept { at_ += (8 - reinterpret_cast<std::uintptr_t>(at_) % 8) % 8; }

 private:
  std::byte* at_;
};

rst_header* put_headers(Writer& writer, rst_header* into, std::span<const rst_header> headers) noexcept {
  for (const auto& header : headers) {
    *into = header;
    into->name = writer.put(header.name, header.name_len);
    into->value = writer.put_bytes(header.value, header.value_len);
    ++into;
  }
  return into;
}

void put_meta(Writer& writer, rst_message_meta& meta, std::string_view address, const RecordParts& parts) noexcept {
  meta = rst_message_meta{};
  meta.struct_size = sizeof meta;
  meta.address = address.data();
  meta.address_len = static_cast<std::uint32_t>(address.size());
  meta.reply_to = writer.put_bytes(parts.reply_to.data(), parts.reply_to.size());
  meta.reply_to_len = static_cast<std::uint32_t>(parts.reply_to.size());
  meta.correlation = writer.put_bytes(parts.correlation.data(), parts.correlation.size());
  meta.correlation_len = static_cast<std::uint32_t>(parts.correlation.size());
  meta.message_id = writer.put_bytes(parts.message_id.data(), parts.message_id.size());
  meta.message_id_len = static_cast<std::uint32_t>(parts.message_id.size());
  meta.content_type = writer.put(parts.content_type.data(), parts.content_type.size());
  meta.content_type_len = static_cast<std::uint32_t>(parts.content_type.size());
}

Record* place_record(Slabs& slabs, Topic& topic, std::uint32_t size) {
  const auto place = slabs.allocate(size);
  auto* record = new (place.memory) Record;
  record->topic = &topic;
  record->slab_offset = place.offset;
  record->holds = 0;
  record->pins = 0;
  return record;
}

std::string_view text(const auto* bytes, std::uint32_t length) noexcept {
  return {reinterpret_cast<const char*>(bytes), length};
}

}  // namespace

const std::byte* Record::behind_key() const noexcept {
  const auto end = sizeof(Record) + std::uint64_t{payload_len} + tail.key_len;
  return reinterpret_cast<const std::byte*>(this) + align8(end);
}

rst_position position_of(const Record& record) noexcept {
  rst_position position{};
  position.kind = RST_POSITION_AT;
  position.len = sizeof record.sequence;
  position.time_ns = record.timestamp_ns;
  std::memcpy(position.data, &record.sequence, sizeof record.sequence);
  return position;
}

RecordParts Record::parts() const noexcept {
  RecordParts parts;
  parts.payload = payload();
  parts.payload_len = payload_len;
  parts.null_payload = (features & kNullPayload) != 0;
  parts.key = key();
  parts.key_len = tail.key_len;
  parts.headers = headers();
  parts.priority = priority();
  if (const auto* cold = meta(); cold != nullptr) {
    parts.reply_to = text(cold->reply_to, cold->reply_to_len);
    parts.correlation = text(cold->correlation, cold->correlation_len);
    parts.message_id = text(cold->message_id, cold->message_id_len);
    parts.content_type = text(cold->content_type, cold->content_type_len);
  }
  return parts;
}

RecordParts parts_of(const rst_out_message& message) noexcept {
  RecordParts parts;
  parts.null_payload = (message.flags & RST_OUT_NULL_PAYLOAD) != 0;
  parts.payload = message.payload;
  parts.payload_len = parts.null_payload ? 0 : message.payload_len;
  parts.key = message.key;
  parts.key_len = message.key != nullptr ? message.key_len : 0;
  parts.headers = {message.headers, message.header_count};
  if (const auto* props = message.props; props != nullptr) {
    parts.reply_to = {reinterpret_cast<const char*>(props->reply_to), props->reply_to_len};
    parts.correlation = {reinterpret_cast<const char*>(props->correlation), props->correlation_len};
    parts.message_id = {reinterpret_cast<const char*>(props->message_id), props->message_id_len};
    parts.content_type = {props->content_type, props->content_type_len};
    parts.ttl_ns = props->ttl_ns;
    parts.priority = props->priority > 0 ? static_cast<std::uint32_t>(props->priority) : 0;
  }
  return parts;
}

RecordLayout::RecordLayout(const RecordParts& parts) noexcept
    : bytes(parts.payload_len + parts.key_len), size(parts.payload_len), has_meta(needs_meta(parts)) {
  if (parts.payload_len > Record::kMaxBytes) return;
  const auto headers = parts.headers.size() + parts.more_headers.size();
  auto body = bytes;
  if (headers > 0) {
    const auto text = header_text(parts.headers) + header_text(parts.more_headers);
    bytes += text;
    body = align8(body) + headers * sizeof(rst_header) + text;
  }
  if (has_meta) {
    body = align8(body) + sizeof(rst_message_meta) + parts.reply_to.size() + parts.correlation.size() +
           parts.message_id.size() + parts.content_type.size();
  }
  if (parts.ttl_ns != 0) body = align8(body) + sizeof(Life);
  size = align8(sizeof(Record) + std::max(body, parts.payload_len + Record::kPadding));
}

Record* make_record(Slabs& slabs, Topic& topic, std::string_view address, const RecordParts& parts,
                    const RecordLayout& layout) {
  Record* record = place_record(slabs, topic, static_cast<std::uint32_t>(layout.size));
  const auto headers = parts.headers.size() + parts.more_headers.size();
  const bool meta = layout.has_meta;
  record->payload_len = static_cast<std::uint32_t>(parts.payload_len);
  record->bytes = static_cast<std::uint32_t>(layout.bytes);
  record->tail = {parts.key_len, static_cast<std::uint16_t>(headers), 1, RST_MESSAGE_PADDED, 0};
  if (parts.null_payload) record->tail.flags = RST_MESSAGE_NULL_PAYLOAD;
  record->features = (parts.null_payload ? Record::kNullPayload : 0) | (parts.key != nullptr ? Record::kHasKey : 0) |
                     (meta ? Record::kHasMeta : 0) | (headers > 0 ? Record::kHasHeaders : 0) |
                     (parts.ttl_ns != 0 ? Record::kHasLife : 0) | parts.priority << Record::kPriorityShift;
  Writer writer(reinterpret_cast<std::byte*>(record + 1));
  writer.put(parts.payload, parts.payload_len);
  writer.put(parts.key, parts.key_len);
  if (headers == 0 && !meta && parts.ttl_ns == 0) return record;
  writer.align();
  auto* table = writer.reserve<rst_header>(headers);
  auto* cold = meta ? writer.reserve<rst_message_meta>(1) : nullptr;
  if (parts.ttl_ns != 0) *writer.reserve<Life>(1) = {parts.ttl_ns, kNever};
  put_headers(writer, put_headers(writer, table, parts.headers), parts.more_headers);
  if (cold != nullptr) put_meta(writer, *cold, address, parts);
  return record;
}

}  // namespace ruststream::memory
