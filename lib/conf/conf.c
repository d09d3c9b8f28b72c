#include "conf/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "conf/conf_args.h"
#include "conf/conf_file.h"
#include "conf/conf_text.h"

static const struct conf_common *
common_of(const struct conf *conf)
{
    return conf->target;
}

static enum conf_source *
source_of(const struct conf *conf, const struct option_row *row)
{
    return &conf->source[row - conf->spec->table.rows];
}

static int
set_from_args(void *arg, const struct option_row *row, const char *value,
              struct err *err)
{
    struct conf *conf = arg;

    *source_of(conf, row) = CONF_COMMAND_LINE;
    return option_set(row, conf->target, value, err);
}

/* A value that the command line overrides must be valid all the same. */
static int
set_from_file(void *arg, const struct option_row *row, const char *value,
              struct err *err)
{
    struct conf *conf = arg;
    union {
        bool flag;
        uint64_t number;
        char *text;
    } unused = {.text = NULL};
    struct option_row check = *row;
    int rc;

    if (*source_of(conf, row) != CONF_COMMAND_LINE) {
        *source_of(conf, row) = CONF_FILE;
        return option_set(row, conf->target, value, err);
    }
    check.offset = 0;
    rc = option_set(&check, &unused, value, err);
    option_free(&(struct option_table){&check, 1}, &unused);
    return rc;
}

static int
read_config(struct conf *conf, const char *path, struct err *err)
{
    struct buf text = {0};
    int rc = file_read_all(path, &text, err);

    if (rc == 0) {
        rc = conf_file_parse(&conf->spec->table, buf_slice(&text), path,
                             set_from_file, conf, err);
    }
    buf_fini(&text);
    return rc;
}

static int
check_required(const struct conf *conf, struct err *err)
{
    const struct option_table *table = &conf->spec->table;

    for (size_t i = 0; i < table->nrows; i++) {
        const struct option_row *row = &table->rows[i];
        const char *field = (const char *)conf->target + row->offset;

        if ((row->flags & OPTION_REQUIRED) != 0 &&
            (*(char *const *)(const void *)field)[0] == '\0') {
            return err_set(err, ERR_CONFIG, "option [%s] is required",
                           row->name);
        }
    }
    return 0;
}

/* File and checks; the command line has been read. */
static int
complete(struct conf *conf, struct err *err)
{
    const struct conf_common *common = common_of(conf);
    int rc = 0;

    if (common->help || common->version || common->print_template) {
        return 0;
    }
    if (common->config[0] != '\0') {
        rc = read_config(conf, common->config, err);
    }
    if (rc == 0) {
        rc = check_required(conf, err);
    }
    if (rc == 0 && conf->spec->check != NULL) {
        rc = conf->spec->check(conf->target, err);
    }
    return rc;
}

int
conf_init(struct conf *conf, const struct conf_spec *spec, void *target,
          int argc, char *const *argv, struct err *err)
{
    int rc;

    *conf = (struct conf){
        .spec = spec,
        .target = target,
        .source = xcalloc(spec->table.nrows, sizeof(*conf->source)),
    };
    rc = option_defaults(&spec->table, target, err);
    if (rc == 0) {
        rc =
            conf_args_parse(&spec->table, argc, argv, set_from_args, conf, err);
    }
    if (rc == 0) {
        rc = complete(conf, err);
    }
    if (rc != 0) {
        conf_fini(conf);
    }
    return rc;
}

void
conf_fini(struct conf *conf)
{
    if (conf->spec != NULL) {
        option_free(&conf->spec->table, conf->target);
    }
    free(conf->source);
    *conf = (struct conf){0};
}

static void
print(struct buf *text)
{
    (void)fwrite(buf_slice(text).p, 1, buf_len(text), stdout);
    (void)fflush(stdout);
    buf_fini(text);
}

/* True when an option asked for text instead of work. */
static bool
say(const struct conf *conf)
{
    const struct conf_common *common = common_of(conf);
    struct buf text = {0};

    if (common->help) {
        conf_text_help(conf->spec, &text);
    } else if (common->version) {
        (void)buf_printf(&text, "flare %s\n", conf->spec->version);
    } else if (common->print_template) {
        conf_text_template(conf->spec, &text);
    } else if (common->show_config) {
        conf_text_show(conf, &text);
    } else if (common->check_config) {
        (void)buf_printf(&text, "%s: all options are valid\n",
                         conf->spec->program);
    } else {
        return false;
    }
    print(&text);
    return true;
}

bool
conf_start(struct conf *conf, const struct conf_spec *spec, void *target,
           int argc, char *const *argv, int *status)
{
    struct err err;

    if (conf_init(conf, spec, target, argc, argv, &err) != 0) {
        (void)fprintf(stderr, "%s: %s\nTry \"%s --help\".\n", spec->program,
                      err.msg, spec->program);
        *status = EXIT_FAILURE;
        return false;
    }
    if (say(conf)) {
        conf_fini(conf);
        *status = EXIT_SUCCESS;
        return false;
    }
    return true;
}

void
conf_warn_ignored(const struct conf *conf)
{
    const struct option_table *table = &conf->spec->table;

    for (size_t i = 0; i < table->nrows; i++) {
        if ((table->rows[i].flags & OPTION_IGNORED) != 0 &&
            conf->source[i] != CONF_DEFAULT) {
            log_warn("option %s is accepted for flare 1.3.4 and has no effect",
                     table->rows[i].name);
        }
    }
}

/* Copy the value of one option between two targets, as text. */
static int
copy_value(const struct option_row *row, void *to, const void *from,
           struct err *err)
{
    struct buf text = {0};
    int rc;

    option_put(row, from, &text);
    (void)buf_put(&text, "", 1);
    rc = option_set(row, to, buf_slice(&text).p, err);
    buf_fini(&text);
    return rc;
}

static bool
same_value(const struct option_row *row, const void *a, const void *b)
{
    struct buf ta = {0};
    struct buf tb = {0};
    bool same;

    option_put(row, a, &ta);
    option_put(row, b, &tb);
    same = slice_eq(buf_slice(&ta), buf_slice(&tb));
    buf_fini(&ta);
    buf_fini(&tb);
    return same;
}

/* Defaults, then what the command line said at the start, then the file. */
static int
read_again(struct conf *fresh, const struct conf *conf, struct err *err)
{
    const struct option_table *table = &conf->spec->table;
    int rc = option_defaults(table, fresh->target, err);

    for (size_t i = 0; rc == 0 && i < table->nrows; i++) {
        if (conf->source[i] == CONF_COMMAND_LINE) {
            fresh->source[i] = CONF_COMMAND_LINE;
            rc = copy_value(&table->rows[i], fresh->target, conf->target, err);
        }
    }
    return rc != 0 ? rc : complete(fresh, err);
}

static void
take_over(struct conf *conf, const struct conf *fresh)
{
    const struct option_table *table = &conf->spec->table;
    struct err unused;

    for (size_t i = 0; i < table->nrows; i++) {
        const struct option_row *row = &table->rows[i];

        if (same_value(row, conf->target, fresh->target)) {
            continue;
        }
        if ((row->flags & OPTION_RELOADABLE) == 0) {
            log_warn("option %s has changed; this takes a restart", row->name);
            continue;
        }
        conf->source[i] = fresh->source[i];
        (void)copy_value(row, conf->target, fresh->target, &unused);
        log_info("option %s has changed", row->name);
    }
}

int
conf_reload(struct conf *conf, struct err *err)
{
    AUTO_FREE char *target = NULL;
    struct conf fresh;
    int rc;

    if (common_of(conf)->config[0] == '\0') {
        log_info("there is no config file to read again");
        return 0;
    }
    target = xcalloc(1, conf->spec->target_size);
    fresh = (struct conf){
        .spec = conf->spec,
        .target = target,
        .source = xcalloc(conf->spec->table.nrows, sizeof(*fresh.source)),
    };
    rc = read_again(&fresh, conf, err);
    if (rc == 0) {
        take_over(conf, &fresh);
    }
    conf_fini(&fresh);
    return rc;
}
