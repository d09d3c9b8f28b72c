#include "tool/sample.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tool/nodes.h"
#include "tool/target.h"
#include "tool/tool.h"

enum { ASKING_MAX = 64 }; /* threads */

static bool
take_stat(void *arg, struct slice name, struct slice value)
{
    struct sample *s = arg;
    const struct {
        struct slice name;
        uint64_t *to;
    } numbers[] = {
        {SLICE("curr_items"), &s->items},
        {SLICE("curr_connections"), &s->connections},
        {SLICE("bytes"), &s->bytes},
        {SLICE("uptime"), &s->uptime},
        {SLICE("cmd_get"), &s->cmd_get},
        {SLICE("cmd_set"), &s->cmd_set},
        {SLICE("get_hits"), &s->get_hits},
        {SLICE("rss"), &s->rss},
    };

    if (slice_eq(name, SLICE("version"))) {
        (void)snprintf(s->version, sizeof(s->version), "%.*s", (int)value.n,
                       value.p);
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (slice_eq(name, numbers[i].name)) {
            (void)slice_u64(value, UINT64_MAX, numbers[i].to);
        }
    }
    return true;
}

static struct sample *
sample_of(struct round *round, struct slice key)
{
    for (size_t i = 0; i < round->n; i++) {
        if (slice_eq(key, node_key(round->nodes[i]))) {
            return &round->samples[i];
        }
    }
    return NULL;
}

/* "stats threads" of the index: the thread whose peer is a node watches it. */
struct behind {
    struct round *round;
    struct slice id;
    char id_text[24];
    struct sample *current;
};

static bool
take_thread(void *arg, struct slice name, struct slice value)
{
    struct behind *b = arg;
    struct slice field = name;
    struct slice id = slice_until(&field, ':');

    if (!slice_eq(id, b->id)) {
        (void)snprintf(b->id_text, sizeof(b->id_text), "%.*s", (int)id.n, id.p);
        b->id = slice_str(b->id_text);
        b->current = NULL;
    }
    if (slice_eq(field, SLICE("peer"))) {
        b->current = sample_of(b->round, value);
    } else if (slice_eq(field, SLICE("behind")) && b->current != NULL) {
        (void)snprintf(b->current->behind, sizeof(b->current->behind), "%.*s",
                       (int)value.n, value.p);
    }
    return true;
}

static bool
is_wanted(const struct node *node, int nwords, char **words)
{
    for (int i = 0; i < nwords; i++) {
        struct target target;

        if (target_parse(words[i], &target) == TARGET_OK &&
            strcmp(target.key, node->key) == 0) {
            return true;
        }
    }
    return nwords == 0;
}

static bool
all_known(struct tool *tool, const struct cluster_map *map, int nwords,
          char **words)
{
    for (int i = 0; i < nwords; i++) {
        struct target target;

        if (target_parse(words[i], &target) != TARGET_OK ||
            cluster_map_find(map, slice_str(target.key)) == NULL) {
            output_error(&tool->out, "unknown host: %s", words[i]);
            return false;
        }
    }
    return true;
}

static int
by_partition(const void *va, const void *vb)
{
    const struct node *a = *(const struct node *const *)va;
    const struct node *b = *(const struct node *const *)vb;

    if (a->partition != b->partition) {
        return a->partition < b->partition ? -1 : 1;
    }
    return a < b ? -1 : 1; /* as in the map: by key */
}

/* A line of a histogram: the upper end in microseconds, how many. */
static bool
take_bucket(void *arg, struct slice name, struct slice value)
{
    struct hist_total *times = arg;
    char text[32];
    uint64_t n;
    double us;

    (void)snprintf(text, sizeof(text), "%.*s", (int)name.n, name.p);
    us = strtod(text, NULL);
    if (us >= 0 && us < 1e10 && slice_u64(value, UINT64_MAX, &n)) {
        uint64_t ns = (uint64_t)(us * 1000 + 0.5);

        times->bucket[hist_bucket_of(ns)] += n;
        times->count += n;
        times->max_ns = ns > times->max_ns ? ns : times->max_ns;
    }
    return true;
}

/* What a master says of the copies it feeds: "STAT ID:peer", "STAT ID:queue".
 */
struct feeding {
    struct round *round;
    struct sample *current;
};

static bool
take_copy(void *arg, struct slice name, struct slice value)
{
    struct feeding *feeding = arg;
    struct slice field = name;
    uint64_t queue;

    (void)slice_until(&field, ':');
    if (slice_eq(field, SLICE("peer"))) {
        feeding->current = sample_of(feeding->round, value);
    } else if (slice_eq(field, SLICE("queue")) && feeding->current != NULL &&
               slice_u64(value, INT64_MAX, &queue)) {
        feeding->current->lag = (int64_t)queue;
    }
    return true;
}

/* A node that does not know these questions is none the worse for it. */
static void
ask_closely(struct server *server, struct round *round, const struct node *node,
            struct sample *sample)
{
    struct feeding feeding = {.round = round};
    struct hist_total *times = xcalloc(1, sizeof(*times));

    if (server_stats(server, "stats latency get", take_bucket, times) &&
        server_stats(server, "stats latency set", take_bucket, times)) {
        sample->times = times;
    } else {
        free(times);
    }
    if (node->role == NODE_MASTER) {
        (void)server_stats(server, "stats threads slave", take_copy, &feeding);
    }
}

static void
ask_node(struct tool *tool, struct round *round, const struct node *node,
         struct sample *sample)
{
    struct server server;
    char host[NODE_HOST_MAX + 1];

    (void)snprintf(host, sizeof(host), "%.*s", (int)node->host_len, node->key);
    if (!server_open_quietly(&server, tool, host, node->port)) {
        return;
    }
    sample->alive = server_stats(&server, "stats", take_stat, sample);
    sample->when = clock_mono();
    if (sample->alive && round->closely) {
        ask_closely(&server, round, node, sample);
    }
    server_close(&server);
}

/* Work for several threads: each takes the next node that nobody has. */
struct asking {
    struct tool *tool;
    struct round *round;
    atomic_size_t next;
};

static void *
ask_some(void *arg)
{
    struct asking *asking = arg;
    size_t i;

    while ((i = atomic_fetch_add(&asking->next, 1)) < asking->round->n) {
        ask_node(asking->tool, asking->round, asking->round->nodes[i],
                 &asking->round->samples[i]);
    }
    return NULL;
}

/* All at once, so that a node that hangs holds up nobody but itself. */
static void
ask_all(struct tool *tool, struct round *round)
{
    struct asking asking = {tool, round, 0};
    pthread_t threads[ASKING_MAX];
    size_t most = tool->options.debug ? 0 : ASKING_MAX;
    size_t n = 0;

    while (n < most && n + 1 < round->n &&
           pthread_create(&threads[n], NULL, ask_some, &asking) == 0) {
        n++;
    }
    (void)ask_some(&asking);
    while (n > 0) {
        (void)pthread_join(threads[--n], NULL);
    }
    for (size_t i = 0; i < round->n; i++) {
        if (!round->samples[i].alive && !tool->quiet_rounds) {
            output_error(&tool->out, "failed to open %s.",
                         round->nodes[i]->key);
        }
    }
}

bool
round_take(struct round *round, struct tool *tool, int nwords, char **words)
{
    struct cluster_map *map = nodes_fetch(&tool->index);
    struct behind behind = {.round = round};

    *round = (struct round){.map = map, .closely = round->closely};
    if (map == NULL || !all_known(tool, map, nwords, words)) {
        return false;
    }
    round->nodes = xcalloc(map->nnodes + 1, sizeof(const void *));
    round->samples = xcalloc(map->nnodes + 1, sizeof(*round->samples));
    for (size_t i = 0; i < map->nnodes; i++) {
        if (is_wanted(&map->node[i], nwords, words)) {
            (void)snprintf(round->samples[round->n].behind,
                           sizeof(round->samples[0].behind), "-");
            round->samples[round->n].lag = -1;
            round->nodes[round->n++] = &map->node[i];
        }
    }
    qsort(round->nodes, round->n, sizeof(const void *), by_partition);
    if (!server_stats(&tool->index, "stats threads", take_thread, &behind)) {
        return false;
    }
    ask_all(tool, round);
    return true;
}

void
round_fini(struct round *round)
{
    for (size_t i = 0; i < round->n; i++) {
        free(round->samples[i].times);
    }
    free(round->nodes);
    free(round->samples);
    cluster_map_unref(round->map);
    *round = (struct round){.closely = round->closely};
}

const struct sample *
round_find(const struct round *round, const char *key)
{
    for (size_t i = 0; i < round->n; i++) {
        if (strcmp(round->nodes[i]->key, key) == 0) {
            return &round->samples[i];
        }
    }
    return NULL;
}
