/* What "stats" and "stats replication" say of streams, copies and the gate. */
#include <inttypes.h>

#include "flared/cmd.h"
#include "flared/intake.h"
#include "flared/replicate.h"
#include "flared/stats_put.h"
#include "proto/reply.h"

enum { COPIES_MAX = 64 };

static uint64_t
position_epoch(const struct flared *node, uint64_t *seq)
{
    struct lineage lineage;

    store_lineage(node->store, &lineage);
    *seq = lineage.seq;
    return lineage_epoch(&lineage);
}

bool
stats_put_repl(struct buf *out, struct flared *node, struct mono now)
{
    struct intake_status in;
    const char *held = standing_trouble(&node->standing, now);
    uint64_t seq;
    const uint64_t epoch = position_epoch(node, &seq);

    intake_status(node->intake, &in);
    return reply_stat(out, "repl_position", "%" PRIu64 ":%" PRIu64, epoch,
                      seq) &&
           reply_stat(out, "repl_master_epoch", "%" PRIu64,
                      (uint64_t)atomic_load(&node->standing.epoch)) &&
           reply_stat(out, "repl_stream_from", "%s",
                      in.master[0] != '\0' ? in.master : "none") &&
           reply_stat(out, "repl_entries", "%" PRIu64, in.entries) &&
           reply_stat(out, "repl_resumed", "%" PRIu64, in.resumed) &&
           reply_stat(out, "repl_rewinds", "%" PRIu64, in.rewinds) &&
           reply_stat(out, "repl_rewound_entries", "%" PRIu64, in.rewound) &&
           reply_stat(out, "repl_full_copies", "%" PRIu64, in.fulls) &&
           reply_stat(out, "repl_copies", "%u",
                      atomic_load(&node->standing.copies)) &&
           reply_stat(out, "repl_writes_held", "%s",
                      held != NULL ? held : "no");
}

static bool
put_copy(struct buf *out, const struct copy_status *copy)
{
    const char *k = copy->key;

    return buf_printf(
        out,
        "STAT %s:protocol %s\r\nSTAT %s:connected %d\r\n"
        "STAT %s:counts %d\r\nSTAT %s:acknowledged %" PRIu64 "\r\n"
        "STAT %s:behind_entries %" PRIu64 "\r\nSTAT %s:behind_ms %" PRId64
        "\r\nSTAT %s:resumed %u\r\nSTAT %s:rewound %u\r\n"
        "STAT %s:full_copies %u\r\n",
        k, copy->streams ? "stream" : "flare", k, copy->connected, k,
        copy->counts, k, copy->acked, k, copy->behind, k, copy->behind_ms, k,
        copy->resumed, k, copy->rewound, k, copy->fulls);
}

void
cmd_stats_repl(struct session *session, const struct request *req)
{
    struct worker *worker = session->worker;
    struct copy_status copies[COPIES_MAX];
    const unsigned n =
        replicator_status(worker->node->replicator, copies, COPIES_MAX);
    struct buf *out = session_answer(session);
    bool ok = stats_put_repl(out, worker->node, worker->loop.now);

    (void)req;
    for (unsigned i = 0; ok && i < n; i++) {
        ok = put_copy(out, &copies[i]);
    }
    if (!ok || !reply_line(out, "END")) {
        session_fail(session, "out of memory");
    }
}
