#include "spool.h"

#include "folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

bool folder_name(char out[kMostFolder + 1], rst_str name) {
  int len = 0;
  for (uint64_t i = 0; i < name.len; ++i) {
    const unsigned char c = (unsigned char)name.ptr[i];
    const bool stays = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                       c == '-' || (c == '.' && i != 0);
    if (len + (stays ? 1 : 3) > kMostFolder) return false;
    len += stays ? sprintf(out + len, "%c", c) : sprintf(out + len, "%%%02X", c);
  }
  return len != 0;
}

/* ------------------------------------------------------------------ a process and its directory */

int spool_lock(struct spool* spool) {
  enum { kTries = 1000 /* a millisecond each */ };
  for (int i = 0; i < kTries; ++i) {
    if (flock(spool->lock, LOCK_EX | LOCK_NB) == 0) return 0;
    if (errno != EWOULDBLOCK && errno != EINTR) return errno;
    (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  return EBUSY;
}

void spool_unlock(struct spool* spool) { (void)flock(spool->lock, LOCK_UN); }

/* Under the lock, so that nobody takes a file that is not locked yet for that of a dead process. */
static int appear(struct spool* spool) {
  struct timespec now;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  (void)snprintf(spool->owner, sizeof spool->owner, "%d-%llx", (int)getpid(),
                 (unsigned long long)now.tv_sec * 1000000000u + (unsigned long long)now.tv_nsec);
  const struct path path = path_of("owners/%s", spool->owner);
  int error = spool_lock(spool);
  if (error != 0) return error;
  spool->alive = openat(spool->root, path.text, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (spool->alive < 0 || flock(spool->alive, LOCK_EX | LOCK_NB) != 0) error = errno;
  spool_unlock(spool);
  return error;
}

int spool_open(struct spool* spool, const char* path) {
  *spool = (struct spool){.root = -1, .lock = -1, .alive = -1};
  const bool made = mkdir(path, 0777) == 0;
  if (!made && errno != EEXIST) return errno;
  spool->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (spool->root < 0) return errno;
  int error = make_folder(spool->root, "owners");
  if (error == 0) error = make_folder(spool->root, "tmp");
  if (error == 0) error = make_folder(spool->root, "topics");
  if (error == 0) {
    spool->lock = openat(spool->root, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    error = spool->lock < 0 ? errno : appear(spool);
  }
  /* After a loss of power too there is the owner of whatever is in flight. */
  if (error == 0) error = sync_folder(spool->root, "owners");
  if (error == 0) error = sync_folder(spool->root, ".");
  if (error == 0 && made) error = sync_folder(spool->root, "..");
  if (error != 0) spool_close(spool);
  return error;
}

void spool_close(struct spool* spool) {
  if (spool->alive >= 0) {
    if (!spool->left) (void)remove_file(spool->root, path_of("owners/%s", spool->owner).text);
    close(spool->alive);
  }
  if (spool->lock >= 0) close(spool->lock);
  if (spool->root >= 0) close(spool->root);
}

/* ------------------------------------------------------------------ groups */

static const char* const kParts[] = {"taken", "later", "rejected", "new"}; /* with "new" it is a group */
enum { kPartCount = sizeof kParts / sizeof *kParts };

bool of_one_subscription(const char* group) { return group[0] == '~'; }

int spool_make_group(struct spool* spool, const char* topic, const char* group) {
  const struct path of_topic = path_of("topics/%s", topic), of_group = path_of("topics/%s/%s", topic, group);
  int error = make_folder(spool->root, of_topic.text);
  if (error == 0) error = make_folder(spool->root, of_group.text);
  for (int i = 0; i < kPartCount && error == 0; ++i)
    error = make_folder(spool->root, path_of("%s/%s", of_group.text, kParts[i]).text);
  if (error != 0 || of_one_subscription(group)) return error;
  error = sync_folder(spool->root, of_group.text);
  if (error == 0) error = sync_folder(spool->root, of_topic.text);
  return error != 0 ? error : sync_folder(spool->root, "topics");
}

struct removal {
  int root;
  struct path folder;
  uint64_t removed;
};

static void remove_one(void* context, const char* name) {
  struct removal* const removal = context;
  removal->removed += remove_file(removal->root, path_of("%s/%s", removal->folder.text, name).text) == 0;
}

int spool_drop_group(struct spool* spool, const char* group, uint64_t* dropped) {
  struct removal removal = {.root = spool->root};
  for (int i = kPartCount - 1; i >= 0; --i) {
    removal.folder = path_of("%s/%s", group, kParts[i]);
    (void)visit(spool->root, removal.folder.text, remove_one, &removal);
    (void)unlinkat(spool->root, removal.folder.text, AT_REMOVEDIR);
  }
  *dropped += removal.removed;
  return unlinkat(spool->root, group, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

/* ------------------------------------------------------------------ publishing */

static struct path path_of_draft(const struct spool* spool, uint64_t draft) {
  return path_of("tmp/%s.%llu", spool->owner, (unsigned long long)draft);
}

static int write_all(int to, const char* bytes, size_t size) {
  while (size != 0) {
    const ssize_t written = write(to, bytes, size);
    if (written < 0 && errno != EINTR) return errno;
    if (written < 0) continue;
    bytes += written;
    size -= (size_t)written;
  }
  return 0;
}

int spool_write(struct spool* spool, const char* file, size_t size, bool sync, uint64_t* draft) {
  *draft = ++spool->drafts;
  const int to = openat(spool->root, path_of_draft(spool, *draft).text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (to < 0) return errno;
  int error = write_all(to, file, size);
  if (error == 0 && sync && fsync(to) != 0) error = errno;
  if (close(to) != 0 && error == 0) error = errno;
  if (error != 0) spool_forget(spool, *draft);
  return error;
}

void spool_forget(struct spool* spool, uint64_t draft) {
  (void)remove_file(spool->root, path_of_draft(spool, draft).text);
}

struct linking {
  int root;
  struct path topic, draft, name;
  uint32_t groups;
  int error;
};

static void link_into(void* context, const char* group) {
  struct linking* const linking = context;
  const struct path to = path_of("%s/%s/new/%s", linking->topic.text, group, linking->name.text);
  if (linkat(linking->root, linking->draft.text, linking->root, to.text, 0) == 0) {
    ++linking->groups;
  } else if (errno != ENOENT && errno != ENOTDIR) { /* a folder without "new" is no group */
    linking->error = errno;
  }
}

int spool_link(struct spool* spool, uint64_t draft, const char* topic, int64_t now, uint32_t* groups) {
  spool->last_time = now > spool->last_time ? now : spool->last_time + 1;
  struct linking linking = {
      .root = spool->root,
      .topic = path_of("topics/%s", topic),
      .draft = path_of_draft(spool, draft),
      .name = path_of("%020lld.%s-%llu.1", (long long)spool->last_time, spool->owner, (unsigned long long)draft)};
  const int error = visit(spool->root, linking.topic.text, link_into, &linking);
  spool_forget(spool, draft);
  *groups = linking.groups;
  if (error != 0 && error != ENOENT) return error; /* ENOENT: nobody ever subscribed there */
  return linking.error;
}

static void sync_group(void* context, const char* group) {
  struct linking* const linking = context;
  if (of_one_subscription(group)) return; /* it would not outlive a loss of power anyway */
  const int error = sync_folder(linking->root, path_of("%s/%s/new", linking->topic.text, group).text);
  if (error != 0 && error != ENOENT && error != ENOTDIR) linking->error = error;
}

int spool_sync_topic(struct spool* spool, const char* topic) {
  struct linking linking = {.root = spool->root, .topic = path_of("topics/%s", topic)};
  const int error = visit(spool->root, linking.topic.text, sync_group, &linking);
  return error != 0 && error != ENOENT ? error : linking.error;
}

int spool_sync_all(struct spool* spool) { return syncfs(spool->root) == 0 ? 0 : errno; }
