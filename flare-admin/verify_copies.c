/* verify --copies: are the copies of every partition equal? */
#include "flare-admin/verify_copies.h"

#include <stdio.h>

#include "flare-admin/digest.h"

enum { ROUNDS = 5 };

static const char *
word_of(enum digest_verdict verdict)
{
    switch (verdict) {
    case DIGEST_EQUAL:
        return "ok";
    case DIGEST_DIFFERENT:
        return "NG";
    case DIGEST_UNKNOWN:
        break;
    }
    return "unknown";
}

static void
put_result(struct table *table, const struct digest_result *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct digest_copy *copy = &r->copies[i];

        table_cell(table, "%d", r->partition);
        table_cell(table, "%s", copy->node->key);
        table_cell(table, "%s", node_role_name(copy->node->role));
        table_cell(table, "%ju", (uintmax_t)r->seq);
        if (copy->verdict == DIGEST_UNKNOWN) {
            table_cell(table, "-");
            table_cell(table, "-");
        } else {
            table_cell(table, "%ju", (uintmax_t)copy->records);
            table_cell(table, "%s", copy->sum);
        }
        table_cell(table, "%s", word_of(copy->verdict));
        if (copy->verdict == DIGEST_UNKNOWN) {
            output_note("%s: %s", copy->node->key, copy->why);
        }
    }
}

/* Every copy that differs, once. */
static bool
repair_copies(struct tool *tool, struct digest_result *r, uint64_t *repaired)
{
    for (size_t i = 1; i < r->n; i++) {
        if (r->copies[i].verdict == DIGEST_DIFFERENT &&
            !digest_repair(tool, r, &r->copies[i], repaired)) {
            return false;
        }
    }
    return true;
}

/* Repair what differs, then look again; a few times, as writes go on. */
static bool
repair(struct tool *tool, const struct cluster_map *map,
       struct digest_result *r)
{
    for (int round = 0; round < ROUNDS && !r->equal; round++) {
        uint64_t repaired = 0;
        int partition = r->partition;

        if (!repair_copies(tool, r, &repaired)) {
            return false;
        }
        output_info(&tool->out, "partition %d: %ju entries were sent anew",
                    partition, (uintmax_t)repaired);
        digest_fini(r);
        if (!digest_compare(r, tool, map, partition)) {
            return false;
        }
    }
    return r->equal;
}

static bool
may_repair(struct tool *tool, const struct digest_result *r)
{
    return tool->options.repair && !tool->options.dry_run && !r->equal &&
           admin_confirm(tool,
                         "send the entries of partition %d that differ anew "
                         "from its master (y/n): ",
                         r->partition) == PROMPT_YES;
}

static bool
check_partition(struct tool *tool, const struct cluster_map *map, int partition,
                struct table *table)
{
    struct digest_result result;
    bool ok = digest_compare(&result, tool, map, partition);

    if (ok) {
        ok = result.equal ||
             (may_repair(tool, &result) && repair(tool, map, &result));
        put_result(table, &result);
    }
    digest_fini(&result);
    return ok;
}

bool
verify_copies(struct tool *tool, const struct cluster_map *map)
{
    static const struct table_column columns[] = {
        TABLE_COL_NUMBER("partition"), TABLE_COL_TEXT("node"),
        TABLE_COL_TEXT("role"),        TABLE_COL_NUMBER("sequence"),
        TABLE_COL_NUMBER("records"),   TABLE_COL_TEXT("digest"),
        TABLE_COL_STATE("verdict"),
    };
    struct table table = {.columns = columns, .ncolumns = 7, .fit = true};
    bool ok = true;

    for (int p = 0; p < cluster_map_partitions(map) && !prompt_interrupted();
         p++) {
        ok = check_partition(tool, map, p, &table) && ok;
    }
    tool_put_table(tool, &table, "  ", TOOL_DIRECT);
    return ok && !prompt_interrupted();
}
