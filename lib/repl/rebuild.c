#include "repl/rebuild.h"

#include <stdlib.h>
#include <string.h>

enum {
    ASK_MS = 100,       /* between two questions */
    KNOWN_MS = 10000,   /* then copy even so */
    CONNECT_MS = 500,   /* between two attempts to reach a source */
    CONNECT_TRIES = 20, /* then give up */
    REFUSED_MS = 500,   /* first pause after a refusal; doubles ... */
    REFUSED_MAX = 8000, /* ... up to this */
    REFUSED_TRIES = 10, /* then give up */
    NEW_MAP_MS = 5000,  /* for a new map after a source was lost */
    RESTARTS_MAX = 3,
};

static struct rebuild_step
step(enum rebuild_action action, int64_t after_ms, const char *why)
{
    return (struct rebuild_step){action, after_ms, why};
}

struct slice
rebuild_host(const struct rebuild_source *source)
{
    return (struct slice){source->key, source->host_len};
}

void
rebuild_fini(struct rebuild *rebuild)
{
    free(rebuild->source);
    *rebuild = (struct rebuild){0};
}

static void
add_source(struct rebuild *out, const struct node *node)
{
    struct rebuild_source *source = &out->source[out->nsources++];

    memcpy(source->key, node->key, sizeof(source->key));
    source->host_len = node->host_len;
    source->port = node->port;
    source->partition = node->partition;
}

/* The slave's source: its partition's master. */
static const char *
plan_slave(struct rebuild *out, const struct cluster_view *view)
{
    const struct node *prep = cluster_map_preparing(view->map);
    const int partition = view->self->partition;

    if (partition >= 0 && partition < view->npartitions) {
        const struct node *master = view->partition[partition].master;

        out->size = view->npartitions;
        if (master == NULL) {
            return "its partition has no master that is alive";
        }
        add_source(out, master);
        return NULL;
    }
    if (prep == NULL || prep->partition != partition) {
        return "its partition has no master";
    }
    out->size = view->npartitions + 1;
    out->waits = prep->state != NODE_READY;
    if (!out->waits) {
        add_source(out, prep);
    }
    return NULL;
}

/* The new master's sources: all active masters. */
static const char *
plan_master(struct rebuild *out, const struct cluster_view *view)
{
    out->size = view->npartitions + 1;
    for (int i = 0; i < view->npartitions; i++) {
        if (view->partition[i].master == NULL) {
            return "a partition has no master that is alive";
        }
        add_source(out, view->partition[i].master);
    }
    return out->nsources > 0 ? NULL : "there is no master to copy from";
}

bool
rebuild_wanted(const struct cluster_view *view)
{
    return view->self != NULL && view->self->role != NODE_PROXY &&
           view->self->state == NODE_PREPARE;
}

bool
rebuild_plan(struct rebuild *out, const struct cluster_view *view,
             const char **why)
{
    const struct node *self = view->self;
    const unsigned restarts = out->restarts;
    const int n = view->npartitions;

    rebuild_fini(out);
    out->restarts = restarts;
    out->role = self->role;
    out->partition = self->partition;
    out->source = calloc(n > 0 ? (size_t)n : 1, sizeof(*out->source));
    if (out->source == NULL) {
        *why = "memory is out";
        return false;
    }
    *why = self->role == NODE_SLAVE ? plan_slave(out, view)
                                    : plan_master(out, view);
    return *why == NULL;
}

bool
rebuild_accepts(const struct rebuild *rebuild,
                const struct rebuild_source *source,
                const struct cluster_view *view, uint32_t hash)
{
    return rebuild->role != NODE_MASTER || view->row == NULL ||
           view->row[hash % view->slots] == source->partition;
}

static struct rebuild_step
restart_or_fail(struct rebuild *rebuild, const char *why)
{
    if (rebuild->restarts >= RESTARTS_MAX) {
        return step(REBUILD_FAIL, 0, why);
    }
    rebuild->restarts++;
    return step(REBUILD_RESTART, 0, why);
}

static struct rebuild_step
on_unknown(struct rebuild_source *source, struct mono now)
{
    source->tries = 0;
    if (mono_reached(mono_after_ms(source->began, KNOWN_MS), now)) {
        source->phase = REBUILD_COPYING;
        return step(REBUILD_COPY, 0,
                    "the source does not list this node; copying even so");
    }
    return step(REBUILD_ASK, ASK_MS, NULL);
}

static struct rebuild_step
on_unreached(struct rebuild_source *source)
{
    source->phase = REBUILD_ASKING;
    if (++source->tries >= CONNECT_TRIES) {
        return step(REBUILD_FAIL, 0, "the source cannot be reached");
    }
    return step(REBUILD_ASK, CONNECT_MS, NULL);
}

static struct rebuild_step
on_refused(struct rebuild_source *source)
{
    int64_t pause = REFUSED_MS;

    source->phase = REBUILD_ASKING;
    if (++source->tries >= REFUSED_TRIES) {
        return step(REBUILD_FAIL, 0, "the source refuses the dump");
    }
    for (unsigned i = 1; i < source->tries && pause < REFUSED_MAX; i++) {
        pause *= 2;
    }
    return step(REBUILD_ASK, pause, "the source refuses for now");
}

static struct rebuild_step
on_end(struct rebuild *rebuild, struct rebuild_source *source)
{
    source->phase = REBUILD_DONE;
    for (unsigned i = 0; i < rebuild->nsources; i++) {
        if (rebuild->source[i].phase != REBUILD_DONE) {
            return step(REBUILD_NOTHING, 0, NULL);
        }
    }
    return step(REBUILD_FINISH, 0, NULL);
}

struct rebuild_step
rebuild_next(struct rebuild *rebuild, struct rebuild_source *source,
             enum rebuild_event event, struct mono now)
{
    switch (event) {
    case REBUILD_START:
        source->phase = REBUILD_ASKING;
        source->began = now;
        return step(REBUILD_ASK, 0, NULL);
    case REBUILD_KNOWN:
        source->phase = REBUILD_COPYING;
        return step(REBUILD_COPY, 0, NULL);
    case REBUILD_UNKNOWN:
        return on_unknown(source, now);
    case REBUILD_UNREACHED:
        return on_unreached(source);
    case REBUILD_REFUSED:
        return on_refused(source);
    case REBUILD_BROKEN:
        source->phase = REBUILD_LOST;
        return step(REBUILD_AWAIT, NEW_MAP_MS, "the source was lost half way");
    case REBUILD_TIMEOUT:
        return restart_or_fail(rebuild, "the source was lost half way");
    case REBUILD_END:
        return on_end(rebuild, source);
    }
    return step(REBUILD_FAIL, 0, "unknown event");
}

static bool
same_sources(const struct rebuild *a, const struct rebuild *b)
{
    if (a->nsources != b->nsources || a->waits != b->waits) {
        return false;
    }
    for (unsigned i = 0; i < a->nsources; i++) {
        if (!slice_eq(slice_str(a->source[i].key),
                      slice_str(b->source[i].key))) {
            return false;
        }
    }
    return true;
}

struct rebuild_step
rebuild_on_view(struct rebuild *rebuild, const struct cluster_view *view)
{
    struct rebuild fresh = {0};
    struct rebuild_step out = step(REBUILD_NOTHING, 0, NULL);
    const char *why = NULL;

    if (!rebuild_wanted(view) || view->self->role != rebuild->role ||
        view->self->partition != rebuild->partition) {
        return step(REBUILD_STOP, 0, "the map wants something else");
    }
    if (!rebuild_plan(&fresh, view, &why)) {
        out = step(REBUILD_FAIL, 0, why);
    } else if (!same_sources(rebuild, &fresh)) {
        out = rebuild->waits
                  ? step(REBUILD_RESTART, 0, NULL)
                  : restart_or_fail(rebuild, "the source is another one now");
    }
    rebuild_fini(&fresh);
    return out;
}
