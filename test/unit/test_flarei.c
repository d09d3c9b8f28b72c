/* index_apply() in its order: durable first, then in force. */
#include "test/unit/test.h"

#include <string.h>

#include "base/log.h"
#include "cluster/map_text.h"
#include "flarei/index.h"
#include "flarei/member.h"

struct fixture {
    struct flarei flarei;
    struct conf conf;
};

static int
set_up(void **state)
{
    static struct fixture fixture;
    char *args[] = {(char[]){"flarei"}, (char[]){"--data-dir"},
                    (char[]){"/nowhere"}, NULL};
    struct fixture *x = &fixture;
    struct err err;

    memset(x, 0, sizeof(*x));
    log_set_level(LOG_LEVEL_ERROR);
    if (conf_init(&x->conf, &flarei_conf_spec, &x->flarei.options, 3, args,
                  &err) != 0 ||
        loop_init(&x->flarei.loop, &err) != 0) {
        return -1;
    }
    x->flarei.coord = coord_mem_new();
    *state = x;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *x = *state;

    index_stop(&x->flarei);
    loop_fini(&x->flarei.loop);
    coord_close(x->flarei.coord);
    conf_fini(&x->conf);
    return 0;
}

static void
start(struct flarei *flarei)
{
    struct err err;

    assert_int_equal(index_load(flarei, &err), 0);
    index_start(flarei);
}

static enum index_verdict
add(struct flarei *flarei, uint64_t port)
{
    return index_apply(flarei, &(struct index_event){.type = INDEX_ADD,
                                                     .host = SLICE("127.0.0.1"),
                                                     .port = port});
}

static enum index_verdict
make_master(struct flarei *flarei, uint64_t port, int balance)
{
    return index_apply(flarei, &(struct index_event){.type = INDEX_ROLE,
                                                     .host = SLICE("127.0.0.1"),
                                                     .port = port,
                                                     .role = NODE_MASTER,
                                                     .balance = balance});
}

/* What another index would find. */
static struct cluster_map *
saved(const struct flarei *flarei)
{
    const char *why = NULL;
    struct buf text = {0};
    struct cluster_map *map;
    unsigned line = 0;
    struct err err;
    bool found;

    assert_int_equal(coord_load(flarei->coord, COORD_MAP, &text, &found, &err),
                     0);
    assert_true(found);
    map = map_text_parse_xml(buf_slice(&text), &why, &line);
    assert_non_null(map);
    buf_fini(&text);
    return map;
}

static void
assert_saved(const struct flarei *flarei)
{
    struct cluster_map *map = saved(flarei);

    assert_int_equal(map->version, flarei->map->version);
    assert_int_equal(map->nnodes, flarei->map->nnodes);
    assert_int_equal(map->next_thread_type, flarei->map->next_thread_type);
    for (size_t i = 0; i < map->nnodes; i++) {
        assert_string_equal(map->node[i].key, flarei->map->node[i].key);
        assert_int_equal(map->node[i].role, flarei->map->node[i].role);
        assert_int_equal(map->node[i].balance, flarei->map->node[i].balance);
    }
    cluster_map_unref(map);
}

static void
every_change_is_saved(void **state)
{
    struct flarei *flarei = &((struct fixture *)*state)->flarei;

    start(flarei);
    assert_int_equal(flarei->map->version, 0);
    assert_int_equal(add(flarei, 1), INDEX_CHANGED);
    assert_saved(flarei);
    assert_int_equal(make_master(flarei, 1, 1), INDEX_CHANGED);
    assert_saved(flarei);
    assert_int_equal(make_master(flarei, 1, 0), INDEX_REFUSED);
    assert_saved(flarei);
    assert_int_equal(flarei->map->version, 2);
}

static void
a_save_that_fails_changes_nothing_whichever_it_is(void **state)
{
    struct flarei *flarei = &((struct fixture *)*state)->flarei;

    start(flarei);
    assert_int_equal(add(flarei, 1), INDEX_CHANGED);
    for (unsigned n = 0; n < 10; n++) { /* a change is saved in two parts */
        uint64_t version = flarei->map->version;

        coord_mem_fail(flarei->coord, n + 1);
        for (unsigned i = 1; i <= n / 2; i++) {
            assert_int_equal(make_master(flarei, 1, (int)i), INDEX_CHANGED);
        }
        assert_int_equal(make_master(flarei, 1, 77), INDEX_REFUSED);
        assert_int_equal(flarei->map->version, version + n / 2);
        assert_int_not_equal(flarei->map->node[0].balance, 77);
        assert_saved(flarei);
        assert_int_equal(add(flarei, 100 + n), INDEX_CHANGED);
    }
    assert_int_equal(flarei->members.count, flarei->map->nnodes);
}

static void
each_node_of_the_map_is_watched_and_nobody_else(void **state)
{
    struct flarei *flarei = &((struct fixture *)*state)->flarei;
    struct index_event event = {.host = SLICE("127.0.0.1"), .port = 2};

    start(flarei);
    (void)add(flarei, 1);
    (void)add(flarei, 2);
    assert_int_equal(flarei->members.count, 2);
    event.type = INDEX_DOWN;
    assert_int_equal(index_apply(flarei, &event), INDEX_CHANGED);
    assert_int_equal(flarei->members.count, 2);
    event.type = INDEX_REMOVE;
    assert_int_equal(index_apply(flarei, &event), INDEX_CHANGED);
    assert_int_equal(flarei->members.count, 1);
    assert_null(strmap_find(&flarei->members, SLICE("127.0.0.1:2")));
}

static void
what_was_saved_is_in_force_after_a_restart(void **state)
{
    struct flarei *flarei = &((struct fixture *)*state)->flarei;

    start(flarei);
    (void)add(flarei, 1);
    (void)make_master(flarei, 1, 3);
    index_stop(flarei);
    start(flarei);
    assert_int_equal(flarei->map->version, 2);
    assert_int_equal(flarei->map->node[0].balance, 3);
    assert_int_equal(flarei->members.count, 1);
}

static void
a_saved_map_that_breaks_a_rule_is_refused(void **state)
{
    struct flarei *flarei = &((struct fixture *)*state)->flarei;
    struct cluster_map *map;
    struct buf text = {0};
    struct err err = {0};

    start(flarei);
    (void)add(flarei, 1);
    (void)make_master(flarei, 1, 1);
    index_stop(flarei);
    map = saved(flarei);
    map->node[0].partition = 5;
    assert_true(map_text_put_xml(&text, map));
    assert_int_equal(
        coord_save(flarei->coord, COORD_MAP, buf_slice(&text), &err), 0);
    assert_int_equal(index_load(flarei, &err), ERR_CORRUPT);
    assert_string_equal(err.msg, "memory: the partitions have a gap");
    assert_int_equal(
        coord_save(flarei->coord, COORD_MAP, SLICE("<?xml ?>\n<x>"), &err), 0);
    cluster_map_unref(flarei->map);
    assert_int_equal(index_load(flarei, &err), ERR_CORRUPT);
    assert_string_equal(
        err.msg, "memory: line 2: DOCTYPE boost_serialization is expected");
    buf_fini(&text);
    cluster_map_unref(map);
}

static void
what_is_held_down_stays_so_after_a_restart(void **state)
{
    struct flarei *flarei = &((struct fixture *)*state)->flarei;
    struct index_event event = {
        .type = INDEX_SHUTDOWN, .host = SLICE("127.0.0.1"), .port = 1};
    struct err err;

    start(flarei);
    (void)add(flarei, 1);
    (void)make_master(flarei, 1, 1);
    assert_int_equal(index_apply(flarei, &event), INDEX_CHANGED);
    index_stop(flarei);
    start(flarei);
    assert_true(flarei->map->node[0].held);
    assert_int_equal(index_book_count(&flarei->book), 1);
    event.type = INDEX_UP;
    assert_int_equal(index_apply(flarei, &event), INDEX_SAME);
    assert_int_equal(coord_save(flarei->coord, COORD_SIDE, SLICE("x"), &err),
                     0);
    index_stop(flarei);
    assert_int_equal(index_load(flarei, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "side memory: line 1"));
}

/* A change that is not saved leaves no trace in the history either. */
static void
the_history_holds_what_has_happened(void **state)
{
    struct flarei *flarei = &((struct fixture *)*state)->flarei;
    struct index_event event = {.type = INDEX_DOWN,
                                .host = SLICE("127.0.0.1"),
                                .port = 1,
                                .evidence = HEALTH_REFUSED};

    start(flarei);
    (void)add(flarei, 1);
    (void)make_master(flarei, 1, 1);
    for (unsigned n = 1; n <= 2; n++) {
        coord_mem_fail(flarei->coord, n);
        assert_int_equal(index_apply(flarei, &event), INDEX_REFUSED);
        assert_int_equal(index_book_count(&flarei->book), 0);
        assert_false(flarei->map->node[0].held);
    }
    assert_int_equal(index_apply(flarei, &event), INDEX_CHANGED);
    assert_int_equal(index_book_count(&flarei->book), 1);
    assert_string_equal(index_book_at(&flarei->book, 0)->from, "127.0.0.1:1");
    assert_int_equal(index_book_at(&flarei->book, 0)->evidence, HEALTH_REFUSED);
    assert_int_equal(index_book_at(&flarei->book, 0)->version, 3);
    index_stop(flarei);
    start(flarei);
    assert_int_equal(index_book_count(&flarei->book), 1);
}

static void
a_map_that_has_vanished_is_no_new_cluster(void **state)
{
    struct flarei *flarei = &((struct fixture *)*state)->flarei;
    struct coord *whole = flarei->coord;
    struct buf side = {0};
    struct err err = {0};
    bool found;

    start(flarei);
    (void)add(flarei, 1);
    assert_int_equal(coord_load(whole, COORD_SIDE, &side, &found, &err), 0);
    index_stop(flarei);
    flarei->coord = coord_mem_new();
    assert_int_equal(
        coord_save(flarei->coord, COORD_SIDE, buf_slice(&side), &err), 0);
    start(flarei); /* killed before the first map was there */
    assert_int_equal(flarei->map->nnodes, 0);
    (void)add(flarei, 1);
    (void)add(flarei, 2);
    buf_clear(&side);
    assert_int_equal(coord_load(flarei->coord, COORD_SIDE, &side, &found, &err),
                     0);
    index_stop(flarei);
    coord_close(flarei->coord);
    flarei->coord = coord_mem_new();
    assert_int_equal(
        coord_save(flarei->coord, COORD_SIDE, buf_slice(&side), &err), 0);
    assert_int_equal(index_load(flarei, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "memory is missing"));
    coord_close(whole);
    buf_fini(&side);
}

#define WITH_INDEX(test)                                                       \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_INDEX(every_change_is_saved),
        WITH_INDEX(a_save_that_fails_changes_nothing_whichever_it_is),
        WITH_INDEX(each_node_of_the_map_is_watched_and_nobody_else),
        WITH_INDEX(what_was_saved_is_in_force_after_a_restart),
        WITH_INDEX(a_saved_map_that_breaks_a_rule_is_refused),
        WITH_INDEX(what_is_held_down_stays_so_after_a_restart),
        WITH_INDEX(the_history_holds_what_has_happened),
        WITH_INDEX(a_map_that_has_vanished_is_no_new_cluster),
    };
    return cmocka_run_group_tests_name("flarei", tests, NULL, NULL);
}
