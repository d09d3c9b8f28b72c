/*
 * binary: a session that speaks memcached's binary protocol.
 *
 *     frame -> request, run as any other -> answer in text, in order
 *           -> head, in the same order   -> translated into frames
 *
 * Handlers, calls and other nodes know text only.  Where a text session's
 * answers go into its connection, those of a binary one go into `text`, and
 * from there, answer by answer, into the connection as frames.  So every
 * request has to be answered: none is noreply, and what is quiet is left out
 * when it is translated.
 *
 * The session's own thread.
 */
#ifndef FLARE_FLARED_BINARY_H
#define FLARE_FLARED_BINARY_H

#include "base/buf.h"
#include "proto/binary.h"

struct session;

struct binary {
    struct buf heads; /* each a struct pending and its key */
    struct buf text;
    bool hit; /* the first of the heads has had a value */
};

/* Take one frame off the front of `in`; 0: it is not complete yet. */
size_t binary_take(struct session *session, struct slice in);

/* Send what has been answered.  Closes the session when it cannot. */
void binary_translate(struct session *session);

void binary_fini(struct binary *binary);

#endif
