/* The one object that each variant compiles for itself. */
#include "variant.h"

#include <ruststream/abi.h>

const int variant_number = VARIANT_NUMBER;
const int variant_threaded = VARIANT_THREADED;

#if defined(VARIANT_NOTE_OTHER)
RST_PLUGIN_NOTE(RST_RUNTIME_NONE, "org.example.another", "1.0", "plain");
#elif !defined(VARIANT_NOTE_NONE)
RST_PLUGIN_NOTE(RST_RUNTIME_NONE, "org.example.plain", "1.0", "plain");
#endif

#ifdef VARIANT_TWO_SYMBOLS
RST_EXPORT int rst_plugin_helper(void);
RST_EXPORT int rst_plugin_helper(void) { return variant_number; }
#endif
