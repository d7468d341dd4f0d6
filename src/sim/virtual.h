/* SPDX-License-Identifier: Apache-2.0 */
/* virtual.h: plant and core in one loop: no threads, no sleeping.
 *
 * A link per device stands between them (link.h): measured latencies, one
 * transaction at a time a bus, at most two connections a BMC, loss, duplicates,
 * late execution. It fills the same structs as src/field. The core's
 * configuration is made here from a rack file and hardware books, never from the
 * plant: the plant's own numbers lie around it.
 */
#ifndef BUSBAR_SIM_VIRTUAL_H
#define BUSBAR_SIM_VIRTUAL_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/core.h"
#include "busbar/status.h"
#include "load.h"
#include "plant.h"
#include "rack.h"
#include "workload.h"

enum virtual_controller { VIRTUAL_NONE, VIRTUAL_BUSBAR, VIRTUAL_CONTROLLER_COUNT };

struct virtual_options {
    const struct rack *rack;            /* borrowed for the call                  */
    const struct plant_params *params;  /* the plant's; borrowed for the call     */
    const struct load_options *load;    /* borrowed for the call                  */
    const struct plant_grid *grid;      /* borrowed for good; NULL: nominal       */
    enum virtual_controller controller;
    uint64_t seed;
    int64_t period_us;                  /* of the core                            */
    double envelope_w;                  /* AC; the rack's windows                 */
    double settle_s;                    /* run so long before time 0, and on until armed (half a minute
                                           at most); the grid starts at 0. 0: starts cold      */
    double baud;                        /* of Modbus lines; 0: the rack's         */
    bool ride;                          /* the plan's ride.enabled                */
    double phase_ratio;                 /* the plan's ride.phase_ratio            */
    const struct plant_params *books;   /* what the core is told of the hardware: its name plates;
                                           borrowed for the call; NULL: the presets of the rack's kind */
    enum core_forecast forecast;        /* TOLD: what the load will be, as nobody could know it */
    bool hints;                         /* the job's own marks reach the core as they are written */
    bool nonsense;                      /* instead of either: anything at all, by the seed */
    bool arms;                          /* supplies' set-points are armed for a foreseen peak, and do not ride through */
    const struct trace *job;            /* instead of `load`, from time 0; borrowed for good; NULL: none */
    double job_apart_s;                 /* several jobs: each begins so much later in it */
    bool locks;                         /* as in reality a second daemon waits until the first is dead */
};

struct virtual;

/* A run at time 0, settled. ST_NOMEM is the only failure. */
NODISCARD enum status virtual_new(const struct virtual_options *opt, struct virtual **ret);
struct virtual *virtual_free(struct virtual *v);

/* One control period: the plant advances, the links deliver, the core decides. */
void virtual_step(struct virtual *v);

/* Seconds since time 0, within a step too; the plant's own clock runs ahead of it by
 * what settling took (plant->grid_from_us). */
double virtual_now_s(const struct virtual *v);

/* The core's monotonic time at that second of the run. */
int64_t virtual_time_us(const struct virtual *v, double at_s);

/* Sees the plant after each of its inner steps, from now on. NULL: nobody. */
void virtual_watch(struct virtual *v, const struct plant_watch *watch);

struct plant *virtual_plant(struct virtual *v);                   /* faults may change it    */
const struct plant *virtual_first(const struct virtual *v);       /* as it was before any control */
/* Of the step just done. NULL: no controller, or it is dead or stalled. */
const struct core_outputs *virtual_outputs(const struct virtual *v);
const struct core_config *virtual_config(const struct virtual *v);
struct core_plan *virtual_plan(struct virtual *v); /* raise version after a change             */
struct link *virtual_link(struct virtual *v);

/* What may happen to the controller. */
void virtual_crash(struct virtual *v, double dead_s);   /* starts anew with nothing but state files */
void virtual_pause(struct virtual *v, double pause_s);  /* the machine stalls: ticks are lost  */
void virtual_reload(struct virtual *v);                 /* a second configuration is adopted   */
void virtual_second(struct virtual *v, double for_s);   /* another daemon drives the same devices */

/* From now on another load. */
void virtual_load(struct virtual *v, const struct load_options *opt);

/* Whoever runs is stopped, and a new core puts back what each lever held before us, as
 * `busbard --restore` does: by the serial that is there now, lowering first, raising
 * only while it fits; `anyway`: without any limit. Goes on with virtual_step(). */
void virtual_restore(struct virtual *v, bool anyway);
/* Nothing is left that may be put back. */
bool virtual_restored(const struct virtual *v);

/* Of `job`; false: there is none. */
bool virtual_work(const struct virtual *v, struct workload_result *ret);

struct virtual_stats {
    uint64_t steps, orders, writes; /* core steps; orders; transactions that wrote */
    uint64_t plant_steps;
};
void virtual_stats(const struct virtual *v, struct virtual_stats *ret);

#endif
