/* SPDX-License-Identifier: Apache-2.0 */
/* checks_settings.c: what stands in devices: inside what they may be given, and on a lease.
 *
 * Sees writes as changes of the plant's settings; what a device brought along, or
 * went back to in a reset, nobody wrote. The plant's thread.
 */
#include <math.h>

#include "checks_parts.h"

#define CHECKS_SAME          1e-6
#define CHECKS_LOW_V         48.0 /* under it the batteries' own line begins         */
#define CHECKS_HIGH_ORV3_V   51.5
#define CHECKS_HIGH_HPR_V    50.5
#define CHECKS_HIGH_HPR_V2_V 51.0
#define CHECKS_START_MAX_S   15.0
#define CHECKS_CHARGE_MAX_A  6.0
#define CHECKS_LATE_S        0.2 /* a countdown ends within a step of the plant     */
#define CHECKS_BARE_S        1.0 /* a module that forgot all is written to again in that time */

void checks_settings_init(struct checks *c)
{
    for (int32_t i = 0; i < c->plant->psu_count; i++) {
        const struct plant_psu *psu = &c->plant->psus[i];

        c->psu[i] = (struct checks_psu){ .setpoint_v = psu->setpoint_v,
                                         .start_delay_s = psu->start_delay_s,
                                         .resets = psu->resets };
    }
    for (int32_t i = 0; i < c->plant->bbu_count; i++) {
        const struct plant_bbu *bbu = &c->plant->bbus[i];

        c->bbu[i].on = bbu->override_on;
        c->bbu[i].left_s = bbu->override_left_s;
    }
}

static void checks_wrong(struct checks *c, enum checks_kind kind, bool ok, struct checks_about about)
{
    checks_note(
        c, kind,
        &(struct checks_seen){
            .ok = ok, .value = ok ? 0.0 : 1.0, .margin = ok ? (double)INFINITY : -1.0, .about = about });
}

static bool checks_within(double value, double low, double high)
{
    return value >= low - CHECKS_SAME && value <= high + CHECKS_SAME;
}

/* Bit for bit, or both not set. */
static bool checks_same(double a, double b)
{
    return (isnan(a) && isnan(b)) || (a <= b && a >= b);
}

static void checks_psu_settings(struct checks *c, const struct plant *plant, int32_t i)
{
    static const double high_v[PLANT_KIND_COUNT] = { [PLANT_ORV3] = CHECKS_HIGH_ORV3_V,
                                                     [PLANT_HPR] = CHECKS_HIGH_HPR_V,
                                                     [PLANT_HPR_V2] = CHECKS_HIGH_HPR_V2_V };
    const struct plant_psu *psu = &plant->psus[i];
    struct checks_psu *seen = &c->psu[i];
    bool reset = psu->resets != seen->resets;
    double most_v = high_v[plant->shelves[psu->shelf].kind];

    if (!reset && !checks_same(psu->setpoint_v, seen->setpoint_v))
        checks_wrong(c, CHECKS_ALLOWED, checks_within(psu->setpoint_v, CHECKS_LOW_V, most_v),
                     checks_of(CHECKS_PSU, i, "set-point, V", psu->setpoint_v));
    if (!reset && !checks_same(psu->start_delay_s, seen->start_delay_s) && !isnan(psu->start_delay_s))
        checks_wrong(c, CHECKS_ALLOWED, checks_within(psu->start_delay_s, 0.0, CHECKS_START_MAX_S),
                     checks_of(CHECKS_PSU, i, "start delay, s", psu->start_delay_s));
    seen->setpoint_v = psu->setpoint_v;
    seen->start_delay_s = psu->start_delay_s;
    seen->resets = psu->resets;
}

/* An override stands no longer than what was written for it, and not without. */
static void checks_bbu_lease(struct checks *c, const struct plant_bbu *bbu, int32_t i, double dt_s)
{
    struct checks_bbu *seen = &c->bbu[i];
    const char *wrong = NULL;

    if (!bbu->override_on || !bbu->present) {
        seen->on = false;
        return;
    }
    if (!seen->on || bbu->override_left_s > seen->left_s + CHECKS_SAME)
        seen->refreshed_s = 0.0;
    else
        seen->refreshed_s += dt_s;
    seen->on = true;
    seen->left_s = bbu->override_left_s;
    seen->bare_s = bbu->override_timeout_s <= 0.0 ? seen->bare_s + dt_s : 0.0;
    if (bbu->override_timeout_s <= 0.0)
        wrong = seen->bare_s > CHECKS_BARE_S ? "override without a time-out, A" : NULL;
    else if (bbu->override_left_s > bbu->override_timeout_s + CHECKS_SAME)
        wrong = "override lasts longer than was written, A";
    else if (seen->refreshed_s > bbu->override_timeout_s + CHECKS_LATE_S)
        wrong = "override outlives its time-out, A";
    checks_wrong(c, CHECKS_LEASES, !wrong,
                 checks_of(CHECKS_BBU, i, wrong ? wrong : "override, A", bbu->override_a));
}

void checks_settings_step(struct checks *c, const struct plant *plant, double dt_s)
{
    for (int32_t i = 0; i < plant->psu_count; i++)
        checks_psu_settings(c, plant, i);
    for (int32_t i = 0; i < plant->gpu_count; i++) {
        const struct plant_gpu *gpu = &plant->gpus[i];

        if (!checks_within(gpu->limit_w, gpu->limit_min_w, gpu->limit_max_w))
            checks_wrong(c, CHECKS_ALLOWED, false, checks_of(CHECKS_GPU, i, "limit, W", gpu->limit_w));
    }
    for (int32_t i = 0; i < plant->bbu_count; i++) {
        const struct plant_bbu *bbu = &plant->bbus[i];

        if (bbu->override_on && !checks_within(bbu->override_a, 0.0, CHECKS_CHARGE_MAX_A))
            checks_wrong(c, CHECKS_ALLOWED, false,
                         checks_of(CHECKS_BBU, i, "charge override, A", bbu->override_a));
        checks_bbu_lease(c, bbu, i, dt_s);
    }
    checks_wrong(c, CHECKS_ALLOWED, true, checks_of(CHECKS_NOTHING, 0, NULL, NAN)); /* all were looked at */
}
