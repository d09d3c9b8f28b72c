/*
 * admin: flare-admin against a cluster of the harness.
 */
#ifndef FLARE_TEST_HARNESS_ADMIN_H
#define FLARE_TEST_HARNESS_ADMIN_H

#include "test/harness/cluster.h"
#include "test/harness/tool.h"

/*
 * Run "flare-admin LINE", split at blanks, with @I standing for the index's
 * address and @0 to @7 for the nodes'.  FLARE_INDEX_SERVER is set.  Fails
 * unless it ends with this status.  The result is good until the next run.
 */
const struct tool *admin_run(const struct cluster *c, int status,
                             const char *input, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Start it without waiting for its end; its output goes to p->log. */
void admin_start(const struct cluster *c, struct process *p, const char *fmt,
                 ...) __attribute__((format(printf, 3, 4)));

/* Fails unless text holds these words. */
void admin_has(const char *text, const char *words);

/*
 * Fails unless text is a JSON array of objects that have exactly these members
 * in this order: "node:s partition:n? alive:b" (s text, n number, b true or
 * false; ? or null).  Returns how many objects there are.
 */
size_t admin_json(const char *text, const char *shape);

#endif
