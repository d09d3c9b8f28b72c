#include "peer/dial.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "net/sock.h"

enum { NAME_KEPT_MS = 60000 };

void
dial_init(struct dial *dial, struct loop *loop, const char *host, uint16_t port,
          void (*ready)(struct dial *dial))
{
    *dial = (struct dial){.loop = loop, .port = port, .ready = ready};
    dial->host = xstrdup(host);
    dial->numeric = sock_is_numeric(host);
    if (dial->numeric) {
        struct err err;
        int n = sock_resolve(host, port, dial->addr, RESOLVE_MAX, &err);

        dial->count = n > 0 ? (unsigned)n : 0;
    }
}

void
dial_fini(struct dial *dial)
{
    dial_cancel(dial);
    free(dial->host);
}

void
dial_again(struct dial *dial)
{
    dial->next = 0;
    dial->error = dial->count == 0 ? ENXIO : 0;
}

static void
on_resolved(void *owner, const struct sock_addr *found, unsigned count)
{
    struct dial *dial = owner;

    dial->resolving = NULL;
    if (count > 0) {
        for (unsigned i = 0; i < count; i++) {
            dial->addr[i] = found[i];
        }
        dial->count = count;
        dial->resolved = dial->loop->now;
    } /* else what was known before may still be right */
    dial_again(dial);
    dial->ready(dial);
}

enum dial_state
dial_begin(struct dial *dial)
{
    bool fresh =
        dial->count > 0 &&
        mono_ms_between(dial->resolved, dial->loop->now) < NAME_KEPT_MS;

    dial_again(dial);
    if (dial->numeric || fresh) {
        return DIAL_READY;
    }
    dial->resolving =
        resolve_start(dial->loop, dial->host, dial->port, on_resolved, dial);
    if (dial->resolving == NULL) {
        dial->error = EAGAIN;
        return DIAL_FAILED;
    }
    return DIAL_WAIT;
}

int
dial_next(struct dial *dial)
{
    while (dial->next < dial->count) {
        int fd = sock_connect(&dial->addr[dial->next++]);

        if (fd >= 0) {
            return fd;
        }
        dial_note(dial, errno);
    }
    return -1;
}

void
dial_note(struct dial *dial, int error)
{
    if (dial->error == 0) {
        dial->error = error;
    }
}

void
dial_cancel(struct dial *dial)
{
    resolve_cancel(dial->resolving);
    dial->resolving = NULL;
}
