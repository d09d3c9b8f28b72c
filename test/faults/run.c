/*
 * Real daemons, killed, paused, cut off, delayed and filled up, while writers
 * remember what was acknowledged.
 *
 *     test/faults/run [--rounds N] [--seed S] [--sync | --async]
 *                     [--interval-ms N] [--only NAME] [--single | --double]
 *                     [--keep-going]
 *
 * Without --rounds it is the share of the test suite, bounded by time.  Exits
 * with 0 when no acknowledged write was lost (with --async: it only counts),
 * no delete was undone, no two masters acknowledged and all copies were equal
 * at rest.  A round is repeated by its seed, as far as real processes allow.
 */
#include "test/unit/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "test/faults/deeds.h"
#include "test/faults/figures.h"
#include "test/faults/ledger.h"

enum {
    PLAIN_WRITERS = 4,
    ROUNDS_OF_A_SITE = 20,
    REST_MS = 40000,
    EQUAL_MS = 15000,
    SUITE_MS = 30000,
    SUITE_INTERVAL_MS = 250,
    SLACK_MS = 500, /* allowed on top of the threshold; and for a kill */
};

struct plan {
    const struct deed *deed[2];
    size_t target[2];
    bool brief;        /* over before the threshold is reached */
    unsigned apart_ms; /* between the two */
};

static struct {
    unsigned rounds, interval_ms;
    uint64_t seed;
    bool sync, suite, keep_going, single, twice;
    const char *only;
    const char *program;
} options = {.interval_ms = 1000, .seed = 1, .sync = true};

static struct wire *wire;
static struct site site;
static struct ledger ledger;
static struct figures *figures;
static unsigned failures;
static uint64_t deeds_left_out;

static void
nap_ms(int64_t ms)
{
    struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};

    (void)nanosleep(&pause, NULL);
}

/* --- one round ------------------------------------------------------------ */

static int64_t
threshold_ms(void)
{
    return (int64_t)site.options.interval_ms * site.options.threshold;
}

static const struct deed *
choose_deed(struct rand *r)
{
    for (int i = 0; i < 10000; i++) {
        const struct deed *deed = &deeds[rand_below(r, (uint32_t)ndeeds)];

        if (deed->needs_net && !wire_has_faults(wire)) {
            deeds_left_out++;
        } else if (options.only == NULL ||
                   strstr(deed->name, options.only) != NULL) {
            return deed;
        }
    }
    fail_msg("there is no fault \"%s\"", options.only);
    return deeds;
}

static void
make_plan(struct plan *plan, struct rand *r, size_t master)
{
    *plan = (struct plan){.deed = {choose_deed(r), NULL}};
    plan->target[0] = deed_target(plan->deed[0], r, master);
    plan->brief = plan->deed[0]->kind == DEED_SILENT && rand_below(r, 3) == 0;
    plan->apart_ms = rand_below(r, (uint32_t)threshold_ms());
    if (options.single || (!options.twice && rand_below(r, 3) != 0)) {
        return;
    }
    do {
        plan->deed[1] = &deeds[rand_below(r, (uint32_t)ndeeds)];
    } while (plan->deed[1]->needs_net && !wire_has_faults(wire));
    plan->target[1] = deed_target(plan->deed[1], r, master);
}

static bool
is_rested(struct mono end)
{
    while (!site_tend(&site)) {
        if (mono_reached(end, clock_mono())) {
            return false;
        }
        nap_ms(50);
    }
    return true;
}

/* Keep the fault up; returns when the index named another master, or 0. */
static int64_t
hold(const struct plan *plan, struct rand *r, size_t master)
{
    int64_t ms = plan->deed[0]->kind == DEED_SILENT
                     ? threshold_ms() + 1000 + rand_below(r, 1000)
                     : 1000 + rand_below(r, 1000);
    struct mono end;
    int64_t at = 0;

    if (plan->brief) {
        ms = 100 + rand_below(r, (uint32_t)threshold_ms() / 2);
    }
    end = mono_after_ms(clock_mono(), ms);
    while (!mono_reached(end, clock_mono())) {
        if (at == 0 && site.process[SITE_INDEX].pid > 0 &&
            !site.stopped[SITE_INDEX]) {
            size_t now = site_master(&site);

            at = now != 0 && now != master ? clock_mono().ns : 0;
        }
        nap_ms(20);
    }
    return at;
}

static int64_t
limit_of(const struct plan *plan)
{
    if (plan->deed[1] != NULL || plan->target[0] == SITE_INDEX) {
        return 0;
    }
    switch (plan->deed[0]->kind) {
    case DEED_LOUD:
        return SLACK_MS;
    case DEED_SILENT:
        return threshold_ms() + SLACK_MS;
    case DEED_SLOW:
    case DEED_DISK:
        break;
    }
    return 0;
}

static bool
copies_equal(char *what, size_t size)
{
    struct mono end = mono_after_ms(clock_mono(), EQUAL_MS);
    size_t records;

    while (!site_compare(&site, &records, what, size)) {
        if (mono_reached(end, clock_mono())) {
            return false;
        }
        nap_ms(200);
        (void)site_tend(&site); /* who was silent may be found out late */
    }
    return true;
}

static bool
verify(struct verdict *verdict)
{
    for (int i = 0; i < 10; i++) {
        if (ledger_verify(&ledger, SITE_NODES, verdict)) {
            return true;
        }
        nap_ms(300);
    }
    return false;
}

static void
say(const struct plan *plan, unsigned round, uint64_t seed,
    const struct finding *f)
{
    struct tally tally = ledger_tally(&ledger, true);

    print_message(
        "%s round %u seed %" PRIu64 ": %s%s%s%s: %" PRIu64 " acked, %" PRIu64
        " lost, %" PRIu64 " revived, %" PRIu64 " by deposed, %s, gap %" PRId64
        " ms%s, %" PRIu64 " errors%s%s\n",
        site.options.sync ? "sync" : "async", round, seed, plan->deed[0]->name,
        plan->brief ? " (briefly)" : "", plan->deed[1] != NULL ? " + " : "",
        plan->deed[1] != NULL ? plan->deed[1]->name : "", f->acknowledged,
        f->lost, f->revived, f->deposed, f->unequal ? "UNEQUAL" : "equal",
        f->gap_ms, f->limit_ms > 0 && f->gap_ms > f->limit_ms ? " OVER" : "",
        f->errors, f->errors > 0 ? ", last: " : "",
        f->errors > 0 ? tally.last_error : "");
}

/* Everybody has stopped writing: is what there is what there should be? */
static void
judge(struct finding *f)
{
    struct tally plain = ledger_tally(&ledger, true);
    struct tally local = ledger_tally(&ledger, false);
    struct verdict verdict = {0};
    char what[512] = "";

    f->unequal = !f->restless && !copies_equal(what, sizeof(what));
    if (f->unequal) {
        print_message("copies differ at rest: %s\n", what);
    }
    if (!verify(&verdict)) {
        fail_msg("%s", verdict.what);
    }
    if (verdict.what[0] != '\0') {
        print_message("found at rest: %s\n", verdict.what);
    }
    if (plain.lost + local.lost > 0) {
        print_message("found while writing: %s\n",
                      plain.lost > 0 ? plain.lost_what : local.lost_what);
    }
    f->acknowledged = plain.acknowledged + local.acknowledged;
    f->errors = plain.errors;
    f->longest_ms = plain.longest_ms;
    f->lost = verdict.lost + plain.lost + local.lost;
    f->revived = verdict.revived;
}

static bool
is_bad(const struct finding *f)
{
    return f->unequal || f->restless ||
           (site.options.sync &&
            (f->lost > 0 || f->revived > 0 || f->deposed > 0));
}

static void
play(unsigned round, uint64_t seed)
{
    struct plan plan;
    struct finding f = {0};
    struct rand r;
    size_t master = site_master(&site);
    int64_t begun, ended, deposed;

    assert_true(master != 0);
    rand_init(&r, seed);
    make_plan(&plan, &r, master);
    ledger_forget_tally(&ledger);
    ledger_resume(&ledger);
    nap_ms(200 + rand_below(&r, 300));
    begun = clock_mono().ns;
    plan.deed[0]->act(&site, plan.target[0], master);
    if (plan.deed[1] != NULL) {
        nap_ms(plan.apart_ms);
        plan.deed[1]->act(&site, plan.target[1], master);
    }
    deposed = hold(&plan, &r, master);
    ended = clock_mono().ns;
    deeds_undo(&site);
    f.restless = !is_rested(mono_after_ms(clock_mono(), REST_MS));
    nap_ms(100);
    ledger_pause(&ledger);
    if (deposed != 0 && plan.deed[0]->isolates && plan.deed[1] == NULL) {
        f.deposed = ledger_acks_at(&ledger, master, deposed, ended);
    }
    f.gap_ms = ledger_gap_ms(&ledger, begun, clock_mono().ns);
    f.limit_ms = limit_of(&plan);
    judge(&f);
    say(&plan, round, seed, &f);
    figures_add(figures,
                plan.deed[1] != NULL ? "two at once" : plan.deed[0]->name, &f);
    failures += is_bad(&f);
}

/* --- many ----------------------------------------------------------------- */

static void
begin(uint64_t seed)
{
    struct site_options how = {
        .sync = options.sync,
        .small_logs = seed % 2 == 0,
        .interval_ms = options.interval_ms,
        .threshold = 3,
    };

    site_start(&site, wire, &how);
    if (!is_rested(mono_after_ms(clock_mono(), REST_MS))) {
        fail_msg("the cluster did not come to be");
    }
    ledger_start(&ledger, wire, SITE_NODES, PLAIN_WRITERS, seed);
}

static void
end(void)
{
    ledger_pause(&ledger);
    ledger_stop(&ledger);
    site_finish(&site);
}

static int
clean_up(void **state)
{
    (void)state;
    if (ledger.n > 0) {
        ledger_stop(&ledger);
    }
    site_abandon(&site);
    return 0;
}

/* What went wrong once must not go wrong in every round from then on. */
static void
begin_anew(uint64_t seed)
{
    ledger_stop(&ledger);
    site_abandon(&site);
    begin(seed);
}

static void
nothing_acknowledged_is_lost(void **state)
{
    struct mono until = mono_after_ms(clock_mono(), SUITE_MS);
    unsigned round = 0, before;

    (void)state;
    failures = 0;
    figures = figures_new();
    while (options.suite ? !mono_reached(until, clock_mono())
                         : round < options.rounds) {
        if (round % ROUNDS_OF_A_SITE == 0) {
            if (round > 0) {
                end();
            }
            begin(options.seed + round);
        }
        before = failures;
        play(round, options.seed + round);
        round++;
        if (failures > before && !options.keep_going) {
            break;
        }
        if (failures > before) {
            begin_anew(options.seed + round);
        }
    }
    (void)fflush(stdout);
    figures_print(figures, stdout);
    (void)fflush(stdout);
    figures_free(figures);
    if (failures > 0) {
        fail_msg("%u of %u rounds failed", failures, round);
    }
    end();
}

/* So that nobody believes in what was not tried. */
static void
the_network_has_faults(void **state)
{
    const char *const *missing = *state;

    if (*missing != NULL) {
        print_message("no faults of the network were tried: this system does "
                      "not give us %s\n",
                      *missing);
        skip();
    }
    print_message("packets are carried, cut, delayed and lost by this program "
                  "itself: network namespaces and TUN are there\n");
}

static void
the_disks_can_be_full(void **state)
{
    (void)state;
    if (!site.disks) {
        print_message("no full disk was tried: this system lets us mount no "
                      "tmpfs\n");
        skip();
    }
}

static int
usage(void)
{
    (void)fprintf(stderr,
                  "Usage: %s [--rounds N] [--seed S] [--sync | --async] "
                  "[--interval-ms N]\n"
                  "       [--only NAME] [--single | --double] [--keep-going]\n",
                  options.program);
    return 2;
}

static bool
take_value(const char *name, const char *value)
{
    if (strcmp(name, "--rounds") == 0) {
        options.rounds = (unsigned)strtoul(value, NULL, 10);
    } else if (strcmp(name, "--seed") == 0) {
        options.seed = strtoull(value, NULL, 10);
    } else if (strcmp(name, "--interval-ms") == 0) {
        options.interval_ms = (unsigned)strtoul(value, NULL, 10);
    } else if (strcmp(name, "--only") == 0) {
        options.only = value;
    } else {
        return false;
    }
    return true;
}

static bool
take_option(char **argv, int *i)
{
    const char *name = argv[*i], *value = argv[*i + 1];

    if (strcmp(name, "--sync") == 0 || strcmp(name, "--async") == 0) {
        options.sync = name[2] == 's';
    } else if (strcmp(name, "--keep-going") == 0) {
        options.keep_going = true;
    } else if (strcmp(name, "--single") == 0) {
        options.single = true;
    } else if (strcmp(name, "--double") == 0) {
        options.twice = true;
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
    static const char *missing;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_acknowledged_is_lost, clean_up),
        cmocka_unit_test_prestate(the_network_has_faults, &missing),
        cmocka_unit_test(the_disks_can_be_full),
    };
    int failed;

    options.program = argv[0];
    for (int i = 1; i < argc; i++) {
        if (!take_option(argv, &i)) {
            return usage();
        }
    }
    options.suite = options.rounds == 0;
    if (options.suite) {
        options.interval_ms = SUITE_INTERVAL_MS;
        options.seed = options.seed == 1 ? (uint64_t)time(NULL) : options.seed;
    }
    (void)wire_claim_rights();
    wire = wire_new(SITE_NODES + 2, options.seed, &missing);
    failed = cmocka_run_group_tests_name("faults", tests, NULL, NULL);
    wire_free(wire);
    return failed;
}
