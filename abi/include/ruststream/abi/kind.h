/// Kinds of a broker's objects, what each can do, and the fields its messages carry.
#ifndef RUSTSTREAM_ABI_KIND_H
#define RUSTSTREAM_ABI_KIND_H

#include "basics.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Capability ids. Unknown ids are tolerated. `limit` is named per id; 0 where it says nothing.
#define RST_CAP_SETTLE 1           /* deliveries carry tokens */
#define RST_CAP_SETTLE_CONFIRM 2   /* settle with CONFIRM */
#define RST_CAP_RETRY 3            /* verdict RETRY without delay */
#define RST_CAP_RETRY_AFTER 4      /* with a delay; limit: ns */
#define RST_CAP_RETRY_POSITION 5   /* limit: RST_RETRY_ */
#define RST_CAP_RELEASE 6          /* verdict RELEASE */
#define RST_CAP_REJECT 7           /* verdict REJECT */
#define RST_CAP_REJECT_TO 8        /* REJECT moves to rst_settle_detail.dead_letter */
#define RST_CAP_EXTEND 9           /* verdict EXTEND */
#define RST_CAP_ATTEMPT 10         /* rst_message.attempt; HELD: counted by the plugin, begins anew with it */
#define RST_CAP_OVERFLOW 11        /* limit: RST_OVERFLOW_ (F2) */
#define RST_CAP_PARTITIONS 12      /* limit: how many, 0 = the broker decides */
#define RST_CAP_BATCH 13           /* limit: most messages in one batch */
#define RST_CAP_GROUP 14           /* subscriptions share work by rst_subscription_spec.group */
#define RST_CAP_WILDCARD 15        /* addresses may be patterns */
#define RST_CAP_SEEK 16            /* rst.seek and rst_subscription_spec.start */
#define RST_CAP_POSITION 17        /* rst_batch_ops.position */
#define RST_CAP_PUBLISH_CONFIRM 18 /* publish with CONFIRM */
#define RST_CAP_PUBLISH_ORDER 19   /* P2 */
#define RST_CAP_RECEIPT 20         /* rst_publish.receipts */
#define RST_CAP_UNROUTED 21        /* RST_OK_UNROUTED, or NO_ROUTE with MANDATORY */
#define RST_CAP_KEY 22             /* a message key is carried; limit: bytes */
#define RST_CAP_TTL 23             /* limit: ns */
#define RST_CAP_DELAY 24           /* limit: ns */
#define RST_CAP_PRIORITY 25        /* limit: highest */
#define RST_CAP_HEADERS 26         /* limit: RST_HEADERS_ bits */
#define RST_CAP_PAYLOAD 27         /* limit: RST_PAYLOAD_ bits */
#define RST_CAP_MAX_PAYLOAD 28     /* limit: bytes */
#define RST_CAP_MAX_HEADERS 29     /* limit: count */
#define RST_CAP_TX_PUBLISH 30      /* publishes in a transaction (X1) */
#define RST_CAP_TX_SETTLE 31       /* settlements in a transaction (X1) */
#define RST_CAP_REQUEST 32         /* rst.request */
#define RST_CAP_DEDUPLICATE 33     /* the broker drops a message id that it saw within limit ns */
#define RST_CAP_MATCH 34           /* rst.match */
#define RST_CAP_RETAINED 35        /* RETAIN on publish, RETAINED on delivery */

/// How far down the ability is real (S2).
#define RST_LEVEL_NONE 0
#define RST_LEVEL_COPY 1   /* the plugin republishes: may duplicate */
#define RST_LEVEL_HELD 2   /* the plugin holds it in memory, dies with it */
#define RST_LEVEL_FIXED 3  /* per subscription, not per message */
#define RST_LEVEL_NATIVE 4 /* the broker does it */

#define RST_CAP_CONDITIONAL 1u /* depends on the server; the effective value comes with CONN_UP or SUB_UP */
#define RST_CAP_COUNTED 2u     /* this verdict raises `attempt` */
#define RST_CAP_SHARED 4u      /* acts on the whole group */
#define RST_CAP_LOSES_ORDER 8u /* what comes back comes later */

/// Limits of RETRY_POSITION: where a retried message comes back. 0 = anywhere.
#define RST_RETRY_FRONT 1 /* next in line */
#define RST_RETRY_BACK 2  /* behind what waits */

/// Limits of OVERFLOW.
#define RST_OVERFLOW_BLOCK 1 /* what does not fit stays with the broker or slows the publisher */
#define RST_OVERFLOW_DROP 2  /* is discarded, and reported by SUB_DROPPED */

/// Limits of HEADERS: what round-trips (P3).
#define RST_HEADERS_ANY_VALUE 1u /* any bytes in values; else UTF-8 without controls */
#define RST_HEADERS_ANY_NAME 2u  /* any bytes in names */
#define RST_HEADERS_ORDER 4u
#define RST_HEADERS_DUPLICATES 8u
#define RST_HEADERS_EMPTY 16u /* empty values */
#define RST_HEADERS_NULL 32u  /* null, distinct from empty */
#define RST_HEADERS_TYPED 64u
#define RST_HEADERS_CASE 128u /* case of names is kept */

/// Limits of PAYLOAD.
#define RST_PAYLOAD_EMPTY 1u
#define RST_PAYLOAD_NULL 2u /* null, distinct from empty */
#define RST_PAYLOAD_BYTES 4u
#define RST_PAYLOAD_TEXT_ONLY 8u

/// One ability. Frozen size.
typedef struct rst_capability {
  uint32_t id;
  uint16_t level;
  uint16_t flags;
  uint64_t limit;
} rst_capability;
RST_ASSERT_SIZE(rst_capability, 16);
RST_ASSERT_OFFSET(rst_capability, level, 4);
RST_ASSERT_OFFSET(rst_capability, flags, 6);
RST_ASSERT_OFFSET(rst_capability, limit, 8);

#define RST_ROLE_SUBSCRIPTION 1u
#define RST_ROLE_PUBLISHER 2u
#define RST_ROLE_ADMIN 4u /* an object of rst.admin */

/// One kind ("jetstream", "quorum"), static and immutable. kinds[0] is the default.
typedef struct rst_kind {
  rst_str name;
  rst_str doc; /* one line */
  const rst_capability* caps;
  uint32_t cap_count;
  uint32_t roles;
} rst_kind;
RST_ASSERT_SIZE(rst_kind, 48);
RST_ASSERT_OFFSET(rst_kind, doc, 16);
RST_ASSERT_OFFSET(rst_kind, caps, 32);
RST_ASSERT_OFFSET(rst_kind, cap_count, 40);
RST_ASSERT_OFFSET(rst_kind, roles, 44);

/// One broker field of a delivery ("kafka.offset"), read lazily through rst_batch_ops.field. Static and immutable.
typedef struct rst_field_decl {
  rst_str name;
  rst_str doc;    /* one line */
  uint64_t kinds; /* bit per index of rst_plugin.kinds, 0 = all */
  uint32_t id;
  uint16_t type;
  uint16_t flags; /* 0: none is defined */
} rst_field_decl;
RST_ASSERT_SIZE(rst_field_decl, 48);
RST_ASSERT_OFFSET(rst_field_decl, doc, 16);
RST_ASSERT_OFFSET(rst_field_decl, kinds, 32);
RST_ASSERT_OFFSET(rst_field_decl, id, 40);
RST_ASSERT_OFFSET(rst_field_decl, type, 44);
RST_ASSERT_OFFSET(rst_field_decl, flags, 46);

#ifdef __cplusplus
}
#endif

#endif
