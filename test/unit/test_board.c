/* What the live view of flare-stats shows, without a terminal. */
#include "test/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flare-stats/board.h"

static struct board board;

/* A round of three nodes: b and its slave c in partition 0, a is a proxy. */
static struct node nodes[3] = {
    {.key = "a:1", .role = NODE_PROXY, .partition = -1},
    {.key = "b:1", .role = NODE_MASTER, .partition = 0},
    {.key = "c:1", .role = NODE_SLAVE, .partition = 0},
};

static struct round
round_at(int64_t seconds)
{
    struct round round = {.n = 3};

    round.nodes = xcalloc(3, sizeof(void *));
    round.samples = xcalloc(3, sizeof(*round.samples));
    for (size_t i = 0; i < 3; i++) {
        round.nodes[i] = &nodes[i];
        round.samples[i].alive = true;
        round.samples[i].when.ns = seconds * 1000000000;
        round.samples[i].lag = -1;
    }
    return round;
}

static void
put(struct round round)
{
    board_update(&board, &round);
}

static const struct board_row *
row(const char *key)
{
    for (size_t i = 0; i < board.n; i++) {
        if (strcmp(board.rows[i].key, key) == 0) {
            return &board.rows[i];
        }
    }
    fail_msg("no row %s", key);
    return NULL;
}

static int
end(void **state)
{
    (void)state;
    board_fini(&board);
    return 0;
}

static void
rates_are_since_the_round_before(void **state)
{
    struct round first = round_at(10);
    struct round second = round_at(12);

    (void)state;
    board_init(&board);
    first.samples[1].cmd_get = 1000;
    first.samples[1].get_hits = 1000;
    second.samples[1].cmd_get = 1400;
    second.samples[1].get_hits = 1300;
    second.samples[1].cmd_set = 600;
    put(first);
    assert_true(row("b:1")->value[BOARD_OPS] < 0); /* nobody knows yet */
    put(second);
    assert_int_equal(row("b:1")->value[BOARD_READS], 200);
    assert_int_equal(row("b:1")->value[BOARD_WRITES], 300);
    assert_int_equal(row("b:1")->value[BOARD_OPS], 500);
    assert_int_equal(row("b:1")->value[BOARD_HIT], 75);
    assert_int_equal(board.total.value[BOARD_OPS], 500);
    assert_int_equal(board.total.value[BOARD_HIT], 75);
    assert_int_equal(row("c:1")->value[BOARD_OPS], 0);
}

static void
a_node_that_was_restarted_or_is_silent_has_no_rate(void **state)
{
    struct round first = round_at(10);
    struct round second = round_at(11);
    struct round third = round_at(12);

    (void)state;
    board_init(&board);
    first.samples[1].cmd_get = 1000;
    second.samples[1].cmd_get = 5;
    second.samples[2].alive = false;
    put(first);
    put(second);
    assert_true(row("b:1")->value[BOARD_OPS] < 0);
    assert_true(row("c:1")->value[BOARD_OPS] < 0);
    assert_true(row("c:1")->value[BOARD_ITEMS] < 0);
    put(third);
    assert_true(row("c:1")->value[BOARD_OPS] < 0);
}

static void
times_are_those_of_the_latest_round(void **state)
{
    struct round first = round_at(1);
    struct round second = round_at(2);
    struct hist_total *a = xcalloc(1, sizeof(*a));
    struct hist_total *b = xcalloc(1, sizeof(*b));

    (void)state;
    board_init(&board);
    a->bucket[hist_bucket_of(1000000000)] = a->count = 1000; /* long ago */
    *b = *a;
    b->bucket[hist_bucket_of(100000)] = 98; /* 0.1 ms */
    b->bucket[hist_bucket_of(10000000)] = 2;
    b->count += 100;
    first.samples[1].times = a;
    second.samples[1].times = b;
    put(first);
    put(second);
    assert_true(row("b:1")->value[BOARD_P50] >= 100);
    assert_true(row("b:1")->value[BOARD_P50] < 104);
    assert_true(row("b:1")->value[BOARD_P99] >= 10000);
    assert_true(row("b:1")->value[BOARD_P99] < 10400);
}

static void
expect_order(const char *order)
{
    char got[4] = "";

    for (size_t i = 0; i < 3; i++) {
        got[i] = board.rows[i].key[0];
    }
    assert_string_equal(got, order);
}

static void
rows_are_sorted_as_asked(void **state)
{
    struct round round = round_at(1);

    (void)state;
    board_init(&board);
    round.samples[0].connections = 7;
    round.samples[1].connections = 5;
    round.samples[2].connections = 6;
    round.samples[2].lag = 3;
    put(round);
    expect_order("bca"); /* by partition, the master first, proxies last */
    board_sort(&board, board_column_of_key('c'));
    expect_order("acb");
    board_sort(&board, BOARD_CONNECTIONS);
    expect_order("bca");
    board_sort(&board, BOARD_NODE);
    expect_order("abc");
    board_sort(&board, BOARD_NODE);
    expect_order("cba");
    board_sort(&board, BOARD_LAG);
    expect_order("cab");
    assert_int_equal(board_column_of_key('z'), BOARD_COLUMNS);
    put(round_at(2));
    assert_int_equal(board.sorted_by, BOARD_LAG); /* and it stays */
}

/* Columns of a terminal, not bytes: a bar is one. */
static size_t
width_of(struct slice text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        n += ((unsigned char)text.p[i] & 0xc0) != 0x80 ? 1 : 0;
    }
    return n;
}

static void
lines_are_as_wide_as_the_screen(void **state)
{
    struct buf text = {0};

    (void)state;
    board_init(&board);
    for (int i = 0; i < 2 * BOARD_HISTORY; i++) {
        struct round round = round_at(i);

        round.samples[1].cmd_get = (uint64_t)i * (uint64_t)i;
        round.samples[1].bytes = UINT64_C(3) << 40;
        round.samples[1].items = UINT64_MAX;
        put(round);
    }
    for (size_t width = 1; width < 400; width++) {
        size_t at, n;

        for (int plain = 0; plain < 2; plain++) {
            board.plain = plain == 1;
            assert_true(board_put_row(&board, row("b:1"), width, &text));
            assert_int_equal(width_of(buf_slice(&text)), width);
            buf_clear(&text);
            assert_true(board_put_row(&board, &board.total, width, &text));
            assert_int_equal(width_of(buf_slice(&text)), width);
            buf_clear(&text);
        }
        assert_true(board_put_head(&board, width, &text));
        assert_int_equal(buf_len(&text), width);
        buf_clear(&text);
        board_sorted_at(&board, width, &at, &n);
        assert_true(n == 0 || width < 30 || at + n <= width);
    }
    buf_fini(&text);
}

static void
numbers_are_short(void **state)
{
    static const struct {
        double value;
        const char *text;
    } of[] = {{-1, "-"},        {0, "0"},          {9999, "9999"},
              {10000, "10.0k"}, {123456, "123k"},  {9999499, "9999k"},
              {1e7, "10.0M"},   {4.2e12, "4200G"}, {1.8e19, "18.0E"}};

    (void)state;
    for (size_t i = 0; i < COUNT(of); i++) {
        char text[32];

        board_short(of[i].value, text, sizeof(text));
        assert_string_equal(text, of[i].text);
        assert_true(strlen(text) <= 5);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rates_are_since_the_round_before, end),
        cmocka_unit_test_teardown(
            a_node_that_was_restarted_or_is_silent_has_no_rate, end),
        cmocka_unit_test_teardown(times_are_those_of_the_latest_round, end),
        cmocka_unit_test_teardown(rows_are_sorted_as_asked, end),
        cmocka_unit_test_teardown(lines_are_as_wide_as_the_screen, end),
        cmocka_unit_test(numbers_are_short),
    };

    return cmocka_run_group_tests_name("board", tests, NULL, NULL);
}
