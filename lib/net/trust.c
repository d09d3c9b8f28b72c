#include "net/trust.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

enum { V4_AT = 12 }; /* where an IPv4 address is in an IPv6 one */

/* Every address as an IPv6 one; false: it is none (a unix socket). */
static bool
to_bytes(const struct sock_addr *from, unsigned char out[16])
{
    const struct sockaddr *sa = (const struct sockaddr *)&from->addr;

    if (from->len >= sizeof(struct sockaddr_in) && sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&from->addr;

        memset(out, 0, 10);
        memset(out + 10, 0xff, 2);
        memcpy(out + V4_AT, &in->sin_addr, 4);
        return true;
    }
    if (from->len >= sizeof(struct sockaddr_in6) && sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in =
            (const struct sockaddr_in6 *)&from->addr;

        memcpy(out, &in->sin6_addr, 16);
        return true;
    }
    return false;
}

static bool
parse_address(const char *text, unsigned char out[16], unsigned *max_bits)
{
    *max_bits = 32;
    memset(out, 0, 10);
    memset(out + 10, 0xff, 2);
    if (inet_pton(AF_INET, text, out + V4_AT) == 1) {
        return true;
    }
    *max_bits = 128;
    return inet_pton(AF_INET6, text, out) == 1;
}

static int
parse_rule(struct trust_rule *rule, struct slice word, struct err *err)
{
    struct slice rest = word;
    struct slice host = slice_until(&rest, '/');
    AUTO_FREE char *name = xstrndup(host.p, host.n);
    bool has_bits = host.n < word.n;
    unsigned max = 0;
    uint64_t bits;

    if (!parse_address(name, rule->addr, &max)) {
        return err_set(err, ERR_CONFIG,
                       "\"%.*s\" is no numeric address, network or \"any\"",
                       (int)word.n, word.p);
    }
    bits = max;
    if (has_bits && !slice_u64(rest, max, &bits)) {
        return err_set(err, ERR_CONFIG,
                       "\"%.*s\": the number of bits is not in 0..%u",
                       (int)word.n, word.p, max);
    }
    rule->bits = (unsigned)bits + (128 - max);
    return 0;
}

int
trust_parse(struct trust **out, const char *text, struct err *err)
{
    AUTO_FREE struct trust *trust =
        xcalloc(1, sizeof(*trust) + TRUST_MAX * sizeof(trust->rule[0]));
    struct slice rest = slice_str(text);

    *out = NULL;
    while (rest.n > 0) {
        struct slice part = slice_until(&rest, ',');
        struct slice word = slice_word(&part);
        int rc;

        if (word.n == 0) {
            continue;
        }
        if (slice_eq(word, SLICE("any"))) {
            trust->any = true;
            continue;
        }
        if (trust->n == TRUST_MAX) {
            return err_set(err, ERR_CONFIG, "more than %d entries", TRUST_MAX);
        }
        rc = parse_rule(&trust->rule[trust->n], word, err);
        if (rc != 0) {
            return rc;
        }
        trust->n++;
    }
    *out = STEAL(trust);
    return 0;
}

int
trust_check(const char *text, struct err *err)
{
    AUTO_FREE struct trust *trust = NULL;

    return trust_parse(&trust, text, err);
}

static bool
matches(const struct trust_rule *rule, const unsigned char addr[16])
{
    unsigned whole = rule->bits / 8, left = rule->bits % 8;

    return memcmp(rule->addr, addr, whole) == 0 &&
           (left == 0 || (rule->addr[whole] ^ addr[whole]) >> (8 - left) == 0);
}

static bool
is_loopback(const unsigned char addr[16])
{
    static const unsigned char v6[16] = {[15] = 1};
    static const struct trust_rule v4 = {{[10] = 0xff, [11] = 0xff, [12] = 127},
                                         104};

    return memcmp(addr, v6, 16) == 0 || matches(&v4, addr);
}

bool
trust_allows(const struct trust *trust, const struct sock_addr *from)
{
    unsigned char addr[16];

    if (trust->any || !to_bytes(from, addr) || is_loopback(addr)) {
        return true;
    }
    for (unsigned i = 0; i < trust->n; i++) {
        if (matches(&trust->rule[i], addr)) {
            return true;
        }
    }
    return false;
}

bool
trust_same_host(const struct sock_addr *a, const struct sock_addr *b)
{
    unsigned char x[16], y[16];

    return to_bytes(a, x) && to_bytes(b, y) && memcmp(x, y, 16) == 0;
}

bool
trust_is_local(int fd)
{
    struct sock_addr here = {.len = sizeof(here.addr)}, there = here;
    unsigned char addr[16];

    if (getpeername(fd, (struct sockaddr *)&there.addr, &there.len) != 0 ||
        getsockname(fd, (struct sockaddr *)&here.addr, &here.len) != 0) {
        return false;
    }
    return !to_bytes(&there, addr) || is_loopback(addr) ||
           trust_same_host(&here, &there);
}
