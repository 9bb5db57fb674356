/// A batch of deliveries: the plugin's memory, lent to the host until it calls release.
#ifndef RUSTSTREAM_ABI_BATCH_H
#define RUSTSTREAM_ABI_BATCH_H

#include "message.h"
#include "position.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rst_batch rst_batch;

/// What the host may do with an accepted batch. Static and immutable. Never unwinds (L1).
typedef struct rst_batch_ops {
  uint32_t struct_size;
  uint32_t reserved0;

  /// Gives the batch back, once; frees memory and settles nothing. Legal until deinit returns, after close too.
  /// [any-thread, never blocks]   Rules: M1, M2, M6, L6.
  void (*release)(rst_batch* batch);

  /// Reads one declared broker field of one message. What `out` points to lives until release. NULL = no fields.
  /// [any-thread, concurrent, never blocks]
  /// @return RST_DONE; -RST_E_NOT_FOUND when this message has none; -RST_E_INVALID beyond count or undeclared.   Rule:
  /// M6.
  int32_t (*field)(rst_batch* batch, uint32_t index, uint32_t field, rst_value* out);

  /// Where in its log one message stands. NULL = no positions.
  /// [any-thread, concurrent, never blocks]   @return as field.   Rule: M6.
  int32_t (*position)(rst_batch* batch, uint32_t index, rst_position* out);

  void* reserved1;
} rst_batch_ops;
RST_ASSERT_SIZE(rst_batch_ops, 40);
RST_ASSERT_OFFSET(rst_batch_ops, release, 8);
RST_ASSERT_OFFSET(rst_batch_ops, field, 16);
RST_ASSERT_OFFSET(rst_batch_ops, position, 24);
RST_ASSERT_OFFSET(rst_batch_ops, reserved1, 32);

#define RST_BATCH_TIME_IS_CREATE 1u /* timestamps are the producer's, else the broker's */

/// The first line is all that a host needs. After deliver was entered the plugin reads nothing of it (M6).
struct rst_batch {
  uint32_t struct_size;
  uint32_t stride; /* of messages */
  const rst_message* messages;
  uint32_t count;
  uint32_t flags;
  uint64_t subscription; /* the host's id; 0 for the reply of rst.request */
  const rst_batch_ops* ops;
  uint64_t bytes;   /* payload + key + headers: debits the byte balance (F1) */
  uint64_t host[2]; /* the host's while it owns the batch; zeroed by the plugin before deliver */

  const int64_t* timestamps; /* NULL, or one per message: ns since the epoch */
  int64_t received_ns;       /* monotonic, by rst_host.now; 0 = not taken */
  uint32_t generation;       /* of the subscription (G2) */
  uint32_t reserved0;
  void* plugin; /* the plugin's own */
  uint64_t reserved1[4];
};
RST_ASSERT_SIZE(rst_batch, 128);
RST_ASSERT_OFFSET(rst_batch, stride, 4);
RST_ASSERT_OFFSET(rst_batch, messages, 8);
RST_ASSERT_OFFSET(rst_batch, count, 16);
RST_ASSERT_OFFSET(rst_batch, flags, 20);
RST_ASSERT_OFFSET(rst_batch, subscription, 24);
RST_ASSERT_OFFSET(rst_batch, ops, 32);
RST_ASSERT_OFFSET(rst_batch, bytes, 40);
RST_ASSERT_OFFSET(rst_batch, host, 48);
RST_ASSERT_OFFSET(rst_batch, timestamps, 64);
RST_ASSERT_OFFSET(rst_batch, received_ns, 72);
RST_ASSERT_OFFSET(rst_batch, generation, 80);
RST_ASSERT_OFFSET(rst_batch, reserved0, 84);
RST_ASSERT_OFFSET(rst_batch, plugin, 88);
RST_ASSERT_OFFSET(rst_batch, reserved1, 96);

#ifdef __cplusplus
}
#endif

#endif
