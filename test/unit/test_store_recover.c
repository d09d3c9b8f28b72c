#include "test/unit/store_fixture.h"

#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/rand.h"

static const char *const types[] = {"tch", "tcb"};

static void
on_each(void (*test)(struct fixture *))
{
    for (size_t i = 0; i < COUNT(types); i++) {
        struct fixture f;

        fixture_init(&f, types[i]);
        test(&f);
        fixture_fini(&f);
    }
}

static const char *
data_file(const struct fixture *f)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/flare.%s", f->dir,
                   strcmp(f->options.type, "tch") == 0 ? "hdb" : "bdb");
    return path;
}

static void
run_tool(const char *command)
{
    if (system(command) != 0) {
        fail_msg("%s", command);
    }
}

/* --- ordinary restarts -------------------------------------------------- */

static void
check_restart(struct fixture *f)
{
    struct item before, after;
    uint64_t last;

    fixture_open(f);
    (void)fixture_set(f, "a", "1");
    (void)fixture_set(f, "b", "2");
    (void)fixture_delete(f, "a");
    before = fixture_check(f, "b", "2");
    last = ulog_last(store_log(f->store));
    fixture_reopen(f);
    after = fixture_check(f, "b", "2");
    assert_int_equal(after.version, before.version);
    fixture_check(f, "a", NULL);
    assert_int_equal(ulog_last(store_log(f->store)), last);
    (void)fixture_set(f, "c", "3");
    assert_true(fixture_check(f, "c", "3").version > before.version + 1);
}

static void
a_restart_keeps_records_positions_and_versions(void **state)
{
    (void)state;
    on_each(check_restart);
}

static void
check_conflict(struct fixture *f)
{
    struct store *second;
    struct err err = {0};

    fixture_open(f);
    assert_int_equal(store_open(&second, &f->options, &err), ERR_CONFLICT);
    assert_null(second);
    assert_non_null(strstr(err.msg, "another process has it open"));
    assert_non_null(strstr(err.msg, data_file(f)));
}

static void
a_store_in_use_is_refused(void **state)
{
    (void)state;
    on_each(check_conflict);
}

static void
check_damaged(struct fixture *f)
{
    struct store *store;
    struct err err = {0};
    char pattern[160];
    glob_t found;
    int fd;

    fixture_open(f);
    (void)fixture_set(f, "a", "1");
    fixture_close(f);
    fd = open(data_file(f), O_WRONLY);
    assert_int_equal(pwrite(fd, "rubbish", 7, 0), 7);
    (void)close(fd);
    assert_int_equal(store_open(&store, &f->options, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "damaged"));
    (void)snprintf(pattern, sizeof(pattern), "%s.damaged-*", data_file(f));
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    globfree(&found);
    fixture_open(f);
    assert_int_equal(store_count(f->store), 0);
    assert_int_equal(ulog_last(store_log(f->store)), 0);
}

static void
a_damaged_file_is_kept_aside_and_not_served(void **state)
{
    (void)state;
    on_each(check_damaged);
}

static void
check_removed_file(struct fixture *f)
{
    uint64_t version;

    fixture_open(f);
    (void)fixture_set(f, "a", "1");
    version = fixture_check(f, "a", "1").version;
    fixture_close(f);
    assert_int_equal(unlink(data_file(f)), 0);
    fixture_open(f);
    fixture_check(f, "a", NULL);
    assert_int_equal(ulog_last(store_log(f->store)), 0);
    (void)fixture_set(f, "a", "2");
    assert_true(fixture_check(f, "a", "2").version > version);
}

static void
without_its_file_the_store_is_empty_and_its_log_too(void **state)
{
    (void)state;
    on_each(check_removed_file);
}

/* --- files of flare 1.3.4 ----------------------------------------------- */

static void
a_file_made_by_flare_is_served(void **state)
{
    struct fixture f;
    char command[400];
    struct item item;

    (void)state;
    fixture_init(&f, "tch");
    (void)snprintf(command, sizeof(command), "tchmgr create %s 131071",
                   data_file(&f));
    run_tool(command);
    (void)snprintf(command, sizeof(command),
                   "tchmgr put -sx %s '68 61 6e 64 6d 61 64 65' "
                   "'2a 00 00 00 00 00 00 00 00 00 00 00 05 00 00 00 00 00 00 "
                   "00 cb 04 fb 71 1f 01 00 00 68 65 6c 6c 6f'",
                   data_file(&f));
    run_tool(command);
    (void)snprintf(command, sizeof(command),
                   "tchmgr put -sx %s '73 68 6f 72 74' '00 00 00'",
                   data_file(&f));
    run_tool(command);
    fixture_open(&f);
    item = fixture_check(&f, "handmade", "hello");
    assert_int_equal(item.flags, 42);
    assert_int_equal(item.version, 1234567890123);
    fixture_check(&f, "short", NULL);
    assert_int_equal(store_count(f.store), 2);
    assert_int_equal(fixture_set(&f, "handmade", "y"), CHANGE_STORED);
    assert_true(fixture_check(&f, "handmade", "y").version > 1234567890123);
    assert_int_equal(fixture_set(&f, "short", "now fine"), CHANGE_STORED);
    fixture_check(&f, "short", "now fine");
    fixture_fini(&f);
}

static void
what_flare_wrote_meanwhile_counts(void **state)
{
    struct fixture f;
    char command[400];

    (void)state;
    fixture_init(&f, "tch");
    fixture_open(&f);
    (void)fixture_set(&f, "k", "ours");
    (void)fixture_set(&f, "other", "ours");
    fixture_close(&f);
    /* Key k at version 1000. */
    (void)snprintf(command, sizeof(command),
                   "tchmgr put -sx %s '6b' '00 00 00 00 00 00 00 00 00 00 00 "
                   "00 06 00 00 00 00 00 00 00 e8 03 00 00 00 00 00 00 66 6c "
                   "61 72 65 73'",
                   data_file(&f));
    run_tool(command);
    fixture_open(&f);
    fixture_check(&f, "k", "flares");
    fixture_check(&f, "other", "ours");
    assert_int_equal(ulog_last(store_log(f.store)), 0);
    (void)fixture_set(&f, "k", "again");
    assert_true(fixture_check(&f, "k", "again").version > 1000);
    fixture_fini(&f);
}

static void
the_file_is_what_flare_would_have_written(void **state)
{
    struct fixture f;
    char command[400];
    char line[256] = "";
    FILE *pipe;

    (void)state;
    fixture_init(&f, "tch");
    fixture_open(&f);
    (void)fixture_apply(&f, (struct change){.op = CHANGE_SET,
                                            .has_version = true,
                                            .version = 2,
                                            .key = SLICE("keep"),
                                            .value = SLICE("world"),
                                            .flags = 9,
                                            .expire = 0x6B00BBC6});
    fixture_close(&f);
    (void)snprintf(command, sizeof(command), "tchmgr get -px %s keep",
                   data_file(&f));
    pipe = popen(command, "r");
    assert_non_null(fgets(line, sizeof(line), pipe));
    (void)pclose(pipe);
    assert_non_null(
        strstr(line, "09 00 00 00 C6 BB 00 6B 00 00 00 00 05 00 00 00 00 00 "
                     "00 00 02 00 00 00 00 00 00 00 77 6F 72 6C 64"));
    fixture_fini(&f);
}

/* --- sudden death ------------------------------------------------------- */

enum { KEYS = 200, OPS = 20000, VALUE_MAX = 3000 };

/* What operation i does, worked out the same way by both sides. */
struct deed {
    unsigned key;
    enum { SET, DELETE, TOUCH, FLUSH } what;
    unsigned size;
    char fill;
    int64_t expire;
};

static struct deed
deed_of(uint64_t i)
{
    struct rand r;
    struct deed d;
    unsigned dice;

    rand_init(&r, i * 2654435761U + 1);
    dice = rand_below(&r, 1000);
    d.key = rand_below(&r, KEYS);
    d.what = dice < 700 ? SET : dice < 850 ? DELETE : TOUCH;
    if (dice == 999) {
        d.what = FLUSH;
    }
    d.size = rand_below(&r, VALUE_MAX);
    d.fill = (char)('a' + rand_below(&r, 26));
    d.expire = now.s + 1 + rand_below(&r, 1000);
    return d;
}

static void
carry_out(struct fixture *f, uint64_t i)
{
    struct deed d = deed_of(i);
    static char value[VALUE_MAX];
    char key[16];
    struct change c = {.op = CHANGE_SET};
    uint64_t seq;

    (void)snprintf(key, sizeof(key), "key%u", d.key);
    memset(value, d.fill, d.size);
    c.key = slice_str(key);
    if (d.what == FLUSH) {
        (void)store_flush_all(f->store, &seq);
        return;
    }
    if (d.what == SET) {
        c.value = (struct slice){value, d.size};
    } else {
        c.op = d.what == DELETE ? CHANGE_DELETE : CHANGE_TOUCH;
        c.expire = d.expire;
    }
    (void)fixture_apply(f, c);
}

struct model {
    struct {
        bool present;
        unsigned size;
        char fill;
        int64_t expire;
    } keys[KEYS];
};

static void
imagine(struct model *m, uint64_t i)
{
    struct deed d = deed_of(i);

    switch (d.what) {
    case SET:
        m->keys[d.key].present = true;
        m->keys[d.key].size = d.size;
        m->keys[d.key].fill = d.fill;
        m->keys[d.key].expire = 0;
        return;
    case DELETE:
        m->keys[d.key].present = false;
        return;
    case TOUCH:
        m->keys[d.key].expire = d.expire;
        return;
    case FLUSH:
        memset(m, 0, sizeof(*m));
        return;
    }
}

static bool
agrees(struct fixture *f, const struct model *m)
{
    for (unsigned k = 0; k < KEYS; k++) {
        char key[16];
        struct item item;
        enum store_status status;

        (void)snprintf(key, sizeof(key), "key%u", k);
        status = store_get(f->store, slice_str(key), now, &f->scratch, &item);
        if ((status == STORE_OK) != m->keys[k].present) {
            return false;
        }
        if (status != STORE_OK) {
            continue;
        }
        if (item.value.n != m->keys[k].size ||
            item.expire != m->keys[k].expire) {
            return false;
        }
        for (size_t i = 0; i < item.value.n; i++) {
            if (item.value.p[i] != m->keys[k].fill) {
                return false;
            }
        }
    }
    return true;
}

/* The child: work until killed, and say so after each operation. */
static void
work(struct fixture *f, int out, uint64_t from)
{
    struct err err;

    fixture_open(f);
    for (uint64_t i = from; i < OPS; i++) {
        carry_out(f, i);
        if (!store_commit(f->store) || write(out, &i, sizeof(i)) != sizeof(i)) {
            _exit(1);
        }
        if (i % 700 == 699 && store_checkpoint(f->store, &err) != 0) {
            _exit(1);
        }
    }
    pause();
}

/* Let a child work, kill it after so many operations; how many it did. */
static uint64_t
kill_after(struct fixture *f, uint64_t from, uint64_t count)
{
    uint64_t done = from;
    uint64_t i;
    int ends[2];
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        work(f, ends[1], from);
        _exit(0);
    }
    (void)close(ends[1]);
    while (done < from + count &&
           read(ends[0], &i, sizeof(i)) == (ssize_t)sizeof(i)) {
        done = i + 1;
    }
    (void)kill(pid, SIGKILL);
    while (read(ends[0], &i, sizeof(i)) == (ssize_t)sizeof(i)) {
        done = i + 1;
    }
    (void)close(ends[0]);
    (void)waitpid(pid, NULL, 0);
    assert_true(done >= from + count);
    return done;
}

static void
check_kill(struct fixture *f)
{
    static const uint64_t lives[] = {1, 50, 900, 300, 1500, 2, 700};
    struct model m = {0};
    uint64_t done = 0;

    for (size_t i = 0; i < COUNT(lives); i++) {
        uint64_t before = done;

        done = kill_after(f, done, lives[i]);
        for (uint64_t n = before; n < done; n++) {
            imagine(&m, n);
        }
        fixture_open(f);
        if (!agrees(f, &m)) {
            /* The operation under way may have been carried out. */
            imagine(&m, done);
            assert_true(agrees(f, &m));
            done++;
        }
        fixture_close(f);
    }
}

static void
what_was_acknowledged_survives_sudden_death(void **state)
{
    (void)state;
    on_each(check_kill);
}

/* Killed twice without a close in between. */
static void
check_kill_twice(struct fixture *f)
{
    struct model m = {0};
    uint64_t done = kill_after(f, 0, 400);
    uint64_t again = kill_after(f, done + 1, 400);

    for (uint64_t n = 0; n < again; n++) {
        if (n != done) {
            imagine(&m, n);
        }
    }
    fixture_open(f);
    if (!agrees(f, &m)) {
        /* Either operation under way may have been carried out. */
        struct model also = {0};
        bool right;

        for (uint64_t n = 0; n < again; n++) {
            imagine(&also, n);
        }
        right = agrees(f, &also);
        imagine(&also, again);
        imagine(&m, again);
        assert_true(right || agrees(f, &m) || agrees(f, &also));
    }
}

static void
dying_again_before_a_clean_close_loses_nothing(void **state)
{
    (void)state;
    on_each(check_kill_twice);
}

/*
 * A B+ tree killed while it wrote the old bytes of a page: with half of one
 * at the end of the transaction's file it must come back all the same.
 */
static void
a_transaction_file_cut_short_is_no_obstacle(void **state)
{
    static const char half[] = "\0\0\0\0\0\0\x10\0\0\0\x10\0 half of it";
    struct fixture f;
    struct model m = {0};
    char path[160];
    uint64_t done;
    int fd;

    (void)state;
    fixture_init(&f, "tcb");
    done = kill_after(&f, 0, 2500);
    (void)snprintf(path, sizeof(path), "%s.wal", data_file(&f));
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, half, sizeof(half)), sizeof(half));
    (void)close(fd);
    for (uint64_t n = 0; n < done; n++) {
        imagine(&m, n);
    }
    fixture_open(&f);
    if (!agrees(&f, &m)) {
        imagine(&m, done);
        assert_true(agrees(&f, &m));
    }
    fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_keeps_records_positions_and_versions),
        cmocka_unit_test(a_store_in_use_is_refused),
        cmocka_unit_test(a_damaged_file_is_kept_aside_and_not_served),
        cmocka_unit_test(without_its_file_the_store_is_empty_and_its_log_too),
        cmocka_unit_test(a_file_made_by_flare_is_served),
        cmocka_unit_test(what_flare_wrote_meanwhile_counts),
        cmocka_unit_test(the_file_is_what_flare_would_have_written),
        cmocka_unit_test(what_was_acknowledged_survives_sudden_death),
        cmocka_unit_test(dying_again_before_a_clean_close_loses_nothing),
        cmocka_unit_test(a_transaction_file_cut_short_is_no_obstacle),
    };
    return cmocka_run_group_tests_name("store recovery", tests, NULL, NULL);
}
