/*
 * request: one command of the text protocol, decoded.
 *
 * Two dialects share one port (spec: memcached-commands, data-plane 1).  A
 * plain client speaks memcached's; a line that begins with the hop prefix
 * "<host:port,...>" comes from another node and is flare's: gat has the key
 * first, storage commands take a version.  Flare's extra words on plain
 * storage lines (a version, sync, async) are understood from anybody.
 *
 * What the text of a request cannot say is a note to the next node, the first
 * entry of the hop list, which flare 1.3.4 takes for one more host and skips:
 *
 *     <?v:u7:n5:e0,host:port,...>incr k 1 7
 *
 * v: tell_version; u: has_unique; n, e: create, with initial and exptime.
 *
 * Every slice in a request points into the bytes it was parsed from.
 */
#ifndef FLARE_PROTO_REQUEST_H
#define FLARE_PROTO_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    PROTO_KEY_MAX = 8191, /* spec data-plane 0.2 */
    PROTO_HOPS_MAX = 1024 /* bytes of hops of what may be passed on */
};

enum shape {
    SHAPE_NONE,    /* no arguments (version, quit, ping) */
    SHAPE_KEYS,    /* get gets: KEY+ */
    SHAPE_GAT,     /* gat gats: EXPTIME KEY+; from a peer KEY EXPTIME */
    SHAPE_STORE,   /* set ...: KEY FLAGS EXPTIME BYTES [VERSION] + data */
    SHAPE_CAS,     /* cas: KEY FLAGS EXPTIME BYTES VERSION + data */
    SHAPE_ARITH,   /* incr decr: KEY DELTA */
    SHAPE_DELETE,  /* delete: KEY [TIME [VERSION]] */
    SHAPE_TOUCH,   /* touch: KEY EXPTIME */
    SHAPE_FLUSH,   /* flush_all: [DELAY] */
    SHAPE_NUMBER,  /* verbosity, kill: N */
    SHAPE_WORDS,   /* stats, show: the rest of the line, in .words */
    SHAPE_DUMP,    /* dump: [WAIT [PARTITION SIZE [BWLIMIT]]] */
    SHAPE_DUMPKEY, /* dump_key: [PARTITION SIZE [BWLIMIT]] */
    SHAPE_PREFIX,  /* keys: PREFIX+ LIMIT */
    SHAPE_NODE,    /* node sync [VERSION] + NODE lines + END */
    SHAPE_META,    /* mg md ma me: KEY FLAG* */
    SHAPE_MSET,    /* ms: KEY BYTES FLAG* + data */
    SHAPE_MARK,    /* mark: KEY VERSION MARKS, from a peer */
    SHAPE_REPL,    /* repl: VERB and what belongs to it, see REPL_TABLE */
};

/* name, enum suffix, shape, changes data of one key */
#define COMMAND_TABLE(X)                                                       \
    X("get", GET, KEYS, false)                                                 \
    X("gets", GETS, KEYS, false)                                               \
    X("gat", GAT, GAT, true)                                                   \
    X("gats", GATS, GAT, true)                                                 \
    X("set", SET, STORE, true)                                                 \
    X("add", ADD, STORE, true)                                                 \
    X("replace", REPLACE, STORE, true)                                         \
    X("append", APPEND, STORE, true)                                           \
    X("prepend", PREPEND, STORE, true)                                         \
    X("cas", CAS, CAS, true)                                                   \
    X("incr", INCR, ARITH, true)                                               \
    X("decr", DECR, ARITH, true)                                               \
    X("delete", DELETE, DELETE, true)                                          \
    X("touch", TOUCH, TOUCH, true)                                             \
    X("flush_all", FLUSH_ALL, FLUSH, false)                                    \
    X("version", VERSION, NONE, false)                                         \
    X("verbosity", VERBOSITY, NUMBER, false)                                   \
    X("quit", QUIT, NONE, false)                                               \
    X("ping", PING, NONE, false)                                               \
    X("stats", STATS, WORDS, false)                                            \
    X("show", SHOW, WORDS, false)                                              \
    X("kill", KILL, NUMBER, false)                                             \
    X("meta", META, NONE, false)                                               \
    X("shutdown", SHUTDOWN, WORDS, false)                                      \
    X("dump", DUMP, DUMP, false)                                               \
    X("dump_key", DUMP_KEY, DUMPKEY, false)                                    \
    X("keys", KEYS, PREFIX, false)                                             \
    X("node", NODE, NODE, false)                                               \
    X("mg", MG, META, false)                                                   \
    X("ms", MS, MSET, false)                                                   \
    X("md", MD, META, false)                                                   \
    X("ma", MA, META, false)                                                   \
    X("me", ME, META, false)                                                   \
    X("mn", MN, NONE, false)                                                   \
    X("mark", MARK, MARK, false)                                               \
    X("repl", REPL, REPL, false)                                               \
    X("digest", DIGEST, WORDS, false)

#define X(name, id, shape, writes) COMMAND_##id,
enum command { COMMAND_TABLE(X) COMMAND_COUNT };
#undef X

/*
 * "repl VERB ...", between nodes of this version and from their index; others
 * answer ERROR.  A master opens a stream with hello, and says by resume, rewind
 * (and records) or full how it goes on; batch is entries of the log as they are
 * in a segment.  join: count me in the gate.  position: where is your log?
 * handover: let that slave catch up, and take no writes until it is master.
 */
#define REPL_TABLE(X)                                                          \
    X(HELLO, "hello")                                                          \
    X(RESUME, "resume")                                                        \
    X(REWIND, "rewind")                                                        \
    X(RECORDS, "records")                                                      \
    X(FULL, "full")                                                            \
    X(BATCH, "batch")                                                          \
    X(JOIN, "join")                                                            \
    X(POSITION, "position")                                                    \
    X(HANDOVER, "handover")

#define X(id, name) REPL_##id,
enum repl_verb { REPL_TABLE(X) REPL_COUNT };
#undef X

/* A batch may be larger than the largest value by so much. */
enum { REPL_DATA_MORE = 1 << 21 };

/* The bit of a meta command's flag, a letter. */
#define META_FLAG(letter) ((uint64_t)1 << ((letter) - 'A'))

/* What the flags of a meta command say; filled in for META and MSET only. */
struct request_meta {
    uint64_t has;          /* META_FLAG() of each */
    struct slice flags;    /* the words as they came */
    char mode;             /* M; 0: none given */
    uint32_t client_flags; /* F */
    int64_t ttl;           /* T, as sent; N and R likewise */
    int64_t vivify;        /* N */
    int64_t recache;       /* R */
    uint64_t compare;      /* C */
    uint64_t unique;       /* E */
    uint64_t delta;        /* D, 1 if not given */
    uint64_t initial;      /* J */
};

struct request {
    enum command command;
    bool from_peer; /* the line had a hop prefix, possibly "<>" */
    bool noreply;
    bool sync;  /* asked for on this request */
    bool async; /* likewise; sync wins */
    bool has_version;
    struct slice hops;  /* between < and >, without them and the note */
    struct slice key;   /* the first, or only, key; of a meta command with the
                           flag b its base64, which is known to be sound */
    struct slice keys;  /* KEYS, GAT, PREFIX: all keys, for request_key() */
    unsigned nkeys;     /* how many are in keys */
    struct slice words; /* WORDS, REPL: arguments as they came */
    enum repl_verb verb;
    uint32_t flags;
    int64_t exptime;   /* as sent; of flush_all the delay, of delete the time */
    uint64_t version;  /* cas unique or explicit version; of node the map's */
    uint64_t number;   /* delta, level, id, LIMIT of keys */
    bool tell_version; /* the answer is to end in the new version */
    bool has_unique;   /* change it only while it has version `unique` */
    bool create;       /* incr, decr: begin with `initial`, and exptime */
    uint64_t unique, initial;
    struct slice value; /* data block without its \r\n; NODE: its lines;
                           REPL: log entries */
    struct {
        uint64_t wait_us;
        int partition;      /* -1: all */
        int partition_size; /* 0: all */
        uint64_t bwlimit;   /* KiB/s, 0: none */
    } dump;
    /* Not to be read for other commands: nobody clears it for them. */
    struct request_meta meta;
};

struct proto_limits {
    size_t line_max;    /* bytes of a line that lists keys, its end included;
                           any other has at most 16 KiB of it */
    size_t key_max;     /* at most PROTO_KEY_MAX */
    uint64_t value_max; /* bytes of a data block */
    unsigned keys_max;  /* keys of one get */
};

enum parse_status {
    PARSE_OK,        /* *req is filled in */
    PARSE_MORE,      /* a prefix of a request; call again with more bytes */
    PARSE_BAD,       /* answer why (unless NULL) and go on behind it */
    PARSE_TOO_LARGE, /* as BAD; and set's old value must go (req->key) */
    PARSE_CLOSE,     /* answer why (unless NULL) and hang up */
};

struct parse {
    size_t consumed; /* bytes of `in` this request was; 0 with MORE */
    size_t need;     /* MORE: whole length of the request if known, else 0 */
    uint64_t skip;   /* BAD, TOO_LARGE: further bytes to drop unread */
    const char *why; /* reply line without its \r\n, constant; or NULL */
};

/*
 * Parse the first request in `in`.
 *
 * Pure: allocates nothing, logs nothing, reads no clock and keeps no state.
 * *req is meaningful for PARSE_OK, and its command, key and noreply for
 * PARSE_TOO_LARGE.  consumed + skip may exceed in.n.
 */
enum parse_status parse_request(struct slice in,
                                const struct proto_limits *limits,
                                struct request *req, struct parse *out);

/*
 * Take one line off `in`, whatever it says, for a daemon that has commands of
 * its own: PARSE_OK with *line, without its end and whatever follows a NUL;
 * MORE or CLOSE as above.
 */
enum parse_status parse_line(struct slice in, const struct proto_limits *limits,
                             struct slice *line, struct parse *out);

/* Take the next key off *keys (start from req->keys); empty at the end. */
struct slice request_key(struct slice *keys);

/* The next flag, a letter and its token, off the front of *flags. */
struct slice request_flag(struct slice *flags);

const char *command_name(enum command command);
bool command_writes(enum command command);

/* True when `self` ("host:port") is one of the comma-separated hops. */
bool hops_contain(struct slice hops, struct slice self);
unsigned hops_count(struct slice hops);

/* Take notes off the front of *hops into *req. */
void hops_take_note(struct slice *hops, struct request *req);

#endif
