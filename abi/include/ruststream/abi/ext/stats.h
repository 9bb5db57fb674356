/// Numbers about a connection, subscription, publisher or broker object.
#ifndef RUSTSTREAM_ABI_EXT_STATS_H
#define RUSTSTREAM_ABI_EXT_STATS_H

#include "../error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RST_EXT_STATS "rst.stats/1"

/// Ids with one meaning everywhere; a plugin's own begin at RST_STAT_VENDOR. The counters never fall.
#define RST_STAT_WAITING 1        /* gauge: messages not yet delivered (lag) */
#define RST_STAT_WAITING_BYTES 2  /* gauge */
#define RST_STAT_UNSETTLED 3      /* gauge: delivered, not settled */
#define RST_STAT_DELAYED 4        /* gauge: held for a later time */
#define RST_STAT_PUBLISHED 5      /* counter */
#define RST_STAT_DELIVERED 6      /* counter, redeliveries included */
#define RST_STAT_REDELIVERED 7    /* counter */
#define RST_STAT_ACKED 8          /* counter */
#define RST_STAT_RETRIED 9        /* counter */
#define RST_STAT_RELEASED 10      /* counter */
#define RST_STAT_REJECTED 11      /* counter */
#define RST_STAT_DEAD_LETTERED 12 /* counter */
#define RST_STAT_EXPIRED 13       /* counter: by TTL */
#define RST_STAT_DROPPED 14       /* counter: discarded by overflow */
#define RST_STAT_CAPACITY 15      /* gauge: most messages that fit; 0 = unbounded */
#define RST_STAT_MEMBERS 16       /* gauge: subscriptions in the group */
#define RST_STAT_CREDIT 17        /* gauge: messages that may still be delivered */
#define RST_STAT_RECONNECTS 18    /* counter */
#define RST_STAT_IN_FLIGHT 19     /* gauge: publishes without a final status */
#define RST_STAT_VENDOR 0x10000

#define RST_STAT_COUNTER 1
#define RST_STAT_GAUGE 2

/// One statistic that the plugin has. Static and immutable.
typedef struct rst_stat_decl {
  rst_str name; /* "waiting", "kafka.rebalances" */
  rst_str doc;  /* one line */
  uint32_t id;
  uint16_t type;
  uint16_t unit; /* RST_UNIT_ */
} rst_stat_decl;
RST_ASSERT_SIZE(rst_stat_decl, 40);
RST_ASSERT_OFFSET(rst_stat_decl, doc, 16);
RST_ASSERT_OFFSET(rst_stat_decl, id, 32);
RST_ASSERT_OFFSET(rst_stat_decl, type, 36);
RST_ASSERT_OFFSET(rst_stat_decl, unit, 38);

/// Of what: a handle of any of the three; or a connection's, with the kind, name and parent of rst.admin.
typedef struct rst_stats_query {
  uint32_t struct_size;
  uint32_t kind;
  uint64_t handle;
  rst_str name; /* empty = the handle's own */
  rst_str parent;
} rst_stats_query;
RST_ASSERT_SIZE(rst_stats_query, 48);
RST_ASSERT_OFFSET(rst_stats_query, kind, 4);
RST_ASSERT_OFFSET(rst_stats_query, handle, 8);
RST_ASSERT_OFFSET(rst_stats_query, name, 16);
RST_ASSERT_OFFSET(rst_stats_query, parent, 32);

/// One number. Frozen size.
typedef struct rst_stat {
  uint32_t id;
  uint32_t reserved;
  uint64_t value;
} rst_stat;
RST_ASSERT_SIZE(rst_stat, 16);
RST_ASSERT_OFFSET(rst_stat, reserved, 4);
RST_ASSERT_OFFSET(rst_stat, value, 8);

typedef struct rst_stats {
  uint32_t struct_size;
  uint32_t reserved0;
  const rst_stat_decl* decls;
  uint32_t decl_count;
  uint32_t decl_stride;

  /// Writes what is known, at most `capacity` numbers into the host's array; *count is how many there are, *age_ns how
  /// old they are (0 = exact now). Never asks the server while the caller waits (B1). [any-thread]
  /// @return RST_DONE, -RST_E_NOT_FOUND, -RST_E_UNSUPPORTED, -RST_E_CLOSED, -RST_E_STALE.
  int32_t (*snapshot)(void* instance, const rst_stats_query* query, rst_stat* stats, uint32_t capacity, uint32_t* count,
                      uint64_t* age_ns, rst_error* error);
} rst_stats;
RST_ASSERT_SIZE(rst_stats, 32);
RST_ASSERT_OFFSET(rst_stats, reserved0, 4);
RST_ASSERT_OFFSET(rst_stats, decls, 8);
RST_ASSERT_OFFSET(rst_stats, decl_count, 16);
RST_ASSERT_OFFSET(rst_stats, decl_stride, 20);
RST_ASSERT_OFFSET(rst_stats, snapshot, 24);

#ifdef __cplusplus
}
#endif

#endif
