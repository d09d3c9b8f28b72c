#include "index/health.h"

/*
 * A process that dies may close a connection before it stops listening, so the
 * next one may come to be, to be closed as well.
 */
enum { LOOKS_MAX = 10 };

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
