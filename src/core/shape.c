/* SPDX-License-Identifier: Apache-2.0 */
/* shape.c: what batteries may charge, what warnings and set-points are held at.
 *
 * Batteries recharge from what the load is expected to leave, never from what
 * it may still want: charging yields at once and comes back only for a
 * worthwhile part of its maximum. It yields as well while a sum of limits is
 * above its budget, whatever the load: a charger's override ends by itself, a
 * GPU's limit that cannot be lowered just now does not.
 */
#include "shape.h"

#include "allocate.h"
#include "arm.h"
#include "curve.h"
#include "lever.h"
#include "quality.h"
#include "ride.h"
#include "zone.h"

#define SHAPE_BACK    0.1               /* of the maximum: charging comes back by so much at least */
#define SHAPE_BACK_US INT64_C(10000000) /* and not sooner after it was lowered       */

static double shape_max(const struct block *b, int32_t l)
{
    double max = b->plan_levers[l].max;

    return block_clip(max, b->levers_conf[l].min, b->levers_conf[l].max);
}

/* ---- recharging ---- */

/* Watts of each source, worked out once for all zones. */
struct shape_sources {
    double *least_w; /* it cannot be brought below that: no charger that can be moved */
    double *need_w;  /* of a charger at its maximum                                 */
    double *now_w;   /* of a charger, measured                                      */
};

static double shape_least_w(const struct block *b, int32_t l)
{
    const struct core_config_lever *conf = &b->levers_conf[l];
    double min = b->plan_levers[l].min > conf->min ? b->plan_levers[l].min : conf->min;

    if (b->promises[l] > min * conf->watts_per_unit)
        min = b->promises[l] / conf->watts_per_unit;
    return min * block_unit_w(conf);
}

static void shape_sources(const struct block *b, const struct shape_sources *ret)
{
    for (int32_t s = 0; s < b->core->lever_count + b->core->loose_count; s++) {
        const struct core_config_lever *conf = &b->levers_conf[s];

        ret->least_w[s] = ret->need_w[s] = ret->now_w[s] = 0.0;
        if (s >= b->core->lever_count || b->devices[conf->device].quality == CORE_DEVICE_STALE) {
            ret->least_w[s] = b->sources[s].now_w; /* nothing here will move it */
        } else if (conf->use == CORE_LEVER_LIMIT) {
            ret->least_w[s] = shape_least_w(b, s);
        } else if (conf->use == CORE_LEVER_CHARGE) {
            ret->need_w[s] = shape_max(b, s) * block_unit_w(conf);
            if (conf->demand_point != CORE_NONE && quality_good(b, conf->demand_point))
                ret->now_w[s] = b->points[conf->demand_point].value;
        }
    }
}

/* The part of all charging below this zone that fits now, 0 to 1. */
static double shape_part(const struct block *b, const struct zone *zone, const struct shape_sources *sources)
{
    double load_w, need_w = zone_sum(b, zone, 0.0, sources->need_w), least_w, room_w;

    if (need_w <= 0.0)
        return 1.0;
    load_w = zone->forecast_w - zone_sum(b, zone, 0.0, sources->now_w);
    least_w = zone_sum(b, zone, zone->fixed_w, sources->least_w);
    room_w = b->core->plan.recharge_ratio * zone->budget_w - load_w;
    if (zone->budget_w * zone->trim - least_w < room_w)
        room_w = zone->budget_w * zone->trim - least_w;
    return room_w > 0.0 ? (room_w < need_w ? room_w / need_w : 1.0) : 0.0; /* 0 while the load is unknown */
}

static void shape_moved(struct block *b, int32_t l, double was, const struct zone *zone)
{
    double wanted = b->levers[l].wanted;

    if (wanted <= was && wanted >= was)
        return;
    if (b->core->plan_step == b->core->step)
        lever_due(b, l, CORE_CAUSE_PLAN, b->core->now_us, b->core->now_us);
    else if (zone && zone->news_step == b->core->step)
        lever_due(b, l, CORE_CAUSE_READING, zone->news_taken_us, zone->news_arrived_us);
}

static bool shape_rested(const struct block *b, const struct lever *lever)
{
    return lever->charge_cut_us == INT64_MIN || b->core->now_us - lever->charge_cut_us >= SHAPE_BACK_US;
}

static void shape_charge(struct block *b, int32_t l, const double *parts)
{
    struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];
    const struct entry *entry;
    double part = 1.0, was = lever->wanted;
    int32_t bound = CORE_NONE;

    for (int32_t k = 0; (entry = zone_path(b, l, k)); k++)
        if (parts[entry->zone] < part) {
            part = parts[entry->zone];
            bound = entry->zone;
        }
    /* A load that swings would swing the charging with it, and through it everybody's limits. */
    if (part < lever->charge_held) {
        lever->charge_held = part;
        lever->charge_cut_us = b->core->now_us;
    } else if ((part >= lever->charge_held + SHAPE_BACK || part >= 1.0) && shape_rested(b, lever)) {
        lever->charge_held = part;
    }
    lever->wanted = allocate_round(conf, lever->charge_held * shape_max(b, l));
    if (ride_shape_stops_charge(b)) {
        lever->wanted = conf->min;
        block_why(&lever->why, CORE_RULE_RIDE, CORE_NONE, 0, conf->min * conf->watts_per_unit);
    } else if (bound == CORE_NONE)
        block_why(&lever->why, shape_max(b, l) < conf->max ? CORE_RULE_PLAN_MAX : CORE_RULE_DEVICE_MAX,
                  CORE_NONE, 0, shape_max(b, l) * conf->watts_per_unit);
    else
        block_why(&lever->why, CORE_RULE_RECHARGE, bound < b->core->node_count ? bound : CORE_NONE,
                  b->zones[bound].bound_window_us, b->core->plan.recharge_ratio * b->zones[bound].budget_w);
    shape_moved(b, l, was, bound == CORE_NONE ? NULL : &b->zones[bound]);
}

void shape_recharge(struct block *b)
{
    size_t wide = (size_t)(b->core->lever_count + b->core->loose_count);
    const struct shape_sources sources = { .least_w = b->scratch,
                                           .need_w = b->scratch + wide,
                                           .now_w = b->scratch + 2 * wide };
    double *parts = b->scratch + 3 * wide;
    bool any = false;

    for (int32_t l = 0; l < b->core->lever_count; l++)
        any = any || b->levers_conf[l].use == CORE_LEVER_CHARGE;
    if (!any)
        return;
    shape_sources(b, &sources);
    for (int32_t z = 0; z < b->core->zone_count; z++)
        parts[z] = zone_over(&b->zones[z]) || curve_engaged(b, z) ? 0.0
                   : block_is_number(b->zones[z].budget_w)        ? shape_part(b, &b->zones[z], &sources)
                                                                  : 1.0;
    for (int32_t l = 0; l < b->core->lever_count; l++)
        if (b->levers_conf[l].use == CORE_LEVER_CHARGE)
            shape_charge(b, l, parts);
}

/* ---- the others ---- */

static void shape_warn(struct block *b, int32_t l)
{
    struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];
    const struct zone *zone = &b->zones[conf->node];
    double was = lever->wanted, limit_w = zone->budget_w * zone->trim;

    lever->wanted = __builtin_nan("");
    block_why(&lever->why, CORE_RULE_NONE, CORE_NONE, 0, 0.0);
    if (!block_is_number(zone->budget_w))
        return; /* no limit to follow */
    lever->wanted = allocate_round(conf, conf->share * limit_w / conf->watts_per_unit);
    block_why(&lever->why, zone->trim < 1.0 ? CORE_RULE_BAND : CORE_RULE_LIMIT, conf->node,
              zone->bound_window_us, limit_w);
    shape_moved(b, l, was, zone);
}

static void shape_hold(struct block *b, int32_t l, enum core_rule rule)
{
    struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];
    double was = lever->wanted, target = b->plan_levers[l].target;

    if (!ride_shape_hold(b, l, &target, &rule)) /* else the plan's, as it stands */
        arm_hold(b, l, &target, &rule);
    lever->wanted = block_is_number(target) ? block_clip(target, conf->min, conf->max) : __builtin_nan("");
    block_why(&lever->why, block_is_number(target) ? rule : CORE_RULE_NONE, CORE_NONE, 0, 0.0);
    shape_moved(b, l, was, NULL);
}

void shape_step(struct block *b)
{
    for (int32_t l = 0; l < b->core->lever_count; l++) {
        enum core_lever_use use = b->levers_conf[l].use;

        if (b->core->restoring)
            shape_hold(b, l, CORE_RULE_RESTORE);
        else if (use == CORE_LEVER_HOLD)
            shape_hold(b, l, CORE_RULE_HOLD);
        else if (use == CORE_LEVER_WARN)
            shape_warn(b, l);
    }
}
