/* Handles, queues and tokens: the tables that verbs and the worker share. */
#include "broker.h"

#include <stdlib.h>
#include <unistd.h>

static struct object** place(struct instance* instance, uint64_t handle) {
  struct object** at = &instance->objects[handle % kBuckets];
  while (*at != NULL && (*at)->handle != handle) at = &(*at)->next;
  return at;
}

void object_add(struct instance* instance, struct object* object) {
  object->handle = ++instance->last_handle;
  *place(instance, object->handle) = object;
}

void object_remove(struct instance* instance, struct object* object) {
  *place(instance, object->handle) = object->next;
}

struct object* object_any(struct instance* instance, uint64_t handle) {
  struct object* const object = *place(instance, handle);
  return object == NULL || object->opening ? NULL : object;
}

struct object* object_find(struct instance* instance, uint64_t handle, enum what what, int32_t* code) {
  struct object* const object = object_any(instance, handle);
  *code = object == NULL || object->what != what ? RST_E_STALE : object->closing ? RST_E_CLOSED : 0;
  return *code == 0 ? object : NULL;
}

struct command* command_new(const struct instance* instance, enum task task, uint64_t op, uint64_t timeout_ns,
                            uint32_t messages) {
  struct command* const command = calloc(1, sizeof *command + messages * sizeof *command->outgoing);
  if (command == NULL) return NULL;
  command->task = task;
  command->op = op;
  command->timeout_ns = timeout_ns;
  command->deadline = monotonic(instance);
  command->count = messages;
  return command;
}

void command_push(struct queue* queue, struct command* command, struct object* object) {
  const uint64_t timeout_ns = command->timeout_ns != 0 ? command->timeout_ns : object->connection->op_timeout_ns;
  const int64_t most = INT64_MAX - command->deadline;
  command->deadline += timeout_ns < (uint64_t)most ? (int64_t)timeout_ns : most;
  command->object = object;
  command->next = NULL;
  if (queue->last != NULL) {
    queue->last->next = command;
  } else {
    queue->first = command;
  }
  queue->last = command;
}

struct command* command_pop(struct queue* queue) {
  struct command* const command = queue->first;
  if (command != NULL) queue->first = command->next;
  if (queue->first == NULL) queue->last = NULL;
  return command;
}

void wake_worker(const struct instance* instance) {
  const uint64_t one = 1;
  const ssize_t written = write(instance->wake, &one, sizeof one); /* when it is full the worker wakes anyway */
  (void)written;
}

struct taken** taken_place(struct subscription* sub, uint64_t token) {
  struct taken** at = &sub->unsettled_by_token[token & sub->mask];
  while (*at != NULL && (*at)->token != token) at = &(*at)->next;
  return at;
}

void taken_add(struct subscription* sub, struct taken* taken) {
  struct taken** const first = &sub->unsettled_by_token[taken->token & sub->mask];
  taken->next = *first;
  *first = taken;
  ++sub->unsettled;
}
