#!/bin/sh
# Each lint script passes on a clean tree and fails, with the right words, on
# a tree into which a violation was planted.
lint=$(cd "$top_srcdir/test/lint" && pwd) || exit 99
conf=$(cd "$top_srcdir/lib" && pwd)/layers.conf
tree=$(mktemp -d) || exit 99
trap 'rm -rf "$tree"' EXIT
status=0

# A small tree that breaks no rule.
clean_tree() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree/lib/base" "$tree/lib/proto" "$tree/flarei" \
        "$tree/flared" "$tree/flare-admin" "$tree/flare-stats" "$tree/test/lint"
    cp "$conf" "$tree/lib/"
    cp "$lint"/* "$tree/test/lint/"
    put lib/base/b.h '#ifndef FLARE_BASE_B_H' '#define FLARE_BASE_B_H' \
        'int b(void);' 'int clock_mono(void);' '#endif'
    put lib/base/b.c '#include "base/b.h"' '#include <time.h>' \
        'int b(void) { return 1; }' \
        'int clock_mono(void) { return (int)time(NULL); }'
    put lib/proto/p.h '#ifndef FLARE_PROTO_P_H' '#define FLARE_PROTO_P_H' \
        'int p(void);' '#endif'
    put lib/proto/p.c '#include "proto/p.h"' '#include "base/b.h"' \
        'int p(void) { return b(); }'
    put flare-admin/a.h '#ifndef FLARE_FLARE_ADMIN_A_H' \
        '#define FLARE_FLARE_ADMIN_A_H' 'int a(void);' '#endif'
    put flare-admin/a.c '#include "flare-admin/a.h"' '#include "proto/p.h"' \
        'int a(void) { return p(); }'
    put test/t.c '#include <event2/event.h>' '#include "proto/p.h"' \
        'int t(void);' 'int t(void) { return p(); }'
}

# put FILE LINE...
put() {
    file=$1
    shift
    printf '%s\n' "$@" >"$tree/$file"
}

# lines N: that many lines of nothing
lines() {
    awk -v n="$1" 'BEGIN { while (n-- > 0) print "/* */" }'
}

run() {
    (cd "$tree" && top_srcdir=$tree sh "$lint/$1.sh" 2>&1)
}

compile() {
    for c in base/b proto/p; do
        (cd "$tree" && $CC -O0 -Ilib -c "lib/$c.c" -o "lib/$c.o") || exit 99
    done
}

passes() {
    out=$(run "$1") && return
    echo "$1.sh fails on a clean tree: $out"
    status=1
}

# refuses SCRIPT WORDS: it fails and says so
refuses() {
    if out=$(run "$1"); then
        echo "$1.sh does not see: $2"
        status=1
    elif ! echo "$out" | grep -qF "$2"; then
        echo "$1.sh says \"$out\" instead of \"$2\""
        status=1
    fi
    clean_tree
}

clean_tree
for script in headers layers size; do
    passes $script
done
compile
passes pure

put lib/base/b.c '#include "base/b.h"' '#include "proto/p.h"'
refuses layers '"base" may not include "proto/p.h"'
put lib/proto/p.c '#include "proto/p.h"' '#include <event2/event.h>'
refuses layers '"proto" may not include <event2/event.h>'
put lib/proto/p.c '#include "p.h"'
refuses layers 'write "p.h" as "module/file.h"'
put flare-admin/a.c '#include "flare-admin/a.h"' '#include "storage/s.h"'
refuses layers '"flare-admin" may not include "storage/s.h"'
mkdir "$tree/lib/extra"
put lib/extra/e.c 'int e;'
refuses layers 'module "extra" is not in layers.conf'
sed -i 's/^base  *: -/base : proto/' "$tree/lib/layers.conf"
refuses layers '"base" uses "proto", which is not declared above it'

put lib/base/b.h '#ifndef FLARE_B_H' '#define FLARE_B_H' '#endif'
refuses headers 'lib/base/b.h: guard is not FLARE_BASE_B_H'
put flare-admin/a.h '#ifndef FLARE_ADMIN_A_H' '#define FLARE_ADMIN_A_H' '#endif'
refuses headers 'flare-admin/a.h: guard is not FLARE_FLARE_ADMIN_A_H'
put lib/base/b.h '#ifndef FLARE_BASE_B_H' '#define FLARE_BASE_B_H' '#endif' \
    'int late(void);'
refuses headers 'lib/base/b.h: the guard ends early'
put lib/base/b.h '#ifndef FLARE_BASE_B_H' '#define FLARE_BASE_B_H' \
    'size_t n(void);' '#endif'
refuses headers 'size_t'
put lib/proto/p.c '#include "base/b.h"' '#include "proto/p.h"'
refuses headers 'lib/proto/p.c: does not include proto/p.h first'

lines 601 >"$tree/lib/base/b.c"
refuses size 'lib/base/b.c: 601 lines'
lines 601 >"$tree/test/t.c"
refuses size 'test/t.c: 601 lines'
{ echo 'int p(void)'; echo '{'; lines 61; echo '}'; } >"$tree/lib/proto/p.c"
refuses size 'lib/proto/p.c:2: function of 61 lines'

put lib/proto/p.c '#include "proto/p.h"' '#include <time.h>' \
    'int p(void) { return (int)time(NULL); }'
compile
refuses pure 'lib/proto/p.o: calls time'
put lib/proto/p.c '#include "proto/p.h"' '#include "base/b.h"' \
    'int p(void) { return clock_mono(); }'
compile
refuses pure 'lib/proto/p.o: calls clock_mono'
exit $status
