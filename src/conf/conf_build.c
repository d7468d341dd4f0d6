/* SPDX-License-Identifier: Apache-2.0 */
/* conf_build.c: checked raw structs to struct conf: names become indices.
 *
 * Owns the order of nodes (parents first, then the leaves of GPUs and chargers),
 * of buses and of devices (BMCs last), and defaults that depend on a bus's kind.
 * Any thread.
 */
#include "conf_build.h"

#include <stdlib.h>
#include <string.h>

#define CONF_BUILD_TIMEOUT_RTU_US   100000
#define CONF_BUILD_TIMEOUT_TCP_US   300000
#define CONF_BUILD_TIMEOUT_SMBUS_US 50000

/* calloc() that also gives something for nothing. */
static void *conf_build_array(int32_t count, size_t size)
{
    return calloc((size_t)count + 1, size);
}

static int32_t conf_build_index(const struct conf_check *check, int32_t tree_at)
{
    return CONF_ITEM(struct raw_node, &check->raw->tree, tree_at)->index;
}

/* ---- nodes and groups ---- */

static int32_t conf_build_plan_limits(const struct conf_list *limits, struct core_plan_limit *to)
{
    for (int32_t l = 0; l < limits->count; l++) {
        const struct raw_limit *limit = CONF_ITEM(struct raw_limit, limits, l);

        to[l] = (struct core_plan_limit){ .window_us = limit->window_us,
                                          .limit_w = limit->limit_w,
                                          .expires_us = CORE_FOREVER,
                                          .limit_standing_w =
                                              isnan(limit->standing_w) ? limit->limit_w : limit->standing_w };
    }
    return limits->count;
}

static void conf_build_node(const struct conf_check *check, const struct raw_node *raw,
                            struct conf_node *node)
{
    memcpy(node->name, raw->name, sizeof node->name);
    node->line = raw->item.at.line;
    node->core = (struct core_config_node){ .kind = (enum core_node_kind)raw->kind,
                                            .parent_count = raw->parent_count,
                                            .static_w = raw->static_w,
                                            .loss_ratio = raw->loss_ratio,
                                            .loss_w = raw->loss_w,
                                            .limit_count = raw->bears.count,
                                            .curve = raw->breaker };
    for (int32_t p = 0; p < raw->parent_count; p++) {
        node->core.parent[p] = conf_build_index(check, raw->parent_at[p]);
        node->core.share[p] = raw->parent_share[p];
    }
    for (int32_t l = 0; l < raw->bears.count; l++) {
        const struct raw_limit *limit = CONF_ITEM(struct raw_limit, &raw->bears, l);

        node->core.limit[l] = (struct core_limit){ .window_us = limit->window_us, .limit_w = limit->limit_w };
    }
    node->plan_limit_count = conf_build_plan_limits(&raw->limits, node->plan_limit);
}

static void conf_build_leaf(const struct conf_check *check, const struct conf_leaf *leaf,
                            struct conf_node *node)
{
    const struct raw_conf *raw = check->raw;
    const struct conf_item *item = leaf->bmc != CORE_NONE
                                       ? &CONF_ITEM(struct raw_bmc, &raw->bmcs, leaf->bmc)->item
                                       : &CONF_ITEM(struct raw_device, &raw->devices, leaf->device)->item;

    memcpy(node->name, leaf->name, sizeof node->name);
    node->line = item->at.line;
    node->core = (struct core_config_node){ .kind = CORE_NODE_LOAD,
                                            .parent_count = 1,
                                            .parent = { conf_build_index(check, leaf->node_at) },
                                            .share = { 1.0 } };
}

static bool conf_build_nodes(const struct conf_check *check, struct conf *conf)
{
    const struct conf_list *tree = &check->raw->tree;

    conf->nodes = conf_build_array(tree->count + check->leaves.count, sizeof *conf->nodes);
    if (!conf->nodes)
        return false;
    conf->node_count = tree->count + check->leaves.count;
    for (int32_t n = 0; n < tree->count; n++) {
        const struct raw_node *raw = CONF_ITEM(struct raw_node, tree, n);

        conf_build_node(check, raw, &conf->nodes[raw->index]);
    }
    for (int32_t i = 0; i < check->leaves.count; i++)
        conf_build_leaf(check, &check->leaves.list[i], &conf->nodes[tree->count + i]);
    return true;
}

static bool conf_build_sources(const struct conf_check *check, struct conf *conf)
{
    const struct conf_list *sources = &check->raw->sources;

    conf->sources = conf_build_array(sources->count, sizeof *conf->sources);
    if (!conf->sources)
        return false;
    conf->source_count = sources->count;
    for (int32_t s = 0; s < sources->count; s++) {
        const struct raw_source *raw = CONF_ITEM(struct raw_source, sources, s);

        memcpy(conf->sources[s].name, raw->name, sizeof conf->sources[s].name);
        conf->sources[s].core = raw->core;
        conf->sources[s].core.node = conf_build_index(check, raw->node_at);
    }
    return true;
}

static bool conf_build_group(const struct conf_check *check, const struct raw_group *raw, int32_t node_count,
                             struct conf_group *group)
{
    bool *marks = conf_build_array(node_count, sizeof *marks);

    memcpy(group->name, raw->name, sizeof group->name);
    group->members = conf_build_array(node_count, sizeof *group->members);
    group->limit_count = conf_build_plan_limits(&raw->limits, group->limit);
    for (int32_t m = 0; marks && m < raw->members.count; m++)
        conf_check_mark(check, conf_check_node(check, CONF_ITEM(struct conf_text, &raw->members, m)->text),
                        marks);
    for (int32_t n = 0; marks && group->members && n < node_count; n++)
        if (marks[n])
            group->members[group->member_count++] = n;
    free(marks);
    return marks != NULL && group->members != NULL;
}

static bool conf_build_groups(const struct conf_check *check, struct conf *conf)
{
    const struct conf_list *groups = &check->raw->groups;

    conf->groups = conf_build_array(groups->count, sizeof *conf->groups);
    if (!conf->groups)
        return false;
    for (int32_t g = 0; g < groups->count; g++) {
        conf->group_count++;
        if (!conf_build_group(check, CONF_ITEM(struct raw_group, groups, g), conf->node_count,
                              &conf->groups[g]))
            return false;
    }
    return true;
}

/* ---- buses ---- */

static int64_t conf_build_timeout(const struct raw_bus *raw)
{
    if (conf_has(&raw->item, "timeout_ms"))
        return raw->timeout_us;
    if (raw->kind == CONF_BUS_MODBUS_RTU)
        return CONF_BUILD_TIMEOUT_RTU_US;
    return raw->kind == CONF_BUS_MODBUS_TCP ? CONF_BUILD_TIMEOUT_TCP_US : CONF_BUILD_TIMEOUT_SMBUS_US;
}

static void conf_build_bus(const struct raw_bus *raw, struct conf_bus *bus)
{
    static const char parities[] = { 'E', 'N', 'O' };

    memcpy(bus->name, raw->name, sizeof bus->name);
    memcpy(bus->path, raw->path, sizeof bus->path);
    memcpy(bus->host, raw->host, sizeof bus->host);
    bus->kind = (enum conf_bus_kind)raw->kind;
    bus->port = raw->port;
    bus->baud = raw->baud;
    bus->parity = parities[raw->parity];
    bus->stop_bits = raw->stop_bits;
    bus->timeout_us = conf_build_timeout(raw);
    bus->timeout_min_us = raw->timeout_min_us < bus->timeout_us ? raw->timeout_min_us : bus->timeout_us;
    bus->clock_max_us = raw->clock_max_us;
    bus->rtu_framing = raw->framing == 1;
    bus->retry_max = raw->retry_max;
    bus->fast_us = raw->fast_us;
    bus->slow_us = raw->slow_us;
    bus->stale_us = raw->stale_us;
    bus->alert = raw->alert;
}

static bool conf_build_buses(const struct conf_check *check, struct conf *conf)
{
    const struct conf_list *buses = &check->raw->buses, *bmcs = &check->raw->bmcs;

    conf->buses = conf_build_array(buses->count + bmcs->count, sizeof *conf->buses);
    if (!conf->buses)
        return false;
    conf->bus_count = buses->count + bmcs->count;
    for (int32_t b = 0; b < buses->count; b++)
        conf_build_bus(CONF_ITEM(struct raw_bus, buses, b), &conf->buses[b]);
    for (int32_t b = 0; b < bmcs->count; b++) {
        const struct raw_bmc *raw = CONF_ITEM(struct raw_bmc, bmcs, b);
        struct conf_bus *bus = &conf->buses[buses->count + b];

        *bus = (struct conf_bus){ .kind = CONF_BUS_REDFISH,
                                  .parity = 'N',
                                  .timeout_us = raw->timeout_us,
                                  .retry_max = raw->retry_max,
                                  .fast_us = raw->fast_us,
                                  .slow_us = raw->slow_us,
                                  .stale_us = raw->stale_us };
        memcpy(bus->name, raw->name, sizeof bus->name);
    }
    return true;
}

/* ---- devices ---- */

static void conf_build_device(const struct conf_check *check, const struct raw_device *raw,
                              struct conf_device *device)
{
    const struct profile *profile = &check->profiles.list[raw->profile_at];
    char name[CONF_LABEL_MAX];

    memcpy(device->name, raw->name, sizeof device->name);
    device->line = raw->item.at.line;
    device->bus = raw->bus_at;
    device->address = raw->address;
    device->profile = raw->profile_at;
    device->node = conf_build_index(check, raw->node_at);
    device->source = raw->source_at;
    device->mirror = raw->mirror_at;
    device->mirror_slot = raw->mirror_at == CORE_NONE ? 0 : raw->slot;
    for (int32_t r = 0; r < profile->row_count; r++) {
        const struct profile_row *row = &profile->rows[r];

        if (row->poll != POLL_NEVER)
            device->readings[device->reading_count++] = (struct conf_reading){
                .row = r, .signal = row->signal, .index = row->index, .poll = row->poll, .point = CORE_NONE
            };
    }
    for (int32_t l = 0; l < raw->levers.count; l++) {
        const struct raw_lever *from = CONF_ITEM(struct raw_lever, &raw->levers, l);
        struct conf_lever *lever = &device->levers[device->lever_count++];
        const char *signal = signal_name(profile->rows[from->row].signal);

        *lever = (struct conf_lever){ .row = from->row,
                                      .signal = profile->rows[from->row].signal,
                                      .lever = CORE_NONE,
                                      .hold_value = from->value,
                                      .armed_value = from->armed };
        if (from->index > 0)
            snprintf(name, sizeof name, "%s.%s.%d", raw->name, signal, (int)from->index);
        else
            snprintf(name, sizeof name, "%s.%s", raw->name, signal);
        memcpy(lever->name, name, sizeof lever->name - 1); /* its length was checked */
    }
}

/* "{n}" becomes the number; the length was checked. */
static void conf_build_gpu_path(const struct raw_bmc *raw, int32_t number, char ret[CONF_PATH_MAX])
{
    const char *mark = strstr(raw->path, "{n}");

    if (mark)
        snprintf(ret, CONF_PATH_MAX, "%.*s%d%s", (int)(mark - raw->path), raw->path, (int)number, mark + 3);
    else
        memcpy(ret, raw->path, CONF_PATH_MAX);
}

static void conf_build_gpu(const struct raw_bmc *raw, int32_t g, int32_t leaf, struct conf_device *device)
{
    static const enum signal signals[CONF_GPU_READINGS] = { SIGNAL_GPU_POWER_W, SIGNAL_GPU_POWER_LIMIT_W,
                                                            SIGNAL_GPU_ENERGY_J };
    struct conf_lever *lever = &device->levers[device->lever_count++];

    conf_build_gpu_path(raw, raw->first + g, device->gpus[g].path);
    device->gpus[g].node = leaf;
    for (size_t s = 0; s < sizeof signals / sizeof *signals; s++)
        device->readings[device->reading_count++] = (struct conf_reading){
            .row = g, .signal = signals[s], .index = g, .poll = POLL_FAST, .point = CORE_NONE
        };
    *lever = (struct conf_lever){
        .row = g, .signal = SIGNAL_GPU_POWER_LIMIT_W, .lever = CORE_NONE, .hold_value = NAN, .armed_value = NAN
    };
    snprintf(lever->name, sizeof lever->name, "%.39s.gpu-%d", raw->name, (int)g);
}

/* The place of a path with its fragment; two settings of one resource share it. */
static int32_t conf_build_place(struct conf_device *device, const char *path)
{
    struct conf_place place = { .path = "" };
    const char *mark = strchr(path, '#');

    snprintf(place.path, sizeof place.path, "%.*s", (int)(mark ? mark - path : (ptrdiff_t)strlen(path)), path);
    if (mark)
        snprintf(place.pointer, sizeof place.pointer, "%.*s", CONF_NAME_MAX - 1, mark + 1 + (mark[1] == '/'));
    for (int32_t p = 0; p < device->place_count; p++)
        if (strcmp(device->places[p].path, place.path) == 0 && strcmp(device->places[p].pointer, place.pointer) == 0)
            return p;
    device->places[device->place_count] = place;
    return device->place_count++;
}

/* One lever and the reading that reads it back. `row` is the GPU, or the place. */
static void conf_build_setting(const struct raw_bmc *raw, const struct raw_setting *setting, int32_t gpu,
                               struct conf_device *device)
{
    const struct conf_setting_kind *kind = &conf_setting_kinds[setting->kind];
    int32_t place = kind->of_gpu ? CORE_NONE : conf_build_place(device, setting->path);
    int32_t row = kind->of_gpu ? gpu : place;
    struct conf_lever *lever = &device->levers[device->lever_count++];

    device->readings[device->reading_count++] = (struct conf_reading){
        .row = row, .signal = kind->signal, .index = row, .poll = POLL_SLOW, .point = CORE_NONE, .place = place + 1
    };
    *lever = (struct conf_lever){ .row = row,
                                  .signal = kind->signal,
                                  .lever = CORE_NONE,
                                  .hold_value = setting->value,
                                  .armed_value = setting->armed,
                                  .place = place + 1,
                                  .knob = kind->knob };
    snprintf(lever->name, sizeof lever->name, "%.14s.%.26s.%d", raw->name, signal_name(kind->signal), (int)row % 1000);
}

static void conf_build_bmc_more(const struct raw_bmc *raw, struct conf_device *device)
{
    for (int32_t i = 0; i < raw->settings.count; i++) {
        const struct raw_setting *setting = CONF_ITEM(struct raw_setting, &raw->settings, i);
        bool each = conf_setting_kinds[setting->kind].of_gpu && setting->index < 0;

        for (int32_t g = 0; g < (each ? raw->count : 1); g++)
            conf_build_setting(raw, setting, each ? g : setting->index, device);
    }
    for (int32_t m = 0; m < raw->measures.count; m++) {
        const struct raw_bmc_measure *measure = CONF_ITEM(struct raw_bmc_measure, &raw->measures, m);
        int32_t place = conf_build_place(device, measure->path);

        device->readings[device->reading_count++] = (struct conf_reading){ .row = place,
                                                                           .signal = signal_find(measure->signal),
                                                                           .index = place,
                                                                           .poll = POLL_FAST,
                                                                           .point = CORE_NONE,
                                                                           .place = place + 1 };
    }
}

static bool conf_build_bmc(const struct conf_check *check, int32_t b, struct conf_device *device)
{
    const struct raw_bmc *raw = CONF_ITEM(struct raw_bmc, &check->raw->bmcs, b);

    memcpy(device->name, raw->name, sizeof device->name);
    memcpy(device->url, raw->url, sizeof device->url);
    memcpy(device->username, raw->username, sizeof device->username);
    memcpy(device->password, raw->password, sizeof device->password);
    memcpy(device->ca_file, raw->ca_file, sizeof device->ca_file);
    memcpy(device->pin, raw->pin, sizeof device->pin);
    device->reports = (enum conf_reports)raw->reports;
    device->use_events = raw->use_events;
    device->hard_power_off_ok = raw->hard_power_off_ok;
    device->writes_per_min = raw->writes_per_min;
    device->line = raw->item.at.line;
    device->bus = check->raw->buses.count + b;
    device->profile = CORE_NONE;
    device->node = conf_build_index(check, raw->node_at);
    device->source = CORE_NONE;
    device->gpus = conf_build_array(raw->count, sizeof *device->gpus);
    device->places = conf_build_array(raw->settings.count + raw->measures.count, sizeof *device->places);
    if (!device->gpus || !device->places)
        return false;
    device->gpu_count = raw->count;
    for (int32_t i = 0; i < check->leaves.count; i++)
        if (check->leaves.list[i].bmc == b)
            conf_build_gpu(raw, check->leaves.list[i].gpu, check->raw->tree.count + i, device);
    conf_build_bmc_more(raw, device);
    return true;
}

static bool conf_build_devices(const struct conf_check *check, struct conf *conf)
{
    const struct conf_list *devices = &check->raw->devices, *bmcs = &check->raw->bmcs;

    conf->devices = conf_build_array(devices->count + bmcs->count, sizeof *conf->devices);
    if (!conf->devices)
        return false;
    conf->device_count = devices->count + bmcs->count;
    for (int32_t d = 0; d < devices->count; d++)
        conf_build_device(check, CONF_ITEM(struct raw_device, devices, d), &conf->devices[d]);
    for (int32_t b = 0; b < bmcs->count; b++)
        if (!conf_build_bmc(check, b, &conf->devices[devices->count + b]))
            return false;
    return true;
}

static void conf_build_scalars(const struct raw_conf *raw, struct conf *conf)
{
    memcpy(conf->rack_name, raw->rack_name, sizeof conf->rack_name);
    memcpy(conf->state_dir, raw->state_dir, sizeof conf->state_dir);
    memcpy(conf->socket, raw->socket, sizeof conf->socket);
    conf->period_us = raw->period_us;
    conf->mode_first = (enum core_mode_wanted)raw->mode;
    conf->rt_priority = raw->rt_priority;
    conf->cpu = raw->cpu;
    conf->band = raw->band;
    conf->forecast_margin_ratio = raw->margin_ratio;
    conf->forecast_margin_w = raw->margin_w;
    conf->arm_ratio = raw->arm_ratio;
    conf->arm_hold_us = raw->arm_hold_us;
    conf->recharge_ratio = raw->recharge_ratio;
    conf->record_ring_bytes = raw->record_ring_bytes;
}

bool conf_build(struct conf_check *check, struct conf *conf)
{
    conf_build_scalars(check->raw, conf);
    if (!conf_build_nodes(check, conf) || !conf_build_sources(check, conf) || !conf_build_groups(check, conf) ||
        !conf_build_buses(check, conf) || !conf_build_devices(check, conf))
        return false;
    conf_pmi_build(check, conf);
    conf->profiles = check->profiles.list;
    conf->profile_count = check->profiles.count;
    check->profiles.list = NULL;
    check->profiles.count = 0;
    return true;
}
