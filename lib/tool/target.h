/*
 * target: "host:port:balance:partition" words of the tools.
 */
#ifndef FLARE_TOOL_TARGET_H
#define FLARE_TOOL_TARGET_H

#include <stdbool.h>

#include "cluster/node.h"

enum { TARGET_FIELDS = 4 };

struct target {
    const char *word;           /* as it was given */
    char key[NODE_KEY_MAX + 1]; /* "host:port" */
    char host[NODE_HOST_MAX + 1];
    uint16_t port;
    int nfields;   /* 1 to 4; more is refused */
    int balance;   /* the third, a non-number is -1 */
    int partition; /* the fourth, a non-number is -1 */
};

enum target_verdict {
    TARGET_OK,
    TARGET_BAD_FORM, /* too many fields, or an empty one */
    TARGET_BAD_NODE, /* host or port */
};

/*
 * Take a word apart.  Colons inside brackets do not count; empty fields at the
 * end are dropped.
 */
enum target_verdict target_parse(const char *word, struct target *out);

/* The host's first address as text, or the host itself when it has none. */
void target_address(const char *host, char *out, size_t size);
bool target_resolves(const char *host);

#endif
