#include "test/integration/story.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/harness/folder.h"
#include "test/harness/tool.h"

/* --- a fake node -------------------------------------------------------- */

void
fake_listen(struct fake *f)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(f->port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(at);
    int on = 1;

    f->listen = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(f->listen >= 0);
    (void)setsockopt(f->listen, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(f->listen, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(f->listen, 16), 0);
    assert_int_equal(getsockname(f->listen, (struct sockaddr *)&at, &n), 0);
    f->port = ntohs(at.sin_port);
    f->fd = -1;
    f->second = -1;
}

static void
close_second(struct fake *f)
{
    if (f->listen >= 0 && f->second >= 0) {
        (void)close(f->second);
        f->second_closed++;
    }
    f->second = -1;
    buf_fini(&f->second_in);
}

static void
hang_up(struct fake *f)
{
    if (f->fd >= 0) {
        (void)close(f->fd);
    }
    f->fd = -1;
    f->in_sync = false;
    buf_fini(&f->in);
    buf_fini(&f->lines);
}

void
fake_die(struct fake *f)
{
    close_second(f);
    if (f->listen >= 0) {
        (void)close(f->listen);
    }
    f->listen = -1;
    f->version = 0;
    f->map[0] = '\0';
    hang_up(f);
}

static void
say(const struct fake *f, const char *text)
{
    if (!f->mute) {
        (void)send(f->fd, text, strlen(text), MSG_NOSIGNAL);
    }
}

static void
end_sync(struct fake *f)
{
    struct slice lines = buf_slice(&f->lines);

    f->in_sync = false;
    f->syncs++;
    f->told_at = clock_mono();
    if (f->picky) {
        say(f, "CLIENT_ERROR format error\r\n");
        return;
    }
    if (f->version > f->offered) {
        say(f, "SERVER_ERROR node sync error\r\n");
        return;
    }
    f->version = f->offered;
    assert_true(lines.n < sizeof(f->map));
    if (lines.n > 0) {
        memcpy(f->map, lines.p, lines.n);
    }
    f->map[lines.n] = '\0';
    if (!f->slow_sync) {
        say(f, "OK\r\n");
    }
}

static void
say_position(struct fake *f)
{
    char text[128];

    f->asked++;
    (void)snprintf(text, sizeof(text), "POSITION %s\r\nEND\r\n", f->position);
    if (!f->coy) {
        say(f, f->position != NULL ? text : "ERROR\r\n");
    }
}

static void
take_line(struct fake *f, struct slice line)
{
    char text[128];

    if (f->in_sync && slice_eq(line, SLICE("END"))) {
        end_sync(f);
    } else if (f->in_sync) {
        assert_true(buf_put_slice(&f->lines, line) &&
                    buf_put_str(&f->lines, "\n"));
    } else if (slice_eq(line, SLICE("ping"))) {
        f->pings++;
        say(f, f->to_ping != NULL ? f->to_ping : "OK\r\n");
    } else if (slice_eq(line, SLICE("stats"))) {
        (void)snprintf(text, sizeof(text),
                       "STAT pid 1\r\nSTAT node_map_version %ju\r\nEND\r\n",
                       (uintmax_t)f->version);
        say(f, text);
    } else if (slice_eq(line, SLICE("repl position"))) {
        say_position(f);
    } else {
        assert_true(slice_eq(slice_word(&line), SLICE("node")));
        assert_true(slice_eq(slice_word(&line), SLICE("sync")));
        assert_true(slice_u64(slice_word(&line), UINT64_MAX, &f->offered));
        f->in_sync = true;
        f->pieces = 1;
        buf_clear(&f->lines);
    }
}

static void
receive(struct fake *f)
{
    ssize_t n;

    assert_true(buf_reserve(&f->in, 65536));
    n = recv(f->fd, buf_tail(&f->in), 65536, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        hang_up(f);
        return;
    }
    buf_advance(&f->in, n > 0 ? (size_t)n : 0);
    f->pieces += f->in_sync;
    while (buf_len(&f->in) > 0) {
        struct slice rest = buf_slice(&f->in);
        const char *end = rest.p != NULL ? memchr(rest.p, '\n', rest.n) : NULL;

        if (end == NULL) {
            break;
        }
        assert_int_equal(end[-1], '\r');
        take_line(f, (struct slice){rest.p, (size_t)(end - rest.p) - 1});
        buf_consume(&f->in, (size_t)(end - rest.p) + 1);
    }
}

static void
take_connection(struct fake *f)
{
    int fd = accept4(f->listen, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0 && f->handover != NULL && f->fd >= 0) {
        close_second(f);
        f->second = fd;
    } else if (fd >= 0) {
        hang_up(f);
        f->fd = fd;
        f->accepted++;
    }
}

/* Nothing but "repl handover KEY" comes here. */
static void
receive_second(struct fake *f)
{
    struct slice line;
    ssize_t n;

    assert_true(buf_reserve(&f->second_in, 1024));
    n = recv(f->second, buf_tail(&f->second_in), 1024, MSG_DONTWAIT);
    if (n <= 0) {
        close_second(f);
        return;
    }
    buf_advance(&f->second_in, (size_t)n);
    line = buf_slice(&f->second_in);
    if (line.p == NULL || line.n < 2 || line.p[line.n - 1] != '\n') {
        return;
    }
    line.n -= strlen("\r\n");
    assert_true(slice_eq(slice_word(&line), SLICE("repl")));
    assert_true(slice_eq(slice_word(&line), SLICE("handover")));
    line = slice_word(&line);
    (void)snprintf(f->handed_to, sizeof(f->handed_to), "%.*s", (int)line.n,
                   line.p);
    buf_clear(&f->second_in);
    (void)send(f->second, f->handover, strlen(f->handover), MSG_NOSIGNAL);
}

void
story_turn(struct story *s, int ms)
{
    struct pollfd fds[3 * FAKES_MAX];

    for (size_t i = 0; i < s->n; i++) {
        fds[3 * i] = (struct pollfd){s->fake[i].listen, POLLIN, 0};
        fds[3 * i + 1] = (struct pollfd){s->fake[i].fd, POLLIN, 0};
        fds[3 * i + 2] = (struct pollfd){s->fake[i].second, POLLIN, 0};
    }
    if (poll(fds, 3 * s->n, ms) <= 0) {
        return;
    }
    for (size_t i = 0; i < s->n; i++) {
        if (fds[3 * i + 1].revents != 0) {
            receive(&s->fake[i]);
        }
        if (fds[3 * i + 2].revents != 0 && s->fake[i].second >= 0) {
            receive_second(&s->fake[i]);
        }
        if (fds[3 * i].revents != 0) {
            take_connection(&s->fake[i]);
        }
    }
}

/* --- the index ---------------------------------------------------------- */

void
story_init(struct story *s)
{
    memset(s, 0, sizeof(*s));
    s->folder = folder_make();
    s->op.fd = -1;
}

void
story_option(struct story *s, const char *name, const char *value)
{
    size_t n = 0;

    while (s->args[n] != NULL) {
        n++;
    }
    assert_true(n + 2 < STORY_ARGS);
    s->args[n] = name;
    s->args[n + 1] = value;
}

static void
launch(struct story *s)
{
    char port[8], log[256], data[256];
    const char *args[48] = {
        tool_path("flarei"), "--stderr", "--bind",        "127.0.0.1",
        "--data-dir",        data,       "--server-name", "127.0.0.1",
        "--server-port",     port};

    (void)snprintf(port, sizeof(port), "%u", s->port);
    (void)snprintf(log, sizeof(log), "%s/index.log", s->folder);
    (void)snprintf(data, sizeof(data), "%s/index", s->folder);
    for (size_t i = 0; s->args[i] != NULL; i++) {
        args[10 + i] = s->args[i];
    }
    process_start(&s->index, "index", log, args, true);
}

void
story_start(struct story *s)
{
    launch(s);
    process_wait_ready(&s->index);
    s->port = s->index.port;
    client_open(&s->op, s->port);
}

void
story_stop(struct story *s)
{
    client_close(&s->op);
    process_stop(&s->index);
}

void
story_kill(struct story *s)
{
    client_close(&s->op);
    process_kill(&s->index);
}

void
story_fini(struct story *s)
{
    client_close(&s->op);
    if (s->index.pid > 0) {
        process_kill(&s->index);
    }
    for (size_t i = 0; i < s->n; i++) {
        fake_die(&s->fake[i]);
    }
    folder_remove(s->folder);
    free(s->folder);
}

const char *
story_ask(struct story *s, const char *fmt, ...)
{
    struct buf line = {0};
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    assert_true(buf_put_str(&line, text) && buf_put_str(&line, "\r\n"));
    client_send(&s->op, buf_slice(&line));
    buf_fini(&line);
    return client_line(&s->op);
}

static bool
can_be_read(const struct client *c)
{
    char byte;

    return buf_len(&c->in) > 0 ||
           recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

const char *
story_answer(struct story *s)
{
    UNTIL(s, can_be_read(&s->op));
    return client_line(&s->op);
}

void
story_add(struct story *s, size_t i)
{
    const char *line = story_ask(s, "node add 127.0.0.1 %u", s->fake[i].port);

    while (strncmp(line, "NODE ", 5) == 0) {
        line = client_line(&s->op);
    }
    assert_string_equal(line, "END");
}

void
story_join(struct story *s)
{
    assert_true(s->n < FAKES_MAX);
    fake_listen(&s->fake[s->n]);
    s->n++;
    story_add(s, s->n - 1);
    UNTIL(s, story_settled(s));
}

void
story_order(struct story *s, size_t i, const char *before, const char *after)
{
    const char *answer =
        story_ask(s, "node %s 127.0.0.1 %u %s", before, s->fake[i].port, after);

    if (strcmp(answer, "OK") != 0) {
        process_show_log(&s->index);
        fail_msg("node %s %zu %s: %s", before, i, after, answer);
    }
}

const char *
story_state(struct story *s, size_t i)
{
    char want[64], field[5][32];
    const char *line = story_ask(s, "stats nodes");
    size_t at = 0;
    int n = snprintf(want, sizeof(want), "STAT 127.0.0.1:%u:", s->fake[i].port);

    for (; strcmp(line, "END") != 0; line = client_line(&s->op)) {
        if (strncmp(line, want, (size_t)n) == 0 && at < COUNT(field)) {
            (void)snprintf(field[at++], sizeof(field[0]), "%s",
                           strrchr(line, ' ') + 1);
        }
    }
    s->text[0] = '\0';
    if (at == COUNT(field)) {
        (void)snprintf(s->text, sizeof(s->text), "%s/%s/%s/%s", field[0],
                       field[1], field[2], field[3]);
    }
    return s->text;
}

bool
story_is(struct story *s, size_t i, const char *state)
{
    return strcmp(story_state(s, i), state) == 0;
}

uint64_t
story_version(struct story *s)
{
    uint64_t version = 0;
    const char *line = story_ask(s, "stats");

    for (; strcmp(line, "END") != 0; line = client_line(&s->op)) {
        if (strncmp(line, "STAT node_map_version ", 22) == 0) {
            version = strtoull(line + 22, NULL, 10);
        }
    }
    return version;
}

bool
story_settled(struct story *s)
{
    uint64_t version = story_version(s);

    for (size_t i = 0; i < s->n; i++) {
        if (s->fake[i].listen >= 0 && s->fake[i].version != version) {
            return false;
        }
    }
    return true;
}
