/* SPDX-License-Identifier: Apache-2.0 */
/* plant_psu_state.c: when a supply trips, dies, starts, steps down and latches.
 *
 * Pure: no I/O, no clock, no heap. Knows a shelf's first slot, which alone draws
 * the start delay; the others follow it through SYNC, or their own time-out.
 */
#include "plant_psu_state.h"

#include <math.h>

#include "plant_psu.h"

#define PLANT_PSU_STATE_TINY_S      1e-9
#define PLANT_PSU_STATE_HZ_S        1.0 /* frequency outside: off after it          */
#define PLANT_PSU_STATE_OVP_S       0.2
#define PLANT_PSU_STATE_ALIVE_S     0.1  /* busbar above 44 V for so long is alive    */
#define PLANT_PSU_STATE_AWAKE_V     40.0 /* of the busbar: keeps a kept-alive controller up */
#define PLANT_PSU_STATE_SYNC_LOW_S  0.002
#define PLANT_PSU_STATE_SYNC_HIGH_S 0.005
#define PLANT_PSU_STATE_LATE_S      0.75 /* the time-outs without SYNC vary by so much */
#define PLANT_PSU_STATE_SOON_S      0.001
#define PLANT_PSU_STATE_TRY_S       0.010 /* limited for so long while it tries: back   */

static void plant_psu_state_set(struct plant_psu *p, enum plant_psu_state state)
{
    p->state = state;
    p->state_s = 0.0;
    p->pulse_s = 0.0;
    p->trying = false;
}

/* ---- losing the input ---- */

/* The controller loses power. Stock hardware forgets what it was told; the
 * hypothetical short-boot one keeps its start delay, the kept-alive one lives on
 * the busbar and keeps everything. */
static void plant_psu_state_forget(struct plant *plant, int32_t psu)
{
    struct plant_psu *p = &plant->psus[psu];
    double start_delay_s = p->start_delay_s;

    if (plant->params.start == PLANT_START_KEPT_ALIVE && plant->bus_v > PLANT_PSU_STATE_AWAKE_V)
        return;
    plant_psu_reset(plant, psu);
    if (plant->params.start == PLANT_START_SHORT_BOOT)
        p->start_delay_s = start_delay_s;
}

static void plant_psu_state_die(struct plant *plant, int32_t psu)
{
    struct plant_psu *p = &plant->psus[psu];

    plant_psu_state_set(p, PLANT_PSU_OFF);
    p->ready = p->tripped = p->folded = false;
    p->bulk_j = 0.0;
    p->step_v = p->late_s = 0.0;
    p->low_s = p->over_s = p->over_fast_s = p->hz_s = 0.0;
    plant_psu_state_forget(plant, psu);
}

static double plant_psu_state_timer(bool runs, double timer_s, double dt_s)
{
    return runs ? timer_s + dt_s : 0.0;
}

/* Has the input been bad for longer than the PFC bears it? */
static bool plant_psu_state_trips(const struct plant *plant, struct plant_psu *p, double dt_s)
{
    const struct plant_params *params = &plant->params;
    double v = plant->phase_v[p->phase];
    bool hz_bad = plant->hz < params->psu_hz_low || plant->hz > params->psu_hz_high;

    if (!plant->input_bad[p->phase]) {
        p->low_s = p->over_s = p->over_fast_s = p->hz_s = 0.0;
        return false;
    }
    p->low_s = plant_psu_state_timer(v < params->psu_off_v, p->low_s, dt_s);
    p->over_s = plant_psu_state_timer(v > params->psu_over_v, p->over_s, dt_s);
    p->over_fast_s = plant_psu_state_timer(v > params->psu_over_fast_v, p->over_fast_s, dt_s);
    p->hz_s = plant_psu_state_timer(hz_bad, p->hz_s, dt_s);
    return p->low_s + PLANT_PSU_STATE_TINY_S >= params->psu_off_s ||
           p->over_s + PLANT_PSU_STATE_TINY_S >= params->psu_over_s ||
           p->over_fast_s + PLANT_PSU_STATE_TINY_S >= params->psu_over_fast_s ||
           p->hz_s + PLANT_PSU_STATE_TINY_S >= PLANT_PSU_STATE_HZ_S;
}

/* ---- starting ---- */

enum plant_psu_state_drawn {
    PLANT_PSU_STATE_BOOT,
    PLANT_PSU_STATE_DELAY,
    PLANT_PSU_STATE_LATE,
    PLANT_PSU_STATE_SOON
};

/* What a start leaves to chance hangs on the seed, the supply and which start of it this
 * is, and on nothing that happened before: so runs without and with a controller meet
 * the same luck. */
static double plant_psu_state_draw(const struct plant *plant, const struct plant_psu *p,
                                   enum plant_psu_state_drawn what, double low, double high)
{
    uint64_t psu = (uint64_t)(p - plant->psus) + 1;
    struct rng rng;

    rng_init(&rng, plant->seed, psu << 40 | (uint64_t)p->boots << 8 | (uint64_t)what);
    return rng_uniform(&rng, low, high);
}

static void plant_psu_state_wait(struct plant *plant, int32_t psu)
{
    struct plant_psu *p = &plant->psus[psu];
    const struct plant_params *params = &plant->params;
    bool alive = plant->bus_alive_s > PLANT_PSU_STATE_ALIVE_S;
    bool told = params->start != PLANT_START_STOCK && !isnan(p->start_delay_s);

    plant_psu_state_set(p, PLANT_PSU_WAIT);
    p->ready = true;
    p->bulk_j = params->psu_holdup_j;
    if (told) {
        p->delay_s = p->start_delay_s;
    } else if (psu == plant->shelves[p->shelf].psu_first) {
        p->delay_s = plant_psu_state_draw(plant, p, PLANT_PSU_STATE_DELAY, 0.0,
                                          alive ? params->psu_random_alive_s : params->psu_random_dead_s);
    } else {
        /* without SYNC it starts by itself, so long after its input was good */
        p->delay_s = (alive ? params->psu_sync_alive_s : params->psu_sync_s) - p->good_s +
                     plant_psu_state_draw(plant, p, PLANT_PSU_STATE_LATE, -PLANT_PSU_STATE_LATE_S,
                                          PLANT_PSU_STATE_LATE_S);
    }
}

/* SYNC_START: slot 1 runs; whoever waits for it starts some milliseconds later. */
static void plant_psu_state_follow(struct plant *plant, int32_t psu)
{
    struct plant_psu *p = &plant->psus[psu];
    int32_t first = plant->shelves[p->shelf].psu_first;
    bool told = plant->params.start != PLANT_START_STOCK && !isnan(p->start_delay_s);
    double soon_s;

    if (psu == first || told || !plant_psu_carries(&plant->psus[first]) ||
        p->delay_s - p->state_s <= PLANT_PSU_STATE_SYNC_HIGH_S)
        return;
    soon_s = plant_psu_state_draw(plant, p, PLANT_PSU_STATE_SOON, PLANT_PSU_STATE_SYNC_LOW_S,
                                  PLANT_PSU_STATE_SYNC_HIGH_S);
    p->delay_s = p->state_s + soon_s;
}

static void plant_psu_state_walk(struct plant_psu *p)
{
    plant_psu_state_set(p, PLANT_PSU_WALK_IN);
    p->called = p->ac_loss = p->folded = false;
    p->step_v = 0.0;
}

static void plant_psu_state_off(struct plant *plant, struct plant_psu *p)
{
    if (p->ready && p->on) {
        plant_psu_state_walk(p); /* it was switched off, its PFC is up */
    } else if (!p->ready && plant->input_good[p->phase]) {
        plant_psu_state_set(p, PLANT_PSU_BOOT);
        p->bulk_j = 0.0;
        p->good_s = 0.0;
        p->boots++;
        p->delay_s = plant_psu_state_draw(plant, p, PLANT_PSU_STATE_BOOT, plant->params.psu_boot_low_s,
                                          plant->params.psu_boot_high_s);
    }
}

/* ---- overload ---- */

/* Over-current mode is the whole shelf's: the supplies share one signal. */
static void plant_psu_state_low(struct plant *plant, const struct plant_shelf *shelf)
{
    for (int32_t i = shelf->psu_first; i < shelf->psu_first + shelf->psu_count; i++) {
        struct plant_psu *p = &plant->psus[i];

        if (!plant_psu_carries(p) || (p->state != PLANT_PSU_ON && !p->trying))
            continue;
        /* The first try comes at once, the next psu_retry_s after it. */
        p->retry_s = fmax(p->retry_s, PLANT_PSU_LOW_S);
        plant_psu_state_set(p, PLANT_PSU_LOW);
    }
}

static bool plant_psu_state_shuts_down(struct plant *plant, struct plant_psu *p, double dt_s)
{
    const struct plant_params *params = &plant->params;
    double rated_w = plant->shelves[p->shelf].psu_rated_w * (1.0 + params->psu_overload_ratio);
    bool high = plant->bus_v > params->psu_ovp_v && p->output_a > 0.0;

    p->ovp_s = plant_psu_state_timer(high, p->ovp_s, dt_s);
    return p->ovp_s + PLANT_PSU_STATE_TINY_S >= PLANT_PSU_STATE_OVP_S ||
           p->mean_2_w > params->psu_pulse_2_ratio * rated_w ||
           p->mean_3_w > params->psu_pulse_3_ratio * rated_w;
}

static void plant_psu_state_latch(struct plant_psu *p)
{
    plant_psu_state_set(p, PLANT_PSU_LATCHED);
    p->called = p->ac_loss = p->folded = false;
    p->step_v = p->ovp_s = 0.0;
    p->mean_2 = p->mean_3 = (struct plant_psu_mean){ .at = 0 };
    p->mean_2_w = p->mean_3_w = 0.0;
}

static void plant_psu_state_try(const struct plant *plant, struct plant_psu *p)
{
    if (!p->trying) {
        if (p->state_s < PLANT_PSU_LOW_S || p->retry_s > 0.0)
            return;
        p->trying = true;
        p->retry_s = plant->params.psu_retry_s;
        p->pulse_s = 0.0;
    } else if (p->step_v <= 0.0 && !p->limited) {
        plant_psu_state_set(p, PLANT_PSU_ON);
    }
}

/* ---- carrying ---- */

static void plant_psu_state_carry(struct plant *plant, struct plant_psu *p, double dt_s)
{
    const struct plant_params *params = &plant->params;
    bool weak = plant->input_bad[p->phase] || plant->phase_v[p->phase] < params->psu_derate_v;
    double pfc_w = p->tripped ? 0.0 : plant->pfc_ratio[p->phase] * plant->shelves[p->shelf].psu_rated_w;

    p->ac_loss = p->called;
    if (p->state == PLANT_PSU_HOLD_UP) {
        if (!p->tripped && !plant->input_bad[p->phase] && pfc_w >= p->output_w)
            plant_psu_state_set(p, PLANT_PSU_ON);
    } else if (p->tripped || (weak && pfc_w < p->output_w)) {
        plant_psu_state_set(p, PLANT_PSU_HOLD_UP);
    } else if (p->state == PLANT_PSU_WALK_IN) {
        if (p->state_s >= params->psu_walk_in_s && !p->limited)
            plant_psu_state_set(p, PLANT_PSU_ON);
    } else if (p->state == PLANT_PSU_LOW) {
        plant_psu_state_try(plant, p);
        if (p->trying && p->pulse_s > PLANT_PSU_STATE_TRY_S)
            plant_psu_state_low(plant, &plant->shelves[p->shelf]);
    } else if (p->limited && !p->folded &&
               (p->pulse_s + PLANT_PSU_STATE_TINY_S >= params->psu_pulse_1_s ||
                plant->bus_v < params->bbu_trigger_v)) {
        plant_psu_state_low(plant, &plant->shelves[p->shelf]);
    }
    if (plant_psu_state_shuts_down(plant, p, dt_s))
        plant_psu_state_latch(p);
}

static void plant_psu_state_gone(struct plant_psu *p)
{
    if (p->state != PLANT_PSU_OFF)
        plant_psu_state_set(p, PLANT_PSU_OFF);
    p->ready = p->tripped = p->called = p->ac_loss = p->folded = false;
    p->bulk_j = p->step_v = 0.0;
}

/* BOOT and WAIT. */
static void plant_psu_state_starting(struct plant *plant, int32_t psu, double dt_s)
{
    struct plant_psu *p = &plant->psus[psu];

    p->good_s += dt_s;
    if (p->state == PLANT_PSU_BOOT) {
        if (p->state_s + PLANT_PSU_STATE_TINY_S >= p->delay_s)
            plant_psu_state_wait(plant, psu);
        return;
    }
    plant_psu_state_follow(plant, psu);
    if (p->state_s + PLANT_PSU_STATE_TINY_S >= p->delay_s)
        plant_psu_state_walk(p);
}

void plant_psu_state_step(struct plant *plant, int32_t psu, double dt_s)
{
    struct plant_psu *p = &plant->psus[psu];

    p->state_s += dt_s;
    p->retry_s = fmax(p->retry_s - dt_s, 0.0);
    if (!p->present || p->failed) {
        plant_psu_state_gone(p);
        return;
    }
    if (p->state != PLANT_PSU_OFF || p->ready) {
        if (!p->tripped && plant_psu_state_trips(plant, p, dt_s)) {
            p->tripped = true;
            p->trips += p->ready;
        }
        if (p->tripped && (p->bulk_j <= 0.0 || !plant_psu_carries(p))) {
            p->ac_loss = p->ac_loss || (p->on && p->state != PLANT_PSU_LATCHED);
            plant_psu_state_die(plant, psu);
            return;
        }
        if (p->bulk_j <= 0.0 && plant_psu_carries(p)) { /* spent before the PFC's own time-out */
            p->trips++;
            p->ac_loss = true;
            plant_psu_state_die(plant, psu);
            return;
        }
    }
    if (!p->on && p->ready && p->state != PLANT_PSU_LATCHED) {
        plant_psu_state_set(p, PLANT_PSU_OFF);
        p->called = p->ac_loss = false;
        p->step_v = 0.0;
    } else if (p->state == PLANT_PSU_OFF) {
        plant_psu_state_off(plant, p);
    } else if (p->state == PLANT_PSU_BOOT || p->state == PLANT_PSU_WAIT) {
        plant_psu_state_starting(plant, psu, dt_s);
    } else if (p->state != PLANT_PSU_LATCHED) {
        plant_psu_state_carry(plant, p, dt_s);
    }
}

/* ---- when the next timer ends ---- */

static double plant_psu_state_least(double a, double limit, double timer_s)
{
    double left_s = limit - timer_s;

    return left_s > 0.0 && left_s < a ? left_s : a;
}

static double plant_psu_state_input_s(const struct plant *plant, const struct plant_psu *p, double most_s)
{
    const struct plant_params *params = &plant->params;

    if (!plant->input_bad[p->phase] || p->tripped || p->state == PLANT_PSU_OFF)
        return most_s;
    if (plant->phase_v[p->phase] < params->psu_off_v)
        most_s = plant_psu_state_least(most_s, params->psu_off_s, p->low_s);
    if (plant->phase_v[p->phase] > params->psu_over_v)
        most_s = plant_psu_state_least(most_s, params->psu_over_s, p->over_s);
    if (plant->phase_v[p->phase] > params->psu_over_fast_v)
        most_s = plant_psu_state_least(most_s, params->psu_over_fast_s, p->over_fast_s);
    return plant_psu_state_least(most_s, PLANT_PSU_STATE_HZ_S, p->hz_s);
}

double plant_psu_next_s(const struct plant *plant, double most_s)
{
    const struct plant_params *params = &plant->params;

    for (int32_t i = 0; i < plant->psu_count; i++) {
        const struct plant_psu *p = &plant->psus[i];
        double rated_w = plant->shelves[p->shelf].psu_rated_w;

        if (!p->present || p->failed)
            continue;
        most_s = plant_psu_state_input_s(plant, p, most_s);
        if (p->state == PLANT_PSU_BOOT || p->state == PLANT_PSU_WAIT)
            most_s = plant_psu_state_least(most_s, p->delay_s, p->state_s);
        else if (p->state == PLANT_PSU_OFF && (p->ready ? p->on : plant->input_good[p->phase]))
            most_s = fmin(most_s, PLANT_PSU_STATE_SOON_S); /* it starts at the end of a step */
        else if (p->state == PLANT_PSU_WALK_IN && p->state_s < params->psu_walk_in_s)
            most_s = fmin(most_s, params->psu_walk_in_s / 100.0);
        else if (p->state == PLANT_PSU_LOW)
            most_s = plant_psu_state_least(most_s, p->retry_s, 0.0);
        if (plant->bus_v > params->psu_ovp_v)
            most_s = plant_psu_state_least(most_s, PLANT_PSU_STATE_OVP_S, p->ovp_s);
        if (p->output_w > rated_w * fmin(params->psu_pulse_2_ratio, params->psu_pulse_3_ratio))
            most_s = fmin(most_s, params->psu_pulse_2_s / PLANT_PSU_BUCKETS);
    }
    return most_s;
}
