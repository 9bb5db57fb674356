/* What is not the same in all variants when they are built. */
#include "variant.h"

#include <ruststream/abi.h>

const volatile struct variant the_variant = {"this variant is", 0};
const int variant_threaded = VARIANT_THREADED;

#if defined(VARIANT_OTHER_NOTE)
RST_PLUGIN_NOTE(RST_RUNTIME_NONE, "org.example.another", "1.0", "plain");
#elif !defined(VARIANT_NO_NOTE)
RST_PLUGIN_NOTE(RST_RUNTIME_NONE, "org.example.plain", "1.0", "plain");
#endif

#ifdef VARIANT_TWO_SYMBOLS
RST_EXPORT int rst_plugin_helper(void);
RST_EXPORT int rst_plugin_helper(void) { return the_variant.number; }
#endif
