/* SPDX-License-Identifier: Apache-2.0 */
/* forecast_events.h: a job's own log as hints: `t_s,event[,value]` on the trace's clock. */
#ifndef BUSBAR_SIM_FORECAST_EVENTS_H
#define BUSBAR_SIM_FORECAST_EVENTS_H

#include <stdint.h>

#include "busbar/fc.h"
#include "busbar/status.h"
#include "forecast_series.h"

struct forecast_event {
    double at_s;
    enum fc_mark mark;
    double value;
};

struct forecast_events {
    int32_t count; /* of those that are known, in the order of time */
    struct forecast_event *event;
};

/* Events whose name is none of forecast_events_names() are passed over.
 * `error`: one line that says what and where. */
NODISCARD enum status forecast_events_load(const char *path, struct forecast_events *ret,
                                           char error[FORECAST_ERROR_MAX]);
void forecast_events_done(struct forecast_events *events);

/* "step, part, stop, ..." */
const char *forecast_events_names(void);

#endif
