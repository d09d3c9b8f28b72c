/*
 * The conversations in transcripts/: plain-* with memcached, with a node and
 * with a proxy in front of it; node-* with the node and the proxy; local-*
 * with the node alone.
 */
#include "test/unit/test.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test/harness/cluster.h"
#include "test/harness/folder.h"
#include "test/harness/wait.h"
#include "test/integration/transcript.h"

static struct cluster cluster;
static struct process memcached;
static char *memcached_folder;

static void
run_all(const char *kind, uint16_t port)
{
    const char *top = getenv("top_srcdir");
    char pattern[512];
    glob_t found;

    (void)snprintf(pattern, sizeof(pattern),
                   "%s/test/integration/transcripts/%s-*.t",
                   top != NULL ? top : ".", kind);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        transcript_run(found.gl_pathv[i], port);
    }
    globfree(&found);
}

static bool
listens(void *arg)
{
    return stat_of(*(uint16_t *)arg, "pid") > 0;
}

static void
memcached_agrees_with_what_plain_clients_are_promised(void **state)
{
    static const char *const path = "/usr/bin/memcached";
    struct cluster ports;
    char port[8], log[300];
    uint16_t number;

    (void)state;
    if (access(path, X_OK) != 0) {
        skip();
    }
    cluster_init(&ports, 0);
    number = ports.index.port;
    memcached_folder = folder_make();
    (void)snprintf(log, sizeof(log), "%s/log", memcached_folder);
    (void)snprintf(port, sizeof(port), "%u", number);
    process_start(&memcached, "memcached", log,
                  (const char *const[]){path, "-u", "root", "-U", "0", "-l",
                                        "127.0.0.1", "-p", port, NULL},
                  false);
    wait_for(listens, &number, WAIT_MS, "memcached to listen");
    run_all("plain", number);
    process_signal(&memcached, 15);
    (void)process_wait(&memcached, WAIT_MS);
    folder_remove(memcached_folder);
    free(memcached_folder);
    cluster_finish(&ports);
}

static int
start(void **state)
{
    (void)state;
    cluster_up(&cluster, 2);
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
a_master_answers_as_written(void **state)
{
    (void)state;
    run_all("plain", cluster.nodes[0].port);
    run_all("node", cluster.nodes[0].port);
    run_all("local", cluster.nodes[0].port);
}

static void
a_proxy_answers_as_the_master_does(void **state)
{
    (void)state;
    run_all("plain", cluster.nodes[1].port);
    run_all("node", cluster.nodes[1].port);
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
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(memcached_agrees_with_what_plain_clients_are_promised),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_master_answers_as_written),
        cmocka_unit_test(a_proxy_answers_as_the_master_does),
        cmocka_unit_test(the_daemons_end_in_order),
    };

    return cmocka_run_group_tests_name("integration/memcached", alone, NULL,
                                       NULL) +
           cmocka_run_group_tests_name("integration/transcripts", tests, start,
                                       stop);
}
