#include "flare-stats/watch.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/prompt.h"
#include "flare-stats/board.h"
#include "tool/sampler.h"

enum {
    KEY_WAIT_MS = 100,
    TOP_LINES = 4, /* above the rows */
    KEY_ESCAPE = 27,
};

enum { PAIR_GOOD = 1, PAIR_WARN, PAIR_BAD };

struct watch {
    struct tool *tool;
    struct sampler *sampler;
    struct board board;
    struct buf line;
    bool paused, help, colour, over;
    bool changed; /* the screen does not show what is */
    size_t first; /* row shown at the top */
    uint64_t rounds;
};

static const char *const help_text[] = {
    "n s r p    sort by node, state, role, partition",
    "o R W      sort by operations, reads, writes a second",
    "h l 5      sort by hit ratio, 99th percentile, median of the time taken",
    "g m d      sort by lag behind the master, memory, data",
    "c i u      sort by connections, items, uptime",
    "           (the same key again turns the order round)",
    "< >        sort by the column beside",
    "up down    scroll; also PgUp PgDn Home End, j k",
    "space      pause, go on",
    "?          this text",
    "q          quit",
    "",
    "OPS/S and what is beside it count keys, since the round before.",
    "LAG: changes that the master has and this slave has not.",
    "A silent node did not answer.",
};

/* --- drawing ---------------------------------------------------------------
 */

static void
put_line(struct watch *w, int y, attr_t look)
{
    (void)attron(look);
    (void)mvaddnstr(y, 0, buf_slice(&w->line).p, (int)buf_len(&w->line));
    (void)attroff(look);
    buf_clear(&w->line);
}

static attr_t
look_of(const struct watch *w, const struct board_row *row)
{
    if (row->state == NODE_DOWN || !row->alive) {
        return w->colour ? COLOR_PAIR(PAIR_BAD) : A_BOLD;
    }
    if (row->state != NODE_ACTIVE) {
        return w->colour ? COLOR_PAIR(PAIR_WARN) : A_NORMAL;
    }
    return row->role == NODE_PROXY ? A_DIM : A_NORMAL;
}

static unsigned
count_state(const struct board *board, bool active)
{
    unsigned n = 0;

    for (size_t i = 0; i < board->n; i++) {
        const struct board_row *row = &board->rows[i];

        n += (row->state == NODE_ACTIVE && row->alive) == active ? 1 : 0;
    }
    return n;
}

static void
draw_title(struct watch *w)
{
    time_t now = time(NULL);
    struct tm tm;
    char clock[16];
    unsigned bad = count_state(&w->board, false);

    (void)localtime_r(&now, &tm);
    (void)strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
    (void)buf_printf(&w->line,
                     "flare-stats  index %s:%u  %zu nodes, %u not serving  "
                     "every %ju s  %s%s",
                     w->tool->index.host, (unsigned)w->tool->index.port,
                     w->board.n, bad, (uintmax_t)w->tool->options.interval,
                     clock, w->paused ? "  PAUSED" : "");
    put_line(w, 0, A_BOLD);
}

static void
draw_trouble(struct watch *w)
{
    struct mono since;

    if (sampler_in_trouble(w->sampler, &since)) {
        (void)buf_printf(
            &w->line, "the index server %s:%u has not answered for %jd s",
            w->tool->index.host, (unsigned)w->tool->index.port,
            (intmax_t)(mono_ms_between(since, clock_mono()) / 1000));
        put_line(w, 1, w->colour ? COLOR_PAIR(PAIR_BAD) | A_BOLD : A_REVERSE);
    } else if (w->rounds == 0) {
        (void)buf_put_str(&w->line, "asking the nodes ...");
        put_line(w, 1, A_NORMAL);
    }
}

/* The head of the sorted column stands out. */
static void
draw_head(struct watch *w, size_t width)
{
    size_t at;
    size_t n;

    (void)board_put_head(&w->board, width, &w->line);
    put_line(w, TOP_LINES - 1, A_REVERSE);
    board_sorted_at(&w->board, width, &at, &n);
    (void)mvchgat(TOP_LINES - 1, (int)at, (int)n, A_BOLD | A_UNDERLINE, 0,
                  NULL);
}

static size_t
rows_shown(void)
{
    return LINES > TOP_LINES + 1 ? (size_t)(LINES - TOP_LINES - 1) : 1;
}

static void
draw_rows(struct watch *w, size_t width)
{
    size_t room = rows_shown();
    size_t last = w->board.n > room ? w->board.n - room : 0;

    w->first = w->first < last ? w->first : last;
    for (size_t i = 0; i < room && w->first + i < w->board.n; i++) {
        const struct board_row *row = &w->board.rows[w->first + i];

        (void)board_put_row(&w->board, row, width, &w->line);
        put_line(w, TOP_LINES + (int)i, look_of(w, row));
    }
}

static void
draw(struct watch *w)
{
    size_t width = COLS > 0 ? (size_t)COLS : 1;

    (void)erase();
    draw_title(w);
    draw_trouble(w);
    if (w->help) {
        for (size_t i = 0; i < sizeof(help_text) / sizeof(help_text[0]); i++) {
            (void)buf_put_str(&w->line, help_text[i]);
            put_line(w, 2 + (int)i, A_NORMAL);
        }
    } else {
        (void)board_put_row(&w->board, &w->board.total, width, &w->line);
        put_line(w, TOP_LINES - 2, w->colour ? COLOR_PAIR(PAIR_GOOD) : 0);
        draw_head(w, width);
        draw_rows(w, width);
    }
    (void)buf_printf(&w->line, "q quit  ? help  < > sort  space pause");
    put_line(w, LINES - 1, A_DIM);
    (void)refresh();
    w->changed = false;
}

/* --- keys -------------------------------------------------------------------
 */

static void
scroll_by(struct watch *w, long rows)
{
    long to = (long)w->first + rows;

    w->first = to > 0 ? (size_t)to : 0;
}

static bool
on_motion(struct watch *w, int key)
{
    long page = (long)rows_shown();

    switch (key) {
    case KEY_UP:
    case 'k':
        scroll_by(w, -1);
        return true;
    case KEY_DOWN:
    case 'j':
        scroll_by(w, 1);
        return true;
    case KEY_PPAGE:
        scroll_by(w, -page);
        return true;
    case KEY_NPAGE:
        scroll_by(w, page);
        return true;
    case KEY_HOME:
        w->first = 0;
        return true;
    case KEY_END:
        scroll_by(w, (long)w->board.n);
        return true;
    default:
        return false;
    }
}

static void
on_key(struct watch *w, int key)
{
    size_t width = COLS > 0 ? (size_t)COLS : 1;
    enum board_column column = board_column_of_key(key);

    w->changed = true;
    if (on_motion(w, key)) {
        return;
    }
    if (key == 'q' || key == 'Q' || (key == KEY_ESCAPE && !w->help)) {
        w->over = true;
    } else if (key == '?' || key == KEY_ESCAPE) {
        w->help = !w->help;
    } else if (key == ' ') {
        w->paused = !w->paused;
    } else if (key == '<' || key == KEY_LEFT) {
        board_sort(&w->board, board_beside(&w->board, width, -1));
    } else if (key == '>' || key == KEY_RIGHT) {
        board_sort(&w->board, board_beside(&w->board, width, 1));
    } else if (column < BOARD_COLUMNS) {
        board_sort(&w->board, column);
    }
}

/* --- the run ---------------------------------------------------------------
 */

static void
take_round(struct watch *w)
{
    struct round round;
    uint64_t most = w->tool->options.count;

    if (!sampler_take(w->sampler, &round)) {
        return;
    }
    if (w->paused) {
        round_fini(&round);
        return;
    }
    board_update(&w->board, &round);
    w->changed = true;
    w->rounds++;
    w->over = w->over || (most > 1 && w->rounds >= most);
}

static void
loop(struct watch *w)
{
    time_t drawn = 0;

    while (!w->over && prompt_go_on()) {
        int key = getch(); /* waits a moment; its -1 may also be the end */

        if (key == ERR && isatty(STDIN_FILENO) != 1) {
            return;
        }
        if (key != ERR) {
            on_key(w, key);
        }
        take_round(w);
        if (w->changed || time(NULL) != drawn) {
            draw(w);
            drawn = time(NULL);
        }
    }
}

static void
set_up(struct watch *w)
{
    const char *never = getenv("NO_COLOR");

    (void)cbreak();
    (void)noecho();
    (void)curs_set(0);
    (void)keypad(stdscr, TRUE);
    timeout(KEY_WAIT_MS);
    (void)set_escdelay(KEY_WAIT_MS);
    w->colour = (never == NULL || *never == '\0') && has_colors() == TRUE &&
                start_color() == OK;
    if (w->colour) {
        (void)use_default_colors();
        (void)init_pair(PAIR_GOOD, COLOR_GREEN, -1);
        (void)init_pair(PAIR_WARN, COLOR_YELLOW, -1);
        (void)init_pair(PAIR_BAD, COLOR_RED, -1);
    }
}

int
watch_run(struct tool *tool, int nwords, char **words)
{
    struct watch w = {.tool = tool};
    SCREEN *screen;

    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1) {
        output_error(&tool->out, "--watch needs a terminal; for a file or a "
                                 "program use --count and -o csv");
        return subcommand_misuse(tool->sub);
    }
    (void)setlocale(LC_CTYPE, "");
    screen = newterm(NULL, stdout, stdin);
    if (screen == NULL) {
        output_error(&tool->out, "the terminal \"%s\" is not known; set TERM",
                     getenv("TERM") != NULL ? getenv("TERM") : "");
        return EXIT_FAILURE;
    }
    board_init(&w.board);
    w.board.plain = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    w.sampler = sampler_start(tool, nwords, words,
                              (int64_t)tool->options.interval * 1000);
    if (w.sampler != NULL) {
        set_up(&w);
        loop(&w);
    }
    (void)endwin();
    delscreen(screen);
    if (w.sampler != NULL) {
        sampler_stop(w.sampler);
    }
    board_fini(&w.board);
    buf_fini(&w.line);
    return w.sampler != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}
