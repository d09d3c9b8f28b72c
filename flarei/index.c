#include "flarei/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "cluster/map_text.h"
#include "flarei/election.h"
#include "flarei/member.h"
#include "flarei/switchover.h"
#include "index/side.h"

static int
parse_map(struct flarei *flarei, struct slice text, struct err *err)
{
    const char *why = NULL;
    const char *where = flarei->coord->where[COORD_MAP];
    unsigned line = 0;

    flarei->map = map_text_parse_xml(text, &why, &line);
    if (flarei->map == NULL) {
        return err_set(err, ERR_CORRUPT, "%s: line %u: %s", where, line, why);
    }
    why = cluster_map_broken(flarei->map);
    if (why == NULL && cluster_map_partitions(flarei->map) +
                               (cluster_map_preparing(flarei->map) != NULL) >=
                           (int)flarei->options.partition_size) {
        why = "partition-size is too small for the partitions there are";
    }
    if (why != NULL) {
        return err_set(err, ERR_CORRUPT, "%s: %s", where, why);
    }
    return 0;
}

/*
 * What goes with the map.  Without it nodes that are held down would come back
 * and masters without their data be let in, so damage is for the operator.
 */
static int
parse_side(struct flarei *flarei, struct slice text, struct err *err)
{
    const char *where = flarei->coord->where[COORD_SIDE];
    struct index_side_read read =
        index_side_take(text, flarei->map, &flarei->book);

    if (read.why != NULL) {
        return err_set(err, ERR_CORRUPT,
                       "%s: line %u: %s (without this file the index starts, "
                       "but has forgotten which nodes are held down)",
                       where, read.line, read.why);
    }
    if (read.older && flarei->map->version == 0) {
        return err_set(err, ERR_CORRUPT,
                       "%s is missing, and %s says that there was one: put it "
                       "back, or remove both to begin a new cluster",
                       flarei->coord->where[COORD_MAP], where);
    }
    if (read.older) {
        log_warn("%s is of a later map than version %ju: not used", where,
                 (uintmax_t)flarei->map->version);
    }
    return 0;
}

static int
load_part(struct flarei *flarei, enum coord_part part, bool *found,
          struct err *err)
{
    struct buf text = {0};
    int rc = coord_load(flarei->coord, part, &text, found, err);

    if (rc == 0 && *found) {
        rc = part == COORD_MAP ? parse_map(flarei, buf_slice(&text), err)
                               : parse_side(flarei, buf_slice(&text), err);
    }
    buf_fini(&text);
    return rc;
}

int
index_load(struct flarei *flarei, struct err *err)
{
    bool found;
    int rc = load_part(flarei, COORD_MAP, &found, err);

    list_init(&flarei->elections);
    list_init(&flarei->switchovers);
    flarei->book.total = 0;
    if (rc == 0 && !found) {
        flarei->map = cluster_map_new(0);
        if (flarei->map == NULL) {
            rc = err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    return rc == 0 ? load_part(flarei, COORD_SIDE, &found, err) : rc;
}

static int
save_side(struct flarei *flarei, const struct cluster_map *next,
          struct err *err)
{
    struct buf text = {0};
    int rc;

    if (index_side_put(&text, flarei->map, next, &flarei->book)) {
        rc = coord_save(flarei->coord, COORD_SIDE, buf_slice(&text), err);
    } else {
        rc = err_set(err, ERR_NOMEM, "out of memory");
    }
    buf_fini(&text);
    return rc;
}

/*
 * The map comes last: with it the change has happened, and what goes with it is
 * there already, beside what goes with the map before.
 */
static int
make_durable(struct flarei *flarei, const struct cluster_map *map,
             struct err *err)
{
    struct buf text = {0};
    int rc = save_side(flarei, map, err);

    if (rc != 0) {
        return rc;
    }
    if (map_text_put_xml(&text, map)) {
        rc = coord_save(flarei->coord, COORD_MAP, buf_slice(&text), err);
    } else {
        rc = err_set(err, ERR_NOMEM, "out of memory");
    }
    buf_fini(&text);
    return rc;
}

/* A member for each node of the map, and for nobody else. */
static void
follow_map(struct flarei *flarei)
{
    const struct cluster_map *map = flarei->map;
    struct slice key;
    void *value;
    size_t at = 0;

    while (strmap_next(&flarei->members, &at, &key, &value)) {
        if (cluster_map_find(map, key) == NULL) {
            (void)strmap_remove(&flarei->members, key);
            member_free(value);
        }
    }
    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *node = &map->node[i];

        if (strmap_find(&flarei->members, node_key(node)) == NULL) {
            struct member *member = member_new(flarei, node);

            (void)strmap_put(&flarei->members, node_key(node), member);
            member_start(member);
        }
    }
}

static bool
is_same(const struct node *a, const struct node *b)
{
    return a->role == b->role && a->state == b->state &&
           a->partition == b->partition && a->balance == b->balance;
}

static void
log_node(const struct node *was, const struct node *is)
{
    if (was == NULL) {
        log_info("%s: new, %s/%s", is->key, node_role_name(is->role),
                 node_state_name(is->state));
    } else if (is == NULL) {
        log_info("%s: removed", was->key);
    } else if (!is_same(was, is)) {
        log_info("%s: %s/%s partition %d balance %d -> %s/%s partition %d "
                 "balance %d",
                 is->key, node_role_name(was->role),
                 node_state_name(was->state), was->partition, was->balance,
                 node_role_name(is->role), node_state_name(is->state),
                 is->partition, is->balance);
    }
}

static void
log_change(const struct cluster_map *before, const struct cluster_map *after,
           const char *why)
{
    log_info("map version %ju: %s", (uintmax_t)after->version, why);
    for (size_t i = 0; i < before->nnodes; i++) {
        const struct node *was = &before->node[i];

        log_node(was, cluster_map_find(after, node_key(was)));
    }
    for (size_t i = 0; i < after->nnodes; i++) {
        const struct node *is = &after->node[i];

        if (cluster_map_find(before, node_key(is)) == NULL) {
            log_node(NULL, is);
        }
    }
}

static void
log_refusal(const struct index_event *event, const char *why)
{
    static struct log_limit limit;
    unsigned held;

    if (log_limit_pass(&limit, &held)) {
        log_warn("refused for %s:%ju: %s", log_text(event->host).text,
                 (uintmax_t)event->port, why);
    }
}

/* A node that adds itself has a new process, and knows no map so far. */
static void
note_restart(struct flarei *flarei, const struct index_event *event)
{
    struct node name = {0};
    struct member *member;

    if (node_set_name(&name, event->host, event->port)) {
        member = strmap_find(&flarei->members, node_key(&name));
        if (member != NULL) {
            member_restarted(member);
        }
    }
}

/* Enter a change of master; `was` is what it displaces, for strike_out(). */
static void
enter(struct flarei *flarei, const struct index_plan *plan,
      struct index_failover *was)
{
    struct index_book *book = &flarei->book;
    struct index_failover *entry;

    if (plan->failover.version != 0) {
        *was = book->entry[book->total % INDEX_HISTORY];
        entry = index_book_add(book, &plan->failover);
        entry->at = clock_wall();
    }
}

static void
strike_out(struct flarei *flarei, const struct index_plan *plan,
           const struct index_failover *was)
{
    struct index_book *book = &flarei->book;

    if (plan->failover.version != 0) {
        book->total--;
        book->entry[book->total % INDEX_HISTORY] = *was;
    }
}

static bool
save(struct flarei *flarei, const struct index_plan *plan)
{
    struct index_failover was;
    struct err err;

    enter(flarei, plan, &was);
    if (make_durable(flarei, plan->map, &err) == 0) {
        return true;
    }
    strike_out(flarei, plan, &was);
    log_error("not done (%s): %s", plan->why, err.msg);
    return false;
}

/* What the nodes have said of their data. */
static struct index_position *
positions(const struct flarei *flarei, const struct election *election,
          size_t *n)
{
    const struct cluster_map *map = flarei->map;
    struct index_position *all = xcalloc(map->nnodes + 1, sizeof(*all));

    *n = 0;
    for (size_t i = 0; i < map->nnodes; i++) {
        struct slice key = node_key(&map->node[i]);
        const struct member *member = strmap_find(&flarei->members, key);

        if (member->data.copy != NODE_COPY_UNKNOWN) {
            all[(*n)++] = (struct index_position){
                key, member->data, election_is_fresh(election, key)};
        }
    }
    return all;
}

/* How long it takes is known when the new master has acknowledged the map. */
static void
watch_promotion(struct flarei *flarei, const struct index_plan *plan,
                struct mono since)
{
    struct member *member =
        strmap_find(&flarei->members, slice_str(plan->failover.to));

    if (plan->failover.version != 0 && member != NULL) {
        member->promoted_in = plan->failover.version;
        member->promoted_since = since;
    }
}

void
index_acknowledged(struct flarei *flarei, struct member *member)
{
    size_t n = index_book_count(&flarei->book);
    struct err err;

    switchover_acknowledged(flarei, member);
    if (member->promoted_in == 0 || member->acked < member->promoted_in) {
        return;
    }
    while (n > 0) {
        struct index_failover *f = index_book_at(&flarei->book, --n);

        if (f->version == member->promoted_in) {
            f->took_ms =
                mono_ms_between(member->promoted_since, flarei->loop.now);
            log_info("partition %d: %s is its master after %jd ms",
                     f->partition, f->to, (intmax_t)f->took_ms);
            break;
        }
    }
    member->promoted_in = 0;
    if (save_side(flarei, flarei->map, &err) != 0) {
        log_warn("how long it took is not saved: %s", err.msg);
    }
}

static void
log_failover(const struct index_failover *f)
{
    if (f->version == 0) {
        return;
    }
    log_warn("partition %d: master %s (epoch %ju, sequence %ju) -> %s (epoch "
             "%ju, sequence %ju), cause %s %s",
             f->partition, f->from[0] != '\0' ? f->from : "none",
             (uintmax_t)f->from_data.epoch, (uintmax_t)f->from_data.seq,
             f->to[0] != '\0' ? f->to : "none", (uintmax_t)f->to_data.epoch,
             (uintmax_t)f->to_data.seq, index_event_name(f->cause),
             f->cause == INDEX_DOWN ? health_evidence_name(f->evidence) : "");
}

static void
take_into_use(struct flarei *flarei, const struct index_event *event,
              const struct index_plan *plan, struct mono since)
{
    struct cluster_map *before = flarei->map;

    flarei->map = plan->map;
    follow_map(flarei);
    if (event->type == INDEX_ADD) {
        note_restart(flarei, event);
    }
    watch_promotion(flarei, plan, since);
    broadcast_change(flarei, plan);
    log_change(before, plan->map, plan->why);
    log_failover(&plan->failover);
    if (plan->alarm != NULL) {
        log_error("%s:%ju: %s", log_text(event->host).text,
                  (uintmax_t)event->port, plan->alarm);
    }
    cluster_map_unref(before);
}

void
index_decide(struct flarei *flarei, const struct index_event *event,
             const struct election *election, struct mono since,
             struct index_outcome *out)
{
    struct index_event full = *event;
    struct index_plan plan;
    struct index_position *said = positions(flarei, election, &full.npositions);

    full.positions = said;
    out->verdict = index_step(flarei->map, &full, &plan);
    free(said);
    if (out->verdict == INDEX_CHANGED) {
        if (save(flarei, &plan)) {
            take_into_use(flarei, event, &plan, since);
        } else {
            cluster_map_unref(plan.map);
            out->verdict = INDEX_REFUSED;
            plan.explain = false;
        }
    } else if (out->verdict == INDEX_REFUSED) {
        log_refusal(event, plan.why);
    }
    out->why = plan.why;
    out->explain = plan.explain;
}

enum index_verdict
index_apply(struct flarei *flarei, const struct index_event *event)
{
    struct index_outcome out;

    index_decide(flarei, event, NULL, flarei->loop.now, &out);
    return out.verdict;
}

void
index_start(struct flarei *flarei)
{
    broadcast_init(&flarei->broadcast, flarei);
    follow_map(flarei);
}

void
index_stop(struct flarei *flarei)
{
    struct slice key;
    void *value;
    size_t at = 0;

    elections_fini(flarei);
    switchovers_fini(flarei);
    while (strmap_next(&flarei->members, &at, &key, &value)) {
        member_free(value);
    }
    strmap_fini(&flarei->members);
    broadcast_fini(&flarei->broadcast);
    cluster_map_unref(flarei->map);
    flarei->map = NULL;
}
