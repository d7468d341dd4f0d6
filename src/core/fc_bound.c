/* SPDX-License-Identifier: Apache-2.0 */
/* fc_bound.c: upper bounds of the peak until the horizon.
 *
 * Each expert has a middle and margins above it, one a level: quantiles of how far
 * the peak lay above the middle before (split conformal prediction with forgetting),
 * or margins that follow every miss. Bounds are mixed by recent pinball loss, and
 * what comes out is raised or lowered a little after each miss or hit until its
 * share holds (Gibbs and Candes 2021). Where forecasts overlap they miss together,
 * so such a step is the shorter the more of them do.
 */
#include "fc_parts.h"

#include <math.h>

#define FC_BOUND_DOUBT   1.0F    /* scores' worth of doubt at first                   */
#define FC_BOUND_MEMORY  2000.0F /* scores that a margin is a quantile of, at least   */
#define FC_BOUND_WINDOWS 100.0F  /* horizons' worth of them                           */
#define FC_BOUND_TURNS   4       /* margins are renewed in turns                      */
#define FC_BOUND_FIRST   5       /* judgements before an expert has a vote            */
#define FC_BOUND_LOSSES  100     /* forecasts that a pinball loss is a mean over      */
#define FC_BOUND_NOTHING 1e-5F   /* spreads: losses under it are alike                */
#define FC_BOUND_ABOVE   0.5F    /* spreads above the highest: no expert goes higher  */
#define FC_BOUND_GRAIN   0.003F  /* of the spread: peaks of noise are never equal     */
#define FC_BOUND_STEP    0.02F   /* of the spread, after a miss                       */
#define FC_BOUND_RAISE   0.5F    /* of the spread: the most                           */
#define FC_BOUND_SINK    0.9995F /* of a score's size, a score                        */
#define FC_BOUND_SCALE   8.0F    /* mean changes to a unit of margins that follow them */
#define FC_BOUND_LATE    8       /* least samples of "of late"                        */
#define FC_BOUND_MOMENTS 8       /* on the way to the horizon that marks are asked for */
#define FC_BOUND_EARLY   64      /* an edge may be early or late by a part of the lag */
#define FC_BOUND_BLIND   100     /* samples that an aliasing sensor is asked for        */
#define FC_BOUND_OUTCOMES 99   /* without a change, before less than the limit is believed */
#define FC_BOUND_LARGE   1.0F    /* spreads above the highest that a second surprise may reach */

static const float fc_bound_miss[FC_QUANTILES] = { 0.5F, 0.1F, 0.01F, 0.001F };

/* Asked of experts: mixed bounds and surprises cost some of what is wished. */
static const float fc_bound_ask[FC_QUANTILES] = { 0.5F, 0.09F, 0.005F, 0.0005F };

static bool fc_bound_follows(int32_t e)
{
    return e == FC_BOUND_QUICK || e == FC_BOUND_RLS_QUICK;
}

void fc_bound_init(struct fc_horizon *z)
{
    for (int32_t e = 0; e < FC_BOUNDS; e++) {
        fc_conformal_init(&z->score[e], FC_BOUND_DOUBT, e == FC_BOUND_HIGH ? 0.02F : 0.25F);
        fc_conformal_quantiles(&z->score[e], FC_QUANTILES, fc_bound_miss, z->margin[e]);
    }
    for (int32_t l = 0; l < FC_QUANTILES; l++)
        z->held[l] = 1.0F - fc_bound_miss[l];
}

/* ---- learning ---- */

/* Pinball loss: a bound that was passed costs much, one that is high a little. */
static void fc_bound_loss(struct fc_horizon *z, const struct fc_pending *p, int32_t e, float top,
                          float spread)
{
    const fc_lanes miss = fc_lanes_load(fc_bound_miss);
    fc_lanes off = top - fc_lanes_load(p->bound[e]), mean = fc_lanes_load(z->pinball[e]), loss;

    if (z->bound_count[e] < FC_BOUND_LOSSES)
        z->bound_count[e]++;
    loss = fc_lanes_max((1.0F - miss) * off, miss * -off) / spread;
    mean += (1.0F / (float)z->bound_count[e]) * (loss + FC_FADED - mean);
    fc_lanes_store(z->pinball[e], mean);
}

/* Judged by the margins as they now stand, not as they were: they follow a burst of
 * misses at its first, and what that costs in coverage the last step makes up. */
static void fc_bound_follow(struct fc_horizon *z, const struct fc_pending *p, int32_t e, float top)
{
    float score = (top - p->middle[e]) / p->scale[e], size = z->size[e] * FC_BOUND_SINK;

    size = size > FC_FADED ? size : FC_FADED;
    z->size[e] = score > size ? score : -score > size ? -score : size;
    for (int32_t l = 0; l < FC_QUANTILES; l++)
        z->margin[e][l] = fc_conformal_follow(z->margin[e][l], z->size[e], score > z->margin[e][l],
                                              fc_bound_miss[l], z->bound_count[e]);
}

static void fc_bound_hold(struct fc_horizon *z, const struct fc_pending *p, float top)
{
    float pace = 1.0F / sqrtf((float)((z->span + z->stride - 1) / z->stride));

    for (int32_t l = 1; l < FC_QUANTILES; l++) {
        float off = (top > p->out[l] ? 1.0F : 0.0F) - fc_bound_miss[l];

        z->raise[l] = fc_clip(z->raise[l] + FC_BOUND_STEP * pace * off, 0.0F, FC_BOUND_RAISE);
        z->held[l] += 0.002F * ((top > p->out[l] ? 0.0F : 1.0F) - z->held[l]);
    }
}

void fc_bound_learn(const struct fc_view *v, struct fc_horizon *z, const struct fc_pending *p, float top)
{
    const struct fc *fc = v->fc;
    float spread = fc_spread(fc), memory = FC_BOUND_WINDOWS * (float)z->span / (float)z->stride;
    float keep = 1.0F - 1.0F / (memory > FC_BOUND_MEMORY ? memory : FC_BOUND_MEMORY);
    bool surprised = z->surprised && fc->change.since <= z->span;

    for (int32_t e = 0; e < FC_BOUNDS; e++) {
        if (!(p->scale[e] > 0.0F))
            continue;
        fc_bound_loss(z, p, e, top, spread);
        if (fc_bound_follows(e)) {
            fc_bound_follow(z, p, e, top);
            continue;
        }
        if (!surprised)
            fc_conformal_learn(&z->score[e], (top - p->middle[e]) / p->scale[e], keep);
        if (e % FC_BOUND_TURNS == z->judged % FC_BOUND_TURNS)
            fc_conformal_quantiles(&z->score[e], FC_QUANTILES, fc_bound_ask, z->margin[e]);
    }
    fc_bound_hold(z, p, top);
}

/* ---- forecasting ---- */

static void fc_bound_put(struct fc_pending *p, enum fc_bound e, float middle, float scale)
{
    p->middle[e] = middle;
    p->scale[e] = scale;
}

static void fc_bound_hint(const struct fc *fc, const struct fc_horizon *z, struct fc_pending *p)
{
    int32_t moments = z->steps < FC_BOUND_MOMENTS ? z->steps : FC_BOUND_MOMENTS;
    float spread = fc_spread(fc), w, scale, peak = -INFINITY;

    for (int32_t m = 1; m <= moments; m++) {
        int64_t ahead_us = z->steps * fc->opt.grid_us * m / moments;

        if (fc_hint_value(&fc->hints, fc->at_us + ahead_us, FC_FLOOR * spread, &w, &scale) && w > peak)
            peak = w;
    }
    if (peak > -INFINITY)
        fc_bound_put(p, FC_BOUND_HINT, peak, spread);
}

void fc_bound_say(const struct fc_view *v, const struct fc_horizon *z, float moved, struct fc_pending *p)
{
    const struct fc *fc = v->fc;
    float now = p->now, spread = fc_spread(fc);
    int32_t recent = z->span > FC_BOUND_LATE ? z->span : FC_BOUND_LATE;

    for (int32_t e = 0; e < FC_BOUNDS; e++)
        fc_bound_put(p, (enum fc_bound)e, now, 0.0F);
    fc_bound_put(p, FC_BOUND_LAST, now, spread);
    fc_bound_put(p, FC_BOUND_QUICK, now, spread);
    recent = recent < fc->lags - 1 ? recent : fc->lags - 1;
    fc_bound_put(p, FC_BOUND_RECENT, fc_ring_top(&fc->ring, v->value, v->top, 0, recent), spread);
    fc_bound_put(p, FC_BOUND_HIGH, (float)fc->stats.high, spread);
    if (z->like.count > 0) {
        int32_t slack = 1 + z->like.lag[0] / FC_BOUND_EARLY;

        fc_bound_put(p, FC_BOUND_TEMPLATE, fc_template_peak(&z->like, &fc->ring, v->value, v->top, z->span),
                     spread);
        if (fc->opt.kind == FC_RACK)
            fc_bound_put(p, FC_BOUND_WIDE,
                         fc_template_highest(&z->like, &fc->ring, v->value, v->top, z->span, slack), spread);
    }
    if (fc->opt.kind == FC_RACK)
        fc_bound_put(p, FC_BOUND_MOVING, now, FC_BOUND_SCALE * moved);
    if (fc->hinted)
        fc_bound_hint(fc, z, p);
}

void fc_bound_regress(const struct fc_view *v, float peak, struct fc_pending *p)
{
    float spread = fc_spread(v->fc);

    fc_bound_put(p, FC_BOUND_RLS, peak, spread);
    if (v->fc->opt.kind != FC_RACK)
        return;
    fc_bound_put(p, FC_BOUND_RLS_MOVING, peak, p->scale[FC_BOUND_MOVING]);
    fc_bound_put(p, FC_BOUND_RLS_QUICK, peak, spread);
}

/* Four levels are four lanes. */
_Static_assert(FC_QUANTILES == FC_LANES, "a level a lane");

/* What each expert that speaks says of every level, and the least loss of those that have a vote; false:
 * none has one. */
static bool fc_bound_experts(const struct fc_view *v, const struct fc_horizon *z, struct fc_pending *p,
                             fc_lanes *ret_least)
{
    const struct fc *fc = v->fc;
    fc_lanes low = fc_lanes_all((float)fc->stats.low);
    fc_lanes high = fc_lanes_all((float)fc->stats.high + FC_BOUND_ABOVE * fc_spread(fc));
    bool voted = false;

    *ret_least = fc_lanes_all(INFINITY);
    for (int32_t e = 0; e < FC_BOUNDS; e++) {
        fc_lanes w;

        if (!(p->scale[e] > 0.0F))
            continue;
        w = p->middle[e] + fc_lanes_load(z->margin[e]) * p->scale[e];
        fc_lanes_store(p->bound[e], fc_lanes_min(fc_lanes_max(w, low), high));
        if (z->bound_count[e] < FC_BOUND_FIRST)
            continue;
        *ret_least = fc_lanes_min(fc_lanes_load(z->pinball[e]), *ret_least);
        voted = true;
    }
    return voted;
}

static void fc_bound_levels(const struct fc_view *v, const struct fc_horizon *z, struct fc_pending *p,
                            float *ret)
{
    fc_lanes least, sum = fc_lanes_all(0.0F), w = fc_lanes_all(0.0F);
    bool voted = fc_bound_experts(v, z, p, &least);

    least += FC_BOUND_NOTHING;
    for (int32_t e = 0; e < FC_BOUNDS; e++) {
        fc_lanes weight = fc_lanes_all(1.0F);

        if (!(p->scale[e] > 0.0F) || (z->bound_count[e] < FC_BOUND_FIRST && e != FC_BOUND_LAST))
            continue;
        if (voted)
            weight = fc_weights(least, fc_lanes_load(z->pinball[e]) + FC_BOUND_NOTHING);
        sum += weight;
        w += weight * fc_lanes_load(p->bound[e]);
    }
    fc_lanes_store(ret, w / sum);
}

/* A sensor that looks away most of the time aliases: a fast load seems slow, and low
 * for long. What it has shown of late may be there at any moment. */
static float fc_bound_seen(const struct fc_view *v)
{
    int32_t last = v->fc->lags - 1;

    return fc_ring_top(&v->fc->ring, v->value, v->top, 0, last < FC_BOUND_BLIND ? last : FC_BOUND_BLIND);
}

/* While little was seen of a load, its limit is all that is known: 99 % cannot be told from fewer
 * outcomes than 99, and a load that has just become another may become a third. */
static bool fc_bound_fresh(const struct fc *fc, const struct fc_horizon *z)
{
    if (fc->opt.kind != FC_RACK || !(fc->cap_w < (double)INFINITY))
        return false;
    return fc->change.calm ? fc->ring.count < FC_BOUND_OUTCOMES * (int64_t)z->span
                           : fc->change.spell < FC_WARY * z->steps;
}

void fc_bound_mix(const struct fc_view *v, const struct fc_horizon *z, struct fc_pending *p)
{
    const struct fc *fc = v->fc;
    float spread = fc_spread(fc), high = (float)fc->stats.high;
    bool blind = fc_blind(&fc->opt), fresh = fc_bound_fresh(fc, z);
    float seen = blind ? fc_bound_seen(v) : high, mixed[FC_QUANTILES];

    fc_bound_levels(v, z, p, mixed);
    for (int32_t l = 0; l < FC_QUANTILES; l++) {
        float w = mixed[l], ceiling = high + z->margin[FC_BOUND_HIGH][l] * spread;

        if (l >= FC_QUANTILES - 2)
            w += FC_BOUND_GRAIN * spread;
        w += z->raise[l] * spread;
        w = w < ceiling ? w : ceiling;
        if (fresh && l >= FC_QUANTILES - 2)
            w = w < (float)fc->cap_w ? (float)fc->cap_w : w;
        else if (z->wary > 0 && l >= FC_QUANTILES - 2 && w < high + FC_BOUND_LARGE * spread)
            w = high + FC_BOUND_LARGE * spread;
        if (blind && l > 0 && w < seen)
            w = seen;
        p->out[l] = l > 0 && w < p->out[l - 1] ? p->out[l - 1] : w;
    }
}
