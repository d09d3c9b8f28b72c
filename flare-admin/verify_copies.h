/*
 * verify_copies: verify --copies, by digests at equal places in the log.
 */
#ifndef FLARE_FLARE_ADMIN_VERIFY_COPIES_H
#define FLARE_FLARE_ADMIN_VERIFY_COPIES_H

#include "flare-admin/admin.h"

/* A row for every copy; true when all are equal, or were made so. */
bool verify_copies(struct tool *tool, const struct cluster_map *map);

#endif
