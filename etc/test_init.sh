#!/bin/sh
# The init script with the real daemons, in a folder of its own.
src=${top_srcdir:-.}
build=$(cd "${top_builddir:-.}" && pwd)
command -v start-stop-daemon > /dev/null || exit 77
[ -x "$build/flarei/flarei" ] && [ -x "$build/flared/flared" ] || exit 77

root=$(mktemp -d) || exit 99
failed=0
export FLARE_DEFAULTS="$root/default"

init() {
    sh "$src/etc/flare.init" "$@" > "$root/out" 2>&1
}

# expect STATUS WORD...: the script called with WORDs exits with STATUS.
expect() {
    wanted=$1
    shift
    init "$@"
    got=$?
    if [ "$got" -ne "$wanted" ]; then
        echo "$*: status $got instead of $wanted: $(cat "$root/out")"
        failed=1
    fi
}

finish() {
    init stop
    rm -rf "$root"
}
trap finish EXIT
trap 'exit 1' INT TERM

mkdir "$root/sbin"
ln -s "$build/flarei/flarei" "$build/flared/flared" "$root/sbin"
cat > "$root/default" << END
FLARE_INDEX_CONFIG=$root/flarei.conf
FLARE_NODE_CONFIG=$root/flared.conf
FLARE_USER=
FLARE_SBIN=$root/sbin
FLARE_RUN=$root/run
FLARE_STOP_TIMEOUT=30
END

# A port that is free: whoever has one of these keeps it from us only once.
configure_index() {
    cat > "$root/flarei.conf" << END
data-dir = $root/index
server-name = 127.0.0.1
bind = 127.0.0.1
server-port = $1
END
}

configure_node() {
    cat > "$root/flared.conf" << END
data-dir = $root/node
server-name = 127.0.0.1
bind = 127.0.0.1
server-port = 0
index-server-name = 127.0.0.1
index-server-port = $1
END
}

expect 2
expect 2 frobnicate
expect 6 start
expect 6 start-index
expect 3 status
expect 0 stop

port=$((20000 + $$ % 10000))
for i in 1 2 3 4 5 6 7 8 9; do
    port=$((port + i))
    configure_index $port
    init start && break
done
expect 0 status
expect 0 status-index
expect 3 status-node
expect 0 start

configure_node $port
expect 3 status
expect 7 reload-node
expect 0 start
expect 0 status
expect 0 status-node
expect 0 reload
echo 'no-such-option = 1' >> "$root/flared.conf"
expect 1 reload-node
configure_node $port
expect 0 restart-node
expect 0 restart
expect 0 status
expect 0 stop-node
expect 3 status-node
expect 0 status-index

kill -9 "$(cat "$root/run/flarei.pid")"
while [ -d "/proc/$(cat "$root/run/flarei.pid")" ]; do :; done
expect 1 status-index
expect 0 start-index
expect 0 status-index
expect 0 stop
expect 3 status-index
expect 0 stop
ls "$root"/run/*.pid 2> /dev/null && failed=1

rm "$root/sbin/flarei"
expect 5 start-index
exit $failed
