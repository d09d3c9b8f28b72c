/* What is said of the subcommands, against their tables. */
#include "test/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "flare-admin/admin.h"

static char *
source_text(const char *path)
{
    const char *top = getenv("top_srcdir");
    char full[512];
    struct buf text = {0};
    struct err err;

    (void)snprintf(full, sizeof(full), "%s/%s", top != NULL ? top : ".", path);
    if (file_read_all(full, &text, &err) != 0) {
        fail_msg("%s", err.msg);
    }
    (void)buf_put(&text, "", 1);
    return text.base;
}

/* What stands between two marks of the manual page. */
static char *
manual_part(const char *name)
{
    char *page = source_text("flare-admin/flare-admin.1");
    char begin[64], end[64];
    char *from, *to;

    (void)snprintf(begin, sizeof(begin), ".\\\" %s: begin\n", name);
    (void)snprintf(end, sizeof(end), ".\\\" %s: end\n", name);
    from = strstr(page, begin);
    assert_non_null(from);
    from += strlen(begin);
    to = strstr(from, end);
    assert_non_null(to);
    *to = '\0';
    memmove(page, from, strlen(from) + 1);
    return page;
}

static void
expect_same(char *written, struct buf *made)
{
    const char *text;

    assert_true(buf_put(made, "", 1));
    text = buf_slice(made).p != NULL ? buf_slice(made).p : "";
    if (strcmp(written, text) != 0) {
        print_error("run \"make update-admin\" in the build folder\n");
    }
    assert_string_equal(written, text);
    buf_fini(made);
    free(written);
}

static void
the_manual_page_says_what_the_tables_say(void **state)
{
    struct buf text = {0};

    (void)state;
    subcommand_put_manual(admin_subcommands, &tool_common_options, &text);
    expect_same(manual_part("subcommands"), &text);
    subcommand_put_options_manual(&tool_common_options, &text);
    expect_same(manual_part("options"), &text);
}

static void
the_completion_is_that_of_the_tables(void **state)
{
    struct buf text = {0};

    (void)state;
    subcommand_put_completion(admin_subcommands, "flare-admin", &text);
    expect_same(source_text("flare-admin/flare-admin.bash"), &text);
}

static void
every_subcommand_explains_itself(void **state)
{
    (void)state;
    for (size_t i = 0; admin_subcommands[i] != NULL; i++) {
        const struct subcommand *sub = admin_subcommands[i];
        bool changes = (sub->flags & SUB_CHANGES) != 0;
        bool said = sub->about != NULL && sub->example != NULL &&
                    strstr(sub->example, sub->name) != NULL;

        if (!said || strlen(sub->summary) < 10) {
            fail_msg("%s has no text or example", sub->name);
        }
        if (changes != (option_find(&sub->options, "dry-run") != NULL) ||
            (option_find(&sub->options, "force") != NULL) !=
                (option_find(&sub->options, "yes") != NULL)) {
            fail_msg("%s: --dry-run belongs to what changes something, and "
                     "--yes to --force",
                     sub->name);
        }
        for (size_t j = 0; j < sub->options.nrows; j++) {
            const struct option_row *row = &sub->options.rows[j];

            for (size_t k = 0; k < j; k++) {
                const struct option_row *other = &sub->options.rows[k];

                if (strcmp(other->name, row->name) == 0 ||
                    (row->letter != '\0' && other->letter == row->letter)) {
                    fail_msg("%s: two options --%s or -%c", sub->name,
                             row->name, row->letter);
                }
            }
        }
        if (i > 0 && strcmp(admin_subcommands[i - 1]->name, sub->name) >= 0) {
            fail_msg("%s is not in its place", sub->name);
        }
    }
}

/* Complete a command line in bash; the answers joined by blanks. */
static void
complete(const char *line, const char *index, char *out, size_t size)
{
    const char *src = getenv("top_srcdir");
    const char *top = getenv("top_builddir");
    char command[2048];
    FILE *p;
    size_t n;

    (void)snprintf(command, sizeof(command),
                   "bash -c '. %s/flare-admin/flare-admin.bash;"
                   "COMP_WORDS=(%s/flare-admin/flare-admin %s);"
                   "COMP_CWORD=$((${#COMP_WORDS[@]} - 1));"
                   "export FLARE_INDEX_SERVER=%s; _flare_admin;"
                   "echo ${COMPREPLY[*]}'",
                   src != NULL ? src : ".", top != NULL ? top : ".", line,
                   index);
    p = popen(command, "r");
    assert_non_null(p);
    n = fread(out, 1, size - 1, p);
    out[n] = '\0';
    (void)pclose(p);
}

static void
bash_completes_names_options_and_values(void **state)
{
    static const struct {
        const char *line, *answer;
    } cases[] = {
        {"recon", "reconstruct\n"},
        {"list --num", "--numeric-hosts\n"},
        {"list -o \"\"", "table json csv\n"},
        {"list --output=c", "csv\n"},
        {"master --without", "--without-clean\n"},
        {"slave --retry \"\"", "\n"},
        {"frobnicate \"\"", "\n"},
    };
    char out[4096];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        complete(cases[i].line, "127.0.0.1:1", out, sizeof(out));
        assert_string_equal(out, cases[i].answer);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manual_page_says_what_the_tables_say),
        cmocka_unit_test(the_completion_is_that_of_the_tables),
        cmocka_unit_test(every_subcommand_explains_itself),
        cmocka_unit_test(bash_completes_names_options_and_values),
    };
    return cmocka_run_group_tests_name("flare-admin: tables", tests, NULL,
                                       NULL);
}
