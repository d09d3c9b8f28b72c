#include "test/integration/transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/harness/client.h"
#include "test/harness/wait.h"
#include "test/unit/test.h"

enum { VARIABLES = 16, TEXT = 1024 };

struct variable {
    char name[16];
    struct slice value; /* in text */
    char text[256];
};

struct transcript {
    const char *path;
    int line;
    uint16_t port;
    struct client client;
    struct variable variables[VARIABLES];
    size_t nvariables;
};

static void
no(const struct transcript *t, const char *what, const char *want,
   struct slice got)
{
    fail_msg("%s:%d, port %u: %s\nwant \"%s\"\ngot  \"%.*s\"", t->path, t->line,
             t->port, what, want, (int)got.n, got.p != NULL ? got.p : "");
}

/* \r and the like -> bytes.  Returns how many. */
static size_t
unescape(const char *text, char *to)
{
    static const char from[] = "rnt0\\", bytes[] = "\r\n\t\0\\";
    char hex[3] = "";
    size_t n = 0;

    for (; *text != '\0'; text++) {
        const char *known =
            *text == '\\' && text[1] != '\0' ? strchr(from, text[1]) : NULL;

        if (known != NULL) {
            to[n++] = bytes[known - from];
            text++;
        } else if (*text == '\\' && text[1] == 'x') {
            memcpy(hex, text + 2, 2);
            to[n++] = (char)strtol(hex, NULL, 16);
            text += 3;
        } else {
            to[n++] = *text;
        }
    }
    return n;
}

static struct variable *
variable(struct transcript *t, struct slice name)
{
    for (size_t i = 0; i < t->nvariables; i++) {
        if (slice_eq(slice_str(t->variables[i].name), name)) {
            return &t->variables[i];
        }
    }
    return NULL;
}

static void
remember(struct transcript *t, struct slice name, struct slice value)
{
    struct variable *v = &t->variables[t->nvariables++];

    assert_true(t->nvariables <= VARIABLES && name.n < sizeof(v->name) &&
                value.n < sizeof(v->text));
    (void)snprintf(v->name, sizeof(v->name), "%.*s", (int)name.n, name.p);
    memcpy(v->text, value.p, value.n);
    v->value = (struct slice){v->text, value.n};
}

/* {name} -> its value, for a request. */
static size_t
fill_in(struct transcript *t, const char *text, size_t n, char *to)
{
    size_t out = 0;

    for (size_t i = 0; i < n; i++) {
        const char *end = text[i] == '{' ? memchr(text + i, '}', n - i) : NULL;
        struct variable *v =
            end == NULL
                ? NULL
                : variable(t, (struct slice){text + i + 1,
                                             (size_t)(end - text) - i - 1});

        if (v == NULL) {
            to[out++] = text[i];
            continue;
        }
        memcpy(to + out, v->value.p, v->value.n);
        out += v->value.n;
        i = (size_t)(end - text);
    }
    return out;
}

/* The part of *got that {...} stands for: up to what follows it. */
static struct slice
take_any(struct slice rest, struct slice *got)
{
    struct slice any = {got->p, 0};

    while (any.n < got->n && (rest.n == 0 || got->p[any.n] != *rest.p)) {
        any.n++;
    }
    got->p += any.n;
    got->n -= any.n;
    return any;
}

/* {name} stood for `any`: the first time, or the same as then. */
static bool
is_same(struct transcript *t, struct slice name, struct slice any)
{
    const struct variable *v = variable(t, name);

    if (name.n > 0 && v == NULL) {
        remember(t, name, any);
    }
    return v == NULL || slice_eq(v->value, any);
}

static bool
matches(struct transcript *t, struct slice want, struct slice got)
{
    while (want.n > 0) {
        const char *end = *want.p == '{' ? memchr(want.p, '}', want.n) : NULL;
        struct slice name = {want.p + 1, 0};
        struct slice any;

        if (end == NULL) {
            if (got.n == 0 || *got.p != *want.p) {
                return false;
            }
            want = (struct slice){want.p + 1, want.n - 1};
            got = (struct slice){got.p + 1, got.n - 1};
            continue;
        }
        name.n = (size_t)(end - name.p);
        want.n -= name.n + 2;
        want.p = end + 1;
        any = take_any(want, &got);
        if (!is_same(t, name, any)) {
            return false;
        }
    }
    return got.n == 0;
}

static void
send_text(struct transcript *t, const char *text, const char *end)
{
    const struct slice last = slice_str(end);
    char bytes[TEXT], filled[2 * TEXT];
    size_t n = unescape(text, bytes);

    n = fill_in(t, bytes, n, filled);
    memcpy(filled + n, last.p, last.n);
    client_send(&t->client, (struct slice){filled, n + last.n});
}

static void
expect(struct transcript *t, const char *text)
{
    char want[TEXT];
    struct slice got = {t->client.line, 0};
    size_t n = unescape(text, want);

    if (client_try_line(&t->client) == NULL) {
        no(t, "the server closed", text, got);
    }
    got.n = t->client.line_n;
    if (!matches(t, (struct slice){want, n}, got)) {
        no(t, "another answer", text, got);
    }
}

static bool
is_gone(void *arg)
{
    const char *line = client_line(arg);

    if (strncmp(line, "VALUE ", 6) != 0) {
        return strcmp(line, "END") == 0;
    }
    (void)client_line(arg);
    (void)client_line(arg);
    return false;
}

struct gone {
    struct client *client;
    const char *key;
};

static bool
ask_gone(void *arg)
{
    const struct gone *gone = arg;
    char line[TEXT];
    int n = snprintf(line, sizeof(line), "get %s\r\n", gone->key);

    client_send(gone->client, (struct slice){line, (size_t)n});
    return is_gone(gone->client);
}

static void
step(struct transcript *t, const char *line)
{
    if (strncmp(line, ">> ", 3) == 0) {
        send_text(t, line + 3, "");
    } else if (strncmp(line, "> ", 2) == 0) {
        send_text(t, line + 2, "\r\n");
    } else if (strncmp(line, "< ", 2) == 0) {
        expect(t, line + 2);
    } else if (strcmp(line, "<eof") == 0) {
        if (!client_at_end(&t->client)) {
            no(t, "it did not close", "", buf_slice(&t->client.in));
        }
    } else if (strncmp(line, "gone ", 5) == 0) {
        struct gone gone = {&t->client, line + 5};

        wait_for(ask_gone, &gone, WAIT_MS, line);
    } else if (strcmp(line, "open") == 0) {
        client_close(&t->client);
        client_open(&t->client, t->port);
    } else if (*line != '#' && *line != '\0') {
        no(t, "no such step", line, (struct slice){NULL, 0});
    }
}

void
transcript_run(const char *path, uint16_t port)
{
    struct transcript t = {.path = path, .port = port};
    char line[TEXT];
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    client_open(&t.client, port);
    while (fgets(line, sizeof(line), file) != NULL) {
        t.line++;
        line[strcspn(line, "\n")] = '\0';
        (void)snprintf(client_where, sizeof(client_where), "%s:%d", path,
                       t.line);
        step(&t, line);
    }
    client_where[0] = '\0';
    client_close(&t.client);
    (void)fclose(file);
}
