/* SPDX-License-Identifier: Apache-2.0 */
/* plant_bus.c: voltage and currents of the busbar; IT gear; the capacitor shelf.
 *
 * Pure: no I/O, no clock, no heap. IT gear draws constant power down to
 * PLANT_BUS_FLOOR_V and less under it, as its converters stop one by one. What the
 * busbar and cables lose is counted in the loads; what they drop is not.
 */
#include "plant_bus.h"

#include <math.h>

#define PLANT_BUS_FLOOR_V 40.0
#define PLANT_BUS_DEAD_V  0.5
#define PLANT_BUS_ALIVE_V 44.0

/* A current loop that is slow against the capacitance it feeds rings with a
 * load of constant power: shelves are built for their bus. So the loop takes at
 * most this part of the time in which the rated current would empty the bus. */
#define PLANT_BUS_LOOP_RATIO 0.06

/* IT gear that was reset comes back when its voltage was good for so long. */
#define PLANT_BUS_IT_BACK_V 48.0
#define PLANT_BUS_IT_BACK_S 30.0

#define PLANT_BUS_CAP_DROOP_V      0.5
#define PLANT_BUS_CAP_CHARGE_RATIO 0.02 /* of its power                        */
#define PLANT_BUS_CAP_CHARGE_V     0.2  /* above the trigger                   */

#define PLANT_BUS_TURNS 40

/* One solution: currents follow a' = keep a + gain g (e - v), in [0, limit]. */
struct plant_bus_case {
    double load_w;
    double keep, gain;
    double farad_per_s, before_v; /* 0: no capacitance                          */
};

double plant_bus_load_w(const struct plant *plant)
{
    return plant->load_w + plant->charge_w;
}

double plant_bus_rated_w(const struct plant *plant)
{
    double rated_w = 0.0;

    for (int32_t i = 0; i < plant->shelf_count; i++)
        rated_w += plant->shelves[i].psu_rated_w * plant->shelves[i].psu_count;
    return rated_w;
}

static double plant_bus_load_a(double load_w, double bus_v)
{
    if (bus_v >= PLANT_BUS_FLOOR_V)
        return load_w / bus_v;
    return load_w * bus_v / (PLANT_BUS_FLOOR_V * PLANT_BUS_FLOOR_V);
}

static double plant_bus_load_slope(double load_w, double bus_v)
{
    if (bus_v >= PLANT_BUS_FLOOR_V)
        return -load_w / (bus_v * bus_v);
    return load_w / (PLANT_BUS_FLOOR_V * PLANT_BUS_FLOOR_V);
}

static double plant_bus_one(const struct plant_sources *s, const struct plant_bus_case *c, int32_t k,
                            double v)
{
    double a = c->keep * s->a[k] + c->gain * s->g_a_per_v[k] * (s->e_v[k] - v);

    return a >= s->limit_a[k] ? s->limit_a[k] : a > 0.0 ? a : 0.0;
}

/* Current that is missing at this voltage (negative: too much), and how it falls
 * as the voltage falls. Rises with v wherever the bus is stable. */
static double plant_bus_missing(const struct plant_sources *s, const struct plant_bus_case *c, double v,
                                double *ret_slope)
{
    double sum_a = 0.0, slope = 0.0;

    for (int32_t k = 0; k < s->count; k++) {
        double gain = c->gain * s->g_a_per_v[k];
        double a = c->keep * s->a[k] + gain * (s->e_v[k] - v);

        if (a >= s->limit_a[k]) {
            sum_a += s->limit_a[k];
        } else if (a > 0.0) {
            sum_a += a;
            slope += gain;
        }
    }
    *ret_slope = slope + c->farad_per_s + plant_bus_load_slope(c->load_w, v);
    return c->farad_per_s * (v - c->before_v) + plant_bus_load_a(c->load_w, v) - sum_a;
}

/* Newton's steps, kept between voltages where too little and too much flows. */
static bool plant_bus_solve(const struct plant_sources *s, const struct plant_bus_case *c, double low_v,
                            double high_v, double exact_v, double *v)
{
    *v = fmin(fmax(*v, low_v), high_v);
    for (int turn = 0; turn < PLANT_BUS_TURNS; turn++) {
        double slope, next_v;
        double missing_a = plant_bus_missing(s, c, *v, &slope);

        if (missing_a > 0.0)
            high_v = *v;
        else
            low_v = *v;
        next_v = slope > 0.0 ? *v - missing_a / slope : -1.0;
        if (!(next_v >= low_v && next_v <= high_v))
            next_v = 0.5 * (low_v + high_v);
        if (fabs(next_v - *v) < exact_v) {
            *v = next_v;
            return slope > 0.0;
        }
        *v = next_v;
    }
    return false;
}

static void plant_bus_take(struct plant_sources *s, const struct plant_bus_case *c, double v)
{
    for (int32_t k = 0; k < s->count; k++)
        s->a[k] = plant_bus_one(s, c, k, v);
}

static double plant_bus_loop_s(const struct plant *plant)
{
    double v = plant->params.psu_output_v;
    double rated_a = plant_bus_rated_w(plant) / v;
    double most_s = PLANT_BUS_LOOP_RATIO * plant->params.bus_capacitance_f * v / rated_a;

    return fmin(plant->params.psu_loop_s, most_s);
}

void plant_bus_move(struct plant *plant, double dt_s)
{
    double part = dt_s / plant_bus_loop_s(plant);
    struct plant_bus_case c = {
        .load_w = plant_bus_load_w(plant),
        .keep = 1.0 / (1.0 + part),
        .gain = part / (1.0 + part),
        .farad_per_s = plant->params.bus_capacitance_f / dt_s,
        .before_v = plant->bus_v,
    };
    double v = plant->bus_v;

    /* No source lifts the bus above 100 V; capacitance makes one solution sure. */
    (void)plant_bus_solve(&plant->sources, &c, 0.0, 100.0, 1e-8, &v);
    plant_bus_take(&plant->sources, &c, v);
    plant->bus_last_v = plant->bus_v;
    plant->bus_v = v;
}

/* A voltage at which more flows than is drawn, under the place where it rests. Far
 * down there is none: a load of constant power draws more the lower it is. */
static bool plant_bus_under(const struct plant_sources *s, const struct plant_bus_case *c, double near_v,
                            double *ret_v)
{
    static const double steps_v[] = { 0.1, 0.5, 2.0, 5.0 };
    double slope;

    for (size_t i = 0; i < sizeof steps_v / sizeof steps_v[0]; i++) {
        *ret_v = fmax(near_v - steps_v[i], PLANT_BUS_FLOOR_V);
        if (plant_bus_missing(s, c, *ret_v, &slope) < 0.0)
            return true;
    }
    return false;
}

bool plant_bus_level(const struct plant *plant, double load_w, double *ret_v)
{
    const struct plant_sources *s = &plant->sources;
    struct plant_bus_case c = { .load_w = load_w, .gain = 1.0 };
    double high_v = 0.0, low_v, v = plant->bus_v;

    for (int32_t k = 0; k < s->count; k++)
        if (s->limit_a[k] > 0.0)
            high_v = fmax(high_v, s->e_v[k]);
    if (high_v <= 0.0) { /* nothing feeds it */
        *ret_v = 0.0;
        return plant->bus_v < PLANT_BUS_DEAD_V;
    }
    if (load_w <= 0.0 || !plant_bus_under(s, &c, fmin(v, high_v), &low_v))
        return false;
    if (!plant_bus_solve(s, &c, low_v, high_v, 1e-13, &v))
        return false;
    *ret_v = v;
    return true;
}

void plant_bus_settle(struct plant *plant, double bus_v)
{
    struct plant_bus_case c = { .gain = 1.0 };

    plant_bus_take(&plant->sources, &c, bus_v);
    plant->bus_last_v = plant->bus_v = bus_v;
}

void plant_bus_offer(struct plant *plant, double dt_s)
{
    const struct plant_params *params = &plant->params;
    struct plant_sources *s = &plant->sources;
    int32_t k = plant->psu_count + plant->bbu_count;
    double line_a = params->cap_power_w / params->bbu_trigger_v;

    s->count = k + 1;
    s->e_v[k] = params->bbu_trigger_v;
    s->g_a_per_v[k] = line_a / PLANT_BUS_CAP_DROOP_V;
    s->limit_a[k] = fmin(line_a, plant->cap_j / (params->bbu_trigger_v * dt_s));
    plant->cap_charge_w = 0.0;
    if (plant->cap_j < params->cap_energy_j && plant->bus_v > params->bbu_trigger_v + PLANT_BUS_CAP_CHARGE_V)
        plant->cap_charge_w = fmin(PLANT_BUS_CAP_CHARGE_RATIO * params->cap_power_w,
                                   (params->cap_energy_j - plant->cap_j) / dt_s);
    plant->charge_w += plant->cap_charge_w;
}

static void plant_bus_it(struct plant *plant, double dt_s)
{
    const struct plant_params *params = &plant->params;
    bool bad;

    plant->it_low_s = plant->bus_far_v < params->it_low_v ? plant->it_low_s + dt_s : 0.0;
    plant->it_high_s = plant->bus_far_v > params->it_high_v ? plant->it_high_s + dt_s : 0.0;
    bad = plant->it_low_s > params->it_low_s || plant->it_high_s > params->it_low_s;
    if (!plant->it_down && bad) {
        plant->it_down = true;
        plant->it_resets++;
        plant->it_back_s = 0.0;
        plant->slow_us = 0;
        for (int32_t i = 0; i < plant->gpu_count; i++) {
            plant->load_w -= plant->gpus[i].power_w;
            plant->node_w[plant->gpus[i].node] -= plant->gpus[i].power_w;
            plant->gpus[i].power_w = 0.0;
        }
    } else if (plant->it_down) {
        plant->it_back_s = plant->bus_far_v > PLANT_BUS_IT_BACK_V && !bad ? plant->it_back_s + dt_s : 0.0;
        plant->it_down = plant->it_back_s < PLANT_BUS_IT_BACK_S;
    }
}

void plant_bus_step(struct plant *plant, double dt_s)
{
    const struct plant_sources *s = &plant->sources;
    int32_t cap = plant->psu_count + plant->bbu_count;

    plant->bus_a = plant_bus_load_a(plant_bus_load_w(plant), plant->bus_v);
    plant->dc_w = plant->bus_a * plant->bus_v;
    plant->bus_far_v = fmax(plant->bus_v - plant->params.bus_resistance_ohm * plant->bus_a, 0.0);
    plant->bus_alive_s = plant->bus_v > PLANT_BUS_ALIVE_V ? plant->bus_alive_s + dt_s : 0.0;
    plant->cap_w = s->a[cap] * plant->bus_v;
    plant->cap_j = fmax(plant->cap_j + (plant->cap_charge_w - plant->cap_w) * dt_s, 0.0);
    plant_bus_it(plant, dt_s);
}

bool plant_bus_stirred(const struct plant *plant)
{
    return (!plant->it_down && (plant->it_low_s > 0.0 || plant->it_high_s > 0.0)) || plant->cap_w > 0.0;
}

bool plant_bus_would_stir(const struct plant *plant, double bus_v, double load_w)
{
    double far_v = bus_v - plant->params.bus_resistance_ohm * plant_bus_load_a(load_w, bus_v);
    bool cap = plant->params.cap_power_w > 0.0 && plant->cap_j > 0.0 && bus_v < plant->params.bbu_trigger_v;

    return cap || (!plant->it_down && (far_v < plant->params.it_low_v || far_v > plant->params.it_high_v));
}
