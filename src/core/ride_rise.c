/* SPDX-License-Identifier: Apache-2.0 */
/* ride_rise.c: how fast a return goes: set-points, and the load.
 *
 * Set-points that were lowered go up by what one shelf bears in a step, and slowly
 * after a long outage. Where supplies keep no settings the load makes the slow
 * return instead.
 */
#include "ride.h"

#define RIDE_RISE_V              0.05            /* a step of the slow return, at most      */
#define RIDE_RISE_US             INT64_C(200000) /* from step to step, at least             */
#define RIDE_RISE_BEAR_RATIO     1.10            /* of its rating: what one shelf may meet in a step */
#define RIDE_RISE_LOAD_RATIO     0.8             /* of the load: with it a long outage ends */
#define RIDE_RISE_LOAD_END_RATIO 1.25            /* limits count for more than is drawn     */
#define RIDE_RISE_LOAD_STEP_US   INT64_C(1000000)
#define RIDE_RISE_LOAD_US        INT64_C(15000000) /* for the rest of it, without classes     */

void ride_rise_begin(struct block *b)
{
    b->core->ride.up = 1;
    b->core->ride.moved_us = b->core->now_us - RIDE_RISE_US; /* the first step at once */
}

/* ---- set-points ---- */

/* Shelves are written to one after the other: the first one up takes load from those
 * that are not yet, by so much as its line stands above theirs. A step is small enough
 * for one shelf to bear: it carries load + (n - 1) / n of step / droop. */
double ride_rise_bear_v(const struct block *b)
{
    const struct zone *zone = &b->zones[b->core->bus.node];
    double rated_w = 0.0, droop_v = __builtin_inf(), step_v, load;
    int32_t shelves = 0;

    for (int32_t s = 0; s < b->core->source_conf_count; s++) {
        const struct core_config_source *conf = &b->sources_conf[s];

        if (conf->kind != CORE_SOURCE_PSU || b->ride_sources[s].lost)
            continue;
        shelves++;
        rated_w += conf->rated_w * conf->module_count;
        droop_v = conf->droop_v < droop_v ? conf->droop_v : droop_v;
    }
    if (shelves < 2)
        return __builtin_inf();
    load = (block_is_number(zone->power_w) ? zone->power_w : zone->counted_w) / rated_w;
    step_v = droop_v * (RIDE_RISE_BEAR_RATIO - load) * shelves / (shelves - 1);
    return step_v > RIDE_RISE_V ? step_v : RIDE_RISE_V;
}

/* The highest of the plan's values. */
static double ride_rise_top_v(const struct block *b)
{
    double top_v = 0.0;

    for (int32_t l = 0; l < b->core->lever_count; l++)
        if (b->levers_conf[l].ride == CORE_LEVER_RIDE_OUTPUT_V && ride_shape_base(b, l) > top_v)
            top_v = ride_shape_base(b, l);
    return top_v;
}

/* By as much as one shelf bears; slowly after a long outage, for as long as there is
 * anything left to hand over. */
static double ride_rise_step_v(const struct block *b, double top_v)
{
    const struct core_plan_ride *plan = &b->core->plan.ride;
    const struct ride *ride = &b->core->ride;
    int64_t window_us = plan->start_count > 0 ? plan->start[ride->start].window_us : 0;
    double step_v = ride_rise_bear_v(b), slow_v = RIDE_RISE_V;

    if (!ride->slow || (ride->discharge_known && !ride->discharging))
        return step_v;
    if (window_us > 0 && (top_v - ride_shape_low_v(b)) * (double)RIDE_RISE_US / (double)window_us < slow_v)
        slow_v = (top_v - ride_shape_low_v(b)) * (double)RIDE_RISE_US / (double)window_us;
    return slow_v < step_v ? slow_v : step_v;
}

/* Each step waits for the one before on all shelves. */
void ride_rise_step(struct block *b)
{
    struct ride *ride = &b->core->ride;
    double top_v = ride_rise_top_v(b), step_v = ride_rise_step_v(b, top_v);
    int64_t newest_us;

    if (!block_is_number(ride->setpoint_v) || ride_left_s(b) < RIDE_SHED_S) {
        ride->setpoint_v = __builtin_nan("");
        return;
    }
    if (ride_for_us(b, ride->moved_us) < RIDE_RISE_US || !ride_shape_settled(b, &newest_us))
        return;
    ride->moved_us = b->core->now_us;
    ride->setpoint_v += step_v;
    if (!(ride->setpoint_v < top_v))
        ride->setpoint_v = __builtin_nan("");
}

/* ---- the load ---- */

/* Supplies that forget their settings come back with all that they can take, a shelf
 * at a time, or all at once. So after a long outage the load makes the ramp: part of
 * it goes while batteries carry, and comes back slowly once supplies do. */
void ride_rise_load(struct block *b)
{
    const struct core_plan_ride *plan = &b->core->plan.ride;
    const struct zone *zone = &b->zones[b->core->bus.node];
    struct ride *ride = &b->core->ride;
    double load_w = block_is_number(ride->load_w) ? ride->load_w : zone->power_w;
    int64_t window_us =
        plan->start_count > 0 ? plan->start[plan->start_count - 1].window_us : RIDE_RISE_LOAD_US;

    if (ride->state == CORE_RIDE_OUTAGE && ride->slow && !block_is_number(ride->lean_w) && load_w > 0.0 &&
        !ride_shape_keeps(b)) {
        ride->load_w = load_w;
        ride_rule_lean(b, RIDE_RISE_LOAD_RATIO * load_w);
    }
    if (!block_is_number(ride->lean_w) || ride_riding(ride) ||
        ride_for_us(b, ride->lean_us) < RIDE_RISE_LOAD_STEP_US)
        return;
    if (ride->lean_w >= RIDE_RISE_LOAD_END_RATIO * load_w || window_us <= RIDE_RISE_LOAD_STEP_US)
        ride_rule_lean(b, __builtin_inf());
    else
        ride_rule_lean(b, ride->lean_w + (1.0 - RIDE_RISE_LOAD_RATIO) * load_w *
                                             (double)RIDE_RISE_LOAD_STEP_US / (double)window_us);
}
