/// Administration: makes, empties and deletes what outlives a session (F4).
#ifndef RUSTSTREAM_ABI_EXT_ADMIN_H
#define RUSTSTREAM_ABI_EXT_ADMIN_H

#include "../option.h"
#include "../plan.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RST_EXT_ADMIN "rst.admin/1"

#define RST_ADMIN_CREATE 1   /* an equal one: DONE; a different one: EXISTS */
#define RST_ADMIN_DELETE 2   /* none there: NOT_FOUND */
#define RST_ADMIN_PURGE 3    /* removes the waiting messages; completion value: how many, where known */
#define RST_ADMIN_DESCRIBE 4 /* report->text with RST_TEXT_DESCRIPTION_JSON */

/// One action on one object: a topic, queue, stream, or a group of consumers. Options are borrowed for the call, the
/// report until the completion.
typedef struct rst_admin_request {
  uint32_t struct_size;
  uint32_t flags;      /* 0: none is defined */
  uint64_t connection; /* handle */
  uint32_t action;
  uint32_t kind; /* index into rst_plugin.kinds, of role ADMIN */
  rst_str name;
  rst_str parent;            /* what the object lives in (a group's topic, a binding's exchange); empty = none */
  const rst_option* options; /* of scope ADMIN */
  const rst_report* report;  /* NULL = not wanted */
  uint32_t option_count;
  uint32_t reserved;
  uint64_t op;
  uint64_t timeout_ns; /* 0 = the op_timeout option */
} rst_admin_request;
RST_ASSERT_SIZE(rst_admin_request, 96);
RST_ASSERT_OFFSET(rst_admin_request, flags, 4);
RST_ASSERT_OFFSET(rst_admin_request, connection, 8);
RST_ASSERT_OFFSET(rst_admin_request, action, 16);
RST_ASSERT_OFFSET(rst_admin_request, kind, 20);
RST_ASSERT_OFFSET(rst_admin_request, name, 24);
RST_ASSERT_OFFSET(rst_admin_request, parent, 40);
RST_ASSERT_OFFSET(rst_admin_request, options, 56);
RST_ASSERT_OFFSET(rst_admin_request, report, 64);
RST_ASSERT_OFFSET(rst_admin_request, option_count, 72);
RST_ASSERT_OFFSET(rst_admin_request, reserved, 76);
RST_ASSERT_OFFSET(rst_admin_request, op, 80);
RST_ASSERT_OFFSET(rst_admin_request, timeout_ns, 88);

typedef struct rst_admin {
  uint32_t struct_size;
  uint32_t reserved;

  /// [any-thread, never waits]
  /// @return also -RST_E_NOT_FOUND, -RST_E_EXISTS, -RST_E_UNSUPPORTED, -RST_E_OPTION, -RST_E_DENIED.   Rules: B1, C1,
  /// F4, O1.
  int32_t (*apply)(void* instance, const rst_admin_request* request, rst_error* error);
} rst_admin;
RST_ASSERT_SIZE(rst_admin, 16);
RST_ASSERT_OFFSET(rst_admin, reserved, 4);
RST_ASSERT_OFFSET(rst_admin, apply, 8);

#ifdef __cplusplus
}
#endif

#endif
