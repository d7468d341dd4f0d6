/* SPDX-License-Identifier: Apache-2.0 */
/* plant_psu.c: one supply's electricity: what its PFC takes, what its hold-up
 * energy gives, which line it offers to the busbar.
 *
 * Pure: no I/O, no clock, no heap. Starts and states are plant_psu_state.c's. Supplies
 * share current over a bus of their own, so a shelf has one line: the mean of its
 * supplies' set-points; their tolerances level out over all shelves.
 */
#include "plant_psu.h"

#include <math.h>
#include <stdio.h>

#include "plant_gpu.h"
#include "plant_psu_state.h"

#define PLANT_PSU_C_PER_W     0.004
#define PLANT_PSU_SELECT_HIGH 0x0200u /* ORv3's setting word: set-point H, not L   */
#define PLANT_PSU_SHARE       0x0800u /* active current share                      */
#define PLANT_PSU_FORCE_LOSS  0x0080u /* HPR: pulls AC_LOSS_L                      */
#define PLANT_PSU_PULSE       0x0002u /* HPR: pulse management                     */
#define PLANT_PSU_JUMP_V      0.15    /* a larger change of a line is not quiet     */
#define PLANT_PSU_OWN_RATIO   0.003   /* of rated: what a supply without input uses */
#define PLANT_PSU_LAST_S      0.0005  /* hold-up that lasts longer moves slowly     */
#define PLANT_PSU_TINY        1e-9

/* Input power is a matter of AC cycles: what the busbar does within a millisecond
 * stays behind the PFC. */
#define PLANT_PSU_DRAW_TAU_S 0.004

double plant_psu_rated_a(const struct plant *plant, const struct plant_psu *psu)
{
    return plant->shelves[psu->shelf].psu_rated_w / (plant->params.psu_output_v - plant->params.psu_droop_v);
}

bool plant_psu_carries(const struct plant_psu *p)
{
    return p->present && p->on && !p->failed &&
           (p->state == PLANT_PSU_ON || p->state == PLANT_PSU_WALK_IN || p->state == PLANT_PSU_HOLD_UP ||
            p->state == PLANT_PSU_LOW);
}

/* ---- settings ---- */

static void plant_psu_defaults(const struct plant *plant, struct plant_psu *psu)
{
    const struct plant_shelf *shelf = &plant->shelves[psu->shelf];

    psu->write_enable = false;
    psu->setting = shelf->kind == PLANT_ORV3 ? PLANT_PSU_SELECT_HIGH | PLANT_PSU_SHARE
                                             : PLANT_PSU_PULSE | PLANT_PSU_SHARE;
    psu->setpoint_v = plant->params.psu_output_v;
    psu->setpoint_low_v = plant->params.psu_low_v;
    psu->output_warn_w = shelf->psu_rated_w;
    psu->input_warn_w = shelf->psu_rated_w * 1.05;
    psu->start_delay_s = (double)NAN;
}

void plant_psu_reset(struct plant *plant, int32_t psu)
{
    struct plant_psu *p = &plant->psus[psu];

    plant_psu_defaults(plant, p);
    if (p->state == PLANT_PSU_LATCHED) {
        p->state = PLANT_PSU_OFF;
        p->ready = false;
    }
    p->resets++;
}

void plant_psu_start(struct plant *plant, int32_t psu)
{
    struct plant_psu *p = &plant->psus[psu];
    double tolerance = plant->params.psu_tolerance_ratio, share = plant->params.psu_share_ratio;

    *p = (struct plant_psu){ .shelf = p->shelf, .resets = p->resets };
    p->present = p->on = p->ready = true;
    p->state = PLANT_PSU_ON;
    p->phase = (psu - plant->shelves[p->shelf].psu_first) % 3;
    p->bulk_j = plant->params.psu_holdup_j;
    p->share = 1.0 + rng_uniform(&plant->rng, -share, share);
    p->trim_v = plant->params.psu_output_v * rng_uniform(&plant->rng, -tolerance, tolerance);
    p->inlet_c = p->outlet_c = PLANT_AMBIENT_C;
    p->carried = true;
    plant_psu_defaults(plant, p);
    p->e_v = p->setpoint_v;
    (void)snprintf(p->serial, sizeof p->serial, "SIMPSU%010llu",
                   (unsigned long long)(rng_u64(&plant->rng) % 10000000000U));
}

/* ---- input ---- */

void plant_psu_input(struct plant *plant)
{
    const struct plant_params *params = &plant->params;
    bool hz_good = plant->hz >= params->psu_hz_low && plant->hz <= params->psu_hz_high;

    for (int phase = 0; phase < 3; phase++) {
        double v = plant->phase_v[phase], ratio = v / params->psu_derate_v;

        /* Its input current is limited: power falls with the voltage. Above
         * psu_derate_v it gives what it may be asked for in the longer pulses: 140 % for
         * 50 ms are all of a 12 kW supply's hold-up energy, and that is not what calls
         * batteries. */
        if (ratio >= 1.0)
            ratio = fmax(ratio, params->psu_pulse_2_ratio * (1.0 + params->psu_overload_ratio));
        plant->pfc_ratio[phase] = ratio;
        plant->input_good[phase] = v > params->psu_on_v && v < params->psu_over_v && hz_good;
        plant->input_bad[phase] = v < params->psu_off_v || v > params->psu_over_v || !hz_good;
    }
}

/* What a supply's PFC can give to its output. */
static double plant_psu_pfc_w(const struct plant *plant, const struct plant_psu *p)
{
    if (!p->ready || p->tripped)
        return 0.0;
    return plant->pfc_ratio[p->phase] * plant->shelves[p->shelf].psu_rated_w;
}

/* ---- the line it offers ---- */

/* Set-point by its selector. */
static double plant_psu_own_v(const struct plant *plant, const struct plant_psu *p)
{
    bool low = plant->shelves[p->shelf].kind == PLANT_ORV3 && !(p->setting & PLANT_PSU_SELECT_HIGH);

    return low ? p->setpoint_low_v : p->setpoint_v;
}

/* How far under its line it is to stand: the low mode is a voltage of its own,
 * whatever the supply, or its shelf in the mean, is set to. */
static double plant_psu_step_v(const struct plant *plant, const struct plant_psu *p)
{
    double low_v = p->e_v - p->setpoint_low_v;

    if (p->state == PLANT_PSU_LOW && !p->trying)
        return low_v > 0.0 ? low_v : 0.0;
    return p->called ? plant->params.psu_handover_step_v : 0.0;
}

static double plant_psu_limit_a(const struct plant *plant, const struct plant_psu *p, double dt_s)
{
    const struct plant_params *params = &plant->params;
    double rated_a = plant_psu_rated_a(plant, p);
    double limit_a = rated_a * params->psu_pulse_1_ratio;

    if (p->state == PLANT_PSU_WALK_IN)
        limit_a = rated_a * PLANT_PSU_WALK_RATIO * fmin((p->state_s + dt_s) / params->psu_walk_in_s, 1.0);
    else if (p->state == PLANT_PSU_LOW && p->trying)
        limit_a = rated_a * fmin(PLANT_PSU_TRY_RATIO, params->psu_pulse_1_ratio);
    /* One that starts gives no more than its PFC takes, as a folded one; when its input
     * goes meanwhile, its hold-up energy is there and lasts until batteries carry. */
    if (p->folded || (p->state == PLANT_PSU_WALK_IN && plant->phase_v[p->phase] >= params->psu_off_v))
        limit_a = fmin(limit_a, PLANT_PSU_FOLD_RATIO * plant_psu_pfc_w(plant, p) / fmax(plant->bus_v, 1.0));
    return limit_a;
}

/* Its step down or up goes on; a hand-over that was due within the last step began there. */
static void plant_psu_ramp(const struct plant *plant, struct plant_psu *p, double dt_s)
{
    double target_v = plant_psu_step_v(plant, p);
    double most_v = plant->params.psu_handover_v_per_s * (dt_s + p->late_s);

    p->late_s = 0.0;
    if (p->step_v < target_v)
        p->step_v = fmin(p->step_v + most_v, target_v);
    else
        p->step_v = fmax(p->step_v - most_v, target_v);
}

/* What the sharing bus makes of tolerances: it goes through all shelves, and its
 * authority is a fraction of a volt. */
static double plant_psu_shared_trim_v(const struct plant *plant)
{
    double sum_v = 0.0;
    int32_t count = 0;

    for (int32_t i = 0; i < plant->psu_count; i++) {
        const struct plant_psu *p = &plant->psus[i];

        if ((p->setting & PLANT_PSU_SHARE) && plant_psu_carries(p)) {
            sum_v += p->trim_v;
            count++;
        }
    }
    return count > 0 ? sum_v / count : 0.0;
}

/* Mean of what the supplies of a shelf are set to: they share as one. */
static double plant_psu_shelf_v(const struct plant *plant, const struct plant_shelf *shelf)
{
    double sum_v = 0.0;
    int32_t count = 0;

    for (int32_t i = shelf->psu_first; i < shelf->psu_first + shelf->psu_count; i++) {
        const struct plant_psu *p = &plant->psus[i];

        if ((p->setting & PLANT_PSU_SHARE) && plant_psu_carries(p)) {
            sum_v += plant_psu_own_v(plant, p);
            count++;
        }
    }
    return count > 0 ? sum_v / count : 0.0;
}

/* Its line at no load, but for a step down. */
static double plant_psu_line_v(const struct plant *plant, const struct plant_psu *p, double shelf_v,
                               double trim_v)
{
    return p->setting & PLANT_PSU_SHARE ? shelf_v + trim_v : plant_psu_own_v(plant, p) + p->trim_v;
}

static void plant_psu_offer_one(struct plant *plant, int32_t psu, double shelf_v, double trim_v, double dt_s)
{
    struct plant_sources *s = &plant->sources;
    struct plant_psu *p = &plant->psus[psu];
    double line_v = plant_psu_line_v(plant, p, shelf_v, trim_v);
    double most_v = plant->params.psu_handover_v_per_s * dt_s;
    bool carried = p->carried;

    p->carried = plant_psu_carries(p);
    if (!p->carried) {
        s->limit_a[psu] = s->a[psu] = 0.0;
        return;
    }
    plant_psu_ramp(plant, p, dt_s);
    /* A new set-point is reached with the slope of the hand-over. */
    p->e_v = carried ? fmin(fmax(line_v, p->e_v - most_v), p->e_v + most_v) : line_v;
    s->e_v[psu] = p->e_v - p->step_v;
    s->g_a_per_v[psu] = p->share * plant_psu_rated_a(plant, p) / plant->params.psu_droop_v;
    s->limit_a[psu] = p->limit_a = plant_psu_limit_a(plant, p, dt_s);
}

void plant_psu_offer(struct plant *plant, double dt_s)
{
    double trim_v = plant_psu_shared_trim_v(plant);

    for (int32_t n = 0; n < plant->shelf_count; n++) {
        const struct plant_shelf *shelf = &plant->shelves[n];
        double shelf_v = plant_psu_shelf_v(plant, shelf);

        for (int32_t i = 0; i < shelf->psu_count; i++)
            plant_psu_offer_one(plant, shelf->psu_first + i, shelf_v, trim_v, dt_s);
    }
}

/* ---- the step just done ---- */

static double plant_psu_own_w(const struct plant *plant, const struct plant_psu *p)
{
    return PLANT_PSU_OWN_RATIO * plant->shelves[p->shelf].psu_rated_w;
}

static double plant_psu_fold_j(const struct plant *plant)
{
    return plant->params.psu_holdup_j * (1.0 - 0.9 * plant->params.psu_handover_ratio);
}

/* With an input that is low but there, a supply that is asked for more than its
 * PFC takes gives less before it would call for batteries: the busbar falls, and
 * they come by their own trigger. */
static void plant_psu_fold(const struct plant *plant, struct plant_psu *p)
{
    if (p->tripped || plant->phase_v[p->phase] < plant->params.psu_off_v)
        p->folded = false;
    else if (!p->folded)
        p->folded = p->bulk_j <= plant_psu_fold_j(plant) + PLANT_PSU_TINY;
    else
        p->folded = p->limited || p->bulk_j < plant->params.psu_holdup_j;
}

/* Hold-up energy: what is missing comes from it, what is left refills it. */
static double plant_psu_bulk(const struct plant *plant, struct plant_psu *p, double dt_s)
{
    double full_j = plant->params.psu_holdup_j;
    double pfc_w = plant_psu_pfc_w(plant, p), need_w = p->output_w;
    double call_j = full_j * (1.0 - plant->params.psu_handover_ratio), before_j = p->bulk_j;

    if (pfc_w < PLANT_PSU_TINY && p->ready)
        need_w = fmax(need_w, plant_psu_own_w(plant, p));
    p->refill_w = 0.0;
    if (pfc_w >= need_w) {
        double most_w = plant->params.psu_refill_ratio * plant->shelves[p->shelf].psu_rated_w;

        p->refill_w = fmin(fmin(pfc_w - need_w, most_w), (full_j - before_j) / dt_s);
        pfc_w = need_w + p->refill_w;
    }
    p->bulk_j = before_j + (pfc_w - need_w) * dt_s;
    if (p->bulk_j > full_j - PLANT_PSU_TINY)
        p->bulk_j = full_j;
    if (!p->called && p->bulk_j <= call_j && need_w > pfc_w) {
        p->called = true;
        p->late_s = fmin((call_j - p->bulk_j) / (need_w - pfc_w), dt_s);
    } else if (p->called && !p->tripped && p->bulk_j > call_j + 0.1 * full_j) {
        p->called = false;
    }
    plant_psu_fold(plant, p);
    return pfc_w;
}

static void plant_psu_mean(struct plant_psu_mean *mean, double w, double dt_s, double window_s, double *ret_w)
{
    double bucket_s = window_s / PLANT_PSU_BUCKETS;
    double sum_w = 0.0;

    mean->sum_j += w * dt_s;
    mean->sum_s += dt_s;
    if (mean->sum_s < bucket_s - PLANT_PSU_TINY)
        return;
    for (int turn = 0; turn < PLANT_PSU_BUCKETS && mean->sum_s >= bucket_s - PLANT_PSU_TINY; turn++) {
        mean->bucket_w[mean->at] = mean->sum_j / mean->sum_s;
        mean->at = (mean->at + 1) % PLANT_PSU_BUCKETS;
        mean->sum_j -= mean->sum_j * bucket_s / mean->sum_s;
        mean->sum_s -= bucket_s;
    }
    if (mean->sum_s >= bucket_s || mean->sum_s < 0.0)
        mean->sum_j = mean->sum_s = 0.0;
    for (int i = 0; i < PLANT_PSU_BUCKETS; i++)
        sum_w += mean->bucket_w[i];
    *ret_w = sum_w / PLANT_PSU_BUCKETS;
}

/* How much nearer the mean comes to what is drawn now in one step. */
static double plant_psu_draw_part(double dt_s)
{
    if (dt_s < 0.25 * PLANT_PSU_DRAW_TAU_S)
        return dt_s / (PLANT_PSU_DRAW_TAU_S + dt_s);
    return 1.0 - exp(-dt_s / PLANT_PSU_DRAW_TAU_S);
}

static void plant_psu_draw(const struct plant *plant, struct plant_psu *p, double pfc_w, double part)
{
    double most_w = plant_psu_pfc_w(plant, p);

    if (!p->carried || plant->phase_v[p->phase] < plant->params.psu_off_v)
        p->drawn_w = pfc_w;
    else
        p->drawn_w = fmin(p->drawn_w + (pfc_w - p->drawn_w) * part, fmax(most_w, pfc_w));
}

static void plant_psu_readings(const struct plant *plant, struct plant_psu *p)
{
    p->input_v = p->present ? plant->phase_v[p->phase] : 0.0;
    p->input_hz = p->input_v > 0.0 ? plant->hz : 0.0;
    p->output_v = p->present ? plant->bus_v : 0.0;
    p->input_w = p->drawn_w * (1.0 + plant->psu_loss_ratio);
    p->input_a = p->input_v > 0.0 ? p->input_w / p->input_v : 0.0;
}

static void plant_psu_one(struct plant *plant, int32_t psu, double dt_s, double part)
{
    struct plant_psu *p = &plant->psus[psu];
    double pfc_w = 0.0;

    p->output_a = plant->sources.a[psu];
    p->output_w = p->output_a * plant->bus_v;
    p->limited = p->carried && p->output_a >= p->limit_a;
    p->pulse_s = p->limited ? p->pulse_s + dt_s : 0.0;
    p->refill_w = 0.0;
    if (p->state == PLANT_PSU_BOOT) { /* the PFC starts and fills its capacitor */
        pfc_w = fmin(plant->params.psu_holdup_j / fmax(p->delay_s, dt_s),
                     (plant->params.psu_holdup_j - p->bulk_j) / dt_s);
        p->bulk_j += pfc_w * dt_s;
        p->refill_w = pfc_w;
    } else if (p->ready) {
        pfc_w = plant_psu_bulk(plant, p, dt_s);
    }
    plant_psu_draw(plant, p, pfc_w, part);
    plant_psu_readings(plant, p);
    plant_psu_mean(&p->mean_2, p->output_w, dt_s, plant->params.psu_pulse_2_s, &p->mean_2_w);
    plant_psu_mean(&p->mean_3, p->output_w, dt_s, plant->params.psu_pulse_3_s, &p->mean_3_w);
    plant_psu_state_step(plant, psu, dt_s);
}

/* The AC_LOSS_L line of a shelf: any of its supplies pulls it; batteries see it later. */
static void plant_psu_line(struct plant *plant, struct plant_shelf *shelf, double dt_s)
{
    bool pulled = false;

    for (int32_t i = shelf->psu_first; i < shelf->psu_first + shelf->psu_count; i++) {
        const struct plant_psu *p = &plant->psus[i];

        pulled = pulled || p->ac_loss || (p->present && p->ready && (p->setting & PLANT_PSU_FORCE_LOSS));
    }
    pulled = pulled && shelf->kind != PLANT_ORV3;
    if (!pulled) {
        shelf->ac_loss = false;
        shelf->ac_loss_s = 0.0;
    } else if (!shelf->ac_loss) {
        shelf->ac_loss = shelf->ac_loss_s + PLANT_PSU_TINY >= plant->params.psu_line_s;
        shelf->ac_loss_s += dt_s;
    }
}

void plant_psu_step(struct plant *plant, double dt_s)
{
    double part = plant_psu_draw_part(dt_s);

    plant->ac_w = plant->psu_w = 0.0;
    plant->phase_w[0] = plant->phase_w[1] = plant->phase_w[2] = 0.0;
    for (int32_t n = 0; n < plant->shelf_count; n++) {
        struct plant_shelf *shelf = &plant->shelves[n];

        shelf->output_w = shelf->input_w = 0.0;
        for (int32_t i = shelf->psu_first; i < shelf->psu_first + shelf->psu_count; i++) {
            const struct plant_psu *p = &plant->psus[i];

            plant_psu_one(plant, i, dt_s, part);
            shelf->output_w += p->output_w;
            shelf->input_w += p->input_w;
            plant->phase_w[p->phase] += p->input_w;
        }
        plant_psu_line(plant, shelf, dt_s);
        plant->psu_w += shelf->output_w;
        plant->ac_w += shelf->input_w;
    }
}

void plant_psu_warm(struct plant *plant, double dt_s)
{
    double warm = dt_s / (PLANT_TEMP_TAU_S + dt_s);

    for (int32_t i = 0; i < plant->psu_count; i++) {
        struct plant_psu *p = &plant->psus[i];

        p->inlet_c = PLANT_AMBIENT_C;
        p->outlet_c += warm * (PLANT_AMBIENT_C + PLANT_PSU_C_PER_W * p->output_w - p->outlet_c);
    }
}

/* ---- which steps are needed ---- */

/* How long its hold-up energy lasts before anything changes, giving `out_w`: until it
 * folds, where its input is low but there; else it is a matter of milliseconds (0),
 * unless the busbar stands above its line and it uses just its own. */
static double plant_psu_lasts_s(const struct plant *plant, const struct plant_psu *p, double out_w)
{
    double pfc_w = plant_psu_pfc_w(plant, p);

    if (pfc_w >= out_w && pfc_w > PLANT_PSU_TINY)
        return (double)INFINITY;
    if (!p->tripped && plant->phase_v[p->phase] >= plant->params.psu_off_v)
        return fmax(p->bulk_j - plant_psu_fold_j(plant), 0.0) / (out_w - pfc_w);
    return out_w <= PLANT_PSU_TINY ? p->bulk_j / plant_psu_own_w(plant, p) : 0.0;
}

static bool plant_psu_one_stirred(const struct plant *plant, const struct plant_psu *p, double shelf_v,
                                  double trim_v)
{
    if (plant_psu_carries(p) != p->carried)
        return true;
    if (!p->carried)
        return false;
    if (p->folded ? p->output_a > p->limit_a : plant_psu_lasts_s(plant, p, p->output_w) < PLANT_PSU_LAST_S)
        return true;
    if (p->state == PLANT_PSU_LOW && (p->trying || p->state_s < PLANT_PSU_LOW_S))
        return true;
    if (p->step_v != plant_psu_step_v(plant, p) ||
        (p->limited && p->state != PLANT_PSU_WALK_IN && !p->folded))
        return true;
    return fabs(plant_psu_line_v(plant, p, shelf_v, trim_v) - p->e_v) > PLANT_PSU_JUMP_V;
}

double plant_psu_drain_s(const struct plant *plant, double most_s)
{
    for (int32_t i = 0; i < plant->psu_count; i++) {
        const struct plant_psu *p = &plant->psus[i];

        if (p->carried && !p->folded)
            most_s = fmin(most_s, fmax(plant_psu_lasts_s(plant, p, p->output_w), PLANT_PSU_LAST_S));
    }
    return most_s;
}

bool plant_psu_stirred(const struct plant *plant)
{
    double trim_v = plant_psu_shared_trim_v(plant);

    for (int32_t n = 0; n < plant->shelf_count; n++) {
        const struct plant_shelf *shelf = &plant->shelves[n];
        double shelf_v = plant_psu_shelf_v(plant, shelf);

        if (!shelf->ac_loss && shelf->ac_loss_s > 0.0)
            return true;
        for (int32_t i = shelf->psu_first; i < shelf->psu_first + shelf->psu_count; i++)
            if (plant_psu_one_stirred(plant, &plant->psus[i], shelf_v, trim_v))
                return true;
    }
    return false;
}

bool plant_psu_would_stir(const struct plant *plant, double bus_v)
{
    const struct plant_sources *s = &plant->sources;

    for (int32_t i = 0; i < plant->psu_count; i++) {
        const struct plant_psu *p = &plant->psus[i];
        double a = s->g_a_per_v[i] * (s->e_v[i] - bus_v);

        if (!p->carried || p->state == PLANT_PSU_WALK_IN || p->folded)
            continue;
        if (a >= s->limit_a[i] || plant_psu_lasts_s(plant, p, fmax(a, 0.0) * bus_v) < PLANT_PSU_LAST_S)
            return true;
    }
    return false;
}
