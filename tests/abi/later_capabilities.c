/* The directory broker of a newer draft (other_draft.py) has capabilities of which no host of this one knows: in its
 * table and in its plans. */
#include <ruststream/abi.h>

#include <string.h>

const rst_plugin* dir_table(void); /* its own entry, under another name */

static const rst_capability kLater = {0x7FFF0001, RST_LEVEL_NATIVE + 40, 0x8000, UINT64_MAX};
enum { kMost = 64 };
static rst_capability g_caps[kMost];
static rst_kind g_kind;
static rst_plugin g_table;

static int32_t validate(uint32_t scope, const void* spec, rst_plan* plan, const rst_report* report, rst_error* error) {
  const int32_t status = dir_table()->validate(scope, spec, plan, report, error);
  if (status == RST_DONE && plan != NULL && plan->caps != NULL && plan->cap_count < plan->cap_capacity)
    plan->caps[plan->cap_count++] = kLater;
  return status;
}

__attribute__((constructor)) static void make_table(void) {
  g_table = *dir_table();
  g_kind = g_table.kinds[0];
  g_caps[0] = kLater;
  memcpy(g_caps + 1, g_kind.caps, g_kind.cap_count * sizeof *g_caps);
  g_kind.caps = g_caps;
  ++g_kind.cap_count;
  memset(g_kind.later, 0xA5, sizeof g_kind.later);
  memset(g_table.later, 0xA5, sizeof g_table.later);
  g_table.kinds = &g_kind;
  g_table.validate = validate;
}

RST_EXPORT const rst_plugin* rst_plugin_v0(void);
RST_EXPORT const rst_plugin* rst_plugin_v0(void) { return &g_table; }
