/*
 * The same bytes to memcached and to a node: a plain client must not see a
 * difference.
 *
 * Each request is followed by "version", so that both are in step whatever
 * they answer.  Only these are overlooked: the cas unique's value, and
 * memcached 1.6.18's reading of a refused request's data as a command, which
 * memcached itself has given up since.
 *
 * Without memcached nothing is tested.  DIFF_PORT names a server to compare
 * instead of a node of our own; DIFF_SEED the order of random requests, which
 * is another one each time otherwise.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "test/harness/cluster.h"
#include "test/integration/diff_meta.h"
#include "test/integration/diff_random.h"
#include "test/integration/diff_script.h"
#include "test/integration/reference.h"
#include "test/unit/test.h"

enum { LINES = 40, REQUESTS = 4000, PAST = 30 };

struct side {
    struct client client;
    uint16_t port;
    char unique[24]; /* of the last gets */
    char lines[LINES][300];
    size_t n;
};

static struct {
    struct reference memcached;
    struct cluster cluster;
    struct side theirs, ours;
    char past[PAST][160]; /* the requests before this one */
    size_t npast;
} all;

/* "VALUE k f n UNIQUE" of a gets: the number is remembered, and cut off. */
static void
cut_unique(struct side *side, char *line)
{
    char *at = line;

    if (strncmp(line, "VALUE ", 6) != 0) {
        return;
    }
    for (int i = 0; i < 4 && at != NULL; i++) {
        at = strchr(at + 1, ' ');
    }
    if (at != NULL) {
        (void)snprintf(side->unique, sizeof(side->unique), "%s", at + 1);
        *at = '\0';
    }
}

static void
hear(struct side *side)
{
    for (side->n = 0; side->n < LINES; side->n++) {
        const char *line = client_try_line(&side->client);
        char *to = side->lines[side->n];

        if (line == NULL) {
            (void)snprintf(to, sizeof(side->lines[0]), "(closed)");
            side->n++;
            return;
        }
        if (strncmp(line, "VERSION ", 8) == 0) {
            return;
        }
        (void)snprintf(to, sizeof(side->lines[0]), "%.250s", line);
        cut_unique(side, to);
        diff_meta_cut(to);
    }
}

static bool
is_storage(const char *request)
{
    static const char *const names[] = {
        "set ", "add ", "replace ", "ms ", "append ", "prepend ", "cas "};

    while (*request == ' ') {
        request++;
    }
    for (size_t i = 0; i < COUNT(names); i++) {
        if (strncmp(request, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void
show(const char *who, const struct side *side)
{
    (void)fprintf(stderr, "%s:\n", who);
    for (size_t i = 0; i < side->n; i++) {
        (void)fprintf(stderr, "    %s\n", side->lines[i]);
    }
}

static void
show_past(void)
{
    size_t i = all.npast > PAST ? all.npast - PAST : 0;

    (void)fprintf(stderr, "after:\n");
    for (; i < all.npast; i++) {
        (void)fprintf(stderr, "%s", all.past[i % PAST]);
    }
}

/* Fails unless both have said the same. */
static void
compare(const char *request)
{
    const struct side *a = &all.theirs, *b = &all.ours;
    size_t n = a->n;
    bool same;

    if (n == b->n + 1 && is_storage(request) &&
        strcmp(a->lines[n - 1], "ERROR") == 0) {
        n--;
    }
    same = n == b->n;
    for (size_t i = 0; same && i < n; i++) {
        same = strcmp(a->lines[i], b->lines[i]) == 0;
    }
    if (!same) {
        show_past();
        show("memcached", a);
        show("node", b);
        fail_msg("different answers to \"%s\"", request);
    }
    (void)snprintf(all.past[all.npast++ % PAST], sizeof(all.past[0]), "%.150s",
                   request);
}

static void
send_one(struct side *side, const char *request)
{
    client_send(&side->client, slice_str(request));
    client_send(&side->client, SLICE("version\r\n"));
    hear(side);
}

static void
both(const char *request)
{
    send_one(&all.theirs, request);
    send_one(&all.ours, request);
    compare(request);
}

/* A cas with what each server last gave as unique, plus `wrong`. */
static void
both_cas(const char *key, unsigned wrong, const char *rest)
{
    struct side *sides[] = {&all.theirs, &all.ours};
    char request[400];

    for (size_t i = 0; i < COUNT(sides); i++) {
        unsigned long long unique = strtoull(sides[i]->unique, NULL, 10);

        (void)snprintf(request, sizeof(request),
                       "cas %s 9 0 3 %llu%s\r\nCAS\r\n", key, unique + wrong,
                       rest);
        send_one(sides[i], request);
    }
    compare(request);
}

static void
open_both(void)
{
    client_open(&all.theirs.client, all.theirs.port);
    client_open(&all.ours.client, all.ours.port);
}

static void
close_both(void)
{
    client_close(&all.theirs.client);
    client_close(&all.ours.client);
}

static int
start_both(void **state)
{
    const char *other = getenv("DIFF_PORT");

    (void)state;
    reference_start(&all.memcached);
    all.theirs.port = all.memcached.port;
    if (other != NULL) {
        all.ours.port = (uint16_t)strtoul(other, NULL, 10);
        return 0;
    }
    cluster_up(&all.cluster, 2);
    cluster_make_master(&all.cluster, 0, 0);
    all.ours.port = all.cluster.nodes[0].port;
    return 0;
}

static int
stop_both(void **state)
{
    (void)state;
    reference_stop(&all.memcached);
    if (all.cluster.folder != NULL) {
        cluster_abandon(&all.cluster);
    }
    return 0;
}

static void
a_scripted_session_reads_the_same(void **state)
{
    (void)state;
    open_both();
    for (size_t i = 0; i < diff_script_n; i++) {
        both(diff_script[i]);
    }
    close_both();
}

/* Empties the node it is sent to, and a proxy has nothing. */
static bool
flushes(const char *request)
{
    return strncmp(request, "flush_all", 9) == 0;
}

static void
so_it_does_through_a_proxy(void **state)
{
    (void)state;
    if (all.cluster.n == 0) {
        skip();
    }
    all.ours.port = all.cluster.nodes[1].port;
    open_both();
    for (size_t i = 0; i < diff_script_n; i++) {
        if (!flushes(diff_script[i])) {
            both(diff_script[i]);
        }
    }
    close_both();
}

static void
the_meta_commands_read_the_same(void **state)
{
    (void)state;
    open_both();
    for (size_t i = 0; i < diff_meta_n; i++) {
        both(diff_meta[i]);
    }
    close_both();
}

static void
random_meta_commands_read_the_same(void **state)
{
    static struct rand rand;
    char request[400];

    (void)state;
    if (rand.state == 0) {
        rand_init(&rand, reference_seed());
    }
    open_both();
    for (int i = 0; i < REQUESTS; i++) {
        diff_meta_random(&rand, request, sizeof(request));
        both(request);
    }
    close_both();
}

static void
a_cas_succeeds_once(void **state)
{
    (void)state;
    open_both();
    both("set c 1 0 3\r\nold\r\n");
    both("gets c\r\n");
    both_cas("c", 1, "");
    both_cas("c", 0, "");
    both_cas("c", 0, "");
    both("get c\r\n");
    both("gets c\r\n");
    both_cas("c", 0, " noreply");
    both("get c\r\n");
    both_cas("missing", 0, "");
    both_cas("missing", 0, " noreply");
    both("delete c\r\n");
    both_cas("c", 0, "");
    close_both();
}

static void
both_close(void **state)
{
    static const char *const ends[] = {
        "quit\r\n",
        "quit now\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST / HTTP/1.1\r\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(ends); i++) {
        open_both();
        client_send(&all.theirs.client, slice_str(ends[i]));
        client_send(&all.ours.client, slice_str(ends[i]));
        assert_true(client_at_end(&all.theirs.client));
        assert_true(client_at_end(&all.ours.client));
        close_both();
    }
}

static void
random_requests_read_the_same(void **state)
{
    static struct rand rand;
    char request[400];

    (void)state;
    if (rand.state == 0) {
        rand_init(&rand, reference_seed());
    }
    open_both();
    for (int i = 0; i < REQUESTS; i++) {
        diff_random(&rand, request, sizeof(request));
        both(request);
    }
    close_both();
}

static void
the_cluster_ends_well(void **state)
{
    (void)state;
    if (all.cluster.n == 0) {
        skip();
    }
    cluster_finish(&all.cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scripted_session_reads_the_same),
        cmocka_unit_test(the_meta_commands_read_the_same),
        cmocka_unit_test(random_meta_commands_read_the_same),
        cmocka_unit_test(a_cas_succeeds_once),
        cmocka_unit_test(both_close),
        cmocka_unit_test(random_requests_read_the_same),
        cmocka_unit_test(so_it_does_through_a_proxy),
        cmocka_unit_test(the_meta_commands_read_the_same),
        cmocka_unit_test(random_meta_commands_read_the_same),
        cmocka_unit_test(random_requests_read_the_same),
        cmocka_unit_test(the_cluster_ends_well),
    };

    if (!reference_exists()) {
        return 77;
    }
    return cmocka_run_group_tests_name("diff memcached", tests, start_both,
                                       stop_both);
}
