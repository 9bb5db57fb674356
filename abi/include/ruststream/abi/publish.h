/// Messages on their way out.
#ifndef RUSTSTREAM_ABI_PUBLISH_H
#define RUSTSTREAM_ABI_PUBLISH_H

#include "message.h"
#include "option.h"
#include "position.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The cold part of an outgoing message. Absent strings are NULL with length 0.
typedef struct rst_out_props {
  uint32_t struct_size;
  int32_t priority;     /* -1 = none */
  uint64_t ttl_ns;      /* 0 = none */
  uint64_t delay_ns;    /* 0 = none */
  int64_t timestamp_ns; /* of the event, since the epoch; 0 = none */
  const uint8_t* reply_to;
  const uint8_t* correlation;
  const uint8_t* message_id;
  const char* content_type;
  const rst_option* options; /* of scope MESSAGE */
  uint32_t reply_to_len;
  uint32_t correlation_len;
  uint32_t message_id_len;
  uint32_t content_type_len;
  uint32_t option_count;
  int32_t partition; /* -1 = by key, or the broker's choice */
} rst_out_props;
RST_ASSERT_SIZE(rst_out_props, 96);
RST_ASSERT_OFFSET(rst_out_props, priority, 4);
RST_ASSERT_OFFSET(rst_out_props, ttl_ns, 8);
RST_ASSERT_OFFSET(rst_out_props, delay_ns, 16);
RST_ASSERT_OFFSET(rst_out_props, timestamp_ns, 24);
RST_ASSERT_OFFSET(rst_out_props, reply_to, 32);
RST_ASSERT_OFFSET(rst_out_props, correlation, 40);
RST_ASSERT_OFFSET(rst_out_props, message_id, 48);
RST_ASSERT_OFFSET(rst_out_props, content_type, 56);
RST_ASSERT_OFFSET(rst_out_props, options, 64);
RST_ASSERT_OFFSET(rst_out_props, reply_to_len, 72);
RST_ASSERT_OFFSET(rst_out_props, correlation_len, 76);
RST_ASSERT_OFFSET(rst_out_props, message_id_len, 80);
RST_ASSERT_OFFSET(rst_out_props, content_type_len, 84);
RST_ASSERT_OFFSET(rst_out_props, option_count, 88);
RST_ASSERT_OFFSET(rst_out_props, partition, 92);

#define RST_OUT_NULL_PAYLOAD 1u /* a tombstone */
#define RST_OUT_RETAIN 2u       /* the broker keeps it for later subscribers */
#define RST_OUT_MANDATORY 4u    /* NO_ROUTE instead of OK_UNROUTED */

/// One outgoing message, one cache line when 64-aligned.
typedef struct rst_out_message {
  const char* destination; /* NULL = the publisher's */
  const uint8_t* payload;
  uint64_t payload_len;
  const rst_header* headers;
  const uint8_t* key;         /* NULL = no key */
  const rst_out_props* props; /* NULL is common */
  uint32_t destination_len;
  uint32_t key_len;
  uint16_t header_count;
  uint16_t flags;
  uint32_t reserved;
} rst_out_message;
RST_ASSERT_SIZE(rst_out_message, 64);
RST_ASSERT_OFFSET(rst_out_message, payload, 8);
RST_ASSERT_OFFSET(rst_out_message, payload_len, 16);
RST_ASSERT_OFFSET(rst_out_message, headers, 24);
RST_ASSERT_OFFSET(rst_out_message, key, 32);
RST_ASSERT_OFFSET(rst_out_message, props, 40);
RST_ASSERT_OFFSET(rst_out_message, destination_len, 48);
RST_ASSERT_OFFSET(rst_out_message, key_len, 52);
RST_ASSERT_OFFSET(rst_out_message, header_count, 56);
RST_ASSERT_OFFSET(rst_out_message, flags, 58);
RST_ASSERT_OFFSET(rst_out_message, reserved, 60);

#define RST_PUBLISH_CONFIRM 1u /* complete when the broker has it, not when it was handed over */

/// An array of messages on one publisher. Messages, statuses and receipts are borrowed until the completion, or the
/// return when there is none (M4); the struct itself only for the call. `accepted` is written before the verb returns:
/// the first `accepted` messages are the plugin's business, the rest are untouched (P4). statuses[0..accepted) are
/// final at the completion or the return.
typedef struct rst_publish {
  uint32_t struct_size;
  uint32_t flags;
  uint64_t publisher; /* handle */
  uint64_t tx;        /* of rst.tx; 0 = none */
  uint64_t op;        /* 0 = no completion; a later failure is PUB_FAILED */
  const rst_out_message* messages;
  int32_t* statuses;      /* host's, `count` of them, or NULL: RST_OK..., or negative as rst_status packs them */
  rst_position* receipts; /* host's, `count` of them, or NULL */
  uint32_t count;
  uint32_t stride;   /* of messages */
  uint32_t accepted; /* out */
  uint32_t reserved;
  uint64_t timeout_ns; /* 0 = the op_timeout option */
} rst_publish;
RST_ASSERT_SIZE(rst_publish, 80);
RST_ASSERT_OFFSET(rst_publish, flags, 4);
RST_ASSERT_OFFSET(rst_publish, publisher, 8);
RST_ASSERT_OFFSET(rst_publish, tx, 16);
RST_ASSERT_OFFSET(rst_publish, op, 24);
RST_ASSERT_OFFSET(rst_publish, messages, 32);
RST_ASSERT_OFFSET(rst_publish, statuses, 40);
RST_ASSERT_OFFSET(rst_publish, receipts, 48);
RST_ASSERT_OFFSET(rst_publish, count, 56);
RST_ASSERT_OFFSET(rst_publish, stride, 60);
RST_ASSERT_OFFSET(rst_publish, accepted, 64);
RST_ASSERT_OFFSET(rst_publish, reserved, 68);
RST_ASSERT_OFFSET(rst_publish, timeout_ns, 72);

#ifdef __cplusplus
}
#endif

#endif
