/*
 * parse_repl: what nodes of this version tell each other about their logs, and
 * what the index asks; see proto/request.h.
 */
#ifndef FLARE_PROTO_PARSE_REPL_H
#define FLARE_PROTO_PARSE_REPL_H

#include "proto/request.h"

/* The rest of a "repl" line, and the data of batch and records. */
enum parse_status parse_repl(struct slice in, struct slice rest,
                             const struct proto_limits *limits,
                             struct request *req, struct parse *out);

#endif
