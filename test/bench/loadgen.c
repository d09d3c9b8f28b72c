/*
 * loadgen: put one server under load and say what it did, on one line.
 *
 * Also what a benchmark script needs besides: free ports (-o) and one command
 * with its answer (-x).
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test/bench/load.h"

static const char usage[] =
    "usage: loadgen -p PORT [options]\n"
    "  -h HOST     default 127.0.0.1\n"
    "  -P PROTO    memcached (default) or redis\n"
    "  -c N        connections, default 50\n"
    "  -d N        requests in flight on each, default 1\n"
    "  -i N        more connections that are idle, default 0\n"
    "  -r G:S      gets to sets, default 1:0\n"
    "  -s BYTES    value size, default 100\n"
    "  -k N        keys, default 100000\n"
    "  -m N        keys of one get, default 1\n"
    "  -t SECONDS  how long, default 5\n"
    "  -n N        how many requests, instead of -t\n"
    "  -w SECONDS  not counted, before that; default 0.5\n"
    "  -f          set every key once instead; with -P, -k, -s\n"
    "  -v          compare the data of each answer\n"
    "  -C PID      whose CPU time to divide by requests; may be repeated\n"
    "  -S SEED     of the order of keys, default 1\n"
    "  -o N        print N free loopback ports\n"
    "  -x LINE     send LINE and quit, print what comes back\n";

struct options {
    struct load load;
    enum wire_protocol protocol;
    const char *host, *port, *line;
    size_t value_size;
    unsigned multi;
    unsigned ports;
    bool fill, verify, has_time;
};

static void __attribute__((noreturn)) die(const char *why, const char *what)
{
    (void)fprintf(stderr, "loadgen: %s %s\n%s", why, what, usage);
    exit(2);
}

static uint64_t
number(const char *text, uint64_t min, uint64_t max)
{
    uint64_t value;

    if (!slice_u64(slice_str(text), max, &value) || value < min) {
        die("not a number it can use:", text);
    }
    return value;
}

static double
seconds(const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (*end != '\0' || end == text || value < 0) {
        die("not a time:", text);
    }
    return value;
}

static void
set_ratio(struct load *load, const char *text)
{
    struct slice rest = slice_str(text);
    struct slice gets = slice_until(&rest, ':');
    uint64_t g, s;

    if (!slice_u64(gets, 1000, &g) || !slice_u64(rest, 1000, &s) ||
        g + s == 0) {
        die("not a ratio:", text);
    }
    load->gets = (unsigned)g;
    load->sets = (unsigned)s;
}

static void
set_protocol(struct options *o, const char *text)
{
    if (strcmp(text, "redis") == 0) {
        o->protocol = WIRE_REDIS;
    } else if (strcmp(text, "memcached") != 0) {
        die("no such protocol:", text);
    }
}

static void
set_load(struct options *o, int option, const char *arg)
{
    struct load *load = &o->load;

    switch (option) {
    case 'c':
        load->connections = (unsigned)number(arg, 1, 10000);
        break;
    case 'i':
        load->idle = (unsigned)number(arg, 0, 100000);
        break;
    case 'd':
        load->depth = (unsigned)number(arg, 1, LOAD_DEPTH_MAX);
        break;
    case 'r':
        set_ratio(load, arg);
        break;
    case 'k':
        load->keys = number(arg, 1, 1000000000);
        break;
    case 't':
        load->seconds = seconds(arg);
        o->has_time = true;
        break;
    case 'n':
        load->requests = number(arg, 1, UINT64_MAX);
        break;
    case 'w':
        load->warm = seconds(arg);
        break;
    case 'S':
        load->seed = number(arg, 0, UINT64_MAX);
        break;
    case 'C':
        if (load->npids == LOAD_PIDS_MAX) {
            die("too many:", "-C");
        }
        load->pid[load->npids++] = (int)number(arg, 1, INT32_MAX);
        break;
    default:
        die("", "");
    }
}

static void
set_option(struct options *o, int option, const char *arg)
{
    switch (option) {
    case 'h':
        o->host = arg;
        break;
    case 'p':
        o->port = arg;
        break;
    case 'P':
        set_protocol(o, arg);
        break;
    case 's':
        o->value_size = (size_t)number(arg, 0, 64 << 20);
        break;
    case 'm':
        o->multi = (unsigned)number(arg, 1, 10000);
        break;
    case 'f':
        o->fill = true;
        break;
    case 'v':
        o->verify = true;
        break;
    case 'o':
        o->ports = (unsigned)number(arg, 1, 100);
        break;
    case 'x':
        o->line = arg;
        break;
    default:
        set_load(o, option, arg);
    }
}

static void
resolve(struct options *o)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;

    if (o->port == NULL) {
        die("which port?", "");
    }
    if (getaddrinfo(o->host, o->port, &hints, &list) != 0) {
        die("no such host:", o->host);
    }
    memcpy(&o->load.addr, list->ai_addr, list->ai_addrlen);
    o->load.addr_len = list->ai_addrlen;
    freeaddrinfo(list);
}

/* All are held until the last is known, so that no two are the same. */
static int
print_ports(unsigned n)
{
    int fd[100];

    for (unsigned i = 0; i < n; i++) {
        struct sockaddr_in addr = {.sin_family = AF_INET};
        socklen_t len = sizeof(addr);

        addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fd[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (fd[i] < 0 ||
            bind(fd[i], (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
            getsockname(fd[i], (struct sockaddr *)&addr, &len) != 0) {
            perror("loadgen: port");
            return 1;
        }
        printf("%u%c", ntohs(addr.sin_port), i + 1 < n ? ' ' : '\n');
    }
    for (unsigned i = 0; i < n; i++) {
        (void)close(fd[i]);
    }
    return 0;
}

static int
send_line(const struct options *o)
{
    int fd = socket(o->load.addr.ss_family, SOCK_STREAM, 0);
    char text[4096];
    int n = snprintf(text, sizeof(text), "%s\r\nquit\r\n", o->line);
    ssize_t got;

    if (fd < 0 ||
        connect(fd, (const struct sockaddr *)&o->load.addr, o->load.addr_len) !=
            0 ||
        send(fd, text, (size_t)n, MSG_NOSIGNAL) != n) {
        (void)fprintf(stderr, "loadgen: port %s: %s\n", o->port,
                      strerror(errno));
        return 1;
    }
    while ((got = recv(fd, text, sizeof(text), 0)) > 0) {
        (void)fwrite(text, 1, (size_t)got, stdout);
    }
    (void)close(fd);
    return 0;
}

static void
print_result(const struct load *load, const struct load_result *result)
{
    double n = (double)result->hist.total;

    printf("ops=%.0f p50=%.1f p99=%.1f p999=%.1f", n / result->seconds,
           hist_us(&result->hist, 0.5), hist_us(&result->hist, 0.99),
           hist_us(&result->hist, 0.999));
    if (load->npids > 0) {
        printf(" cpu=%.3f", n > 0 ? result->cpu_seconds * 1e6 / n : 0);
    }
    printf(" busy=%.2f", result->own_cpu_seconds / result->seconds);
    printf(" requests=%.0f misses=%llu errors=%llu\n", n,
           (unsigned long long)result->misses,
           (unsigned long long)result->errors);
}

static void
fill(struct load *load)
{
    load->in_order = true;
    load->gets = 0;
    load->sets = 1;
    load->depth = 16;
    load->connections = 4;
    load->requests = load->keys;
    load->seconds = 0;
    load->warm = 0;
}

int
main(int argc, char **argv)
{
    static struct load_result result;
    struct options o = {
        .load = {.connections = 50,
                 .depth = 1,
                 .gets = 1,
                 .keys = 100000,
                 .seconds = 5,
                 .warm = 0.5,
                 .seed = 1},
        .host = "127.0.0.1",
        .value_size = 100,
        .multi = 1,
    };
    struct wire wire;
    int option;
    bool ok;

    while ((option = getopt(argc, argv,
                            "h:p:P:c:d:i:r:s:k:m:t:n:w:fvC:S:o:x:")) != -1) {
        set_option(&o, option, optarg);
    }
    if (o.ports > 0) {
        return print_ports(o.ports);
    }
    resolve(&o);
    if (o.line != NULL) {
        return send_line(&o);
    }
    if (o.load.requests != 0 && !o.has_time) {
        o.load.seconds = 0;
        o.load.warm = 0;
    }
    if (o.fill) {
        fill(&o.load);
    }
    if (!wire_init(&wire, o.protocol, o.value_size, o.multi, o.verify)) {
        die("out of memory", "");
    }
    o.load.wire = &wire;
    ok = load_run(&o.load, &result);
    if (ok) {
        print_result(&o.load, &result);
    }
    wire_fini(&wire);
    return ok && result.errors == 0 ? 0 : 1;
}
