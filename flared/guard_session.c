/* The guard before the commands of a connection. */
#include "flared/guard.h"

#include "base/log.h"
#include "flared/session.h"

static bool
is_from_index(const struct session *session)
{
    struct sock_addr from;

    return sock_peer(session->conn->fd, &from) &&
           guard_is_index(&session->worker->node->guard, &from);
}

/* What only the cluster's own machines have a use for. */
static const bool is_guarded[COMMAND_COUNT] = {
    [COMMAND_DUMP] = true,     [COMMAND_DUMP_KEY] = true, [COMMAND_KILL] = true,
    [COMMAND_MARK] = true,     [COMMAND_NODE] = true,     [COMMAND_REPL] = true,
    [COMMAND_SHUTDOWN] = true,
};

static void
refuse(struct session *session, const struct request *req, const char *hint)
{
    log_warn("%s may not use \"%s\"%s", session->peer,
             command_name(req->command), hint);
    session_line(session, req, "SERVER_ERROR not allowed from your address");
}

bool
guard_refuses(struct session *session, const struct request *req)
{
    if ((!is_guarded[req->command] && !req->from_peer) ||
        is_from_index(session)) {
        return false;
    }
    refuse(session, req, ": its address is not in the option trusted");
    return true;
}

bool
guard_takes_map(struct session *session, const struct request *req)
{
    const struct guard *guard = &session->worker->node->guard;
    int fd = session->conn->fd;
    struct sock_addr from;

    if (is_from_index(session) || trust_is_local(fd) ||
        (!guard->trust->any && sock_peer(fd, &from) &&
         trust_allows(guard->trust, &from))) {
        return true;
    }
    refuse(session, req,
           ": it is no address of an index server that this node knows; if it "
           "is one, name it in the option trusted");
    return false;
}
