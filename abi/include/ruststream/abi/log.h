/// Log lines of a plugin.
#ifndef RUSTSTREAM_ABI_LOG_H
#define RUSTSTREAM_ABI_LOG_H

#include "basics.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Levels; a line is wanted when its level is at most *rst_host.log_level.
#define RST_LOG_OFF 0
#define RST_LOG_ERROR 1
#define RST_LOG_WARN 2
#define RST_LOG_INFO 3
#define RST_LOG_DEBUG 4
#define RST_LOG_TRACE 5

/// Borrowed for the call. Never carries a secret (O2), nor the ids of a closed connection (L6).
typedef struct rst_log {
  uint32_t struct_size;
  uint32_t level;
  uint64_t connection; /* the host's id; 0 = none */
  uint64_t subject;    /* the host's id; 0 = none */
  int32_t code;        /* RST_E_, 0 = none */
  uint32_t line;       /* of the source, 0 = not told */
  rst_str target;      /* part of the plugin, or its source file */
  rst_str text;
} rst_log;
RST_ASSERT_SIZE(rst_log, 64);
RST_ASSERT_OFFSET(rst_log, level, 4);
RST_ASSERT_OFFSET(rst_log, connection, 8);
RST_ASSERT_OFFSET(rst_log, subject, 16);
RST_ASSERT_OFFSET(rst_log, code, 24);
RST_ASSERT_OFFSET(rst_log, line, 28);
RST_ASSERT_OFFSET(rst_log, target, 32);
RST_ASSERT_OFFSET(rst_log, text, 48);

#ifdef __cplusplus
}
#endif

#endif
