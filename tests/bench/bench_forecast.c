/* SPDX-License-Identifier: Apache-2.0 */
/* What an update of a forecaster costs: every one is timed alone, over a load that is as
 * hard as they come (periodic with noise, so every part of it has work) and over one that
 * stands still (what fades then must not fade into slow floats). Each is played several
 * times, the same to the byte, and of each update the least counts: a neighbour on a
 * shared processor slows other ones each time. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "busbar/fc.h"

#define RUNS          5
#define STILL_FROM_MS 2000
#define GPUS_MAX      72

struct bench {
    const char *name;
    struct fc_options opt;
    int32_t forecasters, updates; /* of each */
    int64_t step_ms;              /* of the load, an update */
    bool still;
};

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

static double load_w(uint32_t *seed, const struct bench *b, int64_t at_ms, int64_t phase_ms)
{
    *seed = *seed * 1664525U + 1013904223U;
    if (b->still && at_ms >= STILL_FROM_MS)
        return 100.0;
    return ((at_ms + phase_ms) % 104 < 52 ? 190.0 : 64.0) + 3.0 * ((double)(*seed >> 8) / 16777216.0 - 0.5);
}

/* Times all updates, in turns among the forecasters, and keeps the least of each. */
static void play(const struct bench *b, bool first, double *took_us)
{
    struct fc *all[GPUS_MAX];
    uint32_t seed = 1;

    for (int32_t f = 0; f < b->forecasters; f++) {
        all[f] = malloc(fc_size(&b->opt));
        if (!all[f])
            exit(2);
        fc_init(all[f], &b->opt);
    }
    for (int32_t i = 0; i < b->updates; i++)
        for (int32_t f = 0; f < b->forecasters; f++) {
            double w = load_w(&seed, b, i * b->step_ms, f), us;
            int64_t began_ns = now_ns();

            fc_put(all[f], (i + 1) * b->opt.grid_us, w, INFINITY);
            us = (double)(now_ns() - began_ns) * 1e-3;
            took_us[i * b->forecasters + f] = first ? us : fmin(us, took_us[i * b->forecasters + f]);
        }
    for (int32_t f = 0; f < b->forecasters; f++)
        free(all[f]);
}

static void one(const struct bench *b, const char *after)
{
    size_t count = (size_t)b->forecasters * (size_t)b->updates;
    double *took_us = calloc(count, sizeof *took_us);

    if (!took_us)
        exit(2);
    for (int run = 0; run < RUNS; run++)
        play(b, run == 0, took_us);
    qsort(took_us, count, sizeof *took_us, order);
    (void)printf("\"%s\": {\"p50_us\": %.3f, \"p99_us\": %.3f, \"bytes\": %zu}%s", b->name,
                 took_us[count / 2], took_us[count * 99 / 100], fc_size(&b->opt), after);
    free(took_us);
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

    (void)printf("{");
    one(&(struct bench){ .name = "rack", .opt = rack, .forecasters = 1, .updates = 60000, .step_ms = 1 },
        ", ");
    one(
        &(struct bench){
            .name = "still", .opt = rack, .forecasters = 1, .updates = 60000, .step_ms = 1, .still = true },
        ", ");
    one(&(struct bench){ .name = "gpu", .opt = gpu, .forecasters = GPUS_MAX, .updates = 800, .step_ms = 7 },
        "}\n");
    return 0;
}
