/* SPDX-License-Identifier: Apache-2.0 */
/* names.c: operator_names, and the names of a recording, from a configuration.
 * Main thread; never changes once made. */
#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/field.h"

#define NAMES_LINK_MAX (CONF_PATH_MAX + 64)

enum { NAMES_REDFISH, NAMES_MODBUS, NAMES_SMBUS };

static const char *const names_kinds[OPERATOR_PROTOCOLS] = { "redfish", "modbus", "smbus" };

int32_t names_protocol(enum conf_bus_kind kind)
{
    switch (kind) {
    case CONF_BUS_MODBUS_RTU:
    case CONF_BUS_MODBUS_TCP:
        return NAMES_MODBUS;
    case CONF_BUS_SMBUS_LINUX:
    case CONF_BUS_SMBUS_SOCKET:
        return NAMES_SMBUS;
    case CONF_BUS_REDFISH:
        break;
    }
    return NAMES_REDFISH;
}

/* One block for every array: `at` walks through it. First with no block at all,
 * to find the size. */
static void *names_take(struct names *names, size_t *at, size_t count, size_t each)
{
    void *here = names->block ? (char *)names->block + *at : NULL;

    *at += (count * each + 15) / 16 * 16;
    return here;
}

struct names_arrays {
    const char **nodes, **levers, **groups, **units;
    enum core_node_kind *node_kinds;
    int32_t *node_parents, *lever_devices;
    struct operator_device *devices;
    enum signal *signals;
    int32_t *indices;
    char (*links)[NAMES_LINK_MAX];
};

static size_t names_layout(struct names *names, const struct conf *conf, struct names_arrays *ret)
{
    size_t nodes = (size_t)conf->core.node_count, levers = (size_t)conf->core.lever_count;
    size_t readings = 0, at = 0;

    for (int32_t d = 0; d < conf->device_count; d++)
        readings += (size_t)conf->devices[d].reading_count;
    ret->nodes = names_take(names, &at, nodes, sizeof *ret->nodes);
    ret->levers = names_take(names, &at, levers, sizeof *ret->levers);
    ret->groups = names_take(names, &at, (size_t)conf->group_count, sizeof *ret->groups);
    ret->units = names_take(names, &at, levers, sizeof *ret->units);
    ret->node_kinds = names_take(names, &at, nodes, sizeof *ret->node_kinds);
    ret->node_parents = names_take(names, &at, nodes, sizeof *ret->node_parents);
    ret->lever_devices = names_take(names, &at, levers, sizeof *ret->lever_devices);
    ret->devices = names_take(names, &at, (size_t)conf->device_count, sizeof *ret->devices);
    ret->signals = names_take(names, &at, readings, sizeof *ret->signals);
    ret->indices = names_take(names, &at, readings, sizeof *ret->indices);
    ret->links = names_take(names, &at, (size_t)conf->device_count, sizeof *ret->links);
    names->lever_protocols = names_take(names, &at, levers, sizeof *names->lever_protocols);
    names->lever_places = names_take(names, &at, levers, sizeof *names->lever_places);
    names->points = names_take(names, &at, (size_t)conf->core.point_count, sizeof *names->points);
    return at;
}

static void names_point(struct names *names, const struct conf_device *device,
                        const struct conf_reading *reading)
{
    char *text;

    if (reading->point < 0 || reading->point >= names->point_count)
        return;
    text = names->points[reading->point];
    if (reading->index > 0)
        (void)snprintf(text, NAMES_TEXT_MAX, "%s.%s-%d", device->name, signal_name(reading->signal),
                       (int)reading->index);
    else
        (void)snprintf(text, NAMES_TEXT_MAX, "%s.%s", device->name, signal_name(reading->signal));
}

/* Where a device is, in the words of `busbarctl device --link`. */
static void names_link(const struct conf_bus *bus, const struct conf_device *device, char text[NAMES_LINK_MAX])
{
    unsigned address = (unsigned)device->address;

    switch (bus->kind) {
    case CONF_BUS_MODBUS_RTU:
        (void)snprintf(text, NAMES_LINK_MAX, "rtu:%s,%d,8%c%d@0x%02x", bus->path, (int)bus->baud, bus->parity,
                       (int)bus->stop_bits, address);
        break;
    case CONF_BUS_MODBUS_TCP:
        (void)snprintf(text, NAMES_LINK_MAX, strchr(bus->host, ':') ? "tcp:[%s]:%d@%u" : "tcp:%s:%d@%u", bus->host,
                       (int)bus->port, address);
        break;
    case CONF_BUS_SMBUS_LINUX:
    case CONF_BUS_SMBUS_SOCKET:
        (void)snprintf(text, NAMES_LINK_MAX, "%s:%s@0x%02x", bus->kind == CONF_BUS_SMBUS_LINUX ? "i2c" : "smbus",
                       bus->path, address);
        break;
    case CONF_BUS_REDFISH:
        (void)snprintf(text, NAMES_LINK_MAX, "redfish:%s", device->url);
        break;
    }
}

static void names_fill_device(struct names *names, const struct conf *conf, int32_t index,
                              struct names_arrays *a, size_t *reading_first)
{
    const struct conf_device *device = &conf->devices[index];
    const struct conf_bus *bus = &conf->buses[device->bus];
    int32_t protocol = names_protocol(bus->kind);

    a->devices[index] = (struct operator_device){
        .name = device->name, .kind = names_kinds[protocol], .bus = bus->name, .link = a->links[index],
        .profile = device->profile == CORE_NONE ? NULL : conf->profiles[device->profile].name,
        .reading_count = device->reading_count,
        .signals = a->signals + *reading_first, .indices = a->indices + *reading_first,
    };
    names_link(bus, device, a->links[index]);
    for (int32_t r = 0; r < device->reading_count; r++) {
        a->signals[*reading_first] = device->readings[r].signal;
        a->indices[*reading_first] = device->readings[r].index;
        (*reading_first)++;
        names_point(names, device, &device->readings[r]);
    }
    for (int32_t l = 0; l < device->lever_count; l++) {
        const struct conf_lever *lever = &device->levers[l];

        if (lever->lever < 0 || lever->lever >= conf->core.lever_count)
            continue;
        a->levers[lever->lever] = lever->name;
        a->units[lever->lever] = signal_unit(lever->signal);
        a->lever_devices[lever->lever] = index;
        names->lever_protocols[lever->lever] = protocol;
        names->lever_places[lever->lever] = l;
    }
}

static void names_fill(struct names *names, const struct conf *conf, struct names_arrays *a)
{
    size_t reading = 0;

    for (int32_t n = 0; n < conf->core.node_count; n++) {
        const struct core_config_node *node = &conf->core.nodes[n];

        a->nodes[n] = n < conf->node_count ? conf->nodes[n].name : "?";
        a->node_kinds[n] = node->kind;
        a->node_parents[n] = node->parent_count > 0 ? node->parent[0] : CORE_NONE;
    }
    for (int32_t g = 0; g < conf->group_count; g++)
        a->groups[g] = conf->groups[g].name;
    for (int32_t p = 0; p < names->point_count; p++)
        (void)snprintf(names->points[p], NAMES_TEXT_MAX, "?");
    for (int32_t l = 0; l < conf->core.lever_count; l++) {
        a->levers[l] = "?";
        a->units[l] = "";
    }
    for (int32_t d = 0; d < conf->device_count; d++)
        names_fill_device(names, conf, d, a, &reading);
}

enum status names_new(const struct conf *conf, struct names **ret)
{
    struct names *names = calloc(1, sizeof *names);
    struct names_arrays arrays;
    size_t size;

    if (!names)
        return ST_NOMEM;
    names->point_count = conf->core.point_count;
    size = names_layout(names, conf, &arrays);
    names->block = calloc(1, size > 0 ? size : 1);
    if (!names->block) {
        names_free(names);
        return ST_NOMEM;
    }
    (void)names_layout(names, conf, &arrays);
    names_fill(names, conf, &arrays);
    names->operator = (struct operator_names){
        .rack = conf->rack_name,
        .node_count = conf->core.node_count, .lever_count = conf->core.lever_count,
        .device_count = conf->device_count, .group_count = conf->group_count,
        .nodes = arrays.nodes, .levers = arrays.levers, .groups = arrays.groups,
        .lever_units = arrays.units, .lever_devices = arrays.lever_devices,
        .node_kinds = arrays.node_kinds, .node_parents = arrays.node_parents,
        .devices = arrays.devices,
        .faults = field_faults,
    };
    *ret = names;
    return ST_OK;
}

struct names *names_free(struct names *names)
{
    if (names) {
        free(names->block);
        free(names);
    }
    return NULL;
}

const char *names_node(const struct names *names, int32_t node)
{
    return node >= 0 && node < names->operator.node_count ? names->operator.nodes[node] : "?";
}

const char *names_lever(const struct names *names, int32_t lever)
{
    return lever >= 0 && lever < names->operator.lever_count ? names->operator.levers[lever] : "?";
}

const char *names_device(const struct names *names, int32_t device)
{
    return device >= 0 && device < names->operator.device_count ? names->operator.devices[device].name : "?";
}

const char *names_group(const struct names *names, int32_t group)
{
    return group >= 0 && group < names->operator.group_count ? names->operator.groups[group] : "?";
}
