/* The messages of one group: looking, taking, settling; and what becomes of those of a process that died. As in spool.h
   all of it is the worker thread's, and functions return 0 or an errno. A group is named by its path below the root. */
#ifndef DIR_GROUP_H
#define DIR_GROUP_H

#include "spool.h"

enum { kMostNames = 1024 };

/* Names of waiting messages, the oldest first; each is to be freed by who takes it. */
struct names {
  char* list[2 * kMostNames];
  uint32_t count, at; /* list[at..count) are left */
  bool more;          /* there were more than kMostNames */
};

/* The oldest waiting names. [locked, so that whoever sees one sees all that are older] */
int group_look(struct spool* spool, const char* group, struct names* names);
void names_clear(struct names* names);
int64_t name_time(const char* name);
uint16_t name_attempt(const char* name);

/* Takes it away from the others and reads it; ENOENT: another one was faster. *file has `pad` zeros behind its bytes.
   What cannot be read is rejected, or waits again where it may be read later. */
int group_take(struct spool* spool, const char* group, const char* name, size_t most, size_t pad, char** file,
               size_t* size);

/* A verdict on what was taken. RETRY is again at `due`, 0 = at once. It outlives this process, not a loss of power:
   then the message may come again. */
int group_settle(struct spool* spool, const char* group, const char* name, uint16_t verdict, int64_t due);

/* What was retried with a delay and is due waits again; *next becomes the time of the earliest of the others, if that
   is earlier. Whether there was any. */
bool group_due(struct spool* spool, const char* group, int64_t now, int64_t* next);

/* Gives back what the dead had in flight and takes away what was only theirs; how many dead there were. [locked] */
uint32_t spool_recover(struct spool* spool);

#endif
