// What a host reads from the file without running it; main.go says the same.
#include <ruststream/abi.h>

RST_PLUGIN_NOTE(RST_RUNTIME_GO, "org.example.mybroker", "0.1.0", "mybroker");
