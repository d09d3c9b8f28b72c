/*
 * change: what somebody wants done to one key.
 */
#ifndef FLARE_ITEM_CHANGE_H
#define FLARE_ITEM_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum change_op {
    CHANGE_SET,
    CHANGE_ADD,
    CHANGE_REPLACE,
    CHANGE_APPEND,
    CHANGE_PREPEND,
    CHANGE_CAS,
    CHANGE_INCR,
    CHANGE_DECR,
    CHANGE_TOUCH, /* gat is a touch whose caller looks at the item */
    CHANGE_DELETE,
    CHANGE_META, /* see change.meta */
};

/*
 * What memcached's meta commands know of an item beside its record.  They
 * belong to one version of it, so that a write clears them.
 */
enum item_mark {
    MARK_STALE = 1, /* md I, or ms I with an old unique */
    MARK_WON = 2,   /* somebody was told to fetch it anew */
};

enum meta_op {
    META_GET,    /* mg that may win, touch or create */
    META_SET,    /* ms */
    META_DELETE, /* md */
    META_ARITH,  /* ma */
};

struct change_meta {
    enum meta_op op;
    char mode; /* ms: E A P R S; ma: I D */
    bool has_compare, has_unique, has_flags, has_expire, has_vivify;
    bool invalidate, clear; /* the flags I and x */
    bool has_recache;
    bool touch_first;       /* T stands before R */
    uint64_t compare;       /* C */
    uint64_t unique;        /* E */
    int64_t vivify_expire;  /* N; absolute, as all of these */
    int64_t recache_expire; /* R */
    uint64_t initial;       /* J */
};

/* Whose word it is decides what an explicit version means. */
enum change_source {
    CHANGE_CLIENT, /* a client's, or passed on for one */
    CHANGE_COPY,   /* the master's, to a copy: version decides */
    CHANGE_DUMP,   /* a full copy: only what is newer than all we know */
};

struct change {
    enum change_op op;
    enum change_source source;
    bool has_version; /* and version != 0; cas always has one */
    struct slice key;
    struct slice value;
    uint32_t flags;
    int64_t expire; /* absolute; 0 = never */
    uint64_t version;
    uint64_t delta;
    /* Only while the record, if there is one, has this version: or EXISTS. */
    bool has_unique;
    uint64_t unique;
    /* incr, decr: a missing key becomes `initial`, with flags 0 and expire. */
    bool create;
    uint64_t initial;
    const struct change_meta *meta; /* CHANGE_META */
};

enum change_answer {
    CHANGE_STORED,
    CHANGE_NOT_STORED,
    CHANGE_EXISTS,
    CHANGE_NOT_FOUND,
    CHANGE_DELETED,
    CHANGE_TOUCHED,
    CHANGE_NUMBER,      /* incr, decr: see outcome.number */
    CHANGE_NON_NUMERIC, /* incr, decr of something that is no number */
    CHANGE_TOO_LARGE,   /* append, prepend beyond the value limit */
    CHANGE_FAILED,      /* the storage could not; nothing changed */
};

#endif
