/* What the index has done about failures, and what it knows of each node. */
#include "flarei/cmd.h"
#include "flarei/member.h"
#include "index/step.h"

static const char *
or_dash(const char *key)
{
    return key[0] != '\0' ? key : "-";
}

static bool
put_position(struct buf *out, size_t n, const char *of,
             const struct node_data *data)
{
    uintmax_t i = n;

    return buf_printf(out,
                      "STAT %ju:%s_copy %s\r\nSTAT %ju:%s_epoch %ju\r\n"
                      "STAT %ju:%s_sequence %ju\r\n",
                      i, of, node_copy_name(data->copy), i, of,
                      (uintmax_t)data->epoch, i, of, (uintmax_t)data->seq);
}

static bool
put_failover(struct buf *out, size_t n, const struct index_failover *f)
{
    uintmax_t i = n;

    return buf_printf(out,
                      "STAT %ju:time %jd\r\nSTAT %ju:map_version %ju\r\n"
                      "STAT %ju:partition %d\r\nSTAT %ju:cause %s\r\n",
                      i, (intmax_t)f->at.s, i, (uintmax_t)f->version, i,
                      f->partition, i, index_event_name(f->cause)) &&
           buf_printf(out,
                      "STAT %ju:evidence %s\r\nSTAT %ju:took_ms %jd\r\n"
                      "STAT %ju:from %s\r\n",
                      i,
                      f->cause == INDEX_DOWN ? health_evidence_name(f->evidence)
                                             : "-",
                      i, (intmax_t)f->took_ms, i, or_dash(f->from)) &&
           put_position(out, n, "from", &f->from_data) &&
           buf_printf(out, "STAT %ju:to %s\r\n", i, or_dash(f->to)) &&
           put_position(out, n, "to", &f->to_data);
}

/* The oldest first, numbered from 1. */
bool
cmd_put_failovers(struct buf *out, struct flarei *flarei)
{
    size_t n = index_book_count(&flarei->book);

    for (size_t i = 0; i < n; i++) {
        if (!put_failover(out, i + 1, index_book_at(&flarei->book, i))) {
            return false;
        }
    }
    return true;
}

static const char *
kind(const struct member *member)
{
    if (member->old) {
        return "1.3.4";
    }
    return member->data.copy != NODE_COPY_UNKNOWN ? "2" : "unknown";
}

static bool
put_wait(struct buf *out, const struct node *node)
{
    struct slice host = node_host(node);

    if (node->wait == NODE_WAIT_NOT) {
        return true;
    }
    return buf_printf(out,
                      "STAT %s:advice %s; \"node state %.*s %u active\" lets "
                      "it in all the same\r\n",
                      node->key, index_why_waits(node->wait), (int)host.n,
                      host.p, (unsigned)node->port);
}

/* As it says itself; what a master that is down had is what counts for it. */
static bool
put_data(struct buf *out, const struct node *node, const struct member *member)
{
    const struct node_data *data = &member->data;

    if (node->state == NODE_DOWN || data->copy == NODE_COPY_UNKNOWN) {
        data = &node->data;
    }
    return buf_printf(out,
                      "STAT %s:copy %s\r\nSTAT %s:epoch %ju\r\n"
                      "STAT %s:sequence %ju\r\n",
                      node->key, node_copy_name(data->copy), node->key,
                      (uintmax_t)data->epoch, node->key, (uintmax_t)data->seq);
}

static bool
put_member(struct buf *out, const struct flarei *flarei,
           const struct node *node)
{
    const struct member *member = strmap_find(&flarei->members, node_key(node));
    const char *key = node->key;

    return buf_printf(out,
                      "STAT %s:flare %s\r\nSTAT %s:connected %d\r\n"
                      "STAT %s:answers %d\r\nSTAT %s:map_version %ju\r\n",
                      key, kind(member), key, link_is_up(member->link), key,
                      member->answers, key, (uintmax_t)member->acked) &&
           buf_printf(out,
                      "STAT %s:held %d\r\nSTAT %s:master_since %ju\r\n"
                      "STAT %s:wait %s\r\n",
                      key, node->held, key, (uintmax_t)node->master_since, key,
                      node_wait_name(node->wait)) &&
           put_wait(out, node) && put_data(out, node, member);
}

bool
cmd_put_members(struct buf *out, const struct flarei *flarei)
{
    for (size_t i = 0; i < flarei->map->nnodes; i++) {
        if (!put_member(out, flarei, &flarei->map->node[i])) {
            return false;
        }
    }
    return true;
}
