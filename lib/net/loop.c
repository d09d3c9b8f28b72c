#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

#include "net/resolve.h"

/* Written over the first bytes of a buffer that nobody uses. */
struct loop_spare {
    struct loop_spare *next;
};

void
loop_refresh(struct loop *loop)
{
    loop->now = clock_mono();
    loop->wall = clock_wall();
    loop->awake = true;
}

static void
on_mail(struct mailbox *box)
{
    loop_woke(LIST_ENTRY(box, struct loop, mailbox));
}

/* No locks: only the loop's own thread touches its base. */
static struct event_base *
new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config != NULL) {
        (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        base = event_base_new_with_config(config);
        event_config_free(config);
    }
    return base;
}

int
loop_init(struct loop *loop, struct err *err)
{
    *loop = (struct loop){.spare = NULL};
    list_init(&loop->turn_end);
    atomic_init(&loop->stopping, false);
    loop->scratch = malloc(LOOP_SCRATCH);
    if (loop->scratch == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for an event loop");
    }
    loop->base = new_base();
    if (loop->base == NULL) {
        free(loop->scratch);
        return err_sys(err, "create an event loop");
    }
    if (mailbox_init(&loop->mailbox, loop->base) != 0) {
        int code = err_sys(err, "create a mailbox");

        event_base_free(loop->base);
        free(loop->scratch);
        return code;
    }
    loop->mailbox.woken = on_mail;
    loop_refresh(loop);
    loop->awake = false;
    return 0;
}

static void
end_turn(struct loop *loop)
{
    struct list *first;

    while ((first = list_first(&loop->turn_end)) != NULL) {
        struct loop_item *item = LIST_ENTRY(first, struct loop_item, link);

        list_remove(first);
        item->queued = false;
        item->run(item); /* may free item */
    }
    loop->awake = false;
    loop->unsent = 0;
}

void
loop_fini(struct loop *loop)
{
    if (loop->resolver != NULL) {
        resolver_detach(loop->resolver);
    }
    loop_refresh(loop);
    mailbox_drain(&loop->mailbox);
    end_turn(loop);
    while (loop->spare != NULL) {
        struct loop_spare *next = loop->spare->next;

        free(loop->spare);
        loop->spare = next;
    }
    mailbox_fini(&loop->mailbox);
    event_base_free(loop->base);
    free(loop->scratch);
}

void
loop_turn(struct loop *loop, bool wait)
{
    if (!list_empty(&loop->turn_end)) { /* added between turns */
        loop_refresh(loop);
        end_turn(loop);
    }
    (void)event_base_loop(loop->base,
                          EVLOOP_ONCE | (wait ? 0 : EVLOOP_NONBLOCK));
    end_turn(loop);
}

void
loop_run(struct loop *loop)
{
    while (!atomic_load_explicit(&loop->stopping, memory_order_acquire)) {
        loop_turn(loop, true);
    }
    loop_refresh(loop);
    mailbox_drain(&loop->mailbox);
    end_turn(loop);
    atomic_store(&loop->stopping, false);
}

static void *
run_thread(void *arg)
{
    loop_run(arg);
    return NULL;
}

int
loop_start(struct loop *loop, const char *name, struct err *err)
{
    sigset_t all, before;
    int error;

    assert(!loop->started);
    (void)sigfillset(&all); /* signals are the first thread's business */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&loop->thread, NULL, run_thread, loop);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        errno = error;
        return err_sys(err, "start thread %s", name);
    }
    (void)pthread_setname_np(loop->thread, name);
    loop->started = true;
    return 0;
}

void
loop_stop(struct loop *loop)
{
    atomic_store_explicit(&loop->stopping, true, memory_order_release);
    mailbox_wake(&loop->mailbox);
}

void
loop_join(struct loop *loop)
{
    if (loop->started) {
        (void)pthread_join(loop->thread, NULL);
        loop->started = false;
    }
}

void
loop_at_turn_end(struct loop *loop, struct loop_item *item)
{
    if (!item->queued) {
        item->queued = true;
        list_append(&loop->turn_end, &item->link);
    }
}

void
loop_lend(struct loop *loop, struct buf *buf)
{
    struct loop_spare *spare = loop->spare;

    assert(buf->base == NULL);
    if (spare != NULL) {
        loop->spare = spare->next;
        loop->spares--;
        *buf = (struct buf){(char *)spare, 0, 0, LOOP_BUF};
    } else {
        char *base = malloc(LOOP_BUF);

        *buf = (struct buf){base, 0, 0, base != NULL ? LOOP_BUF : 0};
    }
}

void
loop_take_back(struct loop *loop, struct buf *buf)
{
    if (buf->cap != LOOP_BUF || loop->spares >= LOOP_SPARES_MAX) {
        buf_fini(buf);
        return;
    }
    struct loop_spare *spare = (void *)buf->base;

    spare->next = loop->spare;
    loop->spare = spare;
    loop->spares++;
    *buf = (struct buf){NULL, 0, 0, 0};
}
