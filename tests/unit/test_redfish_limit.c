/* SPDX-License-Identifier: Apache-2.0 */
/* test_redfish_limit.c: what a BMC says of its limits and sensors, in the dialects that
 * were captured, and which of them may be written.
 */
#include "unit/redfish_service.h"

#include "field/redfish_limit.h"
#include "field/redfish_report.h"

/* A service whose one chassis has one resource of each of these kinds at /it. */
static void take(struct service *service, const char *member, const char *body, const char *allow)
{
    static char chassis[512];
    static struct service_row rows[5];

    (void)snprintf(chassis, sizeof chassis,
                   "{\"@odata.type\":\"#Chassis.v1_0_0.Chassis\",\"%s\":" LINK("/it") "}", member);
    rows[0] = (struct service_row){
        "/redfish/v1/", "{\"@odata.type\":\"#ServiceRoot.v1_0_0.ServiceRoot\",\"Chassis\":" LINK("/x") "}", 0,
        NULL
    };
    rows[1] = (struct service_row){
        "/x", "{\"@odata.type\":\"#ChassisCollection.ChassisCollection\",\"Members\":[" LINK("/x/1") "]}", 0,
        NULL
    };
    rows[2] = (struct service_row){ "/x/1", chassis, 0, NULL };
    rows[3] = (struct service_row){ "/it", body, 0, allow };
    rows[4] = (struct service_row){ NULL, NULL, 0, NULL };
    service_walk(service, rows, 0);
}

#define CONTROL(more) "{\"@odata.type\":\"#Control.v1_3_0.Control\",\"ControlType\":\"Power\"" more "}"

static void expect_control(const char *body, const char *unit, bool writable, const char *why)
{
    struct service service;

    take(&service, "Controls", body, NULL); /* the link says collection, the resource is believed */
    assert_int_equal(service.survey.limit_count, 1);
    assert_string_equal(service.survey.limits[0].unit, unit);
    assert_int_equal(service.survey.limits[0].writable, writable);
    if (why)
        assert_non_null(strstr(service.survey.limits[0].why, why));
    service_done(&service);
}

static void percent_and_no_unit_are_never_watts(void **state)
{
    (void)state;
    expect_control(CONTROL(",\"SetPoint\":100,\"SetPointUnits\":\"%\",\"AllowableMax\":120"), "%", false,
                   "watts");
    expect_control(CONTROL(",\"SetPoint\":0,\"SettingRangeMin\":100,\"SettingRangeMax\":560"), "", false,
                   "no unit");
    expect_control(CONTROL(",\"SetPoint\":500,\"SetPointUnits\":\"Watt\""), "W", true, NULL);
    expect_control(CONTROL(",\"SetPoint\":500,\"SetPointUnits\":\"W\""), "W", true, NULL);
    expect_control(CONTROL(",\"SetPoint\":500,\"SetPointUnits\":\"Hz\""), "Hz", false, "watts");
    expect_control(
        CONTROL(",\"SetPoint\":50.5,\"SetPointUnits\":\"V\",\"AllowableMin\":46,\"AllowableMax\":52"), "V",
        true, NULL);
    expect_control(CONTROL(",\"SetPoint\":null,\"SetPointUnits\":\"W\""), "W", false, "neither");
    expect_control(CONTROL(",\"SetPoint\":null,\"SetPointUnits\":\"W\",\"AllowableMax\":500"), "W", false, "switched off");
    expect_control(CONTROL(",\"SetPoint\":500,\"SetPointUnits\":\"W\",\"ControlMode\":\"Disabled\""), "W", false, "switched off");
}

static void a_cray_control_has_its_range_under_old_names(void **state)
{
    struct service service;

    (void)state;
    take(&service, "Controls",
         CONTROL(
             ",\"SetPoint\":0,\"ControlMode\":\"Disabled\",\"SettingRangeMin\":764,\"SettingRangeMax\":2754,"
             "\"ControlDelaySeconds\":6,\"Sensor\":{\"Reading\":118,\"DataSourceUri\":\"/s/1\"}"),
         NULL);
    assert_float_equal(service.survey.limits[0].min, 764.0, 1e-9);
    assert_float_equal(service.survey.limits[0].max, 2754.0, 1e-9);
    assert_float_equal(service.survey.limits[0].delay_s, 6.0, 1e-9);
    assert_true(redfish_limit_is_off(&service.survey.limits[0]));
    assert_float_equal(service_reading(&service, "/s/1")->value, 118.0, 1e-9);
    assert_string_equal(service.survey.bmc_kind, "cray");
    service_done(&service);
}

static void the_non_volatile_twin_is_shown_and_not_written(void **state)
{
    struct service service;

    (void)state;
    take(
        &service, "EnvironmentMetrics",
        "{\"@odata.type\":\"#EnvironmentMetrics.v1_3_0.EnvironmentMetrics\",\"PowerLimitWatts\":{"
        "\"SetPoint\":420,"
        "\"AllowableMin\":50,\"AllowableMax\":420,\"DataSourceUri\":\"/c/Module_0_EDPpPowerNonvolatile_0\"}}",
        NULL);
    assert_int_equal(service.survey.limit_count, 1);
    assert_true(service.survey.limits[0].nonvolatile);
    assert_false(service.survey.limits[0].writable);
    assert_non_null(strstr(service.survey.limits[0].why, "non-volatile"));
    assert_string_equal(service.survey.limits[0].source, "/c/Module_0_EDPpPowerNonvolatile_0");
    service_done(&service);
}

static void a_resource_that_takes_no_patch_is_not_written(void **state)
{
    struct service service;
    const char *body = "{\"@odata.type\":\"#EnvironmentMetrics.v1_3_0.EnvironmentMetrics\","
                       "\"PowerLimitWatts\":{\"SetPoint\":420}}";

    (void)state;
    take(&service, "EnvironmentMetrics", body, "GET, HEAD");
    assert_false(service.survey.limits[0].writable);
    service_done(&service);
    take(&service, "EnvironmentMetrics", body, "GET, PATCH");
    assert_true(service.survey.limits[0].writable);
    service_done(&service);
}

static void what_switches_off_above_its_limit_is_not_lowered(void **state)
{
    struct service service;

    (void)state;
    take(&service, "Power",
         "{\"@odata.type\":\"#Power.v1_4_0.Power\",\"PowerControl\":[{\"Name\":\"System\","
         "\"PowerConsumedWatts\":500,"
         "\"PowerLimit\":{\"LimitInWatts\":1205,\"LimitException\":\"HardPowerOff\"}}]}",
         NULL);
    assert_int_equal(service.survey.limit_count, 1);
    assert_float_equal(service.survey.limits[0].value, 1205.0, 1e-9);
    assert_false(service.survey.limits[0].writable);
    assert_non_null(strstr(service.survey.limits[0].why, "HardPowerOff"));
    service_done(&service);
}

static void a_lenovo_has_three_entries_and_one_limit_that_is_off(void **state)
{
    struct service service;

    (void)state;
    take(&service, "Power",
         "{\"@odata.type\":\"#Power.v1_4_0.Power\",\"PowerControl\":[{\"Name\":\"Server\","
         "\"PowerConsumedWatts\":416,"
         "\"PowerLimit\":{\"LimitInWatts\":null,\"LimitException\":\"NoAction\"},\"Oem\":{\"Lenovo\":{"
         "\"PowerUtilization\":"
         "{\"MaxLimitInWatts\":5760,\"MinLimitInWatts\":0}}}},{\"Name\":\"CPU\",\"PowerConsumedWatts\":112},{"
         "\"Name\":\"Memory\","
         "\"PowerConsumedWatts\":null}],\"PowerSupplies\":[{\"Name\":\"PSU1\",\"LastPowerOutputWatts\":345,"
         "\"PowerOutputWatts\":100,"
         "\"PowerInputWatts\":116}],\"Voltages\":[{\"Name\":\"CMOS\",\"ReadingVolts\":3.11}]}",
         NULL);
    assert_int_equal(service.survey.limit_count, 1);
    assert_true(isnan(service.survey.limits[0].value));
    assert_true(redfish_limit_is_off(&service.survey.limits[0]));
    assert_float_equal(service.survey.limits[0].max, 5760.0, 1e-9);
    assert_float_equal(service_reading(&service, "/it#/PowerControl/1/PowerConsumedWatts")->value, 112.0,
                       1e-9);
    assert_true(service_absent(&service, "/it#/PowerControl/2/PowerConsumedWatts"));
    assert_int_equal(service.survey.supply_count, 1);
    assert_float_equal(service.survey.supplies[0].output_w, 100.0, 1e-9);
    assert_float_equal(service_reading(&service, "/it#/Voltages/0")->value, 3.11, 1e-9);
    service_done(&service);
}

static void limits_inside_one_another_are_each_told_once_with_what_they_are_of(void **state)
{
    struct service service;

    (void)state;
    take(
        &service, "EnvironmentMetrics",
        "{\"@odata.type\":\"#EnvironmentMetrics.v1_3_0.EnvironmentMetrics\",\"PowerLimitWatts\":{"
        "\"SetPoint\":5600,"
        "\"AllowableMin\":800,\"AllowableMax\":5600,\"DefaultSetPoint\":5600,\"ControlMode\":\"Automatic\"},"
        "\"Oem\":{\"Nvidia\":{\"EDPpPercent\":{\"SetPoint\":100,\"AllowableMin\":60,\"AllowableMax\":100}}}}",
        NULL);
    assert_int_equal(service.survey.limit_count, 2);
    assert_string_equal(service_limit(&service, "/it")->context, "chassis");
    assert_float_equal(service_limit(&service, "/it")->preset, 5600.0, 1e-9);
    assert_string_equal(service_limit(&service, "/it#/Oem/Nvidia/EDPpPercent")->unit, "%");
    assert_true(service_limit(&service, "/it#/Oem/Nvidia/EDPpPercent")->writable);
    service_done(&service);
}

/* ---- sensors ---- */

static void expect_sensor(const char *more, const char *signal, const char *unit, double value)
{
    struct service service;
    char body[256];

    (void)snprintf(body, sizeof body, "{\"@odata.type\":\"#Sensor.v1_1_0.Sensor\",%s}", more);
    take(&service, "Sensors", body, NULL);
    assert_int_equal(service.survey.reading_count, 1);
    assert_string_equal(service.survey.readings[0].signal, signal);
    assert_string_equal(service.survey.readings[0].unit, unit);
    assert_float_equal(service.survey.readings[0].value, value, 1e-6);
    service_done(&service);
}

static void sensors_of_every_maker_come_in_base_units(void **state)
{
    (void)state;
    expect_sensor("\"Reading\":420,\"ReadingType\":\"Current\",\"ReadingUnits\":\"Watts\"", "sensor_power_w",
                  "W", 420.0);
    expect_sensor("\"Reading\":3,\"ReadingType\":\"EnergykWh\",\"ReadingUnits\":\"kW\"", "sensor_energy_j",
                  "J", 1.08e7);
    expect_sensor("\"Reading\":3,\"ReadingType\":\"EnergykWh\",\"ReadingUnits\":\"kW.h\"", "sensor_energy_j",
                  "J", 1.08e7);
    expect_sensor("\"Reading\":7,\"ReadingType\":\"Power\"", "sensor_power_w", "W", 7.0);
    expect_sensor("\"Reading\":1.5,\"ReadingType\":\"Power\",\"ReadingUnits\":\"kW\"", "sensor_power_w", "W",
                  1500.0);
    expect_sensor("\"Reading\":\"41\",\"ReadingUnits\":\"Cel\"", "sensor_temp_c", "C", 41.0);
    expect_sensor("\"Reading\":16,\"Name\":\"01-Inlet Ambient\"", "sensor_value", "", 16.0);
    expect_sensor("\"Reading\":0,\"ReadingType\":null,\"ReadingUnits\":\"\"", "sensor_value", "", 0.0);
    expect_sensor("\"Reading\":1,\"ReadingUnits\":\"furlong\"", "sensor_value", "furlong", 1.0);
}

/* ---- what is sent ---- */

static void bodies_name_one_limit_and_nothing_else(void **state)
{
    struct redfish_survey_limit limit = { .kind = REDFISH_LIMIT_METRICS, .unit = "W" };
    struct redfish_limit_set set = { .value = 700.0 };
    char body[REDFISH_LIMIT_BODY_MAX];

    (void)state;
    assert_true(redfish_limit_body(&limit, &set, body, sizeof body));
    assert_string_equal(body, "{\"PowerLimitWatts\":{\"SetPoint\":700}}");
    set.mode = "Manual";
    limit.kind = REDFISH_LIMIT_CONTROL;
    assert_true(redfish_limit_body(&limit, &set, body, sizeof body));
    assert_string_equal(body, "{\"SetPoint\":700,\"ControlMode\":\"Manual\"}");
    limit = (struct redfish_survey_limit){ .kind = REDFISH_LIMIT_LEGACY, .unit = "W", .index = 2 };
    assert_true(redfish_limit_body(&limit, &set, body, sizeof body));
    assert_string_equal(body, "{\"PowerControl\":[{},{},{\"PowerLimit\":{\"LimitInWatts\":700}}]}");
    set.value = NAN;
    assert_true(redfish_limit_body(&limit, &set, body, sizeof body));
    assert_string_equal(body, "{\"PowerControl\":[{},{},{\"PowerLimit\":{\"LimitInWatts\":null}}]}");
    limit.index = REDFISH_LIMIT_INDEX_MAX;
    assert_false(redfish_limit_body(&limit, &set, body, sizeof body));
    limit = (struct redfish_survey_limit){ .kind = REDFISH_LIMIT_EDPP, .unit = "%" };
    set = (struct redfish_limit_set){ .value = 80.0 };
    assert_true(redfish_limit_body(&limit, &set, body, sizeof body));
    assert_string_equal(body,
                        "{\"Oem\":{\"Nvidia\":{\"EDPpPercent\":{\"SetPoint\":80,\"Persistency\":false}}}}");
    limit = (struct redfish_survey_limit){ .kind = REDFISH_LIMIT_CONTROL, .unit = "V" };
    set.value = 50.25;
    assert_true(redfish_limit_body(&limit, &set, body, sizeof body));
    assert_string_equal(body, "{\"SetPoint\":50.25}");
    limit.kind = REDFISH_LIMIT_POLICY;
    assert_false(redfish_limit_body(&limit, &set, body, sizeof body));
}

static void one_limit_is_found_again_in_its_resource(void **state)
{
    struct redfish_survey_limit limit = { .kind = REDFISH_LIMIT_LEGACY,
                                          .path = "/p#/PowerControl/1",
                                          .value = 1.0 };
    static const char body[] =
        "{\"@odata.type\":\"#Power.v1_4_0.Power\",\"PowerControl\":[{\"PowerLimit\":{\"LimitInWatts\":5}},"
        "{\"PowerLimit\":{\"LimitInWatts\":6}}]}";

    (void)state;
    assert_int_equal(redfish_limit_reread(&limit, body, strlen(body), NULL), ST_OK);
    assert_float_equal(limit.value, 6.0, 1e-9);
    assert_int_equal(redfish_limit_reread(&limit, "{}", 2, NULL), ST_ABSENT);
    assert_int_equal(redfish_limit_reread(&limit, "no", 2, NULL), ST_CORRUPT);
}

/* ---- reports ---- */

struct seen {
    int count, stale;
    double last;
    int64_t last_us;
    char property[64];
};

static void on_value(const struct redfish_report_value *value, void *arg)
{
    struct seen *seen = arg;

    seen->count++;
    seen->stale += value->stale;
    seen->last = value->value;
    seen->last_us = value->at_us;
    (void)snprintf(seen->property, sizeof seen->property, "%s", value->property);
}

#define VALUE(v, t, more)                                                                                    \
    "{\"MetricProperty\":\"/s/1\",\"MetricValue\":\"" v "\",\"Timestamp\":\"" t "\"" more "}"

static void a_reports_texts_times_and_stale_marks_are_read(void **state)
{
    static const char body[] =
        "{\"@odata.id\":\"/r\", \"MetricValues\" : [ " VALUE(
            "230133110.593000",
            "2024-08-23T20:06:25.129+00:00", "") " , " VALUE("nan", "2024-08-23T20:06:24+00:00",
                                                             ",\"Oem\":{\"Nvidia\":{\"MetricValueStale\":"
                                                             "true}}") ",17,null," VALUE("5", "never",
                                                                                         "") "], "
                                                                                             "\"Oem\":{"
                                                                                             "\"Nvidia\":{"
                                                                                             "\"SensingInterv"
                                                                                             "alMilliseconds"
                                                                                             "\":250}}, "
                                                                                             "\"Name\":\"]}"
                                                                                             "\" }";
    struct redfish_report_head head;
    struct seen seen = { 0 };

    (void)state;
    assert_int_equal(redfish_report_scan(body, strlen(body), on_value, &seen, &head), ST_OK);
    assert_int_equal(seen.count, 3);
    assert_int_equal(head.stale, 1);
    assert_float_equal(seen.last, 5.0, 1e-9);
    assert_int_equal(seen.last_us, 0);
    assert_string_equal(seen.property, "/s/1");
    assert_float_equal(head.interval_s, 0.25, 1e-9);
    assert_int_equal(head.newest_us - head.oldest_us, 1129000);
}

static void a_report_that_is_cut_off_gives_what_came_and_says_so(void **state)
{
    static const char whole[] = "{\"MetricValues\":[" VALUE("1", "", "") "," VALUE("2", "", "") "]}";
    struct redfish_report_head head;
    struct seen seen = { 0 };

    (void)state;
    for (size_t size = 0; size < strlen(whole); size++)
        assert_int_equal(redfish_report_scan(whole, size, on_value, &seen, &head), ST_CORRUPT);
    seen.count = 0;
    assert_int_equal(redfish_report_scan(whole, strlen(whole), on_value, &seen, &head), ST_OK);
    assert_int_equal(seen.count, 2);
    assert_int_equal(redfish_report_scan("{}", 2, on_value, &seen, &head), ST_OK);
    assert_int_equal(redfish_report_scan("{\"MetricValues\":[]}", 19, on_value, &seen, &head), ST_OK);
    assert_int_equal(redfish_report_scan("[]", 2, on_value, &seen, &head), ST_CORRUPT);
}

/* As Lenovo's PowerMetrics: 25920 values, 4.6 MB, the newest first. */
static void a_report_of_megabytes_is_read_value_by_value(void **state)
{
    static const char one[] =
        "{\"Timestamp\":\"2023-02-13T17:38:30+00:00\",\"MetricValue\":\"365\",\"MetricProperty\":"
        "\"/redfish/v1/Chassis/1/Power#/PowerControl/0/PowerMetrics/MaxConsumedWatts\",\"Pad\":\"......\"},";
    const int count = 25920;
    size_t size = (size_t)count * (sizeof one - 1), at = 0;
    char *body = malloc(size + 64);
    struct redfish_report_head head;
    struct seen seen = { 0 };

    (void)state;
    assert_non_null(body);
    at = (size_t)snprintf(body, 64, "{\"MetricValues\":[");
    for (int i = 0; i < count; i++, at += sizeof one - 1)
        memcpy(body + at, one, sizeof one - 1);
    body[at - 1] = ']';
    body[at++] = '}';
    assert_true(at > 4000000);
    assert_int_equal(redfish_report_scan(body, at, on_value, &seen, &head), ST_OK);
    assert_int_equal(seen.count, count);
    assert_float_equal(seen.last, 365.0, 1e-9);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percent_and_no_unit_are_never_watts),
        cmocka_unit_test(a_cray_control_has_its_range_under_old_names),
        cmocka_unit_test(the_non_volatile_twin_is_shown_and_not_written),
        cmocka_unit_test(a_resource_that_takes_no_patch_is_not_written),
        cmocka_unit_test(what_switches_off_above_its_limit_is_not_lowered),
        cmocka_unit_test(a_lenovo_has_three_entries_and_one_limit_that_is_off),
        cmocka_unit_test(limits_inside_one_another_are_each_told_once_with_what_they_are_of),
        cmocka_unit_test(sensors_of_every_maker_come_in_base_units),
        cmocka_unit_test(bodies_name_one_limit_and_nothing_else),
        cmocka_unit_test(one_limit_is_found_again_in_its_resource),
        cmocka_unit_test(a_reports_texts_times_and_stale_marks_are_read),
        cmocka_unit_test(a_report_that_is_cut_off_gives_what_came_and_says_so),
        cmocka_unit_test(a_report_of_megabytes_is_read_value_by_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
