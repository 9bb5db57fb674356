// What Go cannot do itself: call function pointers, and be one.
#ifndef RUSTSTREAM_GO_GLUE_H
#define RUSTSTREAM_GO_GLUE_H

#include <ruststream/abi.h>

#include <stdlib.h>
#include <string.h>

/// How long what the host passes must be: up to the last field that is known here, whatever the header has grown to
/// (V3).
enum {
  rst_go_host = RST_UP_TO(rst_host, get_extension),
  rst_go_init_args = RST_UP_TO(rst_init_args, flags),
  rst_go_connection_spec = RST_UP_TO(rst_connection_spec, timeout_ns),
  rst_go_subscription_spec = RST_UP_TO(rst_subscription_spec, timeout_ns),
  rst_go_publisher_spec = RST_UP_TO(rst_publisher_spec, timeout_ns),
  rst_go_options_spec = RST_UP_TO(rst_options_spec, option_count),
  rst_go_plan = RST_UP_TO(rst_plan, default_window),
  rst_go_report = RST_UP_TO(rst_report, text),
  rst_go_credit = RST_UP_TO(rst_credit, op),
  rst_go_settle = RST_UP_TO(rst_settle, timeout_ns),
  rst_go_settlement = RST_UP_TO(rst_settlement, status),
  rst_go_settle_detail = RST_UP_TO(rst_settle_detail, headers),
  rst_go_publish = RST_UP_TO(rst_publish, timeout_ns),
  rst_go_out_message = RST_UP_TO(rst_out_message, reserved),
  rst_go_out_props = RST_UP_TO(rst_out_props, partition)
};

static inline int32_t rst_go_deliver(const rst_host* host, rst_batch* batch) { return host->deliver(host, batch); }
static inline void rst_go_complete(const rst_host* host, const rst_completion* all, uint32_t count) {
  host->complete(host, all, count, sizeof(rst_completion));
}
static inline void rst_go_event(const rst_host* host, const rst_event* event) { host->event(host, event); }
static inline void rst_go_log(const rst_host* host, const rst_log* line) { host->log(host, line); }
static inline uint32_t rst_go_log_level(const rst_host* host) {
  return __atomic_load_n(host->log_level, __ATOMIC_RELAXED);
}
static inline void rst_go_issue(const rst_report* report, const rst_error* issue) {
  if (report->issue != NULL) report->issue(report->ctx, issue);
}

/// rst_value's union, which Go sees as bytes.
static inline uint64_t rst_go_value_u64(const rst_value* value) { return value->as.u64; }
static inline const void* rst_go_value_ptr(const rst_value* value) { return value->as.ptr; }

/// Sets the verbs of the table; `settles`, `publishes`: whether any kind needs those.
void rst_go_set_verbs(rst_plugin* table, int consumes, int settles, int publishes);

/// Releasing a batch frees its block: no Go is called.
extern const rst_batch_ops rst_go_batch_ops;

#endif
