/* SPDX-License-Identifier: Apache-2.0 */
/* forecast_series.h: columns of a CSV file as series on a uniform grid.
 *
 * A sample is the mean of the readings in its slot, and the last reading again
 * where there is none: never anything from later than the slot's end.
 */
#ifndef BUSBAR_SIM_FORECAST_SERIES_H
#define BUSBAR_SIM_FORECAST_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/status.h"

#define FORECAST_SERIES_COLUMNS    256
#define FORECAST_SERIES_STEP_MIN_S 1e-3 /* what a forecaster takes */
#define FORECAST_ERROR_MAX         512

struct forecast_source {
    const char *path;
    const char *column; /* "NAME" or "NAME+NAME"                           */
    const char *time;   /* its ending is the unit: _us, _ms or _s          */
    const char *group;  /* a column that tells series apart; NULL: none    */
    bool each;          /* a series a group; else their sum                */
    double resample_s;  /* 0: the median step of the file, at least 1 ms   */
    /* A sensor that gives, every period, the mean of the window before it; both 0:
     * what the file holds is what is seen. */
    double sensor_window_s, sensor_period_s;
    double sensor_age_s; /* of what it gives, when it arrives                        */
};

struct forecast_series {
    char name[32];
    int32_t count;
    double *w;    /* the power: sample i ends at (i + 1) * step_s    */
    double *seen; /* what the sensor last gave; w itself without one */
    bool *fresh;  /* it has just given it                            */
};

struct forecast_set {
    double start_s; /* the file's own clock at the beginning of slot 0 */
    double step_s;
    int32_t count;
    struct forecast_series *series;
};

/* `error`: one line that says what and where. */
NODISCARD enum status forecast_series_load(const struct forecast_source *source, struct forecast_set *ret,
                                           char error[FORECAST_ERROR_MAX]);
void forecast_series_done(struct forecast_set *set);

#endif
