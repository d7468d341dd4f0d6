/* SPDX-License-Identifier: Apache-2.0 */
/* conf_map.c: for a reload, which index of the new configuration is which of the old.
 *
 * Things are the same when their names are: node, device, lever; a point when its
 * device's name, its signal and its index are. Any thread.
 */
#include <stdlib.h>
#include <string.h>

#include "busbar/conf.h"

struct conf_map {
    int32_t *node, *point, *lever, *device;
};

static void conf_map_nodes(const struct conf *now, const struct conf *old, int32_t *ret)
{
    for (int32_t n = 0; n < now->node_count; n++)
        for (int32_t o = 0; o < old->node_count && ret[n] == CORE_NONE; o++)
            if (strcmp(now->nodes[n].name, old->nodes[o].name) == 0)
                ret[n] = o;
}

static void conf_map_points(const struct conf_device *now, const struct conf_device *old, int32_t *ret)
{
    for (int32_t r = 0; r < now->reading_count; r++) {
        const struct conf_reading *reading = &now->readings[r];

        for (int32_t o = 0; o < old->reading_count && reading->point != CORE_NONE; o++)
            if (old->readings[o].signal == reading->signal && old->readings[o].index == reading->index)
                ret[reading->point] = old->readings[o].point;
    }
}

static void conf_map_levers(const struct conf_device *now, const struct conf_device *old, int32_t *ret)
{
    for (int32_t l = 0; l < now->lever_count; l++)
        for (int32_t o = 0; o < old->lever_count; o++)
            if (strcmp(now->levers[l].name, old->levers[o].name) == 0)
                ret[now->levers[l].lever] = old->levers[o].lever;
}

static void conf_map_devices(const struct conf *now, const struct conf *old, const struct conf_map *ret)
{
    for (int32_t d = 0; d < now->device_count; d++)
        for (int32_t o = 0; o < old->device_count; o++)
            if (strcmp(now->devices[d].name, old->devices[o].name) == 0) {
                ret->device[d] = o;
                conf_map_points(&now->devices[d], &old->devices[o], ret->point);
                conf_map_levers(&now->devices[d], &old->devices[o], ret->lever);
                break;
            }
}

enum status conf_map(const struct conf *now, const struct conf *old, struct core_map *ret, void **ret_block)
{
    const int32_t counts[4] = { now->core.node_count, now->core.point_count, now->core.lever_count,
                                now->core.device_count };
    size_t total = 1;
    int32_t *block;

    for (int i = 0; i < 4; i++)
        total += (size_t)counts[i];
    block = malloc(total * sizeof *block);
    if (!block)
        return ST_NOMEM;
    for (size_t i = 0; i < total; i++)
        block[i] = CORE_NONE;

    const struct conf_map map = { .node = block,
                                  .point = block + counts[0],
                                  .lever = block + counts[0] + counts[1],
                                  .device = block + counts[0] + counts[1] + counts[2] };

    conf_map_nodes(now, old, map.node);
    conf_map_devices(now, old, &map);
    *ret =
        (struct core_map){ .node = map.node, .point = map.point, .lever = map.lever, .device = map.device };
    *ret_block = block;
    return ST_OK;
}
