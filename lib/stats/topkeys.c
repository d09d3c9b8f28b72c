#include "stats/topkeys.h"

#include <stdbool.h>
#include <string.h>

/* FNV-1a: only a sample of the keys comes here. */
static uint32_t
hash_of(struct slice key)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < key.n; i++) {
        hash = (hash ^ (unsigned char)key.p[i]) * 16777619U;
    }
    return hash;
}

static bool
is_it(const struct topkey *a, const struct topkey *b)
{
    size_t n = a->key_n < TOPKEYS_KEY ? a->key_n : TOPKEYS_KEY;

    return a->hash == b->hash && a->key_n == b->key_n &&
           memcmp(a->key, b->key, n) == 0;
}

/* The entry of this key, a new one, or the one that has to make room. */
static struct topkey *
place_of(struct topkeys *top, const struct topkey *key)
{
    unsigned rarest = 0;

    for (unsigned i = 0; i < top->n; i++) {
        if (is_it(&top->entry[i], key)) {
            return &top->entry[i];
        }
        if (top->entry[i].count < top->entry[rarest].count) {
            rarest = i;
        }
    }
    if (top->n < TOPKEYS_MAX) {
        struct topkey *fresh = &top->entry[top->n++];

        *fresh = *key;
        fresh->count = fresh->error = 0;
        return fresh;
    }
    return &top->entry[rarest];
}

static void
add(struct topkeys *top, const struct topkey *key)
{
    struct topkey *at = place_of(top, key);

    if (!is_it(at, key)) {
        uint64_t inherited = at->count;

        *at = *key;
        at->count = at->error = inherited;
    }
    at->count += key->count;
    at->error += key->error;
}

void
topkeys_add(struct topkeys *top, struct slice key)
{
    struct topkey one;
    size_t n = key.n < TOPKEYS_KEY ? key.n : TOPKEYS_KEY;

    one.count = 1;
    one.error = 0;
    one.hash = hash_of(key);
    one.key_n = (uint32_t)key.n;
    memcpy(one.key, key.p, n);
    memset(one.key + n, 0, TOPKEYS_KEY - n);
    add(top, &one);
    top->total++;
}

void
topkeys_merge(struct topkeys *top, const struct topkeys *from)
{
    for (unsigned i = 0; i < from->n; i++) {
        add(top, &from->entry[i]);
    }
    top->total += from->total;
}

void
topkeys_age(struct topkeys *top)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < top->n; i++) {
        struct topkey *entry = &top->entry[i];

        entry->count /= 2;
        entry->error /= 2;
        if (entry->count > 0 && kept != i) {
            top->entry[kept] = *entry;
        }
        kept += entry->count > 0;
    }
    top->n = kept;
    top->total /= 2;
}

void
topkeys_sort(struct topkeys *top)
{
    for (unsigned i = 1; i < top->n; i++) {
        for (unsigned j = i;
             j > 0 && top->entry[j - 1].count < top->entry[j].count; j--) {
            struct topkey swap = top->entry[j];

            top->entry[j] = top->entry[j - 1];
            top->entry[j - 1] = swap;
        }
    }
}
