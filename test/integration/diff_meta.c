#include "test/integration/diff_meta.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const diff_meta[] = {
    "delete a\r\n",
    "delete b\r\n",
    "mn\r\n",
    "mn x\r\n",
    "mg\r\n",
    "mg a\r\n",
    "mg a v\r\n",
    "mg a q\r\n",
    "mg a k O1 q\r\n",
    "mg a v v\r\n",
    "mg a !\r\n",
    "mg a k v O1234567890123456789012345678901\r\n",
    "mg a k v O12345678901234567890123456789012\r\n",
    "ms a 3\r\nabc\r\n",
    "mg a v k O12 f c s t h l\r\n",
    "mg a s v h l t f q k O9\r\n",
    "mg a h l t\r\n",
    "mg a\r\n",
    "mg a v t1453b\r\n",
    "mg a Nx\r\n",
    "mg a N\r\n",
    "mg a T\r\n",
    "mg a Tx\r\n",
    "mg a T100 t\r\n",
    "mg a t T50\r\n",
    "mg a t T0 t\r\n",
    "mg a R30\r\n",
    "mg a t\r\n",
    "mg miss N30 v c k t f s\r\n",
    "mg miss v k c t\r\n",
    "mg miss N30 q k v\r\n",
    "mg miss2 N30 q k v\r\n",
    "ms miss 2\r\nhi\r\n",
    "mg miss v\r\n",
    "mg YQ=== b v\r\n",
    "mg Y!Q= b v\r\n",
    "mg k Q\r\n",
    "mg a b v\r\n",
    "ms YQ== S3 b\r\nabc\r\n",
    "ms YQ== 3 b k\r\nabc\r\n",
    "ms a S2\r\nhi\r\n",
    "ms a\r\n",
    "ms\r\n",
    "ms a 2 F\r\nhi\r\n",
    "ms a 2 Fx\r\nhi\r\n",
    "ms a 2 F-1\r\nhi\r\n",
    "ms a 2 F4294967296\r\nhi\r\n",
    "ms a 2 T\r\nhi\r\n",
    "ms a 2 T-1 F5 c k O1\r\nhi\r\n",
    "mg a v\r\n",
    "ms a 2 T0 F5 c k O1\r\nhi\r\n",
    "mg a v f t\r\n",
    "ms a 2 q k\r\nhi\r\n",
    "ms a 2 ME k c\r\nhi\r\n",
    "ms b1 2 ME k c\r\nhi\r\n",
    "ms b1 2 ME k c q\r\nhi\r\n",
    "ms b1 2 MA k c q\r\nxx\r\n",
    "mg b1 v s\r\n",
    "ms b1 2 MP k c O1\r\nyy\r\n",
    "mg b1 v s\r\n",
    "ms nb 2 MA k c O1\r\nyy\r\n",
    "ms nb 2 MP k c O1 q\r\nyy\r\n",
    "mg nb v t\r\n",
    "ms nb2 2 MR k c O1\r\nyy\r\n",
    "ms nb2 2 MR q k c O1\r\nyy\r\n",
    "ms nb 2 MR k O1\r\nyz\r\n",
    "ms nb 2 MX k O1\r\nyz\r\n",
    "ms nb 2 M k O1\r\nyz\r\n",
    "ms nb 2 Mset k O1\r\nyz\r\n",
    "ms nb 2 MSfoo k O1\r\nyz\r\n",
    "ms nb 2 Ma k O1\r\nyz\r\n",
    "ms nb 2 Me k O1\r\nyz\r\n",
    "ms nb 2 C1 k O1\r\nyz\r\n",
    "ms nb 2 C1 k q O1\r\nyz\r\n",
    "ms nbx 2 C1 k O1\r\nyz\r\n",
    "ms nbx 2 C1 ME k O1\r\nyz\r\n",
    "ms nbx 2 C1 ME k O1\r\nyz\r\n",
    "ms nbx 2 C1 MA k O1\r\nyz\r\n",
    "ms nbq 2 C1 MA k O1\r\nyz\r\n",
    "ms nbq 2 C1 MP k O1\r\nyz\r\n",
    "ms nbq 2 C1 MR k O1\r\nyz\r\n",
    "ms nbq 2 C0 MR k O1\r\nyz\r\n",
    "ms nb 2 C0 MR k O1\r\nyz\r\n",
    "ms nb 2 C99999 k O1\r\nyz\r\n",
    "ms nb 2 C99999 I k O1\r\nyz\r\n",
    "ms nb 2 C1 I k O1\r\nyz\r\n",
    "mg nb v t\r\n",
    "mg nb v\r\n",
    "mg nb v\r\n",
    "ms nb 2 C\r\nyz\r\n",
    "ms nb 2 Cx\r\nyz\r\n",
    "ms nb -1\r\n",
    "ms nb 2 b\r\nyz\r\n",
    "ms nb 2\r\nyzzz\r\n",
    "ms nb 2 q\r\nyzzz\r\n",
    "ms nb 2 q v t f h l u\r\nyz\r\n",
    "ms nb 2 c f k\r\nyz\r\n",
    "md nb k O1 c\r\n",
    "md nb k O1\r\n",
    "md nb k O1 q\r\n",
    "ms nb 2\r\nyz\r\n",
    "md nb q k O1\r\n",
    "ms nb 2\r\nyz\r\n",
    "md nb C1 k\r\n",
    "md nb C\r\n",
    "md nb I k\r\n",
    "mg nb v t c\r\n",
    "mg nb v\r\n",
    "mg nb v R30\r\n",
    "md nb I T30 k\r\n",
    "mg nb v t\r\n",
    "mg nb v t\r\n",
    "md nb T30 \r\n",
    "md nb I T-1 \r\n",
    "mg nb v\r\n",
    "md nope I\r\n",
    "md nope C1\r\n",
    "md nope\r\n",
    "md\r\n",
    "ma\r\n",
    "ma n\r\n",
    "ma n N0 \r\n",
    "ma n N0 v\r\n",
    "ma n v\r\n",
    "ma n v D5\r\n",
    "ma n v D18446744073709551615\r\n",
    "ma n v D-1\r\n",
    "ma n v Dx\r\n",
    "ma n v D\r\n",
    "ma n2 N0 J13 v\r\n",
    "ma n2 N0 J13 v MD D3 k O1\r\n",
    "ma n2 v MD D30\r\n",
    "ma n2 v MX\r\n",
    "ma n2 v M\r\n",
    "ma n2 v M+\r\n",
    "ma n2 v M-\r\n",
    "ma n2 v Mi\r\n",
    "ma n2 v Md\r\n",
    "ma n2 v MI\r\n",
    "ma n2 v Mincr\r\n",
    "ma n2 v Mfoo\r\n",
    "ma n2 v Mdecr q t c \r\n",
    "ma n2 v c\r\n",
    "ma n2 q v\r\n",
    "ma n2 q\r\n",
    "ma n3 q\r\n",
    "ma n3 t T40 v t\r\n",
    "ma n3 C1\r\n",
    "ma n3 C1 q\r\n",
    "ma n3 v v\r\n",
    "ma n3 !\r\n",
    "ms n3 3\r\nabc\r\n",
    "ma n3\r\n",
    "ma n3 q\r\n",
    "ma Z === b\r\n",
    "mg a S3\r\n",
    "mg a 3\r\n",
    "mg a v\n",
    " mg a v\r\n",
    "mg  a  v\r\n",
    "mg a v \r\n",
    "mn \r\n",
    "mna\r\n",
    "mg a q v k\r\n",
    "mg a\tb v\r\n",
    "ms YQ== 3 b k\r\nabc\r\n",
    "mg YQ== b v k\r\n",
    "mg YQ== b v k O1\r\n",
    "mg YQ== k b O1\r\n",
    "mg a k b\r\n",
    "mg YQ== b\r\n",
    "mg Yg== b k O3\r\n",
    "md Yg== b k O3\r\n",
    "md YQ== k b O3\r\n",
    "ma Yg== k b O3\r\n",
    "ma Yg== k b O3 N0 v\r\n",
    "ma Yg== k b O3 N0 v\r\n",
    "set s 0 0 1\r\nx\r\n",
    "mg s c\r\n",
    "md s I\r\n",
    "mg s c v\r\n",
    "mg s c v\r\n",
    "append s 0 0 1\r\ny\r\n",
    "mg s c v\r\n",
    "md s I T100\r\n",
    "mg s c v t\r\n",
    "ms s 2 MA\r\nzz\r\n",
    "mg s c v t\r\n",
    "set n 0 100 1\r\n1\r\n",
    "md n I T50\r\n",
    "mg n v\r\n",
    "incr n 1\r\n",
    "mg n v t\r\n",
    "ma n v\r\n",
    "mg n v t\r\n",
    "touch n 200\r\n",
    "mg n v t\r\n",
    "gat 100 n\r\n",
    "get n\r\n",
    "gets n\r\n",
    "mg n v t\r\n",
    "cas n 0 0 1 0\r\nx\r\n",
    "set n 0 0 1\r\nx\r\n",
    "mg n v t\r\n",
    "ms r 1 T100\r\nx\r\n",
    "mg r t R30\r\n",
    "mg r t R200\r\n",
    "mg r t R200\r\n",
    "mg r t\r\n",
    "mg r t R30\r\n",
    "mg r T300 R200 t\r\n",
    "mg r t R200\r\n",
    "ms r 1 T300\r\nx\r\n",
    "mg r t R200\r\n",
    "mg r t T50 R200\r\n",
    "mg r t R200 T50\r\n",
    "ms q 1 T0\r\nx\r\n",
    "mg q R1000\r\n",
    "mg q T10 R1000 v\r\n",
    "mg q T10 R1000 v\r\n",
    "mg viv N30 T60 t\r\n",
    "mg viv t T60\r\n",
    "mg viv2 N0 t\r\n",
    "mg viv4 N30 R60 t\r\n",
    "mg viv4 N30 R60 t\r\n",
    "add viv 0 0 1\r\nx\r\n",
    "replace viv 0 0 1\r\nx\r\n",
    "mg viv v\r\n",
    "append viv2 0 0 1\r\nx\r\n",
    "mg viv2 v\r\n",
    "ms c 1 c\r\nx\r\n",
    "ms c 1 C0 c\r\nx\r\n",
    "ms c 1 I C99999999 c\r\ny\r\n",
    "mg c v t f\r\n",
    "mg c v\r\n",
    "ms c 1 T50 F7 I C1 c\r\ny\r\n",
    "ms c 1 T60 F7 I C1 c\r\nY\r\n",
    "mg c v c t f\r\n",
    "mg c v c\r\n",
    "ms c 1 T60 F7 I c\r\nZ\r\n",
    "mg c v t\r\n",
    "md c C1 I\r\n",
    "md c C1 I q\r\n",
    "md nokey C1 I q\r\n",
    "mg c v\r\n",
    "ms c 1 ME I C1 c\r\nZ\r\n",
    "ms c 1 MA I C1 c\r\nZ\r\n",
    "mg c v t f\r\n",
    "ms c 1 MA I T10 F1 c\r\nZ\r\n",
    "mg c v t f\r\n",
    "ms c 1 MP T10 F1 c\r\nZ\r\n",
    "mg c v t f\r\n",
    "ms c 1 MR I C1 c T90 F4\r\nQ\r\n",
    "mg c v t f\r\n",
    "ma v1 N30 J100 v t\r\n",
    "ma v1 T40 v t\r\n",
    "ma v1 v t T50\r\n",
    "ma v1 v N99 J5 t\r\n",
    "ma v1 t v C5\r\n",
    "ma v1 MD D200 v\r\n",
    "ma v1 J99999999999999999999 v\r\n",
    "ma v1 N1x v\r\n",
    "ma v2 N0 J18446744073709551615 v\r\n",
    "ma v2 v\r\n",
    "set pad 0 0 3\r\n100\r\n",
    "ma pad MD v\r\n",
    "mg pad v s\r\n",
    "ma pad v MI D3\r\n",
    "mg a1 l u h\r\n",
    "set a1 0 0 1\r\nx\r\n",
    "mg a1 l u h\r\n",
    "mg a1 l u h\r\n",
    "mg a1 h l\r\n",
    "mg a1 h l\r\n",
    "mg a1 h l u\r\n",
    "mg a1 h l\r\n",
    "mg a1 h l\r\n",
    "get a1\r\n",
    "touch a1 100\r\n",
    "mg a1 h l u\r\n",
    "set a2 0 0 1\r\nx\r\n",
    "get a2\r\n",
    "mg a2 h l u\r\n",
    "set a2 0 0 1\r\nx\r\n",
    "mg a2 h l u\r\n",
    "incr pad 1\r\n",
    "mg pad h u\r\n",
    "set a3 0 0 1\r\n1\r\n",
    "incr a3 1\r\n",
    "mg a3 h u\r\n",
    "touch a3 10\r\n",
    "mg a3 h u\r\n",
    "set a3 0 0 1\r\n1\r\n",
    "touch a3 10\r\n",
    "mg a3 h u\r\n",
    "ma a3\r\n",
    "mg a3 h u\r\n",
    "append a3 0 0 1\r\n1\r\n",
    "mg a3 h u\r\n",
    "mg a3\r\n",
    "append a3 0 0 1\r\n1\r\n",
    "mg a3 h u\r\n",
    "incr a3 1\r\n",
    "mg a3 h u\r\n",
    "mg a3 T10\r\n",
    "mg a3 h u\r\n",
    "set a4 0 0 1\r\n1\r\n",
    "mg a4 T10 u\r\n",
    "mg a4 h u\r\n",
    "mg a4 T10\r\n",
    "mg a4 h u\r\n",
    "incr a3 1\r\n",
    "append a4 0 0 1\r\n3\r\n",
    "mg a3 h l u\r\n",
    "mg a4 h l u\r\n",
    "mg a4 s\r\n",
    "mg a4 k\r\n",
    "mg a v q q\r\n",
    "mg a v ! v v\r\n",
    "mg a O\r\n",
    "mg a O v\r\n",
    "mg a O q\r\n",
    "mg zip O q k\r\n",
    "mg zip O k\r\n",
    "mg zip h l t s f c v k q N30\r\n",
    "mg zip h l t s f c v k q N30\r\n",
    "ma a b\r\n",
    "md a b\r\n",
    "ms a 1 k b\r\nx\r\n",
    "ms YQ== 1 b\r\nxx\r\n",
    "ms nb 2 MX C1\r\nyz\r\n",
    "ms nb 2 F1x k\r\nyz\r\n",
    "ms nb 2 T1x k\r\nyz\r\n",
    "ms nb 2 C1x k\r\nyz\r\n",
    "ms nb +2 k\r\nyz\r\n",
    "ms nb 02 k\r\nyz\r\n",
    "ms nb 2x k\r\nyz\r\n",
    "mg zip P L Pabc\r\n",
    "mg zip Pabc L\r\n",
    "mg zip k q s t u v c f h l O1 Pabc Labc R10 T10 N10 b\r\n",
    "mg zip k q s t u v c f h l O1 Pabc Labc R10 T10 N10 I M D J\r\n",
    "set tt 0 0 1\r\nx\r\n",
    "md tt T30 \r\n",
    "mg tt t\r\n",
    "ms tt 1\r\nx\r\n",
    "md tt I T30 C1\r\n",
    "mg a v q q\r\n",
    "mg a v ! v v\r\n",
    "mg a O\r\n",
    "mg a O v\r\n",
    "mg a O q\r\n",
    "mg zip O q k\r\n",
    "mg zip O k\r\n",
    "mg zip h l t s f c v k q N30\r\n",
    "mg zip h l t s f c v k q N30\r\n",
    "ma a b\r\n",
    "md a b\r\n",
    "ms a 1 k b\r\nx\r\n",
    "ms YQ== 1 b\r\nxx\r\n",
    "ms nb 2 MX C1\r\nyz\r\n",
    "ms nb 2 F1x k\r\nyz\r\n",
    "ms nb 2 T1x k\r\nyz\r\n",
    "ms nb 2 C1x k\r\nyz\r\n",
    "ms nb +2 k\r\nyz\r\n",
    "ms nb 02 k\r\nyz\r\n",
    "ms nb 2x k\r\nyz\r\n",
    "mg zip P L Pabc\r\n",
    "mg zip Pabc L\r\n",
    "mg zip k q s t u v c f h l O1 Pabc Labc R10 T10 N10 b\r\n",
    "mg zip k q s t u v c f h l O1 Pabc Labc R10 T10 N10 I M D J\r\n",
    "set tt 0 0 1\r\nx\r\n",
    "md tt T30 \r\n",
    "mg tt t\r\n",
    "ms tt 1\r\nx\r\n",
    "md tt I T30 C1\r\n",
    "mg a ! b\r\n",
    "mg a b !\r\n",
    "mg Yg== b !\r\n",
    "ms a b 2\r\n",
    "ms a 1 ! !\r\nx\r\n",
    "ms a 1 MX !\r\nx\r\n",
    "ms a 1 MX b\r\nx\r\n",
    "ms a 1 T1 T1\r\nx\r\n",
    "ms a 1 O12345678901234567890123456789012\r\nx\r\n",
    "ma a MX !\r\n",
    "md a O12345678901234567890123456789012\r\n",
    "mg nooo T10\r\n",
    "ma nooo N10 C1 v\r\n",
    "ms nooo 1 MA\r\nx\r\n",
    "ms nooo 1 MR\r\nx\r\n",
    "md nooo C5\r\n",
    "md gone C5\r\n",
    "md gone I\r\n",
};

const size_t diff_meta_n = sizeof(diff_meta) / sizeof(diff_meta[0]);

static bool
is_meta(const char *line)
{
    return strlen(line) >= 2 && isupper((unsigned char)line[0]) &&
           isupper((unsigned char)line[1]) &&
           (line[2] == ' ' || line[2] == '\0');
}

/* The number that follows each " X" becomes what `make` makes of it. */
static void
replace(char *line, const char *what, unsigned long (*make)(unsigned long))
{
    char *at = line;

    while ((at = strstr(at, what)) != NULL) {
        char *end = at += 2;
        char text[24] = "";
        int n;

        if (!isdigit((unsigned char)*at)) {
            continue;
        }
        n = snprintf(text, sizeof(text), "%lu", make(strtoul(at, &end, 10)));
        memmove(at + n, end, strlen(end) + 1);
        memcpy(at, text, (size_t)n);
    }
}

static unsigned long
zero_or_one(unsigned long number)
{
    return number != 0;
}

static unsigned long
zero(unsigned long number)
{
    return number * 0;
}

static unsigned long
next_fifty(unsigned long number)
{
    return (number + 49) / 50 * 50;
}

/* Each server has uniques and a clock of its own. */
void
diff_meta_cut(char *line)
{
    if (is_meta(line)) {
        replace(line, " c", zero_or_one);
        replace(line, " t", next_fifty);
        replace(line, " l", zero);
    }
}

/* --- random requests ------------------------------------------------------ */

#define PICK(list) (list)[rand_below(rand, sizeof(list) / sizeof(*(list)))]

static const char *const keys[] = {"m1", "m2", "m3"};
static const char *const shown[] = {"c", "f", "k",  "s",   "t",     "v", "q",
                                    "v", "t", "O1", "Oab", "Ppath", "L", "u"};
static const char *const changing[] = {"N30",  "N100", "R20",  "R150",
                                       "T100", "T0",   "T300", "R1000"};
static const char *const mistakes[] = {"!", "w", "Tx", "C",
                                       "v", "v", "N",  "Dx"};

static int
put_flags(struct rand *rand, char *to, size_t size, const char *const *flags,
          uint32_t nflags, uint32_t n)
{
    int at = 0;

    for (; n > 0; n--) {
        at += snprintf(to + at, size - (size_t)at, " %s",
                       flags[rand_below(rand, nflags)]);
    }
    return at;
}

#define FLAGS(list, n)                                                         \
    at += put_flags(rand, to + at, size - (size_t)at, list,                    \
                    sizeof(list) / sizeof(*(list)), n)

static void
random_set(struct rand *rand, char *to, size_t size)
{
    static const char *const values[] = {"1", "99", "abc", "", "100"};
    static const char *const flags[] = {"F5", "T100", "T0",   "MS", "ME", "MA",
                                        "MP", "MR",   "C1",   "I",  "k",  "O7",
                                        "c",  "q",    "T300", "C0", "Me"};
    const char *value = PICK(values);
    int at = snprintf(to, size, "ms %s %zu", PICK(keys), strlen(value));

    FLAGS(flags, rand_below(rand, 5));
    (void)snprintf(to + at, size - (size_t)at, "\r\n%s\r\n", value);
}

static void
random_one(struct rand *rand, char *to, size_t size)
{
    static const char *const md[] = {"I", "T100", "C1", "q", "k", "O5", "I"};
    static const char *const ma[] = {"N30", "J7", "D3", "MD",  "MI", "v", "t",
                                     "k",   "C1", "M+", "D50", "v",  "Mx"};
    static const char *const names[] = {"mg", "md", "ma", "mg", "mg"};
    const char *name = PICK(names);
    int at = snprintf(to, size, "%s %s", name, PICK(keys));

    if (strcmp(name, "md") == 0) {
        FLAGS(md, rand_below(rand, 4));
    } else if (strcmp(name, "ma") == 0) {
        FLAGS(ma, rand_below(rand, 6));
    } else {
        FLAGS(shown, rand_below(rand, 4));
        FLAGS(changing, rand_below(rand, 3));
    }
    if (rand_below(rand, 30) == 0) {
        FLAGS(mistakes, 1);
    }
    (void)snprintf(to + at, size - (size_t)at, "\r\n");
}

void
diff_meta_random(struct rand *rand, char *to, size_t size)
{
    static const char *const classic[] = {
        "set %s 3 0 2\r\n10\r\n",
        "incr %s 5\r\n",
        "touch %s 200\r\n",
        "append %s 0 0 1\r\n1\r\n",
        "get %s\r\n",
        "delete %s\r\n",
        "gat 300 %s\r\n",
        "add %s 0 0 1\r\n5\r\n",
    };
    uint32_t dice = rand_below(rand, 10);

    if (dice < 3) {
        random_set(rand, to, size);
    } else if (dice < 8) {
        random_one(rand, to, size);
    } else {
        const char *format = PICK(classic);
        const char *at = strstr(format, "%s");

        (void)snprintf(to, size, "%.*s%s%s", (int)(at - format), format,
                       PICK(keys), at + 2);
    }
}
