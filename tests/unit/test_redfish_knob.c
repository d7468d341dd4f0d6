/* SPDX-License-Identifier: Apache-2.0 */
/* test_redfish_knob.c: what each polled resource says, what sets each lever, and what is
 * never sent.
 */
#include "field/redfish_knob.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "field/redfish_clock.h"

static struct redfish_spot_doc read_at(const char *body, const char *pointer)
{
    struct redfish_spot_doc doc;

    assert_int_equal(redfish_spot_parse(body, strlen(body), pointer, &doc), ST_OK);
    return doc;
}

static struct redfish_spot_doc read_of(const char *body)
{
    return read_at(body, "");
}

#define METRICS(more)                                                                                        \
    "{\"PowerWatts\":{\"Reading\":500,\"DataSourceUri\":\"/s/p\"},\"EnergyJoules\":{\"Reading\":7,"          \
    "\"DataSourceUri\":\"/s/e\"},\"PowerLimitWatts\":{\"SetPoint\":700,\"AllowableMin\":200,"                \
    "\"AllowableMax\":1200" more                                                                             \
    "},\"Oem\":{\"Nvidia\":{\"EDPpPercent\":{\"SetPoint\":90,\"AllowableMin\":60,\"AllowableMax\":100}}}}"

static void one_gpus_resource_has_power_limit_and_edpp(void **state)
{
    struct redfish_spot_doc doc = read_of(METRICS(""));

    (void)state;
    assert_float_equal(redfish_spot_value(&doc, SIGNAL_GPU_POWER_W), 500.0, 1e-9);
    assert_float_equal(redfish_spot_value(&doc, SIGNAL_GPU_POWER_LIMIT_W), 700.0, 1e-9);
    assert_float_equal(redfish_spot_value(&doc, SIGNAL_GPU_ENERGY_J), 7.0, 1e-9);
    assert_float_equal(redfish_spot_value(&doc, SIGNAL_GPU_EDPP_RATIO), 0.9, 1e-9);
    assert_true(isnan(redfish_spot_value(&doc, SIGNAL_GPU_SMOOTHING)));
    assert_string_equal(doc.power_source, "/s/p");
    assert_int_equal(doc.form, REDFISH_LIMIT_METRICS);
}

static void a_control_and_an_entry_of_power_are_limits_too(void **state)
{
    struct redfish_spot_doc doc =
        read_of("{\"ControlType\":\"Power\",\"SetPoint\":300,\"SetPointUnits\":\"W\",\"SettingRangeMin\":100,"
                "\"SettingRangeMax\":560,\"Sensor\":{\"Reading\":118}}");

    (void)state;
    assert_int_equal(doc.form, REDFISH_LIMIT_CONTROL);
    assert_float_equal(redfish_spot_limit(&doc), 300.0, 1e-9);
    assert_float_equal(doc.metrics.limit_max_w, 560.0, 1e-9);
    assert_null(redfish_knob_forbidden(CONF_KNOB_LIMIT, &doc, false));
    doc =
        read_at("{\"PowerControl\":[{},{\"PowerConsumedWatts\":416,\"PowerLimit\":{\"LimitInWatts\":null}}]}",
                "PowerControl/1");
    assert_int_equal(doc.form, REDFISH_LIMIT_LEGACY);
    assert_int_equal(doc.index, 1);
    assert_true(redfish_spot_is_off(&doc));
    assert_float_equal(redfish_spot_limit(&doc), REDFISH_SPOT_NO_LIMIT_W, 1e-9);
    assert_float_equal(redfish_spot_value(&doc, SIGNAL_NODE_POWER_W), 416.0, 1e-9);
    doc = read_at("{\"PowerControl\":[{}]}", "PowerControl/7");
    assert_non_null(redfish_knob_forbidden(CONF_KNOB_LIMIT, &doc, false));
}

static void a_power_is_taken_from_a_sensor_in_watts_or_a_part_and_from_nothing_else(void **state)
{
    struct redfish_spot_doc doc = read_of("{\"Reading\":5.5,\"ReadingUnits\":\"kW\"}");

    (void)state;
    assert_float_equal(redfish_spot_value(&doc, SIGNAL_NODE_POWER_W), 5500.0, 1e-9);
    doc = read_of("{\"Reading\":50,\"ReadingUnits\":\"%\"}");
    assert_true(isnan(redfish_spot_value(&doc, SIGNAL_NODE_POWER_W)));
    doc = read_of("{\"Reading\":50}");
    assert_true(isnan(redfish_spot_value(&doc, SIGNAL_NODE_POWER_W)));
    doc = read_at("{\"InputPowerWatts\":{\"Reading\":937.4}}", "InputPowerWatts");
    assert_float_equal(redfish_spot_value(&doc, SIGNAL_PSU_INPUT_W), 937.4, 1e-9);
    doc = read_at("{\"A\":[{\"B\":12}]}", "A/0/B");
    assert_float_equal(redfish_spot_value(&doc, SIGNAL_PSU_INPUT_W), 12.0, 1e-9);
    doc = read_at("{\"A\":[]}", "A/4/B");
    assert_true(isnan(redfish_spot_value(&doc, SIGNAL_PSU_INPUT_W)));
}

/* ---- what is sent ---- */

static void expect_call(const struct redfish_knob_want *want, const struct redfish_spot_doc *doc,
                        int32_t step, const char *expected)
{
    struct redfish_knob_call call;
    char text[600];

    assert_true(redfish_knob_call(want, doc, step, &call));
    (void)snprintf(text, sizeof text, "%s %s %s", call.method, call.path, call.body);
    assert_string_equal(text, expected);
}

static void expect_end(const struct redfish_knob_want *want, const struct redfish_spot_doc *doc, int32_t step)
{
    struct redfish_knob_call call;

    assert_false(redfish_knob_call(want, doc, step, &call));
}

static void a_limit_is_set_in_whole_watts_and_switched_where_it_must_be(void **state)
{
    struct redfish_spot_doc doc = read_of(METRICS(""));
    struct redfish_knob_want want = { .knob = CONF_KNOB_LIMIT, .target = 700.0, .path = "/em" };

    (void)state;
    assert_float_equal(redfish_knob_round(CONF_KNOB_LIMIT, &doc, 700.9), 700.0, 1e-9);
    expect_call(&want, &doc, 0, "PATCH /em {\"PowerLimitWatts\":{\"SetPoint\":700}}");
    expect_end(&want, &doc, 1);
    want.turn = REDFISH_KNOB_ON;
    expect_call(&want, &doc, 0,
                "PATCH /em {\"PowerLimitWatts\":{\"SetPoint\":700,\"ControlMode\":\"Automatic\"}}");
    want.turn = REDFISH_KNOB_OFF;
    expect_call(&want, &doc, 0,
                "PATCH /em {\"PowerLimitWatts\":{\"SetPoint\":700,\"ControlMode\":\"Disabled\"}}");
    doc = read_of("{\"ControlType\":\"Power\",\"SetPoint\":null,\"SetPointUnits\":\"Watt\",\"ControlMode\":"
                  "\"Disabled\"}");
    want.turn = REDFISH_KNOB_ON;
    want.manual = "Manual";
    expect_call(&want, &doc, 0, "PATCH /em {\"SetPoint\":700,\"ControlMode\":\"Manual\"}");
    doc = read_at("{\"PowerControl\":[{},{\"PowerLimit\":{\"LimitInWatts\":null}}]}", "PowerControl/1");
    expect_call(&want, &doc, 0, "PATCH /em {\"PowerControl\":[{},{\"PowerLimit\":{\"LimitInWatts\":700}}]}");
    want.turn = REDFISH_KNOB_OFF;
    expect_call(&want, &doc, 0, "PATCH /em {\"PowerControl\":[{},{\"PowerLimit\":{\"LimitInWatts\":null}}]}");
}

static void volts_of_a_supply_are_set_to_a_hundredth(void **state)
{
    struct redfish_spot_doc doc = read_of("{\"ControlType\":\"Voltage\",\"SetPoint\":50,\"SetPointUnits\":"
                                          "\"V\",\"AllowableMin\":46,\"AllowableMax\":52}");
    struct redfish_knob_want want = { .knob = CONF_KNOB_LIMIT, .target = 50.55, .path = "/v" };

    (void)state;
    assert_null(redfish_knob_forbidden(CONF_KNOB_LIMIT, &doc, false));
    assert_float_equal(redfish_knob_round(CONF_KNOB_LIMIT, &doc, 50.559), 50.55, 1e-9);
    assert_true(redfish_knob_allows(CONF_KNOB_LIMIT, &doc, 52.0));
    assert_false(redfish_knob_allows(CONF_KNOB_LIMIT, &doc, 52.01));
    expect_call(&want, &doc, 0, "PATCH /v {\"SetPoint\":50.55}");
}

static void what_must_not_be_written_says_why(void **state)
{
    struct redfish_spot_doc doc = read_of(METRICS(",\"SetPointUnits\":\"%\""));

    (void)state;
    assert_non_null(strstr(redfish_knob_forbidden(CONF_KNOB_LIMIT, &doc, false), "watts"));
    doc = read_of(METRICS(",\"LimitException\":\"HardPowerOff\""));
    assert_non_null(strstr(redfish_knob_forbidden(CONF_KNOB_LIMIT, &doc, false), "switches off"));
    assert_null(redfish_knob_forbidden(CONF_KNOB_LIMIT, &doc, true)); /* the operator said so */
    doc = read_of(METRICS(",\"DataSourceUri\":\"/c/Nonvolatile_0\""));
    assert_non_null(strstr(redfish_knob_forbidden(CONF_KNOB_LIMIT, &doc, true), "non-volatile"));
    doc = read_of("{\"@odata.id\":\"/c/TDPNonvolatile_0\",\"SetPoint\":1,\"SetPointUnits\":\"W\"}");
    assert_non_null(strstr(redfish_knob_forbidden(CONF_KNOB_LIMIT, &doc, true), "non-volatile"));
    doc = read_of("{\"SetPoint\":300,\"SettingRangeMax\":560}"); /* no unit is no watts */
    assert_non_null(redfish_knob_forbidden(CONF_KNOB_LIMIT, &doc, true));
    doc = read_of("{}");
    assert_non_null(redfish_knob_forbidden(CONF_KNOB_LIMIT, &doc, true));
}

static void edpp_is_a_whole_percentage_inside_its_range(void **state)
{
    struct redfish_spot_doc doc = read_of(METRICS(""));
    struct redfish_knob_want want = { .knob = CONF_KNOB_EDPP, .path = "/em" };

    (void)state;
    want.target = redfish_knob_round(CONF_KNOB_EDPP, &doc, 0.856);
    assert_float_equal(want.target, 0.85, 1e-9);
    assert_true(redfish_knob_allows(CONF_KNOB_EDPP, &doc, 0.6));
    assert_false(redfish_knob_allows(CONF_KNOB_EDPP, &doc, 0.59));
    assert_false(redfish_knob_allows(CONF_KNOB_EDPP, &doc, 1.01));
    expect_call(&want, &doc, 0,
                "PATCH /em {\"Oem\":{\"Nvidia\":{\"EDPpPercent\":{\"SetPoint\":85,\"Persistency\":false}}}}");
}

#define WORKLOAD(requested)                                                                                  \
    "{\"SupportedProfileMask\":\"0xffff8\",\"RequestedProfileMask\":\"" requested "\",\"Actions\":{"         \
    "\"#NvidiaWorkloadPower.EnableProfiles\":{\"target\":\"/on\"},"                                          \
    "\"#NvidiaWorkloadPower.DisableProfiles\":{\"target\":\"/off\"}}}"

static void workload_profiles_go_on_before_others_go_off(void **state)
{
    struct redfish_spot_doc doc = read_of(WORKLOAD("0x30"));
    struct redfish_knob_want want = { .knob = CONF_KNOB_WORKLOAD, .target = 0x50 };

    (void)state;
    assert_float_equal(redfish_spot_value(&doc, SIGNAL_GPU_WORKLOAD_PROFILES), 0x30, 1e-9);
    assert_null(redfish_knob_forbidden(CONF_KNOB_WORKLOAD, &doc, false));
    expect_call(&want, &doc, 0, "POST /on {\"ProfileMask\":\"0x40\"}");
    expect_call(&want, &doc, 1, "POST /off {\"ProfileMask\":\"0x20\"}");
    expect_end(&want, &doc, 2);
    want.target = 0x10;
    expect_call(&want, &doc, 0, "POST /off {\"ProfileMask\":\"0x20\"}");
    expect_end(&want, &doc, 1);
    want.target = 0x30;
    expect_end(&want, &doc, 0); /* it is there already */
    assert_true(redfish_knob_allows(CONF_KNOB_WORKLOAD, &doc, 0x80000));
    assert_false(redfish_knob_allows(CONF_KNOB_WORKLOAD, &doc, 0x100000)); /* not supported */
    doc = read_of(WORKLOAD("0x1000000000000")); /* beyond what a number holds to the bit */
    assert_true(isnan(redfish_spot_value(&doc, SIGNAL_GPU_WORKLOAD_PROFILES)));
    doc = read_of("{\"RequestedProfileMask\":\"0x0\"}");
    assert_non_null(redfish_knob_forbidden(CONF_KNOB_WORKLOAD, &doc, false));
}

static void power_smoothing_is_switched_chosen_and_overridden(void **state)
{
    struct redfish_spot_doc doc =
        read_of("{\"PowerSmoothingSupported\":true,\"Enabled\":false,\"TMPFloorPercent\":60,"
                "\"MaxAllowedTMPFloorPercent\":80,"
                "\"RampUpWattsPerSecond\":100,\"AppliedPresetProfile\":{\"@odata.id\":\"/p/3\"},"
                "\"AdminOverrideProfile\":{\"@odata.id\":\"/admin\"},\"Actions\":{"
                "\"#NvidiaPowerSmoothing.ActivatePresetProfile\":{\"target\":\"/activate\"},"
                "\"#NvidiaPowerSmoothing.ApplyAdminOverrides\":{\"target\":\"/apply\"}}}");
    struct redfish_knob_want want = { .knob = CONF_KNOB_SMOOTHING, .target = 1.0, .path = "/ps" };

    (void)state;
    assert_float_equal(redfish_spot_value(&doc, SIGNAL_GPU_SMOOTHING), 0.0, 1e-9);
    assert_float_equal(redfish_spot_value(&doc, SIGNAL_GPU_SMOOTHING_PROFILE), 3.0, 1e-9);
    assert_float_equal(redfish_spot_value(&doc, SIGNAL_GPU_SMOOTHING_FLOOR_RATIO), 0.6, 1e-9);
    expect_call(&want, &doc, 0, "PATCH /ps {\"Enabled\":true}");
    want = (struct redfish_knob_want){ .knob = CONF_KNOB_SMOOTHING_PROFILE, .target = 2.0 };
    expect_call(&want, &doc, 0, "POST /activate {\"ProfileId\":2}");
    want = (struct redfish_knob_want){ .knob = CONF_KNOB_SMOOTHING_FLOOR, .target = 0.45 };
    expect_call(&want, &doc, 0, "PATCH /admin {\"TMPFloorPercent\":45}");
    expect_call(&want, &doc, 1, "POST /apply {}");
    expect_end(&want, &doc, 2);
    assert_false(redfish_knob_allows(CONF_KNOB_SMOOTHING_FLOOR, &doc, 0.81));
    doc = read_of("{\"PowerSmoothingSupported\":true}");
    assert_non_null(redfish_knob_forbidden(CONF_KNOB_RAMP_UP, &doc, false));
    assert_non_null(redfish_knob_forbidden(CONF_KNOB_SMOOTHING_PROFILE, &doc, false));
}

/* ---- the device's clock ---- */

static void a_timestamp_is_never_younger_than_its_arrival_allows(void **state)
{
    struct redfish_clock clock = { .known = false };
    const int64_t ahead_us = 5000000000; /* the device's clock, before ours                 */

    (void)state;
    redfish_clock_see(&clock, ahead_us + 1000000, 1400000); /* 0.4 s on its way            */
    assert_int_equal(redfish_clock_local_us(&clock, ahead_us + 1000000), 1400000);
    redfish_clock_see(&clock, ahead_us + 2000000, 2100000); /* 0.1 s: a tighter bound       */
    assert_int_equal(redfish_clock_local_us(&clock, ahead_us + 2000000), 2100000);
    assert_int_equal(redfish_clock_local_us(&clock, ahead_us + 1000000), 1100000);
    redfish_clock_see(&clock, ahead_us + 2500000, 4000000); /* an old value: no bound at all */
    assert_int_equal(redfish_clock_local_us(&clock, ahead_us + 2500000), 2600000);
}

static void a_clock_that_is_set_back_and_one_that_drifts_are_followed(void **state)
{
    struct redfish_clock clock = { .known = false };

    (void)state;
    redfish_clock_see(&clock, 1000000000, 1000000);
    redfish_clock_see(&clock, 500000000, 2000000); /* set back by minutes                    */
    assert_int_equal(redfish_clock_local_us(&clock, 500000000), 2000000);
    clock.known = false;
    for (int64_t s = 0; s < 1000; s++) /* it loses a second in a thousand                    */
        redfish_clock_see(&clock, s * 999000, s * 1000000);
    assert_true(redfish_clock_local_us(&clock, 999 * 999000) >= 999 * 1000000 - 300000);
}

/* It would read back as profile 0, which nobody chose. */
static void a_profile_in_force_that_is_no_preset_has_no_number(void **state)
{
    static const char *const profiles[] = { "{\"@odata.id\":\"/p/AdminOverrideProfile\"}",
                                            "{\"@odata.id\":\"/p/3a\"}", "{}", "null", "\"x\"" };

    (void)state;
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        struct redfish_spot_doc doc;
        char body[160];

        (void)snprintf(body, sizeof body, "{\"TMPFloorPercent\":50,\"AppliedPresetProfile\":%s}",
                       profiles[i]);
        doc = read_of(body);
        assert_true(isnan(redfish_spot_value(&doc, SIGNAL_GPU_SMOOTHING_PROFILE)));
        assert_float_equal(redfish_spot_value(&doc, SIGNAL_GPU_SMOOTHING_FLOOR_RATIO), 0.5, 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_in_force_that_is_no_preset_has_no_number),
        cmocka_unit_test(one_gpus_resource_has_power_limit_and_edpp),
        cmocka_unit_test(a_control_and_an_entry_of_power_are_limits_too),
        cmocka_unit_test(a_power_is_taken_from_a_sensor_in_watts_or_a_part_and_from_nothing_else),
        cmocka_unit_test(a_limit_is_set_in_whole_watts_and_switched_where_it_must_be),
        cmocka_unit_test(volts_of_a_supply_are_set_to_a_hundredth),
        cmocka_unit_test(what_must_not_be_written_says_why),
        cmocka_unit_test(edpp_is_a_whole_percentage_inside_its_range),
        cmocka_unit_test(workload_profiles_go_on_before_others_go_off),
        cmocka_unit_test(power_smoothing_is_switched_chosen_and_overridden),
        cmocka_unit_test(a_timestamp_is_never_younger_than_its_arrival_allows),
        cmocka_unit_test(a_clock_that_is_set_back_and_one_that_drifts_are_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
