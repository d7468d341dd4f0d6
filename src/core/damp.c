/* SPDX-License-Identifier: Apache-2.0 */
/* damp.c: do our own orders swing?
 *
 * Owns damps[]: one a zone. Watched is the sum that is asked of the levers below
 * a limit, batteries' charging with it, not the sum that was sent: lowering goes
 * before raising, so each time watts change hands the sent sum dips for a moment,
 * and that is no swing. Nor is a budget that somebody else moves: such a step is
 * taken out. Two signs count: how often the sum turned within the window, and
 * how much of it moves inside the band. A single step turns nowhere and is no
 * swing however large it is, so the band counts only once the sum went there and
 * back.
 *
 * While it swings the gain halves, and with it the pace at which power is given
 * back: the bands' release (guard.c) and every raise below that zone (order.c).
 * Lowering is never slowed.
 */
#include "damp.h"

#include "outputs.h"
#include "zone.h"

#include <math.h>

#define DAMP_GRAIN    0.005  /* of the budget: smaller moves do not count        */
#define DAMP_LEAST    0.0625 /* the gain never goes under this                   */
#define DAMP_BACK     2      /* turns in a window that are there and back        */
#define DAMP_CREDIT_S 1.0    /* of undamped raising may be saved up              */
#define DAMP_TWO_PI   6.283185307179586

/* Of this step, the same for all zones. */
struct damp_filters {
    double slow, fast, mean; /* part of a difference that each filter takes over */
    double span_s;
};

static double damp_part(double span_s, double tau_s)
{
    return tau_s > 0.0 ? 1.0 - exp(-span_s / tau_s) : 1.0;
}

/* What is asked of every source, once for all zones. */
static void damp_sources(struct block *b, double *wanted_w)
{
    for (int32_t s = 0; s < b->core->lever_count + b->core->loose_count; s++)
        wanted_w[s] = s < b->core->lever_count && block_is_cap(&b->levers_conf[s]) &&
                              block_is_number(b->levers[s].wanted)
                          ? b->levers[s].wanted * b->levers_conf[s].watts_per_unit
                          : 0.0;
}

static void damp_forget(struct damp *damp)
{
    for (int32_t k = 0; k < BLOCK_TURNS; k++)
        damp->turn_us[k] = INT64_MIN;
    damp->rising = 0;
    damp->square_w2 = 0.0;
}

/* A turn is a move back from the last extreme that is worth the name. */
static void damp_turn(struct block *b, struct damp *damp, double grain_w)
{
    double back_w = damp->sum_w - damp->extreme_w;

    if (damp->rising != 0 && damp->rising * back_w >= 0.0) {
        damp->extreme_w = damp->sum_w; /* farther the same way */
        return;
    }
    if (__builtin_fabs(back_w) <= grain_w)
        return;
    if (damp->rising != 0) {
        damp->turn_us[damp->turn_at] = b->core->now_us;
        damp->turn_at = (damp->turn_at + 1) % BLOCK_TURNS;
    }
    damp->rising = back_w > 0.0 ? 1 : -1;
    damp->extreme_w = damp->sum_w;
}

static int32_t damp_turns(const struct block *b, const struct damp *damp)
{
    int32_t turns = 0;

    for (int32_t k = 0; k < BLOCK_TURNS; k++)
        turns += damp->turn_us[k] != INT64_MIN &&
                 damp->turn_us[k] > b->core->now_us - b->core->plan.damping.window_us;
    return turns;
}

/* High-pass at the band's lower edge, low-pass at its upper, mean square. */
static void damp_filter(struct damp *damp, const struct damp_filters *filters)
{
    damp->slow_w += filters->slow * (damp->sum_w - damp->slow_w);
    damp->fast_w += filters->fast * (damp->sum_w - damp->slow_w - damp->fast_w);
    damp->square_w2 += filters->mean * (damp->fast_w * damp->fast_w - damp->square_w2);
}

static void damp_gain(struct block *b, int32_t z, int32_t turns)
{
    const struct core_plan_damping *plan = &b->core->plan.damping;
    struct damp *damp = &b->damps[z];
    double most_w = plan->band_ratio * b->zones[z].budget_w;
    int32_t turns_max = plan->turns_max < BLOCK_TURNS ? plan->turns_max : BLOCK_TURNS - 1;
    bool band = turns >= DAMP_BACK && damp->square_w2 > most_w * most_w;

    if (turns > turns_max || band) {
        if (damp->gain >= 1.0)
            outputs_zone_event(b, EV_SWING, z, sqrt(damp->square_w2), most_w);
        damp->credit_w = 0.0;
        damp->gain = damp->gain / 2.0 > DAMP_LEAST ? damp->gain / 2.0 : DAMP_LEAST;
        damp->gain_us = b->core->now_us;
        damp_forget(damp); /* what comes next is judged anew */
        return;
    }
    if (damp->gain >= 1.0 || 2 * turns > turns_max || b->core->now_us - damp->gain_us < plan->window_us)
        return;
    damp->gain *= 2.0; /* it is 1 over a power of two */
    damp->gain_us = b->core->now_us;
    if (damp->gain >= 1.0)
        outputs_zone_event(b, EV_SWING_OVER, z, sqrt(damp->square_w2), most_w);
}

/* The sum of this step; what a new plan or budget moved is not our doing. */
static void damp_follow(struct block *b, int32_t z)
{
    const struct zone *zone = &b->zones[z];
    struct damp *damp = &b->damps[z];
    double sum_w = zone_sum(b, zone, 0.0, b->scratch);
    bool told = b->core->plan_step == b->core->step || zone->budget_w < damp->budget_w ||
                zone->budget_w > damp->budget_w;

    if (!damp->known) {
        damp->known = 1;
        damp->slow_w = damp->extreme_w = sum_w;
        damp->fast_w = 0.0;
        damp_forget(damp);
    } else if (told) {
        damp->slow_w += sum_w - damp->sum_w;
        damp->extreme_w += sum_w - damp->sum_w;
    }
    damp->sum_w = sum_w;
    damp->budget_w = zone->budget_w;
}

static void damp_zone(struct block *b, int32_t z, const struct damp_filters *filters)
{
    const struct zone *zone = &b->zones[z];
    struct damp *damp = &b->damps[z];
    double full_w = b->core->plan.band.release_gain_per_s * zone->budget_w * DAMP_CREDIT_S;

    damp_follow(b, z);
    damp_turn(b, damp, DAMP_GRAIN * zone->budget_w);
    damp_filter(damp, filters);
    damp_gain(b, z, damp_turns(b, damp));
    damp->credit_w += damp->gain * full_w / DAMP_CREDIT_S * filters->span_s;
    damp->credit_w = damp->credit_w < full_w ? damp->credit_w : full_w;
}

void damp_step(struct block *b)
{
    const struct core_plan_damping *plan = &b->core->plan.damping;
    double span_s = (double)(b->core->now_us - b->core->last_us) * 1e-6;
    bool on = plan->turns_max > 0 && b->core->acting && !b->core->restoring;
    const struct damp_filters filters = {
        .slow = damp_part(span_s * DAMP_TWO_PI * plan->band_low_hz, 1.0),
        .fast = damp_part(span_s * DAMP_TWO_PI * plan->band_high_hz, 1.0),
        .mean = damp_part(span_s, (double)plan->window_us * 1e-6),
        .span_s = span_s,
    };

    damp_sources(b, b->scratch);
    b->core->damped = 0;
    for (int32_t z = 0; z < b->core->zone_count; z++) {
        struct damp *damp = &b->damps[z];

        if (on && b->zones[z].entry_count > 0 && block_is_number(b->zones[z].budget_w) &&
            b->zones[z].budget_w > 0.0) {
            damp_zone(b, z, &filters);
        } else {
            damp->known = 0;
            damp->gain = 1.0;
        }
        b->core->damped += damp->gain < 1.0;
    }
}

static double damp_base(const struct lever *lever)
{
    return block_is_number(lever->base) ? lever->base : 0.0;
}

double damp_most(const struct block *b, int32_t l, int32_t *ret_zone)
{
    const struct core_config_lever *conf = &b->levers_conf[l];
    const struct entry *entry;
    double most = __builtin_inf();

    if (b->core->damped == 0 || conf->use != CORE_LEVER_LIMIT)
        return most;
    for (int32_t k = 0; (entry = zone_path(b, l, k)); k++) {
        const struct damp *damp = &b->damps[entry->zone];
        double value = damp_base(&b->levers[l]) + damp->credit_w / (entry->coef * conf->watts_per_unit);

        if (damp->gain < 1.0 && value < most) {
            most = value;
            *ret_zone = entry->zone;
        }
    }
    return most;
}

void damp_spend(struct block *b, int32_t l, double value)
{
    const struct core_config_lever *conf = &b->levers_conf[l];
    double more_w = (value - damp_base(&b->levers[l])) * conf->watts_per_unit;
    const struct entry *entry;

    if (b->core->damped == 0 || conf->use != CORE_LEVER_LIMIT || !(more_w > 0.0))
        return;
    for (int32_t k = 0; (entry = zone_path(b, l, k)); k++)
        if (b->damps[entry->zone].gain < 1.0)
            b->damps[entry->zone].credit_w -= entry->coef * more_w;
}
