#include "flared/cmd.h"

#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "flared/forward.h"
#include "flared/intake.h"

enum {
    HOPS_MAX = 4,       /* more than any sound map needs */
    OWN_WRITE_MS = 1000 /* so long a session reads where it writes */
};

static void
cmd_version(struct session *session, const struct request *req)
{
    session_line(session, req, "VERSION " PACKAGE_VERSION);
}

static void
cmd_verbosity(struct session *session, const struct request *req)
{
    session_line(session, req, "OK");
}

static void
cmd_quit(struct session *session, const struct request *req)
{
    (void)req;
    session_end(session);
}

static void
cmd_ping(struct session *session, const struct request *req)
{
    struct flared *node = session->worker->node;
    const char *trouble = store_trouble(node->store);
    struct sock_addr from;

    if (!atomic_load(&node->index_is_ours) &&
        sock_peer(session->conn->fd, &from) &&
        guard_is_index(&node->guard, &from)) {
        /* flare's index says nothing else while all is well. */
        standing_heard(&node->standing, worker_alive_at(session->worker));
    }
    session_line(session, req,
                 trouble == NULL ? "OK" : "SERVER_ERROR storage error");
}

/* As SIGTERM; nothing is answered, the connection ends with the node. */
static void
cmd_shutdown(struct session *session, const struct request *req)
{
    if (!session->worker->node->options.enable_shutdown) {
        session_line(session, req, "ERROR: shutdown not enabled");
    } else if (req->words.n > 0 && !slice_eq(req->words, SLICE("graceful"))) {
        session_line(session, req, "CLIENT_ERROR invalid shutdown mode");
    } else {
        log_info("%s asked for a shutdown", session->peer);
        (void)kill(getpid(), SIGTERM);
    }
}

typedef void (*handler)(struct session *session, const struct request *req);

static const handler handlers[COMMAND_COUNT] = {
    [COMMAND_GET] = cmd_get,
    [COMMAND_GETS] = cmd_get,
    [COMMAND_GAT] = cmd_gat,
    [COMMAND_GATS] = cmd_gat,
    [COMMAND_SET] = cmd_change,
    [COMMAND_ADD] = cmd_change,
    [COMMAND_REPLACE] = cmd_change,
    [COMMAND_APPEND] = cmd_change,
    [COMMAND_PREPEND] = cmd_change,
    [COMMAND_CAS] = cmd_change,
    [COMMAND_INCR] = cmd_change,
    [COMMAND_DECR] = cmd_change,
    [COMMAND_DELETE] = cmd_change,
    [COMMAND_TOUCH] = cmd_change,
    [COMMAND_FLUSH_ALL] = cmd_flush_all,
    [COMMAND_VERSION] = cmd_version,
    [COMMAND_VERBOSITY] = cmd_verbosity,
    [COMMAND_QUIT] = cmd_quit,
    [COMMAND_PING] = cmd_ping,
    [COMMAND_STATS] = cmd_stats,
    [COMMAND_SHOW] = cmd_show,
    [COMMAND_DIGEST] = cmd_digest,
    [COMMAND_KILL] = cmd_kill,
    [COMMAND_META] = cmd_meta,
    [COMMAND_SHUTDOWN] = cmd_shutdown,
    [COMMAND_DUMP] = cmd_dump,
    [COMMAND_DUMP_KEY] = cmd_dump,
    [COMMAND_KEYS] = cmd_keys,
    [COMMAND_NODE] = cmd_node,
    [COMMAND_MG] = cmd_meta_get,
    [COMMAND_MS] = cmd_meta_change,
    [COMMAND_MD] = cmd_meta_change,
    [COMMAND_MA] = cmd_meta_change,
    [COMMAND_ME] = cmd_meta_debug,
    [COMMAND_MN] = cmd_meta_noop,
    [COMMAND_MARK] = cmd_mark,
    [COMMAND_REPL] = cmd_repl,
};

void
cmd_run(struct session *session, const struct request *req)
{
    handlers[req->command](session, req);
}

bool
cmd_goes_round(const struct session *session, const struct request *req)
{
    return req->from_peer &&
           (hops_count(req->hops) >= HOPS_MAX ||
            req->hops.n > PROTO_HOPS_MAX || /* the next would not read it */
            hops_contain(req->hops, slice_str(session->worker->node->self)));
}

void
cmd_note_write(struct session *session, const struct request *req)
{
    if (!req->from_peer) {
        session->has_written = true;
        session->wrote = session->worker->loop.now;
    }
}

static bool
wrote_lately(const struct session *session)
{
    return session->has_written &&
           mono_ms_between(session->wrote, session->worker->loop.now) <
               OWN_WRITE_MS;
}

struct route
cmd_route_read(const struct session *session, const struct request *req,
               struct slice key)
{
    struct worker *worker = session->worker;
    const struct cluster_view *view = worker->view;
    struct route route = {ROUTE_NO_PARTITION, -1, NULL};
    uint32_t hash;

    if (view == NULL) {
        return route;
    }
    hash = keyhash(view->hash, key);
    if (!req->from_peer && wrote_lately(session)) {
        route = cluster_route_write(view, hash, false);
        if (route.kind == ROUTE_LOCAL || route.kind == ROUTE_FORWARD) {
            return route;
        }
    }
    route = cluster_route_read(view, hash, &worker->rand);
    if (route.kind == ROUTE_LOCAL && node_is_rewinding(worker->node)) {
        route = cluster_route_write(view, hash, false);
    }
    return route;
}

static bool
may_answer(const struct flared *node, struct mono now)
{
    return atomic_load_explicit(&node->writes_held, memory_order_relaxed) ==
               0 &&
           standing_may_write(&node->standing, now);
}

bool
cmd_may_change(struct session *session, const struct request *req)
{
    const struct worker *worker = session->worker;
    const struct flared *node = worker->node;

    if (!may_answer(node, worker->loop.now)) {
        if (!hold_session(session, 0)) {
            session_line(session, req,
                         "SERVER_ERROR this master has lost touch with its "
                         "cluster");
        }
        return false;
    }
    if (atomic_load_explicit(&node->min_in_sync, memory_order_relaxed) >
            atomic_load_explicit(&node->standing.copies,
                                 memory_order_relaxed) &&
        cmd_wants_sync(session, req)) {
        session_line(session, req, "SERVER_ERROR not enough copies in sync");
        return false;
    }
    session->leased = true;
    return true;
}

/*
 * A partition whose master is gone may get another one any moment.  A request
 * that comes round here again has met nodes with different maps.
 */
void
cmd_refuse_route(struct session *session, const struct request *req,
                 enum route_kind kind)
{
    const struct worker *worker = session->worker;
    int64_t age = kind == ROUTE_FORWARD
                      ? 0
                      : mono_ms_between(worker->view_at, worker->loop.now);

    if (kind == ROUTE_NO_PARTITION || !hold_session(session, age)) {
        session_line(session, req, forward_refusal(kind));
    }
}

bool
cmd_wants_sync(const struct session *session, const struct request *req)
{
    if (req->sync) {
        return true;
    }
    return !req->async &&
           atomic_load_explicit(&session->worker->node->replicate_sync,
                                memory_order_relaxed);
}

/* The node that spoke last, as this node's map knows it. */
static const struct node *
last_hop(const struct cluster_view *view, const struct request *req)
{
    struct slice rest = req->hops;
    struct slice last = {NULL, 0};

    while (rest.n > 0) {
        last = slice_until(&rest, ',');
    }
    return last.n > 0 ? cluster_map_find(view->map, last) : NULL;
}

/*
 * A copy takes its master's word as it is: a set or delete with a version, a
 * touch, a flush.  A write that came by here for another reason is a client's,
 * and goes to the master.  A partition being prepared is fed by every master.
 */
bool
cmd_is_from_master(const struct session *session, const struct request *req)
{
    const struct cluster_view *view = session->worker->view;
    const struct node *from;

    if (!req->from_peer || view == NULL || view->self == NULL ||
        view->self->role == NODE_PROXY ||
        (view->self->role == NODE_MASTER && view->self->state == NODE_ACTIVE) ||
        (!req->has_version && req->command != COMMAND_TOUCH &&
         req->command != COMMAND_FLUSH_ALL)) {
        return false;
    }
    from = last_hop(view, req);
    if (from == NULL || from->role != NODE_MASTER) {
        return false;
    }
    return view->self->role == NODE_MASTER ||
           from->partition == view->self->partition;
}
