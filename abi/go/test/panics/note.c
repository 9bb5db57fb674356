#include <ruststream/abi.h>

RST_PLUGIN_NOTE(RST_RUNTIME_GO, "org.example.panics", "0.1.0", "panics");
