/* SPDX-License-Identifier: Apache-2.0 */
/* test_names.c: what the daemon calls things, and the lines it makes of events. */
#include "daemon/eventlog.h"
#include "daemon/names.h"
#include "daemon_bench.h"

static int32_t names_find(const struct names *names, const char *lever)
{
    for (int32_t l = 0; l < names->operator.lever_count; l++)
        if (strcmp(names_lever(names, l), lever) == 0)
            return l;
    return CORE_NONE;
}

static void every_lever_has_its_name_unit_device_and_protocol(void **state)
{
    struct bench bench;
    const struct names *names;
    int32_t gpu, psu;

    (void)state;
    bench_new(&bench, CORE_WANT_OBSERVE, 1 << 20);
    names = bench.rig->names;
    gpu = names_find(names, "bmc-1.gpu-1");
    psu = names_find(names, "psu-1.psu_output_setpoint_v");
    assert_int_equal(names->operator.lever_count, BENCH_GPUS + 1);
    assert_true(gpu >= 0 && psu >= 0);
    assert_string_equal(names->operator.lever_units[gpu], "W");
    assert_string_equal(names->operator.lever_units[psu], "V");
    assert_string_equal(names_device(names, names->operator.lever_devices[gpu]), "bmc-1");
    assert_string_equal(names->operator.devices[names->operator.lever_devices[gpu]].kind, "redfish");
    assert_string_equal(names->operator.devices[names->operator.lever_devices[psu]].kind, "modbus");
    assert_string_equal(names->operator.devices[names->operator.lever_devices[psu]].bus, "line-1");
    assert_int_equal(names->lever_protocols[gpu], 0);
    assert_int_equal(names->lever_protocols[psu], 1);
    assert_int_equal(names->lever_places[gpu], 1);
    bench_free(&bench);
}

static void every_node_and_point_has_a_name(void **state)
{
    struct bench bench;
    const struct names *names;

    (void)state;
    bench_new(&bench, CORE_WANT_OBSERVE, 1 << 20);
    names = bench.rig->names;
    assert_string_equal(names->operator.rack, "bench");
    assert_string_equal(names_node(names, 0), "rack");
    assert_int_equal(names->operator.node_parents[0], CORE_NONE);
    assert_int_equal(names->operator.node_parents[1], 0);
    assert_int_equal(names->operator.node_kinds[0], CORE_NODE_RACK);
    for (int32_t n = 0; n < names->operator.node_count; n++)
        assert_string_not_equal(names_node(names, n), "?");
    for (int32_t p = 0; p < names->point_count; p++)
        assert_string_not_equal(names->points[p], "?");
    assert_string_equal(names_node(names, names->operator.node_count), "?");
    assert_string_equal(names_lever(names, -1), "?");
    bench_free(&bench);
}

static void an_event_names_what_it_is_about(void **state)
{
    struct bench bench;
    struct rig_event event = { .event = { .device = CORE_NONE, .node = CORE_NONE, .lever = CORE_NONE,
                                          .group = CORE_NONE } };
    char text[EVENTLOG_TEXT_MAX];

    (void)state;
    bench_new(&bench, CORE_WANT_OBSERVE, 1 << 20);
    event.event.event = EV_MODE_CHANGED;
    event.mode = CORE_MODE_DEGRADED;
    event.reasons = 1u << CORE_REASON_STARTING | 1u << CORE_REASON_INFEASIBLE;
    eventlog_text(bench.rig->names, &event, text, sizeof text);
    assert_string_equal(text, "the mode is degraded: starting, infeasible");
    assert_string_equal(eventlog_who(bench.rig->names, &event.event), "bench");

    event.event.event = EV_LIMIT_EXCEEDED;
    event.event.node = 0;
    event.event.window_us = 100000;
    event.event.value = 2100.4;
    event.event.bound = 2000.0;
    eventlog_text(bench.rig->names, &event, text, sizeof text);
    assert_string_equal(text, "the mean over 100 ms is 2100 W, the limit 2000 W");
    assert_string_equal(eventlog_who(bench.rig->names, &event.event), "rack");

    event.event.event = EV_LEVER_DRIFTED;
    event.event.lever = names_find(bench.rig->names, "psu-1.psu_output_setpoint_v");
    event.event.value = 50.25;
    event.event.bound = 51.0;
    eventlog_text(bench.rig->names, &event, text, sizeof text);
    assert_string_equal(text, "somebody else put it to 50.25 V, it held 51");
    assert_string_equal(eventlog_who(bench.rig->names, &event.event), "psu-1.psu_output_setpoint_v");
    bench_free(&bench);
}

static void no_event_is_without_words(void **state)
{
    struct bench bench;
    char text[EVENTLOG_TEXT_MAX];

    (void)state;
    bench_new(&bench, CORE_WANT_OBSERVE, 1 << 20);
    for (int ev = 0; ev < EV_COUNT; ev++)
        for (int about = 0; about < 4; about++) {
            struct rig_event event = { .event = { .event = (enum ev)ev, .device = about == 1 ? 0 : CORE_NONE,
                                                  .node = about == 2 ? 0 : CORE_NONE,
                                                  .lever = about == 3 ? 0 : CORE_NONE, .group = CORE_NONE,
                                                  .value = 1e308, .bound = (double)NAN } };

            eventlog_text(bench.rig->names, &event, text, sizeof text);
            assert_true(strlen(text) > 0 && strlen(text) < sizeof text);
        }
    bench_free(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_lever_has_its_name_unit_device_and_protocol),
        cmocka_unit_test(every_node_and_point_has_a_name),
        cmocka_unit_test(an_event_names_what_it_is_about),
        cmocka_unit_test(no_event_is_without_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
