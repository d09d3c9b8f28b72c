#include "item/decide_meta.h"

#include "base/buf.h"
#include "item/number.h"

enum { NUMBER_MAX = 1024 }; /* bytes of data that can be a number */

static const struct slice nothing = {NULL, 0};

/* Versions beyond it are not given to a client who asks for one. */
static const uint64_t unique_max = (uint64_t)1 << 62;

bool
count_number(struct slice value, bool up, uint64_t delta, struct decision *out,
             struct slice *tail)
{
    static const char spaces[NUMBER_MAX + 1] = {[0 ... NUMBER_MAX] = ' '};
    uint64_t number;

    if (value.n > NUMBER_MAX || !number_read(value, &number)) {
        return false;
    }
    if (up) {
        number += delta;
    } else {
        number = delta < number ? number - delta : 0;
    }
    out->number = number;
    out->head.p = out->digits;
    out->head.n = buf_format_u64(out->digits, number);
    *tail = nothing;
    if (value.n > out->head.n) {
        *tail = (struct slice){spaces, value.n - out->head.n};
    }
    return true;
}

static void
keep(const struct meta_scene *s, enum change_answer answer)
{
    s->out->verdict = DECIDE_KEEP;
    s->out->answer = answer;
    if (s->alive) {
        s->out->item = s->old->item;
    }
}

/*
 * The version a client asks for with E, if it is news; a copy takes only
 * newer ones, so an older one cannot be had.
 */
static uint64_t
pick_version(const struct meta_scene *s)
{
    const uint64_t next = s->current < UINT64_MAX ? s->current + 1 : s->current;

    if (s->meta->has_unique && s->meta->unique > s->current &&
        s->meta->unique <= unique_max) {
        return s->meta->unique;
    }
    return next > s->fresh ? next : s->fresh;
}

static void
write_item(const struct meta_scene *s, uint32_t flags, int64_t expire,
           struct slice head, struct slice tail, enum change_answer answer)
{
    struct decision *out = s->out;

    out->verdict = DECIDE_WRITE;
    out->answer = answer;
    out->item.version = pick_version(s);
    out->item.flags = flags;
    out->item.expire = expire;
    out->item.value =
        (struct slice){tail.n == 0 ? head.p : NULL, head.n + tail.n};
    out->head = head;
    out->tail = tail;
}

static void
set_marks(const struct meta_scene *s, unsigned marks)
{
    s->out->mark = true;
    s->out->marks = marks;
}

/* --- mg ------------------------------------------------------------------- */

static bool
is_due(const struct meta_scene *s)
{
    const struct change_meta *meta = s->meta;
    int64_t expire = s->old->item.expire;

    if (meta->touch_first && meta->has_expire) {
        expire = s->change->expire;
    }
    return meta->has_recache && expire != 0 && expire < meta->recache_expire;
}

static void
decide_get(const struct meta_scene *s)
{
    const struct item *old = &s->old->item;
    const unsigned marks = s->old->marks;
    struct decision *out = s->out;

    if (!s->alive) {
        if (!s->meta->has_vivify) {
            keep(s, CHANGE_NOT_FOUND);
            return;
        }
        write_item(s, 0, s->meta->vivify_expire, nothing, nothing,
                   CHANGE_STORED);
        set_marks(s, MARK_WON);
        out->won = out->created = true;
        return;
    }
    keep(s, CHANGE_TOUCHED);
    if (s->meta->has_expire && s->change->expire != old->expire) {
        out->verdict = DECIDE_WRITE;
        out->item.expire = s->change->expire;
        out->head = old->value;
        out->tail = nothing;
    }
    if ((marks & MARK_WON) == 0 && ((marks & MARK_STALE) != 0 || is_due(s))) {
        out->won = true;
        set_marks(s, marks | MARK_WON);
    }
}

/* --- ms ------------------------------------------------------------------- */

static void
join(const struct meta_scene *s)
{
    const struct item *old = &s->old->item;
    const struct slice added = s->change->value;
    const bool append = s->meta->mode == 'A';

    if (added.n > s->value_max || old->value.n > s->value_max - added.n) {
        keep(s, CHANGE_TOO_LARGE);
        return;
    }
    write_item(s, old->flags, old->expire, append ? old->value : added,
               append ? added : old->value, CHANGE_STORED);
}

static void
set_absent(const struct meta_scene *s)
{
    const char mode = s->meta->mode;
    const bool joins = mode == 'A' || mode == 'P';

    if (joins && s->meta->has_vivify) {
        write_item(s, s->change->flags, s->meta->vivify_expire,
                   s->change->value, nothing, CHANGE_STORED);
        s->out->created = true;
    } else if (joins || (mode == 'R' && !s->meta->has_compare)) {
        keep(s, CHANGE_NOT_STORED);
    } else if (mode != 'E' && s->meta->has_compare) {
        keep(s, CHANGE_NOT_FOUND);
    } else {
        write_item(s, s->change->flags, s->change->expire, s->change->value,
                   nothing, CHANGE_STORED);
        s->out->created = true;
    }
}

static void
decide_set(const struct meta_scene *s)
{
    const struct change_meta *meta = s->meta;
    const bool joins = meta->mode == 'A' || meta->mode == 'P';
    /* To append and prepend, as memcached does it, C0 says nothing. */
    const bool differs = meta->has_compare && meta->compare != s->current &&
                         !(joins && meta->compare == 0);

    if (!s->alive) {
        set_absent(s);
    } else if (meta->mode == 'E') {
        keep(s, CHANGE_NOT_STORED);
    } else if (!differs) {
        if (joins) {
            join(s);
        } else {
            write_item(s, s->change->flags, s->change->expire, s->change->value,
                       nothing, CHANGE_STORED);
        }
    } else if (!joins && meta->invalidate && meta->compare != 0 &&
               meta->compare < s->current) {
        /* Late, but better than nothing: for others to fetch anew. */
        write_item(s, s->change->flags, s->old->item.expire, s->change->value,
                   nothing, CHANGE_STORED);
        set_marks(s, MARK_STALE | (s->old->marks & MARK_WON));
    } else {
        keep(s, CHANGE_EXISTS);
    }
}

/* --- md ------------------------------------------------------------------- */

static void
decide_delete(const struct meta_scene *s)
{
    const struct change_meta *meta = s->meta;
    const struct item *old = &s->old->item;
    uint32_t flags = old->flags;
    int64_t expire = old->expire;

    if (!s->alive) {
        keep(s, CHANGE_NOT_FOUND);
    } else if (meta->has_compare && meta->compare != s->current) {
        keep(s, CHANGE_EXISTS);
    } else if (!meta->invalidate && !meta->clear) {
        s->out->verdict = DECIDE_REMOVE;
        s->out->answer = CHANGE_DELETED;
        s->out->item.version = pick_version(s);
    } else {
        if (meta->clear) {
            flags = meta->has_flags ? s->change->flags : 0;
            expire = 0;
        }
        if (meta->has_expire) {
            expire = s->change->expire;
        }
        write_item(s, flags, expire, meta->clear ? nothing : old->value,
                   nothing, CHANGE_DELETED);
        if (meta->invalidate) {
            set_marks(s, MARK_STALE);
        } else if (s->old->marks != 0) {
            set_marks(s, s->old->marks);
        }
    }
}

/* --- ma ------------------------------------------------------------------- */

static void
create_number(const struct meta_scene *s)
{
    struct decision *out = s->out;
    struct slice head = {out->digits, 0};

    out->number = s->meta->initial;
    head.n = buf_format_u64(out->digits, out->number);
    write_item(s, 0, s->meta->vivify_expire, head, nothing, CHANGE_NUMBER);
    out->created = true;
}

static void
decide_arith(const struct meta_scene *s)
{
    const struct change_meta *meta = s->meta;
    const struct item *old = &s->old->item;
    struct slice tail;

    if (!s->alive && meta->has_vivify) {
        create_number(s);
    } else if (!s->alive) {
        keep(s, CHANGE_NOT_FOUND);
    } else if (old->value.n > 0 && meta->has_compare && meta->compare != 0 &&
               meta->compare != s->current) {
        keep(s, CHANGE_EXISTS);
    } else if (!count_number(old->value, meta->mode != 'D', s->change->delta,
                             s->out, &tail)) {
        keep(s, CHANGE_NON_NUMERIC);
    } else {
        write_item(s, old->flags,
                   meta->has_expire ? s->change->expire : old->expire,
                   s->out->head, tail, CHANGE_NUMBER);
        if (s->old->marks != 0 && s->out->item.value.n == old->value.n) {
            set_marks(s, s->old->marks); /* a longer one is a new item */
        }
    }
}

void
decide_meta(const struct meta_scene *s)
{
    switch (s->meta->op) {
    case META_GET:
        decide_get(s);
        return;
    case META_SET:
        decide_set(s);
        return;
    case META_DELETE:
        decide_delete(s);
        return;
    case META_ARITH:
        decide_arith(s);
        return;
    }
}
