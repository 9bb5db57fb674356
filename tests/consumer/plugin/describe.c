/* Loads the plugin named on the command line and prints what its table says. */
#include <ruststream/abi.h>

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char** argv) {
  void* library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  if (library == NULL) {
    fprintf(stderr, "describe: %s\n", argc == 2 ? dlerror() : "usage: describe PLUGIN.so");
    return 1;
  }
  const rst_plugin* (*entry)(void);
  void* const symbol = dlsym(library, "rst_plugin_v0");
  if (symbol == NULL) {
    fprintf(stderr, "describe: no rst_plugin_v0\n");
    return 1;
  }
  memcpy(&entry, &symbol, sizeof entry);
  const rst_plugin* plugin = entry();
  printf("%.*s %.*s, contract %u.%u\n", (int)plugin->name.len, plugin->name.ptr, (int)plugin->version.len,
         plugin->version.ptr, plugin->abi_major, plugin->abi_minor);
  if (plugin->struct_size != sizeof *plugin || plugin->abi_minor != RST_ABI_MINOR || plugin->validate == NULL) return 1;
  return 0;
}
