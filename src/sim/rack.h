/* SPDX-License-Identifier: Apache-2.0 */
/* rack.h: a rack file: what the simulator's rack is built of. Not the daemon's. */
#ifndef BUSBAR_SIM_RACK_H
#define BUSBAR_SIM_RACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/status.h"
#include "plant.h"

#define RACK_WINDOWS_MAX 8
#define RACK_WORD_MAX    32
#define RACK_ERROR_MAX   512

struct rack_number_list {
    int32_t count;
    double value[RACK_WINDOWS_MAX];
};

/* Keys of the file, in its units. */
struct rack {
    char name[RACK_WORD_MAX], kind[RACK_WORD_MAX]; /* kind: a word of plant_kind_find() */
    double nominal_v;                              /* AC RMS                                          */
    double envelope_w;                             /* AC input                                        */
    struct rack_number_list windows_ms;
    double node_count, node_gpus, node_static_w;
    double switches_w;
    double gpu_idle_w, gpu_rated_w, gpu_limit_min_w, gpu_limit_max_w;
    double gpu_overshoot_ratio, gpu_limit_delay_ms;
    char gpu_knee[RACK_WORD_MAX];
    double shelf_count, shelf_psus, psu_rated_w, psu_efficiency_ratio, shelf_bbus, bbu_energy_j;
    /* optional: */
    char start[RACK_WORD_MAX];       /* "stock" (default), "short-boot", "kept-alive"   */
    double bbu_health_ratio;         /* 1                                               */
    double cap_energy_j, cap_power_w; /* capacitor shelf: 0, none                       */
    double bus_capacitance_f, bus_resistance_ohm; /* 0: as the kind's                   */
    double modbus_baud;
    struct rack_number_list modbus_turnaround_ms;
    double smbus_shelf, smbus_hz; /* shelf counted from 1; 0: none                   */
    double redfish_p50_ms, redfish_p95_ms, redfish_p99_ms;
    double mirror; /* 1: modules are read through their shelf's controller; 2: which has them as one block */
    double redfish_extras; /* 1: BMCs have reports, events, tasks, Controls, settings   */
};

/* ST_OK: *ret is filled. ST_SYS: the file cannot be read; ST_RANGE: it is not a
 * rack file. `error` then says what and where, one line. */
NODISCARD enum status rack_load(const char *path, struct rack *ret, char error[RACK_ERROR_MAX]);

/* The plant's parameters: presets of its kind and start profile, and what the file says. */
void rack_params(const struct rack *rack, struct plant_params *ret);

/* The plant of it with rack_params(), started idle. With others: put them into
 * ret->params and plant_start() it again. */
void rack_plant(const struct rack *rack, uint64_t seed, struct plant *ret);

/* What the minimum GPU limits with overshoot, static loads and batteries at
 * their chargers' own current take from the grid: no envelope can be lower. */
double rack_floor_ac_w(const struct rack *rack);

/* A part that the daemon's tree counts for the loss of the supplies: a little
 * above the plant's own, so that its sums are upper bounds. */
double rack_tree_loss_ratio(const struct rack *rack);

/* The output limits of one shelf by its kind; returns how many, 3 at most. */
struct rack_limit {
    int32_t window_ms;
    double limit_w;
};
#define RACK_SHELF_LIMITS_MAX 4
int32_t rack_shelf_limits(const struct rack *rack, struct rack_limit ret[RACK_SHELF_LIMITS_MAX]);

#endif
