/* A node that copies from sources that are scripts. */
#include "test/unit/node_fixture.h"

#include "flared/index_link.h"
#include "flared/rebuild_run.h"

static struct {
    struct node_fixture f;
    struct loop loop; /* the rebuilder's */
    struct other a, b;
    atomic_int reported; /* a node_state, or REPORTED_FAILED */
} t;

enum { NOTHING_REPORTED = -1, FAILURE_REPORTED = -2 };

void
index_link_report_state(struct index_link *link, enum node_state state)
{
    (void)link;
    atomic_store(&t.reported, (int)state);
}

void
index_link_report_failed(struct index_link *link)
{
    (void)link;
    atomic_store(&t.reported, FAILURE_REPORTED);
}

static int
set_up(void **state)
{
    struct err err = {.msg = ""};

    (void)state;
    memset(&t, 0, sizeof(t));
    node_begin(&t.f);
    atomic_init(&t.reported, NOTHING_REPORTED);
    atomic_store(&t.f.node->reconstruction_interval, 7);
    atomic_store(&t.f.node->reconstruction_bwlimit, 100);
    assert_int_equal(loop_init(&t.loop, &err), 0);
    assert_int_equal(loop_start(&t.loop, "rebuild", &err), 0);
    t.f.node->rebuilder = rebuilder_new(t.f.node, &t.loop);
    other_listen(&t.a, NULL, 0);
    other_listen(&t.b, NULL, 0);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    rebuilder_free(t.f.node->rebuilder);
    loop_stop(&t.loop);
    loop_join(&t.loop);
    loop_fini(&t.loop);
    other_leave(&t.a);
    other_leave(&t.b);
    node_end(&t.f);
    return 0;
}

#define UNTIL(condition) OTHER_UNTIL(&t.a, condition)

/* "%a" and "%b" are the scripts' addresses. */
static struct cluster_view *
view_of(const char *pattern)
{
    char map[300];
    size_t n = 0;

    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p == '%') {
            p++;
            n += (size_t)snprintf(map + n, sizeof(map) - n, "127.0.0.1:%u",
                                  *p == 'a' ? t.a.port : t.b.port);
        } else {
            map[n++] = *p;
        }
    }
    map[n] = '\0';
    return node_view(&t.f, map, 1);
}

static void
begin(const char *map)
{
    struct cluster_view *view = view_of(map);

    rebuilder_begin(t.f.node->rebuilder, DIFF_BUILD_SLAVE, view);
    cluster_view_unref(view);
}

static void
change_map(const char *map)
{
    struct cluster_view *view = view_of(map);

    rebuilder_set_view(t.f.node->rebuilder, view);
    cluster_view_unref(view);
}

#define SLAVE "%a M/act/0/1, me:1 S/prep/0/0"
#define MASTER "%a M/act/0/1, %b M/act/1/1, me:1 M/prep/2/1"
#define KNOWN                                                                  \
    "STAT x:1:role proxy\r\nSTAT me:1:role slave\r\n"                          \
    "STAT me:1:state prepare\r\nSTAT me:1:partition 0\r\n"                     \
    "STAT me:1:balance 0\r\nEND\r\n"
#define KNOWN_MASTER "STAT me:1:role master\r\nSTAT me:1:partition 2\r\nEND\r\n"
#define UNKNOWN                                                                \
    "STAT me:1:role proxy\r\nSTAT me:1:partition -1\r\n"                       \
    "STAT me:12:role slave\r\nSTAT me:12:partition 0\r\nEND\r\n"

/* A source that is flare 1.3.4 knows no streams. */
static void
knows_no_stream(struct other *o)
{
    other_hears(o, "repl position");
    other_says(o, "ERROR\r\n");
}

/* Until it asks for the dump. */
static void
offer(struct other *o, const char *nodes, const char *dump)
{
    other_accept(o);
    other_hears(o, "stats nodes");
    other_says(o, nodes);
    if (strstr(nodes, "me:1:role slave") != NULL) {
        knows_no_stream(o);
    }
    other_hears(o, dump);
}

#define DUMP "dump 7 0 1 100"

static void
a_slave_copies_its_master_and_reports_active(void **state)
{
    struct rebuild_status status;

    (void)state;
    (void)node_set(&t.f, "stale", "gone in a moment");
    begin(SLAVE);
    other_accept(&t.a);
    other_hears(&t.a, "stats nodes");
    other_says(&t.a, UNKNOWN);
    other_hears(&t.a, "stats nodes");
    other_says(&t.a, KNOWN);
    knows_no_stream(&t.a);
    other_hears(&t.a, DUMP);
    other_says(&t.a, "VALUE k1 5 3 17 0\r\none\r\nVALUE k2 0 3 18 9999999999"
                     "\r\ntwo\r\nEND\r\n");
    UNTIL(atomic_load(&t.reported) == NODE_ACTIVE);
    other_is_left(&t.a);
    assert_string_equal(node_value(&t.f, "k1"), "one");
    assert_string_equal(node_value(&t.f, "k2"), "two");
    assert_null(node_value(&t.f, "stale"));
    assert_int_equal(atomic_load(&t.f.node->old_life), 1);
    rebuilder_status(t.f.node->rebuilder, &status);
    assert_false(status.running);
    assert_int_equal(status.records, 2);
    assert_int_equal(status.bytes, 10);
}

static void
write_with_version(enum change_op op, const char *key, const char *value,
                   uint64_t version)
{
    const struct change change = {.op = op,
                                  .source = CHANGE_COPY,
                                  .has_version = true,
                                  .version = version,
                                  .key = slice_str(key),
                                  .value = slice_str(value)};
    struct outcome outcome;

    store_apply(t.f.node->store, &change, clock_wall(), &t.f.scratch, &outcome);
}

static void
what_was_replicated_meanwhile_is_newer(void **state)
{
    struct rebuild_status status;

    (void)state;
    begin(SLAVE);
    offer(&t.a, KNOWN, DUMP);
    write_with_version(CHANGE_SET, "k1", "new", 20);
    write_with_version(CHANGE_DELETE, "k2", "", 21);
    other_says(&t.a, "VALUE k1 0 3 17 0\r\nold\r\nVALUE k2 0 3 18 0\r\nold\r\n"
                     "VALUE k3 0 3 19 0\r\nold\r\n");
    rebuilder_status(t.f.node->rebuilder, &status);
    assert_true(status.running);
    other_says(&t.a, "END\r\n");
    UNTIL(atomic_load(&t.reported) == NODE_ACTIVE);
    assert_string_equal(node_value(&t.f, "k1"), "new");
    assert_null(node_value(&t.f, "k2"));
    assert_string_equal(node_value(&t.f, "k3"), "old");
}

/* The nth key of partition 0 or 1 of two. */
static const char *
key_of(unsigned partition, unsigned n)
{
    static char key[4][16];
    const uint16_t *row = partition_table_row(t.f.node->meta.table, 2);
    char *out = key[2 * partition + n];
    unsigned found = 0;

    for (int i = 0;; i++) {
        (void)snprintf(out, sizeof(key[0]), "key%d", i);
        found +=
            row[keyhash(KEYHASH_CRC32, slice_str(out)) % 4096] == partition;
        if (found == n + 1) {
            return out;
        }
    }
}

/* Each source also gives one that is not its own any more. */
static void
a_new_master_copies_all_masters_at_once_and_reports_ready(void **state)
{
    const char *a = key_of(0, 0), *b = key_of(1, 0);
    char text[200];

    (void)state;
    begin(MASTER);
    offer(&t.a, KNOWN_MASTER, "dump 7 2 3 50");
    offer(&t.b, KNOWN_MASTER, "dump 7 2 3 50");
    (void)snprintf(text, sizeof(text),
                   "VALUE %s 0 1 4 0\r\nb\r\nVALUE %s 0 1 9 0\r\nx\r\nEND\r\n",
                   b, key_of(0, 1));
    other_says(&t.b, text);
    (void)snprintf(text, sizeof(text),
                   "VALUE %s 0 1 9 0\r\nx\r\nVALUE %s 0 1 3 0\r\na\r\n",
                   key_of(1, 1), a);
    other_says(&t.a, text);
    (void)poll(NULL, 0, 20);
    assert_int_equal(atomic_load(&t.reported), NOTHING_REPORTED);
    other_says(&t.a, "END\r\n");
    UNTIL(atomic_load(&t.reported) == NODE_READY);
    assert_string_equal(node_value(&t.f, a), "a");
    assert_string_equal(node_value(&t.f, b), "b");
    assert_null(node_value(&t.f, key_of(0, 1)));
    assert_null(node_value(&t.f, key_of(1, 1)));
}

static void
a_source_that_is_busy_is_asked_again(void **state)
{
    (void)state;
    begin(SLAVE);
    offer(&t.a, KNOWN, DUMP);
    other_says(&t.a, "SERVER_ERROR database busy\r\n");
    other_hears(&t.a, "stats nodes");
    other_says(&t.a, KNOWN);
    knows_no_stream(&t.a);
    other_hears(&t.a, DUMP);
    other_says(&t.a, "END\r\n");
    UNTIL(atomic_load(&t.reported) == NODE_ACTIVE);
}

static void
a_source_that_comes_late_is_waited_for(void **state)
{
    uint16_t port = t.a.port;

    (void)state;
    other_leave(&t.a);
    t.a.port = port;
    begin(SLAVE);
    (void)poll(NULL, 0, 50);
    other_listen(&t.a, NULL, port);
    offer(&t.a, KNOWN, DUMP);
    other_says(&t.a, "END\r\n");
    UNTIL(atomic_load(&t.reported) == NODE_ACTIVE);
}

static void
a_failover_half_way_begins_anew_at_the_new_master(void **state)
{
    (void)state;
    begin(SLAVE ", %b S/act/0/1");
    offer(&t.a, KNOWN, DUMP);
    other_says(&t.a,
               "VALUE k1 0 3 17 0\r\nold\r\nVALUE k2 0 3 18 0\r\nold\r\n");
    UNTIL(node_value(&t.f, "k2") != NULL);
    other_leave(&t.a);
    change_map("%b M/act/0/1, me:1 S/prep/0/0");
    offer(&t.b, KNOWN, DUMP);
    other_says(&t.b, "VALUE k1 0 3 16 0\r\nnew\r\nEND\r\n");
    UNTIL(atomic_load(&t.reported) == NODE_ACTIVE);
    assert_string_equal(node_value(&t.f, "k1"), "new");
    assert_null(node_value(&t.f, "k2"));
}

static void
a_failover_without_heir_ends_as_a_proxy(void **state)
{
    (void)state;
    begin(SLAVE);
    offer(&t.a, KNOWN, DUMP);
    other_says(&t.a, "VALUE k1 0 3 17 0\r\nold\r\n");
    other_leave(&t.a);
    change_map("%a M/down/0/1, me:1 S/prep/0/0");
    UNTIL(atomic_load(&t.reported) == FAILURE_REPORTED);
}

static void
a_role_that_is_taken_away_ends_it_without_a_report(void **state)
{
    (void)state;
    begin(SLAVE);
    offer(&t.a, KNOWN, DUMP);
    change_map("%a M/act/0/1, me:1 P/act/-1/0");
    other_is_left(&t.a);
    begin(SLAVE);
    offer(&t.a, KNOWN, DUMP);
    rebuilder_cancel(t.f.node->rebuilder);
    other_is_left(&t.a);
    begin(SLAVE);
    offer(&t.a, KNOWN, DUMP);
    rebuilder_settled(t.f.node->rebuilder);
    other_is_left(&t.a);
    assert_int_equal(atomic_load(&t.reported), NOTHING_REPORTED);
}

static void
a_flush_meanwhile_begins_it_anew(void **state)
{
    uint64_t seq;

    (void)state;
    begin(SLAVE);
    offer(&t.a, KNOWN, DUMP);
    assert_true(node_flush_all(t.f.node, &seq));
    other_says(&t.a, "VALUE k1 0 3 17 0\r\nold\r\nEND\r\n");
    offer(&t.a, KNOWN, DUMP);
    other_says(&t.a, "VALUE k2 0 3 18 0\r\nnew\r\nEND\r\n");
    UNTIL(atomic_load(&t.reported) == NODE_ACTIVE);
    assert_null(node_value(&t.f, "k1"));
    assert_string_equal(node_value(&t.f, "k2"), "new");
}

static void
without_a_source_it_fails_at_once(void **state)
{
    (void)state;
    begin("%a M/down/0/1, me:1 S/prep/0/0");
    UNTIL(atomic_load(&t.reported) == FAILURE_REPORTED);
}

static void
nonsense_from_the_source_is_no_copy(void **state)
{
    (void)state;
    begin(SLAVE);
    offer(&t.a, KNOWN, DUMP);
    other_says(&t.a, "VALUE k1 0 3 17 0\r\nonetwo\r\nEND\r\n");
    other_is_left(&t.a);
    assert_int_equal(atomic_load(&t.reported), NOTHING_REPORTED);
}

static void
a_slave_of_a_master_in_preparation_waits_for_it(void **state)
{
    (void)state;
    begin("%b M/act/0/1, %a M/prep/1/1, me:1 S/prep/1/0");
    change_map("%b M/act/0/1, %a M/ready/1/1, me:1 S/prep/1/0");
    offer(&t.a, "STAT me:1:role slave\r\nSTAT me:1:partition 1\r\nEND\r\n",
          "dump 7 1 2 100");
    other_says(&t.a, "END\r\n");
    UNTIL(atomic_load(&t.reported) == NODE_ACTIVE);
}

#define EACH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(a_slave_copies_its_master_and_reports_active),
        EACH(what_was_replicated_meanwhile_is_newer),
        EACH(a_new_master_copies_all_masters_at_once_and_reports_ready),
        EACH(a_source_that_is_busy_is_asked_again),
        EACH(a_source_that_comes_late_is_waited_for),
        EACH(a_failover_half_way_begins_anew_at_the_new_master),
        EACH(a_failover_without_heir_ends_as_a_proxy),
        EACH(a_role_that_is_taken_away_ends_it_without_a_report),
        EACH(a_flush_meanwhile_begins_it_anew),
        EACH(without_a_source_it_fails_at_once),
        EACH(nonsense_from_the_source_is_no_copy),
        EACH(a_slave_of_a_master_in_preparation_waits_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
