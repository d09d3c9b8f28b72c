#include "test/faults/deeds.h"

#include <signal.h>

#include "test/unit/test.h"

enum { CLIENTS = SITE_NODES + 1 };

/* --- processes ------------------------------------------------------------ */

static void
kill_it(struct site *site, size_t target, size_t master)
{
    (void)master;
    site_kill(site, target);
}

static void
kill_all(struct site *site, size_t target, size_t master)
{
    (void)target;
    (void)master;
    for (size_t i = 0; i <= SITE_NODES; i++) {
        site_kill(site, i);
    }
}

static void
terminate(struct site *site, size_t target, size_t master)
{
    (void)master;
    if (site->process[target].pid > 0 && !site->stopped[target]) {
        process_stop(&site->process[target]);
    }
}

static void
pause_it(struct site *site, size_t target, size_t master)
{
    (void)master;
    site_stop(site, target);
}

/* --- network -------------------------------------------------------------- */

static const struct wire_rule cut = {.cut = true};

/* All links of a place: what leaves it, what comes to it. */
static void
links(struct site *site, size_t target, struct wire_rule out,
      struct wire_rule in)
{
    for (size_t i = 0; i <= CLIENTS; i++) {
        if (i != target) {
            wire_set(site->wire, target, i, out);
            wire_set(site->wire, i, target, in);
        }
    }
}

static void
cut_off(struct site *site, size_t target, size_t master)
{
    (void)master;
    links(site, target, cut, cut);
}

static void
mute(struct site *site, size_t target, size_t master)
{
    (void)master;
    links(site, target, cut, (struct wire_rule){0});
}

static void
deafen(struct site *site, size_t target, size_t master)
{
    (void)master;
    links(site, target, (struct wire_rule){0}, cut);
}

static void
part(struct site *site, size_t a, size_t b)
{
    wire_set(site->wire, a, b, cut);
    wire_set(site->wire, b, a, cut);
}

static void
part_from_index(struct site *site, size_t target, size_t master)
{
    (void)master;
    part(site, target, SITE_INDEX);
}

static void
part_from_master(struct site *site, size_t target, size_t master)
{
    part(site, target, master);
}

static void
hide_from_master(struct site *site, size_t target, size_t master)
{
    wire_set(site->wire, target, master, cut);
}

static void
hide_master(struct site *site, size_t target, size_t master)
{
    wire_set(site->wire, master, target, cut);
}

static void
delay_all(struct site *site, size_t target, size_t master)
{
    struct wire_rule late = {.delay_us = 10000, .jitter_us = 10000};

    (void)target;
    (void)master;
    for (size_t i = 0; i <= CLIENTS; i++) {
        links(site, i, late, late);
    }
}

static void
delay_it(struct site *site, size_t target, size_t master)
{
    struct wire_rule late = {.delay_us = 60000, .jitter_us = 40000};

    (void)master;
    links(site, target, late, late);
}

static void
lose_some(struct site *site, size_t target, size_t master)
{
    struct wire_rule lossy = {.loss_permille = 50};

    (void)target;
    (void)master;
    for (size_t i = 0; i <= CLIENTS; i++) {
        links(site, i, lossy, lossy);
    }
}

static void
lose_much(struct site *site, size_t target, size_t master)
{
    struct wire_rule lossy = {.loss_permille = 250};

    (void)master;
    links(site, target, lossy, lossy);
}

/* --- disks ---------------------------------------------------------------- */

static void
fill(struct site *site, size_t target, size_t master)
{
    (void)master;
    (void)site_fill(site, target);
}

/* -------------------------------------------------------------------------- */

const struct deed deeds[] = {
    {"kill master", DEED_LOUD, 'm', false, false, kill_it},
    {"kill slave", DEED_LOUD, 's', false, false, kill_it},
    {"kill proxy", DEED_LOUD, 'p', false, false, kill_it},
    {"kill index", DEED_LOUD, 'i', false, false, kill_it},
    {"kill all", DEED_LOUD, 'a', false, false, kill_all},
    {"terminate master", DEED_LOUD, 'm', false, false, terminate},
    {"terminate slave", DEED_LOUD, 's', false, false, terminate},
    {"pause master", DEED_SILENT, 'm', false, false, pause_it},
    {"pause slave", DEED_SILENT, 's', false, false, pause_it},
    {"pause index", DEED_SILENT, 'i', false, false, pause_it},
    {"cut off master", DEED_SILENT, 'm', true, true, cut_off},
    {"cut off slave", DEED_SILENT, 's', true, false, cut_off},
    {"cut off index", DEED_SILENT, 'i', true, false, cut_off},
    {"one way: from master", DEED_SILENT, 'm', true, true, mute},
    {"one way: to master", DEED_SILENT, 'm', true, true, deafen},
    {"one way: from slave", DEED_SILENT, 's', true, false, mute},
    {"one way: to slave", DEED_SILENT, 's', true, false, deafen},
    {"cut master, index", DEED_SILENT, 'm', true, false, part_from_index},
    {"cut slave, index", DEED_SILENT, 's', true, false, part_from_index},
    {"cut slave, master", DEED_SILENT, 's', true, false, part_from_master},
    {"one way: slave, master", DEED_SILENT, 's', true, false, hide_from_master},
    {"one way: master, slave", DEED_SILENT, 's', true, false, hide_master},
    {"delay all 10-20 ms", DEED_SLOW, 'a', true, false, delay_all},
    {"delay slave 60-100 ms", DEED_SLOW, 's', true, false, delay_it},
    {"lose 5 % of all", DEED_SLOW, 'a', true, false, lose_some},
    {"lose 25 % of master's", DEED_SLOW, 'm', true, false, lose_much},
    {"full disk: master", DEED_DISK, 'm', false, false, fill},
    {"full disk: slave", DEED_DISK, 's', false, false, fill},
    {"full disk: index", DEED_DISK, 'i', false, false, fill},
};
const size_t ndeeds = COUNT(deeds);

size_t
deed_target(const struct deed *deed, struct rand *r, size_t master)
{
    size_t at;

    switch (deed->who) {
    case 'm':
        return master;
    case 's':
        do {
            at = 1 + rand_below(r, SITE_COPIES);
        } while (at == master);
        return at;
    case 'p':
        return SITE_NODES;
    default:
        return SITE_INDEX;
    }
}

void
deeds_undo(struct site *site)
{
    wire_heal(site->wire);
    for (size_t i = 0; i <= SITE_NODES; i++) {
        site_empty(site, i);
        site_go_on(site, i);
        site_launch(site, i);
    }
    for (size_t i = 0; i <= SITE_NODES; i++) {
        site_wait_ready(site, i);
    }
}
