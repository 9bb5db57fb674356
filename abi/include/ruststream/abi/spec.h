/// What the host asks for: a connection, a subscription, a publisher. All borrowed for the call only.
#ifndef RUSTSTREAM_ABI_SPEC_H
#define RUSTSTREAM_ABI_SPEC_H

#include "option.h"
#include "position.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RST_CONNECT_RETRY_INITIAL 1u /* keep trying until the timeout instead of failing at the first refusal */

typedef struct rst_connection_spec {
  uint32_t struct_size;
  uint32_t flags;
  uint64_t id; /* the host's name for it, never reused (C3) */
  rst_str url; /* secret (O2) */
  rst_str client_name;
  const rst_option* options;
  uint32_t option_count;
  uint32_t reserved;
  uint64_t op;
  uint64_t timeout_ns; /* 0 = the connect_timeout option */
} rst_connection_spec;
RST_ASSERT_SIZE(rst_connection_spec, 80);
RST_ASSERT_OFFSET(rst_connection_spec, flags, 4);
RST_ASSERT_OFFSET(rst_connection_spec, id, 8);
RST_ASSERT_OFFSET(rst_connection_spec, url, 16);
RST_ASSERT_OFFSET(rst_connection_spec, client_name, 32);
RST_ASSERT_OFFSET(rst_connection_spec, options, 48);
RST_ASSERT_OFFSET(rst_connection_spec, option_count, 56);
RST_ASSERT_OFFSET(rst_connection_spec, reserved, 60);
RST_ASSERT_OFFSET(rst_connection_spec, op, 64);
RST_ASSERT_OFFSET(rst_connection_spec, timeout_ns, 72);

typedef struct rst_subscription_spec {
  uint32_t struct_size;
  uint32_t flags; /* 0: none is defined */
  uint64_t id;    /* the host's name for it, never reused (C3) */
  uint32_t kind;  /* index into rst_plugin.kinds */
  uint32_t address_count;
  const rst_str* addresses;
  rst_str group;             /* empty = none: a subscription of its own */
  rst_str durable;           /* broker-side state that outlives the session (F4); empty = none */
  const rst_position* start; /* NULL = the kind's default */
  const rst_option* options;
  uint32_t start_count;
  uint32_t option_count;
  uint32_t credit_messages;   /* initial */
  uint32_t max_batch;         /* 0 = the plugin's choice */
  uint64_t credit_bytes;      /* initial */
  uint64_t window_bytes;      /* 0 = the plugin's choice */
  uint32_t window_messages;   /* most unsettled; 0 = the plugin's choice */
  uint32_t max_attempts;      /* 0 = no limit */
  uint64_t batch_wait_ns;     /* how long a batch that is not full may wait; 0 = not at all */
  rst_str dead_letter;        /* where REJECT and the last attempt go; empty = nowhere */
  uint64_t max_processing_ns; /* longest a handler takes; 0 = unknown */
  uint64_t op;
  uint64_t timeout_ns; /* 0 = the op_timeout option */
} rst_subscription_spec;
RST_ASSERT_SIZE(rst_subscription_spec, 168);
RST_ASSERT_OFFSET(rst_subscription_spec, flags, 4);
RST_ASSERT_OFFSET(rst_subscription_spec, id, 8);
RST_ASSERT_OFFSET(rst_subscription_spec, kind, 16);
RST_ASSERT_OFFSET(rst_subscription_spec, address_count, 20);
RST_ASSERT_OFFSET(rst_subscription_spec, addresses, 24);
RST_ASSERT_OFFSET(rst_subscription_spec, group, 32);
RST_ASSERT_OFFSET(rst_subscription_spec, durable, 48);
RST_ASSERT_OFFSET(rst_subscription_spec, start, 64);
RST_ASSERT_OFFSET(rst_subscription_spec, options, 72);
RST_ASSERT_OFFSET(rst_subscription_spec, start_count, 80);
RST_ASSERT_OFFSET(rst_subscription_spec, option_count, 84);
RST_ASSERT_OFFSET(rst_subscription_spec, credit_messages, 88);
RST_ASSERT_OFFSET(rst_subscription_spec, max_batch, 92);
RST_ASSERT_OFFSET(rst_subscription_spec, credit_bytes, 96);
RST_ASSERT_OFFSET(rst_subscription_spec, window_bytes, 104);
RST_ASSERT_OFFSET(rst_subscription_spec, window_messages, 112);
RST_ASSERT_OFFSET(rst_subscription_spec, max_attempts, 116);
RST_ASSERT_OFFSET(rst_subscription_spec, batch_wait_ns, 120);
RST_ASSERT_OFFSET(rst_subscription_spec, dead_letter, 128);
RST_ASSERT_OFFSET(rst_subscription_spec, max_processing_ns, 144);
RST_ASSERT_OFFSET(rst_subscription_spec, op, 152);
RST_ASSERT_OFFSET(rst_subscription_spec, timeout_ns, 160);

#define RST_PUBLISHER_CONFIRM 1u       /* its publishes will ask for CONFIRM */
#define RST_PUBLISHER_TRANSACTIONAL 2u /* it will be used with rst.tx */

typedef struct rst_publisher_spec {
  uint32_t struct_size;
  uint32_t flags;
  uint64_t id;   /* the host's name for it, never reused (C3) */
  uint32_t kind; /* index into rst_plugin.kinds */
  uint32_t option_count;
  rst_str destination; /* empty = each message names its own */
  const rst_option* options;
  uint64_t op;
  uint64_t timeout_ns; /* 0 = the op_timeout option */
} rst_publisher_spec;
RST_ASSERT_SIZE(rst_publisher_spec, 64);
RST_ASSERT_OFFSET(rst_publisher_spec, flags, 4);
RST_ASSERT_OFFSET(rst_publisher_spec, id, 8);
RST_ASSERT_OFFSET(rst_publisher_spec, kind, 16);
RST_ASSERT_OFFSET(rst_publisher_spec, option_count, 20);
RST_ASSERT_OFFSET(rst_publisher_spec, destination, 24);
RST_ASSERT_OFFSET(rst_publisher_spec, options, 40);
RST_ASSERT_OFFSET(rst_publisher_spec, op, 48);
RST_ASSERT_OFFSET(rst_publisher_spec, timeout_ns, 56);

/// What validate checks in the scopes MESSAGE, ADMIN and TX, where there is no spec of its own: options alone.
typedef struct rst_options_spec {
  uint32_t struct_size;
  uint32_t kind; /* index into rst_plugin.kinds */
  const rst_option* options;
  uint32_t option_count;
  uint32_t reserved;
} rst_options_spec;
RST_ASSERT_SIZE(rst_options_spec, 24);
RST_ASSERT_OFFSET(rst_options_spec, kind, 4);
RST_ASSERT_OFFSET(rst_options_spec, options, 8);
RST_ASSERT_OFFSET(rst_options_spec, option_count, 16);
RST_ASSERT_OFFSET(rst_options_spec, reserved, 20);

#ifdef __cplusplus
}
#endif

#endif
