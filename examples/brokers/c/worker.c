/* The one thread of an instance: it waits for commands and for changes in the directory, and does what they ask for. */
#include "broker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { kMillisecond = 1000000, kPeriod = 1000 * kMillisecond /* between two looks for what nobody tells */ };

int64_t monotonic(const struct instance* instance) { return instance->host->now(instance->host, RST_CLOCK_MONOTONIC); }

static int64_t wall(const struct instance* instance) { return instance->host->now(instance->host, RST_CLOCK_WALL); }

void complete(const struct instance* instance, uint64_t op, int32_t status, uint64_t value, const char* text) {
  if (op == 0) return;
  rst_error error;
  if (status < 0) (void)failed(&error, rst_status_code(status), rst_status_flags(status), "%s", text);
  const rst_completion completion = {
      .op = op, .status = status < 0 ? status : RST_OK, .value = value, .error = status < 0 ? &error : NULL};
  instance->host->complete(instance->host, &completion, 1, sizeof completion);
}

void send_event(const struct instance* instance, uint32_t kind, const struct object* about, uint64_t value,
                int32_t status, const char* text) {
  rst_error error;
  if (status < 0) (void)failed(&error, rst_status_code(status), rst_status_flags(status), "%s", text);
  const rst_event event = {.struct_size = sizeof event,
                           .kind = kind,
                           .connection = about->connection->object.id,
                           .subject = about->id,
                           .value = value,
                           .error = status < 0 ? &error : NULL};
  instance->host->event(instance->host, &event);
}

/* ------------------------------------------------------------------ connect, subscribe */

/* From its completion on the handle can be used; where it failed there is none. */
static void opened(struct instance* instance, const struct command* command, int error, const char* what,
                   const char* path) {
  struct object* const object = command->object;
  (void)pthread_mutex_lock(&instance->mutex);
  object->opening = false;
  if (error != 0) object_remove(instance, object);
  (void)pthread_mutex_unlock(&instance->mutex);
  char text[480];
  (void)snprintf(text, sizeof text, "%s %.400s: %s", what, path, text_of(error));
  complete(instance, command->op, status_of(error, 0), error == 0 ? object->handle : 0, text);
}

/* False: it is tried again (RST_CONNECT_RETRY_INITIAL). */
static bool do_connect(struct instance* instance, struct command* command) {
  struct connection* const on = (struct connection*)command->object;
  const int error = spool_open(&on->spool, on->path);
  if (error != 0 && command->again && monotonic(instance) + kPeriod < command->deadline) {
    command->next = instance->again;
    instance->again = command;
    return false;
  }
  if (error == 0) {
    on->next = instance->connections;
    instance->connections = on;
  }
  opened(instance, command, error, "the directory", on->path);
  if (error != 0) {
    free(on->path);
    free(on);
  }
  return true;
}

/* Each is tried once more; those that fail again are back in the list then. */
static void connect_again(struct instance* instance) {
  struct command* all = instance->again;
  instance->again = NULL;
  for (struct command* next = NULL; all != NULL; all = next) {
    next = all->next;
    if (do_connect(instance, all)) free(all);
  }
}

static int watch_group(const struct instance* instance, struct subscription* sub) {
  char path[64 + kMostGroup];
  (void)snprintf(path, sizeof path, "/proc/self/fd/%d/%s/new", sub->object.connection->spool.root, sub->group);
  sub->watch = inotify_add_watch(instance->changes, path, IN_CREATE | IN_MOVED_TO);
  return sub->watch < 0 ? errno : 0;
}

static void do_subscribe(struct instance* instance, const struct command* command) {
  struct subscription* const sub = (struct subscription*)command->object;
  struct spool* const spool = &sub->object.connection->spool;
  if (sub->own)
    (void)snprintf(sub->folder, sizeof sub->folder, "~%s-%llu", spool->owner,
                   (unsigned long long)++instance->last_folder);
  (void)snprintf(sub->group, sizeof sub->group, "topics/%s/%s", sub->topic, sub->folder);
  const char* what = "the folder";
  int error = spool_lock(spool);
  if (error == 0) {
    error = spool_make_group(spool, sub->topic, sub->folder);
    if (error == 0) {
      error = watch_group(instance, sub);
      if (error != 0) what = "watching (see fs.inotify.max_user_watches) the folder";
    }
    uint64_t none = 0;
    if (error != 0 && sub->own && spool_drop_group(spool, sub->group, &none) != 0) spool->left = true;
    spool_unlock(spool);
  }
  if (error == 0) {
    sub->look = true;
    sub->next = instance->subscriptions;
    instance->subscriptions = sub;
  }
  opened(instance, command, error, what, sub->group);
  if (error == 0) return;
  free((void*)sub->unsettled_by_token);
  free(sub);
}

/* ------------------------------------------------------------------ settle */

/* It is unsettled again (S6). */
static void settle_failed(struct instance* instance, struct subscription* sub, struct taken* taken, int error) {
  if (taken->item != NULL) taken->item->status = status_of(error, 0);
  (void)pthread_mutex_lock(&instance->mutex);
  taken_add(sub, taken);
  (void)pthread_mutex_unlock(&instance->mutex);
}

static void do_settle(struct instance* instance, struct command* command) {
  struct subscription* const sub = (struct subscription*)command->object;
  struct spool* const spool = &sub->object.connection->spool;
  uint32_t lost = 0;
  int last_error = 0;
  for (struct taken *taken = command->settled, *next = NULL; taken != NULL; taken = next) {
    next = taken->next;
    const int error = group_settle(spool, sub->group, taken->name, taken->verdict, taken->due);
    if (error != 0 && error != ENOENT) { /* ENOENT: somebody removed it by hand */
      settle_failed(instance, sub, taken, error);
      last_error = error;
      ++lost;
      continue;
    }
    if (taken->due != 0 && taken->due < sub->next_due) sub->next_due = taken->due;
    if (taken->verdict == RST_VERDICT_RETRY || taken->verdict == RST_VERDICT_RELEASE) forget_names(sub);
    free(taken);
  }
  if (lost != 0 && !command->confirm) {
    char text[480];
    (void)snprintf(text, sizeof text, "settling in %.400s: %s", sub->group, text_of(last_error));
    send_event(instance, RST_EVENT_SETTLE_FAILED, &sub->object, lost, status_of(last_error, 0), text);
  }
  complete(instance, command->op, RST_OK, 0, NULL); /* each item has a status of its own */
}

/* ------------------------------------------------------------------ rounds */

/* Something of `writes` only when `control` is empty: whatever came before the close of a connection is done before. */
static struct command* next_command(struct instance* instance, bool* wrote) {
  (void)pthread_mutex_lock(&instance->mutex);
  struct command* command = command_pop(&instance->control);
  if (command == NULL && !*wrote) {
    command = command_pop(&instance->writes);
    *wrote = command != NULL;
  }
  (void)pthread_mutex_unlock(&instance->mutex);
  return command;
}

static void execute(struct instance* instance, struct command* command) {
  switch (command->task) {
    case kConnect:
      if (!do_connect(instance, command)) return;
      break;
    case kSubscribe: do_subscribe(instance, command); break;
    case kSettle: do_settle(instance, command); break;
    case kPublish: publish_messages(instance, command); break;
    case kClose: close_object(instance, command); break;
    case kDrain: /* nothing is being delivered now, and nothing will be without credit */
    case kFlush: /* all that was accepted before it has been done */
      complete(instance, command->op, RST_OK, 0, NULL);
      break;
  }
  free(command);
}

/* What nobody tells: the death of another process, and messages that came into `later` by others. */
static void look_around(struct instance* instance) {
  connect_again(instance);
  for (struct connection* on = instance->connections; on != NULL; on = on->next) {
    if (spool_lock(&on->spool) != 0) continue;
    const uint32_t dead = spool_recover(&on->spool);
    spool_unlock(&on->spool);
    if (dead != 0)
      log_line(instance, RST_LOG_WARN, &on->object, "gave back what was in flight on %u connections that died", dead);
  }
  for (struct subscription* sub = instance->subscriptions; sub != NULL; sub = sub->next) {
    forget_names(sub);
    sub->next_due = 0;
  }
}

/* Whether there is more to deliver at once; *wake is when something will be due. */
static bool deliver_round(struct instance* instance, int64_t now, int64_t* wake) {
  bool more = false;
  for (struct subscription* sub = instance->subscriptions; sub != NULL; sub = sub->next) {
    if (sub->next_due <= now) {
      sub->next_due = INT64_MAX;
      if (group_due(&sub->object.connection->spool, sub->group, now, &sub->next_due)) forget_names(sub);
    }
    if (sub->next_due < *wake) *wake = sub->next_due;
    more = deliver_some(instance, sub) || more;
  }
  return more;
}

/* Until there is a command or a change in a group, at most for that long. */
static void await_news(struct instance* instance, int timeout_ms) {
  struct pollfd waits[] = {{.fd = instance->wake, .events = POLLIN}, {.fd = instance->changes, .events = POLLIN}};
  if (poll(waits, 2, timeout_ms) <= 0) return;
  uint64_t count = 0;
  char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
  if (waits[0].revents != 0 && read(instance->wake, &count, sizeof count) < 0) return;
  if (waits[1].revents == 0) return;
  while (read(instance->changes, events, sizeof events) > 0) continue;
  for (struct subscription* sub = instance->subscriptions; sub != NULL; sub = sub->next) sub->look = true;
}

void* work(void* instance_) {
  struct instance* const instance = instance_;
  (void)pthread_setname_np(pthread_self(), "rst-dir");
  int64_t next_look = 0;
  for (int timeout_ms = 0;;) {
    await_news(instance, timeout_ms);
    bool wrote = false;
    for (struct command* command = NULL; (command = next_command(instance, &wrote)) != NULL;)
      execute(instance, command);
    if (monotonic(instance) >= next_look) {
      look_around(instance);
      next_look = monotonic(instance) + kPeriod;
    }
    const int64_t now = wall(instance);
    int64_t wake = now + kPeriod;
    const bool more = deliver_round(instance, now, &wake);
    timeout_ms = more || wrote ? 0 : (int)((wake - now) / kMillisecond) + 1;
    (void)pthread_mutex_lock(&instance->mutex);
    const bool stop = instance->stop;
    (void)pthread_mutex_unlock(&instance->mutex);
    if (stop) return NULL;
  }
}
