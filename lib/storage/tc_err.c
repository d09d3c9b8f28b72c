#include "storage/tc_err.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <tchdb.h>

#ifdef __SANITIZE_THREAD__
/*
 * Tokyo Cabinet looks at the first byte of a neighbouring block, which may be
 * another record, without that record's lock; it then makes sure in its pool.
 */
const char *__tsan_default_suppressions(void);

const char *
__tsan_default_suppressions(void)
{
    return "race:libtokyocabinet\n";
}
#endif

/*
 * Debian builds the library to look for races in itself: it gives up the
 * processor at every 32nd assertion, which is once every few calls, and a
 * thread that answers clients waits for its turn again.  Nothing else of ours
 * or of what we link calls this, so it may as well do nothing.
 */
int
sched_yield(void)
{
    return 0;
}

static enum err_code
code_of(int ecode)
{
    switch (ecode) {
    case TCETHREAD: /* this process has it open */
    case TCELOCK:   /* another one has */
        return ERR_CONFLICT;
    case TCEMETA:
    case TCERHEAD:
    case TCEREAD:
    case TCEMISC:
        return ERR_CORRUPT;
    case TCEINVALID:
        return ERR_CONFIG;
    default:
        return ERR_IO;
    }
}

int
tc_err(struct err *err, int ecode, const char *doing, const char *path)
{
    enum err_code code = code_of(ecode);
    const char *why = tchdberrmsg(ecode);

    if (ecode == TCEOPEN && errno != 0) {
        return err_sys(err, "%s %s", doing, path); /* it says no more itself */
    }
    if (code == ERR_CONFLICT) {
        why = "another process has it open";
    } else if (ecode == TCEREAD || ecode == TCEMETA) {
        why = "the file is damaged or cut short";
    } else if (ecode == TCEWRITE) {
        why = "cannot write to it, is the disk full?";
    }
    return err_set(err, code, "%s %s: %s", doing, path, why);
}

int
tc_options(const char *compress, bool large, uint8_t *out, struct err *err)
{
    static const struct {
        const char *name;
        int bits;
    } methods[] = {
        {"", 0},
        {"deflate", HDBTDEFLATE},
        {"bz2", HDBTBZIP},
        {"tcbs", HDBTTCBS},
    };

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(compress != NULL ? compress : "", methods[i].name) == 0) {
            *out = (uint8_t)(methods[i].bits | (large ? HDBTLARGE : 0));
            return 0;
        }
    }
    return err_set(err, ERR_CONFIG,
                   "unknown compression \"%s\": deflate, bz2 or tcbs",
                   compress);
}
