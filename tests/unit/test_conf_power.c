/* SPDX-License-Identifier: Apache-2.0 */
/* test_conf_power.c: breakers, sources, riding through, damping and tokens: what is
 * read, what the hardware's presets fill in, what is made of it for the core.
 */
#include "busbar/conf.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TREE                                                                                                 \
    "rack: {name: r17}\n"                                                                                    \
    "tree:\n"                                                                                                \
    "  - {name: busbar, kind: busbar, parents: [{name: shelf-1, share: 0.6}, {name: shelf-2, share: 0.6}]}\n" \
    "  - {name: rack, kind: rack}\n"                                                                         \
    "  - {name: shelf-1, kind: shelf, parent: rack}\n"                                                       \
    "  - {name: shelf-2, kind: shelf, parent: rack}\n"

#define SOURCES                                                                                              \
    "busbar: {node: busbar, nominal_input_v: 240, capacitance_f: 0.5}\n"                                     \
    "sources:\n"                                                                                             \
    "  - {name: bbus, kind: bbu, hardware: hpr, node: busbar, modules: 12, energy_j: 400000}\n"              \
    "  - {name: psus-1, kind: psu, hardware: orv3, node: shelf-1, modules: 6}\n"                             \
    "  - {name: psus-2, kind: psu, hardware: hpr-v2, node: shelf-2, modules: 5, keeps_settings: true,\n"     \
    "     input_off_ms: 15.5}\n"

#define DEVICES                                                                                              \
    "profiles: [mine]\n"                                                                                     \
    "buses: [{name: a, kind: modbus-rtu, path: /dev/ttyS0, stuck_after_s: 30}]\n"                            \
    "devices:\n"                                                                                             \
    "  - name: psu\n    bus: a\n    address: 0x90\n    profile: hpr-psu\n    node: shelf-1\n"                \
    "    source: psus-1\n"                                                                                   \
    "    measures: [{signal: psu_input_w, node: shelf-1}]\n"                                                 \
    "    levers:\n      - {signal: psu_output_setpoint_v, use: hold, value: 50.5, ride: output}\n"           \
    "  - name: alone\n    bus: a\n    address: 0x91\n    profile: hpr-psu\n    node: shelf-1\n"              \
    "    levers:\n      - {signal: psu_output_setpoint_v, use: hold, value: 50.5}\n"                         \
    "  - name: next\n    bus: a\n    address: 0x92\n    profile: next-psu\n    node: shelf-2\n"              \
    "    source: psus-2\n"                                                                                   \
    "    levers:\n      - {signal: psu_start_delay_s, use: hold, value: 0, ride: start}\n"                   \
    "  - name: bbu\n    bus: a\n    address: 0x30\n    profile: hpr-bbu\n    node: busbar\n"                 \
    "    source: bbus\n"                                                                                     \
    "    levers:\n      - {signal: bbu_charge_limit_a, use: charge, timeout_s: 60, volts: 44, fallback: 5.7}\n"

/* A supply whose start delay can be written: no public book has one. */
static const char next_psu[] =
    "model: Next\nmatch: {register: 1, text: A}\nbaud: 115200\nparity: even\nrows:\n"
    "  - {address: 1, type: text, length: 2, signal: device_model, poll: once, source: s}\n"
    "  - {address: 3, type: u16, signal: psu_input_v, scale: 0.01, poll: fast, source: s}\n"
    "  - {address: 4, type: u16, signal: psu_start_delay_s, scale: 0.001, poll: slow, source: s,\n"
    "     write: {min: 0, max: 20}}\n";

static char folder[256];

static const char *in_folder(const char *name)
{
    static char path[512];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_folder(void **state)
{
    const char *top = getenv("TMPDIR");

    (void)state;
    (void)snprintf(folder, sizeof folder, "%.200s/test_conf_power.XXXXXX", top ? top : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    assert_int_equal(mkdir(in_folder("mine"), 0700), 0);
    put("mine/next-psu.yaml", next_psu);
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct conf *load(const char *text)
{
    struct conf_errors errors = { .count = 0 };
    struct conf *conf = NULL;
    enum status st;

    put("busbar.yaml", text);
    st = conf_load(in_folder("busbar.yaml"), &conf, &errors);
    conf_errors_print(&errors, stderr);
    conf_errors_done(&errors);
    assert_int_equal(st, ST_OK);
    assert_non_null(conf);
    return conf;
}

static int32_t node_of(const struct conf *conf, const char *name)
{
    for (int32_t n = 0; n < conf->node_count; n++)
        if (strcmp(conf->nodes[n].name, name) == 0)
            return n;
    fail_msg("no node %s", name);
    return CORE_NONE;
}

/* The core's point of a device's signal; CORE_NONE: it is only shown. */
static int32_t point_of(const struct conf *conf, const char *name, enum signal signal)
{
    for (int32_t d = 0; d < conf->device_count; d++)
        for (int32_t r = 0; strcmp(conf->devices[d].name, name) == 0 && r < conf->devices[d].reading_count; r++)
            if (conf->devices[d].readings[r].signal == signal)
                return conf->devices[d].readings[r].point;
    fail_msg("%s does not read %s", name, signal_name(signal));
    return CORE_NONE;
}

static const struct core_config_lever *lever_of(const struct conf *conf, const char *name)
{
    for (int32_t d = 0; d < conf->device_count; d++)
        for (int32_t l = 0; l < conf->devices[d].lever_count; l++)
            if (strcmp(conf->devices[d].levers[l].name, name) == 0)
                return &conf->core.levers[conf->devices[d].levers[l].lever];
    fail_msg("no lever %s", name);
    return NULL;
}

/* The core's own checks stop the process on what it cannot work with. */
static void core_takes(const struct conf *conf)
{
    struct core *core = aligned_alloc(64, (core_size(&conf->core) + 63) / 64 * 64);
    struct core_outputs *out = aligned_alloc(64, (core_outputs_size(&conf->core) + 63) / 64 * 64);
    struct core_inputs in = { .plan = conf->plan };

    assert_non_null(core);
    assert_non_null(out);
    core_init(core, &conf->core);
    core_outputs_init(out, &conf->core);
    for (int i = 1; i <= 3; i++) {
        in.now_us = i * conf->period_us;
        core_step(core, &in, out);
    }
    assert_int_equal(out->token_count, conf->core.request_max);
    free(core);
    free(out);
}

static void without_any_of_it_all_is_off(void **state)
{
    (void)state;

    struct conf *conf = load(TREE);
    const struct core_plan *plan = conf->plan;

    assert_false(plan->ride.enabled);
    assert_false(plan->protection.enabled);
    assert_int_equal(conf->core.bus.node, CORE_NONE);
    assert_int_equal(conf->core.source_count, 0);
    assert_int_equal(plan->tokens.zone_count, 0);
    assert_int_equal(conf->core.request_max, 64);
    assert_true(plan->ride.sag_ratio == 0.90 && plan->ride.support_ratio == 0.75);
    assert_int_equal(plan->ride.support_after_us, 100000);
    assert_true(plan->ride.reserve_s == 90.0 && plan->ride.wear_cycles_per_day == 1.0);
    assert_int_equal(plan->ride.start_count, 3);
    assert_int_equal(plan->ride.start[1].outage_us, 10000000);
    assert_int_equal(plan->ride.start[1].window_us, 1200000);
    assert_true(plan->tokens.risk_ratio == 0.7 && plan->protection.deadline_ratio == 0.7);
    assert_int_equal(plan->protection.release_us, 10000000);
    assert_int_equal(plan->damping.turns_max, 3);
    assert_true(plan->damping.band_low_hz == 0.1 && plan->damping.band_high_hz == 5.0);
    for (int32_t n = 0; n < conf->node_count; n++)
        assert_int_equal(conf->core.nodes[n].curve.kind, CORE_CURVE_NONE);
    core_takes(conf);
    conf_free(conf);
}

static void hardware_fills_in_what_the_file_does_not_say(void **state)
{
    (void)state;

    struct conf *conf = load(TREE SOURCES);
    const struct core_config_source *bbus = &conf->core.sources[0], *orv3 = &conf->core.sources[1],
                                    *v2 = &conf->core.sources[2];

    assert_int_equal(conf->core.source_count, 3);
    assert_string_equal(conf->sources[1].name, "psus-1");
    assert_int_equal(conf->core.bus.node, node_of(conf, "busbar"));
    assert_true(conf->core.bus.nominal_input_v == 240 && conf->core.bus.capacitance_f == 0.5);
    assert_true(conf->core.bus.resistance_ohm == 0.0005 && conf->core.bus.low_v == 46 && conf->core.bus.high_v == 52);
    assert_int_equal(bbus->kind, CORE_SOURCE_BBU);
    assert_int_equal(bbus->node, node_of(conf, "busbar"));
    assert_int_equal(bbus->module_count, 12);
    assert_true(bbus->rated_w == 5500 && bbus->energy_j == 400000 && bbus->trigger_v == 48.5 && bbus->holdup_j == 0.0);
    assert_int_equal(bbus->trigger_us, 2000);
    assert_int_equal(orv3->kind, CORE_SOURCE_PSU);
    assert_int_equal(orv3->node, node_of(conf, "shelf-1"));
    assert_true(orv3->rated_w == 3000 && orv3->output_v == 51 && orv3->holdup_j == 60 && orv3->energy_j == 0.0);
    assert_true(orv3->handover_step_v == 3 && orv3->handover_v_per_s == 3000 && !orv3->keeps_settings);
    assert_int_equal(orv3->input_off_us, 20000);
    assert_true(v2->rated_w == 12000 && v2->handover_step_v == 0.0 && v2->keeps_settings);
    assert_int_equal(v2->input_off_us, 15500);
    core_takes(conf);
    conf_free(conf);
}

static void readings_of_a_source_reach_the_core_only_where_the_rack_rides(void **state)
{
    (void)state;

    struct conf *off = load(TREE SOURCES DEVICES);
    struct conf *on = load(TREE SOURCES DEVICES "ride_through: {enabled: true}\n");
    const struct core_config_point *points = on->core.points;

    assert_int_equal(point_of(off, "psu", SIGNAL_PSU_INPUT_V), CORE_NONE);
    assert_int_equal(off->core.points[point_of(off, "psu", SIGNAL_PSU_INPUT_W)].source, CORE_NONE);
    assert_int_equal(off->core.points[point_of(off, "psu", SIGNAL_PSU_INPUT_W)].stuck_after_us, 30000000);
    assert_int_equal(points[point_of(on, "psu", SIGNAL_PSU_INPUT_V)].source, 1);
    assert_int_equal(points[point_of(on, "psu", SIGNAL_PSU_INPUT_V)].stuck_after_us, 0);
    assert_int_equal(points[point_of(on, "psu", SIGNAL_PSU_OUTPUT_W)].source, 1);
    assert_int_equal(points[point_of(on, "psu", SIGNAL_PSU_INPUT_W)].node, node_of(on, "shelf-1"));
    assert_int_equal(points[point_of(on, "psu", SIGNAL_PSU_INPUT_W)].stuck_after_us, 30000000); /* a measurement still */
    assert_int_equal(points[point_of(on, "psu", SIGNAL_PSU_OUTPUT_SETPOINT_V)].source, CORE_NONE);
    assert_int_equal(point_of(on, "psu", SIGNAL_PSU_OUTPUT_A), CORE_NONE);
    assert_int_equal(point_of(on, "alone", SIGNAL_PSU_INPUT_V), CORE_NONE);
    assert_int_equal(points[point_of(on, "next", SIGNAL_PSU_INPUT_V)].source, 2);
    assert_int_equal(points[point_of(on, "bbu", SIGNAL_BBU_PACK_A)].source, 0);
    assert_int_equal(points[point_of(on, "bbu", SIGNAL_BBU_SOC_RATIO)].source, 0);
    assert_int_equal(points[point_of(on, "bbu", SIGNAL_BBU_SOC_RATIO)].stale_after_us, 7000000); /* a slow row */
    assert_int_equal(points[point_of(on, "bbu", SIGNAL_BBU_BUS_V)].source, 0);
    assert_true(on->plan->ride.enabled);
    core_takes(on);
    conf_free(on);
    conf_free(off);
}

static void levers_that_ride_name_their_supply(void **state)
{
    (void)state;

    struct conf *conf = load(TREE SOURCES DEVICES "ride_through: {enabled: true}\n");

    assert_int_equal(lever_of(conf, "psu.psu_output_setpoint_v")->ride, CORE_LEVER_RIDE_OUTPUT_V);
    assert_int_equal(lever_of(conf, "psu.psu_output_setpoint_v")->source, 1);
    assert_int_equal(lever_of(conf, "next.psu_start_delay_s")->ride, CORE_LEVER_RIDE_START_S);
    assert_int_equal(lever_of(conf, "next.psu_start_delay_s")->source, 2);
    assert_int_equal(lever_of(conf, "alone.psu_output_setpoint_v")->ride, CORE_LEVER_RIDE_NONE);
    assert_int_equal(lever_of(conf, "alone.psu_output_setpoint_v")->source, CORE_NONE);
    assert_int_equal(lever_of(conf, "bbu.bbu_charge_limit_a")->source, CORE_NONE);
    conf_free(conf);
}

static void a_breaker_switches_protection_on_unless_told_otherwise(void **state)
{
    static const char tree[] = "rack: {name: r}\ntree:\n"
                               "  - {name: rack, kind: rack, breaker: {kind: lsi, rated_w: 30000, long_s: 8, short_ratio: 4,\n"
                               "     short_s: 0.2, short_i2t: true, instant_ratio: 10}}\n"
                               "  - {name: feed, kind: feed, breaker: {kind: thermal, rated_w: 40000, heat_s: 150}}\n";
    char text[1024];

    (void)state;

    struct conf *conf = load(tree);
    const struct core_config_curve *lsi = &conf->core.nodes[node_of(conf, "rack")].curve;
    const struct core_config_curve *thermal = &conf->core.nodes[node_of(conf, "feed")].curve;

    assert_int_equal(lsi->kind, CORE_CURVE_LSI);
    assert_true(lsi->rated_w == 30000 && lsi->trip_ratio == 1.05 && lsi->long_s == 8 && lsi->short_i2t);
    assert_true(lsi->heat_s == 600 && lsi->cool_s == 600 && lsi->instant_margin_ratio == 0.85);
    assert_int_equal(thermal->kind, CORE_CURVE_THERMAL);
    assert_true(thermal->heat_s == 150 && thermal->cool_s == 150 && thermal->short_ratio == 0.0 &&
                thermal->long_s == 0.0);
    assert_true(conf->plan->protection.enabled);
    core_takes(conf);
    conf_free(conf);
    (void)snprintf(text, sizeof text, "%sprotection: {enabled: false, release_ms: 2500}\n", tree);
    conf = load(text);
    assert_false(conf->plan->protection.enabled);
    assert_int_equal(conf->plan->protection.release_us, 2500000);
    conf_free(conf);
}

static void racks_of_one_row_start_at_different_times(void **state)
{
    char text[512];
    double phase[16];
    int near = 0;

    (void)state;
    for (int i = 0; i < 16; i++) {
        (void)snprintf(text, sizeof text, "rack: {name: row-7-rack-%02d}\ntree: [{name: rack, kind: rack}]\n", i + 1);

        struct conf *conf = load(text);

        phase[i] = conf->plan->ride.phase_ratio;
        assert_true(phase[i] >= 0.0 && phase[i] < 1.0);
        conf_free(conf);
    }
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < i; k++) {
            double apart = phase[i] > phase[k] ? phase[i] - phase[k] : phase[k] - phase[i];

            assert_true(apart > 0.0);
            near += apart < 0.02;
        }
    assert_true(near <= 12); /* of 120 pairs; 5 by chance */

    struct conf *conf = load("rack: {name: r}\ntree: [{name: rack, kind: rack}]\n"
                             "ride_through: {phase_ratio: 0.25, start: [{outage_ms: 700, window_ms: 0}]}\n");

    assert_true(conf->plan->ride.phase_ratio == 0.25);
    assert_int_equal(conf->plan->ride.start_count, 1);
    assert_int_equal(conf->plan->ride.start[0].outage_us, 700000);
    conf_free(conf);
}

static void zones_have_their_nodes_and_presets(void **state)
{
    (void)state;

    struct conf *conf = load(TREE "tokens:\n  risk_ratio: 0.5\n  clients_max: 3\n  zones:\n"
                                  "    - {node: shelf-2, rated_w: 20000}\n"
                                  "    - {node: rack, rated_w: 40000, pool_ratio: 0.7, burst_ratio: 0.75, unit_w: 500,\n"
                                  "       refill_w_per_s: 25, lease_min_ms: 50, lease_max_ms: 200, coordination_ms: 20}\n"
                                  "damping: {turns_max: 5, window_ms: 20000, band_ratio: 0.05}\n");
    const struct core_plan_tokens *tokens = &conf->plan->tokens;

    assert_int_equal(conf->core.request_max, 3);
    assert_true(tokens->risk_ratio == 0.5);
    assert_int_equal(tokens->zone_count, 2);
    assert_int_equal(tokens->zone[0].node, node_of(conf, "shelf-2"));
    assert_true(tokens->zone[0].pool_ratio == 0.8 && tokens->zone[0].burst_ratio == 0.85);
    assert_true(tokens->zone[0].refill_w_per_s == 200 && tokens->zone[0].unit_w == 100);
    assert_int_equal(tokens->zone[0].lease_max_us, INT64_C(3600000000));
    assert_int_equal(tokens->zone[1].node, node_of(conf, "rack"));
    assert_int_equal(tokens->zone[1].lease_min_us, 50000);
    assert_int_equal(tokens->zone[1].coordination_us, 20000);
    assert_true(tokens->zone[1].refill_w_per_s == 25);
    assert_int_equal(conf->plan->damping.turns_max, 5);
    assert_int_equal(conf->plan->damping.window_us, 20000000);
    assert_true(conf->plan->damping.band_ratio == 0.05);
    core_takes(conf);
    conf_free(conf);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(without_any_of_it_all_is_off),
        TEST(hardware_fills_in_what_the_file_does_not_say),
        TEST(readings_of_a_source_reach_the_core_only_where_the_rack_rides),
        TEST(levers_that_ride_name_their_supply),
        TEST(a_breaker_switches_protection_on_unless_told_otherwise),
        TEST(racks_of_one_row_start_at_different_times),
        TEST(zones_have_their_nodes_and_presets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
