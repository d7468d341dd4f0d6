/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_draw.c: a random rack from a seed. Pure; any process.
 *
 * Every row of plant_params.h is drawn around the preset of its kind: by 30 % and
 * inside the row's own range, but for the rows below, which have a span of their
 * own (a set-point that is 30 % off is no rack) or stay. What the controller is
 * told are name plates: what a maker guarantees, which is a little worse than
 * what the module does; never the drawn numbers themselves where those may be
 * worse than told.
 */
#include <math.h>
#include <string.h>

#include "busbar/check.h"
#include "rng.h"
#include "sweep.h"

#define SWEEP_DRAW_STREAM      0x5357
#define SWEEP_DRAW_RATIO       0.30
#define SWEEP_DRAW_PLATE       0.10 /* a name plate is up to so much worse             */
#define SWEEP_DRAW_SHELVES_MAX 4
#define SWEEP_DRAW_NODE_GPUS   4
#define SWEEP_DRAW_GPU_W       3000.0 /* few and large, for it is their sum that matters; but a
                                         reading of more than 5 kW is turned away     */
#define SWEEP_DRAW_STATIC      0.15 /* of the load: what no limit reaches              */
#define SWEEP_DRAW_IDLE        0.12 /* of a GPU's rated power                          */
#define SWEEP_DRAW_LOWEST      0.20 /* lowest limit, of the same                       */
#define SWEEP_DRAW_ENVELOPE    1.5  /* of the load: the grid's limit is not what binds */
#define SWEEP_DRAW_CLEAR_V     0.3  /* supplies at full load stay so far above the trigger */
#define SWEEP_DRAW_MOST        0.97 /* of what shuts a supply down                     */
#define SWEEP_DRAW_AFTER_S     2.0

enum sweep_draw_span {
    SWEEP_STAYS,
    SWEEP_BY,    /* preset +- value, in its own unit */
    SWEEP_PART,  /* preset x (1 +- value)             */
    SWEEP_WHOLE, /* low to high                       */
    SWEEP_LOG,   /* low to high, as many in each decade */
};

/* How the name plate lies to what is there: lower, higher, or the same. */
enum sweep_draw_plate { SWEEP_SAME, SWEEP_LOWER, SWEEP_HIGHER };

struct sweep_draw_row {
    const char *key;
    enum sweep_draw_span span;
    double value, high; /* WHOLE, LOG: low and high                                   */
    enum sweep_draw_plate plate;
};

static const struct sweep_draw_row sweep_draw_rows[] = {
    { .key = "nominal_v", .span = SWEEP_STAYS },
    { .key = "frequency_hz", .span = SWEEP_STAYS },
    { .key = "psu_hz_low", .span = SWEEP_STAYS },
    { .key = "psu_hz_high", .span = SWEEP_STAYS },
    { .key = "it_low_v", .span = SWEEP_STAYS },
    { .key = "it_high_v", .span = SWEEP_STAYS },
    { .key = "cap_energy_j", .span = SWEEP_STAYS },
    { .key = "cap_power_w", .span = SWEEP_STAYS },
    { .key = "gpu_storage_j", .span = SWEEP_STAYS },
    { .key = "gpu_storage_on", .span = SWEEP_STAYS },
    { .key = "psu_output_v", .span = SWEEP_BY, .value = 0.25 },
    { .key = "psu_low_v", .span = SWEEP_BY, .value = 0.25 },
    { .key = "psu_handover_step_v", .span = SWEEP_PART, .value = 0.05 },
    { .key = "psu_efficiency_ratio", .span = SWEEP_BY, .value = 0.01 },
    { .key = "psu_overload_ratio", .span = SWEEP_STAYS },
    { .key = "psu_pulse_1_ratio", .span = SWEEP_PART, .value = 0.03 },
    { .key = "psu_pulse_2_ratio", .span = SWEEP_PART, .value = 0.03 },
    { .key = "psu_pulse_3_ratio", .span = SWEEP_STAYS },
    { .key = "psu_ovp_v", .span = SWEEP_BY, .value = 0.25 },
    { .key = "psu_derate_v", .span = SWEEP_BY, .value = 4.0 },
    { .key = "psu_off_v", .span = SWEEP_BY, .value = 4.0 },
    { .key = "psu_on_v", .span = SWEEP_BY, .value = 4.0 },
    { .key = "psu_over_v", .span = SWEEP_BY, .value = 4.0 },
    { .key = "psu_over_fast_v", .span = SWEEP_BY, .value = 4.0 },
    { .key = "psu_tolerance_ratio", .span = SWEEP_WHOLE, .value = 0.0, .high = 0.01 },
    { .key = "psu_share_ratio", .span = SWEEP_WHOLE, .value = 0.0, .high = 0.2 },
    { .key = "psu_holdup_j", .span = SWEEP_WHOLE, .value = 40.0, .high = 240.0, .plate = SWEEP_LOWER },
    { .key = "bus_resistance_ohm",
      .span = SWEEP_WHOLE,
      .value = 0.00005,
      .high = 0.0006,
      .plate = SWEEP_HIGHER },
    { .key = "bus_capacitance_f", .span = SWEEP_LOG, .value = 0.02, .high = 2.5, .plate = SWEEP_LOWER },
    { .key = "bbu_output_v", .span = SWEEP_BY, .value = 0.12, .plate = SWEEP_LOWER },
    { .key = "bbu_trigger_v", .span = SWEEP_BY, .value = 0.1 },
    { .key = "bbu_peak_ratio", .span = SWEEP_PART, .value = 0.03, .plate = SWEEP_LOWER },
    { .key = "bbu_efficiency_ratio", .span = SWEEP_BY, .value = 0.01 },
    { .key = "bbu_health_ratio", .span = SWEEP_WHOLE, .value = 0.375, .high = 1.0, .plate = SWEEP_LOWER },
    { .key = "psu_droop_v", .span = SWEEP_PART, .value = SWEEP_DRAW_RATIO },
    { .key = "psu_handover_ratio", .span = SWEEP_PART, .value = SWEEP_DRAW_RATIO, .plate = SWEEP_HIGHER },
    { .key = "psu_handover_v_per_s", .span = SWEEP_PART, .value = SWEEP_DRAW_RATIO, .plate = SWEEP_LOWER },
    { .key = "psu_line_s", .span = SWEEP_PART, .value = SWEEP_DRAW_RATIO, .plate = SWEEP_HIGHER },
    { .key = "bbu_trigger_s", .span = SWEEP_PART, .value = SWEEP_DRAW_RATIO, .plate = SWEEP_HIGHER },
    { .key = "bbu_start_s", .span = SWEEP_PART, .value = SWEEP_DRAW_RATIO, .plate = SWEEP_HIGHER },
    { .key = "bbu_droop_v", .span = SWEEP_PART, .value = SWEEP_DRAW_RATIO, .plate = SWEEP_HIGHER },
    { .key = "bbu_rated_w", .span = SWEEP_PART, .value = SWEEP_DRAW_RATIO, .plate = SWEEP_LOWER },
    { .key = "bbu_energy_j", .span = SWEEP_PART, .value = SWEEP_DRAW_RATIO, .plate = SWEEP_LOWER },
};
#define SWEEP_DRAW_ROWS (sizeof sweep_draw_rows / sizeof sweep_draw_rows[0])

static const struct sweep_draw_row *sweep_draw_row(const char *key)
{
    static const struct sweep_draw_row usual = { .key = "", .span = SWEEP_PART, .value = SWEEP_DRAW_RATIO };

    for (size_t i = 0; i < SWEEP_DRAW_ROWS; i++)
        if (strcmp(sweep_draw_rows[i].key, key) == 0)
            return &sweep_draw_rows[i];
    return &usual;
}

static double sweep_draw_value(struct rng *rng, const struct sweep_draw_row *row, double preset)
{
    switch (row->span) {
    case SWEEP_BY:
        return preset + rng_uniform(rng, -row->value, row->value);
    case SWEEP_PART:
        return preset * rng_uniform(rng, 1.0 - row->value, 1.0 + row->value);
    case SWEEP_WHOLE:
        return rng_uniform(rng, row->value, row->high);
    case SWEEP_LOG:
        return row->value * pow(row->high / row->value, rng_uniform(rng, 0.0, 1.0));
    case SWEEP_STAYS:
    default:
        return preset;
    }
}

/* Pairs that no maker sells the other way round. */
static void sweep_draw_order(struct plant_params *p)
{
    double droop_v = p->psu_output_v - p->bbu_trigger_v - SWEEP_DRAW_CLEAR_V;

    p->psu_droop_v = fmin(p->psu_droop_v, droop_v);
    p->psu_boot_high_s = fmax(p->psu_boot_high_s, p->psu_boot_low_s);
    p->psu_over_fast_v = fmax(p->psu_over_fast_v, p->psu_over_v + 10.0);
    p->psu_over_v = fmax(p->psu_over_v, 1.08 * p->nominal_v);
    p->psu_pulse_1_ratio = fmax(p->psu_pulse_1_ratio, p->psu_pulse_2_ratio);
    p->psu_pulse_2_ratio = fmax(p->psu_pulse_2_ratio, p->psu_pulse_3_ratio);
    p->psu_sync_s = fmax(p->psu_sync_s, p->psu_boot_high_s + p->psu_random_dead_s);
    p->psu_sync_alive_s = fmax(p->psu_sync_alive_s, p->psu_boot_high_s + p->psu_random_alive_s);
}

/* What is there, and what its name plates say. */
static void sweep_draw_params(struct rng *rng, enum plant_kind kind, double nominal_v,
                              struct plant_params *ret, struct plant_params *ret_books)
{
    plant_params_preset(ret, kind, PLANT_START_STOCK);
    ret->nominal_v = nominal_v;
    *ret_books = *ret;
    for (int i = 0; i < plant_param_count(); i++) {
        const struct plant_param *param = plant_param_at(i);
        double value = sweep_draw_value(rng, sweep_draw_row(param->key), plant_param_get(ret, param));

        plant_param_set(ret, param, fmin(fmax(value, param->low), param->high));
    }
    sweep_draw_order(ret);
    for (int i = 0; i < plant_param_count(); i++) {
        const struct plant_param *param = plant_param_at(i);
        enum sweep_draw_plate plate = sweep_draw_row(param->key)->plate;
        double worse = rng_uniform(rng, 0.0, SWEEP_DRAW_PLATE), value = plant_param_get(ret, param);

        if (plate == SWEEP_SAME)
            plant_param_set(ret_books, param, value);
        else if (strcmp(param->key, "bbu_output_v") == 0) /* a tenth of its droop is a lot there */
            plant_param_set(ret_books, param, value - worse * ret->bbu_droop_v);
        else
            plant_param_set(ret_books, param,
                            plate == SWEEP_LOWER ? value * (1.0 - worse) : value * (1.0 + worse));
    }
}

/* No rack runs at a load that its own supplies or its busbar do not bear while the
 * input is good: the supply that takes most of the current stays under what shuts it
 * down, at this nominal voltage, and the farthest tray has room above it_low_v. */
static double sweep_draw_most_w(const struct plant_params *p, double rated_w)
{
    double ratio = SWEEP_DRAW_MOST * p->psu_pulse_3_ratio / (1.0 + p->psu_share_ratio);
    double derated = SWEEP_DRAW_MOST * p->nominal_v / p->psu_derate_v / (1.0 + p->psu_share_ratio);
    double full_v = p->psu_output_v - 1.1 * p->psu_droop_v;
    double drop_w = (full_v - p->it_low_v - SWEEP_DRAW_CLEAR_V) * full_v / p->bus_resistance_ohm;

    return fmin(fmin(ratio, p->nominal_v < p->psu_derate_v ? derated : ratio) * rated_w, drop_w);
}

/* As many GPUs as make the load; their limits reach all but the static part. */
static void sweep_draw_rack(struct rng *rng, struct scenario *s, double *ret_load_w)
{
    struct rack *rack = &s->rack;
    double shelves = floor(rng_uniform(rng, 1.0, SWEEP_DRAW_SHELVES_MAX + 1.0));
    double rated_w = shelves * rack->shelf_psus * rack->psu_rated_w;
    double load_w = fmin(rng_uniform(rng, 0.3, 1.1) * rated_w, sweep_draw_most_w(&s->params, rated_w));
    double limited_w = (1.0 - SWEEP_DRAW_STATIC) * load_w;
    double nodes = ceil(limited_w / (SWEEP_DRAW_NODE_GPUS * SWEEP_DRAW_GPU_W));

    rack->shelf_count = shelves;
    rack->node_count = nodes;
    rack->node_gpus = SWEEP_DRAW_NODE_GPUS;
    rack->switches_w = 0.0;
    rack->node_static_w = SWEEP_DRAW_STATIC * load_w / nodes;
    rack->gpu_rated_w = limited_w / (nodes * SWEEP_DRAW_NODE_GPUS);
    rack->gpu_idle_w = SWEEP_DRAW_IDLE * rack->gpu_rated_w;
    rack->gpu_limit_min_w = SWEEP_DRAW_LOWEST * rack->gpu_rated_w;
    rack->gpu_limit_max_w = rack->gpu_rated_w;
    rack->psu_efficiency_ratio = s->params.psu_efficiency_ratio;
    rack->bbu_energy_j = s->params.bbu_energy_j;
    rack->nominal_v = s->params.nominal_v;
    rack->envelope_w = SWEEP_DRAW_ENVELOPE * load_w;
    s->envelope_w = 0.0; /* the rack's */
    s->load.kind = LOAD_CONSTANT;
    s->load.high_ratio = s->load.low_ratio = 1.0;
    *ret_load_w = load_w;
}

void sweep_draw(const struct sweep_base *base, uint64_t seed, struct scenario *ret, double *ret_load_w)
{
    static const double nominals[] = { 208.0, 230.0, 240.0, 277.0 };
    struct rng rng;

    rng_init(&rng, seed, SWEEP_DRAW_STREAM);
    enum plant_kind kind = (enum plant_kind)(rng_u64(&rng) % PLANT_KIND_COUNT);
    double nominal_v = nominals[rng_u64(&rng) % (sizeof nominals / sizeof nominals[0])];

    *ret = base->scenario[kind];
    sweep_draw_params(&rng, kind, nominal_v, &ret->params, &ret->books);
    sweep_draw_rack(&rng, ret, ret_load_w);
    CHECK(ret->params.psu_droop_v > 0.0);
    /* Long enough that every supply is back, by its own clock. */
    if (isfinite(ret->ends_s))
        ret->seconds = ret->ends_s + ret->params.psu_boot_high_s +
                       fmax(ret->params.psu_random_alive_s, ret->params.psu_random_dead_s) +
                       SWEEP_DRAW_AFTER_S;
}
