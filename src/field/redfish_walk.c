/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_walk.c: the list of a BMC's resources, each once, cheap ones first.
 * Pure: any thread, no I/O; allocates.
 */
#include "redfish_walk.h"

#include <stdlib.h>
#include <string.h>

#define REDFISH_WALK_FIRST_ROOM 64
#define REDFISH_WALK_PAGES_MAX  512
#define REDFISH_WALK_FNV_OFFSET 2166136261u
#define REDFISH_WALK_FNV_PRIME  16777619u

void redfish_walk_init(struct redfish_walk *walk, int32_t most)
{
    *walk =
        (struct redfish_walk){ .most = most >= 1 && most < REDFISH_WALK_ITEMS_MAX ? most
                                                                                  : REDFISH_WALK_ITEMS_MAX };
}

void redfish_walk_done(struct redfish_walk *walk)
{
    for (int32_t i = 0; i < walk->count; i++)
        free(walk->items[i].path);
    free(walk->items);
    free(walk->slots);
    free(walk->asked);
    *walk = (struct redfish_walk){ .count = 0 };
}

static int redfish_walk_order(const struct redfish_walk_item *item)
{
    return redfish_schema_order(item->hint == REDFISH_COLLECTION ? item->member : item->hint);
}

static int32_t *redfish_walk_slot(const struct redfish_walk *walk, const char *path)
{
    uint32_t hash = REDFISH_WALK_FNV_OFFSET;
    int32_t at;

    for (const char *c = path; *c; c++)
        hash = (hash ^ (uint8_t)*c) * REDFISH_WALK_FNV_PRIME;
    at = (int32_t)(hash & (uint32_t)(walk->slot_count - 1));
    while (walk->slots[at] && strcmp(walk->items[walk->slots[at] - 1].path, path) != 0)
        at = (at + 1) & (walk->slot_count - 1);
    return &walk->slots[at];
}

/* Room for one more: the hash stays at most half full. */
static bool redfish_walk_grow(struct redfish_walk *walk)
{
    int32_t room = walk->room ? walk->room * 2 : REDFISH_WALK_FIRST_ROOM;
    struct redfish_walk_item *items;
    bool *asked;
    int32_t *slots;

    if (walk->count < walk->room)
        return true;
    items = realloc(walk->items, (size_t)room * sizeof *items);
    if (items)
        walk->items = items;
    asked = realloc(walk->asked, (size_t)room * sizeof *asked);
    if (asked)
        walk->asked = asked;
    slots = calloc((size_t)room * 2, sizeof *slots);
    if (!items || !asked || !slots) {
        free(slots);
        return false;
    }
    free(walk->slots);
    walk->slots = slots;
    walk->slot_count = room * 2;
    walk->room = room;
    for (int32_t i = 0; i < walk->count; i++)
        *redfish_walk_slot(walk, walk->items[i].path) = i + 1;
    return true;
}

int32_t redfish_walk_find(const struct redfish_walk *walk, const char *path)
{
    return walk->slot_count ? *redfish_walk_slot(walk, path) - 1 : -1;
}

bool redfish_walk_add(struct redfish_walk *walk, const struct redfish_walk_link *link)
{
    const struct redfish_walk_item *parent = link->parent >= 0 ? &walk->items[link->parent] : NULL;
    struct redfish_walk_item item = {
        .hint = link->hint,
        .member = link->member,
        .parent = link->parent,
        .property = link->property,
        .context = parent ? parent->context : REDFISH_OF_NOTHING,
        .depth = (int16_t)(parent ? parent->depth + !link->page : 0),
        .pages = (int16_t)(parent && link->page ? parent->pages + 1 : 0),
    };

    if (redfish_walk_find(walk, link->path) >= 0)
        return true;
    if (walk->count >= walk->most || item.depth > REDFISH_WALK_DEPTH_MAX ||
        item.pages > REDFISH_WALK_PAGES_MAX) {
        walk->cut = true;
        return true;
    }
    item.path = strdup(link->path);
    if (!item.path || !redfish_walk_grow(walk)) {
        free(item.path);
        return false;
    }
    *redfish_walk_slot(walk, item.path) = walk->count + 1;
    walk->asked[walk->count] = false;
    walk->items[walk->count++] = item;
    walk->waiting++;
    return true;
}

int32_t redfish_walk_next(struct redfish_walk *walk)
{
    for (int order = 0; order < REDFISH_WALK_ORDERS && walk->waiting > 0; order++) {
        for (int32_t i = walk->next[order]; i < walk->count; i++) {
            if (redfish_walk_order(&walk->items[i]) != order || walk->asked[i])
                continue;
            walk->asked[i] = true;
            walk->waiting--;
            walk->next[order] = i + 1;
            return i;
        }
        walk->next[order] = walk->count;
    }
    return -1;
}

void redfish_walk_claim(struct redfish_walk *walk, int32_t item)
{
    walk->waiting -= !walk->asked[item];
    walk->asked[item] = true;
}

void redfish_walk_again(struct redfish_walk *walk, int32_t item)
{
    int order = redfish_walk_order(&walk->items[item]);

    walk->asked[item] = false;
    walk->waiting++;
    if (walk->next[order] > item)
        walk->next[order] = item;
}
