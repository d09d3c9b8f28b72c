#include "flared/cmd.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "proto/reply.h"

/*
 * "show variables": the options in effect.  They belong to the control thread,
 * so the call goes there and comes back with the text.
 */
struct show {
    struct call call;
    struct mail mail;
    bool ok;
};

static void
destroy(struct call *call)
{
    free(LIST_ENTRY(call, struct show, call));
}

static void
on_shown(struct mail *mail)
{
    struct show *show = LIST_ENTRY(mail, struct show, mail);

    if (!show->ok && show->call.session != NULL) {
        session_fail(show->call.session, "out of memory");
    }
    call_done(&show->call);
}

enum { NAME_WIDTH = 24 }; /* of "name:" (spec: data-plane 9.4) */

static bool
put_variable(struct buf *out, const struct option_row *row, const void *target)
{
    size_t from = buf_len(out);
    char *text;

    if (!buf_put_str(out, row->name)) {
        return false;
    }
    text = buf_tail(out) - (buf_len(out) - from);
    for (size_t i = 0; text + i < buf_tail(out); i++) {
        if (text[i] == '-') {
            text[i] = '_';
        }
    }
    if (!buf_put(out, ":", 1)) {
        return false;
    }
    while (buf_len(out) - from < NAME_WIDTH) {
        if (!buf_put(out, " ", 1)) {
            return false;
        }
    }
    option_put(row, target, out);
    return buf_put(out, "\r\n", 2);
}

static void
on_show(struct mail *mail)
{
    struct show *show = LIST_ENTRY(mail, struct show, mail);
    const struct flared *node = show->call.worker->node;
    const struct option_table *table = &node->conf->spec->table;

    show->ok = true;
    for (size_t i = 0; show->ok && i < table->nrows; i++) {
        const struct option_row *row = &table->rows[i];

        if ((row->flags & (OPTION_IGNORED | OPTION_COMMAND_LINE)) == 0) {
            show->ok = put_variable(&show->call.out, row, node->conf->target);
        }
    }
    show->ok = show->ok && reply_line(&show->call.out, "END");
    mail->deliver = on_shown;
    mailbox_post(&show->call.worker->loop.mailbox, mail);
}

void
cmd_show(struct session *session, const struct request *req)
{
    struct slice rest = req->words;
    struct show *show;

    if (!slice_eq(slice_word(&rest), SLICE("variables"))) {
        session_line(session, req, "ERROR");
        return;
    }
    show = xcalloc(1, sizeof(*show));
    call_init(&show->call, session, destroy);
    show->mail.deliver = on_show;
    mailbox_post(&session->worker->node->control.mailbox, &show->mail);
}
