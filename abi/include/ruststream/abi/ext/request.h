/// Request and reply.
#ifndef RUSTSTREAM_ABI_EXT_REQUEST_H
#define RUSTSTREAM_ABI_EXT_REQUEST_H

#include "../error.h"
#include "../publish.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RST_EXT_REQUEST "rst.request/1"

typedef struct rst_request {
  uint32_t struct_size;
  uint32_t reserved;

  /// Publishes exactly one message with a reply address of the plugin's; `op` is not 0. Always PENDING or an error. The
  /// completion's value is the rst_batch with the reply (tokens 0, subscription 0), the host's from that call on,
  /// cancelled or not; it owes a release. `accepted`, statuses and receipts speak of the request itself. [any-thread,
  /// never waits]
  /// @return also what publish returns; completes with TIMEOUT, NO_ROUTE (nobody listens), CANCELLED.   Rules: B1, C1,
  /// M1.
  int32_t (*request)(void* instance, rst_publish* publish, rst_error* error);
} rst_request;
RST_ASSERT_SIZE(rst_request, 16);
RST_ASSERT_OFFSET(rst_request, reserved, 4);
RST_ASSERT_OFFSET(rst_request, request, 8);

#ifdef __cplusplus
}
#endif

#endif
