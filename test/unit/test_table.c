#include "test/unit/test.h"

#include "cli/progress.h"
#include "cli/table.h"
#include "tool/stats.h"
#include "tool/target.h"

static const struct table_column columns[] = {
    {"name", false, 6, NULL, TABLE_TEXT},
    {"n", true, 3, NULL, TABLE_NUMBER},
};

static void
expect(struct table *table, const char *separator, const char *text)
{
    struct buf out = {0};

    table_put(table, separator, &out);
    (void)buf_put(&out, "", 1);
    assert_string_equal(buf_slice(&out).p, text);
    buf_fini(&out);
    table_fini(table);
}

static void
fixed_columns_keep_their_width_and_long_cells_push(void **state)
{
    struct table table = {.columns = columns, .ncolumns = 2};

    (void)state;
    table_cell(&table, "ab");
    table_cell(&table, "%d", 7);
    table_cell(&table, "abcdefgh");
    table_cell(&table, "%d", 12345);
    expect(&table, " ", "name     n\nab       7\nabcdefgh 12345\n");
}

static void
rows_become_json_and_csv(void **state)
{
    static const struct table_column kinds[] = {
        {"the name", false, 0, "name", TABLE_TEXT},
        TABLE_COL_NUMBER("n"),
        TABLE_COL_YES_NO("ok"),
    };
    struct table table = {.columns = kinds, .ncolumns = 3, .fit = true};
    struct buf out = {0};

    (void)state;
    table_put_json(&table, &out);
    (void)buf_put(&out, "", 1);
    assert_string_equal(buf_slice(&out).p, "[]\n");
    buf_clear(&out);
    table_cell(&table, "%s", "a \"b\", \\ \001");
    table_cell(&table, "-");
    table_cell(&table, "yes");
    table_cell(&table, "c");
    table_cell(&table, "-12.5");
    table_cell(&table, "no");
    table_put_json(&table, &out);
    (void)buf_put(&out, "", 1);
    assert_string_equal(
        buf_slice(&out).p,
        "[\n {\"name\": \"a \\\"b\\\", \\\\ \\u0001\", \"n\": null, "
        "\"ok\": true},\n {\"name\": \"c\", \"n\": -12.5, \"ok\": false}\n]\n");
    buf_clear(&out);
    table_put_csv(&table, &out);
    (void)buf_put(&out, "", 1);
    assert_string_equal(buf_slice(&out).p,
                        "name,n,ok\n\"a \"\"b\"\", \\ \001\",,yes\n"
                        "c,-12.5,no\n");
    buf_fini(&out);
    table_fini(&table);
}

static void
states_are_painted_when_asked(void **state)
{
    static const struct table_column kinds[] = {
        {"state", true, 6, NULL, TABLE_STATE},
        {"x", false, 1, NULL, TABLE_TEXT},
    };
    struct table table = {.columns = kinds, .ncolumns = 2, .paint = true};

    (void)state;
    table_cell(&table, "down");
    table_cell(&table, "down");
    expect(&table, " ", " state x\n\033[31m  down\033[0m down\n");
}

static void
progress_tells_share_rate_and_rest(void **state)
{
    struct progress p = {.what = "dump", .unit = "entries", .total = 400};
    struct buf out = {0};

    (void)state;
    p.done = 100;
    p.bytes = 3 << 20;
    progress_put(&p, 2000, &out);
    (void)buf_put(&out, "", 1);
    assert_string_equal(buf_slice(&out).p,
                        "dump [#####...............]  25% 100/400 entries, "
                        "50/s, 1.5 MB/s, ETA 6 s");
    buf_clear(&out);
    p.total = p.bytes = 0;
    progress_put(&p, 2000, &out);
    (void)buf_put(&out, "", 1);
    assert_string_equal(buf_slice(&out).p, "dump 100 entries, 50/s");
    buf_fini(&out);
}

static void
fitted_columns_are_as_wide_as_their_widest_cell(void **state)
{
    struct table table = {.columns = columns, .ncolumns = 2, .fit = true};

    (void)state;
    table_cell(&table, "ab");
    table_cell(&table, "%d", 7);
    table_cell(&table, "abcdefgh");
    table_cell(&table, "%d", 12345);
    expect(&table, ",", "name    ,n    \nab      ,    7\nabcdefgh,12345\n");
}

static void
an_empty_table_is_its_titles(void **state)
{
    struct table table = {.columns = columns, .ncolumns = 2, .fit = true};

    (void)state;
    expect(&table, " ", "name n\n");
}

static void
uptime_is_told_in_its_largest_whole_unit(void **state)
{
    static const struct {
        uint64_t seconds;
        const char *text;
    } cases[] = {{0, "0s"},     {59, "59s"},    {60, "1m"},
                 {3599, "59m"}, {12913, "3h"},  {86399, "23h"},
                 {86400, "1d"}, {200000, "2d"}, {86400 * 400, "400d"}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[32];

        stats_uptime(cases[i].seconds, text, sizeof(text));
        assert_string_equal(text, cases[i].text);
    }
}

static void
a_target_is_taken_apart_at_its_colons(void **state)
{
    static const struct {
        const char *word;
        enum target_verdict verdict;
        int nfields;
        const char *key;
        int balance, partition;
    } cases[] = {
        {"h:1", TARGET_OK, 2, "h:1", -1, -1},
        {"h:65535:3", TARGET_OK, 3, "h:65535", 3, -1},
        {"h:1:0:12", TARGET_OK, 4, "h:1", 0, 12},
        {"h:1:1:", TARGET_OK, 3, "h:1", 1, -1},
        {"h:1:x:-1", TARGET_OK, 4, "h:1", -1, -1},
        {"[::1]:12121:1:0", TARGET_OK, 4, "[::1]:12121", 1, 0},
        {"h", TARGET_BAD_FORM, 1, "", -1, -1},
        {"", TARGET_BAD_FORM, 1, "", -1, -1},
        {":1", TARGET_BAD_FORM, 2, "", -1, -1},
        {"h:1:1:1:1", TARGET_BAD_FORM, 5, "", -1, -1},
        {"h:0", TARGET_BAD_NODE, 2, "", -1, -1},
        {"h:65536", TARGET_BAD_NODE, 2, "", -1, -1},
        {"h:x:1:1", TARGET_BAD_NODE, 4, "", 1, 1},
        {"a b:1", TARGET_BAD_NODE, 2, "", -1, -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct target t;

        assert_int_equal(target_parse(cases[i].word, &t), cases[i].verdict);
        assert_int_equal(t.nfields, cases[i].nfields);
        assert_string_equal(t.key, cases[i].key);
        assert_int_equal(t.balance, cases[i].balance);
        assert_int_equal(t.partition, cases[i].partition);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_columns_keep_their_width_and_long_cells_push),
        cmocka_unit_test(rows_become_json_and_csv),
        cmocka_unit_test(states_are_painted_when_asked),
        cmocka_unit_test(progress_tells_share_rate_and_rest),
        cmocka_unit_test(fitted_columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(an_empty_table_is_its_titles),
        cmocka_unit_test(uptime_is_told_in_its_largest_whole_unit),
        cmocka_unit_test(a_target_is_taken_apart_at_its_colons),
    };
    return cmocka_run_group_tests_name("cli: tables and words", tests, NULL,
                                       NULL);
}
