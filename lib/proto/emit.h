/*
 * emit: requests as bytes, for another node (spec: data-plane 3.5, 4.3, 5).
 *
 * Everything here speaks flare 1.3.4's dialect, prefix first, so that a peer
 * of that version understands it.  Returns false, with *out as it was, when
 * memory is out.  Expiry is absolute; one that a peer would take for a number
 * of seconds from now, or refuse (below 0), is sent as another moment long ago.
 */
#ifndef FLARE_PROTO_EMIT_H
#define FLARE_PROTO_EMIT_H

#include "base/buf.h"
#include "proto/request.h"

/*
 * A write of one key as it is passed on: "<hops,self>" in front, exptime as
 * given in `expire` (absolute), never noreply so that every write is answered.
 * The request is one with command_writes(); of gat only req->key is sent.
 *
 * A condition (has_unique) is a note, and is also said in the nearest way that
 * flare 1.3.4 has, which ignores notes: a version that is refused unless it is
 * news (append, prepend, delete), or a surplus word (incr, decr), an error.
 * There, no counter is made and no new version comes back.
 */
bool emit_forward(struct buf *out, const struct request *req, int64_t expire,
                  struct slice self);

/*
 * A meta command as it came but for the flag q: every request is answered.
 * Only nodes of this version understand it.
 */
bool emit_meta(struct buf *out, const struct request *req, struct slice self);

/* "<self>mark KEY VERSION MARKS" (item/marks): likewise. */
bool emit_mark(struct buf *out, struct slice self, struct slice key,
               uint64_t version, unsigned marks);

/* A read of several keys: begin, then each key, then end. */
bool emit_get_begin(struct buf *out, bool gets, struct slice hops,
                    struct slice self);
bool emit_get_key(struct buf *out, struct slice key);
bool emit_get_end(struct buf *out);

/* What a master tells a copy; each with "<self>" in front. */
struct emit_record {
    struct slice key, value;
    uint32_t flags;
    int64_t expire; /* Unix time, 0: never */
    uint64_t version;
};
bool emit_set(struct buf *out, struct slice self,
              const struct emit_record *record);
bool emit_delete(struct buf *out, struct slice self, struct slice key,
                 uint64_t version);
bool emit_touch(struct buf *out, struct slice self, struct slice key,
                int64_t expire);
bool emit_flush_all(struct buf *out, struct slice self);

/* "dump WAIT PARTITION SIZE [BWLIMIT]": BWLIMIT only when it is not 0. */
bool emit_dump(struct buf *out, uint64_t wait_us, int partition,
               int partition_size, uint64_t bwlimit);

#endif
