/*
 * Prints what the option tables of a daemon say: as a sample file, or as the
 * OPTIONS of its manual page.  For "make update-options".
 */
#include <stdio.h>
#include <string.h>

#include "conf/conf_text.h"
#include "flared/options.h"
#include "flarei/options.h"

int
main(int argc, char **argv)
{
    const struct conf_spec *spec = &flared_conf_spec;
    struct buf text = {0};

    if (argc != 3) {
        (void)fprintf(stderr, "Usage: %s flared|flarei conf|man\n", argv[0]);
        return 2;
    }
    if (strcmp(argv[1], "flarei") == 0) {
        spec = &flarei_conf_spec;
    }
    if (strcmp(argv[2], "man") == 0) {
        conf_text_man(spec, &text);
    } else {
        conf_text_template(spec, &text);
    }
    (void)fwrite(buf_slice(&text).p, 1, buf_len(&text), stdout);
    buf_fini(&text);
    return 0;
}
