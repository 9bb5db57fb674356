// One plugin that does harm, in the way that its build names: a whole table whose `connect` does it, or a constructor,
// or a table that is none.
#define _GNU_SOURCE
#include <ruststream/abi.h>

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#define STR(text) {text, sizeof(text) - 1}

static void crash(void) { *(volatile int*)8 = 1; }
static void wait_for_ever(void) {
  for (;;) pause();
}

#if defined(CONSTRUCTOR_CRASHES) || defined(CONSTRUCTOR_HANGS) || defined(CONSTRUCTOR_EXITS)
__attribute__((constructor)) static void constructor(void) {
#if defined(CONSTRUCTOR_CRASHES)
  crash();
#elif defined(CONSTRUCTOR_HANGS)
  wait_for_ever();
#else
  exit(0);
#endif
}
#endif

#if defined(CRASHES_AT_EXIT) || defined(HANGS_AT_EXIT)
static int used;
__attribute__((destructor)) static void at_exit(void) {
  if (!used) return;
#if defined(CRASHES_AT_EXIT)
  crash();
#else
  wait_for_ever();
#endif
}
#endif

#if defined(RACES)
static int shared;
static void* count(void* unused) {
  ++shared;
  return unused;
}
#endif

static void harm(void) {
#if defined(DAEMON)
  if (fork() == 0) {
    setsid();
    if (fork() == 0) wait_for_ever();
    _exit(0);
  }
#elif defined(FORKS)
  if (fork() == 0) wait_for_ever();
#elif defined(CLOSES)
  for (int i = 0; i < 3; ++i) close(i);
#elif defined(CLOSES_MANY)
  for (int i = 0; i < 64; ++i) close(i);
#elif defined(KILLED)
  raise(SIGKILL);
#elif defined(EXITS)
  exit(0);
#elif defined(STACK)
  static void* (*volatile fill)(void*, int, size_t) = memset;
  char here[16];
  fill(here, 0x5A, (size_t)1 << 24);
#elif defined(HANGS)
  wait_for_ever();
#elif defined(GROWS)
  for (;;) {
    (void)mmap(NULL, (size_t)1 << 26, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  }
#elif defined(PRINTS)
  static char line[1024];
  memset(line, '\xFF', sizeof line);
  for (int i = 0; i < 1024; ++i) (void)!write(1, line, sizeof line);
#elif defined(USES_FREED)
  char* volatile piece = malloc(8);
  free(piece);
  *piece = 1;
#elif defined(OVERFLOWS)
  volatile int most = INT_MAX;
  ++most;
#elif defined(RACES)
  pthread_t other;
  pthread_create(&other, NULL, count, NULL);
  ++shared;
  pthread_join(other, NULL);
#endif
}

static int32_t validate(uint32_t scope, const void* spec, rst_plan* plan, const rst_report* report, rst_error* error) {
  (void)scope, (void)spec, (void)plan, (void)report, (void)error;
  return RST_DONE;
}
static int32_t init(const rst_host* host, const rst_init_args* args, void** instance, rst_error* error) {
  static int made;
  (void)host, (void)args, (void)error;
  *instance = &made;
  return RST_DONE;
}
static int32_t deinit(void* instance, rst_error* error) {
  (void)instance, (void)error;
  return RST_DONE;
}
static int32_t refuse(rst_error* error) {
  if (error != NULL) {
    error->code = RST_E_UNAVAILABLE;
    memcpy(error->text, "refused", 7);
    error->text_len = 7;
  }
  return -RST_E_UNAVAILABLE;
}
static int32_t connect_(void* instance, const rst_connection_spec* spec, uint64_t* connection, rst_error* error) {
  (void)instance, (void)spec, (void)connection;
  harm();
  return refuse(error);
}

#if !defined(NO_SYMBOL)
static const rst_capability caps[] = {{RST_CAP_SETTLE, RST_LEVEL_NATIVE, 0, 0}};
static const rst_kind kinds[] = {{STR("queue"), STR("harms"), caps, 1, RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER}};
static const rst_str schemes[] = {STR("hostile")};
static const rst_plugin table = {
    .struct_size = sizeof(rst_plugin),
    .abi_major = RST_ABI_MAJOR,
#if defined(OTHER_DRAFT)
    .abi_minor = RST_ABI_MINOR + 1,
#else
    .abi_minor = RST_ABI_MINOR,
#endif
    .name = STR("org.example.hostile"),
    .version = STR("1.0"),
    .vendor = STR("example"),
    .schemes = schemes,
    .scheme_count = 1,
    .kinds = kinds,
    .kind_count = 1,
    .kind_stride = sizeof(rst_kind),
    .option_stride = sizeof(rst_option_decl),
    .field_stride = sizeof(rst_field_decl),
    .validate = validate,
    .init = init,
    .deinit = deinit,
    .connect = connect_,
};

RST_EXPORT const rst_plugin* rst_plugin_v0(void) {
#if defined(LEAKS)
  static void* (*volatile allocate)(size_t) = malloc;
  for (int i = 0; i < 8; ++i) allocate(64);
#endif
#if defined(CRASHES_AT_EXIT) || defined(HANGS_AT_EXIT)
  used = 1;
#endif
#if defined(NULL_TABLE)
  return NULL;
#else
  return &table;
#endif
}
RST_PLUGIN_NOTE(RST_RUNTIME_NONE, "org.example.hostile", "1.0", "hostile");
#endif

void hostile_uses(void) {  // whatever a build leaves out
  (void)crash, (void)wait_for_ever, (void)harm, (void)validate, (void)init, (void)deinit, (void)connect_;
}
