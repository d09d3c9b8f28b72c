/*
 * parse_store: commands that carry a data block.  For parse.c only.
 */
#ifndef FLARE_PROTO_PARSE_STORE_H
#define FLARE_PROTO_PARSE_STORE_H

#include "proto/request.h"

/*
 * The line's words after the command are `rest`; its data begins at
 * out->consumed of `in`.
 */
enum parse_status parse_store(struct slice in, struct slice rest,
                              const struct proto_limits *limits,
                              struct request *req, struct parse *out);

/*
 * Take the data block of `bytes` bytes, which begins at out->consumed of `in`,
 * as req->value.
 */
enum parse_status parse_data(struct slice in, uint64_t bytes,
                             struct request *req, struct parse *out);

/* As memcached: with the two bytes behind it a length still fits an int. */
#define PARSE_BYTES_MAX (INT32_MAX - 2)

/* node sync: the lines up to END are the data. */
enum parse_status parse_node(struct slice in, struct slice rest,
                             const struct proto_limits *limits,
                             struct request *req, struct parse *out);

#endif
