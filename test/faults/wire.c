#include "test/faults/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rand.h"
#include "test/unit/test.h"

enum { MTU = 9000, FIRST = 10, BURST = 64, HELD_MAX = 65536 };

struct packet {
    struct packet *next;
    int64_t due; /* ns */
    size_t n;
    char bytes[];
};

/* Packets of one link under way, the earliest first. */
struct lane {
    struct packet *first, **last;
};

struct wire {
    size_t places;
    bool faulty;
    int home;
    int space[WIRE_PLACES]; /* network namespace */
    int tun[WIRE_PLACES];
    char address[WIRE_PLACES][32];
    pthread_t thread;
    atomic_bool ends;
    pthread_mutex_t lock;
    struct wire_rule rule[WIRE_PLACES][WIRE_PLACES];
    struct lane lane[WIRE_PLACES][WIRE_PLACES]; /* the thread's alone */
    size_t held;
    struct rand r;
};

/* --- making it ------------------------------------------------------------ */

static bool
put_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, strlen(text)) > 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    return done;
}

bool
wire_claim_rights(void)
{
    char map[64];
    int user = (int)geteuid(), group = (int)getegid();

    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
            return false;
        }
        (void)put_file("/proc/self/setgroups", "deny");
        (void)snprintf(map, sizeof(map), "0 %d 1", user);
        (void)put_file("/proc/self/uid_map", map);
        (void)snprintf(map, sizeof(map), "0 %d 1", group);
        (void)put_file("/proc/self/gid_map", map);
    }
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static bool
set_up(const char *device, const char *address)
{
    struct ifreq to = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)&to.ifr_addr;
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool done = s >= 0;

    (void)snprintf(to.ifr_name, sizeof(to.ifr_name), "%s", device);
    if (done && address != NULL) {
        in->sin_family = AF_INET;
        done = inet_pton(AF_INET, address, &in->sin_addr) == 1 &&
               ioctl(s, SIOCSIFADDR, &to) == 0 &&
               inet_pton(AF_INET, "255.255.255.0", &in->sin_addr) == 1 &&
               ioctl(s, SIOCSIFNETMASK, &to) == 0;
        to.ifr_mtu = MTU;
        done = done && ioctl(s, SIOCSIFMTU, &to) == 0;
    }
    to.ifr_flags = IFF_UP | IFF_RUNNING;
    done = done && ioctl(s, SIOCSIFFLAGS, &to) == 0;
    if (s >= 0) {
        (void)close(s);
    }
    return done;
}

/* A namespace with a device; the thread is in it afterwards. */
static const char *
make_place(struct wire *wire, size_t place)
{
    struct ifreq want = {.ifr_flags = IFF_TUN | IFF_NO_PI};

    if (unshare(CLONE_NEWNET) != 0) {
        return "network namespaces";
    }
    wire->space[place] = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    wire->tun[place] = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    (void)snprintf(want.ifr_name, sizeof(want.ifr_name), "wire0");
    if (wire->space[place] < 0 || wire->tun[place] < 0 ||
        ioctl(wire->tun[place], TUNSETIFF, &want) != 0) {
        return "/dev/net/tun";
    }
    if (!set_up("wire0", wire->address[place]) || !set_up("lo", NULL)) {
        return "the right to configure a network device";
    }
    return NULL;
}

static const char *
make_places(struct wire *wire)
{
    const char *missing = NULL;

    for (size_t i = 0; i < wire->places && missing == NULL; i++) {
        (void)snprintf(wire->address[i], sizeof(wire->address[i]), "10.77.0.%u",
                       (unsigned)(FIRST + i));
        missing = make_place(wire, i);
    }
    wire_leave(wire);
    return missing;
}

/* --- carrying ------------------------------------------------------------- */

static int64_t
now_ns(void)
{
    return clock_mono().ns;
}

/* What the rule makes of a packet: when it is due, or -1: lost. */
static int64_t
judge(struct wire *wire, size_t from, size_t to)
{
    struct wire_rule rule;

    (void)pthread_mutex_lock(&wire->lock);
    rule = wire->rule[from][to];
    (void)pthread_mutex_unlock(&wire->lock);
    if (rule.cut || (rule.loss_permille > 0 &&
                     rand_below(&wire->r, 1000) < rule.loss_permille)) {
        return -1;
    }
    if (rule.delay_us == 0 && rule.jitter_us == 0) {
        return 0;
    }
    return now_ns() + INT64_C(1000) * rule.delay_us +
           INT64_C(1000) * rand_below(&wire->r, rule.jitter_us + 1);
}

static void
hold(struct wire *wire, size_t from, size_t to, const char *bytes, size_t n,
     int64_t due)
{
    struct lane *lane = &wire->lane[from][to];
    struct packet *packet;

    if (wire->held >= HELD_MAX) {
        return; /* a full queue loses packets */
    }
    packet = xcalloc(1, sizeof(*packet) + n);
    packet->next = NULL;
    packet->due = due;
    packet->n = n;
    memcpy(packet->bytes, bytes, n);
    if (lane->last == NULL) {
        lane->last = &lane->first;
    }
    *lane->last = packet;
    lane->last = &packet->next;
    wire->held++;
}

static void
carry(struct wire *wire, size_t from, const char *bytes, size_t n)
{
    size_t to;
    int64_t due;

    if (n < 20 || (bytes[0] & 0xf0) != 0x40 ||
        memcmp(bytes + 16, "\x0a\x4d\x00", 3) != 0) {
        return; /* not IPv4, or not for one of us */
    }
    to = (size_t)((unsigned char)bytes[19] - FIRST);
    if (to >= wire->places) {
        return;
    }
    due = judge(wire, from, to);
    if (due > 0 || wire->lane[from][to].first != NULL) {
        if (due >= 0) {
            hold(wire, from, to, bytes, n, due);
        }
    } else if (due == 0) {
        (void)!write(wire->tun[to], bytes, n);
    }
}

/* Pass on what is due; ns until the next one is, or -1: nothing is held. */
static int64_t
release_due(struct wire *wire, size_t from, size_t to, int64_t now)
{
    struct lane *lane = &wire->lane[from][to];

    while (lane->first != NULL && lane->first->due <= now) {
        struct packet *packet = lane->first;

        (void)!write(wire->tun[to], packet->bytes, packet->n);
        lane->first = packet->next;
        free(packet);
        wire->held--;
    }
    if (lane->first != NULL) {
        return lane->first->due - now;
    }
    lane->last = &lane->first;
    return -1;
}

static int64_t
release_all(struct wire *wire)
{
    int64_t now = now_ns(), least = 50 * INT64_C(1000000);

    for (size_t i = 0; i < wire->places; i++) {
        for (size_t j = 0; j < wire->places; j++) {
            int64_t left = wire->lane[i][j].first != NULL
                               ? release_due(wire, i, j, now)
                               : -1;

            least = left >= 0 && left < least ? left : least;
        }
    }
    return least;
}

static void *
keep_carrying(void *arg)
{
    static char bytes[65536];
    struct wire *wire = arg;
    struct pollfd wait[WIRE_PLACES];

    while (!atomic_load(&wire->ends)) {
        int64_t left = release_all(wire);
        struct timespec until = {0, (long)left};

        for (size_t i = 0; i < wire->places; i++) {
            wait[i] = (struct pollfd){wire->tun[i], POLLIN, 0};
        }
        if (ppoll(wait, (nfds_t)wire->places, &until, NULL) <= 0) {
            continue;
        }
        for (size_t i = 0; i < wire->places; i++) {
            for (int n = 0; wait[i].revents != 0 && n < BURST; n++) {
                ssize_t got = read(wire->tun[i], bytes, sizeof(bytes));

                if (got <= 0) {
                    break;
                }
                carry(wire, i, bytes, (size_t)got);
            }
        }
    }
    return NULL;
}

/* --- the interface -------------------------------------------------------- */

struct wire *
wire_new(size_t places, uint64_t seed, const char **missing)
{
    struct wire *wire = xcalloc(1, sizeof(*wire));

    assert_true(places <= WIRE_PLACES);
    wire->places = places;
    wire->home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    rand_init(&wire->r, seed);
    (void)pthread_mutex_init(&wire->lock, NULL);
    for (size_t i = 0; i < places; i++) {
        wire->space[i] = wire->tun[i] = -1;
    }
    *missing = wire->home >= 0 ? make_places(wire) : "namespaces in /proc";
    if (*missing == NULL) {
        wire->faulty = true;
        assert_int_equal(
            pthread_create(&wire->thread, NULL, keep_carrying, wire), 0);
        return wire;
    }
    for (size_t i = 0; i < places; i++) {
        (void)snprintf(wire->address[i], sizeof(wire->address[i]),
                       "127.%u.%u.%u", 1 + (unsigned)getpid() / 250 % 250,
                       1 + (unsigned)getpid() % 250, (unsigned)(FIRST + i));
    }
    return wire;
}

void
wire_free(struct wire *wire)
{
    if (wire->faulty) {
        atomic_store(&wire->ends, true);
        (void)pthread_join(wire->thread, NULL);
    }
    for (size_t i = 0; i < wire->places; i++) {
        for (size_t j = 0; j < wire->places; j++) {
            (void)release_due(wire, i, j, INT64_MAX);
        }
    }
    for (size_t i = 0; i < wire->places; i++) {
        (void)close(wire->tun[i]);
        (void)close(wire->space[i]);
    }
    (void)close(wire->home);
    (void)pthread_mutex_destroy(&wire->lock);
    free(wire);
}

bool
wire_has_faults(const struct wire *wire)
{
    return wire->faulty;
}

const char *
wire_address(const struct wire *wire, size_t place)
{
    return wire->address[place];
}

void
wire_enter(const struct wire *wire, size_t place)
{
    if (wire->faulty && setns(wire->space[place], CLONE_NEWNET) != 0) {
        perror("setns");
        abort();
    }
}

void
wire_leave(const struct wire *wire)
{
    if (wire->home >= 0 && setns(wire->home, CLONE_NEWNET) != 0 &&
        wire->faulty) {
        perror("setns");
        abort();
    }
}

void
wire_set(struct wire *wire, size_t from, size_t to, struct wire_rule rule)
{
    (void)pthread_mutex_lock(&wire->lock);
    wire->rule[from][to] = rule;
    (void)pthread_mutex_unlock(&wire->lock);
}

void
wire_heal(struct wire *wire)
{
    (void)pthread_mutex_lock(&wire->lock);
    memset(wire->rule, 0, sizeof(wire->rule));
    (void)pthread_mutex_unlock(&wire->lock);
}
