/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c: starts a rack behind real protocols and keeps it in step with the
 * clock. Everything runs on the one event base given; owns the timer and the
 * run directory. Never looks at what a client wants: that is the servers' part.
 */
#include "serve.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "busbar/check.h"
#include "busbar/clock.h"
#include "serve_ctl.h"
#include "serve_modbus.h"
#include "serve_redfish.h"
#include "serve_smbus.h"

/* After a stall: this many milliseconds at a go, then requests are answered. */
#define SERVE_BURST_STEPS 250

/* ---- stepping ---- */

void serve_step(struct workload *workload, struct plant *plant, struct meter *meter)
{
    double watts[METER_NODES_MAX];
    double dt_s = SERVE_STEP_US / 1e6;

    workload_demand(workload, plant, dt_s);
    plant_step(plant, SERVE_STEP_US);
    workload_account(workload, plant, dt_s);
    if (!meter)
        return;
    watts[0] = plant->ac_w;
    for (int32_t i = 0; i < plant->shelf_count; i++)
        watts[1 + i] = plant->shelves[i].output_w;
    meter_step(meter, watts);
}

static void serve_check_alarm(struct serve *serve)
{
    if (serve->alarm_s <= 0.0 || !serve->workload.playing ||
        serve->workload.elapsed_s < serve->alarm_s - SERVE_STEP_US / 2e6)
        return;
    serve->alarm_s = 0.0;
    serve->alarm(serve->alarm_arg);
}

static void serve_timer(evutil_socket_t fd, short what, void *arg)
{
    struct serve *serve = arg;
    uint64_t periods;

    (void)what;
    if (read((int)fd, &periods, sizeof periods) != (ssize_t)sizeof periods)
        return;
    for (int i = 0; i < SERVE_BURST_STEPS; i++) {
        if (serve->plant.now_us + SERVE_STEP_US > clock_now_us() - serve->origin_us)
            return;
        serve_step(&serve->workload, &serve->plant, serve->meter);
        serve_spans_note(&serve->spans, &serve->plant);
        faults_tick(&serve->faults, serve->plant.now_us);
        serve_check_alarm(serve);
    }
}

enum status serve_meter_new(const struct rack *rack, const struct plant *plant, double envelope_w,
                            struct meter **ret)
{
    struct meter_node nodes[METER_NODES_MAX];
    struct meter_limit limits[METER_LIMITS_MAX];
    struct rack_limit shelf[RACK_SHELF_LIMITS_MAX];
    int32_t per_shelf = rack_shelf_limits(rack, shelf);
    struct meter_options opt = { .node_count = 1 + plant->shelf_count, .nodes = nodes, .limits = limits };

    _Static_assert(METER_NODES_MAX > PLANT_SHELVES_MAX, "a node for each shelf and the rack");
    _Static_assert(METER_LIMITS_MAX >= RACK_WINDOWS_MAX + PLANT_SHELVES_MAX * 3, "a row for each limit");
    nodes[0] = (struct meter_node){ .name = "rack", .idle_w = plant_idle_ac_w(plant) };
    for (int32_t i = 0; i < rack->windows_ms.count; i++)
        limits[opt.limit_count++] = (struct meter_limit){ .node = 0,
                                                          .window_ms = (int32_t)rack->windows_ms.value[i],
                                                          .limit_w = envelope_w };
    for (int32_t s = 0; s < plant->shelf_count; s++) {
        nodes[1 + s].idle_w = plant_idle_shelf_w(plant);
        (void)snprintf(nodes[1 + s].name, METER_NAME_MAX, "shelf-%d", s + 1);
        for (int32_t i = 0; i < per_shelf; i++)
            limits[opt.limit_count++] = (struct meter_limit){ .node = 1 + s,
                                                              .window_ms = shelf[i].window_ms,
                                                              .limit_w = shelf[i].limit_w };
    }
    return meter_new(&opt, ret);
}

void serve_set_envelope(struct serve *serve, double envelope_w)
{
    serve->envelope_w = envelope_w;
    meter_set_limit(serve->meter, 0, envelope_w);
}

/* ---- start and end ---- */

static enum status serve_make_run_dir(struct serve *serve, const char *path)
{
    serve->made_run_dir = mkdir(path, 0700) == 0;
    if (!serve->made_run_dir && errno != EEXIST) {
        (void)fprintf(stderr, "busbarsim: %s: %s\n", path, strerror(errno));
        return ST_SYS;
    }
    if (!realpath(path, serve->run_dir)) {
        (void)fprintf(stderr, "busbarsim: %s: %s\n", path, strerror(errno));
        return ST_SYS;
    }
    return ST_OK;
}

static enum status serve_start_servers(struct serve *serve, const struct serve_options *opt)
{
    const struct rack *rack = &serve->rack;
    const struct serve_redfish_options redfish = {
        .base = serve->base,
        .plant = &serve->plant,
        .faults = &serve->faults,
        .seed = opt->seed,
        .extras = rack->redfish_extras > 0.0,
        .p50_ms = rack->redfish_p50_ms,
        .p95_ms = rack->redfish_p95_ms,
        .p99_ms = rack->redfish_p99_ms,
    };
    const struct serve_modbus_options modbus = {
        .base = serve->base,
        .plant = &serve->plant,
        .faults = &serve->faults,
        .seed = opt->seed,
        .run_dir = serve->run_dir,
        .baud = (int32_t)rack->modbus_baud,
        .turnaround_min_ms = rack->modbus_turnaround_ms.value[0],
        .turnaround_max_ms = rack->modbus_turnaround_ms.value[1],
        .tcp = opt->modbus_tcp,
        .one_block = rack->mirror > 1.0,
    };
    const struct serve_smbus_options smbus = {
        .base = serve->base,
        .plant = &serve->plant,
        .faults = &serve->faults,
        .run_dir = serve->run_dir,
        .shelf = (int32_t)rack->smbus_shelf - 1,
        .hz = (int32_t)rack->smbus_hz,
    };
    enum status st = serve_redfish_new(&redfish, &serve->redfish);

    if (st == ST_OK)
        st = serve_modbus_new(&modbus, &serve->modbus);
    if (st == ST_OK && smbus.shelf >= 0)
        st = serve_smbus_new(&smbus, &serve->smbus);
    return st;
}

static enum status serve_start_timer(struct serve *serve)
{
    struct itimerspec period = { .it_interval.tv_nsec = SERVE_STEP_US * 1000,
                                 .it_value.tv_nsec = SERVE_STEP_US * 1000 };

    serve->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (serve->timer_fd < 0 || timerfd_settime(serve->timer_fd, 0, &period, NULL) != 0) {
        (void)fprintf(stderr, "busbarsim: timer: %s\n", strerror(errno));
        return ST_SYS;
    }
    serve->timer = event_new(serve->base, serve->timer_fd, EV_READ | EV_PERSIST, serve_timer, serve);
    if (!serve->timer || event_add(serve->timer, NULL) != 0)
        return ST_NOMEM;
    serve->origin_us = clock_now_us();
    return ST_OK;
}

enum status serve_new(const struct serve_options *opt, struct serve **ret)
{
    struct serve *serve = calloc(1, sizeof *serve);
    enum status st = ST_NOMEM;
    int length;

    if (!serve)
        goto fail;
    serve->base = opt->base;
    serve->rack = *opt->rack;
    serve->envelope_w = opt->envelope_w;
    serve->timer_fd = -1;
    rack_plant(&serve->rack, opt->seed, &serve->plant);
    if (opt->discharged)
        plant_discharge(&serve->plant);
    faults_init(&serve->faults);
    workload_init(&serve->workload, opt->trace, &serve->plant, opt->seed);
    st = serve_meter_new(&serve->rack, &serve->plant, opt->envelope_w, &serve->meter);
    if (st == ST_OK)
        st = serve_make_run_dir(serve, opt->run_dir);
    if (st != ST_OK)
        goto fail;
    length = snprintf(serve->ctl_path, sizeof serve->ctl_path, "%s%s", opt->ctl ? opt->ctl : serve->run_dir,
                      opt->ctl ? "" : "/ctl.sock");
    CHECK(length > 0);
    st = serve_start_servers(serve, opt);
    if (st == ST_OK)
        st = serve_ctl_new(serve, serve->ctl_path, &serve->ctl);
    if (st == ST_OK)
        st = serve_start_timer(serve);
    if (st != ST_OK)
        goto fail;
    *ret = serve;
    return ST_OK;

fail:
    serve_free(serve);
    return st;
}

struct serve *serve_free(struct serve *serve)
{
    if (!serve)
        return NULL;
    if (serve->timer)
        event_free(serve->timer);
    if (serve->timer_fd >= 0)
        (void)close(serve->timer_fd);
    serve->ctl = serve_ctl_free(serve->ctl);
    serve->smbus = serve_smbus_free(serve->smbus);
    serve->modbus = serve_modbus_free(serve->modbus);
    serve->redfish = serve_redfish_free(serve->redfish);
    serve->meter = meter_free(serve->meter);
    /* Only when it is empty: what others put there is theirs. */
    if (serve->made_run_dir)
        (void)rmdir(serve->run_dir);
    free(serve);
    return NULL;
}
