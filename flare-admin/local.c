#include "flare-admin/local.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "flare-admin/erase.h"
#include "net/sock.h"

enum { FIRST_PORT = 12120 };

void
local_who(const struct local *local, uint64_t i, char *to, size_t size)
{
    if (i == 0) {
        (void)snprintf(to, size, "index");
    } else {
        (void)snprintf(to, size, "node%ju", (uintmax_t)(local->port + i));
    }
}

static void
name_it(struct local *local, const char *base, const char *name)
{
    *local = (struct local){.base = xstrdup(base), .name = xstrdup(name)};
    local->folder = xasprintf("%s/%s", base, name);
}

void
local_fini(struct local *local)
{
    free(local->base);
    free(local->name);
    free(local->folder);
    *local = (struct local){NULL, NULL, NULL, 0, 0};
}

static bool
good_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strlen(name) < LOCAL_NAME_MAX &&
           strchr(name, '/') == NULL && strcmp(name, "current") != 0;
}

static bool
take_setting(struct local *local, struct slice line)
{
    struct slice value = line;
    struct slice name = slice_word(&value);

    (void)slice_word(&value); /* = */
    value = slice_word(&value);
    if (slice_eq(name, SLICE("port"))) {
        return slice_u64(value, 65535 - LOCAL_NODES_MAX, &local->port);
    }
    if (slice_eq(name, SLICE("nodes"))) {
        return slice_u64(value, LOCAL_NODES_MAX, &local->nodes);
    }
    return true;
}

int
local_load(struct local *local, const char *base, const char *name,
           struct err *err)
{
    struct buf text = {0};
    struct slice rest;
    char *path;
    int rc;

    name_it(local, base, name);
    path = xasprintf("%s/cluster.conf", local->folder);
    rc = good_name(name) ? file_read_all(path, &text, err) : ERR_IO;
    if (rc != 0) {
        rc = err_set(err, ERR_CONFIG,
                     "there is no cluster %s in %s; flare-admin cluster create "
                     "makes one",
                     name, base);
    }
    rest = buf_slice(&text);
    while (rc == 0 && rest.n > 0) {
        if (!take_setting(local, slice_until(&rest, '\n'))) {
            rc = err_set(err, ERR_CORRUPT, "%s is damaged", path);
        }
    }
    buf_fini(&text);
    free(path);
    return rc;
}

static uint64_t
free_block(const char *base)
{
    char **names = local_list(base);
    uint64_t port = FIRST_PORT;

    for (size_t i = 0; names[i] != NULL; i++) {
        struct local other;
        struct err unused;

        if (local_load(&other, base, names[i], &unused) == 0 &&
            other.port + other.nodes + 1 > port) {
            port = other.port + other.nodes + 1;
        }
        local_fini(&other);
        free(names[i]);
    }
    free(names);
    return port;
}

static int
make_folders(const struct local *local, struct err *err)
{
    static const char *const below[] = {"", "/data", "/log", "/run"};

    if (mkdir(local->base, 0755) != 0 && errno != EEXIST) {
        return err_sys(err, "make %s", local->base);
    }
    for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
        char *path = xasprintf("%s%s", local->folder, below[i]);
        int rc = mkdir(path, 0755) == 0 || errno == EEXIST
                     ? 0
                     : err_sys(err, "make %s", path);

        free(path);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

int
local_make(struct local *local, const char *base, const char *name,
           uint64_t port, uint64_t nodes, struct err *err)
{
    char *path, *text;
    int rc;

    name_it(local, base, name);
    if (!good_name(name)) {
        return err_set(err, ERR_CONFIG, "'%s' is no name for a cluster", name);
    }
    local->port = port != 0 ? port : free_block(base);
    local->nodes = nodes;
    path = xasprintf("%s/cluster.conf", local->folder);
    text = xasprintf("port = %ju\nnodes = %ju\n", (uintmax_t)local->port,
                     (uintmax_t)nodes);
    if (access(path, F_OK) == 0) {
        rc = err_set(err, ERR_CONFLICT, "there is a cluster %s in %s already",
                     name, base);
    } else {
        rc = make_folders(local, err);
        rc = rc == 0 ? file_write_atomic(path, slice_str(text), err) : rc;
    }
    free(path);
    free(text);
    return rc;
}

bool
local_port_taken(uint64_t port)
{
    struct sock_addr addr;
    struct err unused;
    int fd;

    if (sock_resolve("127.0.0.1", (uint16_t)port, &addr, 1, &unused) < 1) {
        return false;
    }
    fd = sock_listen(&addr, 1, &unused);
    if (fd < 0) {
        return true;
    }
    (void)close(fd);
    return false;
}

/* --- many of them ----------------------------------------------------------
 */

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
is_cluster(const char *base, const char *name)
{
    char *conf = xasprintf("%s/%s/cluster.conf", base, name);
    bool is = good_name(name) && access(conf, F_OK) == 0;

    free(conf);
    return is;
}

char **
local_list(const char *base)
{
    char **names = xcalloc(1, sizeof(*names));
    size_t n = 0;
    DIR *dir = opendir(base);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (is_cluster(base, entry->d_name)) {
            names = xreallocarray(names, n + 2, sizeof(*names));
            names[n++] = xstrdup(entry->d_name);
            names[n] = NULL;
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    qsort(names, n, sizeof(*names), by_name);
    return names;
}

char *
local_current(const char *base)
{
    char *path = xasprintf("%s/current", base);
    struct buf text = {0};
    struct err unused;
    struct slice s = SLICE("default");

    if (file_read_all(path, &text, &unused) == 0 && buf_len(&text) > 1) {
        s = buf_slice(&text);
        s = slice_until(&s, '\n');
    }
    free(path);
    path = xstrndup(s.p, s.n);
    buf_fini(&text);
    return path;
}

int
local_use(const char *base, const char *name, struct err *err)
{
    char *path = xasprintf("%s/current", base);
    char *text = xasprintf("%s\n", name);
    int rc = file_write_atomic(path, slice_str(text), err);

    free(path);
    free(text);
    return rc;
}

int
local_remove(const struct local *local, struct err *err)
{
    return erase_folder(local->folder, true, err);
}
