/* SPDX-License-Identifier: Apache-2.0 */
/* record.h: the recording's form on disk: what daemon/recorder.c writes and
 * sim/replay.c reads. Types and constants only.
 *
 * A file is RECORD_MAGIC, the version (4 bytes), 4 zero bytes, then records:
 * type (4), payload size (4), CRC-32 of the payload (4), payload. Numbers are
 * little-endian. Everything but RECORD_CORE is written field by field, by the
 * tables below, and so may be read by another build; RECORD_CORE is the core's
 * own block and means something to the same build alone.
 *
 *   HEAD    build, commit, rack, file (texts), wall_us, period_us (8 each)
 *   TEXT    the configuration file as it was loaded, for people
 *   NAMES   counts of nodes, points, levers, devices (4 each), then their names
 *   CONFIG  record_config_fields, then nodes, points, levers, sources
 *   PLAN    record_plan_fields, then nodes, levers, groups, members (4 each)
 *   CORE    now_us, ticks lost just before (8 each), the block as it was before the
 *           next TICK; where ticks were lost nothing can be followed up to here
 *   TICK    now_us, plan version (8 each), counts of readings, acks, identities,
 *           orders, requests and hints (4 each), then these
 *   END     records before this one (8): a file without it was cut short
 *
 * CONFIG, NAMES and TEXT come again after a reload, PLAN whenever it changed;
 * each of them stands before the CORE that belongs to it. Requests are the whole
 * table: in the first TICK after each CORE and whenever it changed, else their
 * count is RECORD_REQUESTS_SAME.
 *
 * Version 2 added what riding through, protection, damping and tokens need; version 3 the
 * busbar's dip; version 4 whether there are forecasters, and hints to them; version 5 what is armed
 * for a foreseen peak, and which levers throw a switch.
 */
#ifndef BUSBAR_RECORD_H
#define BUSBAR_RECORD_H

#include "busbar/bytes.h"
#include "busbar/core.h"

#define RECORD_MAGIC "BUSBARRC"
#define RECORD_MAGIC_SIZE 8
#define RECORD_VERSION 5
#define RECORD_FILE_HEAD_SIZE 16  /* magic, version, zero                            */
#define RECORD_HEAD_SIZE 12       /* type, size, CRC-32                              */
#define RECORD_TEXT_MAX 256       /* of a text in HEAD or NAMES                      */
#define RECORD_TICK_HEAD_SIZE 40
#define RECORD_REQUESTS_SAME UINT32_MAX
#define RECORD_CORE_HEAD_SIZE 16

enum record_type {
    RECORD_NONE, RECORD_HEAD, RECORD_TEXT, RECORD_NAMES, RECORD_CONFIG, RECORD_PLAN, RECORD_CORE,
    RECORD_TICK, RECORD_END, RECORD_TYPE_COUNT
};

/* Two programs of one build have the same words here: orders are compared under
 * the same source, compiler and optimisation. */
#ifdef __OPTIMIZE__
#define RECORD_BUILD_OPTIMIZED "optimized"
#else
#define RECORD_BUILD_OPTIMIZED "plain"
#endif
#define RECORD_BUILD BUSBAR_VERSION " " BUSBAR_COMMIT ", " __VERSION__ ", " RECORD_BUILD_OPTIMIZED

_Static_assert(sizeof(enum core_curve_kind) == 4 && sizeof(enum core_source_kind) == 4 &&
                   sizeof(enum core_lever_ride) == 4,
               "enums are written as 4 bytes");
_Static_assert(sizeof(enum core_forecast) == 4 && sizeof(enum core_mark) == 4, "enums are written as 4 bytes");
_Static_assert(sizeof(enum status) == 4 && sizeof(enum signal) == 4 && sizeof(enum core_rule) == 4,
               "enums are written as 4 bytes");

static const struct bytes_field record_reading_fields[] = {
    BYTES_ONE(struct core_reading, point, BYTES_32),
    BYTES_ONE(struct core_reading, status, BYTES_32),
    BYTES_ONE(struct core_reading, value, BYTES_F64),
    BYTES_ONE(struct core_reading, taken_us, BYTES_64),
    BYTES_ONE(struct core_reading, arrived_us, BYTES_64),
};

static const struct bytes_field record_ack_fields[] = {
    BYTES_ONE(struct core_ack, lever, BYTES_32),
    BYTES_ONE(struct core_ack, status, BYTES_32),
    BYTES_ONE(struct core_ack, number, BYTES_64),
    BYTES_ONE(struct core_ack, readback, BYTES_F64),
    BYTES_ONE(struct core_ack, dispatched_us, BYTES_64),
    BYTES_ONE(struct core_ack, done_us, BYTES_64),
};

static const struct bytes_field record_identity_fields[] = {
    BYTES_ONE(struct core_identity, device, BYTES_32),
    BYTES_ONE(struct core_identity, serial_hash, BYTES_32),
};

static const struct bytes_field record_request_fields[] = {
    BYTES_ONE(struct core_request, client, BYTES_64),
    BYTES_ONE(struct core_request, version, BYTES_64),
    BYTES_ONE(struct core_request, node, BYTES_32),
    BYTES_ONE(struct core_request, priority, BYTES_32),
    BYTES_ONE(struct core_request, amount_w, BYTES_F64),
    BYTES_ONE(struct core_request, duration_us, BYTES_64),
};

static const struct bytes_field record_hint_fields[] = {
    BYTES_ONE(struct core_hint, mark, BYTES_32),
    BYTES_ONE(struct core_hint, node, BYTES_32),
    BYTES_ONE(struct core_hint, lever, BYTES_32),
    BYTES_ONE(struct core_hint, at_us, BYTES_64),
    BYTES_ONE(struct core_hint, value, BYTES_F64),
};

static const struct bytes_field record_order_fields[] = {
    BYTES_ONE(struct core_order, lever, BYTES_32),
    BYTES_ONE(struct core_order, release, BYTES_BOOL),
    BYTES_ONE(struct core_order, number, BYTES_64),
    BYTES_ONE(struct core_order, value, BYTES_F64),
    BYTES_ONE(struct core_order, lease_end_us, BYTES_64),
    BYTES_ONE(struct core_order, timeout_us, BYTES_64),
    BYTES_ONE(struct core_order, fallback, BYTES_F64),
    BYTES_ONE(struct core_order, why.rule, BYTES_32),
    BYTES_ONE(struct core_order, why.node, BYTES_32),
    BYTES_ONE(struct core_order, why.window_us, BYTES_64),
    BYTES_ONE(struct core_order, why.bound_w, BYTES_F64),
    BYTES_ONE(struct core_order, cause.kind, BYTES_32),
    BYTES_ONE(struct core_order, cause.taken_us, BYTES_64),
    BYTES_ONE(struct core_order, cause.arrived_us, BYTES_64),
};

static const struct bytes_field record_config_fields[] = {
    BYTES_ONE(struct core_config, node_count, BYTES_32),
    BYTES_ONE(struct core_config, point_count, BYTES_32),
    BYTES_ONE(struct core_config, lever_count, BYTES_32),
    BYTES_ONE(struct core_config, device_count, BYTES_32),
    BYTES_ONE(struct core_config, group_max, BYTES_32),
    BYTES_ONE(struct core_config, group_member_max, BYTES_32),
    BYTES_ONE(struct core_config, source_count, BYTES_32),
    BYTES_ONE(struct core_config, bus.node, BYTES_32),
    BYTES_ONE(struct core_config, bus.nominal_input_v, BYTES_F64),
    BYTES_ONE(struct core_config, bus.capacitance_f, BYTES_F64),
    BYTES_ONE(struct core_config, bus.resistance_ohm, BYTES_F64),
    BYTES_ONE(struct core_config, bus.low_v, BYTES_F64),
    BYTES_ONE(struct core_config, bus.high_v, BYTES_F64),
    BYTES_ONE(struct core_config, bus.dip_v, BYTES_F64),
    BYTES_ONE(struct core_config, request_max, BYTES_32),
    BYTES_ONE(struct core_config, period_us, BYTES_64),
    BYTES_ONE(struct core_config, seed, BYTES_64),
    BYTES_ONE(struct core_config, forecast, BYTES_32),
};

static const struct bytes_field record_node_fields[] = {
    BYTES_ONE(struct core_config_node, kind, BYTES_32),
    BYTES_ONE(struct core_config_node, parent_count, BYTES_32),
    BYTES_MANY(struct core_config_node, parent, BYTES_32, CORE_PARENTS_MAX, sizeof(int32_t)),
    BYTES_MANY(struct core_config_node, share, BYTES_F64, CORE_PARENTS_MAX, sizeof(double)),
    BYTES_ONE(struct core_config_node, static_w, BYTES_F64),
    BYTES_ONE(struct core_config_node, loss_ratio, BYTES_F64),
    BYTES_ONE(struct core_config_node, loss_w, BYTES_F64),
    BYTES_ONE(struct core_config_node, limit_count, BYTES_32),
    BYTES_MANY(struct core_config_node, limit[0].window_us, BYTES_64, CORE_LIMITS_MAX,
               sizeof(struct core_limit)),
    BYTES_MANY(struct core_config_node, limit[0].limit_w, BYTES_F64, CORE_LIMITS_MAX,
               sizeof(struct core_limit)),
    BYTES_ONE(struct core_config_node, curve.kind, BYTES_32),
    BYTES_ONE(struct core_config_node, curve.rated_w, BYTES_F64),
    BYTES_ONE(struct core_config_node, curve.trip_ratio, BYTES_F64),
    BYTES_ONE(struct core_config_node, curve.heat_s, BYTES_F64),
    BYTES_ONE(struct core_config_node, curve.cool_s, BYTES_F64),
    BYTES_ONE(struct core_config_node, curve.long_s, BYTES_F64),
    BYTES_ONE(struct core_config_node, curve.short_ratio, BYTES_F64),
    BYTES_ONE(struct core_config_node, curve.short_s, BYTES_F64),
    BYTES_ONE(struct core_config_node, curve.short_i2t, BYTES_BOOL),
    BYTES_ONE(struct core_config_node, curve.instant_ratio, BYTES_F64),
    BYTES_ONE(struct core_config_node, curve.instant_margin_ratio, BYTES_F64),
};

static const struct bytes_field record_source_fields[] = {
    BYTES_ONE(struct core_config_source, kind, BYTES_32),
    BYTES_ONE(struct core_config_source, node, BYTES_32),
    BYTES_ONE(struct core_config_source, module_count, BYTES_32),
    BYTES_ONE(struct core_config_source, rated_w, BYTES_F64),
    BYTES_ONE(struct core_config_source, output_v, BYTES_F64),
    BYTES_ONE(struct core_config_source, droop_v, BYTES_F64),
    BYTES_ONE(struct core_config_source, input_min_v, BYTES_F64),
    BYTES_ONE(struct core_config_source, input_off_us, BYTES_64),
    BYTES_ONE(struct core_config_source, input_derate_v, BYTES_F64),
    BYTES_ONE(struct core_config_source, holdup_j, BYTES_F64),
    BYTES_ONE(struct core_config_source, handover_ratio, BYTES_F64),
    BYTES_ONE(struct core_config_source, handover_step_v, BYTES_F64),
    BYTES_ONE(struct core_config_source, handover_v_per_s, BYTES_F64),
    BYTES_ONE(struct core_config_source, ready_us, BYTES_64),
    BYTES_ONE(struct core_config_source, walk_in_us, BYTES_64),
    BYTES_ONE(struct core_config_source, keeps_settings, BYTES_BOOL),
    BYTES_ONE(struct core_config_source, trigger_v, BYTES_F64),
    BYTES_ONE(struct core_config_source, trigger_us, BYTES_64),
    BYTES_ONE(struct core_config_source, start_us, BYTES_64),
    BYTES_ONE(struct core_config_source, energy_j, BYTES_F64),
};

static const struct bytes_field record_point_fields[] = {
    BYTES_ONE(struct core_config_point, device, BYTES_32),
    BYTES_ONE(struct core_config_point, signal, BYTES_32),
    BYTES_ONE(struct core_config_point, stale_after_us, BYTES_64),
    BYTES_ONE(struct core_config_point, min, BYTES_F64),
    BYTES_ONE(struct core_config_point, max, BYTES_F64),
    BYTES_ONE(struct core_config_point, stuck_after_us, BYTES_64),
    BYTES_ONE(struct core_config_point, node, BYTES_32),
    BYTES_ONE(struct core_config_point, node_scale, BYTES_F64),
    BYTES_ONE(struct core_config_point, source, BYTES_32),
};

static const struct bytes_field record_lever_fields[] = {
    BYTES_ONE(struct core_config_lever, use, BYTES_32),
    BYTES_ONE(struct core_config_lever, ride, BYTES_32),
    BYTES_ONE(struct core_config_lever, source, BYTES_32),
    BYTES_ONE(struct core_config_lever, device, BYTES_32),
    BYTES_ONE(struct core_config_lever, node, BYTES_32),
    BYTES_ONE(struct core_config_lever, readback_point, BYTES_32),
    BYTES_ONE(struct core_config_lever, demand_point, BYTES_32),
    BYTES_ONE(struct core_config_lever, min, BYTES_F64),
    BYTES_ONE(struct core_config_lever, max, BYTES_F64),
    BYTES_ONE(struct core_config_lever, step, BYTES_F64),
    BYTES_ONE(struct core_config_lever, base, BYTES_F64),
    BYTES_ONE(struct core_config_lever, watts_per_unit, BYTES_F64),
    BYTES_ONE(struct core_config_lever, overshoot_ratio, BYTES_F64),
    BYTES_ONE(struct core_config_lever, share, BYTES_F64),
    BYTES_ONE(struct core_config_lever, slew, BYTES_F64),
    BYTES_ONE(struct core_config_lever, delay_worst_us, BYTES_64),
    BYTES_ONE(struct core_config_lever, interval_min_us, BYTES_64),
    BYTES_ONE(struct core_config_lever, timeout_us, BYTES_64),
    BYTES_ONE(struct core_config_lever, fallback, BYTES_F64),
    BYTES_ONE(struct core_config_lever, deadband, BYTES_F64),
    BYTES_ONE(struct core_config_lever, switched, BYTES_BOOL),
};

#define RECORD_PLAN_ZONE(member, as)                                                               \
    BYTES_MANY(struct core_plan, tokens.zone[0].member, as, CORE_TOKEN_ZONES_MAX,                  \
               sizeof(struct core_plan_token_zone))

static const struct bytes_field record_plan_fields[] = {
    BYTES_ONE(struct core_plan, version, BYTES_64),
    BYTES_ONE(struct core_plan, mode_wanted, BYTES_32),
    BYTES_ONE(struct core_plan, band.cap_ratio, BYTES_F64),
    BYTES_ONE(struct core_plan, band.target_ratio, BYTES_F64),
    BYTES_ONE(struct core_plan, band.release_ratio, BYTES_F64),
    BYTES_ONE(struct core_plan, band.release_gain_per_s, BYTES_F64),
    BYTES_ONE(struct core_plan, band.release_jitter_ratio, BYTES_F64),
    BYTES_ONE(struct core_plan, forecast_margin_ratio, BYTES_F64),
    BYTES_ONE(struct core_plan, forecast_margin_w, BYTES_F64),
    BYTES_ONE(struct core_plan, recharge_ratio, BYTES_F64),
    BYTES_ONE(struct core_plan, arm_ratio, BYTES_F64),
    BYTES_ONE(struct core_plan, arm_hold_us, BYTES_64),
    BYTES_ONE(struct core_plan, ride.enabled, BYTES_BOOL),
    BYTES_ONE(struct core_plan, ride.sag_ratio, BYTES_F64),
    BYTES_ONE(struct core_plan, ride.support_ratio, BYTES_F64),
    BYTES_ONE(struct core_plan, ride.support_after_us, BYTES_64),
    BYTES_ONE(struct core_plan, ride.reserve_s, BYTES_F64),
    BYTES_ONE(struct core_plan, ride.wear_cycles_per_day, BYTES_F64),
    BYTES_ONE(struct core_plan, ride.phase_ratio, BYTES_F64),
    BYTES_ONE(struct core_plan, ride.start_count, BYTES_32),
    BYTES_MANY(struct core_plan, ride.start[0].outage_us, BYTES_64, CORE_STARTS_MAX,
               sizeof(struct core_plan_start)),
    BYTES_MANY(struct core_plan, ride.start[0].window_us, BYTES_64, CORE_STARTS_MAX,
               sizeof(struct core_plan_start)),
    BYTES_ONE(struct core_plan, tokens.zone_count, BYTES_32),
    BYTES_ONE(struct core_plan, tokens.risk_ratio, BYTES_F64),
    RECORD_PLAN_ZONE(node, BYTES_32),
    RECORD_PLAN_ZONE(rated_w, BYTES_F64),
    RECORD_PLAN_ZONE(pool_ratio, BYTES_F64),
    RECORD_PLAN_ZONE(burst_ratio, BYTES_F64),
    RECORD_PLAN_ZONE(refill_w_per_s, BYTES_F64),
    RECORD_PLAN_ZONE(unit_w, BYTES_F64),
    RECORD_PLAN_ZONE(lease_min_us, BYTES_64),
    RECORD_PLAN_ZONE(lease_max_us, BYTES_64),
    RECORD_PLAN_ZONE(coordination_us, BYTES_64),
    BYTES_ONE(struct core_plan, protection.enabled, BYTES_BOOL),
    BYTES_ONE(struct core_plan, protection.deadline_ratio, BYTES_F64),
    BYTES_ONE(struct core_plan, protection.release_us, BYTES_64),
    BYTES_ONE(struct core_plan, damping.turns_max, BYTES_32),
    BYTES_ONE(struct core_plan, damping.window_us, BYTES_64),
    BYTES_ONE(struct core_plan, damping.band_low_hz, BYTES_F64),
    BYTES_ONE(struct core_plan, damping.band_high_hz, BYTES_F64),
    BYTES_ONE(struct core_plan, damping.band_ratio, BYTES_F64),
    BYTES_ONE(struct core_plan, node_count, BYTES_32),
    BYTES_ONE(struct core_plan, lever_count, BYTES_32),
    BYTES_ONE(struct core_plan, group_count, BYTES_32),
    BYTES_ONE(struct core_plan, member_count, BYTES_32),
};

#define RECORD_PLAN_LIMITS(type)                                                                   \
    BYTES_ONE(type, limit_count, BYTES_32),                                                        \
    BYTES_MANY(type, limit[0].window_us, BYTES_64, CORE_LIMITS_MAX, sizeof(struct core_plan_limit)), \
    BYTES_MANY(type, limit[0].limit_w, BYTES_F64, CORE_LIMITS_MAX, sizeof(struct core_plan_limit)), \
    BYTES_MANY(type, limit[0].expires_us, BYTES_64, CORE_LIMITS_MAX, sizeof(struct core_plan_limit)), \
    BYTES_MANY(type, limit[0].limit_standing_w, BYTES_F64, CORE_LIMITS_MAX,                        \
               sizeof(struct core_plan_limit))

static const struct bytes_field record_plan_node_fields[] = {
    RECORD_PLAN_LIMITS(struct core_plan_node),
};

static const struct bytes_field record_plan_lever_fields[] = {
    BYTES_ONE(struct core_plan_lever, min, BYTES_F64),
    BYTES_ONE(struct core_plan_lever, max, BYTES_F64),
    BYTES_ONE(struct core_plan_lever, weight, BYTES_F64),
    BYTES_ONE(struct core_plan_lever, priority, BYTES_32),
    BYTES_ONE(struct core_plan_lever, target, BYTES_F64),
    BYTES_ONE(struct core_plan_lever, armed, BYTES_F64),
};

static const struct bytes_field record_plan_group_fields[] = {
    BYTES_ONE(struct core_plan_group, member_first, BYTES_32),
    BYTES_ONE(struct core_plan_group, member_count, BYTES_32),
    RECORD_PLAN_LIMITS(struct core_plan_group),
};

#endif
