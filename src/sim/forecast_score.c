/* SPDX-License-Identifier: Apache-2.0 */
/* forecast_score.c: errors, bounds and alarms of one model at one horizon. */
#include "forecast_score.h"

#include <math.h>
#include <stdlib.h>

#define FORECAST_SCORE_WORST_S 10.0

static int forecast_score_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

double forecast_score_base_rate(const struct forecast_judge *j, int32_t *ret_samples)
{
    int32_t events = 0, samples = 0;

    for (int32_t i = j->first; i + j->steps < j->last; i++) {
        samples++;
        events += j->top[i] > j->truth[i] + j->event_w;
    }
    *ret_samples = samples;
    return samples ? (double)events / samples : NAN;
}

int32_t forecast_score_unseen(const struct forecast_judge *j)
{
    double highest = -INFINITY;
    int32_t unseen = 0, at = 0;

    for (int32_t i = j->first; i + j->steps < j->last; i++) {
        for (; at <= i; at++)
            highest = fmax(highest, j->seen[at]);
        unseen += j->top[i] > highest + j->event_w;
    }
    return unseen;
}

static void forecast_score_point(const struct forecast_judge *j, const struct forecast_track *t,
                                 struct forecast_score *s)
{
    double sum = 0.0;
    int32_t n = 0;

    for (int32_t i = j->first; i + j->steps < j->last; i++) {
        if (!isfinite(t->point[i]))
            continue;
        sum += fabs(j->truth[i + j->steps] - t->point[i]);
        j->scratch[n++] = j->truth[i + j->steps] - t->point[i];
    }
    s->samples = n;
    if (n == 0)
        return;
    qsort(j->scratch, (size_t)n, sizeof j->scratch[0], forecast_score_order);
    s->mae = sum / n;
    s->mae_range_pct = 100.0 * s->mae / j->range;
    s->u99_range_pct = 100.0 * j->scratch[(int32_t)(0.99 * (n - 1))] / j->range;
}

static void forecast_score_level(const struct forecast_judge *j, const struct forecast_track *t, int32_t l,
                                 struct forecast_score *s)
{
    int32_t window = (int32_t)(FORECAST_SCORE_WORST_S / j->step_s), n = 0, held = 0, recent = 0;
    double miss = 1.0 - forecast_levels[l], loss = 0.0, margin = 0.0, worst = 1.0;

    if (window < 1)
        window = 1;
    for (int32_t i = j->first; i + j->steps < j->last; i++) {
        double over, top;

        if (!isfinite(t->upper[l][i]))
            continue;
        top = j->top[i];
        over = top - t->upper[l][i];
        loss += over > 0.0 ? (1.0 - miss) * over : -miss * over;
        margin += t->upper[l][i] - j->truth[i];
        j->scratch[n++] = over;
        held += over <= 0.0;
        recent += over <= 0.0;
        if (n > window)
            recent -= j->scratch[n - 1 - window] <= 0.0;
        if (n >= window && (double)recent / window < worst)
            worst = (double)recent / window;
    }
    s->missed[l] = n - held;
    s->coverage[l] = n ? (double)held / n : NAN;
    s->pinball[l] = n ? loss / n / j->range : NAN;
    if (l != 1 || n == 0)
        return;
    s->coverage_worst_10s = n >= window ? worst : s->coverage[l];
    s->margin = margin / n / j->range;
    qsort(j->scratch, (size_t)n, sizeof j->scratch[0], forecast_score_order);
    s->margin_equal = s->margin + j->scratch[(int32_t)ceil(0.99 * n) - 1] / j->range;
}

/* An episode: samples in a row of which each has an event ahead. Its lead is from
 * the first alarm to the moment that the power stands above what it was then. */
static void forecast_score_events(const struct forecast_judge *j, const struct forecast_track *t,
                                  struct forecast_score *s)
{
    int32_t hit = 0, miss = 0, wrong = 0, wrong_runs = 0, leads = 0;
    double lead_s = 0.0;
    bool in_event = false, led = false, run_right = false, before = false;

    for (int32_t i = j->first; i + j->steps < j->last; i++) {
        bool event, alarm = t->alarm[i];

        if (!isfinite(t->point[i]))
            continue;
        event = j->top[i] > j->truth[i] + j->event_w;
        hit += event && alarm;
        miss += event && !alarm;
        wrong += !event && alarm;
        if (event && !in_event)
            led = false;
        in_event = event;
        if (event && alarm && !led) {
            int32_t k = 1;

            while (j->truth[i + k] <= j->truth[i] + j->event_w)
                k++;
            lead_s += k * j->step_s;
            leads++;
            led = true;
        }
        if (alarm) {
            run_right = (before && run_right) || event;
        } else if (before && !run_right) {
            wrong_runs++;
        }
        before = alarm;
    }
    wrong_runs += before && !run_right;
    s->precision = hit + wrong ? (double)hit / (hit + wrong) : NAN;
    s->recall = hit + miss ? (double)hit / (hit + miss) : NAN;
    s->f1 = hit + miss + wrong ? 2.0 * hit / (2.0 * hit + miss + wrong) : NAN;
    s->lead_ms = leads ? 1000.0 * lead_s / leads : NAN;
    s->false_alarms_per_h = s->samples ? wrong_runs / (s->samples * j->step_s / 3600.0) : NAN;
}

void forecast_score(const struct forecast_judge *j, const struct forecast_track *t,
                    const struct forecast_score *persistence, struct forecast_score *s)
{
    *s = (struct forecast_score){ .mae = NAN, .mae_range_pct = NAN, .u99_range_pct = NAN, .skill = NAN };
    forecast_score_point(j, t, s);
    s->there = s->samples > 0;
    s->skill = !persistence ? 0.0 : persistence->mae > 0.0 ? 1.0 - s->mae / persistence->mae : NAN;
    for (int32_t l = 0; l < FORECAST_LEVELS; l++)
        forecast_score_level(j, t, l, s);
    forecast_score_events(j, t, s);
}
