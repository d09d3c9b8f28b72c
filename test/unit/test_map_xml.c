#include "test/unit/maps.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "cluster/map_text.h"

/* Written by a flare 1.3.4 index. */
static const char real[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\" ?>\n"
    "<!DOCTYPE boost_serialization>\n"
    "<boost_serialization signature=\"serialization::archive\" "
    "version=\"18\">\n"
    "<version>10</version>\n"
    "<node_map class_id=\"0\" tracking_level=\"0\" version=\"0\">\n"
    "\t<count>2</count>\n"
    "\t<item_version>0</item_version>\n"
    "\t<item class_id=\"1\" tracking_level=\"0\" version=\"0\">\n"
    "\t\t<first>127.0.0.1:23121</first>\n"
    "\t\t<second class_id=\"2\" tracking_level=\"0\" version=\"0\">\n"
    "\t\t\t<node_server_name>127.0.0.1</node_server_name>\n"
    "\t\t\t<node_server_port>23121</node_server_port>\n"
    "\t\t\t<node_role>0</node_role>\n"
    "\t\t\t<node_state>0</node_state>\n"
    "\t\t\t<node_partition>0</node_partition>\n"
    "\t\t\t<node_balance>1</node_balance>\n"
    "\t\t\t<node_thread_type>16</node_thread_type>\n"
    "\t\t</second>\n"
    "\t</item>\n"
    "\t<item>\n"
    "\t\t<first>127.0.0.1:23122</first>\n"
    "\t\t<second>\n"
    "\t\t\t<node_server_name>127.0.0.1</node_server_name>\n"
    "\t\t\t<node_server_port>23122</node_server_port>\n"
    "\t\t\t<node_role>1</node_role>\n"
    "\t\t\t<node_state>0</node_state>\n"
    "\t\t\t<node_partition>0</node_partition>\n"
    "\t\t\t<node_balance>1</node_balance>\n"
    "\t\t\t<node_thread_type>17</node_thread_type>\n"
    "\t\t</second>\n"
    "\t</item>\n"
    "</node_map>\n"
    "<thread_type>19</thread_type>\n"
    "</boost_serialization>\n"
    "\n";

static struct cluster_map *
parse(const char *text, const char **why, unsigned *line)
{
    *why = NULL;
    return map_text_parse_xml(slice_str(text), why, line);
}

/* The real file with `from` replaced by `to`, once. */
static char *
edited(const char *from, const char *to)
{
    const char *at = strstr(real, from);

    assert_non_null(at);
    return xasprintf("%.*s%s%s", (int)(at - real), real, to, at + strlen(from));
}

static void
a_file_of_flare_is_read_and_written_byte_for_byte(void **state)
{
    const char *why;
    unsigned line;
    struct cluster_map *map = parse(real, &why, &line);
    struct buf out = {0};

    (void)state;
    assert_non_null(map);
    assert_null(cluster_map_broken(map));
    assert_string_equal(map_says(map),
                        "127.0.0.1:23121 M/act/0/1, 127.0.0.1:23122 S/act/0/1");
    assert_int_equal(map->version, 10);
    assert_int_equal(map->next_thread_type, 19);
    assert_true(map_text_put_xml(&out, map));
    assert_int_equal(buf_len(&out), strlen(real));
    assert_memory_equal(buf_slice(&out).p, real, strlen(real));
    buf_fini(&out);
    cluster_map_unref(map);
}

static void
an_empty_map_survives(void **state)
{
    struct cluster_map *map = map_of("");
    struct cluster_map *back;
    struct buf out = {0};
    const char *why = NULL;
    unsigned line;

    (void)state;
    assert_true(map_text_put_xml(&out, map));
    back = map_text_parse_xml(buf_slice(&out), &why, &line);
    assert_non_null(back);
    assert_int_equal(back->nnodes, 0);
    assert_int_equal(back->version, 10);
    buf_fini(&out);
    cluster_map_unref(back);
    cluster_map_unref(map);
}

static void
names_with_markup_survive(void **state)
{
    struct cluster_map *map = map_of("a&b'\"c:1 P/act/-1/0");
    struct cluster_map *back;
    struct buf out = {0};
    const char *why = NULL;
    unsigned line;

    (void)state;
    assert_true(map_text_put_xml(&out, map));
    back = map_text_parse_xml(buf_slice(&out), &why, &line);
    assert_non_null(back);
    assert_string_equal(back->node[0].key, "a&b'\"c:1");
    buf_fini(&out);
    cluster_map_unref(back);
    cluster_map_unref(map);
}

static const struct {
    const char *from;
    const char *to;
} harmless[] = {
    {" class_id=\"0\" tracking_level=\"0\" version=\"0\"", ""},
    {" version=\"18\"", " version=\"99\""},
    {"</boost_serialization>\n\n", "</boost_serialization>"},
    {">10<", ">00010<"},
    {"<first>127.0.0.1:23122<", "<first>whatever<"},
    {"</count>\n\t<item", "</count><item"},
    {"<version>10</version>\n", ""},
    {"<item>\n", "<item class_id=\"1\">\r\n"},
};

static const struct {
    const char *from;
    const char *to;
    unsigned line;
} harmful[] = {
    {"<?xml", "<?xnl", 1},
    {"<!DOCTYPE boost_serialization>\n", "", 2},
    {"<version>10", "<!-- --><version>10", 4},
    {"<version>10", "<version> 10", 4},
    {"<version>10", "<version>x", 4},
    {"<count>2", "<count>1", 20},
    {"<count>2", "<count>3", 32},
    {"<count>2", "<count>99999999", 6},
    {"\t<item_version>0</item_version>\n", "", 7},
    {"<node_role>0</node_role>\n", "", 13},
    {"<node_role>0", "<node_role>3", 13},
    {"<node_state>0", "<node_state>4", 14},
    {"<node_partition>0", "<node_partition>-2", 15},
    {"<node_balance>1", "<node_balance>-1", 16},
    {"<node_thread_type>16", "<node_thread_type>15", 17},
    {">19<", ">17<", 36},
    {"23122</node_server_port>", "23121</node_server_port>", 31},
    {"23122</node_server_port>", "0</node_server_port>", 24},
    {"</node_map>", "", 33},
    {"</boost_serialization>\n\n", "", 34},
    {"</boost_serialization>\n\n", "</boost_serialization>\nx", 35},
    {"<second>", "<secondary>", 22},
};

static void
what_flare_accepts_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(harmless); i++) {
        char *text = edited(harmless[i].from, harmless[i].to);
        const char *why;
        unsigned line;
        struct cluster_map *map = parse(text, &why, &line);

        if (map == NULL) {
            fail_msg("%s: line %u: %s", harmless[i].to, line, why);
        }
        cluster_map_unref(map);
        free(text);
    }
}

static void
damage_is_refused_and_its_line_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(harmful); i++) {
        char *text = edited(harmful[i].from, harmful[i].to);
        const char *why;
        unsigned line;
        struct cluster_map *map = parse(text, &why, &line);

        if (map != NULL || why == NULL || line != harmful[i].line) {
            fail_msg("%s -> %s: line %u: %s", harmful[i].from, harmful[i].to,
                     line, why);
        }
        free(text);
    }
}

static void
no_part_of_a_file_passes_for_the_whole(void **state)
{
    const char *why;
    unsigned line;

    (void)state;
    for (size_t n = 0; n + 2 < strlen(real); n++) {
        why = NULL;
        if (map_text_parse_xml((struct slice){real, n}, &why, &line) != NULL) {
            fail_msg("%zu bytes were accepted", n);
        }
        assert_non_null(why);
    }
    assert_null(parse("", &why, &line));
    assert_string_equal(why, "the file is empty");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_flare_is_read_and_written_byte_for_byte),
        cmocka_unit_test(an_empty_map_survives),
        cmocka_unit_test(names_with_markup_survive),
        cmocka_unit_test(what_flare_accepts_is_accepted),
        cmocka_unit_test(damage_is_refused_and_its_line_named),
        cmocka_unit_test(no_part_of_a_file_passes_for_the_whole),
    };
    return cmocka_run_group_tests_name("cluster/map_xml", tests, NULL, NULL);
}
