/*
 * flarei: what the parts of the index server share.
 *
 * Everything runs on one loop; nothing in it waits for anybody.
 */
#ifndef FLARE_FLAREI_FLAREI_H
#define FLARE_FLAREI_FLAREI_H

#include "base/list.h"
#include "base/strmap.h"
#include "cluster/map.h"
#include "coord/coord.h"
#include "flarei/broadcast.h"
#include "flarei/options.h"
#include "index/book.h"
#include "net/loop.h"

struct server;
struct trust;

struct flarei {
    struct flarei_options options;
    struct conf *conf;
    struct loop loop;
    struct coord *coord;
    struct cluster_map *map; /* in force: it is durable */
    struct index_book book;  /* how its masters changed; durable with it */
    struct strmap members;   /* node key -> struct member; as in map */
    struct list elections;   /* of struct election */
    struct list switchovers; /* of struct switchover */
    struct broadcast broadcast;
    struct server *server;
    struct trust *trust; /* option trusted */
    uint64_t last_id;    /* of connections and monitors, as "stats threads" */
    struct wall started; /* when the process began to serve */
};

#endif
