/* A master's feeding of its copies; the copies are scripts. */
#include "test/unit/node_fixture.h"

#include "flared/index_link.h"
#include "flared/replicate.h"

static struct {
    struct node_fixture f;
    struct other b, c;
    atomic_uint lost; /* reports that a copy is lost */
    char maps[8][200];
    unsigned nmaps;
    uint64_t version;
} t;

void
index_link_report_lost(struct index_link *link, const struct node *copy)
{
    (void)link;
    (void)copy;
    atomic_fetch_add(&t.lost, 1);
}

static void
begin(void)
{
    struct err err = {.msg = ""};

    t.f.node->replicator = replicator_new(t.f.node, &err);
    if (t.f.node->replicator == NULL) {
        fail_msg("%s", err.msg);
    }
    other_listen(&t.b, NULL, 0);
    other_listen(&t.c, NULL, 0);
}

static int
tear_down(void **state)
{
    (void)state;
    replicator_free(t.f.node->replicator, 0);
    other_leave(&t.b);
    other_leave(&t.c);
    node_end(&t.f);
    return 0;
}

/* --- maps: me is this node, "%b" and "%c" the others' addresses ---------- */

static void
on_done(void *arg)
{
    *(bool *)arg = true;
}

static void
use_map(const char *pattern)
{
    char map[300];
    size_t n = 0;
    struct cluster_view *view;
    bool done = false;

    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p == '%') {
            p++;
            n += (size_t)snprintf(map + n, sizeof(map) - n, "127.0.0.1:%u",
                                  *p == 'b' ? t.b.port : t.c.port);
        } else {
            map[n++] = *p;
        }
    }
    map[n] = '\0';
    view = node_view(&t.f, map, ++t.version);
    replicator_set_view(t.f.node->replicator, view, on_done, &done);
    NODE_UNTIL(&t.f, done);
    replicator_settle(t.f.node->replicator);
    cluster_view_unref(view);
}

static int
set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    node_begin(&t.f);
    begin();
    use_map("me:1 M/act/0/1");
    return 0;
}

/* A log that keeps next to nothing. */
static int
set_up_short(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    node_begin_with(&t.f, 1 << 14, 1 << 15);
    begin();
    use_map("me:1 M/act/0/1");
    return 0;
}

#define MASTER "me:1 M/act/0/1, "
#define ONE_SLAVE MASTER "%b S/act/0/1"
#define TWO_SLAVES MASTER "%b S/act/0/1, %c S/act/0/1"

/* --- what a copy hears --------------------------------------------------- */

/* "<me:1>set KEY 0 0 N VERSION" and the data; its value must be `value`. */
static void
hears_set(struct other *o, const char *key, const char *value)
{
    char line[300], want[200];

    other_line(o, line, sizeof(line));
    (void)snprintf(want, sizeof(want), "<me:1>set %s 0 0 %zu ", key,
                   strlen(value));
    if (strncmp(line, want, strlen(want)) != 0) {
        fail_msg("\"%s\" is not \"%s...\"", line, want);
    }
    other_hears(o, value);
}

static bool
passed(uint64_t seq)
{
    return gate_has_passed(&t.f.node->gate, seq);
}

/* How far the first copy is. */
static uint64_t
replicator_acked(void)
{
    struct copy_status status;

    return replicator_status(t.f.node->replicator, &status, 1) == 1
               ? status.acked
               : 0;
}

#define UNTIL(condition) OTHER_UNTIL(&t.b, condition)

static void
a_slave_gets_each_change_in_order_and_the_gate_follows(void **state)
{
    uint64_t before = node_set(&t.f, "early", "0"), first, last;
    char line[200];

    (void)state;
    use_map(ONE_SLAVE);
    UNTIL(passed(before));
    first = node_set(&t.f, "a", "1");
    (void)node_set(&t.f, "b", "22");
    (void)node_set(&t.f, "a", "333");
    last = node_change(&t.f, CHANGE_DELETE, "b", SLICE(""));
    assert_false(passed(first));
    other_accept(&t.b);
    hears_set(&t.b, "a", "1");
    other_says(&t.b, "STORED\r\n");
    UNTIL(passed(first));
    assert_false(passed(last));
    hears_set(&t.b, "b", "22");
    hears_set(&t.b, "a", "333");
    other_line(&t.b, line, sizeof(line));
    assert_int_equal(strncmp(line, "<me:1>delete b 0 ", 17), 0);
    other_says(&t.b, "NOT_STORED\r\nSTORED\r\nNOT_FOUND\r\n");
    UNTIL(passed(last));
}

static void
flush_all_and_touch_are_passed_on(void **state)
{
    uint64_t seq = 0;
    char line[200];

    (void)state;
    (void)node_set(&t.f, "a", "1");
    use_map(ONE_SLAVE);
    (void)node_change(&t.f, CHANGE_TOUCH, "a", SLICE(""));
    assert_true(store_flush_all(t.f.node->store, &seq));
    other_accept(&t.b);
    other_line(&t.b, line, sizeof(line));
    assert_int_equal(strncmp(line, "<me:1>touch a ", 14), 0);
    other_hears(&t.b, "<me:1>flush_all");
    other_says(&t.b, "TOUCHED\r\nOK\r\n");
    UNTIL(passed(seq));
}

static void
a_touch_of_what_a_new_copy_may_lack_brings_it_along(void **state)
{
    uint64_t seq;
    char line[200];

    (void)state;
    (void)node_set(&t.f, "a", "1");
    use_map(MASTER "%b S/prep/0/1");
    seq = node_change(&t.f, CHANGE_TOUCH, "a", SLICE(""));
    other_accept(&t.b);
    hears_set(&t.b, "a", "1");
    other_line(&t.b, line, sizeof(line));
    assert_int_equal(strncmp(line, "<me:1>touch a ", 14), 0);
    other_says(&t.b, "STORED\r\n");
    assert_int_not_equal(replicator_acked(), seq);
    other_says(&t.b, "TOUCHED\r\n");
    UNTIL(replicator_acked() == seq);
}

static void
a_broken_connection_resumes_behind_the_last_answer(void **state)
{
    uint64_t last;

    (void)state;
    use_map(ONE_SLAVE);
    (void)node_set(&t.f, "a", "1");
    (void)node_set(&t.f, "b", "2");
    last = node_set(&t.f, "c", "3");
    other_accept(&t.b);
    hears_set(&t.b, "a", "1");
    hears_set(&t.b, "b", "2");
    other_says(&t.b, "STORED\r\n");
    UNTIL(passed(last - 2));
    other_accept(&t.b); /* hangs up first */
    hears_set(&t.b, "b", "2");
    hears_set(&t.b, "c", "3");
    other_says(&t.b, "NOT_STORED\r\nSTORED\r\n");
    UNTIL(passed(last));
}

static void
nobody_there_is_no_reason_to_give_up(void **state)
{
    uint16_t port = t.b.port;
    uint64_t last;

    (void)state;
    other_leave(&t.b);
    t.b.port = port;
    use_map(ONE_SLAVE);
    last = node_set(&t.f, "a", "1");
    (void)poll(NULL, 0, 120); /* some attempts are in vain */
    other_listen(&t.b, NULL, port);
    other_accept(&t.b);
    hears_set(&t.b, "a", "1");
    other_says(&t.b, "STORED\r\n");
    UNTIL(passed(last));
    assert_int_equal(atomic_load(&t.lost), 0);
}

static void
an_error_answer_is_no_acknowledgement(void **state)
{
    uint64_t last;

    (void)state;
    use_map(ONE_SLAVE);
    (void)node_set(&t.f, "a", "1");
    (void)node_set(&t.f, "b", "2");
    last = node_set(&t.f, "c", "3");
    other_accept(&t.b);
    hears_set(&t.b, "a", "1");
    hears_set(&t.b, "b", "2");
    hears_set(&t.b, "c", "3");
    other_says(&t.b, "STORED\r\nSERVER_ERROR disk full\r\nSTORED\r\n");
    hears_set(&t.b, "b", "2"); /* again, and what followed */
    hears_set(&t.b, "c", "3");
    assert_true(passed(last - 2));
    assert_false(passed(last - 1));
    other_says(&t.b, "STORED\r\nNOT_STORED\r\n");
    UNTIL(passed(last));
}

/* Requests of one line of data that come, at least `want`, until silence. */
static unsigned
hears_many(struct other *o, unsigned want)
{
    const struct mono end = mono_after_ms(clock_mono(), PATIENCE_MS);
    unsigned lines = 0;
    int quiet = 0;
    char buf[65536];

    while (quiet < 100 ||
           (lines / 2 < want && !mono_reached(end, clock_mono()))) {
        ssize_t r = recv(o->fd, buf, sizeof(buf), 0);

        if (r <= 0) {
            quiet++;
            other_wait(o);
            continue;
        }
        quiet = 0;
        for (ssize_t i = 0; i < r; i++) {
            lines += buf[i] == '\n';
        }
    }
    return lines / 2;
}

static void
a_slow_copy_holds_no_more_than_a_window(void **state)
{
    (void)state;
    use_map(ONE_SLAVE);
    for (int i = 0; i < 9000; i++) {
        (void)node_set(&t.f, "k", "v");
    }
    other_accept(&t.b);
    assert_int_equal(hears_many(&t.b, 8192), 8192);
    other_says(&t.b, "STORED\r\nSTORED\r\n");
    assert_int_equal(hears_many(&t.b, 2), 2);
}

static void
large_values_count_by_their_size(void **state)
{
    AUTO_FREE char *big = xcalloc(1, 2800001);

    (void)state;
    memset(big, 'x', 2800000);
    use_map(ONE_SLAVE);
    for (int i = 0; i < 4; i++) {
        (void)node_set(&t.f, "k", big);
    }
    other_accept(&t.b);
    assert_int_equal(hears_many(&t.b, 2), 2);
    other_says(&t.b, "STORED\r\n");
    assert_int_equal(hears_many(&t.b, 1), 1);
}

static void
the_gate_waits_for_the_slowest_active_slave_only(void **state)
{
    uint64_t seq;

    (void)state;
    use_map(TWO_SLAVES);
    seq = node_set(&t.f, "a", "1");
    other_accept(&t.b);
    other_accept(&t.c);
    hears_set(&t.b, "a", "1");
    hears_set(&t.c, "a", "1");
    other_says(&t.b, "STORED\r\n");
    (void)poll(NULL, 0, 20);
    assert_false(passed(seq));
    use_map(MASTER "%b S/act/0/1, %c S/prep/0/0");
    UNTIL(passed(seq));
    seq = node_set(&t.f, "a", "2");
    hears_set(&t.c, "a", "2");
    other_says(&t.c, "STORED\r\nSTORED\r\n");
    assert_false(passed(seq));
    use_map(MASTER "%c S/prep/0/0");
    UNTIL(passed(UINT64_MAX));
}

static void
a_slave_that_stays_keeps_its_connection_and_place(void **state)
{
    uint64_t last;

    (void)state;
    use_map(ONE_SLAVE);
    (void)node_set(&t.f, "a", "1");
    other_accept(&t.b);
    hears_set(&t.b, "a", "1");
    use_map(TWO_SLAVES);
    use_map(MASTER "%b S/act/0/5, %c P/act/-1/0");
    last = node_set(&t.f, "b", "2");
    hears_set(&t.b, "b", "2");
    other_says(&t.b, "STORED\r\nSTORED\r\n");
    UNTIL(passed(last));
}

/* A key of the partition that is prepared, and one that is not. */
static const char *
key_that(bool moves)
{
    static char key[2][16];
    struct partition_table *table = t.f.node->meta.table;
    const uint16_t *row = partition_table_row(table, 2);

    for (int i = 0;; i++) {
        (void)snprintf(key[moves], sizeof(key[0]), "key%d", i);
        if ((row[keyhash(KEYHASH_CRC32, slice_str(key[moves])) % 4096] == 1) ==
            moves) {
            return key[moves];
        }
    }
}

static void
a_master_to_be_gets_what_moves_to_it_until_all_is_there(void **state)
{
    const char *moves = key_that(true), *stays = key_that(false);
    uint64_t seq;

    (void)state;
    use_map(MASTER "%c M/prep/1/1");
    (void)node_set(&t.f, stays, "0");
    (void)node_set(&t.f, moves, "1");
    (void)node_set(&t.f, moves, "2");
    assert_true(passed(UINT64_MAX));
    other_accept(&t.c);
    hears_set(&t.c, moves, "1");
    hears_set(&t.c, moves, "2");
    use_map(MASTER "%c M/ready/1/1");
    seq = node_set(&t.f, moves, "3");
    (void)node_set(&t.f, stays, "4");
    hears_set(&t.c, moves, "3");
    other_says(&t.c, "STORED\r\nSTORED\r\n");
    assert_false(passed(seq));
    use_map(MASTER "%c M/act/1/1"); /* "3" is not answered yet */
    (void)node_set(&t.f, stays, "5");
    other_accept(&t.c); /* it breaks here */
    hears_set(&t.c, moves, "3");
    other_says(&t.c, "STORED\r\n");
    other_is_left(&t.c);
    UNTIL(passed(UINT64_MAX));
}

static void
flush_all_ends_the_preparation_of_a_master(void **state)
{
    uint64_t seq = 0;

    (void)state;
    use_map(MASTER "%b S/act/0/1, %c M/prep/1/1");
    assert_true(store_flush_all(t.f.node->store, &seq));
    UNTIL(atomic_load(&t.lost) == 1);
    other_accept(&t.b);
    other_hears(&t.b, "<me:1>flush_all");
}

static void
a_deposed_master_hands_over_what_it_answered_for(void **state)
{
    (void)state;
    use_map(ONE_SLAVE);
    (void)node_set(&t.f, "a", "1");
    use_map("me:1 P/act/-1/0, %b M/act/0/1");
    other_accept(&t.b);
    hears_set(&t.b, "a", "1");
    other_says(&t.b, "STORED\r\n");
    other_is_left(&t.b);
}

static void
a_promoted_slave_repeats_the_newest_to_those_it_inherits(void **state)
{
    (void)state;
    use_map("me:1 S/act/0/1, %c M/act/0/1, %b S/act/0/1");
    atomic_store(&t.f.node->old_life, node_set(&t.f, "before", "0"));
    (void)node_set(&t.f, "a", "1");
    (void)node_set(&t.f, "b", "2");
    use_map("me:1 M/act/0/1, %c P/down/-1/0, %b S/act/0/1");
    other_accept(&t.b);
    hears_set(&t.b, "a", "1");
    hears_set(&t.b, "b", "2");
}

static void
a_copy_too_far_behind_is_reported_once(void **state)
{
    enum { SIZE = 1 << 16 };
    AUTO_FREE char *value = xcalloc(1, SIZE + 1);

    (void)state;
    memset(value, 'x', SIZE);
    use_map(ONE_SLAVE);
    (void)node_set(&t.f, "k", value);
    other_accept(&t.b);
    (void)hears_many(&t.b, 1);
    other_leave(&t.b);
    for (int i = 0; i < 20 << 20; i += SIZE) {
        (void)node_set(&t.f, "k", value);
    }
    UNTIL(atomic_load(&t.lost) == 1);
    (void)node_set(&t.f, "k", value);
    (void)poll(NULL, 0, 50);
    assert_int_equal(atomic_load(&t.lost), 1);
}

static void
the_status_tells_how_far_behind_each_copy_is(void **state)
{
    struct replicator *r = t.f.node->replicator;
    struct copy_status status[4];

    (void)state;
    use_map(TWO_SLAVES);
    (void)node_set(&t.f, "a", "1");
    (void)node_set(&t.f, "b", "2");
    other_accept(&t.b);
    hears_set(&t.b, "a", "1");
    other_says(&t.b, "STORED\r\n");
    UNTIL(replicator_status(r, status, 4) == 2 &&
          status[0].behind + status[1].behind == 3);
    UNTIL(replicator_status(r, status, 4) == 2 && status[0].behind_ms > 200);
    assert_int_equal(replicator_status(r, status, 1), 1);
    hears_set(&t.b, "b", "2");
    other_says(&t.b, "STORED\r\n");
    UNTIL(replicator_status(r, status, 4) == 2 &&
          status[0].behind + status[1].behind == 2);
}

/* Answers late, on a thread of its own. */
static void *
answer_late(void *arg)
{
    struct other *o = arg;

    (void)poll(NULL, 0, 100);
    for (int i = 0; i < 100; i++) {
        other_says(o, "STORED\r\n");
    }
    return NULL;
}

static void
leaving_waits_for_the_copies(void **state)
{
    pthread_t thread;

    (void)state;
    use_map(ONE_SLAVE);
    for (int i = 0; i < 100; i++) {
        (void)node_set(&t.f, "k", "v");
    }
    other_accept(&t.b);
    assert_int_equal(hears_many(&t.b, 100), 100);
    assert_int_equal(pthread_create(&thread, NULL, answer_late, &t.b), 0);
    replicator_free(t.f.node->replicator, PATIENCE_MS);
    t.f.node->replicator = NULL;
    assert_true(passed(ulog_last(store_log(t.f.node->store))));
    (void)pthread_join(thread, NULL);
    other_is_left(&t.b);
}

#define EACH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(a_slave_gets_each_change_in_order_and_the_gate_follows),
        EACH(flush_all_and_touch_are_passed_on),
        EACH(a_touch_of_what_a_new_copy_may_lack_brings_it_along),
        EACH(a_broken_connection_resumes_behind_the_last_answer),
        EACH(nobody_there_is_no_reason_to_give_up),
        EACH(an_error_answer_is_no_acknowledgement),
        EACH(a_slow_copy_holds_no_more_than_a_window),
        EACH(large_values_count_by_their_size),
        EACH(the_gate_waits_for_the_slowest_active_slave_only),
        EACH(a_slave_that_stays_keeps_its_connection_and_place),
        EACH(a_master_to_be_gets_what_moves_to_it_until_all_is_there),
        EACH(flush_all_ends_the_preparation_of_a_master),
        EACH(a_deposed_master_hands_over_what_it_answered_for),
        EACH(a_promoted_slave_repeats_the_newest_to_those_it_inherits),
        EACH(the_status_tells_how_far_behind_each_copy_is),
        EACH(leaving_waits_for_the_copies),
        cmocka_unit_test_setup_teardown(a_copy_too_far_behind_is_reported_once,
                                        set_up_short, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
