#include "storage/ulog_format.h"

#include <endian.h>
#include <string.h>

#include "base/crc32c.h"

enum { FORMAT = 1 };

static const char magic[8] = {'F', 'L', 'A', 'R', 'E', 'U', 'L', 'G'};

static void
save16(char *to, uint16_t value)
{
    value = htole16(value);
    memcpy(to, &value, sizeof(value));
}

static void
save32(char *to, uint32_t value)
{
    value = htole32(value);
    memcpy(to, &value, sizeof(value));
}

static void
save64(char *to, uint64_t value)
{
    value = htole64(value);
    memcpy(to, &value, sizeof(value));
}

static uint16_t
load16(const char *from)
{
    uint16_t value;

    memcpy(&value, from, sizeof(value));
    return le16toh(value);
}

static uint32_t
load32(const char *from)
{
    uint32_t value;

    memcpy(&value, from, sizeof(value));
    return le32toh(value);
}

static uint64_t
load64(const char *from)
{
    uint64_t value;

    memcpy(&value, from, sizeof(value));
    return le64toh(value);
}

void
ulog_encode_header(char *to, const struct ulog_header *header)
{
    memset(to, 0, ULOG_HEADER);
    save32(to + 8, FORMAT);
    save64(to + 16, header->first);
    memcpy(to + 24, header->boot, ULOG_BOOT_ID);
    save32(to + 12, crc32c(0, to + 16, 48));
    memcpy(to, magic, sizeof(magic));
}

void
ulog_encode_seal(char *to, const struct ulog_header *header)
{
    save64(to + 72, header->end);
    save64(to + 80, header->last);
    save64(to + 88, header->version);
    save32(to + 64, crc32c(0, to + 72, 24));
}

bool
ulog_decode_header(struct slice bytes, struct ulog_header *out)
{
    const char *p = bytes.p;

    if (bytes.n < ULOG_HEADER || memcmp(p, magic, sizeof(magic)) != 0 ||
        load32(p + 8) != FORMAT || load32(p + 12) != crc32c(0, p + 16, 48)) {
        return false;
    }
    out->first = load64(p + 16);
    memcpy(out->boot, p + 24, ULOG_BOOT_ID);
    out->end = load64(p + 72);
    out->last = load64(p + 80);
    out->version = load64(p + 88);
    out->sealed =
        out->end >= ULOG_HEADER && load32(p + 64) == crc32c(0, p + 72, 24);
    return out->first > 0;
}

static size_t
padded(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

size_t
ulog_entry_size(const struct ulog_entry *entry)
{
    if (entry->key.n > ULOG_KEY_MAX || entry->value.n > INT32_MAX) {
        return 0;
    }
    return padded(ULOG_ENTRY_HEADER + entry->key.n + entry->value.n);
}

void
ulog_encode_entry(char *to, const struct ulog_entry *entry)
{
    size_t n = ULOG_ENTRY_HEADER;

    to[4] = (char)entry->op;
    to[5] = 0;
    save16(to + 6, (uint16_t)entry->key.n);
    save32(to + 8, (uint32_t)entry->value.n);
    save32(to + 12, entry->flags);
    save64(to + 16, entry->seq);
    save64(to + 24, entry->epoch);
    save64(to + 32, (uint64_t)entry->expire);
    save64(to + 40, entry->version);
    if (entry->key.n > 0) {
        memcpy(to + n, entry->key.p, entry->key.n);
        n += entry->key.n;
    }
    if (entry->value.n > 0) {
        memcpy(to + n, entry->value.p, entry->value.n);
        n += entry->value.n;
    }
    save32(to, crc32c(0, to + 4, n - 4));
}

enum ulog_decoded
ulog_decode_entry(struct slice bytes, struct ulog_entry *out, size_t *size)
{
    const char *p = bytes.p;
    size_t nkey, nvalue, n;
    unsigned op;

    if (bytes.n < ULOG_ENTRY_HEADER || load64(p) == 0) {
        return ULOG_NOTHING;
    }
    op = (unsigned char)p[4];
    nkey = load16(p + 6);
    nvalue = load32(p + 8);
    n = ULOG_ENTRY_HEADER + nkey + nvalue;
    if (op < ULOG_SET || op > ULOG_DIGEST || padded(n) > bytes.n ||
        load32(p) != crc32c(0, p + 4, n - 4)) {
        return ULOG_DAMAGED;
    }
    out->op = (enum ulog_op)op;
    out->flags = load32(p + 12);
    out->seq = load64(p + 16);
    out->epoch = load64(p + 24);
    out->expire = (int64_t)load64(p + 32);
    out->version = load64(p + 40);
    out->key = (struct slice){p + ULOG_ENTRY_HEADER, nkey};
    out->value = (struct slice){p + ULOG_ENTRY_HEADER + nkey, nvalue};
    *size = padded(n);
    return ULOG_DECODED;
}

uint64_t
ulog_bytes_epoch(struct slice bytes)
{
    return load64(bytes.p + 24);
}

uint64_t
ulog_bytes_seq(struct slice bytes)
{
    return load64(bytes.p + 16);
}
