/* SPDX-License-Identifier: Apache-2.0 */
/* forecast_base.h: the forecasts that ours is held against. They share nothing
 * with src/core, and a test looks at their symbols.
 */
#ifndef BUSBAR_SIM_FORECAST_BASE_H
#define BUSBAR_SIM_FORECAST_BASE_H

#include <stdbool.h>
#include <stdint.h>

enum forecast_model {
    FORECAST_BUSBAR,
    FORECAST_ALWAYS_NO,
    FORECAST_PERSISTENCE,
    FORECAST_EWMA,
    FORECAST_HOLT,
    FORECAST_LINEAR,
    FORECAST_MAX_LAST_N,
    FORECAST_SEASONAL,
    FORECAST_AR,
    FORECAST_AR_RLS,
    FORECAST_TEMPLATE,
    FORECAST_MODELS
};
const char *forecast_model_name(enum forecast_model model);

#define FORECAST_LEVELS 3
extern const double forecast_levels[FORECAST_LEVELS];

/* What one model said of one horizon, sample by sample; NAN: it says nothing. */
struct forecast_track {
    double *point, *peak, *upper[FORECAST_LEVELS];
    signed char *alarm;
};

struct forecast_base_task {
    const double *seen;   /* what the models see                             */
    const double *top;    /* of it, the highest of the samples after i until the horizon */
    int32_t count, steps; /* samples; of the horizon                         */
    double event_w;
};

/* Fitted on the first half, so only to be judged on the second. */
bool forecast_base_fitted(enum forecast_model model);

/* False: there is no such forecast of this series (no season). */
bool forecast_base_run(enum forecast_model model, const struct forecast_base_task *task,
                       struct forecast_track *ret);

/* Fills `top` from the samples: to count - steps - 1; NAN behind. */
void forecast_base_top(const double *w, int32_t count, int32_t steps, double *top);

/* Bounds of a track whose peak is filled, by adaptive conformal margins. */
void forecast_base_bounds(const struct forecast_base_task *task, struct forecast_track *track);

#endif
