/* Commands that change the map. */
#include "cluster/map_text.h"
#include "flarei/cmd.h"
#include "flarei/index.h"
#include "flarei/member.h"

static bool
take_int(struct slice *rest, int *out)
{
    int64_t value;

    if (!slice_i64(slice_word(rest), INT32_MIN, INT32_MAX, &value)) {
        return false;
    }
    *out = (int)value;
    return true;
}

/* Host and port; a port that cannot be one is left for the rules to refuse. */
static bool
take_name(struct slice *rest, struct index_event *event)
{
    int port;

    event->host = slice_word(rest);
    if (event->host.n == 0 || !take_int(rest, &port)) {
        return false;
    }
    event->port = port > 0 ? (uint64_t)port : 0;
    return true;
}

static void
carry_out(struct session *session, const struct index_event *event,
          const char *refused)
{
    enum index_verdict verdict = index_apply(session->flarei, event);

    cmd_answer(session, verdict == INDEX_REFUSED ? refused : "OK");
}

static void
node_add(struct session *session, struct slice rest)
{
    struct index_event event = {.type = INDEX_ADD};
    struct buf *out = session_out(session);

    if (!take_name(&rest, &event) || !cmd_at_end(rest)) {
        cmd_error(session);
        return;
    }
    if (index_apply(session->flarei, &event) == INDEX_REFUSED) {
        cmd_answer(session, "SERVER_ERROR failed to add node");
        return;
    }
    if (!map_text_put_nodes(out, session->flarei->map) ||
        !buf_put_str(out, "END\r\n")) {
        session_end(session);
    }
}

static bool
answers_pings(const struct flarei *flarei, const struct index_event *event)
{
    struct node name = {0};
    const struct member *member;

    if (!node_set_name(&name, event->host, event->port)) {
        return false;
    }
    member = strmap_find(&flarei->members, node_key(&name));
    return member != NULL && member->answers;
}

/* Nothing more, or "force": the operator knows what may be lost. */
static bool
at_end_or_force(struct slice rest, bool *force)
{
    struct slice word = slice_word(&rest);

    *force = slice_eq(word, SLICE("force"));
    return word.n == 0 || (*force && cmd_at_end(rest));
}

static void
node_role(struct session *session, struct slice rest)
{
    const struct flarei *flarei = session->flarei;
    struct index_event event = {
        .type = INDEX_ROLE,
        .balance = -1,
        .partition = NODE_NO_PARTITION,
        .partition_size = (unsigned)flarei->options.partition_size,
    };

    if (!take_name(&rest, &event) ||
        !node_role_parse(slice_word(&rest), &event.role) ||
        (!cmd_at_end(rest) && !take_int(&rest, &event.balance)) ||
        (!cmd_at_end(rest) && !take_int(&rest, &event.partition)) ||
        !at_end_or_force(rest, &event.force)) {
        cmd_error(session);
        return;
    }
    event.answers = answers_pings(flarei, &event);
    carry_out(session, &event, "SERVER_ERROR failed to set role (and balance)");
}

static void
node_state(struct session *session, struct slice rest)
{
    struct index_event event = {.type = INDEX_STATE};

    if (!take_name(&rest, &event) ||
        !node_state_parse(slice_word(&rest), &event.state) ||
        !cmd_at_end(rest)) {
        cmd_error(session);
        return;
    }
    carry_out(session, &event, "SERVER_ERROR failed to set state");
}

static void
node_remove(struct session *session, struct slice rest)
{
    struct index_event event = {.type = INDEX_REMOVE};

    if (!take_name(&rest, &event) || !cmd_at_end(rest)) {
        cmd_error(session);
        return;
    }
    carry_out(session, &event, "SERVER_ERROR failed to remove node");
}

void
cmd_shutdown(struct session *session, struct slice rest)
{
    struct index_event event = {.type = INDEX_SHUTDOWN};

    if (!take_name(&rest, &event) || !cmd_at_end(rest)) {
        cmd_error(session);
        return;
    }
    carry_out(session, &event, "SERVER_ERROR failed to shutdown");
}

void
cmd_node(struct session *session, struct slice rest)
{
    static const struct {
        const char *name;
        void (*run)(struct session *session, struct slice rest);
    } changes[] = {
        {"add", node_add},
        {"remove", node_remove},
        {"role", node_role},
        {"state", node_state},
    };
    struct slice word = slice_word(&rest);

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        if (slice_eq(word, slice_str(changes[i].name))) {
            changes[i].run(session, rest);
            return;
        }
    }
    cmd_error(session);
}
