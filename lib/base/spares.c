#include "base/spares.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Lies in a block that nobody uses. */
struct spare {
    struct spare *next;
};

static size_t
class_of(size_t n)
{
    return n == 0 ? 0 : (n - 1) / SPARES_STEP;
}

void *
spares_take(struct spares *spares, size_t n)
{
    size_t class = class_of(n);
    struct spare *spare;

    if (class >= SPARES_CLASSES) {
        return xcalloc(1, n);
    }
    spare = spares->first[class];
    if (spare == NULL) {
        return xcalloc(class + 1, SPARES_STEP);
    }
    spares->first[class] = spare->next;
    spares->count[class]--;
    return memset(spare, 0, n);
}

void
spares_give(struct spares *spares, void *block, size_t n)
{
    size_t class = class_of(n);
    struct spare *spare = block;

    if (class >= SPARES_CLASSES || spares->count[class] >= SPARES_KEPT) {
        free(block);
        return;
    }
    spare->next = spares->first[class];
    spares->first[class] = spare;
    spares->count[class]++;
}

void
spares_fini(struct spares *spares)
{
    for (unsigned i = 0; i < SPARES_CLASSES; i++) {
        while (spares->first[i] != NULL) {
            struct spare *spare = spares->first[i];

            spares->first[i] = spare->next;
            free(spare);
        }
        spares->count[i] = 0;
    }
}
