/* ping: do these daemons answer? */
#include <string.h>

#include "flare-admin/admin.h"
#include "flare-admin/commands.h"

enum { PAUSE_MS = 1000 };

static bool
check_words(struct tool *tool, int nwords, char **words)
{
    for (int i = 0; i < nwords; i++) {
        struct target target;

        if (target_parse(words[i], &target) != TARGET_OK ||
            target.nfields != 2) {
            output_error(&tool->out,
                         "invalid argument '%s'. it must be hostname:port.",
                         words[i]);
            return false;
        }
        if (!target_resolves(target.host)) {
            output_error(&tool->out, "unknown host '%s'", target.host);
            return false;
        }
    }
    return true;
}

static bool
ping_once(struct tool *tool, const struct target *target)
{
    struct server server;
    bool answers;

    if (!server_open(&server, tool, target->host, target->port, true)) {
        return false;
    }
    answers = server_command(&server, "ping");
    server_close(&server);
    return answers;
}

static bool
ping(struct tool *tool, const struct target *target)
{
    while (!ping_once(tool, target)) {
        if (!tool->options.wait) {
            output_error(&tool->out, "%s is down", target->key);
            return false;
        }
        if (!prompt_pause(PAUSE_MS)) {
            output_error(&tool->out, "INTERRUPTED");
            return false;
        }
    }
    return true;
}

static int
run_ping(struct tool *tool, int nwords, char **words)
{
    if (!check_words(tool, nwords, words)) {
        return STATUS_NG;
    }
    for (int i = 0; i < nwords; i++) {
        struct target target;

        (void)target_parse(words[i], &target);
        if (!ping(tool, &target)) {
            return STATUS_NG;
        }
    }
    output_info(&tool->out, "alive");
    return STATUS_OK;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_FLAG("wait", 0, wait, "wait for OK responses from nodes"),
};
/* clang-format on */

const struct subcommand cmd_ping = {
    .name = "ping",
    .usage = "[hostname:port] ...",
    .summary = "ping specified nodes.",
    .about = "Does every one of these daemons answer, index server or node? "
             "Prints alive. With --wait it goes on trying until they do.",
    .example = "flare-admin ping index1:12120 node1:12121",
    .complete = "node",
    .flags = SUB_CLASSIC,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_ping,
};
