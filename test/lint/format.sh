#!/bin/sh
# Every source file is as clang-format leaves it.  Run by .ci/run, not by
# "make check": versions of the tool differ.
cd "$top_srcdir" || exit 99
command -v clang-format >/dev/null || exit 77
find lib flarei flared flare-admin flare-stats test -name '*.[ch]' | sort |
    xargs clang-format --dry-run --Werror
