/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_walk.h: which resources of a BMC are still to be asked for. Pure.
 *
 * A path is asked for once, whoever links to it, so loops end; depth and number are
 * bounded. What was left out for a bound is said. Private to src/field.
 */
#ifndef BUSBAR_FIELD_REDFISH_WALK_H
#define BUSBAR_FIELD_REDFISH_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/status.h"

#include "redfish_schema.h"

#define REDFISH_WALK_DEPTH_MAX 12
#define REDFISH_WALK_ITEMS_MAX 8192

/* What a resource tells of, passed on to what hangs on it. */
enum redfish_walk_context {
    REDFISH_OF_NOTHING,
    REDFISH_OF_GPU,
    REDFISH_OF_CPU,
    REDFISH_OF_MEMORY,
    REDFISH_OF_CHASSIS,
    REDFISH_OF_SYSTEM,
    REDFISH_OF_SUPPLY,
    REDFISH_OF_BATTERY
};

struct redfish_walk_item {
    char *path;
    enum redfish_schema hint;   /* what the link says is there                       */
    enum redfish_schema member; /* and, of a collection, in it                     */
    int32_t parent;             /* item that linked to it; -1: none                  */
    const char *property;       /* by this member; constant                          */
    int16_t depth, pages;       /* pages of one collection so far                    */
    enum redfish_walk_context context;
    bool plain; /* $expand failed here: ask without                  */
};

struct redfish_walk {
    struct redfish_walk_item *items;
    int32_t count, room, most;
    int32_t *slots; /* hash of paths to items + 1                        */
    int32_t slot_count;
    int32_t next[REDFISH_WALK_ORDERS]; /* of each order: where the search goes on           */
    int32_t waiting;
    bool *asked;
    bool cut; /* something was left out                             */
};

/* `most`: items, 1 to REDFISH_WALK_ITEMS_MAX; 0: that many. */
void redfish_walk_init(struct redfish_walk *walk, int32_t most);
void redfish_walk_done(struct redfish_walk *walk);

struct redfish_walk_link {
    const char *path; /* of this host, no fragment; copied                          */
    enum redfish_schema hint, member;
    int32_t parent;
    const char *property;
    bool page; /* the next page of `parent`                                  */
};

/* Notes a link unless it is known. False: no memory. */
bool redfish_walk_add(struct redfish_walk *walk, const struct redfish_walk_link *link);

/* The item of a path, or -1. */
int32_t redfish_walk_find(const struct redfish_walk *walk, const char *path);

/* The next item to ask for, or -1: all were. */
int32_t redfish_walk_next(struct redfish_walk *walk);

/* An item that came along with another: it is not asked for any more. */
void redfish_walk_claim(struct redfish_walk *walk, int32_t item);

/* Asks for an item once more. */
void redfish_walk_again(struct redfish_walk *walk, int32_t item);

#endif
