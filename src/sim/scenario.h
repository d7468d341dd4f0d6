/* SPDX-License-Identifier: Apache-2.0 */
/* scenario.h: a scenario file and one run of it.
 *
 * config/scenarios/NAME.yaml: grid vector, load, faults, controller, parameters,
 * what must hold, the deadline by length of the outage. A run is {commit,
 * scenario, seed, settings}: those repeat it.
 */
#ifndef BUSBAR_SIM_SCENARIO_H
#define BUSBAR_SIM_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/status.h"
#include "checks.h"
#include "link.h"
#include "plant.h"
#include "rack.h"
#include "virtual.h"

#define SCENARIO_TEXT_MAX      256
#define SCENARIO_ERROR_MAX     512
#define SCENARIO_FAULTS_MAX    16
#define SCENARIO_SETS_MAX      24
#define SCENARIO_DEADLINES_MAX 8
#define SCENARIO_CHECKS_MAX    40
#define SCENARIO_METRICS_MAX   48

/* A fault of the link, the plant or the controller, once or lasting. */
struct scenario_fault {
    char what
        [24]; /* a word of link.h, or: psu_fail, bbu_fail, swap, psu_reset, crash, pause, reload, second */
    char device[32];    /* psu-1-2, bbu-1-1, bmc-3, line-2; empty: all           */
    double at_s, for_s; /* for_s 0: lasts                                        */
    double value;       /* NAN: the fault's own default                          */
};

/* Time to 90 % of the power before, by start profile and length of the event. */
struct scenario_deadline {
    enum plant_start_kind start;
    double under_s; /* events shorter than this                              */
    double within_s;
};

/* Training jobs, side by side on equal parts of the rack: what is asked for instead of
 * `load`. One job, each somewhere else in it: recorded, or of our own generator. */
struct scenario_job {
    bool plays;
    double jobs;                /* how many                                          */
    double every_s, evaluate_s; /* each evaluates so often, so long                  */
    char recorded[64];          /* instead: a run of BUSBAR_DATA; empty: none        */
};

enum scenario_forecast {
    SCENARIO_FORECAST_OFF,
    SCENARIO_FORECAST_ON,
    SCENARIO_FORECAST_HINTS,  /* and the jobs' own marks                             */
    SCENARIO_FORECAST_LIES,   /* and marks of nothing, at any time                   */
    SCENARIO_FORECAST_ORACLE, /* told what the jobs will ask for                     */
    SCENARIO_FORECAST_COUNT
};

struct scenario {
    char name[64], about[SCENARIO_TEXT_MAX], source[SCENARIO_TEXT_MAX];
    struct rack rack;
    struct plant_params params; /* the plant's                                        */
    struct plant_params books;  /* what the core is told: name plates of that kind    */
    struct load_options load;
    struct scenario_job job;
    enum scenario_forecast forecast;
    struct plant_grid grid;
    double seconds;
    double begins_s, ends_s; /* of the grid event; NAN: none                        */
    enum virtual_controller controller;
    int64_t period_us;
    double envelope_w; /* 0: the rack's                                      */
    double baud;       /* 0: the rack's                                      */
    int32_t fault_count, deadline_count;
    struct scenario_fault fault[SCENARIO_FAULTS_MAX];
    struct scenario_deadline deadline[SCENARIO_DEADLINES_MAX];
    bool check[CHECKS_COUNT];  /* which of checks.h must hold                        */
    bool disconnect_legal;     /* e-8: leaving the grid is a metric, not a failure   */
    double no_overshoot_ratio; /* AC power after the return over before; 0: a metric */
    bool no_write;             /* carried by what was armed: no order during the event */
    double current_within_s;   /* AC current back at <= 1.0 x so fast; 0: a metric   */
    bool stay_connected;       /* no supply leaves the grid, whatever the controller */
    double ramp_ratio_per_s;   /* of AC power before, no faster after the return; 0: a metric */
    double carry_ratio;        /* part of the supplies that carry at the end; 0: a metric */
    double settle_s;           /* before time 0                                      */
    double phase_ratio;        /* this rack's place in a start window                */
};

/* `name` is a scenario's name, or a path ending in .yaml. Applies `set` ("key=value":
 * rack keys nominal_v, start, baud, load_ratio, envelope_w, period_ms, capacitance..., any
 * key of plant_params.h) in order. ST_ABSENT: no such scenario; ST_SYS, ST_RANGE: the file or
 * a setting is wrong; `error` says what, where and what is allowed. */
NODISCARD enum status scenario_load(const char *name, const char *const *set, int set_count,
                                    struct scenario *ret, char error[SCENARIO_ERROR_MAX]);

/* Names and texts of all scenarios, sorted; recorded-NAME only where their data is. */
struct scenario_listed {
    char name[64], about[SCENARIO_TEXT_MAX];
};
NODISCARD enum status scenario_list(struct scenario_listed **ret, size_t *ret_count); /* free() it */

struct scenario_check {
    char name[32], unit[12], detail[96];
    bool ok;
    double value, limit;
};

struct scenario_metric {
    char name[40], unit[12];
    double value; /* NAN: does not apply                                 */
};

/* One sample of the traces, 1 ms apart during the event, 10 ms else. */
struct scenario_sample {
    double t_s, ac_v, bus_v, psu_w, bbu_w, load_w, grid_w, grid_a, limit_w;
};

struct scenario_result {
    const char *scenario, *controller;
    const char *job; /* of a load of kind job: the run's name, or "ours"; else NULL */
    uint64_t seed;
    bool ok;
    double sim_s, wall_s;
    int32_t check_count, metric_count;
    struct scenario_check check[SCENARIO_CHECKS_MAX];
    struct scenario_metric metric[SCENARIO_METRICS_MAX];
    struct scenario_sample *sample; /* NULL unless asked for; scenario_done() frees   */
    size_t sample_count;
};

/* Metrics always there: pfc_trips, disconnected (of 3 phases' supplies, ratio), bus_min_v,
 * bus_max_v, recovery_s (to 90 % of AC power before, from the return above 0.9), overshoot_ratio,
 * it_lost, second_dip (0 or 1), recharge_peak_w, bbu_used_j, bbu_cycles, current_within_s,
 * orders_in_event, ride_writes, capable, margin_s, served_ratio, mean_w, peak_w. */
struct scenario_run {
    uint64_t seed;
    bool samples;
    bool progress; /* a line on standard error while it takes long       */
};
NODISCARD enum status scenario_run(const struct scenario *scenario, const struct scenario_run *run,
                                   struct scenario_result *ret);
void scenario_done(struct scenario_result *result);
double scenario_metric(const struct scenario_result *result, const char *name); /* NAN: no such */

/* One run's JSON document (json-c object as text), for run, compare and sweep; caller frees. */
char *scenario_json(const struct scenario_result *result);

/* Subcommands, one file each: scenario_main.c (run, list), compare.c, sweep.c, ride_table.c,
 * campaign.c. */
int run_main(int argc, char **argv);
int list_main(int argc, char **argv);
int compare_main(int argc, char **argv);
int sweep_main(int argc, char **argv);
int ride_table_main(int argc, char **argv);
int campaign_main(int argc, char **argv);

#endif
