/* How the worker closes things. Verbs have refused them since the close began, and what was pending on them is done. */
#include "broker.h"

#include <stdlib.h>
#include <sys/inotify.h>

static void stop_watching(const struct instance* instance, const struct subscription* sub) {
  for (const struct subscription* other = instance->subscriptions; other != NULL; other = other->next) {
    if (other->watch == sub->watch) return; /* of the same group */
  }
  (void)inotify_rm_watch(instance->changes, sub->watch);
}

/* What is unsettled goes back to its group (S4); the folder of a subscription of its own goes with all that is in it.
 */
static uint64_t end_subscription(struct instance* instance, struct subscription* sub) {
  struct spool* const spool = &sub->object.connection->spool;
  struct subscription** at = &instance->subscriptions;
  while (*at != sub) at = &(*at)->next;
  *at = sub->next;
  stop_watching(instance, sub);
  for (uint32_t i = 0; i <= sub->mask; ++i) {
    for (struct taken *taken = sub->unsettled_by_token[i], *next = NULL; taken != NULL; taken = next) {
      next = taken->next;
      (void)group_settle(spool, sub->group, taken->name, RST_VERDICT_RELEASE, 0);
      free(taken);
    }
  }
  uint64_t dropped = 0;
  if (sub->own) {
    const bool locked = spool_lock(spool) == 0; /* else another process hangs, and may link something in yet */
    if (spool_drop_group(spool, sub->group, &dropped) != 0) spool->left = true;
    if (locked) spool_unlock(spool);
  }
  names_clear(&sub->names);
  free((void*)sub->unsettled_by_token);
  return dropped;
}

static void end_connection(struct instance* instance, struct connection* on) {
  struct connection** at = &instance->connections;
  while (*at != on) at = &(*at)->next;
  *at = on->next;
  spool_close(&on->spool);
  free(on->path);
}

static struct object* first_child(struct instance* instance, const struct object* of) {
  struct object* found = NULL;
  (void)pthread_mutex_lock(&instance->mutex);
  for (int i = 0; i < kBuckets && found == NULL; ++i) {
    for (struct object* each = instance->objects[i]; each != NULL && found == NULL; each = each->next) {
      if (each != of && &each->connection->object == of) found = each;
    }
  }
  (void)pthread_mutex_unlock(&instance->mutex);
  return found;
}

/* Ends it, and tells who hurried it; how many messages were dropped. */
static uint64_t end(struct instance* instance, struct object* object) {
  uint64_t dropped = 0;
  if (object->what == kSubscription) dropped = end_subscription(instance, (struct subscription*)object);
  if (object->what == kPublisher) dropped = ((struct publisher*)object)->cancelled;
  if (object->what == kConnection) {
    for (struct object* child = NULL; (child = first_child(instance, object)) != NULL;) dropped += end(instance, child);
    end_connection(instance, (struct connection*)object);
  }
  (void)pthread_mutex_lock(&instance->mutex);
  object_remove(instance, object);
  const uint64_t abort_op = object->abort_op;
  (void)pthread_mutex_unlock(&instance->mutex);
  complete(instance, abort_op, RST_OK, dropped, NULL);
  free(object);
  return dropped;
}

void close_object(struct instance* instance, struct command* command) {
  complete(instance, command->op, RST_OK, end(instance, command->object), NULL);
}
