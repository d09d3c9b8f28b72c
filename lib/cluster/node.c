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

enum {
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

bool
node_role_parse(struct slice word, enum node_role *out)
{
    for (int i = 0; i < ROLES; i++) {
        if (slice_eq(word, slice_str(role_names[i]))) {
            *out = (enum node_role)i;
            return true;
        }
    }
    return false;
}

bool
node_state_parse(struct slice word, enum node_state *out)
{
    for (int i = 0; i < STATES; i++) {
        if (slice_eq(word, slice_str(state_names[i]))) {
            *out = (enum node_state)i;
            return true;
        }
    }
    return false;
}
