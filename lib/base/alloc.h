/*
 * alloc: memory whose size we choose, so that running out is a bug or the end.
 *
 * For nodes, connections, options: small things bounded by us.  Bytes whose
 * number a client chose go through buf_reserve(), which can say no.
 */
#ifndef FLARE_BASE_ALLOC_H
#define FLARE_BASE_ALLOC_H

#include <stddef.h>

/* Zeroed memory for n objects of `size` bytes.  Aborts when there is none. */
void *xcalloc(size_t n, size_t size) __attribute__((malloc));

/* As realloc(p, n * size); n may be 0.  Aborts when there is none. */
void *xreallocarray(void *p, size_t n, size_t size);

char *xstrdup(const char *text) __attribute__((malloc));

/* The first n bytes of p as a NUL-terminated string. */
char *xstrndup(const char *p, size_t n) __attribute__((malloc));

/* printf into fresh memory. */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
