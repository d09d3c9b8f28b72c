/*
 * The first byte chooses: a stored record, or what stands in a log segment.
 * What decodes comes back the same when it is written and decoded again.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "item/item.h"
#include "item/number.h"
#include "storage/ulog_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
inside(struct slice part, struct slice whole)
{
    return part.n == 0 ||
           (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void
try_record(struct slice bytes)
{
    char header[ITEM_HEADER];
    struct item item;
    uint64_t number;

    if (!item_decode(bytes, &item)) {
        return;
    }
    assert(inside(item.value, bytes));
    assert(item.value.n == bytes.n - ITEM_HEADER);
    item_encode_header(header, &item, item.value.n);
    assert(memcmp(header, bytes.p, ITEM_HEADER) == 0);
    (void)number_read(item.value, &number);
}

static void
try_entries(struct slice bytes)
{
    struct ulog_header header;

    if (ulog_decode_header(bytes, &header)) {
        bytes.p += ULOG_HEADER;
        bytes.n -= ULOG_HEADER;
    }
    for (;;) {
        struct ulog_entry entry;
        size_t n = 0;
        char *again;

        if (ulog_decode_entry(bytes, &entry, &n) != ULOG_DECODED) {
            return;
        }
        assert(n <= bytes.n && n == ulog_entry_size(&entry));
        assert(inside(entry.key, bytes) && inside(entry.value, bytes));
        again = calloc(1, n);
        assert(again != NULL);
        ulog_encode_entry(again, &entry);
        free(again);
        bytes.p += n;
        bytes.n -= n;
    }
}

/* Make the sum right, or no input would ever get past it. */
static void
seal(char *p, size_t n)
{
    struct ulog_entry entry = {.op = ULOG_SET};
    size_t nkey, room = n - ULOG_ENTRY_HEADER;

    memcpy(&entry.flags, p + 12, sizeof(entry.flags));
    memcpy(&entry.seq, p + 16, sizeof(entry.seq));
    nkey = (unsigned char)p[6] < room ? (unsigned char)p[6] : room;
    entry.key = (struct slice){p + ULOG_ENTRY_HEADER, nkey};
    entry.value =
        (struct slice){p + ULOG_ENTRY_HEADER + nkey, (room - nkey) & ~7U};
    if (ulog_entry_size(&entry) <= n) {
        char *copy = calloc(1, n);

        assert(copy != NULL);
        ulog_encode_entry(copy, &entry);
        memcpy(p, copy, n);
        free(copy);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy;

    if (size < 1) {
        return 0;
    }
    copy = malloc(size);
    assert(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    if (data[0] % 3 == 0) {
        try_record((struct slice){copy, size - 1});
    } else {
        if (data[0] % 3 == 1 && size - 1 >= ULOG_ENTRY_HEADER) {
            seal(copy, size - 1);
        }
        try_entries((struct slice){copy, size - 1});
    }
    free(copy);
    return 0;
}
