/*
 * What a store costs: rate and processor time of set, overwrite, get and incr,
 * and of Tokyo Cabinet's own update callback for comparison.
 *
 *     bench_store [FOLDER [TYPE [RECORDS [THREADS [VALUE-BYTES]]]]]
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <tchdb.h>

#include "base/rand.h"
#include "storage/store.h"

enum { THREADS_MAX = 16, KEY = 16 };

struct bench {
    struct store *store;
    TCHDB *hdb; /* instead of the store */
    uint64_t records;
    size_t value;
    unsigned threads;
};

struct job {
    struct bench *bench;
    void (*step)(struct job *job, uint64_t n);
    unsigned index;
    struct rand rand;
    struct buf scratch;
    char key[KEY];
    char *value;
};

static const struct wall now = {1700000000};

static struct slice
key_of(struct job *job, uint64_t n)
{
    memcpy(job->key, "key:", 4);
    for (size_t i = KEY; i > 4; i--) {
        job->key[i - 1] = (char)('0' + n % 10);
        n /= 10;
    }
    return (struct slice){job->key, KEY};
}

static uint64_t
any(struct job *job)
{
    return rand_u64(&job->rand) % job->bench->records;
}

static void
apply(struct job *job, enum change_op op, uint64_t n)
{
    struct change c = {.op = op, .key = key_of(job, n), .delta = 1};
    struct outcome out;

    c.value = (struct slice){job->value, job->bench->value};
    store_apply(job->bench->store, &c, now, &job->scratch, &out);
    if (out.answer == CHANGE_FAILED) {
        (void)fprintf(stderr, "%s\n", store_trouble(job->bench->store));
        exit(1);
    }
}

static void
step_insert(struct job *job, uint64_t n)
{
    apply(job, CHANGE_SET, n * job->bench->threads + job->index);
}

static void
step_overwrite(struct job *job, uint64_t n)
{
    (void)n;
    apply(job, CHANGE_SET, any(job));
}

static void
step_replace(struct job *job, uint64_t n)
{
    (void)n; /* looks at the old record */
    apply(job, CHANGE_REPLACE, any(job));
}

static void
step_get(struct job *job, uint64_t n)
{
    struct item item;

    (void)n;
    if (store_get(job->bench->store, key_of(job, any(job)), now, &job->scratch,
                  &item) != STORE_OK) {
        exit(1);
    }
}

static void *
on_record(const void *old, int old_n, int *n, void *arg)
{
    struct job *job = arg;
    char *record = malloc(job->bench->value);

    (void)old;
    (void)old_n;
    if (record != NULL) {
        memcpy(record, job->value, job->bench->value);
    }
    *n = (int)job->bench->value;
    return record;
}

static void
step_proc(struct job *job, uint64_t n)
{
    struct slice key = key_of(job, any(job));

    (void)n;
    if (!tchdbputproc(job->bench->hdb, key.p, (int)key.n, job->value,
                      (int)job->bench->value, on_record, job)) {
        exit(1);
    }
}

static void
step_get_put(struct job *job, uint64_t n)
{
    struct slice key = key_of(job, any(job));
    char old[4096];

    (void)n;
    (void)tchdbget3(job->bench->hdb, key.p, (int)key.n, old, sizeof(old));
    if (!tchdbput(job->bench->hdb, key.p, (int)key.n, job->value,
                  (int)job->bench->value)) {
        exit(1);
    }
}

static void *
run_job(void *arg)
{
    struct job *job = arg;
    uint64_t n = job->bench->records / job->bench->threads;

    for (uint64_t i = 0; i < n; i++) {
        job->step(job, i);
    }
    return NULL;
}

static double
cpu_seconds(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void
measure(struct bench *bench, const char *name,
        void (*step)(struct job *job, uint64_t n))
{
    struct job jobs[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    double cpu = cpu_seconds();
    struct mono start = clock_mono();
    double seconds;

    for (unsigned i = 0; i < bench->threads; i++) {
        jobs[i] = (struct job){.bench = bench, .step = step, .index = i};
        rand_init(&jobs[i].rand, i + 1);
        jobs[i].value = calloc(1, bench->value + 1);
        memset(jobs[i].value, '1', bench->value);
        (void)pthread_create(&threads[i], NULL, run_job, &jobs[i]);
    }
    for (unsigned i = 0; i < bench->threads; i++) {
        (void)pthread_join(threads[i], NULL);
        buf_fini(&jobs[i].scratch);
        free(jobs[i].value);
    }
    seconds = (double)(clock_mono().ns - start.ns) * 1e-9;
    cpu = cpu_seconds() - cpu;
    printf("%-28s %9.0f ops/s %7.3f us cpu/op\n", name,
           (double)bench->records / seconds,
           1e6 * cpu / (double)bench->records);
}

static void
walk(struct bench *bench)
{
    struct store_cursor *cursor = store_cursor_open(bench->store);
    struct mono start = clock_mono();
    struct slice key;
    struct item item;
    uint64_t n = 0;

    while (store_cursor_next(cursor, &key, &item) == STORE_OK) {
        n++;
    }
    store_cursor_close(cursor);
    printf("%-28s %9.0f ops/s\n", "walk",
           (double)n * 1e9 / (double)(clock_mono().ns - start.ns));
}

static void
run_store(struct bench *bench, const char *folder, const char *type)
{
    struct store_options options = {
        .data_dir = folder,
        .type = type,
        .large = true,
        .lock_stripes = 64,
        .value_max = 1 << 30,
        .log_segment_bytes = 64 << 20,
        .log_keep_bytes = 1 << 30,
    };
    struct mono start;
    struct err err;

    if (store_open(&bench->store, &options, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    measure(bench, "set, new", step_insert);
    measure(bench, "set, overwrite", step_overwrite);
    measure(bench, "replace (reads the old)", step_replace);
    measure(bench, "get", step_get);
    walk(bench);
    start = clock_mono();
    (void)store_checkpoint(bench->store, &err);
    printf("%-28s %9.1f ms\n", "checkpoint",
           1e-6 * (double)(clock_mono().ns - start.ns));
    if (store_close(bench->store, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
}

static void
run_callback(struct bench *bench, const char *folder)
{
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/flare.hdb", folder);
    bench->hdb = tchdbnew();
    (void)tchdbsetmutex(bench->hdb);
    (void)tchdbsetxmsiz(bench->hdb, 1 << 30);
    if (!tchdbopen(bench->hdb, path, HDBOWRITER)) {
        exit(1);
    }
    measure(bench, "bare tchdbputproc", step_proc);
    measure(bench, "bare tchdbget3 + tchdbput", step_get_put);
    (void)tchdbclose(bench->hdb);
    tchdbdel(bench->hdb);
}

int
main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "bench-store.tmp";
    const char *type = argc > 2 ? argv[2] : "tch";
    struct bench bench = {
        .records = argc > 3 ? strtoull(argv[3], NULL, 10) : 1000000,
        .threads = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 1,
        .value = argc > 5 ? strtoull(argv[5], NULL, 10) : 100,
    };

    if (bench.threads < 1 || bench.threads > THREADS_MAX) {
        return 2;
    }
    bench.records -= bench.records % bench.threads;
    printf("%s, %" PRIu64 " records of %zu bytes, %u threads\n", type,
           bench.records, bench.value, bench.threads);
    run_store(&bench, folder, type);
    if (strcmp(type, "tch") == 0) {
        run_callback(&bench, folder);
    }
    return 0;
}
