/*
 * digest: sums over all records of a file, to compare two copies at once.
 *
 * Each record has a 128-bit hash; the records of a bucket are added up, so that
 * order does not matter and a change is one subtraction and one addition.  Kept
 * in a small mapped file: it survives the death of the process, unless that
 * comes between a change of the records and the change of the sums; then, or
 * when somebody else wrote the records, it does not count until it has been
 * computed anew.  One thread at a time.
 */
#ifndef FLARE_STORAGE_DIGEST_H
#define FLARE_STORAGE_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { DIGEST_BUCKETS = 4096 };

struct digest_sum {
    uint64_t a, b;
};

struct digest;

/* Of one record; the sum for none is zero. */
struct digest_sum digest_of(struct slice key, struct slice record);
struct digest_sum digest_of_parts(struct slice key, struct slice header,
                                  struct slice value);
unsigned digest_bucket(struct slice key);

static inline void
digest_sum_add(struct digest_sum *to, struct digest_sum more)
{
    to->a += more.a;
    to->b += more.b;
}

static inline void
digest_sum_sub(struct digest_sum *from, struct digest_sum less)
{
    from->a -= less.a;
    from->b -= less.b;
}

/*
 * The sums in path for an engine's file.  `rolls_back`: after a sudden death
 * that file is as it was at digest_saved(); else it is as it was left.  Without
 * a usable file nothing counts; it never fails.
 */
struct digest *digest_open(const char *path, const char *engine,
                           bool rolls_back);
void digest_close(struct digest *digest);

/* They count: of the file with so many records, as it is after opening. */
bool digest_counts_for(struct digest *digest, uint64_t records);
bool digest_counts(const struct digest *digest);
void digest_doubt(struct digest *digest); /* not any more */
void digest_clear(struct digest *digest); /* no records: they do */

/* Around changes of records, and of the sums between them. */
void digest_begin(struct digest *digest);
void digest_change(struct digest *digest, struct slice key,
                   struct digest_sum was, struct digest_sum is);
void digest_end(struct digest *digest, uint64_t records);

/* Around what makes a file that rolls back stay as it is. */
void digest_saving(struct digest *digest);
void digest_saved(struct digest *digest, uint64_t records);

/* All sums, DIGEST_BUCKETS of them; replace: they count then. */
const struct digest_sum *digest_sums(const struct digest *digest);
void digest_replace(struct digest *digest, const struct digest_sum *sums,
                    uint64_t records);

#endif
