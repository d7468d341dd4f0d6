/* SPDX-License-Identifier: Apache-2.0 */
/* plant_bbu.c: when a battery module takes the busbar, on which line, for how
 * long; and how it charges.
 *
 * Pure: no I/O, no clock, no heap. energy_j counts what reaches the busbar at
 * rated power: the pack holds more, by what converter and resistance lose then;
 * a lighter load loses less and lasts longer.
 */
#include "plant_bbu.h"

#include <math.h>
#include <stdio.h>

#include "plant_gpu.h"

#define PLANT_BBU_FULL_V        44.0 /* of the pack                                  */
#define PLANT_BBU_EMPTY_V       36.0
#define PLANT_BBU_SOC_FULL      0.999
#define PLANT_BBU_CHARGE_MAX_A  6.0 /* the charger's limit                          */
#define PLANT_BBU_CHARGE_STEP_A 0.1
#define PLANT_BBU_TINY_S        1e-9

double plant_bbu_rated_a(const struct plant *plant)
{
    return plant->params.bbu_rated_w / (plant->params.bbu_output_v - plant->params.bbu_droop_v);
}

bool plant_bbu_able(const struct plant_bbu *b)
{
    return b->present && !b->failed && b->energy_j > 0.0;
}

/* On its line: gives what the line says. */
static bool plant_bbu_carries(const struct plant *plant, const struct plant_bbu *b)
{
    return plant_bbu_able(b) && !b->spent && b->triggered &&
           b->start_s + PLANT_BBU_TINY_S >= plant->params.bbu_start_s;
}

static double plant_bbu_open_v(double soc)
{
    return PLANT_BBU_EMPTY_V + (PLANT_BBU_FULL_V - PLANT_BBU_EMPTY_V) * soc;
}

/* What the pack itself gives for bus_w: converter, then resistance. */
static double plant_bbu_pack_a(const struct plant_params *params, double open_v, double bus_w)
{
    double ohm = params->bbu_resistance_ohm;
    double square = open_v * open_v - 4.0 * ohm * bus_w / params->bbu_efficiency_ratio;

    return (open_v - sqrt(fmax(square, 0.0))) / (2.0 * ohm);
}

/* ---- settings ---- */

static void plant_bbu_defaults(const struct plant *plant, struct plant_bbu *bbu)
{
    bbu->charge_default_a = round(plant->params.bbu_charge_w / PLANT_BBU_FULL_V / PLANT_BBU_CHARGE_STEP_A) *
                            PLANT_BBU_CHARGE_STEP_A;
    bbu->override_a = 0.0;
    bbu->override_on = false;
    bbu->override_was_on = false;
    bbu->override_timeout_s = 0.0;
    bbu->override_left_s = 0.0;
    bbu->override_full_s = 0.0;
    bbu->forced_left_s = 0.0;
    bbu->mode = 0;
    bbu->discharge_time_s = 90;
    bbu->charge_delay_s = (uint16_t)plant->params.bbu_charge_delay_s;
    bbu->recharge_threshold_pct = 95;
}

void plant_bbu_reset(struct plant *plant, int32_t bbu)
{
    plant_bbu_defaults(plant, &plant->bbus[bbu]);
    plant->bbus[bbu].resets++;
}

void plant_bbu_override(struct plant *plant, int32_t bbu, bool on)
{
    struct plant_bbu *b = &plant->bbus[bbu];

    b->override_on = on;
    b->override_was_on = on;
    b->override_full_s = b->override_timeout_s;
    b->override_left_s = on ? b->override_timeout_s : 0.0;
}

void plant_bbu_gain(struct plant *plant)
{
    const struct plant_params *params = &plant->params;
    double open_v = plant_bbu_open_v(0.5);

    plant->bbu_gain = open_v * plant_bbu_pack_a(params, open_v, params->bbu_rated_w) / params->bbu_rated_w;
}

void plant_bbu_start(struct plant *plant, int32_t bbu)
{
    struct plant_bbu *b = &plant->bbus[bbu];

    *b = (struct plant_bbu){ .shelf = b->shelf, .resets = b->resets };
    b->present = true;
    b->energy_full_j = plant->params.bbu_energy_j * plant->params.bbu_health_ratio;
    b->energy_j = b->energy_full_j * rng_uniform(&plant->rng, 0.96, 1.0);
    b->pack_v = plant_bbu_open_v(b->energy_j / b->energy_full_j);
    b->temp_c = PLANT_AMBIENT_C;
    plant_bbu_defaults(plant, b);
    (void)snprintf(b->serial, sizeof b->serial, "SIMBBU%010llu",
                   (unsigned long long)(rng_u64(&plant->rng) % 10000000000U));
}

/* ---- charging ---- */

/* The override ends by itself; a server may have written just its fields. */
static void plant_bbu_countdown(struct plant_bbu *b, double dt_s)
{
    if (b->override_on && !b->override_was_on) {
        b->override_full_s = b->override_timeout_s;
        if (b->override_left_s <= 0.0)
            b->override_left_s = b->override_timeout_s;
    } else if (b->override_on && b->override_left_s > 0.0) {
        b->override_left_s -= dt_s;
        if (b->override_left_s <= PLANT_BBU_TINY_S) {
            b->override_left_s = 0.0;
            b->override_on = false;
        }
    }
    b->override_was_on = b->override_on;
}

static double plant_bbu_charge_a(const struct plant *plant, struct plant_bbu *b)
{
    double soc = b->energy_j / b->energy_full_j;
    double wanted_a;

    if (soc >= PLANT_BBU_SOC_FULL)
        b->charging = false;
    else if (soc * 100.0 < b->recharge_threshold_pct)
        b->charging = true;
    if (!b->present || b->failed || b->triggered || !b->charging || b->charge_wait_s > 0.0 ||
        plant->bus_v < plant->params.bbu_trigger_v)
        return 0.0;
    wanted_a = b->override_on ? b->override_a : b->charge_default_a;
    return fmin(fmax(wanted_a, 0.0), PLANT_BBU_CHARGE_MAX_A);
}

/* The converter's limit, or the most that the pack gives through its resistance. */
static double plant_bbu_limit_a(const struct plant *plant, const struct plant_bbu *b, double rated_a)
{
    const struct plant_params *params = &plant->params;
    double open_v = plant_bbu_open_v(b->energy_j / b->energy_full_j);
    double most_w = params->bbu_efficiency_ratio * open_v * open_v / (4.0 * params->bbu_resistance_ohm);

    return fmin(rated_a * params->bbu_peak_ratio, most_w / params->bbu_output_v);
}

void plant_bbu_offer(struct plant *plant)
{
    const struct plant_params *params = &plant->params;
    struct plant_sources *s = &plant->sources;
    double rated_a = plant_bbu_rated_a(plant);

    plant->charge_w = 0.0;
    for (int32_t i = 0; i < plant->shelf_count; i++)
        plant->shelves[i].charge_w = 0.0;
    for (int32_t i = 0; i < plant->bbu_count; i++) {
        struct plant_bbu *b = &plant->bbus[i];
        int32_t k = plant->psu_count + i;
        double charge_w;

        b->carried = plant_bbu_carries(plant, b);
        s->e_v[k] = params->bbu_output_v;
        s->g_a_per_v[k] = rated_a / params->bbu_droop_v;
        s->limit_a[k] = b->carried ? plant_bbu_limit_a(plant, b, rated_a) : 0.0;
        b->charge_a = plant_bbu_charge_a(plant, b);
        charge_w = b->charge_a * b->pack_v;
        plant->shelves[b->shelf].charge_w += charge_w;
        plant->charge_w += charge_w;
    }
}

/* ---- discharging ---- */

static void plant_bbu_energy(const struct plant *plant, struct plant_bbu *b, double dt_s)
{
    const struct plant_params *params = &plant->params;
    double open_v = plant_bbu_open_v(b->energy_j / b->energy_full_j);
    double bus_w = b->output_a * plant->bus_v;

    if (bus_w > 0.0) {
        b->pack_a = -plant_bbu_pack_a(params, open_v, bus_w);
        b->discharged_j += bus_w * dt_s;
        b->energy_j = fmax(b->energy_j + open_v * b->pack_a * dt_s / plant->bbu_gain, 0.0);
    } else if (b->charge_a > 0.0) {
        double in_w = b->charge_a * b->pack_v * params->bbu_efficiency_ratio;

        b->pack_a = b->charge_a;
        in_w -= b->charge_a * b->charge_a * params->bbu_resistance_ohm;
        b->energy_j = fmin(b->energy_j + in_w * dt_s / plant->bbu_gain, b->energy_full_j);
    } else {
        b->pack_a = 0.0;
    }
    b->pack_v = fmax(open_v + (b->pack_a < 0.0 ? b->pack_a * params->bbu_resistance_ohm : 0.0), 0.0);
}

/* Under the trigger since within the last step, seen from its end. */
static double plant_bbu_below_s(const struct plant *plant, double below_s, double dt_s)
{
    double trigger_v = plant->params.bbu_trigger_v;

    if (below_s <= 0.0 && plant->bus_last_v > trigger_v)
        return dt_s * (trigger_v - plant->bus_v) / (plant->bus_last_v - plant->bus_v);
    return below_s + dt_s;
}

static void plant_bbu_rest(const struct plant *plant, struct plant_bbu *b, double dt_s)
{
    const struct plant_params *params = &plant->params;
    bool called = plant->shelves[b->shelf].ac_loss || b->forced_left_s > 0.0;

    b->below_s = plant->bus_v < params->bbu_trigger_v ? plant_bbu_below_s(plant, b->below_s, dt_s) : 0.0;
    if (b->below_s + PLANT_BBU_TINY_S < params->bbu_trigger_s && !called)
        return;
    b->triggered = true;
    b->start_s = called ? 0.0 : b->below_s - params->bbu_trigger_s;
    b->release_s = b->discharge_s = 0.0;
}

/* Stands by again once the supplies carry; stops when its time is over. */
static void plant_bbu_active(const struct plant *plant, struct plant_bbu *b, double dt_s)
{
    const struct plant_params *params = &plant->params;
    bool called = plant->shelves[b->shelf].ac_loss || b->forced_left_s > 0.0;
    bool idle = b->output_a < params->bbu_release_a;

    b->start_s += dt_s;
    if (!idle)
        b->discharge_s += dt_s;
    if (b->discharge_time_s > 0 && b->discharge_s + PLANT_BBU_TINY_S >= b->discharge_time_s)
        b->spent = true;
    b->release_s = idle && !called && plant->bus_v > params->bbu_trigger_v ? b->release_s + dt_s : 0.0;
    if (b->release_s + PLANT_BBU_TINY_S < params->bbu_release_s)
        return;
    if (b->discharge_s > 0.0)
        b->charge_wait_s = b->charge_delay_s;
    b->triggered = b->spent = false;
    b->below_s = b->start_s = b->release_s = b->discharge_s = 0.0;
}

void plant_bbu_step(struct plant *plant, double dt_s)
{
    plant->bbu_w = 0.0;
    for (int32_t i = 0; i < plant->bbu_count; i++) {
        struct plant_bbu *b = &plant->bbus[i];

        b->output_a = plant->sources.a[plant->psu_count + i];
        b->bus_v = plant->bus_v;
        plant->bbu_w += b->output_a * plant->bus_v;
        plant_bbu_energy(plant, b, dt_s);
        plant_bbu_countdown(b, dt_s);
        b->charge_wait_s = fmax(b->charge_wait_s - dt_s, 0.0);
        b->forced_left_s = fmax(b->forced_left_s - dt_s, 0.0);
        if (!b->present || b->failed) {
            b->triggered = b->spent = false;
            b->below_s = b->start_s = b->release_s = b->discharge_s = 0.0;
        } else if (b->triggered) {
            plant_bbu_active(plant, b, dt_s);
        } else {
            plant_bbu_rest(plant, b, dt_s);
        }
        b->discharging = plant_bbu_carries(plant, b);
    }
}

/* ---- which steps are needed ---- */

bool plant_bbu_stirred(const struct plant *plant)
{
    const struct plant_params *params = &plant->params;

    for (int32_t i = 0; i < plant->bbu_count; i++) {
        const struct plant_bbu *b = &plant->bbus[i];
        bool called = plant->shelves[b->shelf].ac_loss || b->forced_left_s > 0.0;

        if (plant_bbu_carries(plant, b) != b->carried)
            return true;
        if (!plant_bbu_able(b) || b->spent)
            continue;
        if (b->triggered ? b->start_s + PLANT_BBU_TINY_S < params->bbu_start_s : b->below_s > 0.0 || called)
            return true;
    }
    return false;
}

bool plant_bbu_would_stir(const struct plant *plant, double bus_v)
{
    const struct plant_sources *s = &plant->sources;

    for (int32_t i = 0; i < plant->bbu_count; i++) {
        const struct plant_bbu *b = &plant->bbus[i];
        int32_t k = plant->psu_count + i;

        if (b->carried && s->g_a_per_v[k] * (s->e_v[k] - bus_v) >= s->limit_a[k])
            return true;
        if (plant_bbu_able(b) && !b->spent && !b->triggered && bus_v < plant->params.bbu_trigger_v)
            return true;
    }
    return false;
}

static double plant_bbu_least(double least_s, double left_s)
{
    return left_s > 0.0 && left_s < least_s ? left_s : least_s;
}

double plant_bbu_next_s(const struct plant *plant, double most_s)
{
    const struct plant_params *params = &plant->params;

    for (int32_t i = 0; i < plant->bbu_count; i++) {
        const struct plant_bbu *b = &plant->bbus[i];

        if (b->override_on)
            most_s = plant_bbu_least(most_s, b->override_left_s);
        most_s = plant_bbu_least(most_s, b->charge_wait_s);
        most_s = plant_bbu_least(most_s, b->forced_left_s);
        if (!b->triggered)
            continue;
        most_s = plant_bbu_least(most_s, params->bbu_release_s - b->release_s);
        if (b->output_a > 0.0) {
            most_s = plant_bbu_least(most_s, b->discharge_time_s - b->discharge_s);
            if (!b->spent && b->pack_a < 0.0) /* until it is empty */
                most_s = plant_bbu_least(most_s,
                                         b->energy_j * plant->bbu_gain /
                                             (plant_bbu_open_v(b->energy_j / b->energy_full_j) * -b->pack_a));
        }
    }
    return most_s;
}
