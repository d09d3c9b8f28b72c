/*
 * Whole streams of random requests, to memcached and to nodes: text and meta
 * commands, quiet and with noreply, mistakes and long lists of keys in one
 * pipeline, cut into pieces anywhere.  A master of one of two partitions and a
 * proxy have to answer with the same bytes, but for the uniques' values.
 *
 * Each run begins with the seeds that once found something and goes on with
 * new ones for RUN_MS.  A failure names its seed; DIFF_SEED=N runs only that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rand.h"
#include "test/harness/cluster.h"
#include "test/integration/diff_meta.h"
#include "test/integration/diff_random.h"
#include "test/integration/reference.h"
#include "test/unit/test.h"

enum {
    RUN_MS = 6000,
    REQUESTS = 120, /* of a stream, at most */
    LONG_LIST = 1000,
    ONE_BY_ONE = 3000, /* bytes of a stream that comes a byte at a time */
};

static const uint64_t past[] = {1, 2, 3};

static struct {
    struct reference memcached;
    struct cluster cluster;
    uint64_t seed;
} all;

/* --- making a stream ------------------------------------------------------ */

static void
put(struct buf *b, const char *text)
{
    assert_true(buf_put_str(b, text));
}

/* get or gets of many keys, some twice, some missing, in any order. */
static void
put_long_get(struct rand *r, struct buf *b)
{
    put(b, rand_below(r, 2) == 0 ? "get" : "gets");
    for (uint32_t i = rand_below(r, LONG_LIST) + 1; i > 0; i--) {
        assert_true(buf_printf(b, " s%u", rand_below(r, 60)));
    }
    put(b, "\r\n");
}

static void
put_value(struct rand *r, struct buf *b)
{
    uint32_t n = rand_below(r, 8) == 0 ? rand_below(r, 4000) : rand_below(r, 9);
    uint32_t key = rand_below(r, 50), flags = rand_below(r, UINT32_MAX);
    bool ok;

    switch (rand_below(r, 3)) {
    case 0:
        ok = buf_printf(b, "set s%u %u 0 %u\r\n", key, flags, n);
        break;
    case 1:
        ok = buf_printf(b, "set s%u %u 0 %u noreply\r\n", key, flags, n);
        break;
    default:
        ok = buf_printf(b, "ms s%u %u F%u k q\r\n", key, n, flags);
        break;
    }
    assert_true(ok);
    for (; n > 0; n--) {
        char c = (char)rand_below(r, 256);

        /* lines stay whole, for compare() */
        assert_true(buf_put(b, c == '\n' || c == '\0' ? "\r" : &c, 1));
    }
    put(b, "\r\n");
}

/* After what memcached 1.6.18 reads in its own way both wait for an mn. */
static void
put_request(struct rand *r, struct buf *b)
{
    char request[400];

    switch (rand_below(r, 8)) {
    case 0:
        put_long_get(r, b);
        break;
    case 1:
    case 2:
    case 3:
        put_value(r, b);
        break;
    case 4:
        diff_meta_random(r, request, sizeof(request));
        put(b, request);
        put(b, "mn\r\n");
        break;
    case 5:
        put(b, "delete s1 noreply\r\nmg s2 k v q\r\nmg s3 s q\r\n");
        break;
    default:
        diff_random(r, request, sizeof(request));
        put(b, request);
        put(b, "mn\r\n");
        break;
    }
}

static void
make(struct rand *r, struct buf *b)
{
    static const char *const used[] = {"r1", "r2", "r3", "r4",
                                       "m1", "m2", "m3"};

    for (size_t i = 0; i < COUNT(used); i++) {
        assert_true(buf_printf(b, "delete %s noreply\r\n", used[i]));
    }
    for (unsigned i = 0; i < 60; i++) {
        assert_true(buf_printf(b, "delete s%u noreply\r\n", i));
    }
    for (uint32_t n = rand_below(r, REQUESTS) + 1; n > 0; n--) {
        put_request(r, b);
    }
    put(b, "version\r\n");
}

/* --- having it answered --------------------------------------------------- */

static size_t
piece(struct rand *r, uint32_t how, size_t left)
{
    size_t n = left;

    if (how == 0) {
        n = 1;
    } else if (how == 1) {
        n = rand_below(r, 60) + 1;
    } else if (how == 2) {
        n = rand_below(r, 20000) + 1;
    }
    return n < left ? n : left;
}

/* "VALUE k f n UNIQUE": the unique goes. */
static void
cut_unique(char *line)
{
    char *at = strncmp(line, "VALUE ", 6) == 0 ? line : NULL;

    for (int i = 0; i < 4 && at != NULL; i++) {
        at = strchr(at + 1, ' ');
    }
    if (at != NULL) {
        *at = '\0';
    }
}

static void
have_answered(uint16_t port, struct slice stream, struct buf *answers)
{
    struct client c;
    struct rand r;
    uint32_t how;

    rand_init(&r, all.seed ^ port);
    how = rand_below(&r, 4);
    if (how == 0 && stream.n > ONE_BY_ONE) {
        how = 1;
    }
    client_open(&c, port);
    while (stream.n > 0) {
        size_t n = piece(&r, how, stream.n);

        client_send(&c, (struct slice){stream.p, n});
        stream = (struct slice){stream.p + n, stream.n - n};
    }
    do {
        (void)client_line(&c);
        cut_unique(c.line);
        diff_meta_cut(c.line);
        put(answers, c.line);
        put(answers, "\n");
    } while (strncmp(c.line, "VERSION ", 8) != 0);
    client_close(&c);
}

/* --- comparing ------------------------------------------------------------ */

static struct slice
take_line(struct slice *rest)
{
    return slice_until(rest, '\n');
}

/*
 * Before the MN that ends a request memcached 1.6.18 may have an ERROR more:
 * the data block of what it refused, read as a command.
 */
static void
compare(const char *who, struct slice theirs, struct slice ours)
{
    struct slice before = {"", 0};

    while (theirs.n > 0 && ours.n > 0) {
        struct slice a = take_line(&theirs);
        struct slice kept = ours;
        struct slice b = take_line(&ours);

        if (a.n > 8 && memcmp(a.p, "VERSION ", 8) == 0 && b.n > 8 &&
            memcmp(b.p, "VERSION ", 8) == 0) {
            return;
        }
        if (slice_eq(a, SLICE("ERROR")) && slice_eq(b, SLICE("MN"))) {
            ours = kept;
        } else if (!slice_eq(a, b)) {
            fail_msg("seed %llu, %s: memcached says \"%.*s\", the node "
                     "\"%.*s\" after \"%.*s\"; DIFF_SEED=%llu repeats it",
                     (unsigned long long)all.seed, who, (int)a.n, a.p, (int)b.n,
                     b.p, (int)before.n, before.p,
                     (unsigned long long)all.seed);
        }
        before = a;
    }
    fail_msg("seed %llu, %s: one says less", (unsigned long long)all.seed, who);
}

static void
run(uint64_t seed)
{
    static const char *const who[] = {"master", "other master", "proxy"};
    struct buf stream = {0}, theirs = {0}, ours = {0};
    struct rand r;

    all.seed = seed;
    rand_init(&r, seed);
    make(&r, &stream);
    have_answered(all.memcached.port, buf_slice(&stream), &theirs);
    assert_int_equal(all.cluster.n, COUNT(who));
    for (size_t i = 0; i < COUNT(who); i++) {
        buf_clear(&ours);
        have_answered(all.cluster.nodes[i].port, buf_slice(&stream), &ours);
        compare(who[i], buf_slice(&theirs), buf_slice(&ours));
    }
    buf_fini(&stream);
    buf_fini(&theirs);
    buf_fini(&ours);
}

static void
any_stream_reads_the_same_through_any_node(void **state)
{
    const char *only = getenv("DIFF_SEED");
    const struct mono end = mono_after_ms(clock_mono(), RUN_MS);
    uint64_t first = (uint64_t)clock_mono().ns, seed = first;

    (void)state;
    if (only != NULL) {
        run(strtoull(only, NULL, 10));
        return;
    }
    print_message("seeds from %llu\n", (unsigned long long)first);
    for (size_t i = 0; i < COUNT(past); i++) {
        run(past[i]);
    }
    while (!mono_reached(end, clock_mono())) {
        run(seed++);
    }
    print_message("%llu streams\n", (unsigned long long)(seed - first));
}

/* --- the servers ---------------------------------------------------------- */

static int
start(void **state)
{
    (void)state;
    reference_start(&all.memcached);
    cluster_up(&all.cluster, 3);
    cluster_make_master(&all.cluster, 0, 0);
    cluster_make_master(&all.cluster, 1, 1);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    reference_stop(&all.memcached);
    cluster_abandon(&all.cluster);
    return 0;
}

static void
the_cluster_ends_well(void **state)
{
    (void)state;
    cluster_finish(&all.cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_stream_reads_the_same_through_any_node),
        cmocka_unit_test(the_cluster_ends_well),
    };

    if (!reference_exists()) {
        return 77;
    }
    return cmocka_run_group_tests_name("diff stream", tests, start, stop);
}
