/* What an instance holds in memory, and who may touch it.

   Verbs come on any thread, do no I/O, and leave a command for the one worker thread, which does all the I/O, makes all
   calls into the host but for its clock, and alone frees what has a handle. `mutex` guards everything here that is not
   marked as the worker's; nobody holds it while doing I/O or calling the host. */
#ifndef DIR_BROKER_H
#define DIR_BROKER_H

#include "group.h"
#include "message.h"

#include <ruststream/abi.h>

#include <pthread.h>
#include <stdbool.h>

enum {
  kMostBatch = 64,        /* messages */
  kMostUnsettled = 65536, /* of a subscription */
  kUsualUnsettled = 1024, /* where the host names no window */
  kBuckets = 64,          /* of handles */
  kMostQueued = 64 << 20  /* bytes that a connection may have waiting to be written */
};

enum what { kConnection = 1, kSubscription, kPublisher };

/* What has a handle. Handles count up and never come again (C3). */
struct object {
  struct object* next; /* of its bucket */
  uint64_t handle, id; /* our name for it, and the host's */
  enum what what;
  bool opening; /* its completion has not been made */
  bool closing;
  int64_t give_up;   /* monotonic: what is not written by then is CANCELLED; 0 after an ABORT */
  uint64_t abort_op; /* of an ABORT that came while a close was pending */
  struct connection* connection;
};

struct connection {
  struct object object;
  struct connection* next; /* worker's */
  struct spool spool;      /* worker's */
  char* path;
  uint64_t op_timeout_ns;
  uint32_t most_queued, queued; /* messages waiting to be written */
  uint64_t queued_bytes;
};

/* A delivery without a verdict, or on its way to have it carried out. */
struct taken {
  struct taken* next;
  uint64_t token;
  uint16_t verdict;
  int64_t due;
  rst_settlement* item; /* with CONFIRM: the host's, lent until the completion (M4) */
  char name[];          /* of its file */
};

struct subscription {
  struct object object;
  bool own; /* without a group: its folder goes with it */
  char topic[kMostFolder + 1];
  char folder[kMostFolder + 1]; /* of the group */
  char group[kMostGroup];       /* the path of both */

  uint32_t credit;
  int64_t credit_bytes;
  uint32_t drains; /* counts DRAIN: what was being read meanwhile goes back */
  bool refused;    /* the host took a batch for over credit: nothing until there is more */
  uint32_t window, unsettled, most_batch;
  uint64_t last_token; /* tokens count up: a smaller one that is not here was settled (S1) */
  uint32_t mask;
  struct taken** unsettled_by_token;

  /* The worker's: */
  struct subscription* next;
  int watch;          /* of inotify; one for all of a group */
  bool look;          /* there may be names that it does not know */
  int64_t next_due;   /* wall: when something in `later` is */
  struct names names; /* known to wait */
};

struct publisher {
  struct object object;
  char topic[kMostFolder + 1]; /* empty: each message names its own */
  bool refused;                /* owes a PUB_WRITABLE (P4) */
  uint64_t cancelled;          /* worker's: messages that its close left no time for */
};

enum task { kConnect, kSubscribe, kDrain, kSettle, kPublish, kFlush, kClose };

struct outgoing {
  char* file; /* NULL: refused */
  size_t size;
  uint64_t draft;
  int32_t status;
  bool mandatory;
  bool told; /* by the verb itself that it is refused */
  char topic[kMostFolder + 1];
};

/* What a verb leaves for the worker. */
struct command {
  struct command* next;
  enum task task;
  struct object* object;
  uint64_t op;         /* 0: nobody waits for it */
  uint64_t timeout_ns; /* 0: the op_timeout option */
  int64_t deadline;    /* monotonic */
  bool confirm, again;
  struct taken* settled;
  int32_t* statuses; /* the host's, may be NULL */
  uint32_t count;
  struct outgoing outgoing[];
};

struct queue {
  struct command *first, *last;
};

struct instance {
  const rst_host* host;
  pthread_t worker;
  int wake;    /* an eventfd: there is a command, credit or room */
  int changes; /* inotify: a message came into a group that is listened to */
  pthread_mutex_t mutex;
  struct object* objects[kBuckets];
  uint64_t last_handle, last_folder;
  struct queue control; /* never waits for what is written (P6) */
  struct queue writes;  /* publish, flush, and the close of what has those */
  bool stop;
  struct command* again;              /* worker's: connects that are tried again */
  struct connection* connections;     /* worker's */
  struct subscription* subscriptions; /* worker's */
};

/* errors.c. Fills `error`, which may be NULL, and returns -code. */
int32_t failed(rst_error* error, int32_t code, uint32_t flags, const char* format, ...)
    __attribute__((format(printf, 4, 5)));
/* A code and flags for an errno, as rst_status packs them; and its text. */
int32_t status_of(int error, uint32_t flags);
const char* text_of(int error);
void log_line(const struct instance* instance, uint32_t level, const struct object* about, const char* format, ...)
    __attribute__((format(printf, 4, 5)));

/* plugin.c */
enum option { kOpTimeout, kWriteQueue };
char* path_in_url(rst_str url); /* to be freed; NULL: there is none */
uint64_t option_value(const rst_connection_spec* spec, enum option which);
int32_t validate(uint32_t scope, const void* spec, rst_plan* plan, const rst_report* report, rst_error* error);

/* verbs.c */
int32_t verb_connect(void* instance, const rst_connection_spec* spec, uint64_t* connection, rst_error* error);
int32_t verb_subscribe(void* instance, uint64_t connection, const rst_subscription_spec* spec, uint64_t* subscription,
                       rst_error* error);
int32_t verb_open_publisher(void* instance, uint64_t connection, const rst_publisher_spec* spec, uint64_t* publisher,
                            rst_error* error);
int32_t verb_close(void* instance, uint64_t handle, uint32_t flags, uint64_t timeout_ns, uint64_t op, rst_error* error);
int32_t verb_credit(void* instance, const rst_credit* credit, rst_error* error);
int32_t verb_settle(void* instance, const rst_settle* settle, rst_error* error);
int32_t verb_publish(void* instance, rst_publish* publish, rst_error* error);
int32_t verb_flush(void* instance, uint64_t handle, uint64_t timeout_ns, uint64_t op, rst_error* error);

/* objects.c [locked, but for command_new and wake_worker] */
void object_add(struct instance* instance, struct object* object);
void object_remove(struct instance* instance, struct object* object);
struct object* object_any(struct instance* instance, uint64_t handle); /* NULL: it was never given, or is gone */
struct object* object_find(struct instance* instance, uint64_t handle, enum what what, int32_t* code);
struct command* command_new(const struct instance* instance, enum task task, uint64_t op, uint64_t timeout_ns,
                            uint32_t messages);
void command_push(struct queue* queue, struct command* command, struct object* object);
struct command* command_pop(struct queue* queue);
void wake_worker(const struct instance* instance);
struct taken** taken_place(struct subscription* sub, uint64_t token); /* where it is, or NULL */
void taken_add(struct subscription* sub, struct taken* taken);

/* worker.c [worker] */
void* work(void* instance);
int64_t monotonic(const struct instance* instance);
void complete(const struct instance* instance, uint64_t op, int32_t status, uint64_t value, const char* text);
void send_event(const struct instance* instance, uint32_t kind, const struct object* about, uint64_t value,
                int32_t status, const char* text);

/* [worker] delivery.c */
bool deliver_some(struct instance* instance, struct subscription* sub); /* whether there may be more at once */
void forget_names(struct subscription* sub); /* something older may wait than what is known */
/* [worker] publishing.c, closing.c */
void publish_messages(struct instance* instance, struct command* command);
void close_object(struct instance* instance, struct command* command);

#endif
