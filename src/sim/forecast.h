/* SPDX-License-Identifier: Apache-2.0 */
/* forecast.h: busbarsim forecast: the forecaster and what it is held against, over
 * any recorded trace, each seeing the past alone. Main thread.
 */
#ifndef BUSBAR_SIM_FORECAST_H
#define BUSBAR_SIM_FORECAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "busbar/fc.h"
#include "forecast_events.h"
#include "forecast_score.h"
#include "forecast_series.h"

int forecast_main(int argc, char **argv);

/* ---- forecast_run.c ---- */

struct forecast_study {
    struct forecast_source source;
    enum fc_kind kind;
    int32_t horizon_count;
    double horizon_s[FC_HORIZONS_MAX]; /* rising                                     */
    double event_ratio;                /* of the range                               */
    double event_w;                    /* instead of it; 0: not given                */
    double cap_w;                      /* what the power cannot exceed; 0: not known */
    const char *events_path;           /* NULL: no hints                             */
    double hint_age_s;                 /* later than logged; negative: told ahead    */
    double score_from_s, score_to_s;   /* of the trace; NAN: as the protocol says    */
    int64_t progress_from_us;          /* shown on standard error, if it takes long; 0: not */
};

/* One horizon of one series. */
struct forecast_outcome {
    double horizon_s; /* on the grid: whole samples                 */
    int32_t samples;  /* 0: the series is too short for it          */
    double base_rate;
    int32_t unseen; /* samples before a peak like none before it         */
    struct forecast_score score[FORECAST_MODELS];
    struct forecast_score half[FORECAST_MODELS]; /* second half alone                 */
    double cost_ns[FORECAST_MODELS];             /* one update of all horizons; of this one for the others */
    struct forecast_track track;                 /* ours, for the picture                      */
};

struct forecast_result {
    const struct forecast_series *series;
    double step_s, range, event_w;
    int32_t first; /* sample that is scored                      */
    size_t bytes;  /* of the forecaster                          */
    struct forecast_outcome at[FC_HORIZONS_MAX];
};

/* ST_NOMEM is all that can go wrong. Give *ret to forecast_run_done(). */
NODISCARD enum status forecast_run(const struct forecast_study *study, const struct forecast_set *set,
                                   const struct forecast_series *series, const struct forecast_events *events,
                                   struct forecast_result *ret);
void forecast_run_done(struct forecast_result *result);

/* ---- forecast_report.c, forecast_draw.c ---- */

void forecast_report_text(const struct forecast_study *study, const struct forecast_result *result,
                          int32_t count, FILE *to);
void forecast_report_json(const struct forecast_study *study, const struct forecast_result *result,
                          int32_t count, FILE *to);
void forecast_draw(const struct forecast_study *study, const struct forecast_result *result, FILE *to);

#endif
