/*
 * conf_text: a program's options, described for people.
 */
#ifndef FLARE_CONF_CONF_TEXT_H
#define FLARE_CONF_CONF_TEXT_H

#include "conf/conf.h"

/* --help. */
void conf_text_help(const struct conf_spec *spec, struct buf *out);

/* A file with every option explained; those with an example are set. */
void conf_text_template(const struct conf_spec *spec, struct buf *out);

/* All options in effect, as a file, each with where its value is from. */
void conf_text_show(const struct conf *conf, struct buf *out);

/* The entries of the manual page's OPTIONS, in man(7)'s language. */
void conf_text_man(const struct conf_spec *spec, struct buf *out);

/* Words broken into lines of at most `width` bytes, each behind `indent`. */
void conf_text_wrap(struct buf *out, const char *indent, const char *text,
                    size_t width);

#endif
