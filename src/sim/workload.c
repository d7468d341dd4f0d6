/* SPDX-License-Identifier: Apache-2.0 */
/* workload.c: turns a trace into demand and speed into progress. Pure; the
 * plant's thread. Never looks at limits: the plant says what speed they left. */
#include "workload.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"

#define WORKLOAD_GAIN_LOW  0.95
#define WORKLOAD_GAIN_HIGH 1.05
#define WORKLOAD_SKEW_S    0.050
#define WORKLOAD_PEAK_S    0.1 /* what is looked at of the time ahead             */
#define WORKLOAD_ROUNDING  1e-9 /* of sums over the same numbers in another order */

void workload_init(struct workload *w, const struct trace *trace, const struct plant *plant, uint64_t seed)
{
    int32_t per_job = trace->node_count * trace->gpus_per_node;
    struct rng rng;

    memset(w, 0, sizeof *w);
    rng_init(&rng, seed, 2);
    w->trace = trace;
    w->gpu_count = plant->gpu_count;
    for (int32_t i = 0; i < w->gpu_count; i++) {
        struct workload_gpu *g = &w->gpus[i];

        g->job = i / per_job;
        g->trace_node = i % per_job / trace->gpus_per_node;
        g->gain = rng_uniform(&rng, WORKLOAD_GAIN_LOW, WORKLOAD_GAIN_HIGH);
        g->skew_s = rng_uniform(&rng, 0.0, WORKLOAD_SKEW_S);
        w->job_count = g->job + 1;
    }
}

void workload_play(struct workload *w, double start_s)
{
    w->playing = true;
    w->start_s = start_s;
    w->elapsed_s = w->throttled_s = 0.0;
    for (int32_t j = 0; j < w->job_count; j++) {
        w->job_clock_s[j] = 0.0;
        w->mark_at[j] = w->mark_lap[j] = 0;
    }
    for (int32_t i = 0; i < w->gpu_count; i++) {
        struct workload_gpu *g = &w->gpus[i];

        g->cursor = g->cursor_wall = g->cursor_uncapped = 0;
        g->offered = g->rate = g->backlog = 0.0;
        g->offered_sum = g->served_sum = 0.0;
        g->uncapped_s = g->uncapped_sum = g->uncapped_backlog = 0.0;
    }
}

void workload_stop(struct workload *w)
{
    w->playing = false;
}

static double workload_offered(const struct workload *w, const struct workload_gpu *g, double clock_s,
                               int32_t *cursor)
{
    double from_s = w->start_s + g->job * w->apart_s;
    double work = g->gain * trace_work(w->trace, g->trace_node, from_s + clock_s - g->skew_s, cursor);

    return w->trace->training && work > 1.0 ? 1.0 : work;
}

void workload_demand(struct workload *w, struct plant *plant, double dt_s)
{
    for (int32_t i = 0; i < w->gpu_count; i++) {
        struct workload_gpu *g = &w->gpus[i];
        struct plant_gpu *gpu = &plant->gpus[i];

        if (!w->playing) {
            gpu->demand_w = gpu->idle_w;
            continue;
        }
        if (w->trace->training) {
            g->rate = workload_offered(w, g, w->job_clock_s[g->job], &g->cursor);
            g->offered = workload_offered(w, g, w->elapsed_s, &g->cursor_wall);
        } else {
            g->offered = workload_offered(w, g, w->elapsed_s, &g->cursor_wall);
            g->rate = fmin(1.0, g->offered + g->backlog / dt_s);
        }
        gpu->demand_w = gpu->idle_w + g->rate * (gpu->rated_w - gpu->idle_w);
    }
}

/* How long the same queue without limits would have taken for what was served. */
static void workload_follow(const struct workload *w, struct workload_gpu *g, double dt_s)
{
    while (g->uncapped_s < w->elapsed_s) {
        double offered = workload_offered(w, g, g->uncapped_s, &g->cursor_uncapped) * dt_s;
        double served = fmin(dt_s, offered + g->uncapped_backlog);

        if (g->uncapped_sum + served > g->served_sum + WORKLOAD_ROUNDING)
            break;
        g->uncapped_sum += served;
        g->uncapped_backlog += offered - served;
        g->uncapped_s += dt_s;
    }
}

void workload_account(struct workload *w, struct plant *plant, double dt_s)
{
    double slowest[PLANT_GPUS_MAX];

    if (!w->playing)
        return;
    for (int32_t j = 0; j < w->job_count; j++)
        slowest[j] = 1.0;
    for (int32_t i = 0; i < w->gpu_count; i++)
        slowest[w->gpus[i].job] = fmin(slowest[w->gpus[i].job], plant->gpus[i].speed);
    w->elapsed_s += dt_s;
    for (int32_t i = 0; i < w->gpu_count; i++) {
        struct workload_gpu *g = &w->gpus[i];
        double speed = w->trace->training ? slowest[g->job] : plant->gpus[i].speed;
        double served = speed * g->rate * dt_s;

        w->throttled_s += plant->gpus[i].speed < 1.0 ? dt_s : 0.0;
        g->offered_sum += g->offered * dt_s;
        g->served_sum += served;
        plant->gpus[i].work += served;
        plant->gpus[i].work_offered += g->offered * dt_s;
        if (!w->trace->training) {
            g->backlog = fmax(0.0, g->backlog + g->offered * dt_s - served);
            workload_follow(w, g, dt_s);
        }
    }
    for (int32_t j = 0; j < w->job_count; j++)
        w->job_clock_s[j] += slowest[j] * dt_s;
}

bool workload_mark(struct workload *w, int32_t *ret_job, enum core_mark *ret)
{
    const struct trace *trace = w->trace;

    for (int32_t j = 0; j < w->job_count && trace->mark_count > 0 && w->playing; j++) {
        double from_s = w->start_s + j * w->apart_s, now_s = from_s + w->job_clock_s[j];

        for (;;) {
            const struct trace_mark *mark = &trace->marks[w->mark_at[j]];
            double at_s = mark->t_s + w->mark_lap[j] * trace->duration_s;

            if (at_s > now_s)
                break;
            w->mark_at[j] = (w->mark_at[j] + 1) % trace->mark_count;
            w->mark_lap[j] += w->mark_at[j] == 0;
            if (at_s <= from_s)
                continue; /* from before it began */
            *ret_job = j;
            *ret = mark->mark;
            return true;
        }
    }
    return false;
}

double workload_peak_w(const struct workload *w, const struct plant *plant, int32_t gpu, double ahead_s)
{
    const struct workload_gpu *g = &w->gpus[gpu];
    const struct plant_gpu *board = &plant->gpus[gpu];
    double most = 0.0;
    int32_t cursor = g->cursor;

    for (double s = 0.0; s <= ahead_s && w->playing; s += WORKLOAD_PEAK_S)
        most = fmax(most, workload_offered(w, g, w->job_clock_s[g->job] + s, &cursor));
    return board->idle_w + fmin(most, 1.0) * (board->rated_w - board->idle_w);
}

static int workload_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

void workload_result(const struct workload *w, struct workload_result *ret)
{
    double slow[PLANT_GPUS_MAX];

    *ret = (struct workload_result){ .elapsed_s = w->elapsed_s, .throttled_s = w->throttled_s, .slowdown_p95 = 1.0 };
    for (int32_t i = 0; i < w->gpu_count; i++) {
        const struct workload_gpu *g = &w->gpus[i];
        double covered_s = w->trace->training ? w->job_clock_s[g->job] : g->uncapped_s;

        ret->offered_work += g->offered_sum;
        ret->served_work += g->served_sum;
        slow[i] = covered_s > 0.0 && w->elapsed_s > covered_s ? w->elapsed_s / covered_s : 1.0;
    }
    if (w->gpu_count == 0)
        return;
    qsort(slow, (size_t)w->gpu_count, sizeof slow[0], workload_compare);
    ret->slowdown_p95 = slow[(int32_t)ceil(0.95 * w->gpu_count) - 1];
}
