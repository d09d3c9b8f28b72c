#include "item/decide.h"

#include "base/buf.h"
#include "item/decide_meta.h"

/* What every rule needs, worked out once. */
struct scene {
    const struct decide_old *old;
    const struct change *change;
    bool alive;       /* there and not expired */
    uint64_t current; /* the key's version, 0 when it never had one */
    uint64_t fresh;
    uint64_t value_max;
    struct decision *out;
};

static bool
is_local(const struct scene *s)
{
    return s->change->source == CHANGE_CLIENT;
}

static void
keep(const struct scene *s, enum change_answer answer)
{
    s->out->verdict = DECIDE_KEEP;
    s->out->answer = answer;
}

static uint64_t
later(uint64_t version, uint64_t fresh)
{
    uint64_t next = version < UINT64_MAX ? version + 1 : version;

    return next > fresh ? next : fresh;
}

/*
 * The version the record gets.  False: the version that came with the change
 * is no news, and the change is refused.
 */
static bool
pick_version(const struct scene *s, uint64_t *version)
{
    const struct change *change = s->change;

    if (change->op == CHANGE_CAS) {
        *version = later(change->version, s->fresh);
        return true;
    }
    if (!change->has_version || change->version == 0) {
        *version = later(s->current, s->fresh);
        return true;
    }
    *version = change->version;
    return change->version > s->current || (is_local(s) && !s->alive);
}

/* Write flags, expiry and the data head + tail under a new version. */
static void
write_item(const struct scene *s, const struct item *attributes,
           struct slice head, struct slice tail, enum change_answer answer)
{
    struct decision *out = s->out;

    if (!pick_version(s, &out->item.version)) {
        keep(s, CHANGE_NOT_STORED);
        return;
    }
    out->verdict = DECIDE_WRITE;
    out->answer = answer;
    out->item.flags = attributes->flags;
    out->item.expire = attributes->expire;
    out->item.value =
        (struct slice){tail.n == 0 ? head.p : NULL, head.n + tail.n};
    out->head = head;
    out->tail = tail;
}

static void
decide_set(const struct scene *s)
{
    const struct item given = {
        .flags = s->change->flags,
        .expire = s->change->expire,
    };

    write_item(s, &given, s->change->value, (struct slice){NULL, 0},
               CHANGE_STORED);
}

static void
decide_cas(const struct scene *s)
{
    if (!s->alive) {
        keep(s, CHANGE_NOT_FOUND);
    } else if (s->change->version != s->current) {
        keep(s, CHANGE_EXISTS);
    } else {
        decide_set(s);
    }
}

static void
decide_joined(const struct scene *s)
{
    const struct item *old = &s->old->item;
    struct slice added = s->change->value;
    bool append = s->change->op == CHANGE_APPEND;

    if (!s->alive) {
        keep(s, CHANGE_NOT_STORED);
    } else if (is_local(s) && (added.n > s->value_max ||
                               old->value.n > s->value_max - added.n)) {
        keep(s, CHANGE_TOO_LARGE);
    } else {
        write_item(s, old, append ? old->value : added,
                   append ? added : old->value, CHANGE_STORED);
    }
}

/* A counter that is not there begins with what the change brings along. */
static void
decide_first_number(const struct scene *s)
{
    const struct item given = {.expire = s->change->expire};
    char *digits = s->out->digits;
    struct slice head;

    if (!s->change->create) {
        keep(s, CHANGE_NOT_FOUND);
        return;
    }
    s->out->number = s->change->initial;
    head = (struct slice){digits, buf_format_u64(digits, s->change->initial)};
    write_item(s, &given, head, (struct slice){NULL, 0}, CHANGE_NUMBER);
}

static void
decide_number(const struct scene *s)
{
    const struct item *old = &s->old->item;
    struct slice tail;

    if (!s->alive) {
        decide_first_number(s);
    } else if (!count_number(old->value, s->change->op == CHANGE_INCR,
                             s->change->delta, s->out, &tail)) {
        keep(s, CHANGE_NON_NUMERIC);
    } else {
        write_item(s, old, s->out->head, tail, CHANGE_NUMBER);
        /* memcached makes a new item of a number that grows. */
        s->out->mark =
            s->old->marks != 0 && s->out->item.value.n == old->value.n;
        s->out->marks = s->old->marks;
    }
}

/*
 * Only the expiry changes, not the version, so there is nothing to compare: a
 * copy does what the master did, even when its clock says it is too late.
 */
static void
decide_touch(const struct scene *s)
{
    struct decision *out = s->out;

    if (!s->alive && (is_local(s) || !s->old->present)) {
        keep(s, CHANGE_NOT_FOUND);
        return;
    }
    out->verdict = DECIDE_WRITE;
    out->answer = CHANGE_TOUCHED;
    out->item = s->old->item;
    out->item.expire = s->change->expire;
    out->head = s->old->item.value;
    out->tail = (struct slice){NULL, 0};
}

static void
decide_delete(const struct scene *s)
{
    const struct change *change = s->change;
    bool given = change->has_version && change->version != 0;
    struct decision *out = s->out;

    if (given && change->version < s->current) {
        keep(s, CHANGE_NOT_FOUND);
        return;
    }
    if (!given && !s->old->present) {
        keep(s, CHANGE_NOT_FOUND);
        return;
    }
    out->verdict = DECIDE_REMOVE;
    out->answer = s->alive ? CHANGE_DELETED : CHANGE_NOT_FOUND;
    if (given) {
        out->item.version = change->version;
    } else {
        out->item.version = s->alive ? later(s->current, s->fresh) : s->current;
    }
}

/* Data that is empty is no number, whatever its version (as in memcached). */
static bool
fails_condition(const struct scene *s)
{
    const struct change *change = s->change;
    bool counts = change->op == CHANGE_INCR || change->op == CHANGE_DECR;

    return change->has_unique && s->alive && change->unique != s->current &&
           !(counts && s->old->item.value.n == 0);
}

static void
dispatch(const struct scene *s)
{
    if (fails_condition(s)) {
        keep(s, CHANGE_EXISTS);
        return;
    }
    switch (s->change->op) {
    case CHANGE_SET:
        decide_set(s);
        return;
    case CHANGE_ADD:
        if (s->alive) {
            keep(s, CHANGE_NOT_STORED);
        } else {
            decide_set(s);
        }
        return;
    case CHANGE_REPLACE:
        if (!s->alive) {
            keep(s, CHANGE_NOT_STORED);
        } else {
            decide_set(s);
        }
        return;
    case CHANGE_APPEND:
    case CHANGE_PREPEND:
        decide_joined(s);
        return;
    case CHANGE_CAS:
        decide_cas(s);
        return;
    case CHANGE_INCR:
    case CHANGE_DECR:
        decide_number(s);
        return;
    case CHANGE_TOUCH:
        decide_touch(s);
        return;
    case CHANGE_DELETE:
        decide_delete(s);
        return;
    case CHANGE_META:
        decide_meta(&(struct meta_scene){
            .old = s->old,
            .change = s->change,
            .meta = s->change->meta,
            .alive = s->alive,
            .current = s->current,
            .fresh = s->fresh,
            .value_max = s->value_max,
            .out = s->out,
        });
        return;
    }
}

void
decide(const struct decide_old *old, const struct change *change,
       struct wall now, uint64_t fresh, uint64_t value_max,
       struct decision *out)
{
    struct scene scene = {
        .old = old,
        .change = change,
        .alive = old->present && !item_expired(&old->item, now),
        .fresh = fresh,
        .value_max = value_max,
        .out = out,
    };

    if (old->present) {
        scene.current = old->item.version;
    } else if (old->has_tombstone) {
        scene.current = old->tombstone_version;
    }
    out->mark = out->won = out->created = false;
    dispatch(&scene);
}
