#include "item/lineage.h"

#include <string.h>

uint64_t
lineage_epoch_at(const struct lineage *lineage, uint64_t seq)
{
    for (unsigned i = 0; i < lineage->n; i++) {
        if (lineage->era[i].first <= seq) {
            return lineage->era[i].epoch;
        }
    }
    return 0;
}

uint64_t
lineage_epoch(const struct lineage *lineage)
{
    return lineage_epoch_at(lineage, lineage->seq);
}

/* Take the newest eras away that begin at or after a sequence. */
static void
drop_from(struct lineage *lineage, uint64_t first)
{
    unsigned gone = 0;

    while (gone < lineage->n && lineage->era[gone].first >= first) {
        gone++;
    }
    lineage->n -= gone;
    memmove(lineage->era, lineage->era + gone,
            lineage->n * sizeof(lineage->era[0]));
}

void
lineage_begin(struct lineage *lineage, uint64_t epoch, uint64_t first)
{
    drop_from(lineage, first);
    if (lineage->n > 0 && lineage->era[0].epoch == epoch) {
        return;
    }
    if (lineage->n == LINEAGE_MAX) {
        lineage->n--;
    }
    memmove(lineage->era + 1, lineage->era,
            lineage->n * sizeof(lineage->era[0]));
    lineage->era[0] = (struct era){epoch, first};
    lineage->n++;
}

void
lineage_cut(struct lineage *lineage, uint64_t seq)
{
    if (seq < lineage->seq) {
        lineage->seq = seq;
    }
    drop_from(lineage, lineage->seq + 1);
}

bool
lineage_is_sound(const struct lineage *lineage)
{
    uint64_t below = lineage->seq + 2;

    if (lineage->n > LINEAGE_MAX || lineage->seq > UINT64_MAX - 2) {
        return false;
    }
    for (unsigned i = 0; i < lineage->n; i++) {
        if (lineage->era[i].first >= below) {
            return false;
        }
        below = lineage->era[i].first;
    }
    return true;
}

int
position_compare(uint64_t epoch_a, uint64_t seq_a, uint64_t epoch_b,
                 uint64_t seq_b)
{
    if (epoch_a != epoch_b) {
        return epoch_a < epoch_b ? -1 : 1;
    }
    return (seq_a > seq_b) - (seq_a < seq_b);
}
