/*
 * partition: hash -> partition, for any number of partitions (spec:
 * control-plane 5.2, the modular table).
 *
 * Rows are made when they are first needed by partition_table_row(), so a
 * table costs memory only for the partition counts in use.
 */
#ifndef FLARE_HASH_PARTITION_H
#define FLARE_HASH_PARTITION_H

#include <stdint.h>

struct partition_table;

/*
 * size: partitions plus one at most; hint >= 1; slots (virtual) >= 1.  NULL:
 * memory is out or a number is 0.
 */
struct partition_table *partition_table_new(unsigned size, unsigned hint,
                                            unsigned slots);
void partition_table_free(struct partition_table *table);

unsigned partition_table_size(const struct partition_table *table);

/*
 * The slots of the row for n partitions, 1 <= n < size; each the number of a
 * partition.  NULL: n is out of range or memory is out.  Valid as long as the
 * table.  Not for use from several threads at once; what it returned is.
 */
const uint16_t *partition_table_row(struct partition_table *table, unsigned n);

/* How many slots a row has. */
unsigned partition_table_slots(const struct partition_table *table);

#endif
