/* SPDX-License-Identifier: Apache-2.0 */
/* ride.h: riding through grid events: sag, loss of input, return.
 *
 * ride.c holds the states; ride_sense.c says what the readings show;
 * ride_rule.c works out from the books which load the hardware can hand over;
 * ride_rise.c says how fast a return goes, ride_pace.c which supply is told next in a sag;
 * ride_support.c splits a load between supplies and batteries in a shallow sag;
 * ride_shape.c says what set-points and start delays are to hold.
 */
#ifndef BUSBAR_CORE_RIDE_H
#define BUSBAR_CORE_RIDE_H

#include "block.h"

/* Fills what core_init() cannot leave at zero. */
void ride_init(struct block *b);

/* After the tree's sums, before budgets: looks, changes state, sets what the
 * other modules ask for. */
void ride_step(struct block *b);

/* After clamp.c: counts this step's orders for riding through. */
void ride_count(struct block *b);

void ride_view(const struct block *b, struct core_ride_view *view);

/* Between the first sign of an event and the end of the return from it. */
static inline bool ride_riding(const struct ride *ride)
{
    return ride->state == CORE_RIDE_SAG || ride->state == CORE_RIDE_SUPPORT ||
           ride->state == CORE_RIDE_OUTAGE || ride->state == CORE_RIDE_RETURN;
}

/* Since when `since_us` holds, in microseconds; -1 where it does not. */
static inline int64_t ride_for_us(const struct block *b, int64_t since_us)
{
    return since_us == INT64_MIN ? -1 : b->core->now_us - since_us;
}

/* Outages up to this length are carried by what was armed: nothing is written. */
int64_t ride_quiet_us(const struct block *b);

/* Seconds that the batteries last at what they give now; INFINITY: they rest. */
double ride_left_s(const struct block *b);

/* ---- ride_sense.c ---- */

/* What the good readings of one step show. */
struct ride_sense {
    int64_t input_us;        /* newest reading of a supply's input; INT64_MIN    */
    double input_v;          /* lowest that a shelf's supplies agree on; NAN     */
    int32_t psu, heard;      /* PSU sources that are not lost; with input known  */
    int32_t low, deep, good; /* of those: under sag_ratio; too low to support, or too high; neither */
    int64_t low_for_us;      /* so long do one shelf's own readings show it low  */
    int32_t back;            /* that carry their part                            */
    int32_t known, live;     /* supplies whose output is read; that carry        */
    double draw_w, live_w;   /* of all supplies, NAN; rated power of the live    */
    int64_t draw_us;         /* oldest reading in draw_w                         */
    double bus_v;            /* second lowest reading of the busbar; NAN         */
    int32_t current_count, discharging_count;
    int64_t current_us;   /* newest reading of a battery's current            */
    int64_t discharge_us; /* newest that shows it discharge                   */
    bool discharging;     /* two batteries say so, or all that are read       */
};

void ride_sense(struct block *b, struct ride_sense *ret);

/* ---- ride_rule.c ---- */

/* Seconds of hold-up that one supply has left at `module_w` when the batteries
 * are there; under 0: they come too late. */
struct ride_rule_battery {
    double trigger_v, detect_s, start_s;
};
double ride_rule_margin_s(const struct core_config_source *psu, const struct ride_rule_battery *battery,
                          double module_w);

/* Capability, and the budget of the busbar that keeps it. */
void ride_rule_step(struct block *b);

/* What the bus may take until the return from a long outage is over, but never under
 * what the devices' minimums draw; INFINITY: as much as without. */
void ride_rule_lean(struct block *b, double lean_w);

/* The lowest voltage at which a battery of the bus starts; 0: there is none. */
double ride_rule_trigger_v(const struct block *b);

/* ---- ride_support.c ---- */

bool ride_support_may(struct block *b, const struct ride_sense *sense);
void ride_support_begin(struct block *b, const struct ride_sense *sense);
void ride_support_step(struct block *b, const struct ride_sense *sense);

/* ---- ride_pace.c ---- */

/* Where the set-points of each shelf may stand by now. */
void ride_pace_step(struct block *b);

/* What an OUTPUT_V lever that is to come to `value` is to hold now. */
double ride_pace(const struct block *b, int32_t l, double value);

/* ---- ride_rise.c ---- */

#define RIDE_SHED_S 60.0 /* of energy left: batteries are spared whatever else is wanted */

/* How far one shelf's set-points may stand above the others': it takes load from them,
 * and must bear it. INFINITY: there is but one. */
double ride_rise_bear_v(const struct block *b);

/* Set-points begin to go back; on from there. */
void ride_rise_begin(struct block *b);
void ride_rise_step(struct block *b);

/* Part of the load goes in a long outage, and comes back slowly after it. */
void ride_rise_load(struct block *b);

/* ---- ride_shape.c ---- */

/* What a HOLD lever with a part in riding through is to hold now; NAN: it is
 * left alone. False: the plan's target, as without. */
bool ride_shape_hold(const struct block *b, int32_t l, double *ret_value, enum core_rule *ret_rule);

/* Charging waits. */
bool ride_shape_stops_charge(const struct block *b);

/* An order that may not go out: batteries could not take what it hands them. */
bool ride_shape_forbids(const struct block *b, int32_t l, double value);

/* Everything that must be armed ahead is, read back. */
bool ride_shape_armed(const struct block *b);

/* Every supply holds its settings through an outage. */
bool ride_shape_keeps(const struct block *b);

/* Start delays are armed on every source, or there is but one: shelves come back
 * together. */
bool ride_shape_together(const struct block *b);

/* A set-point was found under the batteries' trigger. */
bool ride_shape_found_low(const struct block *b);

/* Most set-points stand under what is wanted, above the trigger: the lowest; NAN. */
double ride_shape_lowered_v(const struct block *b);

/* The set-point at which a supply that comes back shares with the batteries. */
double ride_shape_low_v(const struct block *b);

/* What the plan, or else the books, want of this OUTPUT_V lever; NAN. */
double ride_shape_base(const struct block *b, int32_t l);

/* The start[] that the values read back belong to. */
int32_t ride_shape_start(const struct block *b);

/* Every set-point stands at what is wanted, or has had time enough. *ret_newest_us:
 * readings taken after it show what they do; INT64_MIN: none stands there. */
bool ride_shape_settled(const struct block *b, int64_t *ret_newest_us);

#endif
