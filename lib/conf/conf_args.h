/*
 * conf_args: the command line, from the rows of the options.
 *
 * --name value, --name=value, -l value, -lvalue; a bool needs no value.  A
 * long name may be cut short as long as it stays unique.  There are no other
 * arguments.
 */
#ifndef FLARE_CONF_CONF_ARGS_H
#define FLARE_CONF_CONF_ARGS_H

#include "conf/conf_file.h"

/*
 * Hand each option to set().  ERR_CONFIG names the option and what is wrong:
 * unknown, ambiguous, without a value, given twice.
 */
int conf_args_parse(const struct option_table *table, int argc,
                    char *const *argv, conf_set_fn *set, void *arg,
                    struct err *err);

#endif
