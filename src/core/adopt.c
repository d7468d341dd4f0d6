/* SPDX-License-Identifier: Apache-2.0 */
/* adopt.c: core_adopt(): what a new core takes over from the one it replaces.
 *
 * Only state is carried, never configuration. Bounded by the new configuration;
 * the new core takes its plan anew at its first step.
 */
#include "block.h"
#include "foresee.h"
#include "zone.h"

#include <string.h>

static void adopt_head(struct core *core, const struct core *old)
{
    core->rng = old->rng;
    core->now_us = old->now_us;
    core->last_us = old->last_us;
    core->first_us = old->first_us;
    core->step = old->step;
    core->started = old->started;
    core->mode = old->mode;
    core->reasons = old->reasons;
    core->infeasible = old->infeasible;
    core->armed = old->armed;
    core->exceeded = old->exceeded;
    core->arm = old->arm;
    core->news_step = old->news_step;
    core->news = old->news;
}

static void adopt_point(struct block *b, int32_t p, const struct block *from, int32_t q)
{
    memcpy(&b->points[p], &from->points[q], sizeof b->points[p]);
    b->stale[p] = from->stale[q];
    if (b->points[p].quality == POINT_GOOD)
        b->stale[p] = block_later(b->points[p].taken_us, b->points_conf[p].stale_after_us);
}

static void adopt_device(struct block *b, int32_t d, const struct block *from, int32_t e)
{
    b->devices[d].youngest_us = from->devices[e].youngest_us;
    b->devices[d].quality = from->devices[e].quality;
    b->devices[d].serial_hash = from->devices[e].serial_hash;
    b->devices[d].identified = from->devices[e].identified;
}

/* A lever that the old core did not have may still be about to change. */
static void adopt_new_lever(struct block *b, int32_t l)
{
    b->levers[l].ghost_until_us = block_later(b->core->now_us, b->levers_conf[l].delay_worst_us);
}

static void adopt_zone(struct block *b, int32_t z, const struct block *from, int32_t y)
{
    struct zone *zone = &b->zones[z];
    const struct zone *old = &from->zones[y];

    memcpy(&b->windows[z * CORE_LIMITS_MAX], &from->windows[y * CORE_LIMITS_MAX],
           CORE_LIMITS_MAX * sizeof *b->windows);
    zone->window_count = old->window_count;
    zone->last_w = old->last_w;
    zone->power_w = old->power_w;
    zone->low_w = old->low_w;
    zone->high_w = old->high_w;
    zone->taken_us = old->taken_us;
    zone->trim = old->trim;
    zone->depth = old->depth;
    zone->cut_us = old->cut_us;
    zone->cut = old->cut;
    zone->pace = old->pace;
    memcpy(&b->damps[z], &from->damps[y], sizeof *b->damps);
}

/* The memory of the same kind of device, wherever its settings moved. */
static void adopt_curve(struct block *b, int32_t n, const struct block *from, int32_t m)
{
    if (b->nodes[n].curve.kind == from->nodes[m].curve.kind)
        memcpy(&b->curves[n], &from->curves[m], sizeof *b->curves);
}

static int32_t adopt_node(const struct block *b, const struct core_map *map, int32_t old_node)
{
    for (int32_t n = 0; n < b->core->node_count; n++)
        if (map->node[n] == old_node)
            return n;
    return CORE_NONE;
}

/* Groups keep their place in the plan; the plan renumbers their members. */
static void adopt_group(struct block *b, const struct core_map *map, const struct block *from, int32_t g)
{
    const struct core_plan_group *group = &from->plan_groups[g];
    struct zone *zone = &b->zones[b->core->node_count + g];
    int32_t *members = b->plan_members;

    if (!from->zones[from->core->node_count + g].used || group->member_count > b->core->member_max)
        return;
    for (int32_t m = 0; m < group->member_count; m++)
        members[m] = adopt_node(b, map, from->plan_members[group->member_first + m]);
    adopt_zone(b, b->core->node_count + g, from, from->core->node_count + g);
    zone->used = 1;
    zone->member_hash = zone_member_hash(members, group->member_count);
}

/* An event that runs goes on, where the sources are the same. */
static void adopt_ride(struct block *b, const struct block *from)
{
    if (b->core->source_conf_count != from->core->source_conf_count || b->core->source_conf_count == 0)
        return;
    memcpy(&b->core->ride, &from->core->ride, sizeof b->core->ride);
    memcpy(b->ride_sources, from->ride_sources, (size_t)b->core->source_conf_count * sizeof *b->ride_sources);
    b->core->ride.rule_us = INT64_MIN; /* the books may be others */
}

/* Leases first: a table with less room loses only answers. */
static void adopt_tokens(struct block *b, const struct core_map *map, const struct block *from, bool leased,
                         int32_t *at)
{
    for (int32_t t = 0; t < from->core->request_max && *at < b->core->request_max; t++) {
        const struct token *old = &from->tokens[t];
        int32_t node = old->node == CORE_NONE ? CORE_NONE : adopt_node(b, map, old->node);
        struct token *token = &b->tokens[*at];

        if (old->client == 0 || (old->granted_w > 0.0) != leased)
            continue;
        memcpy(token, old, sizeof *token);
        token->node = node;
        if (leased && node == CORE_NONE) { /* what it was leased for is gone */
            token->granted_w = 0.0;
            token->floors = 0;
            token->state = CORE_TOKEN_EXPIRED;
        }
        (*at)++;
    }
}

/* Burst credit by node; the new core's first plan sets the rest. */
static void adopt_pools(struct block *b, const struct core_map *map, const struct block *from)
{
    for (int32_t k = 0; k < CORE_TOKEN_ZONES_MAX; k++) {
        int32_t old = from->core->pools[k].node;

        memcpy(&b->core->pools[k], &from->core->pools[k], sizeof b->core->pools[k]);
        b->core->pools[k].node = old == CORE_NONE ? CORE_NONE : adopt_node(b, map, old);
    }
}

void core_adopt(struct core *core, const struct core *old, const struct core_map *map)
{
    struct block b = block_open(core);
    struct block from = block_open((struct core *)(uintptr_t)old); /* only read */
    int32_t groups = core->group_max < old->group_max ? core->group_max : old->group_max;
    int32_t tokens = 0;

    adopt_head(core, old);
    adopt_ride(&b, &from);
    for (int32_t p = 0; p < core->point_count; p++)
        if (map->point[p] != CORE_NONE)
            adopt_point(&b, p, &from, map->point[p]);
    for (int32_t d = 0; d < core->device_count; d++)
        if (map->device[d] != CORE_NONE)
            adopt_device(&b, d, &from, map->device[d]);
    for (int32_t l = 0; l < core->lever_count; l++)
        if (map->lever[l] != CORE_NONE)
            memcpy(&b.levers[l], &from.levers[map->lever[l]], sizeof *b.levers);
        else if (core->started)
            adopt_new_lever(&b, l);
    for (int32_t n = 0; n < core->node_count; n++)
        if (map->node[n] != CORE_NONE) {
            adopt_zone(&b, n, &from, map->node[n]);
            adopt_curve(&b, n, &from, map->node[n]);
        }
    for (int32_t g = 0; g < groups; g++)
        adopt_group(&b, map, &from, g);
    foresee_adopt(&b, &from, map);
    adopt_tokens(&b, map, &from, true, &tokens);
    adopt_tokens(&b, map, &from, false, &tokens);
    adopt_pools(&b, map, &from);
}
