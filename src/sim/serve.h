/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h: a whole rack in real time: plant, load, meter, faults, and the
 * protocol servers in front of them, on one event base.
 *
 * The plant follows the clock in 1 ms steps; after a stall it catches up, so
 * the meter never skips a millisecond. Not opaque within src/sim: serve_ctl.c,
 * daemon_conf.c and demo*.c read the fields; serve.c alone makes and steps them.
 */
#ifndef BUSBAR_SIM_SERVE_H
#define BUSBAR_SIM_SERVE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "busbar/status.h"
#include "faults.h"
#include "meter.h"
#include "plant.h"
#include "rack.h"
#include "serve_spans.h"
#include "trace.h"
#include "workload.h"

struct event;
struct event_base;
struct serve_ctl;
struct serve_modbus;
struct serve_redfish;
struct serve_smbus;

#define SERVE_STEP_US 1000

struct serve_options {
    struct event_base *base;   /* borrowed                                        */
    const struct rack *rack;   /* copied                                          */
    const struct trace *trace; /* borrowed                                        */
    const char *run_dir;       /* made when it is not there; copied               */
    const char *ctl;           /* control socket; NULL: ctl.sock in run_dir       */
    uint64_t seed;
    double envelope_w;
    bool modbus_tcp;
    bool discharged; /* plant_discharge()                               */
};

struct serve {
    struct event_base *base;
    struct rack rack;
    struct plant plant;
    struct faults faults;
    struct workload workload;
    struct meter *meter; /* node 0: the rack's AC input; 1 ...: shelves' DC  */
    struct serve_spans spans; /* since somebody last asked                      */
    double envelope_w;
    char run_dir[PATH_MAX]; /* absolute                                        */
    char ctl_path[PATH_MAX];
    bool made_run_dir;
    int timer_fd;
    struct event *timer;
    int64_t origin_us; /* clock_now_us() at plant time 0                  */
    /* called once, in the very millisecond the load has run for so long           */
    double alarm_s; /* 0: never                                        */
    void (*alarm)(void *arg);
    void *alarm_arg;
    struct serve_redfish *redfish;
    struct serve_modbus *modbus;
    struct serve_smbus *smbus; /* NULL: this rack has no such shelf               */
    struct serve_ctl *ctl;
};

/* Everything listens when this returns; the clock starts. Says on standard
 * error why not. */
NODISCARD enum status serve_new(const struct serve_options *opt, struct serve **ret);

/* Closes and removes what serve_new() made. Takes NULL; returns NULL. */
struct serve *serve_free(struct serve *serve);

/* The limits the meter judges by; used for virtual time as well. */
NODISCARD enum status serve_meter_new(const struct rack *rack, const struct plant *plant, double envelope_w,
                                      struct meter **ret);
/* One millisecond of load, plant and meter (NULL: none). */
void serve_step(struct workload *workload, struct plant *plant, struct meter *meter);

void serve_set_envelope(struct serve *serve, double envelope_w);

/* `busbarsim serve ...` */
int serve_main(int argc, char **argv);

#endif
