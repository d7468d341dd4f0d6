/* SPDX-License-Identifier: Apache-2.0 */
/* What an update of a forecaster costs: every one is timed alone, over loads that
 * are as hard as they come (periodic with noise, so every part of it has work). */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "busbar/fc.h"

#define RACK_UPDATES 60000
#define GPUS         72
#define GPU_UPDATES  800 /* of each */

static int64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double quantile(double *took, size_t count, double q)
{
    qsort(took, count, sizeof *took, order);
    return took[(size_t)(q * (double)(count - 1))];
}

static double load_w(uint32_t *seed, int64_t at_ms, int64_t phase_ms)
{
    *seed = *seed * 1664525U + 1013904223U;
    return ((at_ms + phase_ms) % 104 < 52 ? 190.0 : 64.0) + 3.0 * ((double)(*seed >> 8) / 16777216.0 - 0.5);
}

static struct fc *make(const struct fc_options *opt)
{
    struct fc *fc = malloc(fc_size(opt));

    if (!fc)
        exit(2);
    fc_init(fc, opt);
    return fc;
}

int main(void)
{
    static const struct fc_options rack = { .kind = FC_RACK,
                                            .grid_us = 1000,
                                            .horizon_count = 4,
                                            .horizon_us = { 10000, 50000, 100000, 1000000 },
                                            .event_w = 25.0 };
    static const struct fc_options gpu = {
        .kind = FC_GPU, .grid_us = 100000, .horizon_count = 1, .horizon_us = { 1000000 }, .event_w = 100.0
    };
    double *took = calloc(RACK_UPDATES, sizeof *took), rack_us[2], gpu_us[2];
    struct fc *fc = make(&rack), *all[GPUS];
    uint32_t seed = 1;

    for (int64_t i = 0; took && i < RACK_UPDATES; i++) {
        double w = load_w(&seed, i, 0);
        int64_t began = now_ns();

        fc_put(fc, (i + 1) * 1000, w, INFINITY);
        took[i] = (double)(now_ns() - began) * 1e-3;
    }
    rack_us[0] = quantile(took, RACK_UPDATES, 0.5);
    rack_us[1] = quantile(took, RACK_UPDATES, 0.99);
    free(fc);
    for (int g = 0; g < GPUS; g++)
        all[g] = make(&gpu);
    for (int64_t i = 0; i < GPU_UPDATES; i++)
        for (int g = 0; g < GPUS; g++) {
            double w = load_w(&seed, i * 7, g);
            int64_t began = now_ns();

            fc_put(all[g], (i + 1) * 100000, w, INFINITY);
            took[i * GPUS + g] = (double)(now_ns() - began) * 1e-3;
        }
    gpu_us[0] = quantile(took, GPU_UPDATES * GPUS, 0.5);
    gpu_us[1] = quantile(took, GPU_UPDATES * GPUS, 0.99);
    for (int g = 0; g < GPUS; g++)
        free(all[g]);
    free(took);
    (void)printf("{\"rack_p50_us\": %.3f, \"rack_p99_us\": %.3f, \"rack_bytes\": %zu, \"gpu_p50_us\": %.3f, "
                 "\"gpu_p99_us\": %.3f, \"gpu_bytes\": %zu}\n",
                 rack_us[0], rack_us[1], fc_size(&rack), gpu_us[0], gpu_us[1], fc_size(&gpu));
    return 0;
}
