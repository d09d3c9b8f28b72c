#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flared/cmd.h"
#include "flared/maintain.h"
#include "proto/reply.h"

/*
 * "digest ...": are two copies equal, and where not?  A mark in the log, which
 * every copy gets, makes each take its sums at the same place:
 *
 *   digest mark          to the master: a mark, and the digest there
 *   digest at SEQ        the digest at a mark
 *   digest buckets SEQ   its parts
 *   digest keys N...     the records of those parts, as they are now
 *   digest repair KEY    to the master: log the record anew, for all copies
 *
 * All of it may wait for the disk or take long, so it is done elsewhere and
 * comes back with the text.
 */

enum { PARTS_MAX = 64 };

static const char unknown[] =
    "SERVER_ERROR the digest is being computed anew, ask again";

struct digest_call {
    struct call call;
    struct mail mail;
    struct store *store;
    void (*act)(struct digest_call *d);
    uint64_t seq;
    bool buckets;
    bool ok;
    bool part[DIGEST_BUCKETS]; /* of digest keys */
    char key[PROTO_KEY_MAX];
    size_t key_n;
};

static void
destroy(struct call *call)
{
    free(LIST_ENTRY(call, struct digest_call, call));
}

static void
on_done(struct mail *mail)
{
    struct digest_call *d = LIST_ENTRY(mail, struct digest_call, mail);

    if (!d->ok && d->call.session != NULL) {
        session_fail(d->call.session, "out of memory");
    }
    call_done(&d->call);
}

static void
on_work(struct mail *mail)
{
    struct digest_call *d = LIST_ENTRY(mail, struct digest_call, mail);

    d->act(d);
    mail->deliver = on_done;
    mailbox_post(&d->call.worker->loop.mailbox, mail);
}

/* --- what is done ----------------------------------------------------------
 */

static bool
put_sum(struct buf *out, struct digest_sum sum)
{
    char hex[33];

    (void)snprintf(hex, sizeof(hex), "%016" PRIx64 "%016" PRIx64, sum.a, sum.b);
    return buf_put(out, hex, 32);
}

static bool
put_all(struct buf *out, const struct store_digest *digest)
{
    char head[96];

    (void)snprintf(head, sizeof(head),
                   "DIGEST %" PRIu64 " %" PRIu64 " %" PRIu64 " ", digest->epoch,
                   digest->seq, digest->records);
    return buf_put_str(out, head) && put_sum(out, digest->all) &&
           buf_put(out, "\r\n", 2);
}

static bool
put_parts(struct buf *out, const struct store_digest *digest)
{
    bool ok = true;

    for (unsigned i = 0; ok && i < DIGEST_BUCKETS; i++) {
        char head[24];

        if ((digest->part[i].a | digest->part[i].b) == 0) {
            continue;
        }
        (void)snprintf(head, sizeof(head), "BUCKET %u ", i);
        ok = buf_put_str(out, head) && put_sum(out, digest->part[i]) &&
             buf_put(out, "\r\n", 2);
    }
    return ok && reply_line(out, "END");
}

static void
show_at(struct digest_call *d)
{
    struct store_digest *digest = xcalloc(1, sizeof(*digest));
    struct buf *out = &d->call.out;

    switch (store_digest_at(d->store, d->seq, digest)) {
    case STORE_DIGEST_OK:
        d->ok = d->buckets ? put_parts(out, digest) : put_all(out, digest);
        break;
    case STORE_DIGEST_LATER:
        d->ok = reply_line(out, "LATER");
        break;
    case STORE_DIGEST_GONE:
        d->ok = reply_line(out, "GONE");
        break;
    case STORE_DIGEST_UNKNOWN:
        d->ok = reply_line(out, unknown);
        break;
    }
    free(digest);
}

static void
set_mark(struct digest_call *d)
{
    if (store_digest_mark(d->store, &d->seq)) {
        show_at(d);
    } else {
        d->ok = reply_line(&d->call.out, "SERVER_ERROR i/o error");
    }
}

static bool
put_key(struct buf *out, struct slice key, const struct item *item)
{
    char version[32];

    (void)snprintf(version, sizeof(version), " %" PRIu64 " ", item->version);
    return buf_put(out, "KEY ", 4) && buf_put_slice(out, key) &&
           buf_put_str(out, version) && put_sum(out, store_hash(key, item)) &&
           buf_put(out, "\r\n", 2);
}

static void
list_keys(struct digest_call *d)
{
    struct store_cursor *cursor = store_cursor_open(d->store);
    enum store_status status = STORE_OK;
    struct slice key;
    struct item item;

    d->ok = true;
    while (d->ok && status == STORE_OK) {
        status = store_cursor_next(cursor, &key, &item);
        if (status == STORE_OK && d->part[digest_bucket(key)]) {
            d->ok = put_key(&d->call.out, key, &item);
        }
    }
    store_cursor_close(cursor);
    d->ok = d->ok &&
            reply_line(&d->call.out,
                       status == STORE_MISS ? "END" : "SERVER_ERROR i/o error");
}

static void
repair(struct digest_call *d)
{
    bool ok = store_relog(d->store, (struct slice){d->key, d->key_n}, &d->seq);

    d->ok = reply_line(&d->call.out, ok ? "OK" : "SERVER_ERROR i/o error");
}

/* --- what was asked for ----------------------------------------------------
 */

static bool
read_parts(struct digest_call *d, struct slice rest)
{
    unsigned n = 0;

    for (struct slice word = slice_word(&rest); word.n > 0;
         word = slice_word(&rest)) {
        uint64_t part = 0;

        if (n++ == PARTS_MAX || !slice_u64(word, DIGEST_BUCKETS - 1, &part)) {
            return false;
        }
        d->part[part] = true;
    }
    return n > 0;
}

/* False: it cannot be understood. */
static bool
read_words(struct digest_call *d, struct slice rest)
{
    struct slice what = slice_word(&rest);

    if (slice_eq(what, SLICE("keys"))) {
        d->act = list_keys;
        return read_parts(d, rest);
    }
    if (slice_eq(what, SLICE("repair"))) {
        struct slice key = slice_word(&rest);

        d->act = repair;
        d->key_n = key.n < sizeof(d->key) ? key.n : 0;
        memcpy(d->key, key.p, d->key_n);
        return d->key_n > 0 && slice_word(&rest).n == 0;
    }
    if (slice_eq(what, SLICE("mark"))) {
        d->act = set_mark;
        return slice_word(&rest).n == 0;
    }
    d->act = show_at;
    d->buckets = slice_eq(what, SLICE("buckets"));
    return (d->buckets || slice_eq(what, SLICE("at"))) &&
           slice_u64(slice_word(&rest), UINT64_MAX, &d->seq) &&
           slice_word(&rest).n == 0;
}

void
cmd_digest(struct session *session, const struct request *req)
{
    struct flared *node = session->worker->node;
    struct digest_call *d = xcalloc(1, sizeof(*d));

    if (!read_words(d, req->words)) {
        free(d);
        session_line(session, req, "CLIENT_ERROR bad command line format");
        return;
    }
    call_init(&d->call, session, destroy);
    d->store = node->store;
    d->mail.deliver = on_work;
    mailbox_post(maintain_mailbox(node), &d->mail);
}
