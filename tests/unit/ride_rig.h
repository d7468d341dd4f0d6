/* SPDX-License-Identifier: Apache-2.0 */
/* ride_rig.h: a rack with supplies and batteries on one busbar, for the tests of
 * riding through.
 *
 * A model of its own, as coarse as its steps of 10 ms: supplies that switch off
 * under 175 V, boot, wait and come back; batteries that start under 48.5 V or
 * when their shelf's supplies go off; two droop lines and a constant-power load.
 * What every sensor says follows from it.
 */
#ifndef BUSBAR_TESTS_RIDE_RIG_H
#define BUSBAR_TESTS_RIDE_RIG_H

#include "core_rig.h"

#define RIDE_RIG_SHELVES 4
#define RIDE_RIG_EACH    3 /* supplies, and batteries, a shelf */
#define RIDE_RIG_COUNT   (RIDE_RIG_SHELVES * RIDE_RIG_EACH)
#define RIDE_RIG_GPUS    4

#define RIDE_RIG_NOMINAL_V 240.0
#define RIDE_RIG_RATED_W   5500.0
#define RIDE_RIG_TARGET_V  50.0
#define RIDE_RIG_ENERGY_J  495000.0

/* How devices and sources are listed; it must not matter, the last one is as good as any. */
static bool ride_rig_batteries_first;

/* Index of a shelf's supplies, or batteries, among the sources. */
static inline int32_t ride_rig_supplies(int32_t shelf)
{
    return ride_rig_batteries_first ? RIDE_RIG_SHELVES + shelf : shelf;
}

static inline int32_t ride_rig_batteries(int32_t shelf)
{
    return ride_rig_batteries_first ? shelf : RIDE_RIG_SHELVES + shelf;
}

struct ride_rig_psu {
    int32_t device, input, output, setpoint, start; /* points; start and setpoint levers */
    bool on, mute;                                  /* mute: does not answer, whatever it does */
    double low_s, wait_s, carries_w, gain;          /* gain: of what it says that it carries */
};

struct ride_rig_bbu {
    int32_t device, soc, current, bus, status, charge; /* points; lever */
    bool on;
    double idle_s, gives_w, energy_j;
};

struct ride_rig {
    struct rig *rig;
    int32_t rack, busbar, gpu[RIDE_RIG_GPUS];
    struct ride_rig_psu psu[RIDE_RIG_COUNT];
    struct ride_rig_bbu bbu[RIDE_RIG_COUNT];
    enum signal carry; /* what tells of a supply's load */
    bool keeps;        /* supplies keep settings and answer while off  */
    bool delays;       /* their start delays can be written            */
    double boot_s, extra_s[RIDE_RIG_SHELVES];
    double input[RIDE_RIG_SHELVES];  /* of nominal                                    */
    double psu_droop_v, bbu_droop_v; /* the model's own: not what the core was told   */
    double load_w, bus_v, lowest_v;
    double psu_w, bbu_w;
    double most_ma; /* highest AC current, per unit of W/V           */
    bool frozen;    /* sensors are set by the test                   */
};

static inline struct ride_rig_psu *ride_rig_shelf(struct ride_rig *r, int32_t shelf)
{
    return &r->psu[shelf * RIDE_RIG_EACH];
}

/* ---- configuration ---- */

static inline int32_t ride_rig_point(struct rig *rig, int32_t device, int32_t source, enum signal signal)
{
    int32_t point = rig_point(rig, device, CORE_NONE, signal);

    rig->points[point].source = source;
    rig->points[point].min = -1000.0;
    return point;
}

static inline int32_t ride_rig_hold(struct rig *rig, int32_t device, int32_t source,
                                    enum core_lever_ride ride, double max)
{
    int32_t lever = rig_lever(rig, CORE_LEVER_HOLD, device, CORE_NONE);

    rig->levers[lever].ride = ride;
    rig->levers[lever].source = source;
    rig->levers[lever].max = max;
    return lever;
}

static inline void ride_rig_supply(struct ride_rig *r, int32_t i)
{
    struct rig *rig = r->rig;
    struct ride_rig_psu *psu = &r->psu[i];
    int32_t source = ride_rig_supplies(i / RIDE_RIG_EACH);

    psu->device = rig_device(rig);
    psu->input = ride_rig_point(rig, psu->device, source, SIGNAL_PSU_INPUT_V);
    psu->output = ride_rig_point(rig, psu->device, source, r->carry);
    psu->setpoint = ride_rig_hold(rig, psu->device, source, CORE_LEVER_RIDE_OUTPUT_V, 51.0);
    rig->levers[psu->setpoint].min = 47.0;
    *rig_held(rig, psu->setpoint) = RIDE_RIG_TARGET_V;
    psu->start = CORE_NONE;
    psu->on = true;
    psu->gain = 1.0;
    if (!r->delays)
        return;
    psu->start = ride_rig_hold(rig, psu->device, source, CORE_LEVER_RIDE_START_S, 15.0);
    *rig_held(rig, psu->start) = 0.0;
}

static inline void ride_rig_battery(struct ride_rig *r, int32_t i)
{
    struct rig *rig = r->rig;
    struct ride_rig_bbu *bbu = &r->bbu[i];
    int32_t source = ride_rig_batteries(i / RIDE_RIG_EACH);
    int32_t leaf = rig_node(rig, CORE_NODE_LOAD, r->rack);

    bbu->device = rig_device(rig);
    bbu->soc = ride_rig_point(rig, bbu->device, source, SIGNAL_BBU_SOC_RATIO);
    bbu->current = ride_rig_point(rig, bbu->device, source, SIGNAL_BBU_PACK_A);
    bbu->bus = ride_rig_point(rig, bbu->device, source, SIGNAL_BBU_BUS_V);
    bbu->status = ride_rig_point(rig, bbu->device, source, SIGNAL_BBU_STATUS);
    bbu->charge = rig_lever(rig, CORE_LEVER_CHARGE, bbu->device, leaf);
    rig->levers[bbu->charge].max = 5.0;
    rig->levers[bbu->charge].watts_per_unit = 50.0;
    rig->levers[bbu->charge].timeout_us = 10000000;
    *rig_held(rig, bbu->charge) = 5.0;
    bbu->energy_j = 1.9 * RIDE_RIG_ENERGY_J;
}

static inline void ride_rig_sources(struct ride_rig *r)
{
    static struct core_config_source sources[2 * RIDE_RIG_SHELVES];

    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++) {
        sources[ride_rig_supplies(s)] = (struct core_config_source){
            .kind = CORE_SOURCE_PSU,
            .node = r->rack,
            .module_count = RIDE_RIG_EACH,
            .rated_w = RIDE_RIG_RATED_W,
            .output_v = RIDE_RIG_TARGET_V,
            .droop_v = 1.0,
            .input_min_v = 175.0,
            .input_off_us = 20000,
            .holdup_j = 110.0,
            .handover_ratio = 0.5,
            .ready_us = 2500000,
            .walk_in_us = 60000,
            .keeps_settings = r->keeps,
        };
        sources[ride_rig_batteries(s)] = (struct core_config_source){
            .kind = CORE_SOURCE_BBU,
            .node = r->busbar,
            .module_count = RIDE_RIG_EACH,
            .rated_w = RIDE_RIG_RATED_W,
            .output_v = 48.0,
            .droop_v = 0.5,
            .trigger_v = 48.5,
            .trigger_us = 2000,
            .start_us = 2000,
            .energy_j = RIDE_RIG_ENERGY_J,
        };
    }
    r->rig->config.sources = sources;
    r->rig->config.source_count = 2 * RIDE_RIG_SHELVES;
    r->rig->config.bus = (struct core_config_bus){
        .node = r->busbar,
        .nominal_input_v = RIDE_RIG_NOMINAL_V,
        .capacitance_f = 0.5,
        .resistance_ohm = 0.0001,
        .low_v = 46.0,
        .high_v = 52.0,
    };
}

static inline void ride_rig_plan(struct ride_rig *r)
{
    struct core_plan *plan = r->rig->plan;

    plan->version++;
    plan->ride.enabled = true;
    plan->ride.phase_ratio = 0.5;
    plan->ride.start_count = 3;
    plan->ride.start[0] = (struct core_plan_start){ .outage_us = 500000, .window_us = 200000 };
    plan->ride.start[1] = (struct core_plan_start){ .outage_us = 10000000, .window_us = 1000000 };
    plan->ride.start[2] = (struct core_plan_start){ .outage_us = 60000000, .window_us = 15000000 };
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        rig_want(r->rig, r->psu[i].setpoint)->target = RIDE_RIG_TARGET_V;
    (void)rig_limit(r->rig, r->rack, 60000.0);
}

/* Four shelves of 16.5 kW, four GPUs of 12 kW: kept-alive hardware, with start
 * delays that can be written or without, or stock hardware that loses everything. */
static inline struct ride_rig *ride_rig_make(bool keeps, bool delays, enum signal carry)
{
    struct ride_rig *r = calloc(1, sizeof *r);
    struct rig *rig = rig_new();

    assert_non_null(r);
    r->rig = rig;
    r->keeps = keeps;
    r->delays = delays;
    r->carry = carry;
    r->boot_s = keeps ? 0.05 : 1.0;
    r->psu_droop_v = 1.0;
    r->bbu_droop_v = 0.5;
    r->load_w = 40000.0;
    r->bus_v = r->lowest_v = 49.5;
    r->rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);
    r->busbar = rig_node(rig, CORE_NODE_BUSBAR, r->rack);
    for (int32_t g = 0; g < RIDE_RIG_GPUS; g++) {
        r->gpu[g] = rig_gpu(rig, r->busbar, 3000.0, 12000.0);
        rig->levers[r->gpu[g]].base = 6000.0;
        (void)rig_measure(rig, r->gpu[g], r->load_w / RIDE_RIG_GPUS);
    }
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++) {
        if (!ride_rig_batteries_first)
            ride_rig_supply(r, i);
        ride_rig_battery(r, i);
        if (ride_rig_batteries_first)
            ride_rig_supply(r, i);
    }
    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        r->input[s] = 1.0;
    ride_rig_sources(r);
    rig_start(rig);
    ride_rig_plan(r);
    return r;
}

static inline struct ride_rig *ride_rig_new(bool keeps)
{
    return ride_rig_make(keeps, keeps, SIGNAL_PSU_OUTPUT_W);
}

/* Its shelves come back one by one, and can be told what to do before they do. */
static inline struct ride_rig *ride_rig_new_apart(enum signal carry)
{
    return ride_rig_make(true, false, carry);
}

static inline void ride_rig_free(struct ride_rig *r)
{
    rig_free(r->rig);
    free(r);
}

/* ---- the model ---- */

static inline void ride_rig_psu_step(struct ride_rig *r, int32_t i, double dt_s)
{
    struct ride_rig_psu *psu = &r->psu[i];
    double v = r->input[i / RIDE_RIG_EACH] * RIDE_RIG_NOMINAL_V;

    psu->low_s = v < 175.0 ? psu->low_s + dt_s : 0.0;
    if (psu->on && psu->low_s > 0.02) {
        psu->on = false;
        if (!r->keeps)
            *rig_held(r->rig, psu->setpoint) = RIDE_RIG_TARGET_V;
    }
    if (psu->on || v < 186.0) {
        psu->wait_s = r->boot_s + r->extra_s[i / RIDE_RIG_EACH] +
                      (psu->start != CORE_NONE ? *rig_held(r->rig, psu->start) : 0.0);
    } else {
        psu->wait_s -= dt_s;
        psu->on = psu->wait_s <= 0.0;
    }
    /* stock hardware is mute until it has booted */
    r->rig->silent[psu->device] =
        psu->mute || (!psu->on && !r->keeps && !(v >= 186.0 && psu->wait_s <= r->extra_s[i / RIDE_RIG_EACH]));
}

static inline double ride_rig_given_w(struct ride_rig *r, double v)
{
    double sum_w = 0.0;

    r->psu_w = r->bbu_w = 0.0;
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++) {
        struct ride_rig_psu *psu = &r->psu[i];
        struct ride_rig_bbu *bbu = &r->bbu[i];
        double w = (*rig_held(r->rig, psu->setpoint) - v) / r->psu_droop_v * RIDE_RIG_RATED_W;
        double most_w =
            RIDE_RIG_RATED_W * fmin(1.6, r->input[i / RIDE_RIG_EACH] * RIDE_RIG_NOMINAL_V / 180.0);

        psu->carries_w = psu->on ? fmin(fmax(w, 0.0), most_w) : 0.0;
        w = (48.0 - v) / r->bbu_droop_v * RIDE_RIG_RATED_W;
        bbu->gives_w = bbu->on ? fmin(fmax(w, 0.0), 1.6 * RIDE_RIG_RATED_W) : 0.0;
        r->psu_w += psu->carries_w;
        r->bbu_w += bbu->gives_w;
        sum_w += psu->carries_w + bbu->gives_w;
    }
    return sum_w;
}

static inline void ride_rig_solve(struct ride_rig *r)
{
    double low_v = 40.0, high_v = 51.0;

    for (int32_t k = 0; k < 50; k++) {
        double v = 0.5 * (low_v + high_v);

        if (ride_rig_given_w(r, v) > r->load_w)
            low_v = v;
        else
            high_v = v;
    }
    r->bus_v = low_v;
    (void)ride_rig_given_w(r, low_v);
}

static inline void ride_rig_bbu_step(struct ride_rig *r, int32_t i, double dt_s)
{
    struct ride_rig_bbu *bbu = &r->bbu[i];
    bool called = r->bus_v < 48.5 || !ride_rig_shelf(r, i / RIDE_RIG_EACH)->on;

    bbu->idle_s = bbu->gives_w < 5.0 && r->bus_v > 48.5 ? bbu->idle_s + dt_s : 0.0;
    bbu->on = called || (bbu->on && bbu->idle_s < 0.2);
    bbu->energy_j -= bbu->gives_w * dt_s;
}

static inline double ride_rig_carry(const struct ride_rig *r, int32_t i)
{
    double w = r->psu[i].carries_w * r->psu[i].gain, v = r->input[i / RIDE_RIG_EACH] * RIDE_RIG_NOMINAL_V;

    switch ((int)r->carry) {
    case SIGNAL_PSU_OUTPUT_W:
        return w;
    case SIGNAL_PSU_INPUT_W:
        return w / 0.965;
    case SIGNAL_PSU_INPUT_A:
        return v > 0.0 ? w / 0.965 / v : 0.0;
    default:
        return 40.0; /* tells nothing */
    }
}

static inline void ride_rig_sensors(struct ride_rig *r)
{
    double *value = r->rig->value, load_w = 0.0;

    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++) {
        value[r->psu[i].input] = r->input[i / RIDE_RIG_EACH] * RIDE_RIG_NOMINAL_V;
        value[r->psu[i].output] = ride_rig_carry(r, i);
        value[r->bbu[i].current] = -r->bbu[i].gives_w / 44.0;
        value[r->bbu[i].bus] = r->bus_v;
        value[r->bbu[i].soc] = fmax(r->bbu[i].energy_j / (1.9 * RIDE_RIG_ENERGY_J), 0.0);
    }
    for (int32_t g = 0; g < RIDE_RIG_GPUS; g++) {
        value[r->rig->levers[r->gpu[g]].demand_point] = r->load_w / RIDE_RIG_GPUS;
        load_w += *rig_held(r->rig, r->gpu[g]);
    }
    if (load_w < r->load_w)
        r->load_w = load_w; /* limits are obeyed */
}

static inline void ride_rig_step(struct ride_rig *r)
{
    double dt_s = (double)r->rig->step_us * 1e-6, ma = 0.0;

    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        ride_rig_psu_step(r, i, dt_s);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        ride_rig_bbu_step(r, i, dt_s);
    ride_rig_solve(r);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++) /* within 4 ms */
        r->bbu[i].on = r->bbu[i].on || r->bus_v < 48.5;
    ride_rig_solve(r);
    r->lowest_v = fmin(r->lowest_v, r->bus_v);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        ma += r->psu[i].on ? r->psu[i].carries_w / r->input[i / RIDE_RIG_EACH] : 0.0;
    r->most_ma = ma;
    if (!r->frozen)
        ride_rig_sensors(r);
    rig_step(r->rig);
}

static inline void ride_rig_run(struct ride_rig *r, double span_s)
{
    for (int64_t end_us = r->rig->now_us + (int64_t)(span_s * 1e6); r->rig->now_us < end_us;)
        ride_rig_step(r);
}

static inline void ride_rig_input(struct ride_rig *r, double ratio)
{
    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        r->input[s] = ratio;
}

/* ---- results ---- */

static inline enum core_ride ride_rig_state(const struct ride_rig *r)
{
    return r->rig->out->ride.state;
}

static inline double ride_rig_setpoint(struct ride_rig *r, int32_t i)
{
    return *rig_held(r->rig, r->psu[i].setpoint);
}

/* Highest and lowest set-point over all supplies. */
static inline double ride_rig_spread(struct ride_rig *r)
{
    double low = INFINITY, high = -INFINITY;

    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++) {
        low = fmin(low, ride_rig_setpoint(r, i));
        high = fmax(high, ride_rig_setpoint(r, i));
    }
    return high - low;
}

/* A new daemon that knows nothing. */
static inline void ride_rig_restart(struct ride_rig *r)
{
    rig_boot(r->rig);
    r->rig->ack_count = 0;
}

/* Sets what sensors say by hand from here on. */
static inline void ride_rig_freeze(struct ride_rig *r, double ratio, double pack_a)
{
    r->frozen = true;
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++) {
        r->rig->value[r->psu[i].input] = ratio * RIDE_RIG_NOMINAL_V;
        r->rig->value[r->bbu[i].current] = pack_a;
        r->rig->value[r->bbu[i].bus] = pack_a < 0.0 ? 47.8 : 49.5;
    }
}

#endif
