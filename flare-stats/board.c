#include "flare-stats/board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { NODE_WIDTH = 21, TREND_MIN = 10 };

/* What is less important goes first when there is not room for all. */
static const struct column {
    const char *head;
    int key;
    unsigned width;
    unsigned rank; /* 0: always shown */
} columns[BOARD_COLUMNS] = {
    [BOARD_NODE] = {"NODE", 'n', NODE_WIDTH, 0},
    [BOARD_STATE] = {"STATE", 's', 7, 1},
    [BOARD_ROLE] = {"ROLE", 'r', 6, 2},
    [BOARD_PARTITION] = {"PART", 'p', 4, 3},
    [BOARD_OPS] = {"OPS/S", 'o', 6, 0},
    [BOARD_READS] = {"READ/S", 'R', 6, 9},
    [BOARD_WRITES] = {"WRITE/S", 'W', 7, 10},
    [BOARD_HIT] = {"HIT%", 'h', 5, 6},
    [BOARD_P50] = {"P50us", '5', 6, 11},
    [BOARD_P99] = {"P99us", 'l', 6, 4},
    [BOARD_LAG] = {"LAG", 'g', 5, 5},
    [BOARD_MEMORY] = {"MEM", 'm', 5, 7},
    [BOARD_DATA] = {"DATA", 'd', 5, 13},
    [BOARD_CONNECTIONS] = {"CONN", 'c', 5, 8},
    [BOARD_ITEMS] = {"ITEMS", 'i', 5, 12},
    [BOARD_UPTIME] = {"UP", 'u', 4, 14},
    [BOARD_TREND] = {"TREND", 't', TREND_MIN, 15},
};

void
board_init(struct board *board)
{
    *board = (struct board){.sorted_by = BOARD_PARTITION};
}

void
board_fini(struct board *board)
{
    free(board->rows);
    round_fini(&board->before);
    board->rows = NULL;
    board->n = 0;
}

/* --- the numbers ------------------------------------------------------------
 */

static double
rate(uint64_t now, uint64_t before, double seconds)
{
    return now >= before && seconds > 0 ? (double)(now - before) / seconds : -1;
}

static double
quantile_us(const struct hist_total *now, const struct hist_total *before,
            unsigned of_10000)
{
    struct hist_total *since;
    double us = -1;

    if (now == NULL || before == NULL || now->count <= before->count) {
        return -1;
    }
    since = xcalloc(1, sizeof(*since));
    for (unsigned i = 0; i < HIST_BUCKETS; i++) {
        uint64_t more = now->bucket[i] > before->bucket[i]
                            ? now->bucket[i] - before->bucket[i]
                            : 0;

        since->bucket[i] = more;
        since->count += more;
        since->max_ns = more > 0 ? hist_upper_ns(i) : since->max_ns;
    }
    if (since->count > 0) {
        us = (double)hist_quantile_ns(since, of_10000) / 1000;
    }
    free(since);
    return us;
}

/* What can only be told beside the round before. */
static void
set_rates(struct board_row *row, const struct sample *now,
          const struct sample *before)
{
    double seconds = (double)(now->when.ns - before->when.ns) / 1e9;
    double *v = row->value;

    v[BOARD_READS] = rate(now->cmd_get, before->cmd_get, seconds);
    v[BOARD_WRITES] = rate(now->cmd_set, before->cmd_set, seconds);
    if (v[BOARD_READS] >= 0 && v[BOARD_WRITES] >= 0) {
        v[BOARD_OPS] = v[BOARD_READS] + v[BOARD_WRITES];
    }
    if (now->cmd_get > before->cmd_get && now->get_hits >= before->get_hits) {
        v[BOARD_HIT] = 100.0 * (double)(now->get_hits - before->get_hits) /
                       (double)(now->cmd_get - before->cmd_get);
    }
    v[BOARD_P50] = quantile_us(now->times, before->times, 5000);
    v[BOARD_P99] = quantile_us(now->times, before->times, 9900);
}

static void
set_row(struct board_row *row, const struct node *node,
        const struct sample *now, const struct sample *before)
{
    double *v = row->value;

    (void)snprintf(row->key, sizeof(row->key), "%s", node->key);
    row->role = node->role;
    row->state = node->state;
    row->partition = node->partition;
    row->alive = now->alive;
    for (int i = 0; i < BOARD_COLUMNS; i++) {
        v[i] = -1;
    }
    v[BOARD_STATE] = node->state;
    v[BOARD_ROLE] = node->role;
    v[BOARD_PARTITION] = node->partition;
    v[BOARD_LAG] = (double)now->lag;
    if (!now->alive) {
        return;
    }
    v[BOARD_MEMORY] = now->rss > 0 ? (double)now->rss : -1;
    v[BOARD_DATA] = (double)now->bytes;
    v[BOARD_CONNECTIONS] = (double)now->connections;
    v[BOARD_ITEMS] = (double)now->items;
    v[BOARD_UPTIME] = (double)now->uptime;
    if (before != NULL && before->alive) {
        set_rates(row, now, before);
    }
}

static void
push_trend(struct board_row *row)
{
    double ops = row->value[BOARD_OPS];

    if (row->ntrend == BOARD_HISTORY) {
        memmove(row->trend, row->trend + 1,
                (BOARD_HISTORY - 1) * sizeof(row->trend[0]));
        row->ntrend--;
    }
    row->trend[row->ntrend++] = ops > 0 ? (float)ops : 0;
}

static const struct board_row *
find_row(const struct board *board, const char *key)
{
    for (size_t i = 0; i < board->n; i++) {
        if (strcmp(board->rows[i].key, key) == 0) {
            return &board->rows[i];
        }
    }
    return NULL;
}

/* Sums; of times and lags, the worst. */
static void
add_to_total(struct board_row *total, const struct board_row *row)
{
    static const enum board_column sums[] = {
        BOARD_OPS,  BOARD_READS,       BOARD_WRITES, BOARD_MEMORY,
        BOARD_DATA, BOARD_CONNECTIONS, BOARD_ITEMS};
    static const enum board_column worst[] = {BOARD_P50, BOARD_P99, BOARD_LAG};

    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        double *to = &total->value[sums[i]];
        double v = row->value[sums[i]];

        *to = v < 0 ? *to : (*to < 0 ? v : *to + v);
    }
    for (size_t i = 0; i < sizeof(worst) / sizeof(worst[0]); i++) {
        double *to = &total->value[worst[i]];

        *to = row->value[worst[i]] > *to ? row->value[worst[i]] : *to;
    }
}

static void
sum_up(struct board *board)
{
    struct board_row *total = &board->total;
    double found = 0;
    double asked = 0;

    for (int i = 0; i < BOARD_COLUMNS; i++) {
        total->value[i] = -1;
    }
    total->alive = true;
    for (size_t i = 0; i < board->n; i++) {
        const double *v = board->rows[i].value;

        add_to_total(total, &board->rows[i]);
        if (v[BOARD_HIT] >= 0) {
            found += v[BOARD_READS] * v[BOARD_HIT];
            asked += v[BOARD_READS];
        }
    }
    if (asked > 0) {
        total->value[BOARD_HIT] = found / asked;
    }
    push_trend(total);
}

/* --- the order -------------------------------------------------------------
 */

/* Names and places from the lowest up, numbers from the highest down. */
static bool
comes_first(const struct board *board, const struct board_row *a,
            const struct board_row *b)
{
    enum board_column by = board->sorted_by;
    double va = a->value[by];
    double vb = b->value[by];
    int names = strcmp(a->key, b->key);

    if (by == BOARD_NODE || va == vb) {
        if (by == BOARD_PARTITION && a->role != b->role) {
            return a->role < b->role; /* the master above its slaves */
        }
        return (names < 0) != (by == BOARD_NODE && board->backwards);
    }
    if (by == BOARD_PARTITION && (va < 0 || vb < 0)) {
        return vb < 0; /* proxies last */
    }
    return (by == BOARD_PARTITION || by == BOARD_ROLE ? va < vb : va > vb) !=
           board->backwards;
}

static void
sort(struct board *board)
{
    for (size_t i = 1; i < board->n; i++) {
        for (size_t j = i;
             j > 0 && comes_first(board, &board->rows[j], &board->rows[j - 1]);
             j--) {
            struct board_row swap = board->rows[j];

            board->rows[j] = board->rows[j - 1];
            board->rows[j - 1] = swap;
        }
    }
}

void
board_update(struct board *board, struct round *round)
{
    struct board_row *rows = xcalloc(round->n + 1, sizeof(*rows));

    for (size_t i = 0; i < round->n; i++) {
        const char *key = round->nodes[i]->key;
        const struct board_row *old = find_row(board, key);

        if (old != NULL) {
            rows[i] = *old;
        }
        set_row(&rows[i], round->nodes[i], &round->samples[i],
                round_find(&board->before, key));
        push_trend(&rows[i]);
        rows[i].value[BOARD_TREND] = rows[i].value[BOARD_OPS];
    }
    free(board->rows);
    board->rows = rows;
    board->n = round->n;
    round_fini(&board->before);
    board->before = *round;
    sum_up(board);
    sort(board);
}

void
board_sort(struct board *board, enum board_column column)
{
    board->backwards = board->sorted_by == column ? !board->backwards : false;
    board->sorted_by = column;
    sort(board);
}

enum board_column
board_column_of_key(int key)
{
    int i = 0;

    while (i < BOARD_COLUMNS && columns[i].key != key) {
        i++;
    }
    return (enum board_column)i;
}

/* --- the text --------------------------------------------------------------
 */

/* How many ranks fit into the width. */
static unsigned
ranks_shown(size_t width)
{
    unsigned rank = 0;
    size_t used;

    do {
        rank++;
        used = 0;
        for (int i = 0; i < BOARD_COLUMNS; i++) {
            used += columns[i].rank <= rank ? columns[i].width + 1 : 0;
        }
    } while (used <= width + 1 && rank < BOARD_COLUMNS);
    return used <= width + 1 ? rank : rank - 1;
}

/* The width of a column; the last one shown takes what is left. */
static size_t
width_of(enum board_column column, size_t width)
{
    unsigned ranks = ranks_shown(width);
    size_t used = 0;

    if (columns[column].rank > ranks) {
        return 0;
    }
    if (column != BOARD_TREND) {
        return columns[column].width;
    }
    for (int i = 0; i < BOARD_TREND; i++) {
        used += columns[i].rank <= ranks ? columns[i].width + 1 : 0;
    }
    used = width - used;
    return used < BOARD_HISTORY ? used : BOARD_HISTORY;
}

enum board_column
board_beside(const struct board *board, size_t width, int steps)
{
    int at = (int)board->sorted_by;

    do {
        at += steps;
    } while (at >= 0 && at < BOARD_COLUMNS &&
             width_of((enum board_column)at, width) == 0);
    return at >= 0 && at < BOARD_COLUMNS ? (enum board_column)at
                                         : board->sorted_by;
}

void
board_short(double value, char *to, size_t size)
{
    static const char units[] = " kMGTPE";
    size_t unit = 0;

    if (value < 0) {
        (void)snprintf(to, size, "-");
        return;
    }
    while (value >= 9999.5 && unit + 2 < sizeof(units)) {
        value /= 1000;
        unit++;
    }
    if (unit == 0) {
        (void)snprintf(to, size, "%.0f", value);
    } else {
        (void)snprintf(to, size, value < 99.95 ? "%.1f%c" : "%.0f%c", value,
                       units[unit]);
    }
}

/* Bytes by 1024. */
static void
short_bytes(double value, char *to, size_t size)
{
    static const char units[] = "BKMGTPE";
    size_t unit = 0;

    while (value >= 999.5 && unit + 2 < sizeof(units)) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(to, size, value < 0 ? "-" : "%.*f%c",
                   unit > 0 && value < 9.95 ? 1 : 0, value, units[unit]);
}

static void
short_time(double seconds, char *to, size_t size)
{
    if (seconds < 0) {
        (void)snprintf(to, size, "-");
    } else if (seconds < 100) {
        (void)snprintf(to, size, "%.0fs", seconds);
    } else if (seconds < 6000) {
        (void)snprintf(to, size, "%.0fm", seconds / 60);
    } else if (seconds < 100.0 * 3600) {
        (void)snprintf(to, size, "%.0fh", seconds / 3600);
    } else {
        (void)snprintf(to, size, "%.0fd", seconds / 86400);
    }
}

static void
cell(const struct board_row *row, enum board_column column, char *to,
     size_t size)
{
    double v = row->value[column];

    if (column == BOARD_NODE) {
        (void)snprintf(to, size, "%s", row->key[0] != '\0' ? row->key : "all");
    } else if (column == BOARD_MEMORY || column == BOARD_DATA) {
        short_bytes(v, to, size);
    } else if (column == BOARD_UPTIME) {
        short_time(v, to, size);
    } else if (column == BOARD_HIT && v >= 0) {
        (void)snprintf(to, size, v < 99.95 ? "%.1f" : "%.0f", v);
    } else if (row->key[0] == '\0' && v < 0) {
        to[0] = '\0';
    } else if (column == BOARD_STATE) {
        (void)snprintf(to, size, "%s",
                       row->alive || row->state == NODE_DOWN
                           ? node_state_name(row->state)
                           : "silent");
    } else if (column == BOARD_ROLE) {
        (void)snprintf(to, size, "%s", node_role_name(row->role));
    } else {
        board_short(v, to, size);
    }
}

/* A bar for each of the latest rounds, of eight heights. */
static bool
put_trend(const struct board *board, const struct board_row *row, size_t width,
          struct buf *out)
{
    static const char *const blocks[] = {" ",      "\u2581", "\u2582",
                                         "\u2583", "\u2584", "\u2585",
                                         "\u2586", "\u2587", "\u2588"};
    static const char *const ascii[] = {" ", ".", ":", "-", "=",
                                        "+", "*", "#", "@"};
    const char *const *bars = board->plain ? ascii : blocks;
    size_t n = row->ntrend < width ? row->ntrend : width;
    const float *from = row->trend + row->ntrend - n;
    float most = 0;
    bool ok = true;

    for (size_t i = 0; i < n; i++) {
        most = from[i] > most ? from[i] : most;
    }
    for (size_t i = n; ok && i < width; i++) {
        ok = buf_put(out, " ", 1);
    }
    for (size_t i = 0; ok && i < n; i++) {
        int height = most > 0 ? (int)(from[i] / most * 8 + 0.5F) : 0;

        height = height == 0 && from[i] > 0 ? 1 : height;
        ok = buf_put_str(out, bars[height]);
    }
    return ok;
}

static bool
is_left(enum board_column column)
{
    return column <= BOARD_ROLE || column == BOARD_TREND;
}

static bool
put_cell(struct buf *out, enum board_column column, size_t width,
         const char *text)
{
    int w = (int)width;

    return is_left(column) ? buf_printf(out, "%-*.*s", w, w, text)
                           : buf_printf(out, "%*.*s", w, w, text);
}

/* Fill up to the width, counting what a terminal shows. */
static bool
pad(struct buf *out, size_t shown, size_t width)
{
    return shown >= width || buf_printf(out, "%*s", (int)(width - shown), "");
}

static bool
put_line(const struct board *board, const struct board_row *row, size_t width,
         struct buf *out)
{
    size_t shown = 0;
    bool ok = true;

    for (int i = 0; ok && i < BOARD_COLUMNS; i++) {
        enum board_column column = (enum board_column)i;
        size_t n = width_of(column, width);
        char text[NODE_HOST_MAX + 8];

        if (n == 0 || shown + 1 >= width) {
            continue;
        }
        ok = shown == 0 || buf_put(out, " ", 1);
        shown += shown == 0 ? 0 : 1;
        n = shown + n > width ? width - shown : n;
        if (row == NULL) {
            ok = ok && put_cell(out, column, n, columns[i].head);
        } else if (column == BOARD_TREND) {
            ok = ok && put_trend(board, row, n, out);
        } else {
            cell(row, column, text, sizeof(text));
            ok = ok && put_cell(out, column, n, text);
        }
        shown += n;
    }
    return ok && pad(out, shown, width);
}

bool
board_put_head(const struct board *board, size_t width, struct buf *out)
{
    return put_line(board, NULL, width, out);
}

bool
board_put_row(const struct board *board, const struct board_row *row,
              size_t width, struct buf *out)
{
    return put_line(board, row, width, out);
}

void
board_sorted_at(const struct board *board, size_t width, size_t *at, size_t *n)
{
    *at = 0;
    for (int i = 0; i < (int)board->sorted_by; i++) {
        size_t one = width_of((enum board_column)i, width);

        *at += one > 0 ? one + 1 : 0;
    }
    *n = width_of(board->sorted_by, width);
}
