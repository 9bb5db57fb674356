/// Transactions: publishes and settlements that become effective together, or not at all.
#ifndef RUSTSTREAM_ABI_EXT_TX_H
#define RUSTSTREAM_ABI_EXT_TX_H

#include "../error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RST_EXT_TX "rst.tx/1"

/// Publishes and settlements join by the `tx` of rst_publish and rst_settle. All [any-thread], never wait (B1).
typedef struct rst_tx {
  uint32_t struct_size;
  uint32_t reserved;

  /// On one publisher, for settlements of one subscription, or (0) of any of the connection. DONE: *tx; PENDING: the
  /// completion's value.
  /// @return also -RST_E_STATE (one is open on this publisher), -RST_E_UNSUPPORTED, -RST_E_CLOSED, -RST_E_STALE.
  int32_t (*begin)(void* instance, uint64_t publisher, uint64_t subscription, uint64_t timeout_ns, uint64_t* tx,
                   uint64_t op, rst_error* error);

  /// @return also -RST_E_PRECONDITION over a gap of unsettled predecessors: it stays open (X2); -RST_E_STALE.   Rule:
  /// X1.
  int32_t (*commit)(void* instance, uint64_t tx, uint64_t op, rst_error* error);

  /// The enlisted tokens are stale and their messages come again.   @return also -RST_E_STALE.   Rule: X3.
  int32_t (*abort)(void* instance, uint64_t tx, uint64_t op, rst_error* error);
} rst_tx;
RST_ASSERT_SIZE(rst_tx, 32);
RST_ASSERT_OFFSET(rst_tx, reserved, 4);
RST_ASSERT_OFFSET(rst_tx, begin, 8);
RST_ASSERT_OFFSET(rst_tx, commit, 16);
RST_ASSERT_OFFSET(rst_tx, abort, 24);

#ifdef __cplusplus
}
#endif

#endif
