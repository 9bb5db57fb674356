/// What happens without being asked for.
#ifndef RUSTSTREAM_ABI_EVENT_H
#define RUSTSTREAM_ABI_EVENT_H

#include "error.h"
#include "kind.h"
#include "position.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Kinds. Hosts ignore unknown ones, but answer them with UNSUPPORTED when `answer` is not 0 (H4).
#define RST_EVENT_CONN_UP 1       /* caps: effective; text: the server, described without secrets */
#define RST_EVENT_CONN_DOWN 2     /* error; reconnecting (R1) */
#define RST_EVENT_CONN_RETRYING 3 /* value: attempt */
#define RST_EVENT_CONN_FAILED 4   /* error; final */
#define RST_EVENT_CONN_LEAVING 5  /* the server will go away (lame duck) */
#define RST_EVENT_CONN_BLOCKED 6  /* the server takes no publishes */
#define RST_EVENT_CONN_UNBLOCKED 7
#define RST_EVENT_SUB_UP 16        /* caps: effective; partitions */
#define RST_EVENT_SUB_DOWN 17      /* error; resuming */
#define RST_EVENT_SUB_ENDED 18     /* error; final: deleted, revoked, finished */
#define RST_EVENT_SUB_ASSIGNING 19 /* partitions; answer: start positions (G1) */
#define RST_EVENT_SUB_ASSIGNED 20  /* partitions */
#define RST_EVENT_SUB_REVOKING 21  /* partitions; answer when their messages are settled (G1) */
#define RST_EVENT_SUB_LOST 22      /* partitions; their tokens are stale (G2) */
#define RST_EVENT_SUB_DROPPED 23   /* value: messages discarded (F2) */
#define RST_EVENT_SUB_CAUGHT_UP 24 /* everything that was there has been delivered */
#define RST_EVENT_SETTLE_FAILED 25 /* error; partitions, or value: how many; unsettled again (S6) */
#define RST_EVENT_PUB_WRITABLE 32  /* exactly one after each refusal (P4) */
#define RST_EVENT_PUB_FAILED 33    /* error; value: messages of op 0 that failed after DONE */
#define RST_EVENT_PUB_ENDED 34     /* error; final: fenced */

/// Borrowed for the call. `partitions` and `caps` are arrays of frozen size.
typedef struct rst_event {
  uint32_t struct_size;
  uint32_t kind;
  uint64_t connection; /* the host's id */
  uint64_t subject;    /* the host's id of the subscription or publisher; 0 = the connection */
  uint64_t answer;     /* not 0: the host must call rst_plugin.answer with it */
  uint64_t value;
  uint64_t deadline_ns; /* relative: how long the plugin waits for the answer */
  const rst_error* error;
  const rst_partition* partitions;
  uint32_t partition_count;
  uint32_t flags; /* 0: none is defined */
  const rst_capability* caps;
  uint32_t cap_count;
  uint32_t reserved0;
  rst_str text;
  uint64_t reserved1[3];
} rst_event;
RST_ASSERT_SIZE(rst_event, 128);
RST_ASSERT_OFFSET(rst_event, kind, 4);
RST_ASSERT_OFFSET(rst_event, connection, 8);
RST_ASSERT_OFFSET(rst_event, subject, 16);
RST_ASSERT_OFFSET(rst_event, answer, 24);
RST_ASSERT_OFFSET(rst_event, value, 32);
RST_ASSERT_OFFSET(rst_event, deadline_ns, 40);
RST_ASSERT_OFFSET(rst_event, error, 48);
RST_ASSERT_OFFSET(rst_event, partitions, 56);
RST_ASSERT_OFFSET(rst_event, partition_count, 64);
RST_ASSERT_OFFSET(rst_event, flags, 68);
RST_ASSERT_OFFSET(rst_event, caps, 72);
RST_ASSERT_OFFSET(rst_event, cap_count, 80);
RST_ASSERT_OFFSET(rst_event, reserved0, 84);
RST_ASSERT_OFFSET(rst_event, text, 88);
RST_ASSERT_OFFSET(rst_event, reserved1, 104);

#ifdef __cplusplus
}
#endif

#endif
