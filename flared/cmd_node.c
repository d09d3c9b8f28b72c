#include "flared/cmd.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "flared/index_meta.h"
#include "flared/membership.h"
#include "proto/reply.h"

/* --- node sync --------------------------------------------------------------
 */

struct sync_call {
    struct call call;
    struct map_offer offer;
};

static void
destroy_sync(struct call *call)
{
    struct sync_call *sync = LIST_ENTRY(call, struct sync_call, call);

    buf_fini(&sync->offer.lines);
    free(sync);
}

static void
on_verdict(struct mail *mail)
{
    struct map_offer *offer = LIST_ENTRY(mail, struct map_offer, mail_back);
    struct sync_call *sync = LIST_ENTRY(offer, struct sync_call, offer);
    const char *line = "OK";

    if (offer->verdict == SYNC_OLDER) {
        line = "SERVER_ERROR node sync error";
    } else if (offer->verdict == SYNC_BAD) {
        line = "CLIENT_ERROR format error";
    }
    if (!reply_line(&sync->call.out, line) && sync->call.session != NULL) {
        session_fail(sync->call.session, "out of memory");
    }
    call_done(&sync->call);
}

void
cmd_node(struct session *session, const struct request *req)
{
    struct worker *worker = session->worker;
    struct sync_call *sync;

    if (!guard_takes_map(session, req)) {
        return;
    }
    sync = xcalloc(1, sizeof(*sync));
    if (!buf_put_slice(&sync->offer.lines, req->value)) {
        free(sync);
        session_fail(session, "out of memory");
        return;
    }
    call_init(&sync->call, session, destroy_sync);
    sync->offer.version = req->version;
    sync->offer.node = worker->node;
    sync->offer.reply_to = &worker->loop.mailbox;
    sync->offer.mail.deliver = membership_on_offer;
    sync->offer.mail_back.deliver = on_verdict;
    mailbox_post(&worker->node->control.mailbox, &sync->offer.mail);
}

/* --- meta: what the index said ----------------------------------------------
 */

void
cmd_meta(struct session *session, const struct request *req)
{
    const struct flared *node = session->worker->node;
    struct buf *out;

    if (!atomic_load(&node->has_meta)) {
        session_line(session, req, "SERVER_ERROR not registered yet");
        return;
    }
    out = session_answer(session);
    if (!index_meta_put(out, &node->meta) || !buf_put_str(out, "END\r\n")) {
        session_fail(session, "out of memory");
    }
}

/* --- kill --------------------------------------------------------------------
 */

struct kill_call {
    struct call call;
    struct mail there, back;
    struct worker *target;
    uint64_t id;
    bool found;
};

static void
destroy_kill(struct call *call)
{
    free(LIST_ENTRY(call, struct kill_call, call));
}

static void
on_killed(struct mail *mail)
{
    struct kill_call *k = LIST_ENTRY(mail, struct kill_call, back);

    if (!reply_line(&k->call.out,
                    k->found ? "OK" : "CLIENT_ERROR thread not found") &&
        k->call.session != NULL) {
        session_fail(k->call.session, "out of memory");
    }
    call_done(&k->call);
}

static void
on_kill(struct mail *mail)
{
    struct kill_call *k = LIST_ENTRY(mail, struct kill_call, there);
    struct list *at = k->target->sessions.next;

    for (; at != &k->target->sessions; at = at->next) {
        struct session *session = LIST_ENTRY(at, struct session, link);

        if (session->id == k->id) {
            k->found = true;
            session_interrupt(session);
            break;
        }
    }
    k->back.deliver = on_killed;
    mailbox_post(&k->call.worker->loop.mailbox, &k->back);
}

void
cmd_kill(struct session *session, const struct request *req)
{
    struct flared *node = session->worker->node;
    struct kill_call *k = xcalloc(1, sizeof(*k));

    call_init(&k->call, session, destroy_kill);
    k->id = req->number;
    k->target = &node->workers[req->number % node->nworkers];
    k->there.deliver = on_kill;
    mailbox_post(&k->target->loop.mailbox, &k->there);
}
