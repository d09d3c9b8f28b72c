/*
 * link: the index's connection to one node, for pings and maps.
 *
 * Requests are pipelined and answers matched by order; each has a deadline.
 * However the connection ends, `lost` says what that is evidence of; it is
 * made again only by link_connect().
 */
#ifndef FLARE_FLAREI_LINK_H
#define FLARE_FLAREI_LINK_H

#include "index/health.h"
#include "net/loop.h"
#include "proto/reply_parse.h"

struct link;

enum link_ask {
    LINK_PING,
    LINK_SYNC,
    LINK_STATS,
    LINK_POSITION,
    LINK_HANDOVER
};

/* All are called on the loop's thread, never from within a link_ function. */
struct link_ops {
    void (*up)(void *owner);
    /* A piece of the answer; its slices live until the call returns. */
    void (*answer)(void *owner, enum link_ask ask, const struct reply *reply);
    void (*lost)(void *owner, enum health_evidence evidence);
};

struct link *link_new(struct loop *loop, const char *host, uint16_t port,
                      const struct link_ops *ops, void *owner);
void link_free(struct link *link); /* without `lost`; NULL is fine */

/* Connect within ms; nothing happens when there is a connection already. */
void link_connect(struct link *link, int64_t ms);

/* Let go, without `lost`. */
void link_drop(struct link *link);

bool link_is_up(const struct link *link);
bool link_is_idle(const struct link *link); /* neither up nor on the way */

/*
 * Send a request whose answer comes within ms.  False: not connected, too much
 * is under way, or memory is out; nothing was sent.
 */
bool link_ask(struct link *link, enum link_ask ask, struct slice bytes,
              int64_t ms);

#endif
