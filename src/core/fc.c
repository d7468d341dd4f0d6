/* SPDX-License-Identifier: Apache-2.0 */
/* fc.c: a forecaster of one power: takes readings as they come, keeps a uniform
 * grid of samples, and lets every horizon learn and forecast at each of them.
 */
#include "fc_parts.h"

#include <math.h>
#include <string.h>

#include "busbar/check.h"

#define FC_PLAUSIBLE_W 1e9
#define FC_SMOOTH      0.3    /* of the short mean, a sample                          */
#define FC_SINK        0.0005 /* of the spread, a sample: once it has left the ring   */
#define FC_NOISE       1e-3F  /* of the spread: lags that differ by less are alike    */
#define FC_YIN_EVERY   64     /* samples                                              */
#define FC_GAP_PART    4      /* a gap longer than this part of the ring ends it      */
#define FC_SLOTS_MAX   1000000
#define FC_OLD_SLOTS   3    /* a forecast older than that is worth less             */
#define FC_ENOUGH      32   /* forecasts judged before confidence is whole          */
#define FC_SLIP        0.05 /* coverage short of 99 % by this: no confidence        */

static const struct {
    int32_t lags, pending, order, moments, horizons;
} fc_sizes[] = {
    [FC_RACK] = { .lags = 1024,
                  .pending = 64,
                  .order = 8,
                  .moments = FC_TEMPLATE_MAX,
                  .horizons = FC_HORIZONS_MAX },
    [FC_GPU] = { .lags = 64, .pending = 8, .order = 4, .moments = 3, .horizons = 2 },
};

/* ---- one block ---- */

static size_t fc_place(size_t *at, size_t bytes)
{
    size_t here = *at;

    *at += (bytes + 15) / 16 * 16;
    return here;
}

static void fc_lay_out(struct fc *fc)
{
    enum fc_kind kind = fc->opt.kind;
    size_t lags = (size_t)fc_sizes[kind].lags, horizons = (size_t)fc->opt.horizon_count, at = 0;
    size_t pending = (size_t)fc_sizes[kind].pending * horizons;

    fc->lags = fc_sizes[kind].lags;
    fc->pending = fc_sizes[kind].pending;
    fc->order = fc_sizes[kind].order;
    fc->moments = fc_sizes[kind].moments;
    (void)fc_place(&at, sizeof *fc);
    fc->horizon_at = fc_place(&at, horizons * sizeof(struct fc_horizon));
    fc->value_at = fc_place(&at, 2 * lags * sizeof(float));
    fc->top_at = fc_place(&at, lags / FC_RING_GROUP * sizeof(float));
    fc->diff_at = fc_place(&at, FC_TEMPLATE_SPEEDS * lags * sizeof(float));
    fc->cost_at = fc_place(&at, lags * sizeof(float));
    fc->pending_top_at = fc_place(&at, pending * sizeof(float));
    fc->pending_at = fc_place(&at, pending * sizeof(struct fc_pending));
    fc->size = at;
}

size_t fc_size(const struct fc_options *opt)
{
    struct fc fc = { .opt = *opt };

    CHECK(opt->kind == FC_RACK || opt->kind == FC_GPU);
    CHECK(opt->horizon_count >= 1 && opt->horizon_count <= fc_sizes[opt->kind].horizons);
    fc_lay_out(&fc);
    return fc.size;
}

static struct fc_view fc_view(struct fc *fc)
{
    char *block = (char *)fc;

    return (struct fc_view){
        .fc = fc,
        .horizon = (struct fc_horizon *)(void *)(block + fc->horizon_at),
        .value = (float *)(void *)(block + fc->value_at),
        .top = (float *)(void *)(block + fc->top_at),
        .diff = (float *)(void *)(block + fc->diff_at),
        .cost = (float *)(void *)(block + fc->cost_at),
        .pending_top = (float *)(void *)(block + fc->pending_top_at),
        .pending = (struct fc_pending *)(void *)(block + fc->pending_at),
    };
}

void fc_init(struct fc *fc, const struct fc_options *opt)
{
    struct fc_options own = *opt; /* `opt` may lie in the block */
    struct fc_view v;

    CHECK(own.grid_us >= 1000);
    memset(fc, 0, fc_size(&own));
    fc->opt = own;
    if (fc->opt.grid_us < fc->opt.sensor_period_us)
        fc->opt.grid_us = fc->opt.sensor_period_us;
    fc_lay_out(fc);
    fc->ring.size = fc->lags;
    fc->cap_w = INFINITY;
    fc_sensor_init(&fc->sensor, own.sensor_window_us, own.sensor_period_us);
    fc_hint_init(&fc->hints, fc->opt.grid_us);
    v = fc_view(fc);
    for (int32_t h = 0; h < own.horizon_count; h++) {
        CHECK(own.horizon_us[h] > 0 && own.horizon_us[h] / fc->opt.grid_us <= FC_SLOTS_MAX);
        CHECK(h == 0 || own.horizon_us[h] >= own.horizon_us[h - 1]);
        fc_horizon_init(&v, h);
    }
}

/* ---- samples ---- */

static void fc_start(struct fc_view *v, double w)
{
    struct fc *fc = v->fc;

    fc_ring_fill(&fc->ring, v->value, v->top, (float)w);
    memset(v->diff, 0, FC_TEMPLATE_SPEEDS * (size_t)fc->lags * sizeof(float));
    memset(v->cost, 0, (size_t)fc->lags * sizeof(float));
    fc->stats = (struct fc_stats){ .smooth = w, .high = w, .low = w };
    fc->like.count = 0;
    fc->period = 0;
    fc_change_start(v);
    for (int32_t h = 0; h < fc->opt.horizon_count; h++)
        fc_horizon_start(&v->horizon[h], w);
    fc->started = 1;
}

static void fc_watch(struct fc_view *v, double w)
{
    struct fc *fc = v->fc;
    struct fc_stats *s = &fc->stats;
    double sink = FC_SINK * (s->high - s->low);
    double top = (double)fc_ring_top(&fc->ring, v->value, v->top, 0, fc->lags - 1);

    s->smooth += FC_SMOOTH * (w - s->smooth);
    s->high = top > s->high - sink ? top : s->high - sink;
    s->low = w < s->low + sink ? w : s->low + sink;
}

static void fc_sample(struct fc_view *v, int64_t at_us, double w)
{
    struct fc *fc = v->fc;
    struct fc_template *like[FC_HORIZONS_MAX + 1] = { &fc->like };
    int32_t steps[FC_HORIZONS_MAX + 1] = { 1 }, horizons = fc->opt.horizon_count;
    bool changed = fc_change_sense(v, (float)w);
    struct fc_template_ask ask = { .most = fc->moments, .count = horizons + 1, .steps = steps };

    fc->at_us = at_us;
    if (fc->hinted)
        fc_hint_learn(&fc->hints, at_us, (float)w);
    fc_template_learn(&fc->ring, v->value, v->diff, (float)w);
    fc_ring_put(&fc->ring, v->value, v->top, (float)w);
    fc_watch(v, w);
    fc_change_take(v, changed);
    for (int32_t h = 0; h < horizons; h++) {
        like[h + 1] = &v->horizon[h].like;
        steps[h + 1] = v->horizon[h].steps;
        fc_horizon_learn(v, h);
    }
    ask.floor = FC_NOISE * fc_spread(fc) * FC_NOISE * fc_spread(fc);
    ask.since = fc->change.since;
    fc_template_pick(&fc->ring, v->diff, v->cost, &ask, like);
    if (fc->ring.count % FC_YIN_EVERY == 0)
        fc->period = fc_template_period(&fc->ring, v->cost);
    for (int32_t h = 0; h < horizons; h++)
        fc_horizon_forecast(v, h);
}

void fc_put(struct fc *fc, int64_t at_us, double power_w, double cap_w)
{
    struct fc_view v = fc_view(fc);
    int64_t slot, grid_us = fc->opt.grid_us;

    fc->cap_w = cap_w > 0.0 ? cap_w : INFINITY;
    if (!(fabs(power_w) < FC_PLAUSIBLE_W) || (fc->started && at_us <= fc->at_us))
        return;
    if (!fc->started) {
        fc->origin_us = at_us;
        fc->slot = -1;
        fc_start(&v, power_w);
    }
    slot = (at_us - fc->origin_us + grid_us / 2) / grid_us;
    if (slot <= fc->slot)
        return;
    power_w = fc_sensor_power(&fc->sensor, power_w, fc->cap_w);
    if (slot - fc->slot > fc->lags / FC_GAP_PART) {
        fc_start(&v, power_w);
        fc->slot = slot - 1;
    }
    for (; fc->slot + 1 < slot; fc->slot++) /* missing: as before */
        fc_sample(&v, fc->origin_us + (fc->slot + 1) * grid_us, (double)fc_ring_at(&fc->ring, v.value, 0));
    fc_sample(&v, at_us, power_w);
    fc->slot = slot;
}

void fc_hint(struct fc *fc, int64_t at_us, enum fc_mark mark, double value)
{
    if (!fc->started)
        return; /* nothing that it could be a hint to */
    fc_hint_mark(&fc->hints, at_us, mark, value);
    fc->hinted = 1;
}

/* ---- what is known now ---- */

/* Until the best template's highest moment before the horizon. */
static int64_t fc_peak_us(const struct fc_view *v, int32_t h)
{
    const struct fc *fc = v->fc;
    const struct fc_horizon *z = &v->horizon[h];
    int32_t best = 0, lag;
    float most = fc_ring_at(&fc->ring, v->value, 0);

    if (z->like.count == 0)
        return 0;
    lag = z->like.lag[0];
    for (int32_t i = 1; i <= z->steps && i <= lag; i++) {
        float w = fc_ring_at(&fc->ring, v->value, lag - i);

        if (w > most + FC_FLOOR * fc_spread(fc)) {
            most = w;
            best = i;
        }
    }
    return best * fc->opt.grid_us;
}

/* A bound made long ago does not hold for the time that is left, so the longest
 * one made stands for all, and in the end the highest of late and more. */
static void fc_age(const struct fc *fc, int64_t age_us, struct fc_forecast *ret)
{
    int32_t last = fc->opt.horizon_count - 1;
    bool over = age_us > fc->opt.horizon_us[last] || ret->stuck;
    double high_w = fc->stats.high + (double)fc_spread(fc);

    ret->confidence = over ? 0.0 : ret->confidence / 2.0;
    for (int32_t h = 0; h <= last; h++)
        for (int32_t l = 0; l < FC_LEVELS; l++) {
            double *upper_w = &ret->ahead[h].upper_w[l];

            *upper_w = fmax(*upper_w, ret->ahead[last].upper_w[l]);
            if (over)
                *upper_w = fmax(*upper_w, high_w);
        }
}

void fc_get(const struct fc *fc, int64_t now_us, struct fc_forecast *ret)
{
    const struct fc_view v = fc_view((struct fc *)(uintptr_t)fc); /* read only */
    int64_t age_us = now_us - fc->at_us;
    double short_of;

    memset(ret, 0, sizeof *ret);
    if (!fc->started)
        return;
    ret->known = 1;
    ret->at_us = fc->at_us;
    ret->now_w = (double)fc_ring_at(&fc->ring, v.value, 0);
    ret->period_us = fc->period * fc->opt.grid_us;
    ret->stuck = fc_sensor_stuck(&fc->sensor);
    for (int32_t l = 0; l < FC_LEVELS; l++)
        ret->coverage[l] = (double)v.horizon[0].held[l + 1];
    short_of = fmax(0.0, 0.98 - ret->coverage[FC_99]);
    ret->confidence = (double)v.horizon[0].judged / (double)(v.horizon[0].judged + FC_ENOUGH) *
                      fmax(0.0, 1.0 - short_of / FC_SLIP);
    for (int32_t h = 0; h < fc->opt.horizon_count; h++) {
        ret->ahead[h] = v.horizon[h].out;
        ret->ahead[h].peak_us = fc_peak_us(&v, h);
    }
    if (age_us > FC_OLD_SLOTS * fc->opt.grid_us || ret->stuck)
        fc_age(fc, age_us, ret);
    for (int32_t h = 0; h < fc->opt.horizon_count; h++) {
        ret->ahead[h].expected_w = fmin(ret->ahead[h].expected_w, fc->cap_w);
        ret->ahead[h].peak_w = fmin(ret->ahead[h].peak_w, fc->cap_w);
        for (int32_t l = 0; l < FC_LEVELS; l++)
            ret->ahead[h].upper_w[l] = fmin(ret->ahead[h].upper_w[l], fc->cap_w);
    }
}
