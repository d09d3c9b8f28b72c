#include "cluster/node.h"

#include <string.h>

#include "base/buf.h"

static const char *const role_names[] = {
    [NODE_MASTER] = "master",
    [NODE_SLAVE] = "slave",
    [NODE_PROXY] = "proxy",
};

static const char *const state_names[] = {
    [NODE_ACTIVE] = "active",
    [NODE_PREPARE] = "prepare",
    [NODE_DOWN] = "down",
    [NODE_READY] = "ready",
};

static const char *const copy_names[] = {
    [NODE_COPY_UNKNOWN] = "unknown",
    [NODE_COPY_COMPLETE] = "complete",
    [NODE_COPY_EMPTY] = "empty",
    [NODE_COPY_BUILDING] = "building",
};

static const char *const wait_names[] = {
    [NODE_WAIT_NOT] = "no",
    [NODE_WAIT_EMPTY] = "empty",
    [NODE_WAIT_BUILDING] = "building",
    [NODE_WAIT_BEHIND] = "behind",
    [NODE_WAIT_OTHER] = "other",
};

enum {
    COPIES = sizeof(copy_names) / sizeof(copy_names[0]),
    WAITS = sizeof(wait_names) / sizeof(wait_names[0]),
    ROLES = sizeof(role_names) / sizeof(role_names[0]),
    STATES = sizeof(state_names) / sizeof(state_names[0]),
};

static bool
is_host(struct slice host)
{
    bool bracketed =
        host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';

    if (host.n == 0 || host.n > NODE_HOST_MAX) {
        return false;
    }
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];

        if (c < '!' || c > '~' || c == '<' || c == '>' || c == ',' ||
            (c == ':' && !bracketed)) {
            return false;
        }
    }
    return true;
}

bool
node_set_name(struct node *node, struct slice host, uint64_t port)
{
    char digits[BUF_U64_MAX];
    size_t n;

    if (!is_host(host) || port == 0 || port > UINT16_MAX) {
        return false;
    }
    n = buf_format_u64(digits, port);
    memcpy(node->key, host.p, host.n);
    node->key[host.n] = ':';
    memcpy(node->key + host.n + 1, digits, n);
    node->key[host.n + 1 + n] = '\0';
    node->host_len = (uint16_t)host.n;
    node->port = (uint16_t)port;
    return true;
}

struct slice
node_host(const struct node *node)
{
    return (struct slice){node->key, node->host_len};
}

struct slice
node_key(const struct node *node)
{
    return slice_str(node->key);
}

const char *
node_role_name(enum node_role role)
{
    return (unsigned)role < ROLES ? role_names[role] : "";
}

const char *
node_state_name(enum node_state state)
{
    return (unsigned)state < STATES ? state_names[state] : "";
}

/* Which of the names this is, or -1. */
static int
find_name(const char *const *names, int n, struct slice word)
{
    for (int i = 0; i < n; i++) {
        if (slice_eq(word, slice_str(names[i]))) {
            return i;
        }
    }
    return -1;
}

bool
node_role_parse(struct slice word, enum node_role *out)
{
    int i = find_name(role_names, ROLES, word);

    if (i >= 0) {
        *out = (enum node_role)i;
    }
    return i >= 0;
}

bool
node_state_parse(struct slice word, enum node_state *out)
{
    int i = find_name(state_names, STATES, word);

    if (i >= 0) {
        *out = (enum node_state)i;
    }
    return i >= 0;
}

const char *
node_copy_name(enum node_copy copy)
{
    return (unsigned)copy < COPIES ? copy_names[copy] : "";
}

bool
node_copy_parse(struct slice word, enum node_copy *out)
{
    int i = find_name(copy_names, COPIES, word);

    if (i >= 0) {
        *out = (enum node_copy)i;
    }
    return i >= 0;
}

const char *
node_wait_name(enum node_wait wait)
{
    return (unsigned)wait < WAITS ? wait_names[wait] : "";
}

bool
node_wait_parse(struct slice word, enum node_wait *out)
{
    int i = find_name(wait_names, WAITS, word);

    if (i >= 0) {
        *out = (enum node_wait)i;
    }
    return i >= 0;
}

int
node_data_compare(const struct node_data *a, const struct node_data *b)
{
    if (a->epoch != b->epoch) {
        return a->epoch < b->epoch ? -1 : 1;
    }
    return (a->seq > b->seq) - (a->seq < b->seq);
}
