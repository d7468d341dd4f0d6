/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_run.c: plays a scenario in virtual time, with every judge looking on.
 *
 * Main thread, or a worker process. Breaks what the scenario says, when it says
 * so; steps plant and controller; hands what was seen to scenario_verdict.c. Reads
 * the clock only to say how long it took. Writes nothing but a progress line.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "busbar/check.h"
#include "busbar/clock.h"
#include "faults.h"
#include "scenario.h"
#include "scenario_measure.h"
#include "scenario_parts.h"
#include "scenario_verdict.h"

#define SCENARIO_RUN_PROGRESS_US INT64_C(2000000)
#define SCENARIO_RUN_REDRAW_US   INT64_C(200000)
/* A feed breaker carries the envelope as its continuous load (80 % rule). */
#define SCENARIO_RUN_BREAKER  0.8
#define SCENARIO_RUN_PAUSE_S  0.2
#define SCENARIO_RUN_CRASH_S  2.0
#define SCENARIO_RUN_SECOND_S 5.0

struct scenario_play {
    const struct scenario *scenario;
    const struct scenario_run *opt;
    struct virtual *v;
    struct checks *checks;
    struct trace *job;
    struct scenario_measure measure;
    int32_t state[SCENARIO_FAULTS_MAX]; /* 0 not yet, 1 stands, 2 over              */
    uint64_t orders, ride_orders, ride_writes;
    int64_t began_us, drawn_us;
};

/* ---- faults ---- */

static const char *const scenario_run_modules[] = { "psu_fail", "bbu_fail", "swap", "psu_reset" };

static bool scenario_run_is_module(const char *what)
{
    for (size_t i = 0; i < sizeof scenario_run_modules / sizeof scenario_run_modules[0]; i++)
        if (strcmp(what, scenario_run_modules[i]) == 0)
            return true;
    return false;
}

static void scenario_run_psu(struct plant *plant, int32_t psu, const char *what, bool on)
{
    struct plant_psu *p = &plant->psus[psu];

    if (strcmp(what, "psu_fail") == 0) {
        p->present = !on;
    } else if (on) {
        /* Another module: its own serial number, its own settings. */
        if (strcmp(what, "swap") == 0)
            p->serial[0] = p->serial[0] == 'Z' ? 'Y' : 'Z';
        plant_psu_reset(plant, psu);
    }
}

/* Does `what` to every module that `device` names. */
static void scenario_run_modules_do(struct plant *plant, const struct scenario_fault *f, bool on)
{
    bool bbu = strcmp(f->what, "bbu_fail") == 0;
    struct faults_target target = { .class = bbu ? FAULT_BBU : FAULT_PSU, .index = CORE_NONE };

    if (*f->device && faults_find(plant, f->device, &target) != ST_OK)
        return; /* the rack of this run has no such device */
    if (bbu) {
        for (int32_t i = 0; i < plant->bbu_count; i++)
            if (target.index == CORE_NONE || (target.class == FAULT_BBU && target.index == i))
                plant->bbus[i].failed = on;
        return;
    }
    for (int32_t i = 0; i < plant->psu_count; i++)
        if (target.index == CORE_NONE || (target.class == FAULT_PSU && target.index == i))
            scenario_run_psu(plant, i, f->what, on);
}

/* Devices of the core: supplies, batteries, BMCs, as the plant counts them. */
static void scenario_run_link(struct scenario_play *p, const struct scenario_fault *f)
{
    struct plant *plant = virtual_plant(p->v);
    enum link_fault fault = link_fault_find(f->what);
    int64_t until_us = f->for_s > 0.0 ? virtual_time_us(p->v, f->at_s + f->for_s) : INT64_MAX;
    struct link *link = virtual_link(p->v);
    struct faults_target target;

    if (!*f->device) {
        link_fault(link, CORE_NONE, fault, f->value, until_us, 1);
        return;
    }
    if (faults_find(plant, f->device, &target) != ST_OK)
        return;
    if (target.class == FAULT_BMC)
        link_fault(link, plant->psu_count + plant->bbu_count + target.index, fault, f->value, until_us, 1);
    else if (target.class == FAULT_BBU)
        link_fault(link, plant->psu_count + target.index, fault, f->value, until_us, 1);
    else if (target.class == FAULT_PSU)
        link_fault(link, target.index, fault, f->value, until_us, 1);
    if (target.class != FAULT_LINE)
        return;
    const struct plant_shelf *shelf = &plant->shelves[target.index];

    for (int32_t i = 0; i < shelf->psu_count; i++)
        link_fault(link, shelf->psu_first + i, fault, f->value, until_us, 1);
    for (int32_t i = 0; i < shelf->bbu_count; i++)
        link_fault(link, plant->psu_count + shelf->bbu_first + i, fault, f->value, until_us, 1);
}

static void scenario_run_controller(struct scenario_play *p, const struct scenario_fault *f)
{
    if (p->scenario->controller == VIRTUAL_NONE)
        return;
    if (strcmp(f->what, "crash") == 0)
        virtual_crash(p->v, f->for_s > 0.0 ? f->for_s : SCENARIO_RUN_CRASH_S);
    else if (strcmp(f->what, "pause") == 0)
        virtual_pause(p->v, f->for_s > 0.0 ? f->for_s : SCENARIO_RUN_PAUSE_S);
    else if (strcmp(f->what, "reload") == 0)
        virtual_reload(p->v);
    else
        virtual_second(p->v, f->for_s > 0.0 ? f->for_s : SCENARIO_RUN_SECOND_S);
}

static void scenario_run_faults(struct scenario_play *p)
{
    const struct scenario *s = p->scenario;
    double now_s = virtual_now_s(p->v);

    for (int32_t i = 0; i < s->fault_count; i++) {
        const struct scenario_fault *f = &s->fault[i];
        bool module = scenario_run_is_module(f->what);

        if (p->state[i] == 0 && now_s >= f->at_s - 1e-9) {
            p->state[i] = 1;
            if (module)
                scenario_run_modules_do(virtual_plant(p->v), f, true);
            else if (link_fault_find(f->what) == LINK_FAULT_COUNT)
                scenario_run_controller(p, f);
            else if (s->controller != VIRTUAL_NONE)
                scenario_run_link(p, f);
        }
        if (p->state[i] == 1 && module && f->for_s > 0.0 && now_s >= f->at_s + f->for_s - 1e-9) {
            p->state[i] = 2;
            scenario_run_modules_do(virtual_plant(p->v), f, false);
        }
    }
}

/* ---- one period ---- */

static void scenario_run_progress(struct scenario_play *p, bool end)
{
    int64_t now_us = clock_now_us();

    if (!p->opt->progress || now_us - p->began_us < SCENARIO_RUN_PROGRESS_US)
        return;
    if (end) {
        (void)fprintf(stderr, "\r\033[K");
    } else if (now_us - p->drawn_us > SCENARIO_RUN_REDRAW_US) {
        p->drawn_us = now_us;
        (void)fprintf(stderr, "\r%s: %3.0f %%", p->scenario->name,
                      100.0 * virtual_now_s(p->v) / p->scenario->seconds);
    }
}

static void scenario_run_counts(struct scenario_play *p, const struct core_outputs *out)
{
    struct virtual_stats stats;
    struct link_stats wires = { .reads = 0 };
    uint64_t ride_orders = out ? out->ride.writes : p->ride_orders;

    virtual_stats(p->v, &stats);
    if (virtual_link(p->v))
        link_stats(virtual_link(p->v), &wires);
    /* A controller that starts anew counts from 0. */
    if (ride_orders < p->ride_orders)
        p->ride_orders = 0;
    scenario_measure_orders(&p->measure, stats.orders - p->orders, ride_orders - p->ride_orders,
                            wires.ride_writes - p->ride_writes);
    p->orders = stats.orders;
    p->ride_orders = ride_orders;
    p->ride_writes = wires.ride_writes;
}

static void scenario_run_loop(struct scenario_play *p, struct scenario_seen *seen)
{
    struct plant_watch watch = scenario_measure_watch(&p->measure);

    virtual_watch(p->v, &watch);
    while (virtual_now_s(p->v) < p->scenario->seconds - 1e-9) {
        const struct core_outputs *out;

        scenario_run_faults(p);
        virtual_step(p->v);
        out = virtual_outputs(p->v);
        checks_core(p->checks, out);
        scenario_run_counts(p, out);
        if (!p->measure.in_event && p->measure.event_count == 0)
            scenario_verdict_before(seen, out, virtual_plant(p->v));
        scenario_run_progress(p, false);
    }
    scenario_measure_end(&p->measure);
    scenario_run_progress(p, true);
}

/* ---- a run ---- */

static enum core_forecast scenario_run_forecast(const struct scenario *s)
{
    return s->forecast == SCENARIO_FORECAST_OFF      ? CORE_FORECAST_OFF
           : s->forecast == SCENARIO_FORECAST_ORACLE ? CORE_FORECAST_TOLD
                                                     : CORE_FORECAST_LEARN;
}

static enum status scenario_run_open(struct scenario_play *p, uint64_t seed)
{
    const struct scenario *s = p->scenario;
    double envelope_w = s->envelope_w > 0.0 ? s->envelope_w : s->rack.envelope_w;
    double apart_s = 0.0;
    enum status st = s->job.plays ? scenario_job_new(s, seed, &p->job, &apart_s) : ST_OK;
    const struct virtual_options opt = {
        .rack = &s->rack,
        .params = &s->params,
        .books = &s->books,
        .load = &s->load,
        .grid = &s->grid,
        .controller = s->controller,
        .seed = seed,
        .period_us = s->period_us,
        .envelope_w = envelope_w,
        .settle_s = s->settle_s,
        .baud = s->baud,
        .ride = true,
        .phase_ratio = s->phase_ratio,
        .forecast = scenario_run_forecast(s),
        .hints = s->forecast == SCENARIO_FORECAST_HINTS,
        .nonsense = s->forecast == SCENARIO_FORECAST_LIES,
        .job = p->job,
        .job_apart_s = apart_s,
    };
    struct checks_options judges = {
        .envelope_w = envelope_w,
        .window_count = s->rack.windows_ms.count,
        .breaker_rated_w = envelope_w / SCENARIO_RUN_BREAKER,
    };
    int64_t windows_us[RACK_WINDOWS_MAX];

    if (st == ST_OK)
        st = virtual_new(&opt, &p->v);
    if (st != ST_OK)
        return st;
    for (int32_t i = 0; i < s->rack.windows_ms.count; i++)
        windows_us[i] = (int64_t)(s->rack.windows_ms.value[i] * 1000.0);
    judges.windows_us = windows_us;
    judges.plant = virtual_plant(p->v);
    if (s->controller != VIRTUAL_NONE) {
        const struct core_plan_ride *ride = &virtual_plan(p->v)->ride;

        judges.config = virtual_config(p->v);
        judges.reserve_s = ride->reserve_s;
        judges.wear_cycles_per_day = ride->wear_cycles_per_day;
    }
    st = checks_new(&judges, &p->checks);
    if (st != ST_OK)
        return st;
    checks_armed(p->checks, envelope_w);
    return scenario_measure_init(&p->measure, s, virtual_plant(p->v), checks_watch(p->checks),
                                 p->opt->samples);
}

static void scenario_run_first_counts(struct scenario_play *p)
{
    struct virtual_stats stats;
    struct link_stats wires = { .reads = 0 };
    const struct core_outputs *out = virtual_outputs(p->v);

    virtual_stats(p->v, &stats);
    if (virtual_link(p->v))
        link_stats(virtual_link(p->v), &wires);
    p->orders = stats.orders;
    p->ride_orders = out ? out->ride.writes : 0;
    p->ride_writes = wires.ride_writes;
}

enum status scenario_run(const struct scenario *scenario, const struct scenario_run *run,
                         struct scenario_result *ret)
{
    struct scenario_play play = { .scenario = scenario, .opt = run, .began_us = clock_now_us() };
    struct scenario_seen seen = { .measure = &play.measure };
    enum status st = scenario_run_open(&play, run->seed);

    if (st == ST_OK) {
        scenario_verdict_before(&seen, virtual_outputs(play.v), virtual_plant(play.v));
        scenario_run_first_counts(&play);
        scenario_run_loop(&play, &seen);
        *ret =
            (struct scenario_result){ .scenario = scenario->name,
                                      .controller = scenario->controller == VIRTUAL_NONE ? "none" : "busbar",
                                      .job = !scenario->job.plays       ? NULL
                                             : *scenario->job.recorded ? scenario->job.recorded
                                                                       : "ours",
                                      .seed = run->seed,
                                      .sim_s = virtual_now_s(play.v) };
        seen.plant = virtual_plant(play.v);
        seen.checks = play.checks;
        seen.works = virtual_work(play.v, &seen.work);
        scenario_verdict(scenario, &seen, ret);
        ret->sample = play.measure.sample;
        ret->sample_count = play.measure.sample_count;
        play.measure.sample = NULL;
        ret->wall_s = (double)(clock_now_us() - play.began_us) / 1e6;
    }
    scenario_measure_done(&play.measure);
    checks_free(play.checks);
    virtual_free(play.v);
    trace_free(play.job);
    return st;
}

void scenario_done(struct scenario_result *result)
{
    free(result->sample);
    result->sample = NULL;
    result->sample_count = 0;
}
