/*
 * cmd: what each command does, one handler a command.
 *
 * A handler answers at once through session_answer(), or leaves a call behind
 * that will.  It must not keep slices of the request beyond its return.
 */
#ifndef FLARE_FLARED_CMD_H
#define FLARE_FLARED_CMD_H

#include "flared/session.h"

void cmd_run(struct session *session, const struct request *req);

/* The data of a storage command was refused: a set's old value must go. */
void cmd_too_large(struct session *session, const struct request *req);

/* cmd_get.c */
void cmd_get(struct session *session, const struct request *req);
void cmd_gat(struct session *session, const struct request *req);

/* cmd_store.c: set add replace append prepend cas incr decr delete touch */
void cmd_change(struct session *session, const struct request *req);
void cmd_flush_all(struct session *session, const struct request *req);

/* cmd_dump.c */
void cmd_dump(struct session *session, const struct request *req);
void cmd_keys(struct session *session, const struct request *req);

/* cmd_stats.c */
void cmd_stats(struct session *session, const struct request *req);
void cmd_stats_latency(struct session *session, const struct request *req);
void cmd_stats_slow(struct session *session, const struct request *req);
void cmd_stats_hot(struct session *session, const struct request *req);
void cmd_digest(struct session *session, const struct request *req);
void cmd_show(struct session *session, const struct request *req);

/* stats_repl.c: stats replication */
void cmd_stats_repl(struct session *session, const struct request *req);

/* cmd_node.c */
void cmd_node(struct session *session, const struct request *req);
void cmd_meta(struct session *session, const struct request *req);
void cmd_kill(struct session *session, const struct request *req);

/* cmd_repl.c */
void cmd_repl(struct session *session, const struct request *req);

/* cmd_meta.c */
void cmd_meta_get(struct session *session, const struct request *req); /* mg */
void cmd_meta_change(struct session *session,
                     const struct request *req); /* ms md ma */
void cmd_meta_debug(struct session *session,
                    const struct request *req);                         /* me */
void cmd_meta_noop(struct session *session, const struct request *req); /* mn */
void cmd_mark(struct session *session, const struct request *req);

/* --- shared by the handlers ---------------------------------------------- */

/* Too many hops, or through here before: passing it on would go round. */
bool cmd_goes_round(const struct session *session, const struct request *req);

/*
 * Where to read a key for this session.  For a while after it has written it
 * reads at the master, so that it finds what it wrote: copies are behind.
 */
struct route cmd_route_read(const struct session *session,
                            const struct request *req, struct slice key);

/* A client's session has asked for a change. */
void cmd_note_write(struct session *session, const struct request *req);

/*
 * May this node change the data it is the master of?  False: the request
 * waits (flared/hold.h) or was answered.
 */
bool cmd_may_change(struct session *session, const struct request *req);

/* A request that cannot be routed waits for a better map, or is refused. */
void cmd_refuse_route(struct session *session, const struct request *req,
                      enum route_kind kind);

/* True when this write's answer has to wait for the copies. */
bool cmd_wants_sync(const struct session *session, const struct request *req);

/*
 * True for what a copy is told by the node it copies: it is stored here,
 * whatever the route, and versions decide.
 */
bool cmd_is_from_master(const struct session *session,
                        const struct request *req);

/* Touch a key of one's own; outcome->item is the record, in worker->scratch. */
void cmd_touch_local(struct session *session, struct slice key, int64_t expire,
                     struct outcome *outcome);

/* In memcached's words, beyond answer-max. */
#define CMD_TOO_MUCH "SERVER_ERROR out of memory writing get response"

#define CMD_SYNC_TIMEOUT                                                       \
    "SERVER_ERROR sync-timeout: the copies have not confirmed, outcome "       \
    "unknown"

/* Park a waiter (seq and run are set) for at most sync-timeout. */
void cmd_gate_wait(struct worker *worker, struct gate_waiter *waiter);

/*
 * Where to put the answer to a change with this sequence, so that it leaves
 * when the gate has passed it; at once when nobody has to wait, or seq is 0.
 */
struct buf *cmd_gated_answer(struct session *session, const struct request *req,
                             uint64_t seq);

#endif
