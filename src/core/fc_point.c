/* SPDX-License-Identifier: Apache-2.0 */
/* fc_point.c: the value at the horizon: several forecasts, mixed by what they were
 * worth.
 *
 * Each expert says how far off it expects to be (`point_scale`); what it was off in
 * relation to that is its ratio. Scale times ratio is known before the horizon has
 * come, so a template that begins to fit takes over within a period, not within a
 * horizon. The mix is the exponential weights of Vovk and of Littlestone and
 * Warmuth in a form without units: a weight is (least error / error) to a power.
 */
#include "fc_parts.h"

#include <math.h>

#define FC_POINT_MEMORY 128   /* forecasts that a ratio is a mean over               */
#define FC_POINT_MOST   6.0F  /* a ratio above it says no more                       */
#define FC_POINT_FIRST  6     /* forecasts' worth of the first belief:               */
#define FC_POINT_TRUST  0.8F  /* in persistence                                      */
#define FC_POINT_STANDS 0.9F  /* in where it stood                                   */
#define FC_POINT_DOUBT  1.4F  /* in all others                                       */
#define FC_POINT_WARY   2.5F  /* of what others say: it must be that much better      */
#define FC_POINT_RISE   0.2F  /* where it stood is away from now by so much: dips pass */
#define FC_POINT_LUCK   0.2F  /* errors of a ratio: what is better by less may be luck */
#define FC_POINT_CHANCE 0.02F /* the same of where it stood                          */
#define FC_POINT_BLIND  1.2F  /* instead of luck, where a sensor looks away          */
#define FC_POINT_ONCE   0.01F /* of what was seen once: by forecasts that share an outcome, squared */
#define FC_POINT_LOOKS  8     /* samples over about the horizon: a multiple of FC_LANES */
#define FC_POINT_HIGH   1     /* place among them: where it stood, but for a moment  */
#define FC_POINT_MIDDLE 4     /* the median's                                        */

void fc_point_doubt(struct fc_horizon *z)
{
    for (int32_t e = 0; e < FC_POINTS; e++) {
        z->ratio[e] = FC_POINT_DOUBT;
        z->ratio_count[e] = FC_POINT_FIRST;
    }
    z->ratio[FC_POINT_LAST] = FC_POINT_TRUST;
    z->ratio[FC_POINT_STOOD] = FC_POINT_STANDS;
}

/* Forecasts that are open at a time: one step of the load makes all of them wrong. */
static float fc_point_open(const struct fc_horizon *z)
{
    return (float)((z->span + z->stride - 1) / z->stride);
}

void fc_point_learn(struct fc_horizon *z, const struct fc_pending *p, float truth)
{
    for (int32_t e = 0; e < FC_POINTS; e++) {
        float ratio;

        if (!(p->point_scale[e] > 0.0F))
            continue;
        if (z->ratio_count[e] < FC_POINT_MEMORY)
            z->ratio_count[e]++;
        ratio = fc_clip(fabsf(truth - p->point[e]) / p->point_scale[e], FC_FADED, FC_POINT_MOST);
        z->ratio[e] += (ratio - z->ratio[e]) / (float)(z->ratio_count[e] + 1);
    }
}

/* `off`: how far what it says lies from the present. */
static void fc_point_put(struct fc_pending *p, enum fc_point e, float w, float scale, float off)
{
    p->point[e] = w;
    p->point_scale[e] = sqrtf(scale * scale + off * off);
}

/* Some samples over about the horizon. */
static void fc_point_look(const struct fc_view *v, const struct fc_horizon *z, float *ret)
{
    const struct fc *fc = v->fc;
    int32_t span = z->steps < fc->lags - 1 ? z->steps : fc->lags - 1;
    int32_t every = (span + FC_POINT_LOOKS - 1) / FC_POINT_LOOKS;

    for (int32_t k = 0; k < FC_POINT_LOOKS; k++)
        ret[k] = fc_ring_at(&fc->ring, v->value, k * every);
}

/* How many of them are higher than each. */
static void fc_point_above(const float *look, fc_lanes_mask ret[FC_POINT_LOOKS / FC_LANES])
{
    for (int32_t i = 0; i < FC_POINT_LOOKS / FC_LANES; i++) {
        fc_lanes own = fc_lanes_load(&look[i * FC_LANES]);

        ret[i] = (fc_lanes_mask){ 0, 0, 0, 0 };
        for (int32_t k = 0; k < FC_POINT_LOOKS; k++)
            ret[i] -= fc_lanes_all(look[k]) > own;
    }
}

/* The one that stands at `place` from the highest: the lowest that no more than so many are above. */
static float fc_point_place(const float *look, const fc_lanes_mask *above, int32_t place)
{
    const fc_lanes_mask none = (fc_lanes_mask)fc_lanes_all(INFINITY);
    fc_lanes lowest = fc_lanes_all(INFINITY);

    for (int32_t i = 0; i < FC_POINT_LOOKS / FC_LANES; i++) {
        fc_lanes_mask own = (fc_lanes_mask)fc_lanes_load(&look[i * FC_LANES]);
        fc_lanes_mask high = above[i] <= (fc_lanes_mask){ place, place, place, place };

        lowest = fc_lanes_min((fc_lanes)((own & high) | (none & ~high)), lowest);
    }
    return fc_lanes_lowest(lowest);
}

void fc_point_say(const struct fc_view *v, const struct fc_horizon *z, float moved, struct fc_pending *p)
{
    const struct fc *fc = v->fc;
    float now = p->now, floor = FC_FLOOR * fc_spread(fc), look[FC_POINT_LOOKS], w, scale;
    fc_lanes_mask above[FC_POINT_LOOKS / FC_LANES];

    for (int32_t e = 0; e < FC_POINTS; e++)
        p->point_scale[e] = 0.0F;
    fc_point_put(p, FC_POINT_LAST, now, moved, 0.0F);
    fc_point_put(p, FC_POINT_SMOOTH, (float)fc->stats.smooth, moved, (float)fc->stats.smooth - now);
    fc_point_look(v, z, look);
    fc_point_above(look, above);
    w = fc_point_place(look, above, FC_POINT_MIDDLE);
    fc_point_put(p, FC_POINT_USUAL, w, moved, w - now);
    w = fc_point_place(look, above, FC_POINT_HIGH);
    w = w > now ? w : now;
    fc_point_put(p, FC_POINT_STOOD, w, moved, FC_POINT_RISE * (w - now));
    if (z->like.count > 0)
        fc_point_put(p, FC_POINT_TEMPLATE, fc_template_value(&z->like, &fc->ring, v->value, z->steps),
                     z->like.scale + floor, fc_template_value(&z->like, &fc->ring, v->value, 0) - now);
    if (fc->hinted && fc_hint_value(&fc->hints, fc->at_us + z->steps * fc->opt.grid_us, floor, &w, &scale))
        fc_point_put(p, FC_POINT_HINT, w, scale, 0.0F);
}

static float fc_point_queue(const struct fc_hints *hints)
{
    return hints->queue_us == INT64_MIN
               ? 0.0F
               : fc_clip((hints->queue - hints->queue_slow) / (hints->queue_slow + 1.0F), -2.0F, 2.0F);
}

/* All features are differences to the present in spreads. */
static void fc_point_features(const struct fc_view *v, const struct fc_horizon *z, struct fc_pending *p)
{
    const struct fc *fc = v->fc;
    float now = p->now, spread = fc_spread(fc);
    bool like = z->like.count > 0, hint = p->point_scale[FC_POINT_HINT] > 0.0F;
    int32_t n = 0;

    p->feature[n++] = 0.1F;
    for (int32_t i = 1; i < fc->order; i++)
        p->feature[n++] = (fc_ring_at(&fc->ring, v->value, i) - now) / spread;
    p->feature[n++] = ((float)z->slow - now) / spread;
    p->feature[n++] = like ? (p->point[FC_POINT_TEMPLATE] - now) / spread : 0.0F;
    p->feature[n++] = like ? (p->middle[FC_BOUND_TEMPLATE] - now) / spread : 0.0F;
    p->feature[n++] = hint ? (p->point[FC_POINT_HINT] - now) / spread : 0.0F;
    p->feature[n++] = fc_point_queue(&fc->hints);
}

float fc_point_regress(const struct fc_view *v, const struct fc_horizon *z, float moved, struct fc_pending *p)
{
    const struct fc *fc = v->fc;
    float spread = fc_spread(fc), low = (float)fc->stats.low, high = (float)fc->stats.high, w;

    fc_point_features(v, z, p);
    w = fc_clip(p->now + spread * (float)fc_rls_value(&z->rls, p->feature, 0), low, high);
    fc_point_put(p, FC_POINT_RLS, w, moved, w - p->now);
    return fc_clip(p->now + spread * (float)fc_rls_value(&z->rls, p->feature, 1), low, high);
}

/* After a change only what stands by the present is heard for a moment. */
static bool fc_point_heard(const struct fc *fc, enum fc_point e)
{
    return fc->change.lost == 0 || e == FC_POINT_LAST || e == FC_POINT_SMOOTH || e == FC_POINT_STOOD ||
           e == FC_POINT_HINT;
}

/* Where forecasts overlap, a ratio is a mean over few outcomes, and of many experts one
 * seems better by chance; so where a sensor looks away and little of the load is seen.
 * Not the template, nor marks: they know their own errors. But a lag longer than the
 * horizon that was seen once is one moment that looked alike. */
static float fc_point_allowance(const struct fc *fc, const struct fc_horizon *z, enum fc_point e)
{
    float shared = fc_point_open(z) - 1.0F;

    if (e == FC_POINT_HINT)
        return FC_POINT_WARY;
    if (e == FC_POINT_LAST)
        return 1.0F;
    if (e == FC_POINT_TEMPLATE)
        return z->like.lag[0] < z->steps || fc_twice(fc, z->like.lag[0])
                   ? 1.0F
                   : 1.0F + FC_POINT_ONCE * shared * shared;
    if (fc_blind(&fc->opt))
        return FC_POINT_BLIND;
    return 1.0F +
           (e == FC_POINT_STOOD ? FC_POINT_CHANCE : FC_POINT_LUCK) * sqrtf(shared / (float)FC_POINT_MEMORY);
}

float fc_point_mix(const struct fc_view *v, const struct fc_horizon *z, const struct fc_pending *p)
{
    float error[FC_POINTS], least = INFINITY, sum = 0.0F, w = 0.0F;

    for (int32_t e = 0; e < FC_POINTS; e++) {
        error[e] = INFINITY;
        if (p->point_scale[e] > 0.0F && fc_point_heard(v->fc, (enum fc_point)e))
            error[e] = fc_point_allowance(v->fc, z, (enum fc_point)e) * z->ratio[e] * p->point_scale[e];
        least = error[e] < least ? error[e] : least;
    }
    for (int32_t e = 0; e < FC_POINTS; e++) {
        float near;

        if (!(error[e] < INFINITY))
            continue;
        near = error[e] > 0.0F ? fc_weight(least, error[e]) : 1.0F;
        sum += near;
        w += near * p->point[e];
    }
    return sum > 0.0F ? w / sum : p->now;
}
