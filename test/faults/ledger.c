#include "test/faults/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "test/faults/writing.h"
#include "test/unit/test.h"

enum { AT_ONCE = 200, PATIENCE_MS = 20000 };

/* --- starting, pausing, stopping ------------------------------------------ */

void
ledger_start(struct ledger *ledger, struct wire *wire, size_t nodes,
             unsigned plain, uint64_t seed)
{
    *ledger = (struct ledger){
        .wire = wire, .first_node = 1, .nodes = nodes, .n = plain + nodes};
    assert_true(ledger->n <= LEDGER_WRITERS);
    (void)pthread_mutex_init(&ledger->lock, NULL);
    (void)pthread_cond_init(&ledger->turn, NULL);
    for (unsigned i = 0; i < ledger->n; i++) {
        struct writer *w = &ledger->writer[i];

        *w = (struct writer){.id = i, .ledger = ledger, .talk = {.fd = -1}};
        w->stays = i >= plain;
        w->place = w->stays ? 1 + i - plain : 1 + nodes;
        w->entrance = w->stays ? w->place : 1 + i % nodes;
        rand_init(&w->r, seed * LEDGER_WRITERS + i);
        writing_begin(w);
    }
    for (unsigned i = 0; i < ledger->n; i++) {
        struct writer *w = &ledger->writer[i];

        assert_int_equal(pthread_create(&w->thread, NULL, writing_run, w), 0);
    }
}

static void
free_writer(struct writer *w)
{
    for (size_t i = 0; i < w->n; i++) {
        free(w->entry[i].value);
        free(w->entry[i].maybe);
    }
    free(w->entry);
    free(w->ack);
}

void
ledger_stop(struct ledger *ledger)
{
    (void)pthread_mutex_lock(&ledger->lock);
    ledger->ends = true;
    (void)pthread_cond_broadcast(&ledger->turn);
    (void)pthread_mutex_unlock(&ledger->lock);
    for (size_t i = 0; i < ledger->n; i++) {
        (void)pthread_join(ledger->writer[i].thread, NULL);
        free_writer(&ledger->writer[i]);
    }
    (void)pthread_mutex_destroy(&ledger->lock);
    (void)pthread_cond_destroy(&ledger->turn);
    memset(ledger, 0, sizeof(*ledger));
}

void
ledger_resume(struct ledger *ledger)
{
    (void)pthread_mutex_lock(&ledger->lock);
    ledger->writing = true;
    (void)pthread_cond_broadcast(&ledger->turn);
    (void)pthread_mutex_unlock(&ledger->lock);
}

void
ledger_pause(struct ledger *ledger)
{
    (void)pthread_mutex_lock(&ledger->lock);
    ledger->writing = false;
    while (ledger->idle < ledger->n) {
        (void)pthread_cond_wait(&ledger->turn, &ledger->lock);
    }
    (void)pthread_mutex_unlock(&ledger->lock);
}

/* --- figures -------------------------------------------------------------- */

struct tally
ledger_tally(const struct ledger *ledger, bool plain)
{
    struct tally sum = {0};

    for (size_t i = 0; i < ledger->n; i++) {
        const struct writer *w = &ledger->writer[i];
        const struct tally *t = &w->tally;

        if (w->stays == plain) {
            continue;
        }
        sum.acknowledged += t->acknowledged;
        sum.errors += t->errors;
        sum.timeouts += t->timeouts;
        sum.lost += t->lost;
        if (t->longest_ms > sum.longest_ms) {
            sum.longest_ms = t->longest_ms;
        }
        if (t->last_error[0] != '\0') {
            memcpy(sum.last_error, t->last_error, sizeof(sum.last_error));
        }
        if (t->lost_what[0] != '\0') {
            memcpy(sum.lost_what, t->lost_what, sizeof(sum.lost_what));
        }
    }
    return sum;
}

void
ledger_forget_tally(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->n; i++) {
        ledger->writer[i].tally = (struct tally){0};
        ledger->writer[i].nack = 0;
    }
}

static int
by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

int64_t
ledger_gap_ms(struct ledger *ledger, int64_t from, int64_t to)
{
    size_t n = 0, room = 1;
    int64_t *at, last = from, longest = 0;

    for (size_t i = 0; i < ledger->n; i++) {
        room += ledger->writer[i].stays ? 0 : ledger->writer[i].nack;
    }
    at = xreallocarray(NULL, room, sizeof(*at));
    for (size_t i = 0; i < ledger->n; i++) {
        const struct writer *w = &ledger->writer[i];

        for (size_t j = 0; !w->stays && j < w->nack; j++) {
            if (w->ack[j].came >= from && w->ack[j].came <= to) {
                at[n++] = w->ack[j].came;
            }
        }
    }
    at[n++] = to;
    qsort(at, n, sizeof(*at), by_time);
    for (size_t i = 0; i < n; i++) {
        longest = at[i] - last > longest ? at[i] - last : longest;
        last = at[i];
    }
    free(at);
    return longest / 1000000;
}

uint64_t
ledger_acks_at(const struct ledger *ledger, size_t place, int64_t from,
               int64_t to)
{
    uint64_t n = 0;

    for (size_t i = 0; i < ledger->n; i++) {
        const struct writer *w = &ledger->writer[i];

        for (size_t j = 0; w->stays && w->place == place && j < w->nack; j++) {
            n += w->ack[j].sent >= from && w->ack[j].came <= to;
        }
    }
    return n;
}

/* --- reading back --------------------------------------------------------- */

static bool
is_value(const char *have, const char *found, size_t n)
{
    return have == NULL ? found == NULL
                        : found != NULL && strlen(have) == n &&
                              memcmp(have, found, n) == 0;
}

static void
complain(struct verdict *v, const struct writer *w, size_t i, const char *found,
         size_t n, const char *what)
{
    const struct entry *e = &w->entry[i];

    if (v->what[0] == '\0') {
        (void)snprintf(v->what, sizeof(v->what),
                       "w%u/%zu %s: have \"%.60s\" (or \"%.60s\"), found "
                       "\"%.*s\"",
                       w->id, i, what, e->value != NULL ? e->value : "nothing",
                       !e->unknown        ? "-"
                       : e->maybe != NULL ? e->maybe
                                          : "nothing",
                       found == NULL ? 7 : (int)(n < 60 ? n : 60),
                       found == NULL ? "nothing" : found);
    }
}

static void
settle(struct writer *w, size_t i, const char *found, size_t n,
       struct verdict *v)
{
    struct entry *e = &w->entry[i];

    v->keys++;
    if (is_value(e->value, found, n)) {
        v->settled_undone += e->unknown;
        return;
    }
    if (e->unknown && is_value(e->maybe, found, n)) {
        v->settled_done++;
        free(e->value); /* and it must not go back */
        e->value = e->maybe;
        e->maybe = NULL;
        e->unknown = false;
        return;
    }
    if (found == NULL) {
        v->lost++;
        complain(v, w, i, found, n, "lost");
    } else if (e->value == NULL) {
        v->revived++;
        complain(v, w, i, found, n, "revived");
    } else {
        v->lost++;
        complain(v, w, i, found, n, "went back");
    }
    e->dropped = true;
}

/* The next VALUE of an answer, or its END: then *n is 0 and *at is `last`. */
static bool
take_value(struct talk *talk, size_t *at, struct slice *value, size_t last,
           struct mono end)
{
    const char *line = talk_line(talk, end);
    struct slice words;
    uint64_t size = 0, key = 0;
    struct slice name;

    if (line == NULL || strncmp(line, "VALUE ", 6) != 0) {
        *at = last;
        *value = (struct slice){NULL, 0};
        return line != NULL && strcmp(line, "END") == 0;
    }
    words = slice_str(line + 6);
    name = slice_word(&words);
    (void)slice_until(&name, '/');
    (void)slice_word(&words);
    if (!slice_u64(name, SIZE_MAX, &key) ||
        !slice_u64(slice_word(&words), 1u << 20, &size)) {
        return false;
    }
    *value = talk_bytes(talk, size + 2, end);
    *at = key;
    if (value->p != NULL) {
        value->n = size;
    }
    return value->p != NULL;
}

static bool
verify_some(struct writer *w, size_t from, size_t to, struct talk *talk,
            struct verdict *v)
{
    struct mono end = mono_after_ms(clock_mono(), PATIENCE_MS);
    struct buf ask = {0};
    size_t at, next = from;
    struct slice value;
    bool done = buf_put_str(&ask, "get");

    for (size_t i = from; i < to; i++) {
        done = done && buf_printf(&ask, " w%u/%zu", w->id, i);
    }
    done = done && buf_put_str(&ask, "\r\n") &&
           talk_send(talk, buf_slice(&ask), end);
    buf_fini(&ask);
    do {
        done = done && take_value(talk, &at, &value, to, end) && at >= next;
        if (!done) {
            return false;
        }
        for (; next < at && next < to; next++) {
            if (!w->entry[next].dropped) {
                settle(w, next, NULL, 0, v);
            }
        }
        if (at < to && !w->entry[at].dropped) {
            settle(w, at, value.p, value.n, v);
        }
        next = at + 1;
    } while (at < to);
    return true;
}

bool
ledger_verify(struct ledger *ledger, size_t place, struct verdict *v)
{
    struct mono end = mono_after_ms(clock_mono(), PATIENCE_MS);
    struct talk talk;
    bool done;

    *v = (struct verdict){0};
    wire_enter(ledger->wire, place);
    done =
        talk_open(&talk, wire_address(ledger->wire, place), SERVER_PORT, end);
    for (size_t i = 0; i < ledger->n; i++) {
        struct writer *w = &ledger->writer[i];

        for (size_t at = 0; done && at < w->n; at += AT_ONCE) {
            size_t to = at + AT_ONCE < w->n ? at + AT_ONCE : w->n;

            done = verify_some(w, at, to, &talk, v);
        }
    }
    if (!done) {
        (void)snprintf(v->what, sizeof(v->what), "cannot read back: %.400s",
                       talk.fd >= 0 ? talk.line : "no connection");
    }
    talk_close(&talk);
    wire_leave(ledger->wire);
    return done;
}
