#include "flarei/cmd.h"

#include <string.h>

#include "base/log.h"
#include "flarei/server.h"
#include "proto/reply.h"

void
cmd_answer(struct session *session, const char *text)
{
    if (!reply_line(session_out(session), text)) {
        session_end(session); /* out of memory: no answer is a clear one */
    }
}

void
cmd_error(struct session *session)
{
    cmd_answer(session, "ERROR");
}

bool
cmd_at_end(struct slice rest)
{
    return slice_word(&rest).n == 0;
}

static void
cmd_ping(struct session *session, struct slice rest)
{
    cmd_answer(session, cmd_at_end(rest) ? "OK" : "ERROR");
}

static void
cmd_version(struct session *session, struct slice rest)
{
    cmd_answer(session,
               cmd_at_end(rest) ? "VERSION " PACKAGE_VERSION : "ERROR");
}

/* The last two are ours: a flare 1.3.4 node skips what it does not know. */
static void
cmd_meta(struct session *session, struct slice rest)
{
    const struct flarei_options *o = &session->flarei->options;

    if (!cmd_at_end(rest)) {
        cmd_error(session);
        return;
    }
    if (!buf_printf(session_out(session),
                    "META partition-size %ju\r\n"
                    "META key-hash-algorithm %s\r\n"
                    "META partition-type %s\r\n"
                    "META partition-modular-hint %ju\r\n"
                    "META partition-modular-virtual %ju\r\n"
                    "META monitor-interval-ms %ju\r\n"
                    "META monitor-threshold %ju\r\n"
                    "END\r\n",
                    (uintmax_t)o->partition_size, o->key_hash_algorithm,
                    o->partition_type, (uintmax_t)o->partition_modular_hint,
                    (uintmax_t)o->partition_modular_virtual,
                    (uintmax_t)flarei_options_interval_ms(o),
                    (uintmax_t)o->monitor_threshold)) {
        session_end(session);
    }
}

static void
cmd_verbosity(struct session *session, struct slice rest)
{
    bool quiet = false;
    struct slice word;
    int64_t level;

    if (!slice_i64(slice_word(&rest), INT32_MIN, INT32_MAX, &level)) {
        cmd_error(session);
        return;
    }
    while ((word = slice_word(&rest)).n > 0) {
        if (slice_eq(word, SLICE("noreply"))) {
            quiet = true;
        } else if (!slice_eq(word, SLICE("async"))) {
            cmd_error(session);
            return;
        }
    }
    if (!quiet) {
        cmd_answer(session, "OK");
    }
}

static void
cmd_quit(struct session *session, struct slice rest)
{
    if (cmd_at_end(rest)) {
        session_end(session);
    }
}

/* Ends connections of clients; what watches the nodes cannot be ended. */
static void
cmd_kill(struct session *session, struct slice rest)
{
    struct session *other = NULL;
    int64_t id;

    if (!slice_i64(slice_word(&rest), INT64_MIN, INT64_MAX, &id) ||
        !cmd_at_end(rest)) {
        cmd_error(session);
        return;
    }
    do {
        other = server_next(session->flarei->server, other);
    } while (other != NULL && (id < 0 || other->id != (uint64_t)id));
    if (other == NULL) {
        cmd_answer(session, "CLIENT_ERROR thread not found");
        return;
    }
    cmd_answer(session, "OK");
    session_end(other);
}

static const struct {
    const char *name;
    void (*run)(struct session *session, struct slice rest);
    bool changes; /* for those who are trusted */
} commands[] = {
    {"kill", cmd_kill, true},
    {"meta", cmd_meta, false},
    {"node", cmd_node, true},
    {"ping", cmd_ping, false},
    {"quit", cmd_quit, false},
    {"show", cmd_show, false},
    {"shutdown", cmd_shutdown, true},
    {"stats", cmd_stats, false},
    {"verbosity", cmd_verbosity, false},
    {"version", cmd_version, false},
};

/* Peers may put the way they came in front: "<host:port,...>ping". */
static bool
drop_prefix(struct slice *line)
{
    struct slice rest = *line;

    while (rest.n > 0 && *rest.p == ' ') {
        rest.p++;
        rest.n--;
    }
    if (rest.n == 0 || *rest.p != '<') {
        return true;
    }
    if (memchr(rest.p, '>', rest.n) == NULL) {
        return false;
    }
    (void)slice_until(&rest, '>');
    *line = rest;
    return true;
}

static void
refuse_stranger(struct session *session)
{
    log_warn("%s may not use \"%s\": its address is not in the option trusted",
             session->peer, session->op);
    cmd_answer(session, "SERVER_ERROR not allowed from your address");
}

void
cmd_run(struct session *session, struct slice line)
{
    struct slice word;

    if (!drop_prefix(&line)) {
        cmd_error(session);
        return;
    }
    word = slice_word(&line);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (!slice_eq(word, slice_str(commands[i].name))) {
            continue;
        }
        memcpy(session->op, commands[i].name, strlen(commands[i].name) + 1);
        if (commands[i].changes && !session->trusted) {
            refuse_stranger(session);
        } else {
            commands[i].run(session, line);
        }
        return;
    }
    cmd_error(session);
}
