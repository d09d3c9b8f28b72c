/*
 * board: what "flare-stats --watch" shows, as lines of text.
 *
 * Fed with rounds of samples, it keeps a row for each node with its rates since
 * the round before and a history of them.  It knows nothing of terminals but a
 * width, so that it can be tested without one.
 */
#ifndef FLARE_FLARE_STATS_BOARD_H
#define FLARE_FLARE_STATS_BOARD_H

#include "base/buf.h"
#include "tool/sample.h"

enum { BOARD_HISTORY = 120 }; /* rounds */

enum board_column {
    BOARD_NODE,
    BOARD_STATE,
    BOARD_ROLE,
    BOARD_PARTITION,
    BOARD_OPS,
    BOARD_READS,
    BOARD_WRITES,
    BOARD_HIT,
    BOARD_P50,
    BOARD_P99,
    BOARD_LAG,
    BOARD_MEMORY,
    BOARD_DATA,
    BOARD_CONNECTIONS,
    BOARD_ITEMS,
    BOARD_UPTIME,
    BOARD_TREND,
    BOARD_COLUMNS,
};

/* Numbers that are not known are negative. */
struct board_row {
    char key[NODE_HOST_MAX + 8];
    enum node_role role;
    enum node_state state;
    int partition;
    bool alive;
    double value[BOARD_COLUMNS]; /* where the column is a number */
    float trend[BOARD_HISTORY];  /* operations a second, the latest last */
    unsigned ntrend;
};

struct board {
    struct board_row *rows; /* in the order they are shown */
    size_t n;
    struct board_row total; /* of all of them; key is empty */
    struct round before;
    enum board_column sorted_by;
    bool backwards;
    bool plain; /* ASCII only */
};

/* Zeroed storage is an empty board, sorted by partition. */
void board_init(struct board *board);
void board_fini(struct board *board);

/* The next round; it is the board's then. */
void board_update(struct board *board, struct round *round);

/* Sort by another column, or the other way round by the same. */
void board_sort(struct board *board, enum board_column column);

/* The column of this key; BOARD_COLUMNS: none has it. */
enum board_column board_column_of_key(int key);

/* The column beside the sorted one, that is shown at this width. */
enum board_column board_beside(const struct board *board, size_t width,
                               int steps);

/*
 * Lines of exactly `width` columns of a terminal: the heads, a row, and one
 * for all rows.
 */
bool board_put_head(const struct board *board, size_t width, struct buf *out);
bool board_put_row(const struct board *board, const struct board_row *row,
                   size_t width, struct buf *out);

/* Where the sorted column's head begins, and how wide it is. */
void board_sorted_at(const struct board *board, size_t width, size_t *at,
                     size_t *n);

/* "12", "3.4k", "56M": at most 5 wide; "-" when negative. */
void board_short(double value, char *to, size_t size);

#endif
