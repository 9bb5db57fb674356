/* mybroker: topics inside the process. Each subscription gets every message that is published to its address while it
   is there, once: nothing is settled. What a subscription has no room for is dropped, and told.

   One mutex guards everything. It is held while the host is called too: that neither waits nor comes back on the same
   stack (H2), and holds no lock when it calls a verb (H5). With I/O under it verbs would wait (B1). The ids of rules
   are those of the contract's headers and of ruststream-conformance. */
#include <ruststream/abi.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "org.example.mybroker"
#define VERSION "0.1.0"
#define SCHEME "mybroker"
#define STR(text) {text, sizeof(text) - 1}

enum { kMostBatch = 64, kCapacity = 1000, kMostCapacity = 1000000, kPad = 64 /* readable behind a payload (M5) */ };

/* ------------------------------------------------------------------ what it declares */

static const rst_capability kCaps[] = {
    {RST_CAP_OVERFLOW, RST_LEVEL_NATIVE, 0, RST_OVERFLOW_DROP},
    {RST_CAP_BATCH, RST_LEVEL_NATIVE, 0, kMostBatch},
    {RST_CAP_PUBLISH_ORDER, RST_LEVEL_NATIVE, 0, 0},
    {RST_CAP_PAYLOAD, RST_LEVEL_NATIVE, 0, RST_PAYLOAD_EMPTY | RST_PAYLOAD_BYTES},
};
enum { kCapCount = sizeof kCaps / sizeof *kCaps };

static const rst_str kSchemes[] = {STR(SCHEME)};
static const rst_kind kKinds[] = {{.name = STR("topic"),
                                   .doc = STR("everyone who listens gets each message"),
                                   .caps = kCaps,
                                   .cap_count = kCapCount,
                                   .roles = RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER}};
static const rst_option_decl kOptions[] = {
    {.name = STR("capacity"),
     .doc = STR("most messages that wait for one subscription; what comes beyond that is dropped"),
     .default_text = STR("1000"),
     .min = 1,
     .max = kMostCapacity,
     .scopes = RST_SCOPE_SUBSCRIPTION,
     .type = RST_TYPE_U64,
     .unit = RST_UNIT_MESSAGE}};
enum { kOptionCount = sizeof kOptions / sizeof *kOptions };

/* ------------------------------------------------------------------ what an instance holds */

struct message {
  struct message* next;
  uint64_t len;
  uint8_t payload[];
};

enum what { kConnection = 1, kSubscription, kPublisher };

/* What has a handle. */
struct object {
  struct object* next;
  enum what what;
  uint64_t handle;           /* our name for it: counts up, and never comes again (C3) */
  uint64_t id;               /* the host's */
  struct object* connection; /* its own, or itself */
  char* address;             /* of a subscription, or where a publisher publishes */
  uint64_t address_len;

  /* Of a subscription: */
  uint32_t credit, most_batch;
  int64_t credit_bytes;
  uint64_t capacity, waiting, dropped;
  struct message *first, **last;
};

struct instance {
  const rst_host* host;
  pthread_mutex_t mutex;
  uint64_t last_handle;
  struct object* objects;
};

/* ------------------------------------------------------------------ errors, and what validate says */

static int32_t failed(rst_error* error, int32_t code, const char* format, ...) __attribute__((format(printf, 3, 4)));
static int32_t failed(rst_error* error, int32_t code, const char* format, ...) {
  if (error == NULL) return -code;
  *error = (rst_error){.code = code};
  va_list arguments;
  va_start(arguments, format);
  const int len = vsnprintf(error->text, sizeof error->text, format, arguments);
  va_end(arguments);
  const int most = (int)sizeof error->text - 1;
  error->text_len = (uint16_t)(len < 0 ? 0 : len < most ? len : most);
  return -code;
}

/* Every problem is reported; the first one is what the verb returns (O1). */
struct problems {
  const rst_report* report;
  rst_error* error;
  int32_t code;
};

#define PROBLEM(problems, which, ...)                                                      \
  do {                                                                                     \
    rst_error problem_;                                                                    \
    (void)failed(&problem_, which, __VA_ARGS__);                                           \
    if ((problems)->code == 0 && (problems)->error != NULL) *(problems)->error = problem_; \
    if ((problems)->code == 0) (problems)->code = (which);                                 \
    if ((problems)->report != NULL && (problems)->report->issue != NULL)                   \
      (problems)->report->issue((problems)->report->ctx, &problem_);                       \
  } while (0)

static void check_options(struct problems* problems, uint32_t scope, const rst_option* options, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    const rst_option* const given = &options[i];
    if (given->decl >= kOptionCount) {
      const int len = given->name.len > 64 ? 64 : (int)given->name.len;
      PROBLEM(problems, RST_E_OPTION, "there is no option `%.*s`", len, given->name.ptr);
      continue;
    }
    const rst_option_decl* const decl = &kOptions[given->decl];
    if ((decl->scopes & scope) == 0) {
      PROBLEM(problems, RST_E_OPTION, "`%s` is an option of a subscription", decl->name.ptr);
    } else if (given->value.type != decl->type || given->value.as.u64 < (uint64_t)decl->min ||
               given->value.as.u64 > (uint64_t)decl->max) {
      PROBLEM(problems, RST_E_OPTION, "`%s` is a whole number from %lld to %lld", decl->name.ptr, (long long)decl->min,
              (long long)decl->max);
    }
  }
}

/* The URL may hold a secret: no text repeats it (O2). */
static void check_connection(struct problems* problems, const rst_connection_spec* spec) {
  const size_t scheme = sizeof SCHEME ":" - 1;
  if ((spec->flags & ~RST_CONNECT_RETRY_INITIAL) != 0)
    PROBLEM(problems, RST_E_UNSUPPORTED, "of a connection no flag but RETRY_INITIAL is known");
  if (spec->url.len < scheme || memcmp(spec->url.ptr, SCHEME ":", scheme) != 0)
    PROBLEM(problems, RST_E_INVALID, "the URL is " SCHEME ":");
  check_options(problems, RST_SCOPE_CONNECTION, spec->options, spec->option_count);
}

static void check_subscription(struct problems* problems, const rst_subscription_spec* spec) {
  if (spec->flags != 0) PROBLEM(problems, RST_E_UNSUPPORTED, "of a subscription no flag is known");
  if (spec->kind != 0) PROBLEM(problems, RST_E_INVALID, "the only kind is `topic`");
  if (spec->address_count != 1 || spec->addresses[0].len == 0)
    PROBLEM(problems, RST_E_INVALID, "a subscription has one address");
  if (spec->group.len != 0) PROBLEM(problems, RST_E_UNSUPPORTED, "there are no groups: everyone gets each message");
  if (spec->durable.len != 0) PROBLEM(problems, RST_E_UNSUPPORTED, "nothing is kept for who does not listen");
  if (spec->start_count != 0) PROBLEM(problems, RST_E_UNSUPPORTED, "it begins with what is published after it");
  check_options(problems, RST_SCOPE_SUBSCRIPTION, spec->options, spec->option_count);
}

static void check_publisher(struct problems* problems, const rst_publisher_spec* spec) {
  if (spec->flags != 0) PROBLEM(problems, RST_E_UNSUPPORTED, "nothing is confirmed, and there are no transactions");
  if (spec->kind != 0) PROBLEM(problems, RST_E_INVALID, "the only kind is `topic`");
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

static int32_t validate(uint32_t scope, const void* spec, rst_plan* plan, const rst_report* report, rst_error* error) {
  struct problems problems = {.error = error};
  if (report != NULL && whole(&problems, report, RST_UP_TO(rst_report, issue), "rst_report")) problems.report = report;
  if (plan != NULL && !whole(&problems, plan, RST_UP_TO(rst_plan, reserved), "rst_plan")) plan = NULL;
  check(&problems, scope, spec);
  if (plan != NULL) {
    plan->flags = 0;
    plan->ack_deadline_ns = plan->max_payload = plan->max_delay_ns = 0;
    plan->max_unsettled = 0;
    plan->max_batch = kMostBatch;
    plan->cap_count = kCapCount;
    for (uint32_t i = 0; i < kCapCount && i < plan->cap_capacity && plan->caps != NULL; ++i) plan->caps[i] = kCaps[i];
    plan->default_window = 0;
    plan->reserved = 0;
  }
  return -problems.code;
}

/* ------------------------------------------------------------------ objects [locked] */

static struct object* find(struct instance* instance, uint64_t handle, enum what what, rst_error* error) {
  struct object* at = instance->objects;
  while (at != NULL && at->handle != handle) at = at->next;
  if (at != NULL && (what == 0 || at->what == what)) return at;
  (void)failed(error, RST_E_STALE, "it is closed, or was never there");
  return NULL;
}

static void destroy(struct object* object) {
  if (object == NULL) return;
  for (struct message *each = object->first, *next = NULL; each != NULL; each = next) {
    next = each->next;
    free(each);
  }
  free(object->address);
  free(object);
}

/* NULL: there is no memory. Not in the list yet. */
static struct object* make(enum what what, uint64_t id, rst_str address) {
  struct object* const made = calloc(1, sizeof *made);
  char* const copy = malloc(address.len + 1);
  if (made == NULL || copy == NULL) {
    free(made);
    free(copy);
    return NULL;
  }
  if (address.len != 0) memcpy(copy, address.ptr, address.len);
  made->what = what;
  made->id = id;
  made->address = copy;
  made->address_len = address.len;
  made->last = &made->first;
  return made;
}

/* Gives `made` its handle, on that connection; 0: it is one itself. */
static int32_t enter(struct instance* instance, struct object* made, uint64_t connection, uint64_t* handle,
                     rst_error* error) {
  if (made == NULL) return failed(error, RST_E_EXHAUSTED, "no memory");
  (void)pthread_mutex_lock(&instance->mutex);
  made->connection = connection == 0 ? made : find(instance, connection, kConnection, error);
  const bool stands = made->connection != NULL;
  if (stands) {
    made->handle = *handle = ++instance->last_handle;
    made->next = instance->objects;
    instance->objects = made;
  }
  (void)pthread_mutex_unlock(&instance->mutex);
  if (stands) return RST_DONE;
  destroy(made);
  return -RST_E_STALE;
}

/* Takes it out, a connection with all that is on it; how many messages were dropped. */
static uint64_t leave(struct instance* instance, struct object* closing) {
  uint64_t dropped = 0;
  for (struct object** at = &instance->objects; *at != NULL;) {
    struct object* const each = *at;
    if (each != closing && each->connection != closing) {
      at = &each->next;
      continue;
    }
    *at = each->next;
    dropped += each->waiting;
    if (each != closing) destroy(each);
  }
  destroy(closing);
  return dropped;
}

/* ------------------------------------------------------------------ delivering [locked] */

/* The host's from deliver to release, which takes no lock. */
struct batch {
  rst_batch head;
  rst_message messages[kMostBatch];
  struct message* payloads;
};

static void release(rst_batch* head) {
  struct batch* const batch = head->plugin;
  for (struct message *each = batch->payloads, *next = NULL; each != NULL; each = next) {
    next = each->next;
    free(each);
  }
  free(batch);
}

static const rst_batch_ops kOps = {.struct_size = sizeof kOps, .release = release};

/* Moves messages from the subscription into a batch: as many as credit and batch allow, one of them at least. */
static struct message** fill(struct batch* batch, struct object* sub) {
  rst_batch* const head = &batch->head;
  *head = (rst_batch){.struct_size = sizeof *head,
                      .stride = sizeof *batch->messages,
                      .messages = batch->messages,
                      .subscription = sub->id,
                      .ops = &kOps,
                      .plugin = batch};
  const uint32_t most = sub->credit < sub->most_batch ? sub->credit : sub->most_batch;
  struct message** last = &batch->payloads;
  while (head->count < most && sub->first != NULL && (int64_t)head->bytes < sub->credit_bytes) {
    struct message* const each = sub->first;
    sub->first = each->next;
    *last = each;
    last = &each->next;
    batch->messages[head->count++] =
        (rst_message){.payload = each->payload, .payload_len = each->len, .flags = RST_MESSAGE_PADDED};
    head->bytes += each->len;
  }
  *last = NULL;
  if (sub->first == NULL) sub->last = &sub->first;
  return last;
}

static void deliver(struct instance* instance, struct object* sub) {
  while (sub->first != NULL && sub->credit != 0 && sub->credit_bytes > 0) {
    struct batch* const batch = aligned_alloc(64, (sizeof *batch + 63) / 64 * 64);
    if (batch == NULL) return; /* they wait on */
    struct message** const last = fill(batch, sub);
    const uint32_t count = batch->head.count;
    const int64_t bytes = (int64_t)batch->head.bytes;
    struct message* const payloads = batch->payloads;
    if (instance->host->deliver(instance->host, &batch->head) != RST_DONE) { /* as if it had not been (M1) */
      *last = sub->first;
      if (sub->first == NULL) sub->last = last;
      sub->first = payloads;
      free(batch);
      return;
    }
    sub->waiting -= count;
    sub->credit -= count;
    sub->credit_bytes -= bytes;
  }
}

/* Without room the message is dropped for this subscription (F2). */
static void put(struct instance* instance, struct object* sub, const rst_out_message* message) {
  if (sub->waiting >= sub->capacity) deliver(instance, sub);
  struct message* const made =
      sub->waiting >= sub->capacity ? NULL : calloc(1, sizeof *made + message->payload_len + kPad);
  if (made == NULL) {
    ++sub->dropped;
    return;
  }
  made->len = message->payload_len;
  if (made->len != 0) memcpy(made->payload, message->payload, made->len);
  *sub->last = made;
  sub->last = &made->next;
  ++sub->waiting;
}

/* ------------------------------------------------------------------ verbs */

static int32_t init(const rst_host* host, const rst_init_args* args, void** made, rst_error* error) {
  if (host->struct_size < RST_UP_TO(rst_host, event) || args->struct_size < RST_UP_TO(rst_init_args, flags))
    return failed(error, RST_E_INVALID, "the host's table or rst_init_args is too short");
  if (args->flags != 0) return failed(error, RST_E_UNSUPPORTED, "of init no flag is known");
  struct instance* const instance = calloc(1, sizeof *instance);
  if (instance == NULL) return failed(error, RST_E_EXHAUSTED, "no memory");
  instance->host = host;
  (void)pthread_mutex_init(&instance->mutex, NULL);
  *made = instance;
  return RST_DONE;
}

static int32_t deinit(void* that, rst_error* error) {
  struct instance* const instance = that;
  if (instance->objects != NULL) return failed(error, RST_E_STATE, "a connection is open: close it first");
  (void)pthread_mutex_destroy(&instance->mutex);
  free(instance);
  return RST_DONE;
}

static int32_t open_connection(void* instance, const rst_connection_spec* spec, uint64_t* handle, rst_error* error) {
  const int32_t wrong = validate(RST_SCOPE_CONNECTION, spec, NULL, NULL, error);
  if (wrong != 0) return wrong;
  return enter(instance, make(kConnection, spec->id, (rst_str){NULL, 0}), 0, handle, error);
}

static int32_t subscribe(void* instance, uint64_t connection, const rst_subscription_spec* spec, uint64_t* handle,
                         rst_error* error) {
  const int32_t wrong = validate(RST_SCOPE_SUBSCRIPTION, spec, NULL, NULL, error);
  if (wrong != 0) return wrong;
  if (connection == 0) return failed(error, RST_E_STALE, "there is no such connection");
  struct object* const sub = make(kSubscription, spec->id, spec->addresses[0]);
  if (sub != NULL) {
    /* `capacity` is the only option that validate lets pass. */
    sub->capacity = spec->option_count == 0 ? kCapacity : spec->options[spec->option_count - 1].value.as.u64;
    sub->credit = spec->credit_messages;
    sub->credit_bytes = spec->credit_bytes > INT64_MAX ? INT64_MAX : (int64_t)spec->credit_bytes;
    sub->most_batch = spec->max_batch == 0 || spec->max_batch > kMostBatch ? kMostBatch : spec->max_batch;
  }
  return enter(instance, sub, connection, handle, error);
}

static int32_t open_publisher(void* instance, uint64_t connection, const rst_publisher_spec* spec, uint64_t* handle,
                              rst_error* error) {
  const int32_t wrong = validate(RST_SCOPE_PUBLISHER, spec, NULL, NULL, error);
  if (wrong != 0) return wrong;
  if (connection == 0) return failed(error, RST_E_STALE, "there is no such connection");
  return enter(instance, make(kPublisher, spec->id, spec->destination), connection, handle, error);
}

static int32_t close_object(void* that, uint64_t handle, uint32_t flags, uint64_t timeout_ns, uint64_t op,
                            rst_error* error) {
  (void)timeout_ns; /* nothing waits here */
  struct instance* const instance = that;
  if ((flags & ~RST_CLOSE_ABORT) != 0) return failed(error, RST_E_UNSUPPORTED, "of close no flag but ABORT is known");
  (void)pthread_mutex_lock(&instance->mutex);
  struct object* const closing = find(instance, handle, 0, error);
  const bool stands = closing != NULL;
  if (stands) {
    const rst_completion completion = {.op = op, .value = leave(instance, closing)};
    if (op != 0) instance->host->complete(instance->host, &completion, 1, sizeof completion);
  }
  (void)pthread_mutex_unlock(&instance->mutex);
  return !stands ? -RST_E_STALE : op != 0 ? RST_PENDING : RST_DONE;
}

static int32_t credit(void* that, const rst_credit* call, rst_error* error) {
  struct instance* const instance = that;
  if (call->struct_size < RST_UP_TO(rst_credit, bytes)) return failed(error, RST_E_INVALID, "rst_credit is too short");
  if (call->flags != RST_CREDIT_ADD && call->flags != RST_CREDIT_DRAIN)
    return failed(error, RST_E_UNSUPPORTED, "credit is either ADD or DRAIN");
  (void)pthread_mutex_lock(&instance->mutex);
  struct object* const sub = find(instance, call->subscription, kSubscription, error);
  const bool stands = sub != NULL;
  if (stands && call->flags == RST_CREDIT_DRAIN) { /* nothing is under way: the mutex is ours (F5) */
    sub->credit = 0;
    sub->credit_bytes = 0;
  } else if (stands) {
    sub->credit = call->messages > UINT32_MAX - sub->credit ? UINT32_MAX : sub->credit + call->messages;
    const int64_t room = INT64_MAX - (sub->credit_bytes > 0 ? sub->credit_bytes : 0);
    sub->credit_bytes += call->bytes > (uint64_t)room ? room : (int64_t)call->bytes;
    deliver(instance, sub);
  }
  (void)pthread_mutex_unlock(&instance->mutex);
  return stands ? RST_DONE : -RST_E_STALE;
}

/* What becomes of a message that asks for more than a payload: it is refused rather than altered (P3). */
static int32_t why_not(const rst_out_message* message) {
  const rst_out_props* const props = message->props;
  if (message->flags != 0 || message->key != NULL || message->header_count != 0)
    return rst_status(RST_E_UNSUPPORTED, RST_ERROR_USER);
  if (props == NULL) return RST_OK;
  if (props->struct_size < RST_UP_TO(rst_out_props, partition)) return rst_status(RST_E_INVALID, 0);
  if (props->option_count != 0) return rst_status(RST_E_OPTION, RST_ERROR_USER);
  const bool more = props->priority >= 0 || props->ttl_ns != 0 || props->delay_ns != 0 || props->partition >= 0 ||
                    props->reply_to_len != 0 || props->correlation_len != 0 || props->message_id_len != 0 ||
                    props->content_type_len != 0;
  return more ? rst_status(RST_E_UNSUPPORTED, RST_ERROR_USER) : RST_OK;
}

static int32_t publish_one(struct instance* instance, const struct object* publisher, const rst_out_message* message) {
  const bool own = message->destination != NULL;
  const char* const to = own ? message->destination : publisher->address;
  const uint64_t len = own ? message->destination_len : publisher->address_len;
  const int32_t status = why_not(message);
  if (status != RST_OK) return status;
  if (len == 0) return rst_status(RST_E_INVALID, RST_ERROR_USER);
  for (struct object* each = instance->objects; each != NULL; each = each->next) {
    const bool listens = each->what == kSubscription && each->address_len == len && memcmp(each->address, to, len) == 0;
    if (listens) put(instance, each, message);
  }
  return RST_OK;
}

static void deliver_to_all(struct instance* instance) {
  for (struct object* each = instance->objects; each != NULL; each = each->next) {
    if (each->what == kSubscription) deliver(instance, each);
    if (each->dropped == 0) continue;
    const rst_event event = {.struct_size = sizeof event,
                             .kind = RST_EVENT_SUB_DROPPED,
                             .connection = each->connection->id,
                             .subject = each->id,
                             .value = each->dropped};
    instance->host->event(instance->host, &event);
    each->dropped = 0;
  }
}

static int32_t publish(void* that, rst_publish* call, rst_error* error) {
  struct instance* const instance = that;
  if (call->struct_size < RST_UP_TO(rst_publish, accepted) ||
      (call->count != 0 && call->stride < RST_UP_TO(rst_out_message, flags)))
    return failed(error, RST_E_INVALID, "rst_publish or a message of it is too short");
  if (call->flags != 0 || call->tx != 0)
    return failed(error, RST_E_UNSUPPORTED, "nothing is confirmed, and there are no transactions");
  call->accepted = 0;
  (void)pthread_mutex_lock(&instance->mutex);
  const struct object* const publisher = find(instance, call->publisher, kPublisher, error);
  const bool stands = publisher != NULL;
  for (; stands && call->accepted < call->count; ++call->accepted) {
    const uint32_t i = call->accepted;
    const char* const at = (const char*)call->messages + (size_t)i * call->stride;
    const int32_t status = publish_one(instance, publisher, (const rst_out_message*)at);
    if (call->statuses != NULL) call->statuses[i] = status;
    if (call->receipts != NULL) call->receipts[i] = (rst_position){0};
  }
  if (stands) deliver_to_all(instance);
  (void)pthread_mutex_unlock(&instance->mutex);
  return stands ? RST_DONE : -RST_E_STALE;
}

/* ------------------------------------------------------------------ the table */

static const rst_plugin kPlugin = {
    .struct_size = sizeof(rst_plugin),
    .abi_major = RST_ABI_MAJOR,
    .abi_minor = RST_ABI_MINOR,
    .runtime = RST_RUNTIME_NONE,
    .name = STR(NAME),
    .version = STR(VERSION),
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
    .connect = open_connection,
    .subscribe = subscribe,
    .open_publisher = open_publisher,
    .close = close_object,
    .credit = credit,
    .publish = publish,
};

RST_EXPORT const rst_plugin* rst_plugin_v0(void);
RST_EXPORT const rst_plugin* rst_plugin_v0(void) { return &kPlugin; }

/* What a host reads from the file without running it: the same. */
RST_PLUGIN_NOTE(RST_RUNTIME_NONE, NAME, VERSION, SCHEME);
