/// Would this message reach that subscription?
#ifndef RUSTSTREAM_ABI_EXT_MATCH_H
#define RUSTSTREAM_ABI_EXT_MATCH_H

#include "../error.h"
#include "../publish.h"
#include "../spec.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RST_EXT_MATCH "rst.match/1"

typedef struct rst_match {
  uint32_t struct_size;
  uint32_t reserved;

  /// By the broker's own rules of addresses, patterns and routing. `message` NULL: any message of that publisher with
  /// its own destination. [any-thread, pure, before init too]
  /// @return 1 or 0; -RST_E_INVALID for a malformed address.
  int32_t (*match)(const rst_subscription_spec* subscription, const rst_publisher_spec* publisher,
                   const rst_out_message* message, rst_error* error);
} rst_match;
RST_ASSERT_SIZE(rst_match, 16);
RST_ASSERT_OFFSET(rst_match, reserved, 4);
RST_ASSERT_OFFSET(rst_match, match, 8);

#ifdef __cplusplus
}
#endif

#endif
