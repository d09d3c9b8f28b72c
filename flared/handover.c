#include "flared/handover.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flared/cmd.h"
#include "flared/replicate.h"
#include "proto/reply.h"

struct handover {
    struct call call;
    struct mail visit;
    unsigned next; /* worker to visit */
    struct replicator_join join;
};

static void
destroy(struct call *call)
{
    free(LIST_ENTRY(call, struct handover, call));
}

static void
on_caught_up(struct mail *mail)
{
    struct handover *h = LIST_ENTRY(mail, struct handover, join.mail);
    struct flared *node = h->call.worker->node;
    bool ok;

    if (h->join.why != NULL) {
        standing_hand_over(&node->standing, false);
        log_warn("handing over to %s: %s; this master goes on", h->join.key,
                 h->join.why);
        ok = reply_line(&h->call.out, h->join.why);
    } else {
        log_info("handing over to %s: it has everything up to %" PRIu64,
                 h->join.key, h->join.last);
        ok = buf_printf(&h->call.out, "OK %" PRIu64 " %" PRIu64 "\r\n",
                        (uint64_t)atomic_load(&node->standing.epoch),
                        h->join.last);
    }
    if (!ok && h->call.session != NULL) {
        session_fail(h->call.session, "out of memory");
    }
    call_done(&h->call);
}

/* Each worker in turn: what it had begun before the writes were held is done.
 */
static void
on_visit(struct mail *mail)
{
    struct handover *h = LIST_ENTRY(mail, struct handover, visit);
    struct flared *node = h->call.worker->node;

    if (++h->next < node->nworkers) {
        mailbox_post(&node->workers[h->next].loop.mailbox, mail);
        return;
    }
    h->join.reply_to = &h->call.worker->loop.mailbox;
    h->join.done = on_caught_up;
    replicator_await(node->replicator, &h->join);
}

void
handover_begin(struct session *session, const struct request *req)
{
    struct flared *node = session->worker->node;
    struct slice words = req->words;
    struct slice key = slice_word(&words);
    struct handover *h;

    if (key.n == 0 || key.n > NODE_KEY_MAX) {
        session_line(session, req, "CLIENT_ERROR bad command line format");
        return;
    }
    if (atomic_load(&node->standing.epoch) == 0) {
        session_line(session, req, "SERVER_ERROR this node is no master");
        return;
    }
    h = xcalloc(1, sizeof(*h));
    call_init(&h->call, session, destroy);
    memcpy(h->join.key, key.p, key.n);
    log_info("handing over to %s: writes are held", h->join.key);
    standing_hand_over(&node->standing, true);
    session->hands_over = true;
    h->visit.deliver = on_visit;
    mailbox_post(&node->workers[0].loop.mailbox, &h->visit);
}

void
handover_hang_up(struct session *session)
{
    if (session->hands_over) {
        session->hands_over = false;
        standing_hand_over(&session->worker->node->standing, false);
    }
}
