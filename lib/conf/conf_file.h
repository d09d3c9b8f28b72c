/*
 * conf_file: "name = value" lines.
 *
 * A # starts a comment, anywhere in a line; white space around names and
 * values does not count; empty lines are skipped.
 */
#ifndef FLARE_CONF_CONF_FILE_H
#define FLARE_CONF_CONF_FILE_H

#include "base/slice.h"
#include "conf/option.h"

/*
 * Somebody gives an option a value.  What it returns other than 0 ends the
 * parse; it has set *err then.
 */
typedef int conf_set_fn(void *arg, const struct option_row *row,
                        const char *value, struct err *err);

/*
 * Hand each line's option to set().  ERR_CONFIG names path, line, value and
 * what is allowed: for an unknown name the closest known one, for a name that
 * came before the line it was in, for one that belongs to the command line
 * that.
 */
int conf_file_parse(const struct option_table *table, struct slice text,
                    const char *path, conf_set_fn *set, void *arg,
                    struct err *err);

#endif
