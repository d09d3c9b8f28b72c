#include "daemon/watchdog.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "daemon/process.h"

/* In one period of systemd's; so two rounds may be missed. */
enum { ROUNDS = 4, US_PER_MS = 1000 };

struct watched {
    struct list link;
    struct loop *loop;
    struct mail mail;
    atomic_bool asked; /* the mail has not been delivered yet */
};

struct watchdog {
    struct timer timer;
    struct list watched;
};

static void
on_question(struct mail *mail)
{
    struct watched *watched = LIST_ENTRY(mail, struct watched, mail);

    atomic_store(&watched->asked, false);
}

/* Whoever has not answered the last question by now keeps us silent. */
static void
on_round(struct timer *timer)
{
    struct watchdog *watchdog = LIST_ENTRY(timer, struct watchdog, timer);
    struct list *at;
    bool all_turn = true;

    for (at = watchdog->watched.next; at != &watchdog->watched; at = at->next) {
        struct watched *watched = LIST_ENTRY(at, struct watched, link);

        if (atomic_load(&watched->asked)) {
            all_turn = false;
        } else {
            atomic_store(&watched->asked, true);
            mailbox_post(&watched->loop->mailbox, &watched->mail);
        }
    }
    if (all_turn) {
        process_notify("WATCHDOG=1");
    }
}

/* What systemd set for this process, or 0.  A child of it is not meant. */
static uint64_t
period_us(void)
{
    const char *text = getenv("WATCHDOG_USEC");
    const char *owner = getenv("WATCHDOG_PID");
    uint64_t us;
    uint64_t pid;

    if (text == NULL || !slice_u64(slice_str(text), INT64_MAX, &us)) {
        return 0;
    }
    if (owner != NULL && (!slice_u64(slice_str(owner), INT32_MAX, &pid) ||
                          (pid_t)pid != getpid())) {
        return 0;
    }
    return us;
}

struct watchdog *
watchdog_new(struct loop *loop)
{
    uint64_t us = period_us();
    struct watchdog *watchdog;

    if (us == 0) {
        return NULL;
    }
    watchdog = xcalloc(1, sizeof(*watchdog));
    list_init(&watchdog->watched);
    timer_init(&watchdog->timer, loop, on_round);
    timer_every(&watchdog->timer, (int64_t)(us / US_PER_MS / ROUNDS) + 1);
    return watchdog;
}

void
watchdog_watch(struct watchdog *watchdog, struct loop *loop)
{
    struct watched *watched;

    if (watchdog == NULL) {
        return;
    }
    watched = xcalloc(1, sizeof(*watched));
    watched->loop = loop;
    watched->mail.deliver = on_question;
    list_append(&watchdog->watched, &watched->link);
}

void
watchdog_free(struct watchdog *watchdog)
{
    struct list *first;

    if (watchdog == NULL) {
        return;
    }
    timer_fini(&watchdog->timer);
    while ((first = list_pop(&watchdog->watched)) != NULL) {
        free(LIST_ENTRY(first, struct watched, link));
    }
    free(watchdog);
}
