#include "flared/latency.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flared/session.h"
#include "flared/worker.h"

enum {
    SAMPLE = 64,          /* one of so many keys is looked at */
    AGE_TICKS = 600,      /* ticks of 100 ms */
    COARSE_NS = 10000000, /* what the cheap clock can tell */
};

const char *const latency_name[LATENCY_COUNT] = {"other",  "get",   "set",
                                                 "delete", "arith", "touch"};

static const enum latency_class class_of[COMMAND_COUNT] = {
    [COMMAND_GET] = LATENCY_GET,       [COMMAND_GETS] = LATENCY_GET,
    [COMMAND_MG] = LATENCY_GET,        [COMMAND_ME] = LATENCY_GET,
    [COMMAND_GAT] = LATENCY_TOUCH,     [COMMAND_GATS] = LATENCY_TOUCH,
    [COMMAND_TOUCH] = LATENCY_TOUCH,   [COMMAND_SET] = LATENCY_SET,
    [COMMAND_ADD] = LATENCY_SET,       [COMMAND_REPLACE] = LATENCY_SET,
    [COMMAND_APPEND] = LATENCY_SET,    [COMMAND_PREPEND] = LATENCY_SET,
    [COMMAND_CAS] = LATENCY_SET,       [COMMAND_MS] = LATENCY_SET,
    [COMMAND_DELETE] = LATENCY_DELETE, [COMMAND_MD] = LATENCY_DELETE,
    [COMMAND_INCR] = LATENCY_ARITH,    [COMMAND_DECR] = LATENCY_ARITH,
    [COMMAND_MA] = LATENCY_ARITH,      [COMMAND_DUMP] = LATENCY_NONE,
    [COMMAND_DUMP_KEY] = LATENCY_NONE,
};

/* --- the turn --------------------------------------------------------------
 */

/* Once more at the end, behind the connections that send what was answered. */
static void
on_turn_end(struct loop_item *item)
{
    struct latency *l = LIST_ENTRY(item, struct latency, end);
    struct worker *worker = LIST_ENTRY(l, struct worker, latency);
    int64_t took;

    if (!l->last) {
        l->last = true;
        loop_at_turn_end(&worker->loop, item);
        return;
    }
    took = clock_mono().ns - worker->loop.now.ns;
    for (unsigned i = 0; i < LATENCY_COUNT; i++) {
        if (l->turn[i] > 0) {
            hist_add(&l->hist[i], took, l->turn[i]);
            l->turn[i] = 0;
        }
    }
    l->turn_counts = false;
    l->last = false;
}

/* --- what was slow ----------------------------------------------------------
 */

static void
note_request(struct latency_note *note, const struct request *req)
{
    size_t n = req->key.n < SLOW_KEY ? req->key.n : SLOW_KEY;

    note->command = req->command;
    note->key_n = (unsigned)req->key.n;
    note->nkeys = req->nkeys;
    note->bytes = req->value.n;
    if (n > 0) {
        memcpy(note->key, req->key.p, n);
    }
}

static void
add_slow(struct worker *worker, const struct session *session,
         const struct latency_note *note, uint64_t us)
{
    struct latency *l = &worker->latency;
    struct slow_entry *entry;

    if (l->slow == NULL) {
        l->slow = xcalloc(SLOW_MAX, sizeof(*l->slow));
    }
    entry = &l->slow[l->next_slow];
    l->next_slow = (l->next_slow + 1) % SLOW_MAX;
    l->nslow += l->nslow < SLOW_MAX ? 1 : 0;
    *entry = (struct slow_entry){
        .id = atomic_fetch_add(&worker->node->slow_ids, 1),
        .when = worker->loop.wall,
        .us = us,
        .bytes = note->bytes,
        .command = note->command,
        .key_n = note->key_n,
        .nkeys = note->nkeys,
    };
    memcpy(entry->key, note->key,
           note->key_n < SLOW_KEY ? note->key_n : SLOW_KEY);
    if (session != NULL) {
        (void)snprintf(entry->peer, sizeof(entry->peer), "%s", session->peer);
    }
}

static struct mono
read_clock(const struct latency *l)
{
    return l->exact ? clock_mono() : clock_mono_coarse();
}

/* At the end of a request. */
static void
look_whether_slow(struct session *session, const struct request *req)
{
    struct latency *l = &session->worker->latency;
    struct mono now = read_clock(l);
    int64_t ns = now.ns - l->before.ns;
    struct latency_note note;

    l->before = now;
    if (ns >= l->slow_ns && session->conn != NULL &&
        class_of[req->command] != LATENCY_NONE) {
        note_request(&note, req);
        add_slow(session->worker, session, &note, (uint64_t)ns / 1000);
    }
}

/* --- which keys are hot ----------------------------------------------------
 */

/* The n-th key, from 0. */
static struct slice
key_at(const struct request *req, unsigned n)
{
    struct slice keys = req->keys;
    struct slice key = req->key;

    for (unsigned i = 0; req->nkeys > 1 && i <= n; i++) {
        key = request_key(&keys);
    }
    return key;
}

static void
sample(struct latency *l, const struct request *req, unsigned nkeys)
{
    while (l->until_sample < nkeys) {
        struct slice key = key_at(req, l->until_sample);

        if (key.n > 0) {
            topkeys_add(&l->hot, key);
        }
        l->until_sample += 1 + rand_below(&l->rand, 2 * SAMPLE - 1);
    }
    l->until_sample -= nkeys;
}

/* --- one request ------------------------------------------------------------
 */

void
latency_input(struct worker *worker)
{
    struct latency *l = &worker->latency;

    if (l->slow_ns > 0) {
        l->before = read_clock(l);
    }
}

void
latency_begin(struct session *session, const struct request *req)
{
    struct latency *l = &session->worker->latency;
    unsigned nkeys = req->nkeys > 1 ? req->nkeys : 1;

    l->request = req;
    l->since =
        session->held.begun ? session->held.since : session->worker->loop.now;
    if (req->key.n == 0) {
        return;
    }
    if (l->until_sample >= nkeys) {
        l->until_sample -= nkeys;
    } else {
        sample(l, req, nkeys);
    }
}

/* It had been held, and is answered now. */
static void
end_held(struct session *session, const struct request *req)
{
    struct latency_note note;

    note_request(&note, req);
    note.began = session->held.since;
    latency_waited(session->worker, session, &note);
}

static void
count_in_turn(struct worker *worker, enum latency_class class)
{
    struct latency *l = &worker->latency;

    l->turn[class]++;
    if (!l->turn_counts) {
        l->turn_counts = true;
        loop_at_turn_end(&worker->loop, &l->end);
    }
}

void
latency_end(struct session *session, const struct request *req, uint64_t begun)
{
    struct latency *l = &session->worker->latency;
    enum latency_class class = class_of[req->command];

    l->request = NULL;
    if (session->held.waits) {
        return; /* it comes again */
    }
    if (l->begun == begun && class != LATENCY_NONE && session->conn != NULL) {
        if (session->held.begun) {
            end_held(session, req);
            return;
        }
        count_in_turn(session->worker, class);
    }
    if (l->slow_ns > 0) {
        look_whether_slow(session, req);
    }
}

void
latency_wait(struct worker *worker, struct latency_note *note)
{
    struct latency *l = &worker->latency;

    if (l->request != NULL) {
        l->begun++;
        note->began = l->since;
        note_request(note, l->request);
    }
}

void
latency_waited(struct worker *worker, const struct session *session,
               const struct latency_note *note)
{
    struct latency *l = &worker->latency;
    int64_t ns = worker->loop.now.ns - note->began.ns;
    enum latency_class class = class_of[note->command];

    if (note->began.ns == 0 || class == LATENCY_NONE) {
        return;
    }
    hist_add(&l->hist[class], ns, 1);
    if (l->slow_ns > 0 && ns >= l->slow_ns) {
        add_slow(worker, session, note, (uint64_t)ns / 1000);
    }
}

/* --- the worker -------------------------------------------------------------
 */

static void
read_options(struct worker *worker)
{
    struct latency *l = &worker->latency;

    l->slow_ns = (int64_t)atomic_load_explicit(&worker->node->slowlog_us,
                                               memory_order_relaxed) *
                 1000;
    l->exact = l->slow_ns < COARSE_NS;
}

void
latency_init(struct worker *worker)
{
    struct latency *l = &worker->latency;

    l->end.run = on_turn_end;
    read_options(worker);
    rand_init(&l->rand, (uint64_t)clock_mono().ns + worker->index);
    l->until_sample = rand_below(&l->rand, SAMPLE);
}

void
latency_fini(struct worker *worker)
{
    free(worker->latency.slow);
}

void
latency_tick(struct worker *worker)
{
    struct latency *l = &worker->latency;

    read_options(worker);
    if (worker->ticks % AGE_TICKS == 0) {
        topkeys_age(&l->hot);
    }
}

void
latency_reset(struct worker *worker)
{
    struct latency *l = &worker->latency;

    for (unsigned i = 0; i < LATENCY_COUNT; i++) {
        hist_reset(&l->hist[i]);
        l->turn[i] = 0;
    }
    l->nslow = l->next_slow = 0;
    l->hot.n = 0;
    l->hot.total = 0;
}

void
latency_total(const struct flared *node, enum latency_class class,
              struct hist_total *total)
{
    for (unsigned i = 0; i < node->nworkers; i++) {
        hist_sum(total, &node->workers[i].latency.hist[class]);
    }
}
