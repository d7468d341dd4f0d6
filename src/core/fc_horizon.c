/* SPDX-License-Identifier: Apache-2.0 */
/* fc_horizon.c: one horizon of a forecaster: keeps what was forecast until it comes
 * true, lets the experts learn from it, and gives out a new forecast.
 */
#include "fc_parts.h"

#include <math.h>

#define FC_HORIZON_FORGET 0.9995  /* of the regression, a forecast                      */
#define FC_HORIZON_MEAN   16      /* samples that a mean "over about the horizon" is of */
#define FC_HORIZON_SETTLE 12      /* samples that a change itself may take              */
#define FC_HORIZON_FRESH  0.3F    /* of the spread: changes expected right after one    */
#define FC_HORIZON_DECAY  0.9995F /* of what alarms were worth, a forecast             */
#define FC_HORIZON_BELIEF 20.0F   /* alarms' worth of the first belief                  */
#define FC_HORIZON_CELLS  0.96F   /* the same of alarms by cells: whoever lies is soon known */
#define FC_HORIZON_UNSURE 4.0F    /* alarms' worth of no belief in them: they must earn it  */
#define FC_HORIZON_WARY   0.8F    /* of their F1: they must be clearly better            */
#define FC_HORIZON_LEAST  0.25F   /* F1 under which none is better                         */

/* Alarm at one of these probabilities: where the F1 has been best. */
static const double fc_horizon_alarm[FC_THRESHOLDS] = { 0.5, 0.35, 0.2 };

/* A sensor that sees a quarter of the time needs four readings to have seen as much
 * as the horizon holds. */
static int32_t fc_horizon_span(const struct fc_options *opt, int64_t horizon_us, int32_t steps)
{
    int64_t span = steps;

    if (fc_blind(opt))
        span = (horizon_us + opt->sensor_window_us - 1) / opt->sensor_window_us;
    return span > steps ? (int32_t)span : steps;
}

void fc_horizon_init(struct fc_view *v, int32_t h)
{
    struct fc *fc = v->fc;
    struct fc_horizon *z = &v->horizon[h];
    int64_t steps = (fc->opt.horizon_us[h] + fc->opt.grid_us / 2) / fc->opt.grid_us;

    z->steps = steps < 1 ? 1 : (int32_t)steps;
    z->span = fc_horizon_span(&fc->opt, fc->opt.horizon_us[h], z->steps);
    z->stride = (z->span + fc->pending - 2) / (fc->pending - 1);
    if (z->stride < 1)
        z->stride = 1;
    for (int32_t t = 0; t < FC_THRESHOLDS; t++)
        for (int32_t s = 0; s < FC_SOURCES; s++) {
            float belief = s == FC_SOURCE_BOUND ? FC_HORIZON_BELIEF : FC_HORIZON_UNSURE;

            z->alarm[s][t] = (struct fc_alarm){ .hits = s == FC_SOURCE_BOUND ? belief - (float)t : 0.0F,
                                                .alarms = belief,
                                                .spikes = belief };
        }
    fc_rls_init(&z->rls, fc->order + 5);
    fc_point_doubt(z);
    fc_bound_init(z);
    for (int32_t p = 0; p < fc->pending; p++)
        v->pending[h * fc->pending + p].made = -1;
}

void fc_horizon_start(struct fc_horizon *z, double w)
{
    z->slow = w;
}

/* ---- learning ---- */

/* Of all sources and thresholds the pair whose alarms were best: source * FC_THRESHOLDS + threshold. */
static int32_t fc_horizon_best(const struct fc_horizon *z)
{
    float best = -1.0F;
    int32_t chosen = 0;

    for (int32_t k = 0; k < FC_SOURCES * FC_THRESHOLDS; k++) {
        const struct fc_alarm *a = &z->alarm[k / FC_THRESHOLDS][k % FC_THRESHOLDS];
        float f1 = 2.0F * a->hits / (a->alarms + a->spikes);

        if (k >= FC_THRESHOLDS)
            f1 = f1 < FC_HORIZON_LEAST ? -1.0F : FC_HORIZON_WARY * f1;
        if (f1 > best) {
            best = f1;
            chosen = k;
        }
    }
    return chosen;
}

static void fc_horizon_alarms(const struct fc_view *v, struct fc_horizon *z, const struct fc_pending *p,
                              float top)
{
    bool spike = top > p->now + (float)v->fc->opt.event_w, news = false;

    for (int32_t k = 0; k < FC_SOURCES * FC_THRESHOLDS; k++) {
        int32_t s = k / FC_THRESHOLDS, t = k % FC_THRESHOLDS;
        struct fc_alarm *a = &z->alarm[s][t];
        bool alarm = (double)p->chance[s] >= fc_horizon_alarm[t];
        float keep = s == FC_SOURCE_BOUND ? FC_HORIZON_DECAY : FC_HORIZON_CELLS;

        if (!spike && !alarm)
            continue;
        news = true;
        a->hits = keep * a->hits + (spike && alarm ? 1.0F : FC_FADED);
        a->alarms = keep * a->alarms + (alarm ? 1.0F : FC_FADED);
        a->spikes = keep * a->spikes + (spike ? 1.0F : FC_FADED);
    }
    if (news)
        z->best = fc_horizon_best(z);
    fc_spike_learn(&z->spike, p->cell, FC_CELLS, spike);
}

static void fc_horizon_judge(struct fc_view *v, int32_t h, const struct fc_pending *p, float top)
{
    struct fc *fc = v->fc;
    struct fc_horizon *z = &v->horizon[h];
    float spread = fc_spread(fc), truth = fc_ring_at(&fc->ring, v->value, z->span - z->steps);
    double target[FC_RLS_TARGETS] = { (double)((truth - p->now) / spread),
                                      (double)((top - p->now) / spread) };

    if (!z->surprised || fc->change.since > z->span + FC_HORIZON_SETTLE)
        fc_point_learn(z, p, truth);
    fc_bound_learn(v, z, p, top);
    fc_rls_learn(&z->rls, p->feature, target, FC_HORIZON_FORGET);
    fc_horizon_alarms(v, z, p, top);
    z->judged++;
}

void fc_horizon_learn(struct fc_view *v, int32_t h)
{
    struct fc *fc = v->fc;
    const struct fc_horizon *z = &v->horizon[h];
    float *top = &v->pending_top[h * fc->pending], w = fc_ring_at(&fc->ring, v->value, 0);
    struct fc_pending *pending = &v->pending[h * fc->pending];
    int64_t made = fc->ring.count - z->span;
    int32_t at = (int32_t)(made / z->stride % fc->pending);

    for (int32_t i = 0; i < fc->pending; i += FC_LANES)
        fc_lanes_store(&top[i], fc_lanes_max(fc_lanes_all(w), fc_lanes_load(&top[i])));
    if (made < 0 || made % z->stride != 0 || pending[at].made != made)
        return;
    fc_horizon_judge(v, h, &pending[at], top[at]);
    pending[at].made = -1;
}

/* ---- forecasting ---- */

/* Root mean square change over a horizon, of late: how much there is to be wrong. */
static float fc_horizon_moved(const struct fc_view *v, const struct fc_horizon *z)
{
    const struct fc *fc = v->fc;
    int32_t lag = z->steps < fc->lags ? z->steps : fc->lags;
    float spread = fc_spread(fc);
    float moved = sqrtf(v->cost[lag - 1] / (float)FC_TEMPLATE_SPEEDS) + FC_FLOOR * spread;

    /* Right after a change, what lies a horizon back is another load. */
    if (fc->change.since < z->steps && moved > FC_HORIZON_FRESH * spread)
        moved = FC_HORIZON_FRESH * spread;
    return moved;
}

/* Between two levels in a straight line. */
static double fc_horizon_spike(const struct fc_pending *p, double spike_w)
{
    static const double above[FC_QUANTILES] = { 0.5, 0.1, 0.01, 0.001 };

    if ((double)p->out[0] >= spike_w)
        return 1.0;
    for (int32_t l = 1; l < FC_QUANTILES; l++) {
        double low = (double)p->out[l - 1], high = (double)p->out[l];

        if (high >= spike_w && high > low)
            return above[l - 1] + (spike_w - low) / (high - low) * (above[l] - above[l - 1]);
    }
    return 0.0;
}

static void fc_horizon_chances(const struct fc_view *v, const struct fc_horizon *z, struct fc_pending *p)
{
    const struct fc *fc = v->fc;
    float spike_w = (float)fc->opt.event_w;

    p->chance[FC_SOURCE_BOUND] = (float)fc_horizon_spike(p, (double)p->now + fc->opt.event_w);
    p->cell[0] = p->cell[1] = -1;
    if (spike_w > 0.0F)
        p->cell[0] = fc_spike_own((p->now - fc_ring_at(&fc->ring, v->value, 1)) / spike_w,
                                  ((float)fc->stats.high - p->now) / spike_w);
    if (fc->hinted)
        p->cell[1] = fc_spike_told(&fc->hints, fc->at_us);
    p->chance[FC_SOURCE_OWN] = fc_spike_chance(&z->spike, p->cell[0]);
    p->chance[FC_SOURCE_TOLD] = fc_spike_chance(&z->spike, p->cell[1]);
}

static void fc_horizon_out(const struct fc_view *v, struct fc_horizon *z, struct fc_pending *p)
{
    struct fc_ahead *out = &z->out;

    out->expected_w = (double)fc_point_mix(v, z, p);
    out->peak_w = (double)p->out[0];
    for (int32_t l = 0; l < FC_LEVELS; l++)
        out->upper_w[l] = (double)p->out[l + 1];
    fc_horizon_chances(v, z, p);
    out->spike_probability = (double)p->chance[z->best / FC_THRESHOLDS];
    out->alarm = out->spike_probability >= fc_horizon_alarm[z->best % FC_THRESHOLDS];
}

void fc_horizon_forecast(struct fc_view *v, int32_t h)
{
    struct fc *fc = v->fc;
    struct fc_horizon *z = &v->horizon[h];
    int64_t made = fc->ring.count;
    int32_t at = h * fc->pending + (int32_t)(made / z->stride % fc->pending);
    bool kept = made % z->stride == 0;
    struct fc_pending scratch, *p = kept ? &v->pending[at] : &scratch;
    double now = (double)fc_ring_at(&fc->ring, v->value, 0);
    float moved = fc_horizon_moved(v, z);

    z->slow += (now - z->slow) / (double)(z->steps > FC_HORIZON_MEAN ? z->steps : FC_HORIZON_MEAN);
    z->wary -= z->wary > 0;
    p->made = made;
    p->now = (float)now;
    fc_bound_say(v, z, moved, p);
    fc_point_say(v, z, moved, p);
    fc_bound_regress(v, fc_point_regress(v, z, moved, p), p);
    fc_bound_mix(v, z, p);
    fc_horizon_out(v, z, p);
    if (kept)
        v->pending_top[at] = -INFINITY;
}
