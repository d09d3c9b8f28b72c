#include "test/faults/site.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "test/faults/ledger.h"
#include "test/harness/folder.h"
#include "test/harness/tool.h"
#include "test/unit/test.h"

enum { INDEX_PORT = 12120, ASK_MS = 2000, ARGS = 64 };

static uint16_t
port_of(size_t place)
{
    return place == SITE_INDEX ? INDEX_PORT : SERVER_PORT;
}

static const char *
host_of(const struct site *site, size_t place)
{
    return wire_address(site->wire, place);
}

static const char *
name_of(size_t place)
{
    static const char *const names[] = {"index", "node1", "node2", "node3",
                                        "node4"};

    return names[place];
}

/* --- processes ------------------------------------------------------------ */

/* Ten arguments that both daemons have. */
static size_t
put_common(const struct site *site, size_t place, const char **args)
{
    static char data[SITE_NODES + 1][256], port[SITE_NODES + 1][8];
    const char *common[] = {
        tool_path(place == SITE_INDEX ? "flarei" : "flared"),
        "--stderr",
        "--bind",
        host_of(site, place),
        "--data-dir",
        data[place],
        "--server-name",
        host_of(site, place),
        "--server-port",
        port[place],
    };

    (void)snprintf(data[place], sizeof(data[place]), "%s/%s", site->folder,
                   name_of(place));
    (void)snprintf(port[place], sizeof(port[place]), "%u", port_of(place));
    memcpy(args, common, sizeof(common));
    return COUNT(common);
}

static void
put_rest(const struct site *site, size_t place, const char **args, size_t n)
{
    static char interval[16], threshold[16], port[8];
    const char *index[] = {"--monitor-interval-ms",  interval,
                           "--monitor-threshold",    threshold,
                           "--monitor-read-timeout", interval};
    const char *node[] = {
        "--index-server-name",   host_of(site, SITE_INDEX),
        "--index-server-port",   port,
        "--replication-type",    site->options.sync ? "sync" : "async",
        "--storage-bucket-size", "100003",
        "--write-buffer-size",   "4m"};
    const char *small[] = {"--log-segment-bytes", "1m", "--log-keep-bytes",
                           "2m"};

    (void)snprintf(interval, sizeof(interval), "%u", site->options.interval_ms);
    (void)snprintf(threshold, sizeof(threshold), "%u", site->options.threshold);
    (void)snprintf(port, sizeof(port), "%u", INDEX_PORT);
    if (place == SITE_INDEX) {
        memcpy(args + n, index, sizeof(index));
        n += COUNT(index);
    } else {
        memcpy(args + n, node, sizeof(node));
        n += COUNT(node);
        if (site->options.small_logs) {
            memcpy(args + n, small, sizeof(small));
            n += COUNT(small);
        }
    }
    args[n] = NULL;
}

void
site_launch(struct site *site, size_t place)
{
    const char *args[ARGS];
    char log[256];

    if (site->process[place].pid > 0) {
        return;
    }
    put_rest(site, place, args, put_common(site, place, args));
    (void)snprintf(log, sizeof(log), "%s/%s.log", site->folder, name_of(place));
    wire_enter(site->wire, place);
    process_start(&site->process[place], name_of(place), log, args, true);
    wire_leave(site->wire);
    site->stopped[place] = false;
}

void
site_wait_ready(struct site *site, size_t place)
{
    struct process *p = &site->process[place];

    if (p->pid > 0 && p->ready >= 0) {
        process_wait_ready(p);
    }
}

void
site_kill(struct site *site, size_t place)
{
    if (site->process[place].pid > 0) {
        process_kill(&site->process[place]);
        site->stopped[place] = false;
    }
}

void
site_stop(struct site *site, size_t place)
{
    if (site->process[place].pid > 0 && !site->stopped[place]) {
        process_signal(&site->process[place], SIGSTOP);
        site->stopped[place] = true;
    }
}

void
site_go_on(struct site *site, size_t place)
{
    if (site->process[place].pid > 0 && site->stopped[place]) {
        process_signal(&site->process[place], SIGCONT);
        site->stopped[place] = false;
    }
}

/* --- disks ---------------------------------------------------------------- */

static void
make_disk(struct site *site, size_t place)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", site->folder, name_of(place));
    folder_make_at(path);
    site->disks = mount("none", path, "tmpfs", MS_NOSUID,
                        place == SITE_INDEX ? "size=1m" : "size=256m") == 0;
}

static void
ballast_of(const struct site *site, size_t place, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/%s/ballast", site->folder, name_of(place));
}

bool
site_fill(struct site *site, size_t place)
{
    static const char zeros[4096];
    char path[300];
    int fd;

    if (!site->disks) {
        return false;
    }
    ballast_of(site, place, path, sizeof(path));
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (fd >= 0 && write(fd, zeros, sizeof(zeros)) > 0) {
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return fd >= 0;
}

void
site_empty(struct site *site, size_t place)
{
    char path[300];

    ballast_of(site, place, path, sizeof(path));
    (void)unlink(path);
}

/* --- the operator --------------------------------------------------------- */

static const char *
order(struct site *site, const char *what, size_t place, const char *how)
{
    char line[200];
    const char *answer;

    (void)snprintf(line, sizeof(line), "node %s %s %u %s\r\n", what,
                   host_of(site, place), SERVER_PORT, how);
    wire_enter(site->wire, SITE_INDEX);
    answer = talk_once(host_of(site, SITE_INDEX), INDEX_PORT, line, ASK_MS);
    wire_leave(site->wire);
    return answer != NULL ? answer : "";
}

static void
take_stat(struct site *site, const char *line, struct seat *seat)
{
    char host[64], field[32], value[32];

    if (sscanf(line, "STAT %63[0-9.]:%*u:%31s %31s", host, field, value) != 3) {
        return;
    }
    for (size_t i = 1; i <= SITE_NODES; i++) {
        if (strcmp(host, host_of(site, i)) != 0) {
            continue;
        }
        if (strcmp(field, "role") == 0) {
            (void)snprintf(seat[i].role, sizeof(seat[i].role), "%.11s", value);
        } else if (strcmp(field, "state") == 0) {
            (void)snprintf(seat[i].state, sizeof(seat[i].state), "%.11s",
                           value);
        } else if (strcmp(field, "partition") == 0) {
            seat[i].partition = (int)strtol(value, NULL, 10);
        } else if (strcmp(field, "balance") == 0) {
            seat[i].balance = (int)strtol(value, NULL, 10);
        }
    }
}

bool
site_look(struct site *site, struct seat seat[SITE_NODES + 1])
{
    struct mono end = mono_after_ms(clock_mono(), ASK_MS);
    struct talk talk;
    const char *line = NULL;

    memset(seat, 0, (SITE_NODES + 1) * sizeof(*seat));
    wire_enter(site->wire, SITE_INDEX);
    if (talk_open(&talk, host_of(site, SITE_INDEX), INDEX_PORT, end)) {
        if (talk_send(&talk, SLICE("stats nodes\r\n"), end)) {
            line = talk_line(&talk, end);
        }
        while (line != NULL && strncmp(line, "STAT ", 5) == 0) {
            take_stat(site, line, seat);
            line = talk_line(&talk, end);
        }
        talk_close(&talk);
    }
    wire_leave(site->wire);
    return line != NULL;
}

size_t
site_master(struct site *site)
{
    struct seat seat[SITE_NODES + 1];

    if (site_look(site, seat)) {
        for (size_t i = 1; i <= SITE_NODES; i++) {
            if (strcmp(seat[i].role, "master") == 0 &&
                strcmp(seat[i].state, "active") == 0) {
                return i;
            }
        }
    }
    return 0;
}

static bool
tend_copy(struct site *site, size_t place, const struct seat *seat)
{
    bool active = strcmp(seat->state, "active") == 0;

    if (strcmp(seat->role, "master") == 0) {
        return active;
    }
    if (strcmp(seat->role, "slave") == 0) {
        if (active && seat->balance == 0) {
            (void)order(site, "role", place, "slave 1 0");
        }
        return active && seat->balance > 0;
    }
    if (active) {
        (void)order(site, "role", place, "slave 0 0");
    } else {
        /* Heard of again, or held down by its own goodbye. */
        (void)order(site, "state", place, "active");
    }
    return false;
}

bool
site_tend(struct site *site)
{
    struct seat seat[SITE_NODES + 1];
    bool rests = true;

    if (!site_look(site, seat)) {
        return false;
    }
    for (size_t i = 1; i <= SITE_COPIES; i++) {
        rests = tend_copy(site, i, &seat[i]) && rests;
    }
    return rests && strcmp(seat[SITE_NODES].state, "active") == 0;
}

/* --- comparing ------------------------------------------------------------ */

struct dumped {
    char **line; /* "key flags bytes version expire checksum", sorted */
    size_t n, cap;
};

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
free_dump(struct dumped *d)
{
    for (size_t i = 0; i < d->n; i++) {
        free(d->line[i]);
    }
    free(d->line);
}

static bool
take_record(struct talk *talk, struct dumped *d, struct mono end)
{
    char *head = xstrdup(talk->line + 6);
    struct slice words = slice_str(head), value;
    uint64_t size = 0;

    (void)slice_word(&words);
    (void)slice_word(&words);
    (void)slice_u64(slice_word(&words), 1u << 20, &size);
    value = talk_bytes(talk, size + 2, end);
    if (d->n == d->cap) {
        d->cap = d->cap == 0 ? 1024 : 2 * d->cap;
        d->line = xreallocarray(d->line, d->cap, sizeof(*d->line));
    }
    if (value.p != NULL) {
        d->line[d->n++] =
            xasprintf("%s %08x", head, crc32c(0, value.p, (size_t)size));
    }
    free(head);
    return value.p != NULL;
}

static bool
take_dump(struct site *site, size_t place, struct dumped *d)
{
    struct mono end = mono_after_ms(clock_mono(), 10 * ASK_MS);
    struct talk talk;
    const char *line = NULL;

    *d = (struct dumped){NULL, 0, 0};
    wire_enter(site->wire, place);
    if (talk_open(&talk, host_of(site, place), SERVER_PORT, end)) {
        if (talk_send(&talk, SLICE("dump\r\n"), end)) {
            line = talk_line(&talk, end);
        }
        while (line != NULL && strncmp(line, "VALUE ", 6) == 0 &&
               take_record(&talk, d, end)) {
            line = talk_line(&talk, end);
        }
    }
    wire_leave(site->wire);
    if (d->n > 0) {
        qsort(d->line, d->n, sizeof(*d->line), by_text);
    }
    if (line == NULL || strcmp(line, "END") != 0) {
        talk_close(&talk);
        return false;
    }
    talk_close(&talk);
    return true;
}

/* The first line that only one of them has. */
static bool
is_same(const struct dumped *a, const struct dumped *b, char *what, size_t size)
{
    size_t i = 0;

    while (i < a->n && i < b->n && strcmp(a->line[i], b->line[i]) == 0) {
        i++;
    }
    if (i == a->n && i == b->n) {
        return true;
    }
    (void)snprintf(what, size, "%zu and %zu records; \"%.150s\" and \"%.150s\"",
                   a->n, b->n, i < a->n ? a->line[i] : "-",
                   i < b->n ? b->line[i] : "-");
    return false;
}

bool
site_compare(struct site *site, size_t *records, char *what, size_t size)
{
    struct dumped d[SITE_COPIES + 1];
    bool same = true;
    size_t taken = 0;

    for (size_t i = 1; i <= SITE_COPIES && same; i++) {
        same = take_dump(site, i, &d[i]);
        taken = i;
        if (!same) {
            (void)snprintf(what, size, "%s gives no dump", name_of(i));
        }
    }
    for (size_t i = 2; i <= SITE_COPIES && same; i++) {
        char text[400] = "";

        same = is_same(&d[1], &d[i], text, sizeof(text));
        if (!same) {
            (void)snprintf(what, size, "%s and %s: %s", name_of(1), name_of(i),
                           text);
        }
    }
    *records = d[1].n;
    for (size_t i = 1; i <= taken; i++) {
        free_dump(&d[i]);
    }
    return same;
}

/* --- the whole ------------------------------------------------------------ */

void
site_start(struct site *site, struct wire *wire,
           const struct site_options *options)
{
    const char *answer = "";

    *site = (struct site){.options = *options, .wire = wire};
    site->folder = folder_make();
    for (size_t i = 0; i <= SITE_NODES; i++) {
        make_disk(site, i);
        site_launch(site, i);
        site_wait_ready(site, i);
    }
    for (int i = 0; i < 200 && strcmp(answer, "OK") != 0; i++) {
        answer = order(site, "role", 1, "master 1 0");
        (void)usleep(strcmp(answer, "OK") != 0 ? 50000 : 0);
    }
    if (strcmp(answer, "OK") != 0) {
        fail_msg("no master: %s", answer);
    }
}

static void
release(struct site *site, bool keep)
{
    char path[256];

    for (size_t i = 0; i <= SITE_NODES && site->disks && !keep; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", site->folder, name_of(i));
        (void)umount2(path, MNT_DETACH);
    }
    if (!keep) {
        folder_remove(site->folder);
    }
    free(site->folder);
    site->folder = NULL;
}

void
site_finish(struct site *site)
{
    for (size_t i = SITE_NODES + 1; i-- > 0;) {
        if (site->process[i].pid > 0) {
            process_stop(&site->process[i]);
        }
    }
    release(site, false);
}

void
site_abandon(struct site *site)
{
    if (site->folder == NULL) {
        return;
    }
    for (size_t i = 0; i <= SITE_NODES; i++) {
        site_go_on(site, i);
        site_kill(site, i);
        process_show_log(&site->process[i]);
    }
    (void)fprintf(stderr, "the logs are in %s\n", site->folder);
    release(site, true);
}
