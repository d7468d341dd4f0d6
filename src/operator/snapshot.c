/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.c: what JSON and metrics both derive from one snapshot. Pure. */
#include "snapshot.h"

#include <math.h>
#include <stddef.h>

const char *const snapshot_protocols[OPERATOR_PROTOCOLS] = { "redfish", "modbus", "smbus" };

static bool snapshot_is_root(const struct snapshot *snap, int32_t node)
{
    if (!snap->names->node_parents)
        return node == 0;
    return snap->names->node_parents[node] == CORE_NONE;
}

/* How much of a limit is used: by its own window where that is full, else by the
 * power now; below 0 when neither is known. */
static double snapshot_use(const struct core_node_view *node, const struct core_limit_view *limit)
{
    double drawn_w = isnan(limit->mean_w) ? node->power_w : limit->mean_w;

    return isnan(drawn_w) || !(limit->limit_w > 0.0) ? -1.0 : drawn_w / limit->limit_w;
}

struct snapshot_envelope snapshot_envelope(const struct snapshot *snap)
{
    struct snapshot_envelope best = { .node = 0 };
    const struct core_node_view *nodes = core_outputs_nodes(snap->outputs);
    double best_use = -2.0;

    for (int32_t n = 0; n < snap->outputs->node_count; n++) {
        if (!snapshot_is_root(snap, n))
            continue;
        for (int32_t i = 0; i < nodes[n].limit_count; i++) {
            const struct core_limit_view *limit = &nodes[n].limit[i];
            double use = snapshot_use(&nodes[n], limit);
            bool tighter = use > best_use ||
                           (use == best_use && best.limit && limit->limit_w < best.limit->limit_w);

            if (tighter) {
                best = (struct snapshot_envelope){ .node = n, .limit = limit };
                best_use = use;
            }
        }
    }
    return best;
}

int64_t snapshot_device_age_us(const struct snapshot *snap, int32_t device)
{
    const struct core_device_view *view = &core_outputs_devices(snap->outputs)[device];
    int64_t since_us = snap->now_us - snap->outputs->now_us; /* the core's ages are those of its step */

    if (view->quality == CORE_DEVICE_UNREAD || view->age_us < 0 || view->age_us == CORE_FOREVER)
        return -1;
    return view->age_us + (since_us > 0 ? since_us : 0);
}

static int32_t snapshot_exceeded_in(const struct core_node_view *views, int32_t count)
{
    int32_t exceeded = 0;

    for (int32_t n = 0; n < count; n++) {
        for (int32_t i = 0; i < views[n].limit_count; i++)
            exceeded += views[n].limit[i].exceeded;
    }
    return exceeded;
}

int32_t snapshot_exceeded(const struct snapshot *snap)
{
    return snapshot_exceeded_in(core_outputs_nodes(snap->outputs), snap->outputs->node_count) +
           snapshot_exceeded_in(core_outputs_groups(snap->outputs), snap->outputs->group_count);
}

struct snapshot_protection snapshot_protection(const struct core_outputs *out)
{
    struct snapshot_protection nearest = { .node = CORE_NONE, .heat_ratio = NAN, .trip_s = NAN };

    for (int32_t n = 0; n < out->node_count; n++) {
        const struct core_node_view *view = &core_outputs_nodes(out)[n];

        if (isnan(view->heat_ratio))
            continue;
        if (nearest.node == CORE_NONE || view->trip_s < nearest.trip_s ||
            (view->trip_s == nearest.trip_s && view->heat_ratio > nearest.heat_ratio))
            nearest = (struct snapshot_protection){
                .node = n, .heat_ratio = view->heat_ratio, .trip_s = view->trip_s
            };
    }
    return nearest;
}

struct snapshot_tokens snapshot_tokens(const struct core_outputs *out)
{
    struct snapshot_tokens sum = { .clients = 0 };

    for (int32_t i = 0; i < out->token_count; i++) {
        const struct core_token_view *view = &core_outputs_tokens(out)[i];

        sum.clients += view->client != 0;
        if (view->client == 0 || !(view->granted_w > 0.0))
            continue;
        sum.granted++;
        sum.granted_w += view->granted_w;
    }
    return sum;
}

struct snapshot_forecasts snapshot_forecasts(const struct core_outputs *out)
{
    struct snapshot_forecasts sum = { .forecasters = out->forecast_count, .coverage = NAN };

    for (int32_t i = 0; i < out->forecast_count; i++) {
        const struct core_forecast_view *view = &core_outputs_forecasts(out)[i];

        sum.resets += view->resets;
        if (!view->votes)
            continue;
        sum.voting++;
        sum.coverage = fmin(sum.coverage, view->coverage[1]); /* of 99 %; a NAN gives way */
    }
    return sum;
}
