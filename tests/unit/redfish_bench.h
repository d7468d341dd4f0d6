/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_bench.h: the Redfish adapter and a fake BMC on one event base, one thread.
 *
 * Periods are scaled down. Nothing here or in its tests asserts how fast anything is.
 */
#ifndef TEST_REDFISH_BENCH_H
#define TEST_REDFISH_BENCH_H

#include "field/redfish.h"

#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
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
#include "busbar/http.h"
#include "field/adapter.h"
#include "field/originals.h"
#include "unit/fake_bmc.h"

#define LONG_S     30      /* a test that waits so long has failed              */
#define TIMEOUT_US 2000000 /* of an exchange, where none is to happen           */
#define SHORT_US   150000  /* where one is                                      */
#define HELD_US    20000000 /* where one is out all the while                   */
#define READINGS   3       /* of each GPU: power, limit, energy                 */

struct bench {
    struct bench *host; /* whose base and client these are; NULL: its own    */
    struct event_base *base;
    struct http_client *client;
    struct event *alarm;
    bool late;
    struct conf *conf;
    struct fake_bmc bmc;
    struct adapter adapter;
    struct device_orders orders;
    struct device_state state;
    struct redfish *redfish;
};

static inline void bench_on_alarm(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    ((struct bench *)arg)->late = true;
}

/* Runs the base until `done` holds; fails the test after LONG_S. */
#define UNTIL(bench, done)                                                                                   \
    do {                                                                                                     \
        bench_arm(bench);                                                                                    \
        while (!(bench)->late && (bench_look(bench), !(done)))                                               \
            event_base_loop((bench)->base, EVLOOP_ONCE);                                                     \
        assert_true(done);                                                                                   \
    } while (0)

static inline void bench_arm(struct bench *bench)
{
    struct timeval limit = {.tv_sec = LONG_S};

    bench->late = false;
    assert_int_equal(event_add(bench->alarm, &limit), 0);
}

static inline void bench_look(struct bench *bench)
{
    (void)mailbox_get(bench->adapter.to_main, &bench->state);
}

static inline void bench_run_ms(struct bench *bench, int ms)
{
    struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

    (void)event_base_loopexit(bench->base, &wait);
    (void)event_base_loop(bench->base, 0);
    bench_look(bench);
}

static inline void bench_device(struct bench *bench, struct conf_device *device)
{
    static const enum signal signals[READINGS] = {SIGNAL_GPU_POWER_W, SIGNAL_GPU_POWER_LIMIT_W,
                                                  SIGNAL_GPU_ENERGY_J};

    (void)snprintf(device->name, sizeof device->name, "bmc-1");
    (void)snprintf(device->url, sizeof device->url, "%s/", bench->bmc.url);
    (void)snprintf(device->username, sizeof device->username, "root");
    (void)snprintf(device->password, sizeof device->password, "secret");
    device->gpu_count = FAKE_GPUS;
    device->gpus = calloc(FAKE_GPUS, sizeof *device->gpus);
    device->lever_count = FAKE_GPUS;
    device->reading_count = FAKE_GPUS * READINGS;
    for (int g = 0; g < FAKE_GPUS; g++) {
        (void)snprintf(device->gpus[g].path, sizeof device->gpus[g].path, FAKE_PATH, g);
        (void)snprintf(device->levers[g].name, sizeof device->levers[g].name, "bmc-1.gpu-%d", g);
        device->levers[g].row = g;
        device->levers[g].signal = SIGNAL_GPU_POWER_LIMIT_W;
        for (int r = 0; r < READINGS; r++)
            device->readings[g * READINGS + r] = (struct conf_reading){.row = g, .signal = signals[r]};
    }
}

/* With a base and a client of its own, or those of `host`. */
static inline void bench_init_on(struct bench *bench, struct bench *host)
{
    struct http_client_options client = {.host_connections_max = 2, .body_max = 65536};

    memset(bench, 0, sizeof *bench);
    bench->host = host;
    bench->base = client.base = host ? host->base : event_base_new();
    bench->alarm = evtimer_new(bench->base, bench_on_alarm, bench);
    if (host)
        bench->client = host->client;
    else
        assert_int_equal(http_client_new(&client, &bench->client), ST_OK);
    fake_bmc_init(&bench->bmc, bench->base);
    bench->conf = calloc(1, sizeof *bench->conf);
    bench->conf->bus_count = bench->conf->device_count = 1;
    bench->conf->buses = calloc(1, sizeof *bench->conf->buses);
    bench->conf->devices = calloc(1, sizeof *bench->conf->devices);
    bench->conf->buses[0] = (struct conf_bus){
        .kind = CONF_BUS_REDFISH, .timeout_us = TIMEOUT_US, .fast_us = 20000, .stale_us = 400000};
    (void)snprintf(bench->conf->state_dir, sizeof bench->conf->state_dir, "/tmp/busbar-redfish-XXXXXX");
    assert_non_null(mkdtemp(bench->conf->state_dir));
    bench_device(bench, &bench->conf->devices[0]);
    bench->adapter = (struct adapter){.conf = bench->conf, .device = &bench->conf->devices[0]};
    bench->adapter.state.reading_count = FAKE_GPUS * READINGS;
    bench->adapter.state.lever_count = FAKE_GPUS;
    for (int i = 0; i < FAKE_GPUS * READINGS; i++)
        bench->adapter.state.readings[i].status = bench->state.readings[i].status = ST_NONE;
    assert_int_equal(mailbox_new(sizeof(struct device_state), &bench->adapter.to_tick), ST_OK);
    assert_int_equal(mailbox_new(sizeof(struct device_state), &bench->adapter.to_main), ST_OK);
    assert_int_equal(mailbox_new(sizeof(struct device_orders), &bench->adapter.from_tick), ST_OK);
}

static inline void bench_init(struct bench *bench)
{
    bench_init_on(bench, NULL);
}

static inline void bench_start(struct bench *bench, bool read_only)
{
    struct redfish_options options = {.base = bench->base,
                                      .client = bench->client,
                                      .conf = bench->conf,
                                      .adapter = &bench->adapter,
                                      .read_only = read_only};

    assert_int_equal(redfish_new(&options, &bench->redfish), ST_OK);
}

static inline void bench_done(struct bench *bench)
{
    char path[CONF_PATH_MAX + 32];

    assert_null(redfish_free(bench->redfish));
    if (!bench->host)
        http_client_free(bench->client);
    fake_bmc_done(&bench->bmc);
    mailbox_free(bench->adapter.to_tick);
    mailbox_free(bench->adapter.to_main);
    mailbox_free(bench->adapter.from_tick);
    (void)snprintf(path, sizeof path, "%s/originals/bmc-1", bench->conf->state_dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/originals", bench->conf->state_dir);
    (void)rmdir(path);
    (void)snprintf(path, sizeof path, "%s/sessions/bmc-1", bench->conf->state_dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/sessions", bench->conf->state_dir);
    (void)rmdir(path);
    (void)rmdir(bench->conf->state_dir);
    free(bench->conf->devices[0].gpus);
    free(bench->conf->devices);
    free(bench->conf->buses);
    free(bench->conf);
    event_free(bench->alarm);
    if (!bench->host)
        event_base_free(bench->base);
}

static inline const struct device_reading *bench_reading(const struct bench *bench, int gpu, int which)
{
    return &bench->state.readings[gpu * READINGS + which];
}

static inline bool bench_reads(const struct bench *bench, enum status status)
{
    for (int i = 0; i < FAKE_GPUS * READINGS; i++)
        if (bench->state.readings[i].status != status)
            return false;
    return true;
}

/* Changes the order of one lever; the tick side's mailbox holds them all. */
static inline void bench_order(struct bench *bench, int lever, enum device_op op, double value)
{
    struct device_order *order = &bench->orders.levers[lever];

    bench->orders.sequence++;
    *order = (struct device_order){
        .number = order->number + 1, .op = op, .value = value, .lease_end_us = INT64_MAX};
    mailbox_put(bench->adapter.from_tick, &bench->orders);
    redfish_orders(bench->redfish);
}

static inline bool bench_acked(const struct bench *bench, int lever)
{
    return bench->state.acks[lever].number == bench->orders.levers[lever].number;
}

static inline void bench_ordered(struct bench *bench, int lever, enum device_op op, double value,
                                 enum status status)
{
    bench_order(bench, lever, op, value);
    UNTIL(bench, bench_acked(bench, lever));
    assert_int_equal(bench->state.acks[lever].status, status);
}

#endif
