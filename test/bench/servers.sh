# Servers for the measurements, on free ports and in a folder that goes when the
# script does.  Read by the scripts beside it, which set $threads.
bin=${BUILD:-.}
load=$bin/test/bench/loadgen
pids=

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

need() { # program, what to do about it
    command -v "$1" >/dev/null 2>&1 || fail "$1 is missing: $2"
}

tmp=$(mktemp -d) || exit 1
finish() {
    trap '' EXIT INT TERM
    for p in $pids; do kill "$p" 2>/dev/null; done
    for p in $pids; do wait "$p" 2>/dev/null; done
    rm -rf "$tmp"
}
trap finish EXIT
trap 'exit 1' INT TERM

start() { # name, command...
    name=$1
    shift
    "$@" >"$tmp/$name.log" 2>&1 &
    eval "${name}_pid=$!"
    pids="$pids $!"
}

# Ask until the answer matches; say what was heard when it never does.
await() { # port, line, pattern
    tries=0
    while test $tries -lt 100; do
        heard=$("$load" -p "$1" -x "$2" 2>&1)
        case $heard in
        *$3*) return 0 ;;
        esac
        tries=$((tries + 1))
        sleep 0.1
    done
    tail -n 5 "$tmp"/*.log >&2
    fail "port $1 never answered \"$2\" with $3, but: $heard"
}

one_memcached() { # name, port
    user=
    test "$(id -u)" = 0 && user="-u nobody"
    start "$1" memcached -l 127.0.0.1 -p "$2" -U 0 -m "${memory:-1024}" \
        -c "${connections_max:-4096}" $memcached_options \
        -t "$threads" $user
    await "$2" version VERSION
}

start_memcached() {
    one_memcached memcached "$memcached_port"
}

start_twemproxy() {
    one_memcached behind1 "$behind1_port"
    one_memcached behind2 "$behind2_port"
    cat >"$tmp/nutcracker.yml" <<EOF
pool:
  listen: 127.0.0.1:$twemproxy_port
  hash: fnv1a_64
  distribution: ketama
  servers:
   - 127.0.0.1:$behind1_port:1
   - 127.0.0.1:$behind2_port:1
EOF
    start twemproxy nutcracker -c "$tmp/nutcracker.yml" -s "$twemstat_port" \
        -m 16384
    await "$twemproxy_port" "get probe" END
}

start_redis() {
    mkdir "$tmp/redis"
    start redis redis-server --bind 127.0.0.1 --port "$redis_port" \
        --dir "$tmp/redis" --appendonly yes --appendfsync everysec --save ""
    await "$redis_port" PING PONG
}

start_node() { # name, port
    mkdir "$tmp/$1"
    start "$1" "$bin/flared/flared" --stderr --data-dir "$tmp/$1" \
        --server-name 127.0.0.1 --server-port "$2" \
        --index-server-name 127.0.0.1 --index-server-port "$index_port" \
        --threads "$threads" \
        --max-connection "${connections_max:-4096}" $FLARED_OPTIONS
    await "$2" ping OK
    await "$index_port" "stats nodes" "127.0.0.1:$2:state active"
}

# One partition, one master; the other node has no part and passes on.
start_flare() {
    mkdir "$tmp/index"
    start index "$bin/flarei/flarei" --stderr --data-dir "$tmp/index" \
        --server-name 127.0.0.1 --server-port "$index_port"
    await "$index_port" ping OK
    start_node flare "$flare_port"
    start_node proxy "$proxy_port"
    await "$index_port" "node role 127.0.0.1 $flare_port master 1 0" OK
    await "$index_port" "stats nodes" "127.0.0.1:$flare_port:state active"
    await "$proxy_port" "set probe 0 0 1
x" STORED
    await "$flare_port" "get probe" "VALUE probe"
}
