/*
 * client: a blocking connection that speaks raw bytes, with a deadline on
 * everything.  Whatever goes wrong fails the test, unless a function says it
 * reports it.
 */
#ifndef FLARE_TEST_HARNESS_CLIENT_H
#define FLARE_TEST_HARNESS_CLIENT_H

#include <stdint.h>

#include "base/buf.h"

struct client {
    int fd;
    struct buf in;   /* received, not yet taken */
    char line[4096]; /* the last line taken, without its end */
    size_t line_n;   /* bytes in it: it may hold a NUL */
};

/* Where a script is; part of the message when an answer does not come. */
extern char client_where[512];

void client_open(struct client *c, uint16_t port);

/* The same on another host, a numeric IPv4 address. */
void client_open_at(struct client *c, const char *host, uint16_t port);

/* False when nobody listens there. */
bool client_try_open(struct client *c, uint16_t port);

void client_close(struct client *c);

void client_send(struct client *c, struct slice bytes);

/* False when the other side has closed. */
bool client_try_send(struct client *c, struct slice bytes);

/* One line without its end; "" at the end of the stream.  Good until the
 * next line is taken. */
const char *client_line(struct client *c);

/* The same, NULL at the end of the stream. */
const char *client_try_line(struct client *c);

/* Exactly n bytes, good until the next call. */
struct slice client_bytes(struct client *c, size_t n);

/* True when the other side closes without another byte. */
bool client_at_end(struct client *c);

/* Send the formatted text as it is and take one line. */
const char *client_ask(struct client *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Send `request`, and fail unless exactly `answer` comes back. */
void client_talk(struct client *c, const char *request, const char *answer);

/* set KEY 0 0 LEN with the answer STORED. */
void client_set(struct client *c, const char *key, const char *value);

/* Fails unless a get of key gives value; NULL: unless it gives a miss. */
void client_expect(struct client *c, const char *key, const char *value);

/* A number from "stats WHAT" (what may be ""); -1 when it is not there. */
int64_t client_stat(struct client *c, const char *what, const char *name);

/* client_stat() on a connection of its own; -1 when nobody listens. */
int64_t stat_of(uint16_t port, const char *name);

#endif
