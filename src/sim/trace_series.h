/* SPDX-License-Identifier: Apache-2.0 */
/* trace_series.h: one node's samples while they are gathered. For trace*.c. */
#ifndef BUSBAR_SIM_TRACE_SERIES_H
#define BUSBAR_SIM_TRACE_SERIES_H

#include "trace.h"

/* ST_NOMEM or ST_OK. */
NODISCARD enum status trace_series_add(struct trace_series *series, double t_s, double w);
void trace_series_done(struct trace_series *series);

#endif
