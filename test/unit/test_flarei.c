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

    assert_int_equal(coord_load(flarei->coord, &text, &found, &err), 0);
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
    for (unsigned n = 1; n < 6; n++) {
        uint64_t version = flarei->map->version;

        coord_mem_fail(flarei->coord, n);
        for (unsigned i = 1; i < n; i++) {
            assert_int_equal(make_master(flarei, 1, (int)i), INDEX_CHANGED);
        }
        assert_int_equal(make_master(flarei, 1, 77), INDEX_REFUSED);
        assert_int_equal(flarei->map->version, version + n - 1);
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
    assert_int_equal(coord_save(flarei->coord, buf_slice(&text), &err), 0);
    assert_int_equal(index_load(flarei, &err), ERR_CORRUPT);
    assert_string_equal(err.msg, "memory: the partitions have a gap");
    assert_int_equal(coord_save(flarei->coord, SLICE("<?xml ?>\n<x>"), &err),
                     0);
    cluster_map_unref(flarei->map);
    assert_int_equal(index_load(flarei, &err), ERR_CORRUPT);
    assert_string_equal(
        err.msg, "memory: line 2: DOCTYPE boost_serialization is expected");
    buf_fini(&text);
    cluster_map_unref(map);
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
    };
    return cmocka_run_group_tests_name("flarei", tests, NULL, NULL);
}
