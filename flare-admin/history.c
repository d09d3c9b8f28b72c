#include "flare-admin/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static struct failover *
entry_of(struct history *h, uint64_t number)
{
    if (h->n > 0 && h->all[h->n - 1].number == number) {
        return &h->all[h->n - 1];
    }
    h->all = xreallocarray(h->all, h->n + 1, sizeof(*h->all));
    h->all[h->n] = (struct failover){.number = number, .partition = -1};
    return &h->all[h->n++];
}

static void
copy_text(char *to, size_t size, struct slice value)
{
    (void)snprintf(to, size, "%.*s", (int)value.n, value.p);
}

static bool
take_text(struct failover *f, struct slice field, struct slice value)
{
    const struct {
        struct slice name;
        char *to;
        size_t size;
    } texts[] = {
        {SLICE("cause"), f->cause, sizeof(f->cause)},
        {SLICE("evidence"), f->evidence, sizeof(f->evidence)},
        {SLICE("from"), f->from, sizeof(f->from)},
        {SLICE("to"), f->to, sizeof(f->to)},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (slice_eq(field, texts[i].name)) {
            copy_text(texts[i].to, texts[i].size, value);
            return true;
        }
    }
    return false;
}

static void
take_number(struct failover *f, struct slice field, struct slice value)
{
    const struct {
        struct slice name;
        uint64_t *to;
    } numbers[] = {
        {SLICE("from_epoch"), &f->from_epoch},
        {SLICE("from_sequence"), &f->from_seq},
        {SLICE("to_epoch"), &f->to_epoch},
        {SLICE("to_sequence"), &f->to_seq},
    };
    int64_t number = 0;

    if (slice_eq(field, SLICE("time"))) {
        (void)slice_i64(value, 0, INT64_MAX / 2, &f->time);
    } else if (slice_eq(field, SLICE("took_ms"))) {
        (void)slice_i64(value, -1, INT64_MAX / 2, &f->took_ms);
    } else if (slice_eq(field, SLICE("partition")) &&
               slice_i64(value, -1, INT32_MAX, &number)) {
        f->partition = (int)number;
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (slice_eq(field, numbers[i].name)) {
            (void)slice_u64(value, UINT64_MAX, numbers[i].to);
        }
    }
}

/* n:field */
static bool
take_stat(void *arg, struct slice name, struct slice value)
{
    struct slice field = name;
    struct slice number = slice_until(&field, ':');
    struct failover *f;
    uint64_t n;

    if (slice_u64(number, UINT64_MAX, &n)) {
        f = entry_of(arg, n);
        if (!take_text(f, field, value)) {
            take_number(f, field, value);
        }
    }
    return true;
}

bool
history_fetch(struct history *history, struct tool *tool)
{
    *history = (struct history){NULL, 0};
    return server_stats(&tool->index, "stats failovers", take_stat, history);
}

void
history_fini(struct history *history)
{
    free(history->all);
    *history = (struct history){NULL, 0};
}

const char *
history_first_master(const struct history *history, int partition)
{
    for (size_t i = 0; i < history->n; i++) {
        const struct failover *f = &history->all[i];

        if (f->partition == partition && strcmp(f->from, "-") != 0) {
            return f->from;
        }
    }
    return NULL;
}

int
history_partition_of(const struct history *history, const char *key)
{
    for (size_t i = history->n; i-- > 0;) {
        if (strcmp(history->all[i].from, key) == 0) {
            return history->all[i].partition;
        }
    }
    return -1;
}
