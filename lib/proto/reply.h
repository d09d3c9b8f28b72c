/*
 * reply: answers as bytes.  False, with *out as it was: memory is out.
 */
#ifndef FLARE_PROTO_REPLY_H
#define FLARE_PROTO_REPLY_H

#include "base/buf.h"

/* text + "\r\n". */
bool reply_line(struct buf *out, const char *text);

/* value + "\r\n". */
bool reply_number(struct buf *out, uint64_t value);

/* text, or value when text is NULL, and the new version: tell_version. */
bool reply_told(struct buf *out, const char *text, uint64_t value,
                uint64_t version);

/*
 * "VALUE key flags bytes[ version]\r\n", the data, "\r\n".  One reservation,
 * one pass.
 */
bool reply_value(struct buf *out, struct slice key, uint32_t flags,
                 struct slice data);
bool reply_value_cas(struct buf *out, struct slice key, uint32_t flags,
                     struct slice data, uint64_t version);

/* dump's form: "VALUE key flags bytes version expire\r\n" data "\r\n". */
bool reply_dump(struct buf *out, struct slice key, uint32_t flags,
                struct slice data, uint64_t version, int64_t expire);

bool reply_stat(struct buf *out, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
