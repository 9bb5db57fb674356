/* The broker `source` (README.md) in C11, on the contract's header alone. */
#include <ruststream/abi.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STR(text) {text, sizeof(text) - 1}
enum { kPayload = 100, kMostBatch = 64, kWindow = 1 << 16, kMostSubscriptions = 16 };
enum { kConnection = 1, kPublisher = 2, kFirstSubscription = 3 }; /* handles */

struct instance;
struct subscription {
  struct instance* instance;
  uint64_t id;
  pthread_t thread;
  pthread_mutex_t mutex; /* guards what follows */
  pthread_cond_t awake;
  uint64_t credit, next;
  int64_t credit_bytes;
  uint32_t max_batch;
  uint64_t close_op;
  bool stop;
  uint64_t unsettled[kWindow]; /* a token lies at its own place until it is settled */
};
struct instance {
  const rst_host* host;
  struct subscription* subscriptions[kMostSubscriptions];
  uint32_t count;
  atomic_uint running; /* threads, and 1 for the connection: who takes the last one completes its close */
  uint64_t close_op;
};
struct batch {
  rst_batch head; /* first: release is given this */
  rst_message messages[kMostBatch];
};

static const uint8_t kBytes[kPayload + 64];

static int32_t refuse(rst_error* error, int32_t code, const char* text) {
  if (error != NULL) {
    *error = (rst_error){.code = code, .text_len = (uint16_t)strlen(text)};
    memcpy(error->text, text, strlen(text));
  }
  return -code;
}

static void complete(const struct instance* instance, uint64_t op) {
  const rst_completion completion = {.op = op};
  if (op != 0) instance->host->complete(instance->host, &completion, 1, sizeof completion);
}

static void end_one(struct instance* instance) {
  if (atomic_fetch_sub(&instance->running, 1) == 1) complete(instance, instance->close_op);
}

static void release(rst_batch* batch) { free(batch); }
static const rst_batch_ops kOps = {.struct_size = sizeof kOps, .release = release};

/* How many messages the next batch has. [locked] */
static uint32_t room(const struct subscription* sub) {
  uint32_t count = 0;
  const uint64_t most = sub->credit_bytes > 0 ? sub->credit : 0;
  while (count < sub->max_batch && count < most && sub->unsettled[(sub->next + count) % kWindow] == 0) ++count;
  return count;
}

/* [locked, but for the host's call] */
static void deliver(struct subscription* sub, uint32_t count) {
  struct batch* const batch = aligned_alloc(64, (sizeof *batch + 63) / 64 * 64);
  if (batch == NULL) return;
  batch->head = (rst_batch){.struct_size = sizeof batch->head,
                            .stride = sizeof *batch->messages,
                            .messages = batch->messages,
                            .count = count,
                            .subscription = sub->id,
                            .ops = &kOps,
                            .bytes = (uint64_t)count * kPayload};
  for (uint32_t i = 0; i < count; ++i, ++sub->next) {
    sub->unsettled[sub->next % kWindow] = sub->next;
    batch->messages[i] = (rst_message){
        .payload = kBytes, .payload_len = kPayload, .token = sub->next, .attempt = 1, .flags = RST_MESSAGE_PADDED};
  }
  sub->credit -= count;
  sub->credit_bytes -= (int64_t)count * kPayload;
  (void)pthread_mutex_unlock(&sub->mutex);
  const rst_host* const host = sub->instance->host;
  const bool refused = host->deliver(host, &batch->head) != RST_DONE;
  if (refused) free(batch);
  (void)pthread_mutex_lock(&sub->mutex);
  if (refused) sub->stop = true; /* by its close alone */
}

static void* serve(void* sub_) {
  struct subscription* const sub = sub_;
  (void)pthread_mutex_lock(&sub->mutex);
  while (!sub->stop) {
    const uint32_t count = room(sub);
    if (count != 0) {
      deliver(sub, count);
    } else {
      (void)pthread_cond_wait(&sub->awake, &sub->mutex);
    }
  }
  const uint64_t op = sub->close_op;
  (void)pthread_mutex_unlock(&sub->mutex);
  complete(sub->instance, op);
  end_one(sub->instance);
  return NULL;
}

static const rst_capability kCaps[] = {{RST_CAP_SETTLE, RST_LEVEL_NATIVE, 0, 0},
                                       {RST_CAP_RETRY, RST_LEVEL_NATIVE, 0, 0},
                                       {RST_CAP_RELEASE, RST_LEVEL_NATIVE, 0, 0},
                                       {RST_CAP_REJECT, RST_LEVEL_NATIVE, 0, 0},
                                       {RST_CAP_OVERFLOW, RST_LEVEL_NATIVE, 0, RST_OVERFLOW_BLOCK}};
static const rst_str kSchemes[] = {STR("source")};
static const rst_kind kKinds[] = {{STR("endless"), STR("messages without end; what is published is gone"), kCaps,
                                   sizeof kCaps / sizeof *kCaps, RST_ROLE_SUBSCRIPTION | RST_ROLE_PUBLISHER}};

static int32_t validate(uint32_t scope, const void* spec, rst_plan* plan, const rst_report* report, rst_error* error) {
  (void)scope, (void)spec, (void)plan, (void)report, (void)error;
  return RST_DONE;
}

static int32_t init(const rst_host* host, const rst_init_args* args, void** made, rst_error* error) {
  (void)args;
  struct instance* const instance = calloc(1, sizeof *instance);
  if (instance == NULL) return refuse(error, RST_E_EXHAUSTED, "no memory");
  instance->host = host;
  *made = instance;
  return RST_DONE;
}

static int32_t deinit(void* instance_, rst_error* error) {
  (void)error;
  struct instance* const instance = instance_;
  for (uint32_t i = 0; i < instance->count; ++i) {
    (void)pthread_join(instance->subscriptions[i]->thread, NULL);
    free(instance->subscriptions[i]);
  }
  free(instance);
  return RST_DONE;
}

static int32_t connect_to(void* instance, const rst_connection_spec* spec, uint64_t* connection, rst_error* error) {
  (void)spec, (void)error;
  atomic_store(&((struct instance*)instance)->running, 1);
  *connection = kConnection;
  return RST_DONE;
}

static int32_t subscribe(void* instance_, uint64_t on, const rst_subscription_spec* spec, uint64_t* handle,
                         rst_error* error) {
  (void)on;
  struct instance* const instance = instance_;
  struct subscription* const sub = instance->count < kMostSubscriptions ? calloc(1, sizeof *sub) : NULL;
  if (sub == NULL) return refuse(error, RST_E_EXHAUSTED, "no memory, or as many subscriptions as there may be");
  const uint32_t most = spec->max_batch;
  *sub = (struct subscription){.instance = instance,
                               .id = spec->id,
                               .next = 1,
                               .credit = spec->credit_messages,
                               .credit_bytes = (int64_t)spec->credit_bytes,
                               .max_batch = most == 0 || most > kMostBatch ? kMostBatch : most};
  (void)pthread_mutex_init(&sub->mutex, NULL);
  (void)pthread_cond_init(&sub->awake, NULL);
  sigset_t all, before;
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  (void)atomic_fetch_add(&instance->running, 1);
  const bool started = pthread_create(&sub->thread, NULL, serve, sub) == 0;
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!started) {
    end_one(instance);
    free(sub);
    return refuse(error, RST_E_EXHAUSTED, "no thread is left");
  }
  *handle = kFirstSubscription + instance->count;
  instance->subscriptions[instance->count++] = sub;
  return RST_DONE;
}

static int32_t open_publisher(void* instance, uint64_t on, const rst_publisher_spec* spec, uint64_t* handle,
                              rst_error* error) {
  (void)instance, (void)on, (void)spec, (void)error;
  *handle = kPublisher;
  return RST_DONE;
}

static struct subscription* find(const struct instance* instance, uint64_t handle) {
  const uint64_t index = handle - kFirstSubscription;
  return handle >= kFirstSubscription && index < instance->count ? instance->subscriptions[index] : NULL;
}

static void stop(struct subscription* sub, uint64_t op) {
  (void)pthread_mutex_lock(&sub->mutex);
  sub->stop = true;
  sub->close_op = op != 0 ? op : sub->close_op;
  (void)pthread_cond_signal(&sub->awake);
  (void)pthread_mutex_unlock(&sub->mutex);
}

static int32_t close_it(void* instance_, uint64_t handle, uint32_t flags, uint64_t timeout_ns, uint64_t op,
                        rst_error* error) {
  (void)flags, (void)timeout_ns;
  struct instance* const instance = instance_;
  if (handle == kPublisher) return RST_DONE;
  if (handle == kConnection) {
    instance->close_op = op;
    for (uint32_t i = 0; i < instance->count; ++i) stop(instance->subscriptions[i], 0);
    end_one(instance);
    return RST_PENDING;
  }
  struct subscription* const sub = find(instance, handle);
  if (sub == NULL) return refuse(error, RST_E_STALE, "no such handle");
  stop(sub, op);
  return RST_PENDING;
}

static int32_t credit(void* instance, const rst_credit* call, rst_error* error) {
  struct subscription* const sub = find(instance, call->subscription);
  if (sub == NULL) return refuse(error, RST_E_STALE, "no such handle");
  const bool drain = call->flags == RST_CREDIT_DRAIN;
  (void)pthread_mutex_lock(&sub->mutex);
  sub->credit = drain ? 0 : sub->credit + call->messages;
  sub->credit_bytes = drain ? 0 : sub->credit_bytes + (int64_t)call->bytes;
  (void)pthread_cond_signal(&sub->awake);
  (void)pthread_mutex_unlock(&sub->mutex);
  return RST_DONE;
}

static int32_t settle(void* instance, const rst_settle* call, rst_error* error) {
  struct subscription* const sub = find(instance, call->subscription);
  if (sub == NULL) return refuse(error, RST_E_STALE, "no such handle");
  (void)pthread_mutex_lock(&sub->mutex);
  for (uint32_t i = 0; i < call->count; ++i) {
    rst_settlement* const item = (rst_settlement*)((char*)call->items + (size_t)i * call->stride);
    uint64_t* const place = &sub->unsettled[item->token % kWindow];
    const bool there = item->token != 0 && *place == item->token;
    if (there) *place = 0;
    item->status = there ? RST_OK : rst_status(RST_E_SETTLED, 0);
  }
  (void)pthread_cond_signal(&sub->awake);
  (void)pthread_mutex_unlock(&sub->mutex);
  return RST_DONE;
}

static int32_t publish(void* instance, rst_publish* call, rst_error* error) {
  (void)instance, (void)error;
  call->accepted = call->count;
  for (uint32_t i = 0; i < call->count && call->statuses != NULL; ++i) call->statuses[i] = RST_OK;
  return RST_DONE;
}

static int32_t flush(void* instance, uint64_t handle, uint64_t timeout_ns, uint64_t op, rst_error* error) {
  (void)instance, (void)handle, (void)timeout_ns, (void)op, (void)error;
  return RST_DONE;
}

static const rst_plugin kPlugin = {.struct_size = sizeof(rst_plugin),
                                   .abi_major = RST_ABI_MAJOR,
                                   .abi_minor = RST_ABI_MINOR,
                                   .name = STR("org.example.source"),
                                   .version = STR("1"),
                                   .schemes = kSchemes,
                                   .kinds = kKinds,
                                   .scheme_count = 1,
                                   .kind_count = 1,
                                   .kind_stride = sizeof(rst_kind),
                                   .option_stride = sizeof(rst_option_decl),
                                   .field_stride = sizeof(rst_field_decl),
                                   .min_host_minor = RST_ABI_MINOR,
                                   .validate = validate,
                                   .init = init,
                                   .deinit = deinit,
                                   .connect = connect_to,
                                   .subscribe = subscribe,
                                   .open_publisher = open_publisher,
                                   .close = close_it,
                                   .credit = credit,
                                   .settle = settle,
                                   .publish = publish,
                                   .flush = flush};

RST_EXPORT const rst_plugin* rst_plugin_v0(void);
RST_EXPORT const rst_plugin* rst_plugin_v0(void) { return &kPlugin; }

RST_PLUGIN_NOTE(RST_RUNTIME_NONE, "org.example.source", "1", "source");
