/* flare-stats: the numbers of all nodes of a flare cluster. */
#include "tool/stats.h"
#include "tool/tool.h"

int
main(int argc, char **argv)
{
    return tool_run("flare-stats", "flare-stats", &tool_stats, argc - 1,
                    argv + 1);
}
