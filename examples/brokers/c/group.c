#include "group.h"

#include "folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ names: TIME.UNIQUE.ATTEMPT */

int64_t name_time(const char* name) { return strtoll(name, NULL, 10); }

static size_t before_attempt(const char* name) {
  const size_t len = strlen(name);
  const char* const dot = strrchr(name, '.');
  const bool has = dot != NULL && dot[1] != 0 && dot + 1 + strspn(dot + 1, "0123456789") == name + len;
  return has ? (size_t)(dot - name) : len;
}

uint16_t name_attempt(const char* name) {
  const char* const text = name + before_attempt(name);
  const unsigned long attempt = *text == '.' ? strtoul(text + 1, NULL, 10) : 1;
  return attempt == 0 ? 1 : attempt > UINT16_MAX ? UINT16_MAX : (uint16_t)attempt;
}

/* The same message, one attempt later. */
static struct path next_attempt(const char* name) {
  const uint16_t attempt = name_attempt(name);
  return path_of("%.*s.%d", (int)before_attempt(name), name, attempt == UINT16_MAX ? attempt : attempt + 1);
}

static int by_text(const void* a, const void* b) { return strcmp(*(char* const*)a, *(char* const*)b); }

static void keep_oldest(struct names* names) {
  qsort((void*)names->list, names->count, sizeof *names->list, by_text);
  while (names->count > kMostNames) {
    free(names->list[--names->count]);
    names->more = true;
  }
}

static void collect(void* context, const char* name) {
  struct names* const names = context;
  char* const copy = strdup(name);
  if (copy == NULL) {
    names->more = true;
    return;
  }
  if (names->count == 2 * kMostNames) keep_oldest(names);
  names->list[names->count++] = copy;
}

int group_look(struct spool* spool, const char* group, struct names* names) {
  names_clear(names);
  const int error = visit(spool->root, path_of("%s/new", group).text, collect, names);
  keep_oldest(names);
  return error;
}

void names_clear(struct names* names) {
  while (names->count > names->at) free(names->list[--names->count]);
  names->count = names->at = 0;
  names->more = false;
}

/* ------------------------------------------------------------------ in flight: taken/OWNER@NAME */

static struct path path_of_taken(const struct spool* spool, const char* group, const char* name) {
  return path_of("%s/taken/%s@%s", group, spool->owner, name);
}

static int read_all(int from, char* bytes, size_t size) {
  while (size != 0) {
    const ssize_t got = read(from, bytes, size);
    if (got == 0) return EIO;
    if (got < 0 && errno != EINTR) return errno;
    if (got < 0) continue;
    bytes += got;
    size -= (size_t)got;
  }
  return 0;
}

static int read_file(int from, size_t most, size_t pad, char** file, size_t* size) {
  struct stat about;
  if (fstat(from, &about) != 0) return errno;
  if (!S_ISREG(about.st_mode) || (size_t)about.st_size > most) return EFBIG;
  *size = (size_t)about.st_size;
  *file = calloc(1, *size + pad);
  if (*file == NULL) return ENOMEM;
  const int error = read_all(from, *file, *size);
  if (error != 0) free(*file);
  return error;
}

int group_take(struct spool* spool, const char* group, const char* name, size_t most, size_t pad, char** file,
               size_t* size) {
  const struct path waiting = path_of("%s/new/%s", group, name), taken = path_of_taken(spool, group, name);
  int error = move(spool->root, waiting.text, taken.text);
  if (error == ENAMETOOLONG) (void)move(spool->root, waiting.text, path_of("%s/rejected/%s", group, name).text);
  if (error != 0) return error;
  const int from =
      openat(spool->root, taken.text, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC); /* a FIFO would wait */
  error = from < 0 ? errno : read_file(from, most, pad, file, size);
  if (from >= 0) close(from);
  if (error == ENOENT) error = EIO; /* it was there a moment ago: not another's */
  if (error != 0) {
    const bool later = error == ENOMEM || error == EMFILE || error == ENFILE;
    (void)group_settle(spool, group, name, later ? RST_VERDICT_RELEASE : RST_VERDICT_REJECT, 0);
  }
  return error;
}

static int carry_out(const struct spool* spool, const char* group, const char* name, uint16_t verdict, int64_t due) {
  const struct path taken = path_of_taken(spool, group, name);
  struct path to;
  switch (verdict) {
    case RST_VERDICT_ACK: return remove_file(spool->root, taken.text);
    case RST_VERDICT_REJECT: to = path_of("%s/rejected/%s", group, name); break;
    case RST_VERDICT_RETRY:
      to = due == 0 ? path_of("%s/new/%s", group, next_attempt(name).text)
                    : path_of("%s/later/%020lld@%s", group, (long long)due, next_attempt(name).text);
      break;
    default: to = path_of("%s/new/%s", group, name); break;
  }
  return move(spool->root, taken.text, to.text);
}

int group_settle(struct spool* spool, const char* group, const char* name, uint16_t verdict, int64_t due) {
  const int error = carry_out(spool, group, name, verdict, due);
  if (error != 0 && error != ENOENT) spool->left = true;
  return error;
}

/* ------------------------------------------------------------------ retried with a delay: later/DUE@NAME */

struct waking {
  int root;
  const char* group;
  int64_t now, next;
  bool any;
};

static void wake(void* context, const char* name) {
  struct waking* const waking = context;
  const char* const at = strchr(name, '@');
  if (at == NULL) return;
  const int64_t due = strtoll(name, NULL, 10);
  if (due > waking->now) {
    if (due < waking->next) waking->next = due;
    return;
  }
  const struct path from = path_of("%s/later/%s", waking->group, name);
  if (move(waking->root, from.text, path_of("%s/new/%s", waking->group, at + 1).text) == 0) waking->any = true;
}

bool group_due(struct spool* spool, const char* group, int64_t now, int64_t* next) {
  struct waking waking = {.root = spool->root, .group = group, .now = now, .next = *next};
  (void)visit(spool->root, path_of("%s/later", group).text, wake, &waking);
  *next = waking.next;
  return waking.any;
}

/* ------------------------------------------------------------------ of the dead */

struct burial {
  struct spool* spool;
  const char* dead;
  struct path topic, group;
  uint32_t buried;
  bool failed;
};

static bool owned_by(const char* name, const char* owner, char mark) {
  const size_t len = strlen(owner);
  return strncmp(name, owner, len) == 0 && name[len] == mark;
}

/* The attempt counts: it may be the message that killed its consumer. */
static void give_back(void* context, const char* name) {
  struct burial* const burial = context;
  if (!owned_by(name, burial->dead, '@')) return;
  const struct path from = path_of("%s/taken/%s", burial->group.text, name);
  const struct path to = path_of("%s/new/%s", burial->group.text, next_attempt(strchr(name, '@') + 1).text);
  const int error = move(burial->spool->root, from.text, to.text);
  if (error != 0 && error != ENOENT) burial->failed = true;
}

static void bury_in_group(void* context, const char* group) {
  struct burial* const burial = context;
  burial->group = path_of("%s/%s", burial->topic.text, group);
  if (of_one_subscription(group)) {
    uint64_t dropped = 0;
    if (owned_by(group + 1, burial->dead, '-') && spool_drop_group(burial->spool, burial->group.text, &dropped) != 0)
      burial->failed = true;
    return;
  }
  const int error = visit(burial->spool->root, path_of("%s/taken", burial->group.text).text, give_back, burial);
  if (error != 0 && error != ENOENT && error != ENOTDIR) burial->failed = true;
}

static void bury_in_topic(void* context, const char* topic) {
  struct burial* const burial = context;
  burial->topic = path_of("topics/%s", topic);
  const int error = visit(burial->spool->root, burial->topic.text, bury_in_group, burial);
  if (error != 0 && error != ENOTDIR) burial->failed = true;
}

static void forget_draft(void* context, const char* name) {
  struct burial* const burial = context;
  if (owned_by(name, burial->dead, '.')) (void)remove_file(burial->spool->root, path_of("tmp/%s", name).text);
}

/* Its file goes last: whoever is killed in between leaves the rest to the next one. */
static void bury_if_dead(void* context, const char* owner) {
  struct burial* const burial = context;
  struct spool* const spool = burial->spool;
  if (strcmp(owner, spool->owner) == 0) return;
  const struct path path = path_of("owners/%s", owner);
  const int file = openat(spool->root, path.text, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  if (flock(file, LOCK_EX | LOCK_NB) == 0) {
    burial->dead = owner;
    burial->failed = false;
    if (visit(spool->root, "topics", bury_in_topic, burial) != 0) burial->failed = true;
    (void)visit(spool->root, "tmp", forget_draft, burial);
    if (!burial->failed) burial->buried += remove_file(spool->root, path.text) == 0;
  }
  close(file);
}

uint32_t spool_recover(struct spool* spool) {
  struct burial burial = {.spool = spool};
  (void)visit(spool->root, "owners", bury_if_dead, &burial);
  return burial.buried;
}
