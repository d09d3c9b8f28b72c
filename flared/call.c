#include "flared/call.h"

#include "flared/session.h"
#include "flared/worker.h"

void
call_append(struct call *call, struct session *session,
            void (*destroy)(struct call *call))
{
    call->session = session;
    call->worker = session->worker;
    call->destroy = destroy;
    list_append(&session->calls, &call->link);
    session->ncalls++;
}

void
call_init(struct call *call, struct session *session,
          void (*destroy)(struct call *call))
{
    call_append(call, session, destroy);
    latency_wait(call->worker, &call->note);
}

static void
end(struct call *call)
{
    if (call->session != NULL) {
        list_remove(&call->link);
        call->session->ncalls--;
        call->session->pending -= call->weight;
    }
    if (call->out.base != NULL) {
        loop_take_back(&call->worker->loop, &call->out);
    }
    call->destroy(call);
}

/* Move the answer to the connection, without a copy where that is possible. */
static bool
send_answer(struct session *session, struct call *call)
{
    struct buf *out = session_out(session);

    if (call->quiet || buf_len(&call->out) == 0) {
        return true;
    }
    if (buf_len(out) == 0 && buf_len(&call->out) >= 16384) {
        struct buf empty = *out;

        *out = call->out;
        call->out = empty;
        return true;
    }
    return buf_put_slice(out, buf_slice(&call->out));
}

static bool
send_and_end(struct session *session, struct call *call)
{
    bool ok = send_answer(session, call);

    end(call);
    return ok;
}

void
call_weigh(struct call *call, size_t asked)
{
    size_t weight;

    call->asked += asked;
    /* Until it is done, its output may be another thread's (tour.h). */
    weight = call->asked + (call->done ? buf_len(&call->out) : 0);
    call->session->pending += weight - call->weight;
    call->weight = weight;
}

void
call_resume(struct call *call)
{
    if (call->resume != NULL) {
        call->resume(call);
    }
}

static void
flush(struct session *session)
{
    struct list *first;

    while ((first = list_first(&session->calls)) != NULL) {
        struct call *call = LIST_ENTRY(first, struct call, link);

        if (!call->done) {
            call_resume(call);
            break;
        }
        if (!send_and_end(session, call)) {
            session_fail(session, "out of memory");
            return;
        }
    }
    session_moved(session);
}

void
call_done(struct call *call)
{
    call->done = true;
    latency_waited(call->worker, call->session, &call->note);
    if (call->session == NULL) {
        end(call);
        return;
    }
    call_weigh(call, 0);
    if (call_is_first(call)) {
        flush(call->session);
    }
}

bool
call_is_first(const struct call *call)
{
    return call->session != NULL &&
           list_first(&call->session->calls) == &call->link;
}

void
calls_orphan(struct session *session)
{
    struct list *first;

    while ((first = list_first(&session->calls)) != NULL) {
        struct call *call = LIST_ENTRY(first, struct call, link);

        list_remove(&call->link);
        session->ncalls--;
        call->session = NULL;
        if (call->done) {
            end(call);
        } else if (call->resume != NULL) {
            call->resume(call); /* it sees that nobody listens and ends */
        }
    }
}
