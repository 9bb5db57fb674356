/// Settlements: what became of deliveries.
#ifndef RUSTSTREAM_ABI_SETTLE_H
#define RUSTSTREAM_ABI_SETTLE_H

#include "message.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RST_VERDICT_ACK 1     /* processed */
#define RST_VERDICT_RETRY 2   /* failed: again, after delay_ns; raises attempt */
#define RST_VERDICT_RELEASE 3 /* not processed: again; does not raise attempt unless COUNTED (S5) */
#define RST_VERDICT_REJECT 4  /* never again; to the dead letter where there is one */
#define RST_VERDICT_EXTEND 5  /* still working: restarts the ack deadline, settles nothing (S1) */

/// The cold part of a settlement.
typedef struct rst_settle_detail {
  uint32_t struct_size;
  uint32_t header_count;
  rst_str reason;
  rst_str dead_letter;       /* destination of REJECT where the kind has REJECT_TO; empty = the subscription's */
  const rst_header* headers; /* added to the dead letter */
} rst_settle_detail;
RST_ASSERT_SIZE(rst_settle_detail, 48);
RST_ASSERT_OFFSET(rst_settle_detail, header_count, 4);
RST_ASSERT_OFFSET(rst_settle_detail, reason, 8);
RST_ASSERT_OFFSET(rst_settle_detail, dead_letter, 24);
RST_ASSERT_OFFSET(rst_settle_detail, headers, 40);

/// One verdict on one token. `status` is written before the completion, or before the verb returns when there is none:
/// RST_OK, or minus SETTLED, STALE, UNSUPPORTED, INVALID (token 0) with flags as rst_status packs them (S1-S3).
typedef struct rst_settlement {
  uint64_t token;
  uint64_t delay_ns;               /* RETRY only; else 0 */
  const rst_settle_detail* detail; /* NULL is common */
  uint16_t verdict;
  uint16_t flags; /* 0: none is defined */
  int32_t status; /* out */
} rst_settlement;
RST_ASSERT_SIZE(rst_settlement, 32);
RST_ASSERT_OFFSET(rst_settlement, delay_ns, 8);
RST_ASSERT_OFFSET(rst_settlement, detail, 16);
RST_ASSERT_OFFSET(rst_settlement, verdict, 24);
RST_ASSERT_OFFSET(rst_settlement, flags, 26);
RST_ASSERT_OFFSET(rst_settlement, status, 28);

#define RST_SETTLE_CONFIRM 1u /* complete when the broker has it, not when it was handed over (S6) */

/// An array of verdicts for one subscription. Borrowed until the completion, or the return when there is none (M4).
typedef struct rst_settle {
  uint32_t struct_size;
  uint32_t flags;
  uint64_t subscription; /* handle */
  uint64_t tx;           /* of rst.tx; 0 = none */
  uint64_t op;           /* 0 = no completion */
  rst_settlement* items;
  uint32_t count;
  uint32_t stride;
  uint64_t timeout_ns; /* with CONFIRM; 0 = the op_timeout option */
  uint64_t reserved;
} rst_settle;
RST_ASSERT_SIZE(rst_settle, 64);
RST_ASSERT_OFFSET(rst_settle, flags, 4);
RST_ASSERT_OFFSET(rst_settle, subscription, 8);
RST_ASSERT_OFFSET(rst_settle, tx, 16);
RST_ASSERT_OFFSET(rst_settle, op, 24);
RST_ASSERT_OFFSET(rst_settle, items, 32);
RST_ASSERT_OFFSET(rst_settle, count, 40);
RST_ASSERT_OFFSET(rst_settle, stride, 44);
RST_ASSERT_OFFSET(rst_settle, timeout_ns, 48);
RST_ASSERT_OFFSET(rst_settle, reserved, 56);

#ifdef __cplusplus
}
#endif

#endif
