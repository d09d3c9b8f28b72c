/*
 * A node without workers: a store in memory, a control loop that runs on the
 * test's thread, and maps whose other nodes are plain sockets.
 */
#ifndef FLARE_TEST_UNIT_NODE_FIXTURE_H
#define FLARE_TEST_UNIT_NODE_FIXTURE_H

#include "test/unit/maps.h"
#include "test/unit/other_side.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "flared/flared.h"
#include "flared/intake.h"

struct node_fixture {
    struct flared *node;
    struct timer tick;
    char folder[64];
    struct buf scratch;
};

/* Segments of the log of so many bytes, of which `keep` bytes are kept. */
static inline void
node_begin_with(struct node_fixture *f, uint64_t segment, uint64_t keep)
{
    struct store_options options = {
        .type = "mem",
        .lock_stripes = 8,
        .tombstones = 1024,
        .value_max = 1 << 26,
        .log_segment_bytes = segment,
        .log_keep_bytes = keep,
    };
    struct err err = {.msg = ""};

    memset(f, 0, sizeof(*f));
    log_set_level(LOG_LEVEL_ERROR);
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/flare-node-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    options.data_dir = f->folder;
    f->node = xcalloc(1, sizeof(*f->node));
    f->node->options.data_dir = f->folder;
    (void)snprintf(f->node->self, sizeof(f->node->self), "me:1");
    if (store_open(&f->node->store, &options, &err) != 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(loop_init(&f->node->control, &err), 0);
    timer_init(&f->tick, &f->node->control, net_tick);
    timer_every(&f->tick, 5);
    gate_init(&f->node->gate, f->node);
    standing_init(&f->node->standing);
    f->node->intake = intake_new(f->node);
    f->node->meta = (struct cluster_meta){
        .partition_size = 16,
        .hint = 1,
        .slots = 4096,
        .hash = KEYHASH_CRC32,
        .table = partition_table_new(16, 1, 4096),
    };
    assert_non_null(f->node->meta.table);
    atomic_store(&f->node->has_meta, true);
}

static inline void
node_begin(struct node_fixture *f)
{
    node_begin_with(f, 1 << 22, 1 << 26);
}

static inline void
node_end(struct node_fixture *f)
{
    AUTO_FREE char *remove = xasprintf("rm -rf %s", f->folder);
    struct err err = {.msg = ""};

    timer_fini(&f->tick);
    intake_free(f->node->intake);
    loop_fini(&f->node->control);
    partition_table_free(f->node->meta.table);
    if (store_close(f->node->store, &err) != 0) {
        fail_msg("%s", err.msg);
    }
    buf_fini(&f->scratch);
    free(f->node);
    assert_int_equal(system(remove), 0);
}

/* Turns of the control loop until the condition holds. */
#define NODE_UNTIL(f, condition)                                               \
    do {                                                                       \
        struct mono until_ = mono_after_ms(clock_mono(), PATIENCE_MS);         \
        while (!(condition)) {                                                 \
            assert_false(mono_reached(until_, clock_mono()));                  \
            loop_turn(&(f)->node->control, true);                              \
        }                                                                      \
    } while (0)

/* A view in the words of maps.h, at a version. */
static inline struct cluster_view *
node_view(struct node_fixture *f, const char *map, uint64_t version)
{
    struct cluster_map *made = map_of(map);
    const char *why = "";
    struct cluster_view *view;

    made->version = version;
    view = cluster_view_new(made, slice_str(f->node->self), f->node->meta.table,
                            f->node->meta.hash, &why);
    if (view == NULL) {
        fail_msg("%s: %s", map, why);
    }
    return view;
}

/* A change by a client; the sequence of its log entry. */
static inline uint64_t
node_change(struct node_fixture *f, enum change_op op, const char *key,
            struct slice value)
{
    const struct change change = {.op = op,
                                  .source = CHANGE_CLIENT,
                                  .key = slice_str(key),
                                  .value = value};
    struct outcome outcome;

    store_apply(f->node->store, &change, clock_wall(), &f->scratch, &outcome);
    assert_true(outcome.changed);
    return outcome.seq;
}

static inline uint64_t
node_set(struct node_fixture *f, const char *key, const char *value)
{
    return node_change(f, CHANGE_SET, key, slice_str(value));
}

/* The value under key, its first bytes, or NULL; until the next call. */
static inline const char *
node_value(struct node_fixture *f, const char *key)
{
    static char text[256];
    struct item item;

    if (store_get(f->node->store, slice_str(key), clock_wall(), &f->scratch,
                  &item) != STORE_OK) {
        return NULL;
    }
    (void)snprintf(text, sizeof(text), "%.*s", (int)item.value.n, item.value.p);
    return text;
}

#endif
