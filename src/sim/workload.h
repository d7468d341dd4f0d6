/* SPDX-License-Identifier: Apache-2.0 */
/* workload.h: work offered to the plant's GPUs, and how much of it was served.
 *
 * A trace is work at full speed. Training: the GPUs of a job share one clock
 * that advances at the speed of the slowest of them, so under limits the job
 * stretches. Inference: each GPU has a queue; what is not served now waits.
 *
 * Work is counted in GPU seconds at full load. Served work is the integral of
 * offered work times speed. Slow-down of a GPU is the time that passed over the
 * time it would have taken to serve as much without limits: the job's clock, or
 * the same queue at full speed.
 */
#ifndef BUSBAR_SIM_WORKLOAD_H
#define BUSBAR_SIM_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "plant.h"
#include "trace.h"

struct workload_gpu {
    int32_t trace_node, job;
    double gain;   /* of this board's share of its node               */
    double skew_s; /* it begins so much later                         */
    int32_t cursor, cursor_wall, cursor_uncapped;
    double offered; /* now, 0 to 1 and above                           */
    double rate;    /* asked of the GPU now, 0 to 1                    */
    double backlog; /* GPU seconds that wait                           */
    double offered_sum, served_sum;
    /* the same queue without limits, followed to where as much was served          */
    double uncapped_s, uncapped_sum, uncapped_backlog;
};

struct workload {
    const struct trace *trace; /* borrowed                                        */
    bool playing;
    double start_s;   /* of the trace                                    */
    double elapsed_s; /* real time since workload_play()                 */
    int32_t gpu_count, job_count;
    struct workload_gpu gpus[PLANT_GPUS_MAX];
    double job_clock_s[PLANT_GPUS_MAX];
    double apart_s;      /* each job begins so much later in the trace than the last */
    double throttled_s;  /* GPU seconds at less than full speed, of all GPUs  */
    int32_t mark_at[PLANT_GPUS_MAX], mark_lap[PLANT_GPUS_MAX];
};

/* Spreads the trace over the plant's GPUs: +-5 % and up to 50 ms apart, by the
 * seed. A trace of fewer GPUs is used again as another job. */
void workload_init(struct workload *w, const struct trace *trace, const struct plant *plant, uint64_t seed);

void workload_play(struct workload *w, double start_s);
void workload_stop(struct workload *w);

/* Before plant_step(): every GPU's demand for the coming step. */
void workload_demand(struct workload *w, struct plant *plant, double dt_s);

/* After it: what was served at the speed the plant allowed. */
void workload_account(struct workload *w, struct plant *plant, double dt_s);

/* The next thing that a job has written into its log since the last call. False:
 * there is nothing more yet. */
bool workload_mark(struct workload *w, int32_t *ret_job, enum core_mark *ret);

/* The most that a GPU of a training job will ask for until then at full speed, in watts. */
double workload_peak_w(const struct workload *w, const struct plant *plant, int32_t gpu, double ahead_s);

struct workload_result {
    double elapsed_s, throttled_s;
    double offered_work, served_work; /* GPU seconds at full load, all GPUs          */
    double slowdown_p95;              /* over GPUs; 1: none                          */
};
void workload_result(const struct workload *w, struct workload_result *ret);

#endif
