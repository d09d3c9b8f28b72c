#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

enum { FIRST_MS = 1000, REDRAW_MS = 200, LINE_MS = 5000, BAR = 20 };

void
progress_start(struct progress *p, const char *what, const char *unit,
               uint64_t total)
{
    *p = (struct progress){.what = what, .unit = unit, .total = total};
    p->since = p->shown = clock_mono();
    p->terminal = isatty(STDERR_FILENO) == 1;
}

void
progress_bytes(uint64_t bytes, char *to)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    double value = (double)bytes;
    size_t i = 0;

    while (value >= 1024 && i + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1024;
        i++;
    }
    (void)snprintf(to, 32, i == 0 ? "%.0f %s" : "%.1f %s", value, units[i]);
}

static void
put_bar(const struct progress *p, struct buf *out)
{
    uint64_t done = p->done < p->total ? p->done : p->total;
    uint64_t filled = (uint64_t)((double)done / (double)p->total * BAR);

    (void)buf_put_str(out, " [");
    for (uint64_t i = 0; i < BAR; i++) {
        (void)buf_put_str(out, i < filled ? "#" : ".");
    }
    (void)buf_printf(out, "] %3.0f%%", (double)done * 100 / (double)p->total);
}

void
progress_put(const struct progress *p, int64_t elapsed_ms, struct buf *out)
{
    double seconds = elapsed_ms > 0 ? (double)elapsed_ms / 1000 : 0.001;
    double rate = (double)p->done / seconds;
    char speed[32];

    progress_bytes((uint64_t)((double)p->bytes / seconds), speed);
    (void)buf_put_str(out, p->what);
    if (p->total > 0) {
        put_bar(p, out);
    }
    (void)buf_printf(out, " %ju", (uintmax_t)p->done);
    if (p->total > 0) {
        (void)buf_printf(out, "/%ju", (uintmax_t)p->total);
    }
    (void)buf_printf(out, " %s, %.0f/s", p->unit, rate);
    if (p->bytes > 0) {
        (void)buf_printf(out, ", %s/s", speed);
    }
    if (p->total > p->done && rate > 0) {
        (void)buf_printf(out, ", ETA %.0f s",
                         (double)(p->total - p->done) / rate);
    }
}

static void
show(struct progress *p, struct mono now)
{
    struct buf text = {0};

    progress_put(p, mono_ms_between(p->since, now), &text);
    (void)fprintf(stderr, p->terminal ? "\r%.*s\033[K" : "%.*s\n",
                  (int)buf_len(&text), buf_slice(&text).p);
    (void)fflush(stderr);
    buf_fini(&text);
    p->shown = now;
    p->drawn = true;
}

void
progress_at(struct progress *p, uint64_t done, uint64_t bytes)
{
    struct mono now = clock_mono();
    int64_t every = p->terminal ? REDRAW_MS : LINE_MS;

    p->done = done;
    p->bytes = bytes;
    if (mono_ms_between(p->since, now) >= FIRST_MS &&
        (!p->drawn || mono_ms_between(p->shown, now) >= every)) {
        show(p, now);
    }
}

void
progress_end(struct progress *p)
{
    if (p->drawn && p->terminal) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
    }
    p->drawn = false;
}
