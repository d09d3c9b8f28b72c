/*
 * figures: what all rounds of one kind of fault have shown, and the table.
 */
#ifndef FLARE_TEST_FAULTS_FIGURES_H
#define FLARE_TEST_FAULTS_FIGURES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Of one round. */
struct finding {
    uint64_t acknowledged, errors;
    uint64_t lost, revived; /* acknowledged writes, deletes */
    uint64_t deposed;       /* writes a deposed master acknowledged */
    bool restless;          /* the cluster did not become whole again */
    bool unequal;           /* copies at rest */
    int64_t gap_ms;         /* longest time without an accepted write */
    int64_t longest_ms;     /* longest answered request */
    int64_t limit_ms;       /* for gap_ms; 0: none */
};

struct figures;

struct figures *figures_new(void);
void figures_free(struct figures *figures);

/* `kind` must live as long as the figures. */
void figures_add(struct figures *figures, const char *kind,
                 const struct finding *finding);

/* A table in Markdown, a row for each kind in the order they came first. */
void figures_print(const struct figures *figures, FILE *to);

#endif
