/*
 * libmemcached's own check of a server, in both protocols.  Without it nothing
 * is tested; MEMCAPABLE names it when it is elsewhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/harness/cluster.h"
#include "test/harness/tool.h"
#include "test/unit/test.h"

enum { PATIENCE_MS = 120000 };

static struct cluster cluster;

static const char *
memcapable(void)
{
    static const char *const places[] = {"/usr/bin/memccapable", /* Debian's */
                                         "/usr/bin/memcapable"};
    const char *path = getenv("MEMCAPABLE");

    for (size_t i = 0; path == NULL && i < COUNT(places); i++) {
        if (access(places[i], X_OK) == 0) {
            path = places[i];
        }
    }
    return path;
}

static int
start(void **state)
{
    (void)state;
    cluster_up(&cluster, 1);
    cluster_make_master(&cluster, 0, 0);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    cluster_abandon(&cluster);
    return 0;
}

static void
run(const char *protocol)
{
    char port[8];
    struct tool tool;

    (void)snprintf(port, sizeof(port), "%u", cluster.nodes[0].port);
    tool_run(&tool, "", PATIENCE_MS,
             (const char *const[]){memcapable(), "-h", "127.0.0.1", "-p", port,
                                   protocol, NULL});
    if (tool.status != 0 || strstr(tool.out, "All tests passed") == NULL) {
        fail_msg("%s ended with %d:\n%s%s", protocol, tool.status, tool.out,
                 tool.err);
    }
    tool_fini(&tool);
}

static void
the_text_protocol_is_capable(void **state)
{
    (void)state;
    run("-a");
}

static void
the_binary_protocol_is_capable(void **state)
{
    (void)state;
    run("-b");
}

static void
the_daemons_end_in_order(void **state)
{
    (void)state;
    cluster_finish(&cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_protocol_is_capable),
        cmocka_unit_test(the_binary_protocol_is_capable),
        cmocka_unit_test(the_daemons_end_in_order),
    };

    if (memcapable() == NULL) {
        return 77;
    }
    return cmocka_run_group_tests_name("integration/memcapable", tests, start,
                                       stop);
}
