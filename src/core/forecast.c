/* SPDX-License-Identifier: Apache-2.0 */
/* forecast.c: load ahead: what is expected, and an upper bound of it.
 *
 * The law is persistence plus the plan's margin, or, where a forecaster has a
 * vote (foresee.c), what it foresees; the bound never passes what the caps are
 * counted for. Nothing here moves a limit: it decides who gets room that is there,
 * and how soon charging yields. A leaf that runs into its cap, or is not read, may
 * want anything: its bound for allocation is its maximum. What allocation hears
 * moves slowly: a training job starts and pauses everywhere at once, but is read
 * board by board over seconds; caps moved to those read first would be missed by
 * the rest, and the slowest board sets the pace of all.
 */
#include "forecast.h"

#include "foresee.h"
#include "quality.h"

#define FORECAST_AT_CAP 0.95 /* of the cap: the leaf would draw more if it could */
#define FORECAST_GRAIN  0.04 /* of the maximum: what allocation hears of changes */
#define FORECAST_DOWN   2.0  /* grains it must fall to be heard                   */
#define FORECAST_RISE_S 10.0 /* time constants of what allocation hears: several  */
#define FORECAST_FALL_S 20.0 /* sweeps over all boards; some iterations           */
/* What was foreseen is about a horizon, not a moment: it is heard sooner. */
#define FORECAST_SEEN_RISE_S 2.0
#define FORECAST_LEVEL       0 /* of foresee's bounds: 90 % of the time            */

static double forecast_margin(const struct block *b, double power_w)
{
    return power_w * (1.0 + b->core->plan.forecast_margin_ratio) + b->core->plan.forecast_margin_w;
}

/* In coarse steps upwards, and down only by several of them, so that a noisy
 * reading does not divide the budget anew each time. */
static double forecast_hold(double held_w, double demand_w, double grain_w)
{
    double up_w = __builtin_ceil(demand_w / grain_w) * grain_w;

    return block_is_number(held_w) && demand_w <= held_w && demand_w >= held_w - FORECAST_DOWN * grain_w
               ? held_w
               : up_w;
}

/* Starts at what is most: one momentary reading says little. */
static double forecast_follow(const struct block *b, double slow_w, double demand_w, double max_w,
                              double rise_s)
{
    double part = (double)(b->core->now_us - b->core->last_us) * 1e-6;

    if (!block_is_number(slow_w))
        return max_w;
    part /= demand_w > slow_w ? rise_s : FORECAST_FALL_S;
    return slow_w + (demand_w - slow_w) * (part < 1.0 ? part : 1.0);
}

/* What the leaf is taken to want at its most before a cap could be moved again. */
static double forecast_demand(const struct block *b, const struct foresee *f, double power_w)
{
    double demand_w = forecast_margin(b, power_w);

    return f && f->upper_w[FORECAST_LEVEL] > demand_w ? f->upper_w[FORECAST_LEVEL] : demand_w;
}

static void forecast_lever(struct block *b, int32_t l)
{
    const struct foresee *f = foresee_lever(b, l);
    struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];
    int32_t p = conf->demand_point;
    double cap_w = (block_is_number(lever->in_force) ? lever->in_force : conf->max) * conf->watts_per_unit;
    double max_w = conf->max * conf->watts_per_unit, demand_w;

    if (p == CORE_NONE || !quality_good(b, p)) {
        lever->demand_w = __builtin_nan("");
        lever->demand_held_w = __builtin_inf();
        lever->demand_slow_w = __builtin_nan("");
        return;
    }
    demand_w = forecast_demand(b, f, b->points[p].value);
    lever->demand_w = demand_w < b->sources[l].now_w ? demand_w : b->sources[l].now_w;
    /* A peak that was cut off is foreseen at the cap: nobody knows how high it would be. */
    if (b->points[p].value >= FORECAST_AT_CAP * cap_w || (f && f->peak_w >= FORECAST_AT_CAP * cap_w))
        demand_w = max_w;
    lever->demand_slow_w = forecast_follow(b, lever->demand_slow_w, demand_w < max_w ? demand_w : max_w,
                                           max_w, f ? FORECAST_SEEN_RISE_S : FORECAST_RISE_S);
    lever->demand_held_w = forecast_hold(lever->demand_held_w, lever->demand_slow_w, FORECAST_GRAIN * max_w);
}

/* The highest until the horizon, the horizon itself included. */
static double forecast_peak(const struct foresee *f)
{
    return f->expected_w > f->peak_w ? f->expected_w : f->peak_w;
}

static void forecast_zone(struct block *b, int32_t z)
{
    struct zone *zone = &b->zones[z];
    const struct foresee *f = foresee_zone(b, z);
    double upper_w = f ? f->upper_w[CORE_FORECAST_LEVELS - 1] : forecast_margin(b, zone->high_w);

    zone->forecast_w = zone->power_w;
    if (f && forecast_peak(f) > zone->power_w) /* charging yields ahead of it */
        zone->forecast_w = forecast_peak(f);
    if (upper_w > zone->counted_w)
        upper_w = zone->counted_w;
    zone->upper_w = upper_w < zone->high_w ? zone->high_w : upper_w;
}

void forecast_step(struct block *b)
{
    foresee_step(b);
    for (int32_t l = 0; l < b->core->lever_count; l++)
        if (block_is_cap(&b->levers_conf[l]))
            forecast_lever(b, l);
    for (int32_t z = 0; z < b->core->zone_count; z++)
        forecast_zone(b, z);
}
