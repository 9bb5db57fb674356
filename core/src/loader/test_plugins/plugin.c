// A plugin that does nothing, and with the right macro does one thing wrong. One file, many libraries; see
// CMakeLists.txt.
#include <ruststream/abi.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef NAME
#define NAME "org.example.test"
#endif
#ifndef SCHEMES
#define SCHEMES "test"
#endif
#ifndef RUNTIME
#define RUNTIME RST_RUNTIME_NONE
#endif
#ifndef TABLE_NAME
#define TABLE_NAME NAME
#endif
#ifndef TABLE_SCHEME
#define TABLE_SCHEME SCHEMES
#endif
#ifndef TABLE_SIZE
#define TABLE_SIZE sizeof(rst_plugin)
#endif
#ifndef TABLE_MINOR
#define TABLE_MINOR RST_ABI_MINOR
#endif
#ifndef MIN_HOST
#define MIN_HOST 0
#endif
#ifdef OTHER_MAJOR
#undef RST_ABI_MAJOR
#define RST_ABI_MAJOR 1
#endif
#ifdef OTHER_MINOR
#undef RST_ABI_MINOR
#define RST_ABI_MINOR 999
#endif

#ifndef NO_NOTE
RST_PLUGIN_NOTE(RUNTIME, NAME, "1.0.0", SCHEMES);
#endif

#define STR(text) {text, sizeof(text) - 1}

#ifndef MISSING_VERBS
static int32_t validate_(uint32_t scope, const void* spec, rst_plan* plan, const rst_report* report, rst_error* error) {
  (void)scope, (void)spec, (void)plan, (void)report, (void)error;
  return RST_DONE;
}
static int32_t connect_(void* instance, const rst_connection_spec* spec, uint64_t* connection, rst_error* error) {
  (void)instance, (void)spec, (void)connection, (void)error;
  return RST_DONE;
}
#else
#define validate_ NULL
#define connect_ NULL
#endif
static int32_t init(const rst_host* host, const rst_init_args* args, void** instance, rst_error* error) {
  (void)host, (void)args, (void)instance, (void)error;
  return RST_DONE;
}
static int32_t deinit(void* instance, rst_error* error) {
  (void)instance, (void)error;
  return RST_DONE;
}
static int32_t close_(void* instance, uint64_t handle, uint32_t flags, uint64_t timeout_ns, uint64_t op,
                      rst_error* error) {
  (void)instance, (void)handle, (void)flags, (void)timeout_ns, (void)op, (void)error;
  return RST_DONE;
}

#ifndef NO_ENTRY
#ifndef NULL_TABLE
static const rst_str schemes[] = {STR(TABLE_SCHEME)};
static const rst_kind kinds[] = {{STR("thing"), STR(""), NULL, 0, RST_ROLE_ADMIN}};
static const rst_plugin table = {
    .struct_size = TABLE_SIZE,
    .abi_major = RST_ABI_MAJOR,
    .abi_minor = TABLE_MINOR,
    .runtime = RUNTIME,
    .name = STR(TABLE_NAME),
    .version = STR("1.0.0"),
    .schemes = schemes,
    .kinds = kinds,
    .scheme_count = 1,
    .kind_count = 1,
    .kind_stride = sizeof(rst_kind),
    .min_host_minor = MIN_HOST,
    .validate = validate_,
    .init = init,
    .deinit = deinit,
    .connect = connect_,
    .close = close_,
};
#endif

RST_EXPORT const rst_plugin* rst_plugin_v0(void) {
#ifdef NULL_TABLE
  return NULL;
#else
  return &table;
#endif
}
#endif

#ifdef UNRESOLVED
void nobody_defines_this(void);
RST_EXPORT void uses_it(void) { nobody_defines_this(); }
#endif

#ifdef LEAVES_A_MARK
__attribute__((constructor)) static void leave_a_mark(void) {
  const char* path = getenv("RST_TEST_MARK");
  if (path != NULL) close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}
#endif

#ifdef REPLACES_ITSELF
__attribute__((constructor)) static void replace_the_file(void) {
  const char* from = getenv("RST_TEST_NEW_FILE");
  const char* to = getenv("RST_TEST_OLD_FILE");
  if (from != NULL && to != NULL) (void)!rename(from, to);
}
#endif

#ifdef TAKES_SIGNALS
static void take(int number) { (void)number; }
__attribute__((constructor)) static void take_signals(void) {
  signal(SIGTERM, take);
  signal(SIGSEGV, take);
}
#endif
