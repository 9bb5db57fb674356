/* A connection's hold on a directory: what lies where, and how it changes so that a kill at any moment loses no
   message. README.md draws it. All of it does I/O and is the worker thread's alone. Functions return 0 or an errno. */
#ifndef DIR_SPOOL_H
#define DIR_SPOOL_H

#include <ruststream/abi.h>

#include <stdbool.h>

enum {
  kMostFolder = 200, /* bytes of the folder's name of a topic or a group */
  kMostGroup = 480   /* of "topics/TOPIC/GROUP" */
};

struct spool {
  int root;       /* descriptor of the directory */
  int lock;       /* of "lock": names are given and folders are listed by one process at a time */
  int alive;      /* of "owners/OWNER", locked until this process ends, however it ends */
  bool left;      /* something of ours could not be put back: "owners/OWNER" stays, for the next one to do it */
  char owner[48]; /* in the names of what is in flight here, and of what is being written */
  uint64_t drafts;
  int64_t last_time; /* of a name that was given here */
};

/* The folder's name for a topic or group: letters, digits, '_', '-' and a '.' that is not the first stay, all else is
   %XX. False: it is empty or too long. [any-thread] */
bool folder_name(char out[kMostFolder + 1], rst_str name);

int spool_open(struct spool* spool, const char* path);
void spool_close(struct spool* spool);

/* Waits for other processes, at most a second: they hold it for no longer than it takes to link a few files. */
int spool_lock(struct spool* spool);
void spool_unlock(struct spool* spool);

/* Whether a group's folder goes with its owner: "~OWNER-N". */
bool of_one_subscription(const char* group);
/* Makes the folders of a group; from then on it gets what is published. [locked] */
int spool_make_group(struct spool* spool, const char* topic, const char* group);
/* Takes them away with all that is in them; *dropped counts the messages. [locked] */
int spool_drop_group(struct spool* spool, const char* group, uint64_t* dropped);

/* Publishing takes three steps, so that what waits for the disk holds no lock: a draft, its links, the folders. */
int spool_write(struct spool* spool, const char* file, size_t size, bool sync, uint64_t* draft);
/* Links it into each group of the topic, tells how many, and forgets the draft. [locked] */
int spool_link(struct spool* spool, uint64_t draft, const char* topic, int64_t now, uint32_t* groups);
int spool_sync_topic(struct spool* spool, const char* topic);
int spool_sync_all(struct spool* spool);
void spool_forget(struct spool* spool, uint64_t draft);

#endif
