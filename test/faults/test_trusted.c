/* Who may give orders, told apart by address: each is on a host of its own. */
#include "test/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "test/faults/wire.h"
#include "test/harness/client.h"
#include "test/harness/folder.h"
#include "test/harness/process.h"
#include "test/harness/tool.h"
#include "test/harness/wait.h"

enum { INDEX, NODE, STRANGER, PLACES, PORT = 12120 };

#define REFUSED "SERVER_ERROR not allowed from your address\r\n"

static struct wire *wire;
static struct process processes[2];
static char *folder;

static void
start(int place, const char *program, const char **args)
{
    char *log = xasprintf("%s/%s.log", folder, program);

    args[0] = tool_path(program);
    wire_enter(wire, (size_t)place);
    process_start(&processes[place], program, log, args, true);
    wire_leave(wire);
    process_wait_ready(&processes[place]);
    free(log);
}

static void
open_from(int place, struct client *c, int to)
{
    wire_enter(wire, (size_t)place);
    client_open_at(c, wire_address(wire, (size_t)to), PORT);
    wire_leave(wire);
}

static void
talk(int from, int to, const char *request, const char *answer)
{
    struct client c;

    open_from(from, &c, to);
    client_talk(&c, request, answer);
    client_close(&c);
}

static bool
is_registered(void *arg)
{
    struct client c;
    bool known;

    (void)arg;
    open_from(STRANGER, &c, INDEX);
    known = strncmp(client_ask(&c, "stats nodes\r\n"), "STAT", 4) == 0;
    client_close(&c);
    return known;
}

static bool
has_a_map(void *arg)
{
    struct client c;
    int64_t version;

    (void)arg;
    open_from(STRANGER, &c, NODE);
    version = client_stat(&c, "", "node_map_version");
    client_close(&c);
    return version > 0;
}

static void
start_index(void)
{
    char *data = xasprintf("%s/index", folder);
    const char *args[] = {NULL,
                          "--data-dir",
                          data,
                          "--server-name",
                          wire_address(wire, INDEX),
                          "--server-port",
                          "12120",
                          "--trusted",
                          wire_address(wire, NODE),
                          NULL};

    start(INDEX, "flarei", args);
    free(data);
}

static void
start_node(void)
{
    char *data = xasprintf("%s/node", folder);
    const char *args[] = {NULL,
                          "--data-dir",
                          data,
                          "--server-name",
                          wire_address(wire, NODE),
                          "--server-port",
                          "12120",
                          "--index-server-name",
                          wire_address(wire, INDEX),
                          "--index-server-port",
                          "12120",
                          "--trusted",
                          "192.0.2.1",
                          NULL};

    start(NODE, "flared", args);
    free(data);
}

static void
orders_are_taken_from_the_cluster_only(void **state)
{
    const char *missing = NULL;
    char *order;

    (void)state;
    (void)wire_claim_rights();
    wire = wire_new(PLACES, 1, &missing);
    if (!wire_has_faults(wire)) {
        print_message("hosts share an address here: %s\n", missing);
        wire_free(wire);
        return;
    }
    folder = folder_make();
    start_index();
    start_node();
    order = xasprintf("node role %s %d master 1 0\r\n",
                      wire_address(wire, NODE), PORT);
    talk(STRANGER, INDEX, order, REFUSED);
    talk(STRANGER, INDEX, "kill 1\r\n", REFUSED);
    talk(STRANGER, INDEX, "ping\r\n", "OK\r\n");
    wait_for(is_registered, NULL, WAIT_MS, "the node has registered");
    talk(NODE, INDEX, order, "OK\r\n");
    wait_for(has_a_map, NULL, WAIT_MS, "a map from the index");
    talk(STRANGER, NODE, "node sync 99\r\nEND\r\n", REFUSED);
    talk(STRANGER, NODE, "dump\r\n", REFUSED);
    talk(STRANGER, NODE, "<10.0.0.1:1>set k 0 0 1 7\r\nx\r\n", REFUSED);
    talk(STRANGER, NODE, "set k 0 0 1\r\nx\r\n", "STORED\r\n");
    talk(INDEX, NODE, "dump\r\n", "VALUE k 0 1 1 0\r\nx\r\nEND\r\n");
    talk(INDEX, NODE, "node sync 1\r\nEND\r\n",
         "SERVER_ERROR node sync error\r\n"); /* older: but not refused */
    free(order);
    process_stop(&processes[NODE]);
    process_stop(&processes[INDEX]);
    wire_free(wire);
    folder_remove(folder);
    free(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_taken_from_the_cluster_only),
    };

    return cmocka_run_group_tests_name("faults/trusted", tests, NULL, NULL);
}
