/* SPDX-License-Identifier: Apache-2.0 */
/* forecast_base.c: the forecasts that ours is held against. */
#include "forecast_base.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FORECAST_BASE_ALPHA   0.3 /* of EWMA                                       */
#define FORECAST_BASE_LEVEL   0.5 /* of Holt, and its trend                        */
#define FORECAST_BASE_TREND   0.1
#define FORECAST_BASE_RECENT  8 /* least n of max-last-n                         */
#define FORECAST_BASE_ORDER   8
#define FORECAST_BASE_FORGET  0.9995
#define FORECAST_BASE_SEASON  0.3  /* least autocorrelation of a season             */
#define FORECAST_BASE_BETTER  0.02 /* than a shorter lag's: else that one is taken  */
#define FORECAST_BASE_PERIODS 4    /* of the template                               */
#define FORECAST_BASE_WINDOW  600  /* samples that its period is looked for in      */
#define FORECAST_BASE_EVERY   20   /* samples                                       */
#define FORECAST_BASE_LOCK    0.8  /* least autocorrelation of the template         */
#define FORECAST_BASE_STEP    0.06 /* of conformal margins, of the scores' size     */

#define FORECAST_BASE_N (FORECAST_BASE_ORDER + 1)

const double forecast_levels[FORECAST_LEVELS] = { 0.9, 0.99, 0.999 };

const char *forecast_model_name(enum forecast_model model)
{
    static const char *const names[FORECAST_MODELS] = { "busbar", "always-no", "persistence", "ewma",
                                                        "holt",   "linear",    "max-last-n",  "seasonal",
                                                        "ar",     "ar-rls",    "template" };

    return names[model];
}

bool forecast_base_fitted(enum forecast_model model)
{
    return model == FORECAST_SEASONAL || model == FORECAST_AR;
}

void forecast_base_top(const double *w, int32_t count, int32_t steps, double *top)
{
    for (int32_t i = 0; i < count; i++) {
        top[i] = i + steps < count ? w[i + 1] : NAN;
        for (int32_t k = 2; k <= steps && i + steps < count; k++)
            top[i] = w[i + k] > top[i] ? w[i + k] : top[i];
    }
}

struct forecast_base_span {
    double low, high;
};

static void forecast_base_see(struct forecast_base_span *span, double w, int32_t i)
{
    span->low = i == 0 || w < span->low ? w : span->low;
    span->high = i == 0 || w > span->high ? w : span->high;
}

static double forecast_base_clip(const struct forecast_base_span *span, double w)
{
    return w < span->low ? span->low : w > span->high ? span->high : w;
}

/* ---- simple ones ---- */

static void forecast_base_simple(enum forecast_model model, const struct forecast_base_task *t,
                                 struct forecast_track *ret)
{
    struct forecast_base_span span = { .low = 0.0 };
    double level = t->seen[0], trend = 0.0, mean = t->seen[0];
    int32_t recent = t->steps > FORECAST_BASE_RECENT ? t->steps : FORECAST_BASE_RECENT;

    for (int32_t i = 0; i < t->count; i++) {
        double w = t->seen[i], before = level;

        forecast_base_see(&span, w, i);
        mean += FORECAST_BASE_ALPHA * (w - mean);
        level = FORECAST_BASE_LEVEL * w + (1.0 - FORECAST_BASE_LEVEL) * (level + trend);
        trend += FORECAST_BASE_TREND * (level - before - trend);
        ret->point[i] = w;
        if (model == FORECAST_EWMA)
            ret->point[i] = mean;
        if (model == FORECAST_HOLT)
            ret->point[i] = forecast_base_clip(&span, level + trend * t->steps);
        if (model == FORECAST_LINEAR && i > 0)
            ret->point[i] = forecast_base_clip(&span, w + (w - t->seen[i - 1]) * t->steps);
        if (model == FORECAST_MAX_LAST_N)
            for (int32_t k = i - recent + 1 > 0 ? i - recent + 1 : 0; k < i; k++)
                ret->point[i] = fmax(ret->point[i], t->seen[k]);
        ret->peak[i] = ret->point[i];
    }
}

/* ---- one season ago ---- */

/* The lag of the highest autocorrelation behind its first zero; 0: none is high enough. */
static int32_t forecast_base_period(const double *w, int32_t count, double least)
{
    int32_t best_lag = 0;
    double best = least, mean = 0.0, same = 0.0;
    bool crossed = false;

    for (int32_t i = 0; i < count; i++)
        mean += w[i] / count;
    for (int32_t i = 0; i < count; i++)
        same += (w[i] - mean) * (w[i] - mean) / count;
    for (int32_t lag = 1; lag < count / 2 && same > 0.0; lag++) {
        double with = 0.0, r;

        for (int32_t i = 0; i < count - lag; i++)
            with += (w[i] - mean) * (w[i + lag] - mean);
        r = with / (count - lag) / same;
        crossed = crossed || r < 0.0;
        if (crossed && r > best + FORECAST_BASE_BETTER) {
            best = r;
            best_lag = lag;
        }
    }
    return best_lag;
}

static bool forecast_base_seasonal(const struct forecast_base_task *t, struct forecast_track *ret)
{
    int32_t half = t->count / 2, looked = half < 4000 ? half : 4000;
    int32_t period = forecast_base_period(t->seen + half - looked, looked, FORECAST_BASE_SEASON),
            lag = period;

    if (period == 0)
        return false;
    while (lag < t->steps)
        lag += period;
    for (int32_t i = 0; i < t->count; i++) {
        ret->point[i] = NAN;
        ret->peak[i] = NAN;
        if (i < half || i + t->steps - lag < 0 || i + 1 - lag < 0)
            continue;
        ret->point[i] = t->seen[i + t->steps - lag];
        ret->peak[i] = t->seen[i];
        for (int32_t k = 1; k <= t->steps; k++)
            ret->peak[i] = k == 1 ? t->seen[i + k - lag] : fmax(ret->peak[i], t->seen[i + k - lag]);
    }
    return true;
}

/* Mean of the last cycles at the same phase. */
static void forecast_base_cycles(const struct forecast_base_task *t, int32_t i, int32_t period,
                                 struct forecast_track *ret)
{
    double point = 0.0, peak = 0.0;
    int32_t used = 0;

    for (int32_t n = (t->steps + period - 1) / period;
         used < FORECAST_BASE_PERIODS && i + 1 - n * period >= 0; n++) {
        double high = -INFINITY;

        for (int32_t k = 1; k <= t->steps; k++)
            high = fmax(high, t->seen[i + k - n * period]);
        point += t->seen[i + t->steps - n * period];
        peak += high;
        used++;
    }
    if (used == 0)
        return;
    ret->point[i] = point / used;
    ret->peak[i] = peak / used;
}

static void forecast_base_template(const struct forecast_base_task *t, struct forecast_track *ret)
{
    int32_t period = 0;

    for (int32_t i = 0; i < t->count; i++) {
        int32_t window = i + 1 < FORECAST_BASE_WINDOW ? i + 1 : FORECAST_BASE_WINDOW;

        ret->point[i] = ret->peak[i] = t->seen[i];
        if (i % FORECAST_BASE_EVERY == 0 && window >= 16)
            period = forecast_base_period(t->seen + i + 1 - window, window, FORECAST_BASE_LOCK);
        if (period > 0)
            forecast_base_cycles(t, i, period, ret);
    }
}

/* ---- autoregression ---- */

static void forecast_base_regressor(const double *w, int32_t i, double x[FORECAST_BASE_N])
{
    x[0] = 1.0;
    for (int32_t k = 0; k < FORECAST_BASE_ORDER; k++)
        x[k + 1] = w[i - k >= 0 ? i - k : 0];
}

static double forecast_base_dot(const double *a, const double *b)
{
    double sum = 0.0;

    for (int32_t k = 0; k < FORECAST_BASE_N; k++)
        sum += a[k] * b[k];
    return sum;
}

/* Normal equations with a trace of a ridge, by Gauss elimination with pivots. */
static void forecast_base_solve(double a[FORECAST_BASE_N][FORECAST_BASE_N + 2], double x[2][FORECAST_BASE_N])
{
    const int32_t n = FORECAST_BASE_N;

    for (int32_t c = 0; c < n; c++) {
        int32_t pivot = c;

        for (int32_t r = c + 1; r < n; r++)
            if (fabs(a[r][c]) > fabs(a[pivot][c]))
                pivot = r;
        for (int32_t k = 0; k < n + 2; k++) {
            double keep = a[c][k];

            a[c][k] = a[pivot][k];
            a[pivot][k] = keep;
        }
        for (int32_t r = 0; r < n; r++) {
            double part = r == c || a[c][c] == 0.0 ? 0.0 : a[r][c] / a[c][c];

            for (int32_t k = c; k < n + 2 && part != 0.0; k++)
                a[r][k] -= part * a[c][k];
        }
    }
    for (int32_t c = 0; c < n; c++)
        for (int32_t t = 0; t < 2; t++)
            x[t][c] = a[c][c] != 0.0 ? a[c][n + t] / a[c][c] : 0.0;
}

static void forecast_base_ar(const struct forecast_base_task *t, struct forecast_track *ret)
{
    double a[FORECAST_BASE_N][FORECAST_BASE_N + 2] = { { 0.0 } }, x[FORECAST_BASE_N],
                                                weight[2][FORECAST_BASE_N];
    struct forecast_base_span span = { .low = 0.0 };
    int32_t half = t->count / 2;

    for (int32_t i = 0; i < half; i++)
        forecast_base_see(&span, t->seen[i], i);
    for (int32_t i = FORECAST_BASE_ORDER; i + t->steps < half; i++) {
        double target[2] = { t->seen[i + t->steps], t->top[i] };

        forecast_base_regressor(t->seen, i, x);
        for (int32_t r = 0; r < FORECAST_BASE_N; r++) {
            for (int32_t c = 0; c < FORECAST_BASE_N; c++)
                a[r][c] += x[r] * x[c];
            a[r][FORECAST_BASE_N] += x[r] * target[0];
            a[r][FORECAST_BASE_N + 1] += x[r] * target[1];
        }
    }
    for (int32_t r = 0; r < FORECAST_BASE_N; r++)
        a[r][r] *= 1.0 + 1e-9;
    forecast_base_solve(a, weight);
    for (int32_t i = 0; i < t->count; i++) {
        forecast_base_see(&span, t->seen[i], 1);
        forecast_base_regressor(t->seen, i, x);
        ret->point[i] = i < half ? NAN : forecast_base_clip(&span, forecast_base_dot(weight[0], x));
        ret->peak[i] = i < half ? NAN : forecast_base_clip(&span, forecast_base_dot(weight[1], x));
    }
}

struct forecast_base_rls {
    double weight[2][FORECAST_BASE_N];
    double p[FORECAST_BASE_N][FORECAST_BASE_N];
};

static void forecast_base_rls_learn(struct forecast_base_rls *r, const double *x, const double target[2])
{
    double gain[FORECAST_BASE_N], news = FORECAST_BASE_FORGET;

    for (int32_t i = 0; i < FORECAST_BASE_N; i++) {
        gain[i] = forecast_base_dot(r->p[i], x);
        news += x[i] * gain[i];
    }
    for (int32_t t = 0; t < 2; t++) {
        double miss = (target[t] - forecast_base_dot(r->weight[t], x)) / news;

        for (int32_t i = 0; i < FORECAST_BASE_N; i++)
            r->weight[t][i] += gain[i] * miss;
    }
    for (int32_t i = 0; i < FORECAST_BASE_N; i++)
        for (int32_t j = 0; j <= i; j++) {
            r->p[i][j] = (r->p[i][j] - gain[i] * gain[j] / news) / FORECAST_BASE_FORGET;
            r->p[j][i] = r->p[i][j];
        }
    for (int32_t i = 0; i < FORECAST_BASE_N; i++)
        if (!(r->p[i][i] > 0.0 && r->p[i][i] < 1e6)) { /* wound up: begin again */
            memset(r->p, 0, sizeof r->p);
            for (int32_t k = 0; k < FORECAST_BASE_N; k++)
                r->p[k][k] = 1.0;
            return;
        }
}

/* Samples over the first one's power, so that a kilowatt and a megawatt are one to it. */
static void forecast_base_ar_rls(const struct forecast_base_task *t, struct forecast_track *ret)
{
    struct forecast_base_rls r = { .weight = { { 0.0 } } };
    struct forecast_base_span span = { .low = 0.0 };
    double unit = fabs(t->seen[0]) > 1e-6 ? fabs(t->seen[0]) : 1.0, x[FORECAST_BASE_N];

    for (int32_t k = 0; k < FORECAST_BASE_N; k++)
        r.p[k][k] = 100.0;
    r.weight[0][1] = r.weight[1][1] = 1.0;
    for (int32_t i = 0; i < t->count; i++) {
        int32_t made = i - t->steps;

        forecast_base_see(&span, t->seen[i], i);
        if (made >= 0) {
            double target[2] = { t->seen[i] / unit, t->top[made] / unit };

            forecast_base_regressor(t->seen, made, x);
            for (int32_t k = 1; k < FORECAST_BASE_N; k++)
                x[k] /= unit;
            forecast_base_rls_learn(&r, x, target);
        }
        forecast_base_regressor(t->seen, i, x);
        for (int32_t k = 1; k < FORECAST_BASE_N; k++)
            x[k] /= unit;
        ret->point[i] = forecast_base_clip(&span, unit * forecast_base_dot(r.weight[0], x));
        ret->peak[i] = forecast_base_clip(&span, unit * forecast_base_dot(r.weight[1], x));
    }
}

bool forecast_base_run(enum forecast_model model, const struct forecast_base_task *task,
                       struct forecast_track *ret)
{
    switch (model) {
    case FORECAST_ALWAYS_NO:
    case FORECAST_PERSISTENCE:
    case FORECAST_EWMA:
    case FORECAST_HOLT:
    case FORECAST_LINEAR:
    case FORECAST_MAX_LAST_N:
        forecast_base_simple(model, task, ret);
        break;
    case FORECAST_SEASONAL:
        if (!forecast_base_seasonal(task, ret))
            return false;
        break;
    case FORECAST_AR:
        forecast_base_ar(task, ret);
        break;
    case FORECAST_AR_RLS:
        forecast_base_ar_rls(task, ret);
        break;
    case FORECAST_TEMPLATE:
        forecast_base_template(task, ret);
        break;
    case FORECAST_BUSBAR:
    case FORECAST_MODELS:
        return false;
    }
    for (int32_t i = 0; i < task->count; i++)
        ret->alarm[i] = model != FORECAST_ALWAYS_NO && ret->peak[i] > task->seen[i] + task->event_w;
    forecast_base_bounds(task, ret);
    return true;
}

void forecast_base_bounds(const struct forecast_base_task *t, struct forecast_track *track)
{
    for (int32_t l = 0; l < FORECAST_LEVELS; l++) {
        double miss = 1.0 - forecast_levels[l], margin = 0.0, size = 0.0;
        int32_t learnt = 0;

        for (int32_t i = 0; i < t->count; i++) {
            int32_t made = i - t->steps;

            if (made >= 0 && isfinite(track->peak[made])) {
                double score = t->top[made] - track->peak[made];
                double step = FORECAST_BASE_STEP + 1.0 / (learnt++ + 2);

                size = fmax(size * 0.9995, fabs(score));
                margin += step * size * (score > margin ? 1.0 - miss : -miss);
            }
            track->upper[l][i] = track->peak[i] + margin;
            if (l > 0)
                track->upper[l][i] = fmax(track->upper[l][i], track->upper[l - 1][i]);
        }
    }
}
