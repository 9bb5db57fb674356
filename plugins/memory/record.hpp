// One stored message: a fixed head, then everything it carries, in one piece of a slab.
#pragma once

#include "slabs.hpp"

#include <ruststream/abi.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace ruststream::memory {

struct Topic;

/// What a record is made from; everything is borrowed and copied. Used for what is not plain payload and key.
struct RecordParts {
  const std::uint8_t* payload = nullptr;
  std::uint64_t payload_len = 0;
  const std::uint8_t* key = nullptr;  // nullptr: no key
  std::uint32_t key_len = 0;
  std::span<const rst_header> headers;
  std::span<const rst_header> more_headers;  // follow the others
  bool null_payload = false;
  std::string_view reply_to, correlation, message_id, content_type;
  std::uint64_t ttl_ns = 0;  // 0: none
  std::uint32_t priority = 0;
};

/// How long a record with a TTL is worth delivering; absent in all others.
struct Life {
  std::uint64_t ttl_ns;
  std::int64_t expires_ns;  // monotonic; kNever until it is published
};

/// Immutable once it is published, but for the two counts. Behind it in memory: payload, key, then 8-aligned the
/// headers, the cold line, the life and their text; at least kPadding readable bytes behind the payload (rule M5).
struct Record {
  static constexpr std::uint32_t kPadding = 64;
  static constexpr std::uint64_t kMaxBytes = 1U << 30;  // of everything that one record carries
  static constexpr std::size_t kMaxHeaders = 0xFFFF;

  // Features: what is not there in a plain message.
  static constexpr std::uint32_t kNullPayload = 1;
  static constexpr std::uint32_t kHasKey = 2;
  static constexpr std::uint32_t kHasMeta = 4;
  static constexpr std::uint32_t kHasHeaders = 8;
  static constexpr std::uint32_t kHasLife = 16;
  static constexpr std::uint32_t kPriorityShift = 24;  // the bits from here on

  static constexpr std::uint32_t kHighestPriority = 9;

  /// The last 16 bytes of an rst_message as a first delivery has them: copied in one piece.
  struct Tail {
    std::uint32_t key_len;
    std::uint16_t header_count;
    std::uint16_t attempt;
    std::uint32_t flags;
    std::uint32_t partition;
  };

  Topic* topic;
  std::int64_t timestamp_ns;  // since the epoch, when it was published
  std::uint64_t sequence;     // of the broker, or the offset in a log: what comes back is put in this order
  std::uint32_t slab_offset;
  std::uint32_t bytes;  // payload, key and headers: what credit and capacity count
  std::uint32_t holds;  // groups and logs that still need it
  std::uint32_t pins;   // batches of the host that point into it
  Tail tail;
  std::uint32_t payload_len;
  std::uint32_t features;

  [[nodiscard]] const std::uint8_t* payload() const noexcept { return reinterpret_cast<const std::uint8_t*>(this + 1); }
  [[nodiscard]] const std::uint8_t* key() const noexcept {
    return (features & kHasKey) != 0 ? payload() + payload_len : nullptr;
  }
  [[nodiscard]] std::span<const rst_header> headers() const noexcept {
    return {reinterpret_cast<const rst_header*>(behind_key()), tail.header_count};
  }
  /// Reply-to, correlation, ids; nullptr when it has none of them.
  [[nodiscard]] const rst_message_meta* meta() const noexcept {
    return (features & kHasMeta) != 0
               ? reinterpret_cast<const rst_message_meta*>(behind_key() + tail.header_count * sizeof(rst_header))
               : nullptr;
  }
  /// nullptr when it has no TTL.
  [[nodiscard]] Life* life() noexcept {
    return (features & kHasLife) != 0 ? const_cast<Life*>(reinterpret_cast<const Life*>(behind_meta())) : nullptr;
  }
  [[nodiscard]] bool expired(std::int64_t now_ns) noexcept {
    return (features & kHasLife) != 0 && life()->expires_ns <= now_ns;
  }
  [[nodiscard]] std::uint32_t priority() const noexcept { return features >> kPriorityShift; }
  /// All but the TTL, for a copy of it.
  [[nodiscard]] RecordParts parts() const noexcept;

 private:
  [[nodiscard]] const std::byte* behind_key() const noexcept;
  [[nodiscard]] const std::byte* behind_meta() const noexcept {
    const auto meta = (features & kHasMeta) != 0 ? sizeof(rst_message_meta) : 0;
    return behind_key() + tail.header_count * sizeof(rst_header) + meta;
  }
};
static_assert(sizeof(Record) == 64);
static_assert(sizeof(Record::Tail) == sizeof(rst_message) - offsetof(rst_message, key_len));

/// What a message carries, as parts. Borrows from it.
[[nodiscard]] RecordParts parts_of(const rst_out_message& message) noexcept;

/// Where a log has this record.
[[nodiscard]] rst_position position_of(const Record& record) noexcept;

/// How large the parts are, counted once, in 64 bits so that an absurd size is seen before it wraps.
struct RecordLayout {
  explicit RecordLayout(const RecordParts& parts) noexcept;

  /// Whether a record can carry them.
  [[nodiscard]] bool fits() const noexcept { return size <= Record::kMaxBytes; }

  std::uint64_t bytes;  // payload, key and headers: Record::bytes
  std::uint64_t size;   // of the record
  bool has_meta;
};

/// Copies the parts into a slab; counts, sequence, time and partition are 0. The layout is theirs and fits. Throws
/// std::bad_alloc.
[[nodiscard]] Record* make_record(Slabs& slabs, Topic& topic, std::string_view address, const RecordParts& parts,
                                  const RecordLayout& layout);

/// The same for the common case: nothing but a payload. The caller writes time, sequence and holds.
[[nodiscard]] inline Record* make_bare_record(Slabs& slabs, Topic& topic, const std::uint8_t* payload,
                                              std::uint32_t payload_len) {
  const auto place = slabs.allocate((payload_len + std::uint32_t{sizeof(Record)} + Record::kPadding + 7U) & ~7U);
  auto* record = static_cast<Record*>(place.memory);
  record->topic = &topic;
  record->slab_offset = place.offset;
  record->bytes = payload_len;
  record->pins = 0;
  record->tail = {0, 0, 1, RST_MESSAGE_PADDED, 0};
  record->payload_len = payload_len;
  record->features = 0;
  if (payload_len > 0) std::memcpy(record + 1, payload, payload_len);
  return record;
}

}  // namespace ruststream::memory
