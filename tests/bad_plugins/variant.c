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

#ifdef VARIANT_UNIQUE_SYMBOL
__asm__(
    ".globl plain_shared\n.type plain_shared, @gnu_unique_object\n.size plain_shared, 8\n"
    ".data\nplain_shared: .quad 0\n.text");
#endif

#ifdef VARIANT_STATIC_TLS
static __thread char state[1024] __attribute__((tls_model("initial-exec")));
#endif

#ifdef VARIANT_OF_THE_HOST
extern const char* zlibVersion(void); /* a library that the host has loaded for itself */
#endif

/* Called once, so that what is here stays. */
const void* variant_parts(void);
const void* variant_parts(void) {
#ifdef VARIANT_STATIC_TLS
  return state;
#elif defined(VARIANT_OF_THE_HOST)
  return zlibVersion();
#else
  return 0;
#endif
}

#ifdef VARIANT_TWO_SYMBOLS
RST_EXPORT int rst_plugin_helper(void);
RST_EXPORT int rst_plugin_helper(void) { return the_variant.number; }
#endif
