/* cluster: processes on this machine, from create to clean. */
#include "test/unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flare-admin/local.h"
#include "test/harness/admin.h"
#include "test/harness/folder.h"

static char *base;
static unsigned port; /* of the first cluster's index */

/* None of the harness's: only for the words that stand for its members. */
static const struct cluster nobody;

/* Below the ports that connections get. */
static bool
block_is_free(unsigned from)
{
    unsigned n = 0;

    while (n < 12 && !local_port_taken(from + n)) {
        n++;
    }
    return n == 12;
}

static int
start(void **state)
{
    (void)state;
    base = folder_make();
    (void)setenv("FLARE_CLUSTER_BASE", base, 1);
    port = 21000 + (unsigned)getpid() % 800 * 12;
    while (!block_is_free(port)) {
        port += 12;
    }
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    (void)system("cd \"$FLARE_CLUSTER_BASE\" && for f in */run/*; do "
                 "test -e $f && kill -9 $(cut -d' ' -f1 $f); done "
                 "2>/dev/null");
    folder_remove(base);
    free(base);
    return 0;
}

#define LS "name:s current:b index:s nodes:n running:n folder:s"

static void
a_cluster_is_made_used_stopped_and_removed(void **state)
{
    const struct tool *t;
    struct client c;
    char path[300];

    (void)state;
    t = admin_run(&nobody, 0, NULL, "cluster create --nodes=2 --port=%u", port);
    admin_has(t->out, "started index on port ");
    admin_has(t->out, "  0  slave active       1\n");
    admin_has(t->out, "export FLARE_INDEX_SERVER=127.0.0.1:");
    client_open(&c, (uint16_t)(port + 2));
    client_talk(&c, "set k 0 0 1 sync\r\nv\r\n", "STORED\r\n");
    client_close(&c);
    t = admin_run(&nobody, 0, NULL, "cluster ls -o json");
    assert_int_equal(admin_json(t->out, LS), 1);
    admin_has(t->out, "\"current\": true");
    admin_has(t->out, "\"running\": 3");
    t = admin_run(&nobody, 1, NULL, "cluster create --nodes=2 --port=%u", port);
    admin_has(t->out, "there is a cluster default in ");

    t = admin_run(&nobody, 0, NULL, "cluster stop");
    admin_has(t->out, "stopped index\n");
    t = admin_run(&nobody, 0, NULL, "cluster ls -o csv");
    admin_has(t->out, ",2,0,");
    (void)admin_run(&nobody, 0, NULL, "cluster start");
    t = admin_run(&nobody, 0, NULL, "cluster start");
    admin_has(t->out, "index runs already\n");
    t = admin_run(&nobody, 0, NULL, "cluster restart");
    admin_has(t->out, "stopped index\nstarted index");
    client_open(&c, (uint16_t)(port + 1));
    client_expect(&c, "k", "v");
    client_close(&c);

    t = admin_run(&nobody, 1, "n\n", "cluster clean");
    admin_has(t->err, "stop the cluster and remove ");
    (void)admin_run(&nobody, 0, NULL, "cluster clean --yes");
    (void)snprintf(path, sizeof(path), "%s/default", base);
    assert_int_equal(access(path, F_OK), -1);
}

static void
several_count_their_ports_up(void **state)
{
    const struct tool *t;
    char line[64];

    (void)state;
    (void)admin_run(&nobody, 0, NULL,
                    "cluster create one --nodes=1 -r 0 --port=%u", port);
    (void)admin_run(&nobody, 0, NULL, "cluster create two --nodes=1 -r 0");
    t = admin_run(&nobody, 0, NULL, "cluster use one");
    (void)snprintf(line, sizeof(line),
                   "export FLARE_INDEX_SERVER=127.0.0.1:%u\n", port);
    assert_string_equal(t->out, line);
    t = admin_run(&nobody, 0, NULL, "cluster use two");
    (void)snprintf(line, sizeof(line),
                   "export FLARE_INDEX_SERVER=127.0.0.1:%u\n", port + 2);
    assert_string_equal(t->out, line);
    t = admin_run(&nobody, 0, NULL, "cluster ls -o json");
    assert_int_equal(admin_json(t->out, LS), 2);
    (void)admin_run(&nobody, 0, NULL, "cluster clean -y one");
    (void)admin_run(&nobody, 0, NULL, "cluster clean -y");
}

static void
what_cannot_be_is_said(void **state)
{
    const struct tool *t;
    struct stat st;

    (void)state;
    (void)admin_run(&nobody, 2, NULL, "cluster");
    (void)admin_run(&nobody, 2, NULL, "cluster fly");
    (void)admin_run(&nobody, 2, NULL, "cluster start a b");
    (void)admin_run(&nobody, 2, NULL, "cluster create --nodes=x");
    t = admin_run(&nobody, 1, NULL, "cluster start nowhere");
    admin_has(t->out, "there is no cluster nowhere in ");
    t = admin_run(&nobody, 1, NULL, "cluster create ../x");
    admin_has(t->out, "'../x' is no name for a cluster");
    t = admin_run(&nobody, 0, NULL, "cluster create -n x");
    admin_has(t->out, "would make ");
    assert_int_equal(stat("x", &st), -1);
    t = admin_run(&nobody, 1, NULL,
                  "cluster create --port=%u --flared=/bin/false", port);
    admin_has(t->out, "it has ended (its log is ");
    admin_has(t->out, "flare-admin cluster clean removes it.");
    (void)admin_run(&nobody, 0, NULL, "cluster clean -y");
}

/* A process that died or is stopped is dealt with, and only our own. */
static void
a_dead_and_a_hanging_process_are_dealt_with(void **state)
{
    const struct tool *t;
    char command[512];

    (void)state;
    (void)admin_run(&nobody, 0, NULL, "cluster create --nodes=2 -r 0 --port=%u",
                    port);
    (void)snprintf(command, sizeof(command),
                   "cd %s/default/run && read dead since <node%u && "
                   "kill -9 $dead && kill -STOP $(cut -d' ' -f1 node%u) && "
                   "timeout 20 sh -c \"while kill -0 $dead; do sleep 0.02; "
                   "done\" 2>/dev/null",
                   base, port + 1, port + 2);
    assert_int_equal(system(command), 0);
    t = admin_run(&nobody, 0, NULL, "cluster start");
    admin_has(t->out, "index runs already\nstarted node");
    t = admin_run(&nobody, 0, NULL, "cluster stop");
    admin_has(t->out, "stopped node");
    t = admin_run(&nobody, 0, NULL, "cluster stop");
    assert_string_equal(t->out, "");
    /* An id that is somebody else's now is left alone. */
    (void)snprintf(command, sizeof(command), "echo %d 1 > %s/default/run/index",
                   (int)getpid(), base);
    assert_int_equal(system(command), 0);
    t = admin_run(&nobody, 0, NULL, "cluster stop");
    assert_string_equal(t->out, "");
    (void)admin_run(&nobody, 0, NULL, "cluster clean -y");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_cluster_is_made_used_stopped_and_removed),
        CASE(several_count_their_ports_up),
        CASE(what_cannot_be_is_said),
        CASE(a_dead_and_a_hanging_process_are_dealt_with),
    };
    return cmocka_run_group_tests_name("flare-admin: local clusters", tests,
                                       NULL, NULL);
}
