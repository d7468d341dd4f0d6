/* SPDX-License-Identifier: Apache-2.0 */
/* test_redfish_model.c: finding one's way in a BMC: links, pages, $expand, loops, and
 * what is not there. Payloads as real services have been seen to send them.
 */
#include "unit/redfish_service.h"

#include "field/redfish_endpoint.h"
#include "field/redfish_mask.h"
#include "field/redfish_value.h"

#define ROOT(more)                                                                                           \
    "{\"@odata.type\":\"#ServiceRoot.v1_15_0.ServiceRoot\",\"RedfishVersion\":\"1.15.0\"" more "}"
#define CHASSIS ",\"Chassis\":" LINK("/x/all")
#define SENSOR(path, value)                                                                                  \
    "{\"@odata.id\":\"" path                                                                                 \
    "\",\"@odata.type\":\"#Sensor.v1_2_0.Sensor\",\"Name\":\"n\",\"Reading\":" value                         \
    ",\"ReadingType\":\"Power\",\"ReadingUnits\":\"W\"}"
#define LIST(kind, members)                                                                                  \
    "{\"@odata.type\":\"#" kind "Collection." kind "Collection\",\"Members\":[" members "]}"

static void everything_is_found_by_links_and_no_path_is_guessed(void **state)
{
    static const struct service_row rows[] = {
        { "/redfish/v1/", ROOT(",\"Systems\":" LINK("/odd/machines/") CHASSIS ",\"Vendor\":\"Acme\""), 0,
          NULL },
        { "/odd/machines", LIST("ComputerSystem", LINK("/odd/one#frag")), 0, NULL },
        { "/odd/one",
          "{\"@odata.type\":\"#ComputerSystem.v1_5_0.ComputerSystem\",\"Model\":\"M1\",\"Processors\":" LINK(
              "/p#") "}",
          0, NULL },
        { "/p", LIST("Processor", LINK("/p/G PU") "," LINK("/p/CPU")), 0, NULL },
        { "/p/G PU",
          "{\"@odata.type\":\"#Processor.v1_5_0.Processor\",\"ProcessorType\":\"GPU\","
          "\"EnvironmentMetrics\":" LINK("/em/1") "}",
          0, NULL },
        { "/p/CPU", "{\"@odata.type\":\"#Processor.v1_5_0.Processor\",\"ProcessorType\":\"CPU\"}", 0, NULL },
        { "/em/1",
          "{\"@odata.type\":\"#EnvironmentMetrics.v1_3_0.EnvironmentMetrics\",\"PowerWatts\":{\"Reading\":"
          "\"513.25\","
          "\"DataSourceUri\":\"/s/1\"},\"EnergykWh\":{\"Reading\":2}}",
          0, NULL },
        { "/x/all", LIST("Chassis", LINK("/x/1")), 0, NULL },
        { "/x/1", "{\"@odata.type\":\"#Chassis.v1_2_0.Chassis\",\"Sensors\":" LINK("/s") "}", 0, NULL },
        { "/s", LIST("Sensor", LINK("/s/1") "," LINK("/s/2")), 0, NULL },
        { "/s/1", SENSOR("/s/1", "513.25"), 0, NULL },
        { "/s/2", SENSOR("/s/2", "7"), 0, NULL },
        { NULL, NULL, 0, NULL },
    };
    struct service service;

    (void)state;
    service_walk(&service, rows, 0);
    assert_int_equal(service.asked_count, 12);
    assert_true(service.survey.complete);
    assert_int_equal(service.survey.gpus, 1);
    assert_int_equal(service.survey.cpus, 1);
    assert_string_equal(service.survey.vendor, "Acme");
    assert_string_equal(service.survey.model, "M1");
    /* The sensor is one reading, whoever shows it; the processor says what it measures. */
    assert_int_equal(service.survey.reading_count, 3);
    assert_non_null(service_reading(&service, "/s/1"));
    assert_string_equal(service_reading(&service, "/s/1")->signal, "gpu_power_w");
    assert_float_equal(service_reading(&service, "/s/1")->value, 513.25, 1e-9);
    assert_string_equal(service_reading(&service, "/s/2")->signal, "sensor_power_w");
    assert_float_equal(service_reading(&service, "/em/1#/EnergykWh")->value, 7.2e6, 1e-3);
    assert_int_equal(service_reading(&service, "/s/1")->age_us, 9000);
    assert_int_equal(service.survey.error_count + service.survey.absent_count, 0);
    assert_true(service.survey.properties_understood >= 15);
    service_done(&service);
}

#define LONG_ID                                                                                              \
    "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void what_is_left_out_for_its_long_path_is_not_called_whole(void **state)
{
    static const struct service_row rows[] = {
        { "/redfish/v1/", ROOT(CHASSIS), 0, NULL },
        { "/x/all", LIST("Chassis", LINK(LONG_ID LONG_ID LONG_ID)), 0, NULL },
        { NULL, NULL, 0, NULL },
    };
    static const struct service_row linked[] = {
        { "/redfish/v1/", ROOT(",\"Chassis\":" LINK(LONG_ID LONG_ID LONG_ID)), 0, NULL },
        { NULL, NULL, 0, NULL },
    };
    struct service service;

    (void)state;
    service_walk(&service, rows, 0);
    assert_false(service.survey.complete);
    service_done(&service);
    service_walk(&service, linked, 0);
    assert_false(service.survey.complete);
    service_done(&service);
}

static void a_root_that_answers_without_its_slash_only_is_met(void **state)
{
    static const struct service_row rows[] = { { "/redfish/v1", ROOT(""), 0, NULL },
                                               { NULL, NULL, 0, NULL } };
    struct service service;

    (void)state;
    service_walk(&service, rows, 0);
    assert_int_equal(service.asked_count, 2);
    assert_string_equal(service.survey.redfish_version, "1.15.0");
    service_done(&service);
}

static void pages_are_turned_until_there_is_no_next_and_a_loop_of_them_ends(void **state)
{
    static const struct service_row rows[] = {
        { "/redfish/v1/", ROOT(CHASSIS), 0, NULL },
        { "/x/all",
          "{\"@odata.type\":\"#ChassisCollection.ChassisCollection\",\"Members\":[" LINK(
              "/x/1") "],\"Members@odata.nextLink\":\"/x/all?$skip=1\"}",
          0, NULL },
        { "/x/all?$skip=1",
          "{\"@odata.type\":\"#ChassisCollection.ChassisCollection\",\"Members\":[" LINK(
              "/x/2") "],\"Members@odata.nextLink\":\"/x/all?$skip=2\"}",
          0, NULL },
        { "/x/all?$skip=2",
          "{\"Members\":[" LINK("/x/3") "," LINK("/x/1") "],\"Members@odata.nextLink\":\"/x/all?$skip=1\"}",
          0, NULL },
        { "/x/1", "{\"@odata.type\":\"#Chassis.v1_2_0.Chassis\"}", 0, NULL },
        { "/x/2", "{\"@odata.type\":\"#Chassis.v1_2_0.Chassis\"}", 0, NULL },
        { "/x/3", "{\"@odata.type\":\"#Chassis.v1_2_0.Chassis\",\"Links\":{\"Contains\":[" LINK("/x/1") "]}}",
          0, NULL },
        { NULL, NULL, 0, NULL },
    };
    struct service service;

    (void)state;
    service_walk(&service, rows, 0);
    assert_int_equal(service.asked_count, 7);
    assert_int_equal(service_count_asked(&service, "/x/3"), 1);
    assert_true(service.survey.complete);
    service_done(&service);
}

static void members_that_are_null_and_links_that_dangle_are_absent_and_no_error(void **state)
{
    static const struct service_row rows[] = {
        { "/redfish/v1/", ROOT(CHASSIS ",\"Managers\":" LINK("/m") ",\"Systems\":" LINK("/gone")), 0, NULL },
        { "/x/all", "{\"@odata.type\":\"#ChassisCollection.ChassisCollection\",\"Members\":null}", 0, NULL },
        { "/m", LIST("Manager", LINK("https://192.168.1.44/m/1") "," LINK("//other/m/2") ",{},17,null"), 0,
          NULL },
        { NULL, NULL, 0, NULL },
    };
    struct service service;

    (void)state;
    service_walk(&service, rows, 0);
    /* /gone was tried, then the place where the standard has it, and no other host. */
    assert_int_equal(service.asked_count, 5);
    assert_int_equal(service_count_asked(&service, "/redfish/v1/Systems"), 1);
    assert_int_equal(service.survey.error_count, 0);
    assert_true(service_absent(&service, "/redfish/v1/Systems"));
    assert_true(service.survey.complete);
    service_done(&service);
}

static void a_link_to_the_wrong_place_is_mended_by_the_standards_own(void **state)
{
    static const struct service_row rows[] = {
        { "/redfish/v1/", ROOT(CHASSIS), 0, NULL },
        { "/x/all", LIST("Chassis", LINK("/x/1")), 0, NULL },
        { "/x/1", "{\"@odata.type\":\"#Chassis.v1_2_0.Chassis\",\"PowerSubsystem\":" LINK("/x/1/Sensors") "}",
          0, NULL },
        { "/x/1/Sensors", LIST("Sensor", LINK("/x/1/Sensors/a")), 0, NULL },
        { "/x/1/Sensors/a", SENSOR("/x/1/Sensors/a", "5"), 0, NULL },
        { "/x/1/PowerSubsystem",
          "{\"@odata.type\":\"#PowerSubsystem.v1_1_0.PowerSubsystem\",\"PowerSupplies\":" LINK("/x/ps") "}",
          0, NULL },
        { "/x/ps", LIST("PowerSupply", LINK("/x/ps/1") "," LINK("/x/ps/1")), 0, NULL },
        { "/x/ps/1",
          "{\"@odata.type\":\"#PowerSupply.v1_1_0.PowerSupply\",\"Name\":\"PSU\",\"PowerCapacityWatts\":3000,"
          "\"Metrics\":" LINK("/x/ps/1/m") "}",
          0, NULL },
        { "/x/ps/1/m",
          "{\"@odata.type\":\"#PowerSupplyMetrics.v1_0_0.PowerSupplyMetrics\",\"InputPowerWatts\":"
          "{\"Reading\":1100},\"OutputPowerWatts\":{\"Reading\":1000},\"RailVoltage\":[{\"Reading\":49.5},"
          "{\"Reading\":12.1}]}",
          0, NULL },
        { NULL, NULL, 0, NULL },
    };
    struct service service;

    (void)state;
    service_walk(&service, rows, 0);
    assert_non_null(service_reading(&service, "/x/1/Sensors/a"));
    assert_int_equal(service.survey.supply_count, 1);
    assert_float_equal(service.survey.supplies[0].capacity_w, 3000.0, 1e-9);
    assert_float_equal(service.survey.supplies[0].input_w, 1100.0, 1e-9);
    assert_float_equal(service.survey.supplies[0].output_w, 1000.0, 1e-9);
    assert_float_equal(service_reading(&service, "/x/ps/1/m#/RailVoltage/1")->value, 12.1, 1e-9);
    assert_string_equal(service_reading(&service, "/x/ps/1/m#/InputPowerWatts")->signal, "psu_input_w");
    service_done(&service);
}

/* ---- $expand ---- */

#define EXPANDS(more)                                                                                        \
    ROOT(CHASSIS ",\"ProtocolFeaturesSupported\":{\"ExpandQuery\":{\"NoLinks\":true,\"Levels\":true,"        \
                 "\"MaxLevels\":6}}" more)
#define CHASSIS_ROWS                                                                                         \
    { "/x/all", LIST("Chassis", LINK("/x/1")), 0, NULL },                                                    \
    {                                                                                                        \
        "/x/1",                                                                                              \
            "{\"@odata.type\":\"#Chassis.v1_2_0.Chassis\",\"Sensors\":" LINK("/s") ",\"Controls\":" LINK(    \
                "/c") "}",                                                                                   \
            0, NULL                                                                                          \
    }

static void members_come_along_where_expand_is_offered_and_works(void **state)
{
    static const struct service_row rows[] = {
        { "/redfish/v1/", EXPANDS(""), 0, NULL },
        CHASSIS_ROWS,
        { "/s?$expand=.($levels=1)", LIST("Sensor", SENSOR("/s/1", "1.5") "," SENSOR("/s/2", "2.5")), 0,
          NULL },
        { "/c?$expand=.($levels=1)",
          LIST("Control", "{\"@odata.id\":\"/c/1\",\"@odata.type\":\"#Control.v1_0_0.Control\","
                          "\"SetPoint\":500,\"SetPointUnits\":\"W\"}"),
          0, NULL },
        { NULL, NULL, 0, NULL },
    };
    struct service service;

    (void)state;
    service_walk(&service, rows, 0);
    assert_int_equal(service.asked_count, 5);
    assert_true(service.survey.expand_works);
    assert_float_equal(service_reading(&service, "/s/2")->value, 2.5, 1e-9);
    assert_true(service_limit(&service, "/c/1")->writable);
    service_done(&service);
}

static void expand_that_is_refused_or_ignored_is_not_asked_for_again(void **state)
{
    static const int codes[] = { 400, 404, 500, 501, 0 };

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct service_row rows[] = {
            { "/redfish/v1/", EXPANDS(""), 0, NULL },
            CHASSIS_ROWS,
            { "/s?$expand=.($levels=1)", LIST("Sensor", LINK("/s/1")), codes[i], NULL },
            { "/s", LIST("Sensor", LINK("/s/1")), 0, NULL },
            { "/s/1", SENSOR("/s/1", "1.5"), 0, NULL },
            { "/c", LIST("Control", ""), 0, NULL },
            { NULL, NULL, 0, NULL },
        };
        struct service service;

        service_walk(&service, rows, 0);
        assert_false(service.survey.expand_works);
        assert_non_null(service_reading(&service, "/s/1"));
        assert_int_equal(service.survey.error_count + service.survey.absent_count, 0);
        assert_int_equal(service_count_asked(&service, "/c?$expand=.($levels=1)"), 0);
        service_done(&service);
    }
}

static void
expand_is_never_asked_of_a_service_that_does_not_say_it_can_nor_of_one_that_cannot_well(void **state)
{
    static const struct service_row plain[] = { { "/redfish/v1/", ROOT(CHASSIS), 0, NULL },
                                                CHASSIS_ROWS,
                                                { "/s", LIST("Sensor", ""), 0, NULL },
                                                { NULL, NULL, 0, NULL } };
    static const struct service_row ami[] = { { "/redfish/v1/", EXPANDS(",\"Oem\":{\"Ami\":{}}"), 0, NULL },
                                              CHASSIS_ROWS,
                                              { "/s", LIST("Sensor", ""), 0, NULL },
                                              { NULL, NULL, 0, NULL } };
    struct service service;

    (void)state;
    service_walk(&service, plain, 0);
    assert_int_equal(service_count_asked(&service, "/s"), 1);
    service_done(&service);
    service_walk(&service, ami, 0);
    assert_int_equal(service_count_asked(&service, "/s"), 1);
    assert_string_equal(service.survey.bmc_kind, "ami");
    service_done(&service);
}

/* ---- trouble ---- */

static void an_error_object_in_a_good_answer_is_absent_and_trouble_is_an_error(void **state)
{
    static const struct service_row rows[] = {
        { "/redfish/v1/", ROOT(CHASSIS), 0, NULL },
        CHASSIS_ROWS,
        { "/s",
          LIST("Sensor", LINK("/s/1") "," LINK("/s/2") "," LINK("/s/3") "," LINK("/s/4") "," LINK("/s/5")), 0,
          NULL },
        { "/s/1", "{\"error\":{\"code\":\"Base.1.15.0.InternalError\"}}", 0, NULL },
        { "/s/2", "", 500, NULL },
        { "/s/3", "<html>Not what you think</html>", 0, NULL },
        { "/s/4", SENSOR("/s/4", "null"), 0, NULL },
        { "/s/5",
          "{\"@odata.id\":\"/s/"
          "5\",\"@odata.type\":\"#Sensor.v1_2_0.Sensor\",\"Status\":{\"State\":\"Absent\"}}",
          0, NULL },
        { "/c", "", 403, NULL },
        { NULL, NULL, 0, NULL },
    };
    struct service service;

    (void)state;
    service_walk(&service, rows, 0);
    assert_true(service_absent(&service, "/s/1"));
    assert_true(service_absent(&service, "/s/4"));
    assert_true(service_absent(&service, "/s/5"));
    assert_int_equal(service.survey.reading_count, 0);
    assert_int_equal(service.survey.error_count, 3);
    for (int32_t i = 0; i < 3; i++) {
        const struct redfish_survey_error *error = &service.survey.errors[i];

        assert_int_equal(error->status, error->path[1] == 'c' ? ST_REFUSED
                                        : error->code == 500  ? ST_NACK
                                                              : ST_CORRUPT);
    }
    service_done(&service);
}

static void what_is_left_out_for_a_bound_is_said(void **state)
{
    static const struct service_row rows[] = {
        { "/redfish/v1/", ROOT(CHASSIS), 0, NULL },
        { "/x/all", LIST("Chassis", LINK("/x/1") "," LINK("/x/2") "," LINK("/x/3")), 0, NULL },
        { NULL, NULL, 0, NULL },
    };
    struct service service;

    (void)state;
    service_walk(&service, rows, 4);
    assert_int_equal(service.asked_count, 4);
    assert_false(service.survey.complete);
    service_done(&service);
}

static void a_tree_without_a_bottom_ends(void **state)
{
    char target[REDFISH_SURVEY_PATH_MAX + 48], body[512];
    struct redfish_survey survey;
    struct redfish_model model;
    int asked = 0;

    (void)state;
    redfish_model_init(&model, &survey, 0);
    for (int32_t item; (item = redfish_model_next(&model, target, sizeof target)) >= 0 && asked < 100;
         asked++) {
        struct redfish_model_doc doc = { .item = item, .body = body };

        doc.size = (size_t)snprintf(
            body, sizeof body,
            asked == 0 ? ROOT(",\"Links\":{\"ManagerProvidingService\":{\"@odata.id\":\"/deep/%d\"}}")
                       : "{\"@odata.type\":\"#Chassis.v1_0_0.Chassis\",\"Links\":{\"Contains\":["
                         "{\"@odata.id\":\"/deep/%d\"}]}}",
            asked + 1);
        redfish_model_take(&model, &doc);
    }
    redfish_model_finish(&model, 0);
    assert_int_equal(asked, REDFISH_WALK_DEPTH_MAX + 1);
    assert_false(survey.complete);
    redfish_model_done(&model);
    redfish_survey_done(&survey);
}

/* ---- who it is ---- */

static void the_kind_of_bmc_and_its_clock_are_told(void **state)
{
    static const struct service_row rows[] = {
        { "/redfish/v1/",
          ROOT(",\"Managers\":" LINK("/m") ",\"Links\":{\"ManagerProvidingService\":" LINK(
              "/m/b") ",\"Sessions\":" LINK("/ss") "},\"EventService\":" LINK("/e") ",\"SessionService\""
                                                                                    ":" LINK("/ses")),
          0, NULL },
        { "/m", LIST("Manager", LINK("/m/a") "," LINK("/m/b")), 0, NULL },
        { "/m/a",
          "{\"@odata.type\":\"#Manager.v1_0_0.Manager\",\"Id\":\"a\",\"FirmwareVersion\":\"1\",\"Oem\":{"
          "\"OpenBmc\":{}}}",
          0, NULL },
        { "/m/b",
          "{\"@odata.type\":\"#Manager.v1_0_0.Manager\",\"Id\":\"b\",\"FirmwareVersion\":\"2\","
          "\"ManagerType\":\"BMC\"}",
          0, NULL },
        { "/e", "{\"@odata.type\":\"#EventService.v1_0_0.EventService\",\"ServerSentEventUri\":\"/e/SSE\"}",
          0, NULL },
        { "/ses", "{\"@odata.type\":\"#SessionService.v1_0_0.SessionService\",\"SessionTimeout\":300}", 0,
          NULL },
        { NULL, NULL, 0, NULL },
    };
    struct service service;

    (void)state;
    service_walk(&service, rows, 0);
    assert_string_equal(service.survey.bmc_kind, "openbmc");
    assert_string_equal(service.survey.firmware, "2");
    assert_string_equal(service.survey.events, "/e/SSE");
    assert_float_equal(service.survey.session_timeout_s, 300.0, 1e-9);
    assert_int_equal(service.survey.manager_count, 2);
    service_done(&service);
}

static void endpoints_of_power_managers_are_told_apart_by_their_patterns(void **state)
{
    struct redfish_survey_endpoint *list;
    int32_t count, row;

    (void)state;
    assert_true(redfish_endpoint_fits("/a/GPU_*/b", "/a/GPU_0/b"));
    assert_true(redfish_endpoint_fits("/a/*", "/a/x y"));
    assert_false(redfish_endpoint_fits("/a/GPU_*/b", "/a/GPU_0/b/c"));
    assert_false(redfish_endpoint_fits("/a/GPU_*/b", "/a/GPU_/b"));
    assert_false(redfish_endpoint_fits("/a/*", "/a"));
    assert_false(redfish_endpoint_fits("/a/*", "/a/b/c"));
    list = redfish_endpoint_list(&count);
    assert_true(count >= 35);
    row = redfish_endpoint_find(list, count, "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_SXM_3");
    assert_string_equal(list[row].pattern, "/redfish/v1/Systems/*/Processors/GPU_SXM_*");
    assert_int_equal(redfish_endpoint_find(list, count, "/redfish/v1/Chassis/other"), -1);
    free(list);
}

/* ---- pieces ---- */

static void times_of_every_maker_are_read(void **state)
{
    (void)state;
    assert_int_equal(redfish_value_time_us("1970-01-01T00:00:01Z"), 1000000);
    assert_int_equal(redfish_value_time_us("2024-08-23T20:06:25.129+00:00"), INT64_C(1724443585129000));
    assert_int_equal(redfish_value_time_us("2024-08-23T14:06:25-0600"), INT64_C(1724443585000000));
    assert_int_equal(redfish_value_time_us("2016-07-25T11:27:59.795513984+02:00"), INT64_C(1469438879795513));
    assert_int_equal(redfish_value_time_us("2024-02-29T00:00:00"), INT64_C(1709164800000000));
    assert_int_equal(redfish_value_time_us("yesterday"), 0);
    assert_int_equal(redfish_value_time_us("2024-13-01T00:00:00Z"), 0);
    assert_int_equal(redfish_value_time_us("2024-08-23T20:06:25+99:00"), 0);
    assert_int_equal(redfish_value_time_us(""), 0);
    assert_float_equal(redfish_value_duration_s("PT1.000S"), 1.0, 1e-9);
    assert_float_equal(redfish_value_duration_s("PT0H0M5S"), 5.0, 1e-9);
    assert_float_equal(redfish_value_duration_s("P1DT2H"), 93600.0, 1e-9);
    assert_true(isnan(redfish_value_duration_s("PT")));
    assert_true(isnan(redfish_value_duration_s("1S")));
    assert_true(isnan(redfish_value_duration_s("PT5M5")));
    assert_true(isnan(redfish_value_duration_s("P5M")));
}

static void masks_of_profiles_are_read_and_written_as_hex(void **state)
{
    struct redfish_survey_mask a, b, rest;
    char text[REDFISH_MASK_TEXT_MAX];

    (void)state;
    redfish_mask_parse("0x00000000000000000000000000000000000000000000000000000001c0000f", &a);
    assert_true(a.known);
    assert_int_equal(a.word[0], 0xc0000fu | 0x01000000u);
    redfish_mask_print(&a, text, sizeof text);
    assert_string_equal(text, "0x1c0000f");
    redfish_mask_parse("C", &b);
    rest = redfish_mask_less(&a, &b);
    assert_int_equal(rest.word[0], 0x1c00003);
    assert_false(redfish_mask_equal(&a, &b));
    assert_false(redfish_mask_empty(&b));
    redfish_mask_parse("0x0", &b);
    assert_true(b.known && redfish_mask_empty(&b));
    redfish_mask_parse("", &b);
    assert_false(b.known);
    redfish_mask_parse("0xyz", &b);
    assert_false(b.known);
    redfish_mask_parse("0x10000000000000000000000000000000000000000000000000000000000000000", &b);
    assert_false(b.known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_found_by_links_and_no_path_is_guessed),
        cmocka_unit_test(what_is_left_out_for_its_long_path_is_not_called_whole),
        cmocka_unit_test(a_root_that_answers_without_its_slash_only_is_met),
        cmocka_unit_test(pages_are_turned_until_there_is_no_next_and_a_loop_of_them_ends),
        cmocka_unit_test(members_that_are_null_and_links_that_dangle_are_absent_and_no_error),
        cmocka_unit_test(a_link_to_the_wrong_place_is_mended_by_the_standards_own),
        cmocka_unit_test(members_come_along_where_expand_is_offered_and_works),
        cmocka_unit_test(expand_that_is_refused_or_ignored_is_not_asked_for_again),
        cmocka_unit_test(
            expand_is_never_asked_of_a_service_that_does_not_say_it_can_nor_of_one_that_cannot_well),
        cmocka_unit_test(an_error_object_in_a_good_answer_is_absent_and_trouble_is_an_error),
        cmocka_unit_test(what_is_left_out_for_a_bound_is_said),
        cmocka_unit_test(a_tree_without_a_bottom_ends),
        cmocka_unit_test(the_kind_of_bmc_and_its_clock_are_told),
        cmocka_unit_test(endpoints_of_power_managers_are_told_apart_by_their_patterns),
        cmocka_unit_test(times_of_every_maker_are_read),
        cmocka_unit_test(masks_of_profiles_are_read_and_written_as_hex),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
