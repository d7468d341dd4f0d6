/* SPDX-License-Identifier: Apache-2.0 */
/* ride.c: where the rack stands towards the grid: quiet, sag, support, outage,
 * return.
 *
 * The hardware carries the first milliseconds by itself, from what was armed
 * while the input was good; what is decided here takes some tenths of a second
 * to arrive. So events shorter than that are only watched. Batteries that
 * discharge while the input is seen to be good are an overload of the supplies,
 * no outage. A core that starts in the middle of an event finds its way from
 * what it reads alone.
 *
 * Returning: where start delays were armed, shelves come back as one and nothing
 * needs to be done. Else supplies that keep their settings are put where they share
 * with the batteries, and when all shelves carry, all go up together; after a long
 * outage they do so slowly. Supplies that forget them are told nothing.
 */
#include "ride.h"

#include "outputs.h"
#include "quality.h"

#define RIDE_GOOD_US     INT64_C(50000)    /* input above the threshold: it is back       */
#define RIDE_SILENT_US   INT64_C(500000)   /* no supply answers while batteries discharge */
#define RIDE_WHOLE_RATIO 0.7               /* of the load, by the batteries' own sensors  */
#define RIDE_HANDED_US   INT64_C(20000)    /* beyond the supplies' own delay              */
#define RIDE_CALM_US     INT64_C(200000)   /* what batteries themselves wait for          */
#define RIDE_UNKNOWN_US  INT64_C(10000000) /* a sag that nobody reads any more            */
#define RIDE_SETTLE_US   INT64_C(5000000)  /* quiet so long: nothing is left of before    */
#define RIDE_LOST_US     INT64_C(60000000) /* one shelf's input: not waited for any more  */
#define RIDE_MISSING_US  INT64_C(30000000) /* a shelf that does not come, without books */
#define RIDE_LATE_US     INT64_C(2000000)  /* beyond its books                           */
#define RIDE_AGAIN_US    INT64_C(2000000)  /* batteries are not called again so soon      */
#define RIDE_STUCK_US    INT64_C(60000000) /* batteries discharge for other reasons       */
#define RIDE_LONG_US     INT64_C(10000000) /* an outage, where the plan has no classes    */
#define RIDE_BEFORE_S    1.0               /* slow means of what was before               */
#define RIDE_WEAR_START  0.1               /* of a cycle: what a restart may begin with   */
#define RIDE_DAY_S       86400.0

void ride_init(struct block *b)
{
    struct ride *ride = &b->core->ride;

    ride->since_us = ride->low_us = ride->deep_us = ride->good_us = ride->lone_us = INT64_MIN;
    ride->discharge_us = ride->calm_us = ride->horizon_us = ride->outage_us = ride->over_us = INT64_MIN;
    ride->carried_us = ride->lean_us = INT64_MIN;
    ride->draw_after_us = ride->current_us = ride->seen_us = ride->moved_us = ride->rule_us =
        ride->incapable_us = INT64_MIN;
    ride->input_v = ride->before_v = ride->before_w = ride->setpoint_v = __builtin_nan("");
    ride->wear_cycles = __builtin_nan("");
    ride->cap_w = ride->rule_w = ride->bears_w = ride->lean_w = ride->derated_w = __builtin_inf();
    ride->load_w = __builtin_nan("");
    for (int32_t p = 0; p < b->core->point_count; p++)
        b->points[p].before = __builtin_nan("");
    for (int32_t s = 0; s < b->core->source_conf_count; s++) {
        b->ride_sources[s].input_v = b->ride_sources[s].draw_w = __builtin_nan("");
        b->ride_sources[s].low_us = b->ride_sources[s].good_us = INT64_MIN;
    }
}

int64_t ride_quiet_us(const struct block *b)
{
    const struct core_plan_ride *plan = &b->core->plan.ride;
    int64_t quiet_us = plan->support_after_us;

    if (plan->start_count > 0 && plan->start[0].outage_us > quiet_us)
        quiet_us = plan->start[0].outage_us < RIDE_LONG_US ? plan->start[0].outage_us : RIDE_LONG_US;
    return quiet_us;
}

double ride_left_s(const struct block *b)
{
    const struct ride *ride = &b->core->ride;

    return ride->discharging && ride->discharge_w > 0.0 ? ride->energy_j / ride->discharge_w
                                                        : __builtin_inf();
}

/* ---- since when ---- */

/* Starts, or stops, a time that runs while something holds. */
static void ride_run(int64_t *since_us, bool holds, int64_t now_us)
{
    if (!holds)
        *since_us = INT64_MIN;
    else if (*since_us == INT64_MIN)
        *since_us = now_us;
}

/* From the readings' own times, where they say since when. */
static int64_t ride_low_since_us(const struct block *b)
{
    int64_t first_us = b->core->now_us;

    for (int32_t s = 0; s < b->core->source_conf_count; s++)
        if (!b->ride_sources[s].lost && b->ride_sources[s].low_us != INT64_MIN &&
            b->ride_sources[s].low_us < first_us)
            first_us = b->ride_sources[s].low_us;
    return first_us;
}

static void ride_times(struct block *b, const struct ride_sense *sense)
{
    struct ride *ride = &b->core->ride;
    int64_t now_us = b->core->now_us;
    double trigger_v = ride_rule_trigger_v(b);
    bool bus_up = !(sense->bus_v < trigger_v);

    ride->input_v = sense->input_v;
    ride->seen_us = sense->input_us > ride->seen_us ? sense->input_us : ride->seen_us;
    ride->discharging = sense->discharging;
    ride->discharge_known = sense->current_count > 0;
    ride_run(&ride->low_us, sense->low > 0, ride_low_since_us(b));
    ride_run(&ride->deep_us, sense->deep > 0, now_us);
    ride_run(&ride->good_us, sense->heard > 0 && sense->low == 0, now_us);
    ride_run(&ride->lone_us, sense->good > 0, now_us);
    ride_run(&ride->discharge_us, sense->discharging, sense->discharge_us);
    ride_run(&ride->calm_us, !sense->discharging && bus_up, now_us);
}

static void ride_follow(double *mean, double value, double part)
{
    if (block_is_number(value))
        *mean = block_is_number(*mean) ? *mean + part * (value - *mean) : value;
}

/* What each supply carries or draws; readings from an event are none of before. */
static void ride_before(struct block *b, double part)
{
    for (int32_t i = 0; i < b->core->ride_point_count; i++) {
        int32_t p = b->ride_points[i];
        enum signal signal = b->points_conf[p].signal;

        if ((signal == SIGNAL_PSU_OUTPUT_W || signal == SIGNAL_PSU_INPUT_W || signal == SIGNAL_PSU_INPUT_A) &&
            quality_good(b, p) && b->points[p].taken_us > b->core->ride.over_us)
            ride_follow(&b->points[p].before, b->points[p].value, part);
    }
}

/* What stood here before a sag, and what may be spent in one. */
static void ride_books(struct block *b, const struct ride_sense *sense)
{
    struct ride *ride = &b->core->ride;
    double span_s = (double)(b->core->now_us - b->core->last_us) * 1e-6, psu_w = 0.0;
    double part = span_s < RIDE_BEFORE_S ? span_s / RIDE_BEFORE_S : 1.0;
    double cycles = b->core->plan.ride.wear_cycles_per_day;
    const struct zone *zone = &b->zones[b->core->bus.node];

    if (!ride_riding(ride) && sense->low == 0) {
        ride_follow(&ride->before_v, sense->input_v, part);
        ride_follow(&ride->before_w, sense->draw_w, part);
        ride_before(b, part);
        if (!block_is_number(ride->lean_w))
            ride_follow(&ride->load_w, zone->power_w, part);
    }
    if (!block_is_number(ride->wear_cycles))
        ride->wear_cycles = RIDE_WEAR_START;
    ride->wear_cycles += cycles * span_s / RIDE_DAY_S;
    if (ride->wear_cycles > cycles)
        ride->wear_cycles = cycles;
    for (int32_t s = 0; s < b->core->source_conf_count; s++)
        if (b->sources_conf[s].kind == CORE_SOURCE_PSU)
            psu_w += b->sources_conf[s].rated_w * b->sources_conf[s].module_count;
    ride->reserve_j = b->core->plan.ride.reserve_s * (zone->counted_w < psu_w ? zone->counted_w : psu_w);
}

/* ---- changing state ---- */

static void ride_enter(struct block *b, enum core_ride state)
{
    static const enum ev events[CORE_RIDE_COUNT] = {
        [CORE_RIDE_SAG] = EV_RIDE_SAG,
        [CORE_RIDE_SUPPORT] = EV_RIDE_SUPPORT,
        [CORE_RIDE_OUTAGE] = EV_RIDE_OUTAGE,
        [CORE_RIDE_RETURN] = EV_RIDE_RETURN,
    };
    struct ride *ride = &b->core->ride;
    bool riding = ride_riding(ride);
    double ratio = ride->input_v / b->core->bus.nominal_input_v;

    ride->state = state;
    ride->since_us = b->core->now_us;
    ride->draw_after_us = INT64_MIN;
    if (ride_riding(ride))
        outputs_zone_event(b, events[state], b->core->bus.node, ratio, b->core->plan.ride.sag_ratio);
    else if (riding)
        outputs_zone_event(b, EV_RIDE_OVER, b->core->bus.node, ratio, b->core->plan.ride.sag_ratio);
}

/* The first of an event: nothing is written yet. */
static void ride_begin(struct block *b, enum core_ride state)
{
    struct ride *ride = &b->core->ride;

    ride->together = ride_shape_together(b);
    ride->start = ride->settled ? 0 : ride_shape_start(b);
    ride->acted = ride->spent = ride->share = ride->up = ride->slow = ride->shed = 0;
    ride->support_j = 0.0;
    ride->event_j = ride->energy_j;
    ride->setpoint_v = __builtin_nan("");
    ride->horizon_us = ride->outage_us = ride->carried_us = INT64_MIN;
    ride_enter(b, state);
}

static void ride_end(struct block *b, enum core_ride state)
{
    struct ride *ride = &b->core->ride;

    ride->over_us = b->core->now_us;
    ride->horizon_us = ride->outage_us = INT64_MIN;
    ride->shed = ride->share = ride->up = ride->slow = 0;
    ride->start = 0;
    ride->setpoint_v = __builtin_nan("");
    ride_enter(b, state);
    ride->draw_after_us = ride->over_us; /* what was read in the event is not what stood before the next */
}

static void ride_outage(struct block *b)
{
    struct ride *ride = &b->core->ride;
    int64_t first_us = b->core->now_us;

    if (ride->deep_us != INT64_MIN && ride->deep_us < first_us)
        first_us = ride->deep_us;
    if (ride->discharge_us != INT64_MIN && ride->discharge_us < first_us && ride->state != CORE_RIDE_SUPPORT)
        first_us = ride->discharge_us;
    if (!ride_riding(ride))
        ride_begin(b, CORE_RIDE_OUTAGE);
    else
        ride_enter(b, CORE_RIDE_OUTAGE);
    if (ride->outage_us == INT64_MIN) /* else the one before is not over yet */
        ride->outage_us = first_us;
    ride->horizon_us = ride->low_us != INT64_MIN && ride->low_us < first_us ? ride->low_us : first_us;
    ride->lone_us = INT64_MIN;
    ride->share = ride->up = 0;
    ride->setpoint_v = __builtin_nan("");
}

static void ride_return(struct block *b, const struct ride_sense *sense)
{
    struct ride *ride = &b->core->ride;

    if (ride->state == CORE_RIDE_SUPPORT) { /* all carry: up from where they stand, in steps */
        ride->share = 1;
        ride_rise_begin(b);
    } else if (ride->state == CORE_RIDE_SAG && !ride->spent) {
        ride->setpoint_v = __builtin_nan("");
    }
    if (!ride_riding(ride))
        ride_begin(b, CORE_RIDE_RETURN);
    else
        ride_enter(b, CORE_RIDE_RETURN);
    if (ride->outage_us != INT64_MIN)
        ride->horizon_us = sense->input_us; /* what other supplies said before is old */
}

/* Supplies carry again, from an input that is low: the outage is over, the event is not. */
static void ride_carried(struct block *b)
{
    struct ride *ride = &b->core->ride;

    ride->carried_us = b->core->now_us;
    ride->outage_us = INT64_MIN;
    ride->slow = 0;
    ride_enter(b, CORE_RIDE_SAG);
}

/* ---- is it an outage ---- */

/* Supplies are off, by what they give or by how long their books let them last. */
static bool ride_handed_over(const struct block *b, const struct ride_sense *sense)
{
    int64_t off_us = 0;

    if (sense->deep < sense->psu || sense->deep == 0)
        return false;
    if (sense->known > 0)
        return sense->live == 0;
    for (int32_t s = 0; s < b->core->source_conf_count; s++)
        if (b->sources_conf[s].kind == CORE_SOURCE_PSU && b->sources_conf[s].input_off_us > off_us)
            off_us = b->sources_conf[s].input_off_us;
    return ride_for_us(b, b->core->ride.deep_us) >= off_us + RIDE_HANDED_US;
}

/* Batteries discharge, and answered later than any supply did: not a line that is down,
 * nor one that is busy with our own writes while they help with an overload. */
static bool ride_is_silent(const struct block *b, const struct ride_sense *sense)
{
    const struct ride *ride = &b->core->ride;
    const struct zone *zone = &b->zones[b->core->bus.node];
    int64_t seen_us = ride->seen_us > b->core->first_us ? ride->seen_us : b->core->first_us;

    return sense->heard == 0 && sense->discharging && ride_for_us(b, ride->discharge_us) >= RIDE_SILENT_US &&
           ride->current_us - seen_us >= RIDE_SILENT_US &&
           !(ride->discharge_w < RIDE_WHOLE_RATIO * zone->power_w);
}

static bool ride_is_outage(const struct block *b, const struct ride_sense *sense)
{
    return (sense->deep > 0 && sense->discharging) || ride_handed_over(b, sense) || ride_is_silent(b, sense);
}

/* ---- each state ---- */

static void ride_quiet(struct block *b, const struct ride_sense *sense)
{
    struct ride *ride = &b->core->ride;
    enum core_ride state = CORE_RIDE_OFF;

    if (sense->heard > 0)
        state = ride->armed ? CORE_RIDE_READY : CORE_RIDE_UNARMED;
    if (ride_is_outage(b, sense)) {
        ride_outage(b);
        return;
    }
    if (sense->low > 0) {
        ride_begin(b, CORE_RIDE_SAG);
        return;
    }
    if (!ride->settled && sense->good > 0 && ride_shape_found_low(b)) {
        ride_return(b, sense); /* a core before this one was in the middle of it */
        ride->acted = ride->share = 1;
        ride->setpoint_v = ride_shape_low_v(b);
        return;
    }
    if (!ride->settled && sense->good > 0 && block_is_number(ride_shape_lowered_v(b))) {
        ride_return(b, sense); /* the same, on its way up */
        ride->acted = ride->share = 1;
        ride->setpoint_v = ride_shape_lowered_v(b);
        return;
    }
    if (state == CORE_RIDE_READY || (state == CORE_RIDE_UNARMED && ride->state == state &&
                                     ride_for_us(b, ride->since_us) >= RIDE_SETTLE_US))
        ride->settled = 1;
    if (state != ride->state)
        ride_enter(b, state);
}

static void ride_to_quiet(struct block *b, const struct ride_sense *sense)
{
    if (sense->heard == 0)
        ride_end(b, CORE_RIDE_OFF);
    else
        ride_end(b, b->core->ride.armed ? CORE_RIDE_READY : CORE_RIDE_UNARMED);
}

static bool ride_in_support_range(const struct ride_sense *sense)
{
    return sense->low > 0 && sense->deep == 0;
}

/* A feed that stays away while the others carry on is no event any more. */
static void ride_lose(struct block *b, const struct ride_sense *sense)
{
    if (sense->good == 0 || sense->discharging)
        return;
    for (int32_t s = 0; s < b->core->source_conf_count; s++)
        if (b->sources_conf[s].kind == CORE_SOURCE_PSU &&
            ride_for_us(b, b->ride_sources[s].low_us) >= RIDE_LOST_US)
            b->ride_sources[s].lost = 1;
}

static void ride_sag(struct block *b, const struct ride_sense *sense)
{
    struct ride *ride = &b->core->ride;
    int64_t low_us = ride_for_us(b, ride->low_us);

    if (ride_is_outage(b, sense)) {
        ride_outage(b);
        return;
    }
    if (ride_for_us(b, ride->good_us) >= RIDE_GOOD_US) {
        if (sense->discharging)
            ride_return(b, sense);
        else
            ride_to_quiet(b, sense);
        return;
    }
    if (sense->heard == 0 && ride_for_us(b, ride->since_us) >= RIDE_UNKNOWN_US) {
        ride_to_quiet(b, sense);
        return;
    }
    ride_lose(b, sense);
    /* Seen again after so long: a reading that nobody renewed says nothing of now. */
    if (sense->low == 0 || sense->low_for_us < b->core->plan.ride.support_after_us ||
        (ride->carried_us != INT64_MIN && ride_for_us(b, ride->carried_us) < RIDE_AGAIN_US))
        return;
    if (ride_in_support_range(sense) && ride_support_may(b, sense)) {
        ride_enter(b, CORE_RIDE_SUPPORT);
        ride_support_begin(b, sense);
        return;
    }
    ride->acted = ride->acted || sense->deep == 0 || low_us >= ride_quiet_us(b);
}

static void ride_support(struct block *b, const struct ride_sense *sense)
{
    struct ride *ride = &b->core->ride;

    if (ride_is_outage(b, sense)) {
        ride_outage(b);
        return;
    }
    if (ride_for_us(b, ride->good_us) >= RIDE_GOOD_US || sense->heard == 0) {
        ride_return(b, sense);
        return;
    }
    if (!ride_support_may(b, sense)) {
        ride->spent = 1; /* not again before the input was good */
        ride->setpoint_v = __builtin_nan("");
        ride_enter(b, CORE_RIDE_SAG);
        return;
    }
    ride_support_step(b, sense);
}

static bool ride_is_long(const struct block *b, int64_t out_us)
{
    const struct core_plan_ride *plan = &b->core->plan.ride;

    if (plan->start_count > 1)
        return b->core->ride.start == plan->start_count - 1;
    return out_us > RIDE_LONG_US;
}

/* A core that has just begun heard each battery once, or not at all: one that discharged
 * then may rest since, and supplies that carry would be lowered away from their load. */
static bool ride_told_lately(const struct block *b)
{
    const struct ride *ride = &b->core->ride;

    return ride->settled || b->core->now_us - b->core->first_us >= RIDE_SETTLE_US;
}

static void ride_out(struct block *b, const struct ride_sense *sense)
{
    const struct core_plan_ride *plan = &b->core->plan.ride;
    struct ride *ride = &b->core->ride;
    int64_t out_us = ride_for_us(b, ride->outage_us);
    bool calm = ride_for_us(b, ride->calm_us) >= RIDE_CALM_US && ride->discharge_known;

    while (ride->start + 1 < plan->start_count && out_us > plan->start[ride->start].outage_us)
        ride->start++;
    ride->acted = ride->acted || out_us > ride_quiet_us(b);
    ride->slow = ride_is_long(b, out_us);
    if (ride->acted && (!ride->together || ride->slow) && ride_told_lately(b))
        ride->setpoint_v = ride_shape_low_v(b);
    if (ride_for_us(b, ride->lone_us) >= RIDE_GOOD_US ||
        (sense->heard == 0 && calm && ride_for_us(b, ride->calm_us) >= RIDE_SILENT_US))
        ride_return(b, sense);
    else if (ride_in_support_range(sense) && calm)
        ride_carried(b);
}

/* ---- the way back ---- */

/* What the slowest source needs by its books; then it is given up. */
static int64_t ride_missing_us(const struct block *b)
{
    const struct core_plan_ride *plan = &b->core->plan.ride;
    int64_t most_us = 0;

    for (int32_t s = 0; s < b->core->source_conf_count; s++) {
        const struct core_config_source *conf = &b->sources_conf[s];
        int64_t need_us =
            conf->ready_us > 0 ? conf->ready_us + conf->walk_in_us + RIDE_LATE_US : RIDE_MISSING_US;

        if (conf->kind == CORE_SOURCE_PSU && need_us > most_us)
            most_us = need_us;
    }
    if (plan->start_count > 0 && b->core->ride.together)
        most_us += (int64_t)((double)plan->start[b->core->ride.start].window_us * plan->phase_ratio);
    return most_us;
}

/* All shelves carry; or those that do not come are given up, and the rest can
 * bear the load. A long outage's return begins at this rack's place. */
static bool ride_may_rise(const struct block *b, const struct ride_sense *sense)
{
    const struct ride *ride = &b->core->ride;
    const struct core_plan_ride *plan = &b->core->plan.ride;
    const struct zone *zone = &b->zones[b->core->bus.node];
    bool enough = sense->live_w >= (block_is_number(zone->power_w) ? zone->power_w : zone->counted_w);
    int64_t waited_us = ride_for_us(b, ride->lone_us), place_us = 0;

    if (sense->back < sense->psu &&
        !(enough && (waited_us >= ride_missing_us(b) || ride_left_s(b) < RIDE_SHED_S)))
        return false;
    if (ride->slow && plan->start_count > 0 && !ride->together)
        place_us = (int64_t)((double)plan->start[ride->start].window_us * plan->phase_ratio);
    return waited_us >= place_us || ride_left_s(b) < RIDE_SHED_S;
}

static bool ride_is_over(const struct block *b, const struct ride_sense *sense)
{
    const struct ride *ride = &b->core->ride;
    bool calm = ride_for_us(b, ride->calm_us) >= RIDE_CALM_US;

    if (!ride->up || block_is_number(ride->setpoint_v) || ride_shape_found_low(b))
        return false;
    return calm || (sense->good == sense->psu && ride_for_us(b, ride->since_us) >= RIDE_STUCK_US);
}

/* Supplies that come back would be left alone with the load; or they can still
 * be told to take it slowly. Where batteries rest nothing is left to share.
 *
 * Supplies that forget their settings are told nothing after a short outage: a shelf
 * is written to one supply after the other, and one that starts meanwhile stands with
 * half of its set-points lowered, in an overload that is too small for its
 * over-current mode and large enough to switch it off. */
static bool ride_is_to_share(const struct block *b, const struct ride_sense *sense)
{
    const struct ride *ride = &b->core->ride;

    if (!sense->discharging || sense->back == sense->psu || !ride_shape_keeps(b) || !ride_told_lately(b))
        return false;
    return !ride->together || (ride->slow && sense->known > 0 && sense->live == 0);
}

static void ride_back(struct block *b, const struct ride_sense *sense)
{
    struct ride *ride = &b->core->ride;
    bool outage = ride->outage_us != INT64_MIN;

    if (ride_is_outage(b, sense)) {
        ride_outage(b);
        return;
    }
    if (ride_in_support_range(sense) && ride_for_us(b, ride->calm_us) >= RIDE_CALM_US) {
        ride->setpoint_v = __builtin_nan("");
        ride_carried(b);
        return;
    }
    if (!ride->up && outage && ride_is_to_share(b, sense)) {
        ride->setpoint_v = ride_shape_low_v(b);
        ride->acted = ride->share = 1;
    }
    if (!ride->up && ride_may_rise(b, sense))
        ride_rise_begin(b);
    if (ride->up)
        ride_rise_step(b);
    if (ride_is_over(b, sense) ||
        (sense->heard == 0 && !sense->discharging && ride_for_us(b, ride->since_us) >= RIDE_UNKNOWN_US))
        ride_to_quiet(b, sense);
}

/* ---- the step ---- */

/* Energy is given up last: with little of it left, limits go to their base. */
static void ride_shed(struct block *b)
{
    struct ride *ride = &b->core->ride;

    if ((ride->state == CORE_RIDE_OUTAGE || ride->state == CORE_RIDE_RETURN) && ride_left_s(b) < RIDE_SHED_S)
        ride->shed = 1;
}

/* A supply that answers again is not kept waiting for what failed while it was
 * away. */
static void ride_answered(struct block *b)
{
    for (int32_t l = 0; l < b->core->lever_count; l++) {
        const struct core_config_lever *conf = &b->levers_conf[l];

        if (conf->ride == CORE_LEVER_RIDE_NONE || conf->source == CORE_NONE)
            continue;
        if (!b->ride_sources[conf->source].was_heard && b->ride_sources[conf->source].heard)
            b->levers[l].retry_us = INT64_MIN;
    }
}

static void ride_off(struct block *b)
{
    struct ride *ride = &b->core->ride;

    ride->on = ride->shed = ride->told = 0;
    ride->state = CORE_RIDE_OFF;
    ride->since_us = b->core->now_us;
    ride->cap_w = ride->rule_w = ride->bears_w = ride->lean_w = ride->derated_w = __builtin_inf();
    b->zones[b->core->bus.node].until_us = INT64_MIN;
}

void ride_step(struct block *b)
{
    struct ride *ride = &b->core->ride;
    struct ride_sense sense;

    if (b->core->source_conf_count == 0 || b->core->bus.node == CORE_NONE)
        return;
    if (!b->core->plan.ride.enabled) {
        if (ride->on)
            ride_off(b);
        return;
    }
    ride->on = 1;
    ride_sense(b, &sense);
    ride_times(b, &sense);
    ride_books(b, &sense);
    ride_answered(b);
    ride->armed = ride_shape_armed(b);
    if (ride->state == CORE_RIDE_SAG)
        ride_sag(b, &sense);
    else if (ride->state == CORE_RIDE_SUPPORT)
        ride_support(b, &sense);
    else if (ride->state == CORE_RIDE_OUTAGE)
        ride_out(b, &sense);
    else if (ride->state == CORE_RIDE_RETURN)
        ride_back(b, &sense);
    else
        ride_quiet(b, &sense);
    ride_shed(b);
    ride_rise_load(b);
    ride_pace_step(b);
    ride_rule_step(b);
}

void ride_count(struct block *b)
{
    const struct core_order *orders = outputs_orders(b);

    if (!b->core->ride.on)
        return;
    for (int32_t i = 0; i < b->out->order_count; i++)
        b->core->ride.writes += orders[i].why.rule == CORE_RULE_RIDE;
}

void ride_view(const struct block *b, struct core_ride_view *view)
{
    const struct ride *ride = &b->core->ride;
    bool on = ride->on;

    view->state = ride->state;
    view->since_us = ride->since_us == INT64_MIN ? b->core->first_us : ride->since_us;
    view->input_ratio = on ? ride->input_v / b->core->bus.nominal_input_v : __builtin_nan("");
    view->capable = on && ride->capable;
    view->capable_w = on ? ride->capable_w : 0.0;
    view->margin_s = on ? ride->margin_s : 0.0;
    view->energy_j = on ? ride->energy_j : 0.0;
    view->reserve_j = on ? ride->reserve_j : 0.0;
    view->wear_left_cycles = on && ride->wear_cycles > 0.0 ? ride->wear_cycles : 0.0;
    view->writes = ride->writes;
}
