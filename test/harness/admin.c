#include "test/harness/admin.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "test/harness/folder.h"
#include "test/harness/wait.h"
#include "test/unit/test.h"

enum { WORDS = 48 };

static char *
expand(const struct cluster *c, const char *word)
{
    struct buf text = {0};

    for (; *word != '\0'; word++) {
        if (*word == '@' && word[1] == 'I') {
            (void)buf_printf(&text, "127.0.0.1:%u", c->index.port);
            word++;
        } else if (*word == '@' && isdigit((unsigned char)word[1]) != 0) {
            (void)buf_printf(&text, "127.0.0.1:%u",
                             c->nodes[word[1] - '0'].port);
            word++;
        } else {
            (void)buf_put(&text, word, 1);
        }
    }
    (void)buf_put(&text, "", 1);
    return text.base;
}

static void
split(const struct cluster *c, char *line, char **argv)
{
    char index[32];
    char *word;
    int argc = 0;

    (void)snprintf(index, sizeof(index), "127.0.0.1:%u", c->index.port);
    (void)setenv("FLARE_INDEX_SERVER", index, 1);
    argv[argc++] = xstrdup(tool_path("flare-admin"));
    while ((word = strsep(&line, " ")) != NULL) {
        assert_true(argc < WORDS - 1);
        if (*word != '\0') {
            argv[argc++] = expand(c, word);
        }
    }
    argv[argc] = NULL;
}

static void
free_words(char **argv)
{
    for (; *argv != NULL; argv++) {
        free(*argv);
    }
}

const struct tool *
admin_run(const struct cluster *c, int status, const char *input,
          const char *fmt, ...)
{
    static struct tool t;
    char line[4096];
    char *argv[WORDS];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    tool_fini(&t);
    split(c, line, argv);
    tool_run(&t, input, 3 * WAIT_MS, (const char *const *)argv);
    if (t.status != status) {
        fail_msg("flare-admin %s %s ended with %d:\n%s%s", argv[1],
                 argv[2] != NULL ? argv[2] : "", t.status, t.out, t.err);
    }
    free_words(argv);
    return &t;
}

void
admin_start(const struct cluster *c, struct process *p, const char *fmt, ...)
{
    char line[4096];
    char log[300];
    char *argv[WORDS];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    split(c, line, argv);
    (void)snprintf(log, sizeof(log), "%s/admin.log", c->folder);
    folder_put(log, "");
    process_start(p, "admin", log, (const char *const *)argv, false);
    free_words(argv);
}

void
admin_has(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("no \"%s\" in:\n%s", words, text);
    }
}

/* --- JSON ------------------------------------------------------------------
 */

struct json {
    const char *text, *at;
};

static void
wrong(const struct json *j, const char *wanted)
{
    fail_msg("%s expected at \"%.40s\" in:\n%s", wanted, j->at, j->text);
}

static void
skip_blanks(struct json *j)
{
    while (isspace((unsigned char)*j->at) != 0) {
        j->at++;
    }
}

static bool
try_take(struct json *j, const char *what)
{
    skip_blanks(j);
    if (strncmp(j->at, what, strlen(what)) != 0) {
        return false;
    }
    j->at += strlen(what);
    return true;
}

static void
take(struct json *j, const char *what)
{
    if (!try_take(j, what)) {
        wrong(j, what);
    }
}

static void
take_text(struct json *j)
{
    take(j, "\"");
    for (; *j->at != '"'; j->at++) {
        if (*j->at == '\0' || (unsigned char)*j->at < ' ') {
            wrong(j, "text");
        }
        j->at += *j->at == '\\' && j->at[1] != '\0';
    }
    j->at++;
}

static void
take_value(struct json *j, char kind, bool or_null)
{
    char *end;

    skip_blanks(j);
    if (or_null && try_take(j, "null")) {
        return;
    }
    if (kind == 's') {
        take_text(j);
    } else if (kind == 'b') {
        if (!try_take(j, "true")) {
            take(j, "false");
        }
    } else {
        (void)strtod(j->at, &end);
        if (end == j->at ||
            (*j->at != '-' && !isdigit((unsigned char)*j->at))) {
            wrong(j, "a number");
        }
        j->at = end;
    }
}

static void
take_object(struct json *j, const char *shape)
{
    struct slice rest = slice_str(shape);

    take(j, "{");
    for (int i = 0; rest.n > 0; i++) {
        struct slice member = slice_word(&rest);
        struct slice name = slice_until(&member, ':');
        char quoted[64];

        (void)snprintf(quoted, sizeof(quoted), "\"%.*s\"", (int)name.n, name.p);
        if (i > 0) {
            take(j, ",");
        }
        take(j, quoted);
        take(j, ":");
        take_value(j, member.p[0], member.n > 1);
    }
    take(j, "}");
}

size_t
admin_json(const char *text, const char *shape)
{
    struct json j = {text, text};
    size_t n = 0;

    take(&j, "[");
    while (!try_take(&j, "]")) {
        if (n > 0) {
            take(&j, ",");
        }
        take_object(&j, shape);
        n++;
    }
    skip_blanks(&j);
    if (*j.at != '\0') {
        wrong(&j, "the end");
    }
    return n;
}
