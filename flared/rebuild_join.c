#include "flared/rebuild_join.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "net/timer.h"
#include "peer/peer.h"

enum {
    CATCH_UP_MS = 5, /* between two looks at the log */
    RETRY_MS = 200,
    TRIES = 100, /* then give up: some 20 s */
};

struct joiner {
    struct flared *node;
    struct loop *loop;
    struct peer *peer;
    struct peer_call call;
    struct timer timer;
    bool counted; /* the master waits for it: */
    uint64_t seq; /* to be reached */
    unsigned tries;
    bool over;
    void (*done)(void *arg, const char *why);
    void *arg;
};

static void
end(struct joiner *j, const char *why)
{
    j->over = true;
    timer_stop(&j->timer);
    j->done(j->arg, why);
}

static void
again(struct joiner *j, const char *why)
{
    if (++j->tries >= TRIES) {
        end(j, why);
        return;
    }
    timer_once(&j->timer, RETRY_MS);
}

static void
look(struct joiner *j)
{
    if (ulog_last(store_log(j->node->store)) >= j->seq) {
        end(j, NULL);
    } else {
        timer_once(&j->timer, CATCH_UP_MS);
    }
}

static void
on_answer(struct peer_call *call, enum peer_result result,
          const struct reply *reply)
{
    struct joiner *j = LIST_ENTRY(call, struct joiner, call);
    struct slice line;
    uint64_t seq;

    if (j->over) {
        return;
    }
    if (result != PEER_REPLY) {
        again(j, "the master cannot be reached any more");
        return;
    }
    line = reply->line;
    (void)slice_word(&line);
    if (reply->code != REPLY_CODE_OK ||
        !slice_u64(slice_word(&line), UINT64_MAX, &seq)) {
        log_debug("rebuild: the master answers: %s",
                  log_text(reply->line).text);
        again(j, "the master does not count this node");
        return;
    }
    j->counted = true;
    j->seq = seq;
    look(j);
}

static void
ask(struct joiner *j)
{
    struct buf *out;

    if (!peer_is_connected(j->peer)) {
        peer_reset(j->peer); /* the pauses are made here */
    }
    out = peer_out(j->peer);
    if (out == NULL || !buf_printf(out, "repl join %s\r\n", j->node->self)) {
        again(j, "the master cannot be reached any more");
        return;
    }
    peer_expect(j->peer, &j->call, EXPECT_REPL, on_answer);
}

static void
on_timer(struct timer *timer)
{
    struct joiner *j = LIST_ENTRY(timer, struct joiner, timer);

    if (j->over) {
        return;
    }
    if (j->counted) {
        look(j);
    } else {
        ask(j);
    }
}

struct joiner *
joiner_new(struct flared *node, struct loop *loop, struct slice host,
           uint16_t port, void (*done)(void *arg, const char *why), void *arg)
{
    const struct peer_options options = {
        .connect_ms = 2000,
        .answer_ms = 5000,
        .line_max = 4096,
        .value_max = 4096,
        .limits = {.in_turn = 65536, .out_high = 65536, .out_low = 4096},
    };
    struct joiner *j = xcalloc(1, sizeof(*j));
    AUTO_FREE char *name = xstrndup(host.p, host.n);

    j->node = node;
    j->loop = loop;
    j->done = done;
    j->arg = arg;
    j->peer = peer_new(loop, name, port, &options);
    timer_init(&j->timer, loop, on_timer);
    timer_once(&j->timer, 0);
    return j;
}

void
joiner_free(struct joiner *j)
{
    if (j == NULL) {
        return;
    }
    j->over = true;
    peer_free(j->peer);
    timer_fini(&j->timer);
    free(j);
}
