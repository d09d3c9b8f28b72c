#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static atomic_int current_level = LOG_LEVEL_INFO;
static atomic_bool use_syslog;
static const char *_Atomic program = "flare";

static const struct {
    const char *name;
    int code;
} facilities[] = {
    {"auth", LOG_AUTH},     {"daemon", LOG_DAEMON}, {"user", LOG_USER},
    {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2},
    {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5},
    {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7},
};

bool
log_open(const char *ident, bool to_stderr, const char *facility)
{
    for (size_t i = 0; i < sizeof(facilities) / sizeof(facilities[0]); i++) {
        if (strcmp(facility, facilities[i].name) == 0) {
            openlog(ident, LOG_PID, facilities[i].code);
            program = ident;
            use_syslog = !to_stderr;
            return true;
        }
    }
    return false;
}

void
log_set_level(enum log_level level)
{
    current_level = (int)level;
}

enum log_level
log_get_level(void)
{
    return (enum log_level)current_level;
}

enum log_level
log_level_parse(const char *name)
{
    static const char *const names[] = {
        [LOG_LEVEL_ERROR] = "error",
        [LOG_LEVEL_WARN] = "warn",
        [LOG_LEVEL_INFO] = "info",
        [LOG_LEVEL_DEBUG] = "debug",
    };

    for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
        if (strcmp(name, names[i]) == 0) {
            return (enum log_level)i;
        }
    }
    return LOG_LEVEL_INFO;
}

static void
to_stderr(enum log_level level, const char *text)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    char line[1280];
    struct timespec now;
    struct tm tm;
    char stamp[32];
    int n;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)localtime_r(&now.tv_sec, &tm);
    (void)strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &tm);
    n = snprintf(line, sizeof(line), "%s.%03ld %s[%d] %s: %s\n", stamp,
                 now.tv_nsec / 1000000, (const char *)program, (int)getpid(),
                 names[level], text);
    if (n > 0 &&
        write(STDERR_FILENO, line,
              (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1) < 0) {
        return; /* there is nobody left to tell */
    }
}

static void __attribute__((format(printf, 3, 0)))
put(enum log_level level, int sys, const char *fmt, va_list ap)
{
    static const int priority[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
    char text[1024];
    size_t used;
    int saved = errno;

    if ((int)level > current_level) {
        return;
    }
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    if (sys != 0) {
        used = strlen(text);
        (void)snprintf(text + used, sizeof(text) - used, ": %s", strerror(sys));
    }
    if (use_syslog) {
        syslog(priority[level], "%s", text);
    } else {
        to_stderr(level, text);
    }
    errno = saved;
}

#define DEFINE(name, level, sys)                                               \
    void name(const char *fmt, ...)                                            \
    {                                                                          \
        int code = (sys);                                                      \
        va_list ap;                                                            \
                                                                               \
        va_start(ap, fmt);                                                     \
        put(level, code, fmt, ap);                                             \
        va_end(ap);                                                            \
    }

DEFINE(log_error, LOG_LEVEL_ERROR, 0)
DEFINE(log_warn, LOG_LEVEL_WARN, 0)
DEFINE(log_info, LOG_LEVEL_INFO, 0)
DEFINE(log_debug, LOG_LEVEL_DEBUG, 0)
DEFINE(log_error_sys, LOG_LEVEL_ERROR, errno)
DEFINE(log_warn_sys, LOG_LEVEL_WARN, errno)

struct log_text
log_text(struct slice bytes)
{
    static const char hex[] = "0123456789abcdef";
    struct log_text out;
    size_t at = 0;

    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];

        if (at + 8 >= sizeof(out.text)) {
            memcpy(out.text + at, "...", 3);
            at += 3;
            break;
        }
        if (c >= 0x20 && c < 0x7f && c != '\\') {
            out.text[at++] = (char)c;
        } else {
            out.text[at++] = '\\';
            out.text[at++] = 'x';
            out.text[at++] = hex[c >> 4];
            out.text[at++] = hex[c & 15];
        }
    }
    out.text[at] = '\0';
    return out;
}

bool
log_limit_pass(struct log_limit *limit, unsigned *held)
{
    struct mono now = clock_mono();

    if (!mono_reached(limit->next, now)) {
        limit->held++;
        return false;
    }
    *held = limit->held;
    limit->held = 0;
    limit->next = mono_after_ms(now, 1000);
    return true;
}
