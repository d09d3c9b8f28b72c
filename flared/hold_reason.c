/* Holding the changes of a node's own data, for any thread. */
#include "flared/hold.h"

#include "flared/worker.h"

void
hold_close(struct flared *node, enum hold_reason reason)
{
    (void)atomic_fetch_or(&node->writes_held, (unsigned)reason);
}

void
hold_open(struct flared *node, enum hold_reason reason)
{
    unsigned before = atomic_fetch_and(&node->writes_held, ~(unsigned)reason);

    if (before != (unsigned)reason) {
        return; /* nothing was held for it, or something still is */
    }
    for (unsigned i = 0; i < node->nworkers; i++) {
        struct worker *worker = &node->workers[i];

        if (!atomic_exchange(&worker->hold.is_posted, true)) {
            mailbox_post(&worker->loop.mailbox, &worker->hold.opened);
        }
    }
}
