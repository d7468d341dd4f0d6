/* SPDX-License-Identifier: Apache-2.0 */
/* ride_support.c: a load shared between supplies and batteries in a shallow sag.
 *
 * Supplies are constant-power: at 0.8 of the voltage they draw 1.25 of the
 * current. Lowering the set-point of all of them alike, under the batteries'
 * trigger, lets both carry the busbar by their droop lines; the split is solved
 * from the books first and then trimmed by what the supplies are seen to carry.
 * Every joule given so is counted against the reserve and against wear.
 */
#include "ride.h"

#include "zone.h"

#define RIDE_SUPPORT_MARGIN     0.02 /* of the current before the sag: stay under it          */
#define RIDE_SUPPORT_FIRST      0.03 /* of the load: the books' lines are a little off        */
#define RIDE_SUPPORT_FLAT       0.7  /* and may be flatter by so much                         */
#define RIDE_SUPPORT_UNDER      0.06 /* supplies may carry so much less than they could       */
#define RIDE_SUPPORT_DOWN       1.0  /* of what is missing: at once where they carry too much  */
#define RIDE_SUPPORT_UP         0.6  /* carefully where they carry too little                  */
#define RIDE_SUPPORT_TRIGGER_V  0.2  /* under the trigger, whatever the lines are             */
#define RIDE_SUPPORT_REACH_V    0.02 /* a set-point that the devices do not go down to        */
#define RIDE_SUPPORT_DEPTH_V    1.0  /* under the first set-point, at most                    */
#define RIDE_SUPPORT_DROOP_V    0.01 /* a line is never flatter                               */
#define RIDE_SUPPORT_PERIOD_US  INT64_C(200000)
#define RIDE_SUPPORT_BEAR_US    INT64_C(100000) /* a shelf's writes are behind another's by so much */
#define RIDE_SUPPORT_BEAR_RATIO 1.55            /* of the rating, where nothing less is said: current limit */

/* Watts that all supplies, and all batteries, give more per volt. */
struct ride_support_lines {
    double psu, bbu, bbu_v, bbu_w;
};

static void ride_support_lines(const struct block *b, struct ride_support_lines *ret)
{
    double sum = 0.0;

    *ret = (struct ride_support_lines){ .psu = 0.0 };
    for (int32_t s = 0; s < b->core->source_conf_count; s++) {
        const struct core_config_source *conf = &b->sources_conf[s];
        double droop_v = conf->droop_v > RIDE_SUPPORT_DROOP_V ? conf->droop_v : RIDE_SUPPORT_DROOP_V;
        double rated_w = conf->rated_w * b->ride_sources[s].modules;

        if (conf->kind == CORE_SOURCE_PSU && !b->ride_sources[s].lost)
            ret->psu += rated_w / droop_v;
        if (conf->kind != CORE_SOURCE_BBU)
            continue;
        ret->bbu += rated_w / droop_v;
        ret->bbu_w += rated_w;
        sum += rated_w / droop_v * conf->output_v;
    }
    ret->bbu_v = sum / ret->bbu;
}

/* Both lines meet where supplies carry `part` of the load. */
static double ride_support_solve(const struct block *b, const struct ride_support_lines *lines, double part,
                                 double load_w)
{
    double bus_v = lines->bbu_v - (1.0 - part) * load_w / lines->bbu;
    double setpoint_v = bus_v + part * load_w / lines->psu;
    double start_v = ride_rule_trigger_v(b) - RIDE_SUPPORT_TRIGGER_V + load_w / lines->psu;

    return setpoint_v < start_v ? setpoint_v : start_v;
}

/* Before anything is measured: as if supplies fell less with load than their
 * books say, for that is the side on which they carry too much. */
static double ride_support_first(const struct block *b, const struct ride_support_lines *lines)
{
    const struct ride *ride = &b->core->ride;
    struct ride_support_lines flat = *lines;

    flat.psu /= RIDE_SUPPORT_FLAT;
    return ride_support_solve(b, &flat, ride->part - RIDE_SUPPORT_FIRST, ride->load_w);
}

/* So much of the load keeps the current where it was. */
static double ride_support_part(const struct block *b, double input_v)
{
    const struct ride *ride = &b->core->ride;

    return block_clip((1.0 - RIDE_SUPPORT_MARGIN) * input_v / ride->before_v, 0.0, 1.0);
}

/* ---- may it ---- */

/* Every supply can be told, to a set-point low enough for batteries to take part. */
static bool ride_support_reaches(const struct block *b, double most_v)
{
    for (int32_t s = 0; s < b->core->source_conf_count; s++) {
        int32_t levers = 0, ready = 0;

        if (b->sources_conf[s].kind != CORE_SOURCE_PSU || b->ride_sources[s].lost)
            continue;
        for (int32_t l = 0; l < b->core->lever_count; l++) {
            const struct core_config_lever *conf = &b->levers_conf[l];

            if (conf->ride != CORE_LEVER_RIDE_OUTPUT_V || conf->source != s)
                continue;
            if (conf->min >= most_v)
                return false;
            levers++;
            ready += b->levers[l].state != CORE_LEVER_UNREAD &&
                     b->devices[conf->device].quality == CORE_DEVICE_GOOD;
        }
        if (ready == 0 || ready < levers - 1)
            return false;
    }
    return true;
}

/* By what was counted, in case the batteries' own figure moves slowly. */
static double ride_support_energy_j(const struct ride *ride)
{
    double left_j = ride->event_j - ride->support_j;

    return left_j < ride->energy_j ? left_j : ride->energy_j;
}

static bool ride_support_afford(const struct block *b)
{
    const struct ride *ride = &b->core->ride;

    return b->core->mode != CORE_MODE_OBSERVE && !b->core->restoring && ride->sound && !ride->spent &&
           ride_support_energy_j(ride) > ride->reserve_j && ride->wear_cycles > 0.0;
}

static double ride_support_load_w(const struct block *b)
{
    const struct ride *ride = &b->core->ride;
    const struct zone *zone = &b->zones[b->core->bus.node];

    return block_is_number(zone->power_w) && zone->power_w > 0.0 ? zone->power_w : ride->before_w;
}

/* Supplies below a node that stands for one shelf, or for more. */
static int32_t ride_support_modules(const struct block *b, int32_t node)
{
    int32_t modules = 0;

    for (int32_t s = 0; s < b->core->source_conf_count; s++)
        if (b->sources_conf[s].kind == CORE_SOURCE_PSU && b->sources_conf[s].node == node)
            modules += b->sources_conf[s].module_count;
    return modules > 0 ? modules : 1;
}

/* Shelves are told one after the other: the first one down leaves its load to the
 * rest, for as long as a line takes. They must bear all that may be drawn meanwhile,
 * by their own limits for so short a time. */
static bool ride_support_bears(const struct block *b)
{
    double sum_w = 0.0, largest_w = 0.0;
    int32_t shelves = 0;

    for (int32_t s = 0; s < b->core->source_conf_count; s++) {
        const struct core_config_source *conf = &b->sources_conf[s];
        double bears_w = conf->rated_w * b->ride_sources[s].modules, ratio = RIDE_SUPPORT_BEAR_RATIO;
        const struct core_config_node *node = conf->node == CORE_NONE ? NULL : &b->nodes[conf->node];

        if (conf->kind != CORE_SOURCE_PSU || b->ride_sources[s].lost)
            continue;
        for (int32_t k = 0; node && node->kind == CORE_NODE_SHELF && k < node->limit_count; k++) {
            double of = node->limit[k].limit_w / (conf->rated_w * ride_support_modules(b, conf->node));

            if (node->limit[k].window_us <= RIDE_SUPPORT_BEAR_US && of < ratio)
                ratio = of;
        }
        bears_w *= ratio;
        sum_w += bears_w;
        largest_w = bears_w > largest_w ? bears_w : largest_w;
        shelves++;
    }
    return shelves < 2 || b->zones[b->core->bus.node].counted_w <= sum_w - largest_w;
}

/* Supplies that call batteries by a step down would step from a lowered set-point to where
 * IT gear resets: an outage in the middle of it needs a busbar that bridges by itself
 * until batteries are there. Those that call by a line hold their voltage meanwhile. */
static bool ride_support_falls_soft(const struct block *b)
{
    const struct core_config_bus *bus = &b->core->bus;
    double start_v = ride_rule_trigger_v(b), load_w = b->zones[b->core->bus.node].counted_w, late_s = 0.0;
    bool steps = false;

    for (int32_t s = 0; s < b->core->source_conf_count; s++) {
        const struct core_config_source *conf = &b->sources_conf[s];

        steps = steps || (conf->kind == CORE_SOURCE_PSU && start_v - conf->handover_step_v < bus->low_v);
        if (conf->kind == CORE_SOURCE_BBU && (double)(conf->trigger_us + conf->start_us) * 1e-6 > late_s)
            late_s = (double)(conf->trigger_us + conf->start_us) * 1e-6;
    }
    return !steps ||
           0.5 * bus->capacitance_f * (start_v * start_v - bus->low_v * bus->low_v) >= load_w * late_s;
}

bool ride_support_may(struct block *b, const struct ride_sense *sense)
{
    struct ride *ride = &b->core->ride;
    struct ride_support_lines lines;
    double load_w, part;

    if (ride->state == CORE_RIDE_SUPPORT)
        return ride_support_afford(b);
    if (!block_is_number(ride->before_v)) /* a daemon that has just begun */
        ride->before_v = b->core->bus.nominal_input_v;
    ride_support_lines(b, &lines);
    load_w = ride_support_load_w(b);
    if (!ride_support_afford(b) || !(lines.psu > 0.0) || !(lines.bbu > 0.0) || !(load_w > 0.0))
        return false;
    part = ride_support_part(b, sense->input_v) - RIDE_SUPPORT_FIRST;
    return (1.0 - part) * load_w <= lines.bbu_w && ride_support_bears(b) && ride_support_falls_soft(b) &&
           ride_support_reaches(b, lines.bbu_v + load_w / lines.psu);
}

/* ---- doing it ---- */

void ride_support_begin(struct block *b, const struct ride_sense *sense)
{
    struct ride *ride = &b->core->ride;
    struct ride_support_lines lines;

    ride_support_lines(b, &lines);
    ride->load_w = ride_support_load_w(b);
    if (!block_is_number(ride->before_w))
        ride->before_w = ride->load_w;
    ride->part = ride_support_part(b, sense->input_v);
    ride->setpoint_v = ride_support_first(b, &lines);
    ride->battery_w = (1.0 - ride->part + RIDE_SUPPORT_FIRST) * ride->load_w;
    ride->moved_us = b->core->now_us;
    ride->acted = 1;
}

static void ride_support_count(struct block *b)
{
    struct ride *ride = &b->core->ride;
    double span_s = (double)(b->core->now_us - b->core->last_us) * 1e-6;
    double given_w = ride->discharge_w > ride->battery_w ? ride->discharge_w : ride->battery_w;

    ride->support_j += given_w * span_s;
    if (ride->full_j > 0.0)
        ride->wear_cycles -= given_w * span_s / ride->full_j;
}

/* By how much the supplies carry more than they should, in parts of the load. */
static void ride_support_trim(struct block *b, double over, const struct ride_support_lines *lines)
{
    struct ride *ride = &b->core->ride;
    double first_v = ride_support_first(b, lines), gain = over > 0.0 ? RIDE_SUPPORT_DOWN : RIDE_SUPPORT_UP;
    double move_v = -gain * over * ride->load_w * (1.0 / lines->psu + 1.0 / lines->bbu);

    ride->setpoint_v =
        block_clip(ride->setpoint_v + move_v, first_v - RIDE_SUPPORT_DEPTH_V, first_v + RIDE_SUPPORT_DEPTH_V);
    ride->moved_us = b->core->now_us;
}

void ride_support_step(struct block *b, const struct ride_sense *sense)
{
    struct ride *ride = &b->core->ride;
    struct ride_support_lines lines;
    int64_t settled_us = INT64_MIN, since_us = ride_for_us(b, ride->moved_us);
    bool settled = ride_shape_settled(b, &settled_us) && settled_us != INT64_MIN;
    double over;

    ride_support_count(b);
    if (block_is_number(sense->input_v))
        ride->part = ride_support_part(b, sense->input_v);
    ride->draw_after_us = settled ? settled_us : CORE_FOREVER;
    if (ride->good_us != INT64_MIN || since_us < RIDE_SUPPORT_PERIOD_US)
        return;
    if (!settled || !block_is_number(sense->draw_w) || sense->draw_us <= settled_us ||
        !(ride->before_w > 0.0))
        return; /* it does not show yet what the last order did */
    over = sense->draw_w / ride->before_w - ride->part;
    ride_support_lines(b, &lines);
    if (over > 0.0 || over < -RIDE_SUPPORT_UNDER) /* to the middle: what is inside stays */
        ride_support_trim(b, over + 0.5 * RIDE_SUPPORT_UNDER, &lines);
}
