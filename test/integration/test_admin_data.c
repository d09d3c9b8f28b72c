/* dump, dumpkey, restore, verify, summary, part, deploy on a real cluster. */
#include "test/unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/harness/admin.h"
#include "test/harness/dump.h"
#include "test/harness/folder.h"
#include "test/harness/load.h"
#include "test/harness/wait.h"

static struct cluster cluster;

enum { RECORDS = 600 };

static const struct load load = {"key", 0, RECORDS, 300, 7, ""};

/* Two partitions, each with a master, and a proxy. */
static int
start(void **state)
{
    struct client c;

    (void)state;
    cluster_up(&cluster, 3);
    (void)admin_run(&cluster, 0, NULL, "part --force @0:1:0 @1:1:1");
    cluster_settle(&cluster);
    client_open(&c, cluster.nodes[2].port);
    load_set(&c, &load);
    client_talk(&c, "set flagged 77 2000000000 3\r\na'b\r\n", "STORED\r\n");
    client_talk(&c, "set \"q,\" 0 0 4\r\n\"\r\n,\r\n", "STORED\r\n");
    client_close(&c);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    cluster_abandon(&cluster);
    return 0;
}

static void
clear(void)
{
    struct client c;

    for (size_t i = 0; i < 2; i++) {
        client_open(&c, cluster.nodes[i].port);
        client_talk(&c, "flush_all\r\n", "OK\r\n");
        client_close(&c);
        assert_int_equal(dump_count(cluster.nodes[i].port), 0);
    }
}

static void
expect_all(void)
{
    struct client c;

    client_open(&c, cluster.nodes[2].port);
    load_expect(&c, &load);
    client_talk(&c, "get flagged\r\n", "VALUE flagged 77 3\r\na'b\r\nEND\r\n");
    client_talk(&c, "get \"q,\"\r\n", "VALUE \"q,\" 0 4\r\n\"\r\n,\r\nEND\r\n");
    client_close(&c);
}

static void
every_format_brings_everything_back(void **state)
{
    static const char *const formats[] = {"default", "csv", "tch", "flare"};

    (void)state;
    for (size_t i = 0; i < COUNT(formats); i++) {
        const struct tool *t =
            admin_run(&cluster, 0, NULL, "dump --all -f %s -o %s/dump.%s",
                      formats[i], cluster.folder, formats[i]);

        admin_has(t->err, "::0 of 2 partitions ... ");
        admin_has(t->err, "::1 of 2 partitions ... ");
        clear();
        t = admin_run(&cluster, 0, NULL, "restore -f %s -i %s/dump.%s @2",
                      formats[i], cluster.folder, formats[i]);
        admin_has(t->err, "602 entries have been restored.\n");
        expect_all();
    }
    (void)admin_run(&cluster, 0, NULL, "restore -i %s/dump.tch @2",
                    cluster.folder);
    admin_has(admin_run(&cluster, 1, NULL, "restore -i %s/dump.csv @2",
                        cluster.folder)
                  ->out,
              "invalid format");
    cluster_finish(&cluster);
}

static void
default_and_csv_go_to_standard_output(void **state)
{
    const struct tool *t;

    (void)state;
    t = admin_run(&cluster, 0, NULL, "dump --all -f default");
    admin_has(t->out, " 2000000000 'a'b'\n");
    t = admin_run(&cluster, 0, NULL, "dump -f csv @0 @1");
    admin_has(t->out, "# key, flag, len, version, expire, data\n");
    admin_has(t->out, ",2000000000,a'b\n");
    admin_has(t->out, "\n\"\"\"q,\"\"\",0,4,");
    admin_has(t->out, ",0,\"\"\"\r\n,\"\n");
    t = admin_run(&cluster, 1, NULL, "dump -f flare @0");
    admin_has(t->out, "output file not specified.");
    cluster_finish(&cluster);
}

static size_t
lines_of(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++) {
        n += *text == '\n';
    }
    return n;
}

static void
keys_are_listed_by_partition(void **state)
{
    const struct tool *t;
    size_t first;

    (void)state;
    t = admin_run(&cluster, 0, NULL, "dumpkey --all");
    assert_int_equal(lines_of(t->out), RECORDS + 2);
    admin_has(t->out, "flagged\n");
    t = admin_run(&cluster, 0, NULL, "dumpkey @0");
    first = lines_of(t->out);
    t = admin_run(&cluster, 0, NULL, "dumpkey -f csv @1");
    assert_int_equal(first + lines_of(t->out), RECORDS + 2 + 1);
    assert_int_equal(strncmp(t->out, "# key\n", 6), 0);
    t = admin_run(&cluster, 0, NULL, "dumpkey -p 1 @0");
    assert_string_equal(t->out, "");
    t = admin_run(&cluster, 0, NULL, "dumpkey -p 0 -s 1 @0");
    assert_int_equal(lines_of(t->out), first);
    t = admin_run(&cluster, 1, NULL, "dumpkey -f tch @0");
    assert_string_equal(t->out, "unknown format: tch\n");
    cluster_finish(&cluster);
}

static void
restore_takes_what_is_asked_for(void **state)
{
    const struct tool *t;
    struct client c;

    (void)state;
    (void)admin_run(&cluster, 0, NULL, "dump --all -f flare -o %s/d",
                    cluster.folder);
    clear();
    t = admin_run(&cluster, 0, NULL, "restore -n -i %s/d --include=^key1 @2",
                  cluster.folder);
    assert_string_equal(t->err, "111 entries of 33954 bytes would be "
                                "restored.\n");
    assert_int_equal(dump_count(cluster.nodes[0].port), 0);
    t = admin_run(&cluster, 0, NULL,
                  "restore -i %s/d --include=^key1 --exclude=..... "
                  "--print-keys @2",
                  cluster.folder);
    assert_int_equal(lines_of(t->out), 1);
    admin_has(t->err, "1 entries have been restored.\n");
    t = admin_run(&cluster, 0, NULL,
                  "restore -i %s/d --prefix-include=key59 "
                  "@2",
                  cluster.folder);
    admin_has(t->err, "11 entries have been restored.\n");
    client_open(&c, cluster.nodes[2].port);
    client_expect(&c, "key58", NULL);
    client_close(&c);
    (void)admin_run(&cluster, 1, NULL, "restore -i %s/d --include=( @2",
                    cluster.folder);
    (void)admin_run(&cluster, 1, NULL, "restore -i %s/none -f tch @2",
                    cluster.folder);
    assert_int_equal(access("none", F_OK), -1);
    cluster_finish(&cluster);
}

static bool
dumps_partition_1(void *arg)
{
    return process_log_has(arg, "::1 of 2");
}

static bool
some_are_back(void *arg)
{
    (void)arg;
    return dump_count(cluster.nodes[0].port) >= 50;
}

/* Partition 1 dies while it is dumped: what is there is kept and continued. */
static void
a_dump_is_continued_after_its_node_died(void **state)
{
    struct process p = {.pid = 0};
    const struct tool *t;
    char path[300];
    struct stat st;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/d", cluster.folder);
    process_signal(&cluster.nodes[1].process, SIGSTOP);
    admin_start(&cluster, &p, "dump --all -f flare -o %s", path);
    wait_for(dumps_partition_1, &p, WAIT_MS, "the dump of partition 1");
    process_kill(&cluster.nodes[1].process);
    assert_int_equal(process_wait(&p, WAIT_MS), 1);
    assert_true(process_log_has(&p, "is not complete"));
    assert_true(process_log_has(&p, "Go on with the same command and "
                                    "--resume."));
    assert_int_equal(stat(path, &st), 0);
    t = admin_run(&cluster, 1, NULL, "restore -i %s -n @2", path);
    admin_has(t->out, "the dump was not finished");
    t = admin_run(&cluster, 1, NULL, "dump --all -f flare -o %s", path);
    admin_has(t->out, "is there already: continue it with --resume");
    cluster_start_node(&cluster, 1);
    cluster_wait_state(&cluster, 1, "master active 1 1");
    cluster_settle(&cluster);
    t = admin_run(&cluster, 0, NULL, "dump --all -f flare --resume -o %s",
                  path);
    admin_has(t->err, "partition 0 of 2 is there already: ");
    clear();
    (void)admin_run(&cluster, 0, NULL, "restore -i %s @2", path);
    expect_all();
    cluster_finish(&cluster);
}

/* The node through which it goes dies; the rest follows with --resume. */
static void
a_restore_is_continued_after_its_node_died(void **state)
{
    struct process p = {.pid = 0};
    const struct tool *t;

    (void)state;
    (void)admin_run(&cluster, 0, NULL, "dump --all -f flare -o %s/d",
                    cluster.folder);
    clear();
    admin_start(&cluster, &p, "restore --bwlimit=100kB -i %s/d @2",
                cluster.folder);
    wait_for(some_are_back, NULL, WAIT_MS, "the first entries");
    process_kill(&cluster.nodes[2].process);
    assert_int_equal(process_wait(&p, WAIT_MS), 1);
    assert_true(process_log_has(&p, "Go on with the same command and "
                                    "--resume"));
    cluster_start_node(&cluster, 2);
    cluster_settle(&cluster);
    t = admin_run(&cluster, 0, NULL, "restore --resume -i %s/d @2",
                  cluster.folder);
    admin_has(t->err, " entries were restored by an earlier run.\n");
    expect_all();
    cluster_finish(&cluster);
}

/* A byte of the file is another: nothing behind it is believed. */
static void
a_damaged_file_is_known_as_such(void **state)
{
    char path[300];
    FILE *f;
    const struct tool *t;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/d", cluster.folder);
    (void)admin_run(&cluster, 0, NULL, "dump --all -f flare -o %s", path);
    f = fopen(path, "r+");
    assert_non_null(f);
    (void)fseek(f, 1000, SEEK_SET);
    (void)fputc(fgetc(f) ^ 1, f);
    (void)fclose(f);
    t = admin_run(&cluster, 1, NULL, "restore -n -i %s @2", path);
    admin_has(t->out, "a checksum is wrong");
    cluster_finish(&cluster);
}

static void
verify_finds_keys_in_the_wrong_place(void **state)
{
    const struct tool *t;

    (void)state;
    t = admin_run(&cluster, 0, NULL, "verify --use-test-data");
    admin_has(t->out, "key_hash_algorithm = simple\npartition_size: 2\n");
    admin_has(t->err, " OK\nOK\n");
    t = admin_run(&cluster, 0, NULL, "dumpkey --all");
    assert_int_equal(lines_of(t->out), RECORDS + 2); /* no test key is left */
    t = admin_run(&cluster, 1, NULL,
                  "verify --key-hash-algorithm=crc32 "
                  "--verbose");
    admin_has(t->out, " belongs to partition ");
    admin_has(t->err, " NG\nNG\n");
    (void)admin_run(&cluster, 1, NULL, "verify --key-hash-algorithm=x");
    (void)admin_run(&cluster, 1, NULL, "verify xyz");
    cluster_finish(&cluster);
}

static void
summary_counts_and_says_when_it_cannot(void **state)
{
    const struct tool *t;

    (void)state;
    t = admin_run(&cluster, 0, NULL, "summary");
    admin_has(t->out, "#cluster                        part  node master "
                      "slave            size        items\n");
    admin_has(t->out, "     2     3      2     0 ");
    admin_has(t->out, "          602\n");
    t = admin_run(&cluster, 0, NULL, "summary -o json");
    assert_int_equal(admin_json(t->out, "cluster:s part:n node:n master:n "
                                        "slave:n size:n items:n"),
                     1);
    process_kill(&cluster.nodes[1].process);
    t = admin_run(&cluster, 1, NULL, "summary -o json");
    assert_int_equal(admin_json(t->out, "cluster:s part:n node:n master:n "
                                        "slave:n size:n items:n"),
                     1);
    admin_has(t->err, "failed to open ");
    cluster_finish(&cluster);
}

static void
wrong_words_and_an_index_that_is_away_end_with_1(void **state)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"dump", "please specify --all option to get complete dump."},
        {"dump --all @0", "don't specify any nodes with --all option."},
        {"dump --all", "unknown format: "},
        {"dump --all -f xml", "unknown format: xml"},
        {"dump -f csv x", "invalid argument 'x'."},
        {"dump -f csv @0:1", "invalid argument '127.0.0.1:"},
        {"dump -f csv @2", "is a proxy and has no partition"},
        {"dump -f csv 127.0.0.1:1", "unknown host: 127.0.0.1:1"},
        {"restore", "Usage: flare-admin restore [options] hostname:port"},
        {"restore x", "invalid argument 'x'."},
        {"restore -f xml @0", "unknown format: xml"},
        {"restore -f tch @0", "input file not specified."},
        {"restore --include=a --prefix-include=b @0",
         "--include option is specified."},
        {"part @0:1", "invalid argument '127.0.0.1:"},
        {"summary x", "invalid arguments: x"},
        {"deploy", "Usage: flare-admin deploy"},
        {"dump -i 127.0.0.1:1 -f csv @0", "failed to open 127.0.0.1:1."},
        {"dumpkey -i 127.0.0.1:1 --all", "failed to open 127.0.0.1:1."},
        {"verify -i 127.0.0.1:1", "failed to open 127.0.0.1:1."},
        {"summary -i 127.0.0.1:1", "failed to open 127.0.0.1:1."},
        {"part -i 127.0.0.1:1 @0:1:0", "failed to open 127.0.0.1:1."},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct tool *t =
            admin_run(&cluster, 1, NULL, "%s", cases[i].line);
        char both[8192];

        (void)snprintf(both, sizeof(both), "%s%s", t->out, t->err);
        admin_has(both, cases[i].says);
    }
    cluster_finish(&cluster);
}

static void
deploy_makes_folders_that_start(void **state)
{
    char here[512], path[600];
    const struct tool *t;
    struct stat st;

    (void)state;
    assert_non_null(getcwd(here, sizeof(here)));
    t = admin_run(&cluster, 0, NULL, "deploy -n -i a:1 b:2");
    assert_string_equal(t->out, "generating ... b:2\n");
    assert_int_equal(chdir(cluster.folder), 0);
    /* tool_path() may be relative to where we were. */
    (void)snprintf(path, sizeof(path), "%s",
                   getenv("top_builddir") != NULL ? getenv("top_builddir")
                                                  : here);
    (void)setenv("top_builddir", path, 1);
    t = admin_run(&cluster, 0, NULL,
                  "deploy -i a:1 --deploy-index --storage-type=tcb b:2:1:0");
    assert_string_equal(t->out, "generating ... a:1\ngenerating ... b:2\n");
    assert_int_equal(stat("b:2/data", &st), 0);
    assert_int_equal(stat("b:2/restart.sh", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0744);
    assert_int_equal(system("grep -q '^storage-type = tcb$' b:2/flared.conf && "
                            "grep -q '^index-server-name = a$' "
                            "b:2/flared.conf && "
                            "grep -q '^monitor-threshold = 3$' "
                            "a:1/flarei.conf && sh -n b:2/start.sh"),
                     0);
    t = admin_run(&cluster, 1, NULL, "deploy -i a:1 b:2");
    admin_has(t->out, "directory already exists: ");
    (void)admin_run(&cluster, 0, NULL, "deploy -i a:1 --delete b:2");
    assert_int_equal(chdir(here), 0);
    cluster_finish(&cluster);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_format_brings_everything_back),
        CASE(default_and_csv_go_to_standard_output),
        CASE(keys_are_listed_by_partition),
        CASE(restore_takes_what_is_asked_for),
        CASE(a_dump_is_continued_after_its_node_died),
        CASE(a_restore_is_continued_after_its_node_died),
        CASE(a_damaged_file_is_known_as_such),
        CASE(verify_finds_keys_in_the_wrong_place),
        CASE(summary_counts_and_says_when_it_cannot),
        CASE(wrong_words_and_an_index_that_is_away_end_with_1),
        CASE(deploy_makes_folders_that_start),
    };
    return cmocka_run_group_tests_name("flare-admin: data", tests, NULL, NULL);
}
