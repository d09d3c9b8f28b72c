#include "tool/target.h"

#include <stdio.h>
#include <string.h>

#include "net/sock.h"

/* How long the first field is: up to a colon outside brackets. */
static size_t
field_length(struct slice s)
{
    int depth = 0;
    size_t i = 0;

    while (i < s.n && (s.p[i] != ':' || depth > 0)) {
        depth += s.p[i] == '[';
        depth -= s.p[i] == ']';
        i++;
    }
    return i;
}

/* Returns the number of fields, max + 1 for too many. */
static int
split(struct slice rest, struct slice *field, int max)
{
    int n = 0;

    while (rest.n > 0 && rest.p[rest.n - 1] == ':') {
        rest.n--;
    }
    for (;;) {
        size_t length = field_length(rest);

        if (n == max) {
            return max + 1;
        }
        field[n++] = (struct slice){rest.p, length};
        if (length == rest.n) {
            return n;
        }
        rest.p += length + 1;
        rest.n -= length + 1;
    }
}

static int
number(struct slice s)
{
    uint64_t value;

    return slice_u64(s, NODE_BALANCE_MAX, &value) ? (int)value : -1;
}

enum target_verdict
target_parse(const char *word, struct target *out)
{
    struct slice field[TARGET_FIELDS] = {{NULL, 0}};
    struct node node = {.port = 0};
    uint64_t port;

    *out = (struct target){.word = word, .balance = -1, .partition = -1};
    out->nfields = split(slice_str(word), field, TARGET_FIELDS);
    if (out->nfields < 1 || out->nfields > TARGET_FIELDS || field[0].n == 0) {
        return TARGET_BAD_FORM;
    }
    out->balance = out->nfields > 2 ? number(field[2]) : -1;
    out->partition = out->nfields > 3 ? number(field[3]) : -1;
    if (out->nfields < 2) {
        return TARGET_BAD_FORM;
    }
    if (!slice_u64(field[1], 65535, &port) ||
        !node_set_name(&node, field[0], port)) {
        return TARGET_BAD_NODE;
    }
    out->port = node.port;
    (void)snprintf(out->key, sizeof(out->key), "%s", node.key);
    (void)snprintf(out->host, sizeof(out->host), "%.*s", (int)field[0].n,
                   field[0].p);
    return TARGET_OK;
}

void
target_address(const char *host, char *out, size_t size)
{
    struct sock_addr addr;
    struct err unused;
    char *colon;

    (void)snprintf(out, size, "%s", host);
    if (sock_resolve(host, 1, &addr, 1, &unused) < 1) {
        return;
    }
    sock_format(&addr, out, size);
    colon = strrchr(out, ':');
    if (colon != NULL) {
        *colon = '\0';
    }
}

bool
target_resolves(const char *host)
{
    struct sock_addr addr;
    struct err unused;

    return sock_resolve(host, 1, &addr, 1, &unused) >= 1;
}
