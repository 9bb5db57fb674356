/* How the worker publishes an array: drafts, then their links under the directory's lock, then the folders. */
#include "broker.h"

#include <stdlib.h>
#include <string.h>

enum { kFew = 8 /* messages: for more, syncing the whole filesystem is faster than syncing each file */ };

/* All of a command that comes too late for its close fail without having been written. */
static void refuse_all(struct command* command, int32_t status) {
  for (uint32_t i = 0; i < command->count; ++i) {
    if (command->outgoing[i].status == RST_OK) command->outgoing[i].status = status;
  }
}

/* A disk may be slow: what is not written by the deadline is refused. */
static void write_drafts(const struct instance* instance, struct spool* spool, struct command* command, bool sync) {
  for (uint32_t i = 0; i < command->count; ++i) {
    struct outgoing* const out = &command->outgoing[i];
    if (out->status != RST_OK) continue;
    if (monotonic(instance) >= command->deadline) {
      out->status = rst_status(RST_E_TIMEOUT, RST_ERROR_RETRYABLE);
    } else {
      out->status = status_of(spool_write(spool, out->file, out->size, sync, &out->draft), 0);
    }
  }
}

static void link_drafts(const struct instance* instance, struct spool* spool, struct command* command) {
  const int error = spool_lock(spool);
  for (uint32_t i = 0; i < command->count; ++i) {
    struct outgoing* const out = &command->outgoing[i];
    if (out->status != RST_OK) continue;
    if (error != 0) {
      spool_forget(spool, out->draft);
      out->status = status_of(error, 0);
      continue;
    }
    uint32_t groups = 0;
    const int64_t now = instance->host->now(instance->host, RST_CLOCK_WALL);
    out->status = status_of(spool_link(spool, out->draft, out->topic, now, &groups), RST_ERROR_MAYBE_APPLIED);
    if (out->status != RST_OK || groups != 0) continue;
    out->status = out->mandatory ? rst_status(RST_E_NO_ROUTE, 0) : RST_OK_UNROUTED;
  }
  if (error == 0) spool_unlock(spool);
}

/* A confirmed message has outlived a loss of power: its file, and the folders that it was linked into. */
static void sync_links(struct spool* spool, struct command* command, bool at_once) {
  const char* last = "";
  int32_t status = at_once ? status_of(spool_sync_all(spool), RST_ERROR_MAYBE_APPLIED) : RST_OK;
  for (uint32_t i = 0; i < command->count; ++i) {
    struct outgoing* const out = &command->outgoing[i];
    if (out->status != RST_OK) continue;
    if (!at_once && strcmp(out->topic, last) != 0)
      status = status_of(spool_sync_topic(spool, out->topic), RST_ERROR_MAYBE_APPLIED);
    last = out->topic;
    out->status = status;
  }
}

/* A publisher that was refused and has not been told that there is room. It stays where it is: only this thread frees.
 */
static const struct object* take_refused(struct instance* instance, const struct connection* on) {
  const struct object* found = NULL;
  (void)pthread_mutex_lock(&instance->mutex);
  for (int i = 0; i < kBuckets && found == NULL; ++i) {
    for (struct object* each = instance->objects[i]; each != NULL && found == NULL; each = each->next) {
      struct publisher* const publisher = (struct publisher*)each;
      if (each->what != kPublisher || each->connection != on || !publisher->refused) continue;
      publisher->refused = false;
      found = each;
    }
  }
  (void)pthread_mutex_unlock(&instance->mutex);
  return found;
}

static void make_room(struct instance* instance, struct connection* on, const struct command* command) {
  (void)pthread_mutex_lock(&instance->mutex);
  on->queued -= command->count;
  for (uint32_t i = 0; i < command->count; ++i) on->queued_bytes -= command->outgoing[i].size;
  (void)pthread_mutex_unlock(&instance->mutex);
  for (const struct object* each = NULL; (each = take_refused(instance, on)) != NULL;)
    send_event(instance, RST_EVENT_PUB_WRITABLE, each, 0, RST_OK);
}

void publish_messages(struct instance* instance, struct command* command) {
  struct connection* const on = command->object->connection;
  (void)pthread_mutex_lock(&instance->mutex);
  const int64_t give_up = command->object->give_up;
  (void)pthread_mutex_unlock(&instance->mutex);
  if (monotonic(instance) >= give_up) refuse_all(command, rst_status(RST_E_CANCELLED, 0));
  const bool many = command->count > kFew;
  write_drafts(instance, &on->spool, command, command->confirm && !many);
  link_drafts(instance, &on->spool, command);
  if (command->confirm) sync_links(&on->spool, command, many);

  uint32_t lost = 0;
  int32_t status = RST_OK;
  for (uint32_t i = 0; i < command->count; ++i) {
    const struct outgoing* const out = &command->outgoing[i];
    if (command->statuses != NULL) command->statuses[i] = out->status;
    if (out->status < 0) {
      ++lost;
      status = out->status;
    }
    free(out->file);
  }
  make_room(instance, on, command);
  if (lost != 0 && command->op == 0) send_event(instance, RST_EVENT_PUB_FAILED, command->object, lost, status);
  complete(instance, command->op, command->statuses == NULL ? status : RST_OK, 0, "a message was not published");
}
