#include "flared/start.h"

#include <malloc.h>

enum { KEEP = 4 << 20 }; /* bytes of each thread */

int
main(int argc, char **argv)
{
    static struct flared node;
    struct conf conf;
    int status = 0;

    /* Long answers come and go: the kernel need not zero their pages again. */
    (void)mallopt(M_TRIM_THRESHOLD, KEEP);
    (void)mallopt(M_MMAP_THRESHOLD, KEEP / 4);

    if (!conf_start(&conf, &flared_conf_spec, &node.options, argc, argv,
                    &status)) {
        return status;
    }
    node.conf = &conf;
    status = node_main(&node);
    conf_fini(&conf);
    return status;
}
