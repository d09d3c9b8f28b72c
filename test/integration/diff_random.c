#include "test/integration/diff_random.h"

#include <stdio.h>
#include <string.h>

/*
 * Nothing that expires within the test, and no stored number above 2^63: for
 * those memcached 1.6.18 looks for a '-' in the memory behind the value, too.
 */

static const char *const keys[] = {"r1", "r2", "r3", "r4"};
static const char *const numbers[] = {
    "0",  "100",  "700", "1200", "1000", "4611686018427",        "4294967295",
    "-1", "+300", "1x",  "x",    "-",    "18446744073709551616",
};
static const char *const times[] = {"0", "0", "0", "100", "-1", "2592001", "x"};
static const char *const values[] = {
    "1", "99", "abc", "", "100", "12 ", "-3", "4611686018427387904"};
static const char *const tails[] = {"",         "",     "",
                                    " noreply", " foo", " noreply foo"};

#define PICK(list) (list)[rand_below(rand, sizeof(list) / sizeof(*(list)))]

static void
random_storage(struct rand *rand, char *to, size_t size)
{
    static const char *const names[] = {"set",    "set",     "add", "set",
                                        "append", "replace", "set", "prepend"};
    const char *value = PICK(values);

    (void)snprintf(to, size, "%s %s %s %s %zu%s\r\n%s\r\n", PICK(names),
                   PICK(keys), PICK(numbers), PICK(times), strlen(value),
                   PICK(tails), value);
}

static void
random_other(struct rand *rand, char *to, size_t size)
{
    static const char *const words[] = {
        "0",   "1000", "noreply", "x",  "r1",      "r2",  "100",    "-1",
        "get", "r3",   "r4",      "r1", "noreply", "foo", "2592001"};
    static const char *const names[] = {
        "get",   "gets", "gat",  "gats",      "incr",  "decr",     "delete",
        "touch", "incr", "decr", "verbosity", "blarg", "prepend\t"};
    int n = snprintf(to, size, "%s", PICK(names));

    for (uint32_t i = rand_below(rand, 5); i > 0; i--) {
        n += snprintf(to + n, size - (size_t)n, " %s", PICK(words));
    }
    (void)snprintf(to + n, size - (size_t)n, "\r\n");
}

static void
random_arith(struct rand *rand, char *to, size_t size)
{
    static const char *const names[] = {"incr", "decr", "delete", "get"};

    if (rand_below(rand, 4) == 0) {
        (void)snprintf(to, size, "touch %s %s%s\r\n", PICK(keys), PICK(times),
                       PICK(tails));
    } else {
        (void)snprintf(to, size, "%s %s %s%s\r\n", PICK(names), PICK(keys),
                       PICK(numbers), PICK(tails));
    }
}

void
diff_random(struct rand *rand, char *to, size_t size)
{
    uint32_t dice = rand_below(rand, 10);

    if (dice == 0) {
        (void)snprintf(to, size, "gets %s\r\n", PICK(keys));
    } else if (dice < 4) {
        random_storage(rand, to, size);
    } else if (dice < 7) {
        random_arith(rand, to, size);
    } else {
        random_other(rand, to, size);
    }
}
