#include "flared/maintain.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flared/cleanup.h"
#include "net/timer.h"

enum {
    SWEEP_BUDGET = 8,  /* records a look may remove */
    SWEEP_BUSY_MS = 5, /* to the next look when it removed so many */
};

struct maintain {
    struct flared *node;
    struct loop loop;
    struct timer sweep, flush;
    unsigned flushes; /* when the delayed flush_all was asked for */
    int64_t sweep_ms;
    struct cleanup *cleanup;
};

static void
on_sweep(struct timer *timer)
{
    struct maintain *m = LIST_ENTRY(timer, struct maintain, sweep);

    unsigned n = store_sweep(m->node->store, m->loop.wall, SWEEP_BUDGET);

    /* Every look takes locks that writers want: gently, unless it pays. */
    timer_once(&m->sweep, n >= SWEEP_BUDGET ? SWEEP_BUSY_MS : m->sweep_ms);
}

static void
on_flush(struct timer *timer)
{
    struct maintain *m = LIST_ENTRY(timer, struct maintain, flush);
    uint64_t seq;

    if (atomic_load(&m->node->flushes) != m->flushes) {
        return; /* what was to go has gone; what came since stays */
    }
    if (!node_flush_all(m->node, &seq)) {
        log_error("delayed flush_all failed: %s",
                  store_trouble(m->node->store));
    }
}

int
maintain_start(struct maintain **out, struct flared *node, struct err *err)
{
    struct maintain *m = xcalloc(1, sizeof(*m));
    int rc = loop_init(&m->loop, err);

    if (rc != 0) {
        free(m);
        return rc;
    }
    m->node = node;
    timer_init(&m->sweep, &m->loop, on_sweep);
    timer_init(&m->flush, &m->loop, on_flush);
    m->cleanup = cleanup_new(node, &m->loop);
    m->sweep_ms = (int64_t)node->options.sweep_interval;
    if (m->sweep_ms > 0) {
        timer_once(&m->sweep, m->sweep_ms);
    }
    rc = loop_start(&m->loop, "maintain", err);
    if (rc != 0) {
        loop_fini(&m->loop);
        free(m);
        return rc;
    }
    *out = m;
    return 0;
}

void
maintain_stop(struct maintain *m)
{
    if (m == NULL) {
        return;
    }
    loop_stop(&m->loop);
    loop_join(&m->loop);
    cleanup_free(m->cleanup);
    timer_fini(&m->sweep);
    timer_fini(&m->flush);
    loop_fini(&m->loop);
    free(m);
}

struct flush_mail {
    struct mail mail;
    struct maintain *maintain;
    int64_t seconds;
    unsigned flushes;
};

static void
on_flush_mail(struct mail *mail)
{
    struct flush_mail *fm = LIST_ENTRY(mail, struct flush_mail, mail);

    fm->maintain->flushes = fm->flushes;
    timer_once(&fm->maintain->flush, fm->seconds * 1000);
    free(fm);
}

void
maintain_flush_later(struct flared *node, int64_t seconds)
{
    struct flush_mail *fm = xcalloc(1, sizeof(*fm));

    fm->mail.deliver = on_flush_mail;
    fm->maintain = node->maintain;
    fm->seconds = seconds;
    fm->flushes = atomic_load(&node->flushes);
    mailbox_post(&node->maintain->loop.mailbox, &fm->mail);
}

struct view_mail {
    struct mail mail;
    struct maintain *maintain;
    struct cluster_view *view;
};

static void
on_view_mail(struct mail *mail)
{
    struct view_mail *vm = LIST_ENTRY(mail, struct view_mail, mail);

    cleanup_set_view(vm->maintain->cleanup, vm->view);
    cluster_view_unref(vm->view);
    free(vm);
}

void
maintain_set_view(struct flared *node, struct cluster_view *view)
{
    struct view_mail *vm;

    if (node->maintain == NULL) {
        return; /* a test that has no such thread */
    }
    vm = xcalloc(1, sizeof(*vm));
    vm->mail.deliver = on_view_mail;
    vm->maintain = node->maintain;
    vm->view = cluster_view_ref(view);
    mailbox_post(&node->maintain->loop.mailbox, &vm->mail);
}

struct mailbox *
maintain_mailbox(struct flared *node)
{
    return &node->maintain->loop.mailbox;
}
