/*
 * What nodes say of their data, and the index's own state.  The first byte
 * chooses: "p" a POSITION line, "d" the words of "node add", any other the
 * lines of a flarei.state, to which a header and a checksum are added.
 * Whatever state is read comes back the same when it is written and read again.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "index/position.h"
#include "index/side.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct index_book book, back_book;

static struct cluster_map *
some_map(void)
{
    struct cluster_map *map = cluster_map_new(4);

    assert(map != NULL);
    map->version = 100;
    for (uint64_t port = 1; port <= 4; port++) {
        struct node node = {.role = port > 2 ? NODE_MASTER : NODE_PROXY,
                            .state = port % 2 == 0 ? NODE_DOWN : NODE_ACTIVE};

        assert(node_set_name(&node, SLICE("a"), port));
        (void)cluster_map_put(map, &node);
    }
    return map;
}

static void
read_state(struct slice lines)
{
    struct cluster_map *map = some_map(), *back = some_map();
    struct buf text = {0};
    struct buf again = {0};

    assert(buf_put_str(&text, "flarei.state 1\n") &&
           buf_put_slice(&text, lines));
    assert(buf_printf(&text, "crc %08x\n",
                      (unsigned)crc32c(0, text.base, buf_len(&text))));
    memset(&book, 0, sizeof(book));
    memset(&back_book, 0, sizeof(back_book));
    if (index_side_take(buf_slice(&text), map, &book).why == NULL) {
        assert(index_side_put(&again, NULL, map, &book));
        assert(index_side_take(buf_slice(&again), back, &back_book).why ==
               NULL);
        assert(memcmp(map->node, back->node,
                      map->nnodes * sizeof(map->node[0])) == 0);
        assert(memcmp(&book, &back_book, sizeof(book)) == 0);
    }
    buf_fini(&text);
    buf_fini(&again);
    cluster_map_unref(map);
    cluster_map_unref(back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    struct node_data said;
    uint64_t version;

    assert(copy != NULL);
    memcpy(copy, data, size);
    if (size > 0 && data[0] == 'p') {
        (void)index_position_parse((struct slice){copy + 1, size - 1}, &said);
    } else if (size > 0 && data[0] == 'd') {
        (void)index_data_parse((struct slice){copy, size}, &said, &version);
    } else {
        read_state((struct slice){copy, size});
    }
    free(copy);
    return 0;
}
