#include "test/unit/test.h"

#include <string.h>

#include "hash/keyhash.h"
#include "hash/partition.h"

/* From flare 1.3.4: hint 1, 4096 slots, partitions for n = 1 to 5. */
static const struct vector {
    const char *key;
    uint32_t hash[3];         /* simple, crc32, jenkins */
    const char *partition[3]; /* digits for n = 1 to 5 */
    uint32_t other[3];        /* murmur, bitshift, adler32 */
} vectors[] = {
    {"a",
     {97, 390611389, 526154096},
     {"00000", "00000", "01111"},
     {1262581116, 732238126, 6422626}},
    {"key0",
     {377, 1532712134, 1074374777},
     {"00000", "01111", "00222"},
     {1429399788, 1279122654, 67174778}},
    {"key1",
     {378, 744252496, 753752313},
     {"01134", "01111", "00000"},
     {1050118838, 1279122653, 67240315}},
    {"key2",
     {379, 1252706838, 1282412298},
     {"00033", "01222", "01111"},
     {2111865733, 1279122652, 67305852}},
    {"key3",
     {380, 1034812036, 1522717974},
     {"01233", "01114", "01133"},
     {722295539, 1279122651, 67371389}},
    {"key10",
     {426, 1617112399, 46583259},
     {"01133", "00000", "00033"},
     {179538629, 82897857, 95224235}},
    {"foo",
     {324, 1938594527, 1711779943},
     {"01111", "00000", "00033"},
     {991939697, 1706625589, 42074437}},
    {"bar",
     {309, 1996459178, 2006320315},
     {"00222", "01222", "00000"},
     {516654467, 1706619598, 39649590}},
    {"baz",
     {317, 2015626392, 1790224494},
     {"00000", "01111", "01111"},
     {1247684457, 1706619606, 40173886}},
    {"hello",
     {532, 907060870, 772589811},
     {"01114", "01222", "00000"},
     {1377504255, 88535891, 103547413}},
    {"user:1",
     {554, 2074460802, 936206289},
     {"01224", "01133", "00000"},
     {707742365, 1946500755, 143786539}},
    {"user:2",
     {555, 492006600, 1440688988},
     {"00222", "01234", "01111"},
     {1998287812, 1946500756, 143852076}},
    {"user:1000",
     {698, 1619781661, 76303748},
     {"01222", "00000", "01111"},
     {1910198585, 833563575, 271778491}},
    {"session:abcdef0123456789",
     {1952, 1163480487, 318202710},
     {"01234", "00222", "01224"},
     {117454838, 698707409, 1839859617}},
    {"0",
     {48, 186917087, 738542982},
     {"01111", "00033", "01114"},
     {1614655211, 732238077, 3211313}},
    {"9999999999",
     {570, 719060942, 1040888347},
     {"01133", "01222", "00000"},
     {616132911, 401564817, 206111291}},
    {"The-Quick-Brown-Fox",
     {1754, 1948082377, 1412171174},
     {"01224", "00222", "01133"},
     {1431584335, 845919483, 1129580251}},
    {"{{tag}}1",
     {861, 2130834540, 160312025},
     {"00222", "01114", "00000"},
     {1588539280, 302084018, 270009182}},
    {"{{tag}}2",
     {862, 435640874, 970462742},
     {"01111", "01111", "01111"},
     {349722041, 302084019, 270074719}},
    {"longkey-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     {8006, 1797338174, 1444186206},
     {"01111", "01133", "01133"},
     {1123101040, 2145179263, 640819015}},
    {"\346\227\245\346\234\254",
     {432, 944255540, 1915407732},
     {"01114", "01111", "01111"},
     {1738893261, 198011061, 260506705}},
    {"\377\376\375",
     {6, 149598061, 573299006},
     {"01133", "00000", "01222"},
     {1025198081, 1706480287, 100205307}},
    {"k\351y",
     {205, 497450222, 1344754400},
     {"00000", "01111", "01111"},
     {28191469, 1706627486, 59703758}},
    {"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
     {4880, 1588985755, 154375629},
     {"01111", "00004", "00222"},
     {1144555869, 1443212761, 2030103791}},
    {"counter",
     {768, 1054698376, 1941511792},
     {"01111", "01114", "01111"},
     {2106683862, 179861627, 200213249}},
    {"A",
     {65, 740712821, 1385269614},
     {"00000", "00004", "01224"},
     {935857471, 732238094, 4325442}},
    {"ZZ",
     {180, 1976361013, 1810255404},
     {"01111", "00004", "01111"},
     {624640377, 1323006717, 17825973}},
    {"item/12345",
     {733, 361747443, 742632038},
     {"00004", "00224", "01111"},
     {2091301373, 330778734, 308806366}},
    {"item/12346",
     {734, 1937341879, 2075165937},
     {"01224", "00033", "00000"},
     {422783285, 330778733, 308871903}},
    {"a.b.c.d",
     {532, 626907485, 806301128},
     {"01114", "00222", "01111"},
     {2098103883, 1267613231, 139264533}},
};

static void
every_golden_hash_is_reproduced(void **state)
{
    static const enum keyhash_kind other[] = {KEYHASH_MURMUR, KEYHASH_BITSHIFT,
                                              KEYHASH_ADLER32};

    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct slice key = slice_str(vectors[i].key);

        for (int k = 0; k < 3; k++) {
            uint32_t h = keyhash((enum keyhash_kind)k, key);

            if (h != vectors[i].hash[k]) {
                fail_msg("%s(%s): %u", keyhash_name((enum keyhash_kind)k),
                         vectors[i].key, h);
            }
            h = keyhash(other[k], key);
            if (h != vectors[i].other[k]) {
                fail_msg("%s(%s): %u", keyhash_name(other[k]), vectors[i].key,
                         h);
            }
        }
    }
}

static void
every_golden_key_is_in_its_partition(void **state)
{
    struct partition_table *table = partition_table_new(1024, 1, 4096);

    (void)state;
    for (size_t i = 0; i < COUNT(vectors) * 15; i++) {
        const struct vector *v = &vectors[i / 15];
        size_t kind = i / 5 % 3;
        unsigned n = (unsigned)(i % 5) + 1;
        const uint16_t *row = partition_table_row(table, n);

        assert_non_null(row);
        assert_int_equal(row[v->hash[kind] % 4096],
                         v->partition[kind][n - 1] - '0');
    }
    partition_table_free(table);
}

static void
the_first_slots_and_the_shares_are_those_of_flare(void **state)
{
    static const struct {
        unsigned n;
        const char *slots;
        unsigned share[6];
    } rows[] = {
        {1, "000000000000", {4096}},
        {2, "101010101010", {2048, 2048}},
        {3, "102210102210", {1365, 1365, 1366}},
        {4, "102210333210102210333210", {1024, 1024, 1025, 1023}},
        {5,
         "102210333210444210433210102210334444102210333210102444343210",
         {819, 819, 820, 819, 819}},
        {6, "", {683, 683, 684, 683, 683, 680}},
    };
    struct partition_table *table = partition_table_new(1024, 1, 4096);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const uint16_t *row = partition_table_row(table, rows[i].n);
        unsigned share[6] = {0};

        for (size_t j = 0; rows[i].slots[j] != '\0'; j++) {
            assert_int_equal(row[j], rows[i].slots[j] - '0');
        }
        for (size_t j = 0; j < 4096; j++) {
            share[row[j]]++;
        }
        assert_memory_equal(share, rows[i].share, sizeof(share));
    }
    partition_table_free(table);
}

static void
a_row_does_not_depend_on_the_order_of_asking(void **state)
{
    struct partition_table *up = partition_table_new(64, 2, 4096);
    struct partition_table *down = partition_table_new(64, 2, 4096);

    (void)state;
    for (unsigned n = 1; n < 64; n++) {
        (void)partition_table_row(up, n);
        (void)partition_table_row(down, 64 - n);
    }
    for (unsigned n = 1; n < 64; n++) {
        assert_memory_equal(partition_table_row(up, n),
                            partition_table_row(down, n), 4096 * 2);
    }
    partition_table_free(up);
    partition_table_free(down);
}

static void
the_hint_decides_which_rows_are_plain(void **state)
{
    struct partition_table *table = partition_table_new(8, 3, 12);
    const uint16_t *row = partition_table_row(table, 3);

    (void)state;
    for (unsigned j = 0; j < 12; j++) {
        assert_int_equal(row[j], j % 3);
    }
    partition_table_free(table);
}

static void
numbers_out_of_range_give_nothing(void **state)
{
    struct partition_table *table = partition_table_new(3, 1, 16);

    (void)state;
    assert_null(partition_table_new(0, 1, 1));
    assert_null(partition_table_new(2, 0, 1));
    assert_null(partition_table_new(2, 1, 0));
    assert_null(partition_table_row(table, 0));
    assert_non_null(partition_table_row(table, 2));
    assert_null(partition_table_row(table, 3));
    assert_int_equal(partition_table_size(table), 3);
    assert_int_equal(partition_table_slots(table), 16);
    partition_table_free(table);
    partition_table_free(NULL);
}

static void
a_key_ends_at_a_nul_and_may_be_empty(void **state)
{
    (void)state;
    assert_int_equal(keyhash(KEYHASH_SIMPLE, SLICE("foo\0bar")), 324);
    for (int kind = 0; kind <= KEYHASH_MURMUR; kind++) {
        assert_int_equal(
            keyhash((enum keyhash_kind)kind, SLICE("\0bar")),
            keyhash((enum keyhash_kind)kind, (struct slice){NULL, 0}));
    }
}

static void
names_are_known_both_ways(void **state)
{
    enum keyhash_kind kind;

    (void)state;
    for (int i = 0; i <= KEYHASH_MURMUR; i++) {
        const char *name = keyhash_name((enum keyhash_kind)i);

        assert_true(keyhash_parse(slice_str(name), &kind));
        assert_int_equal(kind, i);
    }
    assert_false(keyhash_parse(SLICE("crc"), &kind));
    assert_true(keyhash_selectable(KEYHASH_JENKINS));
    assert_false(keyhash_selectable(KEYHASH_MURMUR));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_golden_hash_is_reproduced),
        cmocka_unit_test(every_golden_key_is_in_its_partition),
        cmocka_unit_test(the_first_slots_and_the_shares_are_those_of_flare),
        cmocka_unit_test(a_row_does_not_depend_on_the_order_of_asking),
        cmocka_unit_test(the_hint_decides_which_rows_are_plain),
        cmocka_unit_test(numbers_out_of_range_give_nothing),
        cmocka_unit_test(a_key_ends_at_a_nul_and_may_be_empty),
        cmocka_unit_test(names_are_known_both_ways),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
