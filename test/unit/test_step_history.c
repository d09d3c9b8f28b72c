/* Random histories in which nodes say anything at all of their data. */
#include "test/unit/index_events.h"

#include <stdlib.h>
#include <time.h>

#include "base/rand.h"

static struct node_data
random_data(struct rand *rand)
{
    return (struct node_data){(enum node_copy)rand_below(rand, 4),
                              (int)rand_below(rand, 3) - 1, rand_below(rand, 4),
                              rand_below(rand, 4), 0};
}

static void
random_event(struct rand *rand, char *text, size_t size)
{
    static const char *const forms[] = {
        "add %s",
        "down %s",
        "down %s",
        "up %s",
        "up %s",
        "up %s",
        "state %s active",
        "state %s active",
        "state %s ready",
        "state %s down",
        "role %s master 1 0",
        "role %s slave 1 0",
        "role %s slave 2 0",
        "role %s master 1 1 force",
        "shutdown %s",
        "role %s master 1 0 force",
        "switchover %s",
        "role %s slave 1 1",
        "remove %s",
        "role %s proxy 0 -1",
    };
    static const char *const keys[] = {"a:1", "b:2", "c:3", "d:4", "e:5"};
    char form[40];

    (void)snprintf(form, sizeof(form), "%s",
                   forms[rand_below(rand, COUNT(forms))]);
    *strchr(form, '%') = '\0';
    (void)snprintf(text, size, "%s%s%s", form,
                   keys[rand_below(rand, COUNT(keys))],
                   form + strlen(form) + 2);
}

/* No candidate that answered is further than who was promoted. */
static const char *
bad_heir(const struct cluster_map *before, const struct index_plan *plan,
         const struct index_event *event)
{
    const struct index_failover *f = &plan->failover;
    const struct node *to = cluster_map_find(before, slice_str(f->to));
    const struct node_data *best = to != NULL ? index_fresh(event, to) : NULL;

    if (f->version == 0 || f->from[0] == '\0' || to == NULL ||
        to->role != NODE_SLAVE || event->type == INDEX_SWITCHOVER) {
        return NULL;
    }
    if (best != NULL && best->partition == f->partition &&
        best->copy == NODE_COPY_BUILDING) {
        return "an unfinished copy was promoted";
    }
    for (size_t i = 0; i < before->nnodes; i++) {
        const struct node *node = &before->node[i];
        const struct node_data *data = index_fresh(event, node);

        if (node->role == NODE_SLAVE && node->state == NODE_ACTIVE &&
            node->partition == f->partition && data != NULL &&
            data->partition == f->partition &&
            data->copy != NODE_COPY_BUILDING &&
            (best == NULL || best->partition != f->partition ||
             node_data_compare(data, best) > 0)) {
            return "a slave that was further was passed over";
        }
    }
    return NULL;
}

/* Nobody gets a preserved partition without its data or the operator. */
static const char *
bad_return(const struct cluster_map *before, const struct index_plan *plan,
           const struct index_event *event)
{
    for (size_t i = 0; i < before->nnodes; i++) {
        const struct node *was = &before->node[i];
        const struct node *is = cluster_map_find(plan->map, node_key(was));
        bool in = was->role == NODE_MASTER && was->state == NODE_DOWN &&
                  is != NULL && is->role == NODE_MASTER &&
                  is->state == NODE_ACTIVE && event->type == INDEX_UP;

        if (!in) {
            continue;
        }
        if (was->held || is->wait != NODE_WAIT_NOT) {
            return "a master was let in that should wait";
        }
        if (event->data.copy != NODE_COPY_UNKNOWN &&
            was->data.copy != NODE_COPY_UNKNOWN &&
            node_data_compare(&event->data, &was->data) < 0) {
            return "a master was let in with less than it had";
        }
    }
    return NULL;
}

static void
check(const struct cluster_map *before, const struct index_plan *plan,
      const struct index_event *event, uint64_t seed, const char *text)
{
    const char *why = cluster_map_broken(plan->map);

    why = why != NULL ? why : bad_heir(before, plan, event);
    why = why != NULL ? why : bad_return(before, plan, event);
    for (size_t i = 0; why == NULL && i < plan->map->nnodes; i++) {
        const struct node *node = &plan->map->node[i];

        if (node->wait != NODE_WAIT_NOT &&
            (node->role != NODE_MASTER || node->state != NODE_DOWN)) {
            why = "somebody waits who is no master that is down";
        }
    }
    if (why != NULL) {
        fail_msg("seed %llu: %s > %s: %s", (unsigned long long)seed,
                 map_says(before), text, why);
    }
}

static void
random_histories_promote_the_furthest(void **state)
{
    const char *given = getenv("FLARE_TEST_SEED");
    uint64_t seed =
        given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    unsigned promoted = 0, waited = 0;
    struct rand rand;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    rand_init(&rand, seed);
    for (int history = 0; history < 200; history++) {
        struct cluster_map *map = map_of("");

        for (int i = 0; i < 500; i++) {
            struct index_position said[5];
            struct index_event event;
            struct index_plan plan;
            char text[96];

            random_event(&rand, text, sizeof(text));
            event = event_of(text);
            event.data = random_data(&rand);
            event.answers = rand_below(&rand, 2) == 0;
            event.positions = said;
            for (size_t n = 0; n < map->nnodes; n++) {
                said[event.npositions++] = (struct index_position){
                    node_key(&map->node[n]), random_data(&rand),
                    rand_below(&rand, 3) > 0};
            }
            if (index_step(map, &event, &plan) == INDEX_CHANGED) {
                check(map, &plan, &event, seed, text);
                promoted += plan.failover.to[0] != '\0' &&
                            plan.failover.from[0] != '\0';
                for (size_t n = 0; n < plan.map->nnodes; n++) {
                    waited += plan.map->node[n].wait != NODE_WAIT_NOT;
                }
                cluster_map_unref(map);
                map = plan.map;
            }
        }
        cluster_map_unref(map);
    }
    print_message("%u promotions, %u waits\n", promoted, waited);
    assert_true(promoted > 100 && waited > 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_promote_the_furthest),
    };
    return cmocka_run_group_tests_name("index/step history", tests, NULL, NULL);
}
