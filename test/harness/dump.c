#include "test/harness/dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "test/harness/client.h"
#include "test/harness/wait.h"
#include "test/unit/test.h"

struct dump {
    char **lines; /* "key flags bytes version expire checksum", sorted */
    size_t n;
    size_t cap;
};

static void
dump_add(struct dump *d, char *line)
{
    if (d->n == d->cap) {
        d->cap = d->cap == 0 ? 1024 : 2 * d->cap;
        d->lines = xreallocarray(d->lines, d->cap, sizeof(*d->lines));
    }
    d->lines[d->n++] = line;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t
bytes_in(const char *line)
{
    struct slice rest = slice_str(line);
    uint64_t n = 0;

    for (int i = 0; i < 3; i++) {
        (void)slice_word(&rest);
    }
    assert_true(slice_u64(slice_word(&rest), UINT32_MAX, &n));
    return (size_t)n;
}

static void
dump_take(struct dump *d, uint16_t port)
{
    struct client c;
    const char *line;

    *d = (struct dump){NULL, 0, 0};
    client_open(&c, port);
    line = client_ask(&c, "dump\r\n");
    while (strncmp(line, "VALUE ", 6) == 0) {
        char *head = xstrdup(line + 6);
        size_t n = bytes_in(line);
        struct slice value = client_bytes(&c, n + 2);

        dump_add(d, xasprintf("%s %08x", head, crc32c(0, value.p, n)));
        free(head);
        line = client_line(&c);
    }
    assert_string_equal(line, "END");
    client_close(&c);
    if (d->n > 0) {
        qsort(d->lines, d->n, sizeof(*d->lines), by_text);
    }
}

static void
dump_free(struct dump *d)
{
    for (size_t i = 0; i < d->n; i++) {
        free(d->lines[i]);
    }
    free(d->lines);
}

/* The first line that only one has, or NULL; *where says which has it. */
static char *
difference(uint16_t a, uint16_t b, uint16_t *where)
{
    struct dump left, right;
    char *found = NULL;
    size_t i = 0;

    dump_take(&left, a);
    dump_take(&right, b);
    while (i < left.n && i < right.n &&
           strcmp(left.lines[i], right.lines[i]) == 0) {
        i++;
    }
    if (i < left.n &&
        (i >= right.n || by_text(&left.lines[i], &right.lines[i]) < 0)) {
        found = xasprintf("%s (%zu and %zu records)", left.lines[i], left.n,
                          right.n);
        *where = a;
    } else if (i < right.n) {
        found = xasprintf("%s (%zu and %zu records)", right.lines[i], left.n,
                          right.n);
        *where = b;
    }
    dump_free(&left);
    dump_free(&right);
    return found;
}

bool
dump_same(uint16_t a, uint16_t b)
{
    uint16_t where;
    char *found = difference(a, b, &where);
    bool same = found == NULL;

    free(found);
    return same;
}

static bool
is_same(void *arg)
{
    const uint16_t *ports = arg;

    return dump_same(ports[0], ports[1]);
}

void
dump_wait_same(uint16_t a, uint16_t b)
{
    uint16_t ports[] = {a, b};
    uint16_t where = 0;

    if (!wait_held(is_same, ports, WAIT_MS / 2)) {
        char *found = difference(a, b, &where);

        fail_msg("ports %u and %u differ: only %u has %s", a, b, where,
                 found != NULL ? found : "(nothing any more)");
    }
}

size_t
dump_count(uint16_t port)
{
    struct dump d;

    dump_take(&d, port);
    dump_free(&d);
    return d.n;
}
