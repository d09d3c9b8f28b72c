/* The meta commands over several nodes and over restarts. */
#include "test/unit/test.h"

#include <stdio.h>
#include <string.h>

#include "test/harness/cluster.h"
#include "test/harness/wait.h"

static struct cluster cluster;

static int
stop(void **state)
{
    (void)state;
    cluster_abandon(&cluster);
    return 0;
}

static void
a_stale_item_stays_stale_over_restarts(void **state)
{
    struct client c;

    (void)state;
    cluster_up(&cluster, 1);
    cluster_make_master(&cluster, 0, 0);
    client_open(&c, cluster.nodes[0].port);
    client_talk(&c,
                "ms s 1\r\nx\r\nms w 1\r\nx\r\nms f 1\r\nx\r\n"
                "md s I\r\nmd w I\r\nmd f I\r\nmg w\r\nms f 1\r\ny\r\n",
                "HD\r\nHD\r\nHD\r\nHD\r\nHD\r\nHD\r\nHD X W\r\nHD\r\n");
    for (int round = 0; round < 2; round++) {
        if (round == 0) {
            process_kill(&cluster.nodes[0].process);
        } else {
            client_talk(&c, "ms h 1\r\nx\r\nmg h\r\nms u 1\r\nx\r\n",
                        "HD\r\nHD\r\nHD\r\n");
            process_stop(&cluster.nodes[0].process);
        }
        client_close(&c);
        cluster_start_node(&cluster, 0);
        cluster_wait_state(&cluster, 0, "master active 0 1");
        cluster_settle(&cluster);
        client_open(&c, cluster.nodes[0].port);
        client_talk(&c, "mg w v\r\nmg f v\r\n",
                    "VA 1 Z X\r\nx\r\nVA 1\r\ny\r\n");
    }
    client_talk(&c, "mg h h\r\nmg u h\r\n", "HD h1\r\nHD h0\r\n");
    client_talk(&c, "mg s v\r\nmg s v\r\n",
                "VA 1 X W\r\nx\r\nVA 1 Z X\r\nx\r\n");
    client_close(&c);
    cluster_finish(&cluster);
}

/* Any node will do, and quiet ones leave nothing out of order. */
static void
the_effect_is_the_same_through_a_proxy(void **state)
{
    struct client proxy, master;

    (void)state;
    cluster_up(&cluster, 2);
    cluster_make_master(&cluster, 0, 0);
    client_open(&master, cluster.nodes[0].port);
    client_open(&proxy, cluster.nodes[1].port);
    client_talk(&proxy,
                "mg k v q\r\nmg k v\r\nms k 1 T100 q\r\nx\r\nmg k v t O1\r\n"
                "get k\r\nmd k I q\r\nmn\r\nmg k k\r\nmg k q\r\nget k\r\n"
                "ma n N0 J5 v\r\nma n q\r\nma n v D2\r\nms k 2 MA\r\nyz\r\n"
                "mg k v s\r\nmd k q\r\nmd k\r\nms k 1 !\r\nx\r\nmn\r\n"
                "ms eA== 1 b k\r\nx\r\nget x\r\nmg eA== b k v\r\n",
                "EN\r\nVA 1 t100 O1\r\nx\r\nVALUE k 0 1\r\nx\r\nEND\r\nMN\r\n"
                "HD kk X W\r\nHD Z X\r\nVALUE k 0 1\r\nx\r\nEND\r\n"
                "VA 1\r\n5\r\nVA 1\r\n8\r\nHD\r\nVA 3 s3\r\nxyz\r\nNF\r\n"
                "CLIENT_ERROR invalid flag\r\nMN\r\nHD keA== b\r\n"
                "VALUE x 0 1\r\nx\r\nEND\r\nVA 1 keA== b\r\nx\r\n");
    client_talk(&proxy, "ms k 1\r\nx\r\nmd k I\r\n", "HD\r\nHD\r\n");
    client_talk(&master, "mg k\r\nmg k\r\n", "HD X W\r\nHD Z X\r\n");
    client_talk(&proxy, "mg k\r\n", "HD Z X\r\n");
    client_close(&proxy);
    client_close(&master);
    cluster_finish(&cluster);
}

static bool
slave_has_it_all(void *arg)
{
    struct client c;
    bool done;

    (void)arg;
    client_open(&c, cluster.nodes[1].port);
    done = strcmp(client_ask(&c, "mg last\r\n"), "HD") == 0;
    client_close(&c);
    return done;
}

/* What a slave has when its master is gone: before it came, and after. */
static void
marks_reach_the_slave(void **state)
{
    struct client c;

    (void)state;
    cluster_up(&cluster, 2);
    cluster_make_master(&cluster, 0, 0);
    client_open(&c, cluster.nodes[0].port);
    client_talk(&c, "ms early 1\r\nx\r\nmd early I\r\nmg early\r\n",
                "HD\r\nHD\r\nHD X W\r\n");
    cluster_make_slave(&cluster, 1, 0);
    client_talk(&c,
                "ms late 1\r\nx\r\nmd late I\r\nms won 1 T50\r\nx\r\n"
                "mg won R100\r\nms n 1\r\n5\r\nmd n I\r\nincr n 1\r\n"
                "mg new N30\r\nms last 1\r\nx\r\n",
                "HD\r\nHD\r\nHD\r\nHD W\r\nHD\r\nHD\r\n6\r\nHD W\r\nHD\r\n");
    client_close(&c);
    wait_for(slave_has_it_all, NULL, WAIT_MS, "the slave has all");
    process_kill(&cluster.nodes[0].process);
    cluster_wait_state(&cluster, 1, "master active 0 1");
    client_open(&c, cluster.nodes[1].port);
    client_talk(&c, "mg early\r\nmg late\r\nmg won\r\nmg n v\r\nmg new\r\n",
                "HD Z X\r\nHD X W\r\nHD Z\r\nVA 1 X W\r\n6\r\nHD Z\r\n");
    client_close(&c);
    cluster_start_node(&cluster, 0);
    cluster_settle(&cluster);
    cluster_finish(&cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_stale_item_stays_stale_over_restarts, stop),
        cmocka_unit_test_teardown(the_effect_is_the_same_through_a_proxy, stop),
        cmocka_unit_test_teardown(marks_reach_the_slave, stop),
    };
    return cmocka_run_group_tests_name("meta commands", tests, NULL, NULL);
}
