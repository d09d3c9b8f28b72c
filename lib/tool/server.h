/*
 * server: a tool's conversation with one daemon.
 *
 * Everything that goes wrong is said where it happens, through the tool's log;
 * callers see success or failure.  A lost connection is opened again by the
 * next request.
 */
#ifndef FLARE_TOOL_SERVER_H
#define FLARE_TOOL_SERVER_H

#include <stdbool.h>

#include "cluster/node.h"
#include "proto/reply_parse.h"

struct ask;
struct tool;

struct server {
    struct tool *tool;
    struct ask *ask; /* NULL: not connected */
    bool is_index;
    bool quiet; /* say nothing of failures */
    char host[NODE_HOST_MAX + 1];
    uint16_t port;
};

/*
 * Connect (one second at most) and exchange versions.  Failure is said as
 * "failed to open HOST:PORT." and, unless brief, why.
 */
bool server_open(struct server *server, struct tool *tool, const char *host,
                 uint16_t port, bool brief);

/* The same without a word. */
bool server_open_quietly(struct server *server, struct tool *tool,
                         const char *host, uint16_t port);

/* Say quit, wait a second at most for the end, close. */
void server_close(struct server *server);

/* A command with an answer of one line; true when that is no error. */
bool server_command(struct server *server, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A line "STAT name value": value is the rest, maybe empty. */
typedef bool server_stat_fn(void *arg, struct slice name, struct slice value);

/*
 * A command with an answer of STAT lines.  False: it failed, or each() did,
 * which has said why then.
 */
bool server_stats(struct server *server, const char *command,
                  server_stat_fn *each, void *arg);

/*
 * Long answers: send a line, then take pieces until one is the last.  There is
 * no time limit, but an interrupt (cli/prompt.h) ends the wait.  SERVER_LOST
 * was said, unless the server is quiet.
 */
enum server_piece {
    SERVER_PIECE,       /* *out is one, and lives until the next call */
    SERVER_LOST,        /* the connection is of no further use */
    SERVER_INTERRUPTED, /* likewise, as the rest of the answer is unread */
};
bool server_send(struct server *server, struct slice bytes);
enum server_piece server_next(struct server *server, enum reply_expect expect,
                              struct reply *out);

/* One number out of "stats"; false when it is not there. */
bool server_stat_number(struct server *server, const char *name,
                        uint64_t *value);

#endif
