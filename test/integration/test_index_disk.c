/* What the index has announced is never lost, and damage never passes. */
#include "test/integration/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rand.h"
#include "test/harness/folder.h"
#include "test/harness/tool.h"

static struct story story;
static char map_file[256];

static int
set_up(void **state)
{
    *state = &story;
    story_init(&story);
    story_option(&story, "--monitor-interval-ms", "50");
    (void)snprintf(map_file, sizeof(map_file), "%s/index/flare.xml",
                   story.folder);
    return 0;
}

static int
tear_down(void **state)
{
    story_fini(*state);
    return 0;
}

static void
a_restart_changes_nothing(void **state)
{
    struct story *s = *state;
    uint64_t version;

    story_start(s);
    story_join(s);
    story_join(s);
    story_order(s, 0, "role", "master 1 0");
    story_order(s, 1, "role", "slave 1 0");
    UNTIL(s, story_settled(s));
    version = story_version(s);
    story_stop(s);
    story_start(s);
    assert_int_equal(story_version(s), version);
    assert_string_equal(story_state(s, 0), "master/active/0/1");
    assert_string_equal(story_state(s, 1), "slave/prepare/0/0");
    UNTIL(s, s->fake[0].accepted > 1 && s->fake[1].accepted > 1);
    assert_int_equal(story_version(s), version);
    story_stop(s);
}

/* The version that the index or a push has told of last. */
static uint64_t
announced(const struct story *s)
{
    uint64_t version = 0;

    for (size_t i = 0; i < s->n; i++) {
        if (s->fake[i].version > version) {
            version = s->fake[i].version;
        }
    }
    return version;
}

/*
 * A random order whose answer may never come, since the index is killed in
 * between.  Returns the version known to be durable then: one more than before
 * for each OK.
 */
static uint64_t
order_and_kill(struct story *s, struct rand *rand, uint64_t version)
{
    unsigned orders = rand_below(rand, 12);
    char text[64];

    for (unsigned i = 0; i < orders; i++) {
        if (strcmp(story_ask(s, "node role 127.0.0.1 %u master %u 0",
                             s->fake[0].port, 1 + rand_below(rand, 1000)),
                   "OK") == 0) {
            version++;
        }
    }
    (void)snprintf(text, sizeof(text), "node role 127.0.0.1 %u master %u 0\r\n",
                   s->fake[0].port, 1 + rand_below(rand, 1000));
    for (unsigned i = rand_below(rand, 20); i > 0; i--) {
        client_send(&s->op, slice_str(text));
    }
    story_turn(s, (int)rand_below(rand, 3));
    story_kill(s);
    story_turn(s, 0);
    return version;
}

static void
a_kill_at_any_instant_loses_nothing_announced(void **state)
{
    const char *given = getenv("FLARE_TEST_SEED");
    uint64_t seed =
        given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    struct story *s = *state;
    struct rand rand;

    print_message("seed %llu\n", (unsigned long long)seed);
    rand_init(&rand, seed);
    story_start(s);
    story_join(s);
    story_order(s, 0, "role", "master 1 0");
    for (int round = 0; round < 25; round++) {
        uint64_t known = order_and_kill(s, &rand, story_version(s));
        uint64_t told = announced(s);
        uint64_t is;

        story_start(s);
        is = story_version(s);
        if (is < known || is < told) {
            fail_msg("seed %llu round %d: version %llu, but %llu were "
                     "answered and %llu sent",
                     (unsigned long long)seed, round, (unsigned long long)is,
                     (unsigned long long)known, (unsigned long long)told);
        }
        UNTIL(s, story_settled(s));
        assert_non_null(strstr(story_state(s, 0), "master/active/0/"));
    }
    story_stop(s);
}

static void
a_change_that_cannot_be_saved_has_not_happened(void **state)
{
    struct story *s = *state;
    char tmp[300];

    story_start(s);
    story_join(s);
    (void)snprintf(tmp, sizeof(tmp), "%s.tmp", map_file);
    assert_int_equal(mkdir(tmp, 0700), 0); /* nobody can write a file there */
    assert_string_equal(
        story_ask(s, "node role 127.0.0.1 %u master 1 0", s->fake[0].port),
        "SERVER_ERROR failed to set role (and balance)");
    assert_string_equal(story_state(s, 0), "proxy/active/-1/0");
    assert_int_equal(story_version(s), 1);
    assert_true(process_log_has(&s->index, tmp));
    fake_die(&s->fake[0]); /* and what the monitor sees is not forgotten */
    UNTIL(s, process_log_has(&s->index, "not done (the node is down)"));
    assert_string_equal(story_state(s, 0), "proxy/active/-1/0");
    assert_int_equal(rmdir(tmp), 0);
    UNTIL(s, story_is(s, 0, "proxy/down/-1/0"));
    story_stop(s);
}

/* The index started on what is in its folder must give up, saying this. */
static void
refuses_to_start(struct story *s, const char *words)
{
    const char *complaint;
    char data[256];
    struct tool t;

    (void)snprintf(data, sizeof(data), "%s/index", s->folder);
    TOOL_RUN(&t, "", tool_path("flarei"), "--stderr", "--data-dir", data,
             "--bind", "127.0.0.1", "--server-port", "0");
    complaint = t.err;
    if (t.status != 1 || strstr(complaint, words) == NULL) {
        fail_msg("status %d, not \"%s\": %s", t.status, words, complaint);
    }
    tool_fini(&t);
}

static void
a_damaged_file_is_named_and_left_alone(void **state)
{
    struct story *s = *state;
    struct buf good = {0}, bad = {0};
    char want[400];
    struct err err;

    story_start(s);
    story_join(s);
    story_stop(s);
    assert_int_equal(file_read_all(map_file, &good, &err), 0);
    assert_int_equal(truncate(map_file, (off_t)buf_len(&good) / 2), 0);
    (void)snprintf(want, sizeof(want), "%s: line 1", map_file);
    refuses_to_start(s, want);
    folder_put(map_file, "");
    (void)snprintf(want, sizeof(want), "%s: line 1: the file is empty",
                   map_file);
    refuses_to_start(s, want);
    assert_int_equal(file_read_all(map_file, &bad, &err), 0);
    assert_int_equal(buf_len(&bad), 0);
    assert_true(buf_put(&good, "", 1));
    folder_put(map_file, buf_slice(&good).p);
    story_start(s);
    assert_int_equal(story_version(s), 1);
    story_stop(s);
    buf_fini(&good);
    buf_fini(&bad);
}

static void
a_damaged_or_orphaned_state_is_named_and_left_alone(void **state)
{
    struct story *s = *state;
    char side_file[256], kept[300], want[400];
    struct buf good = {0};
    struct err err;

    (void)snprintf(side_file, sizeof(side_file), "%s/index/flarei.state",
                   s->folder);
    (void)snprintf(kept, sizeof(kept), "%s.kept", map_file);
    story_start(s);
    story_join(s);
    story_order(s, 0, "role", "master 1 0");
    story_order(s, 0, "state", "down");
    story_stop(s);
    assert_int_equal(file_read_all(side_file, &good, &err), 0);
    assert_int_equal(truncate(side_file, (off_t)buf_len(&good) / 2), 0);
    (void)snprintf(want, sizeof(want), "%s: line 1: the checksum", side_file);
    refuses_to_start(s, want);
    assert_true(buf_put(&good, "", 1));
    folder_put(side_file, buf_slice(&good).p);
    assert_int_equal(rename(map_file, kept), 0); /* nodes, but no map */
    (void)snprintf(want, sizeof(want), "%s is missing", map_file);
    refuses_to_start(s, want);
    assert_int_equal(rename(kept, map_file), 0);
    story_start(s);
    assert_string_equal(story_state(s, 0), "master/down/0/1");
    story_stop(s);
    buf_fini(&good);
}

static void
a_node_held_down_is_held_after_a_restart(void **state)
{
    struct story *s = *state;

    story_start(s);
    story_join(s);
    story_join(s);
    story_order(s, 0, "role", "master 1 0");
    story_order(s, 0, "state", "down");
    assert_string_equal(story_ask(s, "shutdown 127.0.0.1 %u", s->fake[1].port),
                        "OK");
    story_kill(s);
    story_start(s);
    for (size_t i = 0; i < s->n; i++) {
        s->fake[i].pings = 0;
    }
    UNTIL(s, s->fake[0].pings > 2 && s->fake[1].pings > 2);
    assert_string_equal(story_state(s, 0), "master/down/0/1");
    assert_string_equal(story_state(s, 1), "proxy/down/-1/0");
    story_order(s, 0, "state", "active");
    assert_string_equal(story_state(s, 0), "master/active/0/1");
    story_stop(s);
}

static void
a_folder_in_use_is_refused(void **state)
{
    struct story *s = *state;

    story_start(s);
    refuses_to_start(s, "is in use by another process");
    assert_string_equal(story_ask(s, "ping"), "OK");
    story_stop(s);
}

static void
options_that_make_no_sense_are_named(void **state)
{
    static const struct {
        const char *name;
        const char *value;
        const char *words;
    } bad[] = {
        {"--partition-modular-hint", "0", "partition-modular-hint"},
        {"--key-hash-algorithm", "murmur", "key-hash-algorithm"},
        {"--index-db", "nonsense", "index-db"},
        {"--monitor-interval", "x", "monitor-interval"},
        {"--no-such-option", "1", "no-such-option"},
        {"--bind", "1.2.3.4.5", "1.2.3.4.5"},
        {"--config", "/no/such/file", "/no/such/file"},
    };
    struct story *s = *state;

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct tool t;

        TOOL_RUN(&t, "", tool_path("flarei"), "--stderr", "--server-port", "0",
                 "--data-dir", s->folder, bad[i].name, bad[i].value);
        if (t.status != 1 || strstr(t.err, bad[i].words) == NULL) {
            fail_msg("%s %s: status %d: %s", bad[i].name, bad[i].value,
                     t.status, t.err);
        }
        tool_fini(&t);
    }
}

static void
help_and_version_are_no_failure(void **state)
{
    struct tool t;

    (void)state;
    TOOL_RUN(&t, "", tool_path("flarei"), "--help");
    assert_int_equal(t.status, 0);
    assert_non_null(strstr(t.out, "--monitor-interval"));
    tool_fini(&t);
    TOOL_RUN(&t, "", tool_path("flarei"), "--version");
    assert_int_equal(t.status, 0);
    assert_non_null(strstr(t.out, PACKAGE_VERSION));
    tool_fini(&t);
}

#define WITH_INDEX(test)                                                       \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_INDEX(a_restart_changes_nothing),
        WITH_INDEX(a_kill_at_any_instant_loses_nothing_announced),
        WITH_INDEX(a_change_that_cannot_be_saved_has_not_happened),
        WITH_INDEX(a_damaged_file_is_named_and_left_alone),
        WITH_INDEX(a_damaged_or_orphaned_state_is_named_and_left_alone),
        WITH_INDEX(a_node_held_down_is_held_after_a_restart),
        WITH_INDEX(a_folder_in_use_is_refused),
        WITH_INDEX(options_that_make_no_sense_are_named),
        WITH_INDEX(help_and_version_are_no_failure),
    };
    return cmocka_run_group_tests_name("index disk", tests, NULL, NULL);
}
