/* SPDX-License-Identifier: Apache-2.0 */
/* plant.c: the rack's physics as one: which step is taken, and in which order its
 * parts go.
 *
 * Pure: no I/O, no clock, no heap. Runs on whatever thread owns the struct. Two
 * ways to step: small ones, in which busbar, loops and hold-up move; and long
 * ones, where nothing moves but slow timers and the busbar is solved at once.
 * GPUs move once a millisecond at most. What a supply does inside an AC cycle is
 * not modelled: voltages are RMS.
 */
#include "plant.h"

#include <math.h>

#include "plant_bbu.h"
#include "plant_bus.h"
#include "plant_gpu.h"
#include "plant_psu.h"

#define PLANT_US_PER_S   1e6
#define PLANT_SETTLE_US  20000 /* small steps after the last fast thing           */
#define PLANT_RISE_US    10000 /* ...and after a large rise of the load           */
#define PLANT_SLOW_US    1000  /* GPUs move so often while steps are small        */
#define PLANT_RISE_RATIO 0.2   /* of rated power: a rise that is large            */
#define PLANT_HZ_US      10000 /* longest step while the frequency moves          */

/* Storage in the power shelves: smooths with this time constant, and is drawn
 * back to the middle of its energy with the other. */
#define PLANT_STORE_TAU_S  0.5
#define PLANT_STORE_BACK_S 0.3

/* ---- start ---- */

static double plant_idle_dc_w(const struct plant *plant)
{
    double dc_w = plant->switch_w;

    for (int32_t i = 0; i < plant->node_count; i++)
        dc_w += plant->node_static_w[i];
    for (int32_t i = 0; i < plant->gpu_count; i++)
        dc_w += plant->gpus[i].idle_w;
    return dc_w;
}

/* A plant that was filled in by hand gets the presets of its kind. */
static void plant_default_params(struct plant *plant)
{
    struct plant_params *params = &plant->params;

    if (params->nominal_v > 0.0)
        return;
    plant_params_preset(params, plant->shelves[0].kind, PLANT_START_STOCK);
    if (plant->nominal_v > 0.0)
        params->nominal_v = plant->nominal_v;
    if (plant->psu_loss_ratio > 0.0)
        params->psu_efficiency_ratio = 1.0 / (1.0 + plant->psu_loss_ratio);
    if (plant->bbu_count > 0 && plant->bbus[0].energy_full_j > 0.0)
        params->bbu_energy_j = plant->bbus[0].energy_full_j;
}

/* Sharing is a matter between the supplies of a shelf: its mean is 1, and nobody
 * is farther from it than the tolerance. */
static void plant_even_shares(struct plant *plant, const struct plant_shelf *shelf)
{
    double sum = 0.0, worst = 0.0, part = 1.0;

    for (int32_t i = 0; i < shelf->psu_count; i++)
        sum += plant->psus[shelf->psu_first + i].share;
    for (int32_t i = 0; i < shelf->psu_count; i++)
        worst = fmax(worst, fabs(plant->psus[shelf->psu_first + i].share - sum / shelf->psu_count));
    if (worst > plant->params.psu_share_ratio)
        part = plant->params.psu_share_ratio / worst;
    for (int32_t i = 0; i < shelf->psu_count; i++) {
        struct plant_psu *p = &plant->psus[shelf->psu_first + i];

        p->share = 1.0 + part * (p->share - sum / shelf->psu_count);
    }
}

static void plant_start_modules(struct plant *plant)
{
    for (int32_t i = 0; i < plant->gpu_count; i++)
        plant_gpu_start(plant, i);
    for (int32_t i = 0; i < plant->psu_count; i++)
        plant_psu_start(plant, i);
    for (int32_t i = 0; i < plant->bbu_count; i++)
        plant_bbu_start(plant, i);
    for (int32_t i = 0; i < plant->node_count; i++)
        plant->static_part[i] = 1.0;
    for (int32_t i = 0; i < plant->shelf_count; i++) {
        plant->shelves[i].ac_loss = false;
        plant->shelves[i].ac_loss_s = 0.0;
        plant_even_shares(plant, &plant->shelves[i]);
    }
}

void plant_start(struct plant *plant, uint64_t seed)
{
    plant_default_params(plant);
    plant->seed = seed;
    plant->now_us = 0;
    plant->nominal_v = plant->ac_v = plant->params.nominal_v;
    plant->psu_loss_ratio = 1.0 / plant->params.psu_efficiency_ratio - 1.0;
    rng_init(&plant->rng, seed, 1);
    plant_start_modules(plant);
    plant->sources = (struct plant_sources){ .count = 0 };
    plant->cap_j = plant->params.cap_energy_j;
    plant->store_j = 0.5 * plant->params.gpu_storage_j * plant->gpu_count;
    plant->store_w = 0.0;
    plant->bus_v = plant->bus_last_v = plant->params.psu_output_v;
    plant->bus_alive_s = 1.0;
    plant->it_down = false;
    plant->it_resets = 0;
    plant->it_low_s = plant->it_high_s = plant->it_back_s = 0.0;
    plant->slow_us = 0;
    plant->load_w = plant_idle_dc_w(plant);
    plant->static_w = (double)INFINITY; /* nothing rises in the first step */
    plant->quiet_us = PLANT_SETTLE_US;
    plant_step(plant, 1000); /* so that every sum and voltage is there at time 0 */
    plant->now_us = 0;
    for (int32_t i = 0; i < plant->gpu_count; i++) {
        struct plant_gpu *g = &plant->gpus[i];

        g->sensor_next_us -= g->sensor_next_us > 1000 ? 1000 : 0;
    }
}

void plant_discharge(struct plant *plant)
{
    struct rng rng;

    rng_init(&rng, plant->seed, 3);
    for (int32_t i = 0; i < plant->bbu_count; i++)
        plant->bbus[i].energy_j = plant->bbus[i].energy_full_j * rng_uniform(&rng, 0.30, 0.60);
}

/* ---- input ---- */

static double plant_grid_s(const struct plant *plant)
{
    /* A nanosecond on, so that a corner's own microsecond is past it. */
    return (double)(plant->now_us - plant->grid_from_us) / PLANT_US_PER_S + 1e-9;
}

static void plant_input(struct plant *plant)
{
    struct plant_grid_now now = { .ratio = { 1.0, 1.0, 1.0 }, .hz = (double)NAN };

    if (plant->grid) {
        plant_grid_at(plant->grid, plant_grid_s(plant), &now);
        plant->ac_v = plant->nominal_v * fmin(fmin(now.ratio[0], now.ratio[1]), now.ratio[2]);
    }
    for (int phase = 0; phase < 3; phase++)
        plant->phase_v[phase] = plant->grid ? plant->nominal_v * now.ratio[phase] : plant->ac_v;
    plant->hz = isnan(now.hz) ? plant->params.frequency_hz : now.hz;
    plant_psu_input(plant);
}

/* Until the grid's next corner, and no longer than a moving frequency allows. */
static int64_t plant_corner_us(const struct plant *plant, int64_t most_us)
{
    double left_s;

    if (!plant->grid)
        return most_us;
    left_s = plant_grid_next(plant->grid, plant_grid_s(plant)) - plant_grid_s(plant);
    if (plant->grid->frequency_count > 0 && most_us > PLANT_HZ_US)
        most_us = PLANT_HZ_US;
    if (left_s * PLANT_US_PER_S < (double)most_us)
        most_us = (int64_t)ceil(left_s * PLANT_US_PER_S);
    return most_us > 0 ? most_us : 1;
}

/* ---- sums ---- */

static bool plant_all_run(const struct plant *plant)
{
    for (int32_t i = 0; i < plant->psu_count; i++)
        if (plant->psus[i].present && plant->psus[i].on && plant->psus[i].state != PLANT_PSU_ON)
            return false;
    return true;
}

/* Storage in the shelves takes the edges off what the grid sees: only while all
 * supplies simply run; in an event it stays what it is. */
static void plant_store(struct plant *plant, double dt_s)
{
    double full_j = plant->params.gpu_storage_j * plant->gpu_count;
    double need_w = plant->ac_w / (1.0 + plant->psu_loss_ratio), seen_w, part;

    if (plant->params.gpu_storage_on < 0.5 || full_j <= 0.0 || plant->ac_w <= 0.0)
        return;
    if (plant->store_w <= 0.0 || !plant_all_run(plant))
        plant->store_w = need_w;
    plant->store_w += (need_w - plant->store_w) * dt_s / (PLANT_STORE_TAU_S + dt_s);
    seen_w = plant->store_w + (0.5 * full_j - plant->store_j) / (PLANT_STORE_BACK_S + dt_s);
    /* it can be neither fuller than full nor emptier than empty */
    seen_w = fmin(fmax(seen_w, need_w - plant->store_j / dt_s), need_w + (full_j - plant->store_j) / dt_s);
    seen_w = fmax(seen_w, 0.0);
    plant->store_j += (seen_w - need_w) * dt_s;
    part = need_w > 0.0 ? seen_w / need_w : 1.0;
    plant->ac_w *= part;
    for (int phase = 0; phase < 3; phase++)
        plant->phase_w[phase] *= part;
    for (int32_t i = 0; i < plant->shelf_count; i++)
        plant->shelves[i].input_w *= part;
    for (int32_t i = 0; i < plant->psu_count; i++) {
        plant->psus[i].input_w *= part;
        plant->psus[i].input_a *= part;
    }
}

static void plant_slow_step(struct plant *plant, int64_t dt_us)
{
    plant_gpu_step(plant, dt_us);
    plant_psu_warm(plant, (double)dt_us / PLANT_US_PER_S);
}

/* ---- steps ---- */

static void plant_offer(struct plant *plant, double dt_s)
{
    plant_psu_offer(plant, dt_s);
    plant_bbu_offer(plant);
    plant_bus_offer(plant, dt_s);
}

/* Everything after the bus was solved. */
static void plant_finish(struct plant *plant, double dt_s)
{
    plant_bus_step(plant, dt_s);
    plant_psu_step(plant, dt_s);
    plant_bbu_step(plant, dt_s);
    plant_store(plant, dt_s);
}

static void plant_fast_step(struct plant *plant, int64_t dt_us, bool last)
{
    double dt_s = (double)dt_us / PLANT_US_PER_S;

    plant->now_us += dt_us;
    plant->slow_us += dt_us;
    if (plant->slow_us >= PLANT_SLOW_US || last) {
        plant_slow_step(plant, plant->slow_us);
        plant->slow_us = 0;
    }
    plant_offer(plant, dt_s);
    plant_bus_move(plant, dt_s);
    plant_finish(plant, dt_s);
    plant->quiet_us += dt_us;
}

/* Does the busbar have a place to rest at this load, where nothing starts to move? */
static bool plant_rests(const struct plant *plant, double load_w, double *ret_v)
{
    return plant_bus_level(plant, load_w, ret_v) && !plant_psu_would_stir(plant, *ret_v) &&
           !plant_bbu_would_stir(plant, *ret_v) && !plant_bus_would_stir(plant, *ret_v, load_w);
}

/* One long step. False, and nothing has changed: it has to be small ones. */
static bool plant_quiet_step(struct plant *plant, int64_t dt_us, double rise_w)
{
    double dt_s = (double)dt_us / PLANT_US_PER_S;
    double bus_v;

    plant_offer(plant, dt_s);
    if (!plant_rests(plant, plant_bus_load_w(plant) + rise_w, &bus_v))
        return false;
    plant->now_us += dt_us;
    plant_slow_step(plant, dt_us);
    if (!plant_bus_level(plant, plant_bus_load_w(plant), &bus_v))
        bus_v = plant->bus_v; /* within what was just tried: cannot be far */
    plant_bus_settle(plant, bus_v);
    plant_finish(plant, dt_s);
    plant->quiet_us += dt_us;
    return true;
}

static bool plant_stirred(const struct plant *plant)
{
    return plant_psu_stirred(plant) || plant_bbu_stirred(plant) || plant_bus_stirred(plant);
}

/* How long a quiet step may be: to the end of the next timer. */
static int64_t plant_quiet_us(const struct plant *plant, int64_t most_us)
{
    double most_s;

    if (most_us > PLANT_QUIET_US)
        most_us = PLANT_QUIET_US;
    most_us = plant_gpu_next_us(plant, most_us);
    most_s = plant_psu_next_s(plant, plant_psu_drain_s(plant, (double)most_us / PLANT_US_PER_S));
    most_s = plant_bbu_next_s(plant, most_s);
    if (most_s * PLANT_US_PER_S < (double)most_us)
        most_us = (int64_t)ceil(most_s * PLANT_US_PER_S - 1e-6);
    return most_us > 0 ? most_us : 1;
}

/* One step, long or small, of at most `left_us`; returns how long it was. */
static int64_t plant_advance(struct plant *plant, int64_t left_us)
{
    int64_t step_us = plant_corner_us(plant, left_us);
    int64_t quiet_us;
    double rise_w;

    if (plant_stirred(plant))
        plant->quiet_us = 0;
    if (plant->quiet_us >= PLANT_SETTLE_US) {
        rise_w = plant_gpu_rise_w(plant);
        if (rise_w > PLANT_RISE_RATIO * plant_bus_rated_w(plant)) {
            plant->quiet_us = PLANT_SETTLE_US - PLANT_RISE_US;
            plant->slow_us = PLANT_SLOW_US; /* the edge is now, not in a millisecond */
        } else {
            if (plant->slow_us > 0) { /* what small steps left over */
                plant_slow_step(plant, plant->slow_us);
                plant->slow_us = 0;
            }
            plant->fast = false;
            quiet_us = plant_quiet_us(plant, step_us);
            if (plant_quiet_step(plant, quiet_us, rise_w))
                return quiet_us;
            plant->quiet_us = 0;
        }
    }
    plant->fast = true;
    if (step_us > PLANT_FAST_US)
        step_us = PLANT_FAST_US;
    plant_fast_step(plant, step_us, step_us == left_us);
    return step_us;
}

void plant_run(struct plant *plant, int64_t dt_us, const struct plant_watch *watch)
{
    plant_bbu_gain(plant);
    while (dt_us > 0) {
        int64_t step_us;

        plant_input(plant);
        step_us = plant_advance(plant, dt_us);
        dt_us -= step_us;
        if (watch)
            watch->step(watch->arg, plant, step_us);
    }
}

void plant_step(struct plant *plant, int64_t dt_us)
{
    plant_run(plant, dt_us, NULL);
}

/* ---- idle ---- */

double plant_idle_ac_w(const struct plant *plant)
{
    return plant_idle_dc_w(plant) * (1.0 + plant->psu_loss_ratio);
}

double plant_idle_shelf_w(const struct plant *plant)
{
    return plant_idle_dc_w(plant) / (plant->shelf_count > 0 ? plant->shelf_count : 1);
}
