#include "flared/start.h"

int
main(int argc, char **argv)
{
    static struct flared node;
    struct conf conf;
    int status = 0;

    if (!conf_start(&conf, &flared_conf_spec, &node.options, argc, argv,
                    &status)) {
        return status;
    }
    node.conf = &conf;
    status = node_main(&node);
    conf_fini(&conf);
    return status;
}
