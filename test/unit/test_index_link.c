/* The index is a script; membership is a fake that keeps what it was told. */
#include "test/unit/other_side.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "flared/index_link.h"
#include "flared/membership.h"

#define ME "127.0.0.1 12121"
#define ADD "node add " ME " data -1 0 0 0 empty 0"

static struct {
    struct flared *node;
    struct timer tick;
    struct other index, second;
    char first[512]; /* the list membership_first() was given */
    unsigned firsts;
    unsigned fell_back; /* membership_fall_back() was called */
    bool left;
    char folder[64];
} t;

void
membership_fall_back(struct membership *membership)
{
    (void)membership;
    t.fell_back++;
}

struct cluster_view *
membership_view(struct membership *membership)
{
    (void)membership;
    return NULL;
}

enum sync_verdict
membership_first(struct membership *membership, struct slice lines)
{
    (void)membership;
    assert_true(lines.n < sizeof(t.first));
    memcpy(t.first, lines.p, lines.n);
    t.first[lines.n] = '\0';
    t.firsts++;
    return SYNC_OK;
}

static char nowhere[] = "/nonexistent";

static void
open_store(void)
{
    struct store_options options = {
        .type = "mem", .lock_stripes = 8, .tombstones = 64, .value_max = 1024};
    struct err err;

    (void)snprintf(t.folder, sizeof(t.folder), "/tmp/flare-link-XXXXXX");
    assert_non_null(mkdtemp(t.folder));
    options.data_dir = t.folder;
    assert_int_equal(store_open(&t.node->store, &options, &err), 0);
}

static void
close_store(void)
{
    AUTO_FREE char *remove = xasprintf("rm -rf %s", t.folder);
    struct err err;

    assert_int_equal(store_close(t.node->store, &err), 0);
    assert_int_equal(system(remove), 0);
}

static int
set_up(void **state)
{
    struct flared_options *o;
    struct err err;

    (void)state;
    memset(&t, 0, sizeof(t));
    log_set_level(LOG_LEVEL_ERROR);
    t.node = xcalloc(1, sizeof(*t.node));
    open_store();
    assert_int_equal(loop_init(&t.node->control, &err), 0);
    timer_init(&t.tick, &t.node->control, net_tick);
    timer_every(&t.tick, 5);
    other_listen(&t.index, &t.node->control, 0);
    other_listen(&t.second, &t.node->control, 0);
    o = &t.node->options;
    o->data_dir = nowhere;
    o->server_name = xstrdup("127.0.0.1");
    o->server_port = 0; /* any; this one it was: */
    (void)snprintf(t.node->self, sizeof(t.node->self), "127.0.0.1:12121");
    o->index_servers =
        xasprintf("127.0.0.1:%u,127.0.0.1:%u", t.index.port, t.second.port);
    t.node->index_link = index_link_new(t.node);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    index_link_free(t.node->index_link);
    timer_fini(&t.tick);
    loop_fini(&t.node->control);
    other_leave(&t.index);
    other_leave(&t.second);
    partition_table_free(t.node->meta.table);
    close_store();
    free(t.node->options.server_name);
    free(t.node->options.index_servers);
    free(t.node);
    return 0;
}

#define META                                                                   \
    "META partition-size 64\r\nMETA key-hash-algorithm crc32\r\n"              \
    "META partition-type modular\r\nMETA partition-modular-hint 2\r\n"         \
    "META partition-modular-virtual 512\r\nMETA later-invention 5\r\nEND\r\n"
#define LIST "NODE 127.0.0.1 12121 2 0 -1 0 16\r\n"

static void
until_registered(void)
{
    OTHER_UNTIL(&t.index, t.firsts > 0);
    assert_string_equal(t.first, LIST);
    assert_true(atomic_load(&t.node->has_meta));
    assert_int_equal(t.node->meta.partition_size, 64);
    assert_int_equal(t.node->meta.hint, 2);
    assert_int_equal(t.node->meta.slots, 512);
    assert_int_equal(t.node->meta.hash, KEYHASH_CRC32);
    assert_int_equal(partition_table_size(t.node->meta.table), 64);
}

static void
registers_with_add_and_meta_on_one_connection(void **state)
{
    (void)state;
    index_link_start(t.node->index_link);
    other_accept(&t.index);
    other_hears(&t.index, ADD);
    other_says(&t.index, LIST "END\r\n");
    other_hears(&t.index, "meta");
    other_says(&t.index, META);
    until_registered();
    other_is_left(&t.index);
    assert_int_equal(t.fell_back, 0);
}

/* flare 1.3.4 takes no further words. */
static void
an_index_that_asks_for_less_gets_less(void **state)
{
    (void)state;
    index_link_start(t.node->index_link);
    other_accept(&t.index);
    other_hears(&t.index, ADD);
    other_says(&t.index, "ERROR\r\n");
    other_hears(&t.index, "node add " ME);
    other_says(&t.index, LIST "END\r\n");
    other_hears(&t.index, "meta");
    other_says(&t.index, META);
    until_registered();
    assert_false(atomic_load(&t.node->index_is_ours));
}

static void
tries_again_until_it_is_let_in(void **state)
{
    (void)state;
    index_link_start(t.node->index_link);
    other_accept(&t.index);
    other_hears(&t.index, ADD);
    other_says(&t.index, "SERVER_ERROR failed to add node\r\n");
    other_accept(&t.second); /* the next in turn */
    other_hears(&t.second, ADD);
    other_hang_up(&t.second);
    other_accept(&t.index);
    other_hears(&t.index, ADD);
    other_says(&t.index, LIST "END\r\n");
    other_hears(&t.index, "meta");
    other_says(&t.index, "META partition-modular-hint 0\r\nEND\r\n");
    other_accept(&t.second);
    assert_int_equal(t.firsts, 0);
    other_hears(&t.second, ADD);
    other_says(&t.second, LIST "END\r\n");
    other_hears(&t.second, "meta");
    other_says(&t.second, META);
    until_registered();
}

static void
a_server_that_is_not_there_is_passed_over(void **state)
{
    (void)state;
    other_leave(&t.index);
    index_link_start(t.node->index_link);
    other_accept(&t.second);
    other_hears(&t.second, ADD);
    assert_int_equal(t.fell_back, 1);
}

static const struct {
    const char *meta, *why;
} bad_metas[] = {
    {"META key-hash-algorithm rot13\r\n", "key-hash-algorithm"},
    {"META partition-type random\r\n", "partition-type"},
    {"META partition-size 1\r\n", "partition-size"},
    {"META partition-size 65536\r\n", "partition-size"},
    {"META partition-modular-hint 0\r\n", "hint"},
    {"META partition-modular-virtual 0\r\n", "virtual"},
    {"SERVER_ERROR later\r\n", "later"},
};

static void
a_meta_that_cannot_be_used_is_refused(void **state)
{
    struct other *at = &t.index, *next = &t.second;

    (void)state;
    index_link_start(t.node->index_link);
    for (size_t i = 0; i < COUNT(bad_metas); i++) {
        struct other *swap = at;

        other_accept(at);
        other_hears(at, ADD);
        other_says(at, LIST "END\r\n");
        other_hears(at, "meta");
        other_says(at, bad_metas[i].meta);
        other_says(at, "END\r\n");
        other_is_left(at);
        assert_false(atomic_load(&t.node->has_meta));
        at = next;
        next = swap;
    }
    assert_int_equal(t.firsts, 0);
}

static void
a_report_is_repeated_until_it_is_answered(void **state)
{
    (void)state;
    index_link_report_state(t.node->index_link, NODE_ACTIVE);
    other_accept(&t.index);
    other_hears(&t.index, "node state " ME " active");
    other_hang_up(&t.index);
    other_accept(&t.second);
    other_hears(&t.second, "node state " ME " active");
    other_says(&t.second, "OK\r\n");
    other_is_left(&t.second);
    index_link_report_failed(t.node->index_link);
    other_accept(&t.second); /* the one that answered is kept */
    other_hears(&t.second, "node role " ME " proxy 0 -1");
}

static void
a_refused_report_is_not_repeated(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    index_link_report_state(t.node->index_link, NODE_READY);
    other_accept(&t.index);
    other_hears(&t.index, "node state " ME " ready");
    other_says(&t.index, "SERVER_ERROR failed to set state\r\n");
    other_is_left(&t.index);
    index_link_report_failed(t.node->index_link);
    other_accept(&t.index);
    other_hears(&t.index, "node role " ME " proxy 0 -1");
}

static void
a_newer_report_takes_the_older_ones_place(void **state)
{
    (void)state;
    index_link_report_state(t.node->index_link, NODE_ACTIVE);
    other_accept(&t.index);
    other_hears(&t.index, "node state " ME " active");
    index_link_report_failed(t.node->index_link);
    other_wait(&t.index);
    other_hang_up(&t.index);
    other_accept(&t.second);
    other_hears(&t.second, "node role " ME " proxy 0 -1");
    other_says(&t.second, "OK\r\n");
    other_is_left(&t.second);
}

static void
an_answer_to_the_older_does_not_settle_the_newer(void **state)
{
    (void)state;
    index_link_report_state(t.node->index_link, NODE_ACTIVE);
    other_accept(&t.index);
    other_hears(&t.index, "node state " ME " active");
    index_link_report_failed(t.node->index_link);
    other_wait(&t.index);
    other_says(&t.index, "OK\r\n");
    other_is_left(&t.index);
    other_accept(&t.index);
    other_hears(&t.index, "node role " ME " proxy 0 -1");
}

static void
what_no_longer_holds_is_told_no_more(void **state)
{
    struct node copy = {0};

    (void)state;
    assert_true(node_set_name(&copy, SLICE("10.0.0.9"), 12125));
    index_link_report_failed(t.node->index_link);
    index_link_forget(t.node->index_link);
    index_link_report_lost(t.node->index_link, &copy);
    other_accept(&t.index);
    other_hears(&t.index, "node role 10.0.0.9 12125 proxy 0 -1");
    other_says(&t.index, "OK\r\n");
    other_is_left(&t.index);
}

static void
each_lost_copy_is_reported_once(void **state)
{
    struct node a = {0}, b = {0};

    (void)state;
    assert_true(node_set_name(&a, SLICE("a"), 1));
    assert_true(node_set_name(&b, SLICE("b"), 2));
    index_link_report_lost(t.node->index_link, &a);
    index_link_report_lost(t.node->index_link, &a);
    other_accept(&t.index);
    other_hears(&t.index, "node role a 1 proxy 0 -1");
    other_says(&t.index, "OK\r\n");
    other_is_left(&t.index);
    index_link_report_lost(t.node->index_link, &b);
    other_accept(&t.index);
    other_hears(&t.index, "node role b 2 proxy 0 -1");
}

static void
on_left(void *arg)
{
    *(bool *)arg = true;
}

static void
goodbye_waits_for_an_answer(void **state)
{
    (void)state;
    index_link_goodbye(t.node->index_link, 60000, on_left, &t.left);
    other_accept(&t.index);
    other_hears(&t.index, "shutdown " ME);
    assert_false(t.left);
    other_says(&t.index, "OK\r\n");
    OTHER_UNTIL(&t.index, t.left);
}

static void
goodbye_does_not_wait_for_ever(void **state)
{
    (void)state;
    other_leave(&t.index);
    other_leave(&t.second);
    index_link_goodbye(t.node->index_link, 50, on_left, &t.left);
    OTHER_UNTIL(&t.index, t.left);
}

static void
orders_on_their_way_survive_the_link(void **state)
{
    (void)state;
    index_link_report_failed(t.node->index_link);
    /* tear_down frees the link before the order is delivered */
}

static void
a_reload_brings_other_servers(void **state)
{
    (void)state;
    free(t.node->options.index_servers);
    t.node->options.index_servers =
        xasprintf("nonsense,127.0.0.1:99999,127.0.0.1:%u", t.second.port);
    index_link_reload(t.node->index_link);
    index_link_start(t.node->index_link);
    other_accept(&t.second);
    other_hears(&t.second, ADD);
}

#define EACH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(registers_with_add_and_meta_on_one_connection),
        EACH(an_index_that_asks_for_less_gets_less),
        EACH(tries_again_until_it_is_let_in),
        EACH(a_server_that_is_not_there_is_passed_over),
        EACH(a_meta_that_cannot_be_used_is_refused),
        EACH(a_report_is_repeated_until_it_is_answered),
        EACH(a_refused_report_is_not_repeated),
        EACH(a_newer_report_takes_the_older_ones_place),
        EACH(an_answer_to_the_older_does_not_settle_the_newer),
        EACH(what_no_longer_holds_is_told_no_more),
        EACH(each_lost_copy_is_reported_once),
        EACH(goodbye_waits_for_an_answer),
        EACH(goodbye_does_not_wait_for_ever),
        EACH(orders_on_their_way_survive_the_link),
        EACH(a_reload_brings_other_servers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
