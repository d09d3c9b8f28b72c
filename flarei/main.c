#include "flarei/start.h"

int
main(int argc, char **argv)
{
    static struct flarei flarei;
    struct conf conf;
    int status = 0;

    if (!conf_start(&conf, &flarei_conf_spec, &flarei.options, argc, argv,
                    &status)) {
        return status;
    }
    flarei.conf = &conf;
    status = flarei_main(&flarei);
    conf_fini(&conf);
    return status;
}
