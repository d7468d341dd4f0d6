/* SPDX-License-Identifier: Apache-2.0 */
/* forecast_score.h: what a forecast was worth, on the samples all models share. Pure. */
#ifndef BUSBAR_SIM_FORECAST_SCORE_H
#define BUSBAR_SIM_FORECAST_SCORE_H

#include "forecast_base.h"

struct forecast_score {
    bool there; /* the model says something of this series            */
    int32_t samples;
    double mae, mae_range_pct, u99_range_pct, skill;
    double pinball[FORECAST_LEVELS], coverage[FORECAST_LEVELS], coverage_worst_10s;
    int32_t missed[FORECAST_LEVELS];
    double margin;       /* mean of the 99 % bound less now, share of range    */
    double margin_equal; /* the same, shifted so that exactly 99 % lie under it */
    double precision, recall, f1, lead_ms, false_alarms_per_h;
};

struct forecast_judge {
    const double *seen, *truth;
    const double *top;    /* of `truth`, as forecast_base_top() makes it        */
    int32_t count, steps; /* samples; of the horizon                            */
    int32_t first, last;  /* samples from `first` whose horizon ends before `last` */
    double step_s, range, event_w;
    double *scratch; /* `count` doubles                                    */
};

double forecast_score_base_rate(const struct forecast_judge *judge, int32_t *ret_samples);

/* Samples before a peak that is a spike above all that was ever seen: no bound knows of it
 * that is made from the past alone, and lies no higher than that above it. */
int32_t forecast_score_unseen(const struct forecast_judge *judge);

/* `persistence`: for skill; NULL: 0. */
void forecast_score(const struct forecast_judge *judge, const struct forecast_track *track,
                    const struct forecast_score *persistence, struct forecast_score *ret);

#endif
