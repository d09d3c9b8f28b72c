#include "flare-admin/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/strmap.h"
#include "cli/prompt.h"
#include "flare-admin/wire.h"

enum {
    BUCKETS = 4096,
    BUCKETS_AT_ONCE = 64,
    LATER_MS = 20,
    PATIENCE_MS = 30000,
    SUM = 32,
};

static int
open_node(struct wire *wire, struct tool *tool, const struct node *node,
          struct err *err)
{
    char host[NODE_HOST_MAX + 1];

    (void)snprintf(host, sizeof(host), "%.*s", (int)node->host_len, node->key);
    return wire_open(wire, host, node->port,
                     (int64_t)tool->options.timeout * 1000, err);
}

static int
ask(struct wire *wire, const char *command, struct slice *line, struct err *err)
{
    struct buf text = {0};
    int rc;

    (void)buf_printf(&text, "%s\r\n", command);
    rc = wire_send(wire, buf_slice(&text), err);
    buf_fini(&text);
    return rc == 0 ? wire_line(wire, line, err) : rc;
}

/* "DIGEST epoch seq records hex". */
static bool
read_digest(struct slice line, uint64_t *epoch, uint64_t *seq,
            struct digest_copy *copy)
{
    struct slice sum;

    if (!slice_eq(slice_word(&line), SLICE("DIGEST")) ||
        !slice_u64(slice_word(&line), UINT64_MAX, epoch) ||
        !slice_u64(slice_word(&line), UINT64_MAX, seq) ||
        !slice_u64(slice_word(&line), UINT64_MAX, &copy->records)) {
        return false;
    }
    sum = slice_word(&line);
    (void)snprintf(copy->sum, sizeof(copy->sum), "%.*s", (int)sum.n, sum.p);
    return sum.n == SUM;
}

/*
 * Ask until the answer is a digest, or it is clear that there will be none.
 * LATER and "ask again" are tried again for a while.
 */
static void
take_digest(struct tool *tool, struct digest_copy *copy, const char *command,
            uint64_t *epoch, uint64_t *seq)
{
    struct mono until = mono_after_ms(clock_mono(), PATIENCE_MS);
    struct wire wire;
    struct slice line;
    struct err err;
    int rc = open_node(&wire, tool, copy->node, &err);

    copy->verdict = DIGEST_UNKNOWN;
    while (rc == 0) {
        rc = ask(&wire, command, &line, &err);
        if (rc != 0) {
            break;
        }
        if (read_digest(line, epoch, seq, copy)) {
            copy->verdict = DIGEST_EQUAL;
            break;
        }
        (void)snprintf(copy->why, sizeof(copy->why), "it says %s",
                       log_text(line).text);
        if ((!slice_eq(line, SLICE("LATER")) &&
             memmem(line.p, line.n, "ask again", 9) == NULL) ||
            mono_reached(until, clock_mono()) || !prompt_pause(LATER_MS)) {
            break;
        }
    }
    if (rc != 0) {
        (void)snprintf(copy->why, sizeof(copy->why), "%s", err.msg);
    }
    wire_close(&wire);
}

static void
add_copy(struct digest_result *r, const struct node *node)
{
    r->copies = xreallocarray(r->copies, r->n + 1, sizeof(*r->copies));
    r->copies[r->n++] = (struct digest_copy){.node = node};
}

bool
digest_compare(struct digest_result *r, struct tool *tool,
               const struct cluster_map *map, int partition)
{
    const struct node *master = cluster_map_master(map, partition);
    char command[64];

    *r = (struct digest_result){.partition = partition, .equal = true};
    if (master == NULL || master->state != NODE_ACTIVE) {
        output_error(&tool->out, "partition %d has no active master.",
                     partition);
        return false;
    }
    add_copy(r, master);
    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *node = &map->node[i];

        if (node->role == NODE_SLAVE && node->state == NODE_ACTIVE &&
            node->partition == partition) {
            add_copy(r, node);
        }
    }
    take_digest(tool, &r->copies[0], "digest mark", &r->epoch, &r->seq);
    if (r->copies[0].verdict == DIGEST_UNKNOWN) {
        output_error(&tool->out, "%s: %s", master->key, r->copies[0].why);
        return false;
    }
    (void)snprintf(command, sizeof(command), "digest at %ju",
                   (uintmax_t)r->seq);
    for (size_t i = 1; i < r->n; i++) {
        struct digest_copy *copy = &r->copies[i];
        uint64_t epoch, seq;

        take_digest(tool, copy, command, &epoch, &seq);
        if (copy->verdict == DIGEST_EQUAL &&
            (strcmp(copy->sum, r->copies[0].sum) != 0 ||
             copy->records != r->copies[0].records)) {
            copy->verdict = DIGEST_DIFFERENT;
        }
        r->equal = r->equal && copy->verdict == DIGEST_EQUAL;
    }
    return true;
}

void
digest_fini(struct digest_result *r)
{
    free(r->copies);
    *r = (struct digest_result){.n = 0};
}

/* --- repair ----------------------------------------------------------------
 */

typedef char sums[BUCKETS][SUM + 1];

static int
take_buckets(struct wire *wire, uint64_t seq, sums out, struct err *err)
{
    char command[64];
    struct slice line;
    int rc;

    (void)snprintf(command, sizeof(command), "digest buckets %ju",
                   (uintmax_t)seq);
    memset(out, 0, sizeof(sums));
    rc = ask(wire, command, &line, err);
    while (rc == 0 && !slice_eq(line, SLICE("END"))) {
        struct slice rest = line;
        uint64_t n;

        if (!slice_eq(slice_word(&rest), SLICE("BUCKET")) ||
            !slice_u64(slice_word(&rest), BUCKETS - 1, &n)) {
            return err_set(err, ERR_UNAVAILABLE, "%s says %s", wire->name,
                           log_text(line).text);
        }
        rest = slice_word(&rest);
        (void)snprintf(out[n], sizeof(out[n]), "%.*s", (int)rest.n, rest.p);
        rc = wire_line(wire, &line, err);
    }
    return rc;
}

/* Records of some buckets: key -> "version hex". */
static int
take_keys(struct wire *wire, const char *command, struct strmap *map,
          struct err *err)
{
    struct slice line;
    int rc = ask(wire, command, &line, err);

    while (rc == 0 && !slice_eq(line, SLICE("END"))) {
        struct slice rest = line;
        struct slice key;

        if (!slice_eq(slice_word(&rest), SLICE("KEY"))) {
            return err_set(err, ERR_UNAVAILABLE, "%s says %s", wire->name,
                           log_text(line).text);
        }
        key = slice_word(&rest);
        free(strmap_put(map, key, xstrndup(rest.p, rest.n)));
        rc = wire_line(wire, &line, err);
    }
    return rc;
}

static void
map_fini(struct strmap *map)
{
    struct slice key;
    void *value;

    for (size_t at = 0; strmap_next(map, &at, &key, &value);) {
        free(value);
    }
    strmap_fini(map);
}

static int
repair_key(struct wire *master, struct slice key, uint64_t *repaired,
           struct err *err)
{
    char command[300];
    struct slice line;
    int rc;

    (void)snprintf(command, sizeof(command), "digest repair %.*s", (int)key.n,
                   key.p);
    rc = ask(master, command, &line, err);
    if (rc == 0 && !slice_eq(line, SLICE("OK"))) {
        return err_set(err, ERR_UNAVAILABLE, "%s says %s", master->name,
                       log_text(line).text);
    }
    *repaired += rc == 0;
    return rc;
}

/* Every key that one has and the other has not, or has otherwise. */
static int
repair_differences(struct wire *master, const struct strmap *ours,
                   const struct strmap *theirs, uint64_t *repaired,
                   struct err *err)
{
    struct slice key;
    void *value;
    int rc = 0;

    for (size_t at = 0; rc == 0 && strmap_next(ours, &at, &key, &value);) {
        const char *other = strmap_find(theirs, key);

        if (other == NULL || strcmp(other, value) != 0) {
            rc = repair_key(master, key, repaired, err);
        }
    }
    for (size_t at = 0; rc == 0 && strmap_next(theirs, &at, &key, &value);) {
        if (strmap_find(ours, key) == NULL) {
            rc = repair_key(master, key, repaired, err);
        }
    }
    return rc;
}

static int
repair_buckets(struct wire *master, struct wire *copy, const char *command,
               uint64_t *repaired, struct err *err)
{
    struct strmap ours = {.count = 0};
    struct strmap theirs = {.count = 0};
    int rc = take_keys(master, command, &ours, err);

    if (rc == 0) {
        rc = take_keys(copy, command, &theirs, err);
    }
    if (rc == 0) {
        rc = repair_differences(master, &ours, &theirs, repaired, err);
    }
    map_fini(&ours);
    map_fini(&theirs);
    return rc;
}

static int
repair_all(struct wire *master, struct wire *copy, uint64_t seq,
           uint64_t *repaired, struct err *err)
{
    sums *ours = xcalloc(1, sizeof(sums));
    sums *theirs = xcalloc(1, sizeof(sums));
    struct buf command = {0};
    unsigned n = 0;
    int rc = take_buckets(master, seq, *ours, err);

    rc = rc == 0 ? take_buckets(copy, seq, *theirs, err) : rc;
    for (unsigned i = 0; rc == 0 && i <= BUCKETS; i++) {
        if (i < BUCKETS && strcmp((*ours)[i], (*theirs)[i]) != 0) {
            (void)buf_printf(&command, "%s %u", n == 0 ? "digest keys" : "", i);
            n++;
        }
        if (n == BUCKETS_AT_ONCE || (n > 0 && i == BUCKETS)) {
            (void)buf_put(&command, "", 1);
            rc = repair_buckets(master, copy, buf_slice(&command).p, repaired,
                                err);
            buf_clear(&command);
            n = 0;
        }
    }
    buf_fini(&command);
    free(ours);
    free(theirs);
    return rc;
}

bool
digest_repair(struct tool *tool, const struct digest_result *result,
              const struct digest_copy *copy, uint64_t *repaired)
{
    struct wire master, other;
    struct err err;
    int rc = open_node(&master, tool, result->copies[0].node, &err);

    other = (struct wire){.fd = -1};
    rc = rc == 0 ? open_node(&other, tool, copy->node, &err) : rc;
    rc =
        rc == 0 ? repair_all(&master, &other, result->seq, repaired, &err) : rc;
    wire_close(&master);
    wire_close(&other);
    if (rc != 0) {
        output_error(&tool->out, "%s", err.msg);
    }
    return rc == 0;
}
