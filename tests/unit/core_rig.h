/* SPDX-License-Identifier: Apache-2.0 */
/* core_rig.h: a small rack in memory for the tests of the core.
 *
 * Holds a configuration that grows call by call, then a core, its plan and its
 * outputs. Device values are plain numbers the test sets; rig_step() reads all
 * of them, hands the last step's acknowledgements over and steps the core.
 * Orders are obeyed at once unless the test says otherwise.
 */
#ifndef BUSBAR_TESTS_CORE_RIG_H
#define BUSBAR_TESTS_CORE_RIG_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "busbar/core.h"

#define RIG_NODES     192
#define RIG_POINTS    1024
#define RIG_LEVERS    256
#define RIG_DEVICES   256
#define RIG_GROUPS    4
#define RIG_MEMBERS   64
#define RIG_REQUESTS  32
#define RIG_WINDOW_US INT64_C(1000000)

struct rig {
    struct core_config config;
    struct core_config_node nodes[RIG_NODES];
    struct core_config_point points[RIG_POINTS];
    struct core_config_lever levers[RIG_LEVERS];
    struct core *core;
    struct core_plan *plan;
    struct core_outputs *out;
    int64_t now_us, step_us;
    double value[RIG_POINTS]; /* what each sensor would say            */
    bool silent[RIG_DEVICES]; /* a device that does not answer         */
    struct core_reading readings[RIG_POINTS];
    struct core_ack acks[RIG_LEVERS];
    struct core_identity identities[4];
    struct core_request requests[RIG_REQUESTS]; /* standing wishes                 */
    int32_t ack_count, identity_count, request_count;
    bool deaf;                  /* orders are neither obeyed nor answered */
    enum status answer;         /* how orders are answered; ST_OK        */
    int32_t orders[RIG_LEVERS]; /* orders so far                         */
    uint64_t events[EV_COUNT];  /* events so far                         */
};

static inline struct rig *rig_new(void)
{
    struct rig *rig = calloc(1, sizeof *rig);

    assert_non_null(rig);
    rig->config.nodes = rig->nodes;
    rig->config.points = rig->points;
    rig->config.levers = rig->levers;
    rig->config.group_max = RIG_GROUPS;
    rig->config.group_member_max = RIG_MEMBERS;
    rig->config.period_us = rig->step_us = 10000;
    rig->config.seed = 1;
    rig->now_us = 1000000;
    rig->answer = ST_OK;
    return rig;
}

static inline void rig_free(struct rig *rig)
{
    free(rig->core);
    free(rig->plan);
    free(rig->out);
    free(rig);
}

/* ---- configuration ---- */

static inline int32_t rig_node(struct rig *rig, enum core_node_kind kind, int32_t parent)
{
    struct core_config_node *node = &rig->nodes[rig->config.node_count];

    node->kind = kind;
    if (parent != CORE_NONE) {
        node->parent_count = 1;
        node->parent[0] = parent;
        node->share[0] = 1.0;
    }
    return rig->config.node_count++;
}

static inline int32_t rig_device(struct rig *rig)
{
    return rig->config.device_count++;
}

static inline int32_t rig_point(struct rig *rig, int32_t device, int32_t node, enum signal signal)
{
    rig->points[rig->config.point_count] = (struct core_config_point){
        .device = device,
        .signal = signal,
        .stale_after_us = 1000000,
        .min = 0.0,
        .max = 1e6,
        .node = node,
        .node_scale = 1.0,
        .source = CORE_NONE,
    };
    return rig->config.point_count++;
}

/* A lever with its read-back point; 0 to 1200, a worst delay of 100 ms. */
static inline int32_t rig_lever(struct rig *rig, enum core_lever_use use, int32_t device, int32_t node)
{
    int32_t point = rig_point(rig, device, CORE_NONE, SIGNAL_GPU_POWER_LIMIT_W);

    rig->levers[rig->config.lever_count] = (struct core_config_lever){
        .use = use,
        .device = device,
        .node = node,
        .readback_point = point,
        .demand_point = CORE_NONE,
        .source = CORE_NONE,
        .max = 1200.0,
        .base = 1200.0,
        .watts_per_unit = 1.0,
        .share = 1.0,
        .delay_worst_us = 100000,
    };
    rig->value[point] = 1200.0;
    return rig->config.lever_count++;
}

/* A leaf with a LIMIT lever and a device of its own; its draw is not measured. */
static inline int32_t rig_gpu(struct rig *rig, int32_t parent, double min, double max)
{
    int32_t node = rig_node(rig, CORE_NODE_LOAD, parent);
    int32_t lever = rig_lever(rig, CORE_LEVER_LIMIT, rig_device(rig), node);

    rig->levers[lever].min = min;
    rig->levers[lever].max = rig->levers[lever].base = max;
    rig->value[rig->levers[lever].readback_point] = max;
    return lever;
}

/* Measures the draw of a lever's leaf. */
static inline int32_t rig_measure(struct rig *rig, int32_t lever, double power_w)
{
    int32_t point = rig_point(rig, rig->levers[lever].device, CORE_NONE, SIGNAL_GPU_POWER_W);

    rig->levers[lever].demand_point = point;
    rig->value[point] = power_w;
    return point;
}

/* A sensor of a whole node, on a device of its own. */
static inline int32_t rig_sensor(struct rig *rig, int32_t node, double power_w)
{
    int32_t point = rig_point(rig, rig_device(rig), node, SIGNAL_NODE_POWER_W);

    rig->value[point] = power_w;
    return point;
}

/* ---- the core, its plan ---- */

static inline void rig_boot(struct rig *rig)
{
    free(rig->core);
    rig->core = calloc(1, core_size(&rig->config));
    assert_non_null(rig->core);
    core_init(rig->core, &rig->config);
    assert_int_equal(core_block_size(rig->core), core_size(&rig->config));
}

static inline void rig_start(struct rig *rig)
{
    rig_boot(rig);
    rig->plan = calloc(1, core_plan_size(&rig->config));
    rig->out = calloc(1, core_outputs_size(&rig->config));
    assert_non_null(rig->plan);
    assert_non_null(rig->out);
    core_plan_init(rig->plan, &rig->config);
    core_outputs_init(rig->out, &rig->config);
    rig->plan->mode_wanted = CORE_WANT_CONTROL;
    rig->plan->forecast_margin_ratio = 0.0;
}

static inline void rig_add_limit(struct core_plan_limit *list, int32_t *count, int64_t window_us,
                                 double limit_w)
{
    list[(*count)++] = (struct core_plan_limit){
        .window_us = window_us,
        .limit_w = limit_w,
        .expires_us = CORE_FOREVER,
        .limit_standing_w = limit_w,
    };
}

static inline struct core_plan_limit *rig_limit(struct rig *rig, int32_t node, double limit_w)
{
    struct core_plan_node *plan = &core_plan_nodes(rig->plan)[node];

    rig->plan->version++;
    rig_add_limit(plan->limit, &plan->limit_count, RIG_WINDOW_US, limit_w);
    return &plan->limit[plan->limit_count - 1];
}

static inline struct core_plan_group *rig_group(struct rig *rig, const int32_t *members, int32_t count,
                                                double limit_w)
{
    struct core_plan_group *group = &core_plan_groups(rig->plan)[rig->plan->group_count++];

    rig->plan->version++;
    group->member_first = rig->plan->member_count;
    group->member_count = count;
    memcpy(core_plan_members(rig->plan) + group->member_first, members, (size_t)count * sizeof *members);
    rig->plan->member_count += count;
    rig_add_limit(group->limit, &group->limit_count, RIG_WINDOW_US, limit_w);
    return group;
}

static inline struct core_plan_lever *rig_want(struct rig *rig, int32_t lever)
{
    rig->plan->version++;
    return &core_plan_levers(rig->plan)[lever];
}

static inline void rig_mode(struct rig *rig, enum core_mode_wanted mode)
{
    rig->plan->version++;
    rig->plan->mode_wanted = mode;
}

/* ---- steps ---- */

static inline int32_t rig_readings(struct rig *rig)
{
    int32_t count = 0;

    for (int32_t p = 0; p < rig->config.point_count; p++)
        if (!rig->silent[rig->points[p].device])
            rig->readings[count++] = (struct core_reading){
                .point = p,
                .status = ST_OK,
                .value = rig->value[p],
                .taken_us = rig->now_us,
                .arrived_us = rig->now_us,
            };
    return count;
}

static inline void rig_obey(struct rig *rig)
{
    const struct core_order *orders = core_outputs_orders(rig->out);

    rig->ack_count = 0;
    for (int32_t o = 0; o < rig->out->order_count; o++) {
        int32_t point = rig->levers[orders[o].lever].readback_point;

        rig->orders[orders[o].lever]++;
        if (rig->deaf)
            continue;
        if (rig->answer == ST_OK)
            rig->value[point] = orders[o].value;
        rig->acks[rig->ack_count++] = (struct core_ack){
            .lever = orders[o].lever,
            .status = rig->answer,
            .number = orders[o].number,
            .readback = rig->value[point],
            .dispatched_us = rig->now_us,
            .done_us = rig->now_us,
        };
    }
}

/* The core once, with the readings given and nothing obeyed. */
static inline void rig_step_with(struct rig *rig, int32_t reading_count)
{
    const struct core_inputs in = {
        .now_us = rig->now_us,
        .reading_count = reading_count,
        .ack_count = rig->ack_count,
        .identity_count = rig->identity_count,
        .readings = rig->readings,
        .acks = rig->acks,
        .identities = rig->identities,
        .request_count = rig->request_count,
        .requests = rig->requests,
        .plan = rig->plan,
    };

    core_step(rig->core, &in, rig->out);
    rig->ack_count = rig->identity_count = 0;
    for (int32_t e = 0; e < rig->out->event_count; e++)
        rig->events[core_outputs_events(rig->out)[e].event]++;
}

static inline void rig_step(struct rig *rig)
{
    rig->now_us += rig->step_us;
    rig_step_with(rig, rig_readings(rig));
    rig_obey(rig);
}

static inline void rig_run(struct rig *rig, int64_t span_us)
{
    for (int64_t end_us = rig->now_us + span_us; rig->now_us < end_us;)
        rig_step(rig);
}

/* ---- results ---- */

static inline const struct core_lever_view *rig_view(const struct rig *rig, int32_t lever)
{
    return &core_outputs_levers(rig->out)[lever];
}

static inline const struct core_node_view *rig_zone(const struct rig *rig, int32_t node)
{
    return &core_outputs_nodes(rig->out)[node];
}

/* The order of a lever in the last step; NULL: none. */
static inline const struct core_order *rig_order(const struct rig *rig, int32_t lever)
{
    for (int32_t o = 0; o < rig->out->order_count; o++)
        if (core_outputs_orders(rig->out)[o].lever == lever)
            return &core_outputs_orders(rig->out)[o];
    return NULL;
}

static inline bool rig_event(const struct rig *rig, enum ev event)
{
    for (int32_t e = 0; e < rig->out->event_count; e++)
        if (core_outputs_events(rig->out)[e].event == event)
            return true;
    return false;
}

/* The first event of that kind in the last step; NULL: none. */
static inline const struct core_event *rig_event_of(const struct rig *rig, enum ev event)
{
    for (int32_t e = 0; e < rig->out->event_count; e++)
        if (core_outputs_events(rig->out)[e].event == event)
            return &core_outputs_events(rig->out)[e];
    return NULL;
}

/* The answer to a client; NULL: it has no slot. */
static inline const struct core_token_view *rig_token(const struct rig *rig, uint64_t client)
{
    for (int32_t t = 0; t < rig->out->token_count; t++)
        if (core_outputs_tokens(rig->out)[t].client == client)
            return &core_outputs_tokens(rig->out)[t];
    return NULL;
}

/* What the device of a lever holds. */
static inline double *rig_held(struct rig *rig, int32_t lever)
{
    return &rig->value[rig->levers[lever].readback_point];
}

static inline bool rig_reason(const struct rig *rig, enum core_reason reason)
{
    return (rig->out->reasons >> reason) & 1u;
}

#define RIG_NEAR(a, b) assert_true(fabs((a) - (b)) <= 1e-9 * fmax(1.0, fabs(b)))

#endif
