/* SPDX-License-Identifier: Apache-2.0 */
/* zone.c: what nodes and groups may carry, and what is counted against it.
 *
 * Owns the groups' entries, the list of windows of each zone, the budgets and
 * the counted sums. A sum counts each lever at the largest value that is in
 * force, in flight or could return: lever.c says how much that is.
 */
#include "zone.h"

#include <string.h>

static bool zone_is_node(const struct block *b, int32_t z)
{
    return z < b->core->node_count;
}

static const struct core_plan_limit *zone_plan_limits(const struct block *b, int32_t z, int32_t *ret_count)
{
    int32_t g = z - b->core->node_count;

    if (zone_is_node(b, z)) {
        *ret_count = b->plan_nodes[z].limit_count;
        return b->plan_nodes[z].limit;
    }
    *ret_count = g < b->core->plan.group_count ? b->plan_groups[g].limit_count : 0;
    return b->plan_groups[g].limit;
}

uint64_t zone_member_hash(const int32_t *members, int32_t count)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (int32_t m = 0; m < count; m++)
        hash = (hash ^ (uint64_t)(uint32_t)members[m]) * UINT64_C(0x100000001b3);
    return hash ^ (uint64_t)(uint32_t)count;
}

/* ---- groups ---- */

static void zone_group(struct block *b, int32_t g, int32_t *at)
{
    struct zone *zone = &b->zones[b->core->node_count + g];
    const struct core_plan_group *group = &b->plan_groups[g];
    int32_t sources = b->core->lever_count + b->core->loose_count;
    double *coef = b->scratch;

    memset(coef, 0, (size_t)sources * sizeof *coef);
    zone->fixed_w = 0.0;
    zone->used = 1;
    for (int32_t m = 0; m < group->member_count; m++) {
        const struct zone *member = &b->zones[b->plan_members[group->member_first + m]];

        zone->fixed_w += member->fixed_w;
        for (int32_t e = 0; e < member->entry_count; e++)
            coef[b->entries[member->entry_first + e].source] += b->entries[member->entry_first + e].coef;
    }
    zone->entry_first = *at;
    for (int32_t s = 0; s < sources; s++)
        if (coef[s] > 0.0) {
            b->entries[*at].source = s;
            b->entries[*at].zone = b->core->node_count + g;
            b->entries[(*at)++].coef = coef[s];
        }
    zone->entry_count = *at - zone->entry_first;
}

static void zone_groups(struct block *b)
{
    struct core *core = b->core;
    int32_t at = core->path_count, sources = core->lever_count + core->loose_count;

    for (int32_t g = 0; g < core->group_max; g++) {
        struct zone *zone = &b->zones[core->node_count + g];

        zone->used = zone->entry_count = 0;
        if (g < core->plan.group_count)
            zone_group(b, g, &at);
    }
    for (int32_t s = 0; s < sources; s++)
        b->sources[s].group_count = 0;
    for (int32_t e = core->path_count; e < at; e++)
        b->sources[b->entries[e].source].group_count++;
    for (int32_t s = 0, first = 0; s < sources; s++) {
        b->sources[s].group_first = first;
        first += b->sources[s].group_count;
        b->sources[s].group_count = 0;
    }
    for (int32_t e = core->path_count; e < at; e++) {
        struct source *source = &b->sources[b->entries[e].source];

        b->group_paths[source->group_first + source->group_count++] = b->entries[e];
    }
}

/* ---- windows ---- */

static void zone_window_start(struct window *window, int64_t window_us)
{
    memset(window, 0, sizeof *window);
    window->window_us = window_us;
    window->bucket_us = (window_us + BLOCK_BUCKETS - 1) / BLOCK_BUCKETS;
    window->start_us = INT64_MIN;
    window->limit_w = __builtin_inf();
    window->mean_w = window->worst_w = __builtin_nan("");
}

/* Adds a window to the new list unless it is there: with its history if it had
 * one. More than there is room for still count in the budget, unobserved. */
static void zone_window_add(struct zone *zone, struct window *list, const struct window *old,
                            int64_t window_us)
{
    for (int32_t k = 0; k < zone->window_count; k++)
        if (list[k].window_us == window_us)
            return;
    if (zone->window_count == CORE_LIMITS_MAX)
        return;

    struct window *window = &list[zone->window_count++];

    for (int32_t k = 0; k < CORE_LIMITS_MAX; k++)
        if (old[k].window_us == window_us) {
            memcpy(window, &old[k], sizeof *window);
            return;
        }
    zone_window_start(window, window_us);
}

static void zone_windows(struct block *b, int32_t z)
{
    struct zone *zone = &b->zones[z];
    struct window *list = &b->windows[z * CORE_LIMITS_MAX];
    struct window old[CORE_LIMITS_MAX];
    int32_t count;
    const struct core_plan_limit *limit = zone_plan_limits(b, z, &count);

    memcpy(old, list, sizeof old);
    memset(list, 0, sizeof old);
    zone->window_count = 0;
    if (!zone_is_node(b, z)) {
        const struct core_plan_group *group = &b->plan_groups[z - b->core->node_count];
        uint64_t hash =
            zone->used ? zone_member_hash(b->plan_members + group->member_first, group->member_count) : 0;

        if (hash != zone->member_hash) { /* other members: another history */
            memset(old, 0, sizeof old);
            zone->trim = 1.0;
            zone->depth = 0.0;
            zone->cut = 0;
        }
        zone->member_hash = hash;
    }
    for (int32_t k = 0; zone_is_node(b, z) && k < b->nodes[z].limit_count; k++)
        zone_window_add(zone, list, old, b->nodes[z].limit[k].window_us);
    for (int32_t k = 0; k < count; k++)
        zone_window_add(zone, list, old, limit[k].window_us);
}

/* A value ordered now may be there one worst delay later; one that a device ends
 * by itself may wait until its lease ends, and stays for its time-out after. */
static void zone_delays(struct block *b, int32_t z)
{
    struct zone *zone = &b->zones[z];

    zone->delay_us = zone->early_us = 0;
    for (int32_t e = 0; e < zone->entry_count; e++) {
        int32_t l = b->entries[zone->entry_first + e].source;
        const struct core_config_lever *conf = &b->levers_conf[l];

        if (l >= b->core->lever_count)
            continue;
        if (conf->use == CORE_LEVER_LIMIT && conf->delay_worst_us > zone->delay_us)
            zone->delay_us = conf->delay_worst_us;
        if (conf->delay_worst_us + 2 * conf->timeout_us > zone->early_us)
            zone->early_us = conf->delay_worst_us + 2 * conf->timeout_us;
    }
}

void zone_plan(struct block *b)
{
    if (b->core->plan_step != b->core->step)
        return;
    zone_groups(b);
    for (int32_t z = 0; z < b->core->zone_count; z++) {
        zone_windows(b, z);
        zone_delays(b, z);
        b->zones[z].until_us = INT64_MIN;
    }
}

/* ---- budgets ---- */

/* A budget that gives more than stands ends early, one that gives less ends at
 * its time: either way nothing written under one lands under the other. */
static double zone_limit_now(const struct zone *zone, const struct core_plan_limit *limit, int64_t now_us,
                             int64_t *until_us)
{
    double standing_w = limit->limit_standing_w;
    int64_t next_us = limit->expires_us;
    double limit_w = limit->limit_w;

    if (limit->expires_us == CORE_FOREVER)
        return limit_w;
    if (now_us >= limit->expires_us)
        return standing_w;
    if (standing_w < limit_w) {
        if (now_us >= limit->expires_us - zone->early_us)
            limit_w = standing_w;
        else
            next_us = limit->expires_us - zone->early_us;
    }
    *until_us = next_us < *until_us ? next_us : *until_us;
    return limit_w;
}

static void zone_bound(struct block *b, int32_t z, int64_t window_us, double limit_w, double standing_w)
{
    struct zone *zone = &b->zones[z];
    struct window *window = &b->windows[z * CORE_LIMITS_MAX];

    if (limit_w < zone->budget_w)
        zone->budget_w = limit_w;
    if (standing_w > limit_w)
        standing_w = limit_w;
    if (standing_w < zone->standing_w) {
        zone->standing_w = standing_w;
        zone->bound_window_us = window_us;
        zone->bound_w = standing_w;
    }
    for (int32_t k = 0; k < zone->window_count; k++)
        if (window[k].window_us == window_us && limit_w < window[k].limit_w)
            window[k].limit_w = limit_w;
}

static void zone_budget(struct block *b, int32_t z)
{
    struct zone *zone = &b->zones[z];
    int64_t now_us = b->core->now_us;
    int32_t count;
    const struct core_plan_limit *limit = zone_plan_limits(b, z, &count);

    zone->until_us = CORE_FOREVER;
    zone->capable = 0;
    zone->budget_w = zone->standing_w = __builtin_inf();
    zone->bound_window_us = 0;
    zone->bound_w = 0.0;
    for (int32_t k = 0; k < zone->window_count; k++)
        b->windows[z * CORE_LIMITS_MAX + k].limit_w = __builtin_inf();
    for (int32_t k = 0; zone_is_node(b, z) && k < b->nodes[z].limit_count; k++)
        zone_bound(b, z, b->nodes[z].limit[k].window_us, b->nodes[z].limit[k].limit_w,
                   b->nodes[z].limit[k].limit_w);
    for (int32_t k = 0; k < count; k++)
        zone_bound(b, z, limit[k].window_us, zone_limit_now(zone, &limit[k], now_us, &zone->until_us),
                   limit[k].limit_standing_w);
    if (b->core->source_conf_count > 0 && z == b->core->bus.node && b->core->ride.cap_w < zone->standing_w) {
        zone_bound(b, z, 0, b->core->ride.cap_w, b->core->ride.cap_w); /* more could not be handed over */
        zone->capable = 1;
    }
}

void zone_count(struct block *b)
{
    for (int32_t z = 0; z < b->core->zone_count; z++) {
        struct zone *zone = &b->zones[z];
        const struct entry *entry = &b->entries[zone->entry_first];
        double now_w = zone->fixed_w, standing_w = zone->fixed_w;

        for (int32_t e = 0; e < zone->entry_count; e++) {
            now_w += entry[e].coef * b->sources[entry[e].source].now_w;
            standing_w += entry[e].coef * b->sources[entry[e].source].standing_w;
        }
        zone->counted_w = now_w;
        zone->counted_standing_w = standing_w;
    }
}

void zone_step(struct block *b)
{
    for (int32_t z = 0; z < b->core->zone_count; z++)
        if (b->core->now_us >= b->zones[z].until_us)
            zone_budget(b, z);
    zone_count(b);
}
