/// Numbers, text and small values that every other header uses.
#ifndef RUSTSTREAM_ABI_BASICS_H
#define RUSTSTREAM_ABI_BASICS_H

#include <stddef.h>
#include <stdint.h>

/// The contract's version. While the major is 0 the minor is a draft number: the host demands the same one.
#define RST_ABI_MAJOR 0
#define RST_ABI_MINOR 1

/// Asserts of layout, for LP64 and LLP64, little-endian. Rule V1: no implicit padding, reserved bytes are zero.
#ifdef __cplusplus
#define RST_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define RST_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif
#define RST_ASSERT_SIZE(type, size) RST_STATIC_ASSERT(sizeof(type) == (size), #type " has another size")
#define RST_ASSERT_OFFSET(type, field, offset) \
  RST_STATIC_ASSERT(offsetof(type, field) == (offset), #type "." #field " is elsewhere")

/// How long a struct must be for who knows its fields up to `last`: what to ask of the peer's struct_size or stride.
/// Never sizeof: that grows with the header, and a peer with an older one would be refused (V3).
#ifdef __cplusplus
#define RST_UP_TO(type, last) (offsetof(type, last) + sizeof(type::last))
#else
#define RST_UP_TO(type, last) (offsetof(type, last) + sizeof(((type*)0)->last))
#endif

/// Marks the one exported symbol of a plugin.
#ifdef _WIN32
#define RST_EXPORT __declspec(dllexport)
#else
#define RST_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// What a verb returns: done and nothing follows; or exactly one completion follows, from any thread, perhaps before
/// the verb returns (C1); or minus an RST_E_ code: nothing was done and nothing follows.
#define RST_DONE 0
#define RST_PENDING 1

/// Text or bytes with a length. Never assumed to end in NUL; UTF-8 where it is text. Frozen size.
typedef struct rst_str {
  const char* ptr;
  uint64_t len;
} rst_str;
RST_ASSERT_SIZE(rst_str, 16);
RST_ASSERT_OFFSET(rst_str, len, 8);

/// Types of values: of options, broker fields and statistics.
#define RST_TYPE_NONE 0     /* no value */
#define RST_TYPE_BOOL 1     /* i64, 0 or 1 */
#define RST_TYPE_I64 2      /* i64 */
#define RST_TYPE_U64 3      /* u64 */
#define RST_TYPE_F64 4      /* f64 */
#define RST_TYPE_STRING 5   /* ptr + len, UTF-8 */
#define RST_TYPE_BYTES 6    /* ptr + len */
#define RST_TYPE_DURATION 7 /* u64, nanoseconds */
#define RST_TYPE_SIZE 8     /* u64, bytes */
#define RST_TYPE_ENUM 9     /* ptr + len, one of the declared choices */
#define RST_TYPE_PATH 10    /* ptr + len, of a file or folder */
#define RST_TYPE_URL 11     /* ptr + len */

/// Units of a number. A value always carries nanoseconds or bytes; the unit says how a bare number in a user's text is
/// read and how documentation names it.
#define RST_UNIT_NONE 0
#define RST_UNIT_NANOSECOND 1
#define RST_UNIT_MICROSECOND 2
#define RST_UNIT_MILLISECOND 3
#define RST_UNIT_SECOND 4
#define RST_UNIT_BYTE 5
#define RST_UNIT_KIBIBYTE 6
#define RST_UNIT_MEBIBYTE 7
#define RST_UNIT_MESSAGE 8

/// One value; `type` says which member holds it. Frozen size.
typedef struct rst_value {
  union {
    int64_t i64;
    uint64_t u64;
    double f64;
    const void* ptr;
  } as;
  uint32_t len; /* of what ptr points to, bytes */
  uint16_t type;
  uint16_t flags; /* 0: none is defined */
} rst_value;
RST_ASSERT_SIZE(rst_value, 16);
RST_ASSERT_OFFSET(rst_value, len, 8);
RST_ASSERT_OFFSET(rst_value, type, 12);
RST_ASSERT_OFFSET(rst_value, flags, 14);

#ifdef __cplusplus
}
#endif

#endif
