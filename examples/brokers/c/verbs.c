/* The verbs, but for connect, subscribe and open_publisher (opening.c). Each checks what it was given, changes what is
   in memory under the mutex, and leaves the rest to the worker: none does I/O or waits (B1). */
#include "broker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int32_t bad_handle(rst_error* error, int32_t code) {
  return failed(error, code, 0, code == RST_E_CLOSED ? "it is closed" : "no such handle was given, or it is long gone");
}

/* ------------------------------------------------------------------ close, flush */

/* A connection's close is that of all on it. [locked] */
static void begin_close(struct instance* instance, struct object* of, int64_t give_up) {
  for (int i = 0; i < kBuckets; ++i) {
    for (struct object* each = instance->objects[i]; each != NULL; each = each->next) {
      if (each != of && &each->connection->object != of) continue;
      each->closing = true;
      if (each->give_up > give_up) each->give_up = give_up;
    }
  }
}

int32_t verb_close(void* instance_, uint64_t handle, uint32_t flags, uint64_t timeout_ns, uint64_t op,
                   rst_error* error) {
  struct instance* const instance = instance_;
  if ((flags & ~RST_CLOSE_ABORT) != 0) return failed(error, RST_E_UNSUPPORTED, 0, "no flag but ABORT is known");
  struct command* const command = command_new(instance, kClose, op, timeout_ns, 0);
  if (command == NULL) return failed(error, RST_E_INTERNAL, 0, "no memory");
  int32_t code = 0;
  bool spare = true;
  (void)pthread_mutex_lock(&instance->mutex);
  struct object* const object = object_any(instance, handle);
  if (object == NULL) {
    code = RST_E_STALE;
  } else if (!object->closing) {
    spare = false;
    command_push(object->what == kSubscription ? &instance->control : &instance->writes, command, object);
    begin_close(instance, object, flags != 0 ? 0 : command->deadline);
  } else if (flags != 0 && object->give_up != 0) { /* hurries the close that is pending, and is over with it */
    object->abort_op = op;
    begin_close(instance, object, 0);
  } else {
    code = RST_E_CLOSED;
  }
  (void)pthread_mutex_unlock(&instance->mutex);
  if (spare) free(command);
  if (code != 0) return bad_handle(error, code);
  wake_worker(instance);
  return RST_PENDING;
}

int32_t verb_flush(void* instance_, uint64_t handle, uint64_t timeout_ns, uint64_t op, rst_error* error) {
  struct instance* const instance = instance_;
  struct command* const command = command_new(instance, kFlush, op, timeout_ns, 0);
  if (command == NULL) return failed(error, RST_E_INTERNAL, 0, "no memory");
  int32_t code = 0;
  (void)pthread_mutex_lock(&instance->mutex);
  struct object* object = object_find(instance, handle, kPublisher, &code);
  if (code == RST_E_STALE) object = object_find(instance, handle, kConnection, &code);
  if (code == 0) command_push(&instance->writes, command, object); /* behind all that was accepted before (P5) */
  (void)pthread_mutex_unlock(&instance->mutex);
  if (code == 0) {
    wake_worker(instance);
    return RST_PENDING;
  }
  free(command);
  return bad_handle(error, code);
}

/* ------------------------------------------------------------------ credit */

static int32_t drain(struct instance* instance, const rst_credit* call, rst_error* error) {
  struct command* const command = command_new(instance, kDrain, call->op, 0, 0);
  if (command == NULL) return failed(error, RST_E_INTERNAL, 0, "no memory");
  (void)pthread_mutex_lock(&instance->mutex);
  int32_t code = 0;
  struct subscription* const sub =
      (struct subscription*)object_find(instance, call->subscription, kSubscription, &code);
  if (code == 0) {
    sub->credit = 0;
    sub->credit_bytes = 0;
    ++sub->drains;
    command_push(&instance->control, command, &sub->object); /* the worker delivers nothing while it looks at it */
  }
  (void)pthread_mutex_unlock(&instance->mutex);
  if (code != 0) {
    free(command);
    return bad_handle(error, code);
  }
  wake_worker(instance);
  return RST_PENDING;
}

int32_t verb_credit(void* instance_, const rst_credit* call, rst_error* error) {
  struct instance* const instance = instance_;
  if (call->struct_size < RST_UP_TO(rst_credit, op)) return failed(error, RST_E_INVALID, 0, "rst_credit is too short");
  if (call->flags == RST_CREDIT_DRAIN) return drain(instance, call, error);
  if (call->flags != RST_CREDIT_ADD) return failed(error, RST_E_UNSUPPORTED, 0, "credit is either ADD or DRAIN");
  (void)pthread_mutex_lock(&instance->mutex);
  int32_t code = 0;
  struct subscription* const sub =
      (struct subscription*)object_find(instance, call->subscription, kSubscription, &code);
  if (code == 0) {
    sub->credit = call->messages > UINT32_MAX - sub->credit ? UINT32_MAX : sub->credit + call->messages;
    const int64_t room = INT64_MAX - (sub->credit_bytes > 0 ? sub->credit_bytes : 0);
    sub->credit_bytes += call->bytes > (uint64_t)room ? room : (int64_t)call->bytes;
    sub->refused = false;
  }
  (void)pthread_mutex_unlock(&instance->mutex);
  if (code != 0) return bad_handle(error, code);
  wake_worker(instance);
  return RST_DONE;
}

/* ------------------------------------------------------------------ settle */

/* What an item's status becomes; where that is OK its delivery is no longer among the unsettled. [locked] */
static int32_t settle_one(struct subscription* sub, const rst_settlement* item, int64_t now, struct taken** taken) {
  if (item->token == 0) return rst_status(RST_E_INVALID, RST_ERROR_USER);
  if (item->token > sub->last_token) return rst_status(RST_E_STALE, 0);
  struct taken** const place = taken_place(sub, item->token);
  if (*place == NULL) return rst_status(RST_E_SETTLED, 0);
  const rst_settle_detail* const detail = item->detail;
  if (detail != NULL && detail->struct_size < RST_UP_TO(rst_settle_detail, dead_letter))
    return rst_status(RST_E_INVALID, 0);
  const bool known = item->verdict == RST_VERDICT_ACK || item->verdict == RST_VERDICT_RETRY ||
                     item->verdict == RST_VERDICT_RELEASE || item->verdict == RST_VERDICT_REJECT;
  const bool moves = item->verdict == RST_VERDICT_REJECT && detail != NULL &&
                     (detail->dead_letter.len != 0 || detail->header_count != 0); /* what is rejected stays as it is */
  if (!known || moves || item->flags != 0) return rst_status(RST_E_UNSUPPORTED, 0);
  *taken = *place;
  *place = (*taken)->next;
  --sub->unsettled;
  const bool later = item->verdict == RST_VERDICT_RETRY && item->delay_ns != 0;
  const uint64_t most = (uint64_t)(INT64_MAX - now);
  (*taken)->verdict = item->verdict;
  (*taken)->due = later ? now + (int64_t)(item->delay_ns < most ? item->delay_ns : most) : 0;
  return RST_OK;
}

int32_t verb_settle(void* instance_, const rst_settle* call, rst_error* error) {
  struct instance* const instance = instance_;
  if (call->struct_size < RST_UP_TO(rst_settle, timeout_ns) ||
      (call->count != 0 && call->stride < RST_UP_TO(rst_settlement, status)))
    return failed(error, RST_E_INVALID, 0, "rst_settle or an item of it is too short");
  if ((call->flags & ~RST_SETTLE_CONFIRM) != 0 || call->tx != 0)
    return failed(error, RST_E_UNSUPPORTED, 0, "no flag but CONFIRM is known, and there are no transactions");
  const bool confirm = call->flags != 0 && call->op != 0;
  struct command* const command = command_new(instance, kSettle, confirm ? call->op : 0, call->timeout_ns, 0);
  if (command == NULL) return failed(error, RST_E_INTERNAL, 0, "no memory");
  const int64_t now = instance->host->now(instance->host, RST_CLOCK_WALL);
  (void)pthread_mutex_lock(&instance->mutex);
  int32_t code = 0;
  struct subscription* const sub =
      (struct subscription*)object_find(instance, call->subscription, kSubscription, &code);
  if (code == 0) {
    struct taken** last = &command->settled;
    for (uint32_t i = 0; i < call->count; ++i) {
      rst_settlement* const item = (rst_settlement*)((char*)call->items + (size_t)i * call->stride);
      item->status = settle_one(sub, item, now, last);
      if (item->status != RST_OK) continue;
      (*last)->item = confirm ? item : NULL;
      (*last)->next = NULL;
      last = &(*last)->next;
    }
    command->confirm = confirm;
    command_push(&instance->control, command, &sub->object);
  }
  (void)pthread_mutex_unlock(&instance->mutex);
  if (code != 0) {
    free(command);
    return bad_handle(error, code);
  }
  wake_worker(instance);
  return confirm ? RST_PENDING : RST_DONE;
}

/* ------------------------------------------------------------------ publish */

/* Makes the file of one message; `topic` is the publisher's. */
static void prepare(struct outgoing* out, const rst_out_message* message, const char* topic) {
  const rst_out_props* const props = message->props;
  if (props != NULL && props->struct_size < RST_UP_TO(rst_out_props, partition)) {
    out->status = rst_status(RST_E_INVALID, 0);
    return;
  }
  const rst_str destination = {message->destination, message->destination_len};
  if (message->destination == NULL || destination.len == 0) {
    (void)snprintf(out->topic, sizeof out->topic, "%s", topic);
  } else if (!folder_name(out->topic, destination)) {
    out->topic[0] = 0;
  }
  if (out->topic[0] == 0) {
    out->status = rst_status(RST_E_INVALID, RST_ERROR_USER);
    return;
  }
  int32_t code = 0;
  out->file = message_encode(message, &out->size, &code);
  out->status = code == 0 ? RST_OK : rst_status(code, 0);
  out->mandatory = (message->flags & RST_OUT_MANDATORY) != 0;
}

/* Gives the command to the worker, with as many messages as there is room for (P4). [locked] */
static uint32_t accept(struct instance* instance, struct publisher* publisher, struct command* command) {
  struct connection* const on = publisher->object.connection;
  uint32_t taken = 0;
  for (; taken < command->count && on->queued < on->most_queued; ++taken) {
    const size_t size = command->outgoing[taken].size;
    if (on->queued_bytes != 0 && on->queued_bytes + size > kMostQueued) break;
    ++on->queued;
    on->queued_bytes += size;
  }
  publisher->refused = publisher->refused || taken < command->count;
  for (uint32_t i = taken; i < command->count; ++i) free(command->outgoing[i].file);
  if (taken == 0) return 0;
  command->count = taken;
  command_push(&instance->writes, command, &publisher->object);
  return taken;
}

/* The publisher's topic is read first and the publisher looked up again afterwards, so that files are made unlocked. */
int32_t verb_publish(void* instance_, rst_publish* call, rst_error* error) {
  struct instance* const instance = instance_;
  if (call->struct_size < RST_UP_TO(rst_publish, timeout_ns) ||
      (call->count != 0 && call->stride < RST_UP_TO(rst_out_message, flags)))
    return failed(error, RST_E_INVALID, 0, "rst_publish or a message of it is too short");
  call->accepted = 0;
  if ((call->flags & ~RST_PUBLISH_CONFIRM) != 0 || call->tx != 0)
    return failed(error, RST_E_UNSUPPORTED, 0, "no flag but CONFIRM is known, and there are no transactions");
  char topic[kMostFolder + 1] = "";
  int32_t code = 0;
  (void)pthread_mutex_lock(&instance->mutex);
  struct publisher* publisher = (struct publisher*)object_find(instance, call->publisher, kPublisher, &code);
  if (code == 0) memcpy(topic, publisher->topic, sizeof topic);
  (void)pthread_mutex_unlock(&instance->mutex);
  if (code != 0) return bad_handle(error, code);
  if (call->count == 0) return RST_DONE;

  struct command* const command = command_new(instance, kPublish, call->op, call->timeout_ns, call->count);
  if (command == NULL) return failed(error, RST_E_INTERNAL, 0, "no memory");
  for (uint32_t i = 0; i < call->count; ++i) {
    prepare(&command->outgoing[i], (const rst_out_message*)((const char*)call->messages + (size_t)i * call->stride),
            topic);
  }
  command->statuses = call->op != 0 ? call->statuses : NULL;
  command->confirm = (call->flags & RST_PUBLISH_CONFIRM) != 0;
  const bool completes = call->op != 0;
  (void)pthread_mutex_lock(&instance->mutex);
  publisher = (struct publisher*)object_find(instance, call->publisher, kPublisher, &code);
  if (code == 0) {
    call->accepted = accept(instance, publisher, command);
    if (call->accepted == 0) code = RST_E_BACKPRESSURE;
    for (uint32_t i = 0; i < call->accepted && call->receipts != NULL; ++i) call->receipts[i] = (rst_position){0};
    for (uint32_t i = 0; i < call->accepted && !completes && call->statuses != NULL; ++i) {
      call->statuses[i] = command->outgoing[i].status;
      command->outgoing[i].told = call->statuses[i] != RST_OK;
    }
  } else {
    for (uint32_t i = 0; i < call->count; ++i) free(command->outgoing[i].file);
  }
  (void)pthread_mutex_unlock(&instance->mutex);
  if (code != 0) free(command);
  if (code == RST_E_BACKPRESSURE)
    return failed(error, code, RST_ERROR_RETRYABLE, "as many messages as `write_queue` allows wait to be written");
  if (code != 0) return bad_handle(error, code);
  wake_worker(instance);
  return completes ? RST_PENDING : RST_DONE;
}
