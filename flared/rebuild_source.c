#include "flared/rebuild_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "flared/intake.h"
#include "proto/emit.h"

enum {
    CONNECT_MS = 2000,
    ASKED_MS = 5000,    /* for the answer to "stats nodes" */
    STREAM_MS = 10000,  /* for the source to begin its stream */
    ANSWER_MS = 300000, /* a dump without a byte: the source is lost */
    ANSWER_LINE_MAX = 16384,
    IN_TURN = 65536, /* bytes of a dump in one turn: others share the loop */
};

struct source_run {
    struct source_owner *owner;
    struct rebuild_source *source;
    struct peer *peer;
    struct peer_call call;
    struct timer timer;
    enum rebuild_event due; /* what the timer brings; KNOWN: ask again */
    bool role_is_right, partition_is_right;
    bool streams;     /* it said so */
    bool awaiting;    /* its stream */
    uint64_t records; /* of this dump */
    bool over;        /* no more events */
};

static void handle(struct source_run *run, enum rebuild_event event);

const char *
source_run_name(const struct source_run *run)
{
    return run->source->key;
}

/* --- does it know this node? -------------------------------------------- */

/* "STAT self:field value" of the source's "stats nodes". */
static void
look_at(struct source_run *run, struct slice line)
{
    const struct rebuild *plan = run->owner->plan;
    const struct slice self = slice_str(run->owner->node->self);
    struct slice field, value;
    uint64_t number;

    (void)slice_word(&line); /* STAT */
    field = slice_word(&line);
    value = slice_word(&line);
    if (field.n <= self.n || field.p[self.n] != ':' ||
        !slice_eq((struct slice){field.p, self.n}, self)) {
        return;
    }
    field = (struct slice){field.p + self.n + 1, field.n - self.n - 1};
    if (slice_eq(field, SLICE("role"))) {
        run->role_is_right =
            slice_eq(value, slice_str(node_role_name(plan->role)));
    } else if (slice_eq(field, SLICE("partition"))) {
        run->partition_is_right = slice_u64(value, INT32_MAX, &number) &&
                                  (int)number == plan->partition;
    }
}

static void
on_nodes(struct peer_call *call, enum peer_result result,
         const struct reply *reply)
{
    struct source_run *run = LIST_ENTRY(call, struct source_run, call);

    if (run->over) {
        return;
    }
    if (result != PEER_REPLY || reply->last) {
        timer_stop(&run->timer);
    }
    if (result != PEER_REPLY) {
        handle(run, REBUILD_UNREACHED);
    } else if (reply->kind == REPLY_ITEM) {
        look_at(run, reply->line);
    } else if (reply->last) {
        handle(run, run->role_is_right && run->partition_is_right
                        ? REBUILD_KNOWN
                        : REBUILD_UNKNOWN);
    }
}

static void
ask(struct source_run *run)
{
    struct buf *out;

    if (!peer_is_connected(run->peer)) {
        peer_reset(run->peer); /* the pauses are the plan's to make */
    }
    out = peer_out(run->peer);
    run->role_is_right = run->partition_is_right = false;
    if (out == NULL || !buf_put_str(out, "stats nodes\r\n")) {
        handle(run, REBUILD_UNREACHED);
        return;
    }
    run->due = REBUILD_UNREACHED;
    timer_once(&run->timer, ASKED_MS);
    peer_expect(run->peer, &run->call, EXPECT_LINES, on_nodes);
}

/* --- the dump ----------------------------------------------------------- */

static void
on_dump_line(struct source_run *run, const struct reply *reply)
{
    if (reply->code == REPLY_CODE_END) {
        handle(run, REBUILD_END);
        return;
    }
    log_warn("rebuild: %s answers the dump with \"%s\"", run->source->key,
             log_text(reply->line).text);
    handle(run, run->records == 0 ? REBUILD_REFUSED : REBUILD_BROKEN);
}

static void
on_dump(struct peer_call *call, enum peer_result result,
        const struct reply *reply)
{
    struct source_run *run = LIST_ENTRY(call, struct source_run, call);

    if (run->over) {
        return;
    }
    if (result != PEER_REPLY) {
        int error = peer_last_error(run->peer);

        log_warn("rebuild: the dump of %s broke off: %s", run->source->key,
                 error != 0 ? strerror(error) : "connection lost");
        handle(run, REBUILD_BROKEN);
    } else if (reply->kind == REPLY_LINE) {
        on_dump_line(run, reply);
    } else if (reply->kind == REPLY_VALUE) {
        run->records++;
        run->over = !run->owner->on_record(run->owner, run->source, reply);
    }
}

/* False: the connection is gone. */
static bool
dump(struct source_run *run)
{
    const struct rebuild *plan = run->owner->plan;
    const uint64_t interval =
        atomic_load(&run->owner->node->reconstruction_interval);
    struct buf *out = peer_out(run->peer);

    run->records = 0;
    if (!run->owner->on_copy(run->owner, run->streams)) {
        run->over = true;
        return true;
    }
    if (out == NULL || !emit_dump(out, interval, plan->partition, plan->size,
                                  run->owner->bwlimit)) {
        return false;
    }
    peer_expect(run->peer, &run->call, EXPECT_VALUES, on_dump);
    return true;
}

/* --- a slave and its master's stream ------------------------------------ */

/* What the stream has decided, or wait for it. */
static void
look_at_stream(struct source_run *run)
{
    switch (intake_stage(run->owner->node->intake, run->source->key)) {
    case INTAKE_NOTHING:
        run->awaiting = true;
        run->due = REBUILD_REFUSED;
        timer_once(&run->timer, STREAM_MS);
        return;
    case INTAKE_FLOWS:
        handle(run, REBUILD_END);
        return;
    case INTAKE_COPY:
        if (!dump(run)) {
            handle(run, REBUILD_UNREACHED);
        }
        return;
    }
}

void
source_run_stream(struct source_run *run)
{
    if (run->awaiting && !run->over) {
        run->awaiting = false;
        timer_stop(&run->timer);
        look_at_stream(run);
    }
}

bool
source_run_streams(const struct source_run *run)
{
    return run->streams;
}

/* A node of this version says where its log is; flare does not know of it. */
static void
on_position(struct peer_call *call, enum peer_result result,
            const struct reply *reply)
{
    struct source_run *run = LIST_ENTRY(call, struct source_run, call);

    if (run->over || (result == PEER_REPLY && !reply->last)) {
        return;
    }
    if (result != PEER_REPLY) {
        handle(run, REBUILD_UNREACHED);
        return;
    }
    run->streams = reply->code == REPLY_CODE_END;
    if (run->streams) {
        look_at_stream(run);
    } else if (!dump(run)) {
        handle(run, REBUILD_UNREACHED);
    }
}

/* False: the connection is gone. */
static bool
copy(struct source_run *run)
{
    struct buf *out;

    if (run->owner->plan->role != NODE_SLAVE) {
        return dump(run);
    }
    out = peer_out(run->peer);
    if (out == NULL || !buf_put_str(out, "repl position\r\n")) {
        return false;
    }
    peer_expect(run->peer, &run->call, EXPECT_LINES, on_position);
    return true;
}

/* --- carrying out what the plan says ------------------------------------ */

static void
on_timer(struct timer *timer)
{
    struct source_run *run = LIST_ENTRY(timer, struct source_run, timer);

    if (run->over) {
        return;
    }
    if (run->due == REBUILD_TIMEOUT || run->due == REBUILD_REFUSED) {
        run->awaiting = false;
        handle(run, run->due);
    } else if (run->due == REBUILD_UNREACHED) {
        peer_reset(run->peer); /* which tells on_nodes() */
    } else {
        ask(run);
    }
}

static void
wait_for(struct source_run *run, enum rebuild_event due, int64_t ms)
{
    run->due = due;
    timer_once(&run->timer, ms);
}

static struct rebuild_step
next_step(struct source_run *run, enum rebuild_event event)
{
    struct source_owner *owner = run->owner;
    struct rebuild_step step =
        rebuild_next(owner->plan, run->source, event, owner->loop->now);

    if (step.why != NULL) {
        log_warn("rebuild: %s: %s", run->source->key, step.why);
    }
    return step;
}

static void
handle(struct source_run *run, enum rebuild_event event)
{
    struct source_owner *owner = run->owner;
    struct rebuild_step step = next_step(run, event);

    if (step.action == REBUILD_COPY && !copy(run)) {
        step = next_step(run, REBUILD_UNREACHED);
    }
    switch (step.action) {
    case REBUILD_ASK:
        wait_for(run, REBUILD_KNOWN, step.after_ms);
        break;
    case REBUILD_COPY:
        break; /* it began */
    case REBUILD_AWAIT:
        wait_for(run, REBUILD_TIMEOUT, step.after_ms);
        break;
    case REBUILD_NOTHING:
    case REBUILD_FINISH:
    case REBUILD_RESTART:
    case REBUILD_FAIL:
    case REBUILD_STOP:
        run->over = true;
        owner->on_step(owner, run, step);
        return;
    }
}

/* --- beginning and end -------------------------------------------------- */

struct source_run *
source_run_new(struct source_owner *owner, struct rebuild_source *source)
{
    const struct peer_options options = {
        .connect_ms = CONNECT_MS,
        .answer_ms = ANSWER_MS,
        .line_max = ANSWER_LINE_MAX,
        .value_max = UINT32_MAX,
        .limits = {.in_turn = IN_TURN, .out_high = 65536, .out_low = 4096},
    };
    struct source_run *run = xcalloc(1, sizeof(*run));
    struct slice name = rebuild_host(source);
    AUTO_FREE char *host = xstrndup(name.p, name.n);

    run->owner = owner;
    run->source = source;
    run->peer = peer_new(owner->loop, host, source->port, &options);
    timer_init(&run->timer, owner->loop, on_timer);
    handle(run, REBUILD_START);
    return run;
}

void
source_run_free(struct source_run *run)
{
    if (run == NULL) {
        return;
    }
    run->over = true;
    peer_free(run->peer);
    timer_fini(&run->timer);
    free(run);
}
