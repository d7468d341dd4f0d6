/* SPDX-License-Identifier: Apache-2.0 */
/* campaign_draw.c: what a seed means: a rack, its load, and what goes wrong.
 *
 * Pure. What the core takes as a bound (losses, overshoot, static loads) stays at
 * or under what it is told; everything else of the plant is drawn around the books
 * by up to 30 %. Most racks are small, because physics and law do not know how
 * many GPUs there are; one in twenty-five is a whole one.
 */
#include "campaign.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CAMPAIGN_DRAW_WHOLE    0.04 /* part of racks that are full size                 */
#define CAMPAIGN_DRAW_AROUND   0.30
#define CAMPAIGN_DRAW_OVERLOAD 0.25
#define CAMPAIGN_DRAW_FIRST_S  1.0 /* nothing goes wrong before                        */

static bool campaign_draw_luck(struct rng *rng, double part)
{
    return rng_uniform(rng, 0.0, 1.0) < part;
}

static int32_t campaign_draw_count(struct rng *rng, int32_t least, int32_t most)
{
    int32_t n = least + (int32_t)floor(rng_uniform(rng, 0.0, (double)(most - least + 1)));

    return n > most ? most : n;
}

static double campaign_draw_log(struct rng *rng, double low, double high)
{
    return exp(rng_uniform(rng, log(low), log(high)));
}

/* ---- the rack ---- */

static void campaign_draw_size(struct campaign_case *c, struct rng *rng, bool hpr)
{
    struct rack *rack = &c->rack;
    bool whole = campaign_draw_luck(rng, CAMPAIGN_DRAW_WHOLE);
    double load_w;

    rack->node_count = whole ? 18.0 : campaign_draw_count(rng, 1, 3);
    rack->node_gpus = whole ? 4.0 : campaign_draw_count(rng, 1, 4);
    rack->node_static_w = rng_uniform(rng, 200.0, 1900.0);
    rack->switches_w = rng_uniform(rng, 0.0, whole ? 7400.0 : 800.0);
    rack->psu_rated_w = hpr ? 5500.0 : 3000.0;
    load_w =
        rack->node_count * (rack->node_static_w + rack->node_gpus * rack->gpu_rated_w) + rack->switches_w;
    rack->shelf_count = whole ? 4.0 : campaign_draw_count(rng, 1, 2);
    /* enough supplies for the load and one a shelf more, as racks are built */
    rack->shelf_psus = fmin(6.0, ceil(load_w / (rack->shelf_count * rack->psu_rated_w)) + 1.0);
    while (rack->shelf_count * (rack->shelf_psus - 1.0) * rack->psu_rated_w < load_w &&
           rack->shelf_count < 8.0)
        rack->shelf_count += 1.0;
    rack->shelf_bbus = rack->shelf_psus;
}

static void campaign_draw_rack(struct campaign_case *c, struct rng *rng)
{
    struct rack *rack = &c->rack;
    bool hpr = campaign_draw_luck(rng, 0.6);

    memset(rack, 0, sizeof *rack);
    (void)snprintf(rack->name, sizeof rack->name, "case");
    (void)snprintf(rack->kind, sizeof rack->kind, "%s", hpr ? "hpr" : "orv3");
    (void)snprintf(rack->gpu_knee, sizeof rack->gpu_knee, "v100");
    rack->nominal_v = (double[]){ 208.0, 230.0, 240.0, 277.0 }[campaign_draw_count(rng, 0, 3)];
    rack->windows_ms = (struct rack_number_list){ .count = 3, .value = { 100.0, 1000.0, 10000.0 } };
    rack->gpu_idle_w = rng_uniform(rng, 80.0, 180.0);
    rack->gpu_rated_w = (double[]){ 700.0, 1000.0, 1200.0 }[campaign_draw_count(rng, 0, 2)];
    rack->gpu_limit_min_w = 200.0;
    rack->gpu_limit_max_w = rack->gpu_rated_w;
    rack->gpu_overshoot_ratio = (double[]){ 0.0, 0.12, 0.12, 0.30, 0.43 }[campaign_draw_count(rng, 0, 4)];
    rack->gpu_limit_delay_ms = rng_uniform(rng, 20.0, 100.0);
    rack->psu_efficiency_ratio = 0.965;
    rack->bbu_energy_j = hpr ? 960000.0 : 720000.0;
    rack->modbus_baud = hpr ? 115200.0 : 19200.0;
    rack->modbus_turnaround_ms =
        (struct rack_number_list){ .count = 2, .value = { hpr ? 2.0 : 5.0, hpr ? 20.0 : 15.0 } };
    rack->redfish_p50_ms = 450.0;
    rack->redfish_p95_ms = 680.0;
    rack->redfish_p99_ms = 780.0;
    campaign_draw_size(c, rng, hpr);
}

static void campaign_draw_params(struct campaign_case *c, struct rng *rng)
{
    enum plant_start_kind start = (enum plant_start_kind)campaign_draw_count(rng, 0, PLANT_START_COUNT - 1);
    struct plant_params *params = &c->params;

    plant_params_preset(params, strcmp(c->rack.kind, "hpr") == 0 ? PLANT_HPR : PLANT_ORV3, start);
    params->nominal_v = c->rack.nominal_v;
    for (int i = 0; i < plant_param_count(); i++) {
        const struct plant_param *row = plant_param_at(i);
        double preset = plant_param_get(params, row), value;

        /* what a specification or a data sheet says is so; what was assumed may be otherwise */
        if (!strstr(row->basis, "INFERRED") && !strstr(row->basis, "ASSUMED"))
            continue;
        value = preset * rng_uniform(rng, 1.0 - CAMPAIGN_DRAW_AROUND, 1.0 + CAMPAIGN_DRAW_AROUND);
        plant_param_set(params, row, fmin(fmax(value, row->low), row->high));
    }
    /* modules carry what their label says, and are as old as they may be */
    params->bbu_rated_w = c->rack.psu_rated_w;
    params->bbu_health_ratio = rng_uniform(rng, 0.55, 1.0);
    /* every tray and shelf brings its part of the capacitance */
    params->bus_capacitance_f =
        fmax(params->bus_capacitance_f * c->rack.shelf_count * c->rack.shelf_psus * c->rack.psu_rated_w /
                 (params->kind == PLANT_HPR ? 132000.0 : 18000.0),
             0.002);
    params->bus_resistance_ohm = campaign_draw_log(rng, 0.00005, 0.0005);
    params->psu_share_ratio = rng_uniform(rng, 0.0, 0.05);
    /* better than the books: the core counts with the worst */
    params->psu_efficiency_ratio = rng_uniform(rng, 0.965, 0.978);
    params->bbu_charge_w = 250.0 * rng_uniform(rng, 1.0 - CAMPAIGN_DRAW_AROUND, 1.0);
}

static void campaign_draw_load(struct campaign_case *c, struct rng *rng)
{
    static const enum load_kind kinds[] = { LOAD_CONSTANT, LOAD_SQUARE, LOAD_SQUARE, LOAD_INFERENCE,
                                            LOAD_STEP };

    c->load = (struct load_options){
        .kind = kinds[campaign_draw_count(rng, 0, 4)],
        .high_ratio = rng_uniform(rng, 0.5, 1.0),
        .low_ratio = rng_uniform(rng, 0.0, 0.4),
        .period_s = campaign_draw_log(rng, 0.2, 10.0),
        .duty_ratio = rng_uniform(rng, 0.2, 0.8),
        .skew_s = campaign_draw_luck(rng, 0.5) ? 0.05 : 1.0,
        .at_s = rng_uniform(rng, 0.0, 5.0),
        .until_s = rng_uniform(rng, 6.0, 20.0),
        .rate_hz = campaign_draw_log(rng, 0.2, 4.0),
    };
}

/* ---- troubles ---- */

static double campaign_draw_value(struct rng *rng, enum link_fault fault)
{
    switch (fault) {
    case LINK_LOSS:
        return rng_uniform(rng, 0.02, 0.5);
    case LINK_LATE:
        return rng_uniform(rng, 0.1, 3.0);
    case LINK_DUPLICATE:
        return rng_uniform(rng, 0.1, 1.0);
    case LINK_LIE:
        return campaign_draw_luck(rng, 0.5) ? rng_uniform(rng, 0.0, 0.9) : rng_uniform(rng, 1.1, 3.0);
    case LINK_LATE_WRITE:
        return rng_uniform(rng, 0.1, 0.8);
    default:
        return NAN;
    }
}

/* Corner points of the codes, and anything between them. */
static void campaign_draw_sag(struct campaign_trouble *t, struct rng *rng)
{
    t->phases = (enum plant_grid_phases)campaign_draw_count(rng, 0, PLANT_GRID_PHASES_COUNT - 1);
    t->wye = campaign_draw_luck(rng, 0.5);
    if (t->kind == CAMPAIGN_INTERRUPTION) {
        t->phases = PLANT_GRID_ABC;
        t->value = 0.0;
        t->for_s = campaign_draw_log(rng, 0.005, 20.0);
    } else {
        t->value = campaign_draw_luck(rng, 0.1) ? rng_uniform(rng, 1.02, 1.2) : rng_uniform(rng, 0.0, 0.9);
        t->for_s = campaign_draw_log(rng, 0.005, 5.0);
    }
}

static void campaign_draw_trouble(struct campaign_case *c, struct campaign_trouble *t, struct rng *rng)
{
    int32_t modules = (int32_t)(c->rack.shelf_count * c->rack.shelf_psus);

    *t = (struct campaign_trouble){
        .kind = (enum campaign_trouble_kind)campaign_draw_count(rng, 0, CAMPAIGN_PLAN),
        .at_s = rng_uniform(rng, CAMPAIGN_DRAW_FIRST_S, c->seconds * 0.8),
        .for_s = campaign_draw_luck(rng, 0.2) ? INFINITY : campaign_draw_log(rng, 0.05, 10.0),
        .value = NAN,
        .device = CORE_NONE,
    };
    if (campaign_draw_luck(rng, 0.35))
        t->kind = CAMPAIGN_LINK; /* the most of what breaks */
    switch (t->kind) {
    case CAMPAIGN_LINK:
        t->fault = (enum link_fault)campaign_draw_count(rng, 0, LINK_FAULT_COUNT - 1);
        t->value = campaign_draw_value(rng, t->fault);
        t->device = campaign_draw_luck(rng, 0.3) ? CORE_NONE : campaign_draw_count(rng, 0, 1000);
        break;
    case CAMPAIGN_SAG:
    case CAMPAIGN_INTERRUPTION:
        campaign_draw_sag(t, rng);
        break;
    case CAMPAIGN_PSU_FAIL:
    case CAMPAIGN_BBU_FAIL:
    case CAMPAIGN_SWAP:
    case CAMPAIGN_RESET:
        t->device = campaign_draw_count(rng, 0, modules - 1);
        t->value = rng_uniform(rng, 0.0, 2.0); /* SWAP, RESET: supply or battery */
        break;
    case CAMPAIGN_CRASH:
    case CAMPAIGN_PAUSE:
        t->for_s = campaign_draw_log(rng, 0.01, 4.0);
        break;
    case CAMPAIGN_PLAN:
        t->value = rng_uniform(rng, 0.0, 1.0); /* between floor and ceiling */
        break;
    default:
        break;
    }
}

static bool campaign_draw_is_grid(const struct campaign_trouble *t)
{
    return t->kind == CAMPAIGN_SAG || t->kind == CAMPAIGN_INTERRUPTION;
}

/* What comes twice matters where one order of a lever follows the other, down here while
 * another waits for the room there: loads take turns under an envelope that is too small
 * for all, and an operator moves power between them. Drawn apart, as below. */
static void campaign_draw_busy(struct campaign_case *c, struct campaign_trouble *t, double floor_w,
                               double ceiling_w)
{
    struct rng rng;

    rng_init(&rng, c->seed, 79);
    t->value = rng_uniform(&rng, 0.3, 1.0);
    t->at_s = rng_uniform(&rng, CAMPAIGN_DRAW_FIRST_S, c->seconds * 0.4);
    t->for_s = rng_uniform(&rng, 3.0, 20.0);
    t->device = campaign_draw_luck(&rng, 0.7) ? CORE_NONE : t->device;
    c->load.kind = LOAD_SQUARE;
    c->load.period_s = rng_uniform(&rng, 2.0, 8.0);
    c->load.duty_ratio = rng_uniform(&rng, 0.3, 0.7);
    c->load.skew_s = c->load.period_s;
    c->shift_s = rng_uniform(&rng, 1.2, 4.0);
    c->shift_part = rng_uniform(&rng, 0.0, 0.4);
    if (campaign_draw_luck(&rng, 0.5))
        c->envelope_w = c->rack.envelope_w =
            round(floor_w + rng_uniform(&rng, 0.1, 0.7) * (ceiling_w - floor_w));
}

/* Few supplies are left for the load, and nothing limits that: they fall into their
 * over-current mode; not together with a sag, which no supply bears then. And what is
 * only lent. Drawn apart: other draws stay what they are. */
static void campaign_draw_more(struct campaign_case *c, double floor_w, double ceiling_w)
{
    struct rng rng;
    bool grid = false;

    rng_init(&rng, c->seed, 78);
    for (int32_t i = 0; i < c->trouble_count; i++) {
        if (c->trouble[i].kind == CAMPAIGN_LINK && c->trouble[i].fault == LINK_DUPLICATE)
            campaign_draw_busy(c, &c->trouble[i], floor_w, ceiling_w);
        grid = grid || campaign_draw_is_grid(&c->trouble[i]);
        if (c->trouble[i].kind == CAMPAIGN_PLAN && campaign_draw_luck(&rng, 0.5)) {
            c->trouble[i].lends = true;
            c->trouble[i].for_s = campaign_draw_log(&rng, 0.5, 8.0);
        }
    }
    if (grid || c->trouble_count == CAMPAIGN_TROUBLES_MAX ||
        !campaign_draw_luck(&rng, CAMPAIGN_DRAW_OVERLOAD))
        return;
    c->trouble[c->trouble_count++] =
        (struct campaign_trouble){ .kind = CAMPAIGN_OVERLOAD,
                                   .at_s = rng_uniform(&rng, CAMPAIGN_DRAW_FIRST_S, c->seconds * 0.5),
                                   .for_s = rng_uniform(&rng, 6.0, 12.0),
                                   .value = NAN,
                                   .device = CORE_NONE };
    c->envelope_w = c->rack.envelope_w = round(ceiling_w);
}

/* Grid events must not overlap: the later one is moved behind the earlier. */
static void campaign_draw_order(struct campaign_case *c)
{
    double free_s = 0.0;

    for (int32_t i = 1; i < c->trouble_count; i++) /* few: by insertion */
        for (int32_t k = i; k > 0 && c->trouble[k].at_s < c->trouble[k - 1].at_s; k--) {
            struct campaign_trouble t = c->trouble[k];

            c->trouble[k] = c->trouble[k - 1];
            c->trouble[k - 1] = t;
        }
    for (int32_t i = 0; i < c->trouble_count; i++)
        if (campaign_draw_is_grid(&c->trouble[i])) {
            c->trouble[i].at_s = fmax(c->trouble[i].at_s, free_s);
            free_s = c->trouble[i].at_s + c->trouble[i].for_s + 0.01;
            c->seconds = fmax(c->seconds, free_s + 4.0);
        }
}

/* From a stream of its own: everything else of a seed is as it was before there were
 * forecasters. Most listen, and most of those are told nonsense. */
static void campaign_draw_forecast(struct campaign_case *c)
{
    struct rng rng;

    rng_init(&rng, c->seed, 79);
    c->forecast = (enum core_forecast[]){ CORE_FORECAST_OFF, CORE_FORECAST_LEARN, CORE_FORECAST_TOLD,
                                          CORE_FORECAST_TOLD }[campaign_draw_count(&rng, 0, 3)];
}

/* From one of its own again: two of three that listen also arm. */
static void campaign_draw_arms(struct campaign_case *c)
{
    struct rng rng;

    rng_init(&rng, c->seed, 80);
    c->arms = c->forecast == CORE_FORECAST_LEARN && campaign_draw_luck(&rng, 0.67);
}

void campaign_draw(uint64_t seed, struct campaign_case *ret)
{
    struct rng rng;
    double floor_w, ceiling_w;

    memset(ret, 0, sizeof *ret);
    ret->seed = seed;
    ret->shift_s = INFINITY;
    rng_init(&rng, seed, 77);
    campaign_draw_rack(ret, &rng);
    campaign_draw_params(ret, &rng);
    campaign_draw_load(ret, &rng);
    ret->baud = ret->rack.modbus_baud;
    ret->period_us = (int64_t[]){ 10000, 10000, 10000, 50000, 100000 }[campaign_draw_count(&rng, 0, 4)];
    ret->seconds = rng_uniform(&rng, 8.0, 20.0);
    ret->charge_ratio = campaign_draw_luck(&rng, 0.4) ? rng_uniform(&rng, 0.85, 0.94) : 1.0;
    floor_w = rack_floor_ac_w(&ret->rack) * 1.02;
    ceiling_w =
        (ret->rack.node_count * (ret->rack.node_static_w + ret->rack.node_gpus * ret->rack.gpu_limit_max_w *
                                                               (1.0 + ret->rack.gpu_overshoot_ratio)) +
         ret->rack.switches_w) *
        (1.0 + rack_tree_loss_ratio(&ret->rack));
    ret->envelope_w = round(rng_uniform(&rng, floor_w, fmax(ceiling_w, floor_w + 100.0)));
    ret->rack.envelope_w = ret->envelope_w;
    ret->trouble_count = campaign_draw_count(&rng, 1, 6);
    for (int32_t i = 0; i < ret->trouble_count; i++) {
        campaign_draw_trouble(ret, &ret->trouble[i], &rng);
        if (ret->trouble[i].kind == CAMPAIGN_PLAN)
            ret->trouble[i].value =
                round(floor_w + ret->trouble[i].value * (fmax(ceiling_w, floor_w + 100.0) - floor_w));
    }
    campaign_draw_more(ret, floor_w, fmax(ceiling_w, floor_w + 100.0));
    campaign_draw_order(ret);
    campaign_draw_forecast(ret);
    campaign_draw_arms(ret);
}

const char *campaign_trouble_word(enum campaign_trouble_kind kind)
{
#define CAMPAIGN_WORD(name, word) [name] = word,
    static const char *const words[] = { CAMPAIGN_TROUBLE_LIST(CAMPAIGN_WORD) };

    return words[kind];
}

void campaign_describe(const struct campaign_case *c, char *ret, int room)
{
    int at =
        snprintf(ret, (size_t)room, "%s, %g GPUs, %g V, start %s, envelope %.0f W, %.1f s:", c->rack.kind,
                 c->rack.node_count * c->rack.node_gpus, c->rack.nominal_v, plant_start_word(c->params.start),
                 c->envelope_w, c->seconds);

    if (at < room && c->forecast != CORE_FORECAST_OFF)
        at += snprintf(ret + at, (size_t)(room - at), " forecast %s,",
                       c->forecast == CORE_FORECAST_TOLD ? "told nonsense"
                       : c->arms                         ? "on and arms"
                                                         : "on");
    if (isfinite(c->shift_s) && at < room)
        at += snprintf(ret + at, (size_t)(room - at), " power moved every %.2f s;", c->shift_s);
    for (int32_t i = 0; i < c->trouble_count && at < room; i++) {
        const struct campaign_trouble *t = &c->trouble[i];
        const char *word = t->lends                   ? "lends"
                           : t->kind == CAMPAIGN_LINK ? link_fault_word(t->fault)
                                                      : campaign_trouble_word(t->kind);

        at += snprintf(ret + at, (size_t)(room - at), "%s %d %s", i ? "," : "", i, word);
        if (at < room && !isnan(t->value) && t->kind != CAMPAIGN_SWAP && t->kind != CAMPAIGN_RESET)
            at += snprintf(ret + at, (size_t)(room - at), " %.3g", t->value);
        if (at < room)
            at += snprintf(ret + at, (size_t)(room - at),
                           isinf(t->for_s) ? " from %.2f s" : " %.2f s + %.2f s", t->at_s, t->for_s);
    }
}
