#include "flared/cmd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flared/handover.h"
#include "flared/intake.h"
#include "flared/replicate.h"
#include "proto/reply.h"

/* --- where is the log? ------------------------------------------------------
 */

static const char *
data_name(enum store_data data)
{
    switch (data) {
    case STORE_EMPTY:
        return "empty";
    case STORE_BUILDING:
        return "building";
    case STORE_COMPLETE:
        break;
    }
    return "complete";
}

static void
position(struct session *session)
{
    struct worker *worker = session->worker;
    const struct cluster_view *view = worker->view;
    struct lineage lineage;
    struct sock_addr from;

    if (sock_peer(session->conn->fd, &from) &&
        guard_is_index(&worker->node->guard, &from)) {
        standing_heard(&worker->node->standing, worker_alive_at(worker));
    }
    store_lineage(worker->node->store, &lineage);
    if (!buf_printf(session_answer(session),
                    "POSITION %d %" PRIu64 " %" PRIu64 " %s\r\nEND\r\n",
                    view != NULL && view->self != NULL ? view->self->partition
                                                       : NODE_NO_PARTITION,
                    lineage_epoch(&lineage), lineage.seq,
                    data_name(node_is_rewinding(worker->node)
                                  ? STORE_BUILDING
                                  : store_data(worker->node->store)))) {
        session_fail(session, "out of memory");
    }
}

/* --- join -------------------------------------------------------------------
 */

struct join_call {
    struct call call;
    struct replicator_join join;
};

static void
destroy_join(struct call *call)
{
    free(LIST_ENTRY(call, struct join_call, call));
}

static void
on_joined(struct mail *mail)
{
    struct join_call *j = LIST_ENTRY(mail, struct join_call, join.mail);
    bool ok = j->join.why == NULL
                  ? buf_printf(&j->call.out, "OK %" PRIu64 "\r\n", j->join.last)
                  : reply_line(&j->call.out, j->join.why);

    if (!ok && j->call.session != NULL) {
        session_fail(j->call.session, "out of memory");
    }
    call_done(&j->call);
}

static void
join(struct session *session, const struct request *req)
{
    struct slice words = req->words;
    struct slice key = slice_word(&words);
    struct join_call *j;

    if (key.n == 0 || key.n > NODE_KEY_MAX) {
        session_line(session, req, "CLIENT_ERROR bad command line format");
        return;
    }
    j = xcalloc(1, sizeof(*j));
    call_init(&j->call, session, destroy_join);
    memcpy(j->join.key, key.p, key.n);
    j->join.reply_to = &session->worker->loop.mailbox;
    j->join.done = on_joined;
    replicator_join(session->worker->node->replicator, &j->join);
}

/* --- all of them ------------------------------------------------------------
 */

void
cmd_repl(struct session *session, const struct request *req)
{
    switch (req->verb) {
    case REPL_POSITION:
        position(session);
        return;
    case REPL_JOIN:
        join(session, req);
        return;
    case REPL_HANDOVER:
        handover_begin(session, req);
        return;
    case REPL_HELLO:
    case REPL_RESUME:
    case REPL_REWIND:
    case REPL_RECORDS:
    case REPL_FULL:
    case REPL_BATCH:
    case REPL_COUNT:
        break;
    }
    if (!intake_take(session->worker->node->intake, session->id, req,
                     session_answer(session))) {
        session_fail(session, "out of memory");
    }
}
