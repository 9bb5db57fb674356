/* What spool.c and group.c promise where something cannot be done: no message is lost, and nothing of a connection
 * stays. */
#include "../folders.h"
#include "../group.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPECT(that)                                             \
  do {                                                           \
    if (!(that)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #that); \
      exit(1);                                                   \
    }                                                            \
  } while (0)

static char g_name[256];

static void remember(void* count, const char* name) {
  (void)snprintf(g_name, sizeof g_name, "%s", name);
  ++*(int*)count;
}

/* How many names; the last one is in g_name. */
static int count(int root, const char* folder) {
  int names = 0;
  EXPECT(visit(root, folder, remember, &names) == 0);
  return names;
}

static void publish(struct spool* spool, const char* topic) {
  uint64_t draft = 0;
  uint32_t groups = 0;
  EXPECT(spool_write(spool, "dir1 0\n\n", 8, false, &draft) == 0);
  EXPECT(spool_lock(spool) == 0);
  EXPECT(spool_link(spool, draft, topic, 1, &groups) == 0 && groups == 1);
  spool_unlock(spool);
}

static void make_group(struct spool* spool, const char* topic, const char* group) {
  EXPECT(spool_lock(spool) == 0);
  EXPECT(spool_make_group(spool, topic, group) == 0);
  spool_unlock(spool);
}

static uint32_t recover(struct spool* spool) {
  EXPECT(spool_lock(spool) == 0);
  const uint32_t buried = spool_recover(spool);
  spool_unlock(spool);
  return buried;
}

/* While `new` is no folder nothing can be put back: another connection does it when it is one again. */
static void what_a_close_cannot_put_back_is_put_back_later(struct spool* one, struct spool* other) {
  make_group(one, "t", "g");
  publish(one, "t");
  EXPECT(count(one->root, "topics/t/g/new") == 1);
  char* file = NULL;
  size_t size = 0;
  EXPECT(group_take(one, "topics/t/g", g_name, 100, 1, &file, &size) == 0 && size == 8);
  free(file);
  EXPECT(move(one->root, "topics/t/g/new", "topics/t/g/away") == 0);
  EXPECT(mknodat(one->root, "topics/t/g/new", S_IFREG | 0600, 0) == 0);
  EXPECT(group_settle(one, "topics/t/g", g_name, RST_VERDICT_RELEASE, 0) != 0);
  spool_close(one);

  EXPECT(recover(other) == 0); /* nor can the other one yet */
  EXPECT(remove_file(other->root, "topics/t/g/new") == 0);
  EXPECT(move(other->root, "topics/t/g/away", "topics/t/g/new") == 0);
  EXPECT(recover(other) == 1);
  EXPECT(count(other->root, "topics/t/g/taken") == 0);
  EXPECT(count(other->root, "topics/t/g/new") == 1 && name_attempt(g_name) == 2);
}

static void a_group_of_the_dead_goes_whole_or_stays_theirs(struct spool* spool) {
  const int owner = openat(spool->root, "owners/1-a", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  EXPECT(owner >= 0 && close(owner) == 0);
  make_group(spool, "u", "~1-a-1");
  publish(spool, "u");
  EXPECT(make_folder(spool->root, "topics/u/~1-a-1/new/.in-the-way") == 0);
  EXPECT(recover(spool) == 0);
  EXPECT(unlinkat(spool->root, "topics/u/~1-a-1/new/.in-the-way", AT_REMOVEDIR) == 0);
  EXPECT(recover(spool) == 1);
  EXPECT(count(spool->root, "topics/u") == 0 && count(spool->root, "owners") == 1);
}

static void an_attempt_is_a_number_behind_the_last_dot(void) {
  static const struct {
    const char* name;
    uint16_t attempt;
  } kNames[] = {{"1.x.3", 3}, {"1.x.0", 1}, {"1.x.70000", UINT16_MAX}, {"1.x.txt", 1}, {"1.x.", 1}, {"1", 1}};
  for (size_t i = 0; i < sizeof kNames / sizeof *kNames; ++i) EXPECT(name_attempt(kNames[i].name) == kNames[i].attempt);
}

int main(void) {
  char root[] = "/tmp/spool_test.XXXXXX";
  EXPECT(mkdtemp(root) != NULL);
  struct spool one, other;
  EXPECT(spool_open(&one, root) == 0 && spool_open(&other, root) == 0);
  what_a_close_cannot_put_back_is_put_back_later(&one, &other);
  a_group_of_the_dead_goes_whole_or_stays_theirs(&other);
  an_attempt_is_a_number_behind_the_last_dot();
  spool_close(&other);
  char command[64];
  (void)snprintf(command, sizeof command, "rm -r %s", root);
  return system(command) == 0 ? 0 : 1;
}
