#include "flared/cleanup.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/timer.h"

enum {
    STEP_MS = 5,
    STEP_RECORDS = 256, /* looked at in one step */
};

struct cleanup {
    struct flared *node;
    struct timer start, step;
    struct cluster_view *view;
    int clean_for; /* number of partitions the store is clean for */
    struct store_cursor *cursor;
    struct buf scratch;
    uint64_t removed;
};

/* Somebody else serves every key that is not ours, and we serve ours. */
static bool
is_safe(const struct cluster_view *view)
{
    if (view == NULL || view->self == NULL || view->preparing != NULL ||
        view->self->role == NODE_PROXY || view->self->state != NODE_ACTIVE) {
        return false;
    }
    for (int i = 0; i < view->npartitions; i++) {
        if (view->partition[i].master == NULL) {
            return false;
        }
    }
    return true;
}

static void
stop(struct cleanup *c)
{
    timer_stop(&c->start);
    timer_stop(&c->step);
    store_cursor_close(c->cursor);
    c->cursor = NULL;
}

static void
end(struct cleanup *c)
{
    c->clean_for = c->view->npartitions;
    if (c->removed > 0) {
        log_info("removed %ju records that other partitions serve",
                 (uintmax_t)c->removed);
    }
    stop(c);
}

static bool
is_foreign(const struct cleanup *c, struct slice key)
{
    const struct cluster_view *view = c->view;

    return view->row[keyhash(view->hash, key) % view->slots] !=
           view->self->partition;
}

static void
drop(struct cleanup *c, struct slice key)
{
    const struct change change = {.op = CHANGE_DELETE, .key = key};
    struct outcome outcome;

    store_apply(c->node->store, &change, clock_wall(), &c->scratch, &outcome);
    c->removed += outcome.changed ? 1 : 0;
}

static void
on_step(struct timer *timer)
{
    struct cleanup *c = LIST_ENTRY(timer, struct cleanup, step);

    for (unsigned i = 0; i < STEP_RECORDS; i++) {
        struct slice key;
        struct item item;

        if (store_cursor_next(c->cursor, &key, &item) != STORE_OK) {
            end(c);
            return;
        }
        if (is_foreign(c, key)) {
            drop(c, key);
        }
    }
    timer_once(&c->step, STEP_MS);
}

static void
on_start(struct timer *timer)
{
    struct cleanup *c = LIST_ENTRY(timer, struct cleanup, start);

    c->removed = 0;
    c->cursor = store_cursor_open(c->node->store);
    if (c->cursor != NULL) {
        timer_once(&c->step, 0);
    }
}

void
cleanup_set_view(struct cleanup *c, struct cluster_view *view)
{
    uint64_t keep = c->node->options.moved_keep;
    bool same = c->view != NULL && c->view->npartitions == view->npartitions &&
                c->view->self != NULL && view->self != NULL &&
                c->view->self->partition == view->self->partition;
    bool going = c->start.armed || c->cursor != NULL;

    cluster_view_unref(c->view);
    c->view = cluster_view_ref(view);
    if (!is_safe(view)) {
        stop(c);
        return;
    }
    if (keep == 0 || (same && (going || c->clean_for == view->npartitions))) {
        return;
    }
    stop(c);
    timer_once(&c->start, (int64_t)keep * 1000);
}

struct cleanup *
cleanup_new(struct flared *node, struct loop *loop)
{
    struct cleanup *c = xcalloc(1, sizeof(*c));

    c->node = node;
    timer_init(&c->start, loop, on_start);
    timer_init(&c->step, loop, on_step);
    return c;
}

void
cleanup_free(struct cleanup *c)
{
    if (c == NULL) {
        return;
    }
    stop(c);
    timer_fini(&c->start);
    timer_fini(&c->step);
    cluster_view_unref(c->view);
    buf_fini(&c->scratch);
    free(c);
}
