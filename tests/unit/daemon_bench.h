/* SPDX-License-Identifier: Apache-2.0 */
/* daemon_bench.h: a small configuration in a folder of its own, and a rig driven
 * without threads, for the tests of the daemon and of replay.
 */
#ifndef TEST_DAEMON_BENCH_H
#define TEST_DAEMON_BENCH_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "busbar/conf.h"
#include "daemon/recorder.h"
#include "daemon/rig.h"

#define BENCH_GPUS 2
#define BENCH_PERIOD_US 10000

static const char bench_yaml[] =
    "rack:\n  name: bench\n"
    "control:\n  period_ms: 10\n  mode: control\n  rt_priority: 0\n"
    "state_dir: %s/state\nsocket: %s/socket\nrecord:\n  ring_mib: 1\n"
    "tree:\n"
    "  - name: rack\n    kind: rack\n    limits:\n      - {window_ms: 1000, limit_w: 2000}\n"
    "  - {name: node-1, kind: tray, parent: rack, static_w: 100}\n"
    "buses:\n"
    "  - {name: line-1, kind: modbus-rtu, path: %s/line, baud: 19200, parity: none, timeout_ms: 100, fast_ms: 200,"
    " slow_ms: 5000, stale_ms: 2000}\n"
    "devices:\n"
    "  - name: psu-1\n    bus: line-1\n    address: 0xe8\n    profile: orv3-psu\n    node: rack\n"
    "    levers:\n      - {signal: psu_output_setpoint_v, use: hold, value: 51.0}\n"
    "bmcs:\n"
    "  - name: bmc-1\n    url: http://127.0.0.1:9\n    username: busbar\n    password_file: %s/password\n"
    "    node: node-1\n"
    "    gpus: {count: 2, first: 0, min_w: 200, max_w: 1200, base_w: 300, overshoot_ratio: 0.12,\n"
    "           path: \"/redfish/v1/Systems/1/Processors/GPU_{n}/EnvironmentMetrics\"}\n";

/* A drop-in with which the bench has a breaker's node, sources, riding through and tokens. */
static const char bench_power_yaml[] =
    "tree:\n"
    "  - {name: bar, kind: busbar, parent: rack, breaker: {kind: lsi, rated_w: 1800, long_s: 8, instant_ratio: 10}}\n"
    "  - {name: node-2, kind: tray, parent: bar, static_w: 50}\n"
    "busbar: {node: bar, nominal_input_v: 240}\n"
    "sources:\n"
    "  - {name: psus, kind: psu, hardware: orv3, node: rack, modules: 6}\n"
    "  - {name: bbus, kind: bbu, hardware: orv3, node: bar, modules: 6}\n"
    "devices:\n"
    "  - {name: psu-2, bus: line-1, address: 0xe9, profile: orv3-psu, node: rack, source: psus,\n"
    "     levers: [{signal: psu_output_setpoint_v, use: hold, value: 51.0, ride: output}]}\n"
    "  - {name: bbu-1, bus: line-1, address: 0x30, profile: orv3-bbu, node: bar, source: bbus}\n"
    "bmcs:\n"
    "  - {name: bmc-2, url: 'http://127.0.0.1:9', node: node-2,\n"
    "     gpus: {count: 1, min_w: 200, max_w: 1200, path: /gpu}}\n"
    "ride_through: {enabled: true}\n"
    "tokens: {clients_max: 3, zones: [{node: rack, rated_w: 2000, unit_w: 10}, {node: bar, rated_w: 1000, unit_w: 10}]}\n";

struct bench {
    char dir[64];
    char config[96];
    struct rig *rig;
    struct recorder *recorder;
    int64_t now_us;
    double held[DEVICE_LEVERS_MAX];     /* what each lever's device holds             */
    struct core_ack acks[DEVICE_LEVERS_MAX];
    int32_t ack_count;
    uint64_t orders;
};

static inline void bench_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* A folder with a configuration that loads. */
static inline void bench_folder(struct bench *bench)
{
    char text[4096], path[128];

    memset(bench, 0, sizeof *bench);
    (void)snprintf(bench->dir, sizeof bench->dir, "/tmp/busbar-test-XXXXXX");
    assert_non_null(mkdtemp(bench->dir));
    (void)snprintf(path, sizeof path, "%s/password", bench->dir);
    bench_write(path, "secret\n");
    assert_int_equal(chmod(path, 0600), 0);
    (void)snprintf(text, sizeof text, bench_yaml, bench->dir, bench->dir, bench->dir, bench->dir);
    (void)snprintf(bench->config, sizeof bench->config, "%s/busbar.yaml", bench->dir);
    bench_write(bench->config, text);
}

static inline struct conf *bench_conf(const struct bench *bench)
{
    struct conf_errors errors = { .count = 0 };
    struct conf *conf = NULL;
    enum status st = conf_load(bench->config, &conf, &errors);

    conf_errors_print(&errors, stderr);
    conf_errors_done(&errors);
    assert_int_equal(st, ST_OK);
    return conf;
}

/* `drop_in` NULL: the plain one. */
static inline void bench_new_with(struct bench *bench, enum core_mode_wanted mode, size_t ring_bytes, const char *drop_in)
{
    struct rig_options opt = { .mode_wanted = mode, .plan_version = 1 };
    char path[128];

    bench_folder(bench);
    (void)snprintf(path, sizeof path, "%s/conf.d", bench->dir);
    if (drop_in)
        assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/conf.d/power.yaml", bench->dir);
    if (drop_in)
        bench_write(path, drop_in);
    opt.conf = bench_conf(bench);
    assert_int_equal(rig_new(&opt, &bench->rig), ST_OK);
    assert_int_equal(recorder_new(ring_bytes, &bench->recorder), ST_OK);
    recorder_config(bench->recorder, bench->rig->conf, bench->rig->names);
    bench->now_us = 1000000;
    for (int32_t l = 0; l < bench->rig->config.lever_count; l++)
        bench->held[l] = bench->rig->config.levers[l].max;
}

static inline void bench_new(struct bench *bench, enum core_mode_wanted mode, size_t ring_bytes)
{
    bench_new_with(bench, mode, ring_bytes, NULL);
}

static inline void bench_remove(const struct bench *bench, const char *name)
{
    char path[160];

    (void)snprintf(path, sizeof path, "%s/%s", bench->dir, name);
    (void)remove(path);
}

static inline void bench_free(struct bench *bench)
{
    static const char *const names[] = { "state/originals/bmc-1", "state/originals/psu-1", "state/originals/gone",
                                         "state/originals", "state/state", "state/state.new", "state",
                                         "password", "busbar.yaml", "conf.d/power.yaml", "conf.d" };

    recorder_free(bench->recorder);
    rig_free(bench->rig);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        bench_remove(bench, names[i]);
    assert_int_equal(rmdir(bench->dir), 0);
}

/* Reads every point: read-backs as held, all else the middle of what is plausible. */
static inline int32_t bench_readings(const struct bench *bench, struct core_reading *list)
{
    const struct core_config *config = &bench->rig->config;

    for (int32_t p = 0; p < config->point_count; p++) {
        list[p] = (struct core_reading){ .point = p, .status = ST_OK, .value = 100.0 + (double)(bench->now_us % 977),
                                         .taken_us = bench->now_us - 5000, .arrived_us = bench->now_us - 1000 };
        if (list[p].value > config->points[p].max)
            list[p].value = config->points[p].max / 2.0;
        for (int32_t l = 0; l < config->lever_count; l++)
            if (config->levers[l].readback_point == p)
                list[p].value = bench->held[l];
    }
    return config->point_count;
}

/* Orders are obeyed at once, and answered in the next tick. */
static inline void bench_obey(struct bench *bench)
{
    const struct core_order *orders = core_outputs_orders(bench->rig->out);

    bench->ack_count = 0;
    for (int32_t i = 0; i < bench->rig->out->order_count; i++) {
        bench->orders++;
        bench->held[orders[i].lever] = orders[i].value;
        bench->acks[bench->ack_count++] = (struct core_ack){
            .lever = orders[i].lever, .status = ST_OK, .number = orders[i].number, .readback = orders[i].value,
            .dispatched_us = bench->now_us + 1000, .done_us = bench->now_us + 2000 };
    }
}

/* Ticks as the tick thread makes them, recorded through the tap. */
static inline void bench_run(struct bench *bench, int ticks)
{
    struct rig *rig = bench->rig;
    struct core_reading *readings = calloc((size_t)rig->config.point_count + 1, sizeof *readings);

    assert_non_null(readings);
    for (int i = 0; i < ticks; i++) {
        struct core_inputs in = { .plan = rig->plan_now, .readings = readings, .acks = bench->acks };

        bench->now_us += BENCH_PERIOD_US;
        (void)mailbox_get(rig->plans, rig->plan_now);
        (void)mailbox_get(rig->requests, rig->requests_now);
        in.request_count = rig->requests_now->count;
        in.requests = rig->requests_now->list;
        in.now_us = bench->now_us;
        in.reading_count = i % 5 == 0 ? bench_readings(bench, readings) : 0;
        in.ack_count = bench->ack_count;
        tap_begin(rig->tap, rig->core, &in);
        core_step(rig->core, &in, rig->out);
        tap_end(rig->tap, &in, rig->out);
        bench_obey(bench);
    }
    free(readings);
}

/* The recording of the newest `last_us`; the caller frees it. */
static inline void *bench_save(struct bench *bench, int64_t last_us, size_t *ret_size)
{
    void *data = NULL;

    recorder_drain(bench->recorder, bench->rig->tap);
    assert_int_equal(recorder_save(bench->recorder, last_us, &data, ret_size), ST_OK);
    return data;
}

#endif
