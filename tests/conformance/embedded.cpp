// The memory broker's table as an application has it that links it in, for the runner to load.
#include <ruststream/abi.h>

extern "C" const rst_plugin* rst_plugin_memory();

extern "C" RST_EXPORT const rst_plugin* rst_plugin_v0() { return rst_plugin_memory(); }
RST_PLUGIN_NOTE(RST_RUNTIME_NONE, "org.ruststream.memory", "0.1.0", "memory");
