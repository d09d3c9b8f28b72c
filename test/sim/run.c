/*
 * Whole clusters, simulated from seeds.
 *
 *     test/sim/run                               the share of the test suite
 *     test/sim/run --seeds N [--from SEED]       many; the first that breaks a
 *                                                rule is shrunk and shown
 *     test/sim/run --seed SEED                   one, with what happens in it
 *         [--keep-going]  [--plant NUMBER]  [--quiet]  [--hurry]
 *
 * Exits with 0 when no rule was broken.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/sim/suite.h"

static struct world world;

static struct {
    uint64_t from, seeds;
    bool one, keep_going, quiet, hurry;
    enum plant plant;
} options = {.from = 1};

/* What had to happen, at the least, for the rule to be broken. */
static void
show(uint64_t seed, const struct setting *set)
{
    static bool skip[SIM_FATES];
    unsigned left = world_shrink(&world, seed, set, skip);

    (void)printf("seed %" PRIu64 ", with %u strokes of fate left of it:\n",
                 seed, left);
    (void)world_run_without(&world, seed, set, !options.quiet, skip);
    (void)printf("seed %" PRIu64 ": %s\n", seed, world.what);
}

static int
run_many(void)
{
    struct figures sum = {0};
    uint64_t broken = 0, seed = options.from;

    for (; seed < options.from + options.seeds; seed++) {
        struct setting set = setting_of(seed);

        set.plant = options.plant;
        if (options.hurry) {
            setting_hurry(&set);
        }
        if (!world_run(&world, seed, &set, options.one)) {
            (void)printf("seed %" PRIu64 ": %s\n", seed, world.what);
            broken++;
            if (!options.keep_going) {
                show(seed, &set);
                break;
            }
        }
        suite_add(&sum, &world.figures);
    }
    suite_print(seed - options.from, &sum);
    return broken > 0;
}

static bool
take_value(const char *name, const char *value)
{
    if (strcmp(name, "--from") == 0) {
        options.from = strtoull(value, NULL, 10);
    } else if (strcmp(name, "--seeds") == 0) {
        options.seeds = strtoull(value, NULL, 10);
    } else if (strcmp(name, "--seed") == 0) {
        options.from = strtoull(value, NULL, 10);
        options.seeds = 1;
        options.one = options.keep_going = true;
    } else if (strcmp(name, "--plant") == 0) {
        options.plant = (enum plant)strtoul(value, NULL, 10);
    } else {
        return false;
    }
    return true;
}

static bool
take_option(char **argv, int *i)
{
    const char *name = argv[*i], *value = argv[*i + 1];

    if (strcmp(name, "--keep-going") == 0) {
        options.keep_going = true;
    } else if (strcmp(name, "--hurry") == 0) {
        options.hurry = true;
    } else if (strcmp(name, "--quiet") == 0) {
        options.quiet = true;
    } else if (value != NULL) {
        ++*i;
        return take_value(name, value);
    } else {
        return false;
    }
    return true;
}

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!take_option(argv, &i)) {
            (void)fprintf(stderr,
                          "Usage: %s [--seeds N [--from SEED] | --seed SEED] "
                          "[--keep-going] [--plant N] [--quiet] [--hurry]\n",
                          argv[0]);
            return 2;
        }
    }
    return options.seeds > 0 ? run_many() : suite_run();
}
