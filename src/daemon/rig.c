/* SPDX-License-Identifier: Apache-2.0 */
/* rig.c: makes and frees what exists once a configuration. Main thread. Every
 * page the tick thread will touch is written to here, so that it never faults. */
#include "rig.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RIG_LINE ((size_t)64)
#define RIG_EVENT_ROOM 4096          /* events between two looks of the main thread    */
#define RIG_HINT_ROOM 128

static void *rig_take(size_t size)
{
    size_t whole = (size + RIG_LINE) / RIG_LINE * RIG_LINE;
    void *block = aligned_alloc(RIG_LINE, whole);

    if (block)
        memset(block, 0, whole);
    return block;
}

/* A plan without the operator's limits: only --anyway runs one. */
static void rig_plan_unlimit(struct core_plan *plan)
{
    for (int32_t i = 0; i < plan->node_count; i++)
        core_plan_nodes(plan)[i].limit_count = 0;
    for (int32_t i = 0; i < plan->group_count; i++)
        core_plan_groups(plan)[i].limit_count = 0;
}

/* An original may lie outside what is ordered day by day: it counts in full. */
static void rig_widen(struct core_config_lever *lever, double original)
{
    if (original < lever->min)
        lever->min = original;
    if (original > lever->max)
        lever->max = original;
}

static enum status rig_config(struct rig *rig, const struct rig_options *opt)
{
    size_t node_bytes = (size_t)rig->conf->core.node_count * sizeof *rig->nodes;
    size_t lever_bytes = (size_t)rig->conf->core.lever_count * sizeof *rig->lever_conf;

    rig->config = rig->conf->core;
    rig->nodes = rig_take(node_bytes);
    rig->lever_conf = rig_take(lever_bytes);
    if (!rig->nodes || !rig->lever_conf)
        return ST_NOMEM;
    if (node_bytes > 0)
        memcpy(rig->nodes, rig->conf->core.nodes, node_bytes);
    if (lever_bytes > 0)
        memcpy(rig->lever_conf, rig->conf->core.levers, lever_bytes);
    for (int32_t i = 0; opt->unlimited && i < rig->config.node_count; i++)
        rig->nodes[i].limit_count = 0;
    for (int32_t i = 0; opt->originals && i < rig->config.lever_count; i++)
        rig_widen(&rig->lever_conf[i], opt->originals[i]);
    rig->config.nodes = rig->nodes;
    rig->config.levers = rig->lever_conf;
    return ST_OK;
}

static void rig_plan_first(struct rig *rig, const struct rig_options *opt)
{
    struct core_plan_lever *levers;

    memcpy(rig->plan, rig->conf->plan, rig->conf->plan->size);
    levers = core_plan_levers(rig->plan);
    rig->plan->mode_wanted = opt->mode_wanted;
    rig->plan->version = opt->plan_version;
    if (opt->unlimited)
        rig_plan_unlimit(rig->plan);
    for (int32_t i = 0; opt->originals && i < rig->plan->lever_count; i++) {
        levers[i].target = NAN;
        levers[i].min = rig->lever_conf[i].min;
        levers[i].max = rig->lever_conf[i].max;
    }
    memcpy(rig->plan_now, rig->plan, rig->plan->size);
}

static size_t rig_requests_bytes(const struct rig *rig)
{
    return sizeof(struct rig_requests) + (size_t)rig->config.request_max * sizeof(struct core_request);
}

static enum status rig_blocks(struct rig *rig, const struct rig_options *opt)
{
    size_t plan_bytes = rig->conf->plan->size, out_bytes = core_outputs_size(&rig->config);

    rig->core = rig_take(core_size(&rig->config));
    rig->out = rig_take(out_bytes);
    rig->latest = rig_take(out_bytes);
    rig->plan = rig_take(plan_bytes);
    rig->plan_now = rig_take(plan_bytes);
    rig->levers = rig_take((size_t)rig->config.lever_count * sizeof *rig->levers);
    rig->requests_now = rig_take(rig_requests_bytes(rig));
    rig->requests_put = rig_take(rig_requests_bytes(rig));
    if (!rig->core || !rig->out || !rig->latest || !rig->plan || !rig->plan_now || !rig->levers ||
        !rig->requests_now || !rig->requests_put)
        return ST_NOMEM;
    for (int32_t i = 0; i < rig->config.lever_count; i++)
        rig->levers[i].protocol = rig->names->lever_protocols[i];
    core_init(rig->core, &rig->config);
    core_outputs_init(rig->out, &rig->config);
    rig_plan_first(rig, opt);
    return ST_OK;
}

static enum status rig_meetings(struct rig *rig)
{
    enum status st = mailbox_new(rig->plan->size, &rig->plans);

    if (st == ST_OK)
        st = mailbox_new(rig_requests_bytes(rig), &rig->requests);
    if (st == ST_OK)
        st = mailbox_new(core_outputs_size(&rig->config), &rig->outputs);
    if (st == ST_OK)
        st = queue_new(RIG_EVENT_ROOM * sizeof(struct rig_event), &rig->events);
    if (st == ST_OK)
        st = queue_new(RIG_HINT_ROOM * sizeof(struct core_hint), &rig->hints);
    if (st == ST_OK)
        st = tap_new(&rig->config, core_block_size(rig->core), &rig->tap);
    return st;
}

enum status rig_new(const struct rig_options *opt, struct rig **ret)
{
    enum status st = ST_NOMEM;
    struct rig *rig = calloc(1, sizeof *rig);

    if (!rig) {
        conf_free(opt->conf);
        return st;
    }
    rig->conf = opt->conf;
    st = names_new(rig->conf, &rig->names);
    if (st == ST_OK)
        st = rig_config(rig, opt);
    if (st == ST_OK)
        st = rig_blocks(rig, opt);
    if (st == ST_OK)
        st = rig_meetings(rig);
    if (st != ST_OK) {
        rig_free(rig);
        return st;
    }
    *ret = rig;
    return ST_OK;
}

struct rig *rig_free(struct rig *rig)
{
    if (!rig)
        return NULL;
    tap_free(rig->tap);
    queue_free(rig->events);
    queue_free(rig->hints);
    mailbox_free(rig->outputs);
    mailbox_free(rig->requests);
    mailbox_free(rig->plans);
    free(rig->requests_put);
    free(rig->requests_now);
    free(rig->levers);
    free(rig->plan_now);
    free(rig->plan);
    free(rig->latest);
    free(rig->out);
    free(rig->core);
    free(rig->lever_conf);
    free(rig->nodes);
    names_free(rig->names);
    conf_free(rig->conf);
    free(rig);
    return NULL;
}

void rig_plan_put(struct rig *rig)
{
    rig->plan->version++;
    mailbox_put(rig->plans, rig->plan);
}

void rig_plan_first_put(struct rig *rig)
{
    memcpy(rig->plan_now, rig->plan, rig->plan->size);
}

void rig_plan_follow(struct rig *rig, const struct rig *before)
{
    rig->plan->mode_wanted = before->plan->mode_wanted;
    rig->plan->version = before->plan->version + 1;
    memcpy(rig->plan_now, rig->plan, rig->plan->size);
}

const struct core_outputs *rig_outputs(struct rig *rig)
{
    if (mailbox_get(rig->outputs, rig->latest))
        rig->stepped = true;
    return rig->stepped ? rig->latest : NULL;
}
