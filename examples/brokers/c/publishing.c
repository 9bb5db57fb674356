/* How the worker publishes an array: drafts, then their links under the directory's lock, then the folders. */
#include "broker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  kFew = 8,   /* messages: for more, syncing the whole filesystem is faster than syncing each file */
  kSlice = 64 /* messages that are linked at a time: others want the lock too */
};

/* A disk may be slow, and a close may have come: what is not written by then is refused. */
static int32_t too_late(struct instance* instance, const struct command* command) {
  (void)pthread_mutex_lock(&instance->mutex);
  const int64_t give_up = command->object->give_up;
  (void)pthread_mutex_unlock(&instance->mutex);
  const int64_t now = monotonic(instance);
  if (now >= give_up) return rst_status(RST_E_CANCELLED, 0);
  return now >= command->deadline ? rst_status(RST_E_TIMEOUT, RST_ERROR_RETRYABLE) : RST_OK;
}

static void write_drafts(struct instance* instance, struct spool* spool, const struct command* command,
                         struct outgoing* first, const struct outgoing* end, bool sync) {
  for (struct outgoing* out = first; out != end; ++out) {
    if (out->status == RST_OK) out->status = too_late(instance, command);
    if (out->status == RST_OK) out->status = status_of(spool_write(spool, out->file, out->size, sync, &out->draft), 0);
  }
}

static void link_drafts(const struct instance* instance, struct spool* spool, struct outgoing* first,
                        const struct outgoing* end) {
  const int error = spool_lock(spool);
  for (struct outgoing* out = first; out != end; ++out) {
    if (out->status != RST_OK) continue;
    if (error != 0) {
      spool_forget(spool, out->draft);
      out->status = status_of(error, 0);
      continue;
    }
    uint32_t groups = 0;
    const int64_t now = instance->host->now(instance->host, RST_CLOCK_WALL);
    const int failure = spool_link(spool, out->draft, out->topic, now, &groups);
    out->status = status_of(failure, groups != 0 ? RST_ERROR_MAYBE_APPLIED : 0);
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
    send_event(instance, RST_EVENT_PUB_WRITABLE, each, 0, RST_OK, NULL);
}

void publish_messages(struct instance* instance, struct command* command) {
  struct connection* const on = command->object->connection;
  const bool many = command->count > kFew;
  struct outgoing* const end = command->outgoing + command->count;
  for (struct outgoing *slice = command->outgoing, *next = NULL; slice != end; slice = next) {
    next = end - slice > kSlice ? slice + kSlice : end;
    write_drafts(instance, &on->spool, command, slice, next, command->confirm && !many);
    link_drafts(instance, &on->spool, slice, next);
  }
  if (command->confirm) sync_links(&on->spool, command, many);

  char text[64 + kMostFolder] = "";
  uint32_t lost = 0;
  int32_t status = RST_OK;
  for (uint32_t i = 0; i < command->count; ++i) {
    const struct outgoing* const out = &command->outgoing[i];
    if (command->statuses != NULL) command->statuses[i] = out->status;
    if (rst_status_code(out->status) == RST_E_CANCELLED) ++((struct publisher*)command->object)->cancelled;
    if (out->status < 0 && !out->told) {
      ++lost;
      status = out->status;
      (void)snprintf(text, sizeof text, "a message to `%s` was not published", out->topic);
    }
    free(out->file);
  }
  make_room(instance, on, command);
  if (lost != 0 && command->op == 0) send_event(instance, RST_EVENT_PUB_FAILED, command->object, lost, status, text);
  complete(instance, command->op, command->statuses == NULL ? status : RST_OK, 0, text);
}
