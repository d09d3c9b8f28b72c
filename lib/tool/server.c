#include "tool/server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/prompt.h"
#include "peer/ask.h"
#include "tool/tool.h"

enum { CONNECT_MS = 1000, CLOSE_MS = 1000, LOOK_UP_MS = 500 };

static bool
debugging(const struct server *server)
{
    return server->tool->options.debug;
}

/* The connection is of no further use; say why unless nobody wants to know. */
static bool
lost(struct server *server, struct slice command, bool timed_out,
     const struct err *err)
{
    ask_close(server->ask);
    server->ask = NULL;
    if (server->quiet) {
        return false;
    }
    if (timed_out) {
        output_error(&server->tool->out,
                     "Connection timeout. server=[%s:%u] command=[%.*s\r\n}]",
                     server->host, (unsigned)server->port, (int)command.n,
                     command.p);
    } else {
        output_error(&server->tool->out, "%s", err->msg);
    }
    return false;
}

static bool
timed_out(const struct server *server, struct mono since)
{
    int64_t limit = (int64_t)server->tool->options.timeout * 1000;

    return limit > 0 && mono_ms_between(since, clock_mono()) >= limit;
}

static bool
next(struct server *server, struct slice command, enum reply_expect expect,
     struct reply *reply)
{
    struct mono since = clock_mono();
    struct err err;

    if (ask_next(server->ask, expect, reply, &err) != 0) {
        return lost(server, command, timed_out(server, since), &err);
    }
    if (debugging(server)) {
        output_info(&server->tool->out, "<-- %.*s", (int)reply->line.n,
                    reply->line.p);
    }
    return true;
}

static bool
send_line(struct server *server, struct slice command)
{
    struct buf line = {0};
    struct mono since = clock_mono();
    struct err err;
    int rc;

    if (debugging(server)) {
        output_info(&server->tool->out, "--> server=[%s:%u] cmd=[%.*s]",
                    server->host, (unsigned)server->port, (int)command.n,
                    command.p);
    }
    (void)(buf_put_slice(&line, command) && buf_put_str(&line, "\r\n"));
    rc = ask_send(server->ask, buf_slice(&line), &err);
    buf_fini(&line);
    return rc == 0 || lost(server, command, timed_out(server, since), &err);
}

static bool
connect_again(struct server *server, bool brief)
{
    struct err err;
    struct reply reply;

    if (ask_open(&server->ask, server->host, server->port, CONNECT_MS, &err) ==
        0) {
        ask_set_timeout(server->ask,
                        (int64_t)server->tool->options.timeout * 1000);
        if (send_line(server, SLICE("version")) &&
            next(server, SLICE("version"), EXPECT_LINE, &reply)) {
            return true;
        }
        err.msg[0] = '\0';
    }
    if (!server->quiet) {
        output_error(&server->tool->out, "failed to open %s:%u.", server->host,
                     (unsigned)server->port);
        if (!brief && err.msg[0] != '\0') {
            output_error(&server->tool->out, "%s", err.msg);
        }
    }
    return false;
}

bool
server_open(struct server *server, struct tool *tool, const char *host,
            uint16_t port, bool brief)
{
    *server = (struct server){.tool = tool, .port = port};
    (void)snprintf(server->host, sizeof(server->host), "%s", host);
    return connect_again(server, brief);
}

bool
server_open_quietly(struct server *server, struct tool *tool, const char *host,
                    uint16_t port)
{
    *server = (struct server){.tool = tool, .port = port, .quiet = true};
    (void)snprintf(server->host, sizeof(server->host), "%s", host);
    return connect_again(server, true);
}

void
server_close(struct server *server)
{
    struct reply reply;
    struct err unused;

    if (server->ask == NULL) {
        return;
    }
    ask_set_timeout(server->ask, CLOSE_MS);
    server->quiet = true;
    if (send_line(server, SLICE("quit"))) {
        (void)ask_next(server->ask, EXPECT_LINE, &reply, &unused);
    }
    ask_close(server->ask);
    server->ask = NULL;
}

static bool
say_refused(const struct server *server, struct slice command,
            const struct reply *reply)
{
    if (!server->quiet) {
        output_error(&server->tool->out,
                     "Failed command. server=[Flare::Tools::%s] "
                     "sent=[%.*s\r\n] result=[%.*s]",
                     server->is_index ? "IndexServer" : "Node", (int)command.n,
                     command.p, (int)reply->line.n, reply->line.p);
    }
    return false;
}

bool
server_command(struct server *server, const char *fmt, ...)
{
    char text[NODE_HOST_MAX + 128];
    struct slice command;
    struct reply reply;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    command = slice_str(text);
    if ((server->ask == NULL && !connect_again(server, false)) ||
        !send_line(server, command) ||
        !next(server, command, EXPECT_LINE, &reply)) {
        return false;
    }
    if (reply_is_error(&reply)) {
        return say_refused(server, command, &reply);
    }
    return reply.code != REPLY_CODE_EXISTS;
}

bool
server_send(struct server *server, struct slice bytes)
{
    struct mono since = clock_mono();
    struct err err;

    if (server->ask == NULL && !connect_again(server, false)) {
        return false;
    }
    if (ask_send(server->ask, bytes, &err) != 0) {
        struct slice line = slice_until(&bytes, '\r');

        return lost(server, line, timed_out(server, since), &err);
    }
    return true;
}

enum server_piece
server_next(struct server *server, enum reply_expect expect, struct reply *out)
{
    struct err err = {.code = ERR_NONE};
    enum server_piece result = SERVER_LOST;
    int rc;

    ask_set_timeout(server->ask, LOOK_UP_MS);
    do {
        rc = ask_next(server->ask, expect, out, &err);
        if (!prompt_go_on()) {
            result = SERVER_INTERRUPTED;
        }
    } while (rc != 0 && err.sys == ETIMEDOUT && result != SERVER_INTERRUPTED);
    if (rc == 0 && result != SERVER_INTERRUPTED) {
        ask_set_timeout(server->ask,
                        (int64_t)server->tool->options.timeout * 1000);
        return SERVER_PIECE;
    }
    if (result == SERVER_INTERRUPTED) {
        ask_close(server->ask);
        server->ask = NULL;
    } else {
        (void)lost(server, SLICE(""), false, &err);
    }
    return result;
}

static bool
hand_out(const struct reply *reply, server_stat_fn *each, void *arg)
{
    struct slice rest = reply->line;
    struct slice name;

    (void)slice_until(&rest, ' '); /* STAT */
    name = slice_until(&rest, ' ');
    return each(arg, name, rest);
}

bool
server_stats(struct server *server, const char *command, server_stat_fn *each,
             void *arg)
{
    struct slice sent = slice_str(command);
    struct reply reply;
    bool ok = true;

    if ((server->ask == NULL && !connect_again(server, false)) ||
        !send_line(server, sent)) {
        return false;
    }
    do {
        if (!next(server, sent, EXPECT_LINES, &reply)) {
            return false;
        }
        if (reply.kind == REPLY_ITEM) {
            ok = ok && hand_out(&reply, each, arg);
        }
    } while (!reply.last);
    if (reply_is_error(&reply)) {
        return say_refused(server, sent, &reply);
    }
    return ok;
}

struct wanted {
    struct slice name;
    uint64_t number;
    bool found;
};

static bool
take_wanted(void *arg, struct slice name, struct slice value)
{
    struct wanted *wanted = arg;

    if (slice_eq(name, wanted->name)) {
        wanted->found = slice_u64(value, UINT64_MAX, &wanted->number);
    }
    return true;
}

bool
server_stat_number(struct server *server, const char *name, uint64_t *value)
{
    struct wanted wanted = {.name = slice_str(name)};

    if (!server_stats(server, "stats", take_wanted, &wanted) || !wanted.found) {
        return false;
    }
    *value = wanted.number;
    return true;
}
