/// What the host gives an instance: one table, passed back in every call so that a wrapper can put its own in between.
#ifndef RUSTSTREAM_ABI_HOST_H
#define RUSTSTREAM_ABI_HOST_H

#include "batch.h"
#include "completion.h"
#include "event.h"
#include "log.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RST_CLOCK_WALL 0
#define RST_CLOCK_MONOTONIC 1

typedef struct rst_host rst_host;

/// Valid until deinit returns. No function blocks, runs user code, calls a verb on the same stack (H2) or unwinds (L1);
/// all are legal inside verbs (H5). Calls of one thread about one subscription are observed in call order (C4).
struct rst_host {
  uint32_t struct_size;
  uint16_t abi_major;
  uint16_t abi_minor;
  void* ctx; /* the host's own */
  rst_str name;
  rst_str version;

  /// Hands over a batch. Accepted: the host's until it calls ops->release. Refused: it stays the plugin's, its messages
  /// go back to the broker unprocessed, nothing is debited. [any-thread]
  /// @return RST_DONE, -RST_E_STALE (no such subscription), -RST_E_EXHAUSTED (over credit).   Rules: M1, M6, F1, C3,
  /// C4.
  int32_t (*deliver)(const rst_host* host, rst_batch* batch);

  /// Ends pending operations; always takes ownership of what the values carry. [any-thread]   Rules: C1, C3, C4.
  void (*complete)(const rst_host* host, const rst_completion* completions, uint32_t count, uint32_t stride);

  /// [any-thread]   Rules: C3, C4, G1, H4.
  void (*event)(const rst_host* host, const rst_event* event);

  /// Drops and counts when it cannot keep up. Read *log_level first. [any-thread]   Rules: O2, L6.
  void (*log)(const rst_host* host, const rst_log* log);

  const uint32_t* log_level; /* read relaxed; may change at any time */

  /// Nanoseconds of RST_CLOCK_WALL (since the epoch) or RST_CLOCK_MONOTONIC. [any-thread]
  int64_t (*now)(const rst_host* host, uint32_t clock);

  /// A table of the host by its id ("rst.secrets/1"), valid until deinit returns, or NULL. [any-thread]
  const void* (*get_extension)(const rst_host* host, rst_str id);

  void* reserved[3];
};
RST_ASSERT_SIZE(rst_host, 128);
RST_ASSERT_OFFSET(rst_host, abi_major, 4);
RST_ASSERT_OFFSET(rst_host, abi_minor, 6);
RST_ASSERT_OFFSET(rst_host, ctx, 8);
RST_ASSERT_OFFSET(rst_host, name, 16);
RST_ASSERT_OFFSET(rst_host, version, 32);
RST_ASSERT_OFFSET(rst_host, deliver, 48);
RST_ASSERT_OFFSET(rst_host, complete, 56);
RST_ASSERT_OFFSET(rst_host, event, 64);
RST_ASSERT_OFFSET(rst_host, log, 72);
RST_ASSERT_OFFSET(rst_host, log_level, 80);
RST_ASSERT_OFFSET(rst_host, now, 88);
RST_ASSERT_OFFSET(rst_host, get_extension, 96);
RST_ASSERT_OFFSET(rst_host, reserved, 104);

#ifdef __cplusplus
}
#endif

#endif
