#include "tool/sampler.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "tool/tool.h"

enum { ANSWER_S = 2 }; /* no node is waited for longer */

struct sampler {
    struct tool *tool;
    int nwords;
    char **words;
    int64_t every_ms;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t stopped;
    bool stop;
    bool has_round;
    struct round round;
    bool in_trouble;
    struct mono since;
};

/* Wait; false: it is over. */
static bool
pause_until(struct sampler *s, struct mono until)
{
    struct timespec at = {until.ns / 1000000000, until.ns % 1000000000};
    int rc = 0;

    while (!s->stop && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&s->stopped, &s->lock, &at);
    }
    return !s->stop;
}

static void
publish(struct sampler *s, struct round *round, bool ok)
{
    if (ok) {
        if (s->has_round) {
            round_fini(&s->round);
        }
        s->round = *round;
        s->has_round = true;
    } else if (!s->in_trouble) {
        s->since = clock_mono();
    }
    s->in_trouble = !ok;
}

static void *
sample(void *arg)
{
    struct sampler *s = arg;
    struct mono next = clock_mono();
    bool go_on = true;

    while (go_on) {
        struct round round = {.closely = true};
        bool ok = round_take(&round, s->tool, s->nwords, s->words);
        struct mono now;

        if (!ok) {
            round_fini(&round);
        }
        next = mono_after_ms(next, s->every_ms);
        now = clock_mono();
        if (mono_reached(next, now)) { /* it took longer than that */
            next = now;
        }
        (void)pthread_mutex_lock(&s->lock);
        publish(s, &round, ok);
        go_on = pause_until(s, next);
        (void)pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

static void
hush(struct tool *tool)
{
    tool->index.quiet = true;
    if (tool->out.file == NULL) {
        tool->out.file = fopen("/dev/null", "we");
    }
    if (tool->options.timeout == 0 || tool->options.timeout > ANSWER_S) {
        tool->options.timeout = ANSWER_S;
    }
}

struct sampler *
sampler_start(struct tool *tool, int nwords, char **words, int64_t every_ms)
{
    struct sampler *s = xcalloc(1, sizeof(*s));
    pthread_condattr_t attr;

    s->tool = tool;
    s->nwords = nwords;
    s->words = words;
    s->every_ms = every_ms;
    hush(tool);
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->stopped, &attr);
    (void)pthread_condattr_destroy(&attr);
    if (pthread_create(&s->thread, NULL, sample, s) != 0) {
        free(s);
        return NULL;
    }
    return s;
}

bool
sampler_take(struct sampler *s, struct round *out)
{
    bool has;

    (void)pthread_mutex_lock(&s->lock);
    has = s->has_round;
    if (has) {
        *out = s->round;
        s->has_round = false;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return has;
}

bool
sampler_in_trouble(struct sampler *s, struct mono *since)
{
    bool is;

    (void)pthread_mutex_lock(&s->lock);
    is = s->in_trouble;
    *since = s->since;
    (void)pthread_mutex_unlock(&s->lock);
    return is;
}

void
sampler_stop(struct sampler *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->stop = true;
    (void)pthread_cond_signal(&s->stopped);
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_join(s->thread, NULL);
    if (s->has_round) {
        round_fini(&s->round);
    }
    (void)pthread_cond_destroy(&s->stopped);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
