/// Options: what a plugin declares, and how the user's values reach it.
#ifndef RUSTSTREAM_ABI_OPTION_H
#define RUSTSTREAM_ABI_OPTION_H

#include "basics.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Where an option may be given, a bit mask; `validate` takes one of them.
#define RST_SCOPE_CONNECTION 1u
#define RST_SCOPE_SUBSCRIPTION 2u
#define RST_SCOPE_PUBLISHER 4u
#define RST_SCOPE_MESSAGE 8u
#define RST_SCOPE_ADMIN 16u
#define RST_SCOPE_TX 32u

#define RST_OPTION_REQUIRED 1u
#define RST_OPTION_SECRET 2u /* never shown (O2) */
#define RST_OPTION_LIST 4u   /* any number of values of the type */
#define RST_OPTION_PREFIX 8u /* any name that begins with this one; passed through with its full name */
#define RST_OPTION_DEPRECATED 16u
#define RST_OPTION_RELOADABLE 32u /* read again at each reconnect */
#define RST_OPTION_EXPERT 64u

/// One declared option. Static and immutable, as is all it points to.
typedef struct rst_option_decl {
  rst_str name;
  rst_str doc;          /* one line */
  rst_str default_text; /* as a user would write it; empty = none */
  rst_str alias;        /* old name that still works; empty = none */
  const rst_str* choices;
  int64_t min; /* of BOOL no, of I64, U64, DURATION (ns) and SIZE (bytes); min == max == 0: no range */
  int64_t max;
  uint64_t kinds; /* bit per index of rst_plugin.kinds, 0 = all */
  uint32_t scopes;
  uint32_t flags;
  uint32_t choice_count;
  uint16_t type;
  uint16_t unit;
} rst_option_decl;
RST_ASSERT_SIZE(rst_option_decl, 112);
RST_ASSERT_OFFSET(rst_option_decl, doc, 16);
RST_ASSERT_OFFSET(rst_option_decl, default_text, 32);
RST_ASSERT_OFFSET(rst_option_decl, alias, 48);
RST_ASSERT_OFFSET(rst_option_decl, choices, 64);
RST_ASSERT_OFFSET(rst_option_decl, min, 72);
RST_ASSERT_OFFSET(rst_option_decl, max, 80);
RST_ASSERT_OFFSET(rst_option_decl, kinds, 88);
RST_ASSERT_OFFSET(rst_option_decl, scopes, 96);
RST_ASSERT_OFFSET(rst_option_decl, flags, 100);
RST_ASSERT_OFFSET(rst_option_decl, choice_count, 104);
RST_ASSERT_OFFSET(rst_option_decl, type, 108);
RST_ASSERT_OFFSET(rst_option_decl, unit, 110);

/// `decl` of an option that matches no declaration, or only one with PREFIX.
#define RST_OPTION_PASS_THROUGH 0xFFFF

#define RST_OPTION_VALUE_EXPLICIT 1u /* the user wrote it; else it is the default */
#define RST_OPTION_VALUE_SECRET 2u

/// One given option; only those given need be passed, the plugin applies its defaults. Borrowed for the call. Frozen
/// size.
typedef struct rst_option {
  rst_str name;
  rst_value value;        /* unused for lists */
  const rst_value* items; /* lists */
  uint32_t item_count;
  uint16_t decl; /* index into rst_plugin.options */
  uint16_t flags;
} rst_option;
RST_ASSERT_SIZE(rst_option, 48);
RST_ASSERT_OFFSET(rst_option, value, 16);
RST_ASSERT_OFFSET(rst_option, items, 32);
RST_ASSERT_OFFSET(rst_option, item_count, 40);
RST_ASSERT_OFFSET(rst_option, decl, 44);
RST_ASSERT_OFFSET(rst_option, flags, 46);

#ifdef __cplusplus
}
#endif

#endif
