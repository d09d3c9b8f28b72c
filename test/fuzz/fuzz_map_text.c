/*
 * Input that begins with "<" is read as flare.xml, any other as NODE lines.
 * Whatever parses comes back the same when it is written and parsed again.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/map_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cluster_map *
parse(bool xml, struct slice text)
{
    const char *why = NULL;
    unsigned line = 0;
    struct cluster_map *map = xml ? map_text_parse_xml(text, &why, &line)
                                  : map_text_parse(text, 1, &why, &line);

    assert(map != NULL || why != NULL);
    return map;
}

static bool
put(bool xml, struct buf *out, const struct cluster_map *map)
{
    return xml ? map_text_put_xml(out, map) : map_text_put_nodes(out, map);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool xml = size > 0 && data[0] == '<';
    struct cluster_map *map;
    struct cluster_map *back;
    struct buf out = {0};
    char *copy = malloc(size + 1);

    assert(copy != NULL);
    memcpy(copy, data, size);
    map = parse(xml, (struct slice){copy, size});
    if (map != NULL) {
        (void)cluster_map_broken(map);
        assert(put(xml, &out, map));
        back = parse(xml, buf_slice(&out));
        assert(back != NULL && back->nnodes == map->nnodes);
        assert(memcmp(back->node, map->node,
                      map->nnodes * sizeof(map->node[0])) == 0);
        cluster_map_unref(back);
        buf_fini(&out);
    }
    cluster_map_unref(map);
    free(copy);
    return 0;
}
