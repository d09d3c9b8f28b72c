/*
 * membership: taking a new map into use, in the right order.
 *
 * Control thread.  A map is checked (not older than the one held), turned into
 * a view, given first to the replication thread (so that whoever has to be fed
 * is fed from here on), then to every worker; only then the index hears OK.
 * What it changes for this node (building a copy, promotion, demotion) starts
 * after that.
 */
#ifndef FLARE_FLARED_MEMBERSHIP_H
#define FLARE_FLARED_MEMBERSHIP_H

#include "base/buf.h"
#include "flared/flared.h"

enum sync_verdict {
    SYNC_OK,
    SYNC_OLDER, /* older than the map in use: "SERVER_ERROR node sync error" */
    SYNC_BAD,   /* does not parse: "CLIENT_ERROR format error" */
};

/*
 * A map that came with "node sync".  The sender fills in version, lines,
 * reply_to and mail_back.deliver, and posts `mail` with deliver =
 * membership_on_offer to the control loop.  It comes back by mail_back.
 */
struct map_offer {
    struct mail mail;
    struct mail mail_back;
    struct mailbox *reply_to;
    uint64_t version;
    struct buf lines; /* NODE lines */
    enum sync_verdict verdict;
    struct flared *node;
};

struct membership *membership_new(struct flared *node);
void membership_free(struct membership *membership);

void membership_on_offer(struct mail *mail);

/*
 * The list that "node add" was answered with; version 0.  Control thread;
 * `lines` is copied.
 */
enum sync_verdict membership_first(struct membership *membership,
                                   struct slice lines);

/*
 * The index cannot be reached: use the map that was kept last, if there is one
 * and nothing was heard from the index since the start.  As master of a
 * partition that somebody else may have taken over, this node holds changes
 * until the index says what it is.
 */
void membership_fall_back(struct membership *membership);

/* The view in use; control thread, borrowed; NULL before the first. */
struct cluster_view *membership_view(struct membership *membership);

#endif
