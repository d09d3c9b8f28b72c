#include "hash/partition.h"

#include <stdlib.h>
#include <string.h>

struct partition_table {
    unsigned size;
    unsigned hint;
    unsigned slots;
    uint16_t **row; /* by number of partitions; NULL: not needed so far */
};

struct partition_table *
partition_table_new(unsigned size, unsigned hint, unsigned slots)
{
    struct partition_table *table;

    if (size == 0 || hint == 0 || slots == 0 || size > UINT16_MAX) {
        return NULL;
    }
    table = calloc(1, sizeof(*table));
    if (table == NULL) {
        return NULL;
    }
    *table = (struct partition_table){size, hint, slots, NULL};
    table->row = calloc(size, sizeof(table->row[0]));
    if (table->row == NULL) {
        partition_table_free(table);
        return NULL;
    }
    return table;
}

void
partition_table_free(struct partition_table *table)
{
    if (table == NULL) {
        return;
    }
    for (unsigned n = 0; table->row != NULL && n < table->size; n++) {
        free(table->row[n]);
    }
    free(table->row);
    free(table);
}

unsigned
partition_table_size(const struct partition_table *table)
{
    return table->size;
}

unsigned
partition_table_slots(const struct partition_table *table)
{
    return table->slots;
}

/*
 * From the row for n - 1 partitions to the one for n, in place: every n-th slot
 * of each old owner moves to the new partition.  counter has room for n.
 */
static void
grow_row(uint16_t *row, unsigned slots, unsigned n, unsigned *counter)
{
    memset(counter, 0, n * sizeof(counter[0]));
    for (unsigned j = 0; j < slots; j++) {
        if (++counter[row[j]] % n == n - 1) {
            row[j] = (uint16_t)(n - 1);
        }
    }
}

static uint16_t *
make_row(const struct partition_table *table, unsigned n, unsigned *counter)
{
    uint16_t *row = calloc(table->slots, sizeof(row[0]));
    unsigned from = n - 1; /* the nearest row to grow from */

    if (row == NULL) {
        return NULL;
    }
    while (from > table->hint && table->row[from] == NULL) {
        from--;
    }
    if (n <= table->hint) {
        from = n;
    }
    if (from > table->hint) {
        memcpy(row, table->row[from], table->slots * sizeof(row[0]));
    } else {
        for (unsigned j = 0; j < table->slots; j++) {
            row[j] = (uint16_t)(j % from);
        }
    }
    for (unsigned i = from + 1; i <= n; i++) {
        grow_row(row, table->slots, i, counter);
    }
    return row;
}

const uint16_t *
partition_table_row(struct partition_table *table, unsigned n)
{
    unsigned *counter;

    if (n < 1 || n >= table->size) {
        return NULL;
    }
    if (table->row[n] == NULL) {
        counter = calloc(n, sizeof(counter[0]));
        if (counter == NULL) {
            return NULL;
        }
        table->row[n] = make_row(table, n, counter);
        free(counter);
    }
    return table->row[n];
}
