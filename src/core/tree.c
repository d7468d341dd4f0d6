/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c: the power tree: sums of good readings, bounds where some are missing.
 *
 * A node with sensors of its own is what they read. Any other is its children
 * by their likely shares, its static load and its losses. A part that is not
 * read now keeps its last value in the estimate, and lies between its static
 * load and what its levers are counted for in the bounds. A part that was never
 * read makes every sum above it unknown.
 */
#include "tree.h"

#include "quality.h"
#include "zone.h"

#define TREE_LOOSE_ABOVE 1.02 /* held above the highest seen, ...             */
#define TREE_LOOSE_BELOW 0.90 /* ... until it draws this much less            */

/* The record that counts as news is the one that arrived last. */
static void tree_news(struct zone *zone, uint64_t step, int64_t taken_us, int64_t arrived_us)
{
    if (zone->news_step == step && zone->news_arrived_us >= arrived_us)
        return;
    zone->news_step = step;
    zone->news_taken_us = taken_us;
    zone->news_arrived_us = arrived_us;
}

static void tree_point_news(const struct block *b, struct zone *zone, int32_t p)
{
    if (quality_new(b, p))
        tree_news(zone, b->core->step, b->points[p].taken_us, b->points[p].arrived_us);
}

/* Draw of the levers' leaves, at the output of their node. */
static void tree_caps(struct block *b, int32_t n, struct tree_sum *sum)
{
    for (int32_t c = b->cap_first[n]; c < b->cap_first[n + 1]; c++) {
        int32_t l = b->caps[c], p = b->levers_conf[l].demand_point;

        if (p == CORE_NONE) {
            /* not measured: a charger may draw what it is counted for */
            sum->power_w += b->levers_conf[l].use == CORE_LEVER_CHARGE ? 0.0 : __builtin_nan("");
            sum->high_w += b->sources[l].now_w;
            sum->fresh = sum->fresh && b->levers_conf[l].use == CORE_LEVER_CHARGE;
            continue;
        }
        sum->power_w += b->points[p].value;
        if (quality_good(b, p)) {
            sum->low_w += b->points[p].value;
            sum->high_w += b->points[p].value;
            sum->taken_us = b->points[p].taken_us < sum->taken_us ? b->points[p].taken_us : sum->taken_us;
            tree_point_news(b, &b->zones[n], p);
        } else {
            sum->high_w += b->sources[l].now_w;
            sum->fresh = 0;
        }
    }
}

/* The node's own sensors; false unless all of them are good. */
static bool tree_measured(struct block *b, int32_t n, struct tree_sum *ret)
{
    struct tree_sum sum = { .taken_us = CORE_FOREVER, .fresh = 1 };
    int32_t first = b->measure_first[n], last = b->measure_first[n + 1];
    bool good = first < last;

    for (int32_t m = first; m < last; m++) {
        int32_t p = b->measures[m];

        good = good && quality_good(b, p);
        sum.power_w += b->points[p].value * b->points_conf[p].node_scale;
        sum.taken_us = b->points[p].taken_us < sum.taken_us ? b->points[p].taken_us : sum.taken_us;
        tree_point_news(b, &b->zones[n], p);
    }
    sum.low_w = sum.high_w = sum.power_w;
    *ret = sum;
    return good;
}

static void tree_push(struct block *b, int32_t n)
{
    const struct zone *zone = &b->zones[n];
    const struct core_config_node *conf = &b->nodes[n];

    for (int32_t p = 0; p < conf->parent_count; p++) {
        struct tree_sum *up = &b->sums[conf->parent[p]];
        const struct edge *edge = &b->edges[n * CORE_PARENTS_MAX + p];

        up->power_w += edge->likely * zone->power_w;
        up->low_w += edge->least * zone->low_w;
        up->high_w += conf->share[p] * zone->high_w;
        up->fresh = up->fresh && zone->fresh;
        up->taken_us = zone->taken_us < up->taken_us ? zone->taken_us : up->taken_us;
        if (zone->news_step == b->core->step)
            tree_news(&b->zones[conf->parent[p]], b->core->step, zone->news_taken_us, zone->news_arrived_us);
    }
}

static void tree_node(struct block *b, int32_t n, struct tree_sum *sum, double whole_w)
{
    const struct core_config_node *conf = &b->nodes[n];
    struct zone *zone = &b->zones[n];
    struct tree_sum own;
    double gain = 1.0 + conf->loss_ratio;

    zone->measured = tree_measured(b, n, &own);
    if (zone->measured) {
        zone->power_w = zone->low_w = zone->high_w = own.power_w;
        zone->taken_us = own.taken_us;
        zone->fresh = 1;
    } else {
        tree_caps(b, n, sum);
        zone->power_w = (sum->power_w + conf->static_w) * gain + conf->loss_w;
        zone->low_w = (sum->low_w + conf->static_w) * gain + conf->loss_w;
        zone->high_w = (sum->high_w + conf->static_w) * gain + conf->loss_w;
        zone->taken_us = sum->taken_us;
        zone->fresh = sum->fresh;
        if (whole_w < zone->high_w) /* ways that meet again: never more than the whole */
            zone->high_w = whole_w > zone->low_w ? whole_w : zone->low_w;
        if (b->measure_first[n] < b->measure_first[n + 1]) {
            zone->power_w = own.power_w; /* the last that its sensors said */
            zone->fresh = 0;
        }
    }
    tree_push(b, n);
}

/* A measured leaf that nobody caps counts for a little more than it draws. */
static void tree_loose(struct block *b)
{
    for (int32_t i = 0; i < b->core->loose_count; i++) {
        struct loose *loose = &b->loose[i];
        const struct zone *zone = &b->zones[loose->node];
        struct source *source = &b->sources[b->core->lever_count + i];
        double above_w = zone->measured ? zone->power_w - zone->fixed_w : loose->held_w;

        if (above_w < 0.0)
            above_w = 0.0;
        if (above_w > loose->held_w || above_w < loose->held_w * TREE_LOOSE_BELOW)
            loose->held_w = above_w * TREE_LOOSE_ABOVE;
        source->now_w = source->standing_w = loose->held_w;
    }
}

static void tree_groups(struct block *b)
{
    for (int32_t g = 0; g < b->core->plan.group_count; g++) {
        struct zone *zone = &b->zones[b->core->node_count + g];
        const struct core_plan_group *group = &b->plan_groups[g];

        zone->power_w = zone->low_w = zone->high_w = 0.0;
        zone->taken_us = CORE_FOREVER;
        zone->fresh = zone->measured = 1;
        for (int32_t m = 0; m < group->member_count; m++) {
            const struct zone *member = &b->zones[b->plan_members[group->member_first + m]];

            zone->power_w += member->power_w;
            zone->low_w += member->low_w;
            zone->high_w += member->high_w;
            zone->fresh = zone->fresh && member->fresh;
            zone->measured = zone->measured && member->measured;
            zone->taken_us = member->taken_us < zone->taken_us ? member->taken_us : zone->taken_us;
            if (member->news_step == b->core->step)
                tree_news(zone, b->core->step, member->news_taken_us, member->news_arrived_us);
        }
    }
}

/* Upper bound of each node from the leaves alone: the sum of their bounds by
 * the coefficients that count every watt once. */
static void tree_whole(struct block *b, double *whole_w)
{
    for (int32_t s = 0; s < b->core->lever_count; s++) {
        int32_t p = b->levers_conf[s].demand_point;

        b->scratch[s] = p != CORE_NONE && quality_good(b, p) ? b->points[p].value : b->sources[s].now_w;
    }
    for (int32_t i = 0; i < b->core->loose_count; i++)
        b->scratch[b->core->lever_count + i] = b->loose[i].held_w;
    for (int32_t n = 0; n < b->core->node_count; n++)
        whole_w[n] = zone_sum(b, &b->zones[n], b->zones[n].fixed_w, b->scratch);
}

void tree_step(struct block *b)
{
    double *whole_w = b->scratch + b->core->lever_count + b->core->loose_count;

    tree_whole(b, whole_w);
    for (int32_t n = 0; n < b->core->node_count; n++) {
        b->sums[n].power_w = b->sums[n].low_w = b->sums[n].high_w = 0.0;
        b->sums[n].taken_us = CORE_FOREVER;
        b->sums[n].fresh = 1;
    }
    for (int32_t n = b->core->node_count - 1; n >= 0; n--)
        tree_node(b, n, &b->sums[n], whole_w[n]);
    tree_loose(b);
    tree_groups(b);
}
