#include "index/health.h"

static enum health_verdict
fail(struct health *health, bool down, unsigned threshold)
{
    if (health->failures < threshold) {
        health->failures++;
    }
    health->suspect = false;
    return !down && health->failures >= threshold ? HEALTH_DOWN
                                                  : HEALTH_NOTHING;
}

enum health_verdict
health_step(struct health *health, enum health_evidence evidence, bool down,
            unsigned threshold)
{
    bool suspect = health->suspect;

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
        if (!suspect && !down) {
            health->suspect = true;
            return HEALTH_CONFIRM;
        }
        break;
    case HEALTH_REFUSED:
        if (down || health->joining) {
            break;
        }
        if (!suspect) {
            health->suspect = true;
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
