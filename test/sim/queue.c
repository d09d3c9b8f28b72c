#include <stdlib.h>

#include "base/alloc.h"
#include "test/sim/wire.h"

static bool
is_before(const struct happen *a, const struct happen *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void
queue_push(struct queue *queue, const struct happen *happen)
{
    size_t at = queue->n++;

    if (queue->n > queue->cap) {
        queue->cap = queue->cap == 0 ? 256 : 2 * queue->cap;
        queue->heap =
            xreallocarray(queue->heap, queue->cap, sizeof(*queue->heap));
    }
    while (at > 0) {
        size_t up = (at - 1) / 2;

        if (queue->heap[up].at <= happen->at) {
            break; /* the order of equals: this one is the youngest */
        }
        queue->heap[at] = queue->heap[up];
        at = up;
    }
    queue->heap[at] = *happen;
    queue->heap[at].order = queue->order++;
}

bool
queue_pop(struct queue *queue, struct happen *out)
{
    size_t at = 0;
    struct happen last;

    if (queue->n == 0) {
        return false;
    }
    *out = queue->heap[0];
    last = queue->heap[--queue->n];
    while (2 * at + 1 < queue->n) {
        size_t down = 2 * at + 1;

        if (down + 1 < queue->n &&
            is_before(&queue->heap[down + 1], &queue->heap[down])) {
            down++;
        }
        if (!is_before(&queue->heap[down], &last)) {
            break;
        }
        queue->heap[at] = queue->heap[down];
        at = down;
    }
    if (queue->n > 0) {
        queue->heap[at] = last;
    }
    return true;
}

void
queue_fini(struct queue *queue)
{
    free(queue->heap);
    *queue = (struct queue){.heap = NULL};
}
