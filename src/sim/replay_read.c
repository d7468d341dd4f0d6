/* SPDX-License-Identifier: Apache-2.0 */
/* replay_read.c: payloads of a recording, decoded and checked. Pure but for the
 * heap. Never trusts a count before it was held against what is there. */
#include "replay_read.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool replay_count_ok(int32_t count)
{
    return count >= 0 && count <= REPLAY_READ_COUNT_MAX;
}

/* Counts in the file are held against its length before anything is allocated. */
static void *replay_array(const struct bytes_reader *reader, int32_t count, size_t each, size_t size)
{
    if (reader->broken || (size_t)count > reader->left / each)
        return NULL;
    return calloc((size_t)count + 1, size);
}

static bool replay_index_ok(int32_t index, int32_t count)
{
    return index >= 0 && index < count;
}

static bool replay_index_or_none(int32_t index, int32_t count)
{
    return index == CORE_NONE || replay_index_ok(index, count);
}

static bool replay_at_least(double value, double least)
{
    return isfinite(value) && value >= least;
}

/* Far from where a sum of two could wrap. */
static bool replay_time_ok(int64_t at_us)
{
    return at_us >= 0 && at_us <= REPLAY_READ_TIME_MAX_US;
}

/* 0 to 1. */
static bool replay_ratio_ok(double value)
{
    return value >= 0.0 && value <= 1.0;
}

static bool replay_window_ok(int64_t window_us)
{
    return window_us > 0 && window_us <= REPLAY_READ_WINDOW_MAX_US;
}

/* ---- the configuration ---- */

static bool replay_curve_ok(const struct core_config_curve *curve)
{
    if (curve->kind >= CORE_CURVE_KIND_COUNT)
        return false;
    return curve->kind == CORE_CURVE_NONE ||
           (replay_at_least(curve->rated_w, DBL_MIN) && replay_at_least(curve->trip_ratio, 1.0) &&
            replay_at_least(curve->heat_s, 0.0) && replay_at_least(curve->cool_s, 0.0) &&
            replay_at_least(curve->long_s, 0.0) && replay_at_least(curve->short_ratio, 0.0) &&
            replay_at_least(curve->short_s, 0.0) && replay_at_least(curve->instant_ratio, 0.0) &&
            replay_ratio_ok(curve->instant_margin_ratio) &&
            (curve->kind == CORE_CURVE_THERMAL ? curve->heat_s : curve->long_s) > 0.0 &&
            (curve->short_s > 0.0 || !(curve->short_ratio > 0.0)));
}

static bool replay_source_ok(const struct core_config_source *source, const struct core_config *config)
{
    const double values[] = { source->output_v,       source->droop_v,         source->input_min_v,
                              source->input_derate_v, source->holdup_j,        source->handover_step_v,
                              source->trigger_v,      source->handover_v_per_s, source->energy_j };

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (!replay_at_least(values[i], 0.0))
            return false;
    return source->kind < CORE_SOURCE_KIND_COUNT && replay_index_ok(source->node, config->node_count) &&
           source->module_count > 0 && replay_count_ok(source->module_count) &&
           replay_at_least(source->rated_w, DBL_MIN) && source->output_v > 0.0 && replay_ratio_ok(source->handover_ratio) &&
           replay_time_ok(source->input_off_us) && replay_time_ok(source->ready_us) &&
           replay_time_ok(source->walk_in_us) && replay_time_ok(source->trigger_us) &&
           replay_time_ok(source->start_us);
}

static bool replay_bus_ok(const struct core_config *config)
{
    const struct core_config_bus *bus = &config->bus;

    return replay_index_or_none(bus->node, config->node_count) &&
           (bus->node == CORE_NONE ||
            (replay_at_least(bus->nominal_input_v, DBL_MIN) && replay_at_least(bus->capacitance_f, 0.0) &&
             replay_at_least(bus->resistance_ohm, 0.0) && replay_at_least(bus->low_v, 0.0) &&
             replay_at_least(bus->high_v, bus->low_v) && replay_at_least(bus->dip_v, 0.0)));
}

static bool replay_node_ok(const struct core_config_node *node, int32_t index)
{
    if (node->kind >= CORE_NODE_KIND_COUNT || node->parent_count < 0 || node->parent_count > CORE_PARENTS_MAX ||
        node->limit_count < 0 || node->limit_count > CORE_LIMITS_MAX)
        return false;
    if (!replay_at_least(node->static_w, 0.0) || !replay_at_least(node->loss_ratio, 0.0) ||
        !replay_at_least(node->loss_w, 0.0))
        return false;
    for (int32_t p = 0; p < node->parent_count; p++)
        if (!replay_index_ok(node->parent[p], index) || !replay_at_least(node->share[p], 0.0))
            return false;
    for (int32_t k = 0; k < node->limit_count; k++)
        if (!replay_window_ok(node->limit[k].window_us) || !(node->limit[k].limit_w >= 0.0))
            return false;
    return replay_curve_ok(&node->curve);
}

static bool replay_point_ok(const struct core_config_point *point, const struct core_config *config)
{
    return replay_index_ok(point->device, config->device_count) && point->signal < SIGNAL_COUNT &&
           replay_index_or_none(point->node, config->node_count) && isfinite(point->node_scale) &&
           replay_index_or_none(point->source, config->source_count) &&
           point->stale_after_us >= 0 && point->stuck_after_us >= 0;
}

static bool replay_has_child(const struct core_config *config, int32_t node)
{
    for (int32_t n = node + 1; n < config->node_count; n++)
        for (int32_t p = 0; p < config->nodes[n].parent_count; p++)
            if (config->nodes[n].parent[p] == node)
                return true;
    return false;
}

static bool replay_lever_ok(const struct core_config_lever *lever, const struct core_config *config)
{
    bool cap = lever->use == CORE_LEVER_LIMIT || lever->use == CORE_LEVER_CHARGE;

    if (lever->use > CORE_LEVER_WARN || lever->ride > CORE_LEVER_RIDE_START_S ||
        !replay_index_or_none(lever->source, config->source_count) || !replay_index_ok(lever->device, config->device_count) ||
        !replay_index_or_none(lever->node, config->node_count) ||
        !replay_index_ok(lever->readback_point, config->point_count) ||
        !replay_index_or_none(lever->demand_point, config->point_count))
        return false;
    if (!isfinite(lever->min) || !replay_at_least(lever->max, lever->min) || !replay_at_least(lever->step, 0.0) ||
        !replay_at_least(lever->overshoot_ratio, 0.0) || !(lever->watts_per_unit > 0.0) ||
        !isfinite(lever->watts_per_unit) || !replay_time_ok(lever->delay_worst_us) ||
        !replay_time_ok(lever->timeout_us) || !replay_time_ok(lever->interval_min_us))
        return false;
    if (lever->use == CORE_LEVER_WARN && lever->node == CORE_NONE)
        return false;
    return !cap || (lever->node != CORE_NONE && lever->min >= 0.0 && !replay_has_child(config, lever->node));
}

static bool replay_config_ok(const struct core_config *config)
{
    for (int32_t i = 0; i < config->node_count; i++)
        if (!replay_node_ok(&config->nodes[i], i))
            return false;
    for (int32_t i = 0; i < config->point_count; i++)
        if (!replay_point_ok(&config->points[i], config))
            return false;
    for (int32_t i = 0; i < config->lever_count; i++)
        if (!replay_lever_ok(&config->levers[i], config))
            return false;
    for (int32_t i = 0; i < config->source_count; i++)
        if (!replay_source_ok(&config->sources[i], config))
            return false;
    return replay_bus_ok(config);
}

static bool replay_counts_ok(const struct core_config *config)
{
    return replay_count_ok(config->node_count) && replay_count_ok(config->point_count) &&
           replay_count_ok(config->lever_count) && replay_count_ok(config->device_count) &&
           config->group_max >= 0 && config->group_max <= REPLAY_READ_GROUPS_MAX &&
           replay_count_ok(config->group_member_max) && replay_count_ok(config->source_count) &&
           replay_count_ok(config->request_max) &&
           (int)config->forecast >= 0 && config->forecast < CORE_FORECAST_COUNT && config->period_us >= 1000 && config->period_us <= 1000000;
}

/* The arrays of a configuration whose counts are there. */
static enum status replay_read_arrays(struct bytes_reader *reader, struct replay_config *c)
{
    size_t node = bytes_struct_size(BYTES_TABLE(record_node_fields));
    size_t point = bytes_struct_size(BYTES_TABLE(record_point_fields));
    size_t lever = bytes_struct_size(BYTES_TABLE(record_lever_fields));
    size_t source = bytes_struct_size(BYTES_TABLE(record_source_fields));

    c->nodes = replay_array(reader, c->config.node_count, node, sizeof *c->nodes);
    c->points = replay_array(reader, c->config.point_count, point, sizeof *c->points);
    c->levers = replay_array(reader, c->config.lever_count, lever, sizeof *c->levers);
    c->sources = replay_array(reader, c->config.source_count, source, sizeof *c->sources);
    if (!c->nodes || !c->points || !c->levers || !c->sources)
        return ST_CORRUPT;
    for (int32_t i = 0; i < c->config.node_count; i++)
        bytes_get_struct(reader, BYTES_TABLE(record_node_fields), &c->nodes[i]);
    for (int32_t i = 0; i < c->config.point_count; i++)
        bytes_get_struct(reader, BYTES_TABLE(record_point_fields), &c->points[i]);
    for (int32_t i = 0; i < c->config.lever_count; i++)
        bytes_get_struct(reader, BYTES_TABLE(record_lever_fields), &c->levers[i]);
    for (int32_t i = 0; i < c->config.source_count; i++)
        bytes_get_struct(reader, BYTES_TABLE(record_source_fields), &c->sources[i]);
    c->config.nodes = c->nodes;
    c->config.points = c->points;
    c->config.levers = c->levers;
    c->config.sources = c->sources;
    return reader->broken || reader->left > 0 || !replay_config_ok(&c->config) ? ST_CORRUPT : ST_OK;
}

enum status replay_read_config(struct bytes_reader *reader, struct replay_config *ret)
{
    struct replay_config c;
    enum status st = ST_CORRUPT;

    memset(&c, 0, sizeof c);
    bytes_get_struct(reader, BYTES_TABLE(record_config_fields), &c.config);
    if (!reader->broken && replay_counts_ok(&c.config))
        st = replay_read_arrays(reader, &c);
    if (st != ST_OK) {
        replay_config_done(&c);
        return st;
    }
    *ret = c;
    return ST_OK;
}

void replay_config_done(struct replay_config *config)
{
    free(config->nodes);
    free(config->points);
    free(config->levers);
    free(config->sources);
    memset(config, 0, sizeof *config);
}

/* ---- the plan ---- */

static bool replay_limits_ok(const struct core_plan_limit *limit, int32_t count)
{
    if (count < 0 || count > CORE_LIMITS_MAX)
        return false;
    for (int32_t k = 0; k < count; k++)
        if (!replay_window_ok(limit[k].window_us) || !(limit[k].limit_w >= 0.0) ||
            !(limit[k].limit_standing_w >= 0.0) || limit[k].expires_us < 0)
            return false;
    return true;
}

static bool replay_group_ok(const struct core_plan_group *group, int32_t member_count)
{
    return group->member_first >= 0 && group->member_count >= 0 && group->member_first <= member_count &&
           group->member_count <= member_count - group->member_first &&
           replay_limits_ok(group->limit, group->limit_count);
}

static bool replay_ride_ok(const struct core_plan_ride *ride)
{
    if (ride->start_count < 0 || ride->start_count > CORE_STARTS_MAX)
        return false;
    for (int32_t i = 0; i < ride->start_count; i++)
        if (!replay_time_ok(ride->start[i].outage_us) || !replay_time_ok(ride->start[i].window_us))
            return false;
    return replay_ratio_ok(ride->sag_ratio) && replay_ratio_ok(ride->support_ratio) &&
           replay_time_ok(ride->support_after_us) && replay_at_least(ride->reserve_s, 0.0) &&
           replay_at_least(ride->wear_cycles_per_day, 0.0) && replay_ratio_ok(ride->phase_ratio);
}

static bool replay_zone_ok(const struct core_plan_token_zone *zone, const struct core_config *config)
{
    return replay_index_ok(zone->node, config->node_count) && replay_at_least(zone->rated_w, DBL_MIN) &&
           replay_ratio_ok(zone->pool_ratio) && replay_at_least(zone->burst_ratio, zone->pool_ratio) &&
           replay_at_least(zone->refill_w_per_s, 0.0) && replay_at_least(zone->unit_w, DBL_MIN) &&
           replay_time_ok(zone->lease_min_us) && replay_time_ok(zone->lease_max_us) &&
           replay_time_ok(zone->coordination_us);
}

static bool replay_tokens_ok(const struct core_plan_tokens *tokens, const struct core_config *config)
{
    if (tokens->zone_count < 0 || tokens->zone_count > CORE_TOKEN_ZONES_MAX || !replay_ratio_ok(tokens->risk_ratio))
        return false;
    for (int32_t i = 0; i < tokens->zone_count; i++)
        if (!replay_zone_ok(&tokens->zone[i], config))
            return false;
    return true;
}

static bool replay_guards_ok(const struct core_plan *head)
{
    const struct core_plan_damping *damping = &head->damping;

    return replay_ratio_ok(head->protection.deadline_ratio) && replay_time_ok(head->protection.release_us) &&
           damping->turns_max >= 0 && replay_time_ok(damping->window_us) &&
           (damping->turns_max == 0 || damping->window_us > 0) &&
           replay_at_least(damping->band_low_hz, 0.0) &&
           replay_at_least(damping->band_high_hz, damping->band_low_hz) &&
           replay_at_least(damping->band_ratio, 0.0);
}

static bool replay_plan_head_ok(const struct core_plan *head, const struct core_config *config)
{
    return head->mode_wanted <= CORE_WANT_RESTORE && replay_at_least(head->arm_ratio, 0.0) &&
           replay_time_ok(head->arm_hold_us) && replay_ride_ok(&head->ride) &&
           replay_tokens_ok(&head->tokens, config) && replay_guards_ok(head) && head->node_count == config->node_count &&
           head->lever_count == config->lever_count && head->group_count >= 0 &&
           head->group_count <= config->group_max && head->member_count >= 0 &&
           head->member_count <= config->group_member_max;
}

static bool replay_plan_ok(struct core_plan *plan)
{
    for (int32_t i = 0; i < plan->node_count; i++)
        if (!replay_limits_ok(core_plan_nodes(plan)[i].limit, core_plan_nodes(plan)[i].limit_count))
            return false;
    for (int32_t i = 0; i < plan->lever_count; i++) {
        const struct core_plan_lever *lever = &core_plan_levers(plan)[i];

        if (!(lever->weight > 0.0) || lever->priority < 0 || lever->priority >= CORE_PRIORITIES)
            return false;
    }
    for (int32_t i = 0; i < plan->group_count; i++)
        if (!replay_group_ok(&core_plan_groups(plan)[i], plan->member_count))
            return false;
    for (int32_t i = 0; i < plan->member_count; i++)
        if (!replay_index_ok(core_plan_members(plan)[i], plan->node_count))
            return false;
    return true;
}

enum status replay_read_plan(struct bytes_reader *reader, const struct core_config *config, struct core_plan *plan)
{
    struct core_plan head;

    memset(&head, 0, sizeof head);
    bytes_get_struct(reader, BYTES_TABLE(record_plan_fields), &head);
    if (reader->broken || !replay_plan_head_ok(&head, config))
        return ST_CORRUPT;
    core_plan_init(plan, config);
    plan->version = head.version;
    plan->mode_wanted = head.mode_wanted;
    plan->band = head.band;
    plan->forecast_margin_ratio = head.forecast_margin_ratio;
    plan->forecast_margin_w = head.forecast_margin_w;
    plan->recharge_ratio = head.recharge_ratio;
    plan->arm_ratio = head.arm_ratio;
    plan->arm_hold_us = head.arm_hold_us;
    plan->ride = head.ride;
    plan->tokens = head.tokens;
    plan->protection = head.protection;
    plan->damping = head.damping;
    plan->group_count = head.group_count;
    plan->member_count = head.member_count;
    for (int32_t i = 0; i < plan->node_count; i++)
        bytes_get_struct(reader, BYTES_TABLE(record_plan_node_fields), &core_plan_nodes(plan)[i]);
    for (int32_t i = 0; i < plan->lever_count; i++)
        bytes_get_struct(reader, BYTES_TABLE(record_plan_lever_fields), &core_plan_levers(plan)[i]);
    for (int32_t i = 0; i < plan->group_count; i++)
        bytes_get_struct(reader, BYTES_TABLE(record_plan_group_fields), &core_plan_groups(plan)[i]);
    for (int32_t i = 0; i < plan->member_count; i++)
        core_plan_members(plan)[i] = (int32_t)bytes_get_u32(reader);
    return reader->broken || reader->left > 0 || !replay_plan_ok(plan) ? ST_CORRUPT : ST_OK;
}

/* ---- names ---- */

enum status replay_read_names(struct bytes_reader *reader, struct replay_names *ret)
{
    struct replay_names n = { .node_count = bytes_get_u32(reader), .point_count = bytes_get_u32(reader),
                              .lever_count = bytes_get_u32(reader), .device_count = bytes_get_u32(reader) };
    uint64_t count = (uint64_t)n.node_count + n.point_count + n.lever_count + n.device_count;

    if (reader->broken || count > reader->left / 4)
        return ST_CORRUPT;
    n.names = calloc(count + 1, sizeof *n.names);
    if (!n.names)
        return ST_NOMEM;
    for (uint64_t i = 0; i < count; i++)
        bytes_get_text(reader, n.names[i], sizeof n.names[i]);
    if (reader->broken) {
        replay_names_done(&n);
        return ST_CORRUPT;
    }
    *ret = n;
    return ST_OK;
}

void replay_names_done(struct replay_names *names)
{
    free(names->names);
    memset(names, 0, sizeof *names);
}

const char *replay_names_lever(const struct replay_names *names, int32_t lever)
{
    if (lever < 0 || (uint32_t)lever >= names->lever_count)
        return "?";
    return names->names[(size_t)names->node_count + names->point_count + (size_t)lever];
}

/* ---- ticks ---- */

/* An array that is used again and again, with room for `count` of `size` bytes.
 * False: no memory, and the array is what it was. */
static bool replay_grow(void *array, size_t *room, uint32_t count, size_t size, void **ret)
{
    void *more;

    *ret = array;
    if (array && count <= *room)
        return true;
    more = realloc(array, ((size_t)count + 16) * size);
    if (!more)
        return false;
    *ret = more;
    *room = (size_t)count + 16;
    return true;
}

static bool replay_tick_room(struct replay_tick *tick)
{
    void *readings, *acks, *identities, *orders, *requests, *hints;
    bool all = replay_grow(tick->readings, &tick->reading_room, tick->reading_count, sizeof *tick->readings, &readings);

    all = replay_grow(tick->acks, &tick->ack_room, tick->ack_count, sizeof *tick->acks, &acks) && all;
    all = replay_grow(tick->identities, &tick->identity_room, tick->identity_count, sizeof *tick->identities,
                      &identities) && all;
    all = replay_grow(tick->orders, &tick->order_room, tick->order_count, sizeof *tick->orders, &orders) && all;
    all = replay_grow(tick->requests, &tick->request_room, tick->request_count, sizeof *tick->requests, &requests) &&
          all;
    all = replay_grow(tick->hints, &tick->hint_room, tick->hint_count, sizeof *tick->hints, &hints) && all;
    tick->readings = readings;
    tick->acks = acks;
    tick->identities = identities;
    tick->orders = orders;
    tick->requests = requests;
    tick->hints = hints;
    return all;
}

/* `requests`: how many of them are in the record. */
static bool replay_tick_counts(const struct bytes_reader *reader, const struct replay_tick *tick, uint32_t requests)
{
    uint64_t need = (uint64_t)tick->reading_count * bytes_struct_size(BYTES_TABLE(record_reading_fields)) +
                    (uint64_t)tick->ack_count * bytes_struct_size(BYTES_TABLE(record_ack_fields)) +
                    (uint64_t)tick->identity_count * bytes_struct_size(BYTES_TABLE(record_identity_fields)) +
                    (uint64_t)tick->order_count * bytes_struct_size(BYTES_TABLE(record_order_fields)) +
                    (uint64_t)requests * bytes_struct_size(BYTES_TABLE(record_request_fields)) +
                    (uint64_t)tick->hint_count * bytes_struct_size(BYTES_TABLE(record_hint_fields));

    return !reader->broken && need == reader->left;
}

static bool replay_reading_ok(const struct core_reading *reading, const struct core_config *config)
{
    return replay_index_ok(reading->point, config->point_count) && reading->status < ST_COUNT &&
           replay_time_ok(reading->taken_us) && replay_time_ok(reading->arrived_us);
}

static bool replay_ack_ok(const struct core_ack *ack, const struct core_config *config)
{
    return replay_index_ok(ack->lever, config->lever_count) && ack->status < ST_COUNT &&
           replay_time_ok(ack->dispatched_us) && replay_time_ok(ack->done_us);
}

static bool replay_request_ok(const struct core_request *request, const struct core_config *config)
{
    return request->client != 0 && replay_index_ok(request->node, config->node_count) && request->priority >= 0 &&
           request->priority < CORE_PRIORITIES && replay_at_least(request->amount_w, 0.0) &&
           replay_time_ok(request->duration_us);
}

static bool replay_tick_ok(const struct replay_tick *tick, const struct core_config *config)
{
    if (!replay_time_ok(tick->now_us))
        return false;
    for (uint32_t i = 0; i < tick->reading_count; i++)
        if (!replay_reading_ok(&tick->readings[i], config))
            return false;
    for (uint32_t i = 0; i < tick->ack_count; i++)
        if (!replay_ack_ok(&tick->acks[i], config))
            return false;
    for (uint32_t i = 0; i < tick->identity_count; i++)
        if (!replay_index_ok(tick->identities[i].device, config->device_count))
            return false;
    if (tick->request_count > (uint32_t)config->request_max)
        return false;
    for (uint32_t i = 0; i < tick->request_count; i++)
        if (!replay_request_ok(&tick->requests[i], config))
            return false;
    for (uint32_t i = 0; i < tick->hint_count; i++) /* the rest is the core's to doubt */
        if (!replay_time_ok(tick->hints[i].at_us))
            return false;
    return tick->hint_count <= CORE_HINTS_MAX;
}

enum status replay_read_tick(struct bytes_reader *reader, const struct core_config *config, struct replay_tick *ret)
{
    uint32_t requests;

    ret->now_us = (int64_t)bytes_get_u64(reader);
    ret->plan_version = bytes_get_u64(reader);
    ret->reading_count = bytes_get_u32(reader);
    ret->ack_count = bytes_get_u32(reader);
    ret->identity_count = bytes_get_u32(reader);
    ret->order_count = bytes_get_u32(reader);
    requests = bytes_get_u32(reader);
    ret->hint_count = bytes_get_u32(reader);
    if (!replay_tick_counts(reader, ret, requests == RECORD_REQUESTS_SAME ? 0 : requests))
        return ST_CORRUPT;
    if (requests != RECORD_REQUESTS_SAME)
        ret->request_count = requests;
    if (!replay_tick_room(ret))
        return ST_NOMEM;
    for (uint32_t i = 0; i < ret->reading_count; i++)
        bytes_get_struct(reader, BYTES_TABLE(record_reading_fields), &ret->readings[i]);
    for (uint32_t i = 0; i < ret->ack_count; i++)
        bytes_get_struct(reader, BYTES_TABLE(record_ack_fields), &ret->acks[i]);
    for (uint32_t i = 0; i < ret->identity_count; i++)
        bytes_get_struct(reader, BYTES_TABLE(record_identity_fields), &ret->identities[i]);
    for (uint32_t i = 0; i < ret->order_count; i++)
        bytes_get_struct(reader, BYTES_TABLE(record_order_fields), &ret->orders[i]);
    for (uint32_t i = 0; requests != RECORD_REQUESTS_SAME && i < requests; i++)
        bytes_get_struct(reader, BYTES_TABLE(record_request_fields), &ret->requests[i]);
    for (uint32_t i = 0; i < ret->hint_count; i++)
        bytes_get_struct(reader, BYTES_TABLE(record_hint_fields), &ret->hints[i]);
    return reader->broken || !replay_tick_ok(ret, config) ? ST_CORRUPT : ST_OK;
}

void replay_tick_done(struct replay_tick *tick)
{
    free(tick->readings);
    free(tick->acks);
    free(tick->identities);
    free(tick->orders);
    free(tick->requests);
    free(tick->hints);
    memset(tick, 0, sizeof *tick);
}
