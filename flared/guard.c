#include "flared/guard.h"

#include <stdlib.h>

int
guard_init(struct guard *guard, const char *trusted, struct err *err)
{
    atomic_init(&guard->nindexes, 0);
    return trust_parse(&guard->trust, trusted, err);
}

void
guard_fini(struct guard *guard)
{
    free(guard->trust);
    guard->trust = NULL;
}

bool
guard_is_index(const struct guard *guard, const struct sock_addr *from)
{
    unsigned n = atomic_load_explicit(&guard->nindexes, memory_order_acquire);

    for (unsigned i = 0; i < n; i++) {
        if (trust_same_host(&guard->index[i], from)) {
            return true;
        }
    }
    return false;
}

void
guard_add_index(struct guard *guard, const struct sock_addr *addr)
{
    unsigned n = atomic_load(&guard->nindexes);

    if (n < GUARD_INDEXES && !guard_is_index(guard, addr)) {
        guard->index[n] = *addr;
        atomic_store_explicit(&guard->nindexes, n + 1, memory_order_release);
    }
}

bool
guard_trusts(const struct guard *guard, const struct sock_addr *from, int fd)
{
    return trust_allows(guard->trust, from) || trust_is_local(fd);
}
