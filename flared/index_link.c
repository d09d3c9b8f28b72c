#include "flared/index_link.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/strmap.h"
#include "flared/index_data.h"
#include "flared/index_meta.h"
#include "flared/index_servers.h"
#include "flared/last_map.h"
#include "flared/membership.h"
#include "net/timer.h"
#include "peer/peer.h"

enum {
    RETRY_MS = 500,
    LOG_EVERY = 20, /* failures in a row: every 10 s or so */
    CONNECT_MS = 2000,
    ANSWER_MS = 5000,
    ANSWER_LINE_MAX = 4096,
    LOST_MAX = 1024, /* copies to be reported; more are refused */
};

static void on_peer_moved(void *arg);

static const struct peer_options peer_options = {
    .connect_ms = CONNECT_MS,
    .answer_ms = ANSWER_MS,
    .line_max = ANSWER_LINE_MAX,
    .value_max = ANSWER_LINE_MAX,
    .limits = {.in_turn = 65536, .out_high = 65536, .out_low = 4096},
    .moved = on_peer_moved,
};

/* What the link is telling the index, most urgent first. */
enum job { JOB_NONE, JOB_GOODBYE, JOB_REGISTER, JOB_REPORT, JOB_LOST };

struct index_link {
    struct flared *node;
    struct index_servers servers;

    enum job job; /* under way */
    struct peer *peer;
    struct peer_call call;
    struct buf lines;       /* of the answer */
    struct index_meta meta; /* likewise, while registering */
    struct loop_item next;  /* end this exchange, begin the next */
    struct timer retry;
    bool failed; /* the exchange is over; try again after a pause */
    bool closing;
    unsigned failures; /* in a row */
    atomic_uint refs;  /* one of its own, one of each order on its way */

    bool registering;   /* wanted */
    bool plain;         /* this index does not ask about our data */
    char *report;       /* a command line, or NULL */
    unsigned report_id; /* of which report is which */
    unsigned job_id;    /* the one under way */
    struct strmap lost; /* key -> command line */
    char *lost_key;     /* under way */
    bool leaving;
    struct timer leave_timer;
    void (*left)(void *arg);
    void *left_arg;
};

/* Maps are taken from wherever an index server was met. */
static void
on_peer_moved(void *arg)
{
    const struct index_link *link = arg;
    struct sock_addr addr;

    if (link->peer != NULL && peer_address(link->peer, &addr)) {
        guard_add_index(&link->node->guard, &addr);
    }
}

/* --- one exchange ------------------------------------------------------- */

static void
try_again(struct index_link *link, const char *why)
{
    if (link->failed || link->closing) {
        return;
    }
    link->failed = true;
    if (link->failures++ % LOG_EVERY == 0) {
        log_warn("index server %s: %s; trying again (attempt %u)",
                 peer_name(link->peer), why, link->failures);
    }
    index_servers_next(&link->servers);
    link->plain = false; /* the next one may be another */
    loop_at_turn_end(&link->node->control, &link->next);
}

static void
try_again_broken(struct index_link *link)
{
    int error = peer_last_error(link->peer);

    if (link->job == JOB_REGISTER && !link->closing) {
        membership_fall_back(link->node->membership);
    }
    try_again(link, error != 0 ? strerror(error) : "connection lost");
}

static void
job_done(struct index_link *link)
{
    link->job = JOB_NONE;
    link->failures = 0;
    loop_at_turn_end(&link->node->control, &link->next);
}

/* A request of one command.  `done` is told the answer. */
static void
ask(struct index_link *link, const char *line, enum reply_expect expect,
    void (*done)(struct peer_call *call, enum peer_result result,
                 const struct reply *reply))
{
    struct buf *out = peer_out(link->peer);

    if (out == NULL || !buf_printf(out, "%s\r\n", line)) {
        try_again_broken(link);
        return;
    }
    peer_expect(link->peer, &link->call, expect, done);
}

/* --- reports ------------------------------------------------------------ */

static void
report_is_answered(struct index_link *link)
{
    if (link->job == JOB_REPORT && link->job_id == link->report_id) {
        free(STEAL(link->report));
    }
    if (link->job == JOB_LOST) {
        free(strmap_remove(&link->lost, slice_str(link->lost_key)));
        free(STEAL(link->lost_key));
    }
}

static void
on_report_answer(struct peer_call *call, enum peer_result result,
                 const struct reply *reply)
{
    struct index_link *link = LIST_ENTRY(call, struct index_link, call);

    if (link->closing) {
        return;
    }
    if (result != PEER_REPLY) {
        try_again_broken(link);
        return;
    }
    if (reply->kind != REPLY_LINE || reply->code != REPLY_CODE_OK) {
        log_error("the index refuses \"%s\": %s",
                  link->job == JOB_REPORT && link->report != NULL
                      ? link->report
                      : (link->lost_key != NULL ? link->lost_key : ""),
                  log_text(reply->line).text);
    }
    report_is_answered(link);
    job_done(link);
}

/* --- registration ------------------------------------------------------- */

static void
registered(struct index_link *link)
{
    const char *why = index_meta_use(&link->meta, link->node);

    if (why != NULL) {
        last_map_remove(link->node); /* it may be what does not fit */
        try_again(link, why);
        return;
    }
    link->registering = false;
    log_info("registered with index server %s", peer_name(link->peer));
    (void)membership_first(link->node->membership, buf_slice(&link->lines));
    job_done(link);
}

static void
on_meta(struct peer_call *call, enum peer_result result,
        const struct reply *reply)
{
    struct index_link *link = LIST_ENTRY(call, struct index_link, call);

    if (link->closing) {
        return;
    }
    if (result != PEER_REPLY) {
        try_again_broken(link);
    } else if (reply->kind == REPLY_ITEM) {
        index_meta_line(&link->meta, reply->line);
    } else if (reply->last && reply->code == REPLY_CODE_END) {
        registered(link);
    } else if (reply->last) {
        try_again(link, log_text(reply->line).text);
    }
}

static void begin_register(struct index_link *link);

static void
on_list(struct peer_call *call, enum peer_result result,
        const struct reply *reply)
{
    struct index_link *link = LIST_ENTRY(call, struct index_link, call);

    if (link->closing) {
        return;
    }
    if (result != PEER_REPLY) {
        try_again_broken(link);
    } else if (reply->kind == REPLY_ITEM) {
        if (!buf_put_slice(&link->lines, reply->line) ||
            !buf_put_str(&link->lines, "\r\n")) {
            try_again(link, "memory is out");
        }
    } else if (reply->last && reply->code == REPLY_CODE_ERROR && !link->plain) {
        link->plain = true; /* flare's index: it wants to know less */
        begin_register(link);
    } else if (reply->last && reply->code == REPLY_CODE_END && !link->failed) {
        link->meta = index_meta_default();
        ask(link, "meta", EXPECT_LINES, on_meta);
    } else if (reply->last) {
        try_again(link, log_text(reply->line).text);
    }
}

/* "COMMAND name port rest", with the port that is bound. */
static char *
command(const struct flared *node, const char *what, const char *rest)
{
    const char *port = strrchr(node->self, ':');

    return xasprintf("%s %.*s %s%s", what, (int)(port - node->self), node->self,
                     port + 1, rest);
}

static void
begin_register(struct index_link *link)
{
    AUTO_FREE char *data = link->plain ? xstrdup("") : index_data(link->node);
    AUTO_FREE char *line = command(link->node, "node add", data);

    buf_clear(&link->lines);
    ask(link, line, EXPECT_LINES, on_list);
}

/* --- goodbye ------------------------------------------------------------ */

static void
say_left(struct index_link *link)
{
    void (*left)(void *arg) = link->left;

    timer_stop(&link->leave_timer);
    link->left = NULL;
    link->leaving = false;
    if (left != NULL) {
        left(link->left_arg);
    }
}

static void
on_goodbye(struct peer_call *call, enum peer_result result,
           const struct reply *reply)
{
    struct index_link *link = LIST_ENTRY(call, struct index_link, call);

    if (link->closing) {
        return;
    }
    if (result != PEER_REPLY) {
        try_again_broken(link);
        return;
    }
    if (reply->code != REPLY_CODE_OK) {
        log_warn("the index answers the goodbye with %s",
                 log_text(reply->line).text);
    }
    say_left(link);
    job_done(link);
}

static void
on_leave_timer(struct timer *timer)
{
    struct index_link *link = LIST_ENTRY(timer, struct index_link, leave_timer);

    log_warn("no index server has answered the goodbye");
    say_left(link);
}

static void
begin_goodbye(struct index_link *link)
{
    AUTO_FREE char *line = command(link->node, "shutdown", "");

    ask(link, line, EXPECT_LINE, on_goodbye);
}

/* --- what next ---------------------------------------------------------- */

static void
begin_lost(struct index_link *link)
{
    struct slice key;
    void *line;
    size_t at = 0;

    if (strmap_next(&link->lost, &at, &key, &line)) {
        link->lost_key = xstrndup(key.p, key.n);
        ask(link, line, EXPECT_LINE, on_report_answer);
    }
}

static enum job
most_urgent(const struct index_link *link)
{
    if (link->leaving) {
        return JOB_GOODBYE;
    }
    if (link->registering) {
        return JOB_REGISTER;
    }
    if (link->report != NULL) {
        return JOB_REPORT;
    }
    return link->lost.count > 0 ? JOB_LOST : JOB_NONE;
}

static void
begin_next(struct index_link *link)
{
    const struct index_server *server = index_servers_current(&link->servers);
    struct peer_options options = peer_options;

    if (link->job != JOB_NONE || link->retry.armed || server == NULL) {
        return;
    }
    link->job = most_urgent(link);
    if (link->job == JOB_NONE) {
        return;
    }
    link->failed = false;
    options.arg = link;
    link->peer =
        peer_new(&link->node->control, server->host, server->port, &options);
    link->job_id = link->report_id;
    switch (link->job) {
    case JOB_GOODBYE:
        begin_goodbye(link);
        return;
    case JOB_REGISTER:
        begin_register(link);
        return;
    case JOB_REPORT:
        ask(link, link->report, EXPECT_LINE, on_report_answer);
        return;
    case JOB_LOST:
        begin_lost(link);
        return;
    case JOB_NONE:
        return;
    }
}

/* End of the turn in which an exchange ended. */
static void
on_next(struct loop_item *item)
{
    struct index_link *link = LIST_ENTRY(item, struct index_link, next);
    bool was_failed = link->failed;

    if (link->peer != NULL && (link->job == JOB_NONE || was_failed)) {
        link->closing = true; /* it has nothing more to tell */
        peer_free(STEAL(link->peer));
        link->closing = false;
        link->failed = false;
        link->job = JOB_NONE;
        free(STEAL(link->lost_key));
    }
    if (was_failed) {
        timer_once(&link->retry, RETRY_MS);
        return;
    }
    begin_next(link);
}

static void
on_retry(struct timer *timer)
{
    begin_next(LIST_ENTRY(timer, struct index_link, retry));
}

/* --- orders from any thread --------------------------------------------- */

enum order_kind { ORDER_REPORT, ORDER_LOST, ORDER_FORGET };

struct order {
    struct mail mail;
    struct index_link *link;
    enum order_kind kind;
    char *line; /* owned */
    char key[NODE_KEY_MAX + 1];
};

static void
take_lost(struct index_link *link, struct order *order)
{
    if (link->lost.count < LOST_MAX) {
        free(
            strmap_put(&link->lost, slice_str(order->key), STEAL(order->line)));
    }
}

/* The last of the link and the orders on their way to it frees the memory. */
static void
release(struct index_link *link)
{
    if (atomic_fetch_sub(&link->refs, 1) == 1) {
        free(link);
    }
}

/* On the control thread. */
static void
on_order(struct mail *mail)
{
    struct order *order = LIST_ENTRY(mail, struct order, mail);
    struct index_link *link = order->link;

    if (link->closing) {
        /* The link is gone but for its memory: see index_link_free(). */
    } else if (order->kind == ORDER_LOST) {
        take_lost(link, order);
    } else {
        link->report_id++;
        free(link->report);
        link->report = STEAL(order->line); /* NULL with FORGET */
    }
    free(order->line);
    free(order);
    if (!link->closing) {
        loop_at_turn_end(&link->node->control, &link->next);
    }
    release(link);
}

static void
post_order(struct index_link *link, enum order_kind kind, char *line,
           const char *key)
{
    struct order *order = xcalloc(1, sizeof(*order));

    atomic_fetch_add(&link->refs, 1);
    order->mail.deliver = on_order;
    order->link = link;
    order->kind = kind;
    order->line = line;
    memcpy(order->key, key, strlen(key) + 1);
    mailbox_post(&link->node->control.mailbox, &order->mail);
}

void
index_link_report_state(struct index_link *link, enum node_state state)
{
    AUTO_FREE char *rest = xasprintf(" %s", node_state_name(state));

    post_order(link, ORDER_REPORT, command(link->node, "node state", rest), "");
}

void
index_link_report_failed(struct index_link *link)
{
    post_order(link, ORDER_REPORT,
               command(link->node, "node role", " proxy 0 -1"), "");
}

void
index_link_forget(struct index_link *link)
{
    post_order(link, ORDER_FORGET, NULL, "");
}

void
index_link_report_lost(struct index_link *link, const struct node *copy)
{
    struct slice host = node_host(copy);

    post_order(link, ORDER_LOST,
               xasprintf("node role %.*s %u proxy 0 -1", (int)host.n, host.p,
                         (unsigned)copy->port),
               copy->key);
}

/* --- beginning and end -------------------------------------------------- */

static void
read_servers(struct index_link *link)
{
    AUTO_FREE char *text = flared_options_index(&link->node->options);

    index_servers_read(&link->servers, slice_str(text));
}

struct index_link *
index_link_new(struct flared *node)
{
    struct index_link *link = xcalloc(1, sizeof(*link));

    link->node = node;
    atomic_init(&link->refs, 1);
    link->next.run = on_next;
    timer_init(&link->retry, &node->control, on_retry);
    timer_init(&link->leave_timer, &node->control, on_leave_timer);
    read_servers(link);
    return link;
}

void
index_link_free(struct index_link *link)
{
    struct slice key;
    void *line;
    size_t at = 0;

    if (link == NULL) {
        return;
    }
    link->closing = true;
    peer_free(link->peer);
    if (link->next.queued) {
        list_remove(&link->next.link);
    }
    timer_fini(&link->retry);
    timer_fini(&link->leave_timer);
    while (strmap_next(&link->lost, &at, &key, &line)) {
        free(line);
    }
    strmap_fini(&link->lost);
    index_servers_fini(&link->servers);
    buf_fini(&link->lines);
    free(link->report);
    free(link->lost_key);
    release(link);
}

void
index_link_start(struct index_link *link)
{
    link->registering = true;
    loop_at_turn_end(&link->node->control, &link->next);
}

void
index_link_reload(struct index_link *link)
{
    read_servers(link);
    loop_at_turn_end(&link->node->control, &link->next);
}

void
index_link_goodbye(struct index_link *link, int64_t ms, void (*done)(void *arg),
                   void *arg)
{
    link->leaving = true;
    link->left = done;
    link->left_arg = arg;
    timer_once(&link->leave_timer, ms);
    loop_at_turn_end(&link->node->control, &link->next);
}
