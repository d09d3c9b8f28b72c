/*
 * How long the parser and the reply writer take: nanoseconds per request, of
 * the best of several tries.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "proto/reply.h"
#include "proto/request.h"

static const struct proto_limits limits = {16384, PROTO_KEY_MAX, 1 << 20,
                                           10000};

enum { PIPELINE = 64, ROUNDS = 2000, TRIES = 20 };

static struct buf
repeat(struct slice one)
{
    struct buf all = {NULL, 0, 0, 0};

    for (int i = 0; i < PIPELINE; i++) {
        if (!buf_put_slice(&all, one)) {
            abort();
        }
    }
    return all;
}

static volatile uint64_t total; /* keeps the compiler honest */

/* Parse all requests of `rest`. */
static uint64_t
parse_all(struct slice rest)
{
    uint64_t sum = 0;

    while (rest.n > 0) {
        struct request req;
        struct parse out;

        if (parse_request(rest, &limits, &req, &out) != PARSE_OK) {
            abort();
        }
        sum += req.key.n;
        rest.p += out.consumed;
        rest.n -= out.consumed;
    }
    return sum;
}

static double
best(double a, struct mono start)
{
    double ns = (double)(clock_mono().ns - start.ns) / PIPELINE / ROUNDS;

    return a == 0 || ns < a ? ns : a;
}

static void
measure(const char *name, struct slice one)
{
    struct buf in = repeat(one);
    double ns = 0;

    for (int try = 0; try < TRIES; try++) {
        struct mono start = clock_mono();

        for (int round = 0; round < ROUNDS; round++) {
            total += parse_all(buf_slice(&in));
        }
        ns = best(ns, start);
    }
    printf("%-24s %8.1f ns\n", name, ns);
    buf_fini(&in);
}

static void
measure_keys(unsigned nkeys)
{
    struct buf line = {NULL, 0, 0, 0};
    char name[32];

    if (!buf_put_str(&line, "get")) {
        abort();
    }
    for (unsigned i = 0; i < nkeys; i++) {
        if (!buf_printf(&line, " key:%010u", i)) {
            abort();
        }
    }
    if (!buf_put_str(&line, "\r\n")) {
        abort();
    }
    (void)snprintf(name, sizeof(name), "get of %u keys", nkeys);
    measure(name, buf_slice(&line));
    buf_fini(&line);
}

static void
measure_reply(size_t n)
{
    static const char data[4096];
    struct buf out = {NULL, 0, 0, 0};
    double ns = 0;

    for (int try = 0; try < TRIES; try++) {
        struct mono start = clock_mono();

        for (int i = 0; i < ROUNDS * PIPELINE; i++) {
            if (i % PIPELINE == 0) {
                buf_clear(&out);
            }
            if (!reply_value(&out, SLICE("key:0000000001"), 0,
                             (struct slice){data, n})) {
                abort();
            }
        }
        ns = best(ns, start);
    }
    printf("VALUE of %-4zu bytes      %8.1f ns\n", n, ns);
    buf_fini(&out);
}

int
main(void)
{
    measure("get", SLICE("get key:0000000001\r\n"));
    measure_keys(100);
    measure("set of 10 bytes",
            SLICE("set key:0000000001 0 0 10\r\n0123456789\r\n"));
    measure("forwarded set",
            SLICE("<node01:12121>set key:0000000001 0 0 10 77 sync\r\n"
                  "0123456789\r\n"));
    measure("incr", SLICE("incr key:0000000001 1\r\n"));
    measure("delete", SLICE("delete key:0000000001\r\n"));
    measure("touch", SLICE("touch key:0000000001 60\r\n"));
    measure_reply(100);
    measure_reply(4096);
    return 0;
}
