#include "test/unit/maps.h"

#include "cluster/map_text.h"

static struct slice
terminated(struct buf *out)
{
    struct slice text;

    assert_true(buf_put(out, "", 1));
    text = buf_slice(out);
    text.n--;
    return text;
}

static void
nodes_are_written_as_a_flare_index_writes_them(void **state)
{
    struct cluster_map *map =
        map_of("127.0.0.1:23122 M/act/0/1, 127.0.0.1:23121 P/down/-1/0");
    struct buf out = {0};

    (void)state;
    assert_true(map_text_put_nodes(&out, map));
    assert_string_equal(terminated(&out).p,
                        "NODE 127.0.0.1 23121 2 2 -1 0 17\r\n"
                        "NODE 127.0.0.1 23122 0 0 0 1 16\r\n");
    buf_clear(&out);
    assert_true(map_text_put_stats(&out, map));
    assert_string_equal(terminated(&out).p,
                        "STAT 127.0.0.1:23121:role proxy\r\n"
                        "STAT 127.0.0.1:23121:state down\r\n"
                        "STAT 127.0.0.1:23121:partition -1\r\n"
                        "STAT 127.0.0.1:23121:balance 0\r\n"
                        "STAT 127.0.0.1:23121:thread_type 17\r\n"
                        "STAT 127.0.0.1:23122:role master\r\n"
                        "STAT 127.0.0.1:23122:state active\r\n"
                        "STAT 127.0.0.1:23122:partition 0\r\n"
                        "STAT 127.0.0.1:23122:balance 1\r\n"
                        "STAT 127.0.0.1:23122:thread_type 16\r\n");
    buf_fini(&out);
    cluster_map_unref(map);
}

static void
a_node_line_is_read_whole_or_not_at_all(void **state)
{
    static const char *const good[] = {
        "NODE 127.0.0.1 23121 2 2 -1 0 16",
        "NODE h 1 0 0 0 100000 16 99 extra",
        "NODE  h  00012121 1 1 0 0 20 ",
        "NODE [::1] 1 0 3 65533 1 16",
    };
    static const char *const bad[] = {
        "",
        "NODE",
        "node h 1 0 0 0 1 16",
        "NODE h 1 0 0 0 1",
        "NODE h 0 0 0 0 1 16",
        "NODE h 65536 0 0 0 1 16",
        "NODE h 1 3 0 0 1 16",
        "NODE h 1 0 4 0 1 16",
        "NODE h 1 -1 0 0 1 16",
        "NODE h 1 0 0 -2 1 16",
        "NODE h 1 0 0 65534 1 16",
        "NODE h 1 0 0 0 -1 16",
        "NODE h 1 0 0 0 1x 16",
        "NODE h 1 0 0 0 99999999999999999999 16",
        "NODE a:b 1 0 0 0 1 16",
        "NODE <a> 1 0 0 0 1 16",
        "NODE h 1 0 0 0 1 -16",
    };
    struct node node;

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        if (!map_text_parse_node(slice_str(good[i]), &node)) {
            fail_msg("\"%s\" was refused", good[i]);
        }
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (map_text_parse_node(slice_str(bad[i]), &node)) {
            fail_msg("\"%s\" was accepted", bad[i]);
        }
    }
}

static void
lines_become_a_map(void **state)
{
    const char *why = NULL;
    unsigned line;
    struct cluster_map *map = map_text_parse(
        SLICE("NODE b 2 0 0 0 1 30\r\nNODE a 1 2 0 -1 0 16\nNODE b 2 0 0 0 5 "
              "31\r\n"),
        7, &why, &line);

    (void)state;
    assert_non_null(map);
    assert_string_equal(map_says(map), "a:1 P/act/-1/0, b:2 M/act/0/5");
    assert_int_equal(map->version, 7);
    assert_int_equal(map->next_thread_type, 32);
    cluster_map_unref(map);
    map = map_text_parse((struct slice){"", 0}, 1, &why, &line);
    assert_int_equal(map->nnodes, 0);
    cluster_map_unref(map);
}

static void
a_bad_line_is_named(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
    } bad[] = {
        {"NODE a 1 0 0 0 1 16\r\nNODE b\r\n", 2},
        {"END\r\n", 1},
        {"NODE a 1 0 0 0 1 16\r\n\r\n", 2},
        {"NODE a 1 0 0 0 1 16", 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        const char *why = NULL;
        unsigned line;

        assert_null(map_text_parse(slice_str(bad[i].text), 1, &why, &line));
        assert_int_equal(line, bad[i].line);
        assert_non_null(why);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_are_written_as_a_flare_index_writes_them),
        cmocka_unit_test(a_node_line_is_read_whole_or_not_at_all),
        cmocka_unit_test(lines_become_a_map),
        cmocka_unit_test(a_bad_line_is_named),
    };
    return cmocka_run_group_tests_name("cluster/map_text", tests, NULL, NULL);
}
