/* Taking maps into use; what it tells is written down by fakes. */
#include "test/unit/node_fixture.h"

#include "flared/hold.h"
#include "flared/index_link.h"
#include "flared/last_map.h"
#include "flared/membership.h"
#include "flared/rebuild_run.h"
#include "flared/replicate.h"
#include "flared/worker.h"

struct offering {
    struct map_offer offer;
    int verdict; /* an enum sync_verdict, or PENDING */
};

enum { PENDING = -1 };

static struct {
    struct node_fixture f;
    char log[400];
    void (*done)(void *arg); /* of whoever was given a view last */
    void *arg;
    struct offering offering[80];
} t;

static void
write_down(const char *text)
{
    size_t n = strlen(t.log);

    (void)snprintf(t.log + n, sizeof(t.log) - n, "%s%s", n > 0 ? " " : "",
                   text);
}

static void
assert_log(const char *log)
{
    assert_string_equal(t.log, log);
    t.log[0] = '\0';
}

/* --- fakes --------------------------------------------------------------- */

void
replicator_set_view(struct replicator *replicator, struct cluster_view *view,
                    void (*done)(void *arg), void *arg)
{
    (void)replicator;
    (void)view;
    write_down("replicator");
    t.done = done;
    t.arg = arg;
}

void
workers_set_view(struct flared *node, struct cluster_view *view,
                 void (*done)(void *arg), void *arg)
{
    (void)node;
    (void)view;
    write_down("workers");
    t.done = done;
    t.arg = arg;
}

void
replicator_settle(struct replicator *replicator)
{
    (void)replicator;
    write_down("settle");
}

void
rebuilder_begin(struct rebuilder *rebuilder, enum diff_kind kind,
                struct cluster_view *view)
{
    (void)rebuilder;
    (void)view;
    write_down(kind == DIFF_BUILD_SLAVE ? "build-slave" : "build-master");
}

void
rebuilder_set_view(struct rebuilder *rebuilder, struct cluster_view *view)
{
    (void)rebuilder;
    (void)view;
    write_down("view");
}

void
rebuilder_cancel(struct rebuilder *rebuilder)
{
    (void)rebuilder;
    write_down("cancel");
}

void
rebuilder_settled(struct rebuilder *rebuilder)
{
    (void)rebuilder;
    write_down("settled");
}

void
index_link_start(struct index_link *link)
{
    (void)link;
    write_down("register");
}

void
index_link_forget(struct index_link *link)
{
    (void)link;
    write_down("forget");
}

/* --- offers -------------------------------------------------------------- */

static void
on_back(struct mail *mail)
{
    struct map_offer *offer = LIST_ENTRY(mail, struct map_offer, mail_back);
    struct offering *o = LIST_ENTRY(offer, struct offering, offer);

    o->verdict = (int)offer->verdict;
}

/* "node sync VERSION" with these lines. */
static struct offering *
offer(unsigned n, uint64_t version, const char *lines)
{
    struct offering *o = &t.offering[n];

    buf_fini(&o->offer.lines);
    *o = (struct offering){.verdict = PENDING};
    o->offer.node = t.f.node;
    o->offer.version = version;
    o->offer.reply_to = &t.f.node->control.mailbox;
    o->offer.mail.deliver = membership_on_offer;
    o->offer.mail_back.deliver = on_back;
    assert_true(buf_put_str(&o->offer.lines, lines));
    mailbox_post(&t.f.node->control.mailbox, &o->offer.mail);
    for (int i = 0; i < 4; i++) {
        loop_turn(&t.f.node->control, false);
    }
    return o;
}

/* Whoever was given a view has it now. */
static void
have_it(void)
{
    t.done(t.arg);
    for (int i = 0; i < 4; i++) {
        loop_turn(&t.f.node->control, false);
    }
}

static int
set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    node_begin(&t.f);
    t.f.node->membership = membership_new(t.f.node);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    membership_free(t.f.node->membership);
    node_end(&t.f);
    for (size_t i = 0; i < COUNT(t.offering); i++) {
        buf_fini(&t.offering[i].offer.lines);
    }
    return 0;
}

#define PROXY "NODE me 1 2 0 -1 0 16\r\n"
#define SLAVE "NODE a 1 0 0 0 1 17\r\nNODE me 1 1 1 0 0 16\r\n"
#define ACTIVE "NODE a 1 0 0 0 1 17\r\nNODE me 1 1 0 0 0 16\r\n"
#define MASTER "NODE a 1 2 2 -1 0 17\r\nNODE me 1 0 0 0 1 16\r\n"
#define STRANGERS "NODE a 1 0 0 0 1 17\r\n"
#define UNSOUND "NODE a 1 0 0 3 1 17\r\nNODE me 1 2 0 -1 0 16\r\n"

static void
replication_comes_before_the_workers_and_they_before_the_answer(void **state)
{
    struct offering *o;

    (void)state;
    assert_int_equal(membership_first(t.f.node->membership, slice_str(PROXY)),
                     SYNC_OK);
    have_it();
    have_it();
    assert_log("replicator workers settle view");
    assert_int_equal(atomic_load(&t.f.node->map_version), 0);
    o = offer(0, 5, SLAVE);
    assert_log("replicator");
    have_it();
    assert_log("workers");
    assert_int_equal(o->verdict, PENDING);
    assert_int_equal(atomic_load(&t.f.node->map_version), 0);
    have_it();
    assert_log("settle forget build-slave");
    assert_int_equal(o->verdict, SYNC_OK);
    assert_int_equal(atomic_load(&t.f.node->map_version), 5);
}

static void
take(unsigned n, uint64_t version, const char *lines)
{
    struct offering *o = offer(n, version, lines);

    have_it();
    have_it();
    assert_int_equal(o->verdict, SYNC_OK);
}

static void
each_change_of_ones_own_role_is_acted_on(void **state)
{
    (void)state;
    take(0, 1, PROXY);
    take(0, 2, SLAVE);
    assert_log("replicator workers settle view "
               "replicator workers settle forget build-slave");
    take(0, 3, ACTIVE);
    assert_log("replicator workers settle forget settled");
    take(0, 4, MASTER);
    assert_log("replicator workers settle forget settled");
    take(0, 5, PROXY);
    assert_log("replicator workers settle forget cancel");
    take(0, 6, STRANGERS);
    assert_log("replicator workers settle view cancel register");
}

static void
a_promoted_slave_gives_higher_versions(void **state)
{
    uint64_t before = node_set(&t.f, "k", "1"), seq;
    struct item item;

    (void)state;
    take(0, 1, PROXY);
    take(0, 2, ACTIVE);
    take(0, 3, MASTER);
    seq = node_set(&t.f, "k", "2");
    assert_int_equal(seq, before + 1);
    assert_int_equal(store_get(t.f.node->store, SLICE("k"), clock_wall(),
                               &t.f.scratch, &item),
                     STORE_OK);
    assert_true(item.version > 1 << 20);
}

static const struct {
    uint64_t version;
    const char *lines;
    enum sync_verdict verdict;
} refused[] = {
    {9, SLAVE, SYNC_OLDER},
    {0, SLAVE, SYNC_OLDER},
    {UINT64_MAX, SLAVE, SYNC_OLDER},
    {10 + (UINT64_C(1) << 32) + 1, SLAVE, SYNC_OLDER},
    {11, "NODE x\r\n", SYNC_BAD},
    {11, "NODE me 1 2 7 -1 0 16\r\n", SYNC_BAD},
    {11, UNSOUND, SYNC_BAD},
    {10, PROXY, SYNC_OK}, /* the one in use: nothing to do */
};

static void
what_is_no_map_for_us_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    take(0, 10, PROXY);
    t.log[0] = '\0';
    for (unsigned i = 0; i < COUNT(refused); i++) {
        struct offering *o = offer(0, refused[i].version, refused[i].lines);

        if (o->verdict != (int)refused[i].verdict) {
            fail_msg("offer %u: %d", i, o->verdict);
        }
        assert_log("");
    }
    assert_int_equal(atomic_load(&t.f.node->map_version), 10);
    take(0, 10 + (UINT64_C(1) << 32), SLAVE);
}

static void
offers_wait_for_their_turn_and_for_meta(void **state)
{
    struct offering *a, *b, *c;

    (void)state;
    atomic_store(&t.f.node->has_meta, false);
    a = offer(0, 2, SLAVE);
    b = offer(1, 1, PROXY);
    c = offer(2, 3, ACTIVE);
    assert_log("");
    atomic_store(&t.f.node->has_meta, true);
    (void)membership_first(t.f.node->membership, slice_str(PROXY));
    for (int i = 0; i < 6; i++) {
        have_it();
    }
    assert_int_equal(a->verdict, SYNC_OK);
    assert_int_equal(b->verdict, SYNC_OLDER);
    assert_int_equal(c->verdict, SYNC_OK);
    assert_int_equal(atomic_load(&t.f.node->map_version), 3);
}

static void
too_many_waiting_offers_are_refused_from_the_oldest_on(void **state)
{
    (void)state;
    atomic_store(&t.f.node->has_meta, false);
    for (unsigned i = 0; i < 70; i++) {
        (void)offer(i, i + 1, PROXY);
    }
    for (unsigned i = 0; i < 70; i++) {
        assert_int_equal(t.offering[i].verdict, i < 6 ? SYNC_OLDER : PENDING);
    }
}

static void
registering_again_keeps_the_map(void **state)
{
    (void)state;
    take(0, 7, SLAVE);
    t.log[0] = '\0';
    assert_int_equal(membership_first(t.f.node->membership, slice_str(PROXY)),
                     SYNC_OK);
    assert_log("");
    assert_int_equal(atomic_load(&t.f.node->map_version), 7);
    assert_int_equal(membership_view(t.f.node->membership)->self->role,
                     NODE_SLAVE);
}

static void
a_map_on_its_way_outlives_membership(void **state)
{
    (void)state;
    (void)offer(0, 1, PROXY);
    membership_free(t.f.node->membership);
    t.f.node->membership = NULL;
    have_it();
    assert_int_equal(t.offering[0].verdict, SYNC_OLDER);
    (void)offer(1, 2, PROXY);
    assert_int_equal(t.offering[1].verdict, SYNC_OLDER);
}

#define EACH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* As at a start: nothing is known but what the data folder says. */
static void
start_anew(void)
{
    membership_free(t.f.node->membership);
    t.f.node->membership = membership_new(t.f.node);
    partition_table_free(t.f.node->meta.table);
    t.f.node->meta = (struct cluster_meta){.partition_size = 0};
    atomic_store(&t.f.node->has_meta, false);
}

static unsigned
held(void)
{
    return atomic_load(&t.f.node->writes_held);
}

static void
the_last_map_serves_until_the_index_is_there(void **state)
{
    (void)state;
    membership_fall_back(t.f.node->membership); /* it has a map to come */
    take(0, 7, "NODE a 1 1 0 0 1 17\r\nNODE me 1 0 0 0 1 16\r\n");
    start_anew();
    membership_fall_back(t.f.node->membership);
    membership_fall_back(t.f.node->membership);
    have_it();
    have_it();
    assert_int_equal(atomic_load(&t.f.node->map_version), 7);
    assert_int_equal(t.f.node->meta.partition_size, 16);
    assert_int_equal(t.f.node->meta.hash, KEYHASH_CRC32);
    assert_int_equal(held(), HOLD_UNCONFIRMED); /* a may be master by now */

    /* The index's word counts, be it older. */
    take(1, 3, MASTER);
    assert_int_equal(held(), 0);
    assert_int_equal(atomic_load(&t.f.node->map_version), 3);
}

static void
without_heirs_a_master_need_not_wait(void **state)
{
    (void)state;
    take(0, 9, MASTER);
    start_anew();
    membership_fall_back(t.f.node->membership);
    have_it();
    have_it();
    assert_int_equal(atomic_load(&t.f.node->map_version), 9);
    assert_int_equal(held(), 0);
    assert_int_equal(membership_first(t.f.node->membership, slice_str(PROXY)),
                     SYNC_OK);
    have_it();
    have_it();
    assert_int_equal(membership_view(t.f.node->membership)->self->role,
                     NODE_PROXY);
}

static void
a_last_map_that_does_not_fit_is_not_used(void **state)
{
    (void)state;
    take(0, 9, MASTER);
    start_anew();
    (void)snprintf(t.f.node->self, sizeof(t.f.node->self), "other:1");
    membership_fall_back(t.f.node->membership);
    assert_null(membership_view(t.f.node->membership));
    assert_false(atomic_load(&t.f.node->has_meta));

    start_anew();
    (void)snprintf(t.f.node->self, sizeof(t.f.node->self), "me:1");
    last_map_remove(t.f.node);
    last_map_remove(t.f.node);
    membership_fall_back(t.f.node->membership);
    assert_false(atomic_load(&t.f.node->has_meta));
}

/* One byte off, or one missing, anywhere. */
static void
a_damaged_last_map_is_noticed(void **state)
{
    struct buf text = {NULL, 0, 0, 0};
    struct cluster_map *map = map_of("a:1 S/act/0/1, me:1 M/act/0/1");
    struct cluster_map *read;
    struct index_meta meta;
    const char *why = NULL;
    char *bytes;

    (void)state;
    assert_true(last_map_put(&text, &t.f.node->meta, map));
    read = last_map_parse(buf_slice(&text), &meta, &why);
    assert_non_null(read);
    assert_int_equal(read->version, map->version);
    assert_int_equal(read->nnodes, 2);
    assert_int_equal(meta.slots, 4096);
    cluster_map_unref(read);
    cluster_map_unref(map);
    bytes = text.base;
    for (size_t i = 0; i < buf_len(&text); i++) {
        bytes[i] ^= 1;
        why = NULL;
        assert_null(last_map_parse(buf_slice(&text), &meta, &why));
        assert_non_null(why);
        bytes[i] ^= 1;
        assert_null(last_map_parse((struct slice){bytes, i}, &meta, &why));
    }
    buf_fini(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(replication_comes_before_the_workers_and_they_before_the_answer),
        EACH(each_change_of_ones_own_role_is_acted_on),
        EACH(a_promoted_slave_gives_higher_versions),
        EACH(what_is_no_map_for_us_is_refused_and_changes_nothing),
        EACH(offers_wait_for_their_turn_and_for_meta),
        EACH(too_many_waiting_offers_are_refused_from_the_oldest_on),
        EACH(registering_again_keeps_the_map),
        EACH(a_map_on_its_way_outlives_membership),
        cmocka_unit_test_setup_teardown(
            the_last_map_serves_until_the_index_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_heirs_a_master_need_not_wait,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_last_map_that_does_not_fit_is_not_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_last_map_is_noticed, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
