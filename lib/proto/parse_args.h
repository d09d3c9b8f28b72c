/*
 * parse_args: the arguments of commands that are one line.  For parse.c only.
 */
#ifndef FLARE_PROTO_PARSE_ARGS_H
#define FLARE_PROTO_PARSE_ARGS_H

#include "proto/request.h"

/* `rest` is the line behind the command; shape is none with a data block. */
enum parse_status parse_args(enum shape shape, struct slice rest,
                             const struct proto_limits *limits,
                             struct request *req, struct parse *out);

#endif
