/* Completion for bash, made from the tables of subcommands. */
#include <string.h>

#include "cli/subcommand.h"

/* The fixed part: @ stands for the program, % for its name in functions. */
static const char head[] =
    "# bash completion for @; made by \"@ completion\".\n"
    "\n"
    "# The nodes of the cluster that the command line or the environment "
    "names.\n"
    "%_nodes()\n"
    "{\n"
    "    local i args=()\n"
    "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
    "        case ${COMP_WORDS[i]} in\n"
    "        -i | --index-server | -p | --index-server-port | --cluster)\n"
    "            args+=(\"${COMP_WORDS[i]}\" \"${COMP_WORDS[i + 1]}\") ;;\n"
    "        esac\n"
    "    done\n"
    "    \"${COMP_WORDS[0]}\" list --timeout=1 --output=csv \"${args[@]}\" \\\n"
    "        2>/dev/null | sed -n '2,$s/,.*//p'\n"
    "}\n"
    "\n"
    "%()\n"
    "{\n"
    "    local cur prev opts= words= values=\n"
    "    if declare -F _get_comp_words_by_ref >/dev/null; then\n"
    "        _get_comp_words_by_ref -n := cur prev\n"
    "    else\n"
    "        cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    fi\n"
    "    COMPREPLY=()\n"
    "    if ((COMP_CWORD == 1)); then\n"
    "        COMPREPLY=($(compgen -W '";

static const char tail[] =
    "    *) return ;;\n"
    "    esac\n"
    "    case $values in\n"
    "    '') ;;\n"
    "    -) return ;;\n"
    "    FILE) COMPREPLY=($(compgen -f -- \"${cur#*=}\")); return ;;\n"
    "    *) COMPREPLY=($(compgen -W \"$values\" -- \"${cur#*=}\")); return ;;\n"
    "    esac\n"
    "    case $cur in\n"
    "    -*) COMPREPLY=($(compgen -W \"$opts\" -- \"$cur\")) ;;\n"
    "    *)\n"
    "        case $words in\n"
    "        '') ;;\n"
    "        node) COMPREPLY=($(compgen -W \"$(%_nodes)\" -- \"$cur\")) ;;\n"
    "        file) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
    "        *) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
    "        esac\n"
    "        ;;\n"
    "    esac\n"
    "    if declare -F __ltrim_colon_completions >/dev/null; then\n"
    "        __ltrim_colon_completions \"$cur\"\n"
    "    fi\n"
    "}\n"
    "complete -F % @\n";

static void
put_function(struct buf *out, const char *program)
{
    (void)buf_put_str(out, "_");
    for (; *program != '\0'; program++) {
        (void)buf_put(out, *program == '-' ? "_" : program, 1);
    }
}

static void
put_template(struct buf *out, const char *text, const char *program)
{
    for (; *text != '\0'; text++) {
        /* ${args[@]} and "$@" keep their at-sign. */
        bool verbatim = *text == '@' && text[1] == ']';

        if (*text == '@' && !verbatim) {
            (void)buf_put_str(out, program);
        } else if (*text == '%') {
            put_function(out, program);
        } else {
            (void)buf_put(out, text, 1);
        }
    }
}

/* What may follow an option: its choices, a file, or nothing to offer. */
static void
put_values(const struct option_row *row, struct buf *out)
{
    if (row->type == OPTION_CHOICE) {
        for (const char *p = row->choices; *p != '\0'; p++) {
            (void)buf_put(out, *p == '|' ? " " : p, 1);
        }
    } else if (row->unit != NULL && strstr(row->unit, "FILE") != NULL) {
        (void)buf_put_str(out, "FILE");
    } else {
        (void)buf_put_str(out, "-");
    }
}

static void
put_options(const struct subcommand *sub, struct buf *out)
{
    (void)buf_put_str(out, "        case $prev,$cur in\n");
    for (size_t i = 0; i < sub->options.nrows; i++) {
        const struct option_row *row = &sub->options.rows[i];

        if (row->type == OPTION_BOOL) {
            continue;
        }
        (void)buf_printf(out, "        --%s,* | *,--%s=*", row->name,
                         row->name);
        if (row->letter != '\0') {
            (void)buf_printf(out, " | -%c,*", row->letter);
        }
        (void)buf_put_str(out, ") values='");
        put_values(row, out);
        (void)buf_put_str(out, "' ;;\n");
    }
    (void)buf_put_str(out, "        esac\n        opts='");
    for (size_t i = 0; i < sub->options.nrows; i++) {
        const struct option_row *row = &sub->options.rows[i];

        (void)buf_printf(out, "%s--%s%s", i > 0 ? " " : "", row->name,
                         row->type == OPTION_BOOL ? "" : "=");
    }
    (void)buf_put_str(out, "'\n");
}

void
subcommand_put_completion(const struct subcommand *const *list,
                          const char *program, struct buf *out)
{
    put_template(out, head, program);
    for (size_t i = 0; list[i] != NULL; i++) {
        (void)buf_printf(out, "%s%s", i > 0 ? " " : "", list[i]->name);
    }
    (void)buf_put_str(out, "' -- \"$cur\"))\n        return\n    fi\n"
                           "    case ${COMP_WORDS[1]} in\n");
    for (; *list != NULL; list++) {
        (void)buf_printf(out, "    %s)\n", (*list)->name);
        put_options(*list, out);
        (void)buf_printf(out, "        words='%s'\n        ;;\n",
                         (*list)->complete != NULL ? (*list)->complete : "");
    }
    put_template(out, tail, program);
}
