/* SPDX-License-Identifier: Apache-2.0 */
/* outputs.c: the block of orders, events and views that a step hands out.
 *
 * Owns its layout. Views are written member by member, so that equal states
 * give equal bytes.
 */
#include "outputs.h"

#include "curve.h"
#include "foresee.h"

#include "ride.h"

#include <string.h>

#define OUTPUTS_ALIGN      16
#define OUTPUTS_EVENTS_MIN 64

static size_t outputs_take(size_t *at, size_t count, size_t each)
{
    size_t here = *at;

    *at += (count * each + OUTPUTS_ALIGN - 1) / OUTPUTS_ALIGN * OUTPUTS_ALIGN;
    return here;
}

static size_t outputs_events_max(const struct core_outputs *out)
{
    return OUTPUTS_EVENTS_MIN + 2 * (size_t)(out->lever_count + out->device_count);
}

static void outputs_layout(struct core_outputs *out, const struct core_config *config)
{
    size_t at = (sizeof *out + OUTPUTS_ALIGN - 1) / OUTPUTS_ALIGN * OUTPUTS_ALIGN;

    out->node_count = config->node_count;
    out->lever_count = config->lever_count;
    out->device_count = config->device_count;
    out->group_count = config->group_max;
    out->orders_at = outputs_take(&at, (size_t)out->lever_count, sizeof(struct core_order));
    out->events_at = outputs_take(&at, outputs_events_max(out), sizeof(struct core_event));
    out->token_count = config->request_max;
    out->nodes_at = outputs_take(&at, (size_t)out->node_count, sizeof(struct core_node_view));
    out->levers_at = outputs_take(&at, (size_t)out->lever_count, sizeof(struct core_lever_view));
    out->devices_at = outputs_take(&at, (size_t)out->device_count, sizeof(struct core_device_view));
    out->groups_at = outputs_take(&at, (size_t)out->group_count, sizeof(struct core_node_view));
    out->tokens_at = outputs_take(&at, (size_t)out->token_count, sizeof(struct core_token_view));
    out->forecast_count = foresee_count(config);
    out->forecasts_at = outputs_take(&at, (size_t)out->forecast_count, sizeof(struct core_forecast_view));
    out->size = at;
}

size_t core_outputs_size(const struct core_config *config)
{
    struct core_outputs out = {.size = 0};

    outputs_layout(&out, config);
    return out.size;
}

void core_outputs_init(struct core_outputs *out, const struct core_config *config)
{
    struct core_outputs head = {.mode = CORE_MODE_OBSERVE};

    outputs_layout(&head, config);
    memset(out, 0, head.size);
    memcpy(out, &head, sizeof head);
    out->group_count = 0;
}

const struct core_order *core_outputs_orders(const struct core_outputs *out)
{
    return (const void *)((const char *)out + out->orders_at);
}

const struct core_event *core_outputs_events(const struct core_outputs *out)
{
    return (const void *)((const char *)out + out->events_at);
}

const struct core_node_view *core_outputs_nodes(const struct core_outputs *out)
{
    return (const void *)((const char *)out + out->nodes_at);
}

const struct core_lever_view *core_outputs_levers(const struct core_outputs *out)
{
    return (const void *)((const char *)out + out->levers_at);
}

const struct core_device_view *core_outputs_devices(const struct core_outputs *out)
{
    return (const void *)((const char *)out + out->devices_at);
}

const struct core_node_view *core_outputs_groups(const struct core_outputs *out)
{
    return (const void *)((const char *)out + out->groups_at);
}

const struct core_token_view *core_outputs_tokens(const struct core_outputs *out)
{
    return (const void *)((const char *)out + out->tokens_at);
}

const struct core_forecast_view *core_outputs_forecasts(const struct core_outputs *out)
{
    return (const void *)((const char *)out + out->forecasts_at);
}

void outputs_begin(struct block *b)
{
    struct core_outputs *out = b->out;

    CHECK(out->node_count == b->core->node_count && out->lever_count == b->core->lever_count);
    CHECK(out->device_count == b->core->device_count && out->token_count == b->core->request_max);
    CHECK(out->forecast_count == b->core->foresee_count);
    out->order_count = 0;
    out->event_count = 0;
    out->events_dropped = 0;
}

void outputs_event(struct block *b, enum ev event, const struct outputs_about *about)
{
    struct core_outputs *out = b->out;
    struct core_event *at = (void *)((char *)out + out->events_at);

    if ((size_t)out->event_count >= outputs_events_max(out)) {
        out->events_dropped++;
        return;
    }
    at += out->event_count++;
    at->event = event;
    at->device = about->device;
    at->node = about->node;
    at->lever = about->lever;
    at->group = about->group;
    at->value = about->value;
    at->bound = about->bound;
    at->window_us = about->window_us;
}

void outputs_lever_event(struct block *b, enum ev event, int32_t lever, double value, double bound)
{
    struct outputs_about about = OUTPUTS_ABOUT_NOTHING;

    about.lever = lever;
    about.device = b->levers_conf[lever].device;
    about.node = b->levers_conf[lever].node;
    about.value = value;
    about.bound = bound;
    outputs_event(b, event, &about);
}

static void outputs_about_zone(const struct block *b, int32_t zone, struct outputs_about *about)
{
    if (zone < b->core->node_count)
        about->node = zone;
    else
        about->group = zone - b->core->node_count;
}

void outputs_zone_event(struct block *b, enum ev event, int32_t zone, double value, double bound)
{
    struct outputs_about about = OUTPUTS_ABOUT_NOTHING;

    outputs_about_zone(b, zone, &about);
    about.value = value;
    about.bound = bound;
    outputs_event(b, event, &about);
}

void outputs_window_event(struct block *b, enum ev event, int32_t zone, const struct window *window)
{
    struct outputs_about about = OUTPUTS_ABOUT_NOTHING;

    outputs_about_zone(b, zone, &about);
    about.value = window->mean_w;
    about.bound = window->limit_w;
    about.window_us = window->window_us;
    outputs_event(b, event, &about);
}

struct core_order *outputs_orders(struct block *b)
{
    return (void *)((char *)b->out + b->out->orders_at);
}

struct core_order *outputs_order(struct block *b, int32_t lever)
{
    struct core_order *order = outputs_orders(b) + b->out->order_count;

    CHECK(b->out->order_count < b->core->lever_count);
    b->out->order_count++;
    memset(order, 0, sizeof *order);
    order->lever = lever;
    order->lease_end_us = CORE_FOREVER;
    return order;
}

static void outputs_zone(const struct block *b, int32_t z, struct core_node_view *view)
{
    const struct zone *zone = &b->zones[z];
    const struct window *window = &b->windows[z * CORE_LIMITS_MAX];

    view->power_w = zone->power_w;
    view->low_w = zone->low_w;
    view->high_w = zone->high_w;
    view->forecast_w = zone->forecast_w;
    view->upper_w = zone->upper_w;
    view->counted_w = zone->counted_w;
    view->budget_w = zone->budget_w * zone->trim;
    if (zone->standing_w < view->budget_w)
        view->budget_w = zone->standing_w;
    view->damping_ratio = b->damps[z].gain;
    view->measured = zone->measured;
    view->limit_count = zone->window_count;
    for (int32_t k = 0; k < zone->window_count; k++) {
        view->limit[k].window_us = window[k].window_us;
        view->limit[k].limit_w = window[k].limit_w;
        view->limit[k].mean_w = window[k].mean_w;
        view->limit[k].worst_w = window[k].worst_w;
        view->limit[k].violations = window[k].violations;
        view->limit[k].exceeded = window[k].exceeded;
    }
}

static void outputs_lever(const struct block *b, int32_t l, struct core_lever_view *view)
{
    const struct lever *lever = &b->levers[l];

    view->state = lever->state;
    view->wanted = lever->wanted;
    view->sent = lever->sent;
    view->in_force = lever->in_force;
    view->counted = b->next[l];
    view->demand_w = lever->demand_w;
    view->number = lever->number;
    view->orders = lever->orders;
    view->refused = lever->refused;
    view->failures = lever->failures;
    block_why(&view->why, lever->why.rule, lever->why.node, lever->why.window_us, lever->why.bound_w);
    block_cause(&view->cause, lever->cause.kind, lever->cause.taken_us, lever->cause.arrived_us);
}

static void outputs_token(const struct token *token, struct core_token_view *view)
{
    view->client = token->client;
    view->version = token->version;
    view->state = token->state;
    view->reason = token->reason;
    view->node = token->client != 0 ? token->node : CORE_NONE;
    view->granted_w = token->granted_w;
    view->expires_us = token->expires_us;
    view->alternative_w = token->alternative_w;
    view->retry_after_us = token->retry_after_us;
}

static void outputs_forecast(const struct foresee *from, struct core_forecast_view *view)
{
    view->lever = from->lever;
    view->node = from->node;
    view->votes = from->votes;
    view->expected_w = from->expected_w;
    view->peak_w = from->peak_w;
    for (int32_t k = 0; k < CORE_FORECAST_LEVELS; k++) {
        view->upper_w[k] = from->upper_w[k];
        view->coverage[k] = from->coverage[k];
    }
    view->error_w = from->error_w;
    view->horizon_us = from->horizon_us;
    view->period_us = from->period_us;
    view->readings = from->readings;
    view->resets = from->resets;
}

void outputs_end(struct block *b)
{
    const struct core *core = b->core;
    struct core_outputs *out = b->out;
    struct core_node_view *nodes = (void *)((char *)out + out->nodes_at);
    struct core_node_view *groups = (void *)((char *)out + out->groups_at);
    struct core_lever_view *levers = (void *)((char *)out + out->levers_at);
    struct core_device_view *devices = (void *)((char *)out + out->devices_at);
    struct core_token_view *tokens = (void *)((char *)out + out->tokens_at);
    struct core_forecast_view *forecasts = (void *)((char *)out + out->forecasts_at);

    out->now_us = core->now_us;
    out->step = core->step;
    out->plan_version = core->plan.version;
    out->mode = core->mode;
    out->reasons = core->reasons;
    out->armed = core->armed;
    out->restored = core->restored;
    out->restore_left = core->restore_left;
    out->armed_ahead = core->arm.on;
    out->armed_ahead_us = core->arm.since_us;
    out->group_count = core->plan.group_count;
    ride_view(b, &out->ride);
    for (int32_t n = 0; n < core->node_count; n++) {
        bool known = b->nodes[n].curve.kind != CORE_CURVE_NONE && b->curves[n].known;

        outputs_zone(b, n, &nodes[n]);
        nodes[n].heat_ratio = known ? curve_heat_ratio(&b->curves[n], &b->nodes[n].curve) : __builtin_nan("");
        nodes[n].trip_s = b->curves[n].trip_s;
    }
    for (int32_t t = 0; t < core->request_max; t++)
        outputs_token(&b->tokens[t], &tokens[t]);
    for (int32_t f = 0; f < core->foresee_count; f++)
        outputs_forecast(&b->foresees[f], &forecasts[f]);
    for (int32_t g = 0; g < out->group_count; g++) {
        outputs_zone(b, core->node_count + g, &groups[g]);
        groups[g].heat_ratio = __builtin_nan("");
        groups[g].trip_s = __builtin_inf();
    }
    for (int32_t l = 0; l < core->lever_count; l++)
        outputs_lever(b, l, &levers[l]);
    for (int32_t d = 0; d < core->device_count; d++) {
        int64_t youngest_us = b->devices[d].youngest_us;

        devices[d].quality = b->devices[d].quality;
        devices[d].age_us = youngest_us == INT64_MIN ? CORE_FOREVER : core->now_us - youngest_us;
    }
}
