/*
 * The file, lines that end in CR LF but for the first and the last:
 *
 *     flare-map 1 VERSION
 *     META ...             as the index answers to "meta"
 *     NODE ...             as in "node sync"
 *     crc32c XXXXXXXX      of everything before this line
 */
#include "flared/last_map.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/log.h"
#include "cluster/map_text.h"

static const char tail[] = "crc32c ";

enum { TAIL = sizeof(tail) - 1 + 8 + 1 }; /* eight digits and a line end */

bool
last_map_put(struct buf *out, const struct cluster_meta *meta,
             const struct cluster_map *map)
{
    return buf_printf(out, "flare-map 1 %" PRIu64 "\n", map->version) &&
           index_meta_put(out, meta) && map_text_put_nodes(out, map) &&
           buf_printf(out, "%s%08" PRIx32 "\n", tail,
                      crc32c(0, buf_slice(out).p, buf_len(out)));
}

/* Cut the last line off; false: it does not say what the rest is. */
static bool
take_checksum(struct slice *bytes)
{
    size_t n = bytes->n - TAIL;
    AUTO_FREE char *line = NULL;

    if (bytes->n < TAIL) {
        return false;
    }
    line = xasprintf("%s%08" PRIx32 "\n", tail, crc32c(0, bytes->p, n));
    if (!slice_eq((struct slice){bytes->p + n, TAIL}, slice_str(line))) {
        return false;
    }
    bytes->n = n;
    return true;
}

static bool
take_head(struct slice *bytes, uint64_t *version)
{
    struct slice line = slice_until(bytes, '\n');

    return slice_eq(slice_word(&line), SLICE("flare-map")) &&
           slice_eq(slice_word(&line), SLICE("1")) &&
           slice_u64(slice_word(&line), UINT64_MAX, version) && line.n == 0;
}

static void
take_meta(struct slice *bytes, struct index_meta *meta)
{
    *meta = index_meta_default();
    while (bytes->n > 0 && *bytes->p == 'M') {
        struct slice line = slice_until(bytes, '\n');

        line.n -= line.n > 0 && line.p[line.n - 1] == '\r' ? 1 : 0;
        index_meta_line(meta, line);
    }
}

struct cluster_map *
last_map_parse(struct slice bytes, struct index_meta *meta, const char **why)
{
    uint64_t version;
    unsigned line;

    if (!take_checksum(&bytes)) {
        *why = "its checksum is wrong";
        return NULL;
    }
    if (!take_head(&bytes, &version)) {
        *why = "it is of an unknown format";
        return NULL;
    }
    take_meta(&bytes, meta);
    return map_text_parse(bytes, version, why, &line);
}

static char *
path_of(const struct flared *node)
{
    return xasprintf("%s/last_map", node->options.data_dir);
}

void
last_map_save(const struct flared *node, const struct cluster_map *map)
{
    AUTO_FREE char *path = path_of(node);
    struct buf text = {NULL, 0, 0, 0};
    struct err err;

    if (!last_map_put(&text, &node->meta, map)) {
        log_warn("%s: memory is out; the map is not kept", path);
    } else if (file_write_atomic(path, buf_slice(&text), &err) != 0) {
        log_warn("the map is not kept for a start without the index: %s",
                 err.msg);
    }
    buf_fini(&text);
}

struct cluster_map *
last_map_load(const struct flared *node, struct index_meta *meta)
{
    AUTO_FREE char *path = path_of(node);
    struct buf text = {NULL, 0, 0, 0};
    struct cluster_map *map = NULL;
    const char *why = "memory is out";
    struct err err;

    if (access(path, F_OK) != 0 && errno == ENOENT) {
        return NULL;
    }
    if (file_read_all(path, &text, &err) != 0) {
        log_warn("the last map cannot be read: %s", err.msg);
    } else {
        map = last_map_parse(buf_slice(&text), meta, &why);
        if (map == NULL) {
            log_warn("%s is of no use: %s", path, why);
        }
    }
    buf_fini(&text);
    return map;
}

void
last_map_remove(const struct flared *node)
{
    AUTO_FREE char *path = path_of(node);

    if (unlink(path) != 0 && errno != ENOENT) {
        log_warn_sys("remove %s", path);
    }
}
