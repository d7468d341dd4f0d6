/* SPDX-License-Identifier: Apache-2.0 */
/* test_metrics.c: the Prometheus text: names, values, and promtool's own opinion. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "operator/exposition.h"
#include "operator/metrics.h"
#include "fake_operator.h"
#include "source_dir.h"

struct bench {
    struct fake fake;
    struct snapshot_device devices[FAKE_DEVICES];
    struct snapshot snap;
    char *text;
    size_t size;
};

static void bench_write(struct bench *bench)
{
    free(bench->text);
    bench->text = NULL;
    assert_int_equal(metrics_write(&bench->snap, &bench->text, &bench->size), ST_OK);
    assert_int_equal(strlen(bench->text), bench->size);
}

static int bench_setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);

    assert_non_null(bench);
    fake_init(&bench->fake);
    for (int i = 0; i < FAKE_DEVICES; i++)
        bench->devices[i].known = fake_call_device(&bench->fake, i, &bench->devices[i].state);
    bench->snap = (struct snapshot){ .names = &fake_names, .outputs = bench->fake.out, .stats = &bench->fake.stats,
                                     .devices = bench->devices, .mode_wanted = CORE_WANT_CONTROL, .now_us = FAKE_NOW_US,
                                     .wall_us = INT64_C(1700000000000000),
                                     .started_wall_us = INT64_C(1699999880000000) };
    bench_write(bench);
    *state = bench;
    return 0;
}

static int bench_teardown(void **state)
{
    struct bench *bench = *state;

    fake_done(&bench->fake);
    free(bench->text);
    free(bench);
    return 0;
}

/* A whole line of the text. */
static void has(const struct bench *bench, const char *line)
{
    const char *at = bench->text;
    size_t size = strlen(line);

    while ((at = strstr(at, line)) != NULL) {
        if ((at == bench->text || at[-1] == '\n') && at[size] == '\n')
            return;
        at += size;
    }
    fail_msg("no line '%s' in:\n%s", line, bench->text);
}

static void values_come_with_names_labels_and_whole_units(void **state)
{
    struct bench *bench = *state;

    has(bench, "# TYPE busbar_node_power_watts gauge");
    has(bench, "busbar_node_power_watts{node=\"rack\"} 23700");
    has(bench, "busbar_limit_watts{node=\"rack\",window_seconds=\"1\"} 30000");
    has(bench, "busbar_limit_watts{group=\"job-a\",window_seconds=\"0.1\"} 2000");
    has(bench, "busbar_limit_violations_total{node=\"rack\",window_seconds=\"10\"} 0");
    has(bench, "busbar_lever_wanted_watts{lever=\"bmc-1.gpu-0\"} 812");
    has(bench, "busbar_lever_in_force_volts{lever=\"psu-1-1.psu_output_setpoint_v\"} 50.25");
    has(bench, "busbar_lever_failures_total{lever=\"psu-1-1.psu_output_setpoint_v\"} 2");
    has(bench, "busbar_mode_info{mode=\"normal\",wanted=\"control\"} 1");
    has(bench, "busbar_mode_reason{reason=\"operator\"} 1");
    has(bench, "busbar_mode_reason{reason=\"exceeded\"} 0");
    has(bench, "busbar_device_up{device=\"bmc-1\",kind=\"redfish\",bus=\"bmc-1\"} 1");
    has(bench, "busbar_device_up{device=\"psu-1-2\",kind=\"smbus\",bus=\"smbus-1\"} 0");
    has(bench, "busbar_device_last_success_timestamp_seconds{device=\"bmc-1\"} 1699999999.88");
    has(bench, "busbar_device_errors_total{device=\"psu-1-1\",status=\"corrupt\"} 2");
    has(bench, "busbar_reading_gpu_power_watts{device=\"bmc-1\",index=\"0\"} 790.5");
    has(bench, "busbar_reading_gpu_energy_joules_total{device=\"bmc-1\",index=\"0\"} 1500000000");
    has(bench, "busbar_reading_psu_input_watts{device=\"psu-1-1\",index=\"0\"} 5490.25");
    has(bench, "# TYPE busbar_build_info gauge");
    has(bench, "process_start_time_seconds 1699999880");
    has(bench, "busbar_ticks_missed_total 2");
    has(bench, "busbar_orders_total{outcome=\"written\"} 42");
    has(bench, "busbar_node_heat_ratio{node=\"rack\"} 0.625");
    has(bench, "busbar_node_time_to_trip_seconds{node=\"rack\"} 840");
    has(bench, "busbar_node_damping_ratio{node=\"rack\"} 0.5");
}

/* A control loop that stands still makes no device younger. */
static void when_a_device_was_read_does_not_move_with_the_moment_of_asking(void **state)
{
    struct bench *bench = *state;

    bench->snap.now_us += 700000;
    bench->snap.wall_us += 700000;
    bench_write(bench);
    has(bench, "busbar_device_last_success_timestamp_seconds{device=\"bmc-1\"} 1699999999.88");
}

static void the_grid_and_tokens_are_gauges(void **state)
{
    struct bench *bench = *state;

    has(bench, "busbar_ride_state{state=\"ready\"} 1");
    has(bench, "busbar_ride_state{state=\"outage\"} 0");
    has(bench, "busbar_ride_capable 1");
    has(bench, "busbar_ride_capable_watts 30500");
    has(bench, "busbar_ride_margin_seconds 0.0053");
    has(bench, "busbar_ride_energy_joules 2500000");
    has(bench, "busbar_ride_writes_total 12");
    has(bench, "busbar_tokens_clients 0");
    *fake_token(&bench->fake, 0) = (struct core_token_view){ .client = 5, .state = CORE_TOKEN_GRANTED, .granted_w = 4000 };
    *fake_token(&bench->fake, 1) = (struct core_token_view){ .client = 6, .state = CORE_TOKEN_REFUSED };
    bench->fake.out->ride.state = CORE_RIDE_OFF;
    bench_write(bench);
    has(bench, "busbar_tokens_clients 2");
    has(bench, "busbar_tokens_granted 1");
    has(bench, "busbar_tokens_granted_watts 4000");
    has(bench, "busbar_ride_state{state=\"off\"} 1");
    assert_null(strstr(bench->text, "busbar_ride_capable"));
    assert_null(strstr(bench->text, "busbar_ride_margin"));
}

static void forecasters_show_how_far_they_are_to_be_believed(void **state)
{
    struct bench *bench = *state;

    has(bench, "busbar_forecast_votes{node=\"rack\"} 1");
    has(bench, "busbar_forecast_coverage_ratio{node=\"rack\",level=\"0.99\"} 0.985");
    has(bench, "busbar_forecast_peak_upper_watts{node=\"rack\",level=\"0.999\"} 26000");
    has(bench, "busbar_forecast_error_watts{node=\"rack\"} 310");
    has(bench, "busbar_forecast_resets_total{node=\"rack\"} 1");
    has(bench, "busbar_forecast_armed 0");
    bench->fake.out->armed_ahead = true;
    bench_write(bench);
    has(bench, "busbar_forecast_armed 1");
    bench->fake.out->forecast_count = 0;
    bench_write(bench);
    assert_null(strstr(bench->text, "busbar_forecast"));
}

static void what_is_unknown_is_left_out(void **state)
{
    struct bench *bench = *state;

    assert_null(strstr(bench->text, "nan"));
    assert_null(strstr(bench->text, "NaN"));
    assert_null(strstr(bench->text, "inf\n"));
    assert_null(strstr(bench->text, "busbar_node_heat_ratio{node=\"shelf-1\"}"));           /* no breaker there */
    assert_null(strstr(bench->text, "busbar_node_time_to_trip_seconds{node=\"shelf-1\"}"));
    assert_null(strstr(bench->text, "reading_gpu_power_watts{device=\"bmc-1\",index=\"1\"}"));   /* timed out */
    assert_null(strstr(bench->text, "busbar_reading_psu_output_volts"));                      /* NaN: no family either */
    assert_null(strstr(bench->text, "busbar_lever_in_force_watts{lever=\"bmc-1.gpu-1\"}"));
    assert_null(strstr(bench->text, "psu_alarms"));                                   /* bits */
    assert_null(strstr(bench->text, "device_transactions_total{device=\"psu-1-2\"}")); /* never seen */
}

static void histograms_are_cumulative_and_end_in_their_count(void **state)
{
    struct bench *bench = *state;

    /* 1 000 values, 0 to 100 us, ten each but for 0 (nine) and 100 (one) */
    has(bench, "busbar_loop_lateness_seconds_bucket{le=\"1.6e-05\"} 169");
    has(bench, "busbar_loop_lateness_seconds_bucket{le=\"6.4e-05\"} 649");
    has(bench, "busbar_loop_lateness_seconds_bucket{le=\"0.000128\"} 1000");
    has(bench, "busbar_loop_lateness_seconds_bucket{le=\"+Inf\"} 1000");
    has(bench, "busbar_loop_lateness_seconds_count 1000");
    has(bench, "busbar_transaction_seconds_count{protocol=\"modbus\"} 1000");
    has(bench, "busbar_order_seconds_bucket{protocol=\"redfish\",part=\"total\",le=\"+Inf\"} 1000");
}

static void labels_are_escaped(void **state)
{
    char *text = NULL;
    size_t size = 0;
    struct exposition ex = { .to = open_memstream(&text, &size) };

    (void)state;
    assert_non_null(ex.to);
    exposition_family(&ex, "a_b", "gauge", "help");
    exposition_number(&ex, EXPOSITION_LABELS("x", "q\"b\\n\nl\x1b\xff"), 1);
    assert_int_equal(fclose(ex.to), 0);
    assert_string_equal(text, "# HELP a_b help\n# TYPE a_b gauge\na_b{x=\"q\\\"b\\\\n\\nl??\"} 1\n");
    free(text);
}

/* Every family ends in a unit promtool does not know about, or is one of few. */
static void names_end_in_a_base_unit(void **state)
{
    static const char *const ends[] = { "_watts", "_volts",  "_amperes", "_joules", "_joules_total", "_celsius",     "_hertz", "_seconds",
                                        "_ratio", "_bytes",  "_info",    "_total",        "_coulombs",      "_rpm" };
    static const char *const plain[] = { "busbar_armed", "busbar_realtime", "busbar_mode_reason", "busbar_limit_exceeded",
                                         "busbar_device_up", "busbar_ride_state", "busbar_ride_capable",
                                         "busbar_ride_wear_left_cycles", "busbar_tokens_clients", "busbar_tokens_granted",
                                         "busbar_forecast_votes", "busbar_forecast_armed" };
    struct bench *bench = *state;
    int families = 0;

    for (const char *at = bench->text; (at = strstr(at, "# TYPE ")) != NULL;) {
        char name[128];
        bool known = false;

        at += strlen("# TYPE ");
        assert_int_equal(sscanf(at, "%127s", name), 1);
        families++;
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
            size_t size = strlen(name), end = strlen(ends[i]);

            known = known || (size > end && strcmp(name + size - end, ends[i]) == 0);
        }
        for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
            known = known || strcmp(name, plain[i]) == 0;
        if (!known)
            fail_msg("the name %s has no unit", name);
    }
    assert_true(families > 40);
}

/* A state in which every family has a sample. */
static void bench_fill(struct bench *bench)
{
    static enum signal signals[SIGNAL_COUNT];
    static int32_t indices[SIGNAL_COUNT];
    static struct operator_device devices[FAKE_DEVICES];
    static struct operator_names names;

    memcpy(devices, fake_devices, sizeof devices);
    names = fake_names;
    names.devices = devices;
    for (int s = 0; s < SIGNAL_COUNT; s++) {
        struct device_state *state = &bench->devices[s / DEVICE_READINGS_MAX].state;

        assert_true(s / DEVICE_READINGS_MAX < FAKE_DEVICES);
        signals[s] = (enum signal)s;
        state->readings[s % DEVICE_READINGS_MAX] = (struct device_reading){ .value = 1.5, .status = ST_OK };
        state->reading_count = s % DEVICE_READINGS_MAX + 1;
        bench->devices[s / DEVICE_READINGS_MAX].known = true;
    }
    for (int d = 0; d < FAKE_DEVICES && d * DEVICE_READINGS_MAX < SIGNAL_COUNT; d++) {
        devices[d].reading_count = bench->devices[d].state.reading_count;
        devices[d].signals = signals + d * DEVICE_READINGS_MAX;
        devices[d].indices = indices + d * DEVICE_READINGS_MAX;
    }
    bench->snap.names = &names;
    bench_write(bench);
}

/* Every quantity that is read is there; words of bits and texts are not. */
static void every_quantity_is_a_metric(void **state)
{
    struct bench *bench = *state;
    int quantities = 0, families = 0;

    bench_fill(bench);
    for (int s = 0; s < SIGNAL_COUNT; s++) {
        const char *unit = signal_unit((enum signal)s);

        quantities += strcmp(unit, "bits") != 0 && strcmp(unit, "text") != 0;
    }
    for (const char *at = bench->text; (at = strstr(at, "\n# TYPE busbar_reading_")) != NULL; at++)
        families++;
    assert_int_equal(families, quantities);
    has(bench, "# TYPE busbar_reading_gpu_ramp_up_watts_per_second gauge");
    /* rate() and increase() of a place, a code or a switch would be nonsense */
    has(bench, "# TYPE busbar_reading_psu_location gauge");
    has(bench, "# TYPE busbar_reading_rpu_fan_on gauge");
    has(bench, "# TYPE busbar_reading_gpu_smoothing_profile gauge");
    has(bench, "# TYPE busbar_reading_bbu_at_rate_ok gauge");
    has(bench, "# TYPE busbar_reading_psu_input_cycles_total counter");
    has(bench, "# TYPE busbar_reading_psu_comm_timeouts_total counter");
    has(bench, "# TYPE busbar_reading_bbu_pulses_supported_total counter");
    has(bench, "# TYPE busbar_reading_gpu_energy_joules_total counter");
}

static void promtool_finds_nothing_to_say(void **state)
{
    struct bench *bench = *state;
    FILE *to;
    int rc;

    if (access("/usr/bin/promtool", X_OK) != 0) {
        print_message("skip: promtool is not installed\n");
        skip();
    }
    bench_fill(bench);
    to = popen("/usr/bin/promtool check metrics 1>&2", "w");
    assert_non_null(to);
    assert_int_equal(fwrite(bench->text, 1, bench->size, to), bench->size);
    rc = pclose(to);
    assert_true(WIFEXITED(rc));
    assert_int_equal(WEXITSTATUS(rc), 0);
}

static void every_metric_is_in_the_documentation(void **state)
{
    struct bench *bench = *state;
    char *page = source_read("docs/api.md");

    bench_fill(bench);
    for (const char *at = bench->text; (at = strstr(at, "# TYPE busbar_")) != NULL;) {
        char name[128], listed[132];

        at += strlen("# TYPE ");
        assert_int_equal(sscanf(at, "%127s", name), 1);
        (void)snprintf(listed, sizeof listed, "`%s`", name);
        /* Readings follow a rule the page gives; docs/signals.md lists them. */
        if (strncmp(name, "busbar_reading_", 15) != 0 && !strstr(page, listed))
            fail_msg("docs/api.md does not name %s", name);
    }
    free(page);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_come_with_names_labels_and_whole_units),
        TEST(when_a_device_was_read_does_not_move_with_the_moment_of_asking),
        TEST(the_grid_and_tokens_are_gauges),
        TEST(forecasters_show_how_far_they_are_to_be_believed),
        TEST(what_is_unknown_is_left_out),
        TEST(histograms_are_cumulative_and_end_in_their_count),
        TEST(labels_are_escaped),
        TEST(names_end_in_a_base_unit),
        TEST(every_quantity_is_a_metric),
        TEST(promtool_finds_nothing_to_say),
        TEST(every_metric_is_in_the_documentation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
