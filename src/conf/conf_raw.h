/* SPDX-License-Identifier: Apache-2.0 */
/* conf_raw.h: what the files say, key by key, before names become indices.
 *
 * One struct a section of conf_keys.c; members after "resolved" are filled by
 * the checks. Private to src/conf.
 */
#ifndef BUSBAR_CONF_RAW_H
#define BUSBAR_CONF_RAW_H

#include "busbar/pmi.h"
#include "conf_bind.h"

struct raw_limit {
    struct conf_item item;
    int64_t window_us;
    double limit_w, standing_w;
};

struct raw_parent {
    struct conf_item item;
    char name[CONF_NAME_MAX];
    double share;
};

struct raw_node {
    struct conf_item item;
    char name[CONF_NAME_MAX];
    int32_t kind; /* enum core_node_kind                      */
    char parent[CONF_NAME_MAX];
    struct conf_list parents, bears, limits;
    double static_w, loss_ratio, loss_w;
    int32_t breaker_kind; /* one below enum core_curve_kind          */
    struct core_config_curve breaker;
    /* resolved */
    int32_t parent_count, parent_at[CORE_PARENTS_MAX]; /* in the file's order     */
    double parent_share[CORE_PARENTS_MAX];
    int32_t level;  /* 1: a root; 0: not placed yet             */
    int32_t index;  /* parents first; CORE_NONE: not placed     */
    double floor_w; /* own draw that no limit takes away        */
    bool has_children;
};

struct raw_bus {
    struct conf_item item;
    char name[CONF_NAME_MAX];
    int32_t kind; /* enum conf_bus_kind                       */
    char path[CONF_PATH_MAX], host[CONF_PATH_MAX];
    int32_t port, baud, parity, stop_bits, retry_max, framing;
    bool alert;
    int64_t timeout_us, timeout_min_us, clock_max_us, fast_us, slow_us, stale_us, stuck_after_us;
};

struct raw_measure {
    struct conf_item item;
    char signal[CONF_NAME_MAX], node[CONF_NAME_MAX];
    int32_t index;
    double scale;
    /* resolved */
    int32_t row, node_at; /* of the profile; in the file's order      */
};

struct raw_lever {
    struct conf_item item;
    char signal[CONF_NAME_MAX];
    int32_t index, use; /* use: enum raw_lever_use                  */
    double value, armed, volts, fallback, share, slew, deadband;
    int64_t timeout_us, delay_worst_us, interval_min_us;
    int32_t ride; /* one below enum core_lever_ride          */
    /* resolved */
    int32_t row;
};

enum raw_lever_use { RAW_USE_HOLD, RAW_USE_CHARGE, RAW_USE_WARN };

enum raw_hardware { RAW_ORV3, RAW_HPR, RAW_HPR_V2, RAW_HARDWARE_COUNT };

struct raw_source {
    struct conf_item item;
    char name[CONF_NAME_MAX], node[CONF_NAME_MAX];
    int32_t kind, hardware; /* enum core_source_kind, enum raw_hardware */
    /* resolved: what the file does not say comes from the hardware */
    struct core_config_source core;
    int32_t node_at;
};

struct raw_start {
    struct conf_item item;
    struct core_plan_start core;
};

struct raw_zone {
    struct conf_item item;
    char node[CONF_NAME_MAX];
    struct core_plan_token_zone core;
    /* resolved */
    int32_t node_at;
};

struct raw_device {
    struct conf_item item;
    char name[CONF_NAME_MAX], bus[CONF_NAME_MAX], profile[CONF_NAME_MAX], node[CONF_NAME_MAX];
    char source[CONF_NAME_MAX], mirror[CONF_NAME_MAX];
    int32_t address, slot;
    struct conf_list measures, levers;
    /* resolved */
    int32_t bus_at, profile_at, node_at, source_at, mirror_at;
    int32_t charge_at; /* its charge lever, or CORE_NONE           */
};

struct raw_setting {
    struct conf_item item;
    char signal[CONF_NAME_MAX], path[CONF_PATH_MAX];
    int32_t index; /* of the GPU; -1: every one                */
    double value, armed;
    int64_t delay_worst_us, interval_min_us;
    /* resolved */
    int32_t kind; /* row of conf_check_bmc.c's table, or CORE_NONE */
};

struct raw_bmc_measure {
    struct conf_item item;
    char signal[CONF_NAME_MAX], node[CONF_NAME_MAX], path[CONF_PATH_MAX];
    double scale;
    /* resolved */
    int32_t node_at;
};

struct raw_bmc {
    struct conf_item item;
    char name[CONF_NAME_MAX], username[CONF_NAME_MAX], node[CONF_NAME_MAX];
    char url[CONF_PATH_MAX], password_file[CONF_PATH_MAX], ca_file[CONF_PATH_MAX], path[CONF_PATH_MAX];
    char pin[CONF_PATH_MAX], credential[CONF_NAME_MAX];
    bool use_events, hard_power_off_ok;
    int32_t writes_per_min, reports; /* reports: enum conf_reports              */
    struct conf_list settings, measures;
    int64_t timeout_us, fast_us, slow_us, stale_us, stuck_after_us, delay_worst_us, interval_min_us;
    int32_t retry_max, count, first, priority;
    double min_w, max_w, base_w, step_w, overshoot_ratio, weight, deadband_w;
    /* resolved */
    int32_t node_at;
    char password[CONF_NAME_MAX];
};

struct raw_group {
    struct conf_item item;
    char name[CONF_NAME_MAX];
    struct conf_list members, limits;
};

struct raw_shelf {
    struct conf_item item;
    char name[PMI_NAME_MAX], maker[PMI_NAME_MAX];
    int32_t unit, kind; /* kind: enum pmi_shelf_kind               */
    struct conf_list modules;
    /* resolved: device in the file's order, and index */
    struct pmi_module module[PMI_SLOTS];
};

struct raw_writer {
    struct conf_item item;
    char name[PMI_NAME_MAX], from[CONF_NAME_MAX], key_file[CONF_PATH_MAX];
    /* resolved */
    struct pmi_writer core;
};

struct raw_pmi {
    bool enabled, may_budget, may_mode, may_ride, may_tokens;
    char host[CONF_NAME_MAX], serial_path[CONF_PATH_MAX], budget_node[CONF_NAME_MAX];
    int32_t port, connections_max, baud, parity, stop_bits;
    int64_t lease_max_us;
    double budget_min_w;
    struct conf_list readers, writers, nodes, shelves;
    /* resolved */
    struct netmask reader[PMI_READERS_MAX];
    int32_t budget_at, node_at[PMI_NODES_MAX]; /* in the file's order          */
};

struct raw_conf {
    struct conf_item item;
    char rack_name[CONF_NAME_MAX];
    int64_t period_us;
    int32_t mode, rt_priority, cpu; /* mode: enum core_mode_wanted              */
    struct core_plan_band band;
    double margin_ratio, margin_w, recharge_ratio;
    bool forecast_learn;
    double arm_ratio;
    int64_t arm_hold_us;
    char state_dir[CONF_PATH_MAX], socket[CONF_PATH_MAX];
    int64_t record_ring_bytes;
    struct conf_list profiles, tree, buses, devices, bmcs, groups;
    char busbar_node[CONF_NAME_MAX];
    struct core_config_bus busbar;
    struct core_plan_ride ride;
    struct core_plan_protection protection;
    struct core_plan_damping damping;
    double risk_ratio;
    int32_t clients_max;
    struct conf_list sources, starts, zones;
    struct raw_pmi pmi;
    /* resolved */
    int32_t busbar_at;
    bool tree_good; /* names, parents and order                 */
};

extern const struct conf_section conf_keys_root;
extern const struct conf_section conf_keys_sources, conf_keys_starts, conf_keys_zones;
extern const struct conf_section conf_keys_shelves, conf_keys_writers;

#endif
