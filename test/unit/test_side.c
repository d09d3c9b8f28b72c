/* What the index keeps beside flare.xml: for which map it counts, and damage.
 */
#include "test/unit/maps.h"

#include "base/crc32c.h"
#include "index/side.h"

static struct index_book book, empty_book;

static struct node *
node_of(struct cluster_map *map, const char *key)
{
    struct node *node = cluster_map_find(map, slice_str(key));

    assert_non_null(node);
    return node;
}

/* Master 0 is down and has something of everything. */
static struct cluster_map *
map_with_all(uint64_t version)
{
    struct cluster_map *map =
        map_of("a:1 M/down/0/1, b:2 P/down/-1/0, c:3 P/act/-1/0");
    struct node *a = node_of(map, "a:1");

    map->version = version;
    a->held = true;
    a->wait = NODE_WAIT_BEHIND;
    a->data = (struct node_data){NODE_COPY_COMPLETE, 0, UINT64_MAX, 77, 5};
    a->master_since = 6;
    node_of(map, "c:3")->data =
        (struct node_data){NODE_COPY_EMPTY, NODE_NO_PARTITION, 0, 0, 0};
    return map;
}

static struct cluster_map *
bare(const struct cluster_map *like, uint64_t version)
{
    struct cluster_map *map = cluster_map_copy(like, 0);

    assert_non_null(map);
    map->version = version;
    for (size_t i = 0; i < map->nnodes; i++) {
        map->node[i].held = false;
        map->node[i].wait = NODE_WAIT_NOT;
        map->node[i].master_since = 0;
        map->node[i].data = (struct node_data){.copy = NODE_COPY_UNKNOWN};
    }
    return map;
}

static void
assert_same(const struct cluster_map *a, const struct cluster_map *b)
{
    assert_int_equal(a->nnodes, b->nnodes);
    for (size_t i = 0; i < a->nnodes; i++) {
        const struct node *x = &a->node[i], *y = &b->node[i];

        assert_int_equal(x->held, y->held);
        assert_int_equal(x->wait, y->wait);
        assert_int_equal(x->master_since, y->master_since);
        assert_int_equal(x->data.copy, y->data.copy);
        assert_int_equal(x->data.partition, y->data.partition);
        assert_int_equal(node_data_compare(&x->data, &y->data), 0);
        assert_int_equal(x->data.records, y->data.records);
    }
}

static struct index_failover
failover(uint64_t version)
{
    struct index_failover f = {.version = version,
                               .at = {1700000000},
                               .took_ms = 42,
                               .cause = INDEX_DOWN,
                               .evidence = HEALTH_SILENT,
                               .partition = 3,
                               .from = "a:1",
                               .to = "b:2",
                               .from_data = {NODE_COPY_COMPLETE, 3, 4, 5, 6},
                               .to_data = {NODE_COPY_COMPLETE, 3, 4, 9, 0}};

    return f;
}

static void
all_of_it_comes_back(void **state)
{
    struct cluster_map *map = map_with_all(8);
    struct cluster_map *back = bare(map, 8);
    struct index_failover f = failover(8);
    struct index_side_read read;
    struct buf text = {0};

    (void)state;
    book = (struct index_book){0};
    (void)index_book_add(&book, &f);
    memset(f.to, 0, sizeof(f.to));
    f.to_data = (struct node_data){.copy = NODE_COPY_UNKNOWN};
    f.took_ms = -1;
    (void)index_book_add(&book, &f);
    assert_true(index_side_put(&text, NULL, map, &book));
    empty_book = (struct index_book){0};
    read = index_side_take(buf_slice(&text), back, &empty_book);
    assert_null(read.why);
    assert_false(read.older);
    assert_same(map, back);
    assert_int_equal(index_book_count(&empty_book), 2);
    assert_memory_equal(&book, &empty_book, sizeof(book));
    buf_fini(&text);
    cluster_map_unref(map);
    cluster_map_unref(back);
}

/* Between the two files only one of two maps may be in force. */
static void
each_map_finds_what_belongs_to_it(void **state)
{
    static const struct {
        uint64_t version;
        bool held; /* by the first description b:2 is, by the second a:1 */
        bool other;
        size_t failovers;
        bool older;
    } rows[] = {
        {6, false, false, 0, true},  {7, false, true, 1, false},
        {8, true, false, 2, false},  {9, true, false, 2, false},
        {99, true, false, 2, false},
    };
    struct cluster_map *after = map_with_all(8);
    struct cluster_map *before = bare(after, 7);
    struct index_failover first = failover(7), second = failover(8);
    struct buf text = {0};

    (void)state;
    node_of(before, "b:2")->held = true;
    book = (struct index_book){0};
    (void)index_book_add(&book, &first);
    (void)index_book_add(&book, &second);
    assert_true(index_side_put(&text, before, after, &book));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cluster_map *map = bare(after, rows[i].version);
        struct index_side_read read;

        empty_book = (struct index_book){0};
        read = index_side_take(buf_slice(&text), map, &empty_book);
        assert_null(read.why);
        assert_int_equal(read.older, rows[i].older);
        assert_int_equal(node_of(map, "a:1")->held, rows[i].held);
        assert_int_equal(node_of(map, "b:2")->held, rows[i].other);
        assert_int_equal(index_book_count(&empty_book), rows[i].failovers);
        cluster_map_unref(map);
    }
    buf_fini(&text);
    cluster_map_unref(before);
    cluster_map_unref(after);
}

/* A flare 1.3.4 index has worked on the map meanwhile. */
static void
what_makes_no_sense_any_more_is_dropped(void **state)
{
    struct cluster_map *map = map_with_all(8);
    struct cluster_map *now = map_of("a:1 P/act/-1/0, x:9 M/act/0/1");
    struct index_side_read read;
    struct buf text = {0};

    (void)state;
    book = (struct index_book){0};
    assert_true(index_side_put(&text, NULL, map, &book));
    read = index_side_take(buf_slice(&text), now, &book);
    assert_null(read.why);
    assert_false(node_of(now, "a:1")->held);
    assert_int_equal(node_of(now, "a:1")->wait, NODE_WAIT_NOT);
    assert_int_equal(node_of(now, "a:1")->master_since, 0);
    assert_int_equal(node_of(now, "x:9")->data.copy, NODE_COPY_UNKNOWN);
    buf_fini(&text);
    cluster_map_unref(map);
    cluster_map_unref(now);
}

static void
any_damage_is_found(void **state)
{
    struct cluster_map *map = map_with_all(8);
    struct index_failover f = failover(8);
    struct buf text = {0};
    size_t n;

    (void)state;
    book = (struct index_book){0};
    (void)index_book_add(&book, &f);
    assert_true(index_side_put(&text, NULL, map, &book));
    n = buf_len(&text);
    assert_true(n > 100);
    for (size_t i = 0; i < n; i++) {
        text.base[i] ^= 1;
        assert_non_null(
            index_side_take(buf_slice(&text), map, &empty_book).why);
        text.base[i] ^= 1;
    }
    for (size_t i = 0; i < n; i++) { /* cut off anywhere */
        assert_non_null(
            index_side_take((struct slice){text.base, i}, map, &empty_book)
                .why);
    }
    buf_fini(&text);
    cluster_map_unref(map);
}

/* With a good checksum, as another program may have written it. */
static void
what_is_not_understood_is_named_by_its_line(void **state)
{
    static const char *const lines[] = {
        "node a:1 0 no unknown -1 0 0 0 0", /* of no generation */
        "generation 1\ngeneration 1",
        "generation x",
        "generation 1 2",
        "generation 1\nnode",
        "generation 1\nnode a:1 2 no unknown -1 0 0 0 0",
        "generation 1\nnode a:1 0 maybe unknown -1 0 0 0 0",
        "generation 1\nnode a:1 0 no half -1 0 0 0 0",
        "generation 1\nnode a:1 0 no unknown -2 0 0 0 0",
        "generation 1\nnode a:1 0 no unknown -1 0 0 0",
        "generation 1\nnode a:1 0 no unknown -1 0 0 0 0 0",
        "generation 1\nnode a:1 0 no unknown -1 0 0 0 99999999999999999999",
        "failover 1 2 3 monitor silent 0 a:1 unknown -1 0 0 0",
        "failover 1 2 3 boredom silent 0 - unknown -1 0 0 0 - unknown -1 0 0 0",
        "failover 1 2 3 monitor loud 0 - unknown -1 0 0 0 - unknown -1 0 0 0",
        "failover 1 2 -2 monitor wrong 0 - unknown -1 0 0 0 - unknown -1 0 0 0",
        "generations 1",
        "",
    };
    struct cluster_map *map = map_with_all(8);

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct index_side_read read;
        struct buf text = {0};
        unsigned line = 2;

        for (const char *p = lines[i]; *p != '\0'; p++) {
            line += *p == '\n';
        }
        assert_true(buf_printf(&text, "flarei.state 1\n%s\n", lines[i]));
        assert_true(buf_printf(&text, "crc %08x\n",
                               (unsigned)crc32c(0, text.base, buf_len(&text))));
        read = index_side_take(buf_slice(&text), map, &empty_book);
        if (read.why == NULL || read.line != line) {
            fail_msg("%s: %s, line %u", lines[i], read.why, read.line);
        }
        buf_fini(&text);
    }
    assert_non_null(index_side_take(SLICE(""), map, &empty_book).why);
    cluster_map_unref(map);
}

static void
the_history_keeps_the_last_ones(void **state)
{
    struct cluster_map *map = map_of("a:1 P/act/-1/0");
    struct index_side_read read;
    struct buf text = {0};

    (void)state;
    map->version = 1000;
    book = (struct index_book){0};
    for (uint64_t i = 1; i <= 300; i++) {
        struct index_failover f = failover(i);

        (void)index_book_add(&book, &f);
    }
    assert_int_equal(index_book_count(&book), INDEX_HISTORY);
    assert_int_equal(index_book_at(&book, 0)->version, 45);
    assert_int_equal(index_book_at(&book, 255)->version, 300);
    assert_true(index_side_put(&text, NULL, map, &book));
    empty_book = (struct index_book){0};
    read = index_side_take(buf_slice(&text), map, &empty_book);
    assert_null(read.why);
    assert_int_equal(index_book_count(&empty_book), INDEX_HISTORY);
    assert_int_equal(index_book_at(&empty_book, 255)->version, 300);
    buf_fini(&text);
    cluster_map_unref(map);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_comes_back),
        cmocka_unit_test(each_map_finds_what_belongs_to_it),
        cmocka_unit_test(what_makes_no_sense_any_more_is_dropped),
        cmocka_unit_test(any_damage_is_found),
        cmocka_unit_test(what_is_not_understood_is_named_by_its_line),
        cmocka_unit_test(the_history_keeps_the_last_ones),
    };
    return cmocka_run_group_tests_name("index/side", tests, NULL, NULL);
}
