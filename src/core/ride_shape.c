/* SPDX-License-Identifier: Apache-2.0 */
/* ride_shape.c: what output set-points and start delays are to hold.
 *
 * Quiet: set-points as the plan says, start delays for the shortest outages. In
 * a sag or a short outage nothing moves. What moves then moves on every shelf of
 * the bus alike. A set-point never goes under the batteries' trigger while one
 * of them is unread, unwell or at its end of life.
 */
#include "ride.h"

#include "lever.h"

#define RIDE_SHAPE_LOWERED_V 0.5 /* under what is wanted: no supply comes so, somebody lowered it */
#define RIDE_SHAPE_FIRST_US  INT64_C(3000000) /* all are read by then */
#define RIDE_SHAPE_LEFT_S    30.0             /* of energy: with less, supplies take all they can       */
#define RIDE_SHAPE_SETTLE_US INT64_C(20000)   /* a supply's readings follow its set-point      */
#define RIDE_SHAPE_CHARGE_US INT64_C(1000000) /* recharge waits so long after an event        */

static bool ride_shape_is(const struct block *b, int32_t l, enum core_lever_ride ride)
{
    return b->levers_conf[l].ride == ride && b->levers_conf[l].use == CORE_LEVER_HOLD &&
           b->levers_conf[l].source != CORE_NONE;
}

static bool ride_shape_holds(const struct block *b, int32_t l, double value)
{
    const struct lever *lever = &b->levers[l];
    const struct core_config_lever *conf = &b->levers_conf[l];
    double near = lever_tolerance(conf);

    near = conf->deadband > near ? conf->deadband : near;
    return (lever->state == CORE_LEVER_IN_FORCE || lever->state == CORE_LEVER_STANDING) && !lever->drifted &&
           __builtin_fabs(lever->in_force - value) <= near;
}

/* ---- values ---- */

double ride_shape_base(const struct block *b, int32_t l)
{
    const struct core_config_lever *conf = &b->levers_conf[l];
    const struct lever *lever = &b->levers[l];
    double target = b->plan_levers[l].target;

    /* without a target only what was lowered for a sag goes back */
    if (!block_is_number(target) && (lever->ours || lever->in_force < ride_rule_trigger_v(b)))
        target = b->sources_conf[conf->source].output_v;
    return block_is_number(target) ? block_clip(target, conf->min, conf->max) : target;
}

double ride_shape_low_v(const struct block *b)
{
    double low_v = __builtin_nan("");

    for (int32_t s = 0; s < b->core->source_conf_count; s++)
        if (b->sources_conf[s].kind == CORE_SOURCE_BBU && !(b->sources_conf[s].output_v >= low_v))
            low_v = b->sources_conf[s].output_v;
    return low_v;
}

static double ride_shape_delay_s(const struct block *b, int32_t l, int32_t start)
{
    const struct core_plan_ride *plan = &b->core->plan.ride;
    const struct core_config_lever *conf = &b->levers_conf[l];

    if (plan->start_count == 0)
        return b->plan_levers[l].target;
    return block_clip((double)plan->start[start].window_us * 1e-6 * plan->phase_ratio, conf->min, conf->max);
}

/* Whether a supply that comes back is to share with the batteries until all are. */
static bool ride_shape_shares(const struct block *b, int32_t l)
{
    const struct ride *ride = &b->core->ride;
    const struct core_config_lever *conf = &b->levers_conf[l];
    const struct device *device = &b->devices[conf->device];
    bool returned = ride->state == CORE_RIDE_RETURN && ride->share && b->ride_sources[conf->source].heard;

    return ride->acted && (b->sources_conf[conf->source].keeps_settings || returned) &&
           device->quality == CORE_DEVICE_GOOD && device->youngest_us >= ride->horizon_us;
}

static bool ride_shape_is_lowered(const struct block *b, int32_t l)
{
    return ride_shape_is(b, l, CORE_LEVER_RIDE_OUTPUT_V) &&
           b->levers[l].in_force < ride_shape_base(b, l) - RIDE_SHAPE_LOWERED_V;
}

static double ride_shape_output_v(const struct block *b, int32_t l)
{
    const struct ride *ride = &b->core->ride;
    const struct core_config_lever *conf = &b->levers_conf[l];
    double base = ride_shape_base(b, l), value = ride->setpoint_v, alone = __builtin_nan("");

    if (!ride_riding(ride)) /* is it one of many that a core before this one lowered? */
        return !ride->settled && b->core->now_us - b->core->first_us < RIDE_SHAPE_FIRST_US &&
                       ride_shape_is_lowered(b, l)
                   ? alone
                   : base;
    if (ride->state == CORE_RIDE_SAG)
        return ride->acted ? base : alone;
    if (!block_is_number(value) || !block_is_number(base))
        return ride->state == CORE_RIDE_OUTAGE ? alone : base;
    if (ride->state != CORE_RIDE_SUPPORT) {
        if (!ride_shape_shares(b, l))
            return alone;
        if (!ride->sound || ride_left_s(b) < RIDE_SHAPE_LEFT_S)
            return base;
    }
    return block_clip(value < base ? value : base, conf->min, conf->max);
}

static double ride_shape_start_s(const struct block *b, int32_t l)
{
    const struct ride *ride = &b->core->ride;

    if (!ride_riding(ride))
        return ride_shape_delay_s(b, l, 0);
    if (ride->state != CORE_RIDE_OUTAGE || ride->start == 0 ||
        !b->sources_conf[b->levers_conf[l].source].keeps_settings)
        return __builtin_nan(""); /* what was armed stands */
    return ride_shape_delay_s(b, l, ride->start);
}

bool ride_shape_hold(const struct block *b, int32_t l, double *ret_value, enum core_rule *ret_rule)
{
    if (!b->core->ride.on || b->core->restoring)
        return false;
    if (ride_shape_is(b, l, CORE_LEVER_RIDE_OUTPUT_V))
        *ret_value = ride_pace(b, l, ride_shape_output_v(b, l));
    else if (ride_shape_is(b, l, CORE_LEVER_RIDE_START_S))
        *ret_value = ride_shape_start_s(b, l);
    else
        return false;
    *ret_rule = ride_riding(&b->core->ride) ? CORE_RULE_RIDE : CORE_RULE_HOLD;
    return true;
}

bool ride_shape_stops_charge(const struct block *b)
{
    const struct ride *ride = &b->core->ride;

    if (!ride->on || !ride->acted || b->core->restoring)
        return false;
    return ride_riding(ride) ||
           (ride->over_us != INT64_MIN && ride_for_us(b, ride->over_us) < RIDE_SHAPE_CHARGE_US);
}

bool ride_shape_forbids(const struct block *b, int32_t l, double value)
{
    const struct lever *lever = &b->levers[l];
    double trigger_v = ride_rule_trigger_v(b);

    return b->core->ride.on && !b->core->restoring && ride_shape_is(b, l, CORE_LEVER_RIDE_OUTPUT_V) &&
           !b->core->ride.sound && value < trigger_v && !(value >= lever->in_force);
}

/* ---- what is known of them ---- */

bool ride_shape_armed(const struct block *b)
{
    for (int32_t l = 0; l < b->core->lever_count; l++) {
        bool output = ride_shape_is(b, l, CORE_LEVER_RIDE_OUTPUT_V);
        double value;

        if (!output && !ride_shape_is(b, l, CORE_LEVER_RIDE_START_S))
            continue;
        value = output ? ride_shape_base(b, l) : ride_shape_delay_s(b, l, 0);
        if (block_is_number(value) && !ride_shape_holds(b, l, value))
            return false;
    }
    return b->core->ride.sound;
}

bool ride_shape_keeps(const struct block *b)
{
    for (int32_t s = 0; s < b->core->source_conf_count; s++)
        if (b->sources_conf[s].kind == CORE_SOURCE_PSU && !b->sources_conf[s].keeps_settings)
            return false;
    return true;
}

bool ride_shape_together(const struct block *b)
{
    int32_t shelves = 0;

    for (int32_t s = 0; s < b->core->source_conf_count; s++)
        shelves += b->sources_conf[s].kind == CORE_SOURCE_PSU && !b->ride_sources[s].lost;
    for (int32_t s = 0; s < b->core->source_conf_count && shelves > 1; s++) {
        int32_t armed = 0;

        if (b->sources_conf[s].kind != CORE_SOURCE_PSU || b->ride_sources[s].lost)
            continue;
        for (int32_t l = 0; l < b->core->lever_count; l++) {
            if (!ride_shape_is(b, l, CORE_LEVER_RIDE_START_S) || b->levers_conf[l].source != s)
                continue;
            if (!ride_shape_holds(b, l, ride_shape_delay_s(b, l, 0)))
                return false;
            armed++;
        }
        if (armed == 0)
            return false;
    }
    return true;
}

bool ride_shape_found_low(const struct block *b)
{
    double trigger_v = ride_rule_trigger_v(b);

    for (int32_t l = 0; l < b->core->lever_count; l++)
        if (ride_shape_is(b, l, CORE_LEVER_RIDE_OUTPUT_V) && b->levers[l].in_force < trigger_v &&
            ride_shape_base(b, l) >= trigger_v)
            return true;
    return false;
}

double ride_shape_lowered_v(const struct block *b)
{
    double lowest_v = __builtin_inf();
    int32_t read = 0, lowered = 0;

    for (int32_t l = 0; l < b->core->lever_count; l++) {
        if (!ride_shape_is(b, l, CORE_LEVER_RIDE_OUTPUT_V) || !block_is_number(b->levers[l].in_force))
            continue;
        read++;
        if (!ride_shape_is_lowered(b, l))
            continue;
        lowered++;
        lowest_v = b->levers[l].in_force < lowest_v ? b->levers[l].in_force : lowest_v;
    }
    return lowered > 1 && 2 * lowered > read ? lowest_v : __builtin_nan("");
}

int32_t ride_shape_start(const struct block *b)
{
    int32_t start = 0;

    for (int32_t l = 0; l < b->core->lever_count; l++) {
        if (!ride_shape_is(b, l, CORE_LEVER_RIDE_START_S) || !block_is_number(b->levers[l].in_force))
            continue;
        while (start + 1 < b->core->plan.ride.start_count &&
               ride_shape_delay_s(b, l, start) + lever_tolerance(&b->levers_conf[l]) < b->levers[l].in_force)
            start++;
    }
    return start;
}

/* A supply that does not obey is not waited for; one whose turn has not come is. */
static bool ride_shape_overdue(const struct block *b, int32_t l, double value)
{
    const struct lever *lever = &b->levers[l];
    bool told = lever->sent_us != INT64_MIN &&
                __builtin_fabs(lever->sent - value) <= lever_tolerance(&b->levers_conf[l]);

    return lever->failing || (told && b->core->now_us - lever->sent_us >= b->levers_conf[l].delay_worst_us);
}

bool ride_shape_settled(const struct block *b, int64_t *ret_newest_us)
{
    bool settled = true;

    *ret_newest_us = INT64_MIN;
    for (int32_t l = 0; l < b->core->lever_count; l++) {
        const struct lever *lever = &b->levers[l];
        int64_t at_us = b->core->first_us; /* it stood there all along */
        double value;

        if (!ride_shape_is(b, l, CORE_LEVER_RIDE_OUTPUT_V))
            continue;
        value = ride_shape_output_v(b, l);
        if (!block_is_number(value) || b->devices[b->levers_conf[l].device].quality != CORE_DEVICE_GOOD)
            continue;
        if (!ride_shape_holds(b, l, value)) {
            settled = settled && ride_shape_overdue(b, l, value);
            continue;
        }
        if (lever->sent_us != INT64_MIN)
            at_us = lever->confirmed_us + RIDE_SHAPE_SETTLE_US;
        *ret_newest_us = at_us > *ret_newest_us ? at_us : *ret_newest_us;
    }
    return settled;
}
