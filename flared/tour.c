#include "flared/tour.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "proto/reply.h"

struct tour {
    struct call call;
    struct mail mail;
    struct buf text; /* the call's own is for the session's thread only */
    unsigned next;   /* worker to visit */
    bool failed;
    const char *last_line;
    tour_visit *visit;
    bool (*finish)(struct buf *out, struct worker *worker);
};

static void
destroy_tour(struct call *call)
{
    free(LIST_ENTRY(call, struct tour, call));
}

static void
on_end(struct mail *mail)
{
    struct tour *tour = LIST_ENTRY(mail, struct tour, mail);
    struct buf *out = &tour->call.out;
    bool ok;

    *out = tour->text;
    ok = !tour->failed &&
         (tour->finish == NULL || tour->finish(out, tour->call.worker));
    if ((!ok || !reply_line(out, tour->last_line)) &&
        tour->call.session != NULL) {
        session_fail(tour->call.session, "out of memory");
    }
    call_done(&tour->call);
}

static void
on_stop(struct mail *mail)
{
    struct tour *tour = LIST_ENTRY(mail, struct tour, mail);
    struct flared *node = tour->call.worker->node;

    tour->failed =
        !tour->visit(&tour->text, &node->workers[tour->next]) || tour->failed;
    if (++tour->next < node->nworkers) {
        mailbox_post(&node->workers[tour->next].loop.mailbox, mail);
        return;
    }
    mail->deliver = on_end;
    mailbox_post(&tour->call.worker->loop.mailbox, mail);
}

void
tour_begin(struct session *session, const char *last_line, tour_visit *visit,
           bool (*finish)(struct buf *out, struct worker *worker))
{
    struct tour *tour = xcalloc(1, sizeof(*tour));

    call_init(&tour->call, session, destroy_tour);
    tour->visit = visit;
    tour->finish = finish;
    tour->last_line = last_line;
    tour->mail.deliver = on_stop;
    mailbox_post(&session->worker->node->workers[0].loop.mailbox, &tour->mail);
}
