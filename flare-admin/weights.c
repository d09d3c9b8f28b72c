#include "flare-admin/weights.h"

enum { ROUNDS = 500 };

void
weights_shares(struct weight_copy *copies, size_t n, int partitions)
{
    for (size_t i = 0; i < n; i++) {
        double sum = 0;

        for (size_t j = 0; j < n; j++) {
            sum += copies[j].partition == copies[i].partition ? copies[j].weight
                                                              : 0;
        }
        copies[i].share =
            sum > 0 ? copies[i].weight / sum / (double)partitions : 0;
    }
}

static double
load_of(const struct weight_copy *copies, size_t n, struct slice host)
{
    double load = 0;

    for (size_t i = 0; i < n; i++) {
        load += slice_eq(copies[i].host, host) ? copies[i].share : 0;
    }
    return load;
}

static int
hosts(const struct weight_copy *copies, size_t n)
{
    int count = 0;

    for (size_t i = 0; i < n; i++) {
        size_t j = 0;

        while (j < i && !slice_eq(copies[j].host, copies[i].host)) {
            j++;
        }
        count += j == i;
    }
    return count;
}

double
weights_deviation(const struct weight_copy *copies, size_t n)
{
    double even = n > 0 ? 1.0 / hosts(copies, n) : 1;
    double worst = 0;

    for (size_t i = 0; i < n; i++) {
        double off = load_of(copies, n, copies[i].host) / even - 1;

        off = off < 0 ? -off : off;
        worst = off > worst ? off : worst;
    }
    return worst * 100;
}

/* The partition whose first copy is the one at `first`. */
static void
normalise_partition(struct weight_copy *copies, size_t n, size_t first,
                    int partitions)
{
    int partition = copies[first].partition;
    double sum = 0;

    for (size_t j = first; j < n; j++) {
        sum += copies[j].partition == partition ? copies[j].share : 0;
    }
    for (size_t j = n; j-- > first;) {
        if (copies[j].partition == partition) {
            copies[j].share /= sum * partitions;
            copies[j].weight = 0;
        }
    }
}

/* Shares of a partition's copies sum up to the partition's. */
static void
normalise(struct weight_copy *copies, size_t n, int partitions)
{
    for (size_t i = 0; i < n; i++) {
        if (copies[i].weight != 0) { /* 0: done with its partition */
            normalise_partition(copies, n, i, partitions);
        }
    }
    for (size_t i = 0; i < n; i++) {
        copies[i].weight = 1;
    }
}

/* Hosts with too much give, again and again. */
static void
settle(struct weight_copy *copies, size_t n, int partitions)
{
    double even = 1.0 / hosts(copies, n);

    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < n; i++) {
            double load = load_of(copies, n, copies[i].host);

            /* Half way, so that it does not swing. */
            copies[i].share *= 0.5 + 0.5 * even / load;
            copies[i].share = copies[i].share < 1e-6 ? 1e-6 : copies[i].share;
        }
        normalise(copies, n, partitions);
    }
}

static int
divisor(int a, int b)
{
    while (b != 0) {
        int rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/* Shares to whole numbers, the smallest that say the same. */
static void
round_partition(struct weight_copy *copies, size_t n, size_t first)
{
    double most = 0;
    int common = 0;

    for (size_t i = first; i < n; i++) {
        if (copies[i].partition == copies[first].partition &&
            copies[i].share > most) {
            most = copies[i].share;
        }
    }
    for (size_t i = first; i < n; i++) {
        if (copies[i].partition == copies[first].partition) {
            int weight = (int)(copies[i].share / most * WEIGHT_MAX + 0.5);

            copies[i].weight = weight > 0 ? weight : 1;
            common = divisor(copies[i].weight, common);
        }
    }
    for (size_t i = first; i < n; i++) {
        if (copies[i].partition == copies[first].partition) {
            copies[i].weight /= common;
        }
    }
}

void
weights_even(struct weight_copy *copies, size_t n, int partitions)
{
    if (n == 0) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        copies[i].weight = 1;
    }
    weights_shares(copies, n, partitions);
    settle(copies, n, partitions);
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;

        while (copies[j].partition != copies[i].partition) {
            j++;
        }
        if (j == i) {
            round_partition(copies, n, i);
        }
    }
    weights_shares(copies, n, partitions);
}
