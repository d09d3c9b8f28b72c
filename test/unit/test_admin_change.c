/* flare-admin changing a cluster that does as it is told. */
#include "test/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/unit/fake_cluster.h"

static struct fake fake;
static struct fake_result got;

static int
start(void **state)
{
    (void)state;
    (void)unsetenv("FLARE_INDEX_SERVER");
    (void)unsetenv("FLARE_INDEX_SERVERS");
    fake_start(&fake, 3);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    fake_stop(&fake);
    return 0;
}

static void
set_node(int i, const char *role, const char *state, int partition, int balance)
{
    fake.node[i].role = role;
    fake.node[i].state = state;
    fake.node[i].partition = partition;
    fake.node[i].balance = balance;
}

static void
run(const char *words, const char *input)
{
    fake_run(&fake, "flare-admin", words, input, &got);
}

static void
expect(int status, const char *out, const char *err)
{
    assert_string_equal(got.out, out);
    assert_string_equal(got.err, err);
    assert_int_equal(got.status, status);
}

static void
expect_wire(const char *wire)
{
    assert_string_equal(fake.wire, wire);
}

#define HEAD                                                                   \
    "node                             partition   role  state balance\n"
#define ROW1 "127.0.0.1:NODE1                          "
#define ROW2 "127.0.0.1:NODE2                          "
#define WARNING                                                                \
    "\nitems stored in the node will be cleaned up (exec flush_all) before "   \
    "constructing it"

static void
master_makes_the_first_partition_at_once(void **state)
{
    (void)state;
    fake.node[0].items = 7;
    run("master -i %I --force %1:1:0", NULL);
    expect(0,
           "executed flush_all command before constructing the master node.\n"
           "started constructing the master node...\n"
           "state is ready -> stop waiting\n" HEAD ROW1
           "0 master active       1\n",
           "0 (role = master, state = active) [ETA: n/a sec (elapsed = 0 "
           "sec)]\n");
    expect_wire("INDEX stats nodes\nNODE1 stats nodes\nNODE1 flush_all\n"
                "INDEX node role 127.0.0.1 NODE1 master 1 0\n"
                "INDEX stats nodes\nNODE1 stats\nINDEX stats nodes\n");
}

static void
master_with_activate_asks_twice(void **state)
{
    (void)state;
    set_node(0, "master", "active", 0, 1);
    fake.build_steps = 2;
    run("master -i %I --activate %2:1:1", "Y\ny\n");
    expect(0,
           "executed flush_all command before constructing the master node.\n"
           "started constructing the master node...\n"
           "state is ready -> stop waiting\n" HEAD ROW2
           "1 master active       1\n",
           "making the node master (node=127.0.0.1:NODE2, role=proxy -> "
           "master)" WARNING " (y/n): "
           "0 (role = master, state = prepare) [ETA: n/a sec (elapsed = 0 "
           "sec)]\n"
           "0 (role = master, state = ready) [ETA: n/a sec (elapsed = 1 "
           "sec)]\n"
           "changing node's state (node=127.0.0.1:NODE2, state=ready -> "
           "active) (y/n): ");
}

static void
master_refused_by_the_index_is_tried_again(void **state)
{
    (void)state;
    fake.refuse_roles = true;
    run("master -i %I --force --retry=2 --without-clean %1:1:3", NULL);
    expect(1,
           "Failed command. server=[Flare::Tools::IndexServer] sent=[node "
           "role 127.0.0.1 NODE1 master 1 3\r\n] result=[SERVER_ERROR failed "
           "to set role (and balance)]\n"
           "waiting 1 sec...\nretrying...\n"
           "Failed command. server=[Flare::Tools::IndexServer] sent=[node "
           "role 127.0.0.1 NODE1 master 1 3\r\n] result=[SERVER_ERROR failed "
           "to set role (and balance)]\n"
           "waiting 2 sec...\nretrying...\n"
           "failed to change the state.\n",
           "");
}

static void
master_empties_no_node_that_it_may_not_change(void **state)
{
    static const struct {
        const char *words;
        int status;
        const char *out;
    } cases[] = {
        {"master --force 127.0.0.1:1:1:0 -i %I", 1,
         "unknown host: 127.0.0.1:1\n"},
        {"master --force -i %I %2:1:1", 1, "127.0.0.1:NODE2 is not a proxy.\n"},
        {"master --force -i %I %3:1:0", 1,
         "the partiton already has a master 127.0.0.1:NODE1.\n"},
        {"master --force -i %I %1:1:1", 1,
         "no need to change the role of 127.0.0.1:NODE1.\n"},
        {"master --force -i %I %1:1:0", 0,
         "no need to change the role of 127.0.0.1:NODE1.\n" HEAD ROW1
         "0 master active       1\n"},
        {"master -i %I %1:0:0", 1, "invalid balance '127.0.0.1:NODE1:0:0'.\n"},
        {"master -i %I %1:1", 1, "invalid argument '127.0.0.1:NODE1:1'.\n"},
        {"master -i %I a:b:1:1", 1, "invalid nodekey 'a:b:1:1'.\n"},
    };

    (void)state;
    set_node(0, "master", "active", 0, 1);
    set_node(1, "slave", "active", 0, 1);
    for (size_t i = 0; i < COUNT(cases); i++) {
        run(cases[i].words, NULL);
        expect(cases[i].status, cases[i].out, "");
        assert_null(strstr(fake.wire, "flush_all"));
        assert_null(strstr(fake.wire, "node role"));
    }
}

static void
a_node_that_thinks_it_is_master_is_not_emptied(void **state)
{
    (void)state;
    set_node(1, "master", "active", 0, 1);
    fake.node[0].believes = "master";
    run("slave -i %I --force %1:1:0", NULL);
    expect(1,
           "127.0.0.1:NODE1 has not heard yet that it is a proxy; its data was "
           "left alone. Try again later.\n",
           "executing flush_all failed.\n");
    assert_null(strstr(fake.wire, "flush_all"));
}

static void
slave_copies_and_then_gets_its_balance(void **state)
{
    (void)state;
    set_node(0, "master", "active", 0, 1);
    fake.node[0].items = 20000;
    fake.build_steps = 2;
    run("slave -i %I --force %2:1:0", NULL);
    expect(0,
           "executed flush_all command before constructing the slave node.\n"
           "started constructing slave node...\n"
           "state is active -> stop waiting\n" HEAD ROW2
           "0  slave active       1\n",
           "0/20000 (role = slave, state = prepare) [ETA: n/a sec (elapsed = "
           "0 sec)]\n"
           "0/20000 (role = slave, state = active) [ETA: n/a sec (elapsed = "
           "1 sec)]\n");
    expect_wire("INDEX stats nodes\nNODE2 stats nodes\nNODE2 flush_all\n"
                "INDEX node role 127.0.0.1 NODE2 slave 0 0\n"
                "INDEX stats nodes\nNODE1 stats\nNODE2 stats\n"
                "INDEX stats nodes\nNODE1 stats\nNODE2 stats\n"
                "INDEX node role 127.0.0.1 NODE2 slave 1 0\n"
                "INDEX stats nodes\n");
}

static void
slave_that_falls_back_to_proxy_is_reported(void **state)
{
    (void)state;
    set_node(0, "master", "active", 0, 1);
    fake.build_fails = true;
    run("slave -i %I --force %2:1:0", NULL);
    expect(1,
           "executed flush_all command before constructing the slave node.\n"
           "started constructing slave node...\n"
           "127.0.0.1:NODE2 has become a proxy: the copy failed.\n"
           "It serves nothing now; the rest of the cluster goes on as before. "
           "Once it is an active proxy, try again with: flare-admin slave "
           "127.0.0.1:NODE2:1:0\n",
           "");
}

static void
slave_that_does_not_move_is_left_alone(void **state)
{
    (void)state;
    set_node(0, "master", "active", 0, 1);
    fake.build_steps = 0;
    run("slave -i %I --force --stall-timeout=1 %2:1:0", NULL);
    assert_int_equal(got.status, 1);
    assert_non_null(strstr(got.out, "nothing moves any more.\n"));
    assert_non_null(strstr(got.out, "127.0.0.1:NODE2 goes on by itself"));
}

static void
an_end_of_input_is_a_no_with_status_1(void **state)
{
    (void)state;
    set_node(0, "master", "active", 0, 1);
    run("slave -i %I %2:1:0", "");
    assert_string_equal(got.err,
                        "making node slave (node=127.0.0.1:NODE2, role=proxy "
                        "-> slave)" WARNING " (y/n): \n");
    assert_int_equal(got.status, 1);
    assert_null(strstr(fake.wire, "flush_all"));
    run("slave -i %I %2:1:0", "n\n");
    assert_int_equal(got.status, 0);
    assert_null(strstr(fake.wire, "flush_all"));
}

static void
down_activate_and_balance_ask_and_tell(void **state)
{
    (void)state;
    set_node(0, "master", "active", 0, 1);
    set_node(1, "slave", "active", 0, 1);
    fake.come_back = false;
    run("balance -i %I %2:3", "y\n");
    expect(0, HEAD ROW2 "0  slave active       3\n",
           "updating node balance (node=127.0.0.1:NODE2, balance=1 -> 3) "
           "(y/n): ");
    expect_wire("INDEX stats nodes\n"
                "INDEX node role 127.0.0.1 NODE2 slave 3 0\n"
                "INDEX stats nodes\n");
    run("balance -i %I %2:3", NULL);
    expect(0, HEAD ROW2 "0  slave active       3\n",
           "no need to change the balance of 127.0.0.1:NODE2.\n");
    run("down -i %I %2", "y\n");
    expect(0, HEAD ROW2 "-  proxy   down       0\n\n",
           "turning node down (node=127.0.0.1:NODE2, state=active -> down) "
           "(y/n): ");
    run("down -i %I --force %2", NULL);
    expect(0,
           "127.0.0.1:NODE2 is already down.\n" HEAD ROW2
           "-  proxy   down       0\n\n",
           "");
    run("activate -i %I %2", "y\n");
    expect(0, HEAD ROW2 "-  proxy active       0\n",
           "turning node up (node=127.0.0.1:NODE2, state=down -> activate) "
           "(y/n): ");
    fake.refuse_states = true;
    run("down -i %I --force %2", NULL);
    assert_int_equal(got.status, 1);
}

static void
remove_takes_only_dead_proxies(void **state)
{
    (void)state;
    fake.node[1].exists = false;
    run("remove -i %I %3", NULL);
    expect(1,
           "node should role=proxy and state=down. (node=127.0.0.1:NODE3 "
           "role=proxy state=active)\n",
           "");
    fake.node[2].state = "down";
    run("remove -i %I --force --dry-run %3", NULL);
    assert_int_equal(got.status, 0);
    run("remove -i %I %3", "y\n");
    expect(0,
           "removing 127.0.0.1:NODE3.\n\n" HEAD ROW1
           "-  proxy active       0\n\n",
           "remove the node from a cluster (node=127.0.0.1:NODE3, role=proxy, "
           "state=down) (y/n): ");
    run("remove -i %I %3", NULL);
    assert_int_equal(got.status, 1);
    assert_int_equal(
        strncmp(got.out, "node not found in cluster. (node=127.0.0.1:NODE3)\n",
                50),
        0);
}

static void
reconstruct_of_a_master_hands_its_role_on(void **state)
{
    (void)state;
    set_node(0, "master", "active", 0, 1);
    set_node(1, "slave", "active", 0, 1);
    set_node(2, "slave", "active", 0, 1);
    run("reconstruct -i %I %1", "h\ny\ny\n");
    expect(0,
           HEAD ROW1
           "0 master active       1\n\n"
           "y: execute, n: skip, a: execute all the left nodes, q: quit, h: "
           "help\n"
           "turning down...\nwaiting for node to be active again...\n"
           "started constructing node...\n"
           "state is active -> stop waiting\n"
           "changing node's balance (node=127.0.0.1:NODE1, balance=0 -> 1) "
           "(y/n): done.\n" HEAD ROW1 "0  slave active       1\n\n",
           "reconstructing node (node=127.0.0.1:NODE1, role=master) "
           "(y/n/a/q/h:help): "
           "reconstructing node (node=127.0.0.1:NODE1, role=master) "
           "(y/n/a/q/h:help): "
           "0/0 (role = slave, state = active) [ETA: n/a sec (elapsed = 0 "
           "sec)]\n");
}

static void
reconstruct_refuses_what_would_lose_data(void **state)
{
    (void)state;
    set_node(0, "master", "active", 0, 1);
    set_node(1, "slave", "active", 0, 1);
    run("reconstruct -i %I --force %1", NULL);
    expect(1,
           HEAD ROW1
           "0 master active       1\n\n"
           "The partition needs one more slave to reconstruct 127.0.0.1:NODE1 "
           "safely.\n" HEAD ROW1 "0 master active       1\n\n",
           "");
    run("reconstruct -i %I --force --all", NULL);
    assert_int_equal(got.status, 1);
    assert_null(strstr(fake.wire, "node state"));
    run("reconstruct -i %I --force %3", NULL);
    assert_non_null(
        strstr(got.out, "127.0.0.1:NODE3 is not reconstructable.\n"));
    assert_int_equal(got.status, 1);
    run("reconstruct -i %I --all %1", NULL);
    expect(1, "don't specify any nodes with --all option.\n", "");
    run("reconstruct -i %I --unsafe %2", "q\n");
    assert_non_null(strstr(got.out, "you are trying to reconstruct "
                                    "127.0.0.1:NODE2 without redanduncy.\n"));
    assert_int_equal(got.status, 0);
    assert_null(strstr(fake.wire, "node state"));
}

static void
reconstruct_stops_when_the_node_does_not_come_back(void **state)
{
    (void)state;
    set_node(0, "master", "active", 0, 1);
    set_node(1, "slave", "active", 0, 2);
    set_node(2, "slave", "active", 0, 1);
    fake.refuse_roles = true;
    run("reconstruct -i %I --force --retry=1 %2", NULL);
    assert_int_equal(got.status, 1);
    assert_non_null(strstr(got.out,
                           "127.0.0.1:NODE2 is a proxy now and serves no data; "
                           "its partition is served by the others. When it is "
                           "active, go on with: flare-admin slave "
                           "127.0.0.1:NODE2:2:0\n"));
}

static void
an_interrupt_at_a_question_changes_nothing(void **state)
{
    (void)state;
    set_node(0, "master", "active", 0, 1);
    fake.interrupt_in = 1;
    run("down -i %I %1", NULL);
    expect(1, "INTERRUPTED\n127.0.0.1:NODE1 is left as it is.\n",
           "turning node down (node=127.0.0.1:NODE1, state=active -> down) "
           "(y/n): \n");
    expect_wire("INDEX stats nodes\n");
}

static void
an_interrupted_wait_says_what_goes_on(void **state)
{
    (void)state;
    set_node(0, "master", "active", 0, 1);
    fake.build_steps = 100;
    fake.interrupt_in = 2;
    run("slave -i %I --force %2:1:0", NULL);
    expect(1,
           "executed flush_all command before constructing the slave node.\n"
           "started constructing slave node...\n"
           "INTERRUPTED\n"
           "127.0.0.1:NODE2 goes on by itself (role = slave, state = prepare, "
           "partition = 0) and the cluster serves without it; see flare-admin "
           "list.\n"
           "When it is active, give it its share of the reads with flare-admin "
           "balance. To start over: flare-admin down, then flare-admin slave "
           "127.0.0.1:NODE2:1:0\n",
           "0/0 (role = slave, state = prepare) [ETA: n/a sec (elapsed = 0 "
           "sec)]\n");
}

static void
an_interrupt_in_the_all_mode_asks_again_from_the_next_node(void **state)
{
    (void)state;
    set_node(0, "master", "active", 0, 1);
    set_node(1, "slave", "active", 0, 1);
    set_node(2, "slave", "active", 0, 1);
    fake.build_steps = 3;
    fake.interrupt_in = 4;
    run("reconstruct -i %I --unsafe %2 %3", "a\nq\n");
    assert_non_null(strstr(got.out, "INTERRUPTED\n127.0.0.1:NODE2 goes on by "
                                    "itself"));
    assert_non_null(strstr(got.err, "reconstructing node "
                                    "(node=127.0.0.1:NODE3, role=slave) "
                                    "(y/n/a/q/h:help): "));
    assert_null(strstr(fake.wire, "NODE3 flush_all"));
    assert_int_equal(got.status, 1);
}

static void
a_dry_run_decides_as_the_index_would_and_changes_nothing(void **state)
{
    (void)state;
    set_node(0, "master", "active", 0, 1);
    fake.node[0].items = 1000;
    run("slave -i %I --force --dry-run %2:1:0", NULL);
    assert_int_equal(got.status, 0);
    assert_string_equal(
        got.out,
        "Dry run: nothing was changed. The map would be:\n" HEAD
        "127.0.0.1:NODE1                          0 master active       1\n"
        "127.0.0.1:NODE2                          0  slave active       1\n"
        "127.0.0.1:NODE3                          -  proxy active       0\n"
        "127.0.0.1:NODE2 would be emptied.\n"
        "To be copied, about:\n"
        "node            from            keys bytes\n"
        "127.0.0.1:NODE2 127.0.0.1:NODE1 1000     0\n");
    assert_null(strstr(fake.wire, "flush_all"));
    assert_null(strstr(fake.wire, "node role"));
    run("master -i %I -y -n -o csv %2:1:1 %3:1:2", NULL);
    assert_int_equal(got.status, 1); /* one at a time, without --activate */
    assert_non_null(strstr(got.err, "would refuse this: partitions are "
                                    "numbered without a gap."));
    run("master -i %I -y -n -o csv --activate %3:1:1", NULL);
    assert_int_equal(got.status, 0);
    assert_string_equal(got.out, "node,partition,role,state,balance\n"
                                 "127.0.0.1:NODE1,0,master,active,1\n"
                                 "127.0.0.1:NODE3,1,master,active,1\n"
                                 "127.0.0.1:NODE2,,proxy,active,0\n");
    run("down -i %I -y -n %1", NULL);
    assert_int_equal(got.status, 0);
    assert_non_null(strstr(got.out, "  0 master   down       1\n"));
    run("reconstruct -i %I -y -n --unsafe %1", NULL);
    assert_int_equal(got.status, 1);
    assert_non_null(strstr(got.out, " is not reconstructable.\n"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_dry_run_decides_as_the_index_would_and_changes_nothing),
        CASE(master_makes_the_first_partition_at_once),
        CASE(master_with_activate_asks_twice),
        CASE(master_refused_by_the_index_is_tried_again),
        CASE(master_empties_no_node_that_it_may_not_change),
        CASE(a_node_that_thinks_it_is_master_is_not_emptied),
        CASE(slave_copies_and_then_gets_its_balance),
        CASE(slave_that_falls_back_to_proxy_is_reported),
        CASE(slave_that_does_not_move_is_left_alone),
        CASE(an_end_of_input_is_a_no_with_status_1),
        CASE(down_activate_and_balance_ask_and_tell),
        CASE(remove_takes_only_dead_proxies),
        CASE(reconstruct_of_a_master_hands_its_role_on),
        CASE(reconstruct_refuses_what_would_lose_data),
        CASE(reconstruct_stops_when_the_node_does_not_come_back),
        CASE(an_interrupt_at_a_question_changes_nothing),
        CASE(an_interrupted_wait_says_what_goes_on),
        CASE(an_interrupt_in_the_all_mode_asks_again_from_the_next_node),
    };
    return cmocka_run_group_tests_name("flare-admin: changing", tests, NULL,
                                       NULL);
}
