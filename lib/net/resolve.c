#include "net/resolve.h"

#include <signal.h>
#include <stdlib.h>

#include "base/alloc.h"

/* Where answers go; outlives the loop while a lookup is under way. */
struct resolver {
    pthread_mutex_t lock; /* guards all below */
    struct loop *loop;    /* NULL: it is gone */
    unsigned users;       /* the loop, and every lookup */
};

struct resolve {
    struct mail mail;
    struct resolver *resolver;
    char *host;
    uint16_t port;
    struct sock_addr found[RESOLVE_MAX];
    unsigned count;
    void (*done)(void *owner, const struct sock_addr *found, unsigned count);
    void *owner;
    bool cancelled; /* loop's thread only */
};

/* Called with the lock held, which it gives up. */
static void
let_go(struct resolver *resolver)
{
    bool last = --resolver->users == 0;

    pthread_mutex_unlock(&resolver->lock);
    if (last) {
        pthread_mutex_destroy(&resolver->lock);
        free(resolver);
    }
}

static void
discard(struct resolve *resolve)
{
    free(resolve->host);
    free(resolve);
}

static void
on_answer(struct mail *mail)
{
    struct resolve *resolve = LIST_ENTRY(mail, struct resolve, mail);

    if (!resolve->cancelled) {
        resolve->done(resolve->owner, resolve->found, resolve->count);
    }
    discard(resolve);
}

static void *
look_up(void *arg)
{
    struct resolve *resolve = arg;
    struct resolver *resolver = resolve->resolver;
    struct err err;
    int n = sock_resolve(resolve->host, resolve->port, resolve->found,
                         RESOLVE_MAX, &err);

    resolve->count = n > 0 ? (unsigned)n : 0;
    pthread_mutex_lock(&resolver->lock);
    if (resolver->loop != NULL) {
        mailbox_post(&resolver->loop->mailbox, &resolve->mail);
    } else {
        discard(resolve);
    }
    let_go(resolver);
    return NULL;
}

static struct resolver *
resolver_of(struct loop *loop)
{
    if (loop->resolver == NULL) {
        loop->resolver = xcalloc(1, sizeof(*loop->resolver));
        pthread_mutex_init(&loop->resolver->lock, NULL);
        loop->resolver->loop = loop;
        loop->resolver->users = 1;
    }
    return loop->resolver;
}

static int
start_detached(void *(*run)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, before;
    int error;

    (void)sigfillset(&all);
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&thread, &attr, run, arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    return error;
}

struct resolve *
resolve_start(struct loop *loop, const char *host, uint16_t port,
              void (*done)(void *owner, const struct sock_addr *found,
                           unsigned count),
              void *owner)
{
    struct resolver *resolver = resolver_of(loop);
    struct resolve *resolve = xcalloc(1, sizeof(*resolve));

    resolve->mail.deliver = on_answer;
    resolve->resolver = resolver;
    resolve->host = xstrdup(host);
    resolve->port = port;
    resolve->done = done;
    resolve->owner = owner;
    pthread_mutex_lock(&resolver->lock);
    resolver->users++;
    pthread_mutex_unlock(&resolver->lock);
    if (start_detached(look_up, resolve) != 0) {
        pthread_mutex_lock(&resolver->lock);
        let_go(resolver);
        discard(resolve);
        return NULL;
    }
    return resolve;
}

void
resolve_cancel(struct resolve *resolve)
{
    if (resolve != NULL) {
        resolve->cancelled = true;
    }
}

void
resolver_detach(struct resolver *resolver)
{
    pthread_mutex_lock(&resolver->lock);
    resolver->loop = NULL;
    let_go(resolver);
}
