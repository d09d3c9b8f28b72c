#!/bin/sh
# clang-tidy finds nothing to say.  Run by .ci/run, not by "make check": it
# takes minutes.  Arguments: files; none means all sources.
cd "$top_srcdir" || exit 99
command -v clang-tidy >/dev/null || exit 77
if test $# = 0; then
    set -- $(find lib flarei flared flare-admin flare-stats test \
        -name '*.c' | sort)
fi
flags="-std=gnu11 -D_GNU_SOURCE -Ilib -I. -DPACKAGE_VERSION=\"0\"
    -DPACKAGE_NAME=\"flare\" -DPACKAGE_STRING=\"flare\" -DSYSCONFDIR=\"/etc\"
    $(pkg-config --cflags libevent tokyocabinet zlib cmocka libmemcached)"
export flags
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 sh -c '
    out=$(clang-tidy --quiet "$@" -- $flags 2>/dev/null) && exit 0
    echo "$out"
    exit 1' tidy
