/// Simulated time: a test moves the clock of an instance.
#ifndef RUSTSTREAM_ABI_EXT_SIM_H
#define RUSTSTREAM_ABI_EXT_SIM_H

#include "../error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RST_EXT_SIM "rst.sim/1"

/// *next_due_ns when no timer is set.
#define RST_SIM_NEVER INT64_MAX

typedef struct rst_sim {
  uint32_t struct_size;
  uint32_t reserved;

  /// From the first step on the instance starts no timer of its own: time is `now_ns` (monotonic, never falls) and what
  /// is due happens inside this call, on the caller's thread, host calls included. *next_due_ns: when to step next;
  /// *pending: what waits for that. [any-thread, one step at a time]
  /// @return RST_DONE; -RST_E_INVALID when time would fall.
  int32_t (*step)(void* instance, int64_t now_ns, int64_t* next_due_ns, uint64_t* pending, rst_error* error);
} rst_sim;
RST_ASSERT_SIZE(rst_sim, 16);
RST_ASSERT_OFFSET(rst_sim, reserved, 4);
RST_ASSERT_OFFSET(rst_sim, step, 8);

#ifdef __cplusplus
}
#endif

#endif
