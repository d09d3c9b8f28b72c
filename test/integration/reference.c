#include "test/integration/reference.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "test/harness/client.h"
#include "test/harness/folder.h"
#include "test/harness/wait.h"
#include "test/unit/test.h"

/* A port that was free a moment ago. */
static uint16_t
free_port(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    (void)close(fd);
    return ntohs(addr.sin_port);
}

static bool
listens(void *arg)
{
    struct client c;

    if (!client_try_open(&c, *(uint16_t *)arg)) {
        return false;
    }
    client_close(&c);
    return true;
}

static const char *
memcached_path(void)
{
    const char *path = getenv("MEMCACHED");

    return path != NULL ? path : "/usr/bin/memcached";
}

bool
reference_exists(void)
{
    return access(memcached_path(), X_OK) == 0;
}

void
reference_start(struct reference *reference)
{
    char log[300], port[16];

    reference->folder = folder_make();
    reference->port = free_port();
    (void)snprintf(log, sizeof(log), "%s/memcached.log", reference->folder);
    (void)snprintf(port, sizeof(port), "%u", reference->port);
    /* Its LRU threads hold items now and then, which are then not padded. */
    process_start(
        &reference->process, "memcached", log,
        (const char *const[]){memcached_path(), "-l", "127.0.0.1", "-p", port,
                              "-U", "0", "-u", "nobody", "-m", "64", "-o",
                              "no_lru_maintainer,no_lru_crawler", NULL},
        false);
    wait_for(listens, &reference->port, WAIT_MS, "memcached listens");
}

void
reference_stop(struct reference *reference)
{
    process_kill(&reference->process);
    folder_remove(reference->folder);
    free(reference->folder);
}

uint64_t
reference_seed(void)
{
    const char *given = getenv("DIFF_SEED");
    uint64_t seed =
        given != NULL ? strtoull(given, NULL, 10) : (uint64_t)clock_mono().ns;

    print_message("DIFF_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}
