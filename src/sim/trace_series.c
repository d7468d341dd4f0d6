/* SPDX-License-Identifier: Apache-2.0 */
/* trace_series.c: a growing list of samples. Any thread, one struct each. */
#include "trace_series.h"

#include <stdlib.h>

enum status trace_series_add(struct trace_series *series, double t_s, double w)
{
    if (series->count == series->room) {
        int32_t room = series->room > 0 ? series->room * 2 : 256;
        double *times = realloc(series->t_s, (size_t)room * sizeof times[0]);
        double *watts;

        if (!times)
            return ST_NOMEM;
        series->t_s = times;
        watts = realloc(series->w, (size_t)room * sizeof watts[0]);
        if (!watts)
            return ST_NOMEM;
        series->w = watts;
        series->room = room;
    }
    series->t_s[series->count] = t_s;
    series->w[series->count++] = w;
    return ST_OK;
}

void trace_series_done(struct trace_series *series)
{
    free(series->t_s);
    free(series->w);
    series->t_s = series->w = NULL;
    series->count = series->room = 0;
}
