/* SPDX-License-Identifier: Apache-2.0 */
/* test_redfish_json.c: what BMCs write, whole, half and wrong, as numbers or none. */
#include "field/redfish_json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum status metrics_of(const char *body, struct redfish_json_metrics *ret)
{
    return redfish_json_metrics(body, strlen(body), ret);
}

static bool is(double value, double want)
{
    return fabs(value - want) < 1e-9;
}

static void a_gpus_metrics_are_read_in_full(void **state)
{
    struct redfish_json_metrics m;

    (void)state;
    assert_int_equal(
        metrics_of("{\"PowerWatts\":{\"Reading\":84.821},\"EnergyJoules\":{\"Reading\":787380.0},"
                   "\"TemperatureCelsius\":{\"Reading\":54},\"PowerLimitWatts\":{\"SetPoint\":900,"
                   "\"AllowableMin\":100,\"AllowableMax\":1200,\"DefaultSetPoint\":1000,"
                   "\"ControlMode\":\"Automatic\",\"DataSourceUri\":\"/redfish/v1/Controls/GPU_0\"}}\n",
                   &m),
        ST_OK);
    assert_true(is(m.power_w, 84.821) && is(m.energy_j, 787380.0) && is(m.temp_c, 54.0));
    assert_true(m.has_limit && is(m.limit_set_w, 900.0) && is(m.limit_min_w, 100.0) &&
                is(m.limit_max_w, 1200.0));
    assert_true(is(m.limit_default_w, 1000.0));
    assert_string_equal(m.mode, "Automatic");
    assert_string_equal(m.units, "");
    assert_false(m.nonvolatile);
    assert_false(redfish_json_disabled(&m));
    assert_true(is(redfish_json_limit_w(&m), 900.0));
}

static void nulls_and_absent_members_are_nan_and_strings_are_numbers(void **state)
{
    struct redfish_json_metrics m;

    (void)state;
    assert_int_equal(metrics_of("{\"PowerWatts\":{\"Reading\":\"230.5\"},\"EnergyJoules\":null,"
                                "\"TemperatureCelsius\":{\"Reading\":\"54 C\"},\"PowerLimitWatts\":null}",
                                &m),
                     ST_OK);
    assert_true(is(m.power_w, 230.5));
    assert_true(isnan(m.energy_j) && isnan(m.temp_c) && isnan(m.limit_set_w) &&
                isnan(redfish_json_limit_w(&m)));
    assert_false(m.has_limit);
    assert_int_equal(metrics_of("{}", &m), ST_OK);
    assert_true(isnan(m.power_w));
    assert_int_equal(metrics_of("{\"PowerWatts\":[1],\"PowerLimitWatts\":7}", &m), ST_OK);
    assert_true(isnan(m.power_w));
    assert_false(m.has_limit);
    assert_int_equal(
        metrics_of("{\"PowerWatts\":{\"Reading\":\"nan\"},\"EnergyJoules\":{\"Reading\":1e999}}", &m), ST_OK);
    assert_true(isnan(m.power_w) && isnan(m.energy_j));
}

static void without_a_set_point_or_disabled_the_maximum_is_in_force(void **state)
{
    struct redfish_json_metrics m;

    (void)state;
    assert_int_equal(metrics_of("{\"PowerLimitWatts\":{\"SetPoint\":null,\"AllowableMax\":1400}}", &m),
                     ST_OK);
    assert_true(is(redfish_json_limit_w(&m), 1400.0));
    assert_int_equal(
        metrics_of(
            "{\"PowerLimitWatts\":{\"SetPoint\":300,\"AllowableMax\":1400,\"ControlMode\":\"Disabled\"}}",
            &m),
        ST_OK);
    assert_true(redfish_json_disabled(&m));
    assert_true(is(redfish_json_limit_w(&m), 1400.0));
    assert_true(is(m.limit_set_w, 300.0));
}

static void units_exceptions_and_non_volatile_twins_are_seen(void **state)
{
    struct redfish_json_metrics m;

    (void)state;
    assert_int_equal(metrics_of("{\"PowerLimitWatts\":{\"SetPoint\":80,\"SetPointUnits\":\"%\","
                                "\"LimitException\":\"HardPowerOff\","
                                "\"DataSourceUri\":\"/redfish/v1/Controls/EDPpPowerNonvolatile_0\"}}",
                                &m),
                     ST_OK);
    assert_string_equal(m.units, "%");
    assert_string_equal(m.exception, "HardPowerOff");
    assert_true(m.nonvolatile);
}

static void what_is_no_object_is_corrupt(void **state)
{
    static const char *const bad[] = {
        "", " ", "[]", "\"\"", "7", "null", "{", "{\"a\":1}x", "{\"a\":1,}", "<html>404</html>", "{\"a\"}",
    };
    struct redfish_json_metrics m;
    char deep[200];
    size_t used = 0;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(metrics_of(bad[i], &m), ST_CORRUPT);
    for (int i = 0; i < 40; i++)
        used += (size_t)snprintf(deep + used, sizeof deep - used, "{\"\":");
    assert_int_equal(redfish_json_metrics(deep, used, &m), ST_CORRUPT);
    /* The size counts, not a NUL. */
    assert_int_equal(redfish_json_metrics("{}garbage", 2, &m), ST_OK);
}

static void the_service_root_names_its_maker_and_its_sessions(void **state)
{
    static const char body[] =
        "{\"UUID\":\"21ec4218-bd70-4a73-a476-990523953642\",\"Vendor\":\"NVIDIA\","
        "\"RedfishVersion\":\"1.17.0\",\"Links\":{\"Sessions\":{\"@odata.id\":\"/x/Sessions\"}}}";
    struct redfish_json_root root;

    (void)state;
    assert_int_equal(redfish_json_root(body, strlen(body), &root), ST_OK);
    assert_string_equal(root.uuid, "21ec4218bd704a73a476990523953642");
    assert_string_equal(root.product, "NVIDIA");
    assert_string_equal(root.version, "1.17.0");
    assert_string_equal(root.sessions, "/x/Sessions");
    assert_int_equal(redfish_json_root("{\"Links\":[]}", 12, &root), ST_OK);
    assert_string_equal(root.uuid, "");
    assert_string_equal(root.sessions, "");
}

static void errors_of_every_kind_become_one_line(void **state)
{
    static const char *const cases[][2] = {
        {"{\"error\":{\"code\":\"Base.1.0.GeneralError\",\"message\":\"see\",\"@Message.ExtendedInfo\":[{"
         "\"MessageId\":"
         "\"Base.1.15.PropertyValueIncorrect\",\"Message\":\"The value\\n700.5 is wrong\"}]}}",
         "Base.1.15.PropertyValueIncorrect: The value?700.5 is wrong"},
        {"{\"error\":{\"code\":\"Base.1.0.ServiceTemporarilyUnavailable\",\"message\":\"busy\"}}",
         "Base.1.0.ServiceTemporarilyUnavailable: busy"},
        {"{\"Status\":400,\"Message\":\"out of range\"}", "out of range"},
        {"{\"error\":{\"@Message.ExtendedInfo\":[]}}", ""},
        {"\"\"", ""},
        {"", ""},
        {"<html></html>", ""},
    };
    char text[REDFISH_JSON_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        redfish_json_error(cases[i][0], strlen(cases[i][0]), text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void a_full_session_table_is_known_by_its_message(void **state)
{
    static const char idrac[] =
        "{\"error\":{\"@Message.ExtendedInfo\":[{\"MessageId\":\"IDRAC.2.8.RAC0218\"}]}}";
    static const char busy[] = "{\"error\":{\"code\":\"Base.1.0.ServiceTemporarilyUnavailable\"}}";

    (void)state;
    assert_true(redfish_json_sessions_full(idrac, strlen(idrac)));
    assert_false(redfish_json_sessions_full(busy, strlen(busy)));
    assert_false(redfish_json_sessions_full("", 0));
}

static void a_login_quotes_what_a_password_may_hold(void **state)
{
    char body[128], small[20];

    (void)state;
    assert_true(redfish_json_login("root", "a\"b\\c/d", body, sizeof body));
    assert_string_equal(body, "{\"UserName\":\"root\",\"Password\":\"a\\\"b\\\\c/d\"}");
    assert_false(redfish_json_login("root", "password", small, sizeof small));
}

/* A captured tree of a real machine, where it is at hand. */
static void a_captured_gh200_reads_as_its_maker_shows_it(void **state)
{
    const char *data = getenv("BUSBAR_DATA");
    struct redfish_json_metrics m;
    char path[512], body[8192];
    size_t size;
    FILE *file;

    (void)state;
    (void)snprintf(path, sizeof path,
                   "%s/redfish/nvidia-gh200/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_0/"
                   "EnvironmentMetrics/index.json",
                   data ? data : "../shared/data");
    file = fopen(path, "r");
    if (!file) {
        print_message("skip: no %s\n", path);
        skip();
        return;
    }
    size = fread(body, 1, sizeof body, file);
    (void)fclose(file);
    assert_int_equal(redfish_json_metrics(body, size, &m), ST_OK);
    assert_true(is(m.power_w, 84.821) && is(m.limit_set_w, 900.0) && is(m.limit_min_w, 100.0));
    assert_false(m.nonvolatile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gpus_metrics_are_read_in_full),
        cmocka_unit_test(nulls_and_absent_members_are_nan_and_strings_are_numbers),
        cmocka_unit_test(without_a_set_point_or_disabled_the_maximum_is_in_force),
        cmocka_unit_test(units_exceptions_and_non_volatile_twins_are_seen),
        cmocka_unit_test(what_is_no_object_is_corrupt),
        cmocka_unit_test(the_service_root_names_its_maker_and_its_sessions),
        cmocka_unit_test(errors_of_every_kind_become_one_line),
        cmocka_unit_test(a_full_session_table_is_known_by_its_message),
        cmocka_unit_test(a_login_quotes_what_a_password_may_hold),
        cmocka_unit_test(a_captured_gh200_reads_as_its_maker_shows_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
