/// What validate answers: a plan, and through the report every problem and text.
#ifndef RUSTSTREAM_ABI_PLAN_H
#define RUSTSTREAM_ABI_PLAN_H

#include "error.h"
#include "kind.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RST_PLAN_ORDERED_SETTLE                                                                                     \
  1u                              /* the transport settles in delivery order: an unsettled head holds the rest back \
                                   */
#define RST_PLAN_SHARED_WINDOW 2u /* all subscriptions of the connection share one window */
#define RST_PLAN_COPY_PRIVATE 4u  /* a copy published to COPY_ADDRESS reaches only this group */
#define RST_PLAN_COPY_SHARED 8u   /* it reaches everyone who listens */
#define RST_PLAN_BROKER_MOVES 16u /* the broker itself moves a message to the dead letter after max_attempts */

/// How the spec will behave: before the connection, as far as it can be known. The host sets struct_size, caps and
/// cap_capacity; the plugin writes the rest.
typedef struct rst_plan {
  uint32_t struct_size;
  uint32_t flags;
  uint64_t ack_deadline_ns; /* after which an unsettled message comes back; 0 = never */
  uint64_t max_payload;     /* bytes; 0 = no limit known */
  uint64_t max_delay_ns;    /* of RETRY; 0 = none or no limit, as the capability says */
  uint32_t max_unsettled;   /* 0 = no limit known */
  uint32_t max_batch;       /* 0 = no limit known */
  uint32_t cap_capacity;
  uint32_t cap_count;      /* how many there are; only the first cap_capacity were written */
  rst_capability* caps;    /* the host's buffer, or NULL */
  uint32_t default_window; /* unsettled messages where the user names no number; 0 = as the host has it */
  uint32_t reserved;
} rst_plan;
RST_ASSERT_SIZE(rst_plan, 64);
RST_ASSERT_OFFSET(rst_plan, flags, 4);
RST_ASSERT_OFFSET(rst_plan, ack_deadline_ns, 8);
RST_ASSERT_OFFSET(rst_plan, max_payload, 16);
RST_ASSERT_OFFSET(rst_plan, max_delay_ns, 24);
RST_ASSERT_OFFSET(rst_plan, max_unsettled, 32);
RST_ASSERT_OFFSET(rst_plan, max_batch, 36);
RST_ASSERT_OFFSET(rst_plan, cap_capacity, 40);
RST_ASSERT_OFFSET(rst_plan, cap_count, 44);
RST_ASSERT_OFFSET(rst_plan, caps, 48);
RST_ASSERT_OFFSET(rst_plan, default_window, 56);
RST_ASSERT_OFFSET(rst_plan, reserved, 60);

/// Keys of rst_report.text.
#define RST_TEXT_CANONICAL_ADDRESS 1 /* the address as the broker names it */
#define RST_TEXT_COPY_ADDRESS 2      /* where a private or shared copy is published */
#define RST_TEXT_GROUP_KEY 3         /* tells two registrations that share a group */
#define RST_TEXT_SERVER_DISPLAY 4    /* host and port without secrets (O2) */
#define RST_TEXT_BINDINGS_JSON 5     /* the AsyncAPI bindings of this spec */
#define RST_TEXT_DESCRIPTION_JSON 6  /* rst.admin: what DESCRIBE found */

/// A sink of the host. Functions are called during the verb (for rst.admin until the completion), on its thread or the
/// plugin's, one at a time; what is passed is borrowed for that call. A NULL function is not called.
typedef struct rst_report {
  uint32_t struct_size;
  uint32_t reserved;
  void* ctx;
  /// One problem; a code of 0 with a text is a warning. Called once for each (O1).
  void (*issue)(void* ctx, const rst_error* issue);
  void (*text)(void* ctx, uint32_t key, rst_str text);
} rst_report;
RST_ASSERT_SIZE(rst_report, 32);
RST_ASSERT_OFFSET(rst_report, reserved, 4);
RST_ASSERT_OFFSET(rst_report, ctx, 8);
RST_ASSERT_OFFSET(rst_report, issue, 16);
RST_ASSERT_OFFSET(rst_report, text, 24);

#ifdef __cplusplus
}
#endif

#endif
