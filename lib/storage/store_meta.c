#include "storage/store_meta.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

static const char title[] = "flare-store 1";

static bool
set_field(struct store_meta *m, struct slice name, struct slice value)
{
    uint64_t number = 0;

    if (slice_eq(name, SLICE("engine"))) {
        if (value.n >= sizeof(m->engine)) {
            return false;
        }
        memcpy(m->engine, value.p, value.n);
        m->engine[value.n] = '\0';
        return true;
    }
    if (!slice_u64(value, UINT64_MAX, &number)) {
        return false;
    }
    if (slice_eq(name, SLICE("seq"))) {
        m->seq = number;
    } else if (slice_eq(name, SLICE("version"))) {
        m->version = number;
    } else if (slice_eq(name, SLICE("size"))) {
        m->size = number;
    } else if (slice_eq(name, SLICE("mtime"))) {
        m->mtime_ns = number;
    } else if (slice_eq(name, SLICE("clean"))) {
        m->clean = number != 0;
    } else if (slice_eq(name, SLICE("settled"))) {
        m->settled = number != 0;
    } else if (slice_eq(name, SLICE("cut"))) {
        m->cut = number != 0;
    } else if (slice_eq(name, SLICE("complete"))) {
        m->complete = number != 0;
    }
    return true;
}

static bool
parse(struct store_meta *m, struct slice text)
{
    if (!slice_eq(slice_until(&text, '\n'), slice_str(title))) {
        return false;
    }
    while (text.n > 0) {
        struct slice line = slice_until(&text, '\n');
        struct slice name = slice_word(&line);

        if (!set_field(m, name, slice_word(&line))) {
            return false;
        }
    }
    return true;
}

int
store_meta_load(struct store_meta *out, const char *path, struct err *err)
{
    struct buf text = {0};
    int rc = 0;

    memset(out, 0, sizeof(*out));
    if (access(path, F_OK) != 0) {
        return 0;
    }
    rc = file_read_all(path, &text, err);
    if (rc == 0) {
        out->exists = parse(out, buf_slice(&text));
        if (!out->exists) {
            rc = err_set(err, ERR_CORRUPT, "%s: damaged at offset 0", path);
        }
    }
    buf_fini(&text);
    return rc;
}

int
store_meta_save(const struct store_meta *meta, const char *path,
                struct err *err)
{
    char text[512];
    int n = snprintf(
        text, sizeof(text),
        "%s\nengine %s\nseq %" PRIu64 "\nversion %" PRIu64
        "\ncomplete %d\nclean %d\nsettled %d\ncut %d\nsize %" PRIu64
        "\nmtime %" PRIu64 "\n",
        title, meta->engine, meta->seq, meta->version, meta->complete,
        meta->clean, meta->settled, meta->cut, meta->size, meta->mtime_ns);

    return file_write_atomic(path, (struct slice){text, (size_t)n}, err);
}

int
store_meta_stat(struct store_meta *meta, const char *path, struct err *err)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        return err_sys(err, "stat %s", path);
    }
    meta->size = (uint64_t)st.st_size;
    meta->mtime_ns =
        (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec;
    return 0;
}
