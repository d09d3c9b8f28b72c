/*
 * wait: follow a node while it copies, with a line of progress a second.
 */
#ifndef FLARE_FLARE_ADMIN_WAIT_H
#define FLARE_FLARE_ADMIN_WAIT_H

#include "flare-admin/admin.h"

enum wait_result {
    WAIT_DONE,
    WAIT_FAILED,      /* said what happened and what the cluster does now */
    WAIT_INTERRUPTED, /* the same */
};

/*
 * Until the node is an active slave.  It gives up when the node loses its
 * role, goes down or disappears, when the index is not to be reached, or when
 * nothing has moved for --stall-timeout.  `again` is how to start over.
 */
enum wait_result wait_for_slave(struct tool *tool, const struct target *target,
                                int partition, const char *again);

/* Until the node is a master that is ready or active. */
enum wait_result wait_for_master(struct tool *tool, const struct target *target,
                                 int partition, const char *again,
                                 enum node_state *state);

#endif
