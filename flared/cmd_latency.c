/* stats latency, slowlog, hotkeys. */
#include "flared/cmd.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flared/tour.h"
#include "proto/reply.h"

enum { HOT_SHOWN = 20 };

/* --- stats latency ---------------------------------------------------------
 */

static const struct quantile {
    const char *name;
    unsigned of_10000;
} quantiles[] = {
    {"p50_us", 5000}, {"p90_us", 9000}, {"p99_us", 9900}, {"p999_us", 9990}};

static bool
put_us(struct buf *out, const char *class, const char *name, double ns)
{
    return buf_printf(out, "STAT %s:%s %.1f\r\n", class, name, ns / 1000);
}

static bool
put_class(struct buf *out, const char *class, const struct hist_total *total)
{
    bool ok = buf_printf(out, "STAT %s:count %ju\r\n", class,
                         (uintmax_t)total->count) &&
              put_us(out, class, "mean_us",
                     (double)total->sum_ns / (double)total->count);

    for (size_t i = 0; ok && i < sizeof(quantiles) / sizeof(quantiles[0]);
         i++) {
        ok = put_us(out, class, quantiles[i].name,
                    (double)hist_quantile_ns(total, quantiles[i].of_10000));
    }
    return ok && put_us(out, class, "max_us", (double)total->max_ns);
}

/* Upper ends and counts, so that histograms of several nodes can be added. */
static bool
put_buckets(struct buf *out, const struct hist_total *total)
{
    bool ok = true;

    for (unsigned i = 0; ok && i < HIST_BUCKETS; i++) {
        uint64_t upper = hist_upper_ns(i);

        if (total->bucket[i] > 0) {
            ok = buf_printf(
                out, "STAT %.3f %ju\r\n",
                (double)(upper < UINT64_MAX ? upper : total->max_ns) / 1000,
                (uintmax_t)total->bucket[i]);
        }
    }
    return ok;
}

/* The classes in the order they are shown, `other` last. */
static bool
put_all(struct buf *out, const struct flared *node, struct slice wanted,
        bool *known)
{
    bool ok = true;

    for (unsigned i = 1; ok && i <= LATENCY_COUNT; i++) {
        enum latency_class class = (enum latency_class)(i % LATENCY_COUNT);
        const char *name = latency_name[class];
        struct hist_total *total;

        if (wanted.n > 0 && !slice_eq(wanted, slice_str(name))) {
            continue;
        }
        *known = true;
        total = xcalloc(1, sizeof(*total));
        latency_total(node, class, total);
        if (wanted.n > 0) {
            ok = put_buckets(out, total);
        } else if (total->count > 0) {
            ok = put_class(out, name, total);
        }
        free(total);
    }
    return ok;
}

void
cmd_stats_latency(struct session *session, const struct request *req)
{
    struct slice rest = req->words;
    struct slice wanted;
    struct buf text = {0};
    bool known = false;

    (void)slice_word(&rest);
    wanted = slice_word(&rest);
    if (!put_all(&text, session->worker->node, wanted, &known) ||
        (known && (!buf_put_slice(session_answer(session), buf_slice(&text)) ||
                   !reply_line(session_answer(session), "END")))) {
        session_fail(session, "out of memory");
    } else if (!known) {
        session_line(session, req, "CLIENT_ERROR no such class of commands");
    }
    buf_fini(&text);
}

/* --- stats slowlog ----------------------------------------------------------
 */

static bool
visit_slow(struct buf *out, struct worker *worker)
{
    const struct latency *l = &worker->latency;

    return l->nslow == 0 || buf_put(out, l->slow, l->nslow * sizeof(*l->slow));
}

static int
newest_first(const void *va, const void *vb)
{
    const struct slow_entry *a = va;
    const struct slow_entry *b = vb;

    return a->id > b->id ? -1 : 1;
}

/* Names and values of "stats" hold no blanks or control characters. */
static bool
put_key(struct buf *out, const char *key, size_t n, size_t whole)
{
    bool ok = true;

    for (size_t i = 0; ok && i < n; i++) {
        unsigned char c = (unsigned char)key[i];

        ok = c > ' ' && c != 0x7f ? buf_put(out, key + i, 1)
                                  : buf_printf(out, "%%%02X", c);
    }
    return ok && (whole <= n || buf_put(out, "...", 3));
}

static bool
put_slow(struct buf *out, const struct slow_entry *e)
{
    uintmax_t id = e->id;

    return buf_printf(out,
                      "STAT %ju:time %jd\r\nSTAT %ju:duration_us %ju\r\n"
                      "STAT %ju:command %s\r\nSTAT %ju:keys %u\r\n"
                      "STAT %ju:key ",
                      id, (intmax_t)e->when.s, id, (uintmax_t)e->us, id,
                      command_name(e->command), id,
                      e->nkeys > 0 ? e->nkeys : (e->key_n > 0 ? 1U : 0U), id) &&
           put_key(out, e->key, e->key_n < SLOW_KEY ? e->key_n : SLOW_KEY,
                   e->key_n) &&
           buf_printf(out, "\r\nSTAT %ju:bytes %ju\r\nSTAT %ju:peer %s\r\n", id,
                      (uintmax_t)e->bytes, id, e->peer);
}

/* From the workers' entries to text: the latest of all of them. */
static bool
tell_slow(struct buf *out, struct worker *worker)
{
    struct buf raw = *out;
    const char *from = buf_slice(&raw).p;
    size_t n = from != NULL ? buf_len(&raw) / sizeof(struct slow_entry) : 0;
    size_t most = atomic_load(&worker->node->slowlog_len);
    struct slow_entry *all = xcalloc(n + 1, sizeof(*all));
    bool ok = true;

    if (n > 0) {
        memcpy(all, from, n * sizeof(*all));
        qsort(all, n, sizeof(*all), newest_first);
    }
    *out = (struct buf){0};
    for (size_t i = 0; ok && i < n && i < most; i++) {
        ok = put_slow(out, &all[i]);
    }
    free(all);
    buf_fini(&raw);
    return ok;
}

static bool
visit_forget(struct buf *out, struct worker *worker)
{
    (void)out;
    worker->latency.nslow = worker->latency.next_slow = 0;
    return true;
}

void
cmd_stats_slow(struct session *session, const struct request *req)
{
    struct slice rest = req->words;
    struct slice word;

    (void)slice_word(&rest);
    word = slice_word(&rest);
    if (word.n == 0) {
        tour_begin(session, "END", visit_slow, tell_slow);
    } else if (slice_eq(word, SLICE("reset"))) {
        tour_begin(session, "RESET", visit_forget, NULL);
    } else {
        session_line(session, req, "ERROR");
    }
}

/* --- stats hotkeys ----------------------------------------------------------
 */

static bool
visit_hot(struct buf *out, struct worker *worker)
{
    return buf_put(out, &worker->latency.hot, sizeof(worker->latency.hot));
}

static bool
put_hot(struct buf *out, unsigned rank, const struct topkey *key,
        uint64_t total)
{
    return buf_printf(out, "STAT %u:key ", rank) &&
           put_key(out, key->key,
                   key->key_n < TOPKEYS_KEY ? key->key_n : TOPKEYS_KEY,
                   key->key_n) &&
           buf_printf(out,
                      "\r\nSTAT %u:share %.2f\r\nSTAT %u:error %.2f\r\n"
                      "STAT %u:samples %ju\r\n",
                      rank, 100.0 * (double)key->count / (double)total, rank,
                      100.0 * (double)key->error / (double)total, rank,
                      (uintmax_t)key->count);
}

static bool
tell_hot(struct buf *out, struct worker *worker)
{
    struct buf raw = *out;
    const char *from = buf_slice(&raw).p;
    size_t n = from != NULL ? buf_len(&raw) / sizeof(struct topkeys) : 0;
    struct topkeys *sum = xcalloc(1, sizeof(*sum));
    struct topkeys *one = xcalloc(1, sizeof(*one));
    bool ok = true;

    (void)worker;
    *out = (struct buf){0};
    for (size_t i = 0; i < n; i++) {
        memcpy(one, from + i * sizeof(*one), sizeof(*one));
        topkeys_merge(sum, one);
    }
    topkeys_sort(sum);
    for (unsigned i = 0; ok && i < sum->n && i < HOT_SHOWN; i++) {
        ok = put_hot(out, i + 1, &sum->entry[i], sum->total);
    }
    free(sum);
    free(one);
    buf_fini(&raw);
    return ok;
}

void
cmd_stats_hot(struct session *session, const struct request *req)
{
    (void)req;
    tour_begin(session, "END", visit_hot, tell_hot);
}
