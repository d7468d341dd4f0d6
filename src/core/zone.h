/* SPDX-License-Identifier: Apache-2.0 */
/* zone.h: limits of nodes and groups: budgets, and what counts against them. */
#ifndef BUSBAR_CORE_ZONE_H
#define BUSBAR_CORE_ZONE_H

#include "block.h"

/* After a new plan: groups, windows (keeping the history of those that stay). */
void zone_plan(struct block *b);

/* Budgets of this moment, and the sums counted against them. */
void zone_step(struct block *b);

/* counted_w and counted_standing_w of every zone, from sources[]. */
void zone_count(struct block *b);

/* How far `w` may be above a budget by rounding alone. */
static inline bool zone_above(double w, double budget_w)
{
    return w > budget_w + BLOCK_SUM_SLACK_W;
}

/* A budget that only standing values must keep does not count what a device's
 * own time-out ends. */
static inline bool zone_over(const struct zone *zone)
{
    return zone_above(zone->counted_w, zone->budget_w) ||
           zone_above(zone->counted_standing_w, zone->standing_w);
}

/* `sum`, and a value of each source as the zone sees it. */
static inline double zone_sum(const struct block *b, const struct zone *zone, double sum,
                              const double *by_source)
{
    const struct entry *entry = &b->entries[zone->entry_first];

    for (int32_t e = 0; e < zone->entry_count; e++)
        sum += entry[e].coef * by_source[entry[e].source];
    return sum;
}

/* The k-th zone on a source's paths, nodes first, then groups; NULL after. */
static inline const struct entry *zone_path(const struct block *b, int32_t source, int32_t k)
{
    const struct source *s = &b->sources[source];

    if (k < s->path_count)
        return &b->paths[s->path_first + k];
    k -= s->path_count;
    return k < s->group_count ? &b->group_paths[s->group_first + k] : NULL;
}

/* Identity of a group's members, in the order listed. */
uint64_t zone_member_hash(const int32_t *members, int32_t count);

#endif
