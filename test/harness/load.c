#include "test/harness/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/unit/test.h"

enum { BATCH = 200, VALUE_MAX = 1 << 20 };

static size_t
value_of(const struct load *load, uint32_t i, char *to, size_t size)
{
    int n = snprintf(to, size, "%u:%u", i, load->salt);
    size_t want = load->size > (size_t)n ? load->size : (size_t)n;

    assert_true(want < size);
    memset(to + n, '.', want - (size_t)n);
    return want;
}

static uint32_t
batch_end(const struct load *load, uint32_t from)
{
    return load->to - from < BATCH ? load->to : from + BATCH;
}

static void
expect_lines(struct client *c, uint32_t n, const char *want)
{
    while (n-- > 0) {
        const char *line = client_line(c);

        if (strcmp(line, want) != 0) {
            fail_msg("wanted \"%s\", got \"%s\"", want, line);
        }
    }
}

void
load_set(struct client *c, const struct load *load)
{
    char *value = malloc(VALUE_MAX);
    struct buf out = {0};

    assert_non_null(value);
    for (uint32_t from = load->from; from < load->to;) {
        uint32_t end = batch_end(load, from);

        for (uint32_t i = from; i < end; i++) {
            size_t n = value_of(load, i, value, VALUE_MAX);

            assert_true(buf_printf(&out, "set %s%u 0 0 %zu%s\r\n", load->prefix,
                                   i, n,
                                   load->words != NULL ? load->words : "") &&
                        buf_put(&out, value, n) && buf_put(&out, "\r\n", 2));
        }
        client_send(c, buf_slice(&out));
        buf_clear(&out);
        expect_lines(c, end - from, "STORED");
        from = end;
    }
    buf_fini(&out);
    free(value);
}

void
load_delete(struct client *c, const struct load *load)
{
    struct buf out = {0};

    for (uint32_t from = load->from; from < load->to;) {
        uint32_t end = batch_end(load, from);

        for (uint32_t i = from; i < end; i++) {
            assert_true(buf_printf(&out, "delete %s%u\r\n", load->prefix, i));
        }
        client_send(c, buf_slice(&out));
        buf_clear(&out);
        expect_lines(c, end - from, "DELETED");
        from = end;
    }
    buf_fini(&out);
}

/* Read the answer to "get PREFIXi": 1 when it is as it should be, else 0. */
static uint32_t
is_right(struct client *c, const struct load *load, uint32_t i, char *value)
{
    const char *line = client_line(c);
    size_t n = value_of(load, i, value, VALUE_MAX);
    struct slice words = slice_str(line);
    struct slice got;
    uint64_t bytes = 0;
    bool same;

    if (strncmp(line, "VALUE ", 6) != 0) {
        return 0;
    }
    for (int word = 0; word < 3; word++) {
        (void)slice_word(&words);
    }
    assert_true(slice_u64(slice_word(&words), VALUE_MAX, &bytes));
    got = client_bytes(c, bytes + 2);
    got.n = bytes;
    same = slice_eq(got, (struct slice){value, n});
    assert_string_equal(client_line(c), "END");
    return same;
}

uint32_t
load_count(struct client *c, const struct load *load)
{
    char *value = malloc(VALUE_MAX);
    struct buf out = {0};
    uint32_t right = 0;

    assert_non_null(value);
    for (uint32_t from = load->from; from < load->to;) {
        uint32_t end = batch_end(load, from);

        for (uint32_t i = from; i < end; i++) {
            assert_true(buf_printf(&out, "get %s%u\r\n", load->prefix, i));
        }
        client_send(c, buf_slice(&out));
        buf_clear(&out);
        for (uint32_t i = from; i < end; i++) {
            right += is_right(c, load, i, value);
        }
        from = end;
    }
    buf_fini(&out);
    free(value);
    return right;
}

void
load_expect(struct client *c, const struct load *load)
{
    assert_int_equal(load_count(c, load), load->to - load->from);
}
