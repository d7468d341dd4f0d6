/* SPDX-License-Identifier: Apache-2.0 */
/* test_redfish_extras.c: the adapter against a simulated BMC with everything: GPUs that
 * are not configured by path, settings, a report instead of single questions, events,
 * tasks. Both run on one event base; periods are scaled down.
 */
#include "field/redfish.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "busbar/conf.h"
#include "busbar/http.h"
#include "field/adapter.h"
#include "field/originals.h"
#include "sim/serve_redfish.h"
#include "unit/serve_rig.h"

#define GPUS   4
#define LONG_S 30

enum { EDPP = GPUS, WORKLOAD, SMOOTHING, FLOOR, NODE_LIMIT, LEVERS };

struct bench {
    struct event_base *base;
    struct event *alarm;
    bool late;
    struct plant plant;
    struct faults faults;
    struct serve_redfish *served;
    struct http_client *client;
    struct conf conf;
    struct conf_bus bus;
    struct conf_device device;
    struct conf_place place;
    struct adapter adapter;
    struct device_orders orders;
    struct device_state state;
    struct redfish *redfish;
};

static const struct faults_target bmc = { .class = FAULT_BMC, .index = 0 };

static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    ((struct bench *)arg)->late = true;
}

static void look(struct bench *bench)
{
    (void)mailbox_get(bench->adapter.to_main, &bench->state);
}

#define UNTIL(bench, done)                                                                                   \
    do {                                                                                                     \
        struct timeval limit = { .tv_sec = LONG_S };                                                         \
                                                                                                             \
        (bench)->late = false;                                                                               \
        assert_int_equal(event_add((bench)->alarm, &limit), 0);                                              \
        while (!(bench)->late && (look(bench), !(done)))                                                     \
            event_base_loop((bench)->base, EVLOOP_ONCE);                                                     \
        assert_true(done);                                                                                   \
    } while (0)

static void add_lever(struct conf_device *device, enum signal signal, enum conf_knob knob, int32_t row,
                      int32_t place)
{
    struct conf_lever *lever = &device->levers[device->lever_count++];

    *lever = (struct conf_lever){ .row = row, .signal = signal, .knob = knob, .place = place };
    (void)snprintf(lever->name, sizeof lever->name, "bmc-1.%.30s", signal_name(signal));
    device->readings[device->reading_count++] =
        (struct conf_reading){ .row = row,
                               .signal = signal,
                               .poll = knob == CONF_KNOB_LIMIT && place == 0 ? POLL_FAST : POLL_SLOW,
                               .place = place };
}

static void describe(struct bench *bench)
{
    struct conf_device *device = &bench->device;

    device->gpu_count = GPUS;
    device->gpus = calloc(GPUS, sizeof *device->gpus); /* without paths */
    for (int g = 0; g < GPUS; g++)
        add_lever(device, SIGNAL_GPU_POWER_LIMIT_W, CONF_KNOB_LIMIT, g, 0);
    add_lever(device, SIGNAL_GPU_EDPP_RATIO, CONF_KNOB_EDPP, 1, 0);
    add_lever(device, SIGNAL_GPU_WORKLOAD_PROFILES, CONF_KNOB_WORKLOAD, 2, 0);
    add_lever(device, SIGNAL_GPU_SMOOTHING, CONF_KNOB_SMOOTHING, 3, 0);
    add_lever(device, SIGNAL_GPU_SMOOTHING_FLOOR_RATIO, CONF_KNOB_SMOOTHING_FLOOR, 3, 0);
    add_lever(device, SIGNAL_NODE_POWER_LIMIT_W, CONF_KNOB_LIMIT, 0, 1);
    for (int g = 0; g < GPUS; g++)
        device->readings[device->reading_count++] =
            (struct conf_reading){ .row = g, .signal = SIGNAL_GPU_POWER_W, .poll = POLL_FAST };
    device->places = &bench->place;
    device->place_count = 1;
    (void)snprintf(bench->place.path, sizeof bench->place.path, "/redfish/v1/Chassis/Chassis_0/Power");
    (void)snprintf(bench->place.pointer, sizeof bench->place.pointer, "PowerControl/0");
    (void)snprintf(device->name, sizeof device->name, "bmc-1");
    (void)snprintf(device->url, sizeof device->url, "http://127.0.0.1:%d",
                   serve_redfish_port(bench->served, 0));
    (void)snprintf(device->username, sizeof device->username, SERVE_REDFISH_USERNAME);
    (void)snprintf(device->password, sizeof device->password, SERVE_REDFISH_PASSWORD);
    device->reports = CONF_REPORTS_NEVER;
}

static void init(struct bench *bench)
{
    struct serve_redfish_options opt = {
        .plant = &bench->plant, .faults = &bench->faults, .seed = 3, .extras = true
    };
    struct http_client_options client = { .host_connections_max = 2, .body_max = 65536 };

    memset(bench, 0, sizeof *bench);
    bench->base = opt.base = client.base = event_base_new();
    bench->alarm = evtimer_new(bench->base, on_alarm, bench);
    rig_plant(&bench->plant, PLANT_HPR, 1);
    faults_init(&bench->faults);
    assert_int_equal(serve_redfish_new(&opt, &bench->served), ST_OK);
    assert_int_equal(http_client_new(&client, &bench->client), ST_OK);
    describe(bench);
    bench->bus = (struct conf_bus){ .kind = CONF_BUS_REDFISH,
                                    .timeout_us = 5000000,
                                    .fast_us = 20000,
                                    .slow_us = 50000,
                                    .stale_us = 4000000 };
    bench->conf =
        (struct conf){ .buses = &bench->bus, .devices = &bench->device, .bus_count = 1, .device_count = 1 };
    (void)snprintf(bench->conf.state_dir, sizeof bench->conf.state_dir, "/tmp/busbar-extras-XXXXXX");
    assert_non_null(mkdtemp(bench->conf.state_dir));
    bench->adapter = (struct adapter){ .conf = &bench->conf, .device = &bench->device };
    bench->adapter.state.reading_count = bench->device.reading_count;
    bench->adapter.state.lever_count = bench->device.lever_count;
    for (int32_t i = 0; i < bench->device.reading_count; i++)
        bench->adapter.state.readings[i].status = bench->state.readings[i].status = ST_NONE;
    assert_int_equal(mailbox_new(sizeof(struct device_state), &bench->adapter.to_tick), ST_OK);
    assert_int_equal(mailbox_new(sizeof(struct device_state), &bench->adapter.to_main), ST_OK);
    assert_int_equal(mailbox_new(sizeof(struct device_orders), &bench->adapter.from_tick), ST_OK);
}

static void start(struct bench *bench)
{
    struct redfish_options options = {
        .base = bench->base, .client = bench->client, .conf = &bench->conf, .adapter = &bench->adapter
    };

    assert_int_equal(redfish_new(&options, &bench->redfish), ST_OK);
}

static void done(struct bench *bench)
{
    char path[CONF_PATH_MAX + 32];

    redfish_logout(bench->redfish);
    UNTIL(bench, !redfish_busy(bench->redfish));
    assert_int_equal(serve_redfish_counts(bench->served, 0).sessions, 0);
    redfish_free(bench->redfish);
    http_client_free(bench->client);
    serve_redfish_free(bench->served);
    mailbox_free(bench->adapter.to_tick);
    mailbox_free(bench->adapter.to_main);
    mailbox_free(bench->adapter.from_tick);
    (void)snprintf(path, sizeof path, "%s/originals/bmc-1", bench->conf.state_dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/originals", bench->conf.state_dir);
    (void)rmdir(path);
    (void)snprintf(path, sizeof path, "%s/sessions", bench->conf.state_dir);
    (void)rmdir(path);
    (void)rmdir(bench->conf.state_dir);
    free(bench->device.gpus);
    event_free(bench->alarm);
    event_base_free(bench->base);
}

static void order(struct bench *bench, int lever, enum device_op op, double value, enum status status)
{
    struct device_order *wanted = &bench->orders.levers[lever];

    *wanted = (struct device_order){
        .number = wanted->number + 1, .op = op, .value = value, .lease_end_us = INT64_MAX
    };
    mailbox_put(bench->adapter.from_tick, &bench->orders);
    redfish_orders(bench->redfish);
    UNTIL(bench, bench->state.acks[lever].number == wanted->number);
    assert_int_equal(bench->state.acks[lever].status, status);
}

static bool reads(const struct bench *bench, int reading, double value)
{
    return bench->state.readings[reading].status == ST_OK &&
           fabs(bench->state.readings[reading].value - value) < 1e-6;
}

static bool all_read(const struct bench *bench)
{
    for (int32_t i = 0; i < bench->device.reading_count; i++)
        if (bench->state.readings[i].status != ST_OK)
            return false;
    return true;
}

/* ---- */

static void gpus_that_are_not_configured_by_path_are_found_in_their_order(void **state)
{
    struct bench bench;

    (void)state;
    init(&bench);
    start(&bench);
    UNTIL(&bench, all_read(&bench));
    for (int g = 0; g < GPUS; g++) {
        assert_true(reads(&bench, g, bench.plant.gpus[g].limit_w));
        assert_true(reads(&bench, LEVERS + g, 500.0 + g));
    }
    assert_true(reads(&bench, EDPP, 1.0));
    assert_true(reads(&bench, WORKLOAD, 0.0));
    assert_true(reads(&bench, SMOOTHING, 0.0));
    assert_true(reads(&bench, FLOOR, 0.6));
    assert_true(reads(&bench, NODE_LIMIT, 1e6)); /* none is set */
    assert_int_equal(serve_redfish_counts(bench.served, 0).patches, 0);
    assert_true(serve_redfish_counts(bench.served, 0).connections_max <= 2);
    assert_int_equal(serve_redfish_counts(bench.served, 0).sessions_opened, 1);
    done(&bench);
}

static void with_another_number_of_gpus_only_those_with_a_path_are_taken(void **state)
{
    struct bench bench;

    (void)state;
    init(&bench);
    free(bench.device.gpus);
    bench.device.gpus = calloc(GPUS + 1, sizeof *bench.device.gpus);
    bench.device.gpu_count = GPUS + 1;
    (void)snprintf(bench.device.gpus[1].path, sizeof bench.device.gpus[1].path,
                   "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_1/EnvironmentMetrics");
    bench.plant.gpus[1].limit_w = 700.0;
    start(&bench);
    UNTIL(&bench, bench.state.readings[0].status == ST_ABSENT && reads(&bench, 1, 700.0) &&
                      reads(&bench, EDPP, 1.0));
    assert_int_equal(bench.state.readings[2].status, ST_ABSENT);
    assert_int_equal(bench.state.readings[WORKLOAD].status, ST_ABSENT);
    order(&bench, 2, DEVICE_OP_SET, 600.0, ST_REFUSED);
    order(&bench, 1, DEVICE_OP_SET, 600.0, ST_OK);
    assert_float_equal(bench.plant.gpus[1].limit_w, 600.0, 1e-9);
    done(&bench);
}

static void every_setting_is_written_read_back_recorded_and_restored(void **state)
{
    static const struct {
        int lever, row;
        enum signal signal;
        double value, original;
    } rows[] = {
        { EDPP, 1, SIGNAL_GPU_EDPP_RATIO, 0.85, 1.0 },
        { WORKLOAD, 2, SIGNAL_GPU_WORKLOAD_PROFILES, 0x18, 0.0 },
        { SMOOTHING, 3, SIGNAL_GPU_SMOOTHING, 1.0, 0.0 },
        { FLOOR, 3, SIGNAL_GPU_SMOOTHING_FLOOR_RATIO, 0.45, 0.6 },
        { NODE_LIMIT, 0, SIGNAL_NODE_POWER_LIMIT_W, 4000.0, 1e6 },
        { 2, 2, SIGNAL_GPU_POWER_LIMIT_W, 700.0, 1200.0 },
    };
    struct original original;
    struct bench bench;

    (void)state;
    init(&bench);
    start(&bench);
    UNTIL(&bench, all_read(&bench));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        order(&bench, rows[i].lever, DEVICE_OP_SET, rows[i].value, ST_OK);
        UNTIL(&bench, reads(&bench, rows[i].lever, rows[i].value));
        assert_true(originals_find(bench.conf.state_dir, "bmc-1", bench.state.serial,
                                   signal_name(rows[i].signal), rows[i].row, &original));
        assert_float_equal(original.value, rows[i].original, 1e-6);
    }
    order(&bench, WORKLOAD, DEVICE_OP_SET, 0x28, ST_OK); /* one goes on, one goes off, one stays */
    UNTIL(&bench, reads(&bench, WORKLOAD, 0x28));
    order(&bench, WORKLOAD, DEVICE_OP_SET, 0x1, ST_RANGE); /* not supported */
    order(&bench, EDPP, DEVICE_OP_SET, 0.5, ST_RANGE);
    order(&bench, FLOOR, DEVICE_OP_SET, 0.95, ST_RANGE);

    /* As after a crash: another adapter, that knows no more than what is on disk. */
    redfish_logout(bench.redfish);
    UNTIL(&bench, !redfish_busy(bench.redfish));
    redfish_free(bench.redfish);
    for (int32_t i = 0; i < bench.device.reading_count; i++)
        bench.adapter.state.readings[i].status = bench.state.readings[i].status = ST_NONE;
    start(&bench);
    UNTIL(&bench, all_read(&bench));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        order(&bench, rows[i].lever, DEVICE_OP_RELEASE, rows[i].original, ST_OK);
        UNTIL(&bench, reads(&bench, rows[i].lever, rows[i].original));
    }
    done(&bench);
}

static void a_write_that_becomes_a_task_is_followed_to_its_end(void **state)
{
    struct bench bench;

    (void)state;
    init(&bench);
    start(&bench);
    UNTIL(&bench, all_read(&bench));
    faults_set(&bench.faults, bmc, FAULT_TASK, 1, 0.0, 0.5);
    order(&bench, 0, DEVICE_OP_SET, 800.0, ST_OK);
    assert_float_equal(bench.plant.gpus[0].limit_w, 800.0, 1e-9);
    assert_int_equal(serve_redfish_counts(bench.served, 0).patches, 1);
    done(&bench);
}

static void one_report_replaces_a_question_to_each_gpu(void **state)
{
    struct serve_redfish_counts before, after;
    struct bench bench;
    uint32_t readings;

    (void)state;
    init(&bench);
    bench.device.reports = CONF_REPORTS_ALWAYS;
    bench.bus.slow_us = 10000000;    /* each GPU is looked at each half of stale_us */
    bench.device.lever_count = GPUS; /* the GPUs alone */
    bench.device.places = NULL;
    bench.device.place_count = 0;
    memmove(&bench.device.readings[GPUS], &bench.device.readings[LEVERS],
            GPUS * sizeof bench.device.readings[0]);
    bench.device.reading_count = bench.adapter.state.reading_count = 2 * GPUS;
    bench.adapter.state.lever_count = GPUS;
    start(&bench);
    UNTIL(&bench, all_read(&bench));
    UNTIL(&bench, bench.state.readings[GPUS].taken_us + 200000 <
                      bench.state.readings[GPUS].arrived_us); /* by its own time */
    before = serve_redfish_counts(bench.served, 0);
    readings = bench.state.readings[GPUS].sequence;
    UNTIL(&bench, bench.state.readings[GPUS].sequence >= readings + 3);
    after = serve_redfish_counts(bench.served, 0);
    /* One report each 20 ms, values anew each 250 ms, and a look at each GPU's limit each 2 s. */
    assert_true(after.gets > before.gets);
    for (int g = 0; g < GPUS; g++) {
        assert_true(reads(&bench, GPUS + g, 500.0 + g));
        assert_true(bench.state.readings[GPUS + g].taken_us <= bench.state.readings[GPUS + g].arrived_us);
    }
    bench.plant.gpus[1].limit_w = 650.0; /* somebody else */
    UNTIL(&bench, reads(&bench, 1, 650.0));
    done(&bench);
}

static void an_event_stream_brings_reports_and_tells_of_changed_limits(void **state)
{
    struct field_bus_stats stats;
    struct bench bench;
    uint64_t seen;

    (void)state;
    init(&bench);
    bench.device.use_events = true;
    bench.device.reports = CONF_REPORTS_AUTO;
    start(&bench);
    UNTIL(&bench, all_read(&bench));
    UNTIL(&bench, serve_redfish_counts(bench.served, 0).streams == 1);
    UNTIL(&bench, (redfish_stats(bench.redfish, &stats), stats.events >= 1)); /* a report */
    order(&bench, 0, DEVICE_OP_SET, 700.0, ST_OK);
    seen = stats.events;
    UNTIL(&bench, (redfish_stats(bench.redfish, &stats), stats.events > seen)); /* the limit */
    assert_true(serve_redfish_counts(bench.served, 0).connections_max <= 2);
    done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpus_that_are_not_configured_by_path_are_found_in_their_order),
        cmocka_unit_test(with_another_number_of_gpus_only_those_with_a_path_are_taken),
        cmocka_unit_test(every_setting_is_written_read_back_recorded_and_restored),
        cmocka_unit_test(a_write_that_becomes_a_task_is_followed_to_its_end),
        cmocka_unit_test(one_report_replaces_a_question_to_each_gpu),
        cmocka_unit_test(an_event_stream_brings_reports_and_tells_of_changed_limits),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
