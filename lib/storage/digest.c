#include "storage/digest.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/strmap.h"
#include "item/item.h"
#include "storage/ulog_segment.h"

enum { READY = 0x52444459, BUSY = 0x42555359, FORMAT = 1 };

static const char magic[8] = {'F', 'L', 'A', 'R', 'E', 'D', 'I', 'G'};

struct sums {
    uint32_t state; /* READY, or they do not count */
    uint32_t unused;
    uint64_t records;
    struct digest_sum sum[DIGEST_BUCKETS];
};

/* What is in the file, in the order of this machine. */
struct digest_file {
    char magic[8];
    uint32_t format;
    uint32_t closed; /* READY: by digest_close(), and on the disk */
    char engine[8];
    unsigned char boot[ULOG_BOOT_ID];
    struct sums now, saved;
};

struct digest {
    struct digest_file *file;
    bool mapped;
    bool rolls_back;
};

/* --- hashing ------------------------------------------------------------- */

static uint64_t
mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t
word_at(const char *p, size_t n)
{
    uint64_t word = 0;

    memcpy(&word, p, n < sizeof(word) ? n : sizeof(word));
    return word;
}

static void
absorb(struct digest_sum *h, struct slice s)
{
    static const uint64_t k0 = 0x9e3779b97f4a7c15U, k1 = 0xc2b2ae3d27d4eb4fU;

    h->a = mix(h->a ^ s.n, k0);
    h->b = mix(h->b + s.n, k1);
    while (s.n >= 16) {
        uint64_t x = word_at(s.p, 8), y = word_at(s.p + 8, 8);

        h->a = mix(h->a ^ x, k0 ^ y);
        h->b = mix(h->b + y, k1 + x) ^ x;
        s.p += 16;
        s.n -= 16;
    }
    if (s.n > 0) {
        uint64_t x = word_at(s.p, s.n);
        uint64_t y = s.n > 8 ? word_at(s.p + 8, s.n - 8) : 0;

        h->a = mix(h->a ^ x, k0 ^ y);
        h->b = mix(h->b + y, k1 + x) ^ x;
    }
}

struct digest_sum
digest_of_parts(struct slice key, struct slice header, struct slice value)
{
    struct digest_sum h = {0x243f6a8885a308d3U, 0x13198a2e03707344U};

    absorb(&h, key);
    absorb(&h, header);
    absorb(&h, value);
    return (struct digest_sum){mix(h.a ^ (h.b >> 32), 0xa0761d6478bd642fU),
                               mix(h.b ^ h.a, 0xe7037ed1a0b428dbU)};
}

struct digest_sum
digest_of(struct slice key, struct slice record)
{
    size_t n = record.n < ITEM_HEADER ? record.n : ITEM_HEADER;

    return digest_of_parts(key, (struct slice){record.p, n},
                           (struct slice){record.p + n, record.n - n});
}

unsigned
digest_bucket(struct slice key)
{
    return (unsigned)(strmap_hash(key) % DIGEST_BUCKETS);
}

/* --- the file ------------------------------------------------------------ */

static struct digest_file *
map_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    void *map = MAP_FAILED;

    if (fd < 0) {
        return NULL;
    }
    /* All of it has room: a page without would kill the process later. */
    if (posix_fallocate(fd, 0, sizeof(struct digest_file)) == 0) {
        map = mmap(NULL, sizeof(struct digest_file), PROT_READ | PROT_WRITE,
                   MAP_SHARED, fd, 0);
    }
    (void)close(fd);
    return map == MAP_FAILED ? NULL : map;
}

/* Is what the file says of the engine's file as it is now? */
static bool
is_usable(const struct digest_file *f, const char *engine)
{
    unsigned char boot[ULOG_BOOT_ID];

    ulog_boot_id(boot);
    return memcmp(f->magic, magic, sizeof(magic)) == 0 && f->format == FORMAT &&
           strncmp(f->engine, engine, sizeof(f->engine)) == 0 &&
           (f->closed == READY || memcmp(f->boot, boot, sizeof(boot)) == 0);
}

static void
begin_file(struct digest_file *f, const char *engine)
{
    f->closed = BUSY;
    f->format = FORMAT;
    memcpy(f->magic, magic, sizeof(magic));
    memset(f->engine, 0, sizeof(f->engine));
    memcpy(f->engine, engine, strnlen(engine, sizeof(f->engine)));
    ulog_boot_id(f->boot);
}

struct digest *
digest_open(const char *path, const char *engine, bool rolls_back)
{
    struct digest *d = xcalloc(1, sizeof(*d));
    bool usable;

    d->rolls_back = rolls_back;
    d->file = map_file(path);
    d->mapped = d->file != NULL;
    if (!d->mapped) {
        log_warn_sys("%s cannot be used: the digest will have to be computed "
                     "anew after a restart",
                     path);
        d->file = xcalloc(1, sizeof(*d->file));
    }
    usable = is_usable(d->file, engine);
    if (!usable) {
        d->file->now.state = d->file->saved.state = BUSY;
    } else if (rolls_back && d->file->closed != READY) {
        d->file->now = d->file->saved;
    }
    begin_file(d->file, engine);
    return d;
}

void
digest_close(struct digest *d)
{
    if (d == NULL) {
        return;
    }
    if (!d->mapped) {
        free(d->file);
        free(d);
        return;
    }
    d->file->closed = READY;
    if (msync(d->file, sizeof(*d->file), MS_SYNC) != 0) {
        log_warn_sys("cannot write the digest");
    }
    (void)munmap(d->file, sizeof(*d->file));
    free(d);
}

/* --- the sums ------------------------------------------------------------ */

bool
digest_counts_for(struct digest *d, uint64_t records)
{
    if (d->file->now.records != records) {
        digest_doubt(d);
    }
    return digest_counts(d);
}

bool
digest_counts(const struct digest *d)
{
    return d->file->now.state == READY;
}

void
digest_doubt(struct digest *d)
{
    d->file->now.state = d->file->saved.state = BUSY;
}

void
digest_clear(struct digest *d)
{
    digest_doubt(d);
    memset(d->file->now.sum, 0, sizeof(d->file->now.sum));
    d->file->now.records = 0;
    d->file->now.state = READY;
}

void
digest_begin(struct digest *d)
{
    d->file->now.state = BUSY;
    atomic_signal_fence(memory_order_seq_cst);
}

void
digest_change(struct digest *d, struct slice key, struct digest_sum was,
              struct digest_sum is)
{
    struct digest_sum *sum = &d->file->now.sum[digest_bucket(key)];

    digest_sum_sub(sum, was);
    digest_sum_add(sum, is);
}

void
digest_end(struct digest *d, uint64_t records)
{
    d->file->now.records = records;
    atomic_signal_fence(memory_order_seq_cst);
    d->file->now.state = READY;
}

void
digest_saving(struct digest *d)
{
    d->file->saved.state = BUSY;
    atomic_signal_fence(memory_order_seq_cst);
}

void
digest_saved(struct digest *d, uint64_t records)
{
    struct digest_file *f = d->file;

    if (!d->rolls_back || f->now.state != READY) {
        return;
    }
    memcpy(f->saved.sum, f->now.sum, sizeof(f->now.sum));
    f->saved.records = records;
    atomic_signal_fence(memory_order_seq_cst);
    f->saved.state = READY;
}

const struct digest_sum *
digest_sums(const struct digest *d)
{
    return d->file->now.sum;
}

void
digest_replace(struct digest *d, const struct digest_sum *sums,
               uint64_t records)
{
    digest_begin(d);
    memcpy(d->file->now.sum, sums, sizeof(d->file->now.sum));
    digest_end(d, records);
}
