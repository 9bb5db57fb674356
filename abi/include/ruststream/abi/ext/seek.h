/// Seeking: a subscription goes on from elsewhere in its log.
#ifndef RUSTSTREAM_ABI_EXT_SEEK_H
#define RUSTSTREAM_ABI_EXT_SEEK_H

#include "../error.h"
#include "../position.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RST_EXT_SEEK "rst.seek/1"

typedef struct rst_seek {
  uint32_t struct_size;
  uint32_t reserved;

  /// Moves the named partitions, or all of them with the one position of partition 0. From the completion on the
  /// subscription's generation is higher, earlier tokens are stale, the balance is kept (F1). Positions are borrowed
  /// for the call. [any-thread, never waits]
  /// @return also -RST_E_NOT_FOUND (no longer kept), -RST_E_INVALID, -RST_E_UNSUPPORTED, -RST_E_CLOSED, -RST_E_STALE.
  /// Rules: B1, C1, G2, H6.
  int32_t (*seek)(void* instance, uint64_t subscription, const rst_position* positions, uint32_t count, uint64_t op,
                  rst_error* error);
} rst_seek;
RST_ASSERT_SIZE(rst_seek, 16);
RST_ASSERT_OFFSET(rst_seek, reserved, 4);
RST_ASSERT_OFFSET(rst_seek, seek, 8);

#ifdef __cplusplus
}
#endif

#endif
