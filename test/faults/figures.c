#include "test/faults/figures.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { KINDS = 64 };

struct row {
    const char *kind;
    size_t n, cap;
    struct finding *finding;
};

struct figures {
    size_t n;
    struct row row[KINDS];
};

struct figures *
figures_new(void)
{
    return xcalloc(1, sizeof(struct figures));
}

void
figures_free(struct figures *figures)
{
    for (size_t i = 0; i < figures->n; i++) {
        free(figures->row[i].finding);
    }
    free(figures);
}

void
figures_add(struct figures *figures, const char *kind,
            const struct finding *finding)
{
    struct row *row = figures->row;

    while (row < figures->row + figures->n && strcmp(row->kind, kind) != 0) {
        row++;
    }
    if (row == figures->row + figures->n) {
        if (figures->n == KINDS) {
            return;
        }
        figures->n++;
        row->kind = kind;
    }
    if (row->n == row->cap) {
        row->cap = row->cap == 0 ? 16 : 2 * row->cap;
        row->finding =
            xreallocarray(row->finding, row->cap, sizeof(*row->finding));
    }
    row->finding[row->n++] = *finding;
}

static int
by_gap(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;

    return (x->gap_ms > y->gap_ms) - (x->gap_ms < y->gap_ms);
}

static void
print_row(const struct row *row, FILE *to)
{
    struct finding sum = {0};
    unsigned unequal = 0, over = 0;

    qsort(row->finding, row->n, sizeof(*row->finding), by_gap);
    for (size_t i = 0; i < row->n; i++) {
        const struct finding *f = &row->finding[i];

        sum.acknowledged += f->acknowledged;
        sum.errors += f->errors;
        sum.lost += f->lost;
        sum.revived += f->revived;
        sum.deposed += f->deposed;
        unequal += f->unequal || f->restless;
        over += f->limit_ms > 0 && f->gap_ms > f->limit_ms;
        sum.longest_ms =
            f->longest_ms > sum.longest_ms ? f->longest_ms : sum.longest_ms;
    }
    (void)fprintf(to,
                  "| %s | %zu | %" PRIu64 " | %" PRIu64 " | %" PRIu64
                  " | %" PRIu64 " | %u | %" PRId64 " / %" PRId64
                  " | %u | %" PRIu64 " | %" PRId64 " |\n",
                  row->kind, row->n, sum.acknowledged, sum.lost, sum.revived,
                  sum.deposed, unequal, row->finding[row->n / 2].gap_ms,
                  row->finding[row->n - 1].gap_ms, over, sum.errors,
                  sum.longest_ms);
}

void
figures_print(const struct figures *figures, FILE *to)
{
    (void)fprintf(
        to, "| fault | rounds | acknowledged | lost | revived | by a "
            "deposed master | copies unequal or missing | without writes, ms, "
            "median / max | over its limit | client errors | longest "
            "request, ms |\n"
            "|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < figures->n; i++) {
        print_row(&figures->row[i], to);
    }
}
