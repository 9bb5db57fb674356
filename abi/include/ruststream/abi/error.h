/// Errors: a code, what to do about it, and a sentence that names the culprit.
#ifndef RUSTSTREAM_ABI_ERROR_H
#define RUSTSTREAM_ABI_ERROR_H

#include "basics.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Codes. The set is open: on an unknown one act on the flags.
#define RST_E_INVALID 1         /* an argument that no state would make right */
#define RST_E_OPTION 2          /* an option is unknown, mistyped, out of range or missing (O1) */
#define RST_E_UNSUPPORTED 3     /* not at this kind, server or version; nothing was done (S2, V2) */
#define RST_E_STATE 4           /* right call, wrong moment (L2) */
#define RST_E_NOT_FOUND 5       /* no such topic, queue, stream, field */
#define RST_E_EXISTS 6          /* it is there already, and different */
#define RST_E_PRECONDITION 7    /* expected sequence, declared topology or unbroken range is not so (X2) */
#define RST_E_UNAUTHENTICATED 8 /* the broker refused the credentials */
#define RST_E_DENIED 9          /* authenticated, but not allowed */
#define RST_E_UNAVAILABLE 10    /* no connection, broker away or shutting down */
#define RST_E_TIMEOUT 11        /* the operation's own time ran out */
#define RST_E_CANCELLED 12      /* dropped by an ABORT close, provably not sent */
#define RST_E_BACKPRESSURE 13   /* try after PUB_WRITABLE (P4) */
#define RST_E_TOO_LARGE 14      /* over a limit that the plan or the server names */
#define RST_E_CORRUPT 15        /* the peer broke its own protocol */
#define RST_E_NO_ROUTE 16       /* nobody listens there */
#define RST_E_EXHAUSTED 17      /* a quota or table is full; over credit (F1) */
#define RST_E_ABORTED 18        /* the transaction it belonged to ended (X3) */
#define RST_E_SETTLED 19        /* this token was settled before (S1) */
#define RST_E_STALE 20          /* a handle, id or token of the past, or never issued (L2, S3) */
#define RST_E_CLOSED 21         /* the handle is closing or closed (L2, L5) */
#define RST_E_INTERNAL 22       /* a defect, or an exception stopped at the boundary (L1) */

#define RST_ERROR_RETRYABLE 1u      /* the same call may succeed later */
#define RST_ERROR_FATAL 2u          /* the object is unusable from now on */
#define RST_ERROR_USER 4u           /* what the user wrote is wrong */
#define RST_ERROR_ABORT_TX 8u       /* the transaction must be aborted (X3) */
#define RST_ERROR_MAYBE_APPLIED 16u /* the broker may hold it all the same (P1, R2) */
#define RST_ERROR_AUTH 32u          /* about credentials */

/// Filled by whoever fails, in the caller's memory; NULL where the caller does not want it. Holds no pointer and needs
/// no free. Never carries a secret (O2). Frozen size.
typedef struct rst_error {
  int32_t code; /* RST_E_, 0 = none */
  uint32_t flags;
  int64_t native; /* the broker's or client library's own code, 0 = none */
  uint32_t retry_after_ms;
  uint16_t subject_off; /* range in text that names the option or destination, */
  uint16_t subject_len; /* 0 = none */
  uint16_t text_len;
  uint16_t reserved0;
  uint32_t reserved1;
  char text[480]; /* UTF-8, cut at a character */
} rst_error;
RST_ASSERT_SIZE(rst_error, 512);
RST_ASSERT_OFFSET(rst_error, flags, 4);
RST_ASSERT_OFFSET(rst_error, native, 8);
RST_ASSERT_OFFSET(rst_error, retry_after_ms, 16);
RST_ASSERT_OFFSET(rst_error, subject_off, 20);
RST_ASSERT_OFFSET(rst_error, subject_len, 22);
RST_ASSERT_OFFSET(rst_error, text_len, 24);
RST_ASSERT_OFFSET(rst_error, reserved0, 26);
RST_ASSERT_OFFSET(rst_error, reserved1, 28);
RST_ASSERT_OFFSET(rst_error, text, 32);

/// Statuses: of each published message, each settlement, each completion. Zero or above is success; a negative one
/// carries code and flags. A verb's own return value is -code alone, its flags are in the rst_error; both read with the
/// same functions.
#define RST_OK 0
#define RST_OK_DUPLICATE 1 /* the broker had this message id already and dropped the copy */
#define RST_OK_UNROUTED 2  /* accepted, and nobody listens */

static inline int32_t rst_status(int32_t code, uint32_t flags) { return -(code | (int32_t)(flags << 8)); }
static inline int32_t rst_status_code(int32_t status) { return status < 0 ? -status & 0xFF : 0; }
static inline uint32_t rst_status_flags(int32_t status) { return status < 0 ? (uint32_t)-status >> 8 : 0; }

#ifdef __cplusplus
}
#endif

#endif
