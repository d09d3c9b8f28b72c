/* Who becomes what: layouts over hosts, and read weights. */
#include "test/unit/test.h"

#include <stdio.h>

#include "flare-admin/layout.h"
#include "flare-admin/weights.h"

enum { MOST = 64 };

/* Nodes on hosts named by single letters. */
static size_t
place(const char *hosts, struct layout_node *nodes)
{
    size_t n = 0;

    for (; hosts[n] != '\0'; n++) {
        nodes[n] = (struct layout_node){.host = {&hosts[n], 1}};
    }
    return n;
}

static int
count(const struct layout_node *nodes, size_t n, int partition, bool masters)
{
    int found = 0;

    for (size_t i = 0; i < n; i++) {
        found +=
            nodes[i].partition == partition && (!masters || nodes[i].master);
    }
    return found;
}

static void
copies_are_on_different_hosts_if_it_can_be_helped(void **state)
{
    static const struct {
        const char *hosts;
        int partitions, copies, doubled;
    } cases[] = {
        {"ab", 1, 2, 0},        {"aabb", 2, 2, 0},       {"abab", 2, 2, 0},
        {"aaabc", 2, 2, 0},     {"aaabbb", 3, 2, 0},     {"aabbcc", 3, 2, 0},
        {"aabbcc", 2, 3, 0},    {"aaaa", 2, 2, 2},       {"aaab", 2, 2, 1},
        {"aaaabbcc", 4, 2, 0},  {"abcdefgh", 4, 2, 0},   {"abbccc", 3, 2, 0},
        {"aabbbc", 2, 3, 1},    {"aaaaabbbbb", 5, 2, 0}, {"a", 1, 1, 0},
        {"aabbccddd", 3, 3, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct layout_node nodes[MOST];
        size_t n = place(cases[i].hosts, nodes);
        int doubled =
            layout_make(nodes, n, 3, cases[i].partitions, cases[i].copies);

        if (doubled != cases[i].doubled) {
            fail_msg("%s: %d", cases[i].hosts, doubled);
        }
        for (int p = 3; p < 3 + cases[i].partitions; p++) {
            assert_int_equal(count(nodes, n, p, false), cases[i].copies);
            assert_int_equal(count(nodes, n, p, true), 1);
        }
    }
}

static void
masters_are_spread(void **state)
{
    struct layout_node nodes[MOST];
    size_t n = place("aaabbbccc", nodes);
    int on[3] = {0};

    (void)state;
    (void)layout_make(nodes, n, 0, 3, 3);
    for (size_t i = 0; i < n; i++) {
        on[nodes[i].host.p[0] - 'a'] += nodes[i].master;
    }
    assert_int_equal(on[0], 1);
    assert_int_equal(on[1], 1);
    assert_int_equal(on[2], 1);
}

/* "a0 b0 a1": host and partition of each copy. */
static size_t
copies(const char *text, struct weight_copy *out, int *partitions)
{
    size_t n = 0;

    *partitions = 0;
    for (; *text != '\0'; text += text[2] == ' ' ? 3 : 2) {
        out[n] = (struct weight_copy){
            .host = {text, 1}, .partition = text[1] - '0', .weight = 1};
        if (out[n].partition >= *partitions) {
            *partitions = out[n].partition + 1;
        }
        n++;
    }
    return n;
}

static void
weights_load_hosts_equally(void **state)
{
    static const struct {
        const char *copies;
        double before, after; /* percent at most */
        int weights[6];
    } cases[] = {
        {"a0 b0", 0.1, 0.1, {1, 1}},
        {"a0 b0 a1 b1", 0.1, 0.1, {1, 1, 1, 1}},
        /* a has a copy of its own, so b has to take all of the other. */
        {"a0 a1 b1", 50.1, 2, {1, 1, 100}},
        {"a0 b0 b1 c1 c2 a2", 0.1, 0.1, {1, 1, 1, 1, 1, 1}},
        {"a0 b0 a1 c1", 50.1, 1, {0}},
        {"a0", 0.1, 0.1, {1}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct weight_copy c[MOST];
        int partitions;
        size_t n = copies(cases[i].copies, c, &partitions);

        weights_shares(c, n, partitions);
        assert_true(weights_deviation(c, n) <= cases[i].before);
        weights_even(c, n, partitions);
        if (weights_deviation(c, n) > cases[i].after) {
            fail_msg("%s: %f", cases[i].copies, weights_deviation(c, n));
        }
        for (size_t j = 0; j < n; j++) {
            assert_in_range(c[j].weight, 1, WEIGHT_MAX);
            if (cases[i].weights[0] != 0) {
                assert_int_equal(c[j].weight, cases[i].weights[j]);
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_on_different_hosts_if_it_can_be_helped),
        cmocka_unit_test(masters_are_spread),
        cmocka_unit_test(weights_load_hosts_equally),
    };
    return cmocka_run_group_tests_name("flare-admin: layout", tests, NULL,
                                       NULL);
}
