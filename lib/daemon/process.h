/*
 * process: becoming a daemon, saying so, and leaving nothing behind.
 *
 * One struct a process, the main thread's.  The order at start: detach (before
 * any thread exists), pid file, the daemon's own work, ready.
 */
#ifndef FLARE_DAEMON_PROCESS_H
#define FLARE_DAEMON_PROCESS_H

#include <stdint.h>

#include "base/err.h"

struct process {
    int parent_fd;  /* a parent waits at its other end, or -1 */
    int pid_fd;     /* the locked pid file, or -1 */
    char *pid_path; /* to be removed at the end, or NULL */
};

#define PROCESS_NONE ((struct process){.parent_fd = -1, .pid_fd = -1})

/* This host's full name, or its short one when nobody knows a full one. */
char *process_host_name(void) __attribute__((malloc));

/*
 * Go on in a child in a session of its own.  The parent does not return: it
 * waits until the child calls process_ready() and exits with 0, or until the
 * child ends, and exits with its status (not 0).  Standard error stays where it
 * was until then, so that a failure to start is seen.
 */
int process_detach(struct process *process, struct err *err);

/*
 * Write our id to path and hold the file locked.  ERR_CONFLICT: a living
 * process of our kind, flare 1.3.4's included, has it.  A left-over or damaged
 * file is replaced.
 */
int process_pid_file(struct process *process, const char *path,
                     struct err *err);

/*
 * Let this many files be open at a time.  ERR_CONFIG says what the system
 * allows; the limit is that then.
 */
int process_raise_files(uint64_t files, struct err *err);

/*
 * We serve: write "address\n" to ready_fd (0: none) and close it, tell systemd
 * (NOTIFY_SOCKET), let a waiting parent go and cut our last tie to its
 * terminal.
 */
void process_ready(struct process *process, uint64_t ready_fd,
                   const char *address);

/* Tell systemd one thing: "STOPPING=1", "STATUS=...". */
void process_notify(const char *what);

/* Remove the pid file. */
void process_fini(struct process *process);

#endif
