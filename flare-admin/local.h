/*
 * local: a cluster of processes on this machine, in a folder of its own.
 *
 *   BASE/current            the name of the cluster in use
 *   BASE/NAME/cluster.conf  "name = value" lines: port, nodes
 *   BASE/NAME/data/WHO      what a daemon keeps; WHO: index, node12121, ...
 *   BASE/NAME/log/WHO       what it says
 *   BASE/NAME/run/WHO       its process id and when it was started
 *
 * A process is ours when both are what the file says: an id that was given
 * away again is never signalled.
 */
#ifndef FLARE_FLARE_ADMIN_LOCAL_H
#define FLARE_FLARE_ADMIN_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { LOCAL_NAME_MAX = 64, LOCAL_NODES_MAX = 200 };

struct local {
    char *base, *name;
    char *folder;  /* BASE/NAME */
    uint64_t port; /* the index's; nodes come behind it */
    uint64_t nodes;
};

/* A daemon of it: 0 the index, 1 to nodes. */
void local_who(const struct local *local, uint64_t i, char *to, size_t size);

/* Read an existing cluster.  ERR_CONFIG: there is none of that name. */
int local_load(struct local *local, const char *base, const char *name,
               struct err *err);

/*
 * Make a new one.  port 0: behind all others of this base, from 12120 on.
 * ERR_CONFLICT: the name is taken.
 */
int local_make(struct local *local, const char *base, const char *name,
               uint64_t port, uint64_t nodes, struct err *err);
void local_fini(struct local *local);

/* The process of a daemon, 0 when it does not run. */
int local_pid(const struct local *local, uint64_t i);
uint64_t local_running(const struct local *local);

/* Is something listening on the port? */
bool local_port_taken(uint64_t port);

/*
 * Start program with argv (the program itself first; NULL at its end) as
 * daemon i, and wait until it serves.  ERR_UNAVAILABLE tells what its log says.
 */
int local_start(const struct local *local, uint64_t i, char *const *argv,
                struct err *err);

/* End it, by force after a while.  True when it ran. */
bool local_stop(const struct local *local, uint64_t i);

/* Remove all of it from the disk; nothing of it may run. */
int local_remove(const struct local *local, struct err *err);

/* The names of a base's clusters; free each and the list.  NULL at its end. */
char **local_list(const char *base);

/* The cluster in use; free it.  "default" when none was chosen. */
char *local_current(const char *base);
int local_use(const char *base, const char *name, struct err *err);

#endif
