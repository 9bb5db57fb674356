/// Places in a log, and the ordering domains they belong to.
#ifndef RUSTSTREAM_ABI_POSITION_H
#define RUSTSTREAM_ABI_POSITION_H

#include "basics.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RST_POSITION_NONE 0 /* no receipt */
#define RST_POSITION_EARLIEST 1
#define RST_POSITION_LATEST 2
#define RST_POSITION_AT 3    /* data names a message: begin with it */
#define RST_POSITION_AFTER 4 /* data names a message: begin behind it */
#define RST_POSITION_TIME 5  /* first message at or after time_ns */

/// A place. `data` is opaque and may be stored for years; a host stores it with the partition's name, since the index
/// lives only within its subscription. Frozen size.
typedef struct rst_position {
  uint16_t kind;
  uint16_t len; /* of data */
  uint32_t partition;
  int64_t time_ns; /* since the epoch */
  uint8_t data[32];
  rst_str partition_name; /* input only; wins over `partition` when not empty */
} rst_position;
RST_ASSERT_SIZE(rst_position, 64);
RST_ASSERT_OFFSET(rst_position, len, 2);
RST_ASSERT_OFFSET(rst_position, partition, 4);
RST_ASSERT_OFFSET(rst_position, time_ns, 8);
RST_ASSERT_OFFSET(rst_position, data, 16);
RST_ASSERT_OFFSET(rst_position, partition_name, 48);

/// One ordering domain, as events name it. Frozen size.
typedef struct rst_partition {
  rst_str name;
  uint32_t partition;
  uint32_t generation; /* from which this holds: a queued message with a smaller one is stale (G2) */
  uint64_t reserved;
} rst_partition;
RST_ASSERT_SIZE(rst_partition, 32);
RST_ASSERT_OFFSET(rst_partition, partition, 16);
RST_ASSERT_OFFSET(rst_partition, generation, 20);
RST_ASSERT_OFFSET(rst_partition, reserved, 24);

#ifdef __cplusplus
}
#endif

#endif
