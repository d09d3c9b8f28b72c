#include "net/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* "::1" of "[::1]", in `text`; any other host as it is. */
static const char *
without_brackets(const char *host, char text[INET6_ADDRSTRLEN])
{
    size_t n = strlen(host);

    if (n < 3 || n - 2 >= INET6_ADDRSTRLEN || host[0] != '[' ||
        host[n - 1] != ']') {
        return host;
    }
    memcpy(text, host + 1, n - 2);
    text[n - 2] = '\0';
    return text;
}

bool
sock_is_numeric(const char *host)
{
    unsigned char bits[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];

    host = without_brackets(host, text);
    return strcmp(host, "localhost") == 0 ||
           inet_pton(AF_INET, host, bits) == 1 ||
           inet_pton(AF_INET6, host, bits) == 1;
}

static void
put_any(struct sock_addr *out, int family, uint16_t port, bool loopback)
{
    *out = (struct sock_addr){.len = 0};
    if (family == AF_INET) {
        struct sockaddr_in *in = (void *)&out->addr;

        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        in->sin_addr.s_addr = htonl(loopback ? INADDR_LOOPBACK : INADDR_ANY);
        out->len = sizeof(*in);
    } else {
        struct sockaddr_in6 *in6 = (void *)&out->addr;

        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        in6->sin6_addr = loopback ? in6addr_loopback : in6addr_any;
        out->len = sizeof(*in6);
    }
}

static int
copy_found(const struct addrinfo *found, struct sock_addr *out, unsigned max)
{
    unsigned n = 0;

    for (; found != NULL && n < max; found = found->ai_next) {
        if (found->ai_addrlen <= sizeof(out[n].addr)) {
            out[n].len = found->ai_addrlen;
            memcpy(&out[n].addr, found->ai_addr, found->ai_addrlen);
            n++;
        }
    }
    return (int)n;
}

int
sock_resolve(const char *host, uint16_t port, struct sock_addr *out,
             unsigned max, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV};
    bool any = host == NULL || host[0] == '\0';
    struct addrinfo *found;
    char service[8], text[INET6_ADDRSTRLEN];
    int error, n;

    if (any || strcmp(host, "localhost") == 0) {
        const int families[] = {AF_INET, AF_INET6};
        unsigned i;

        for (i = 0; i < 2 && i < max; i++) {
            put_any(&out[i], families[i], port, !any);
        }
        return (int)i;
    }
    host = without_brackets(host, text);
    if (sock_is_numeric(host)) {
        hints.ai_flags |= AI_NUMERICHOST;
    }
    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    error = getaddrinfo(host, service, &hints, &found);
    if (error != 0) {
        return err_set(err, ERR_UNAVAILABLE, "look up %s: %s", host,
                       error == EAI_SYSTEM ? strerror(errno)
                                           : gai_strerror(error));
    }
    n = copy_found(found, out, max);
    freeaddrinfo(found);
    return n;
}

void
sock_format(const struct sock_addr *addr, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (addr->len != 0 && addr->addr.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)&addr->addr;

        (void)inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        (void)snprintf(text, size, "%s:%u", host,
                       (unsigned)ntohs(in->sin_port));
    } else if (addr->len != 0 && addr->addr.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)&addr->addr;

        (void)inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        (void)snprintf(text, size, "[%s]:%u", host,
                       (unsigned)ntohs(in6->sin6_port));
    } else {
        (void)snprintf(text, size, "unix");
    }
}

static int
new_socket(const struct sock_addr *addr)
{
    return socket(addr->addr.ss_family,
                  SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static void
set_flag(int fd, int level, int option)
{
    const int on = 1;

    (void)setsockopt(fd, level, option, &on, sizeof(on));
}

/* bind and listen on fd; closes it and keeps errno when that fails. */
static bool
begin_listening(int fd, const struct sock_addr *addr, int backlog)
{
    if (bind(fd, (const void *)&addr->addr, addr->len) != 0 ||
        listen(fd, backlog) != 0) {
        int error = errno;

        (void)close(fd);
        errno = error;
        return false;
    }
    return true;
}

int
sock_listen(const struct sock_addr *addr, int backlog, struct err *err)
{
    char text[80];
    int fd = new_socket(addr);

    sock_format(addr, text, sizeof(text));
    if (fd < 0) {
        return err_sys(err, "create a socket for %s", text);
    }
    set_flag(fd, SOL_SOCKET, SO_REUSEADDR);
    if (addr->addr.ss_family == AF_INET6) {
        set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    }
    if (!begin_listening(fd, addr, backlog)) {
        return err_sys(err, "listen on %s", text);
    }
    return fd;
}

static bool
unix_addr(const char *path, struct sock_addr *out)
{
    struct sockaddr_un *un = (void *)&out->addr;
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof(un->sun_path)) {
        return false;
    }
    *out = (struct sock_addr){.len = sizeof(*un)};
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, n + 1);
    return true;
}

/* Remove a socket's file unless somebody answers there. */
static bool
clear_path(const char *path, const struct sock_addr *addr, struct err *err)
{
    struct stat st;
    int fd;

    if (lstat(path, &st) != 0) {
        return true; /* bind() will say what is wrong with it, if anything */
    }
    if (!S_ISSOCK(st.st_mode)) {
        (void)err_set(err, ERR_CONFIG, "%s is there and no socket", path);
        return false;
    }
    fd = sock_connect(addr);
    if (fd >= 0 || errno != ECONNREFUSED) {
        if (fd >= 0) {
            (void)close(fd);
        }
        (void)err_set(err, ERR_CONFIG, "%s is in use", path);
        return false;
    }
    (void)unlink(path);
    return true;
}

int
sock_listen_unix(const char *path, unsigned mode, int backlog, struct err *err)
{
    struct sock_addr addr;
    mode_t before;
    bool listening;
    int fd;

    if (!unix_addr(path, &addr)) {
        return err_set(err, ERR_CONFIG, "%s is empty or too long for a socket",
                       path);
    }
    if (!clear_path(path, &addr, err)) {
        return err->code;
    }
    fd = new_socket(&addr);
    if (fd < 0) {
        return err_sys(err, "create a socket for %s", path);
    }
    before = umask((mode_t)(~mode & 0777));
    listening = begin_listening(fd, &addr, backlog);
    (void)umask(before);
    return listening ? fd : err_sys(err, "listen on %s", path);
}

int
sock_connect(const struct sock_addr *addr)
{
    int fd = new_socket(addr);

    if (fd < 0) {
        return -1;
    }
    sock_tune(fd);
    if (connect(fd, (const void *)&addr->addr, addr->len) != 0 &&
        errno != EINPROGRESS && errno != EINTR) {
        int error = errno;

        (void)close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int
sock_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
        return errno;
    }
    return error;
}

void
sock_tune(int fd)
{
    set_flag(fd, IPPROTO_TCP, TCP_NODELAY);
    set_flag(fd, SOL_SOCKET, SO_KEEPALIVE);
}

uint16_t
sock_port(int fd)
{
    struct sockaddr_storage addr = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof(addr);

    if (getsockname(fd, (void *)&addr, &len) != 0) {
        return 0;
    }
    if (addr.ss_family == AF_INET) {
        return ntohs(
            ((const struct sockaddr_in *)(const void *)&addr)->sin_port);
    }
    if (addr.ss_family == AF_INET6) {
        return ntohs(
            ((const struct sockaddr_in6 *)(const void *)&addr)->sin6_port);
    }
    return 0;
}

bool
sock_peer(int fd, struct sock_addr *out)
{
    *out = (struct sock_addr){.len = sizeof(out->addr)};
    if (getpeername(fd, (void *)&out->addr, &out->len) != 0) {
        out->len = 0;
        return false;
    }
    return true;
}

enum sock_class
sock_classify(int error)
{
    switch (error) {
    case EAGAIN:
    case EINPROGRESS:
        return SOCK_RETRY;
    case EINTR:
        return SOCK_AGAIN;
    case EPIPE:
    case ECONNRESET:
    case ECONNABORTED:
    case ECONNREFUSED:
    case ENOTCONN:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
        return SOCK_GONE;
    default:
        return SOCK_BROKEN;
    }
}
