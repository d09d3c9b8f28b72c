#include "cli/output.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <time.h>

int
output_open(struct output *out, const char *program, const char *path,
            struct err *err)
{
    struct stat st;

    *out = (struct output){program, NULL, false};
    if (path == NULL) {
        return 0;
    }
    if (path[0] == '\0' || (stat(path, &st) == 0 && !S_ISREG(st.st_mode))) {
        return err_set(err, ERR_CONFIG, "'%s' is not a regular file", path);
    }
    out->file = fopen(path, "ae");
    return out->file != NULL ? 0 : err_sys(err, "open %s", path);
}

void
output_close(struct output *out)
{
    if (out->file != NULL) {
        (void)fclose(out->file);
        out->file = NULL;
    }
}

static void put(struct output *out, const char *level, const char *fmt,
                va_list ap) __attribute__((format(printf, 3, 0)));

static void
put(struct output *out, const char *level, const char *fmt, va_list ap)
{
    FILE *to = out->aside ? stderr : stdout;

    to = out->file != NULL ? out->file : to;
    if (out->file != NULL) {
        time_t now = time(NULL);
        struct tm tm;
        char stamp[32];

        (void)localtime_r(&now, &tm);
        (void)strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &tm);
        (void)fprintf(to, "%s %s[%s]: ", stamp, out->program, level);
    }
    (void)vfprintf(to, fmt, ap);
    (void)fputc('\n', to);
    (void)fflush(to);
}

void
output_info(struct output *out, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put(out, "INFO", fmt, ap);
    va_end(ap);
}

void
output_warn(struct output *out, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put(out, "WARN", fmt, ap);
    va_end(ap);
}

void
output_error(struct output *out, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put(out, "ERROR", fmt, ap);
    va_end(ap);
}

void
output_text(struct slice text)
{
    (void)fwrite(text.p, 1, text.n, stdout);
    (void)fflush(stdout);
}

void
output_note(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    (void)fflush(stderr);
}
