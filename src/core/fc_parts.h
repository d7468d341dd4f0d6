/* SPDX-License-Identifier: Apache-2.0 */
/* fc_parts.h: what a forecaster remembers, shared by fc.c, fc_change.c,
 * fc_horizon.c, fc_point.c and fc_bound.c alone.
 *
 * `struct fc` heads one block; arrays whose length depends on the kind lie behind
 * it at offsets it keeps. `struct fc_view` is the set of pointers into one block,
 * made on the stack at each call. Watts are `float` where there are many: one part
 * in 10^7 is far under any sensor's error, and loops take four at once.
 *
 * An expert is one simple forecast. fc_point.c mixes those of the value at the
 * horizon, fc_bound.c those of the peak until then.
 */
#ifndef BUSBAR_CORE_FC_PARTS_H
#define BUSBAR_CORE_FC_PARTS_H

#include <stdbool.h>

#include "busbar/fc.h"
#include "fc_conformal.h"
#include "fc_hint.h"
#include "fc_lanes.h"
#include "fc_ring.h"
#include "fc_rls.h"
#include "fc_sensor.h"
#include "fc_spike.h"
#include "fc_template.h"

#define FC_QUANTILES  (FC_LEVELS + 1) /* the median comes first             */
#define FC_THRESHOLDS 3
#define FC_CELLS      2      /* of fc_spike.h: its own, and what hints say  */
#define FC_FLOOR      0.002F /* of the spread: under it is noise   */
#define FC_DEAF       0.1F   /* of the best expert's worth: under it none is heard    */
#define FC_CYCLES     2      /* times the lag that must have been seen           */
#define FC_SOME       4      /* samples more                                     */
#define FC_WARY       3      /* horizons after a change in which another may come */
#define FC_FADED      1e-12F /* what fades ends here: floats far under it cost a hundred times as much */

enum fc_point {
    FC_POINT_LAST,     /* persistence                                      */
    FC_POINT_SMOOTH,   /* a short mean                                     */
    FC_POINT_USUAL,    /* the median over about the horizon                */
    FC_POINT_STOOD,    /* where it stood over about the horizon: dips pass */
    FC_POINT_TEMPLATE, /* what followed when it last looked like now       */
    FC_POINT_RLS,      /* a regression on recent samples and the template  */
    FC_POINT_HINT,     /* what followed after such marks                   */
    FC_POINTS
};

enum fc_bound {
    FC_BOUND_LAST,     /* now, and a fixed margin                          */
    FC_BOUND_MOVING,   /* now, and a margin that follows recent changes    */
    FC_BOUND_QUICK,    /* now, and a margin that follows every miss        */
    FC_BOUND_RECENT,   /* the highest over about the horizon               */
    FC_BOUND_HIGH,     /* the highest of late: no mixed bound goes above   */
    FC_BOUND_TEMPLATE, /* the template's peak                              */
    FC_BOUND_WIDE,     /* the highest of all templates, early or late      */
    FC_BOUND_RLS,      /* the regression's peak                            */
    FC_BOUND_RLS_MOVING,
    FC_BOUND_RLS_QUICK,
    FC_BOUND_HINT, /* the highest that marks announce                  */
    FC_BOUNDS
};

/* Who says how likely a spike is. */
enum fc_source {
    FC_SOURCE_BOUND, /* the bounds of the peak                         */
    FC_SOURCE_OWN,   /* what followed such samples                     */
    FC_SOURCE_TOLD,  /* what followed when the queue stood like that   */
    FC_SOURCES
};

/* What was forecast, kept until its horizon has come. */
struct fc_pending {
    int64_t made; /* sample number; -1: free   */
    float now;
    float feature[FC_RLS_FEATURES];
    float point[FC_POINTS], point_scale[FC_POINTS]; /* scale 0: it says nothing  */
    float middle[FC_BOUNDS], scale[FC_BOUNDS];
    float bound[FC_BOUNDS][FC_QUANTILES];
    float out[FC_QUANTILES];  /* what was given out        */
    float chance[FC_SOURCES]; /* of a spike                */
    int32_t cell[FC_CELLS];
};

/* What alarms at one threshold were worth: decaying counts. */
struct fc_alarm {
    float hits, alarms, spikes;
};

struct fc_horizon {
    int32_t steps;     /* samples until it                                      */
    int32_t span;      /* samples whose peak stands for the time until then     */
    int32_t stride;    /* every so many samples a forecast is kept and judged   */
    int32_t surprised; /* the last change came after a long time without one    */
    int32_t wary;      /* samples for which bounds allow for another            */
    int64_t judged;
    double slow; /* a mean over about the horizon                        */
    struct fc_template like;
    struct fc_rls rls;
    float ratio[FC_POINTS]; /* error by expected scale, a mean           */
    int32_t ratio_count[FC_POINTS];
    struct fc_conformal score[FC_BOUNDS];
    float margin[FC_BOUNDS][FC_QUANTILES]; /* above the middle, in scales            */
    float size[FC_BOUNDS];                 /* of scores, where margins follow misses */
    float pinball[FC_BOUNDS][FC_QUANTILES];
    int32_t bound_count[FC_BOUNDS];
    float raise[FC_QUANTILES]; /* of what comes out, to hold its share   */
    float held[FC_QUANTILES];  /* share that held, of late               */
    struct fc_alarm alarm[FC_SOURCES][FC_THRESHOLDS];
    int32_t best; /* of these: source * FC_THRESHOLDS + threshold  */
    struct fc_spike spike;
    struct fc_ahead out;
};

struct fc_stats {
    double smooth;    /* a short mean                                          */
    double high, low; /* of late, sinking towards each other                   */
};

/* fc_change.c */
struct fc_change {
    int32_t strange; /* samples in a row that nothing foresaw                 */
    int32_t trusted; /* until then the template knew what it said             */
    int32_t since;   /* samples since the load became another; up to `lags`   */
    int32_t spell;   /* the same, not bounded by the ring                     */
    int32_t calm;    /* there was no change yet                               */
    int32_t lost;    /* samples for which only the present counts             */
};

struct fc {
    struct fc_options opt;
    int32_t lags, pending, order, moments;
    int32_t started, hinted;
    int64_t origin_us, slot, at_us;
    double cap_w;
    struct fc_sensor sensor;
    struct fc_ring ring;
    struct fc_stats stats;
    struct fc_change change;
    struct fc_template like; /* for the next sample                       */
    int32_t period;
    struct fc_hints hints;
    size_t horizon_at, value_at, top_at, diff_at, cost_at, pending_at, pending_top_at, size;
};

struct fc_view {
    struct fc *fc;
    struct fc_horizon *horizon;
    float *value, *top, *diff, *cost, *pending_top;
    struct fc_pending *pending;
};

/* Errors, margins and steps are measured by it: highest less lowest of late. */
static inline float fc_spread(const struct fc *fc)
{
    double spread = fc->stats.high - fc->stats.low;
    double least = 0.05 * (fc->stats.high > 0.0 ? fc->stats.high : 0.0) + 1e-3;

    return (float)(spread > least ? spread : least);
}

static inline float fc_clip(float w, float low, float high)
{
    return w < low ? low : w > high ? high : w;
}

/* A sensor that sees only a part of the time. */
static inline bool fc_blind(const struct fc_options *opt)
{
    return opt->sensor_window_us > 0 && opt->sensor_window_us < opt->sensor_period_us;
}

/* Has the load been the same for so long that this lag was seen twice? */
static inline bool fc_twice(const struct fc *fc, int32_t lag)
{
    return fc->change.since >= fc->lags || fc->change.since >= FC_CYCLES * lag + FC_SOME;
}

/* Of an expert whose loss is `loss` where the best one's is `least`: their ratio to the
 * 16th. What would be too little to be a normal float is too little to be heard. */
static inline fc_lanes fc_weights(fc_lanes least, fc_lanes loss)
{
    fc_lanes near = fc_lanes_max(least / loss, fc_lanes_all(FC_DEAF));

    near *= near;
    near *= near;
    near *= near;
    return near * near;
}

static inline float fc_weight(float least, float loss)
{
    return fc_weights(fc_lanes_all(least), fc_lanes_all(loss))[0];
}

/* fc_change.c: has the load become another? Before the sample is in the ring. */
void fc_change_start(struct fc_view *v);
bool fc_change_sense(struct fc_view *v, float w);
/* After it is: `changed` is what fc_change_sense() said. */
void fc_change_take(struct fc_view *v, bool changed);

/* fc_horizon.c: judges the forecast that was made for the newest sample, then makes
 * a new one. */
void fc_horizon_init(struct fc_view *v, int32_t h);
void fc_horizon_start(struct fc_horizon *z, double w);
void fc_horizon_learn(struct fc_view *v, int32_t h);
void fc_horizon_forecast(struct fc_view *v, int32_t h);

/* fc_point.c */
void fc_point_doubt(struct fc_horizon *z);
void fc_point_learn(struct fc_horizon *z, const struct fc_pending *p, float truth);
void fc_point_say(const struct fc_view *v, const struct fc_horizon *z, float moved, struct fc_pending *p);
/* Also gives the regression's peak. */
float fc_point_regress(const struct fc_view *v, const struct fc_horizon *z, float moved,
                       struct fc_pending *p);
float fc_point_mix(const struct fc_view *v, const struct fc_horizon *z, const struct fc_pending *p);

/* fc_bound.c */
void fc_bound_init(struct fc_horizon *z);
void fc_bound_learn(const struct fc_view *v, struct fc_horizon *z, const struct fc_pending *p, float top);
void fc_bound_say(const struct fc_view *v, const struct fc_horizon *z, float moved, struct fc_pending *p);
void fc_bound_regress(const struct fc_view *v, float peak, struct fc_pending *p);
void fc_bound_mix(const struct fc_view *v, const struct fc_horizon *z, struct fc_pending *p);

#endif
