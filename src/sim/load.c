/* SPDX-License-Identifier: Apache-2.0 */
/* load.c: demand of every GPU at a time, and when it changes next.
 *
 * Pure; the caller's thread. Times are whole microseconds inside, so that an edge
 * that load_next() names is an edge for load_demand() too. Never looks at limits.
 */
#include "load.h"

#include <math.h>
#include <string.h>

#include "busbar/check.h"

#define LOAD_GAIN_LOW    0.95
#define LOAD_GAIN_HIGH   1.05
#define LOAD_BUSY_RATIO  0.6
#define LOAD_WAITING_MAX 1000
#define LOAD_AHEAD_US    INT64_C(100000)
#define LOAD_TRACE_US    ((int64_t)(LOAD_TRACE_S * 1e6))
#define LOAD_STREAM      16 /* of the seed; one more a GPU */

static int64_t load_us(double s)
{
    return llround(s * 1e6);
}

void load_init(struct load *load, const struct load_options *opt, const struct plant *plant, uint64_t seed)
{
    CHECK(opt->kind < LOAD_KIND_COUNT && (opt->kind != LOAD_TRACE || opt->trace));
    CHECK(opt->kind != LOAD_SQUARE || load_us(opt->period_s) > 0);
    CHECK(opt->kind != LOAD_INFERENCE || opt->rate_hz > 0.0);
    memset(load, 0, sizeof *load);
    load->opt = *opt;
    load->gpu_count = plant->gpu_count;
    for (int32_t i = 0; i < load->gpu_count; i++) {
        struct load_gpu *g = &load->gpus[i];

        rng_init(&g->rng, seed, LOAD_STREAM + (uint64_t)i);
        g->gain = rng_uniform(&g->rng, LOAD_GAIN_LOW, LOAD_GAIN_HIGH);
        g->skew_us = load_us(rng_uniform(&g->rng, 0.0, 1.0) * opt->skew_s);
        if (opt->kind == LOAD_TRACE)
            g->trace_node = i / opt->trace->gpus_per_node % opt->trace->node_count;
    }
}

/* ---- square: high from the start of each period ---- */

static int64_t load_period_start_us(int64_t period_us, int64_t t_us)
{
    int64_t into_us = t_us % period_us;

    return t_us - (into_us < 0 ? into_us + period_us : into_us);
}

static int64_t load_high_us(const struct load_options *opt)
{
    return load_us(opt->period_s * opt->duty_ratio);
}

static bool load_square(const struct load_options *opt, int64_t t_us)
{
    return t_us - load_period_start_us(load_us(opt->period_s), t_us) < load_high_us(opt);
}

static int64_t load_square_next_us(const struct load_options *opt, int64_t t_us)
{
    int64_t period_us = load_us(opt->period_s);
    int64_t start_us = load_period_start_us(period_us, t_us), fall_us = start_us + load_high_us(opt);

    return fall_us > t_us && fall_us < start_us + period_us ? fall_us : start_us + period_us;
}

/* ---- step ---- */

static bool load_step(const struct load_options *opt, int64_t t_us)
{
    return t_us >= load_us(opt->at_s) && t_us < load_us(opt->until_s);
}

static int64_t load_step_next_us(const struct load_options *opt, int64_t t_us)
{
    if (t_us < load_us(opt->at_s))
        return load_us(opt->at_s);
    return t_us < load_us(opt->until_s) ? load_us(opt->until_s) : INT64_MAX;
}

/* ---- inference: random arrivals, random lengths, one server a GPU ---- */

static int64_t load_draw_us(struct load_gpu *g, double mean_s)
{
    int64_t us = load_us(rng_exponential(&g->rng, mean_s));

    return us > 0 ? us : 1;
}

static double load_serve_s(const struct load_options *opt)
{
    return (opt->duty_ratio > 0.0 ? opt->duty_ratio : LOAD_BUSY_RATIO) / opt->rate_hz;
}

static int64_t load_queue_next_us(const struct load_gpu *g)
{
    return g->waiting > 0 && g->ends_us < g->arrives_us ? g->ends_us : g->arrives_us;
}

static void load_queue(const struct load_options *opt, struct load_gpu *g, int64_t t_us)
{
    if (!g->begun) {
        g->begun = true;
        g->arrives_us = t_us + load_draw_us(g, 1.0 / opt->rate_hz);
    }
    while (load_queue_next_us(g) <= t_us) {
        if (g->waiting > 0 && g->ends_us < g->arrives_us) {
            if (--g->waiting > 0)
                g->ends_us += load_draw_us(g, load_serve_s(opt));
            continue;
        }
        if (g->waiting == 0)
            g->ends_us = g->arrives_us + load_draw_us(g, load_serve_s(opt));
        if (g->waiting < LOAD_WAITING_MAX) /* else it is turned away */
            g->waiting++;
        g->arrives_us += load_draw_us(g, 1.0 / opt->rate_hz);
    }
}

/* ---- all kinds ---- */

static double load_trace_ratio(const struct load *load, struct load_gpu *g, int64_t t_us)
{
    int64_t held_us = load_period_start_us(LOAD_TRACE_US, t_us);
    double at_s = load->opt.start_s + (double)(held_us - g->skew_us) / 1e6;

    return trace_work(load->opt.trace, g->trace_node, at_s, &g->cursor);
}

static double load_ratio(const struct load *load, struct load_gpu *g, int64_t t_us)
{
    const struct load_options *opt = &load->opt;
    bool high = true;

    switch (opt->kind) {
    case LOAD_TRACE:
        return load_trace_ratio(load, g, t_us);
    case LOAD_SQUARE:
        high = load_square(opt, t_us - g->skew_us);
        break;
    case LOAD_STEP:
        high = load_step(opt, t_us - g->skew_us);
        break;
    case LOAD_INFERENCE:
        load_queue(opt, g, t_us - g->skew_us);
        high = g->waiting > 0;
        break;
    default:
        break;
    }
    return high ? opt->high_ratio : opt->low_ratio;
}

void load_demand(struct load *load, struct plant *plant, double t_s)
{
    int64_t t_us = load_us(t_s);

    CHECK(plant->gpu_count == load->gpu_count);
    for (int32_t i = 0; i < load->gpu_count; i++) {
        struct plant_gpu *gpu = &plant->gpus[i];
        struct load_gpu *g = &load->gpus[i];
        double ratio = load_ratio(load, g, t_us);

        /* a board that runs hotter than others still does no more than all of its work */
        ratio = fmin(ratio * g->gain, fmax(ratio, 1.0));
        gpu->demand_w = gpu->idle_w + ratio * (gpu->rated_w - gpu->idle_w);
    }
}

static int64_t load_next_us(const struct load *load, const struct load_gpu *g, int64_t t_us)
{
    switch (load->opt.kind) {
    case LOAD_TRACE:
        return load_period_start_us(LOAD_TRACE_US, t_us) + LOAD_TRACE_US;
    case LOAD_SQUARE:
        return load_square_next_us(&load->opt, t_us);
    case LOAD_STEP:
        return load_step_next_us(&load->opt, t_us);
    case LOAD_INFERENCE:
        return g->begun ? load_queue_next_us(g) : t_us + 1;
    default:
        return INT64_MAX;
    }
}

double load_next(const struct load *load, double t_s)
{
    bool skewed = load->opt.kind != LOAD_TRACE; /* of a trace all samples are taken together */
    int64_t t_us = load_us(t_s), next_us = t_us + LOAD_AHEAD_US;

    for (int32_t i = 0; i < load->gpu_count; i++) {
        int64_t skew_us = skewed ? load->gpus[i].skew_us : 0;
        int64_t at_us = load_next_us(load, &load->gpus[i], t_us - skew_us);

        if (at_us < next_us - skew_us)
            next_us = at_us + skew_us;
    }
    return (double)(next_us > t_us ? next_us : t_us + 1) / 1e6;
}

enum load_kind load_kind_find(const char *word)
{
    static const char *const words[] = { "constant", "square", "inference", "step", "trace" };
    int i = 0;

    while (i < LOAD_KIND_COUNT && strcmp(words[i], word) != 0)
        i++;
    return (enum load_kind)i;
}
