#include "folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct path path_of(const char* format, ...) {
  struct path path;
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(path.text, sizeof path.text, format, arguments);
  va_end(arguments);
  return path;
}

int visit(int root, const char* path, void (*each)(void* context, const char* name), void* context) {
  const int folder = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const open = folder < 0 ? NULL : fdopendir(folder);
  if (open == NULL) {
    const int error = errno;
    if (folder >= 0) close(folder);
    return error;
  }
  errno = 0;
  for (const struct dirent* entry = NULL; (entry = readdir(open)) != NULL; errno = 0) {
    if (entry->d_name[0] != '.') each(context, entry->d_name);
  }
  const int error = errno;
  closedir(open);
  return error;
}

int make_folder(int root, const char* path) { return mkdirat(root, path, 0777) == 0 || errno == EEXIST ? 0 : errno; }

int move(int root, const char* from, const char* to) { return renameat(root, from, root, to) == 0 ? 0 : errno; }

int remove_file(int root, const char* path) { return unlinkat(root, path, 0) == 0 ? 0 : errno; }

int sync_folder(int root, const char* path) {
  const int folder = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return errno;
  const int error = fsync(folder) == 0 ? 0 : errno;
  close(folder);
  return error;
}
