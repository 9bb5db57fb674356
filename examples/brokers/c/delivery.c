/* How the worker delivers: takes files of the group, makes a batch of them, hands it to the host. */
#include "broker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A batch with room for all that it may hold, in one allocation. Everything but the files is found by the host through
   `head`; release reads nothing that the host may have written. */
struct batch {
  rst_batch head;
  rst_message messages[kMostBatch]; /* 64-aligned, as head is two lines */
  int64_t times[kMostBatch];
  struct stored stored[kMostBatch];
  uint32_t count;
};

static void batch_free(struct batch* batch) {
  for (uint32_t i = 0; i < batch->count; ++i) message_free(&batch->stored[i]);
  free(batch);
}

static void release(rst_batch* head) { batch_free(head->plugin); }

static const rst_batch_ops kOps = {.struct_size = sizeof kOps, .release = release};

static struct batch* batch_new(const struct instance* instance, const struct subscription* sub) {
  struct batch* const batch = aligned_alloc(64, (sizeof *batch + 63) / 64 * 64);
  if (batch == NULL) return NULL;
  batch->count = 0;
  batch->head = (rst_batch){.struct_size = sizeof batch->head,
                            .stride = sizeof *batch->messages,
                            .messages = batch->messages,
                            .flags = RST_BATCH_TIME_IS_CREATE,
                            .subscription = sub->object.id,
                            .ops = &kOps,
                            .timestamps = batch->times,
                            .received_ns = monotonic(instance),
                            .plugin = batch};
  return batch;
}

void forget_names(struct subscription* sub) {
  names_clear(&sub->names);
  sub->look = true;
}

/* Back to where it was: nothing had become of it. */
static void put_back(struct subscription* sub, struct taken* taken) {
  while (taken != NULL) {
    struct taken* const next = taken->next;
    (void)group_settle(&sub->object.connection->spool, sub->group, taken->name, RST_VERDICT_RELEASE, 0);
    free(taken);
    taken = next;
  }
  forget_names(sub);
}

static void measure(struct batch* batch, const rst_message* message) {
  batch->head.bytes += message->payload_len + message->key_len;
  for (uint32_t i = 0; i < message->header_count; ++i)
    batch->head.bytes += (uint64_t)message->headers[i].name_len + message->headers[i].value_len;
}

/* Takes the next name into the batch; NULL when another process was faster, or it cannot be read. */
static struct taken* take_one(struct instance* instance, struct subscription* sub, struct batch* batch,
                              const char* name) {
  const size_t len = strlen(name) + 1;
  struct taken* const taken = calloc(1, sizeof *taken + len);
  if (taken == NULL) return NULL;
  memcpy(taken->name, name, len);
  struct spool* const spool = &sub->object.connection->spool;
  struct stored* const stored = &batch->stored[batch->count];
  *stored = (struct stored){0};
  size_t size = 0;
  int error = group_take(spool, sub->group, name, kMostHead + kMostPayload, kPad, &stored->file, &size);
  rst_message* const message = &batch->messages[batch->count];
  *message = (rst_message){.attempt = name_attempt(name)};
  batch->times[batch->count] = name_time(name);
  if (error == 0) {
    error = message_decode(stored, size, message, &batch->times[batch->count]);
    if (error != 0) {
      (void)group_settle(spool, sub->group, name, error == ENOMEM ? RST_VERDICT_RELEASE : RST_VERDICT_REJECT, 0);
      message_free(stored);
    }
  }
  if (error != 0) {
    if (error != ENOENT)
      log_line(instance, RST_LOG_WARN, &sub->object, "%s/new/%s is not delivered: %s", sub->group, name,
               strerror(error));
    /* It would be found again at once: not before the next second. */
    if (error != ENOENT && error != EBADMSG) sub->names.more = false;
    free(taken);
    return NULL;
  }
  if (message->attempt > 1) message->flags |= RST_MESSAGE_REDELIVERED;
  ++batch->count;
  measure(batch, message);
  return taken;
}

/* What of the balances and the window may be used now. */
struct room {
  uint32_t messages, drains;
  int64_t bytes;
};

static struct room room_of(struct instance* instance, const struct subscription* sub) {
  (void)pthread_mutex_lock(&instance->mutex);
  struct room room = {.messages = sub->most_batch, .drains = sub->drains, .bytes = sub->credit_bytes};
  if (room.messages > sub->credit) room.messages = sub->credit;
  const uint32_t free_places = sub->unsettled < sub->window ? sub->window - sub->unsettled : 0;
  if (room.messages > free_places) room.messages = free_places;
  if (room.bytes <= 0 || sub->refused || sub->object.closing || sub->object.opening) room.messages = 0;
  (void)pthread_mutex_unlock(&instance->mutex);
  return room;
}

/* Debits the batch and registers its tokens, so that they can be settled before deliver returns (M6). False: there was
   a DRAIN or a close while it was being read. */
static bool enter(struct instance* instance, struct subscription* sub, struct batch* batch, struct taken* all,
                  uint32_t drains) {
  (void)pthread_mutex_lock(&instance->mutex);
  const bool stands = sub->drains == drains && !sub->object.closing;
  uint32_t i = 0;
  for (struct taken *taken = all, *next = NULL; stands && taken != NULL; taken = next, ++i) {
    next = taken->next;
    taken->token = batch->messages[i].token = ++sub->last_token;
    taken_add(sub, taken);
  }
  if (stands) {
    sub->credit -= batch->count;
    sub->credit_bytes -= (int64_t)batch->head.bytes;
  }
  (void)pthread_mutex_unlock(&instance->mutex);
  return stands;
}

/* The host refused it: as if it had not been (M1), unless a DRAIN has set the balances since. */
static struct taken* leave(struct instance* instance, struct subscription* sub, const struct batch* batch,
                           uint32_t drains) {
  struct taken* all = NULL;
  (void)pthread_mutex_lock(&instance->mutex);
  for (uint32_t i = batch->count; i-- > 0;) {
    struct taken** const place = taken_place(sub, batch->messages[i].token);
    struct taken* const taken = *place;
    if (taken == NULL) continue;
    *place = taken->next;
    taken->next = all;
    all = taken;
    --sub->unsettled;
  }
  if (sub->drains == drains) {
    sub->credit += batch->count;
    sub->credit_bytes += (int64_t)batch->head.bytes;
  }
  sub->refused = true;
  (void)pthread_mutex_unlock(&instance->mutex);
  return all;
}

/* Learns what waits, when all that was known has been taken. */
static void look(struct subscription* sub) {
  struct spool* const spool = &sub->object.connection->spool;
  if (sub->names.at != sub->names.count || !(sub->look || sub->names.more)) return;
  if (spool_lock(spool) != 0) return; /* the next round tries again */
  sub->look = group_look(spool, sub->group, &sub->names) != 0;
  spool_unlock(spool);
}

bool deliver_some(struct instance* instance, struct subscription* sub) {
  const struct room room = room_of(instance, sub);
  if (room.messages == 0) return false;
  look(sub);
  if (sub->names.at == sub->names.count) return false;
  struct batch* const batch = batch_new(instance, sub);
  if (batch == NULL) return false;
  struct taken *all = NULL, **last = &all;
  while (batch->count < room.messages && sub->names.at < sub->names.count &&
         (int64_t)batch->head.bytes < room.bytes) { /* so bytes go negative by one message at most (F1) */
    char* const name = sub->names.list[sub->names.at++];
    struct taken* const taken = take_one(instance, sub, batch, name);
    free(name);
    if (taken == NULL) continue;
    *last = taken;
    last = &taken->next;
  }
  batch->head.count = batch->count;
  if (all == NULL) { /* others were faster, or none was a message */
    batch_free(batch);
    return true;
  }
  if (!enter(instance, sub, batch, all, room.drains)) {
    put_back(sub, all);
    batch_free(batch);
  } else if (instance->host->deliver(instance->host, &batch->head) != RST_DONE) {
    put_back(sub, leave(instance, sub, batch, room.drains));
    batch_free(batch);
  }
  return true;
}
