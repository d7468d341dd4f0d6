/* SPDX-License-Identifier: Apache-2.0 */
/* fc_rig.h: a forecaster that can be looked into, for the tests of its parts. */
#ifndef BUSBAR_TESTS_FC_RIG_H
#define BUSBAR_TESTS_FC_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fc_parts.h"

#define FC_RIG_MS 1000

/* A rack's forecaster, with a sample each 10 ms. */
#define FC_RIG_RACK(spike_w, count, ...)                                                                     \
    {                                                                                                        \
        .kind = FC_RACK, .grid_us = 10 * FC_RIG_MS, .horizon_count = (count), .horizon_us = { __VA_ARGS__ }, \
        .event_w = (spike_w)                                                                                 \
    }

/* Floats hold seven digits; what is worked out here is in doubles. */
#define FC_NEAR(value, expected)                                                                             \
    do {                                                                                                     \
        double fc_value = (double)(value), fc_expected = (double)(expected);                                 \
        if (!(fabs(fc_value - fc_expected) <= 2e-5 * fmax(1.0, fabs(fc_expected))))                          \
            fail_msg("%s is %.9g, not %.9g", #value, fc_value, fc_expected);                                 \
    } while (0)

struct fc_rig {
    struct fc *fc;
    struct fc_view v;
    int64_t now_us;
    uint32_t seed;
};

static inline void fc_rig_make(struct fc_rig *r, const struct fc_options *opt)
{
    char *block = calloc(1, fc_size(opt));
    struct fc *fc = (struct fc *)(void *)block;

    assert_non_null(block);
    fc_init(fc, opt);
    *r = (struct fc_rig){ .fc = fc,
                          .seed = 1,
                          .v = { .fc = fc,
                                 .horizon = (struct fc_horizon *)(void *)(block + fc->horizon_at),
                                 .value = (float *)(void *)(block + fc->value_at),
                                 .top = (float *)(void *)(block + fc->top_at),
                                 .diff = (float *)(void *)(block + fc->diff_at),
                                 .cost = (float *)(void *)(block + fc->cost_at),
                                 .pending_top = (float *)(void *)(block + fc->pending_top_at),
                                 .pending = (struct fc_pending *)(void *)(block + fc->pending_at) } };
}

static inline void fc_rig_done(struct fc_rig *r)
{
    free(r->fc);
}

static inline double fc_rig_noise(struct fc_rig *r, double size)
{
    r->seed = r->seed * 1664525U + 1013904223U;
    return size * ((double)(r->seed >> 8) / 16777216.0 - 0.5);
}

/* A reading a slot. */
static inline void fc_rig_put(struct fc_rig *r, double w)
{
    r->now_us += r->fc->opt.grid_us;
    fc_put(r->fc, r->now_us, w, INFINITY);
}

/* The ring alone: nothing learns from it. */
static inline void fc_rig_ring(struct fc_rig *r, int32_t count, const float *newest_last)
{
    fc_ring_fill(&r->fc->ring, r->v.value, r->v.top, newest_last[0]);
    for (int32_t i = 0; i < count; i++)
        fc_ring_put(&r->fc->ring, r->v.value, r->v.top, newest_last[i]);
}

/* It stands there with these samples, of a load from 100 to 200 W of late: the spread is 100. */
static inline void fc_rig_stand(struct fc_rig *r, const struct fc_options *opt, double smooth_w,
                                int32_t count, const float *newest_last)
{
    fc_rig_make(r, opt);
    fc_rig_ring(r, count, newest_last);
    r->fc->started = 1;
    r->fc->stats = (struct fc_stats){ .smooth = smooth_w, .high = 200.0, .low = 100.0 };
}

#endif
