/* Commands that change the map. */
#include "cluster/map_text.h"
#include "flarei/cmd.h"
#include "flarei/election.h"
#include "flarei/member.h"
#include "flarei/switchover.h"
#include "index/position.h"

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
answer_refusal(struct session *session, const struct index_outcome *out)
{
    if (!out->explain) {
        cmd_answer(session, session->refused);
    } else if (!buf_printf(session_out(session), "%s: %s\r\n", session->refused,
                           out->why)) {
        session_end(session);
    }
}

static void
answer_ok(void *owner, const struct index_outcome *out)
{
    struct session *session = owner;

    session_go_on(session);
    if (out->verdict == INDEX_REFUSED) {
        answer_refusal(session, out);
    } else {
        cmd_answer(session, "OK");
    }
}

static void
answer_map(void *owner, const struct index_outcome *out)
{
    struct session *session = owner;
    struct buf *to = session_out(session);

    session_go_on(session);
    if (out->verdict == INDEX_REFUSED) {
        answer_refusal(session, out);
    } else if (!map_text_put_nodes(to, session->flarei->map) ||
               !buf_put_str(to, "END\r\n")) {
        session_end(session);
    }
}

/* The answer may come later, when nodes had to be asked. */
static void
carry_out(struct session *session, const struct index_event *event,
          const char *refused)
{
    session->refused = refused;
    session->election = election_hold(
        session->flarei, event, session->flarei->loop.now,
        event->type == INDEX_ADD ? answer_map : answer_ok, session);
    if (session_waits(session)) {
        conn_pause(session->conn);
    }
}

/* "host port" and, from our own nodes, what data they have. */
static void
node_add(struct session *session, struct slice rest)
{
    struct index_event event = {.type = INDEX_ADD};

    if (!take_name(&rest, &event) ||
        (!cmd_at_end(rest) &&
         !index_data_parse(rest, &event.data, &event.version))) {
        cmd_error(session);
        return;
    }
    carry_out(session, &event, "SERVER_ERROR failed to add node");
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

/* The slave it names and its master swap roles, without losing a write. */
static void
node_switchover(struct session *session, struct slice rest)
{
    struct index_event event = {.type = INDEX_SWITCHOVER};

    if (!take_name(&rest, &event) || !cmd_at_end(rest)) {
        cmd_error(session);
        return;
    }
    session->refused = "SERVER_ERROR failed to switch over";
    session->switchover =
        switchover_begin(session->flarei, &event, answer_ok, session);
    if (session_waits(session)) {
        conn_pause(session->conn);
    }
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
        {"switchover", node_switchover},
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
