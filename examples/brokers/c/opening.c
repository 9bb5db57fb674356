/* connect, subscribe, open_publisher. */
#include "broker.h"

#include <stdlib.h>
#include <string.h>

static int32_t no_memory(rst_error* error) { return failed(error, RST_E_INTERNAL, 0, "no memory"); }

/* Gives a handle to what was made, which works from its completion on. */
static int32_t open_later(struct instance* instance, uint64_t connection, struct object* object,
                          struct command* command, rst_error* error) {
  int32_t code = 0;
  (void)pthread_mutex_lock(&instance->mutex);
  if (object->what != kConnection)
    object->connection = (struct connection*)object_find(instance, connection, kConnection, &code);
  if (code == 0) {
    object_add(instance, object);
    object->opening = true;
    command_push(&instance->control, command, object);
  }
  (void)pthread_mutex_unlock(&instance->mutex);
  if (code != 0) return failed(error, code, 0, "the connection is closed, or was never there");
  wake_worker(instance);
  return RST_PENDING;
}

int32_t verb_connect(void* instance_, const rst_connection_spec* spec, uint64_t* handle, rst_error* error) {
  (void)handle; /* the completion has it */
  struct instance* const instance = instance_;
  const int32_t wrong = validate(RST_SCOPE_CONNECTION, spec, NULL, NULL, error);
  if (wrong != 0) return wrong;
  struct connection* const on = calloc(1, sizeof *on);
  struct command* const command = command_new(instance, kConnect, spec->op, spec->timeout_ns, 0);
  char* const path = path_in_url(spec->url);
  if (on == NULL || command == NULL || path == NULL) {
    free(on);
    free(command);
    free(path);
    return no_memory(error);
  }
  command->again = (spec->flags & RST_CONNECT_RETRY_INITIAL) != 0;
  on->object = (struct object){.id = spec->id, .what = kConnection, .give_up = INT64_MAX, .connection = on};
  on->path = path;
  on->op_timeout_ns = option_value(spec, kOpTimeout);
  on->most_queued = (uint32_t)option_value(spec, kWriteQueue);
  return open_later(instance, 0, &on->object, command, error);
}

static void free_subscription(struct subscription* sub) {
  if (sub != NULL) free((void*)sub->unsettled_by_token);
  free(sub);
}

int32_t verb_subscribe(void* instance_, uint64_t connection, const rst_subscription_spec* spec, uint64_t* handle,
                       rst_error* error) {
  (void)handle;
  struct instance* const instance = instance_;
  const int32_t wrong = validate(RST_SCOPE_SUBSCRIPTION, spec, NULL, NULL, error);
  if (wrong != 0) return wrong;
  struct subscription* const sub = calloc(1, sizeof *sub);
  struct command* const command = command_new(instance, kSubscribe, spec->op, spec->timeout_ns, 0);
  if (sub != NULL) {
    const uint32_t wanted = spec->window_messages == 0 ? kUsualUnsettled : spec->window_messages;
    sub->window = wanted > kMostUnsettled ? kMostUnsettled : wanted;
    for (sub->mask = 1; sub->mask < sub->window; sub->mask <<= 1) continue;
    sub->unsettled_by_token = (struct taken**)calloc(sub->mask, sizeof *sub->unsettled_by_token);
    --sub->mask;
  }
  if (command == NULL || sub == NULL || sub->unsettled_by_token == NULL) {
    free(command);
    free_subscription(sub);
    return no_memory(error);
  }
  sub->object = (struct object){.id = spec->id, .what = kSubscription, .give_up = INT64_MAX};
  sub->own = spec->group.len == 0; /* the worker names its folder */
  (void)folder_name(sub->topic, spec->addresses[0]);
  (void)folder_name(sub->folder, spec->group);
  sub->credit = spec->credit_messages;
  sub->credit_bytes = spec->credit_bytes > INT64_MAX ? INT64_MAX : (int64_t)spec->credit_bytes;
  sub->most_batch = spec->max_batch == 0 || spec->max_batch > kMostBatch ? kMostBatch : spec->max_batch;
  const int32_t code = open_later(instance, connection, &sub->object, command, error);
  if (code < 0) {
    free_subscription(sub);
    free(command);
  }
  return code;
}

int32_t verb_open_publisher(void* instance_, uint64_t connection, const rst_publisher_spec* spec, uint64_t* handle,
                            rst_error* error) {
  struct instance* const instance = instance_;
  const int32_t wrong = validate(RST_SCOPE_PUBLISHER, spec, NULL, NULL, error);
  if (wrong != 0) return wrong;
  struct publisher* const publisher = calloc(1, sizeof *publisher);
  if (publisher == NULL) return no_memory(error);
  publisher->object = (struct object){.id = spec->id, .what = kPublisher, .give_up = INT64_MAX};
  (void)folder_name(publisher->topic, spec->destination);
  (void)pthread_mutex_lock(&instance->mutex);
  int32_t code = 0;
  publisher->object.connection = (struct connection*)object_find(instance, connection, kConnection, &code);
  if (code == 0) {
    object_add(instance, &publisher->object);
    *handle = publisher->object.handle;
  }
  (void)pthread_mutex_unlock(&instance->mutex);
  if (code == 0) return RST_DONE; /* there is nothing to do on the disk */
  free(publisher);
  return failed(error, code, 0, "the connection is closed, or was never there");
}
