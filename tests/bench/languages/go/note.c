#include <ruststream/abi.h>

RST_PLUGIN_NOTE(RST_RUNTIME_GO, "org.example.source", "1", "source");
