#include "index/health.h"

/*
 * A process that dies may close a connection before it stops listening, so the
 * next one may come to be, to be closed as well.
 */
enum { LOOKS_MAX = 10 };

/* Enough for an answer that is on its way. */
enum { ANSWER_MS = 300 };

enum { READ_TIMEOUT_MS = 1000 }; /* the default of the option */

static const char *const evidence_names[] = {
    [HEALTH_ANSWERED] = "answered", [HEALTH_WRONG] = "wrong",
    [HEALTH_SILENT] = "silent",     [HEALTH_CLOSED] = "closed",
    [HEALTH_REFUSED] = "refused",
};

enum { EVIDENCES = sizeof(evidence_names) / sizeof(evidence_names[0]) };

const char *
health_evidence_name(enum health_evidence evidence)
{
    return (unsigned)evidence < EVIDENCES ? evidence_names[evidence] : "";
}

bool
health_evidence_parse(struct slice word, enum health_evidence *out)
{
    for (int i = 0; i < EVIDENCES; i++) {
        if (slice_eq(word, slice_str(evidence_names[i]))) {
            *out = (enum health_evidence)i;
            return true;
        }
    }
    return false;
}

static enum health_verdict
fail(struct health *health, bool down, unsigned threshold)
{
    if (health->failures < threshold) {
        health->failures++;
    }
    health->suspect = 0;
    return !down && health->failures >= threshold ? HEALTH_DOWN
                                                  : HEALTH_NOTHING;
}

enum health_verdict
health_step(struct health *health, enum health_evidence evidence, bool down,
            unsigned threshold)
{
    if (threshold == 0) {
        threshold = 1;
    }
    switch (evidence) {
    case HEALTH_ANSWERED:
        *health = (struct health){0};
        return down ? HEALTH_UP : HEALTH_NOTHING;
    case HEALTH_WRONG:
    case HEALTH_SILENT:
        break;
    case HEALTH_CLOSED:
        if (!down && health->suspect < LOOKS_MAX) {
            health->suspect++;
            return HEALTH_CONFIRM;
        }
        break;
    case HEALTH_REFUSED:
        if (down || health->joining) {
            break;
        }
        if (health->suspect == 0) {
            health->suspect = 1;
            return HEALTH_CONFIRM;
        }
        health->failures = threshold;
        break;
    }
    return fail(health, down, threshold);
}

void
health_join(struct health *health)
{
    *health = (struct health){.joining = true};
}

static int64_t
larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t
health_patience_ms(unsigned threshold, int64_t interval_ms,
                   int64_t read_timeout_ms)
{
    int64_t answer = larger(interval_ms / 2, ANSWER_MS);
    int64_t intervals = threshold > 0 ? threshold : 1;

    if (read_timeout_ms < answer ||
        read_timeout_ms > larger(intervals * interval_ms, READ_TIMEOUT_MS)) {
        answer = read_timeout_ms;
    }
    return larger(intervals * interval_ms + ANSWER_MS, interval_ms + answer);
}

enum health_verdict
health_overdue(struct health *health, bool down, unsigned threshold)
{
    health->failures = threshold > 0 ? threshold : 1;
    health->suspect = 0;
    return down ? HEALTH_NOTHING : HEALTH_DOWN;
}
