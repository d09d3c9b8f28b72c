#include "base/crc32c.h"

#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t
crc_sse42(uint32_t crc, const unsigned char *p, size_t n)
{
    uint64_t wide = crc;

    while (n >= 8) {
        uint64_t word;

        memcpy(&word, p, 8);
        wide = _mm_crc32_u64(wide, word);
        p += 8;
        n -= 8;
    }
    crc = (uint32_t)wide;
    while (n-- > 0) {
        crc = _mm_crc32_u8(crc, *p++);
    }
    return crc;
}

static bool
has_sse42(void)
{
    return __builtin_cpu_supports("sse4.2");
}
#else
static uint32_t
crc_sse42(uint32_t crc, const unsigned char *p, size_t n)
{
    (void)p;
    (void)n;
    return crc;
}

static bool
has_sse42(void)
{
    return false;
}
#endif

/* Four bits at a time: slow, small, and right everywhere. */
static uint32_t
crc_plain(uint32_t crc, const unsigned char *p, size_t n)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };

    while (n-- > 0) {
        crc ^= *p++;
        crc = (crc >> 4) ^ nibble[crc & 15];
        crc = (crc >> 4) ^ nibble[crc & 15];
    }
    return crc;
}

uint32_t
crc32c(uint32_t crc, const void *p, size_t n)
{
    crc = ~crc;
    crc = has_sse42() ? crc_sse42(crc, p, n) : crc_plain(crc, p, n);
    return ~crc;
}

uint32_t
crc32c_portable(uint32_t crc, const void *p, size_t n)
{
    return ~crc_plain(~crc, p, n);
}
