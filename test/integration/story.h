/*
 * story: a real index and nodes that are played by the test.
 *
 * A fake node does only what an index sees of one: it listens, answers "ping"
 * and "node sync", and can be told to misbehave.  The test runs them all on its
 * own thread, with story_turn() and UNTIL.
 */
#ifndef FLARE_TEST_INTEGRATION_STORY_H
#define FLARE_TEST_INTEGRATION_STORY_H

#include "base/clock.h"
#include "test/harness/client.h"
#include "test/harness/process.h"
#include "test/harness/wait.h"
#include "test/unit/test.h"

enum { FAKES_MAX = 6, STORY_ARGS = 16 };

struct fake {
    uint16_t port;
    int listen; /* -1: nobody listens there */
    int fd;     /* of the index's connection, or -1 */
    struct buf in;
    bool in_sync;        /* inside "node sync" ... "END" */
    uint64_t offered;    /* the version that is being sent */
    struct buf lines;    /* its NODE lines */
    uint64_t version;    /* of the map it has */
    char map[4096];      /* its NODE lines */
    unsigned syncs;      /* whole "node sync" commands that arrived */
    unsigned pings;      /* likewise */
    unsigned accepted;   /* connections */
    unsigned pieces;     /* reads that the last "node sync" took */
    struct mono told_at; /* when the last whole one had arrived */
    /* how it behaves */
    bool mute;            /* answers nothing */
    bool slow_sync;       /* does not answer "node sync" */
    bool picky;           /* answers "node sync" with an error, each time */
    const char *to_ping;  /* NULL: OK */
    const char *position; /* "0 5 100 complete"; NULL: a flare 1.3.4 */
    bool coy;             /* does not answer "repl position" */
    unsigned asked;       /* for its position */
    const char *handover; /* answer to "repl handover": then it takes a second
                             connection for that; "": none comes */
    int second;           /* that connection, or -1 */
    struct buf second_in;
    char handed_to[64];     /* the key in the last one */
    unsigned second_closed; /* how often it was */
};

struct story {
    char *folder;
    struct process index;
    const char *args[STORY_ARGS]; /* more options of the index */
    uint16_t port;                /* the index's, kept over restarts */
    struct client op;             /* an operator */
    struct fake fake[FAKES_MAX];
    size_t n;
    char text[256];
};

/* A folder; nothing runs yet. */
void story_init(struct story *s);
void story_option(struct story *s, const char *name, const char *value);
void story_start(struct story *s); /* the index, with an operator */
void story_stop(struct story *s);  /* SIGTERM; it must end well */
void story_kill(struct story *s);  /* SIGKILL */
void story_fini(struct story *s);  /* whatever still runs, and the folder */

/* One more node that listens and has added itself to the index. */
void story_join(struct story *s);
void story_add(struct story *s, size_t i); /* "node add" alone */
void fake_listen(struct fake *f);          /* at the port it had */
void fake_die(struct fake *f);             /* as killed */

/* Let the fakes work, at most ms. */
void story_turn(struct story *s, int ms);

/* The index's answer to a line in which %d-like words are already filled. */
const char *story_ask(struct story *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The next line of an answer that needs the fakes to work. */
const char *story_answer(struct story *s);

/* Give an order about fake i: "role %s slave 1 0"; fails unless it is OK. */
void story_order(struct story *s, size_t i, const char *before,
                 const char *after);

/* "master/active/0/1" of fake i as the index says; "" when unknown. */
const char *story_state(struct story *s, size_t i);
bool story_is(struct story *s, size_t i, const char *state);
uint64_t story_version(struct story *s);

/* Every fake that is connected has the newest map. */
bool story_settled(struct story *s);

#define UNTIL(s, condition)                                                    \
    do {                                                                       \
        struct mono until_end = mono_after_ms(clock_mono(), WAIT_MS);          \
        while (!(condition)) {                                                 \
            if (mono_reached(until_end, clock_mono())) {                       \
                process_show_log(&(s)->index);                                 \
                fail_msg("waited in vain for: %s", #condition);                \
            }                                                                  \
            story_turn((s), 5);                                                \
        }                                                                      \
    } while (0)

#endif
