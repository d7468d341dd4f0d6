/* SPDX-License-Identifier: Apache-2.0 */
/* serve_rig.h: a small plant with known values, and an event base to run servers
 * on, for the tests of the simulator's protocol servers.
 *
 * The plant is never stepped, so every value stays what a test wrote.
 */
#ifndef BUSBAR_TESTS_SERVE_RIG_H
#define BUSBAR_TESTS_SERVE_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define event event
#include <event2/event.h>
#undef event

#include "busbar/clock.h"
#include "sim/faults.h"
#include "sim/plant.h"

#define RIG_PSUS       6
#define RIG_GIVE_UP_US 20000000 /* a stalled machine, not a slow answer */

static inline void rig_psu(struct plant_psu *psu, int32_t n)
{
    psu->output_v = 49.5;
    psu->output_a = 100.0;
    psu->output_w = 4950.0;
    psu->input_v = 240.0;
    psu->input_a = 21.5;
    psu->input_w = 5125.0;
    psu->input_hz = 60.0;
    psu->inlet_c = 25.5;
    psu->outlet_c = 48.0;
    (void)snprintf(psu->serial, sizeof psu->serial, "PSU%08d", n + 1);
}

static inline void rig_bbu(struct plant_bbu *bbu, int32_t n)
{
    bbu->energy_j = 0.75 * bbu->energy_full_j;
    bbu->pack_v = 43.7;
    bbu->pack_a = 5.7;
    bbu->charging = true;
    bbu->charge_a = 5.7;
    bbu->bus_v = 49.5;
    bbu->temp_c = 26.85;
    (void)snprintf(bbu->serial, sizeof bbu->serial, "BBU%08d", n + 1);
}

/* `shelves` pairs of shelves of six, two nodes of four GPUs. */
static inline void rig_plant(struct plant *plant, enum plant_kind kind, int32_t shelves)
{
    memset(plant, 0, sizeof *plant);
    plant->shelf_count = shelves;
    plant->psu_count = plant->bbu_count = shelves * RIG_PSUS;
    plant->node_count = 2;
    plant->gpu_count = 8;
    plant->nominal_v = plant->ac_v = 240.0;
    plant->psu_loss_ratio = 0.035;
    for (int32_t i = 0; i < shelves; i++)
        plant->shelves[i] = (struct plant_shelf){.kind = kind,
                                                 .psu_first = i * RIG_PSUS,
                                                 .psu_count = RIG_PSUS,
                                                 .bbu_first = i * RIG_PSUS,
                                                 .bbu_count = RIG_PSUS,
                                                 .psu_rated_w = kind == PLANT_HPR ? 5500.0 : 3000.0};
    for (int32_t i = 0; i < plant->gpu_count; i++)
        plant->gpus[i] = (struct plant_gpu){
            .node = i / 4, .idle_w = 100.0, .rated_w = 1200.0, .limit_min_w = 200.0, .limit_max_w = 1200.0};
    for (int32_t i = 0; i < plant->psu_count; i++) {
        plant->psus[i].shelf = plant->bbus[i].shelf = i / RIG_PSUS;
        plant->bbus[i].energy_full_j = 960000.0;
    }
    plant_start(plant, 1);
    for (int32_t i = 0; i < plant->psu_count; i++) {
        rig_psu(&plant->psus[i], i);
        rig_bbu(&plant->bbus[i], i);
    }
    for (int32_t i = 0; i < plant->gpu_count; i++) {
        plant->gpus[i].reading_w = 500.0 + i;
        plant->gpus[i].energy_j = 1000.5;
        plant->gpus[i].temp_c = 41.25;
    }
    plant->node_w[0] = 3300.0;
    plant->node_w[1] = 3400.0;
}

/* One turn of the loop, waiting at most a millisecond for something to do. */
static inline void rig_turn(struct event_base *base)
{
    struct pollfd nothing = {.fd = -1};

    event_base_loop(base, EVLOOP_NONBLOCK);
    (void)poll(&nothing, 1, 1);
}

/* For so long, and with as many turns as that has milliseconds: a machine that stalls takes none of them away. */
static inline void rig_run(struct event_base *base, int64_t us)
{
    int64_t until_us = clock_now_us() + us;

    for (int64_t turns = us / 1000; turns > 0 || clock_now_us() < until_us; turns--)
        rig_turn(base);
}

/* A directory of its own for sockets and lines. */
static inline void rig_directory(char *path, size_t room)
{
    (void)snprintf(path, room, "/tmp/busbar-serve-XXXXXX");
    assert_non_null(mkdtemp(path));
}

/* Runs the servers until standard input ends: for a peer that started us. */
static inline void rig_stdin_end(evutil_socket_t fd, short what, void *base)
{
    char byte;

    (void)what;
    if (read(fd, &byte, 1) <= 0)
        event_base_loopbreak(base);
}

static inline void rig_serve(struct event_base *base)
{
    struct event *end = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, rig_stdin_end, base);

    (void)fflush(stdout);
    if (end && event_add(end, NULL) == 0)
        event_base_dispatch(base);
    if (end)
        event_free(end);
}

#endif
