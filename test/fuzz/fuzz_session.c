/*
 * A whole session: any bytes to a node's worker, over a socket pair.
 *
 * Whatever comes, the connection ends when its input does, other connections
 * are answered and keep their data, and the answers do not depend on how the
 * bytes are cut into pieces (numbers are not compared: uniques, times, ids).
 * The node has its store in memory and is the master of all keys.  The first
 * byte of an input says how it is cut.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "cluster/map_text.h"
#include "flared/index_link.h"
#include "flared/intake.h"
#include "flared/maintain.h"
#include "flared/membership.h"
#include "flared/rebuild_run.h"
#include "flared/replicate.h"
#include "flared/server.h"
#include "flared/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATIENCE_MS = 10000, TURN_MS = 2, CHUNK = 65536 };

static struct flared node;
static struct conf conf;
static char folder[] = "/tmp/flare-fuzz-XXXXXX";
static int bystander = -1;

/* --- a node --------------------------------------------------------------- */

static void
remove_folder(void)
{
    AUTO_FREE char *command = xasprintf("rm -rf %s", folder);

    (void)!system(command);
}

static void
configure(void)
{
    static char text[][40] = {"flared",
                              "--stderr",
                              "--log-level=error",
                              "--index-server-name=none",
                              "--server-name=me",
                              "--server-port=0",
                              "--bind=127.0.0.1",
                              "--storage-type=mem",
                              "--threads=1",
                              "--key-max=300",
                              "--value-max=20000",
                              "--keys-per-get=200",
                              "--output-high=4096",
                              "--output-low=1000",
                              "--log-segment-bytes=1m",
                              "--log-keep-bytes=1m"};
    enum { N = sizeof(text) / sizeof(text[0]) };
    AUTO_FREE char *data = NULL;
    char *args[N + 2];
    int status = 0;

    assert(mkdtemp(folder) != NULL);
    (void)atexit(remove_folder);
    data = xasprintf("--data-dir=%s", folder);
    for (size_t i = 0; i < N; i++) {
        args[i] = text[i];
    }
    args[N] = data;
    args[N + 1] = NULL;
    assert(conf_start(&conf, &flared_conf_spec, &node.options, N + 1, args,
                      &status));
    node.conf = &conf;
    log_set_level(LOG_LEVEL_ERROR);
}

static void
open_node(void)
{
    const struct store_options store = {
        .type = "mem",
        .data_dir = folder,
        .lock_stripes = 8,
        .tombstones = 1024,
        .value_max = node.options.value_max,
        .log_segment_bytes = node.options.log_segment_bytes,
        .log_keep_bytes = node.options.log_keep_bytes,
    };
    struct err err;

    assert(store_open(&node.store, &store, &err) == 0);
    assert(loop_init(&node.control, &err) == 0);
    gate_init(&node.gate, &node);
    standing_init(&node.standing);
    node.intake = intake_new(&node);
    node.nworkers = 1;
    node.started = clock_wall();
    assert(server_listen(&node.server, &node, &err) == 0);
    node.replicator = replicator_new(&node, &err);
    assert(node.replicator != NULL);
    node.rebuilder = rebuilder_new(&node, replicator_loop(node.replicator));
    node.membership = membership_new(&node);
    node.index_link = index_link_new(&node);
    assert(maintain_start(&node.maintain, &node, &err) == 0);
    assert(workers_start(&node, &err) == 0);
    node.meta = (struct cluster_meta){
        .partition_size = 16,
        .hint = 1,
        .slots = 4096,
        .hash = KEYHASH_CRC32,
        .table = partition_table_new(16, 1, 4096),
    };
    assert(node.meta.table != NULL);
    atomic_store(&node.has_meta, true);
}

static void
on_everybody(void *arg)
{
    *(bool *)arg = true;
}

/* This node is the master of the only partition. */
static void
give_role(void)
{
    AUTO_FREE char *text =
        xasprintf("NODE me %u 0 0 0 1 16\r\n", server_port(node.server));
    const char *why = "";
    unsigned line = 0;
    struct cluster_map *map = map_text_parse(slice_str(text), 1, &why, &line);
    struct cluster_view *view;
    bool done = false;

    assert(map != NULL);
    view = cluster_view_new(map, slice_str(node.self), node.meta.table,
                            node.meta.hash, &why);
    assert(view != NULL && view->self != NULL);
    workers_set_view(&node, view, on_everybody, &done);
    while (!done) {
        loop_turn(&node.control, true);
    }
    cluster_view_unref(view);
}

/* --- connections ---------------------------------------------------------- */

struct arrival {
    struct mail mail;
    int fd;
};

static void
on_arrival(struct mail *mail)
{
    struct arrival *arrival = LIST_ENTRY(mail, struct arrival, mail);
    const struct sock_addr from = {.len = 0};

    session_open(&node.workers[0], arrival->fd, &from, false);
    free(arrival);
}

static int
connect_to_node(void)
{
    struct arrival *arrival = xcalloc(1, sizeof(*arrival));
    int pair[2];

    assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                      pair) == 0);
    arrival->mail.deliver = on_arrival;
    arrival->fd = pair[1];
    mailbox_post(&node.workers[0].loop.mailbox, &arrival->mail);
    return pair[0];
}

/* True: the other side has ended. */
static bool
take_answers(int fd, struct buf *out)
{
    for (;;) {
        ssize_t n;

        assert(buf_reserve(out, CHUNK));
        n = recv(fd, buf_tail(out), CHUNK, 0);
        if (n <= 0) {
            return n == 0 || errno != EAGAIN;
        }
        buf_advance(out, (size_t)n);
    }
}

/* Or it hangs; some requests go by the control thread, which is this one. */
static void
wait_on(int fd, short events)
{
    const struct mono end = mono_after_ms(clock_mono(), PATIENCE_MS);
    struct pollfd p = {.fd = fd, .events = events};

    while (poll(&p, 1, TURN_MS) == 0) {
        assert(!mono_reached(end, clock_mono()));
        loop_turn(&node.control, false);
    }
}

/* Send it in pieces of at most `piece` bytes; what came back until its end. */
static void
talk(struct slice in, size_t piece, struct buf *out)
{
    int fd = connect_to_node();
    bool ended = false;

    while (in.n > 0 && !ended) {
        ssize_t n = send(fd, in.p, in.n < piece ? in.n : piece, MSG_NOSIGNAL);

        if (n > 0) {
            in = (struct slice){in.p + n, in.n - (size_t)n};
        } else if (errno == EAGAIN) {
            wait_on(fd, POLLIN | POLLOUT);
        } else {
            break; /* it has hung up */
        }
        ended = take_answers(fd, out);
    }
    (void)shutdown(fd, SHUT_WR);
    while (!ended) {
        wait_on(fd, POLLIN);
        ended = take_answers(fd, out);
    }
    (void)close(fd);
}

static void
ask_bystander(const char *request, const char *answer)
{
    struct buf out = {NULL, 0, 0, 0};

    assert(send(bystander, request, strlen(request), MSG_NOSIGNAL) ==
           (ssize_t)strlen(request));
    while (buf_len(&out) < strlen(answer)) {
        wait_on(bystander, POLLIN);
        assert(!take_answers(bystander, &out));
    }
    assert(slice_eq(buf_slice(&out), slice_str(answer)));
    buf_fini(&out);
}

static void
start_once(void)
{
    if (bystander < 0) {
        configure();
        open_node();
        give_role();
        bystander = connect_to_node();
    }
}

/* --- one input ------------------------------------------------------------ */

static bool
has_word(struct slice in, const char *word)
{
    return memmem(in.p, in.n, word, strlen(word)) != NULL;
}

/*
 * What an input must not do: change the map, or wait for what is not there; and
 * what may be answered otherwise the second time.
 */
static bool
is_left_out(struct slice in)
{
    return has_word(in, "node") || has_word(in, "shutdown") ||
           has_word(in, "kill"); /* which may end the bystander */
}

static bool
may_differ(struct slice in)
{
    return has_word(in, "stats") || has_word(in, "flush_all") ||
           has_word(in, "dump") || (unsigned char)*in.p == 0x80;
}

/* Numbers count as one, whatever their length. */
static void
blur(struct buf *b)
{
    char *to = b->base + b->start;
    bool in_number = false;

    for (size_t i = b->start; i < b->end; i++) {
        bool digit = b->base[i] >= '0' && b->base[i] <= '9';

        if (!digit) {
            *to++ = b->base[i];
        } else if (!in_number) {
            *to++ = '0';
        }
        in_number = digit;
    }
    b->end = (size_t)(to - b->base);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 2, 3, 7, 20, 100, 1000, 4096};
    struct buf whole = {NULL, 0, 0, 0}, cut = {NULL, 0, 0, 0};
    struct slice in;

    if (size < 2) {
        return 0;
    }
    start_once();
    in = (struct slice){(const char *)data + 1, size - 1};
    if (is_left_out(in)) {
        return 0;
    }
    ask_bystander("flush_all\r\n", "OK\r\n");
    talk(in, SIZE_MAX, &whole);
    ask_bystander("flush_all\r\nset b 0 0 1\r\nx\r\nget b\r\ndelete b\r\n",
                  "OK\r\nSTORED\r\nVALUE b 0 1\r\nx\r\nEND\r\nDELETED\r\n");
    if (!may_differ(in)) {
        talk(in, pieces[data[0] % 8], &cut);
        blur(&whole);
        blur(&cut);
        if (!slice_eq(buf_slice(&whole), buf_slice(&cut))) {
            (void)fprintf(stderr, "whole:\n%.*s\ncut:\n%.*s\n",
                          (int)buf_len(&whole), buf_slice(&whole).p,
                          (int)buf_len(&cut), buf_slice(&cut).p);
            abort();
        }
    }
    buf_fini(&whole);
    buf_fini(&cut);
    return 0;
}
