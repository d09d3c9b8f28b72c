#include "test/faults/writing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"

enum {
    ANSWER_MS = 5000, /* as long as libmemcached waits */
    CONNECT_MS = 1000,
    PAUSE_US = 2000, /* between two operations */
    OPS_MAX = 24,    /* of one key */
    PAD_MAX = 150,
};

enum outcome { DONE, NOT_DONE, UNKNOWN, WRONG };

/* --- keys ----------------------------------------------------------------- */

static size_t
new_entry(struct writer *w)
{
    if (w->n == w->cap) {
        w->cap = w->cap == 0 ? 256 : 2 * w->cap;
        w->entry = xreallocarray(w->entry, w->cap, sizeof(*w->entry));
    }
    w->entry[w->n] = (struct entry){.left = 1 + rand_below(&w->r, OPS_MAX)};
    return w->n++;
}

void
writing_begin(struct writer *w)
{
    for (size_t i = 0; i < LEDGER_ACTIVE; i++) {
        w->active[i] = new_entry(w);
    }
}

/* A value that no other operation has; now and then a number. */
static char *
new_value(struct writer *w, size_t key)
{
    unsigned pad = rand_below(&w->r, PAD_MAX);
    char *value;

    w->serial++;
    if (rand_below(&w->r, 3) == 0) {
        return xasprintf("%" PRIu64, w->serial * 1000000);
    }
    value = xasprintf("%u.%zu.%" PRIu64 ".%*s", w->id, key, w->serial, (int)pad,
                      "");
    for (char *at = value; *at != '\0'; at++) {
        if (*at == ' ') {
            *at = 'p';
        }
    }
    return value;
}

static bool
is_number(const char *value)
{
    return value != NULL && strspn(value, "0123456789") == strlen(value) &&
           strlen(value) < 18;
}

/* --- one operation -------------------------------------------------------- */

/* What is asked, and what is so afterwards. */
struct op {
    struct buf ask;
    char *after;       /* NULL: nothing */
    const char *right; /* the answer to expect */
    const char *no;    /* an answer that says: not done; NULL: none */
    char number[24];
};

static void
op_store(struct op *op, const char *verb, struct writer *w, size_t key,
         const char *value, const char *more)
{
    (void)buf_printf(&op->ask, "%s w%u/%zu 0 0 %zu%s\r\n%s\r\n", verb, w->id,
                     key, strlen(value), more, value);
    op->right = "STORED";
}

static void
op_set(struct op *op, struct writer *w, size_t key)
{
    op->after = new_value(w, key);
    op_store(op,
             w->entry[key].value == NULL && rand_below(&w->r, 2) == 0 ? "add"
                                                                      : "set",
             w, key, op->after, "");
}

static void
op_delete(struct op *op, struct writer *w, size_t key)
{
    (void)buf_printf(&op->ask, "delete w%u/%zu\r\n", w->id, key);
    op->after = NULL;
    op->right = "DELETED";
}

static void
op_append(struct op *op, struct writer *w, size_t key)
{
    char more[32];

    (void)snprintf(more, sizeof(more), "+%" PRIu64, ++w->serial);
    op->after = xasprintf("%s%s", w->entry[key].value, more);
    op_store(op, "append", w, key, more, "");
}

static void
op_incr(struct op *op, struct writer *w, size_t key)
{
    unsigned by = 1 + rand_below(&w->r, 9);
    uint64_t sum = strtoull(w->entry[key].value, NULL, 10) + by;

    (void)buf_printf(&op->ask, "incr w%u/%zu %u\r\n", w->id, key, by);
    (void)snprintf(op->number, sizeof(op->number), "%" PRIu64, sum);
    op->after = xstrdup(op->number);
    op->right = op->number;
}

/* False: the unique could not be had; nothing has been asked. */
static bool
op_cas(struct op *op, struct writer *w, size_t key, struct mono end)
{
    char more[32], ask[64];
    const char *line, *unique;
    bool done;

    (void)snprintf(ask, sizeof(ask), "gets w%u/%zu\r\n", w->id, key);
    line = talk_send(&w->talk, slice_str(ask), end) ? talk_line(&w->talk, end)
                                                    : NULL;
    if (line == NULL || strncmp(line, "VALUE ", 6) != 0) {
        if (line == NULL || strcmp(line, "END") != 0) {
            talk_close(&w->talk);
        }
        return false; /* a copy that lags behind may not have it yet */
    }
    unique = strrchr(line, ' ');
    (void)snprintf(more, sizeof(more), "%s", unique);
    do {
        line = talk_line(&w->talk, end);
        done = line != NULL && strcmp(line, "END") == 0;
    } while (line != NULL && !done);
    if (!done) {
        talk_close(&w->talk);
        return false;
    }
    op->after = new_value(w, key);
    op_store(op, "cas", w, key, op->after, more);
    op->no = "EXISTS";
    return true;
}

/* False: not this time. */
static bool
choose(struct op *op, struct writer *w, size_t key, struct mono end)
{
    const char *value = w->entry[key].value;
    unsigned dice = rand_below(&w->r, 100);

    if (value == NULL || dice < 40) {
        op_set(op, w, key);
    } else if (dice < 65) {
        op_delete(op, w, key);
    } else if (is_number(value)) {
        op_incr(op, w, key);
    } else if (dice < 85) {
        op_append(op, w, key);
    } else {
        return op_cas(op, w, key, end);
    }
    return true;
}

static enum outcome
ask(struct writer *w, const struct op *op, struct mono end)
{
    const char *line = NULL;

    if (talk_send(&w->talk, buf_slice(&op->ask), end)) {
        line = talk_line(&w->talk, end);
    }
    if (line == NULL) {
        w->tally.timeouts += mono_reached(end, clock_mono());
        (void)snprintf(w->tally.last_error, sizeof(w->tally.last_error),
                       mono_reached(end, clock_mono()) ? "(no answer)"
                                                       : "(closed)");
        talk_close(&w->talk);
        return UNKNOWN;
    }
    if (strcmp(line, op->right) == 0) {
        return DONE;
    }
    if (op->no != NULL && strcmp(line, op->no) == 0) {
        return NOT_DONE;
    }
    if (strncmp(line, "SERVER_ERROR", 12) == 0) {
        (void)snprintf(w->tally.last_error, sizeof(w->tally.last_error),
                       "%.120s", line);
        return UNKNOWN;
    }
    return WRONG;
}

/* --- what it means -------------------------------------------------------- */

static void
note_ack(struct writer *w, int64_t sent)
{
    int64_t came = clock_mono().ns;

    if (w->nack == w->ack_cap) {
        w->ack_cap = w->ack_cap == 0 ? 4096 : 2 * w->ack_cap;
        w->ack = xreallocarray(w->ack, w->ack_cap, sizeof(*w->ack));
    }
    w->ack[w->nack++] = (struct ack){sent, came};
    w->tally.acknowledged++;
    if ((came - sent) / 1000000 > w->tally.longest_ms) {
        w->tally.longest_ms = (came - sent) / 1000000;
    }
}

static void
book(struct writer *w, size_t slot, struct op *op, enum outcome outcome)
{
    size_t key = w->active[slot];
    struct entry *e = &w->entry[key];
    char *spare = op->after;

    switch (outcome) {
    case DONE:
        spare = e->value;
        e->value = op->after;
        e->left--;
        break;
    case NOT_DONE:
        break;
    case UNKNOWN:
        e->unknown = true;
        e->maybe = op->after;
        spare = NULL;
        e->left = 0;
        w->tally.errors++;
        break;
    case WRONG:
        e->dropped = true;
        e->left = 0;
        w->tally.lost++;
        (void)snprintf(
            w->tally.lost_what, sizeof(w->tally.lost_what),
            "w%u/%zu: asked \"%.*s\", want \"%s\", got \"%.40s\", "
            "had \"%.40s\"",
            w->id, key,
            (int)(buf_len(&op->ask) < 40 ? buf_len(&op->ask) - 2 : 38),
            op->ask.base, op->right, w->talk.line,
            e->value != NULL ? e->value : "nothing");
        break;
    }
    free(spare);
    if (w->entry[key].left == 0) {
        w->active[slot] = new_entry(w);
    }
}

static void
operate(struct writer *w)
{
    struct mono start = clock_mono();
    struct mono end = mono_after_ms(start, ANSWER_MS);
    size_t slot = rand_below(&w->r, LEDGER_ACTIVE);
    struct op op = {0};
    enum outcome outcome;

    if (!choose(&op, w, w->active[slot], end)) {
        buf_fini(&op.ask);
        return;
    }
    start = clock_mono();
    outcome = ask(w, &op, mono_after_ms(start, ANSWER_MS));
    if (outcome == DONE) {
        note_ack(w, start.ns);
    }
    book(w, slot, &op, outcome);
    buf_fini(&op.ask);
}

/* --- where ---------------------------------------------------------------- */

static void
nap(unsigned us)
{
    struct timespec pause = {0, (long)us * 1000};

    (void)nanosleep(&pause, NULL);
}

static void
connect_somewhere(struct writer *w)
{
    struct ledger *ledger = w->ledger;
    struct mono end = mono_after_ms(clock_mono(), CONNECT_MS);

    if (!w->stays) {
        w->entrance =
            ledger->first_node + rand_below(&w->r, (uint32_t)ledger->nodes);
    }
    if (!talk_open(&w->talk, wire_address(ledger->wire, w->entrance),
                   SERVER_PORT, end)) {
        nap(5 * PAUSE_US);
    }
}

/* False: it is over. */
static bool
wait_for_turn(struct writer *w)
{
    struct ledger *ledger = w->ledger;
    bool ends;

    (void)pthread_mutex_lock(&ledger->lock);
    if (!ledger->writing && !ledger->ends) {
        ledger->idle++;
        (void)pthread_cond_broadcast(&ledger->turn);
        while (!ledger->writing && !ledger->ends) {
            (void)pthread_cond_wait(&ledger->turn, &ledger->lock);
        }
        ledger->idle--;
    }
    ends = ledger->ends;
    (void)pthread_mutex_unlock(&ledger->lock);
    return !ends;
}

void *
writing_run(void *arg)
{
    struct writer *w = arg;

    wire_enter(w->ledger->wire, w->place);
    while (wait_for_turn(w)) {
        if (w->talk.fd < 0) {
            connect_somewhere(w);
        } else {
            operate(w);
            nap(rand_below(&w->r, 2 * PAUSE_US));
        }
    }
    talk_close(&w->talk);
    return NULL;
}
