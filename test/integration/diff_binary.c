/*
 * The same frames to memcached and to a node: a client of the binary protocol
 * must not see a difference.
 *
 * Each request is followed by a no-op, so that both are in step whatever they
 * answer.  Of the cas only whether there is one is compared, of statistics
 * only the last frame.  Without memcached nothing is tested; DIFF_SEED names
 * the order of random requests, which is another one each time otherwise.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "test/harness/cluster.h"
#include "test/integration/reference.h"
#include "test/unit/test.h"

enum { ROUNDS = 4000, HEADER = 24, FRAMES = 8, OP_NOOP = 0x0a, OP_STAT = 0x10 };

/* What a client sends. */
struct ask {
    uint8_t op;
    bool cas; /* the last one this server gave for the key, plus wrong */
    uint8_t wrong;
    const char *key;
    struct slice extras;
    const char *value;
};

struct frame {
    char header[HEADER];
    char body[400]; /* its beginning */
    size_t n;       /* all of it */
};

struct side {
    struct client client;
    uint64_t cas; /* the last that came */
    struct frame frames[FRAMES];
    size_t n;
};

static struct {
    struct reference memcached;
    struct cluster cluster;
    struct side theirs, ours;
    char last[200];
} all;

static char *
save(char *to, unsigned bytes, uint64_t value)
{
    for (unsigned i = bytes; i > 0; i--) {
        *to++ = (char)(value >> (8 * (i - 1)));
    }
    return to;
}

static uint64_t
load(const char *p, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++) {
        value = value << 8 | (unsigned char)p[i];
    }
    return value;
}

static void
send_frame(struct side *side, const struct ask *ask)
{
    size_t key = strlen(ask->key), value = strlen(ask->value);
    size_t body = key + value + ask->extras.n;
    char frame[HEADER + 600], *to = frame;

    assert_true(body <= 600);
    to = save(to, 1, 0x80);
    to = save(to, 1, ask->op);
    to = save(to, 2, key);
    to = save(to, 1, ask->extras.n);
    to = save(to, 3, 0);
    to = save(to, 4, body);
    to = save(to, 4, 0xfeedbee5);
    to = save(to, 8, ask->cas ? side->cas + ask->wrong : 0);
    memcpy(to, ask->extras.p, ask->extras.n);
    to += ask->extras.n;
    memcpy(to, ask->key, key);
    memcpy(to + key, ask->value, value);
    client_send(&side->client, (struct slice){frame, HEADER + body});
}

static const struct ask noop = {OP_NOOP, false, 0, "", {"", 0}, ""};

/* The frames up to the no-op's, of statistics only the last. */
static void
hear(struct side *side)
{
    side->n = 0;
    for (;;) {
        struct frame *f = &side->frames[side->n];
        size_t body;

        memcpy(f->header, client_bytes(&side->client, HEADER).p, HEADER);
        body = (size_t)load(f->header + 8, 4);
        f->n = body;
        if (body > 0) {
            struct slice bytes = client_bytes(&side->client, body);

            memcpy(f->body, bytes.p,
                   body < sizeof(f->body) ? body : sizeof(f->body));
        }
        if (f->header[1] == OP_NOOP) {
            return;
        }
        if (load(f->header + 16, 8) != 0) {
            side->cas = load(f->header + 16, 8);
        }
        if (f->header[1] != OP_STAT || body == 0 ||
            load(f->header + 6, 2) != 0) {
            assert_true(++side->n < FRAMES);
        }
    }
}

static bool
same(const struct frame *a, const struct frame *b)
{
    size_t n = a->n < sizeof(a->body) ? a->n : sizeof(a->body);

    return memcmp(a->header, b->header, HEADER - 8) == 0 && a->n == b->n &&
           memcmp(a->body, b->body, n) == 0 &&
           (load(a->header + 16, 8) == 0) == (load(b->header + 16, 8) == 0);
}

static void
show(const char *who, const struct side *side)
{
    (void)fprintf(stderr, "%s:\n", who);
    for (size_t i = 0; i < side->n; i++) {
        const struct frame *f = &side->frames[i];

        (void)fprintf(stderr, "    op %02x status %04x cas %llu body %.*s\n",
                      (unsigned)load(f->header + 1, 1),
                      (unsigned)load(f->header + 6, 2),
                      (unsigned long long)load(f->header + 16, 8),
                      (int)(f->n < 100 ? f->n : 100), f->body);
    }
}

/* Fails unless both have said the same. */
static void
compare(const struct ask *ask)
{
    const struct side *a = &all.theirs, *b = &all.ours;
    bool equal = a->n == b->n;

    for (size_t i = 0; equal && i < a->n; i++) {
        equal = same(&a->frames[i], &b->frames[i]);
    }
    if (!equal) {
        show("memcached", a);
        show("node", b);
        fail_msg("different answers to opcode %02x key \"%s\" value \"%s\" "
                 "after %s",
                 ask->op, ask->key, ask->value, all.last);
    }
    (void)snprintf(all.last, sizeof(all.last), "opcode %02x \"%s\"", ask->op,
                   ask->key);
}

static void
both(const struct ask *ask)
{
    struct side *sides[] = {&all.theirs, &all.ours};

    for (size_t i = 0; i < COUNT(sides); i++) {
        send_frame(sides[i], ask);
        send_frame(sides[i], &noop);
        hear(sides[i]);
    }
    compare(ask);
}

static void
open_both(size_t node)
{
    client_open(&all.theirs.client, all.memcached.port);
    client_open(&all.ours.client, all.cluster.nodes[node].port);
    all.theirs.cas = all.ours.cas = 1000000;
}

static void
close_both(void)
{
    client_close(&all.theirs.client);
    client_close(&all.ours.client);
}

static int
start(void **state)
{
    (void)state;
    reference_start(&all.memcached);
    cluster_up(&all.cluster, 2);
    cluster_make_master(&all.cluster, 0, 0);
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

/* Extras: flags and expiry; delta, initial and expiry; expiry. */
#define STORE SLICE("\0\0\1\5\0\0\0\0")
#define FLAGS_MAX SLICE("\xff\xff\xff\xff\0\0\0\x64")
#define GONE SLICE("\0\0\0\0\0\x27\x8d\x01") /* 2592001: in 1970 */
#define CREATE SLICE("\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\x64\0\0\0\0")
#define COUNT_ONLY SLICE("\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\x64\xff\xff\xff\xff")
#define MOST SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0\0\x64")
#define EXPIRY SLICE("\0\0\0\x64")
#define PLAIN SLICE("")

static const struct ask script[] = {
    {0x00, false, 0, "missing", PLAIN, ""},
    {0x09, false, 0, "missing", PLAIN, ""},
    {0x0c, false, 0, "missing", PLAIN, ""},
    {0x0d, false, 0, "missing", PLAIN, ""},
    {0x01, true, 0, "missing", STORE, "v"},
    {0x02, true, 0, "missing", STORE, "v"},
    {0x13, true, 0, "missing", STORE, "v"},
    {0x0e, true, 0, "missing", PLAIN, "v"},
    {0x04, true, 0, "missing", PLAIN, ""},
    {0x05, false, 0, "missing", COUNT_ONLY, ""},
    {0x01, false, 0, "k", STORE, "12"},
    {0x00, false, 0, "k", PLAIN, ""},
    {0x0c, true, 5, "k", PLAIN, ""},
    {0x01, true, 1, "k", STORE, "x"},
    {0x01, true, 0, "k", FLAGS_MAX, "13"},
    {0x02, true, 1, "k", STORE, "x"},
    {0x0e, true, 1, "k", PLAIN, "0"},
    {0x0e, true, 0, "k", PLAIN, "0"},
    {0x0f, true, 0, "k", PLAIN, "1"},
    {0x0d, false, 0, "k", PLAIN, ""},
    {0x05, true, 1, "k", CREATE, ""},
    {0x05, true, 0, "k", CREATE, ""},
    {0x06, false, 0, "k", CREATE, ""},
    {0x00, false, 0, "k", PLAIN, ""},
    {0x04, true, 1, "k", PLAIN, ""},
    {0x04, true, 0, "k", PLAIN, ""},
    {0x05, true, 1, "n", CREATE, ""},
    {0x05, false, 0, "n", COUNT_ONLY, ""},
    {0x15, false, 0, "n", CREATE, ""},
    {0x05, false, 0, "n", MOST, ""},
    {0x06, false, 0, "n", MOST, ""},
    {0x00, false, 0, "n", PLAIN, ""},
    {0x06, false, 0, "new", MOST, ""},
    {0x00, false, 0, "new", PLAIN, ""},
    {0x01, false, 0, "s", STORE, "text"},
    {0x05, false, 0, "s", CREATE, ""},
    {0x16, false, 0, "s", CREATE, ""},
    {0x1c, false, 0, "s", EXPIRY, ""},
    {0x1c, false, 0, "missing", EXPIRY, ""},
    {0x1d, false, 0, "s", EXPIRY, ""},
    {0x1e, false, 0, "missing", EXPIRY, ""},
    {0x23, false, 0, "missing", EXPIRY, ""},
    {0x24, false, 0, "s", EXPIRY, ""},
    {0x11, false, 0, "gone", GONE, "v"},
    {0x00, false, 0, "gone", PLAIN, ""},
    {0x12, false, 0, "s", STORE, "v"},
    {0x13, false, 0, "missing", STORE, "v"},
    {0x14, false, 0, "missing", PLAIN, ""},
    {0x14, false, 0, "s", PLAIN, ""},
    {0x19, false, 0, "missing", PLAIN, "v"},
    {0x1a, false, 0, "n", PLAIN, "v"},
    {0x10, false, 0, "", PLAIN, ""},
    {0x10, false, 0, "settings", PLAIN, ""},
    {0x10, false, 0, "no such statistics", PLAIN, ""},
    {0x10, false, 0, "reset", PLAIN, ""},
    {0x1b, false, 0, "", PLAIN, ""},
    {0x20, false, 0, "", PLAIN, ""},
    {0x77, false, 0, "", PLAIN, ""},
};

static const struct ask flushes[] = {
    {0x01, false, 0, "f", STORE, "v"}, {0x08, false, 0, "", PLAIN, ""},
    {0x00, false, 0, "f", PLAIN, ""},  {0x01, false, 0, "f", STORE, "v"},
    {0x18, false, 0, "", EXPIRY, ""},  {0x00, false, 0, "f", PLAIN, ""},
};

static void
run(size_t node, const struct ask *asks, size_t n)
{
    open_both(node);
    for (size_t i = 0; i < n; i++) {
        both(&asks[i]);
    }
    close_both();
}

static void
a_scripted_session_reads_the_same(void **state)
{
    (void)state;
    run(0, script, COUNT(script));
    run(0, flushes, COUNT(flushes));
}

static void
so_it_does_through_a_proxy(void **state)
{
    static const char *const used[] = {"k", "n", "s", "new"};

    (void)state;
    open_both(0);
    for (size_t i = 0; i < COUNT(used); i++) {
        both(&(struct ask){0x14, false, 0, used[i], PLAIN, ""});
    }
    close_both();
    run(1, script, COUNT(script));
}

/* A request that ends the connection: the last words, then the end. */
static void
what_has_no_sense_ends_the_connection(void **state)
{
    static const struct ask asks[] = {
        {0x00, false, 0, "k", EXPIRY, ""}, {0x00, false, 0, "", PLAIN, ""},
        {0x00, false, 0, "k", PLAIN, "v"}, {0x01, false, 0, "k", PLAIN, "v"},
        {0x04, false, 0, "k", PLAIN, "v"}, {0x0a, false, 0, "k", PLAIN, ""},
        {0x0e, false, 0, "k", STORE, "v"}, {0x07, false, 0, "", PLAIN, ""},
        {0x17, false, 0, "", PLAIN, ""},   {0x07, false, 0, "k", PLAIN, ""},
    };
    struct side *sides[] = {&all.theirs, &all.ours};

    (void)state;
    for (size_t i = 0; i < COUNT(asks); i++) {
        struct frame last[COUNT(sides)] = {0};

        open_both(0);
        for (size_t s = 0; s < COUNT(sides); s++) {
            send_frame(sides[s], &asks[i]);
            if (asks[i].op != 0x17) {
                memcpy(last[s].header,
                       client_bytes(&sides[s]->client, HEADER).p, HEADER);
                last[s].n = (size_t)load(last[s].header + 8, 4);
                memcpy(last[s].body,
                       client_bytes(&sides[s]->client, last[s].n).p, last[s].n);
            }
            assert_true(client_at_end(&sides[s]->client));
        }
        assert_true(same(&last[0], &last[1]));
        close_both();
    }
}

#define PICK(list) (list)[rand_below(rand, COUNT(list))]

static void
random_ask(struct rand *rand, struct ask *ask)
{
    static const char *const keys[] = {"r1", "r2", "r3"};
    static const char *const values[] = {"1", "99", "abc", "", "100", "12 "};
    static const uint8_t stores[] = {0x01, 0x02, 0x03, 0x11, 0x12, 0x13};
    static const uint8_t joins[] = {0x0e, 0x0f, 0x19, 0x1a};
    static const uint8_t numbers[] = {0x05, 0x06, 0x15, 0x16};
    static const uint8_t touches[] = {0x1c, 0x1d, 0x1e, 0x23, 0x24};
    static const uint8_t plain[] = {0x00, 0x09, 0x0c, 0x0d, 0x04, 0x14};
    const struct slice counts[] = {CREATE, COUNT_ONLY};
    const struct slice stored[] = {STORE, FLAGS_MAX, STORE, GONE};

    *ask = (struct ask){.key = PICK(keys), .extras = PLAIN, .value = ""};
    ask->cas = rand_below(rand, 4) == 0;
    switch (rand_below(rand, 5)) {
    case 0:
        ask->op = PICK(stores);
        ask->extras = PICK(stored);
        ask->value = PICK(values);
        break;
    case 1:
        ask->op = PICK(joins);
        ask->value = PICK(values);
        break;
    case 2:
        ask->op = PICK(numbers);
        ask->extras = PICK(counts);
        break;
    case 3:
        ask->op = PICK(touches);
        ask->extras = EXPIRY;
        break;
    default:
        ask->op = PICK(plain);
        break;
    }
}

static void
random_requests(size_t node)
{
    static struct rand rand;
    struct ask ask;

    if (rand.state == 0) {
        rand_init(&rand, reference_seed());
    }
    open_both(node);
    for (int i = 0; i < ROUNDS; i++) {
        random_ask(&rand, &ask);
        both(&ask);
    }
    close_both();
}

static void
random_requests_read_the_same(void **state)
{
    (void)state;
    random_requests(0);
}

static void
so_they_do_through_a_proxy(void **state)
{
    (void)state;
    random_requests(1);
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
        cmocka_unit_test(a_scripted_session_reads_the_same),
        cmocka_unit_test(so_it_does_through_a_proxy),
        cmocka_unit_test(what_has_no_sense_ends_the_connection),
        cmocka_unit_test(random_requests_read_the_same),
        cmocka_unit_test(so_they_do_through_a_proxy),
        cmocka_unit_test(the_cluster_ends_well),
    };

    if (!reference_exists()) {
        return 77;
    }
    return cmocka_run_group_tests_name("diff binary", tests, start, stop);
}
