/*
 * Any bytes as a daemon's option file; the first one chooses the daemon.  What
 * is accepted is shown, and the file so shown says the same; what is not has a
 * reason.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/conf_text.h"
#include "flared/options.h"
#include "flarei/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static union {
    struct flared_options flared;
    struct flarei_options flarei;
} options;

static bool
read_file(struct conf *conf, const struct conf_spec *spec, struct slice text)
{
    static int file = -1;
    static char path[64];
    char program[] = "program", option[] = "-f";
    char *args[] = {program, option, path, NULL};
    struct err err = {.msg = ""};

    if (file < 0) {
        file = memfd_create("options", MFD_CLOEXEC);
        assert(file >= 0);
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
        log_set_level(LOG_LEVEL_ERROR);
    }
    assert(ftruncate(file, 0) == 0);
    assert(pwrite(file, text.p, text.n, 0) == (ssize_t)text.n);
    memset(&options, 0, sizeof(options));
    if (conf_init(conf, spec, &options, 3, args, &err) != 0) {
        assert(err.msg[0] != '\0');
        return false;
    }
    return true;
}

/* Without the comments, which say where a value is from. */
static void
show(struct conf *conf, struct buf *out)
{
    struct buf all = {NULL, 0, 0, 0};
    struct slice rest;

    conf_text_show(conf, &all);
    rest = buf_slice(&all);
    while (rest.n > 0) {
        struct slice line = slice_until(&rest, '\n');
        const char *comment = memchr(line.p, '#', line.n);

        if (comment == NULL) {
            assert(buf_put_slice(out, line) && buf_put(out, "\n", 1));
        }
    }
    buf_fini(&all);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf first = {NULL, 0, 0, 0}, second = {NULL, 0, 0, 0};
    const struct conf_spec *spec;
    struct conf conf;

    if (size < 1) {
        return 0;
    }
    spec = data[0] % 2 == 0 ? &flared_conf_spec : &flarei_conf_spec;
    if (!read_file(&conf, spec,
                   (struct slice){(const char *)data + 1, size - 1})) {
        return 0;
    }
    conf_text_show(&conf, &first);
    conf_fini(&conf);
    assert(read_file(&conf, spec, buf_slice(&first)));
    buf_clear(&first);
    show(&conf, &first);
    conf_text_show(&conf, &second);
    conf_fini(&conf);
    assert(read_file(&conf, spec, buf_slice(&second)));
    buf_clear(&second);
    show(&conf, &second);
    conf_fini(&conf);
    assert(slice_eq(buf_slice(&first), buf_slice(&second)));
    buf_fini(&first);
    buf_fini(&second);
    return 0;
}
