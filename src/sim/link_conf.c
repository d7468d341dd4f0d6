/* SPDX-License-Identifier: Apache-2.0 */
/* link_conf.c: what busbard's core would be told of a rack, and its first plan.
 *
 * Made of the rack file and of hardware books (nominal values of the kind), never
 * of a plant: what the plant truly is lies around them. The same tree, points and
 * levers as daemon_conf.c writes for the real daemon, and the ride-through part
 * beside. Any thread; at start only.
 */
#include "link_conf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/check.h"

#define LINK_CONF_US_PER_S          1e6
#define LINK_CONF_FAST_BAUD         38400.0
#define LINK_CONF_SHARE             1.05 /* a shelf may carry so much more than its part   */
#define LINK_CONF_BASE_RATIO        1.5  /* of the lowest limit: what `emergency` leaves   */
#define LINK_CONF_CHARGE_V          44.0 /* the pack's highest: current to power           */
#define LINK_CONF_CHARGE_MIN_A      0.1
#define LINK_CONF_CHARGE_MAX_A      6.0
#define LINK_CONF_CHARGE_TIMEOUT_US INT64_C(120000000)
#define LINK_CONF_SETPOINT_STEP_V   0.0009765625
#define LINK_CONF_SETPOINT_MIN_V    48.0
#define LINK_CONF_SETPOINT_MAX_V    51.5 /* the 51 V supply's; others 0.5 V above theirs */
#define LINK_CONF_START_MAX_S       15.0
/* Held a little off the default, as daemon_conf.c does: so that arming writes
 * every set-point, opens its gate and proves ahead that it can be written. */
#define LINK_CONF_HOLD_OFF_V     0.1
#define LINK_CONF_ARMED_V        0.1 /* above it: as little as supplies share unevenly by */
#define LINK_CONF_ARM_RATIO      0.8 /* and not for long: runs are short, and it is to go back in them */
#define LINK_CONF_ARM_HOLD_US    INT64_C(1000000)
#define LINK_CONF_DIP_V          0.5 /* INFERRED: the deepest of random racks          */
#define LINK_CONF_GPU_STALE_US   INT64_C(8000000)
#define LINK_CONF_GPU_STUCK_US   INT64_C(30000000)
#define LINK_CONF_GPU_DELAY_US   INT64_C(6000000)
#define LINK_CONF_GPU_DEADBAND_W 15.0
#define LINK_CONF_GROUPS         4
#define LINK_CONF_REQUESTS       8
/* A feed breaker that carries the envelope as its continuous load (80 % rule);
 * time constant of a remote power panel's, 10 % for 17 minutes. */
#define LINK_CONF_BREAKER_LOAD    0.8
#define LINK_CONF_BREAKER_S       421.0
#define LINK_CONF_BREAKER_INSTANT 10.0

static int64_t link_conf_us(double s)
{
    return (int64_t)llround(s * LINK_CONF_US_PER_S);
}

static bool link_conf_alloc(struct link_conf *c)
{
    int32_t psus = c->shelf_count * c->shelf_psus, bbus = c->shelf_count * c->shelf_bbus;
    int32_t gpus = c->node_count * c->node_gpus;
    size_t points = (size_t)(psus * (LINK_PSU_START + 1) + bbus * LINK_BBU_POINTS + gpus * LINK_GPU_POINTS);

    c->nodes = calloc((size_t)(2 + c->shelf_count + c->node_count + gpus + bbus), sizeof *c->nodes);
    c->points = calloc(points, sizeof *c->points);
    c->levers = calloc((size_t)(2 * psus + bbus + gpus), sizeof *c->levers);
    c->lever_of = calloc((size_t)(2 * psus + bbus + gpus), sizeof *c->lever_of);
    c->sources = calloc((size_t)(2 * c->shelf_count), sizeof *c->sources);
    c->devices = calloc((size_t)(psus + bbus + c->node_count), sizeof *c->devices);
    return c->nodes && c->points && c->levers && c->lever_of && c->sources && c->devices;
}

/* ---- the tree ---- */

static int32_t link_conf_node(struct link_conf *c, enum core_node_kind kind, int32_t parent, double share)
{
    struct core_config_node *node = &c->nodes[c->core.node_count];

    node->kind = kind;
    if (parent != CORE_NONE) {
        node->parent_count = 1;
        node->parent[0] = parent;
        node->share[0] = share;
    }
    return c->core.node_count++;
}

static void link_conf_rack(struct link_conf *c)
{
    c->rack_node = link_conf_node(c, CORE_NODE_RACK, CORE_NONE, 0.0);
    c->nodes[c->rack_node].loss_ratio = rack_tree_loss_ratio(&c->rack);
    c->nodes[c->rack_node].curve = (struct core_config_curve){
        .kind = CORE_CURVE_THERMAL,
        .rated_w = c->rack.envelope_w / LINK_CONF_BREAKER_LOAD,
        .trip_ratio = 1.05,
        .heat_s = LINK_CONF_BREAKER_S,
        .cool_s = LINK_CONF_BREAKER_S,
        .instant_ratio = LINK_CONF_BREAKER_INSTANT,
        .instant_margin_ratio = 0.85,
    };
}

/* Shelves that one node stands for: a busbar has four parents at most. */
static int32_t link_conf_group(const struct link_conf *c, int32_t node)
{
    return c->shelf_count / c->shelf_nodes + (node < c->shelf_count % c->shelf_nodes);
}

static int32_t link_conf_shelf_node(const struct link_conf *c, int32_t shelf)
{
    return c->shelf_node + shelf % c->shelf_nodes;
}

static void link_conf_shelves(struct link_conf *c)
{
    struct rack_limit bears[RACK_SHELF_LIMITS_MAX];
    int32_t count = rack_shelf_limits(&c->rack, bears);

    c->shelf_nodes = c->shelf_count < CORE_PARENTS_MAX ? c->shelf_count : CORE_PARENTS_MAX;
    c->shelf_node = c->core.node_count;
    for (int32_t s = 0; s < c->shelf_nodes; s++) {
        struct core_config_node *node = &c->nodes[link_conf_node(c, CORE_NODE_SHELF, c->rack_node, 1.0)];

        node->limit_count = count;
        for (int32_t i = 0; i < count; i++)
            node->limit[i] = (struct core_limit){ .window_us = bears[i].window_ms * INT64_C(1000),
                                                  .limit_w = bears[i].limit_w * link_conf_group(c, s) };
    }
    c->bus_node = link_conf_node(c, CORE_NODE_BUSBAR, CORE_NONE, 0.0);
    struct core_config_node *bus = &c->nodes[c->bus_node];

    bus->static_w = c->rack.switches_w;
    bus->parent_count = c->shelf_nodes;
    for (int32_t s = 0; s < c->shelf_nodes; s++) {
        double share = LINK_CONF_SHARE * link_conf_group(c, s) / c->shelf_count;

        bus->parent[s] = c->shelf_node + s;
        bus->share[s] = c->shelf_count > 1 ? fmin(share, 1.0) : 1.0;
    }
}

/* ---- points and levers ---- */

static int32_t link_conf_point(struct link_conf *c, int32_t device, enum signal signal, int64_t stale_us)
{
    struct core_config_point *point = &c->points[c->core.point_count];

    *point = (struct core_config_point){
        .device = device,
        .signal = signal,
        .stale_after_us = stale_us,
        .min = signal_min(signal),
        .max = signal_max(signal),
        .node = CORE_NONE,
        .node_scale = 1.0,
        .source = CORE_NONE,
    };
    return c->core.point_count++;
}

static int64_t link_conf_stale_us(const struct link_conf *c, bool often)
{
    int64_t often_us = c->fast ? INT64_C(2000000) : INT64_C(4000000);

    return often ? often_us : often_us + (c->fast ? INT64_C(8000000) : INT64_C(16000000));
}

static struct core_config_lever *link_conf_lever(struct link_conf *c, const struct link_conf_lever *of)
{
    struct core_config_lever *lever = &c->levers[c->core.lever_count];

    lever->device = of->device;
    lever->source = CORE_NONE;
    lever->demand_point = CORE_NONE;
    lever->watts_per_unit = 1.0;
    c->lever_of[c->core.lever_count++] = *of;
    c->devices[of->device].lever_count++;
    return lever;
}

static struct link_conf_device *link_conf_device(struct link_conf *c, enum link_device_kind kind,
                                                 int32_t index, int32_t shelf)
{
    struct link_conf_device *device = &c->devices[c->core.device_count++];

    *device = (struct link_conf_device){ .kind = kind,
                                         .index = index,
                                         .shelf = shelf,
                                         .first_point = c->core.point_count,
                                         .first_lever = c->core.lever_count };
    return device;
}

static void link_conf_psu_levers(struct link_conf *c, int32_t d, int32_t first)
{
    const struct link_conf_device *device = &c->devices[d];
    struct link_conf_lever of = { .kind = LINK_LEVER_SETPOINT,
                                  .index = device->index,
                                  .device = d,
                                  .module = device->index % c->shelf_psus };
    struct core_config_lever *lever = link_conf_lever(c, &of);

    lever->use = CORE_LEVER_HOLD;
    lever->ride = CORE_LEVER_RIDE_OUTPUT_V;
    lever->source = device->shelf;
    lever->node = link_conf_shelf_node(c, device->shelf);
    lever->readback_point = first + LINK_PSU_SETPOINT;
    lever->min = LINK_CONF_SETPOINT_MIN_V;
    lever->max = fmin(c->books.psu_output_v + 0.5, LINK_CONF_SETPOINT_MAX_V);
    lever->step = LINK_CONF_SETPOINT_STEP_V;
    lever->base = lever->fallback =
        c->books.psu_output_v + (c->books.kind == PLANT_ORV3 ? -LINK_CONF_HOLD_OFF_V : LINK_CONF_HOLD_OFF_V);
    lever->delay_worst_us = c->fast ? INT64_C(2000000) : INT64_C(4000000);
    lever->interval_min_us = INT64_C(200000);
    lever->deadband = 0.01;
    if (!c->start)
        return;
    of.kind = LINK_LEVER_START;
    lever = link_conf_lever(c, &of);
    lever->use = CORE_LEVER_HOLD;
    lever->ride = CORE_LEVER_RIDE_START_S;
    lever->source = device->shelf;
    lever->node = link_conf_shelf_node(c, device->shelf);
    lever->readback_point = first + LINK_PSU_START;
    lever->max = LINK_CONF_START_MAX_S;
    lever->step = 0.001;
    lever->delay_worst_us = c->fast ? INT64_C(2000000) : INT64_C(4000000);
    lever->interval_min_us = INT64_C(200000);
    lever->deadband = 0.005;
}

static void link_conf_add_psu(struct link_conf *c, int32_t psu)
{
    int32_t d = c->core.device_count, shelf = psu / c->shelf_psus;
    int32_t first = link_conf_device(c, LINK_PSU, psu, shelf)->first_point;

    c->points[link_conf_point(c, d, SIGNAL_PSU_INPUT_V, link_conf_stale_us(c, true))].source = shelf;
    c->points[link_conf_point(c, d, SIGNAL_PSU_INPUT_W, link_conf_stale_us(c, true))].node = c->rack_node;
    c->points[link_conf_point(c, d, SIGNAL_PSU_OUTPUT_W, link_conf_stale_us(c, true))].node =
        link_conf_shelf_node(c, shelf);
    c->points[first + LINK_PSU_OUTPUT_W].source = shelf;
    (void)link_conf_point(c, d, SIGNAL_PSU_OUTPUT_SETPOINT_V, link_conf_stale_us(c, false));
    if (c->start)
        (void)link_conf_point(c, d, SIGNAL_PSU_START_DELAY_S, link_conf_stale_us(c, false));
    link_conf_psu_levers(c, d, first);
}

static void link_conf_add_bbu(struct link_conf *c, int32_t bbu)
{
    int32_t d = c->core.device_count, shelf = bbu / c->shelf_bbus, source = c->shelf_count + shelf;
    int32_t leaf = link_conf_node(c, CORE_NODE_LOAD, c->bus_node, 1.0);
    int32_t first = link_conf_device(c, LINK_BBU, bbu, shelf)->first_point;
    struct link_conf_lever of = {
        .kind = LINK_LEVER_CHARGE, .index = bbu, .device = d, .module = c->shelf_psus + bbu % c->shelf_bbus
    };
    struct core_config_lever *lever;

    c->points[link_conf_point(c, d, SIGNAL_BBU_PACK_A, link_conf_stale_us(c, true))].source = source;
    c->points[link_conf_point(c, d, SIGNAL_BBU_SOC_RATIO, link_conf_stale_us(c, true))].source = source;
    c->points[link_conf_point(c, d, SIGNAL_BBU_BUS_V, link_conf_stale_us(c, false))].source = source;
    (void)link_conf_point(c, d, SIGNAL_BBU_CHARGE_LIMIT_A, link_conf_stale_us(c, false));
    lever = link_conf_lever(c, &of);
    lever->use = CORE_LEVER_CHARGE;
    lever->node = leaf;
    lever->readback_point = first + LINK_BBU_CHARGE;
    lever->min = lever->base = LINK_CONF_CHARGE_MIN_A;
    lever->max = LINK_CONF_CHARGE_MAX_A;
    lever->step = 0.001;
    lever->watts_per_unit = LINK_CONF_CHARGE_V;
    /* the charger's own, rounded up: what it draws when the override ends */
    lever->fallback = ceil(c->books.bbu_charge_w / LINK_CONF_CHARGE_V * 10.0) / 10.0;
    lever->delay_worst_us = c->fast ? INT64_C(4000000) : INT64_C(8000000);
    lever->interval_min_us = INT64_C(2000000);
    lever->timeout_us = LINK_CONF_CHARGE_TIMEOUT_US;
    lever->deadband = 0.1;
}

static void link_conf_gpu(struct link_conf *c, int32_t d, int32_t tray, int32_t gpu)
{
    int32_t leaf = link_conf_node(c, CORE_NODE_LOAD, tray, 1.0);
    int32_t power = link_conf_point(c, d, SIGNAL_GPU_POWER_W, LINK_CONF_GPU_STALE_US);
    int32_t limit = link_conf_point(c, d, SIGNAL_GPU_POWER_LIMIT_W, LINK_CONF_GPU_STALE_US);
    struct core_config_lever *lever =
        link_conf_lever(c, &(struct link_conf_lever){
                               .kind = LINK_LEVER_LIMIT, .index = gpu, .device = d, .module = CORE_NONE });

    c->points[power].node = leaf;
    c->points[power].stuck_after_us = LINK_CONF_GPU_STUCK_US;
    lever->use = CORE_LEVER_LIMIT;
    lever->node = leaf;
    lever->readback_point = limit;
    lever->demand_point = power;
    lever->min = c->rack.gpu_limit_min_w;
    lever->max = lever->fallback = c->rack.gpu_limit_max_w;
    lever->step = 1.0;
    lever->base = fmin(LINK_CONF_BASE_RATIO * c->rack.gpu_limit_min_w, c->rack.gpu_limit_max_w);
    lever->overshoot_ratio = c->rack.gpu_overshoot_ratio;
    lever->delay_worst_us = LINK_CONF_GPU_DELAY_US;
    lever->interval_min_us = INT64_C(1000000);
    lever->deadband = LINK_CONF_GPU_DEADBAND_W;
}

static void link_conf_devices(struct link_conf *c)
{
    int32_t trays = c->core.node_count;

    for (int32_t n = 0; n < c->node_count; n++)
        c->nodes[link_conf_node(c, CORE_NODE_TRAY, c->bus_node, 1.0)].static_w = c->rack.node_static_w;
    for (int32_t i = 0; i < c->shelf_count * c->shelf_psus; i++)
        link_conf_add_psu(c, i);
    for (int32_t i = 0; i < c->shelf_count * c->shelf_bbus; i++)
        link_conf_add_bbu(c, i);
    for (int32_t n = 0; n < c->node_count; n++) {
        int32_t d = c->core.device_count;

        (void)link_conf_device(c, LINK_BMC, n, CORE_NONE);
        for (int32_t g = 0; g < c->node_gpus; g++)
            link_conf_gpu(c, d, trays + n, n * c->node_gpus + g);
    }
}

/* ---- what holds the busbar up ---- */

static void link_conf_sources(struct link_conf *c)
{
    static const double end_of_life[PLANT_KIND_COUNT] = { 0.375, 0.516, 0.516 };
    const struct plant_params *books = &c->books;
    /* nobody can write a stock supply's random start: it counts as its own delay */
    double random_s = books->start == PLANT_START_STOCK ? books->psu_random_alive_s : 0.0;

    for (int32_t s = 0; s < c->shelf_count; s++)
        c->sources[s] = (struct core_config_source){
            .kind = CORE_SOURCE_PSU,
            .node = link_conf_shelf_node(c, s),
            .module_count = c->shelf_psus,
            .rated_w = c->rack.psu_rated_w,
            .output_v = books->psu_output_v,
            .droop_v = books->psu_droop_v,
            .input_min_v = books->psu_off_v,
            .input_off_us = link_conf_us(books->psu_off_s),
            .input_derate_v = books->psu_derate_v,
            .holdup_j = books->psu_holdup_j,
            .handover_ratio = books->psu_handover_ratio,
            .handover_step_v = books->psu_handover_step_v,
            .handover_v_per_s = books->psu_handover_step_v > 0.0 ? books->psu_handover_v_per_s : 0.0,
            .ready_us = link_conf_us(books->psu_boot_high_s + random_s),
            .walk_in_us = link_conf_us(books->psu_walk_in_s),
            .keeps_settings = books->start == PLANT_START_KEPT_ALIVE,
        };
    for (int32_t s = 0; s < c->shelf_count && c->shelf_bbus > 0; s++)
        c->sources[c->shelf_count + s] = (struct core_config_source){
            .kind = CORE_SOURCE_BBU,
            .node = c->bus_node,
            .module_count = c->shelf_bbus,
            .rated_w = books->bbu_rated_w,
            .output_v = books->bbu_output_v,
            .droop_v = books->bbu_droop_v,
            .trigger_v = books->bbu_trigger_v,
            .trigger_us = link_conf_us(books->bbu_trigger_s),
            .start_us = link_conf_us(books->bbu_start_s),
            .energy_j = c->rack.bbu_energy_j * end_of_life[books->kind],
        };
    c->core.source_count = c->shelf_bbus > 0 ? 2 * c->shelf_count : c->shelf_count;
    c->core.bus = (struct core_config_bus){
        .node = c->bus_node,
        .nominal_input_v = c->rack.nominal_v,
        .capacitance_f = books->bus_capacitance_f,
        .resistance_ohm = books->bus_resistance_ohm,
        .low_v = books->it_low_v,
        .high_v = books->it_high_v,
        .dip_v = LINK_CONF_DIP_V,
    };
}

enum status link_conf_new(const struct rack *rack, const struct plant_params *books, int64_t period_us,
                          uint64_t seed, struct link_conf **ret)
{
    struct link_conf *c = calloc(1, sizeof *c);

    if (!c)
        return ST_NOMEM;
    c->rack = *rack;
    c->books = *books;
    c->start = books->start != PLANT_START_STOCK;
    c->fast = rack->modbus_baud > LINK_CONF_FAST_BAUD;
    c->shelf_count = (int32_t)rack->shelf_count;
    c->shelf_psus = (int32_t)rack->shelf_psus;
    c->shelf_bbus = (int32_t)rack->shelf_bbus;
    c->node_count = (int32_t)rack->node_count;
    c->node_gpus = (int32_t)rack->node_gpus;
    if (!link_conf_alloc(c)) {
        link_conf_free(c);
        return ST_NOMEM;
    }
    link_conf_rack(c);
    link_conf_shelves(c);
    link_conf_devices(c);
    link_conf_sources(c);
    c->core.nodes = c->nodes;
    c->core.points = c->points;
    c->core.levers = c->levers;
    c->core.sources = c->sources;
    c->core.group_max = LINK_CONF_GROUPS;
    c->core.group_member_max = LINK_CONF_GROUPS * c->core.node_count;
    c->core.request_max = LINK_CONF_REQUESTS;
    c->core.period_us = period_us;
    c->core.seed = seed;
    *ret = c;
    return ST_OK;
}

struct link_conf *link_conf_free(struct link_conf *conf)
{
    if (!conf)
        return NULL;
    free(conf->nodes);
    free(conf->points);
    free(conf->levers);
    free(conf->lever_of);
    free(conf->sources);
    free(conf->devices);
    free(conf);
    return NULL;
}

void link_conf_forecast(struct link_conf *conf, enum core_forecast forecast)
{
    conf->core.forecast = forecast;
}

void link_conf_arm(struct link_conf *conf)
{
    conf->arms = true;
    for (int32_t l = 0; l < conf->core.lever_count; l++)
        if (conf->lever_of[l].kind == LINK_LEVER_SETPOINT)
            conf->levers[l].ride = CORE_LEVER_RIDE_NONE;
}

const struct core_config *link_conf_core(const struct link_conf *conf)
{
    return &conf->core;
}

/* ---- the plan ---- */

/* Start windows by length of outage: what the hardware can be asked for. */
static void link_conf_starts(const struct link_conf *conf, struct core_plan_ride *ride)
{
    static const struct core_plan_start starts[PLANT_START_COUNT][CORE_STARTS_MAX] = {
        [PLANT_START_STOCK] = { { .outage_us = CORE_FOREVER, .window_us = 15000000 } },
        [PLANT_START_SHORT_BOOT] = { { .outage_us = 500000, .window_us = 300000 },
                                     { .outage_us = 10000000, .window_us = 900000 },
                                     { .outage_us = CORE_FOREVER, .window_us = 15000000 } },
        [PLANT_START_KEPT_ALIVE] = { { .outage_us = 500000, .window_us = 200000 },
                                     { .outage_us = 10000000, .window_us = 1000000 },
                                     { .outage_us = CORE_FOREVER, .window_us = 15000000 } },
    };

    memcpy(ride->start, starts[conf->books.start], sizeof ride->start);
    ride->start_count = conf->books.start == PLANT_START_STOCK ? 1 : 3;
}

void link_conf_plan(const struct link_conf *conf, double envelope_w, struct core_plan *ret)
{
    struct core_plan_node *rack;
    struct core_plan_lever *levers;

    core_plan_init(ret, &conf->core);
    ret->version = 1;
    ret->mode_wanted = CORE_WANT_CONTROL;
    ret->band.release_gain_per_s = 0.05; /* busbard's own presets, here and below */
    ret->band.release_jitter_ratio = 0.5;
    ret->forecast_margin_w = 50.0;
    ret->arm_ratio = LINK_CONF_ARM_RATIO;
    ret->arm_hold_us = LINK_CONF_ARM_HOLD_US;
    ret->ride.enabled = true;
    ret->ride.reserve_s = 90.0;
    link_conf_starts(conf, &ret->ride);
    ret->protection.enabled = true;
    rack = &core_plan_nodes(ret)[conf->rack_node];
    CHECK(conf->rack.windows_ms.count <= CORE_LIMITS_MAX);
    rack->limit_count = conf->rack.windows_ms.count;
    for (int32_t i = 0; i < rack->limit_count; i++)
        rack->limit[i] =
            (struct core_plan_limit){ .window_us = (int64_t)(conf->rack.windows_ms.value[i] * 1000.0),
                                      .limit_w = envelope_w,
                                      .expires_us = CORE_FOREVER,
                                      .limit_standing_w = envelope_w };
    levers = core_plan_levers(ret);
    for (int32_t l = 0; l < conf->core.lever_count; l++) {
        if (conf->lever_of[l].kind == LINK_LEVER_SETPOINT)
            levers[l].target = conf->levers[l].base;
        if (conf->lever_of[l].kind == LINK_LEVER_SETPOINT && conf->arms)
            levers[l].armed = conf->levers[l].base + LINK_CONF_ARMED_V;
        if (conf->lever_of[l].kind == LINK_LEVER_CHARGE)
            levers[l].priority = 0;
    }
}
