/* SPDX-License-Identifier: Apache-2.0 */
/* plant_gpu.c: GPUs with their limits and sensors, and the static load of nodes.
 *
 * Pure: no I/O, no clock, no heap. Any step length: falls and sensor windows are
 * exact, a rise is over within the step. Never looks at a supply.
 */
#include "plant_gpu.h"

#include <math.h>

#define PLANT_GPU_US_PER_S 1e6

/* A fall in demand: measured boards lose 30 to 45 % of the step in 5 to 10 ms
 * and the rest over 50 to 100 ms; a rise is over within 1 ms. */
#define PLANT_GPU_FALL_FAST_RATIO 0.38
#define PLANT_GPU_FALL_FAST_TAU_S 0.003
#define PLANT_GPU_FALL_SLOW_TAU_S 0.030
#define PLANT_GPU_FALL_TINY_W     0.01

/* The sensor: the mean of the last 25 ms, published every 100 ms. */
#define PLANT_GPU_SENSOR_PERIOD_US 100000
#define PLANT_GPU_SENSOR_WINDOW_US 25000
#define PLANT_GPU_SENSOR_NOISE_W   0.4

#define PLANT_GPU_WANDER_PERIOD_US 100000
#define PLANT_GPU_STATIC_LOW       0.99 /* static loads wander below their rating    */
#define PLANT_GPU_C_PER_W          0.035

/* Of one step, the same for every GPU. */
struct plant_gpu_pace {
    int64_t dt_us;
    double dt_s, fast, slow, warm; /* fast, slow: what is left of a fall after dt */
};

void plant_gpu_set_limit(struct plant *plant, int32_t gpu, double limit_w)
{
    struct plant_gpu *g = &plant->gpus[gpu];

    g->limit_w = limit_w;
    /* The firmware loop takes the newest value; a row of writes does not push
     * its next turn away. */
    if (g->limit_due_us < 0)
        g->limit_due_us = plant->now_us + plant->limit_delay_us;
}

void plant_bmc_reset(struct plant *plant, int32_t node)
{
    for (int32_t i = 0; i < plant->gpu_count; i++)
        if (plant->gpus[i].node == node)
            plant_gpu_set_limit(plant, i, plant->gpus[i].limit_max_w);
    plant->bmc_resets[node]++;
}

void plant_gpu_start(struct plant *plant, int32_t gpu)
{
    struct plant_gpu *g = &plant->gpus[gpu];

    g->limit_w = g->limit_active_w = g->limit_max_w;
    g->limit_due_us = -1;
    g->demand_w = g->power_w = g->reading_w = g->idle_w;
    g->fall_fast_w = g->fall_slow_w = 0.0;
    g->speed = 1.0;
    g->sensor_gain = rng_uniform(&plant->rng, 0.95, 1.05);
    g->sensor_next_us = (int64_t)rng_uniform(&plant->rng, 0.0, PLANT_GPU_SENSOR_PERIOD_US);
    g->sensor_sum_j = g->sensor_sum_s = 0.0;
    g->temp_c = PLANT_AMBIENT_C + PLANT_GPU_C_PER_W * g->idle_w;
}

/* What it goes to under its demand and its limit. */
static double plant_gpu_target_w(const struct plant *plant, const struct plant_gpu *g, double limit_w)
{
    double allowed_w = limit_w * (1.0 + g->overshoot_ratio);
    double target_w = g->demand_w < allowed_w ? g->demand_w : allowed_w;

    if (plant->it_down)
        return 0.0;
    return target_w > g->idle_w ? target_w : g->idle_w;
}

/* Moves power_w towards the target; returns its mean over the step. */
static double plant_gpu_fall(struct plant_gpu *g, double target_w, const struct plant_gpu_pace *pace)
{
    double above_w = g->power_w - target_w;
    double left_w = g->fall_fast_w + g->fall_slow_w;
    double mean_w;

    if (above_w <= 0.0) {
        g->fall_fast_w = g->fall_slow_w = 0.0;
        g->power_w = target_w;
        return target_w;
    }
    if (above_w >= left_w) { /* the target fell further */
        g->fall_fast_w += PLANT_GPU_FALL_FAST_RATIO * (above_w - left_w);
        g->fall_slow_w += (1.0 - PLANT_GPU_FALL_FAST_RATIO) * (above_w - left_w);
    } else { /* it rose, but not above what is still drawn */
        g->fall_fast_w *= above_w / left_w;
        g->fall_slow_w *= above_w / left_w;
    }
    mean_w = target_w + (g->fall_fast_w * PLANT_GPU_FALL_FAST_TAU_S * (1.0 - pace->fast) +
                         g->fall_slow_w * PLANT_GPU_FALL_SLOW_TAU_S * (1.0 - pace->slow)) /
                            pace->dt_s;
    g->fall_fast_w *= pace->fast;
    g->fall_slow_w *= pace->slow;
    if (g->fall_fast_w + g->fall_slow_w < PLANT_GPU_FALL_TINY_W)
        g->fall_fast_w = g->fall_slow_w = 0.0;
    g->power_w = target_w + g->fall_fast_w + g->fall_slow_w;
    return mean_w;
}

/* The part of this step that lies in the window before the next publication. */
static void plant_gpu_sense(struct plant *plant, struct plant_gpu *g, double mean_w, int64_t dt_us)
{
    int64_t begin_us = plant->now_us - dt_us;
    bool publishes = g->sensor_next_us <= plant->now_us;
    int64_t from_us, to_us;

    while (g->sensor_next_us + PLANT_GPU_SENSOR_PERIOD_US <= plant->now_us) {
        g->sensor_next_us += PLANT_GPU_SENSOR_PERIOD_US; /* a long step: the last one counts */
        g->sensor_sum_j = g->sensor_sum_s = 0.0;
    }
    from_us = g->sensor_next_us - PLANT_GPU_SENSOR_WINDOW_US;
    from_us = from_us > begin_us ? from_us : begin_us;
    to_us = publishes ? g->sensor_next_us : plant->now_us;
    if (to_us > from_us) {
        g->sensor_sum_j += mean_w * (double)(to_us - from_us) / PLANT_GPU_US_PER_S;
        g->sensor_sum_s += (double)(to_us - from_us) / PLANT_GPU_US_PER_S;
    }
    if (!publishes)
        return;
    if (g->sensor_sum_s > 0.0)
        g->reading_w = g->sensor_gain * g->sensor_sum_j / g->sensor_sum_s +
                       rng_uniform(&plant->rng, -PLANT_GPU_SENSOR_NOISE_W, PLANT_GPU_SENSOR_NOISE_W);
    g->sensor_sum_j = g->sensor_sum_s = 0.0;
    g->sensor_next_us += PLANT_GPU_SENSOR_PERIOD_US;
}

static void plant_gpu_one(struct plant *plant, struct plant_gpu *g, const struct plant_gpu_pace *pace)
{
    double target_w, mean_w;

    if (g->limit_due_us >= 0 && plant->now_us >= g->limit_due_us) {
        g->limit_active_w = g->limit_w;
        g->limit_due_us = -1;
    }
    target_w = plant_gpu_target_w(plant, g, g->limit_active_w);
    g->speed = g->demand_w > target_w ? speed_at(plant->knee, target_w / g->demand_w) : 1.0;
    mean_w = plant_gpu_fall(g, target_w, pace);
    if (plant->it_down) /* reset gear stops at once */
        g->power_w = g->fall_fast_w = g->fall_slow_w = mean_w = 0.0;
    g->energy_j += mean_w * pace->dt_s;
    g->temp_c += pace->warm * (PLANT_AMBIENT_C + PLANT_GPU_C_PER_W * g->power_w - g->temp_c);
    plant_gpu_sense(plant, g, mean_w, pace->dt_us);
}

static double plant_gpu_static_w(const struct plant *plant)
{
    double static_w = plant->switch_w;

    for (int32_t i = 0; i < plant->node_count; i++)
        static_w += plant->node_static_w[i] * plant->static_part[i];
    return static_w;
}

void plant_gpu_step(struct plant *plant, int64_t dt_us)
{
    double dt_s = (double)dt_us / PLANT_GPU_US_PER_S;
    struct plant_gpu_pace pace = {
        .dt_us = dt_us,
        .dt_s = dt_s,
        .fast = exp(-dt_s / PLANT_GPU_FALL_FAST_TAU_S),
        .slow = exp(-dt_s / PLANT_GPU_FALL_SLOW_TAU_S),
        .warm = dt_s / (PLANT_TEMP_TAU_S + dt_s),
    };
    bool wander = plant->now_us % PLANT_GPU_WANDER_PERIOD_US < dt_us;

    for (int32_t i = 0; i < plant->node_count; i++) {
        if (wander)
            plant->static_part[i] = rng_uniform(&plant->rng, PLANT_GPU_STATIC_LOW, 1.0);
        plant->node_w[i] = plant->node_static_w[i] * plant->static_part[i];
    }
    plant->load_w = plant->switch_w;
    plant->static_w = plant_gpu_static_w(plant);
    for (int32_t i = 0; i < plant->gpu_count; i++) {
        plant_gpu_one(plant, &plant->gpus[i], &pace);
        plant->node_w[plant->gpus[i].node] += plant->gpus[i].power_w;
    }
    for (int32_t i = 0; i < plant->node_count; i++)
        plant->load_w += plant->node_w[i];
}

double plant_gpu_rise_w(const struct plant *plant)
{
    double rise_w = fmax(plant_gpu_static_w(plant) - plant->static_w, 0.0);

    for (int32_t i = 0; i < plant->gpu_count; i++) {
        const struct plant_gpu *g = &plant->gpus[i];
        bool due = g->limit_due_us >= 0 && plant->now_us >= g->limit_due_us;
        double above_w = plant_gpu_target_w(plant, g, due ? g->limit_w : g->limit_active_w) - g->power_w;

        rise_w += above_w > 0.0 ? above_w : 0.0;
    }
    return rise_w;
}

int64_t plant_gpu_next_us(const struct plant *plant, int64_t most_us)
{
    int64_t next_us = most_us;

    for (int32_t i = 0; i < plant->gpu_count; i++) {
        int64_t due_us = plant->gpus[i].limit_due_us - plant->now_us;

        if (plant->gpus[i].limit_due_us >= 0 && due_us > 0 && due_us < next_us)
            next_us = due_us;
    }
    return next_us;
}
