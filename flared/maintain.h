/*
 * maintain: what has to be done now and then: expired records removed,
 * a flush_all that was asked for later, records that moved away.
 * One thread of its own, because it waits for disks.
 */
#ifndef FLARE_FLARED_MAINTAIN_H
#define FLARE_FLARED_MAINTAIN_H

#include "flared/flared.h"

struct maintain;

int maintain_start(struct maintain **out, struct flared *node, struct err *err);
void maintain_stop(struct maintain *maintain); /* NULL is fine */

/*
 * Any thread: flush_all in so many seconds; replaces one that waits, and is
 * replaced by one that does not.
 */
void maintain_flush_later(struct flared *node, int64_t seconds);

/* Where to send what may wait for the disk. */
struct mailbox *maintain_mailbox(struct flared *node);

/* Any thread: a new view is in use (flared/cleanup.h); a reference is taken. */
void maintain_set_view(struct flared *node, struct cluster_view *view);

#endif
