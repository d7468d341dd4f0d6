/* SPDX-License-Identifier: Apache-2.0 */
/* fake_operator.h: a small rack that is not there, as struct operator_calls.
 *
 * Outputs, device states and counters are made up once; tests change what they
 * need. For the tests of src/operator and src/cli.
 */
#ifndef TEST_FAKE_OPERATOR_H
#define TEST_FAKE_OPERATOR_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/clock.h"
#include "busbar/core.h"
#include "busbar/operator.h"

#define FAKE_NODES 6
#define FAKE_LEVERS 3
#define FAKE_DEVICES 3
#define FAKE_GROUPS 1
#define FAKE_CLIENTS 2
#define FAKE_FORECASTS 2
#define FAKE_NOW_US INT64_C(3600000000)
#define FAKE_RECORD "BUSBAR-RECORDING\0with a zero in it"

static const char *const fake_nodes[FAKE_NODES] = { "rack", "shelf-1", "busbar", "node-1", "bmc-1.gpu-0", "bmc-1.gpu-1" };
static const enum core_node_kind fake_kinds[FAKE_NODES] = { CORE_NODE_RACK, CORE_NODE_SHELF, CORE_NODE_BUSBAR,
                                                            CORE_NODE_TRAY, CORE_NODE_LOAD,  CORE_NODE_LOAD };
static const int32_t fake_parents[FAKE_NODES] = { CORE_NONE, 0, 1, 2, 3, 3 };
static const char *const fake_levers[FAKE_LEVERS] = { "bmc-1.gpu-0", "bmc-1.gpu-1", "psu-1-1.psu_output_setpoint_v" };
static const char *const fake_units[FAKE_LEVERS] = { "W", "W", "V" };
static const int32_t fake_lever_devices[FAKE_LEVERS] = { 0, 0, 1 };
static const char *const fake_groups[FAKE_GROUPS] = { "job-a" };
static const enum signal fake_bmc_signals[] = { SIGNAL_GPU_POWER_W, SIGNAL_GPU_POWER_W, SIGNAL_GPU_ENERGY_J };
static const int32_t fake_bmc_indices[] = { 0, 1, 0 };
static const enum signal fake_psu_signals[] = { SIGNAL_PSU_INPUT_W, SIGNAL_PSU_OUTPUT_V, SIGNAL_PSU_ALARMS,
                                                SIGNAL_DEVICE_SERIAL };
static const int32_t fake_psu_indices[] = { 0, 0, 0, 0 };
static const struct operator_device fake_devices[FAKE_DEVICES] = {
    { .name = "bmc-1", .kind = "redfish", .bus = "bmc-1", .reading_count = 3, .signals = fake_bmc_signals, .indices = fake_bmc_indices },
    { .name = "psu-1-1", .kind = "modbus", .bus = "line-1", .reading_count = 4, .signals = fake_psu_signals, .indices = fake_psu_indices },
    { .name = "psu-1-2", .kind = "smbus", .bus = "smbus-1", .reading_count = 4, .signals = fake_psu_signals, .indices = fake_psu_indices },
};
static const struct operator_names fake_names = {
    .rack = "r17",
    .node_count = FAKE_NODES,
    .lever_count = FAKE_LEVERS,
    .device_count = FAKE_DEVICES,
    .group_count = FAKE_GROUPS,
    .nodes = fake_nodes,
    .levers = fake_levers,
    .groups = fake_groups,
    .lever_units = fake_units,
    .lever_devices = fake_lever_devices,
    .node_kinds = fake_kinds,
    .node_parents = fake_parents,
    .devices = fake_devices,
};

struct fake {
    struct core_outputs *out;
    struct device_state devices[FAKE_DEVICES];
    bool known[FAKE_DEVICES];
    struct operator_stats stats;
    enum core_mode_wanted wanted;
    bool refuse;             /* every wish */
    bool before_first_step;
    char who[64];            /* asked for the mode last */
    int64_t record_us;       /* asked for last */
    int reloads;
    int32_t held;            /* the last lever that was told what to hold... */
    double held_value;       /* ...and what                                  */
    struct core_hint hint;   /* the last one */
    int hints;
    struct operator_wish wish;              /* the last one... */
    char client[OPERATOR_CLIENT_MAX];       /* ...and whose */
    uint64_t version;
    bool silent;             /* the core answers no wish */
    int late;                /* looks at the outputs until the core answers */
};

static inline struct core_node_view *fake_node(struct fake *fake, int i)
{
    return (struct core_node_view *)((char *)fake->out + fake->out->nodes_at) + i;
}

static inline struct core_node_view *fake_group(struct fake *fake, int i)
{
    return (struct core_node_view *)((char *)fake->out + fake->out->groups_at) + i;
}

static inline struct core_lever_view *fake_lever(struct fake *fake, int i)
{
    return (struct core_lever_view *)((char *)fake->out + fake->out->levers_at) + i;
}

static inline struct core_device_view *fake_device_view(struct fake *fake, int i)
{
    return (struct core_device_view *)((char *)fake->out + fake->out->devices_at) + i;
}

static inline struct core_token_view *fake_token(struct fake *fake, int i)
{
    return (struct core_token_view *)((char *)fake->out + fake->out->tokens_at) + i;
}

static inline void fake_fill_tree(struct fake *fake)
{
    static const double power_w[FAKE_NODES] = { 23700, 22752, 22752, 22340, 790, 640 };

    for (int i = 0; i < FAKE_NODES; i++) {
        *fake_node(fake, i) = (struct core_node_view){
            .power_w = power_w[i], .low_w = power_w[i] - 100, .high_w = power_w[i] + 100, .forecast_w = power_w[i] + 10,
            .upper_w = power_w[i] + 500, .counted_w = power_w[i] + 300, .budget_w = i == 0 ? 29000 : NAN, .measured = i == 0,
            .heat_ratio = i == 0 ? 0.625 : NAN, .trip_s = i == 0 ? 840 : INFINITY, .damping_ratio = i == 0 ? 0.5 : 1,
        };
    }
    fake_node(fake, 0)->limit_count = 2;
    fake_node(fake, 0)->limit[0] = (struct core_limit_view){ .window_us = 1000000, .limit_w = 30000, .mean_w = 23650,
                                                             .worst_w = 29120 };
    fake_node(fake, 0)->limit[1] = (struct core_limit_view){ .window_us = 10000000, .limit_w = 29000, .mean_w = NAN,
                                                             .worst_w = NAN };
    *fake_group(fake, 0) = (struct core_node_view){ .power_w = 1430, .budget_w = NAN, .limit_count = 1 };
    fake_group(fake, 0)->limit[0] = (struct core_limit_view){ .window_us = 100000, .limit_w = 2000, .mean_w = 1430,
                                                              .worst_w = 1700 };
}

static inline void fake_fill_levers(struct fake *fake)
{
    *fake_lever(fake, 0) = (struct core_lever_view){
        .state = CORE_LEVER_IN_FORCE, .wanted = 812, .sent = 812, .in_force = 812, .counted = 812, .demand_w = 790, .number = 41,
        .orders = 41, .why = { .rule = CORE_RULE_LIMIT, .node = 0, .window_us = 1000000, .bound_w = 30000 },
        .cause = { .kind = CORE_CAUSE_READING, .taken_us = FAKE_NOW_US - 60000, .arrived_us = FAKE_NOW_US - 35000 },
    };
    *fake_lever(fake, 1) = (struct core_lever_view){
        .state = CORE_LEVER_UNREAD, .wanted = 700, .sent = NAN, .in_force = NAN, .counted = 1200, .demand_w = NAN,
        .why = { .rule = CORE_RULE_GROUP, .node = 0, .window_us = 100000, .bound_w = 2000 },
    };
    *fake_lever(fake, 2) = (struct core_lever_view){
        .state = CORE_LEVER_IN_FORCE, .wanted = 50.25, .sent = 50.25, .in_force = 50.25, .counted = 50.25, .demand_w = NAN,
        .number = 1, .orders = 1, .failures = 2, .refused = 1, .why = { .rule = CORE_RULE_HOLD, .node = CORE_NONE },
        .cause = { .kind = CORE_CAUSE_PLAN, .taken_us = FAKE_NOW_US - 90000000, .arrived_us = FAKE_NOW_US - 90000000 },
    };
}

static inline struct core_forecast_view *fake_forecast(struct fake *fake, int i)
{
    return (struct core_forecast_view *)((char *)fake->out + fake->out->forecasts_at) + i;
}

static inline void fake_fill_forecasts(struct fake *fake)
{
    *fake_forecast(fake, 0) = (struct core_forecast_view){
        .lever = CORE_NONE, .node = 0, .votes = true, .expected_w = 23000, .peak_w = 24000, .upper_w = { 24500, 25000, 26000 },
        .coverage = { 0.91, 0.985, 0.999 }, .error_w = 310, .horizon_us = 5000000, .period_us = 2500000, .readings = 1200,
        .resets = 1,
    };
    *fake_forecast(fake, 1) = (struct core_forecast_view){
        .lever = 0, .node = 4, .expected_w = NAN, .peak_w = NAN, .upper_w = { NAN, NAN, NAN }, .coverage = { NAN, NAN, NAN },
        .error_w = NAN, .horizon_us = 10000000, .resets = 2,
    };
}

static inline void fake_fill_devices(struct fake *fake)
{
    struct device_state *psu = &fake->devices[1];

    for (int i = 0; i < FAKE_DEVICES; i++) {
        fake->known[i] = i < 2;
        *fake_device_view(fake, i) = (struct core_device_view){ .quality = i < 2 ? CORE_DEVICE_GOOD : CORE_DEVICE_UNREAD,
                                                                .age_us = i < 2 ? 120000 : 0 };
    }
    fake->devices[0] = (struct device_state){ .reading_count = 3, .reachable = true, .identified = true,
                                              .serial = "SN-0001", .model = "GB300", .firmware = "24.1",
                                              .transactions = 1000, .timeouts = 3 };
    fake->devices[0].readings[0] = (struct device_reading){ .value = 790.5, .taken_us = FAKE_NOW_US - 150000, .status = ST_OK };
    fake->devices[0].readings[1] = (struct device_reading){ .value = 0, .taken_us = FAKE_NOW_US - 9000000, .status = ST_TIMEOUT };
    fake->devices[0].readings[2] = (struct device_reading){ .value = 1.5e9, .taken_us = FAKE_NOW_US - 150000, .status = ST_OK };
    *psu = (struct device_state){ .reading_count = 4, .reachable = true, .identified = true, .serial = "a\xff\"\\b",
                                  .model = "HPR", .transactions = 50, .nacks = 1, .corrupt = 2, .refused = 4 };
    psu->readings[0] = (struct device_reading){ .value = 5490.25, .taken_us = FAKE_NOW_US - 20000, .status = ST_OK };
    psu->readings[1] = (struct device_reading){ .value = NAN, .taken_us = FAKE_NOW_US - 20000, .status = ST_OK };
    psu->readings[2] = (struct device_reading){ .value = 3, .taken_us = FAKE_NOW_US - 20000, .status = ST_OK };
    psu->readings[3] = (struct device_reading){ .value = 7, .taken_us = FAKE_NOW_US - 20000, .status = ST_OK };
}

static inline void fake_init(struct fake *fake)
{
    struct core_config config = { .node_count = FAKE_NODES, .lever_count = FAKE_LEVERS, .device_count = FAKE_DEVICES,
                                  .group_max = FAKE_GROUPS, .group_member_max = FAKE_NODES, .period_us = 10000,
                                  .bus = { .node = CORE_NONE }, .request_max = FAKE_CLIENTS };
    size_t size = core_outputs_size(&config);

    *fake = (struct fake){ .wanted = CORE_WANT_CONTROL };
    fake->out = calloc(1, size + FAKE_FORECASTS * sizeof(struct core_forecast_view));
    if (!fake->out)
        abort();
    core_outputs_init(fake->out, &config);
    fake->out->forecasts_at = size; /* the core makes room for what its configuration has */
    fake->out->forecast_count = FAKE_FORECASTS;
    fake_fill_forecasts(fake);
    fake->out->group_count = FAKE_GROUPS;
    fake->out->now_us = FAKE_NOW_US;
    fake->out->step = 12345;
    fake->out->mode = CORE_MODE_NORMAL;
    fake->out->reasons = UINT32_C(1) << CORE_REASON_OPERATOR;
    fake->out->armed = true;
    fake->out->ride = (struct core_ride_view){ .state = CORE_RIDE_READY, .since_us = FAKE_NOW_US - 7000000, .input_ratio = 0.98,
                                               .capable = true, .capable_w = 30500, .margin_s = 0.0053, .energy_j = 2.5e6,
                                               .reserve_j = 2.1e6, .wear_left_cycles = 0.75, .writes = 12 };
    fake_fill_tree(fake);
    fake_fill_levers(fake);
    fake_fill_devices(fake);
    fake->stats = (struct operator_stats){ .started_us = FAKE_NOW_US - 120000000, .now_us = FAKE_NOW_US, .period_us = 10000,
                                           .ticks = 12000, .ticks_missed = 2, .orders_written = 42, .orders_refused = 1,
                                           .orders_failed = 2, .records_dropped = 5, .events_dropped = 6,
                                           .realtime = true, .rss_bytes = 52428800 };
    for (int i = 1; i <= 1000; i++) {
        histogram_add(&fake->stats.tick_lateness, i / 10);
        histogram_add(&fake->stats.transaction[1], 2000 + i);
        histogram_add(&fake->stats.latency[0].total, 700000 + i);
    }
}

static inline void fake_done(struct fake *fake)
{
    free(fake->out);
    fake->out = NULL;
}

/* ---- what the operator part asks of a daemon ---- */

/* The core has room for 5 kW a client and answers at the `late`-th look. */
static inline void fake_answer(struct fake *fake)
{
    struct core_token_view *view = fake_token(fake, 0);
    const struct operator_wish *wish = &fake->wish;
    bool granted = wish->amount_w > 0.0 && wish->amount_w <= 5000.0;

    if (fake->version == 0 || fake->version == view->version || fake->silent || fake->late-- > 0)
        return;
    *view = (struct core_token_view){ .client = 77, .version = fake->version, .node = wish->node,
                                      .state = granted ? CORE_TOKEN_GRANTED
                                               : wish->amount_w > 0.0 ? CORE_TOKEN_REFUSED : CORE_TOKEN_RETURNED };
    if (granted) {
        view->granted_w = wish->amount_w;
        view->expires_us = FAKE_NOW_US + wish->duration_us;
    } else if (wish->amount_w > 0.0) {
        view->reason = CORE_TOKEN_REASON_POOL;
        view->alternative_w = 5000.0;
        view->retry_after_us = 250000;
    }
}

static inline enum status fake_call_token_check(void *arg, const struct operator_wish *wish)
{
    const struct fake *fake = arg;

    if (fake->refuse)
        return ST_BUSY;
    return wish->amount_w == 0.0 && strcmp(wish->client, fake->client) != 0 ? ST_NONE : ST_OK;
}

static inline enum status fake_call_token(void *arg, const struct operator_wish *wish, struct operator_token *ret)
{
    struct fake *fake = arg;
    enum status st = fake_call_token_check(arg, wish);

    if (st != ST_OK)
        return st;
    fake->wish = *wish;
    (void)snprintf(fake->client, sizeof fake->client, "%s", wish->client);
    *ret = (struct operator_token){ .client = 77, .version = ++fake->version };
    return ST_OK;
}

static inline const char *fake_call_client(void *arg, uint64_t client)
{
    return client == 77 ? ((struct fake *)arg)->client : NULL;
}

static inline const struct core_outputs *fake_call_outputs(void *arg)
{
    struct fake *fake = arg;

    fake_answer(fake);
    return fake->before_first_step ? NULL : fake->out;
}

static inline bool fake_call_device(void *arg, int32_t device, struct device_state *ret)
{
    struct fake *fake = arg;

    if (fake->known[device])
        *ret = fake->devices[device];
    return fake->known[device];
}

static inline void fake_call_stats(void *arg, struct operator_stats *ret)
{
    *ret = ((struct fake *)arg)->stats;
}

static inline enum status fake_call_set_mode(void *arg, enum core_mode_wanted mode, const char *who)
{
    struct fake *fake = arg;

    if (fake->refuse)
        return ST_REFUSED;
    fake->wanted = mode;
    (void)snprintf(fake->who, sizeof fake->who, "%s", who);
    return ST_OK;
}

static inline enum core_mode_wanted fake_call_mode_wanted(void *arg)
{
    return ((struct fake *)arg)->wanted;
}

static inline enum status fake_call_record(void *arg, int64_t last_us, void **ret, size_t *ret_size)
{
    struct fake *fake = arg;

    if (fake->refuse)
        return ST_NONE;
    fake->record_us = last_us;
    *ret = malloc(sizeof FAKE_RECORD);
    if (!*ret)
        return ST_NOMEM;
    memcpy(*ret, FAKE_RECORD, sizeof FAKE_RECORD);
    *ret_size = sizeof FAKE_RECORD;
    return ST_OK;
}

static inline enum status fake_call_reload(void *arg)
{
    struct fake *fake = arg;

    fake->reloads++;
    return fake->refuse ? ST_REFUSED : ST_OK;
}

static inline enum status fake_call_hold(void *arg, int32_t lever, double value, const char *who, const char **ret_why)
{
    struct fake *fake = arg;

    if (fake->refuse) {
        *ret_why = "not while it rains";
        return ST_REFUSED;
    }
    fake->held = lever;
    fake->held_value = value;
    (void)snprintf(fake->who, sizeof fake->who, "%s", who);
    return ST_OK;
}

static inline enum status fake_call_hint(void *arg, const struct core_hint *hint)
{
    struct fake *fake = arg;

    if (fake->refuse)
        return ST_REFUSED;
    fake->hint = *hint;
    fake->hints++;
    return fake->hints > 3 ? ST_BUSY : ST_OK;
}

static inline struct operator_calls fake_calls(struct fake *fake)
{
    return (struct operator_calls){ .arg = fake, .outputs = fake_call_outputs, .device = fake_call_device,
                                    .stats = fake_call_stats, .set_mode = fake_call_set_mode,
                                    .mode_wanted = fake_call_mode_wanted, .record = fake_call_record,
                                    .reload = fake_call_reload, .hold = fake_call_hold, .token = fake_call_token,
                                    .token_check = fake_call_token_check, .hint = fake_call_hint,
                                    .client = fake_call_client };
}

#endif
