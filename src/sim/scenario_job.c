/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_job.c: the training job that a scenario's rack works on.
 *
 * Main thread, or a worker process. A recorded one is read from below BUSBAR_DATA
 * (traces/mlperf_training_nodes_2s), with what the job wrote into its own log; where
 * that folder is not, our own generator makes one up. Nothing else is read.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "forecast_events.h"
#include "rng.h"
#include "scenario_parts.h"

#define SCENARIO_JOB_FOLDER "traces/mlperf_training_nodes_2s"
#define SCENARIO_JOB_MADE_S 3600.0 /* then a made-up job starts over                  */
#define SCENARIO_JOB_STREAM 12     /* of the seed                                     */
/* How far apart jobs are in a record, of an even share of it. */
#define SCENARIO_JOB_APART_LOW  0.5
#define SCENARIO_JOB_APART_HIGH 1.5

static void scenario_job_path(const char *name, const char *end, char ret[1024])
{
    const char *data = getenv("BUSBAR_DATA");

    (void)snprintf(ret, 1024, "%s/" SCENARIO_JOB_FOLDER "/%.*s%s",
                   data && *data ? data : BUSBAR_SOURCE_DIR "/../shared/data", SCENARIO_WORD_MAX, name, end);
}

static bool scenario_job_is_here(const char *name)
{
    char path[1024];

    scenario_job_path(name, ".csv.gz", path);
    return *name && !strchr(name, '/') && access(path, R_OK) == 0;
}

/* ---- a recorded one ---- */

static enum status scenario_job_marks(const struct forecast_events *events, struct trace *trace)
{
    static const enum core_mark marks[] = {
        [FC_MARK_STEP] = CORE_MARK_STEP, [FC_MARK_PART] = CORE_MARK_PART,   [FC_MARK_STOP] = CORE_MARK_STOP,
        [FC_MARK_GO] = CORE_MARK_GO,     [FC_MARK_START] = CORE_MARK_START, [FC_MARK_END] = CORE_MARK_END,
    };
    enum status st = ST_OK;

    for (int32_t i = 0; i < events->count && st == ST_OK; i++) {
        const struct forecast_event *e = &events->event[i];

        /* A log begins a little before the first reading and ends a little after the last. */
        if ((size_t)e->mark < sizeof marks / sizeof marks[0])
            st = trace_mark_add(trace, fmin(fmax(e->at_s, 0.0), trace->duration_s), marks[e->mark]);
    }
    return st;
}

static enum status scenario_job_load(const char *name, struct trace **ret, char error[TRACE_ERROR_MAX])
{
    struct forecast_events events = { .count = 0 };
    struct trace *trace = NULL;
    char path[1024], wrong[FORECAST_ERROR_MAX] = "";
    enum status st;

    scenario_job_path(name, ".csv.gz", path);
    st = trace_load(path, &trace, error);
    if (st != ST_OK)
        return st;
    scenario_job_path(name, "_events.csv", path);
    st = forecast_events_load(path, &events, wrong);
    (void)snprintf(error, TRACE_ERROR_MAX, "%.*s", TRACE_ERROR_MAX - 1, wrong);
    if (st == ST_OK)
        st = scenario_job_marks(&events, trace);
    forecast_events_done(&events);
    if (st == ST_OK) {
        *ret = trace;
        return ST_OK;
    }
    trace_free(trace);
    return st;
}

/* ---- settings ---- */

void scenario_job_settle(struct scenario_file *file, const struct scenario_setting *set,
                         struct scenario_report *report)
{
    struct scenario_job *job = &file->scenario.job;
    const char *word = set ? set->value : "";
    struct trace *trace = NULL;
    char error[TRACE_ERROR_MAX] = "";

    if (set && !job->plays) {
        report->file = set->line > 0 ? report->file : "--set";
        scenario_report_add(report, set->line, set->column, "job", "needs a load of kind job");
        return;
    }
    if (set && strcmp(word, "ours") != 0 && strcmp(word, "recorded") != 0)
        (void)snprintf(job->recorded, sizeof job->recorded, "%s", word);
    if (strcmp(word, "ours") == 0 || (!set && !scenario_job_is_here(job->recorded)))
        job->recorded[0] = '\0';
    else if (!scenario_job_is_here(job->recorded)) {
        report->file = set->line > 0 ? report->file : "--set";
        scenario_report_add(report, set->line, set->column, "job",
                            "\"%.60s\" is not in BUSBAR_DATA/" SCENARIO_JOB_FOLDER
                            "; allowed ours, recorded, or the name of a run there",
                            *job->recorded ? job->recorded : word);
    } else if (scenario_job_load(job->recorded, &trace, error) != ST_OK)
        scenario_report_add(report, 0, 0, "job", "%.300s", error);
    trace_free(trace);
}

/* ---- for a run ---- */

enum status scenario_job_new(const struct scenario *s, uint64_t seed, struct trace **ret, double *ret_apart_s)
{
    const struct trace_generate made = {
        .training = true,
        .node_count = (int32_t)ceil(s->rack.node_count / floor(s->job.jobs)),
        .gpus_per_node = (int32_t)s->rack.node_gpus,
        .duration_s = SCENARIO_JOB_MADE_S,
        .every_s = s->job.every_s,
        .evaluate_s = s->job.evaluate_s,
        .seed = seed,
    };
    char error[TRACE_ERROR_MAX];
    struct trace *trace = NULL;
    struct rng rng;
    enum status st;

    if (!*s->job.recorded) {
        *ret_apart_s = s->job.every_s / s->job.jobs; /* they take turns */
        return trace_generate(&made, ret);
    }
    st = scenario_job_load(s->job.recorded, &trace, error);
    if (st == ST_OK)
        st = trace_spread(trace, made.node_count, made.gpus_per_node);
    if (st != ST_OK) {
        trace_free(trace);
        return st;
    }
    rng_init(&rng, seed, SCENARIO_JOB_STREAM);
    *ret_apart_s =
        trace->duration_s / s->job.jobs * rng_uniform(&rng, SCENARIO_JOB_APART_LOW, SCENARIO_JOB_APART_HIGH);
    *ret = trace;
    return ST_OK;
}
