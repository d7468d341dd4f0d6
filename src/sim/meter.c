/* SPDX-License-Identifier: Apache-2.0 */
/* meter.c: sliding windows over rings of milliwatts. One thread; no I/O; the
 * one heap block is made by meter_new(). */
#include "meter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/check.h"

#define METER_TOLERANCE_MW 500

/* The same window seen twice: over what was measured alone (valid when full),
 * and with the idle power before it. */
struct meter_window {
    int64_t sum_mw;                      /* of the last window_ms samples, idle before the first */
    int64_t worst_full_mw, worst_any_mw; /* sums                                    */
    int64_t violations_full, violations_any;
    bool above_full, above_any;
};

struct meter {
    int32_t node_count, limit_count;
    struct meter_node nodes[METER_NODES_MAX];
    struct meter_limit limits[METER_LIMITS_MAX];
    struct meter_window windows[METER_LIMITS_MAX];
    int32_t ring_size;
    int64_t measured_ms;
    int64_t total_mw, peak_mw, now_mw;
    int64_t *ring; /* node after node                                 */
};

static int64_t meter_mw(double w)
{
    return (int64_t)llround(w * 1000.0);
}

enum status meter_new(const struct meter_options *opt, struct meter **ret)
{
    struct meter *meter = calloc(1, sizeof *meter);
    int32_t longest_ms = 1;

    CHECK(opt->node_count > 0 && opt->node_count <= METER_NODES_MAX);
    CHECK(opt->limit_count >= 0 && opt->limit_count <= METER_LIMITS_MAX);
    if (!meter)
        return ST_NOMEM;
    meter->node_count = opt->node_count;
    meter->limit_count = opt->limit_count;
    memcpy(meter->nodes, opt->nodes, (size_t)opt->node_count * sizeof opt->nodes[0]);
    for (int32_t i = 0; i < opt->limit_count; i++) {
        meter->limits[i] = opt->limits[i];
        CHECK(meter->limits[i].node >= 0 && meter->limits[i].node < meter->node_count);
        CHECK(meter->limits[i].window_ms >= 1 && meter->limits[i].window_ms <= METER_WINDOW_MAX_MS);
        if (meter->limits[i].window_ms > longest_ms)
            longest_ms = meter->limits[i].window_ms;
    }
    meter->ring_size = longest_ms;
    meter->ring = calloc((size_t)meter->node_count * (size_t)longest_ms, sizeof meter->ring[0]);
    if (!meter->ring) {
        meter_free(meter);
        return ST_NOMEM;
    }
    meter_reset(meter);
    *ret = meter;
    return ST_OK;
}

struct meter *meter_free(struct meter *meter)
{
    if (meter)
        free(meter->ring);
    free(meter);
    return NULL;
}

void meter_reset(struct meter *meter)
{
    meter->measured_ms = 0;
    meter->total_mw = meter->peak_mw = meter->now_mw = 0;
    for (int32_t n = 0; n < meter->node_count; n++)
        for (int32_t i = 0; i < meter->ring_size; i++)
            meter->ring[n * meter->ring_size + i] = meter_mw(meter->nodes[n].idle_w);
    for (int32_t i = 0; i < meter->limit_count; i++) {
        const struct meter_limit *limit = &meter->limits[i];

        meter->windows[i] = (struct meter_window){
            .sum_mw = meter_mw(meter->nodes[limit->node].idle_w) * limit->window_ms,
        };
    }
}

static void meter_judge(struct meter *meter, struct meter_window *w, const struct meter_limit *limit)
{
    bool above = w->sum_mw > (meter_mw(limit->limit_w) + METER_TOLERANCE_MW) * limit->window_ms;

    if (w->sum_mw > w->worst_any_mw)
        w->worst_any_mw = w->sum_mw;
    w->violations_any += above && !w->above_any;
    w->above_any = above;
    if (meter->measured_ms < limit->window_ms)
        return;
    if (w->sum_mw > w->worst_full_mw)
        w->worst_full_mw = w->sum_mw;
    w->violations_full += above && !w->above_full;
    w->above_full = above;
}

void meter_step(struct meter *meter, const double *node_w)
{
    int64_t new_mw[METER_NODES_MAX];
    int32_t at = (int32_t)(meter->measured_ms % meter->ring_size);

    for (int32_t n = 0; n < meter->node_count; n++)
        new_mw[n] = meter_mw(node_w[n]);
    meter->measured_ms++;
    for (int32_t i = 0; i < meter->limit_count; i++) {
        const struct meter_limit *limit = &meter->limits[i];
        int32_t old = at - limit->window_ms;

        if (old < 0)
            old += meter->ring_size;
        meter->windows[i].sum_mw += new_mw[limit->node] - meter->ring[limit->node * meter->ring_size + old];
        meter_judge(meter, &meter->windows[i], limit);
    }
    for (int32_t n = 0; n < meter->node_count; n++)
        meter->ring[n * meter->ring_size + at] = new_mw[n];
    meter->now_mw = new_mw[0];
    meter->total_mw += new_mw[0];
    if (new_mw[0] > meter->peak_mw)
        meter->peak_mw = new_mw[0];
}

void meter_set_limit(struct meter *meter, int32_t node, double limit_w)
{
    for (int32_t i = 0; i < meter->limit_count; i++)
        if (meter->limits[i].node == node)
            meter->limits[i].limit_w = limit_w;
}

int32_t meter_limit_count(const struct meter *meter)
{
    return meter->limit_count;
}

void meter_result(const struct meter *meter, int32_t limit, struct meter_result *ret)
{
    const struct meter_window *w = &meter->windows[limit];
    bool partial = meter->measured_ms < meter->limits[limit].window_ms;

    *ret = (struct meter_result){
        .limit = meter->limits[limit],
        .node = meter->nodes[meter->limits[limit].node].name,
        .worst_w =
            (double)(partial ? w->worst_any_mw : w->worst_full_mw) / 1000.0 / meter->limits[limit].window_ms,
        .violations = partial ? w->violations_any : w->violations_full,
        .partial = partial,
    };
}

void meter_total(const struct meter *meter, struct meter_total *ret)
{
    double joules = (double)meter->total_mw / 1e6; /* milliwatts over milliseconds */

    *ret = (struct meter_total){
        .measured_ms = meter->measured_ms,
        .mean_w = meter->measured_ms > 0 ? joules * 1000.0 / (double)meter->measured_ms : 0.0,
        .peak_w = (double)meter->peak_mw / 1000.0,
        .energy_j = joules,
        .now_w = (double)meter->now_mw / 1000.0,
    };
}
