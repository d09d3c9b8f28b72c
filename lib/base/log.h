/*
 * log: one line an event, for operators.
 *
 * Any thread.  A line is one sentence, then "key=value" where it helps.  Bytes
 * that came from outside are printed through log_text(), which escapes and
 * cuts them.  The _sys forms add the text of errno.
 */
#ifndef FLARE_BASE_LOG_H
#define FLARE_BASE_LOG_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/slice.h"

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG
};

/*
 * Where lines go from now on: standard error, or syslog under ident with the
 * named facility (auth daemon user local0..local7).  Before the first call:
 * standard error at LOG_LEVEL_INFO.  ident must outlive the process's logging.
 * Returns false, changing nothing, for an unknown facility.
 */
bool log_open(const char *ident, bool to_stderr, const char *facility);

void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* "error", "warn", "info" or "debug"; INFO for anything else. */
enum log_level log_level_parse(const char *name);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void log_error_sys(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn_sys(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

struct log_text {
    char text[128];
};

/* Bytes from outside as printable text: log_warn("%s", log_text(s).text). */
struct log_text log_text(struct slice bytes);

/*
 * For a line that may repeat: one a second passes.  Zeroed storage is ready.
 * Returns true when the line may go out, with the number held back since then.
 * Not for use from several threads at once.
 */
struct log_limit {
    struct mono next;
    unsigned held;
};
bool log_limit_pass(struct log_limit *limit, unsigned *held);

#endif
