#include <string.h>

#include "proto/binary.h"
#include "proto/words.h"

enum { OP_ADD = 2, OP_REPLACE = 3, OP_ADDQ = 0x12, OP_REPLACEQ = 0x13 };
enum { OP_STAT = 0x10, OP_TOUCH = 0x1c };

/* One frame of an answer. */
struct frame {
    enum binary_status status;
    struct slice extras, key, value;
    uint64_t cas;
};

static char *
save(char *to, unsigned bytes, uint64_t value)
{
    for (unsigned i = bytes; i > 0; i--) {
        *to++ = (char)(value >> (8 * (i - 1)));
    }
    return to;
}

static char *
add(char *to, struct slice s)
{
    if (s.n > 0) {
        memcpy(to, s.p, s.n);
    }
    return to + s.n;
}

static bool
put(struct buf *out, const struct binary_head *head, const struct frame *f)
{
    size_t body = f->extras.n + f->key.n + f->value.n;
    char *to;

    if (!buf_reserve(out, BINARY_HEADER + body)) {
        return false;
    }
    to = buf_tail(out);
    to = save(to, 1, BINARY_RESPONSE);
    to = save(to, 1, head->opcode);
    to = save(to, 2, f->key.n);
    to = save(to, 1, f->extras.n);
    to = save(to, 1, 0);
    to = save(to, 2, (uint64_t)f->status);
    to = save(to, 4, body);
    to = save(to, 4, head->opaque);
    to = save(to, 8, f->cas);
    to = add(to, f->extras);
    to = add(to, f->key);
    (void)add(to, f->value);
    buf_advance(out, BINARY_HEADER + body);
    return true;
}

static struct slice
text_of(enum binary_status status)
{
    switch (status) {
    case BINARY_OK:
        break;
    case BINARY_NOT_FOUND:
        return SLICE("Not found");
    case BINARY_EXISTS:
        return SLICE("Data exists for key.");
    case BINARY_TOO_LARGE:
        return SLICE("Too large.");
    case BINARY_INVALID:
        return SLICE("Invalid arguments");
    case BINARY_NOT_STORED:
        return SLICE("Not stored.");
    case BINARY_NON_NUMERIC:
        return SLICE("Non-numeric server-side value for incr or decr");
    case BINARY_UNKNOWN:
        return SLICE("Unknown command");
    case BINARY_NO_MEMORY:
        return SLICE("Out of memory");
    case BINARY_INTERNAL:
        return SLICE("Internal error");
    }
    return SLICE("");
}

static bool
put_status(struct buf *out, const struct binary_head *head,
           enum binary_status status)
{
    const struct frame f = {.status = status, .value = text_of(status)};

    return put(out, head, &f);
}

/* Nothing of the kind: quiet requests say nothing, getk its key alone. */
static bool
put_miss(struct buf *out, const struct binary_head *head, struct slice key)
{
    const struct frame f = {.status = BINARY_NOT_FOUND, .key = key};

    if (head->quiet) {
        return true;
    }
    return head->with_key ? put(out, head, &f)
                          : put_status(out, head, BINARY_NOT_FOUND);
}

static bool
put_value(struct buf *out, struct binary_head *head, const struct reply *reply)
{
    char flags[4];
    struct frame f = {
        .extras = {flags, sizeof(flags)},
        .value = reply->data,
        .cas = reply->version,
    };

    (void)save(flags, sizeof(flags), reply->flags);
    if (head->with_key) {
        f.key = reply->key;
    }
    if (head->opcode == OP_TOUCH) {
        f.value.n = 0;
    }
    head->hit = true;
    return put(out, head, &f);
}

/* "STAT name value", the value with whatever spaces it has. */
static bool
put_stat(struct buf *out, const struct binary_head *head, struct slice line)
{
    struct frame f = {.status = BINARY_OK};

    (void)words_next(&line);
    f.key = words_next(&line);
    words_skip(&line);
    f.value = line;
    return put(out, head, &f);
}

/* The number behind the first word, 0 when there is none. */
static uint64_t
told_version(struct slice line)
{
    uint64_t version;

    (void)words_next(&line);
    return slice_u64(words_next(&line), UINT64_MAX, &version) ? version : 0;
}

static bool
put_success(struct buf *out, const struct binary_head *head,
            const struct reply *reply)
{
    char number[8];
    struct frame f = {.status = BINARY_OK};

    if (head->quiet) {
        return true;
    }
    if (reply->code == REPLY_CODE_VERSION) {
        f.value = reply->line;
        (void)words_next(&f.value);
        words_skip(&f.value);
    } else {
        f.cas = told_version(reply->line);
    }
    if (reply->code == REPLY_CODE_NUMBER) {
        (void)save(number, sizeof(number), reply->number);
        f.value = (struct slice){number, sizeof(number)};
    }
    return put(out, head, &f);
}

static enum binary_status
why_not_stored(uint8_t opcode)
{
    switch (opcode) {
    case OP_ADD:
    case OP_ADDQ:
        return BINARY_EXISTS;
    case OP_REPLACE:
    case OP_REPLACEQ:
        return BINARY_NOT_FOUND;
    default:
        return BINARY_NOT_STORED;
    }
}

static bool
starts_with(struct slice line, struct slice start)
{
    return line.n >= start.n && memcmp(line.p, start.p, start.n) == 0;
}

/* SERVER_ERROR text: what there is a status for, or the text. */
static bool
put_trouble(struct buf *out, const struct binary_head *head, struct slice line)
{
    struct frame f = {.status = BINARY_INTERNAL, .value = line};

    if (starts_with(line, SLICE("SERVER_ERROR object too large"))) {
        return put_status(out, head, BINARY_TOO_LARGE);
    }
    if (starts_with(line, SLICE("SERVER_ERROR out of memory"))) {
        return put_status(out, head, BINARY_NO_MEMORY);
    }
    (void)words_next(&f.value);
    words_skip(&f.value);
    return put(out, head, &f);
}

static bool
put_end(struct buf *out, const struct binary_head *head, struct slice key)
{
    const struct frame empty = {.status = BINARY_OK};

    if (head->opcode == OP_STAT) {
        return put(out, head, &empty);
    }
    return head->hit || put_miss(out, head, key);
}

static bool
put_line(struct buf *out, const struct binary_head *head, struct slice key,
         const struct reply *reply)
{
    switch (reply->code) {
    case REPLY_CODE_END:
        return put_end(out, head, key);
    case REPLY_CODE_OK:
    case REPLY_CODE_STORED:
    case REPLY_CODE_DELETED:
    case REPLY_CODE_FOUND:
    case REPLY_CODE_TOUCHED:
    case REPLY_CODE_VERSION:
    case REPLY_CODE_RESET:
    case REPLY_CODE_NUMBER:
        return put_success(out, head, reply);
    case REPLY_CODE_NOT_STORED:
        return put_status(out, head, why_not_stored(head->opcode));
    case REPLY_CODE_EXISTS:
        return put_status(out, head, BINARY_EXISTS);
    case REPLY_CODE_NOT_FOUND:
        return put_status(out, head, BINARY_NOT_FOUND);
    case REPLY_CODE_CLIENT_ERROR:
        return put_status(out, head, BINARY_NON_NUMERIC);
    case REPLY_CODE_ERROR:
        return put_status(out, head,
                          head->opcode == OP_STAT ? BINARY_NOT_FOUND
                                                  : BINARY_UNKNOWN);
    case REPLY_CODE_SERVER_ERROR:
    case REPLY_CODE_HD: /* of meta commands, which no frame becomes */
    case REPLY_CODE_NS:
    case REPLY_CODE_EX:
    case REPLY_CODE_NF:
    case REPLY_CODE_EN:
    case REPLY_CODE_ME:
    case REPLY_CODE_MN:
    case REPLY_CODE_VA:
    case REPLY_CODE_REPL:
    case REPLY_CODE_WANT:
    case REPLY_CODE_COUNT:
        break;
    }
    return put_trouble(out, head, reply->line);
}

enum reply_expect
binary_expect(const struct binary_head *head)
{
    if (head->status != BINARY_OK) {
        return EXPECT_LINE;
    }
    switch (head->opcode) {
    case 0x00: /* get getq getk getkq */
    case 0x09:
    case 0x0c:
    case 0x0d:
    case OP_TOUCH:
    case 0x1d: /* gat gatq gatk gatkq */
    case 0x1e:
    case 0x23:
    case 0x24:
        return EXPECT_VALUES;
    case OP_STAT:
        return EXPECT_LINES;
    default:
        return EXPECT_LINE;
    }
}

bool
binary_answer(struct buf *out, struct binary_head *head, struct slice key,
              const struct reply *reply)
{
    if (head->status != BINARY_OK) {
        return put_status(out, head, head->status);
    }
    switch (reply->kind) {
    case REPLY_VALUE:
        return put_value(out, head, reply);
    case REPLY_ITEM:
        return put_stat(out, head, reply->line);
    case REPLY_LINE:
        break;
    }
    return put_line(out, head, key, reply);
}
