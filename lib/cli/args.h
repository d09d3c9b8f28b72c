/*
 * args: a tool's command line.
 *
 * Options may stand anywhere among the other words, up to a "--".  Forms:
 * --name=value, --name value, -lvalue, -l value, -abc; long names in any case,
 * with _ for -, and cut short as long as it is clear which one is meant.  The
 * last of several values counts.
 */
#ifndef FLARE_CLI_ARGS_H
#define FLARE_CLI_ARGS_H

#include "conf/option.h"

/*
 * Set what the options in argv[0..argc) say in *target; the remaining words
 * are moved to the front of argv, *nwords of them.  ERR_CONFIG carries the
 * line to show: "invalid option: --x", "missing argument: -i", ...
 */
int args_parse(const struct option_table *table, void *target, int argc,
               char **argv, int *nwords, struct err *err);

#endif
