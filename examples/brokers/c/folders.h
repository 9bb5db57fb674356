/* What the system offers, as the spool uses it: paths below one open directory. Functions return 0 or an errno. */
#ifndef DIR_FOLDERS_H
#define DIR_FOLDERS_H

struct path {
  char text[1024];
};

/* The limits of names keep it shorter than a path may be. */
struct path path_of(const char* format, ...) __attribute__((format(printf, 1, 2)));

/* Calls with each name in a folder but those that begin with a dot. */
int visit(int root, const char* path, void (*each)(void* context, const char* name), void* context);

int make_folder(int root, const char* path); /* it may be there */
int move(int root, const char* from, const char* to);
int remove_file(int root, const char* path);

/* What was linked, renamed or removed in it outlives a loss of power from here on. */
int sync_folder(int root, const char* path);

#endif
