/// Messages as they come in.
#ifndef RUSTSTREAM_ABI_MESSAGE_H
#define RUSTSTREAM_ABI_MESSAGE_H

#include "basics.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Types of a header's value. i64, f64, bool (one byte) and time_ms (i64) are little-endian bytes at `value`.
#define RST_HEADER_BYTES 0
#define RST_HEADER_UTF8 1
#define RST_HEADER_NULL 2
#define RST_HEADER_I64 3
#define RST_HEADER_F64 4
#define RST_HEADER_BOOL 5
#define RST_HEADER_TIME_MS 6
#define RST_HEADER_NATIVE 7 /* the broker's own encoding */

/// One header, in or out. Frozen size.
typedef struct rst_header {
  const char* name;
  const uint8_t* value; /* NULL only for type NULL */
  uint32_t value_len;
  uint16_t name_len;
  uint8_t type;
  uint8_t flags; /* 0: none is defined */
} rst_header;
RST_ASSERT_SIZE(rst_header, 24);
RST_ASSERT_OFFSET(rst_header, value, 8);
RST_ASSERT_OFFSET(rst_header, value_len, 16);
RST_ASSERT_OFFSET(rst_header, name_len, 20);
RST_ASSERT_OFFSET(rst_header, type, 22);
RST_ASSERT_OFFSET(rst_header, flags, 23);

/// The cold line: only what some messages have. Absent strings are NULL with length 0.
typedef struct rst_message_meta {
  uint32_t struct_size;
  uint32_t address_len;
  uint32_t reply_to_len;
  uint32_t correlation_len;
  uint32_t message_id_len;
  uint32_t content_type_len;
  const char* address;     /* where this message was published */
  const uint8_t* reply_to; /* a valid destination of the same connection */
  const uint8_t* correlation;
  const uint8_t* message_id;
  const char* content_type;
} rst_message_meta;
RST_ASSERT_SIZE(rst_message_meta, 64);
RST_ASSERT_OFFSET(rst_message_meta, address_len, 4);
RST_ASSERT_OFFSET(rst_message_meta, reply_to_len, 8);
RST_ASSERT_OFFSET(rst_message_meta, correlation_len, 12);
RST_ASSERT_OFFSET(rst_message_meta, message_id_len, 16);
RST_ASSERT_OFFSET(rst_message_meta, content_type_len, 20);
RST_ASSERT_OFFSET(rst_message_meta, address, 24);
RST_ASSERT_OFFSET(rst_message_meta, reply_to, 32);
RST_ASSERT_OFFSET(rst_message_meta, correlation, 40);
RST_ASSERT_OFFSET(rst_message_meta, message_id, 48);
RST_ASSERT_OFFSET(rst_message_meta, content_type, 56);

#define RST_MESSAGE_NULL_PAYLOAD 1u /* a tombstone, distinct from an empty payload */
#define RST_MESSAGE_PADDED 2u       /* 64 bytes past the payload's end are readable (M5) */
#define RST_MESSAGE_REDELIVERED 4u
#define RST_MESSAGE_RETAINED 8u

/// One delivered message: one cache line when the array is 64-aligned (recommended, not required). The plugin's memory,
/// readable until the batch is released (M2).
typedef struct rst_message {
  const uint8_t* payload;
  uint64_t payload_len;
  uint64_t token;               /* names it in settle; 0 = nothing to settle (S1) */
  const rst_header* headers;    /* NULL when there are none */
  const uint8_t* key;           /* NULL = no key, distinct from an empty one */
  const rst_message_meta* meta; /* NULL = address is the subscription's, the rest absent */
  uint32_t key_len;
  uint16_t header_count;
  uint16_t attempt; /* 1-based, 0 unknown, saturates (S5) */
  uint32_t flags;
  uint32_t partition; /* ordering domain, 0 = none */
} rst_message;
RST_ASSERT_SIZE(rst_message, 64);
RST_ASSERT_OFFSET(rst_message, payload_len, 8);
RST_ASSERT_OFFSET(rst_message, token, 16);
RST_ASSERT_OFFSET(rst_message, headers, 24);
RST_ASSERT_OFFSET(rst_message, key, 32);
RST_ASSERT_OFFSET(rst_message, meta, 40);
RST_ASSERT_OFFSET(rst_message, key_len, 48);
RST_ASSERT_OFFSET(rst_message, header_count, 52);
RST_ASSERT_OFFSET(rst_message, attempt, 54);
RST_ASSERT_OFFSET(rst_message, flags, 56);
RST_ASSERT_OFFSET(rst_message, partition, 60);

#ifdef __cplusplus
}
#endif

#endif
