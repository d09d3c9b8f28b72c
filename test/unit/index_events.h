/* Events of the index as the words of its commands. */
#ifndef FLARE_TEST_UNIT_INDEX_EVENTS_H
#define FLARE_TEST_UNIT_INDEX_EVENTS_H

#include "test/unit/maps.h"

#include "index/step.h"

/*
 * "role b:2 slave 1 0", "state b:2 down", "add b:2", "remove b:2",
 * "shutdown b:2", "switchover b:2"; "down b:2" and "up b:2" are the monitor's.
 */
static inline struct index_event
event_of(const char *text)
{
    static const struct {
        const char *word;
        enum index_event_type type;
    } types[] = {{"add", INDEX_ADD},
                 {"remove", INDEX_REMOVE},
                 {"role", INDEX_ROLE},
                 {"state", INDEX_STATE},
                 {"shutdown", INDEX_SHUTDOWN},
                 {"down", INDEX_DOWN},
                 {"up", INDEX_UP},
                 {"switchover", INDEX_SWITCHOVER}};
    struct index_event event = {
        .balance = -1, .partition = NODE_NO_PARTITION, .partition_size = 1024};
    struct slice rest = slice_str(text);
    struct slice word = slice_word(&rest);
    struct slice key = slice_word(&rest);
    int64_t value;
    bool known = false;

    for (size_t i = 0; i < COUNT(types); i++) {
        if (slice_eq(word, slice_str(types[i].word))) {
            event.type = types[i].type;
            known = true;
        }
    }
    assert_true(known);
    event.host = slice_until(&key, ':');
    assert_true(slice_u64(key, UINT64_MAX, &event.port));
    if (event.type == INDEX_STATE) {
        assert_true(node_state_parse(slice_word(&rest), &event.state));
    } else if (event.type == INDEX_ROLE) {
        assert_true(node_role_parse(slice_word(&rest), &event.role));
        if (slice_i64(slice_word(&rest), INT32_MIN, INT32_MAX, &value)) {
            event.balance = (int)value;
        }
        if (slice_i64(slice_word(&rest), INT32_MIN, INT32_MAX, &value)) {
            event.partition = (int)value;
        }
        event.force = slice_eq(slice_word(&rest), SLICE("force"));
    }
    return event;
}

#endif
