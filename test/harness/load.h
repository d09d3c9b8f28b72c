/*
 * load: many records at once, over one pipelined connection.
 */
#ifndef FLARE_TEST_HARNESS_LOAD_H
#define FLARE_TEST_HARNESS_LOAD_H

#include "test/harness/client.h"

/*
 * set PREFIXi = "i:SALT" padded to size, from <= i < to.  Every answer must
 * be STORED.  words go behind the length ("", " sync", ...).
 */
struct load {
    const char *prefix;
    uint32_t from, to;
    size_t size;
    uint32_t salt;
    const char *words;
};

void load_set(struct client *c, const struct load *load);

/* Fails unless all of them are there as load_set() left them. */
void load_expect(struct client *c, const struct load *load);

/* How many of them are there as load_set() left them. */
uint32_t load_count(struct client *c, const struct load *load);

/* Delete them; every answer must be DELETED. */
void load_delete(struct client *c, const struct load *load);

#endif
