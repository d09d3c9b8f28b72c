/*
 * list: an intrusive doubly linked ring; the head is an element of it.
 *
 *     struct list calls;               a head
 *     struct call { struct list link; ... };
 *     LIST_ENTRY(list_first(&calls), struct call, link)
 */
#ifndef FLARE_BASE_LIST_H
#define FLARE_BASE_LIST_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

#define LIST_ENTRY(p, type, field)                                             \
    ((type *)(void *)((char *)(p)-offsetof(type, field)))

static inline void
list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool
list_empty(const struct list *head)
{
    return head->next == head;
}

/* NULL when empty. */
static inline struct list *
list_first(const struct list *head)
{
    return list_empty(head) ? NULL : head->next;
}

/* NULL when empty. */
static inline struct list *
list_last(const struct list *head)
{
    assert(head->prev != NULL);
    return list_empty(head) ? NULL : head->prev;
}

static inline void
list_append(struct list *head, struct list *item)
{
    item->next = head;
    item->prev = head->prev;
    head->prev->next = item;
    head->prev = item;
}

/* The item may be taken off twice; it is a ring of its own afterwards. */
static inline void
list_remove(struct list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_init(item);
}

/* Take the first off, or NULL when empty. */
static inline struct list *
list_pop(struct list *head)
{
    struct list *item = head->next;

    if (item == head) {
        return NULL;
    }
    head->next = item->next;
    item->next->prev = head;
    list_init(item);
    return item;
}

#endif
