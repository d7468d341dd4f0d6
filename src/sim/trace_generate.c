/* SPDX-License-Identifier: Apache-2.0 */
/* trace_generate.c: made-up work for machines without trace files.
 *
 * Main thread; no I/O. Shapes follow what real jobs show: iterations of some
 * seconds with a dip while gradients are exchanged, checkpoints and evaluations
 * with less power for seconds; requests with bursts of many times the mean.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "rng.h"
#include "trace.h"
#include "trace_series.h"

#define TRACE_GENERATE_EDGE_S         0.001 /* real boards rise within a millisecond    */
#define TRACE_GENERATE_START_S        4.0   /* data loading before the first iteration  */
#define TRACE_GENERATE_CHECKPOINT_S   45.0  /* between two                              */
#define TRACE_GENERATE_BIN_S          0.1
#define TRACE_GENERATE_REQUEST_WORK_S 0.04
#define TRACE_GENERATE_LOAD           0.55 /* mean, of what all GPUs of a node can do  */
#define TRACE_GENERATE_BURST_FACTOR   4.0

/* From here on the level is `work`, after an edge. */
static enum status trace_generate_level(struct trace_series *s, double t_s, double work)
{
    enum status st = ST_OK;

    if (s->count > 0)
        st = trace_series_add(s, t_s, s->w[s->count - 1]);
    return st == ST_OK ? trace_series_add(s, t_s + (s->count > 0 ? TRACE_GENERATE_EDGE_S : 0.0), work) : st;
}

/* An iteration ended; where work stops for a while, so does it, and goes on. */
static enum status trace_generate_marks(struct trace *trace, double end_s, double pause_s)
{
    enum status st = trace_mark_add(trace, end_s, CORE_MARK_STEP);

    if (st == ST_OK && pause_s > 0.0)
        st = trace_mark_add(trace, end_s, CORE_MARK_STOP);
    return st == ST_OK && pause_s > 0.0 ? trace_mark_add(trace, end_s + pause_s, CORE_MARK_GO) : st;
}

/* One job: every node does the same at the same time, a little more or less. */
static enum status trace_generate_training(const struct trace_generate *opt, struct trace *trace)
{
    struct rng rng;
    double every_s = opt->every_s > 0.0 ? opt->every_s : TRACE_GENERATE_CHECKPOINT_S;
    double period_s, t_s = TRACE_GENERATE_START_S, checkpoint_s = every_s;
    enum status st = ST_OK;

    rng_init(&rng, opt->seed, 11);
    period_s = rng_uniform(&rng, 1.2, 3.0);
    for (int32_t n = 0; n < opt->node_count && st == ST_OK; n++)
        st = trace_generate_level(&trace->nodes[n], 0.0, 0.05);
    while (t_s < opt->duration_s && st == ST_OK) {
        double length_s = period_s * rng_uniform(&rng, 0.97, 1.03);
        double compute_s = 0.85 * length_s;
        bool checkpoint = t_s > checkpoint_s;
        double pause_s = checkpoint ? rng_uniform(&rng, 3.0, 6.0) : 0.0;

        if (checkpoint && opt->evaluate_s > 0.0) /* a little longer or shorter by the same draw */
            pause_s = opt->evaluate_s * (1.0 + 0.1 * (pause_s - 4.5));
        for (int32_t n = 0; n < opt->node_count && st == ST_OK; n++) {
            struct trace_series *s = &trace->nodes[n];

            st = trace_generate_level(s, t_s, rng_uniform(&rng, 0.93, 1.0));
            if (st == ST_OK)
                st = trace_generate_level(s, t_s + compute_s, rng_uniform(&rng, 0.45, 0.55));
            if (st == ST_OK && checkpoint)
                st = trace_generate_level(s, t_s + length_s, rng_uniform(&rng, 0.28, 0.35));
        }
        if (st == ST_OK)
            st = trace_generate_marks(trace, t_s + length_s, pause_s);
        checkpoint_s += checkpoint ? every_s : 0.0;
        t_s += length_s + pause_s;
    }
    return st;
}

/* Requests of a node in bins; bursts last some seconds and come at random. */
static enum status trace_generate_inference(const struct trace_generate *opt, struct trace_series *s,
                                            uint64_t stream)
{
    struct rng rng;
    double capacity = opt->gpus_per_node * TRACE_GENERATE_BIN_S; /* GPU seconds a bin */
    double gap_s = TRACE_GENERATE_REQUEST_WORK_S / (TRACE_GENERATE_LOAD * opt->gpus_per_node);
    double next_s, switch_s;
    bool burst = false;
    enum status st = ST_OK;

    rng_init(&rng, opt->seed, stream);
    next_s = rng_exponential(&rng, gap_s);
    switch_s = rng_exponential(&rng, 15.0);
    for (double t_s = 0.0; t_s < opt->duration_s && st == ST_OK; t_s += TRACE_GENERATE_BIN_S) {
        int64_t requests = 0;

        while (next_s < t_s + TRACE_GENERATE_BIN_S) {
            requests++;
            next_s += rng_exponential(&rng, burst ? gap_s / TRACE_GENERATE_BURST_FACTOR : gap_s * 1.15);
        }
        if (t_s >= switch_s) {
            burst = !burst;
            switch_s = t_s + rng_exponential(&rng, burst ? 1.0 : 15.0);
        }
        st = trace_series_add(s, t_s, (double)requests * TRACE_GENERATE_REQUEST_WORK_S / capacity);
    }
    return st;
}

enum status trace_generate(const struct trace_generate *opt, struct trace **ret)
{
    struct trace *trace = calloc(1, sizeof *trace);
    enum status st = ST_NOMEM;

    if (trace)
        trace->nodes = calloc((size_t)opt->node_count, sizeof trace->nodes[0]);
    if (!trace || !trace->nodes)
        goto fail;
    trace->node_count = opt->node_count;
    trace->gpus_per_node = opt->gpus_per_node;
    trace->training = opt->training;
    trace->duration_s = opt->duration_s;
    trace->max_w = 1.0;
    (void)snprintf(trace->name, sizeof trace->name, "generated %s, seed %llu",
                   opt->training ? "training" : "inference", (unsigned long long)opt->seed);
    st = ST_OK;
    if (opt->training)
        st = trace_generate_training(opt, trace);
    for (int32_t n = 0; !opt->training && n < opt->node_count && st == ST_OK; n++)
        st = trace_generate_inference(opt, &trace->nodes[n], 100 + (uint64_t)n);
    if (st != ST_OK)
        goto fail;
    *ret = trace;
    return ST_OK;

fail:
    trace_free(trace);
    return st;
}
