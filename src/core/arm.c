/* SPDX-License-Identifier: Apache-2.0 */
/* arm.c: what is armed ahead of a peak that is foreseen.
 *
 * Owns struct arm: one state for the rack. It arms when the rack's forecaster has a
 * vote and its bound of 90 % reaches a share of the limit where it stands, or of one
 * above, and ends a while after the last such forecast. Whoever is wrong about the
 * future costs two writes in that while; nothing of safety looks here: set-points
 * that riding through needs are never armed.
 */
#include "arm.h"

#include "foresee.h"
#include "outputs.h"

#define ARM_LEVEL 0 /* of the forecaster's bounds: 90 % of the time */

/* Riding through, restoring and the operator's "leave alone" come first. */
static bool arm_has(const struct block *b, int32_t l)
{
    const struct core_plan_lever *plan = &b->plan_levers[l];

    return b->levers_conf[l].use == CORE_LEVER_HOLD && b->levers_conf[l].ride == CORE_LEVER_RIDE_NONE &&
           block_is_number(plan->armed) && block_is_number(plan->target);
}

/* Restoring is observing that writes. */
static bool arm_allowed(const struct block *b)
{
    return b->core->arm.levers > 0 &&
           (b->core->mode == CORE_MODE_NORMAL || b->core->mode == CORE_MODE_DEGRADED);
}

/* The node whose limit the foreseen peak comes near, the lowest first; CORE_NONE. What
 * the rack is to draw more, everything above it draws more by its share. */
static int32_t arm_near(const struct block *b, double *ret_peak_w)
{
    int32_t rack = b->core->foresee_count > 0 ? b->foresees[0].node : CORE_NONE;
    const struct foresee *f = rack == CORE_NONE ? NULL : foresee_zone(b, rack);
    double *part = b->scratch, *gain = b->scratch + b->core->node_count;
    double rise_w;

    if (!f || !block_is_number(f->upper_w[ARM_LEVEL]))
        return CORE_NONE;
    rise_w = f->upper_w[ARM_LEVEL] - b->zones[rack].power_w;
    block_spread(b->nodes, rack, part, gain);
    for (int32_t v = rack; v >= 0; v--) {
        const struct zone *zone = &b->zones[v];
        double peak_w = zone->power_w + rise_w * part[v] * gain[v] / gain[rack];

        if (part[v] > 0.0 && peak_w >= b->core->plan.arm_ratio * zone->budget_w) {
            *ret_peak_w = peak_w;
            return v;
        }
    }
    return CORE_NONE;
}

static void arm_change(struct block *b, int32_t node, double peak_w)
{
    struct arm *arm = &b->core->arm;

    arm->on = !arm->on;
    arm->since_us = b->core->now_us;
    if (arm->on)
        outputs_zone_event(b, EV_PEAK_ARMED, node, peak_w, b->zones[node].budget_w);
    else
        outputs_zone_event(b, EV_PEAK_OVER, b->core->foresee_count > 0 ? b->foresees[0].node : 0,
                           (double)(b->core->now_us - arm->seen_us) * 1e-6, 0.0);
}

void arm_step(struct block *b)
{
    struct arm *arm = &b->core->arm;
    int32_t node = CORE_NONE;
    double peak_w = 0.0;
    bool on;

    if (b->core->plan_step == b->core->step) {
        arm->levers = 0;
        for (int32_t l = 0; l < b->core->lever_count; l++)
            arm->levers += arm_has(b, l);
    }
    if (arm_allowed(b))
        node = arm_near(b, &peak_w);
    if (node != CORE_NONE)
        arm->seen_us = b->core->now_us;
    on = node != CORE_NONE ||
         (arm->on && arm_allowed(b) && b->core->now_us - arm->seen_us < b->core->plan.arm_hold_us);
    if (on != (arm->on != 0))
        arm_change(b, node, peak_w);
}

void arm_hold(const struct block *b, int32_t l, double *ret_value, enum core_rule *ret_rule)
{
    if (!b->core->arm.on || !arm_has(b, l))
        return;
    *ret_value = b->plan_levers[l].armed;
    *ret_rule = CORE_RULE_ARMED;
}
