/*
 * conf: a program's options from default, file and command line, in this order
 * of strength.
 *
 * For the daemons: conf_start() does all that happens before a daemon becomes
 * one, conf_reload() what SIGHUP asks for.  One thread.
 */
#ifndef FLARE_CONF_CONF_H
#define FLARE_CONF_CONF_H

#include "conf/option.h"

/* The options every program has; the first field of its own struct. */
struct conf_common {
    char *config; /* path of the file, "" for none */
    bool help, version, check_config, show_config, print_template;
};

/* Their rows, the first of the program's own table. */
/* clang-format off */
#define CONF_COMMON_ROWS                                                       \
    {.name = "config", .letter = 'f', .type = OPTION_STRING,                   \
     .flags = OPTION_COMMAND_LINE,                                             \
     .offset = offsetof(struct conf_common, config), .fallback = "",           \
     .help = "File with options, one \"name = value\" a line. What the "       \
             "command line says is stronger, also after SIGHUP."},             \
    {.name = "help", .letter = 'h', .type = OPTION_BOOL,                       \
     .flags = OPTION_COMMAND_LINE,                                             \
     .offset = offsetof(struct conf_common, help), .fallback = "false",        \
     .help = "Print this text and exit."},                                     \
    {.name = "version", .letter = 'v', .type = OPTION_BOOL,                    \
     .flags = OPTION_COMMAND_LINE,                                             \
     .offset = offsetof(struct conf_common, version), .fallback = "false",     \
     .help = "Print the version and exit."},                                   \
    {.name = "check-config", .letter = 'n', .type = OPTION_BOOL,               \
     .flags = OPTION_COMMAND_LINE,                                             \
     .offset = offsetof(struct conf_common, check_config),                     \
     .fallback = "false",                                                      \
     .help = "Check all options and exit: 0 when they are valid."},            \
    {.name = "show-config", .type = OPTION_BOOL,                               \
     .flags = OPTION_COMMAND_LINE,                                             \
     .offset = offsetof(struct conf_common, show_config),                      \
     .fallback = "false",                                                      \
     .help = "Print all options as they would be in effect, in the form of "   \
             "the file, and exit."},                                           \
    {.name = "print-config-template", .type = OPTION_BOOL,                     \
     .flags = OPTION_COMMAND_LINE,                                             \
     .offset = offsetof(struct conf_common, print_template),                   \
     .fallback = "false",                                                      \
     .help = "Print a sample file that explains every option and exit."}
/* clang-format on */

struct conf_spec {
    const char *program;
    const char *version; /* "2.0.0" */
    const char *summary; /* one sentence for --help */
    struct option_table table;
    size_t target_size; /* of the program's struct */
    /*
     * Fill in what depends on other options and refuse what does not fit
     * together.  Called with every freshly read target.
     */
    int (*check)(void *target, struct err *err);
};

enum conf_source { CONF_DEFAULT, CONF_FILE, CONF_COMMAND_LINE };

struct conf {
    const struct conf_spec *spec;
    void *target;             /* begins with a struct conf_common */
    enum conf_source *source; /* per row */
};

/*
 * Read everything into the zeroed *target.  On failure both are released and
 * the error names option (file and line), value and what is allowed.
 */
int conf_init(struct conf *conf, const struct conf_spec *spec, void *target,
              int argc, char *const *argv, struct err *err);
void conf_fini(struct conf *conf); /* the target's strings too */

/*
 * conf_init(), then what --help, --version, --check-config, --show-config and
 * --print-config-template ask for.  False: the program has said what there was
 * to say (errors on stderr) and leaves with *status.
 */
bool conf_start(struct conf *conf, const struct conf_spec *spec, void *target,
                int argc, char *const *argv, int *status);

/* Log a line for each option that was given but does nothing here. */
void conf_warn_ignored(const struct conf *conf);

/*
 * Read the file again and put the reloadable options into effect: changed
 * fields of the target are replaced (strings are freed).  An option that is no
 * longer in the file goes back to its default; what the command line said
 * stays.  Changes of other options are logged and wait for a restart.  On
 * failure nothing has changed.  Without a file nothing happens.
 */
int conf_reload(struct conf *conf, struct err *err);

#endif
