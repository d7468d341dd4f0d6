/* SPDX-License-Identifier: Apache-2.0 */
/* ride_rule.c: which load the hardware hands over to batteries without a gap.
 *
 * From the books alone: when AC is lost a supply lives on its hold-up energy and
 * calls the batteries once part of it is spent, by stepping its output down or
 * by a line of its own; the batteries need their time. What is left is the
 * margin; where it is negative the busbar's capacitance may bridge it. Batteries
 * must have the power, the energy, and the voltage at the far end, with what the
 * busbar dips under their line until their loops have taken over.
 *
 * At an input that is low for good, supplies must have the power as well.
 *
 * The most load for which all that holds bounds the limits below the busbar,
 * where the devices' minimums leave room for it; where they do not, the rack is
 * told not to be capable. Frozen while an event runs, or batteries discharge for any reason.
 */
#include "ride.h"

#include "outputs.h"
#include "quality.h"
#include "zone.h"

#define RIDE_RULE_DROOP_MOST  1.5  /* of the rating: an output falls no further by load  */
#define RIDE_RULE_LEAST_S     10.0 /* of energy: longer than any sag a grid code has     */
#define RIDE_RULE_HALVINGS    40
#define RIDE_RULE_START_US    INT64_C(10000000) /* until then unread batteries are on their way */
#define RIDE_RULE_AGAIN_US    INT64_C(1000000)
#define RIDE_RULE_TELL_US     INT64_C(5000000) /* limits may be on their way down          */
#define RIDE_RULE_MOVE_RATIO  1e-3
#define RIDE_RULE_CALM_US     INT64_C(200000) /* batteries rest for so long: supplies carry all of it */
#define RIDE_RULE_CARRY_RATIO 0.015           /* of its rating: a supply gives more than nothing    */
#define RIDE_RULE_LIGHT_RATIO 0.06            /* of all ratings: each carries a few per cent of that */
#define RIDE_RULE_UNEVEN      0.97            /* of what supplies give together: they share unevenly    */
#define RIDE_RULE_RISE        1.02            /* a better input counts from so much on: readings are noisy */

/* The books of one bus, summed. */
struct ride_rule {
    struct ride_rule_battery battery;
    double psu_w, bbu_w;   /* rated, of modules that count                  */
    double least_w;        /* of psu_w, at the lowest input with the PFC on */
    double stiff, stiff_v; /* of the batteries: sum of W/V, and times V     */
    double bank_j, bank_w; /* capacitors                                    */
};

double ride_rule_trigger_v(const struct block *b)
{
    double trigger_v = 0.0;

    for (int32_t s = 0; s < b->core->source_conf_count; s++) {
        const struct core_config_source *conf = &b->sources_conf[s];

        if (conf->kind == CORE_SOURCE_BBU && conf->trigger_v > 0.0 &&
            !(trigger_v > 0.0 && trigger_v <= conf->trigger_v))
            trigger_v = conf->trigger_v;
    }
    return trigger_v;
}

/* ---- one supply ---- */

static double ride_rule_line_v(const struct core_config_source *psu, double module_w)
{
    double load = block_clip(module_w / psu->rated_w, 0.0, RIDE_RULE_DROOP_MOST);

    return psu->output_v - psu->droop_v * load;
}

double ride_rule_margin_s(const struct core_config_source *psu, const struct ride_rule_battery *battery,
                          double module_w)
{
    double holdup_s = psu->holdup_j / module_w, called_s = psu->handover_ratio * holdup_s;
    double fall_v = ride_rule_line_v(psu, module_w) - battery->trigger_v;

    if (!(module_w > 0.0))
        return __builtin_inf();
    if (!(psu->handover_v_per_s > 0.0)) /* a line calls them at once */
        return holdup_s - called_s - battery->start_s;
    if (fall_v > psu->handover_step_v) /* the step stays above the trigger: called when all is spent */
        return -battery->detect_s - battery->start_s;
    if (fall_v > 0.0)
        called_s += fall_v / psu->handover_v_per_s;
    return holdup_s - called_s - battery->detect_s - battery->start_s;
}

/* ---- the bus ---- */

static void ride_rule_books(const struct block *b, struct ride_rule *ret)
{
    *ret = (struct ride_rule){ .battery = { .trigger_v = ride_rule_trigger_v(b) } };
    for (int32_t s = 0; s < b->core->source_conf_count; s++) {
        const struct core_config_source *conf = &b->sources_conf[s];
        double rated_w = conf->rated_w * b->ride_sources[s].modules;
        double start_s = (double)conf->start_us * 1e-6, detect_s = (double)conf->trigger_us * 1e-6;

        if (conf->kind == CORE_SOURCE_PSU && !b->ride_sources[s].lost) {
            ret->psu_w += rated_w;
            ret->least_w +=
                RIDE_RULE_UNEVEN * rated_w *
                (conf->input_min_v < conf->input_derate_v ? conf->input_min_v / conf->input_derate_v : 1.0);
        }
        if (conf->kind == CORE_SOURCE_CAPACITOR) {
            ret->bank_j += conf->energy_j * conf->module_count;
            ret->bank_w += conf->rated_w * conf->module_count;
        }
        if (conf->kind != CORE_SOURCE_BBU)
            continue;
        ret->bbu_w += rated_w;
        ret->stiff += rated_w / (conf->droop_v > 0.01 ? conf->droop_v : 0.01);
        ret->stiff_v += rated_w / (conf->droop_v > 0.01 ? conf->droop_v : 0.01) * conf->output_v;
        if (start_s > ret->battery.start_s)
            ret->battery.start_s = start_s;
        if (detect_s > ret->battery.detect_s)
            ret->battery.detect_s = detect_s;
    }
}

/* The least margin of any supply at a load of the bus, and the voltage that its
 * shelf leaves behind when the hold-up energy is gone. */
static double ride_rule_least_s(const struct block *b, const struct ride_rule *rule, double load_w,
                                double *ret_from_v)
{
    double least_s = __builtin_inf();

    *ret_from_v = 0.0;
    for (int32_t s = 0; s < b->core->source_conf_count; s++) {
        const struct core_config_source *conf = &b->sources_conf[s];
        double module_w = load_w * conf->rated_w / rule->psu_w, margin_s;

        if (conf->kind != CORE_SOURCE_PSU || b->ride_sources[s].lost)
            continue;
        margin_s = ride_rule_margin_s(conf, &rule->battery, module_w);
        if (margin_s >= least_s)
            continue;
        least_s = margin_s;
        *ret_from_v =
            ride_rule_line_v(conf, module_w) - (conf->handover_v_per_s > 0.0 ? conf->handover_step_v : 0.0);
    }
    return least_s;
}

/* What the busbar holds carries `short_w` of the load for so long. */
static bool ride_rule_bridges(const struct block *b, const struct ride_rule *rule, double load_w,
                              double short_w, double gap_s, double from_v)
{
    const struct core_config_bus *bus = &b->core->bus;
    double far_v = from_v - bus->resistance_ohm * load_w / from_v,
           low_v = bus->low_v + bus->dip_v * short_w / load_w;
    double stored_j = 0.5 * bus->capacitance_f * (far_v * far_v - low_v * low_v);

    if (rule->bank_w >= short_w)
        stored_j += rule->bank_j;
    return far_v > low_v && stored_j >= short_w * gap_s;
}

/* A sag that leaves the PFC on takes power from supplies without their calling anybody:
 * the busbar falls until batteries see it. */
static bool ride_rule_sags(const struct block *b, const struct ride_rule *rule, double load_w)
{
    double short_w = load_w - rule->least_w;

    return short_w <= 0.0 ||
           ride_rule_bridges(b, rule, load_w, short_w, rule->battery.detect_s + rule->battery.start_s,
                             rule->battery.trigger_v);
}

/* load_w is within the batteries' power. */
static bool ride_rule_carries(const struct block *b, const struct ride_rule *rule, double load_w)
{
    const struct core_config_bus *bus = &b->core->bus;
    double from_v, margin_s, line_v;

    line_v = (rule->stiff_v - load_w) / rule->stiff;
    if (line_v - bus->resistance_ohm * load_w / line_v < bus->low_v + bus->dip_v)
        return false;
    margin_s = ride_rule_least_s(b, rule, load_w, &from_v);
    if (margin_s < 0.0 && !ride_rule_bridges(b, rule, load_w, load_w, -margin_s, from_v))
        return false;
    return ride_rule_sags(b, rule, load_w);
}

static double ride_rule_most_w(const struct block *b, const struct ride_rule *rule)
{
    double low_w = 0.0, high_w = rule->bbu_w;

    if (ride_rule_carries(b, rule, high_w))
        return high_w;
    for (int32_t i = 0; i < RIDE_RULE_HALVINGS; i++) {
        double mid_w = 0.5 * (low_w + high_w);

        if (ride_rule_carries(b, rule, mid_w))
            low_w = mid_w;
        else
            high_w = mid_w;
    }
    return low_w;
}

/* Supplies give less at an input under input_derate_v, as long as it lasts. With more
 * on them the busbar falls until batteries help, for hours if it must be. */
static void ride_rule_derate(struct block *b)
{
    struct ride *ride = &b->core->ride;
    double most_w = 0.0;
    bool derated = false;

    for (int32_t s = 0; s < b->core->source_conf_count; s++) {
        const struct core_config_source *conf = &b->sources_conf[s];
        const struct ride_source *source = &b->ride_sources[s];
        bool low = source->heard && source->input_v < conf->input_derate_v;

        if (conf->kind != CORE_SOURCE_PSU || source->lost)
            continue;
        derated = derated || low;
        most_w += conf->rated_w * source->modules * (low ? source->input_v / conf->input_derate_v : 1.0);
    }
    most_w *= RIDE_RULE_UNEVEN;
    if (!derated)
        ride->derated_w = __builtin_inf();
    else if (most_w < ride->derated_w || most_w > RIDE_RULE_RISE * ride->derated_w)
        ride->derated_w = most_w;
}

/* ---- the budget ---- */

/* What is drawn below the busbar with every limit at its lowest, and at its
 * highest. */
static void ride_rule_range(const struct block *b, double *ret_least_w, double *ret_most_w)
{
    const struct zone *zone = &b->zones[b->core->bus.node];

    *ret_least_w = *ret_most_w = zone->fixed_w;
    for (int32_t e = 0; e < zone->entry_count; e++) {
        const struct entry *entry = &b->entries[zone->entry_first + e];
        const struct core_config_lever *conf = &b->levers_conf[entry->source];

        if (entry->source >= b->core->lever_count) {
            *ret_least_w += entry->coef * b->sources[entry->source].now_w;
            *ret_most_w += entry->coef * b->sources[entry->source].now_w;
            continue;
        }
        *ret_most_w += entry->coef * conf->max * block_unit_w(conf);
        *ret_least_w += entry->coef * block_unit_w(conf) *
                        (conf->timeout_us > 0 && conf->fallback > conf->min ? conf->fallback : conf->min);
    }
}

static void ride_rule_bound(struct block *b)
{
    struct ride *ride = &b->core->ride;
    double cap_w = ride->lean_w < ride->rule_w ? ride->lean_w : ride->rule_w, was_w = ride->cap_w;

    cap_w = ride->bears_w < cap_w ? ride->bears_w : cap_w;
    if (block_is_number(cap_w) == block_is_number(was_w) &&
        !(__builtin_fabs(cap_w - was_w) > RIDE_RULE_MOVE_RATIO * was_w))
        return;
    ride->cap_w = cap_w;
    b->zones[b->core->bus.node].until_us = INT64_MIN; /* its budget is worked out anew */
}

/* The supplies of a shelf by what they said of their output. */
struct ride_rule_count {
    int32_t carry, idle; /* read since batteries rest                             */
    int32_t silent;      /* not since then, and did not carry when last read      */
};

static struct ride_rule_count ride_rule_count(const struct block *b, int32_t s)
{
    struct ride_rule_count count = { .carry = 0 };

    for (int32_t i = b->ride_first[s]; i < b->ride_first[s + 1]; i++) {
        int32_t p = b->ride_points[i];
        bool carries = b->points[p].value >= RIDE_RULE_CARRY_RATIO * b->sources_conf[s].rated_w;
        bool read = quality_good(b, p) && b->points[p].taken_us > b->core->ride.calm_us;

        if (b->points_conf[p].signal != SIGNAL_PSU_OUTPUT_W || !block_is_number(b->points[p].value))
            continue;
        count.carry += read && carries;
        count.idle += read && !carries;
        count.silent += !read && !carries;
    }
    return count;
}

/* Supplies that do not carry while batteries rest leave the others with more than they
 * bear for long, and too little for their over-current mode: one lost phase may take a
 * third of them, a shelf that starts later half. INFINITY: all carry. While nothing can be
 * told what was told last stands, and a silent supply changes nothing: one that starts says
 * nothing for seconds, and one that did not carry when last read was perhaps relieved. */
static double ride_rule_bears_w(const struct block *b)
{
    double sum_w = 0.0, sure_w = 0.0, rated_w = 0.0, was_w = b->core->ride.bears_w;
    int32_t missing = 0, silent = 0, live = 0;

    if (!b->core->ride.discharge_known || ride_for_us(b, b->core->ride.calm_us) < RIDE_RULE_CALM_US)
        return was_w;
    for (int32_t s = 0; s < b->core->source_conf_count; s++) {
        const struct core_config_source *conf = &b->sources_conf[s];
        struct ride_rule_count count;

        if (conf->kind != CORE_SOURCE_PSU)
            continue;
        count = ride_rule_count(b, s);
        missing += count.idle;
        silent += count.silent;
        live += count.carry;
        sum_w += conf->rated_w * (conf->module_count - count.idle);
        sure_w += conf->rated_w * (conf->module_count - count.idle - count.silent);
        rated_w += conf->rated_w * conf->module_count;
    }
    if (missing + silent == 0)
        return __builtin_inf();
    /* so light a load hardly shows at each */
    if (live == 0 || b->zones[b->core->bus.node].power_w < RIDE_RULE_LIGHT_RATIO * rated_w)
        return was_w;
    sum_w = missing == 0 ? __builtin_inf() : sum_w;
    sum_w = sum_w < was_w ? sum_w : was_w;
    return sum_w > sure_w ? sum_w : sure_w;
}

static void ride_rule_cap(struct block *b)
{
    struct ride *ride = &b->core->ride;
    double least_w, most_w;

    ride_rule_range(b, &least_w, &most_w);
    /* Where lowering does not get there limits stay as they are: what makes a rack incapable
     * all of a sudden is no reason to let it draw more. */
    if (most_w <= ride->capable_w)
        ride->rule_w = __builtin_inf();
    else if (least_w <= ride->capable_w)
        ride->rule_w = ride->capable_w;
    ride_rule_bound(b);
}

static void ride_rule_bear(struct block *b)
{
    double least_w, most_w, bears_w = ride_rule_bears_w(b);

    ride_rule_range(b, &least_w, &most_w);
    bears_w = bears_w > least_w ? bears_w : least_w;
    b->core->ride.bears_w = bears_w < most_w ? bears_w : __builtin_inf();
    ride_rule_bound(b);
}

void ride_rule_lean(struct block *b, double lean_w)
{
    double least_w, most_w;

    ride_rule_range(b, &least_w, &most_w);
    b->core->ride.lean_w = lean_w > least_w ? lean_w : least_w;
    b->core->ride.lean_us = b->core->now_us;
    ride_rule_bound(b);
}

static void ride_rule_tell(struct block *b, double load_w)
{
    struct ride *ride = &b->core->ride;
    int32_t node = b->core->bus.node, incapable = !ride->capable;

    if (incapable == ride->told) {
        ride->incapable_us = INT64_MIN;
        return;
    }
    if (ride->incapable_us == INT64_MIN)
        ride->incapable_us = b->core->now_us;
    if (ride_for_us(b, ride->incapable_us) < RIDE_RULE_TELL_US)
        return;
    ride->told = incapable;
    ride->incapable_us = INT64_MIN;
    outputs_zone_event(b, incapable ? EV_RIDE_NOT_CAPABLE : EV_RIDE_CAPABLE, node, load_w, ride->capable_w);
}

static uint64_t ride_rule_key(const struct block *b)
{
    uint64_t key = UINT64_C(0xcbf29ce484222325) ^ b->core->plan_step;

    for (int32_t s = 0; s < b->core->source_conf_count; s++)
        key = (key ^ (uint64_t)(b->ride_sources[s].modules * 2 + b->ride_sources[s].lost)) *
              UINT64_C(0x100000001b3);
    return key;
}

static bool ride_rule_known(const struct block *b)
{
    bool known = true;

    for (int32_t s = 0; s < b->core->source_conf_count; s++)
        if (b->sources_conf[s].kind == CORE_SOURCE_BBU)
            known = known && b->ride_sources[s].modules == b->sources_conf[s].module_count;
    return known || b->core->now_us - b->core->first_us >= RIDE_RULE_START_US;
}

void ride_rule_step(struct block *b)
{
    struct ride *ride = &b->core->ride;
    const struct zone *zone = &b->zones[b->core->bus.node];
    double load_w = block_is_number(zone->power_w) ? zone->power_w : zone->counted_w, from_v;
    uint64_t key = ride_rule_key(b);
    struct ride_rule rule;

    if (ride->state == CORE_RIDE_RETURN)
        ride_rule_bear(b);
    if (ride->state == CORE_RIDE_OFF || ride_riding(ride) || ride->discharging ||
        (ride->rule_us == INT64_MIN && !ride_rule_known(b)))
        return;
    if (key != ride->rule_key || ride_for_us(b, ride->rule_us) < 0 ||
        ride_for_us(b, ride->rule_us) >= RIDE_RULE_AGAIN_US) {
        ride_rule_books(b, &rule);
        ride->capable_w = ride_rule_most_w(b, &rule);
        if (ride->energy_j < ride->capable_w * RIDE_RULE_LEAST_S)
            ride->capable_w = ride->energy_j / RIDE_RULE_LEAST_S;
        ride_rule_derate(b);
        if (ride->capable_w > ride->derated_w)
            ride->capable_w = ride->derated_w;
        ride->margin_s = rule.psu_w > 0.0 ? ride_rule_least_s(b, &rule, load_w, &from_v) : 0.0;
        ride->rule_key = key;
        ride->rule_us = b->core->now_us;
        ride_rule_cap(b);
        ride_rule_bear(b);
    }
    ride->capable = load_w <= ride->capable_w;
    ride_rule_tell(b, load_w);
}
