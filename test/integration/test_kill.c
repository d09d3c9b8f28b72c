/*
 * A node is killed at any instant, again and again: while it takes writes,
 * while it starts and while it ends.  It must always start again, with
 * everything it acknowledged.
 *
 * FLARE_KILL_ROUNDS in the environment asks for more rounds, FLARE_KILL_SEED
 * for other ones.
 */
#include "test/unit/test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/rand.h"
#include "test/harness/cluster.h"
#include "test/harness/wait.h"

enum {
    WRITERS = 4,
    KEYS = 100, /* of each writer */
    BATCH = 24, /* commands sent at once */
    LARGEST = 60000,
    ROUNDS = 12,
    ROUNDS_MS = 4500, /* no more after that, unless they were asked for */
};

/* What a writer may do to its keys; FLUSH empties those of all. */
enum deed { SET, DELETE, FLUSH };

struct op {
    enum deed deed;
    unsigned key;
    uint64_t number; /* what is set */
};

/* Under each key a number, or 0: nothing. */
struct world {
    uint64_t value[WRITERS][KEYS];
};

struct writer {
    unsigned id;
    bool flushes;
    struct client client;
    struct rand r;
    uint64_t next;         /* number to be set */
    struct world *world;   /* what was acknowledged */
    struct op sent[BATCH]; /* and not answered */
    unsigned n, answered;
    uint64_t acknowledged, refused;
    const char *wrong;
    char answer[64];
};

static struct cluster cluster;
static struct world world;
static struct writer writers[WRITERS];

static int
stop(void **state)
{
    (void)state;
    cluster_abandon(&cluster);
    return 0;
}

static unsigned
number_of(const char *name, unsigned otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

/* The value that stands for a number: mostly small, now and then large. */
static size_t
value_of(unsigned writer, unsigned key, uint64_t number, char *to)
{
    struct rand r;
    size_t n = (size_t)sprintf(to, "%u.%u.%llu.", writer, key,
                               (unsigned long long)number);
    size_t more;

    rand_init(&r, number * WRITERS + writer);
    more =
        rand_below(&r, 40) == 0 ? rand_below(&r, LARGEST) : rand_below(&r, 500);
    memset(to + n, 'a' + (int)(number % 26), more);
    return n + more;
}

/* --- writing ------------------------------------------------------------- */

static void
apply(struct world *to, unsigned writer, const struct op *op)
{
    switch (op->deed) {
    case SET:
        to->value[writer][op->key] = op->number;
        return;
    case DELETE:
        to->value[writer][op->key] = 0;
        return;
    case FLUSH:
        memset(to, 0, sizeof(*to));
        return;
    }
}

static void
add_op(struct writer *w, struct buf *out)
{
    static __thread char value[LARGEST + 64];
    struct op *op = &w->sent[w->n++];
    unsigned dice = rand_below(&w->r, 100);
    size_t n;

    op->key = rand_below(&w->r, KEYS);
    op->deed = dice < 80 ? SET : DELETE;
    if (w->flushes && dice < 8) {
        op->deed = FLUSH;
    }
    switch (op->deed) {
    case SET:
        op->number = w->next++;
        n = value_of(w->id, op->key, op->number, value);
        (void)buf_printf(out, "set %u/%u 0 0 %zu\r\n", w->id, op->key, n);
        (void)buf_put(out, value, n);
        (void)buf_put(out, "\r\n", 2);
        return;
    case DELETE:
        (void)buf_printf(out, "delete %u/%u\r\n", w->id, op->key);
        return;
    case FLUSH:
        (void)buf_printf(out, "flush_all\r\n");
        return;
    }
}

static bool
is_right(const struct writer *w, const struct op *op, const char *answer)
{
    switch (op->deed) {
    case SET:
        return strcmp(answer, "STORED") == 0;
    case DELETE:
        return strcmp(answer, w->world->value[w->id][op->key] != 0
                                  ? "DELETED"
                                  : "NOT_FOUND") == 0;
    case FLUSH:
        return strcmp(answer, "OK") == 0;
    }
    return false;
}

/* False: the node is gone, or it gave a wrong answer. */
static bool
take_answers(struct writer *w)
{
    while (w->answered < w->n) {
        const char *line = client_try_line(&w->client);

        if (line == NULL) {
            return false;
        }
        if (strncmp(line, "SERVER_ERROR", 12) == 0) {
            w->refused++;
            return false; /* it is about to go, and has not done it */
        }
        if (!is_right(w, &w->sent[w->answered], line)) {
            w->wrong = "an answer that should not be";
            (void)snprintf(w->answer, sizeof(w->answer), "%s", line);
            return false;
        }
        apply(w->world, w->id, &w->sent[w->answered++]);
        w->acknowledged++;
    }
    w->n = w->answered = 0;
    return true;
}

static void *
keep_writing(void *arg)
{
    struct writer *w = arg;
    struct buf out = {0};
    bool alive = true;

    while (alive) {
        unsigned n = 1 + rand_below(&w->r, BATCH);

        buf_clear(&out);
        while (w->n < n) {
            add_op(w, &out);
        }
        alive = client_try_send(&w->client, buf_slice(&out));
        alive = take_answers(w) && alive;
    }
    buf_fini(&out);
    return NULL;
}

/* --- looking ------------------------------------------------------------- */

static uint64_t
look_at(struct client *c, unsigned writer, unsigned key)
{
    static char want[LARGEST + 64];
    const char *line = client_line(c);
    uint64_t number, size = 0;
    struct slice words = slice_str(line);
    struct slice got;
    const char *dot;
    size_t n;

    if (strcmp(line, "END") == 0) {
        return 0;
    }
    for (int word = 0; word < 3; word++) {
        (void)slice_word(&words);
    }
    assert_true(slice_u64(slice_word(&words), sizeof(want), &size));
    got = client_bytes(c, size + 2);
    dot = memchr(got.p, '.', got.n);
    assert_non_null(dot);
    dot = memchr(dot + 1, '.', got.n);
    assert_non_null(dot);
    number = strtoull(dot + 1, NULL, 10);
    n = value_of(writer, key, number, want);
    assert_int_equal(size, n);
    assert_memory_equal(got.p, want, n);
    assert_string_equal(client_line(c), "END");
    return number;
}

static void
look(struct world *found)
{
    struct buf out = {0};
    struct client c;

    client_open(&c, cluster.nodes[0].port);
    for (unsigned w = 0; w < WRITERS; w++) {
        for (unsigned k = 0; k < KEYS; k++) {
            assert_true(buf_printf(&out, "get %u/%u\r\n", w, k));
        }
    }
    client_send(&c, buf_slice(&out));
    for (unsigned w = 0; w < WRITERS; w++) {
        for (unsigned k = 0; k < KEYS; k++) {
            found->value[w][k] = look_at(&c, w, k);
        }
    }
    client_close(&c);
    buf_fini(&out);
}

static void
report(const struct world *want, const struct world *found)
{
    for (unsigned w = 0; w < WRITERS; w++) {
        for (unsigned k = 0; k < KEYS; k++) {
            if (want->value[w][k] != found->value[w][k]) {
                print_message("%u/%u: wanted %llu, found %llu\n", w, k,
                              (unsigned long long)want->value[w][k],
                              (unsigned long long)found->value[w][k]);
            }
        }
    }
}

/*
 * What was found is what was acknowledged and, of each writer, the first few
 * of the commands that were not answered any more.
 */
static void
check(void)
{
    struct world found;

    look(&found);
    for (unsigned i = 0; i < WRITERS; i++) {
        struct writer *w = &writers[i];
        size_t size = sizeof(world.value[i]);
        unsigned at = w->answered;

        while (memcmp(world.value[i], found.value[i], size) != 0 && at < w->n) {
            apply(&world, i, &w->sent[at++]);
        }
        w->n = w->answered = 0;
    }
    if (memcmp(&world, &found, sizeof(world)) != 0) {
        report(&world, &found);
        fail_msg("what was acknowledged is not there");
    }
}

/* --- rounds -------------------------------------------------------------- */

static void
wait_at_most(struct rand *r, unsigned ms)
{
    unsigned us = rand_below(r, ms * 1000);
    struct timespec pause = {us / 1000000, (long)(us % 1000000) * 1000};

    (void)nanosleep(&pause, NULL);
}

/* All write until the node dies, or one who also flushes. */
static void
write_until_killed(struct rand *r)
{
    struct process *node = &cluster.nodes[0].process;
    bool flushes = rand_below(r, 3) == 0;
    unsigned n = flushes ? 1 : WRITERS;
    pthread_t threads[WRITERS];

    for (unsigned i = 0; i < n; i++) {
        writers[i].flushes = flushes;
        client_open(&writers[i].client, cluster.nodes[0].port);
        assert_int_equal(
            pthread_create(&threads[i], NULL, keep_writing, &writers[i]), 0);
    }
    wait_at_most(r, 250);
    if (rand_below(r, 4) == 0) {
        process_signal(node, SIGTERM);
        wait_at_most(r, 30);
    }
    process_kill(node);
    for (unsigned i = 0; i < n; i++) {
        (void)pthread_join(threads[i], NULL);
        client_close(&writers[i].client);
        if (writers[i].wrong != NULL) {
            fail_msg("%s: %s", writers[i].wrong, writers[i].answer);
        }
    }
}

/* The index may take a while to see that its last life is over. */
static bool
is_serving(void *arg)
{
    struct client c;
    bool serving;

    (void)arg;
    client_open(&c, cluster.nodes[0].port);
    serving = strcmp(client_ask(&c, "get nothing\r\n"), "END") == 0;
    client_close(&c);
    return serving;
}

static void
come_back(struct rand *r)
{
    cluster_wait_state(&cluster, 0, "master down 0 1");
    while (rand_below(r, 3) == 0) {
        cluster_launch_node(&cluster, 0);
        wait_at_most(r, 40);
        process_kill(&cluster.nodes[0].process);
    }
    cluster_start_node(&cluster, 0);
    wait_for(is_serving, NULL, WAIT_MS, "the node to serve again");
    cluster_wait_state(&cluster, 0, "master active 0 1");
    cluster_settle(&cluster);
}

static void
begin(const char *storage, uint64_t seed)
{
    memset(&world, 0, sizeof(world));
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.id = i, .next = 1, .world = &world};
        rand_init(&writers[i].r, seed * WRITERS + i);
    }
    cluster_init(&cluster, 1);
    cluster_node_option(&cluster, "--storage-type", storage);
    cluster_node_option(&cluster, "--storage-bucket-size", "10007");
    cluster_node_option(&cluster, "--write-buffer-size", "1m");
    cluster_node_option(&cluster, "--log-segment-bytes", "1m");
    cluster_node_option(&cluster, "--log-keep-bytes", "4m");
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
}

static void
no_log_says(const char *words)
{
    if (process_log_has(&cluster.nodes[0].process, words)) {
        process_show_log(&cluster.nodes[0].process);
        fail_msg("the log says \"%s\"", words);
    }
}

static void
kill_again_and_again(const char *storage)
{
    unsigned asked = number_of("FLARE_KILL_ROUNDS", 0);
    unsigned seed = number_of("FLARE_KILL_SEED", 1);
    struct mono end = mono_after_ms(clock_mono(), ROUNDS_MS);
    uint64_t acknowledged = 0, refused = 0;
    unsigned round = 0;
    struct rand r;

    rand_init(&r, seed);
    begin(storage, seed);
    while (asked > 0
               ? round < asked
               : round < ROUNDS && mono_ms_between(clock_mono(), end) > 0) {
        (void)snprintf(client_where, sizeof(client_where), "round %u", round);
        write_until_killed(&r);
        come_back(&r);
        check();
        no_log_says("amaged");
        no_log_says("cannot replay");
        no_log_says("another program");
        round++;
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        acknowledged += writers[i].acknowledged;
        refused += writers[i].refused;
    }
    print_message("%s: killed in %u rounds, %llu writes acknowledged, none "
                  "lost, %llu refused (seed %u)\n",
                  storage, round, (unsigned long long)acknowledged,
                  (unsigned long long)refused, seed);
    assert_true(refused <= WRITERS * (round / 10 + 1));
    cluster_finish(&cluster);
}

static void
nothing_acknowledged_is_lost_in_tch(void **state)
{
    (void)state;
    kill_again_and_again("tch");
}

static void
nothing_acknowledged_is_lost_in_tcb(void **state)
{
    (void)state;
    kill_again_and_again("tcb");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_acknowledged_is_lost_in_tch, stop),
        cmocka_unit_test_teardown(nothing_acknowledged_is_lost_in_tcb, stop),
    };
    return cmocka_run_group_tests_name("integration/kill", tests, NULL, NULL);
}
