/* flare-stats: the numbers of all nodes of a flare cluster. */
#include <stdlib.h>
#include <string.h>

#include "flare-stats/watch.h"
#include "tool/stats.h"

static int
run(struct tool *tool, int nwords, char **words)
{
    if (!tool->options.watch) {
        return tool_stats.run(tool, nwords, words);
    }
    if (!stats_check_words(tool, nwords, words)) {
        return tool_misuse(tool);
    }
    if (tool->options.interval == 0) {
        tool->options.interval = 1;
    }
    return tool_open_index(tool, nwords, words) ? watch_run(tool, nwords, words)
                                                : EXIT_FAILURE;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_STATS_ROWS,
    TOOL_FLAG("watch", 'W', watch,
              "a live view that fills the terminal; also \"flare-stats top\""),
};
/* clang-format on */

static const struct subcommand stats = {
    .name = "stats",
    .usage = "[top] [hostname:port] ...",
    .summary = "show the statistics of a flare cluster.",
    .about = "Numbers of all nodes, or of the named ones, once, --count times, "
             "or live. A node that does not answer has empty cells.",
    .example = "flare-stats --qps --count=10\nflare-stats top -w 2",
    .complete = "node",
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run,
};

int
main(int argc, char **argv)
{
    static char watch[] = "--watch";

    if (argc > 1 && strcmp(argv[1], "top") == 0) {
        argv[1] = watch;
    }
    return tool_run("flare-stats", "flare-stats", &stats, argc - 1, argv + 1);
}
