/// The end of an operation that returned PENDING.
#ifndef RUSTSTREAM_ABI_COMPLETION_H
#define RUSTSTREAM_ABI_COMPLETION_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Exactly one per pending operation (C1). `value` is the handle of connect, subscribe and open_publisher, the
/// transaction of begin, the number of messages dropped by close, the rst_batch pointer of a request.
typedef struct rst_completion {
  uint64_t op;
  int32_t status; /* RST_OK, or negative as rst_status packs it */
  uint32_t flags; /* 0: none is defined */
  uint64_t value;
  const rst_error* error; /* NULL when OK; valid during the call */
} rst_completion;
RST_ASSERT_SIZE(rst_completion, 32);
RST_ASSERT_OFFSET(rst_completion, status, 8);
RST_ASSERT_OFFSET(rst_completion, flags, 12);
RST_ASSERT_OFFSET(rst_completion, value, 16);
RST_ASSERT_OFFSET(rst_completion, error, 24);

#ifdef __cplusplus
}
#endif

#endif
