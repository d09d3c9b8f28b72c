#include "flared/ahead.h"

#include <string.h>

#include "base/strmap.h"

enum { LINE = 512 }; /* longer ones are no short requests */

void
ahead_keys(struct worker *worker, const struct slice *keys, unsigned n)
{
    uint64_t hash[AHEAD_KEYS];

    for (unsigned i = 0; i < n; i++) {
        hash[i] = strmap_hash(keys[i]);
        access_prefetch(&worker->node->access, hash[i]);
    }
    store_prefetch(worker->node->store, hash, n);
}

/* Bytes of the value of "set KEY FLAGS EXPTIME BYTES", with its end. */
static bool
value_size(struct slice line, size_t *size)
{
    uint64_t n;

    (void)slice_word(&line);
    (void)slice_word(&line);
    if (!slice_u64(slice_word(&line), (uint64_t)LINE * LINE, &n)) {
        return false;
    }
    *size = (size_t)n + 2;
    return true;
}

/* The length of the request at the front and its first key; 0: no such one. */
static size_t
look(struct slice in, struct slice *key)
{
    const char *end = memchr(in.p, '\n', in.n < LINE ? in.n : LINE);
    struct slice line;
    size_t value = 0;

    if (end == NULL || end - in.p < 5) {
        return 0;
    }
    line.p = in.p + 4;
    line.n = (size_t)(end - line.p) - (end[-1] == '\r' ? 1 : 0);
    *key = slice_word(&line);
    if (memcmp(in.p, "set ", 4) == 0 ? !value_size(line, &value)
                                     : memcmp(in.p, "get ", 4) != 0) {
        return 0;
    }
    return (size_t)(end - in.p) + 1 + value;
}

size_t
ahead_of(struct worker *worker, struct slice in)
{
    struct slice keys[AHEAD_KEYS];
    unsigned n = 0;
    size_t used = 0;
    const char *end = memchr(in.p, '\n', in.n < LINE ? in.n : LINE);

    if (end == NULL || end + 1 == in.p + in.n) {
        return in.n; /* just one */
    }
    while (n < AHEAD_KEYS && used < in.n) {
        size_t size = look((struct slice){in.p + used, in.n - used}, &keys[n]);

        if (size == 0) {
            used = in.n;
            break;
        }
        used += size;
        n++;
    }
    if (n > 1) {
        ahead_keys(worker, keys, n);
    }
    return used;
}
