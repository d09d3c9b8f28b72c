#!/bin/sh
# The built programs are hardened: position-independent, relocations read-only
# before main(), no executable stack, stack protector.  Looks at the binaries,
# because a flag in a script can be lost on its way to the linker.
status=0
seen=0

complain() {
    echo "$1"
    status=1
}

for program in ${ELF_PROGRAMS:-flarei/flarei flared/flared \
    flare-admin/flare-admin flare-stats/flare-stats}; do
    test -f "$program" || continue
    seen=1
    # Into one line each: a pipe to "grep -q" could stop readelf half way.
    dynamic=$(readelf -dW "$program")
    segments=$(readelf -hlW "$program")
    symbols=$(readelf -W --dyn-syms "$program")
    case $segments in
    *'Type:'*DYN*) ;;
    *) complain "$program: not position-independent" ;;
    esac
    case $dynamic in
    *PIE*) ;;
    *) complain "$program: no PIE flag" ;;
    esac
    case $segments in
    *GNU_RELRO*) ;;
    *) complain "$program: no GNU_RELRO segment" ;;
    esac
    case $dynamic in
    *BIND_NOW* | *'Flags: NOW'*) ;;
    *) complain "$program: not BIND_NOW" ;;
    esac
    case $(echo "$segments" | grep GNU_STACK) in
    *RWE*) complain "$program: executable stack" ;;
    esac
    case $symbols in
    *__stack_chk_fail*) ;;
    *) complain "$program: no stack protector" ;;
    esac
done
test $seen = 1 || exit 77
exit $status
