#include "flared/cmd.h"

#include "flared/forward.h"
#include "flared/meta_reply.h"
#include "proto/reply.h"

static const char io_error[] = "SERVER_ERROR i/o error";

/* --- where to ---------------------------------------------------------------
 *
 * The marks that decide who wins are the master's, and so are h and l: what
 * may change them or shows them goes there.  A plain mg goes where a get goes;
 * only when it meets a stale item that nobody fetches yet, the master has to
 * say who shall.
 */

/* False: the request was passed on, or refused. */
static bool
is_mine(struct session *session, const struct request *req, struct route route)
{
    if (route.kind == ROUTE_LOCAL) {
        return true;
    }
    if (route.kind == ROUTE_FORWARD && !cmd_goes_round(session, req)) {
        forward_meta(session, req, route.to);
    } else {
        cmd_refuse_route(session, req, route.kind);
    }
    return false;
}

static bool
is_mine_to_write(struct session *session, const struct request *req,
                 struct slice key)
{
    const struct cluster_view *view = session->worker->view;
    struct route route = {ROUTE_NO_PARTITION, -1, NULL};

    if (view != NULL) {
        route = cluster_route_write(view, keyhash(view->hash, key), false);
    }
    return is_mine(session, req, route);
}

static bool
is_mine_to_read(struct session *session, const struct request *req,
                struct slice key)
{
    return is_mine(session, req, cmd_route_read(session, req, key));
}

static void
answer(struct session *session, struct buf *out, const struct request *req,
       const struct meta_result *result)
{
    if (!meta_reply(out, req, result, session->worker->loop.wall)) {
        session_fail(session, "out of memory");
    }
}

/* --- mg ----------------------------------------------------------------------
 */

static void
count_get(struct metrics *m, const struct request *req, bool hit)
{
    if (hit && meta_has(req, 'T')) {
        metric_add(m, METRIC_CMD_TOUCH, 1);
        metric_add(m, METRIC_TOUCH_HITS, 1);
        return;
    }
    metric_add(m, METRIC_CMD_GET, 1);
    metric_add(m, hit ? METRIC_GET_HITS : METRIC_GET_MISSES, 1);
}

/* What h and l show is how it was before this request. */
static void
note_access(struct worker *worker, const struct request *req, struct slice key,
            struct meta_result *r, bool created)
{
    struct access *access = &worker->node->access;

    if (created) {
        access_stored(access, key, worker->loop.wall);
    }
    if (meta_has(req, 'h') || meta_has(req, 'l')) {
        r->seen =
            access_find(access, key, worker->node->started, worker->loop.wall);
    }
    if (!meta_has(req, 'u')) {
        access_fetched(access, key, worker->loop.wall);
    }
}

/* True when T stands before the other letter. */
static bool
comes_first(struct slice flags, char letter)
{
    struct slice flag = request_flag(&flags);

    while (flag.n > 0 && *flag.p != 'T' && *flag.p != letter) {
        flag = request_flag(&flags);
    }
    return flag.n > 0 && *flag.p == 'T';
}

static void
fill_times(const struct request *req, struct wall now, struct change *change,
           struct change_meta *meta)
{
    meta->has_expire = meta_has(req, 'T');
    meta->has_vivify = meta_has(req, 'N');
    meta->has_recache = meta_has(req, 'R');
    meta->has_unique = meta_has(req, 'E');
    meta->unique = req->meta.unique;
    meta->touch_first = comes_first(req->meta.flags, 'R');
    change->expire = item_expire_at(req->meta.ttl, now);
    meta->vivify_expire = item_expire_at(req->meta.vivify, now);
    meta->recache_expire = item_expire_at(req->meta.recache, now);
    if (req->command != COMMAND_MS && meta->has_expire &&
        !comes_first(req->meta.flags, 'N')) {
        meta->vivify_expire = change->expire;
    }
}

static void
get_and_change(struct session *session, const struct request *req,
               struct slice key)
{
    struct worker *worker = session->worker;
    struct change_meta meta = {.op = META_GET};
    struct change change = {.op = CHANGE_META, .key = key, .meta = &meta};
    struct meta_result r = {.code = REPLY_CODE_HD};
    struct outcome outcome;

    fill_times(req, worker->loop.wall, &change, &meta);
    store_apply(worker->node->store, &change, worker->loop.wall,
                &worker->scratch, &outcome);
    if (outcome.answer == CHANGE_FAILED) {
        session_line(session, req, io_error);
        return;
    }
    if (outcome.answer == CHANGE_NOT_FOUND) {
        r.code = REPLY_CODE_EN;
    } else {
        r.item = outcome.item;
        r.was_expire = outcome.created ? 0 : outcome.was_expire;
        r.sent = !outcome.created && (outcome.marks & MARK_WON) != 0;
        r.stale = !outcome.created && (outcome.marks & MARK_STALE) != 0;
        r.won = outcome.won;
        r.created = outcome.created;
        note_access(worker, req, key, &r, outcome.created);
    }
    if (outcome.created) {
        metric_add(&worker->metrics, METRIC_TOTAL_ITEMS, 1);
    }
    count_get(&worker->metrics, req, r.code == REPLY_CODE_HD);
    answer(session,
           cmd_gated_answer(session, req, outcome.changed ? outcome.seq : 0),
           req, &r);
}

/* False: it takes a change to answer. */
static bool
get_only(struct session *session, const struct request *req, struct slice key)
{
    struct worker *worker = session->worker;
    struct meta_result r = {.code = REPLY_CODE_HD};
    unsigned marks;

    switch (store_get(worker->node->store, key, worker->loop.wall,
                      &worker->scratch, &r.item)) {
    case STORE_OK:
        marks = store_marks(worker->node->store, key, r.item.version);
        if (marks == MARK_STALE) {
            return false;
        }
        r.stale = (marks & MARK_STALE) != 0;
        r.sent = (marks & MARK_WON) != 0;
        r.was_expire = r.item.expire;
        note_access(worker, req, key, &r, false);
        break;
    case STORE_MISS:
        r.code = REPLY_CODE_EN;
        break;
    case STORE_ERROR:
        session_line(session, req, io_error);
        return true;
    }
    count_get(&worker->metrics, req, r.code == REPLY_CODE_HD);
    answer(session, session_answer(session), req, &r);
    return true;
}

void
cmd_meta_get(struct session *session, const struct request *req)
{
    static const uint64_t changing =
        META_FLAG('N') | META_FLAG('R') | META_FLAG('T');
    static const uint64_t masters = META_FLAG('h') | META_FLAG('l');
    char room[PROTO_KEY_MAX];
    const struct slice key = meta_key(req, room);
    const uint64_t has = req->meta.has;

    if ((has & (changing | masters)) == 0) {
        if (!is_mine_to_read(session, req, key) ||
            get_only(session, req, key)) {
            return;
        }
    }
    if ((has & changing) != 0) {
        cmd_note_write(session, req);
    }
    if (!is_mine_to_write(session, req, key) || !cmd_may_change(session, req)) {
        return;
    }
    if ((has & changing) != 0 || !get_only(session, req, key)) {
        get_and_change(session, req, key);
    }
}

/* --- ms md ma ------------------------------------------------------------- */

static void
fill_change(const struct request *req, struct wall now, struct change *change,
            struct change_meta *meta)
{
    fill_times(req, now, change, meta);
    meta->mode = req->meta.mode;
    meta->has_compare = meta_has(req, 'C');
    meta->compare = req->meta.compare;
    meta->has_flags = meta_has(req, 'F');
    meta->invalidate = meta_has(req, 'I');
    meta->clear = meta_has(req, 'x');
    meta->initial = req->meta.initial;
    change->value = req->value;
    change->flags = req->meta.client_flags;
    change->delta = req->meta.delta;
    if (req->command == COMMAND_MS) {
        meta->op = META_SET;
        if (meta->mode == '\0') {
            meta->mode = 'S';
        }
        if (meta->mode == 'S' && !meta->has_compare && !meta->has_unique) {
            change->op = CHANGE_SET; /* no need to look at the old one */
        }
    } else if (req->command == COMMAND_MD) {
        meta->op = META_DELETE;
    } else {
        meta->op = META_ARITH;
        meta->mode = meta->mode == 'D' || meta->mode == '-' ? 'D' : 'I';
    }
}

/* The answer's code; ERROR where it has a text of its own, in *line. */
static enum reply_code
code_of(enum change_answer change, const char **line)
{
    switch (change) {
    case CHANGE_STORED:
    case CHANGE_DELETED:
    case CHANGE_TOUCHED:
    case CHANGE_NUMBER:
        return REPLY_CODE_HD;
    case CHANGE_NOT_STORED:
        return REPLY_CODE_NS;
    case CHANGE_EXISTS:
        return REPLY_CODE_EX;
    case CHANGE_NOT_FOUND:
        return REPLY_CODE_NF;
    case CHANGE_NON_NUMERIC:
        *line = "CLIENT_ERROR cannot increment or decrement non-numeric value";
        return REPLY_CODE_ERROR;
    case CHANGE_TOO_LARGE:
        *line = "SERVER_ERROR object too large for cache";
        return REPLY_CODE_ERROR;
    case CHANGE_FAILED:
        break;
    }
    *line = io_error;
    return REPLY_CODE_ERROR;
}

static void
count_set(struct metrics *m, const struct request *req, enum reply_code code)
{
    metric_add(m, METRIC_CMD_SET, 1);
    if (code == REPLY_CODE_HD) {
        metric_add(m, METRIC_TOTAL_ITEMS, 1);
    }
    if (code == REPLY_CODE_EX) {
        metric_add(m, METRIC_CAS_BADVAL, 1);
    } else if (code == REPLY_CODE_NF) {
        metric_add(m, METRIC_CAS_MISSES, 1);
    } else if (code == REPLY_CODE_HD && meta_has(req, 'C')) {
        metric_add(m, METRIC_CAS_HITS, 1);
    }
}

static void
count_arith(struct metrics *m, bool up, enum reply_code code, bool created)
{
    if (created) {
        metric_add(m, METRIC_TOTAL_ITEMS, 1);
    } else if (code == REPLY_CODE_NF) {
        metric_add(m, up ? METRIC_INCR_MISSES : METRIC_DECR_MISSES, 1);
    } else if (code == REPLY_CODE_HD) {
        metric_add(m, up ? METRIC_INCR_HITS : METRIC_DECR_HITS, 1);
    }
}

static void
count_change(struct metrics *m, const struct request *req,
             const struct change_meta *meta, enum reply_code code, bool created)
{
    if (req->command == COMMAND_MS) {
        count_set(m, req, code);
    } else if (req->command == COMMAND_MA) {
        count_arith(m, meta->mode != 'D', code, created);
    } else if (code == REPLY_CODE_HD && !meta->invalidate && !meta->clear) {
        metric_add(m, METRIC_DELETE_HITS, 1);
    } else if (code == REPLY_CODE_NF || code == REPLY_CODE_EX) {
        metric_add(m, METRIC_DELETE_MISSES, 1);
    }
}

static void
note_change(struct worker *worker, const struct request *req, struct slice key,
            const struct outcome *outcome)
{
    if (outcome->changed && (req->command == COMMAND_MS || outcome->created)) {
        access_stored(&worker->node->access, key, worker->loop.wall);
    }
}

void
cmd_meta_change(struct session *session, const struct request *req)
{
    struct worker *worker = session->worker;
    char room[PROTO_KEY_MAX];
    struct change_meta meta = {.op = META_SET};
    struct change change = {
        .op = CHANGE_META,
        .key = meta_key(req, room),
        .meta = &meta,
    };
    struct meta_result r = {.code = REPLY_CODE_HD};
    struct outcome outcome;
    const char *line = NULL;
    struct buf *out;

    cmd_note_write(session, req);
    if (!is_mine_to_write(session, req, change.key) ||
        !cmd_may_change(session, req)) {
        return;
    }
    fill_change(req, worker->loop.wall, &change, &meta);
    store_apply(worker->node->store, &change, worker->loop.wall,
                &worker->scratch, &outcome);
    r.code = code_of(outcome.answer, &line);
    r.item = outcome.item;
    r.was_expire = outcome.created ? 0 : outcome.was_expire;
    r.created = outcome.created;
    r.number = outcome.number;
    r.has_number = req->command == COMMAND_MA;
    count_change(&worker->metrics, req, &meta, r.code, outcome.created);
    note_change(worker, req, change.key, &outcome);
    if (line != NULL) {
        session_line(session, req, line);
        return;
    }
    out = cmd_gated_answer(session, req, outcome.changed ? outcome.seq : 0);
    answer(session, out, req, &r);
}

/* --- me mn mark
 * --------------------------------------------------------------
 */

void
cmd_meta_debug(struct session *session, const struct request *req)
{
    struct worker *worker = session->worker;
    char room[PROTO_KEY_MAX];
    const struct slice key = meta_key(req, room);
    struct meta_result r = {.code = REPLY_CODE_HD};

    if (!is_mine_to_write(session, req, key)) {
        return;
    }
    metric_add(&worker->metrics, METRIC_CMD_META, 1);
    switch (store_get(worker->node->store, key, worker->loop.wall,
                      &worker->scratch, &r.item)) {
    case STORE_OK:
        r.seen = access_find(&worker->node->access, key, worker->node->started,
                             worker->loop.wall);
        if (!meta_reply_debug(session_answer(session), req, &r,
                              ITEM_HEADER + key.n + r.item.value.n,
                              worker->loop.wall)) {
            session_fail(session, "out of memory");
        }
        return;
    case STORE_MISS:
        session_line(session, req, "EN");
        return;
    case STORE_ERROR:
        break;
    }
    session_line(session, req, io_error);
}

void
cmd_meta_noop(struct session *session, const struct request *req)
{
    session_line(session, req, "MN");
}

/*
 * From the master: a mark that nobody but a copy of it has use for.  Who is
 * not yet a copy by its own map is told again.
 */
void
cmd_mark(struct session *session, const struct request *req)
{
    struct worker *worker = session->worker;
    const struct cluster_view *view = worker->view;

    if (cmd_is_from_master(session, req)) {
        bool ok = store_mark(worker->node->store, req->key, req->version,
                             (unsigned)req->number);

        session_line(session, req, ok ? "OK" : io_error);
    } else if (view != NULL && view->self != NULL &&
               view->self->role == NODE_MASTER) {
        session_line(session, req, "OK");
    } else {
        session_line(session, req, "SERVER_ERROR no copy of that master");
    }
}
