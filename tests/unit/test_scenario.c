/* SPDX-License-Identifier: Apache-2.0 */
/* test_scenario.c: scenario files are read, refused and listed as docs/scenarios.md says;
 * runs repeat; what is measured is what a made-up plant did. */
#include "sim_rig.h"

#include <math.h>

#include <json-c/json.h>

#include "sim/scenario.h"
#include "sim/scenario_measure.h"
#include "sim/scenario_parts.h"

#define MINIMAL "scenario: {name: mine, about: a test}\n"

static struct scenario scenario;
static char error[SCENARIO_ERROR_MAX];

static enum status load_text(const char *text, const char *const *set, int set_count)
{
    char *path = sim_file(text), *named = NULL;
    enum status st;

    assert_true(asprintf(&named, "%s.yaml", path) > 0);
    assert_int_equal(rename(path, named), 0);
    st = scenario_load(named, set, set_count, &scenario, error);
    assert_int_equal(unlink(named), 0);
    free(named);
    free(path);
    return st;
}

static void refused(const char *text, const char *with)
{
    if (load_text(text, NULL, 0) == ST_OK)
        fail_msg("was taken: %s", text);
    if (!strstr(error, with))
        fail_msg("\"%s\" does not say \"%s\"", error, with);
}

static enum status load_set(const char *name, const char *set)
{
    return scenario_load(name, &set, 1, &scenario, error);
}

/* ---- the loader ---- */

static void a_short_file_gets_every_default(void **state)
{
    (void)state;
    assert_int_equal(load_text(MINIMAL, NULL, 0), ST_OK);
    assert_string_equal(scenario.name, "mine");
    assert_string_equal(scenario.rack.name, "hpr");
    SIM_NEAR(scenario.rack.nominal_v, 240.0, 1e-9);
    SIM_NEAR(scenario.params.nominal_v, 240.0, 1e-9);
    assert_int_equal(scenario.params.start, PLANT_START_STOCK);
    assert_int_equal(scenario.controller, VIRTUAL_BUSBAR);
    assert_int_equal(scenario.period_us, 10000);
    assert_int_equal(scenario.load.kind, LOAD_SQUARE);
    assert_int_equal(scenario.deadline_count, 4);
    assert_true(isnan(scenario.begins_s));
    for (int k = 0; k < CHECKS_COUNT; k++)
        assert_true(scenario.check[k]);
}

static void the_default_load_is_four_fifths_of_the_envelope(void **state)
{
    (void)state;
    assert_int_equal(load_text(MINIMAL "load: {kind: constant}\n", NULL, 0), ST_OK);
    const struct rack *r = &scenario.rack;
    double gpu_w = r->gpu_idle_w + scenario.load.high_ratio * (r->gpu_rated_w - r->gpu_idle_w);
    double dc_w = r->switches_w + r->node_count * (r->node_static_w + r->node_gpus * gpu_w);

    SIM_NEAR(dc_w / r->psu_efficiency_ratio, 0.80 * r->envelope_w, 1.0);
    /* A square load has the same mean. */
    double mean = scenario.load.high_ratio;

    assert_int_equal(load_text(MINIMAL, NULL, 0), ST_OK);
    SIM_NEAR(scenario.load.duty_ratio * scenario.load.high_ratio +
                 (1.0 - scenario.load.duty_ratio) * scenario.load.low_ratio,
             mean, 1e-9);
}

static void every_key_is_read(void **state)
{
    static const char text[] =
        "scenario: {name: all, about: every key, source: nobody}\n"
        "rack: orv3\n"
        "seconds: 42\n"
        "grid:\n"
        "  voltage: [[0, 1], [2, 0.5], [2.5, 1, 0.9, 0.8], [3, 1]]\n"
        "  phases: abc\n"
        "  wye: false\n"
        "  frequency: [[0, 60], [9, 59]]\n"
        "load: {kind: step, high_ratio: 0.9, low_ratio: 0.1, at_s: 4, until_s: 6, skew_s: 0.2, period_s: 2,\n"
        "       duty_ratio: 0.4, rate_hz: 3}\n"
        "faults:\n"
        "  - {what: dead, device: line-1, at_s: 1, for_s: 2}\n"
        "  - {what: loss, at_s: 3, value: 0.5}\n"
        "controller: {period_ms: 20}\n"
        "set: {start: short-boot, baud: 115200, psu_holdup_j: 45}\n"
        "must:\n"
        "  checks: [limits, wear]\n"
        "  no_write: true\n"
        "  stay_connected: true\n"
        "  overshoot_ratio: 1.2\n"
        "  current_within_s: 0.7\n"
        "  current_within_slow_s: 1.5\n"
        "  ramp_ratio_per_s: 0.7\n"
        "  carry_ratio: 0.5\n"
        "deadlines: [{start: short-boot, under_s: 1, within_s: 3}]\n"
        "disconnect_legal: true\n";

    (void)state;
    if (load_text(text, NULL, 0) != ST_OK)
        fail_msg("%s", error);
    assert_string_equal(scenario.source, "nobody");
    assert_string_equal(scenario.rack.name, "orv3");
    SIM_NEAR(scenario.seconds, 42.0, 1e-9);
    assert_int_equal(scenario.grid.point_count, 4);
    SIM_NEAR(scenario.grid.point[2].ratio[2], 0.8, 1e-9);
    SIM_NEAR(scenario.begins_s, 2.0, 1e-9);
    SIM_NEAR(scenario.ends_s, 3.0, 1e-9);
    assert_int_equal(scenario.load.kind, LOAD_STEP);
    SIM_NEAR(scenario.load.high_ratio, 0.9, 1e-9);
    SIM_NEAR(scenario.load.low_ratio, 0.1, 1e-9);
    assert_int_equal(scenario.fault_count, 2);
    assert_string_equal(scenario.fault[0].device, "line-1");
    assert_true(isnan(scenario.fault[0].value));
    SIM_NEAR(scenario.fault[1].value, 0.5, 1e-9);
    assert_int_equal(scenario.period_us, 20000);
    assert_int_equal(scenario.params.start, PLANT_START_SHORT_BOOT);
    SIM_NEAR(scenario.params.psu_holdup_j, 45.0, 1e-9);
    SIM_NEAR(scenario.books.psu_holdup_j, 60.0, 1e-9); /* the core is told what the kind promises */
    SIM_NEAR(scenario.current_within_s, 0.7, 1e-9);
    assert_true(scenario.check[CHECKS_LIMITS] && scenario.check[CHECKS_WEAR] &&
                scenario.check[CHECKS_IT_KEPT]);
    assert_true(scenario.check[CHECKS_BUS_LOW] && scenario.check[CHECKS_BUS_HIGH]);
    assert_false(scenario.check[CHECKS_RESERVE]);
    assert_true(scenario.no_write && scenario.stay_connected && scenario.disconnect_legal);
    assert_int_equal(scenario.deadline_count, 1);
    SIM_NEAR(scenario.deadline[0].within_s, 3.0, 1e-9);
    SIM_NEAR(scenario.ramp_ratio_per_s, 0.7, 1e-9);
}

static void slow_lines_have_longer_for_the_current(void **state)
{
    (void)state;
    assert_int_equal(load_set("sag-support", "baud=115200"), ST_OK);
    SIM_NEAR(scenario.current_within_s, 0.7, 1e-9);
    assert_int_equal(load_set("sag-support", "baud=19200"), ST_OK);
    SIM_NEAR(scenario.current_within_s, 1.5, 1e-9);
    SIM_NEAR(scenario.baud, 19200.0, 1e-9);
}

static void what_is_wrong_is_said_with_line_and_column(void **state)
{
    (void)state;
    refused(MINIMAL "secnds: 3\n", ".yaml:2:1: secnds: there is no such key");
    refused(MINIMAL "seconds: soon\n", ".yaml:2:10: seconds: \"soon\" is not a number, allowed 0.1 to 86400");
    refused(MINIMAL "seconds: -1\n", "allowed 0.1 to 86400");
    refused(MINIMAL "seconds: 1\nseconds: 2\n", ":3:1: seconds: given twice");
    refused("scenario: {name: mine}\n", "scenario.about: is missing");
    refused(MINIMAL "rack: none-such\n", ":2:7: rack: there is no \"none-such\"");
    refused(MINIMAL "grid: {voltage: [[0, 1], [0, 0.5]]}\n", "grid.voltage: times must rise");
    refused(MINIMAL "grid: {voltage: [[0, 3]]}\n", "pu allowed 0 to 2");
    refused(MINIMAL "grid: {voltage: [[0]]}\n", "a row needs 2 numbers");
    refused(MINIMAL "grid: {voltage: 5}\n", "a list is needed");
    refused(MINIMAL "grid: {phases: b}\n", "\"b\" is not known, allowed abc, a, ab");
    refused(MINIMAL "grid: {wye: maybe}\n", "allowed true or false");
    refused(MINIMAL "grid: {frequency: [[0, 100]]}\n", "100 Hz is not allowed, allowed 40 to 70");
    refused(MINIMAL "load: {kind: trace}\n", "allowed constant, square, inference, step");
    refused(MINIMAL "load: {kind: step}\n", "a step needs at_s before until_s");
    refused(MINIMAL "faults: [{what: gremlin, at_s: 1}]\n", "\"gremlin\" is not known, allowed psu_fail");
    refused(MINIMAL "faults: [{what: crash}]\n", "faults: at_s is missing");
    refused(MINIMAL "faults: [{what: crash, at_s: 1, when: 2}]\n", "faults.when: there is no such key");
    refused(MINIMAL "must: {checks: [luck]}\n", "\"luck\" is not known, allowed limits");
    refused(MINIMAL "must: {no_write: 1}\n", "must.no_write: \"1\" is not allowed");
    refused(MINIMAL "deadlines: [{start: warm, under_s: 1, within_s: 1}]\n",
            "allowed stock, short-boot, kept-alive");
    refused(MINIMAL "set: {psu_holdup_j: 1}\n",
            ".yaml:2:21: psu_holdup_j: \"1\" is not allowed, allowed 20 to 400");
    refused(MINIMAL "set: {start: warm}\n", "start: allowed stock, short-boot, kept-alive");
    refused("scenario: [\n", "not YAML");
    refused("", "the file is empty");
}

static void all_errors_of_a_file_come_in_one_run(void **state)
{
    int lines = 1;

    (void)state;
    refused(MINIMAL "seconds: x\nrack: [1]\ngrid: {phases: q}\nmust: {no_write: 2}\n", ":2:10: seconds");
    for (const char *c = error; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 4);
    /* More than there is room for are counted. */
    refused(MINIMAL
            "a: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\ng: 1\nh: 1\ni: 1\nj: 1\nk: 1\nl: 1\nm: 1\nn: 1\no: 1\n",
            "more");
    assert_true(strlen(error) < SCENARIO_ERROR_MAX);
}

static void settings_of_the_command_line_come_last(void **state)
{
    static const char *const both[] = { "nominal_v=230", "start=kept-alive", "seconds=3", "nominal_v=208" };

    (void)state;
    assert_int_equal(load_text(MINIMAL "set: {nominal_v: 277, period_ms: 5}\n", both, 4), ST_OK);
    SIM_NEAR(scenario.rack.nominal_v, 208.0, 1e-9);
    SIM_NEAR(scenario.books.nominal_v, 208.0, 1e-9);
    assert_int_equal(scenario.params.start, PLANT_START_KEPT_ALIVE);
    SIM_NEAR(scenario.seconds, 3.0, 1e-9);
    assert_int_equal(scenario.period_us, 5000);
}

static void a_wrong_setting_is_one_line_that_says_what_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(load_set("e-1", "nominal=230"), ST_RANGE);
    assert_non_null(strstr(error, "is \"nominal_v\" meant"));
    assert_null(strchr(error, '\n'));
    assert_int_equal(load_set("e-1", "nominal_v=12"), ST_RANGE);
    assert_non_null(strstr(error, "--set: nominal_v: \"12\" is not allowed, allowed 180 to 305"));
    assert_int_equal(load_set("e-1", "nominal_v"), ST_RANGE);
    assert_non_null(strstr(error, "KEY=VALUE is needed"));
    assert_int_equal(load_set("e-1", "start=slow"), ST_RANGE);
    assert_non_null(strstr(error, "allowed stock, short-boot, kept-alive"));
    assert_int_equal(load_set("e-1", "rack=nothing"), ST_RANGE);
    assert_non_null(strstr(error, "--set: rack: there is no \"nothing\""));
}

static void an_unknown_scenario_is_absent_and_a_near_name_is_said(void **state)
{
    (void)state;
    assert_int_equal(scenario_load("voltage-sga", NULL, 0, &scenario, error), ST_ABSENT);
    assert_non_null(strstr(error, "is \"voltage-sag\" meant"));
    assert_int_equal(scenario_load("../racks/hpr", NULL, 0, &scenario, error), ST_ABSENT);
    assert_int_equal(scenario_load("/nowhere/at.yaml", NULL, 0, &scenario, error), ST_SYS);
    assert_non_null(strstr(error, "/nowhere/at.yaml: No such file"));
}

/* ---- the files that come with it ---- */

static bool listed(const struct scenario_listed *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return true;
    return false;
}

static void every_listed_scenario_loads_under_its_name(void **state)
{
    static const char *const promised[] = {
        "e-1",
        "e-2",
        "e-3",
        "e-4",
        "e-5",
        "e-6",
        "e-7",
        "e-8",
        "e-9",
        "e-10",
        "e-11",
        "f-1",
        "f-2",
        "gap-1",
        "gap-2",
        "gap-3",
        "gap-4",
        "gap-5",
        "voltage-sag",
        "voltage-interruption",
        "handback-common-bus",
        "sag-support",
    };
    struct scenario_listed *list = NULL;
    size_t count = 0;

    (void)state;
    assert_int_equal(scenario_list(&list, &count), ST_OK);
    for (size_t i = 0; i < sizeof promised / sizeof promised[0]; i++)
        if (!listed(list, count, promised[i]))
            fail_msg("%s is not listed", promised[i]);
    for (size_t i = 0; i < count; i++) {
        if (scenario_load(list[i].name, NULL, 0, &scenario, error) != ST_OK)
            fail_msg("%s: %s", list[i].name, error);
        assert_string_equal(scenario.name, list[i].name);
        assert_true(strlen(scenario.about) > 10 && strlen(scenario.source) > 5);
        assert_true(i == 0 || strverscmp(list[i - 1].name, list[i].name) < 0);
        if (strncmp(list[i].name, "recorded-", 9) == 0 || strcmp(list[i].name, "steady") == 0 ||
            strcmp(list[i].name, "forecast-value") == 0)
            continue; /* cut from a recording; without an event */
        assert_true(isfinite(scenario.begins_s) && scenario.begins_s >= 1.0);
        assert_true(scenario.ends_s > scenario.begins_s && scenario.ends_s < scenario.seconds);
    }
    free(list);
}

static void the_vectors_are_those_of_the_grid_codes(void **state)
{
    (void)state;
    assert_int_equal(scenario_load("e-6", NULL, 0, &scenario, error), ST_OK);
    static const double want[6][2] = { { 0, 1 },       { 1, 0 },      { 1.15, 0.45 },
                                       { 1.25, 0.75 }, { 1.5, 0.85 }, { 3, 0.95 } };

    assert_int_equal(scenario.grid.point_count, 6);
    for (int i = 0; i < 6; i++) {
        SIM_NEAR(scenario.grid.point[i].t_s, want[i][0], 1e-9);
        SIM_NEAR(scenario.grid.point[i].ratio[0], want[i][1], 1e-9);
    }
    assert_int_equal(scenario_load("gap-5", NULL, 0, &scenario, error), ST_OK);
    SIM_NEAR(scenario.rack.nominal_v, 277.0, 1e-9);
    assert_int_equal(scenario_load("e-8", NULL, 0, &scenario, error), ST_OK);
    assert_true(scenario.disconnect_legal);
    SIM_NEAR(scenario.ends_s - scenario.begins_s, 0.317, 1e-9);
    assert_int_equal(scenario_load("f-1", NULL, 0, &scenario, error), ST_OK);
    assert_true(scenario.stay_connected);
    SIM_NEAR(scenario.ends_s - scenario.begins_s, 299.96, 0.5);
}

/* ---- recorded sags ---- */

static void half_cycles_of_a_sine_give_its_rms(void **state)
{
    enum { N = 5000 };
    static double t_s[N], v[3][N];
    struct scenario_wave wave = { .count = N, .t_s = t_s, .v = { v[0], v[1], v[2] } };
    struct plant_grid_point point[64];

    (void)state;
    for (int i = 0; i < N; i++) {
        t_s[i] = i / 5000.0 + 0.003;
        for (int k = 0; k < 3; k++)
            v[k][i] = (t_s[i] >= 0.203 && t_s[i] < 0.303 && k == 1 ? 0.4 : 1.0) *
                      sin(2.0 * M_PI * 50.0 * t_s[i] + k);
    }
    int32_t count = scenario_recorded_points(&wave, 50.0, 1.0, point, 64);

    /* 1 pu; the dip 0.2 s later; its end 0.1 s after. */
    assert_true(count >= 3 && count <= 5);
    SIM_NEAR(point[0].ratio[1], 1.0, 0.002);
    SIM_NEAR(point[0].t_s, 1.0, 1e-9);
    for (int i = 0; i < count; i++) {
        SIM_NEAR(point[i].ratio[0], 1.0, 0.002);
        if (point[i].t_s > 1.215 && point[i].t_s < 1.285)
            SIM_NEAR(point[i].ratio[1], 0.4, 0.002);
    }
    SIM_NEAR(point[count - 1].ratio[1], 1.0, 0.002);
    SIM_NEAR(point[count - 1].t_s, 1.3, 0.011);
}

static void an_earth_fault_is_no_sag_behind_a_transformer(void **state)
{
    char path[1024];
    double low = 2.0;

    (void)state;
    if (!sim_data("traces/ac_sags/sag_a_1phase_2400hz.csv.gz", path, sizeof path)) {
        print_message("skip: %s is absent\n", path);
        skip();
    }
    assert_int_equal(scenario_load("recorded-sag-c", NULL, 0, &scenario, error), ST_OK);
    for (int32_t i = 0; i < scenario.grid.point_count; i++)
        for (int k = 0; k < 3; k++)
            low = fmin(low, scenario.grid.point[i].ratio[k]);
    SIM_NEAR(low, 0.81, 0.05); /* published with the record: phase to phase 0.813 */
    /* Its phase-to-neutral voltage falls to 0.59, its phase-to-phase ones stay. */
    assert_int_equal(scenario_load("recorded-sag-a", NULL, 0, &scenario, error), ST_OK);
    for (int32_t i = 0; i < scenario.grid.point_count; i++)
        for (int k = 0; k < 3; k++)
            SIM_NEAR(scenario.grid.point[i].ratio[k], 1.0, 0.03);
    assert_true(isnan(scenario.begins_s));
    assert_int_equal(scenario_load("recorded-sag_b_lossofsupply_600hz", NULL, 0, &scenario, error), ST_OK);
    assert_string_equal(scenario.name, "recorded-sag-b");
    SIM_NEAR(scenario.ends_s - scenario.begins_s, 3.05, 0.4);
}

/* ---- measuring: a plant that does what the test says ---- */

static struct plant *plant;
static struct scenario_measure measure;

static void measure_begin(void)
{
    plant = sim_plant("hpr", 1);
    memset(&scenario, 0, sizeof scenario);
    scenario.params.frequency_hz = 60.0;
    scenario.params.psu_efficiency_ratio = 0.96;
    plant->hz = 60.0;
    plant->nominal_v = 240.0;
    for (int k = 0; k < 3; k++) {
        plant->phase_v[k] = 240.0;
        plant->phase_w[k] = 30000.0;
    }
    plant->ac_w = 90000.0;
    plant->psu_w = 86000.0;
    plant->bbu_w = 0.0;
    assert_int_equal(
        scenario_measure_init(&measure, &scenario, plant, (struct plant_watch){ .arg = NULL }, false), ST_OK);
}

static void measure_end(void)
{
    scenario_measure_done(&measure);
    free(plant);
    plant = NULL;
}

/* ms of a grid at `ratio` with so much AC and battery power, in steps of 1 ms. */
static void measure_ms(int ms, double ratio, double ac_w, double bbu_w)
{
    struct plant_watch watch = scenario_measure_watch(&measure);

    for (int i = 0; i < ms; i++) {
        for (int k = 0; k < 3; k++) {
            plant->phase_v[k] = 240.0 * ratio;
            plant->phase_w[k] = ac_w / 3.0;
        }
        plant->ac_w = ac_w;
        plant->bbu_w = bbu_w;
        plant->psu_w = 86000.0 - bbu_w;
        plant->now_us += 1000;
        watch.step(watch.arg, plant, 1000);
    }
}

static void recovery_runs_from_090_pu_until_power_stays_back(void **state)
{
    (void)state;
    measure_begin();
    measure_ms(1500, 1.0, 90000.0, 0.0);
    measure_ms(150, 0.0, 0.0, 86000.0);
    measure_ms(50, 0.89, 0.0, 86000.0); /* the event goes on under 0.90 */
    measure_ms(400, 0.95, 0.0, 86000.0);
    measure_ms(100, 0.95, 85000.0, 5000.0); /* over 90 %, but not for good */
    measure_ms(100, 0.95, 40000.0, 46000.0);
    measure_ms(500, 0.95, 90000.0, 0.0);
    scenario_measure_end(&measure);
    assert_int_equal(measure.event_count, 1);
    SIM_NEAR(measure.base_w, 90000.0, 1.0);
    SIM_NEAR(measure.event[0].begins_s, 1.5, 1e-6);
    SIM_NEAR(measure.event[0].ends_s, 1.7, 1e-6);
    SIM_NEAR(measure.event[0].lowest_ratio, 0.0, 1e-9);
    /* 0.6 s, and until the mean over 20 ms is there too. */
    SIM_NEAR(scenario_measure_recovery_s(&measure.event[0]), 0.617, 0.003);
    measure_end();
}

static void power_that_is_not_back_never_recovers(void **state)
{
    (void)state;
    measure_begin();
    measure_ms(1200, 1.0, 90000.0, 0.0);
    measure_ms(100, 0.5, 0.0, 86000.0);
    measure_ms(500, 1.0, 70000.0, 16000.0);
    scenario_measure_end(&measure);
    assert_true(isinf(scenario_measure_recovery_s(&measure.event[0])));
    measure_end();
}

static void the_rebound_leaves_out_what_batteries_charge_with(void **state)
{
    (void)state;
    measure_begin();
    measure_ms(1200, 1.0, 90000.0, 0.0);
    measure_ms(100, 0.5, 0.0, 86000.0);
    measure_ms(300, 1.0, 92000.0, 0.0);
    SIM_NEAR(measure.overshoot_w, 92000.0, 1.0);
    plant->shelves[0].charge_w = 9600.0;
    measure_ms(300, 1.0, 99000.0, 0.0);
    SIM_NEAR(measure.overshoot_w, 99000.0, 1.0);
    SIM_NEAR(measure.rebound_w, 92000.0, 1.0);
    SIM_NEAR(measure.charge_w, 9600.0, 1.0);
    SIM_NEAR(measure.peak_w, 99000.0, 1.0);
    measure_end();
}

static void a_second_dip_needs_a_hand_back_before_it(void **state)
{
    (void)state;
    measure_begin();
    measure_ms(1200, 1.0, 90000.0, 0.0);
    measure_ms(100, 0.5, 0.0, 86000.0);
    measure_ms(100, 1.0, 40000.0, 43000.0);
    measure_ms(50, 1.0, 90000.0, 0.0); /* too short to be a hand-back */
    measure_ms(100, 1.0, 40000.0, 43000.0);
    measure_ms(200, 1.0, 90000.0, 0.0);
    assert_false(measure.second_dip);
    measure_ms(3, 1.0, 60000.0, 30000.0); /* too short to be a dip */
    measure_ms(50, 1.0, 90000.0, 0.0);
    assert_false(measure.second_dip);
    measure_ms(20, 1.0, 60000.0, 30000.0);
    assert_true(measure.second_dip);
    measure_end();
}

static void current_is_counted_from_the_beginning_of_the_sag(void **state)
{
    (void)state;
    measure_begin();
    measure_ms(1200, 1.0, 90000.0, 0.0);
    measure_ms(600, 0.8, 90000.0, 0.0);      /* 1.25 x the current */
    measure_ms(1000, 0.8, 70000.0, 20000.0); /* 0.97 x            */
    measure_ms(500, 1.0, 90000.0, 0.0);
    SIM_NEAR(scenario_measure_current_s(&measure.event[0]), 0.618, 0.005);
    measure_ms(100, 0.5, 0.0, 86000.0);
    measure_ms(100, 1.0, 90000.0, 0.0);
    assert_true(isnan(scenario_measure_current_s(&measure.event[1])));
    measure_end();
}

static void the_ramp_is_the_most_of_any_second_after_the_return(void **state)
{
    (void)state;
    measure_begin();
    measure_ms(1200, 1.0, 90000.0, 0.0);
    measure_ms(1000, 0.0, 0.0, 86000.0);
    for (int i = 0; i <= 3000; i += 10)
        measure_ms(10, 1.0, 30.0 * i, 0.0);
    measure_ms(2000, 1.0, 90000.0, 0.0);
    SIM_NEAR(measure.ramp_w_per_s, 30000.0, 400.0);
    measure_end();
}

static void orders_count_for_the_event_they_fall_into(void **state)
{
    (void)state;
    measure_begin();
    measure_ms(1200, 1.0, 90000.0, 0.0);
    scenario_measure_orders(&measure, 7, 7, 7);
    measure_ms(4, 0.8, 90000.0, 0.0);
    measure_ms(6, 1.0, 90000.0, 0.0);
    scenario_measure_orders(&measure, 5, 2, 1); /* the sag was inside this period */
    measure_ms(10, 1.0, 90000.0, 0.0);
    scenario_measure_orders(&measure, 9, 9, 9);
    assert_int_equal(measure.event[0].orders, 5);
    assert_int_equal(measure.event[0].ride_orders, 2);
    assert_int_equal(measure.event[0].ride_writes, 1);
    measure_end();
}

/* ---- runs ---- */

static const struct scenario_check *row(const struct scenario_result *r, const char *name)
{
    for (int32_t i = 0; i < r->check_count; i++)
        if (strcmp(r->check[i].name, name) == 0)
            return &r->check[i];
    return NULL;
}

static struct scenario_result *run(const char *name, enum virtual_controller controller, const char *set,
                                   uint64_t seed)
{
    struct scenario_result *ret = calloc(1, sizeof *ret);
    const struct scenario_run opt = { .seed = seed, .samples = true };

    assert_non_null(ret);
    if (scenario_load(name, &set, set ? 1 : 0, &scenario, error) != ST_OK)
        fail_msg("%s", error);
    scenario.controller = controller;
    assert_int_equal(scenario_run(&scenario, &opt, ret), ST_OK);
    return ret;
}

static void end(struct scenario_result *r)
{
    scenario_done(r);
    free(r);
}

static void without_a_controller_the_hardware_is_judged(void **state)
{
    struct scenario_result *r = run("e-1", VIRTUAL_NONE, NULL, 1);

    (void)state;
    assert_false(r->ok);
    assert_false(row(r, "connected")->ok);
    assert_null(row(r, "standing"));
    assert_null(row(r, "overshoot"));
    assert_true(row(r, "it_kept") && row(r, "bus_low") && row(r, "bus_high"));
    SIM_NEAR(scenario_metric(r, "pfc_trips"), 24.0, 0.1);
    SIM_NEAR(scenario_metric(r, "disconnected"), 1.0, 1e-9);
    end(r);
    r = run("e-4", VIRTUAL_NONE, NULL, 1);
    assert_true(r->ok && row(r, "connected")->ok);
    assert_true(isnan(scenario_metric(r, "no_such_metric")));
    end(r);
    r = run("e-4", VIRTUAL_NONE, "nominal_v=208", 1); /* 166 V */
    assert_false(r->ok);
    end(r);
    r = run("e-8", VIRTUAL_NONE, NULL, 1); /* a legal disconnect */
    assert_null(row(r, "connected"));
    assert_true(scenario_metric(r, "pfc_trips") > 0.0);
    end(r);
}

static void with_busbar_stock_hardware_is_judged_by_what_software_can_do(void **state)
{
    struct scenario_result *r = run("e-1", VIRTUAL_BUSBAR, NULL, 1);
    bool all = true;

    (void)state;
    assert_null(row(r, "connected"));
    assert_null(row(r, "recovery"));
    assert_null(row(r, "current"));
    assert_true(row(r, "overshoot") && row(r, "second_dip") && row(r, "no_write") && row(r, "carrying"));
    assert_true(row(r, "standing") && row(r, "limits") && row(r, "leases") && row(r, "allowed"));
    assert_true(scenario_metric(r, "recovery_s") > 0.0);
    SIM_NEAR(scenario_metric(r, "pfc_trips"), 24.0, 0.1);
    SIM_NEAR(scenario_metric(r, "ride_writes"), 0.0, 1e-9);
    for (int32_t i = 0; i < r->check_count; i++)
        all = all && r->check[i].ok;
    assert_int_equal(r->ok, all);
    end(r);
}

static void hypothetical_hardware_has_deadlines(void **state)
{
    struct scenario_result *r = run("e-1", VIRTUAL_BUSBAR, "start=kept-alive", 1);

    (void)state;
    assert_non_null(row(r, "recovery"));
    SIM_NEAR(row(r, "recovery")->limit, 0.5, 1e-9);
    assert_true(row(r, "recovery")->ok);
    end(r);
    r = run("voltage-interruption", VIRTUAL_BUSBAR, "start=short-boot", 1);
    SIM_NEAR(row(r, "recovery")->limit, 2.0, 1e-9);
    end(r);
}

/* The same rise in watts is a step of the whole rack under a small load and none under a large one. */
static void a_ramp_is_judged_by_the_load_before(void **state)
{
    static const char *const loads[] = { "envelope_ratio=0.8", "envelope_ratio=0.92" };
    const struct scenario_run opt = { .seed = 1 };
    struct scenario_result r;

    (void)state;
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        assert_int_equal(scenario_load("e-11", &loads[i], 1, &scenario, error), ST_OK);
        scenario.seconds = 97.0; /* all are back 34 s after the return */
        assert_int_equal(scenario_run(&scenario, &opt, &r), ST_OK);
        assert_true(row(&r, "ramp")->ok);
        SIM_NEAR(row(&r, "ramp")->limit, 0.8333 * scenario_metric(&r, "before_w"), 1.0);
        scenario.ramp_ratio_per_s = 0.99 * row(&r, "ramp")->value / scenario_metric(&r, "before_w");
        scenario_done(&r);
        assert_int_equal(scenario_run(&scenario, &opt, &r), ST_OK);
        assert_false(row(&r, "ramp")->ok);
        assert_false(r.ok);
        scenario_done(&r);
    }
}

static void a_run_repeats_to_the_last_bit(void **state)
{
    struct scenario_result *a = run("voltage-sag", VIRTUAL_BUSBAR, NULL, 7);
    struct scenario_result *b = run("voltage-sag", VIRTUAL_BUSBAR, NULL, 7);
    struct scenario_result *c = run("voltage-sag", VIRTUAL_BUSBAR, NULL, 8);

    (void)state;
    assert_int_equal(a->sample_count, b->sample_count);
    assert_memory_equal(a->sample, b->sample, a->sample_count * sizeof *a->sample);
    assert_memory_equal(a->metric, b->metric, sizeof a->metric);
    assert_memory_not_equal(a->metric, c->metric, sizeof a->metric);
    /* Samples: 1 ms apart around the event, never backwards. */
    assert_true(a->sample_count > 1500);
    for (size_t i = 1; i < a->sample_count; i++)
        assert_true(a->sample[i].t_s > a->sample[i - 1].t_s);
    end(a);
    end(b);
    end(c);
}

static double metric_of(const char *text, const char *name)
{
    struct scenario_result *r = calloc(1, sizeof *r);
    const struct scenario_run opt = { .seed = 1 };
    double value;

    assert_non_null(r);
    if (load_text(text, NULL, 0) != ST_OK)
        fail_msg("%s", error);
    assert_int_equal(scenario_run(&scenario, &opt, r), ST_OK);
    value = scenario_metric(r, name);
    end(r);
    return value;
}

#define OUTAGE MINIMAL "seconds: 3\nload: {kind: constant}\ngrid: {voltage: [[0, 1], [1, 0], [1.4, 1]]}\n"
#define SAG    MINIMAL "seconds: 6\nload: {kind: constant}\ngrid: {voltage: [[0, 1], [1, 0.8], [4, 1]]}\n"

static void faults_reach_plant_links_and_controller(void **state)
{
    (void)state;
    SIM_NEAR(metric_of(OUTAGE, "it_lost"), 0.0, 1e-9);
    assert_true(metric_of(OUTAGE "faults: [{what: bbu_fail, at_s: 0.5}]\n", "it_lost") > 0.0);
    /* A fault that ends in time does no harm. */
    SIM_NEAR(metric_of(OUTAGE "faults: [{what: bbu_fail, at_s: 0.5, for_s: 0.2}]\n", "it_lost"), 0.0, 1e-9);
    assert_true(metric_of(SAG, "current_within_s") < 2.0);
    SIM_NEAR(metric_of(SAG "faults: [{what: crash, at_s: 0.5, for_s: 60}]\n", "current_within_s"), 3.0, 0.05);
    SIM_NEAR(metric_of(SAG "faults: [{what: dead, at_s: 0.5}]\n", "current_within_s"), 3.0, 0.05);
    assert_true(metric_of(MINIMAL "seconds: 2\n", "bbu_used_j") < 1.0);
    assert_true(metric_of(MINIMAL "seconds: 2\nfaults: [{what: psu_fail, at_s: 1, for_s: 0.3}]\n",
                          "bbu_used_j") > 1e4);
}

static void the_document_has_the_agreed_keys(void **state)
{
    static const char *const keys[] = { "scenario", "controller", "seed",   "ok",
                                        "sim_s",    "wall_s",     "checks", "metrics" };
    struct scenario_result *r = run("e-4", VIRTUAL_NONE, NULL, 3);
    char *text = scenario_json(r);
    struct json_object *doc = json_tokener_parse(text), *value = NULL;
    size_t i = 0;

    (void)state;
    assert_non_null(doc);
    json_object_object_foreach(doc, key, member)
    {
        (void)member;
        assert_true(i < sizeof keys / sizeof keys[0]);
        assert_string_equal(key, keys[i++]);
    }
    assert_int_equal(i, sizeof keys / sizeof keys[0]);
    assert_true(json_object_object_get_ex(doc, "seed", &value));
    assert_int_equal(json_object_get_int(value), 3);
    assert_true(json_object_object_get_ex(doc, "checks", &value));
    assert_int_equal(json_object_array_length(value), r->check_count);
    assert_int_equal(json_object_object_length(json_object_array_get_idx(value, 0)), 5);
    assert_true(json_object_object_get_ex(doc, "metrics", &value));
    assert_int_equal(json_object_object_length(value), r->metric_count);
    json_object_put(doc);
    free(text);
    end(r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_short_file_gets_every_default),
    cmocka_unit_test(the_default_load_is_four_fifths_of_the_envelope),
    cmocka_unit_test(every_key_is_read),
    cmocka_unit_test(slow_lines_have_longer_for_the_current),
    cmocka_unit_test(what_is_wrong_is_said_with_line_and_column),
    cmocka_unit_test(all_errors_of_a_file_come_in_one_run),
    cmocka_unit_test(settings_of_the_command_line_come_last),
    cmocka_unit_test(a_wrong_setting_is_one_line_that_says_what_is_allowed),
    cmocka_unit_test(an_unknown_scenario_is_absent_and_a_near_name_is_said),
    cmocka_unit_test(every_listed_scenario_loads_under_its_name),
    cmocka_unit_test(the_vectors_are_those_of_the_grid_codes),
    cmocka_unit_test(half_cycles_of_a_sine_give_its_rms),
    cmocka_unit_test(an_earth_fault_is_no_sag_behind_a_transformer),
    cmocka_unit_test(recovery_runs_from_090_pu_until_power_stays_back),
    cmocka_unit_test(power_that_is_not_back_never_recovers),
    cmocka_unit_test(the_rebound_leaves_out_what_batteries_charge_with),
    cmocka_unit_test(a_second_dip_needs_a_hand_back_before_it),
    cmocka_unit_test(current_is_counted_from_the_beginning_of_the_sag),
    cmocka_unit_test(the_ramp_is_the_most_of_any_second_after_the_return),
    cmocka_unit_test(orders_count_for_the_event_they_fall_into),
    cmocka_unit_test(without_a_controller_the_hardware_is_judged),
    cmocka_unit_test(with_busbar_stock_hardware_is_judged_by_what_software_can_do),
    cmocka_unit_test(hypothetical_hardware_has_deadlines),
    cmocka_unit_test(a_ramp_is_judged_by_the_load_before),
    cmocka_unit_test(a_run_repeats_to_the_last_bit),
    cmocka_unit_test(faults_reach_plant_links_and_controller),
    cmocka_unit_test(the_document_has_the_agreed_keys),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
