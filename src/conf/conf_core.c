/* SPDX-License-Identifier: Apache-2.0 */
/* conf_core.c: what of a configuration reaches the core: points, levers, the plan.
 *
 * Owns which readings become points: those measured into a node, those that read
 * a lever back, those that tell of a source where the rack rides through, and one
 * a device that shows whether it is alive. Any thread.
 */
#include <stdlib.h>
#include <string.h>

#include "busbar/check.h"
#include "conf_build.h"

#define CONF_CORE_GROUPS_MORE 16 /* room for groups made at run time                */

/* What a reading is to be as a point. */
struct conf_core_want {
    bool wanted, readback;
    int32_t source; /* that it tells of, or CORE_NONE                         */
    int32_t node;
    double scale;
};

struct conf_core {
    const struct conf_check *check;
    struct conf *conf;
    struct core_config_point *points;
    struct core_config_lever *levers;
    int32_t point_count, lever_count;
};

static int32_t conf_core_reading(const struct conf_device *device, int32_t row)
{
    for (int32_t r = 0; r < device->reading_count; r++)
        if (device->readings[r].row == row)
            return r;
    return CORE_NONE;
}

static void conf_core_point(struct conf_core *core, int32_t d, int32_t r, const struct conf_core_want *want,
                            int64_t stuck_after_us)
{
    struct conf_device *device = &core->conf->devices[d];
    struct conf_reading *reading = &device->readings[r];
    const struct conf_bus *bus = &core->conf->buses[device->bus];
    bool fast = reading->poll == POLL_FAST;

    reading->point = core->point_count;
    core->points[core->point_count++] = (struct core_config_point){
        .device = d,
        .signal = reading->signal,
        .stale_after_us = bus->stale_us + (fast ? 0 : bus->slow_us),
        .min = signal_min(reading->signal),
        .max = signal_max(reading->signal),
        /* a set-point may stand still, and so may an idle battery */
        .stuck_after_us = fast && !want->readback && (want->source == CORE_NONE || want->node != CORE_NONE)
                              ? stuck_after_us
                              : 0,
        .node = want->node,
        .node_scale = want->scale,
        .source = want->source,
    };
}

/* One numeric reading shows that the device answers: the first of the fast ones,
 * else of the slow ones. */
static void conf_core_alive(const struct conf_device *device, struct conf_core_want *wants)
{
    for (int poll = POLL_FAST; poll <= POLL_SLOW; poll++) {
        for (int32_t r = 0; r < device->reading_count; r++)
            if (wants[r].wanted && (int)device->readings[r].poll == poll)
                return;
        for (int32_t r = 0; r < device->reading_count; r++)
            if ((int)device->readings[r].poll == poll && signal_max(device->readings[r].signal) > 0.0) {
                wants[r].wanted = true;
                return;
            }
    }
}

static int32_t conf_core_charge_leaf(const struct conf_check *check, int32_t d)
{
    for (int32_t i = 0; i < check->leaves.count; i++)
        if (check->leaves.list[i].device == d)
            return check->raw->tree.count + i;
    return CORE_NONE;
}

static void conf_core_lever(struct conf_core *core, int32_t d, int32_t l, const struct raw_lever *raw)
{
    static const enum core_lever_use uses[] = { CORE_LEVER_HOLD, CORE_LEVER_CHARGE, CORE_LEVER_WARN };
    struct conf_device *device = &core->conf->devices[d];
    const struct profile *profile = &core->conf->profiles[device->profile];
    const struct profile_row *row = &profile->rows[raw->row];
    int32_t readback = conf_core_reading(device, row->write.readback);
    struct core_config_lever *lever = &core->levers[core->lever_count];
    bool ride = conf_has(&raw->item, "ride");

    CHECK(readback != CORE_NONE);
    *lever = (struct core_config_lever){
        .use = uses[raw->use],
        .ride = ride ? (enum core_lever_ride)(raw->ride + 1) : CORE_LEVER_RIDE_NONE,
        .source = ride ? device->source : CORE_NONE,
        .device = d,
        .node = device->node,
        .readback_point = device->readings[readback].point,
        .demand_point = CORE_NONE,
        .min = row->write.min,
        .max = row->write.max,
        .step = row->write.step,
        .watts_per_unit = 1.0,
        .delay_worst_us = raw->delay_worst_us,
        .interval_min_us = raw->interval_min_us,
        .deadband = conf_check_deadband(raw, row),
        .switched = row->write.gate != ROW_NONE || row->write.enable != ROW_NONE,
    };
    if (raw->use == RAW_USE_HOLD) {
        lever->base = raw->value;
        lever->fallback = raw->value;
        lever->slew = raw->slew;
    } else if (raw->use == RAW_USE_WARN) {
        lever->base = row->write.max; /* warns of nothing while everything is at base */
        lever->fallback = row->write.max;
        lever->share = raw->share;
    } else {
        lever->node = conf_core_charge_leaf(core->check, d);
        lever->base = row->write.min;
        lever->watts_per_unit = raw->volts;
        lever->timeout_us = raw->timeout_us;
        lever->fallback = raw->fallback;
    }
    device->levers[l].lever = core->lever_count++;
}

static void conf_core_device(struct conf_core *core, int32_t d)
{
    const struct raw_conf *raw_conf = core->check->raw;
    const struct raw_device *raw = CONF_ITEM(struct raw_device, &raw_conf->devices, d);
    const struct raw_bus *bus = CONF_ITEM(struct raw_bus, &raw_conf->buses, raw->bus_at);
    struct conf_device *device = &core->conf->devices[d];
    const struct profile *profile = &core->conf->profiles[device->profile];
    struct conf_core_want wants[DEVICE_READINGS_MAX];

    for (int32_t r = 0; r < device->reading_count; r++)
        wants[r] = (struct conf_core_want){ .node = CORE_NONE, .scale = 1.0, .source = CORE_NONE };
    for (int32_t m = 0; m < raw->measures.count; m++) {
        const struct raw_measure *measure = CONF_ITEM(struct raw_measure, &raw->measures, m);

        wants[conf_core_reading(device, measure->row)] = (struct conf_core_want){
            .wanted = true,
            .node = CONF_ITEM(struct raw_node, &raw_conf->tree, measure->node_at)->index,
            .scale = measure->scale,
            .source = CORE_NONE,
        };
    }
    for (int32_t r = 0; raw_conf->ride.enabled && device->source != CORE_NONE && r < device->reading_count; r++)
        if (conf_check_tells(device->readings[r].signal) && device->readings[r].poll <= POLL_SLOW) {
            wants[r].wanted = true;
            wants[r].source = device->source;
        }
    for (int32_t l = 0; l < raw->levers.count; l++) {
        int32_t row = CONF_ITEM(struct raw_lever, &raw->levers, l)->row;
        struct conf_core_want *want = &wants[conf_core_reading(device, profile->rows[row].write.readback)];

        want->wanted = true;
        want->readback = true;
    }
    conf_core_alive(device, wants);
    for (int32_t r = 0; r < device->reading_count; r++)
        if (wants[r].wanted)
            conf_core_point(core, d, r, &wants[r], bus->stuck_after_us);
    for (int32_t l = 0; l < raw->levers.count; l++)
        conf_core_lever(core, d, l, CONF_ITEM(struct raw_lever, &raw->levers, l));
}

static void conf_core_gpu(struct conf_core *core, int32_t d, int32_t g, const struct raw_bmc *raw)
{
    struct conf_device *device = &core->conf->devices[d];
    const struct conf_core_want power = { .node = device->gpus[g].node, .scale = 1.0, .source = CORE_NONE };
    const struct conf_core_want limit = {
        .readback = true, .node = CORE_NONE, .scale = 1.0, .source = CORE_NONE
    };
    const int32_t first = g * CONF_GPU_READINGS;

    conf_core_point(core, d, first, &power, raw->stuck_after_us);
    conf_core_point(core, d, first + 1, &limit, 0);
    core->levers[core->lever_count] = (struct core_config_lever){
        .use = CORE_LEVER_LIMIT,
        .ride = CORE_LEVER_RIDE_NONE,
        .source = CORE_NONE,
        .device = d,
        .node = device->gpus[g].node,
        .readback_point = device->readings[first + 1].point,
        .demand_point = device->readings[first].point,
        .min = raw->min_w,
        .max = raw->max_w,
        .step = raw->step_w,
        .base = isnan(raw->base_w) ? raw->min_w : raw->base_w,
        .watts_per_unit = 1.0,
        .overshoot_ratio = raw->overshoot_ratio,
        .delay_worst_us = raw->delay_worst_us,
        .interval_min_us = raw->interval_min_us,
        .fallback = raw->max_w, /* never used: it has no time-out of its own */
        .deadband = raw->deadband_w,
    };
    device->levers[g].lever = core->lever_count++;
}

/* The n-th setting's lever, in the order conf_build.c made them. */
static void conf_core_setting(struct conf_core *core, int32_t d, int32_t n, const struct raw_setting *raw)
{
    const struct conf_setting_kind *kind = &conf_setting_kinds[raw->kind];
    const struct conf_core_want want = { .readback = true, .node = CORE_NONE, .scale = 1.0, .source = CORE_NONE };
    struct conf_device *device = &core->conf->devices[d];
    int32_t reading = device->gpu_count * CONF_GPU_READINGS + n, l = device->gpu_count + n;

    conf_core_point(core, d, reading, &want, 0);
    core->levers[core->lever_count] = (struct core_config_lever){
        .use = CORE_LEVER_HOLD,
        .ride = CORE_LEVER_RIDE_NONE,
        .source = CORE_NONE,
        .device = d,
        .node = device->node,
        .readback_point = device->readings[reading].point,
        .demand_point = CORE_NONE,
        .min = kind->min,
        .max = kind->max,
        .step = kind->step,
        .base = raw->value,
        .watts_per_unit = 1.0,
        .delay_worst_us = raw->delay_worst_us,
        .interval_min_us = raw->interval_min_us,
        .fallback = raw->value,
        .deadband = kind->step,
    };
    device->levers[l].lever = core->lever_count++;
}

static void conf_core_bmc(struct conf_core *core, int32_t d, const struct raw_bmc *raw)
{
    struct conf_device *device = &core->conf->devices[d];
    int32_t n = 0;

    for (int32_t g = 0; g < raw->count; g++)
        conf_core_gpu(core, d, g, raw);
    for (int32_t i = 0; i < raw->settings.count; i++) {
        const struct raw_setting *setting = CONF_ITEM(struct raw_setting, &raw->settings, i);
        bool each = conf_setting_kinds[setting->kind].of_gpu && setting->index < 0;

        for (int32_t g = 0; g < (each ? raw->count : 1); g++)
            conf_core_setting(core, d, n++, setting);
    }
    for (int32_t m = 0; m < raw->measures.count; m++) {
        const struct raw_bmc_measure *measure = CONF_ITEM(struct raw_bmc_measure, &raw->measures, m);
        const struct conf_core_want want = {
            .node = CONF_ITEM(struct raw_node, &core->check->raw->tree, measure->node_at)->index,
            .scale = measure->scale,
            .source = CORE_NONE,
        };

        conf_core_point(core, d, device->reading_count - raw->measures.count + m, &want, raw->stuck_after_us);
    }
}

static bool conf_core_arrays(struct conf_core *core)
{
    struct conf *conf = core->conf;
    size_t points = 1, levers = 1;
    struct core_config_node *nodes = calloc((size_t)conf->node_count + 1, sizeof *nodes);
    struct core_config_source *sources = calloc((size_t)conf->source_count + 1, sizeof *sources);

    for (int32_t d = 0; d < conf->device_count; d++) {
        points += (size_t)conf->devices[d].reading_count;
        levers += (size_t)conf->devices[d].lever_count;
    }
    core->points = calloc(points, sizeof *core->points);
    core->levers = calloc(levers, sizeof *core->levers);
    for (int32_t n = 0; nodes && n < conf->node_count; n++)
        nodes[n] = conf->nodes[n].core;
    for (int32_t i = 0; sources && i < conf->source_count; i++)
        sources[i] = conf->sources[i].core;
    conf->core.nodes = nodes;
    conf->core.sources = sources;
    conf->core.points = core->points;
    conf->core.levers = core->levers;
    return nodes && sources && core->points && core->levers;
}

/* Racks with different names give power back at different times. */
static uint64_t conf_core_seed(const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
    return hash;
}

/* Names that differ in their last letter alone must not lie side by side: the
 * seed's low bits do, so they are mixed through (splitmix64's finish). */
static double conf_core_phase(const char *name)
{
    uint64_t mixed = conf_core_seed(name);

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    mixed ^= mixed >> 31;
    return (double)(mixed >> 11) / (double)(UINT64_C(1) << 53);
}

static void conf_core_plan_power(const struct conf_check *check, const struct conf *conf, struct core_plan *plan)
{
    const struct raw_conf *raw = check->raw;

    plan->ride = raw->ride;
    if (!conf_has(&raw->item, "ride_through.phase_ratio"))
        plan->ride.phase_ratio = conf_core_phase(conf->rack_name);
    plan->protection = raw->protection;
    for (int32_t n = 0; !conf_has(&raw->item, "protection.enabled") && n < conf->node_count; n++)
        plan->protection.enabled = plan->protection.enabled || conf->core.nodes[n].curve.kind != CORE_CURVE_NONE;
    plan->damping = raw->damping;
    plan->tokens.risk_ratio = raw->risk_ratio;
    plan->tokens.zone_count = raw->zones.count;
    for (int32_t z = 0; z < raw->zones.count; z++) {
        const struct raw_zone *zone = CONF_ITEM(struct raw_zone, &raw->zones, z);

        plan->tokens.zone[z] = zone->core;
        plan->tokens.zone[z].node = CONF_ITEM(struct raw_node, &raw->tree, zone->node_at)->index;
    }
}

static void conf_core_plan_groups(const struct conf *conf, struct core_plan *plan)
{
    struct core_plan_group *groups = core_plan_groups(plan);
    int32_t *members = core_plan_members(plan);

    for (int32_t g = 0; g < conf->group_count; g++) {
        const struct conf_group *group = &conf->groups[g];

        groups[g] = (struct core_plan_group){ .member_first = plan->member_count,
                                              .member_count = group->member_count,
                                              .limit_count = group->limit_count };
        memcpy(groups[g].limit, group->limit, sizeof groups[g].limit);
        for (int32_t m = 0; m < group->member_count; m++)
            members[plan->member_count++] = group->members[m];
    }
    plan->group_count = conf->group_count;
}

static void conf_core_plan_levers(const struct conf_check *check, const struct conf *conf,
                                  struct core_plan *plan)
{
    struct core_plan_lever *levers = core_plan_levers(plan);

    for (int32_t d = 0; d < conf->device_count; d++)
        for (int32_t l = 0; l < conf->devices[d].lever_count; l++) {
            const struct conf_lever *from = &conf->devices[d].levers[l];
            const struct core_config_lever *core = &conf->core.levers[from->lever];
            struct core_plan_lever *lever = &levers[from->lever];

            if (core->use == CORE_LEVER_HOLD) {
                lever->target = from->hold_value;
                lever->armed = from->armed_value;
            }
            if (core->use == CORE_LEVER_CHARGE)
                lever->priority = 0;
            if (core->use == CORE_LEVER_LIMIT) {
                const struct raw_bmc *raw =
                    CONF_ITEM(struct raw_bmc, &check->raw->bmcs, d - check->raw->devices.count);

                lever->weight = raw->weight;
                lever->priority = raw->priority;
            }
        }
}

static bool conf_core_plan(const struct conf_check *check, struct conf *conf)
{
    struct core_plan *plan = calloc(1, core_plan_size(&conf->core));
    struct core_plan_node *nodes;

    if (!plan)
        return false;
    core_plan_init(plan, &conf->core);
    plan->version = 1;
    plan->mode_wanted = conf->mode_first;
    plan->band = conf->band;
    plan->forecast_margin_ratio = conf->forecast_margin_ratio;
    plan->forecast_margin_w = conf->forecast_margin_w;
    plan->arm_ratio = conf->arm_ratio;
    plan->arm_hold_us = conf->arm_hold_us;
    plan->recharge_ratio = conf->recharge_ratio;
    conf_core_plan_power(check, conf, plan);
    nodes = core_plan_nodes(plan);
    for (int32_t n = 0; n < conf->node_count; n++) {
        nodes[n].limit_count = conf->nodes[n].plan_limit_count;
        memcpy(nodes[n].limit, conf->nodes[n].plan_limit, sizeof nodes[n].limit);
    }
    conf_core_plan_levers(check, conf, plan);
    conf_core_plan_groups(conf, plan);
    conf->plan = plan;
    return true;
}

bool conf_core(const struct conf_check *check, struct conf *conf)
{
    struct conf_core core = { .check = check, .conf = conf };
    int32_t members = 0;

    if (!conf_core_arrays(&core))
        return false;
    for (int32_t d = 0; d < check->raw->devices.count; d++)
        conf_core_device(&core, d);
    for (int32_t b = 0; b < check->raw->bmcs.count; b++) {
        const struct raw_bmc *raw = CONF_ITEM(struct raw_bmc, &check->raw->bmcs, b);

        conf_core_bmc(&core, check->raw->devices.count + b, raw);
    }
    for (int32_t g = 0; g < conf->group_count; g++)
        members += conf->groups[g].member_count;
    conf->core.node_count = conf->node_count;
    conf->core.point_count = core.point_count;
    conf->core.lever_count = core.lever_count;
    conf->core.device_count = conf->device_count;
    conf->core.source_count = conf->source_count;
    conf->core.bus = check->raw->busbar;
    conf->core.bus.node = check->raw->busbar_at == CORE_NONE
                              ? CORE_NONE
                              : CONF_ITEM(struct raw_node, &check->raw->tree, check->raw->busbar_at)->index;
    conf->core.request_max = check->raw->clients_max;
    conf->core.group_max = conf->group_count + CONF_CORE_GROUPS_MORE;
    conf->core.group_member_max = members + CONF_CORE_GROUPS_MORE * conf->node_count;
    conf->core.period_us = conf->period_us;
    conf->core.seed = conf_core_seed(conf->rack_name);
    conf->core.forecast = check->raw->forecast_learn ? CORE_FORECAST_LEARN : CORE_FORECAST_OFF;
    return conf_core_plan(check, conf);
}
