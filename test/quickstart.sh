#!/bin/bash
# ./quickstart, twice, as a new user would run it; then what it left running
# is looked at and ended.  Uses the ports 12120 to 12124, so it is no part of
# make check; .ci/run runs it.
set -eu
cd "${top_srcdir:-$(dirname "$0")/..}"

wrong() {
    echo "$*"
    ./quickstart stop
    exit 1
}

ours() { # processes of the programs that quickstart built
    for exe in /proc/[0-9]*/exe; do
        case $(readlink "$exe" 2>/dev/null) in
        "$PWD"/.quickstart/*) echo "$exe" ;;
        esac
    done
}

admin=.quickstart/build/flare-admin/flare-admin
for round in first second; do
    ./quickstart </dev/null || wrong "the $round run failed"
    test "$(ours | wc -l)" = 5 || wrong "the $round run left" $(ours)
    list=$($admin list -i 127.0.0.1:12120)
    for row in '12121 +0 master active' '12122 +0 +slave active' \
        '12123 +1 master active' '12124 +1 +slave active'; do
        grep -qE "$row" <<<"$list" || wrong "no \"$row\" in: $list"
    done
done
./quickstart stop
test -z "$(ours)" || wrong "still there:" $(ours)
./quickstart stop # again: nothing to do is no error
