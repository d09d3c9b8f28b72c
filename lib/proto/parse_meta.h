/*
 * parse_meta: memcached's meta commands mg ms md ma me.  For parse.c only.
 */
#ifndef FLARE_PROTO_PARSE_META_H
#define FLARE_PROTO_PARSE_META_H

#include "proto/request.h"

/*
 * `rest` is the line behind the command; the data of ms begins at
 * out->consumed of `in`.
 */
enum parse_status parse_meta(struct slice in, struct slice rest,
                             const struct proto_limits *limits,
                             struct request *req, struct parse *out);

#endif
