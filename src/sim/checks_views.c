/* SPDX-License-Identifier: Apache-2.0 */
/* checks_views.c: is what the core says true: its windows, and what it thinks of
 * the input.
 *
 * A mean is worked out anew from the core's own power, step by step, and may differ
 * by what a ring of twenty buckets can be wrong by. The input is the plant's; it is
 * judged when it was good for long enough to be read, while messages flow. The
 * plant's thread; after each control period.
 */
#include <math.h>
#include <string.h>

#include "checks_parts.h"

#define CHECKS_US_PER_S   1e6
#define CHECKS_BUCKETS    20 /* of a ring: a part of the swing may be in doubt  */
#define CHECKS_MEAN_W     1.0
#define CHECKS_EVERY      7 /* control periods between two looks              */
#define CHECKS_GOOD_RATIO 0.92
#define CHECKS_HIGH_RATIO 1.05 /* above it supplies may switch off by themselves  */
#define CHECKS_GOOD_US    INT64_C(3000000)
#define CHECKS_HEARD_US   INT64_C(2000000) /* youngest reading of each supply       */

void checks_views_init(struct checks *c, const struct core_config *config)
{
    struct checks_views *v = &c->views;

    v->good_us = CHECKS_NEVER;
    v->flow_us = CHECKS_NEVER;
    for (int32_t n = 0; config && n < config->node_count && v->node_count < CHECKS_NODES_MAX; n++)
        if (config->nodes[n].limit_count > 0 || config->nodes[n].kind == CORE_NODE_RACK)
            v->node[v->node_count++].node = n;
    for (int32_t p = 0; config && p < config->point_count; p++) {
        int32_t d = config->points[p].device;

        if (config->points[p].signal == SIGNAL_PSU_INPUT_V && v->supply_count < PLANT_MODULES_MAX)
            v->supply[v->supply_count++] = d;
    }
}

/* ---- windows ---- */

static struct checks_span *checks_span_at(struct checks_node *node, int32_t back)
{
    return &node->span[(node->newest + CHECKS_SPANS - back) % CHECKS_SPANS];
}

static void checks_node_add(struct checks_node *node, double power_w, int64_t now_us)
{
    struct checks_span *span;

    if (!isfinite(power_w)) {
        node->span_count = 0;
        return;
    }
    node->newest = (node->newest + 1) % CHECKS_SPANS;
    node->span_count += node->span_count < CHECKS_SPANS;
    span = checks_span_at(node, 0);
    *span = (struct checks_span){ .end_us = now_us, .power_w = power_w };
}

/* What was drawn within a window that ends now, and the swing there and one bucket
 * before, of which a ring takes a part; false: not all of it is known. A span begins
 * where the one before it ends. */
static bool checks_node_mean(struct checks_node *node, int64_t window_us, double *ret_mean_w,
                             double *ret_swing_w)
{
    int64_t now_us = checks_span_at(node, 0)->end_us, inside_us = now_us - window_us;
    int64_t bucket_us = inside_us - window_us / CHECKS_BUCKETS - 1;
    double sum_j = 0.0, low_w = INFINITY, high_w = -INFINITY;

    for (int32_t k = 0; k + 1 < node->span_count; k++) {
        const struct checks_span *span = checks_span_at(node, k);
        int64_t first_us = checks_span_at(node, k + 1)->end_us;
        int64_t from_us = first_us > inside_us ? first_us : inside_us;

        if (span->end_us > from_us)
            sum_j += span->power_w * (double)(span->end_us - from_us);
        low_w = fmin(low_w, span->power_w);
        high_w = fmax(high_w, span->power_w);
        if (first_us <= bucket_us) {
            *ret_mean_w = sum_j / (double)window_us;
            *ret_swing_w = high_w - low_w;
            return true;
        }
    }
    return false;
}

static void checks_node_judge(struct checks *c, struct checks_node *node, const struct core_node_view *view)
{
    for (int32_t k = 0; k < view->limit_count; k++) {
        double mean_w, swing_w, off_w, most_w;

        if (isnan(view->limit[k].mean_w) ||
            !checks_node_mean(node, view->limit[k].window_us, &mean_w, &swing_w))
            continue;
        off_w = fabs(view->limit[k].mean_w - mean_w);
        most_w = swing_w / CHECKS_BUCKETS + CHECKS_MEAN_W;
        checks_note(c, CHECKS_WINDOWS,
                    &(struct checks_seen){
                        .ok = off_w <= most_w,
                        .value = off_w,
                        .limit = most_w,
                        .margin = most_w - off_w,
                        .about = { .part = CHECKS_NODE,
                                   .index = node->node,
                                   .what = "mean over a window, s",
                                   .number = (double)view->limit[k].window_us / CHECKS_US_PER_S } });
    }
}

static void checks_windows_core(struct checks *c, const struct core_outputs *out)
{
    const struct core_node_view *views = (const void *)((const char *)out + out->nodes_at);

    for (int32_t i = 0; i < c->views.node_count; i++) {
        struct checks_node *node = &c->views.node[i];

        if (node->node >= out->node_count)
            continue;
        if (out->step <= c->views.step) /* another core: it knows nothing of before */
            node->span_count = 0;
        checks_node_add(node, views[node->node].power_w, out->now_us);
        if (out->step % CHECKS_EVERY == 0)
            checks_node_judge(c, node, &views[node->node]);
    }
    c->views.step = out->step;
}

/* ---- the input ---- */

static bool checks_supplies_well(const struct plant *plant)
{
    for (int32_t i = 0; i < plant->psu_count; i++) {
        const struct plant_psu *psu = &plant->psus[i];

        if (psu->present && psu->on && !psu->failed && psu->state != PLANT_PSU_ON &&
            psu->state != PLANT_PSU_LOW)
            return false;
    }
    return true;
}

void checks_views_step(struct checks *c, const struct plant *plant)
{
    double ratio = checks_input_ratio(plant);

    if (ratio < CHECKS_GOOD_RATIO || ratio > CHECKS_HIGH_RATIO || !checks_supplies_well(plant))
        c->views.good_us = CHECKS_NEVER;
    else if (c->views.good_us == CHECKS_NEVER)
        c->views.good_us = c->now_us;
}

/* Every supply was heard lately. */
static bool checks_supplies_heard(const struct checks *c, const struct core_outputs *out)
{
    const struct core_device_view *views = (const void *)((const char *)out + out->devices_at);

    for (int32_t i = 0; i < c->views.supply_count; i++) {
        int32_t d = c->views.supply[i];

        if (d >= out->device_count || views[d].quality != CORE_DEVICE_GOOD ||
            views[d].age_us > CHECKS_HEARD_US)
            return false;
    }
    return true;
}

static void checks_riding(struct checks *c, const struct core_outputs *out)
{
    static const char *const words[CORE_RIDE_COUNT] = { [CORE_RIDE_SAG] = "taken for a sag, pu",
                                                        [CORE_RIDE_SUPPORT] = "supported as a sag, pu",
                                                        [CORE_RIDE_OUTAGE] = "taken for an outage, pu" };
    enum core_ride state = out->ride.state;
    bool low = state == CORE_RIDE_SAG || state == CORE_RIDE_SUPPORT || state == CORE_RIDE_OUTAGE;

    if (!c->views.flow || !checks_supplies_heard(c, out))
        c->views.flow_us = CHECKS_NEVER;
    else if (c->views.flow_us == CHECKS_NEVER)
        c->views.flow_us = c->now_us;
    if (c->views.good_us == CHECKS_NEVER || c->now_us < c->views.good_us + CHECKS_GOOD_US ||
        c->views.flow_us == CHECKS_NEVER || c->now_us < c->views.flow_us + CHECKS_GOOD_US ||
        state == CORE_RIDE_OFF)
        return;
    checks_note(
        c, CHECKS_RIDING,
        &(struct checks_seen){ .ok = !low,
                               .value = low ? 1.0 : 0.0,
                               .margin = low ? -1.0 : (double)INFINITY,
                               .about = { .what = words[state], .number = checks_input_ratio(c->plant) } });
}

void checks_flow(struct checks *checks, bool flow)
{
    checks->views.flow = flow;
}

void checks_views_core(struct checks *c, const struct core_outputs *out)
{
    checks_windows_core(c, out);
    checks_riding(c, out);
}

/* Nobody says anything: what comes next is judged after a while. */
void checks_views_dead(struct checks *c)
{
    c->views.flow_us = CHECKS_NEVER;
    for (int32_t i = 0; i < c->views.node_count; i++)
        c->views.node[i].span_count = 0;
}
