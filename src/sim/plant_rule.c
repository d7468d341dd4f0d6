/* SPDX-License-Identifier: Apache-2.0 */
/* plant_rule.c: the arithmetic of hold-up and hand-over, by the books.
 *
 * Pure. Uses the plant's parameters and which modules work; never its state of
 * the moment, and none of the code that steps it: it is what that is held against.
 */
#include <math.h>

#include "plant.h"

/* Supplies that work, what each is rated, and batteries that work. */
struct plant_rule_parts {
    int32_t psus, bbus;
    double rated_w; /* of all supplies that work                          */
};

static void plant_rule_count(const struct plant *plant, struct plant_rule_parts *ret)
{
    *ret = (struct plant_rule_parts){ .psus = 0 };
    for (int32_t i = 0; i < plant->psu_count; i++) {
        const struct plant_psu *p = &plant->psus[i];

        if (!p->present || !p->on || p->failed)
            continue;
        ret->psus++;
        ret->rated_w += plant->shelves[p->shelf].psu_rated_w;
    }
    for (int32_t i = 0; i < plant->bbu_count; i++) {
        const struct plant_bbu *b = &plant->bbus[i];

        ret->bbus += b->present && !b->failed && b->energy_j > 0.0;
    }
}

/* Capacitance that carries the load from the busbar's voltage to what IT gear
 * stands, from the end of hold-up until batteries are there. */
static double plant_rule_bridge_f(const struct plant_params *params, double load_w, double bus_v,
                                  double gap_s)
{
    double square = bus_v * bus_v - params->it_low_v * params->it_low_v;

    if (gap_s <= 0.0)
        return 0.0;
    return square > 0.0 ? 2.0 * load_w * gap_s / square : (double)INFINITY;
}

/* Do batteries have current for it, and does it arrive at the farthest tray? Their
 * line falls with current, and the load's current rises as it falls. */
static bool plant_rule_bears(const struct plant_params *params, int32_t bbus, double load_w)
{
    double rated_a = bbus * params->bbu_rated_w / (params->bbu_output_v - params->bbu_droop_v);
    double ohm = bbus > 0 ? params->bbu_droop_v / rated_a : 0.0;
    double square = params->bbu_output_v * params->bbu_output_v - 4.0 * ohm * load_w;
    double line_v, load_a;

    if (bbus == 0 || square < 0.0)
        return false;
    line_v = 0.5 * (params->bbu_output_v + sqrt(square)); /* V = V0 - r P / V */
    load_a = load_w / line_v;
    return load_a <= rated_a * params->bbu_peak_ratio &&
           line_v - params->bus_resistance_ohm * load_a >= params->it_low_v;
}

void plant_rule(const struct plant *plant, double load_w, struct plant_rule *ret)
{
    const struct plant_params *params = &plant->params;
    struct plant_rule_parts parts;
    double each_w, bus_v;

    plant_rule_count(plant, &parts);
    *ret = (struct plant_rule){ .holdup_s = 0.0 };
    if (parts.psus == 0)
        return;
    each_w = load_w / parts.psus;
    bus_v = params->psu_output_v - params->psu_droop_v * load_w / parts.rated_w;
    ret->holdup_s = params->psu_holdup_j / each_w;
    ret->called_s = params->psu_handover_ratio * ret->holdup_s;
    ret->detected_s = ret->called_s;
    if (params->psu_handover_step_v > 0.0) {
        /* batteries see the fall: down to their trigger, and for as long as it takes */
        if (bus_v > params->bbu_trigger_v)
            ret->detected_s += (bus_v - params->bbu_trigger_v) / params->psu_handover_v_per_s;
        ret->detected_s += params->bbu_trigger_s;
        if (bus_v - params->psu_handover_step_v >= params->bbu_trigger_v)
            ret->detected_s = (double)INFINITY; /* the step does not reach it */
    } else {
        ret->detected_s += params->psu_line_s;
    }
    ret->carried_s = ret->detected_s + params->bbu_start_s;
    ret->margin_s = ret->holdup_s - ret->carried_s;
    ret->bridge_f = plant_rule_bridge_f(params, load_w, bus_v, -ret->margin_s);
    ret->carries = (ret->margin_s >= 0.0 || params->bus_capacitance_f >= ret->bridge_f) &&
                   plant_rule_bears(params, parts.bbus, load_w);
}
