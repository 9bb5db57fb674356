/* Who the plugin is and what it declares: begin to read here. */
#include "broker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#define STR(text) {text, sizeof(text) - 1}
#define NAME "org.example.dir"
#define VERSION "0.1.0"

static const rst_capability kCaps[] = {
    {RST_CAP_SETTLE, RST_LEVEL_NATIVE, 0, 0},
    {RST_CAP_SETTLE_CONFIRM, RST_LEVEL_NATIVE, 0, 0},
    {RST_CAP_RETRY, RST_LEVEL_NATIVE, 0, 0},
    {RST_CAP_RETRY_AFTER, RST_LEVEL_NATIVE, 0, 0},
    {RST_CAP_RETRY_POSITION, RST_LEVEL_NATIVE, 0, RST_RETRY_FRONT},
    {RST_CAP_RELEASE, RST_LEVEL_NATIVE, 0, 0},
    {RST_CAP_REJECT, RST_LEVEL_NATIVE, 0, 0},
    {RST_CAP_ATTEMPT, RST_LEVEL_NATIVE, 0, 0},
    {RST_CAP_OVERFLOW, RST_LEVEL_NATIVE, 0, RST_OVERFLOW_BLOCK},
    {RST_CAP_BATCH, RST_LEVEL_NATIVE, 0, kMostBatch},
    {RST_CAP_GROUP, RST_LEVEL_NATIVE, 0, 0},
    {RST_CAP_PUBLISH_CONFIRM, RST_LEVEL_NATIVE, 0, 0},
    {RST_CAP_PUBLISH_ORDER, RST_LEVEL_NATIVE, 0, 0},
    {RST_CAP_UNROUTED, RST_LEVEL_NATIVE, 0, 0},
    {RST_CAP_KEY, RST_LEVEL_NATIVE, 0, 0},
    {RST_CAP_HEADERS, RST_LEVEL_NATIVE, 0,
     RST_HEADERS_ANY_VALUE | RST_HEADERS_ANY_NAME | RST_HEADERS_ORDER | RST_HEADERS_DUPLICATES | RST_HEADERS_EMPTY |
         RST_HEADERS_NULL | RST_HEADERS_TYPED | RST_HEADERS_CASE},
    {RST_CAP_PAYLOAD, RST_LEVEL_NATIVE, 0, RST_PAYLOAD_EMPTY | RST_PAYLOAD_NULL | RST_PAYLOAD_BYTES},
    {RST_CAP_MAX_PAYLOAD, RST_LEVEL_NATIVE, 0, kMostPayload},
};
enum { kCapCount = sizeof kCaps / sizeof *kCaps };

static const rst_str kSchemes[] = {STR("dir")};
static const rst_kind kKinds[] = {{.name = STR("topic"),
                                   .doc = STR("each group, and each subscription without one, gets every message"),
                                   .caps = kCaps,
                                   .cap_count = kCapCount,
                                   .roles = RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER}};

enum { kSecond = 1000000000 };
static const rst_option_decl kOptions[] = {
    [kOpTimeout] = {.name = STR(RST_OPT_OP_TIMEOUT),
                    .doc = STR("how long an operation may take that names no time itself"),
                    .default_text = STR("30s"),
                    .min = 1000000,
                    .max = 3600LL * kSecond,
                    .scopes = RST_SCOPE_CONNECTION,
                    .type = RST_TYPE_DURATION,
                    .unit = RST_UNIT_SECOND},
    [kWriteQueue] = {.name = STR("write_queue"),
                     .doc = STR("most messages that wait to be written; beyond that publish says BACKPRESSURE"),
                     .default_text = STR("1024"),
                     .min = 1,
                     .max = 65536,
                     .scopes = RST_SCOPE_CONNECTION,
                     .type = RST_TYPE_U64,
                     .unit = RST_UNIT_MESSAGE},
};
enum { kOptionCount = sizeof kOptions / sizeof *kOptions };
static const uint64_t kDefaults[kOptionCount] = {[kOpTimeout] = 30ULL * kSecond, [kWriteQueue] = 1024};

/* ------------------------------------------------------------------ validate */

/* Every problem is reported; the first one is what the verb returns (O1). */
struct problems {
  const rst_report* report;
  rst_error* error;
  int32_t code;
};

#define PROBLEM(problems, which, ...)                                                      \
  do {                                                                                     \
    rst_error problem_;                                                                    \
    (void)failed(&problem_, which, RST_ERROR_USER, __VA_ARGS__);                           \
    if ((problems)->code == 0 && (problems)->error != NULL) *(problems)->error = problem_; \
    if ((problems)->code == 0) (problems)->code = (which);                                 \
    if ((problems)->report != NULL && (problems)->report->issue != NULL)                   \
      (problems)->report->issue((problems)->report->ctx, &problem_);                       \
  } while (0)

static void check_options(struct problems* problems, uint32_t scope, const rst_option* options, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    const rst_option* const given = &options[i];
    const int len = given->name.len > 64 ? 64 : (int)given->name.len;
    if (given->decl >= kOptionCount) {
      PROBLEM(problems, RST_E_OPTION, "there is no option `%.*s`", len, given->name.ptr);
      continue;
    }
    const rst_option_decl* const decl = &kOptions[given->decl];
    if ((decl->scopes & scope) == 0) {
      PROBLEM(problems, RST_E_OPTION, "`%s` is an option of the connection", decl->name.ptr);
    } else if (given->value.type != decl->type) {
      PROBLEM(problems, RST_E_OPTION, "`%s` has the wrong type; it is written like %s", decl->name.ptr,
              decl->default_text.ptr);
    } else if (given->value.as.u64 < (uint64_t)decl->min || given->value.as.u64 > (uint64_t)decl->max) {
      PROBLEM(problems, RST_E_OPTION, "`%s` is out of its range, %lld to %lld%s", decl->name.ptr, (long long)decl->min,
              (long long)decl->max, decl->type == RST_TYPE_DURATION ? " ns" : "");
    }
  }
}

uint64_t option_value(const rst_connection_spec* spec, enum option which) {
  for (uint32_t i = 0; i < spec->option_count; ++i) {
    if (spec->options[i].decl == which) return spec->options[i].value.as.u64;
  }
  return kDefaults[which];
}

/* dir:NAME in the working directory, dir:///PATH; a byte may be written as %XX. Hosts, parameters and users are
   refused unread: errors name the path, and those may be secrets (O2). */
char* path_in_url(rst_str url) {
  enum { kScheme = 4, kMostPath = 4000 };
  if (url.len <= kScheme || url.len > kMostPath || memcmp(url.ptr, "dir:", kScheme) != 0 ||
      memchr(url.ptr, '?', url.len) != NULL || memchr(url.ptr, '@', url.len) != NULL) {
    return NULL;
  }
  const bool slashes = url.len > kScheme + 2 && memcmp(url.ptr + kScheme, "//", 2) == 0;
  const size_t skipped = slashes ? kScheme + 2 : kScheme;
  if (slashes && url.ptr[skipped] != '/') return NULL;
  char* const path = strndup(url.ptr + skipped, url.len - skipped);
  if (path == NULL) return NULL;
  const uint32_t len = text_unescape(path, path + strlen(path));
  if (len != UINT32_MAX && len != 0) {
    path[len] = 0;
    if (strlen(path) == len) return path;
  }
  free(path);
  return NULL;
}

static void check_connection(struct problems* problems, const rst_connection_spec* spec) {
  if ((spec->flags & ~RST_CONNECT_RETRY_INITIAL) != 0)
    PROBLEM(problems, RST_E_UNSUPPORTED, "of a connection no flag but RETRY_INITIAL is known");
  char* const path = path_in_url(spec->url);
  if (path == NULL)
    PROBLEM(problems, RST_E_INVALID, "the URL is dir:NAME or dir:///PATH, with %%3F and %%40 for ? and @ in it");
  free(path);
  check_options(problems, RST_SCOPE_CONNECTION, spec->options, spec->option_count);
}

static void check_subscription(struct problems* problems, const rst_subscription_spec* spec) {
  char folder[kMostFolder + 1];
  if (spec->flags != 0) PROBLEM(problems, RST_E_UNSUPPORTED, "of a subscription no flag is known");
  if (spec->kind != 0) PROBLEM(problems, RST_E_INVALID, "the only kind is `topic`");
  if (spec->address_count != 1 || !folder_name(folder, spec->addresses[0]))
    PROBLEM(problems, RST_E_INVALID, "a subscription has one address, of at most %d bytes as a folder", kMostFolder);
  if (spec->group.len != 0 && !folder_name(folder, spec->group))
    PROBLEM(problems, RST_E_INVALID, "the group's name is longer than %d bytes as a folder", kMostFolder);
  if (spec->durable.len != 0 && spec->group.len == 0)
    PROBLEM(problems, RST_E_UNSUPPORTED, "what outlives its subscriptions is a group: name one instead of a durable");
  if (spec->start_count != 0) PROBLEM(problems, RST_E_UNSUPPORTED, "a group begins with what is published after it");
  check_options(problems, RST_SCOPE_SUBSCRIPTION, spec->options, spec->option_count);
}

static void check_publisher(struct problems* problems, const rst_publisher_spec* spec) {
  char folder[kMostFolder + 1];
  if ((spec->flags & ~RST_PUBLISHER_CONFIRM) != 0)
    PROBLEM(problems, RST_E_UNSUPPORTED, "of a publisher no flag but CONFIRM is known");
  if (spec->kind != 0) PROBLEM(problems, RST_E_INVALID, "the only kind is `topic`");
  if (spec->destination.len != 0 && !folder_name(folder, spec->destination))
    PROBLEM(problems, RST_E_INVALID, "the destination is longer than %d bytes as a folder", kMostFolder);
  check_options(problems, RST_SCOPE_PUBLISHER, spec->options, spec->option_count);
}

/* struct_size is the first field of all of them. RST_UP_TO and not sizeof, which a newer header makes larger (V3). */
static bool whole(struct problems* problems, const void* that, size_t size, const char* name) {
  if (*(const uint32_t*)that >= size) return true;
  PROBLEM(problems, RST_E_INVALID, "%s is too short: %u bytes, %zu are needed", name, *(const uint32_t*)that, size);
  return false;
}

static void check(struct problems* problems, uint32_t scope, const void* spec) {
  switch (scope) {
    case RST_SCOPE_CONNECTION:
      if (whole(problems, spec, RST_UP_TO(rst_connection_spec, timeout_ns), "rst_connection_spec"))
        check_connection(problems, spec);
      break;
    case RST_SCOPE_SUBSCRIPTION:
      if (whole(problems, spec, RST_UP_TO(rst_subscription_spec, timeout_ns), "rst_subscription_spec"))
        check_subscription(problems, spec);
      break;
    case RST_SCOPE_PUBLISHER:
      if (whole(problems, spec, RST_UP_TO(rst_publisher_spec, timeout_ns), "rst_publisher_spec"))
        check_publisher(problems, spec);
      break;
    case RST_SCOPE_MESSAGE:
    case RST_SCOPE_ADMIN:
    case RST_SCOPE_TX:
      if (whole(problems, spec, RST_UP_TO(rst_options_spec, option_count), "rst_options_spec")) {
        const rst_options_spec* const bare = spec;
        check_options(problems, scope, bare->options, bare->option_count);
      }
      break;
    default: PROBLEM(problems, RST_E_UNSUPPORTED, "unknown scope %u", scope); break;
  }
}

int32_t validate(uint32_t scope, const void* spec, rst_plan* plan, const rst_report* report, rst_error* error) {
  struct problems problems = {.error = error};
  if (report != NULL && whole(&problems, report, RST_UP_TO(rst_report, issue), "rst_report")) problems.report = report;
  if (plan != NULL && !whole(&problems, plan, RST_UP_TO(rst_plan, reserved), "rst_plan")) plan = NULL;
  check(&problems, scope, spec);
  if (plan != NULL) {
    plan->flags = 0;
    plan->ack_deadline_ns = 0; /* a message is its owner's as long as that lives */
    plan->max_payload = kMostPayload;
    plan->max_delay_ns = 0;
    plan->max_unsettled = kMostUnsettled;
    plan->max_batch = kMostBatch;
    plan->cap_count = kCapCount;
    for (uint32_t i = 0; i < kCapCount && i < plan->cap_capacity && plan->caps != NULL; ++i) plan->caps[i] = kCaps[i];
    plan->default_window = 0; /* as the host has it: nothing is taken ahead of credit */
    plan->reserved = 0;
  }
  return -problems.code;
}

/* ------------------------------------------------------------------ instances */

static int32_t init(const rst_host* host, const rst_init_args* args, void** made, rst_error* error) {
  if (host->struct_size < RST_UP_TO(rst_host, now) || args->struct_size < RST_UP_TO(rst_init_args, flags))
    return failed(error, RST_E_INVALID, 0, "the host's table or rst_init_args is too short");
  if (args->flags != 0) return failed(error, RST_E_UNSUPPORTED, 0, "of init no flag is known");
  struct instance* const instance = calloc(1, sizeof *instance);
  if (instance == NULL) return failed(error, RST_E_INTERNAL, 0, "no memory");
  instance->host = host;
  instance->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  instance->changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  (void)pthread_mutex_init(&instance->mutex, NULL);
  sigset_t all, before; /* the worker takes none of the host's signals (T2) */
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  const bool ready =
      instance->wake >= 0 && instance->changes >= 0 && pthread_create(&instance->worker, NULL, work, instance) == 0;
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!ready) {
    if (instance->wake >= 0) close(instance->wake);
    if (instance->changes >= 0) close(instance->changes);
    free(instance);
    return failed(error, RST_E_EXHAUSTED, RST_ERROR_RETRYABLE,
                  "no descriptor, inotify instance (fs.inotify.max_user_instances) or thread is left");
  }
  *made = instance;
  return RST_DONE;
}

static int32_t deinit(void* instance_, rst_error* error) {
  struct instance* const instance = instance_;
  (void)pthread_mutex_lock(&instance->mutex);
  bool busy = false;
  for (int i = 0; i < kBuckets; ++i) busy = busy || instance->objects[i] != NULL;
  instance->stop = !busy;
  (void)pthread_mutex_unlock(&instance->mutex);
  if (busy) return failed(error, RST_E_STATE, 0, "a connection is open: close it first");
  wake_worker(instance);
  (void)pthread_join(instance->worker, NULL);
  close(instance->wake);
  close(instance->changes);
  (void)pthread_mutex_destroy(&instance->mutex);
  free(instance);
  return RST_DONE;
}

static const rst_plugin kPlugin = {
    .struct_size = sizeof(rst_plugin),
    .abi_major = RST_ABI_MAJOR,
    .abi_minor = RST_ABI_MINOR,
    .runtime = RST_RUNTIME_NONE,
    .name = STR(NAME),
    .version = STR(VERSION),
    .vendor = STR("libruststream's examples"),
    .schemes = kSchemes,
    .kinds = kKinds,
    .options = kOptions,
    .scheme_count = 1,
    .kind_count = 1,
    .option_count = kOptionCount,
    .kind_stride = sizeof(rst_kind),
    .option_stride = sizeof(rst_option_decl),
    .field_stride = sizeof(rst_field_decl),
    .min_host_minor = RST_ABI_MINOR,
    .validate = validate,
    .init = init,
    .deinit = deinit,
    .connect = verb_connect,
    .subscribe = verb_subscribe,
    .open_publisher = verb_open_publisher,
    .close = verb_close,
    .credit = verb_credit,
    .settle = verb_settle,
    .publish = verb_publish,
    .flush = verb_flush,
};

RST_EXPORT const rst_plugin* rst_plugin_v0(void);
RST_EXPORT const rst_plugin* rst_plugin_v0(void) { return &kPlugin; }

RST_PLUGIN_NOTE(RST_RUNTIME_NONE, NAME, VERSION, "dir");
