#include "test/unit/test.h"

#include <event2/event.h>
#include <pthread.h>

#include "net/mailbox.h"

struct sum {
    struct mail mail;
    struct event_base *base;
    int *total;
    int add;
    int last;
};

static void
on_sum(struct mail *mail)
{
    struct sum *s = (struct sum *)mail;

    *s->total += s->add;
    if (s->last) {
        (void)event_base_loopbreak(s->base);
    }
}

struct sender {
    struct mailbox *box;
    struct sum *sums;
    size_t n;
};

static void *
send_all(void *arg)
{
    struct sender *sender = arg;

    for (size_t i = 0; i < sender->n; i++) {
        mailbox_post(sender->box, &sender->sums[i].mail);
    }
    return NULL;
}

static void
mail_arrives_once_and_in_order(void **state)
{
    enum { N = 1000 };
    static struct sum sums[N];
    struct event_base *base = event_base_new();
    struct mailbox box;
    pthread_t thread;
    int total = 0;

    (void)state;
    assert_int_equal(mailbox_init(&box, base), 0);
    for (int i = 0; i < N; i++) {
        sums[i] = (struct sum){{NULL, on_sum}, base, &total, i, i == N - 1};
    }
    pthread_create(&thread, NULL, send_all, &(struct sender){&box, sums, N});
    (void)event_base_dispatch(base);
    pthread_join(thread, NULL);
    assert_int_equal(total, N * (N - 1) / 2);
    mailbox_fini(&box);
    event_base_free(base);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_arrives_once_and_in_order),
    };
    return cmocka_run_group_tests_name("net/mailbox", tests, NULL, NULL);
}
