/* SPDX-License-Identifier: Apache-2.0 */
/* forecast_run.c: runs every model over one series and scores it. Main thread.
 *
 * The forecaster is called as the daemon calls it: a reading or a hint at a time, in
 * the order in which they arrive.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/clock.h"
#include "forecast.h"

#define FORECAST_RUN_BURN_IN 300  /* samples that nobody is judged by                */
#define FORECAST_RUN_SHORT   3000 /* of a trace shorter than this a tenth            */
#define FORECAST_RUN_NS      1e3  /* in a microsecond                                */
#define FORECAST_RUN_LOOK    1024 /* samples between two looks at the clock          */

#define FORECAST_RUN_PROGRESS_US INT64_C(2000000)
#define FORECAST_RUN_REDRAW_US   INT64_C(200000)

static enum status forecast_track_new(struct forecast_track *t, int32_t count)
{
    size_t n = (size_t)count;

    t->point = calloc(n, sizeof t->point[0]);
    t->peak = calloc(n, sizeof t->peak[0]);
    t->alarm = calloc(n, sizeof t->alarm[0]);
    for (int l = 0; l < FORECAST_LEVELS; l++)
        t->upper[l] = calloc(n, sizeof t->upper[l][0]);
    return t->point && t->peak && t->alarm && t->upper[0] && t->upper[1] && t->upper[2] ? ST_OK : ST_NOMEM;
}

static void forecast_track_done(struct forecast_track *t)
{
    free(t->point);
    free(t->peak);
    free(t->alarm);
    for (int l = 0; l < FORECAST_LEVELS; l++)
        free(t->upper[l]);
    memset(t, 0, sizeof *t);
}

/* ---- progress ---- */

struct forecast_progress {
    bool shown;
    int64_t began_us, drawn_us;
    int32_t parts, part; /* of this series: ours, then each other model at each horizon */
    const char *name;
};

static void forecast_progress_draw(struct forecast_progress *p, double of_part)
{
    int64_t now_us;

    if (!p->shown)
        return;
    now_us = clock_now_us();
    if (now_us - p->began_us < FORECAST_RUN_PROGRESS_US || now_us - p->drawn_us < FORECAST_RUN_REDRAW_US)
        return;
    p->drawn_us = now_us;
    (void)fprintf(stderr, "\r\033[K%s: %3.0f %%", p->name, 100.0 * (p->part + of_part) / p->parts);
}

static void forecast_progress_end(const struct forecast_progress *p)
{
    if (p->drawn_us)
        (void)fprintf(stderr, "\r\033[K");
}

/* ---- ours ---- */

static void forecast_keep(const struct forecast_study *study, struct forecast_result *r,
                          const struct fc_forecast *f, int32_t i)
{
    for (int32_t h = 0; h < study->horizon_count; h++) {
        struct forecast_track *t = &r->at[h].track;

        t->point[i] = f->ahead[h].expected_w;
        t->peak[i] = f->ahead[h].peak_w;
        t->alarm[i] = (signed char)f->ahead[h].alarm;
        for (int l = 0; l < FORECAST_LEVELS; l++)
            t->upper[l][i] = f->ahead[h].upper_w[l];
    }
}

static void forecast_options(const struct forecast_study *study, const struct forecast_result *r,
                             struct fc_options *opt)
{
    *opt = (struct fc_options){
        .kind = study->kind,
        .grid_us = (int64_t)llround(r->step_s * 1e6),
        .horizon_count = study->horizon_count,
        .event_w = r->event_w,
        .sensor_window_us = (int64_t)llround(study->source.sensor_window_s * 1e6),
        .sensor_period_us = (int64_t)llround(study->source.sensor_period_s * 1e6),
    };
    for (int32_t h = 0; h < study->horizon_count; h++)
        opt->horizon_us[h] = (int64_t)llround(study->horizon_s[h] * 1e6);
}

/* Times are those of slots' ends, counted from the trace's beginning. */
static enum status forecast_ours(const struct forecast_study *study, const struct forecast_set *set,
                                 const struct forecast_events *events, struct forecast_progress *progress,
                                 struct forecast_result *r)
{
    struct fc_options opt;
    struct fc_forecast f;
    struct fc *fc;
    int32_t event = 0;
    int64_t spent_us = 0;
    double cap_w = study->cap_w > 0.0 ? study->cap_w : INFINITY;

    forecast_options(study, r, &opt);
    r->bytes = fc_size(&opt);
    fc = malloc(r->bytes);
    if (!fc)
        return ST_NOMEM;
    fc_init(fc, &opt);
    for (int32_t i = 0; i < r->series->count; i++) {
        double at_s = (i + 1) * r->step_s;
        int64_t at_us = (int64_t)llround(at_s * 1e6), began_us = clock_now_us();

        if (i % FORECAST_RUN_LOOK == 0)
            forecast_progress_draw(progress, (double)i / r->series->count);
        for (; event < events->count && events->event[event].at_s + study->hint_age_s <= set->start_s + at_s;
             event++) {
            const struct forecast_event *e = &events->event[event];

            fc_hint(fc, (int64_t)llround((e->at_s - set->start_s + fmax(0.0, study->hint_age_s)) * 1e6),
                    e->mark, e->value);
        }
        if (r->series->fresh[i])
            fc_put(fc, at_us, r->series->seen[i], cap_w);
        spent_us += clock_now_us() - began_us;
        fc_get(fc, at_us, &f);
        forecast_keep(study, r, &f, i);
    }
    for (int32_t h = 0; h < study->horizon_count; h++)
        r->at[h].cost_ns[FORECAST_BUSBAR] = FORECAST_RUN_NS * (double)spent_us / r->series->count;
    free(fc);
    return ST_OK;
}

/* ---- all others, and scores ---- */

static void forecast_judge_model(const struct forecast_judge *judge, struct forecast_outcome *at,
                                 enum forecast_model model, const struct forecast_track *track)
{
    struct forecast_judge own = *judge;
    const struct forecast_score *persistence =
        model == FORECAST_PERSISTENCE ? NULL : &at->score[FORECAST_PERSISTENCE];

    if (forecast_base_fitted(model)) { /* held against persistence on the same samples */
        own.first = judge->first > judge->count / 2 ? judge->first : judge->count / 2;
        persistence = &at->half[FORECAST_PERSISTENCE];
    }
    forecast_score(&own, track, persistence, &at->score[model]);
    own.first = judge->first > judge->count / 2 ? judge->first : judge->count / 2;
    persistence = model == FORECAST_PERSISTENCE ? NULL : &at->half[FORECAST_PERSISTENCE];
    forecast_score(&own, track, persistence, &at->half[model]);
}

/* Persistence comes first: the others are compared with it. */
static void forecast_horizon(const struct forecast_judge *judge, const double *seen_top,
                             struct forecast_progress *progress, struct forecast_outcome *at,
                             struct forecast_track *track)
{
    static const enum forecast_model order[] = {
        FORECAST_PERSISTENCE, FORECAST_ALWAYS_NO, FORECAST_EWMA, FORECAST_HOLT,   FORECAST_LINEAR,
        FORECAST_MAX_LAST_N,  FORECAST_SEASONAL,  FORECAST_AR,   FORECAST_AR_RLS, FORECAST_TEMPLATE
    };
    struct forecast_base_task task = { .seen = judge->seen,
                                       .top = seen_top,
                                       .count = judge->count,
                                       .steps = judge->steps,
                                       .event_w = judge->event_w };

    at->base_rate = forecast_score_base_rate(judge, &at->samples);
    at->unseen = forecast_score_unseen(judge);
    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++) {
        int64_t began_us = clock_now_us();

        progress->part++;
        forecast_progress_draw(progress, 0.0);
        if (!forecast_base_run(order[k], &task, track))
            continue;
        at->cost_ns[order[k]] = FORECAST_RUN_NS * (double)(clock_now_us() - began_us) / judge->count;
        forecast_judge_model(judge, at, order[k], track);
    }
    forecast_judge_model(judge, at, FORECAST_BUSBAR, &at->track);
}

static void forecast_window(const struct forecast_study *study, struct forecast_result *r,
                            struct forecast_judge *judge)
{
    int32_t count = r->series->count;

    judge->first = count < FORECAST_RUN_SHORT ? count / 10 : FORECAST_RUN_BURN_IN;
    judge->last = count;
    if (isfinite(study->score_from_s))
        judge->first = (int32_t)fmin(count, ceil(study->score_from_s / r->step_s));
    if (isfinite(study->score_to_s))
        judge->last = (int32_t)fmin(count, floor(study->score_to_s / r->step_s));
    r->first = judge->first;
}

static void forecast_range(const struct forecast_study *study, const struct forecast_series *series,
                           struct forecast_result *r)
{
    double low = INFINITY, high = -INFINITY;

    for (int32_t i = 0; i < series->count; i++) {
        low = fmin(low, series->w[i]);
        high = fmax(high, series->w[i]);
    }
    r->range = high > low ? high - low : 1.0;
    r->event_w = study->event_w > 0.0 ? study->event_w : study->event_ratio * r->range;
}

enum status forecast_run(const struct forecast_study *study, const struct forecast_set *set,
                         const struct forecast_series *series, const struct forecast_events *events,
                         struct forecast_result *ret)
{
    struct forecast_track track = { .point = NULL };
    struct forecast_judge judge = { .seen = series->seen, .truth = series->w, .count = series->count };
    struct forecast_progress progress = { .shown = study->progress_from_us > 0,
                                          .began_us = study->progress_from_us,
                                          .parts = 1 + study->horizon_count * (FORECAST_MODELS - 1),
                                          .name = set->count > 1 ? series->name : study->source.path };
    double *top[2] = { NULL, NULL };
    enum status st = forecast_track_new(&track, series->count);

    memset(ret, 0, sizeof *ret);
    ret->series = series;
    ret->step_s = set->step_s;
    forecast_range(study, series, ret);
    for (int32_t h = 0; h < study->horizon_count && st == ST_OK; h++)
        st = forecast_track_new(&ret->at[h].track, series->count);
    judge.scratch = calloc((size_t)series->count, sizeof judge.scratch[0]);
    top[0] = calloc((size_t)series->count, sizeof top[0][0]);
    top[1] = calloc((size_t)series->count, sizeof top[1][0]);
    if (st == ST_OK && judge.scratch && top[0] && top[1])
        st = forecast_ours(study, set, events, &progress, ret);
    else
        st = ST_NOMEM;
    judge.step_s = ret->step_s;
    judge.range = ret->range;
    judge.event_w = ret->event_w;
    forecast_window(study, ret, &judge);
    for (int32_t h = 0; h < study->horizon_count && st == ST_OK; h++) {
        double steps = fmax(1.0, round(study->horizon_s[h] / ret->step_s));

        ret->at[h].horizon_s = steps * ret->step_s;
        if (steps >= judge.last - judge.first)
            continue;
        judge.steps = (int32_t)steps;
        forecast_base_top(series->w, series->count, judge.steps, top[0]);
        forecast_base_top(series->seen, series->count, judge.steps, top[1]);
        judge.top = top[0];
        forecast_horizon(&judge, top[1], &progress, &ret->at[h], &track);
    }
    forecast_progress_end(&progress);
    free(judge.scratch);
    free(top[0]);
    free(top[1]);
    forecast_track_done(&track);
    if (st != ST_OK)
        forecast_run_done(ret);
    return st;
}

void forecast_run_done(struct forecast_result *result)
{
    for (int32_t h = 0; h < FC_HORIZONS_MAX; h++)
        forecast_track_done(&result->at[h].track);
}
