#include "proto/binary.h"

#include <string.h>

enum {
    AT_OPCODE = 1,
    AT_KEY_LENGTH = 2,
    AT_EXTRAS_LENGTH = 4,
    AT_BODY_LENGTH = 8,
    AT_OPAQUE = 12,
    AT_CAS = 16,
    NO_CREATE = -1, /* expiry of an incr that makes no counter, 32 bits */
};

/* What a frame of an opcode has besides its header. */
enum form {
    FORM_UNKNOWN,
    FORM_NONE,   /* nothing at all */
    FORM_KEY,    /* a key */
    FORM_STORE,  /* flags, expiry; key; value */
    FORM_JOIN,   /* key; value */
    FORM_NUMBER, /* delta, initial, expiry; key */
    FORM_TOUCH,  /* expiry; key */
    FORM_FLUSH,  /* expiry, or nothing */
    FORM_STAT,   /* a key, or nothing */
};

static const struct {
    unsigned char form, command;
    bool quiet, with_key;
} opcodes[] = {
    [0x00] = {FORM_KEY, COMMAND_GETS, false, false},
    [0x01] = {FORM_STORE, COMMAND_SET, false, false},
    [0x02] = {FORM_STORE, COMMAND_ADD, false, false},
    [0x03] = {FORM_STORE, COMMAND_REPLACE, false, false},
    [0x04] = {FORM_KEY, COMMAND_DELETE, false, false},
    [0x05] = {FORM_NUMBER, COMMAND_INCR, false, false},
    [0x06] = {FORM_NUMBER, COMMAND_DECR, false, false},
    [0x07] = {FORM_NONE, COMMAND_QUIT, false, false},
    [0x08] = {FORM_FLUSH, COMMAND_FLUSH_ALL, false, false},
    [0x09] = {FORM_KEY, COMMAND_GETS, true, false},
    [0x0a] = {FORM_NONE, COMMAND_VERBOSITY, false, false}, /* no-op: OK */
    [0x0b] = {FORM_NONE, COMMAND_VERSION, false, false},
    [0x0c] = {FORM_KEY, COMMAND_GETS, false, true},
    [0x0d] = {FORM_KEY, COMMAND_GETS, true, true},
    [0x0e] = {FORM_JOIN, COMMAND_APPEND, false, false},
    [0x0f] = {FORM_JOIN, COMMAND_PREPEND, false, false},
    [0x10] = {FORM_STAT, COMMAND_STATS, false, false},
    [0x11] = {FORM_STORE, COMMAND_SET, true, false},
    [0x12] = {FORM_STORE, COMMAND_ADD, true, false},
    [0x13] = {FORM_STORE, COMMAND_REPLACE, true, false},
    [0x14] = {FORM_KEY, COMMAND_DELETE, true, false},
    [0x15] = {FORM_NUMBER, COMMAND_INCR, true, false},
    [0x16] = {FORM_NUMBER, COMMAND_DECR, true, false},
    [0x17] = {FORM_NONE, COMMAND_QUIT, true, false},
    [0x18] = {FORM_FLUSH, COMMAND_FLUSH_ALL, true, false},
    [0x19] = {FORM_JOIN, COMMAND_APPEND, true, false},
    [0x1a] = {FORM_JOIN, COMMAND_PREPEND, true, false},
    [0x1c] = {FORM_TOUCH, COMMAND_GATS, false, false},
    [0x1d] = {FORM_TOUCH, COMMAND_GATS, false, false},
    [0x1e] = {FORM_TOUCH, COMMAND_GATS, true, false},
    [0x23] = {FORM_TOUCH, COMMAND_GATS, false, true},
    [0x24] = {FORM_TOUCH, COMMAND_GATS, true, true},
};

static const struct {
    unsigned char extras;
    bool no_extras_too, key, value;
} forms[] = {
    [FORM_NONE] = {0, false, false, false},
    [FORM_KEY] = {0, false, true, false},
    [FORM_STORE] = {8, false, true, true},
    [FORM_JOIN] = {0, false, true, true},
    [FORM_NUMBER] = {20, false, true, false},
    [FORM_TOUCH] = {4, false, true, false},
    [FORM_FLUSH] = {4, true, false, false},
    [FORM_STAT] = {0, false, true, false},
};

/* A frame's own account of its parts. */
struct frame {
    enum form form;
    size_t key, extras;
    uint64_t body, value; /* value: what is left of the body */
    uint64_t cas;
};

static uint64_t
load(const char *p, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++) {
        value = value << 8 | (unsigned char)p[i];
    }
    return value;
}

static void
read_header(const char *p, struct frame *frame, struct binary_head *head)
{
    *head = (struct binary_head){
        .opcode = (uint8_t)load(p + AT_OPCODE, 1),
        .opaque = (uint32_t)load(p + AT_OPAQUE, 4),
    };
    *frame = (struct frame){
        .key = (size_t)load(p + AT_KEY_LENGTH, 2),
        .extras = (size_t)load(p + AT_EXTRAS_LENGTH, 1),
        .body = load(p + AT_BODY_LENGTH, 4),
        .cas = load(p + AT_CAS, 8),
    };
    if (head->opcode < sizeof(opcodes) / sizeof(opcodes[0])) {
        frame->form = opcodes[head->opcode].form;
        head->quiet = opcodes[head->opcode].quiet;
        head->with_key = opcodes[head->opcode].with_key;
    }
}

static bool
has_right_lengths(const struct frame *frame, size_t key_max)
{
    bool optional = frame->form == FORM_STAT;
    bool extras = frame->extras == forms[frame->form].extras ||
                  (frame->extras == 0 && forms[frame->form].no_extras_too);
    bool key = frame->key == 0 ? optional || !forms[frame->form].key
                               : forms[frame->form].key;

    return extras && key && frame->key <= key_max &&
           (frame->value == 0 || forms[frame->form].value);
}

/* Go on behind what is refused, unless that is too far. */
static enum parse_status
skip_body(size_t consumed, uint64_t body, enum parse_status status,
          struct parse *out)
{
    if (body > BINARY_BODY_MAX) {
        return PARSE_CLOSE;
    }
    out->consumed = consumed;
    out->skip = body;
    return status;
}

/* Is it a frame that we can go on behind?  PARSE_OK: and it is complete. */
static enum parse_status
check(struct slice in, const struct proto_limits *limits, struct frame *frame,
      struct binary_head *head, struct parse *out)
{
    size_t before = BINARY_HEADER + frame->extras + frame->key;

    out->consumed = in.n;
    if (frame->extras + frame->key > frame->body) {
        head->status = BINARY_UNKNOWN;
        return PARSE_CLOSE;
    }
    frame->value = frame->body - frame->extras - frame->key;
    if (frame->form == FORM_UNKNOWN) {
        head->status = BINARY_UNKNOWN;
        return skip_body(BINARY_HEADER, frame->body, PARSE_BAD, out);
    }
    if (!has_right_lengths(frame, limits->key_max)) {
        head->status = BINARY_INVALID;
        return PARSE_CLOSE;
    }
    if (in.n < before) {
        out->consumed = 0;
        out->need = before;
        return PARSE_MORE;
    }
    if (frame->value > limits->value_max) {
        head->status = BINARY_TOO_LARGE;
        return skip_body(before, frame->value, PARSE_TOO_LARGE, out);
    }
    out->consumed = before + (size_t)frame->value;
    if (in.n < out->consumed) {
        out->need = out->consumed;
        out->consumed = 0;
        return PARSE_MORE;
    }
    return PARSE_OK;
}

/*
 * A key that no line of text can carry could be stored here, but not be passed
 * on, copied or dumped.
 */
static bool
is_text(struct slice key)
{
    for (size_t i = 0; i < key.n; i++) {
        if (strchr(" \r\n", key.p[i]) != NULL) { /* NUL included */
            return false;
        }
    }
    return true;
}

static void
read_number(const char *extras, struct request *req)
{
    int32_t expiry = (int32_t)load(extras + 16, 4);

    req->number = load(extras, 8);
    if (expiry != NO_CREATE) {
        req->create = true;
        req->initial = load(extras + 8, 8);
        req->exptime = (int64_t)(uint32_t)expiry;
    }
}

static void
read_extras(const char *extras, const struct frame *frame, struct request *req)
{
    switch (frame->form) {
    case FORM_STORE:
        req->flags = (uint32_t)load(extras, 4);
        req->exptime = (int64_t)load(extras + 4, 4);
        break;
    case FORM_NUMBER:
        read_number(extras, req);
        break;
    case FORM_TOUCH:
    case FORM_FLUSH:
        req->exptime = frame->extras == 0 ? 0 : (int64_t)load(extras, 4);
        break;
    case FORM_UNKNOWN:
    case FORM_NONE:
    case FORM_KEY:
    case FORM_JOIN:
    case FORM_STAT:
        break;
    }
}

/* The cas of a request is a condition; to get and touch it means nothing. */
static void
read_cas(const struct frame *frame, struct request *req)
{
    if (frame->cas == 0 || !command_writes(req->command) ||
        frame->form == FORM_TOUCH) {
        return;
    }
    if (frame->form == FORM_STORE) {
        req->command = COMMAND_CAS;
        req->has_version = true;
        req->version = frame->cas;
    } else {
        req->has_unique = true;
        req->unique = frame->cas;
    }
}

static void
fill(const char *body, const struct frame *frame, enum command command,
     struct request *req)
{
    const struct slice key = {body + frame->extras, frame->key};

    memset(req, 0, sizeof(*req));
    req->command = command;
    req->key = key;
    req->keys = key;
    req->nkeys = 1;
    req->words = key;
    req->tell_version = command_writes(command);
    read_extras(body, frame, req);
}

enum parse_status
binary_parse(struct slice in, const struct proto_limits *limits,
             struct request *req, struct binary_head *head, struct parse *out)
{
    struct frame frame;
    enum parse_status status;

    *out = (struct parse){0, 0, 0, NULL};
    if (in.n > 0 && (unsigned char)*in.p != BINARY_REQUEST) {
        *head = (struct binary_head){.status = BINARY_OK};
        out->consumed = in.n;
        return PARSE_CLOSE;
    }
    if (in.n < BINARY_HEADER) {
        out->need = BINARY_HEADER;
        return PARSE_MORE;
    }
    read_header(in.p, &frame, head);
    status = check(in, limits, &frame, head, out);
    if (status != PARSE_OK && status != PARSE_TOO_LARGE) {
        return status;
    }
    fill(in.p + BINARY_HEADER, &frame, opcodes[head->opcode].command, req);
    if (frame.form != FORM_STAT && !is_text(req->key)) {
        head->status = BINARY_INVALID;
        return PARSE_BAD;
    }
    if (status == PARSE_OK) {
        read_cas(&frame, req);
        req->value =
            (struct slice){req->key.p + frame.key, (size_t)frame.value};
    }
    return status;
}
