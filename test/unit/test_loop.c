#include "test/unit/net_fixture.h"

#include <signal.h>

#include "base/alloc.h"

struct step {
    struct loop_item item;
    struct loop *loop;
    struct step *then; /* added while this one runs */
    char *log;
    char name;
};

static void
on_step(struct loop_item *item)
{
    struct step *step = LIST_ENTRY(item, struct step, item);
    size_t n = strlen(step->log);

    step->log[n] = step->name;
    step->log[n + 1] = '\0';
    if (step->then != NULL) {
        loop_at_turn_end(step->loop, &step->then->item);
    }
}

static void
turn_end_items_run_in_order_and_may_add_more(void **state)
{
    struct net_fixture f;
    char log[16] = "";
    struct step c = {{.run = on_step}, &f.loop, NULL, log, 'c'};
    struct step a = {{.run = on_step}, &f.loop, &c, log, 'a'};
    struct step b = {{.run = on_step}, &f.loop, NULL, log, 'b'};

    (void)state;
    net_begin(&f);
    loop_at_turn_end(&f.loop, &a.item);
    loop_at_turn_end(&f.loop, &b.item);
    loop_at_turn_end(&f.loop, &a.item); /* is there already */
    loop_turn(&f.loop, false);
    assert_string_equal(log, "abc");
    net_end(&f);
}

static void
items_left_when_the_loop_ends_still_run(void **state)
{
    struct net_fixture f;
    char log[16] = "";
    struct step a = {{.run = on_step}, &f.loop, NULL, log, 'a'};

    (void)state;
    net_begin(&f);
    loop_at_turn_end(&f.loop, &a.item);
    net_end(&f);
    assert_string_equal(log, "a");
}

struct count {
    struct timer timer;
    int n, stop_at;
    bool restart;
};

static void
on_count(struct timer *timer)
{
    struct count *count = LIST_ENTRY(timer, struct count, timer);

    count->n++;
    if (count->n == count->stop_at) {
        timer_stop(timer);
    } else if (count->restart) {
        timer_once(timer, 1);
    }
}

static void
a_one_shot_timer_fires_once_unless_restarted(void **state)
{
    struct net_fixture f;
    struct count once = {.stop_at = 0}, again = {.stop_at = 3, .restart = true};

    (void)state;
    net_begin(&f);
    timer_init(&once.timer, &f.loop, on_count);
    timer_init(&again.timer, &f.loop, on_count);
    timer_once(&once.timer, 1);
    timer_once(&again.timer, 1);
    assert_true(once.timer.armed);
    RUN_UNTIL(&f, again.n == 3);
    assert_int_equal(once.n, 1);
    assert_false(once.timer.armed);
    timer_fini(&once.timer);
    timer_fini(&again.timer);
    net_end(&f);
}

static void
a_periodic_timer_may_stop_itself(void **state)
{
    struct net_fixture f;
    struct count count = {.stop_at = 3};
    struct mono later;

    (void)state;
    net_begin(&f);
    timer_init(&count.timer, &f.loop, on_count);
    timer_every(&count.timer, 1);
    RUN_UNTIL(&f, count.n == 3);
    later = mono_after_ms(clock_mono(), 20);
    RUN_UNTIL(&f, mono_reached(later, clock_mono()));
    assert_int_equal(count.n, 3);
    timer_fini(&count.timer);
    net_end(&f);
}

struct freed {
    struct timer timer;
    bool *ran;
};

static void
on_freed(struct timer *timer)
{
    struct freed *freed = LIST_ENTRY(timer, struct freed, timer);

    *freed->ran = true;
    timer_fini(timer);
    free(freed);
}

static void
a_timer_may_be_freed_by_its_own_callback(void **state)
{
    struct net_fixture f;
    struct freed *freed = xcalloc(1, sizeof(*freed));
    bool ran = false;

    (void)state;
    net_begin(&f);
    freed->ran = &ran;
    timer_init(&freed->timer, &f.loop, on_freed);
    timer_every(&freed->timer, 1);
    RUN_UNTIL(&f, ran);
    net_end(&f);
}

static void
now_is_the_time_after_waking(void **state)
{
    struct net_fixture f;
    struct mono before;

    (void)state;
    net_begin(&f);
    before = clock_mono();
    loop_turn(&f.loop, true); /* the tick of 5 ms; coarse timers are early */
    assert_true(f.loop.now.ns >= before.ns);
    assert_true(f.loop.wall.s > 1000000000);
    net_end(&f);
}

struct visit {
    struct mail mail;
    struct loop *loop;
    atomic_int *seen;
    bool stops;
};

static void
on_visit(struct mail *mail)
{
    struct visit *visit = LIST_ENTRY(mail, struct visit, mail);

    assert_true(visit->loop->awake);
    atomic_fetch_add(visit->seen, 1);
    if (visit->stops) {
        loop_stop(visit->loop);
    }
}

static void
a_loop_on_its_own_thread_takes_mail_until_stopped(void **state)
{
    enum { N = 1000 };
    static struct visit visits[N];
    struct loop loop;
    struct err err;
    atomic_int seen = 0;

    (void)state;
    assert_int_equal(loop_init(&loop, &err), 0);
    assert_int_equal(loop_start(&loop, "visited", &err), 0);
    for (int i = 0; i < N; i++) {
        visits[i] = (struct visit){{NULL, on_visit}, &loop, &seen, false};
        mailbox_post(&loop.mailbox, &visits[i].mail);
    }
    loop_stop(&loop); /* what was posted before is delivered */
    loop_join(&loop);
    assert_int_equal(atomic_load(&seen), N);
    loop_fini(&loop);
}

static void
a_loop_can_be_stopped_by_itself_and_run_again(void **state)
{
    struct loop loop;
    struct err err;
    atomic_int seen = 0;
    struct visit visit = {{NULL, on_visit}, &loop, &seen, true};

    (void)state;
    assert_int_equal(loop_init(&loop, &err), 0);
    for (int i = 1; i <= 2; i++) {
        mailbox_post(&loop.mailbox, &visit.mail);
        loop_run(&loop);
        assert_int_equal(atomic_load(&seen), i);
    }
    loop_fini(&loop);
}

static void
lent_buffers_are_used_again_and_odd_ones_are_not_kept(void **state)
{
    struct loop loop;
    struct err err;
    struct buf b = {NULL, 0, 0, 0}, odd = {NULL, 0, 0, 0};
    const char *first;

    (void)state;
    assert_int_equal(loop_init(&loop, &err), 0);
    loop_lend(&loop, &b);
    first = b.base;
    loop_take_back(&loop, &b);
    assert_null(b.base);
    loop_lend(&loop, &b);
    assert_ptr_equal(b.base, first);
    assert_true(buf_reserve(&b, LOOP_BUF + 1)); /* it grew */
    loop_take_back(&loop, &b);
    assert_true(buf_put_str(&odd, "x"));
    loop_take_back(&loop, &odd);
    assert_int_equal(loop.spares, 0);
    loop_fini(&loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turn_end_items_run_in_order_and_may_add_more),
        cmocka_unit_test(items_left_when_the_loop_ends_still_run),
        cmocka_unit_test(a_one_shot_timer_fires_once_unless_restarted),
        cmocka_unit_test(a_periodic_timer_may_stop_itself),
        cmocka_unit_test(a_timer_may_be_freed_by_its_own_callback),
        cmocka_unit_test(now_is_the_time_after_waking),
        cmocka_unit_test(a_loop_on_its_own_thread_takes_mail_until_stopped),
        cmocka_unit_test(a_loop_can_be_stopped_by_itself_and_run_again),
        cmocka_unit_test(lent_buffers_are_used_again_and_odd_ones_are_not_kept),
    };
    return cmocka_run_group_tests_name("net/loop", tests, NULL, NULL);
}
